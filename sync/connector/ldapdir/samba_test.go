//go:build samba

package ldapdir_test

import (
	"crypto/tls"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/ldapdir"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// TestSamba works on a Samba domain controller, by the recipe in
// docs/systems/ldap.md. SAMBA_URL (ldaps://host), SAMBA_BIND, SAMBA_PASSWORD,
// SAMBA_BASE and SAMBA_CA (a file) say where it is; the base must be an
// organizational unit of its own, whose contents are deleted.
func TestSamba(t *testing.T) {
	url, base := os.Getenv("SAMBA_URL"), os.Getenv("SAMBA_BASE")
	if url == "" || base == "" {
		t.Skip("NOT RUN: SAMBA_URL and SAMBA_BASE are not set: see docs/systems/ldap.md")
	}
	admin, err := ldap.DialURL(url, ldap.DialWithTLSConfig(&tls.Config{InsecureSkipVerify: true})) //nolint:gosec // a test's own server
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	if err := admin.Bind(os.Getenv("SAMBA_BIND"), os.Getenv("SAMBA_PASSWORD")); err != nil {
		t.Fatal(err)
	}
	clear := ldap.NewDelRequest(base, []ldap.Control{ldap.NewControlSubtreeDelete()})
	if err := admin.Del(clear); err != nil && !ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject) {
		t.Fatal(err)
	}
	top := ldap.NewAddRequest(base, nil)
	top.Attribute("objectClass", []string{"organizationalUnit"})
	if err := admin.Add(top); err != nil {
		t.Fatal(err)
	}
	c, err := ldapdir.New(ldapdir.Options{
		URL: url, CAFile: os.Getenv("SAMBA_CA"), BindDN: os.Getenv("SAMBA_BIND"), BindPassword: os.Getenv("SAMBA_PASSWORD"), BaseDN: base,
		Now: time.Now, Poll: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b := &bench{t: t, conn: c, base: base, now: time.Now()}
	if err := c.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	hints := make(chan directory.Hint, 1000)
	go func() {
		_ = c.Watch(t.Context(), func(list []directory.Hint) {
			for _, h := range list {
				hints <- h
			}
		})
	}()
	newDepartment := func(title string, in ...directory.ID) directory.ID {
		return b.must(plan.Create, directory.Key{Kind: directory.Department}, directory.Attributes{
			"name": directory.TextOf(title), "parent": inDepartments(in...),
		}).ID
	}
	dev := newDepartment("研发部")
	team := newDepartment("平台组, R&D", dev)
	after := func(i int) directory.Attributes {
		return directory.Attributes{
			"sAMAccountName": directory.TextOf(fmt.Sprintf("rc%04d", i)), "name": directory.TextOf("张伟"), "departments": inDepartments(team),
			"employee_no": directory.TextOf(fmt.Sprint(i)),
		}
	}
	one := b.must(plan.Create, directory.Key{Kind: directory.User}, after(1))
	two := b.must(plan.Create, directory.Key{Kind: directory.User}, after(2))
	b.fails(plan.Create, directory.Key{Kind: directory.User}, after(2), fault.Conflict)
	b.must(plan.Update, one, directory.Attributes{"manager": directory.RefsToKind(directory.User, two.ID), "title": directory.TextOf("工程师")})
	b.must(plan.Update, one, directory.Attributes{"title": directory.TextOf(""), "departments": inDepartments(dev)})
	b.must(plan.Update, departmentKey(team), directory.Attributes{"parent": inDepartments(), "name": directory.TextOf("平台")})
	s := b.whole()
	o, ok := s.Get(one)
	if !ok || o.Active || !o.Attributes["title"].IsEmpty() || o.Attributes["title"].Type() == directory.Unknown || !o.Attributes["manager"].Equal(directory.RefsToKind(directory.User, two.ID)) {
		t.Errorf("%v", o)
	}
	b.sameByLookup(s)
	b.fails(plan.Delete, departmentKey(dev), nil, fault.Conflict)
	if second, _ := s.Get(two); !strings.HasPrefix(second.Attributes["dn"].Text(), "CN=张伟 (rc0002),") {
		t.Errorf("two of one name: %v", second.Attributes["dn"])
	}
	on := directory.Attributes{"active": directory.BoolOf(true)}
	b.fails(plan.Update, one, on, fault.Invalid) // it has no password yet
	password := ldap.NewModifyRequest(o.Attributes["dn"].Text(), nil)
	password.Replace("unicodePwd", []string{utf16Quoted("Secret-" + fmt.Sprint(time.Now().UnixNano()))})
	if err := admin.Modify(password); err != nil {
		t.Fatal(err)
	}
	b.must(plan.Update, one, on)
	if o, _ = b.whole().Get(one); !o.Active {
		t.Error("it was not enabled")
	}
	b.must(plan.Disable, one, nil)
	if o, _ = b.whole().Get(one); o.Active {
		t.Error("it was not disabled")
	}
	ordinary(t, admin, url, base, two)
	b.must(plan.Delete, two, nil)
	seen, err := c.Lookup(t.Context(), directory.User, []directory.ID{two.ID})
	if err != nil || seen[0].Presence != connector.Gone {
		t.Errorf("%v %+v", err, seen)
	}
	want := directory.Hint{Key: two, Gone: true}
	for deadline := time.After(time.Minute); ; {
		select {
		case h := <-hints:
			if h == want {
				return
			}
		case <-deadline:
			t.Fatal("the deletion was never told")
		}
	}
}

// ordinary reads and watches with an account that has no rights but those of
// everybody.
func ordinary(t *testing.T, admin *ldap.Conn, url, base string, known directory.Key) {
	t.Helper()
	const pw = "Reader-Passw0rd!"
	r := ldap.NewAddRequest("CN=reader,"+base, nil)
	r.Attribute("objectClass", []string{"user"})
	r.Attribute("sAMAccountName", []string{"rcreader"})
	r.Attribute("userPrincipalName", []string{"rcreader@corp.test"})
	r.Attribute("userAccountControl", []string{"514"})
	if err := admin.Add(r); err != nil {
		t.Fatal(err)
	}
	for _, step := range [][2]string{{"unicodePwd", utf16Quoted(pw)}, {"userAccountControl", "512"}} {
		m := ldap.NewModifyRequest("CN=reader,"+base, nil)
		m.Replace(step[0], []string{step[1]})
		if err := admin.Modify(m); err != nil {
			t.Fatal(err)
		}
	}
	c, err := ldapdir.New(ldapdir.Options{
		URL: url, CAFile: os.Getenv("SAMBA_CA"), BindDN: "rcreader@corp.test", BindPassword: pw, BaseDN: base, Now: time.Now, Poll: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b := &bench{t: t, conn: c, base: base, now: time.Now()}
	s := b.whole()
	o, ok := s.Get(known)
	if !ok || o.Attributes["name"].Text() != "张伟" || o.Attributes["active"].Type() == directory.Unknown {
		t.Errorf("%v", o)
	}
	if v := o.Attributes["mobile"]; v.Type() != directory.Unknown {
		t.Errorf("a number that nobody has, and that we may not write, is %s", v.Type())
	}
	b.sameByLookup(s)
	b.fails(plan.Update, known, directory.Attributes{"title": directory.TextOf("x")}, fault.Denied)
	w := b.watch()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for i := 0; ; i++ {
		select {
		case h := <-w.hints:
			if h == (directory.Hint{Key: known}) {
				w.stop()
				return
			}
		case err := <-w.ended:
			t.Fatalf("the watch ended: %v", err)
		case <-tick.C:
			m := ldap.NewModifyRequest(o.Attributes["dn"].Text(), nil)
			m.Replace("title", []string{fmt.Sprint(i)})
			if err := admin.Modify(m); err != nil {
				t.Fatal(err)
			}
		case <-deadline:
			t.Fatal("a change was never told")
		}
	}
}

// utf16Quoted writes a password as unicodePwd wants it.
func utf16Quoted(s string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(`"` + s + `"`)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}
