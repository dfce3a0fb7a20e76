package ldapdir_test

import (
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector/connectortest"
	"github.com/rollcallhq/rollcall/sync/connector/ldapdir"
)

// TestDocs checks that the capability tables in docs are what Describe says, for
// each dialect.
func TestDocs(t *testing.T) {
	t.Parallel()
	var sections []connectortest.Section
	for _, d := range []struct{ title, dialect, disabled string }{
		{"Active Directory", ldapdir.AD, ""}, {"OpenLDAP", ldapdir.OpenLDAP, "employeeType=disabled"},
	} {
		c, err := ldapdir.New(ldapdir.Options{
			URL: "ldaps://dc1.corp.example", BindDN: "a", BindPassword: "b", BaseDN: "dc=corp", Dialect: d.dialect, Disabled: d.disabled, Now: time.Now,
		})
		if err != nil {
			t.Fatal(err)
		}
		sections = append(sections, connectortest.Section{Title: d.title, Info: c.Describe()})
	}
	connectortest.Docs(t, "ldap", sections...)
}
