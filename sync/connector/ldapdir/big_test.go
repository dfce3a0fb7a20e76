package ldapdir_test

import (
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector/ldapdir"
	"github.com/rollcallhq/rollcall/sync/directory"
)

// TestManyPages reads more people than a server's usual limit, by the limits that
// docs/systems/ldap.md tells to set.
func TestManyPages(t *testing.T) {
	t.Parallel()
	server := startSlapd(t, slapdOptions{})
	b := newBench(t, server, func(o *ldapdir.Options) { o.PageSize = 0 })
	const people = 1101
	for i := range people {
		b.seedUser(person(i + 1))
	}
	if n := b.whole().Len(directory.User); n != people {
		t.Errorf("%d people, want %d", n, people)
	}
}
