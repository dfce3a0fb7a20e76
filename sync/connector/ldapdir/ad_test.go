package ldapdir_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/ldapdir"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// guidText writes an objectGUID as Windows tools show it.
func guidText(raw string) string {
	b := []byte(raw)
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint16(b[4:]), binary.LittleEndian.Uint16(b[6:]), b[8:10], b[10:])
}

func (e *adEntry) id() directory.ID { return directory.ID(guidText(e.get("objectGUID"))) }

func userKey(id directory.ID) directory.Key { return directory.Key{Kind: directory.User, ID: id} }

func departmentKey(id directory.ID) directory.Key {
	return directory.Key{Kind: directory.Department, ID: id}
}

func inDepartments(ids ...directory.ID) directory.Value {
	return directory.RefsToKind(directory.Department, ids...)
}

// readAll reads and fails the test on an error.
func (b *bench) readAll() *directory.Snapshot {
	b.t.Helper()
	s, err := b.conn.Read(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

// whole reads and fails the test unless the snapshot is complete.
func (b *bench) whole() *directory.Snapshot {
	b.t.Helper()
	s := b.readAll()
	if !s.Complete() {
		b.t.Fatalf("incomplete: %s", s.Health.PartialFor)
	}
	return s
}

// must makes a write that succeeds.
func (b *bench) must(op plan.Op, key directory.Key, after directory.Attributes) directory.Key {
	b.t.Helper()
	got, err := b.conn.Apply(b.t.Context(), connector.Write{Op: op, Key: key, After: after, Token: "t1"})
	if err != nil {
		b.t.Fatalf("%s %s: %v", op, key, err)
	}
	return got
}

// fails makes a write that is refused.
func (b *bench) fails(op plan.Op, key directory.Key, after directory.Attributes, kind fault.Kind) {
	b.t.Helper()
	_ = b.refusal(op, key, after, kind)
}

// refusal makes a write that is refused, and gives what is said then.
func (b *bench) refusal(op plan.Op, key directory.Key, after directory.Attributes, kind fault.Kind) error {
	b.t.Helper()
	_, err := b.conn.Apply(b.t.Context(), connector.Write{Op: op, Key: key, After: after, Token: "t2"})
	if fault.KindOf(err) != kind {
		b.t.Fatalf("%s %s: %v, want %s", op, key, err, kind)
	}
	return err
}

func TestADRead(t *testing.T) {
	t.Parallel()
	f, b := newAD(t, func(o *ldapdir.Options) {
		o.Attributes = []ldapdir.Attribute{
			{Name: "expires", Attribute: "accountExpires", Type: "date"},
			{Name: "aliases", Attribute: "proxyAddresses", Type: "list"},
		}
	})
	f.writable = append(f.writable, "accountExpires", "proxyAddresses")
	dev := f.ou("研发部", adBase)
	team := f.ou("平台组", dev.dn)
	boss := f.user("王五", "wangwu", dev.dn, "accountExpires", "0")
	boss.set("accountExpires", "9223372036854775807")
	f.user("张三", "zhangsan", team.dn, "mail", "zs@corp.test", "employeeID", "1001", "manager", strings.ToLower(boss.dn),
		"accountExpires", "134066016000000000", "proxyAddresses", "smtp:b@corp.test", "proxyAddresses", "SMTP:a@corp.test")
	off := f.user("李四", "lisi", "CN=Users,"+adBase)
	f.put("CN=Users,"+adBase, "objectClass", "container")
	off.set("userAccountControl", "514")
	f.put("CN=PC1,"+adBase, "objectClass", "user", "objectClass", "computer", "sAMAccountName", "PC1$")
	s := b.whole()
	if s.Len(directory.User) != 3 || s.Len(directory.Department) != 2 {
		t.Fatalf("%d users, %d departments", s.Len(directory.User), s.Len(directory.Department))
	}
	zs, ok := s.Get(userKey(f.at("CN=张三," + team.dn).id()))
	if !ok {
		t.Fatal("张三 is missing, or has another id")
	}
	for name, want := range map[string]directory.Value{
		"sAMAccountName": directory.TextOf("zhangsan"), "name": directory.TextOf("张三"), "email": directory.TextOf("zs@corp.test"),
		"employee_no": directory.TextOf("1001"), "manager": directory.RefsToKind(directory.User, boss.id()), "departments": inDepartments(team.id()),
		"mobile": directory.Empty(directory.Text), "aliases": directory.ListOf("SMTP:a@corp.test", "smtp:b@corp.test"),
		"dn": directory.TextOf("CN=张三," + team.dn),
	} {
		if got := zs.Attributes[name]; !got.Equal(want) || got.Type() != want.Type() {
			t.Errorf("%s is %s %q, want %q", name, got.Type(), got, want)
		}
	}
	if got := zs.Attributes["expires"].String(); got != "2025-11-03" {
		t.Errorf("expires %q", got)
	}
	if got := zs.Attributes["created"].String(); got != "2026-01-02T03:04:05" {
		t.Errorf("created %q", got)
	}
	if o, _ := s.Get(userKey(boss.id())); !o.Active || o.Attributes["expires"].Type() != directory.Date || !o.Attributes["expires"].IsEmpty() {
		t.Errorf("the manager: %+v", o)
	}
	o, _ := s.Get(userKey(off.id()))
	if o.Active || o.Attributes["departments"].Type() != directory.Refs || !o.Attributes["departments"].IsEmpty() {
		t.Errorf("the disabled: %+v", o)
	}
	b.sameByLookup(s)
}

// sameByLookup sees that every object is the same when asked for by id.
func (b *bench) sameByLookup(s *directory.Snapshot) {
	b.t.Helper()
	for _, kind := range []directory.Kind{directory.User, directory.Department} {
		for o := range s.All(kind) {
			seen, err := b.conn.Lookup(b.t.Context(), kind, []directory.ID{o.ID})
			if err != nil || seen[0].Presence != connector.Present {
				b.t.Fatalf("%s: %v %+v", o.Key, err, seen)
			}
			if seen[0].Object.Digest() != o.Digest() {
				b.t.Errorf("%s is read as %v and looked up as %v", o.Key, o, seen[0].Object)
			}
		}
	}
}

// TestADHidden sees that what Active Directory does not show is unknown.
func TestADHidden(t *testing.T) {
	t.Parallel()
	f, b := newAD(t)
	u := f.user("张三", "zhangsan", adBase, "mobile", "13800000001", "title", "工程师")
	f.user("李四", "lisi", adBase)
	// Nobody has an employeeID, and the account may write it: it is empty. Nobody
	// shows a telephone number, and the account may not write that.
	f.hidden["mobile"], f.hidden["useraccountcontrol"] = true, true
	f.writable = slices.DeleteFunc(f.writable, func(s string) bool { return s == "telephoneNumber" || s == "mobile" })
	s := b.whole()
	o, _ := s.Get(userKey(u.id()))
	for name, want := range map[string]directory.Type{
		"mobile": directory.Unknown, "telephone": directory.Unknown, "employee_no": directory.Text, "title": directory.Text, "active": directory.Unknown,
	} {
		if got := o.Attributes[name].Type(); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	other, _ := s.Get(userKey(f.at("CN=李四," + adBase).id()))
	if v := other.Attributes["title"]; v.Type() != directory.Text || !v.IsEmpty() {
		t.Errorf("a title that others have is %s %q", v.Type(), v)
	}
	if !slices.ContainsFunc(s.Health.Hidden, func(p string) bool { return strings.Contains(p, "mobile") }) {
		t.Errorf("hidden: %v", s.Health.Hidden)
	}
	b.sameByLookup(s)
	b.fails(plan.Disable, userKey(u.id()), nil, fault.Denied)
}

// TestADRanges reads an attribute whose values come in parts.
func TestADRanges(t *testing.T) {
	t.Parallel()
	f, b := newAD(t, func(o *ldapdir.Options) {
		o.Attributes = []ldapdir.Attribute{{Name: "aliases", Attribute: "proxyAddresses", Type: "list"}}
	})
	f.values = 3
	var want []string
	for i := range 10 {
		want = append(want, fmt.Sprintf("a%02d", i))
	}
	u := f.user("张三", "zhangsan", adBase)
	u.set("proxyAddresses", want...)
	s := b.whole()
	o, _ := s.Get(userKey(u.id()))
	if got := o.Attributes["aliases"].List(); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	b.sameByLookup(s)
}

func TestADCreate(t *testing.T) {
	t.Parallel()
	f, b := newAD(t)
	dev := f.ou("研发部", adBase)
	after := directory.Attributes{
		"sAMAccountName": directory.TextOf("zhangwei"), "userPrincipalName": directory.TextOf("zhangwei@corp.test"), "name": directory.TextOf("张伟"),
		"departments": inDepartments(dev.id()), "mobile": directory.TextOf(""),
	}
	key := b.must(plan.Create, directory.Key{Kind: directory.User}, after)
	e := f.at("CN=张伟," + dev.dn)
	if e == nil || e.id() != key.ID || e.get("userAccountControl") != "514" || e.get("sn") != "" {
		t.Fatalf("created %+v with key %s", e, key)
	}
	// Another person of the same name, in the same unit.
	after["sAMAccountName"], after["userPrincipalName"] = directory.TextOf("zhangwei2"), directory.TextOf("zhangwei2@corp.test")
	second := b.must(plan.Create, directory.Key{Kind: directory.User}, after)
	if e := f.at("CN=张伟 (zhangwei2)," + dev.dn); e == nil || e.id() != second.ID || e.get("cn") != "张伟 (zhangwei2)" || e.get("displayName") != "张伟" {
		t.Fatalf("the second: %+v", e)
	}
	// The same sign-in name is a conflict, wherever it stands.
	b.fails(plan.Create, directory.Key{Kind: directory.User}, after, fault.Conflict)
	after["departments"] = inDepartments()
	b.fails(plan.Create, directory.Key{Kind: directory.User}, after, fault.Conflict)
	after["sAMAccountName"] = directory.TextOf("zhangwei3")
	b.fails(plan.Create, directory.Key{Kind: directory.User}, after, fault.Conflict) // the principal name is taken
	delete(after, "sAMAccountName")
	b.fails(plan.Create, directory.Key{Kind: directory.User}, after, fault.Invalid)
}

func TestADSwitch(t *testing.T) {
	t.Parallel()
	f, b := newAD(t, func(o *ldapdir.Options) { o.LeftDN = "OU=Left," + adBase })
	left, dev := f.ou("Left", adBase), f.ou("Dev", adBase)
	u := f.user("张三", "zhangsan", dev.dn)
	u.set("userAccountControl", "66048") // with DONT_EXPIRE
	f.user("张三", "zhangsan-old", left.dn)
	b.must(plan.Disable, userKey(u.id()), nil)
	// Somebody of the same name has left before.
	if u.get("userAccountControl") != "66050" || u.dn != "CN=张三 (zhangsan),"+left.dn {
		t.Fatalf("disabled: %q %q", u.get("userAccountControl"), u.dn)
	}
	_, _, effects := b.count()
	b.must(plan.Disable, userKey(u.id()), nil)
	if _, _, now := b.count(); now != effects {
		t.Error("the second disable had an effect")
	}
	b.must(plan.Update, userKey(u.id()), directory.Attributes{"active": directory.BoolOf(true)})
	if u.get("userAccountControl") != "66048" || !strings.HasSuffix(u.dn, left.dn) {
		t.Errorf("enabled: %s %s", u.get("userAccountControl"), u.dn)
	}
	// An account that never had a password is not enabled.
	u.set("userAccountControl", "514")
	u.set("pwdLastSet", "0")
	b.fails(plan.Update, userKey(u.id()), directory.Attributes{"active": directory.BoolOf(true)}, fault.Invalid)
	if u.get("userAccountControl") != "514" {
		t.Error("it was enabled")
	}
	// The account that signs in is never taken away.
	own := f.user("svc", "svc-rollcall", adBase, "userPrincipalName", adBind)
	b.fails(plan.Disable, userKey(own.id()), nil, fault.Denied)
	b.fails(plan.Delete, userKey(own.id()), nil, fault.Denied)
}

func TestADUpdate(t *testing.T) {
	t.Parallel()
	f, b := newAD(t)
	a, c := f.ou("甲", adBase), f.ou("乙", adBase)
	u := f.user("张三", "zhangsan", a.dn, "mobile", "1", "title", "工程师")
	boss := f.user("王五", "wangwu", a.dn)
	b.must(plan.Update, userKey(u.id()), directory.Attributes{
		"cn": directory.TextOf("张三 A+B"), "name": directory.TextOf("张三"), "mobile": directory.TextOf(""), "departments": inDepartments(c.id()),
		"manager": directory.RefsToKind(directory.User, boss.id()),
	})
	if u.dn != `CN=张三 A\+B,`+c.dn || u.get("mobile") != "" || u.get("title") != "工程师" || u.get("manager") != boss.dn {
		t.Errorf("%s %+v", u.dn, u.attrs)
	}
	id := u.id()
	b.must(plan.Update, departmentKey(c.id()), directory.Attributes{"name": directory.TextOf("丙"), "parent": inDepartments(a.id())})
	if c.dn != "OU=丙,"+a.dn || u.id() != id || !strings.HasSuffix(u.dn, c.dn) {
		t.Errorf("the department is %s, the person %s", c.dn, u.dn)
	}
	b.fails(plan.Delete, departmentKey(a.id()), nil, fault.Conflict)
	b.fails(plan.Update, departmentKey(a.id()), directory.Attributes{"parent": inDepartments(c.id())}, fault.Invalid)
	b.must(plan.Delete, userKey(u.id()), nil)
	seen, err := b.conn.Lookup(t.Context(), directory.User, []directory.ID{id})
	if err != nil || seen[0].Presence != connector.Gone {
		t.Errorf("deleted: %v %+v", err, seen)
	}
}

func TestADBind(t *testing.T) {
	t.Parallel()
	for sub, part := range map[string]string{
		"525": "bind_dn", "52e": "bind_password", "530": "logon hours", "531": "workstations", "532": "expired", "533": "disabled",
		"568": "groups", "701": "extend", "773": "change its password", "775": "locked",
	} {
		t.Run(sub, func(t *testing.T) {
			t.Parallel()
			_, b := newAD(t)
			b.arm(-1, func(r *request) bool { return r.tag == ldap.ApplicationBindRequest }, answer(verdict{
				code: 49, text: "80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data " + sub + ", v4563",
			}))
			for range 3 {
				_, err := b.conn.Read(t.Context())
				if fault.KindOf(err) != fault.Credential || !strings.Contains(fault.Say(err), part) {
					t.Fatalf("%v, want %q", err, part)
				}
			}
			if _, binds, _ := b.count(); binds != 1 {
				t.Errorf("%d sign-ins with a refused password", binds)
			}
		})
	}
}

// TestADReferrals sees that the parts of a domain that hold no people do not make
// a listing incomplete, and that others do.
func TestADReferrals(t *testing.T) {
	t.Parallel()
	for ref, complete := range map[string]bool{
		"ldap://DomainDnsZones.corp.test/DC=DomainDnsZones,DC=corp,DC=test": true,
		"ldap://corp.test/CN=Configuration,DC=corp,DC=test":                 true,
		"ldap://child.corp.test/DC=child,DC=corp,DC=test":                   false,
	} {
		t.Run(ref, func(t *testing.T) {
			t.Parallel()
			f, b := newAD(t)
			f.user("张三", "zhangsan", adBase)
			b.arm(-1, func(r *request) bool { return r.paged }, func(r *request) verdict {
				_, _ = r.link.client.Write(reference(r, ref).Bytes())
				return verdict{}
			})
			s := b.readAll()
			if s.Complete() != complete || s.Len(directory.User) != 1 {
				t.Errorf("complete %v with %d users: %s", s.Complete(), s.Len(directory.User), s.Health.PartialFor)
			}
			if !complete && !strings.Contains(s.Health.PartialFor, "child.corp.test") {
				t.Errorf("the other server is not named: %s", s.Health.PartialFor)
			}
		})
	}
}
