package feishu_test

import (
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector/connectortest"
	"github.com/rollcallhq/rollcall/sync/connector/feishu"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

// TestDocs checks that the capability tables in docs are what Describe says.
func TestDocs(t *testing.T) {
	t.Parallel()
	info := newTenant(t, func(_ *feishusim.Options, o *feishu.Options) { o.UserIDType = feishu.UserID }).c.Describe()
	for i, a := range info.Attributes {
		if a.Name == "custom.C-1" {
			info.Attributes[i].Name = "custom.<id>"
		}
	}
	connectortest.Docs(t, "feishu", connectortest.Section{Info: info})
}
