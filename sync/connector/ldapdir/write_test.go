package ldapdir_test

import (
	"strings"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/connectortest"
	"github.com/rollcallhq/rollcall/sync/connector/ldapdir"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// TestWrites changes a real server's entries in the ways that the suite does not.
func TestWrites(t *testing.T) {
	t.Parallel()
	server := startSlapd(t, slapdOptions{})
	t.Run("ids outlive renames and moves", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, server)
		a, c := b.seedDepartment(connectortest.Department{Name: "甲"}), b.seedDepartment(connectortest.Department{Name: "乙"})
		id := b.seedUser(person(1, a))
		b.must(plan.Update, userKey(id), directory.Attributes{
			"uid": directory.TextOf("new, name"), "departments": inDepartments(c), "title": directory.TextOf("经理"), "mobile": directory.TextOf(" "),
		})
		b.must(plan.Update, departmentKey(c), directory.Attributes{"name": directory.TextOf("丙"), "parent": inDepartments(a)})
		if got, want := b.dnOf(id), `uid=new\2C name,ou=丙,ou=甲,`+b.base; !strings.EqualFold(got, want) {
			t.Errorf("it stands at %s, want %s", got, want)
		}
		o, ok := b.whole().Get(userKey(id))
		if !ok || o.Attributes["uid"].Text() != "new, name" || o.Attributes["title"].Text() != "经理" || !o.Attributes["mobile"].IsEmpty() {
			t.Errorf("%v", o)
		}
	})
	t.Run("taken names", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, server)
		a := b.seedDepartment(connectortest.Department{Name: "甲"})
		b.seedUser(person(1, a))
		u := person(1)
		id := b.seedUser(u)
		b.fails(plan.Update, userKey(id), directory.Attributes{"departments": inDepartments(a)}, fault.Conflict)
		b.fails(plan.Create, directory.Key{Kind: directory.Department}, newDepartment(connectortest.Department{Name: "甲"}), fault.Conflict)
		b.fails(plan.Update, userKey(id), directory.Attributes{"uid": directory.TextOf("")}, fault.Invalid)
		b.fails(plan.Update, userKey(id), directory.Attributes{"name": directory.TextOf("")}, fault.Invalid)
		b.fails(plan.Create, directory.Key{Kind: directory.User}, directory.Attributes{"name": directory.TextOf("x")}, fault.Invalid)
	})
	t.Run("left", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, server)
		left := b.seedDepartment(connectortest.Department{Name: "left"})
		dn := b.dnOf(left)
		c, err := ldapdir.New(ldapdir.Options{
			URL: "ldap://" + b.addr, BindDN: syncDN, BindPassword: syncPW, BaseDN: b.base, Disabled: "employeeType=disabled", LeftDN: dn, Now: b.clock, Sleep: b.sleep,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		b.conn = c
		id := b.seedUser(person(1))
		b.must(plan.Disable, userKey(id), nil)
		if s, _ := b.stored(userKey(id)); s.Active || len(s.Departments) != 1 || s.Departments[0] != left {
			t.Errorf("disabled: %+v", s)
		}
		b.must(plan.Update, userKey(id), directory.Attributes{"active": directory.BoolOf(true)})
		if s, _ := b.stored(userKey(id)); !s.Active || len(s.Departments) != 1 {
			t.Errorf("enabled: %+v", s)
		}
		b.must(plan.Update, userKey(id), directory.Attributes{"active": directory.BoolOf(true)})
	})
	t.Run("with entries below", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, server)
		id := b.seedUser(person(1))
		if err := server.add("cn=phone,"+b.dnOf(id), "objectClass", "device", "cn", "phone"); err != nil {
			t.Fatal(err)
		}
		b.fails(plan.Delete, userKey(id), nil, fault.Conflict)
	})
	t.Run("no mark of the disabled", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, server, func(o *ldapdir.Options) { o.Disabled = "" })
		id := b.seedUser(person(1))
		if !b.conn.Describe().Can(directory.User, plan.Disable) {
			t.Error("with the dialect unknown, it says that it cannot disable")
		}
		b.fails(plan.Disable, userKey(id), nil, fault.Unsupported)
		if b.conn.Describe().Can(directory.User, plan.Disable) {
			t.Error("it says that it can disable")
		}
	})
	t.Run("own earlier create", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, server)
		w := connector.Write{Op: plan.Create, Key: directory.Key{Kind: directory.User}, After: newUser(person(1)), Token: "mine"}
		b.arm(1, isWrite, answer(verdict{after: func(l *link, _ *ber.Packet) bool { l.cut(); return true }}))
		if _, err := b.conn.Apply(t.Context(), w); fault.KindOf(err) != fault.InDoubt {
			t.Fatal(err)
		}
		stranger := w
		stranger.Token = "another"
		if _, err := b.conn.Apply(t.Context(), stranger); fault.KindOf(err) != fault.Conflict {
			t.Errorf("another's create: %v", err)
		}
		key, err := b.conn.Apply(t.Context(), w)
		if err != nil || key.ID != b.idOf("uid=u001,"+b.base) {
			t.Errorf("our own: %s %v", key, err)
		}
	})
	t.Run("id that cannot be read", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, server)
		b.whole()
		b.arm(1, isWrite, answer(verdict{after: func(l *link, _ *ber.Packet) bool {
			l.p.arm(-1, func(*request) bool { return true }, answer(verdict{code: 52}))
			return false
		}}))
		b.fails(plan.Create, directory.Key{Kind: directory.User}, newUser(person(1)), fault.InDoubt)
	})
}
