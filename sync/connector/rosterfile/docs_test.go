package rosterfile

import (
	"flag"
	"os"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector/connectortest"
)

var refresh = flag.Bool("update", false, "write the capability tables in docs")

// TestDocs checks that the capability tables in docs are what Describe says.
func TestDocs(t *testing.T) {
	t.Parallel()
	c := connect(t, "roster.xlsx", newDisk(""), func(o *Options) { o.Disabled = "状态=停用" })
	for file, zh := range map[string]bool{"file.md": false, "file.zh-CN.md": true} {
		path := "../../../docs/systems/" + file
		page, err := os.ReadFile(path)
		must(t, err)
		want, ok := connectortest.Insert(string(page), connectortest.Table(c.Describe(), zh))
		switch {
		case !ok:
			t.Errorf("%s has no marks for its table", file)
		case *refresh:
			must(t, os.WriteFile(path, []byte(want), 0o644))
		case want != string(page):
			t.Errorf("the table in %s is out of date: run the test with -update", file)
		}
	}
}
