package scimserver_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector/connectortest"
)

var instants = regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+Z`)

// TestTalk holds conversations of providers: requests as they send them, and our
// answers. A line "= name" names the id that was given last.
func TestTalk(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"okta", "entra"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, nil)
			script, err := os.ReadFile("testdata/" + name + ".talk")
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			var ids []string // id, $name, id, $name, …
			last := ""
			for line := range strings.Lines(string(script)) {
				line = strings.TrimRight(line, "\n")
				switch {
				case strings.HasPrefix(line, "< "): // an answer of before
					continue
				case strings.HasPrefix(line, "= "):
					ids = append(ids, last, "$"+line[2:])
				case strings.HasPrefix(line, "> "):
					b.WriteString(line + "\n")
					method, rest, _ := strings.Cut(line[2:], " ")
					at, body, _ := strings.Cut(rest, " ")
					back := make([]string, len(ids))
					for i := 0; i < len(ids); i += 2 {
						back[i], back[i+1] = ids[i+1], ids[i]
					}
					into := strings.NewReplacer(back...)
					r := w.call(t, method, into.Replace(at), into.Replace(body))
					last, _ = r.json["id"].(string)
					answer := instants.ReplaceAllString(strings.TrimSpace(r.Body.String()), "TIME")
					b.WriteString("< " + strings.TrimSpace(strings.Join([]string{r.Result().Status, r.Header().Get("ETag"), answer}, " ")) + "\n")
					continue
				}
				b.WriteString(line + "\n")
			}
			got := b.String()
			if last := strings.NewReplacer(ids...); len(ids) > 0 {
				got = last.Replace(got)
			}
			if connectortest.Update() {
				if err := os.WriteFile("testdata/"+name+".talk", []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != string(script) {
				t.Errorf("the conversation differs (-update writes it); now:\n%s", got)
			}
		})
	}
}
