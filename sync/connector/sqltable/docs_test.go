package sqltable_test

import (
	"path/filepath"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector/connectortest"
	"github.com/rollcallhq/rollcall/sync/connector/sqltable"
)

// TestDocs checks that the capability tables in docs are what Describe says of the
// worked example.
func TestDocs(t *testing.T) {
	t.Parallel()
	c, err := sqltable.New(options("sqlite:" + filepath.Join(t.TempDir(), "x.db")))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	connectortest.Docs(t, "sql", connectortest.Section{Info: c.Describe()})
}
