//go:build samba

package ldapdir_test

import (
	"crypto/tls"
	"fmt"
	"os"
	"testing"
	"time"

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
	hints := make(chan directory.Hint, 100)
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
	b.must(plan.Disable, one, nil)
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
