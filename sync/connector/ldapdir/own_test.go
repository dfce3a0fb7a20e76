package ldapdir_test

import (
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	ber "github.com/go-asn1-ber/asn1-ber"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/connectortest"
	"github.com/rollcallhq/rollcall/sync/connector/ldapdir"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// loseAdd loses the answer to the next new entry.
func (b *bench) loseAdd() {
	b.arm(1, func(r *request) bool { return r.tag == ldap.ApplicationAddRequest }, answer(verdict{after: func(l *link, _ *ber.Packet) bool {
		l.cut()
		return true
	}}))
}

// TestLostCreateIsCompared: what stands at the name of a CREATE whose answer was
// lost is its own only when it holds what was written.
func TestLostCreateIsCompared(t *testing.T) {
	t.Parallel()
	server := startSlapd(t, slapdOptions{})
	for name, c := range map[string]struct {
		between func(b *bench, dn string) error
		kind    fault.Kind
	}{
		"untouched":               {func(*bench, string) error { return nil }, ""},
		"another case":            {func(b *bench, dn string) error { return b.server.modify(dn, "title", "ENGINEER") }, ""},
		"something else is added": {func(b *bench, dn string) error { return b.server.modify(dn, "employeeNumber", "7") }, ""},
		"another value":           {func(b *bench, dn string) error { return b.server.modify(dn, "mobile", "13900000009") }, fault.Conflict},
		"a second value":          {func(b *bench, dn string) error { return b.server.modify(dn, "mobile", "13800000001", "13900000009") }, fault.Conflict},
		"a value is gone":         {func(b *bench, dn string) error { return b.server.modify(dn, "mobile") }, fault.Conflict},
		"not to be read":          {func(b *bench, dn string) error { b.hide("dn.base=\"" + dn + "\" attrs=mobile"); return nil }, ""},
		"somebody else's": {func(b *bench, dn string) error {
			if err := b.server.remove(dn); err != nil {
				return err
			}
			return b.server.add(dn, "objectClass", "inetOrgPerson", "uid", "u001", "cn", "别人", "sn", "别人")
		}, fault.Conflict},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, server)
			b.seedUser(person(5)) // the server is known by now
			b.whole()
			w := connector.Write{Op: plan.Create, Key: directory.Key{Kind: directory.User}, Token: "t-1", After: directory.Attributes{
				"uid": directory.TextOf("u001"), "name": directory.TextOf("张三"), "mobile": directory.TextOf("13800000001"), "title": directory.TextOf("Engineer"),
			}}
			b.loseAdd()
			if _, err := b.conn.Apply(t.Context(), w); fault.KindOf(err) != fault.InDoubt {
				t.Fatalf("the first: %v", err)
			}
			dn := "uid=u001," + b.base
			if err := c.between(b, dn); err != nil {
				t.Fatal(err)
			}
			key, err := b.conn.Apply(t.Context(), w)
			if fault.KindOf(err) != c.kind || c.kind == "" && key.ID != b.idOf(dn) {
				t.Errorf("%v with %s, want %q", err, key, c.kind)
			}
		})
	}
}

// TestCreatedOutsideTheFilter: a new entry that no listing would show is told at
// once, and one that stands in the way as well.
func TestCreatedOutsideTheFilter(t *testing.T) {
	t.Parallel()
	server := startSlapd(t, slapdOptions{})
	users, ous := "(&(objectClass=inetOrgPerson)(employeeType=staff))", "(&(objectClass=organizationalUnit)(description=team))"
	b := newBench(t, server, func(o *ldapdir.Options) { o.UserFilter, o.DepartmentFilter = users, ous })
	after := directory.Attributes{"uid": directory.TextOf("u001"), "name": directory.TextOf("张三")}
	err := b.refusal(plan.Create, directory.Key{Kind: directory.User}, after, fault.Denied)
	if !strings.Contains(fault.Say(err), "user_filter "+users) || strings.Contains(fault.Say(err), "张三") {
		t.Errorf("a person: %v", err)
	}
	if _, there := server.get("uid=u001," + b.base); !there {
		t.Error("the entry was taken away again")
	}
	err = b.refusal(plan.Create, directory.Key{Kind: directory.User}, after, fault.Conflict)
	if !strings.Contains(fault.Say(err), "user_filter "+users) {
		t.Errorf("what stands in the way: %v", err)
	}
	err = b.refusal(plan.Create, directory.Key{Kind: directory.Department}, newDepartment(connectortest.Department{Name: "研发"}), fault.Denied)
	if !strings.Contains(fault.Say(err), "department_filter "+ous) {
		t.Errorf("a department: %v", err)
	}
	// One that matches is no worse off.
	b = newBench(t, server, func(o *ldapdir.Options) {
		o.UserFilter, o.Disabled = users, ""
		o.Attributes = []ldapdir.Attribute{{Name: "kind", Attribute: "employeeType"}}
	})
	after["kind"] = directory.TextOf("staff")
	b.must(plan.Create, directory.Key{Kind: directory.User}, after)
}

// TestADNameBeside: whose name is taken by somebody else of that name is not asked
// for it again and again; once it is free, it is.
func TestADNameBeside(t *testing.T) {
	t.Parallel()
	f, b := newAD(t)
	dev, ops := f.ou("研发部", adBase), f.ou("运维部", adBase)
	first := f.user("张伟", "zhangwei", dev.dn)
	second := f.user("张伟 (zhangwei2)", "zhangwei2", dev.dn)
	other := f.user("张伟 (zhangwei3)", "zhangwei3", ops.dn) // nobody has the name there
	odd := f.user("张伟 (zhangwei9)", "zhangwei4", dev.dn)   // not their own sign-in name
	cased := f.user("李娜 (LiNa2)", "lina2", dev.dn)         // case does not matter
	f.user("李娜", "lina", dev.dn)
	cn := func(e *adEntry) string {
		s := b.whole()
		b.sameByLookup(s)
		o, _ := s.Get(userKey(e.id()))
		return o.Attributes["cn"].Text()
	}
	for e, want := range map[*adEntry]string{
		first: "张伟", second: "张伟", other: "张伟 (zhangwei3)", odd: "张伟 (zhangwei9)", cased: "李娜",
	} {
		if got := cn(e); got != want {
			t.Errorf("cn of %s is %q, want %q", e.dn, got, want)
		}
	}
	// A move to the name that is taken changes nothing, and is no fault.
	b.must(plan.Update, userKey(second.id()), directory.Attributes{"cn": directory.TextOf("张伟"), "mobile": directory.TextOf("1")})
	if second.dn != "CN=张伟 (zhangwei2),"+dev.dn || second.get("mobile") != "1" {
		t.Errorf("%s %q", second.dn, second.get("mobile"))
	}
	b.must(plan.Delete, userKey(first.id()), nil)
	if got := cn(second); got != "张伟 (zhangwei2)" {
		t.Errorf("with the name free, cn is %q", got)
	}
	b.must(plan.Update, userKey(second.id()), directory.Attributes{"cn": directory.TextOf("张伟")})
	if second.dn != "CN=张伟,"+dev.dn || cn(second) != "张伟" {
		t.Errorf("%s, cn %q", second.dn, cn(second))
	}
}
