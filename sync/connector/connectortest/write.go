package connectortest

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// toWrite are the knobs of every case that writes users.
func toWrite(more ...string) []string {
	return append([]string{"NewUser", "Effects", "Stored"}, more...)
}

func writeCases() []testCase {
	return []testCase{
		{"create a user", toWrite(), createUser},
		{"create in departments", toWrite("SeedDepartment"), createInDepartments},
		{"update a user", toWrite("SeedUser"), updateUser},
		{"update touches nothing else", toWrite("SeedUser", "SeedDepartment"), updateAlone},
		{"move a user", toWrite("SeedUser", "SeedDepartment"), moveUser},
		{"disable and enable", toWrite("SeedUser"), disableEnable},
		{"delete a user", toWrite("SeedUser"), deleteUser},
		{"names", toWrite(), writeNames},
		{"control characters", toWrite("SeedUser"), controlCharacters},
		{"update twice", toWrite("SeedUser"), updateTwice},
		{"create twice", toWrite(), createTwice},
		{"duplicate on create", toWrite("SeedUser"), duplicateCreate},
		{"missing", toWrite(), writeMissing},
		{"operations that are not listed", toWrite("SeedUser"), unlistedOps},
		{"hidden values are never written", toWrite("SeedUser"), hiddenNeverWritten},
	}
}

func createUser(t *testing.T, h *Harness) {
	h.can(t, directory.User, plan.Create)
	w := h.create(person(1))
	key := h.apply(t, w)
	if w.Key.ID != "" && key != w.Key {
		t.Errorf("asked for %s, got %s", w.Key, key)
	}
	if got := h.stored(t, key); got.Name != person(1).Name || !got.Active {
		t.Errorf("the system holds %+v", got)
	}
	h.checkReadBack(t, key, w.After)
}

// checkReadBack reads the object and compares every written attribute that can
// be read.
func (h *Harness) checkReadBack(t *testing.T, key directory.Key, after directory.Attributes) {
	t.Helper()
	seen, err := h.Connector.Lookup(within(t), key.Kind, []directory.ID{key.ID})
	if err != nil || seen[0].Presence != connector.Present {
		t.Fatalf("%s cannot be looked up: %v %+v", key, err, seen)
	}
	for name, want := range after {
		got := seen[0].Object.Attributes[name]
		if name == directory.AttrActive || got.Type() == directory.Unknown {
			continue
		}
		if !got.Equal(want) {
			t.Errorf("%s of %s was written as %q and reads as %q", name, key, want, got)
		}
	}
}

func createInDepartments(t *testing.T, h *Harness) {
	h.can(t, directory.User, plan.Create)
	h.SeedDepartment(Department{ID: "1001", Name: "甲部"})
	b := h.SeedDepartment(Department{ID: "1002", Name: "乙部"})
	key := h.apply(t, h.create(person(1, b)))
	if got := h.stored(t, key).Departments; !slices.Equal(got, []directory.ID{b}) {
		t.Errorf("the user is in %v, want %s", got, b)
	}
	root := h.apply(t, h.create(person(2)))
	if got := h.stored(t, root).Departments; len(got) != 0 {
		t.Errorf("the user is in %v, want the root", got)
	}
}

func updateUser(t *testing.T, h *Harness) {
	h.can(t, directory.User, plan.Update)
	key := userKey(h.SeedUser(person(1)))
	if got := h.apply(t, write(plan.Update, key, directory.Attributes{h.attrName(): directory.TextOf("李四")})); got != key {
		t.Errorf("the update of %s gives the key %s", key, got)
	}
	if got := h.stored(t, key).Name; got != "李四" {
		t.Errorf("the user is called %q", got)
	}
}

// updateAlone checks that what an update does not name stays as it is: a client
// that sends zero values for it would disable people.
func updateAlone(t *testing.T, h *Harness) {
	h.can(t, directory.User, plan.Update)
	d := h.SeedDepartment(Department{ID: "1001", Name: "甲部"})
	key := userKey(h.SeedUser(person(1, d)))
	before, ok := h.readComplete(t).Get(key)
	if !ok {
		t.Fatal("the seeded user was not read")
	}
	h.apply(t, write(plan.Update, key, directory.Attributes{h.attrName(): directory.TextOf("李四")}))
	after, _ := h.readComplete(t).Get(key)
	if after.Active != before.Active {
		t.Errorf("active changed to %v", after.Active)
	}
	for name, v := range before.Attributes {
		got := after.Attributes[name]
		if name == h.attrName() || v.Type() == directory.Unknown && got.Type() == directory.Unknown {
			continue
		}
		if !got.Equal(v) {
			t.Errorf("%s changed from %q to %q", name, v, got)
		}
	}
}

func moveUser(t *testing.T, h *Harness) {
	h.can(t, directory.User, plan.Update)
	a := h.SeedDepartment(Department{ID: "1001", Name: "甲部"})
	b := h.SeedDepartment(Department{ID: "1002", Name: "乙部"})
	key := userKey(h.SeedUser(person(1, a)))
	for _, want := range [][]directory.ID{{b}, nil, {a}} {
		h.apply(t, write(plan.Update, key, directory.Attributes{
			h.attrDepartments(): directory.RefsToKind(directory.Department, want...),
		}))
		if got := h.stored(t, key).Departments; !slices.Equal(got, want) {
			t.Fatalf("moved to %v, want %v", got, want)
		}
	}
}

func disableEnable(t *testing.T, h *Harness) {
	h.can(t, directory.User, plan.Disable, plan.Update)
	key := userKey(h.SeedUser(person(1)))
	name := h.stored(t, key).Name
	h.apply(t, write(plan.Disable, key, nil))
	if h.stored(t, key).Active {
		t.Fatal("the disabled user is active")
	}
	if _, err := h.target(t).Apply(within(t), write(plan.Disable, key, nil)); err != nil {
		t.Fatalf("disable again: %v", err)
	}
	h.apply(t, write(plan.Update, key, directory.Attributes{directory.AttrActive: directory.BoolOf(true)}))
	if got := h.stored(t, key); !got.Active || got.Name != name {
		t.Fatalf("the enabled user is %+v", got)
	}
}

func deleteUser(t *testing.T, h *Harness) {
	h.can(t, directory.User, plan.Delete)
	key, other := userKey(h.SeedUser(person(1))), userKey(h.SeedUser(person(2)))
	h.apply(t, write(plan.Delete, key, nil))
	if _, ok := h.Stored(key); ok {
		t.Error("the deleted user is still there")
	}
	h.stored(t, other)
	before := h.Effects()
	if _, err := h.target(t).Apply(within(t), write(plan.Delete, key, nil)); err != nil {
		t.Errorf("the delete of what is gone already: %v", err)
	}
	if h.Effects() != before {
		t.Error("the second delete had an effect")
	}
}

func writeNames(t *testing.T, h *Harness) {
	h.can(t, directory.User, plan.Create)
	for i, name := range h.allowed(directory.User) {
		u := person(i + 1)
		u.Name = name
		if got := h.stored(t, h.apply(t, h.create(u))).Name; got != name {
			t.Errorf("%q is stored as %q", name, got)
		}
	}
}

// controlCharacters checks that they are cleaned away or refused, and break
// nothing else.
func controlCharacters(t *testing.T, h *Harness) {
	h.can(t, directory.User, plan.Update)
	key := userKey(h.SeedUser(person(1)))
	for _, name := range []string{"张\u0007三", "张\u2028三", "张\n三", "张\u0000三", "张\t三"} {
		old := h.stored(t, key).Name
		_, err := h.target(t).Apply(within(t), write(plan.Update, key, directory.Attributes{h.attrName(): directory.TextOf(name)}))
		got := h.stored(t, key).Name
		if err != nil {
			h.checkFault(t, err, fault.Invalid)
			if got != old {
				t.Errorf("a refused name was stored as %q", got)
			}
			continue
		}
		if got != name && plain(got) != plain(name) {
			t.Errorf("%q is stored as %q", name, got)
		}
	}
}

// plain drops what is not printed.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}

func updateTwice(t *testing.T, h *Harness) {
	h.can(t, directory.User, plan.Update)
	key := userKey(h.SeedUser(person(1)))
	w := write(plan.Update, key, directory.Attributes{h.attrName(): directory.TextOf("李四")})
	h.apply(t, w)
	first := h.stored(t, key)
	if got, err := h.target(t).Apply(within(t), w); err != nil || got != key {
		t.Fatalf("the same update again: %s, %v", got, err)
	}
	if second := h.stored(t, key); second.Name != first.Name || second.Active != first.Active {
		t.Errorf("after the first update %+v, after the second %+v", first, second)
	}
}

// createTwice checks that the same CREATE again makes no second object: it gives
// the first one's key, or says Conflict.
func createTwice(t *testing.T, h *Harness) {
	h.can(t, directory.User, plan.Create)
	w := h.create(person(1))
	key := h.apply(t, w)
	before := h.Effects()
	got, err := h.target(t).Apply(within(t), w)
	if err != nil {
		h.checkFault(t, err, fault.Conflict)
	} else if got != key {
		t.Errorf("the same create gives %s and then %s", key, got)
	}
	if n := h.Effects() - before; n != 0 {
		t.Errorf("the second create had %d effects", n)
	}
	if n := h.readComplete(t).Len(directory.User); n != 1 {
		t.Errorf("%d users after the same create twice", n)
	}
}

// duplicateCreate checks a CREATE of what someone else made before.
func duplicateCreate(t *testing.T, h *Harness) {
	h.can(t, directory.User, plan.Create)
	key := userKey(h.SeedUser(person(1)))
	other := person(1)
	other.Name = "别人"
	w := h.create(other)
	w.Token = tokenOf("another")
	h.refuse(t, w, fault.Conflict)
	if got := h.stored(t, key).Name; got != person(1).Name {
		t.Errorf("the existing user is now called %q", got)
	}
}

func writeMissing(t *testing.T, h *Harness) {
	key := userKey(missingUser)
	info := h.Connector.Describe()
	if info.Can(directory.User, plan.Update) {
		h.refuse(t, write(plan.Update, key, directory.Attributes{h.attrName(): directory.TextOf("李四")}), fault.NotFound)
	}
	if info.Can(directory.User, plan.Disable) {
		h.refuse(t, write(plan.Disable, key, nil), fault.NotFound)
	}
	if info.Can(directory.User, plan.Delete) {
		if _, err := h.target(t).Apply(within(t), write(plan.Delete, key, nil)); err != nil {
			t.Errorf("the delete of a missing user: %v", err)
		}
	}
	if n := h.Effects(); n != 0 {
		t.Errorf("writes to a missing user had %d effects", n)
	}
}

func unlistedOps(t *testing.T, h *Harness) {
	info := h.Connector.Describe()
	key := userKey(h.SeedUser(person(1)))
	for _, op := range []plan.Op{plan.Create, plan.Update, plan.Disable, plan.Delete, plan.Adopt, plan.None} {
		if !info.Can(directory.User, op) {
			h.refuse(t, write(op, key, directory.Attributes{}), fault.Unsupported)
		}
	}
	bad := directory.Attributes{"no_such_attribute": directory.TextOf("x")}
	h.refuse(t, write(plan.Update, key, bad), fault.Unsupported, fault.Invalid)
}

// hiddenNeverWritten checks that an unknown value is no value: writing it would
// put a question mark, or nothing, over the real one.
func hiddenNeverWritten(t *testing.T, h *Harness) {
	h.can(t, directory.User, plan.Update)
	key := userKey(h.SeedUser(person(1)))
	old := h.stored(t, key)
	_, err := h.target(t).Apply(within(t), write(plan.Update, key, directory.Attributes{h.attrName(): directory.Hidden("x")}))
	if err != nil {
		h.checkFault(t, err, fault.Invalid)
	}
	if got := h.stored(t, key); got.Name != old.Name {
		t.Errorf("a hidden value was written: %q", got.Name)
	}
}
