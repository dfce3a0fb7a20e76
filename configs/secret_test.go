package configs

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

const planted = "pl4nted-s3cret-value"

func TestSecretNeverPrints(t *testing.T) {
	t.Parallel()
	s := NewSecret(planted)
	if s.Reveal() != planted || !s.IsSet() || NewSecret("").IsSet() || (Secret{}).IsSet() {
		t.Fatal("Reveal or IsSet is wrong")
	}
	type holder struct {
		S Secret
		P *Secret
		L []Secret
		M map[string]Secret
		u Secret // fmt asks no method of an unexported field
	}
	h := holder{S: s, P: &s, L: []Secret{s}, M: map[string]Secret{"k": s}, u: s}
	for verb := range strings.SplitSeq("v s q x X d t T p c U b o O e E f F g G w z", " ") {
		for _, flags := range []string{"", "+", "#", "-", " ", "0", "+#", "10", ".3", "#10.3"} {
			format := "%" + flags + verb
			for _, value := range []any{s, &s, h, &h, []any{s, h}} {
				got := fmt.Sprintf(format, value)
				if leaks(got) {
					t.Errorf("%s of %T leaks: %s", format, value, got)
				}
			}
		}
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if got := fmt.Sprintf(format, s); got != stars {
			t.Errorf("%s gives %s, want %s", format, got, stars)
		}
	}
	if err := fmt.Errorf("open %v: %w", s, errors.New("x")); leaks(err.Error()) {
		t.Errorf("an error leaks: %v", err)
	}
}

func TestSecretNeverMarshals(t *testing.T) {
	t.Parallel()
	s := NewSecret(planted)
	value := struct {
		S Secret
		P *Secret
		M map[string]Secret
	}{S: s, P: &s, M: map[string]Secret{"k": s}}
	for name, marshal := range map[string]func() ([]byte, error){
		"json": func() ([]byte, error) { return json.Marshal(value) },
		"yaml": func() ([]byte, error) { return yaml.Marshal(value) },
		"xml":  func() ([]byte, error) { return xml.Marshal(s) },
		"text": s.MarshalText,
		"slog text": func() ([]byte, error) {
			var b bytes.Buffer
			slog.New(slog.NewTextHandler(&b, nil)).Info("x", "s", s, "p", &s, "v", value)
			return b.Bytes(), nil
		},
		"slog json": func() ([]byte, error) {
			var b bytes.Buffer
			slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "s", s, "p", &s, "v", value)
			return b.Bytes(), nil
		},
	} {
		out, err := marshal()
		if err != nil || leaks(string(out)) || !strings.Contains(string(out), stars) {
			t.Errorf("%s: got %s, %v", name, out, err)
		}
	}
}

// TestConfigNeverPrints plants secrets everywhere and prints the whole
// configuration, and the mistakes about wrong ones.
func TestConfigNeverPrints(t *testing.T) {
	t.Parallel()
	c := parseMinimal(t, minimal)
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		for _, value := range []any{c, *c, c.Systems, *c.Systems[1].WeCom} {
			if got := fmt.Sprintf(format, value); strings.Contains(got, "s3cr3t") {
				t.Errorf("%s of %T leaks", format, value)
			}
		}
	}
	wrong := `
record: ${S}
redis: ${S}
data: "${S}"
server: {public_url: "${S}", listen: "${S}"}
systems:
  a: {type: feishu, app_id: "${S}", app_secret: "${S}", base_url: "${S}"}
  b: {type: dingtalk, client_id: "${S}", client_secret: "` + planted + `", api_url: "http://x/?` + planted + `"}
  c: {type: file, path: "${S}", id: x, contents: full}
bots: {feishu: {system: b, receive: callback, encrypt_key: "${S}"}, dingtalk: {system: b, callback_path: "${S}"}}
webhooks: {w: {type: feishu, url: "https://evil.example/${S}", secret: "` + planted + `"}, v: {type: wecom, url: "` + planted + `", secret: "${S}"}}
people: [{name: x, feishu: "${S}", totp: "${S}"}]
rooms: [{name: r, platform: dingtalk, chat_id: "${S}"}]
`
	w := world{env: map[string]string{"S": planted}}
	_, err := Parse([]byte(wrong), w.options("c.yaml"))
	m, ok := errors.AsType[*Mistakes](err)
	if !ok || len(m.List) < 12 {
		t.Fatalf("got %v, want many mistakes", err)
	}
	for _, text := range []string{err.Error(), m.Error(), m.Render("zh"), m.Render("en"), fmt.Sprintf("%+v", m.List), fmt.Sprintf("%#v", *m)} {
		if leaks(text) {
			t.Errorf("leaks: %s", text)
		}
	}
}

// leaks tells whether text holds the planted secret, plain or in hex.
func leaks(text string) bool {
	lower := strings.ToLower(text)
	return strings.Contains(lower, "pl4n") || strings.Contains(lower, "s3cret") || strings.Contains(lower, fmt.Sprintf("%x", "pl4n"))
}
