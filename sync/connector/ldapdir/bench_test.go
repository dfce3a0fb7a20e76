package ldapdir_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcallhq/rollcall/sync/connector/connectortest"
	"github.com/rollcallhq/rollcall/sync/connector/ldapdir"
	"github.com/rollcallhq/rollcall/sync/directory"
)

// page is the page size of the tests' listings.
const page = 3

// branch numbers the parts of a shared server that tests have for themselves.
var branch atomic.Int64

// bench is a part of a server, a proxy before it, a clock and a connector.
type bench struct {
	*proxy
	t      *testing.T
	server *slapd
	base   string
	conn   *ldapdir.Connector

	clockMu sync.Mutex
	now     time.Time
}

// newBench makes a fresh part of a server.
func newBench(t *testing.T, server *slapd, adjust ...func(*ldapdir.Options)) *bench {
	t.Helper()
	n := branch.Add(1)
	b := &bench{t: t, server: server, base: fmt.Sprintf("dc=b%d,%s", n, suffix), now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}
	if err := server.add(b.base, "objectClass", "dcObject", "objectClass", "organization", "dc", fmt.Sprintf("b%d", n), "o", "corp"); err != nil {
		t.Fatal(err)
	}
	b.proxy = newProxy(t, server.addr)
	o := ldapdir.Options{
		URL: "ldap://" + b.addr, BindDN: syncDN, BindPassword: syncPW, BaseDN: b.base, Dialect: ldapdir.Auto, PageSize: page,
		Disabled: "employeeType=disabled", CallTimeout: 15 * time.Second, Now: b.clock, Sleep: b.sleep,
	}
	for _, f := range adjust {
		f(&o)
	}
	var err error
	if b.conn, err = ldapdir.New(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.conn.Close)
	return b
}

func (b *bench) clock() time.Time {
	b.clockMu.Lock()
	defer b.clockMu.Unlock()
	return b.now
}

func (b *bench) advance(d time.Duration) {
	b.clockMu.Lock()
	defer b.clockMu.Unlock()
	b.now = b.now.Add(d)
}

// sleep takes no real time: it moves the clock.
func (b *bench) sleep(ctx context.Context, d time.Duration) error {
	b.advance(d)
	return ctx.Err()
}

// dnOf finds the DN of an id; "" is the base.
func (b *bench) dnOf(id directory.ID) string {
	if id == "" {
		return b.base
	}
	e, ok := b.server.find(b.base, ldap.ScopeWholeSubtree, "(entryUUID="+string(id)+")")
	if !ok {
		b.t.Fatalf("no entry has the id %s", id)
	}
	return e.DN
}

func (b *bench) idOf(dn string) directory.ID {
	e, ok := b.server.get(dn)
	if !ok {
		b.t.Fatalf("no entry %s", dn)
	}
	return directory.ID(e.GetAttributeValue("entryUUID"))
}

func (b *bench) seedUser(u connectortest.User) directory.ID {
	b.t.Helper()
	in := b.base
	if len(u.Departments) > 0 {
		in = b.dnOf(u.Departments[0])
	}
	dn := "uid=" + ldap.EscapeDN(u.ID) + "," + in
	pairs := []string{
		"objectClass", "inetOrgPerson", "uid", u.ID, "cn", u.Name, "sn", u.Name, "mobile", u.Mobile, "mail", u.Email, "title", u.Title,
	}
	if u.Disabled {
		pairs = append(pairs, "employeeType", "disabled")
	}
	if err := b.server.add(dn, pairs...); err != nil {
		b.t.Fatal(err)
	}
	return b.idOf(dn)
}

func (b *bench) seedDepartment(d connectortest.Department) directory.ID {
	b.t.Helper()
	dn := "ou=" + ldap.EscapeDN(d.Name) + "," + b.dnOf(d.Parent)
	if err := b.server.add(dn, "objectClass", "organizationalUnit", "ou", d.Name); err != nil {
		b.t.Fatal(err)
	}
	return b.idOf(dn)
}

func (b *bench) stored(key directory.Key) (connectortest.Stored, bool) {
	class := "inetOrgPerson"
	if key.Kind == directory.Department {
		class = "organizationalUnit"
	}
	if len(key.ID) != 36 {
		return connectortest.Stored{}, false
	}
	e, ok := b.server.find(b.base, ldap.ScopeWholeSubtree, "(&(objectClass="+class+")(entryUUID="+string(key.ID)+"))")
	if !ok {
		return connectortest.Stored{}, false
	}
	s := connectortest.Stored{Name: e.GetAttributeValue("cn"), Active: e.GetAttributeValue("employeeType") != "disabled"}
	_, parent := cutRDN(e.DN)
	var above directory.ID
	if !strings.EqualFold(parent, b.base) {
		above = b.idOf(parent)
	}
	if key.Kind == directory.Department {
		s.Name, s.Active, s.Parent = e.GetAttributeValue("ou"), false, above
		return s, true
	}
	if above != "" {
		s.Departments = []directory.ID{above}
	}
	return s, true
}

// cutRDN splits a DN after its first part.
func cutRDN(dn string) (first, rest string) {
	for i := 0; i < len(dn); i++ {
		switch dn[i] {
		case '\\':
			i++
		case ',':
			return dn[:i], dn[i+1:]
		}
	}
	return dn, ""
}

func newUser(u connectortest.User) directory.Attributes {
	return directory.Attributes{
		"uid": directory.TextOf(u.ID), "name": directory.TextOf(u.Name), "mobile": directory.TextOf(u.Mobile),
		"email": directory.TextOf(u.Email), "title": directory.TextOf(u.Title),
		"departments": directory.RefsToKind(directory.Department, u.Departments...),
	}
}

func newDepartment(d connectortest.Department) directory.Attributes {
	var parent []directory.ID
	if d.Parent != "" {
		parent = []directory.ID{d.Parent}
	}
	return directory.Attributes{
		"name": directory.TextOf(d.Name), "parent": directory.RefsToKind(directory.Department, parent...),
	}
}
