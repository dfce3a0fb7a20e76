package ruletest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/scripting"
)

// TestShippedRules: each rule that is shipped has a test that passes and runs every
// line.
func TestShippedRules(t *testing.T) {
	t.Parallel()
	rules, err := filepath.Glob("../../configs/rules/*.js")
	if err != nil || len(rules) == 0 {
		t.Fatalf("no rules: %v", err)
	}
	for _, path := range rules {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			source, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			test := strings.TrimSuffix(path, ".js") + ".test.yaml"
			text, err := os.ReadFile(test)
			if err != nil {
				t.Fatal(err)
			}
			s, err := Load(test, text)
			if err != nil {
				t.Fatal(err)
			}
			report := ranSuite(t, s, string(source))
			if report.Failed == 0 && report.Passed > 0 && report.Coverage.Permille() == 1000 {
				return
			}
			var b strings.Builder
			if err := report.Write(&b, Style{Rule: scripting.File{Path: path, Source: source}}); err != nil {
				t.Fatal(err)
			}
			t.Errorf("\n%s", b.String())
		})
	}
}
