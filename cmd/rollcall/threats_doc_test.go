package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// threatIDs are the threats that docs/security.md answers.
func threatIDs() []string {
	var all []string
	for _, span := range [][2]int{{1, 16}, {20, 40}, {50, 56}, {65, 73}, {80, 85}, {90, 92}, {95, 95}, {100, 108}, {110, 111}, {120, 124}} {
		for i := span[0]; i <= span[1]; i++ {
			all = append(all, fmt.Sprintf("T%02d", i))
		}
	}
	return all
}

// sources calls a function with every Go file of ours.
func sources(t *testing.T, each func(path string, f *ast.File, fset *token.FileSet)) {
	t.Helper()
	root := filepath.Join("..", "..")
	n := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") {
			return err
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, path, nil, 0)
		if err != nil {
			return err
		}
		n++
		rel, err := filepath.Rel(root, path)
		each(filepath.ToSlash(rel), f, fset)
		return err
	})
	if err != nil || n < 500 {
		t.Fatalf("%d files: %v", n, err)
	}
}

// TestThreatsHaveTests holds the tables of docs/security.md against the source:
// each threat has its row in both languages, with the same tests; each test that
// is named there exists; and each test that has a threat's number in its name
// stands in that threat's row.
func TestThreatsHaveTests(t *testing.T) {
	t.Parallel()
	have := map[string]bool{}
	sources(t, func(path string, f *ast.File, _ *token.FileSet) {
		if !strings.HasSuffix(path, "_test.go") {
			return
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
				have[fn.Name.Name] = true
			}
		}
	})
	row := regexp.MustCompile(`(?m)^\| ([TA]\d+) \|.*\|([^|]*)\|$`)
	name := regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9_]+)`")
	rows := map[string]map[string][]string{}
	for _, page := range []string{"security.md", "security.zh-CN.md"} {
		raw, err := os.ReadFile(filepath.Join("..", "..", "docs", page))
		if err != nil {
			t.Fatal(err)
		}
		named := name.FindAllStringSubmatch(string(raw), -1)
		if len(named) < 150 {
			t.Errorf("%s names %d tests only", page, len(named))
		}
		for _, m := range named {
			if !have[m[1]] {
				t.Errorf("%s names %s, which is not there", page, m[1])
			}
		}
		rows[page] = map[string][]string{}
		for _, m := range row.FindAllStringSubmatch(string(raw), -1) {
			if _, twice := rows[page][m[1]]; twice {
				t.Errorf("%s has %s twice", page, m[1])
			}
			rows[page][m[1]] = []string{}
			for _, n := range name.FindAllStringSubmatch(m[2], -1) {
				rows[page][m[1]] = append(rows[page][m[1]], n[1])
			}
		}
		for _, id := range threatIDs() {
			if _, ok := rows[page][id]; !ok {
				t.Errorf("%s has no row for %s", page, id)
			}
		}
	}
	for id, tests := range rows["security.md"] {
		if other := rows["security.zh-CN.md"][id]; !slices.Equal(tests, other) {
			t.Errorf("%s: %v in English, %v in Chinese", id, tests, other)
		}
	}
	numbered := regexp.MustCompile(`^(?:Test|Fuzz)((?:T\d{2,3}_)+)`)
	for fn := range have {
		m := numbered.FindStringSubmatch(fn)
		if m == nil {
			continue
		}
		for id := range strings.SplitSeq(strings.TrimSuffix(m[1], "_"), "_") {
			if !slices.Contains(rows["security.md"][id], fn) {
				t.Errorf("%s is not in the row of %s", fn, id)
			}
		}
	}
}

// TestT85_EnginesStayInTheChild: regular expressions that go back, and goja, are
// imported by the rules’ package alone, whose children run them.
func TestT85_EnginesStayInTheChild(t *testing.T) {
	t.Parallel()
	seen := 0
	sources(t, func(path string, f *ast.File, _ *token.FileSet) {
		for _, spec := range f.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil || !strings.Contains(name, "regexp2") && !strings.Contains(name, "dop251/goja") {
				continue
			}
			seen++
			if !strings.HasPrefix(path, "scripting/") {
				t.Errorf("%s imports %s", path, name)
			}
		}
		for _, spec := range f.Imports {
			if !strings.HasSuffix(path, "_test.go") && (spec.Path.Value == `"net/http/pprof"` || spec.Path.Value == `"expvar"`) {
				t.Errorf("%s imports %s", path, spec.Path.Value)
			}
		}
	})
	if seen == 0 {
		t.Error("nobody imports goja: the test looks in the wrong place")
	}
}
