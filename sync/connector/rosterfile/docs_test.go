package rosterfile

import (
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector/connectortest"
)

// TestDocs checks that the capability tables in docs are what Describe says.
func TestDocs(t *testing.T) {
	t.Parallel()
	c := connect(t, "roster.xlsx", newDisk(""), func(o *Options) { o.Disabled = "状态=停用" })
	connectortest.Docs(t, "file", connectortest.Section{Info: c.Describe()})
}
