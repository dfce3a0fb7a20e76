package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestFaultDocs sees that the fault matrix of docs/reliability.md has each row once,
// that both languages name the same tests, and that these tests are there.
func TestFaultDocs(t *testing.T) {
	t.Parallel()
	english, chinese := faultRows(t, "reliability.md"), faultRows(t, "reliability.zh-CN.md")
	for prefix, n := range map[string]int{"S": 13, "G": 13, "P": 15} {
		for i := 1; i <= n; i++ {
			id := fmt.Sprintf("%s%02d", prefix, i)
			names, there := english[id]
			if !there {
				t.Errorf("%s is not in the table", id)
			}
			if !slices.Equal(names, chinese[id]) {
				t.Errorf("%s: %q in English, %q in Chinese", id, names, chinese[id])
			}
			for _, name := range names {
				if !testIsThere(t, name) {
					t.Errorf("%s: there is no test %s", id, name)
				}
			}
		}
	}
	if testIsThere(t, "cmd/rollcall.TestThatIsNotThere") {
		t.Error("the check finds whatever is asked for")
	}
}

var (
	faultRow  = regexp.MustCompile(`(?m)^\| ([SGP]\d\d) \|[^|]*\|([^|]*)\|$`)
	namedTest = regexp.MustCompile("`([a-z/]+\\.Test\\w+)`")
)

// faultRows gives the tests that a document names, by row.
func faultRows(t *testing.T, file string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", file))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for _, m := range faultRow.FindAllStringSubmatch(string(text), -1) {
		if _, twice := out[m[1]]; twice {
			t.Errorf("%s: %s is there twice", file, m[1])
		}
		out[m[1]] = []string{}
		for _, name := range namedTest.FindAllStringSubmatch(m[2], -1) {
			out[m[1]] = append(out[m[1]], name[1])
		}
		if empty := strings.Contains(m[2], "not yet") || strings.Contains(m[2], "还没有"); empty != (len(out[m[1]]) == 0) {
			t.Errorf("%s: %s names tests or says that there is none yet: %q", file, m[1], m[2])
		}
	}
	return out
}

// testIsThere looks for "folder.TestName".
func testIsThere(t *testing.T, name string) bool {
	t.Helper()
	folder, test, _ := strings.Cut(name, ".")
	files, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(folder), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(files, func(file string) bool {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(string(text), "\nfunc "+test+"(")
	})
}
