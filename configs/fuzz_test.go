package configs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// FuzzParse: whatever the file holds, Parse gives a configuration or mistakes
// with places inside the file, never a panic, and never the secret.
func FuzzParse(f *testing.F) {
	for _, path := range []string{"example.yaml", "production.yaml"} {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	cases, err := filepath.Glob("testdata/mistakes/*.txtar")
	if err != nil || len(cases) == 0 {
		f.Fatal("no seeds")
	}
	for _, path := range cases {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if file.Name == "config.yaml" {
				f.Add(file.Data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		opts := world{}.options("/c/config.yaml")
		opts.Getenv = func(string) (string, bool) { return planted, true }
		c, err := Parse(data, opts)
		if (c == nil) == (err == nil) {
			t.Fatalf("got %v, %v", c, err)
		}
		if err == nil {
			if shown, err := c.Effective(); err != nil || strings.Contains(string(shown), "contacts_secret\": \""+planted) {
				t.Fatalf("got %s, %v", shown, err)
			}
			for i := range c.Flows {
				c.Flows[i].Hash(nil, nil)
			}
			return
		}
		m, ok := errors.AsType[*Mistakes](err)
		if !ok || fault.KindOf(err) != fault.Invalid || len(m.List) == 0 {
			t.Fatalf("got %v", err)
		}
		lines := strings.Count(string(data), "\n") + strings.Count(string(data), "\r") + 2
		for _, one := range m.List {
			if one.Line > lines || one.Line < 0 || one.Line > 0 && one.Column < 1 {
				t.Fatalf("%+v is outside the file", one)
			}
		}
		for _, lang := range []string{"zh", "en"} {
			text := m.Render(lang)
			if !utf8.ValidString(text) || strings.Count(text, "\n") != len(m.List) {
				t.Fatalf("%d mistakes render as %q", len(m.List), text)
			}
			if !strings.Contains(string(data), planted) && strings.Contains(text, planted) {
				t.Fatalf("leaks: %s", text)
			}
		}
	})
}

func FuzzDuration(f *testing.F) {
	for _, seed := range []string{"30d", "1d12h", "90m", "-1h", "36500d", "1h0m0.5s"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		span, ok := parseDuration(text)
		if !ok {
			return
		}
		if span < 0 {
			t.Fatalf("%q is negative: %s", text, span)
		}
		if again, ok := parseDuration(span.String()); !ok || again != span {
			t.Fatalf("%q: %s does not read back", text, span)
		}
	})
}
