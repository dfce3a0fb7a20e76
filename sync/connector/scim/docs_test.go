package scim_test

import (
	"os"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector/connectortest"
	"github.com/rollcallhq/rollcall/sync/connector/scim"
	"github.com/rollcallhq/rollcall/sync/directory"
)

// TestDocs checks that the capability tables in docs are what Describe says.
func TestDocs(t *testing.T) {
	t.Parallel()
	o := options("https://app.example.com/scim/v2")
	o.Departments = scim.Extension
	o.Attributes = []scim.Attribute{{Name: "<attributes>", Path: "title", Type: directory.Text}}
	c, err := scim.New(o)
	if err != nil {
		t.Fatal(err)
	}
	for file, zh := range map[string]bool{"scim.md": false, "scim.zh-CN.md": true} {
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
