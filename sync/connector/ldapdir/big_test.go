package ldapdir_test

import (
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
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
	s := b.whole()
	if n := s.Len(directory.User); n != people {
		t.Errorf("%d people, want %d", n, people)
	}
	// Many are asked for fifty at a time, with two searches each.
	var ids []directory.ID
	for o := range s.All(directory.User) {
		if ids = append(ids, o.ID); len(ids) == 120 {
			break
		}
	}
	before, _, _ := b.count()
	seen, err := b.conn.Lookup(t.Context(), directory.User, ids)
	if err != nil || len(seen) != len(ids) {
		t.Fatalf("%d sightings, %v", len(seen), err)
	}
	for i, one := range seen {
		if one.Presence != connector.Present || one.Object.ID != ids[i] {
			t.Errorf("place %d: %+v", i, one)
		}
	}
	if after, _, _ := b.count(); after-before != 6 {
		t.Errorf("%d calls for 120 people, want 6", after-before)
	}
}
