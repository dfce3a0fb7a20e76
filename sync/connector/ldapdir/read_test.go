package ldapdir_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/connectortest"
	"github.com/rollcallhq/rollcall/sync/connector/ldapdir"
	"github.com/rollcallhq/rollcall/sync/directory"
)

func person(i int, in ...directory.ID) connectortest.User {
	return connectortest.User{
		ID: fmt.Sprintf("u%03d", i), Name: fmt.Sprintf("员工%d", i), Mobile: fmt.Sprintf("138%08d", i),
		Email: fmt.Sprintf("u%03d@corp.example", i), Title: "工程师", Departments: in,
	}
}

// hide takes a right away below a DN.
func (b *bench) hide(what string) {
	b.t.Helper()
	if err := b.server.access("to " + what + fmt.Sprintf(" by dn.exact=%q write by * none", rootDN)); err != nil {
		b.t.Fatal(err)
	}
}

// partial reads what must be incomplete for a reason.
func (b *bench) partial(part string) *directory.Snapshot {
	b.t.Helper()
	s := b.readAll()
	if s.Complete() || !strings.Contains(s.Health.PartialFor, part) {
		b.t.Fatalf("complete %v: %q, want %q", s.Complete(), s.Health.PartialFor, part)
	}
	return s
}

// TestHidden takes rights away from a real server's account.
func TestHidden(t *testing.T) {
	t.Parallel()
	server := startSlapd(t, slapdOptions{})
	t.Run("one attribute in one unit", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, server)
		secret := b.seedDepartment(connectortest.Department{Name: "高管"})
		open := b.seedDepartment(connectortest.Department{Name: "研发"})
		u := person(1, secret)
		boss := b.seedUser(u)
		dev := b.seedUser(person(2, open))
		if err := server.modify(b.dnOf(dev), "mobile"); err != nil {
			t.Fatal(err)
		}
		b.hide(fmt.Sprintf("dn.subtree=%q attrs=mobile", b.dnOf(secret)))
		s := b.whole()
		o, _ := s.Get(userKey(boss))
		if v := o.Attributes["mobile"]; v.Type() != directory.Unknown || !strings.Contains(v.Permission(), "mobile") {
			t.Errorf("the hidden number is %s %q", v.Type(), v)
		}
		if v := o.Attributes["employee_no"]; v.Type() != directory.Text || !v.IsEmpty() {
			t.Errorf("what is empty beside it is %s", v.Type())
		}
		if o, _ = s.Get(userKey(dev)); o.Attributes["mobile"].Type() != directory.Text {
			t.Errorf("a number that is not there is %s", o.Attributes["mobile"].Type())
		}
		b.sameByLookup(s)
	})
	t.Run("the mark of the disabled", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, server)
		id := b.seedUser(person(1))
		b.hide(fmt.Sprintf("dn.subtree=%q attrs=employeeType", b.base))
		o, _ := b.whole().Get(userKey(id))
		if o.Attributes["active"].Type() != directory.Unknown {
			t.Errorf("active is %v", o.Value("active"))
		}
	})
	t.Run("people of a unit", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, server)
		secret := b.seedDepartment(connectortest.Department{Name: "高管"})
		b.seedUser(person(1, secret))
		b.seedUser(person(2))
		b.hide(fmt.Sprintf("dn.children=%q", b.dnOf(secret)))
		b.partial("may not see")
	})
	t.Run("everybody", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, server)
		id := b.seedUser(person(1))
		b.hide(fmt.Sprintf("dn.children=%q", b.base))
		b.partial("may not see")
		seen, err := b.conn.Lookup(t.Context(), directory.User, []directory.ID{id})
		if err != nil || seen[0].Presence != connector.Unsure || seen[0].Why == "" {
			t.Errorf("%v %+v", err, seen)
		}
	})
	t.Run("a unit whose people can be seen", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, server)
		secret := b.seedDepartment(connectortest.Department{Name: "高管"})
		id := b.seedUser(person(1, secret))
		b.hide(fmt.Sprintf("dn.base=%q", b.dnOf(secret)))
		s := b.partial("hidden")
		o, _ := s.Get(userKey(id))
		if o.Attributes["departments"].Type() != directory.Unknown {
			t.Errorf("departments are %v", o.Attributes["departments"])
		}
	})
	t.Run("the base", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, server)
		id := b.seedUser(person(1))
		b.hide(fmt.Sprintf("dn.subtree=%q", b.base))
		if _, err := b.conn.Read(t.Context()); err == nil || !strings.Contains(err.Error(), "base_dn") {
			t.Errorf("read: %v", err)
		}
		if seen, err := b.conn.Lookup(t.Context(), directory.User, []directory.ID{id}); err == nil {
			t.Errorf("lookup: %+v", seen)
		}
	})
}

// TestElsewhere sees that who is out of the filter or the base is not gone.
func TestElsewhere(t *testing.T) {
	t.Parallel()
	server := startSlapd(t, slapdOptions{})
	b := newBench(t, server, func(o *ldapdir.Options) { o.UserFilter = "(&(objectClass=inetOrgPerson)(!(employeeType=left)))" })
	b.seedUser(person(1))
	out, moved, gone := b.seedUser(person(2)), b.seedUser(person(3)), b.seedUser(person(4))
	if err := server.modify(b.dnOf(out), "employeeType", "left"); err != nil {
		t.Fatal(err)
	}
	other := newBench(t, server)
	if err := server.move(b.dnOf(moved), "uid=u003", other.base); err != nil {
		t.Fatal(err)
	}
	if err := server.remove(b.dnOf(gone)); err != nil {
		t.Fatal(err)
	}
	seen, err := b.conn.Lookup(t.Context(), directory.User, []directory.ID{out, moved, gone})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []connector.Presence{connector.Unsure, connector.Unsure, connector.Gone} {
		if seen[i].Presence != want {
			t.Errorf("place %d: %d (%s), want %d", i, seen[i].Presence, seen[i].Why, want)
		}
	}
	b.fails("DELETE", userKey(out), nil, "denied")
	b.fails("UPDATE", userKey(moved), directory.Attributes{"title": directory.TextOf("x")}, "denied")
}

// TestSizeLimit reads with an account that gets no more than a few entries.
func TestSizeLimit(t *testing.T) {
	t.Parallel()
	server := startSlapd(t, slapdOptions{limits: fmt.Sprintf("limits dn.exact=%q size=5 size.prtotal=5\n", syncDN)})
	b := newBench(t, server)
	for i := range 9 {
		b.seedUser(person(i + 1))
	}
	s := b.partial("limits dn.exact")
	if n := s.Len(directory.User); n == 0 || n > 5 {
		t.Errorf("%d users", n)
	}
}

// TestReferral reads a directory of which a part is on another server.
func TestReferral(t *testing.T) {
	t.Parallel()
	server := startSlapd(t, slapdOptions{})
	b := newBench(t, server)
	b.seedUser(person(1))
	if err := server.add("ou=branch,"+b.base, "objectClass", "referral", "objectClass", "extensibleObject", "ou", "branch", "ref", "ldap://branch.example/ou=branch"); err != nil {
		t.Fatal(err)
	}
	if s := b.partial("branch.example"); s.Len(directory.User) != 1 {
		t.Errorf("%d users", s.Len(directory.User))
	}
}

// TestCalls counts the searches of a read against what is said of them.
func TestCalls(t *testing.T) {
	t.Parallel()
	server := startSlapd(t, slapdOptions{})
	for _, users := range []int{0, 1, page, 2*page + 1} {
		t.Run(fmt.Sprint(users), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, server)
			var in directory.ID
			for i := range 4 {
				in = b.seedDepartment(connectortest.Department{Name: fmt.Sprintf("部门%d", i), Parent: in})
			}
			for i := range users {
				b.seedUser(person(i+1, in))
			}
			if err := b.conn.Probe(t.Context()); err != nil {
				t.Fatal(err)
			}
			b.whole() // both connections are open now
			before, _, _ := b.count()
			s := b.whole()
			after, _, _ := b.count()
			most := b.conn.Describe().Reads(users, 4)
			// The deepest department is looked into when nobody is in it.
			if n := after - before; n > most+1 || n < most-4 || users > 0 && n > most {
				t.Errorf("%d calls, said to be %d", n, most)
			}
			if s.Health.Pages != after-before {
				t.Errorf("%d pages in the health record, %d calls", s.Health.Pages, after-before)
			}
		})
	}
}

// TestReferences reads and writes attributes that name other entries, lists and
// dates.
func TestReferences(t *testing.T) {
	t.Parallel()
	server := startSlapd(t, slapdOptions{})
	b := newBench(t, server, func(o *ldapdir.Options) {
		o.Attributes = []ldapdir.Attribute{
			{Name: "costs", Attribute: "seeAlso", Type: "departments"},
			{Name: "languages", Attribute: "description", Type: "list"},
			{Name: "helpers", Attribute: "secretary", Type: "users"},
			{Name: "room", Attribute: "roomNumber", Type: "int"},
		}
	})
	dev := b.seedDepartment(connectortest.Department{Name: "研发, +部"})
	boss, u := b.seedUser(person(1)), b.seedUser(person(2, dev))
	after := directory.Attributes{
		"manager": directory.RefsToKind(directory.User, boss), "helpers": directory.RefsToKind(directory.User, boss, u),
		"costs": inDepartments(dev), "languages": directory.ListOf("中文", "English"), "room": directory.IntOf(12),
	}
	b.must("UPDATE", userKey(u), after)
	// The server's own spelling of a name may differ.
	if err := server.modify(b.dnOf(u), "manager", strings.ToUpper(b.dnOf(boss))); err != nil {
		t.Fatal(err)
	}
	s := b.whole()
	o, _ := s.Get(userKey(u))
	for name, want := range after {
		got := o.Attributes[name]
		if name == "helpers" || name == "languages" {
			if len(got.List())+len(got.Refs()) != 2 {
				t.Errorf("%s is %q", name, got)
			}
		} else if !got.Equal(want) {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if o.Attributes["created"].IsEmpty() {
		t.Error("no date of creation")
	}
	b.sameByLookup(s)
	// A manager who is nobody of ours is not 'none'.
	if err := server.modify(b.dnOf(u), "manager", "cn=elsewhere,dc=other"); err != nil {
		t.Fatal(err)
	}
	if o, _ = b.whole().Get(userKey(u)); o.Attributes["manager"].Type() != directory.Unknown {
		t.Errorf("a manager outside the base is %q", o.Attributes["manager"])
	}
	for name := range after {
		b.must("UPDATE", userKey(u), directory.Attributes{name: directory.Empty(directory.Text)})
	}
	o, _ = b.whole().Get(userKey(u))
	for name := range after {
		if v := o.Attributes[name]; !v.IsEmpty() || v.Type() == directory.Unknown {
			t.Errorf("%s was cleared and is %s %q", name, v.Type(), v)
		}
	}
}

// TestDeep reads a tree that is deeper than any company's, with names of every
// kind, and people in containers that are no departments.
func TestDeep(t *testing.T) {
	t.Parallel()
	server := startSlapd(t, slapdOptions{})
	b := newBench(t, server)
	var line []directory.ID
	var in directory.ID
	for i := range 40 {
		in = b.seedDepartment(connectortest.Department{Name: fmt.Sprintf("层 #%d, 𠮷=\"<%d>\"; a\\b +", i, i), Parent: in})
		line = append(line, in)
	}
	box := "cn=staff," + b.dnOf(in)
	if err := server.add(box, "objectClass", "organizationalRole", "cn", "staff"); err != nil {
		t.Fatal(err)
	}
	if err := server.add("uid=x,"+box, "objectClass", "inetOrgPerson", "uid", "x", "cn", "𪚥", "sn", "𪚥"); err != nil {
		t.Fatal(err)
	}
	s := b.whole()
	parent := directory.ID("")
	for _, id := range line {
		o, ok := s.Get(departmentKey(id))
		refs := o.Attributes["parent"].Refs()
		if !ok || parent == "" && len(refs) != 0 || parent != "" && (len(refs) != 1 || refs[0].ID != parent) {
			t.Fatalf("%s is under %v, want %q", id, refs, parent)
		}
		parent = id
	}
	o, _ := s.Get(userKey(b.idOf("uid=x," + box)))
	if refs := o.Attributes["departments"].Refs(); len(refs) != 1 || refs[0].ID != in || o.Attributes["name"].Text() != "𪚥" {
		t.Errorf("%q is in %v, want %s", o.Attributes["name"], refs, in)
	}
	b.sameByLookup(s)
}
