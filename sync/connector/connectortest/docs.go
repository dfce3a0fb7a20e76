package connectortest

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
)

// The flag stands here once, so that it is there for the tests of every package
// that imports this one.
var update = flag.Bool("update", false, "write the capability tables in docs, and the goldens")

// Update tells whether the tests were asked, by -update, to write what came into
// their goldens.
func Update() bool { return *update }

// Section is one capability table of a system's page.
type Section struct {
	Title string // a heading above the table; "" for the only table of a page
	Info  connector.Info
}

// Docs holds the capability tables in a system's pages, docs/systems/NAME.md and
// NAME.zh-CN.md, against what the system describes; with -update it writes them.
// It is for a package that lies in a folder directly below sync/connector.
func Docs(t *testing.T, name string, sections ...Section) {
	t.Helper()
	for file, w := range map[string]words{name + ".md": english, name + ".zh-CN.md": chinese} {
		var tables strings.Builder
		for _, s := range sections {
			if s.Title != "" {
				tables.WriteString("\n### " + s.Title + "\n")
			}
			tables.WriteString(w.table(s.Info))
		}
		hold(t, filepath.Join("..", "..", "..", "docs", "systems", file), tables.String())
	}
}

func hold(t *testing.T, path, tables string) {
	t.Helper()
	page, err := os.ReadFile(path) //nolint:gosec // a page of our own docs
	if err != nil {
		t.Error(err)
		return
	}
	want, ok := insert(string(page), tables)
	switch {
	case !ok:
		t.Errorf("%s has no marks for its table: %s%s", path, tableBegin, tableEnd)
	case want == string(page):
	case *update:
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil { //nolint:gosec // everybody reads the docs
			t.Error(err)
		}
	default:
		t.Errorf("the table in %s is out of date: run the test with -update", path)
	}
}
