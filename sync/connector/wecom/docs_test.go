package wecom_test

import (
	"flag"
	"os"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector/connectortest"
	"github.com/rollcallhq/rollcall/sync/connector/wecom"
)

var update = flag.Bool("update", false, "write the capability tables in docs")

// TestDocs checks that the capability tables in docs are what Describe says.
func TestDocs(t *testing.T) {
	t.Parallel()
	o := options("")
	o.ExtAttrs = []string{"<name>"}
	c, err := wecom.New(o)
	if err != nil {
		t.Fatal(err)
	}
	for file, zh := range map[string]bool{"wecom.md": false, "wecom.zh-CN.md": true} {
		path := "../../../docs/systems/" + file
		page, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want, ok := connectortest.Insert(string(page), connectortest.Table(c.Describe(), zh))
		switch {
		case !ok:
			t.Errorf("%s has no marks for its table", file)
		case *update:
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		case want != string(page):
			t.Errorf("the table in %s is out of date: run the test with -update", file)
		}
	}
}
