package ldapdir_test

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector/connectortest"
	"github.com/rollcallhq/rollcall/sync/connector/ldapdir"
)

var update = flag.Bool("update", false, "write the capability tables in docs")

// TestDocs checks that the capability tables in docs are what Describe says, for
// each dialect.
func TestDocs(t *testing.T) {
	t.Parallel()
	tables := func(zh bool) string {
		var text string
		for _, d := range []struct{ title, dialect, disabled string }{
			{"Active Directory", ldapdir.AD, ""}, {"OpenLDAP", ldapdir.OpenLDAP, "employeeType=disabled"},
		} {
			c, err := ldapdir.New(ldapdir.Options{
				URL: "ldaps://dc1.corp.example", BindDN: "a", BindPassword: "b", BaseDN: "dc=corp", Dialect: d.dialect, Disabled: d.disabled, Now: time.Now,
			})
			if err != nil {
				t.Fatal(err)
			}
			text += "\n### " + d.title + "\n" + connectortest.Table(c.Describe(), zh)
		}
		return text
	}
	for file, zh := range map[string]bool{"ldap.md": false, "ldap.zh-CN.md": true} {
		path := "../../../docs/systems/" + file
		page, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want, ok := connectortest.Insert(string(page), tables(zh))
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
