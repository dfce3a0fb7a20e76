package ldapdir_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/connectortest"
	"github.com/rollcallhq/rollcall/sync/connector/ldapdir"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// unsure asks for somebody of whom nothing can be said.
func (b *bench) unsure(key directory.Key) {
	b.t.Helper()
	seen, err := b.conn.Lookup(b.t.Context(), key.Kind, []directory.ID{key.ID})
	if err != nil || seen[0].Presence != connector.Unsure || seen[0].Why == "" {
		b.t.Errorf("%s: %v %+v, want unsure", key, err, seen)
	}
}

// TestLostSight takes the account's sight away in ways that leave it something to
// see: nobody is gone by that, and nothing is deleted already.
func TestLostSight(t *testing.T) {
	t.Parallel()
	server := startSlapd(t, slapdOptions{})
	t.Run("the server does not say whether there is something below", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, server)
		id := b.seedUser(person(1))
		b.hide(fmt.Sprintf("dn.children=%q", b.base))
		b.hide(fmt.Sprintf("dn.base=%q attrs=hasSubordinates", b.base))
		b.unsure(userKey(id))
		b.fails(plan.Delete, userKey(id), nil, fault.Denied)
	})
	t.Run("people alone are hidden", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, server)
		dev := b.seedDepartment(connectortest.Department{Name: "研发"})
		id := b.seedUser(person(1, dev))
		b.hide(fmt.Sprintf("dn.children=%q", b.dnOf(dev)))
		b.unsure(userKey(id))
		b.fails(plan.Delete, userKey(id), nil, fault.Denied)
	})
	t.Run("only our own account is seen", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, server)
		own := "uid=svc," + b.base
		if err := server.add(own, "objectClass", "inetOrgPerson", "uid", "svc", "cn", "svc", "sn", "svc", "userPassword", syncPW); err != nil {
			t.Fatal(err)
		}
		id := b.seedUser(person(1))
		if err := server.access(fmt.Sprintf("to dn.subtree=%q by dn.exact=%q read by anonymous auth by * break", b.base, own)); err != nil {
			t.Fatal(err)
		}
		var err error
		if b.conn, err = ldapdir.New(ldapdir.Options{URL: "ldap://" + b.addr, BindDN: own, BindPassword: syncPW, BaseDN: b.base, Now: b.clock, Sleep: b.sleep}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.conn.Close)
		if s := b.whole(); s.Len(directory.User) != 2 {
			t.Fatalf("%d users", s.Len(directory.User))
		}
		if err := server.access(fmt.Sprintf("to dn.children=%q by self read by dn.exact=%q write by * none", b.base, rootDN)); err != nil {
			t.Fatal(err)
		}
		b.unsure(userKey(id))
	})
	t.Run("ids are hidden", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, server)
		dev := b.seedDepartment(connectortest.Department{Name: "研发"})
		id := b.seedUser(person(1, dev))
		b.hide(fmt.Sprintf("dn.subtree=%q attrs=entryUUID", b.base))
		b.partial("entryUUID")
		b.unsure(userKey(id))
		b.unsure(departmentKey(dev))
		b.fails(plan.Delete, userKey(id), nil, fault.Denied)
	})
}

// TestMovedOutOfSight moves somebody to where the account sees nothing, and to where
// it sees what docs/systems/ldap.md grants.
func TestMovedOutOfSight(t *testing.T) {
	t.Parallel()
	server := startSlapd(t, slapdOptions{})
	b, other := newBench(t, server), newBench(t, server)
	b.seedUser(person(1))
	id := b.seedUser(person(2))
	if err := server.move(b.dnOf(id), "uid=u002", other.base); err != nil {
		t.Fatal(err)
	}
	b.hide(fmt.Sprintf("dn.subtree=%q", other.base))
	if seen, err := b.conn.Lookup(t.Context(), directory.User, []directory.ID{id}); err != nil || seen[0].Presence != connector.Gone {
		t.Errorf("out of all sight: %v %+v", err, seen)
	}
	if err := server.access(fmt.Sprintf("to dn.subtree=%q attrs=entry,entryUUID by dn.exact=%q read by * break", suffix, syncDN)); err != nil {
		t.Fatal(err)
	}
	b.unsure(userKey(id))
}

// TestPlaceOfAnotherForm writes a department that is no reference: it must not pass
// for none, which is the top.
func TestPlaceOfAnotherForm(t *testing.T) {
	t.Parallel()
	b := newBench(t, startSlapd(t, slapdOptions{}))
	dev := b.seedDepartment(connectortest.Department{Name: "研发"})
	team := b.seedDepartment(connectortest.Department{Name: "平台", Parent: dev})
	id := b.seedUser(person(1, dev))
	b.fails(plan.Update, userKey(id), directory.Attributes{"departments": directory.TextOf("研发")}, fault.Invalid)
	b.fails(plan.Update, departmentKey(team), directory.Attributes{"parent": directory.TextOf("研发")}, fault.Invalid)
	if s, _ := b.stored(userKey(id)); len(s.Departments) != 1 || s.Departments[0] != dev {
		t.Errorf("moved to %v", s.Departments)
	}
	b.must(plan.Update, userKey(id), directory.Attributes{"departments": directory.Empty(directory.Text)})
	if s, _ := b.stored(userKey(id)); len(s.Departments) != 0 {
		t.Errorf("moved to %v", s.Departments)
	}
}

// TestMarkIsNoField checks that the attribute which marks the disabled is read under
// its other name and never written by it: that would enable them without a word.
func TestMarkIsNoField(t *testing.T) {
	t.Parallel()
	b := newBench(t, startSlapd(t, slapdOptions{}), func(o *ldapdir.Options) {
		o.Attributes = []ldapdir.Attribute{{Name: "kind", Attribute: "employeetype"}}
	})
	u := person(1)
	u.Disabled = true
	id := b.seedUser(u)
	b.fails(plan.Update, userKey(id), directory.Attributes{"kind": directory.TextOf("正式")}, fault.Unsupported)
	o, _ := b.whole().Get(userKey(id))
	if o.Active || o.Attributes["kind"].Text() != "disabled" {
		t.Errorf("active %v, kind %q", o.Active, o.Attributes["kind"])
	}
	if a, ok := b.conn.Describe().Attribute(directory.User, "kind"); !ok || a.Writable {
		t.Errorf("described as %+v", a)
	}
}

// TestOtherSpelling reads a manager whose name is written in another normal form of
// Unicode than the entry's: the server takes both for the same.
func TestOtherSpelling(t *testing.T) {
	t.Parallel()
	b := newBench(t, startSlapd(t, slapdOptions{}))
	boss := person(1)
	boss.ID = "ren\u00e9" // one sign
	chief, id := b.seedUser(boss), b.seedUser(person(2))
	if err := b.server.modify(b.dnOf(id), "manager", "uid=rene\u0301,"+b.base); err != nil { // two
		t.Fatal(err)
	}
	s := b.whole()
	o, _ := s.Get(userKey(id))
	if refs := o.Attributes["manager"].Refs(); len(refs) != 1 || refs[0].ID != chief {
		t.Errorf("the manager is %q", o.Attributes["manager"])
	}
	b.sameByLookup(s)
}

// again makes another connector to the same server, as a restart does.
func (b *bench) again(adjust ...func(*ldapdir.Options)) {
	b.t.Helper()
	o := ldapdir.Options{URL: "ldap://" + b.addr, BindDN: adBind, BindPassword: adPW, BaseDN: adBase, PageSize: page, Now: b.clock, Sleep: b.sleep}
	for _, f := range adjust {
		f(&o)
	}
	var err error
	if b.conn, err = ldapdir.New(o); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(b.conn.Close)
}

// TestADSameAfterRestart checks that a fresh connector looks people up as another
// one read them: else every change that rests on them is refused after a restart.
func TestADSameAfterRestart(t *testing.T) {
	t.Parallel()
	f, b := newAD(t)
	f.writable = nil // an account that only reads
	f.user("张三", "zhangsan", adBase, "mail", "zs@corp.test", "mobile", "13800000001")
	f.user("李四", "lisi", adBase, "title", "工程师")
	s := b.whole()
	o, _ := s.Get(userKey(f.at("CN=李四," + adBase).id()))
	if v := o.Attributes["mobile"]; v.Type() != directory.Text || !v.IsEmpty() {
		t.Fatalf("mobile is %s", v.Type())
	}
	if o.Attributes["employee_no"].Type() != directory.Unknown {
		t.Fatal("what nobody shows is not unknown")
	}
	b.again()
	b.sameByLookup(s)
}

// TestADRightLost checks that what was learned of visible attributes is not believed
// for ever: a right may be taken away between two listings.
func TestADRightLost(t *testing.T) {
	t.Parallel()
	f, b := newAD(t)
	f.writable = nil
	f.user("张三", "zhangsan", adBase, "mobile", "13800000001")
	id := f.at("CN=张三," + adBase).id()
	b.whole()
	f.mu.Lock()
	f.hidden["mobile"] = true
	f.mu.Unlock()
	b.advance(time.Hour)
	seen, err := b.conn.Lookup(t.Context(), directory.User, []directory.ID{id})
	if err != nil || seen[0].Object.Attributes["mobile"].Type() != directory.Unknown {
		t.Errorf("%v, a hidden number is %s", err, seen[0].Object.Attributes["mobile"].Type())
	}
}

// TestADOurselves binds by the name that Active Directory knows beside the one that
// is set: sAMAccountName@domain.
func TestADOurselves(t *testing.T) {
	t.Parallel()
	f, b := newAD(t)
	own := f.user("点名", strings.Split(adBind, "@")[0], adBase, "userPrincipalName", "rollcall@mail.example")
	f.user("张三", "zhangsan", adBase)
	b.fails(plan.Delete, userKey(own.id()), nil, fault.Denied)
	b.fails(plan.Disable, userKey(own.id()), nil, fault.Denied)
}
