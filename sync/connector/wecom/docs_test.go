package wecom_test

import (
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector/connectortest"
	"github.com/rollcallhq/rollcall/sync/connector/wecom"
)

// TestDocs checks that the capability tables in docs are what Describe says.
func TestDocs(t *testing.T) {
	t.Parallel()
	o := options("")
	o.ExtAttrs = []string{"<name>"}
	c, err := wecom.New(o)
	if err != nil {
		t.Fatal(err)
	}
	connectortest.Docs(t, "wecom", connectortest.Section{Info: c.Describe()})
}
