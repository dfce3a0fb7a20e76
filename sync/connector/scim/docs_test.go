package scim_test

import (
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
	connectortest.Docs(t, "scim", connectortest.Section{Info: c.Describe()})
}
