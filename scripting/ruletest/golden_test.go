package ruletest

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rollcallhq/rollcall/scripting"
	"github.com/rollcallhq/rollcall/sync/fault"
)

var update = flag.Bool("update", false, "write the reports that came into testdata")

// TestGolden runs the rule and the test of each file of testdata, and compares what
// people read, in both languages.
func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			sections := map[string]string{}
			for _, f := range archive.Files {
				sections[f.Name] = string(f.Data)
			}
			rule := scripting.File{Name: "users.js", Source: []byte(sections["users.js"])}
			_, quiet := sections["quiet"]
			for _, lang := range []string{"en", "zh"} {
				got := told(t, sections["users.test.yaml"], Style{Lang: lang, Rule: rule, Quiet: quiet})
				if got == sections[lang] {
					continue
				}
				if !*update {
					t.Errorf("%s: got\n%s\nwant\n%s", lang, got, sections[lang])
					continue
				}
				for i := range archive.Files {
					if archive.Files[i].Name == lang {
						archive.Files[i].Data = []byte(got)
					}
				}
			}
			if *update {
				if err := os.WriteFile(path, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// told gives what somebody who runs a test reads.
func told(t *testing.T, text string, style Style) string {
	t.Helper()
	s, err := Load("users.test.yaml", []byte(text))
	if err != nil {
		return fault.In(fault.Say(err), style.Lang) + "\n"
	}
	h, err := hostOf(t, s, style.Rule)
	if err != nil {
		return fault.In(fault.Say(err), style.Lang) + "\n"
	}
	report, err := s.Run(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := report.Write(&b, style); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
