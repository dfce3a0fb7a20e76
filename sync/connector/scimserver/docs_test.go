package scimserver_test

import (
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector/connectortest"
)

// TestDocs checks that the capability tables in docs are what Describe says.
func TestDocs(t *testing.T) {
	t.Parallel()
	connectortest.Docs(t, "scim-server", connectortest.Section{Info: open(t, nil).Describe()})
}
