package matrix

import (
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/ldapdir"
	"github.com/rollcallhq/rollcall/sync/mapping"
)

const (
	slapdPath   = "/usr/sbin/slapd"
	slapdRoot   = "cn=root,dc=test"
	slapdSecret = "root-password"
	slapdMark   = "disabled" // of employeeType
)

// slapd is a real OpenLDAP server that pairs share. Each has a company of its own
// in it.
type slapd struct {
	addr    string
	missing bool
	next    int
}

// openLDAP starts the server when the first pair asks for it.
func (l *lab) openLDAP() (addr string, company int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &l.slapd
	if s.addr == "" && !s.missing {
		if _, err := os.Stat(slapdPath); err != nil {
			s.missing = true
		} else {
			s.addr = startSlapd(l.t)
		}
	}
	s.next++
	return s.addr, s.next
}

func startSlapd(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	addr := listener.Addr().String()
	check(t, listener.Close())
	conf := `include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload refint
sizelimit unlimited
database mdb
suffix dc=test
rootdn ` + slapdRoot + `
rootpw ` + slapdSecret + `
directory ` + dir + `
maxsize 268435456
dbnosync
index entryUUID,objectClass,uid,employeeNumber,manager eq
overlay refint
refint_attributes manager
`
	file := filepath.Join(dir, "slapd.conf")
	check(t, os.WriteFile(file, []byte(conf), 0o600))
	cmd := exec.Command(slapdPath, "-f", file, "-h", "ldap://"+addr+"/", "-d", "0")
	check(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	var admin *ldap.Conn
	for range 1000 {
		<-tick.C
		if admin, err = ldap.DialURL("ldap://" + addr); err == nil {
			break
		}
	}
	check(t, err)
	defer func() { _ = admin.Close() }()
	check(t, admin.Bind(slapdRoot, slapdSecret))
	top := ldap.NewAddRequest("dc=test", nil)
	top.Attribute("objectClass", []string{"dcObject", "organization"})
	top.Attribute("dc", []string{"test"})
	top.Attribute("o", []string{"test"})
	check(t, admin.Add(top))
	return addr
}

// ldapCompany is a part of the directory.
type ldapCompany struct {
	t      *testing.T
	clock  *clock
	addr   string
	base   string
	admin  *ldap.Conn
	people map[string]ldapPerson // as the hand left them
	units  map[string]unit
}

type ldapPerson struct {
	dn   string
	boss string
	off  bool
}

func newLDAP(t *testing.T, l *lab) system {
	t.Helper()
	addr, n := l.openLDAP()
	if addr == "" {
		t.Skip("NOT RUN: no slapd here: apt-get install slapd")
	}
	admin, err := ldap.DialURL("ldap://" + addr)
	check(t, err)
	t.Cleanup(func() { _ = admin.Close() })
	check(t, admin.Bind(slapdRoot, slapdSecret))
	s := &ldapCompany{t: t, clock: newClock(), addr: addr, base: fmt.Sprintf("o=company%d,dc=test", n), admin: admin, people: map[string]ldapPerson{}, units: map[string]unit{}}
	top := ldap.NewAddRequest(s.base, nil)
	top.Attribute("objectClass", []string{"organization"})
	check(t, admin.Add(top))
	return s
}

func (s *ldapCompany) traits() traits {
	return traits{suspends: true, boss: true, units: true, moves: true, disables: true, mobiles: true, leaders: true, lags: true}
}

func (s *ldapCompany) words() words {
	w := standardWords()
	w.unitID = "name" // a directory gives none, a DN has commas, and the test's names are unique
	return w
}

func (s *ldapCompany) connect() connector.Source { return s.at(s.addr, 0) }

// at connects by way of an address.
func (s *ldapCompany) at(addr string, page int) connector.Source {
	c, err := ldapdir.New(ldapdir.Options{
		PageSize: page, URL: "ldap://" + addr, BindDN: slapdRoot, BindPassword: slapdSecret, BaseDN: s.base, Dialect: ldapdir.OpenLDAP,
		Disabled: "employeeType=" + slapdMark, Now: s.clock.time, Sleep: s.clock.sleep,
	})
	check(s.t, err)
	s.t.Cleanup(c.Close)
	return c
}

func (s *ldapCompany) spec(from words) (users, departments *mapping.Spec) {
	return rules(from.no, "uid", from.no, "employee_no", from.no, "name", "name", "mobile", from.mobile, "email", from.email,
		"title", from.title, "departments", "departments", "manager", from.manager), tree()
}

// dn gives the name of a unit's entry as the hand left it.
func (s *ldapCompany) dn(key string) string {
	if key == "" {
		return s.base
	}
	u := s.units[key]
	return "ou=" + ldap.EscapeDN(u.name) + "," + s.dn(u.parent)
}

func (s *ldapCompany) setUnit(_ *company, u unit) {
	if _, there := s.units[u.key]; !there {
		s.units[u.key] = u
		add := ldap.NewAddRequest(s.dn(u.key), nil)
		add.Attribute("objectClass", []string{"organizationalUnit"})
		add.Attribute("ou", []string{u.name})
		check(s.t, s.admin.Add(add))
		return
	}
	was := s.dn(u.key)
	s.units[u.key] = u
	check(s.t, s.admin.ModifyDN(ldap.NewModifyDNRequest(was, "ou="+ldap.EscapeDN(u.name), true, s.dn(u.parent))))
	for no, p := range s.people {
		if rest, below := strings.CutSuffix(p.dn, ","+was); below {
			p.dn = rest + "," + s.dn(u.key)
			s.people[no] = p
		}
	}
}

func (s *ldapCompany) dropUnit(key string) {
	check(s.t, s.admin.Del(ldap.NewDelRequest(s.dn(key), nil)))
	delete(s.units, key)
}

func (s *ldapCompany) set(_ *company, p person) {
	seat := s.base
	if len(p.in) > 0 {
		seat = s.dn(p.in[0])
	}
	at := "uid=" + p.no + "," + seat
	values := map[string][]string{"cn": {p.name}, "sn": {p.name}, "employeeNumber": {p.no}, "mobile": {p.mobile}, "mail": {p.email}}
	if p.title != "" {
		values["title"] = []string{p.title}
	}
	was, there := s.people[p.no]
	s.people[p.no] = ldapPerson{dn: at, boss: p.boss}
	if !there {
		add := ldap.NewAddRequest(at, nil)
		add.Attribute("objectClass", []string{"inetOrgPerson"})
		for name, v := range values {
			add.Attribute(name, v)
		}
		if boss := s.people[p.boss].dn; boss != "" {
			add.Attribute("manager", []string{boss})
		}
		check(s.t, s.admin.Add(add))
		return
	}
	if was.dn != at {
		check(s.t, s.admin.ModifyDN(ldap.NewModifyDNRequest(was.dn, "uid="+p.no, true, seat)))
	}
	change := ldap.NewModifyRequest(at, nil)
	for name, v := range values {
		change.Replace(name, v)
	}
	if was.off {
		change.Delete("employeeType", nil)
	}
	check(s.t, s.admin.Modify(change))
}

func (s *ldapCompany) suspend(no string) {
	p := s.people[no]
	p.off = true
	s.people[no] = p
	change := ldap.NewModifyRequest(p.dn, nil)
	change.Replace("employeeType", []string{slapdMark})
	check(s.t, s.admin.Modify(change))
}

func (s *ldapCompany) leave(no string) {
	check(s.t, s.admin.Del(ldap.NewDelRequest(s.people[no].dn, nil)))
	delete(s.people, no)
}

// flush gives people whose boss moved with a unit the boss's new name: the server
// follows only the entry that is moved itself.
func (s *ldapCompany) flush(*company) {
	for _, no := range slices.Sorted(maps.Keys(s.people)) {
		p := s.people[no]
		boss := s.people[p.boss].dn
		if boss == "" || boss == s.manager(p.dn) {
			continue
		}
		change := ldap.NewModifyRequest(p.dn, nil)
		change.Replace("manager", []string{boss})
		check(s.t, s.admin.Modify(change))
	}
}

func (s *ldapCompany) manager(dn string) string {
	found, err := s.admin.Search(ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", []string{"manager"}, nil))
	check(s.t, err)
	return found.Entries[0].GetAttributeValue("manager")
}

// look waits until the server has followed the names of managers: it does so a
// moment after a change.
func (s *ldapCompany) look() view {
	s.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	v, astray := s.see()
	for range 250 {
		if !astray {
			break
		}
		<-tick.C
		v, astray = s.see()
	}
	return v
}

// see gives what the directory holds now, and whether a manager's name leads
// nowhere.
func (s *ldapCompany) see() (view, bool) {
	astray := false
	v := view{people: map[string]held{}, units: map[string]bool{}}
	found, err := s.admin.Search(ldap.NewSearchRequest(s.base, ldap.ScopeWholeSubtree, 0, 0, 0, false, "(objectClass=*)", []string{"*", "entryUUID"}, nil))
	check(s.t, err)
	numbers := map[string]string{}
	for _, e := range found.Entries {
		numbers[normalDN(s.t, e.DN)] = e.GetAttributeValue("uid")
	}
	for _, e := range found.Entries {
		path := s.pathOf(e.DN)
		no := e.GetAttributeValue("uid")
		if no == "" {
			if path != "" {
				v.units[path] = true
			}
			continue
		}
		h := held{
			id: e.GetAttributeValue("entryUUID"), name: e.GetAttributeValue("cn"), title: e.GetAttributeValue("title"),
			mobile: e.GetAttributeValue("mobile"), email: e.GetAttributeValue("mail"), active: e.GetAttributeValue("employeeType") != slapdMark,
		}
		if path != "" {
			h.in = []string{path}
		}
		if boss := e.GetAttributeValue("manager"); boss != "" {
			if h.boss = numbers[normalDN(s.t, boss)]; h.boss == "" {
				h.boss, astray = "nobody: "+boss, true
			}
		}
		v.people[no] = h
	}
	return v, astray
}

func normalDN(t *testing.T, text string) string {
	t.Helper()
	dn, err := ldap.ParseDN(text)
	check(t, err)
	return strings.ToLower(dn.String())
}

// pathOf gives the path of the units of a name.
func (s *ldapCompany) pathOf(text string) string {
	s.t.Helper()
	dn, err := ldap.ParseDN(text)
	check(s.t, err)
	path := ""
	for _, r := range dn.RDNs {
		if a := r.Attributes[0]; strings.EqualFold(a.Type, "ou") {
			path = "/" + a.Value + path
		}
	}
	return path
}
