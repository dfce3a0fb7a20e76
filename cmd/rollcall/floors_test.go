package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/rollcallhq/rollcall/"

// floors says what each package may import of ours; a name that ends in /*
// stands for every package directly below. docs/architecture.md draws it.
var floors = []struct {
	pkg  string
	from []string
}{
	{"sync/fault", nil},
	{"sync/directory", nil},
	{"sync/shelf", nil},
	{"sync/meter", nil},
	{"sync/meter/scrape", []string{"sync/meter"}},
	{"sync/meter/trail", []string{"sync/fault"}},
	{"sync/matrix", nil},
	{"sync/outage", nil},
	{"sync/dialer", []string{"sync/fault"}},
	{"configs", []string{"sync/fault"}},
	{"sync/feishutoken", []string{"sync/fault"}},
	{"sync/simulator/*", nil},
	{"sync/mapping", []string{"sync/directory", "sync/fault"}},
	{"sync/plan", []string{"sync/directory", "sync/fault", "sync/mapping"}},
	{"sync/run", []string{"sync/directory", "sync/fault", "sync/plan"}},
	{"sync/connector", []string{"sync/directory", "sync/fault", "sync/plan"}},
	{"sync/connector/*", []string{"sync/connector", "sync/directory", "sync/fault", "sync/feishutoken", "sync/plan", "sync/shelf"}},
	{"scripting", []string{"sync/directory", "sync/fault", "sync/plan"}},
	{"scripting/ruletest", []string{"scripting", "sync/directory", "sync/fault", "sync/plan"}},
	{"store", []string{"sync/directory", "sync/fault", "sync/mapping", "sync/plan", "sync/run", "sync/shelf"}},
	{"store/queue", []string{"sync/fault"}},
	{"store/queue/queuetest", []string{"store/queue", "sync/fault"}},
	{"store/storetest", []string{"store", "sync/directory", "sync/engine", "sync/fault", "sync/mapping", "sync/plan", "sync/run", "sync/shelf"}},
	{"store/storetest/certs", nil},
	{"store/storetest/pgtest", []string{"store/storetest/certs"}},
	{"bot", []string{"sync/directory", "sync/fault", "sync/outage", "sync/plan", "sync/run"}},
	{"bot/markdown", []string{"bot"}},
	{"bot/server", []string{"sync/fault", "sync/outage"}},
	{"bot/*", []string{"bot", "bot/markdown", "sync/directory", "sync/fault", "sync/feishutoken", "sync/run"}},
	{"bot/feishubot/longconn", []string{"sync/fault", "sync/feishutoken"}},
	{"sync/engine", []string{"sync/connector", "sync/directory", "sync/fault", "sync/mapping", "sync/plan", "sync/run"}},
	{"cmd/stage", []string{"sync/simulator/*"}},
	{"cmd/rollcall", []string{"*"}},
}

// TestFloors sees that imports go downwards only.
func TestFloors(t *testing.T) {
	t.Parallel()
	seen := 0
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		rel, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		seen++
		for _, spec := range f.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			if ours, ok := strings.CutPrefix(name, module); ok && !mayImport(filepath.ToSlash(rel), ours) {
				t.Errorf("%s may not import %s (%s)", rel, ours, path)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 100 {
		t.Errorf("only %d files seen: the test looks in the wrong place", seen)
	}
}

func mayImport(pkg, imported string) bool {
	for _, f := range floors {
		if matches(f.pkg, pkg) {
			return slices.ContainsFunc(f.from, func(p string) bool { return p == "*" || matches(p, imported) })
		}
	}
	return false
}

// matches tells whether a package is the one named, or directly below a name
// that ends in /*. Exact names stand before patterns in the table.
func matches(pattern, pkg string) bool {
	below, ok := strings.CutSuffix(pattern, "/*")
	if !ok {
		return pattern == pkg
	}
	rest, is := strings.CutPrefix(pkg, below+"/")
	return is && !strings.Contains(rest, "/")
}

// TestFloorsCanFail sees that the check would notice.
func TestFloorsCanFail(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{
		{"sync/engine", "store"},
		{"scripting", "store"},
		{"bot", "sync/engine"},
		{"sync/connector/wecom", "sync/simulator/wecomsim"},
		{"sync/plan", "sync/run"},
		{"store", "bot"},
		{"sync/unknown", "sync/fault"},
	} {
		if mayImport(c[0], c[1]) {
			t.Errorf("%s may import %s", c[0], c[1])
		}
	}
}
