package connectortest

import (
	"slices"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
)

func containsText(s, part string) bool { return strings.Contains(s, part) }

func lookupCases() []testCase {
	return []testCase{
		{"present and gone users", []string{"SeedUser"}, lookupUsers},
		{"present and gone departments", []string{"SeedDepartment"}, lookupDepartments},
		{"nobody asked for", nil, lookupNobody},
		{"many", []string{"SeedUser"}, lookupMany},
		{"out of sight", []string{"SeedUser", "HideObject"}, lookupHidden},
		{"equals the listing", []string{"SeedUser"}, lookupEqualsRead},
		{"departments equal the listing", []string{"SeedDepartment", "SeedUser"}, lookupDepartmentsEqualRead},
	}
}

// missingUser and missingDepartment are ids in the systems' usual forms that no
// system has.
const (
	missingUser       = "u99999"
	missingDepartment = "99999"
)

func lookupUsers(t *testing.T, h *Harness) {
	ids := h.seedUsers(2)
	h.checkLookup(t, directory.User, []directory.ID{ids[1], missingUser, ids[0]})
}

func lookupDepartments(t *testing.T, h *Harness) {
	a := h.SeedDepartment(Department{ID: "6001", Name: "甲部"})
	b := h.SeedDepartment(Department{ID: "6002", Name: "乙部", Parent: a})
	h.checkLookup(t, directory.Department, []directory.ID{b, missingDepartment, a})
}

// checkLookup asks for three objects, the second of which is not there.
func (h *Harness) checkLookup(t *testing.T, kind directory.Kind, ids []directory.ID) {
	t.Helper()
	seen, err := h.Connector.Lookup(within(t), kind, ids)
	if err != nil || len(seen) != len(ids) {
		t.Fatalf("%d sightings and error %v, want %d", len(seen), err, len(ids))
	}
	for i, s := range seen {
		if i == 1 {
			if s.Presence != connector.Gone {
				t.Errorf("a missing %s has presence %d (%s), want Gone", kind, s.Presence, s.Why)
			}
			continue
		}
		if s.Presence != connector.Present || s.Object.Key != (directory.Key{Kind: kind, ID: ids[i]}) {
			t.Errorf("%s %s has presence %d and key %s (%s)", kind, ids[i], s.Presence, s.Object.Key, s.Why)
		}
	}
}

func lookupNobody(t *testing.T, h *Harness) {
	seen, err := h.Connector.Lookup(within(t), directory.User, nil)
	if err != nil || len(seen) != 0 {
		t.Errorf("no id asked for: %v, %v", seen, err)
	}
}

func lookupMany(t *testing.T, h *Harness) {
	ids := h.seedUsers(2*h.Page + 1)
	slices.Reverse(ids)
	seen, err := h.Connector.Lookup(within(t), directory.User, ids)
	if err != nil || len(seen) != len(ids) {
		t.Fatalf("%d sightings and error %v, want %d", len(seen), err, len(ids))
	}
	for i, s := range seen {
		if s.Presence != connector.Present || s.Object.ID != ids[i] {
			t.Errorf("place %d: presence %d of %s, want %s", i, s.Presence, s.Object.ID, ids[i])
		}
	}
}

// lookupHidden checks the sentence that matters most: what we may not see is
// not gone. A listing that lacks it proves nothing.
func lookupHidden(t *testing.T, h *Harness) {
	id := h.SeedUser(person(1))
	h.SeedUser(person(2))
	h.HideObject(userKey(id))
	seen, err := h.Connector.Lookup(within(t), directory.User, []directory.ID{id})
	if err == nil && seen[0].Presence == connector.Gone {
		t.Error("an object that we may not see is called gone")
	}
	if err == nil && seen[0].Presence == connector.Unsure {
		h.checkText(t, seen[0].Why)
	}
	s, err := h.Connector.Read(within(t))
	if err == nil && s.Complete() && !s.Has(userKey(id)) {
		t.Error("a listing without the hidden object passes for complete")
	}
}

// lookupEqualsRead checks that both ways to an object tell the same, so that a
// change planned from the one is not refused for the other.
func lookupEqualsRead(t *testing.T, h *Harness) {
	ids := h.seedUsers(2)
	s := h.readComplete(t)
	seen, err := h.Connector.Lookup(within(t), directory.User, ids)
	if err != nil {
		t.Fatal(err)
	}
	for i, sighting := range seen {
		o, ok := s.Get(userKey(ids[i]))
		if !ok || sighting.Presence != connector.Present {
			t.Fatalf("%s: read %v, presence %d", ids[i], ok, sighting.Presence)
		}
		if o.Digest() != sighting.Object.Digest() {
			t.Errorf("%s: read %v, looked up %v", ids[i], o, sighting.Object)
		}
	}
}

// lookupDepartmentsEqualRead is the same for departments: who is taken away by a rule
// that looked at one is not, unless that department is still what the listing showed.
func lookupDepartmentsEqualRead(t *testing.T, h *Harness) {
	top := h.SeedDepartment(Department{ID: "6001", Name: "甲部"})
	below := h.SeedDepartment(Department{ID: "6002", Name: "乙部", Parent: top})
	h.seedUsers(2)
	s := h.readComplete(t)
	for _, ids := range [][]directory.ID{{top}, {below}, {below, top}} {
		seen, err := h.Connector.Lookup(within(t), directory.Department, ids)
		if err != nil || len(seen) != len(ids) {
			t.Fatalf("%d sightings and error %v, want %d", len(seen), err, len(ids))
		}
		for i, sighting := range seen {
			o, ok := s.Get(departmentKey(ids[i]))
			if !ok || sighting.Presence != connector.Present {
				t.Fatalf("%s: read %v, presence %d (%s)", ids[i], ok, sighting.Presence, sighting.Why)
			}
			if o.Digest() != sighting.Object.Digest() {
				t.Errorf("%s: read %v, looked up %v", ids[i], o, sighting.Object)
			}
		}
	}
}
