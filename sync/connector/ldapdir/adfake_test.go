package ldapdir_test

import (
	"crypto/rand"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
	"github.com/jimlambrt/gldap"

	"github.com/rollcallhq/rollcall/sync/connector/ldapdir"
)

const (
	adBase = "DC=corp,DC=test"
	adBind = "svc-rollcall@corp.test"
	adPW   = "Ad-Password-1"
)

// adfake behaves like Active Directory where that differs from other servers,
// written from Microsoft's documents. Changes and moves are answered in the
// proxy, since the library that it stands on does not take them.
type adfake struct {
	mu       sync.Mutex
	entries  map[string]*adEntry
	writable []string        // what allowedAttributesEffective says
	hidden   map[string]bool // attributes that are not shown, in lower case
	values   int             // of one attribute in one answer
}

type adEntry struct {
	dn    string
	attrs map[string][]string // by name in lower case
	names map[string]string
}

func (e *adEntry) set(name string, values ...string) {
	key := strings.ToLower(name)
	if len(values) == 0 {
		delete(e.attrs, key)
		return
	}
	e.attrs[key], e.names[key] = values, name
}

func (e *adEntry) get(name string) string {
	if v := e.attrs[strings.ToLower(name)]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// newAD starts a directory and a proxy before it, with a connector.
func newAD(t *testing.T, adjust ...func(*ldapdir.Options)) (*adfake, *bench) {
	t.Helper()
	f := &adfake{
		entries: map[string]*adEntry{}, hidden: map[string]bool{}, values: 1500,
		writable: []string{"displayName", "sn", "givenName", "mail", "mobile", "telephoneNumber", "employeeID", "title", "manager", "userAccountControl", "userPrincipalName"},
	}
	f.put(adBase, "objectClass", "domain")
	server, err := gldap.NewServer()
	if err != nil {
		t.Fatal(err)
	}
	mux, err := gldap.NewMux()
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{mux.Bind(f.bind), mux.Search(f.search), mux.Add(f.add), mux.Delete(f.remove), server.Router(mux)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	_ = listener.Close()
	go func() { _ = server.Run(addr) }()
	t.Cleanup(func() {
		// The server counts its connections without a lock, and waits for none: an answer
		// on the last one proves that all of them are counted.
		if c, err := ldap.DialURL("ldap://" + addr); err == nil {
			_ = c.Bind("cn=last", "x")
			_ = c.Close()
		}
		_ = server.Stop()
	})
	for range 500 {
		if server.Ready() {
			break
		}
		c, err := net.DialTimeout("tcp", addr, 20*time.Millisecond)
		if err == nil {
			_ = c.Close()
		}
	}
	b := &bench{t: t, now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC), base: adBase}
	b.proxy = newProxy(t, addr)
	b.arm(-1, func(r *request) bool { return r.tag == ldap.ApplicationModifyDNRequest }, f.move)
	b.arm(-1, func(r *request) bool { return r.tag == ldap.ApplicationModifyRequest }, f.modify)
	o := ldapdir.Options{
		URL: "ldap://" + b.addr, BindDN: adBind, BindPassword: adPW, BaseDN: adBase, PageSize: page,
		CallTimeout: 15 * time.Second, Now: b.clock, Sleep: b.sleep,
	}
	for _, change := range adjust {
		change(&o)
	}
	if b.conn, err = ldapdir.New(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.conn.Close)
	return f, b
}

// put makes an entry from pairs of attribute and value.
func (f *adfake) put(dn string, pairs ...string) *adEntry {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.make(dn, pairs...)
}

func (f *adfake) make(dn string, pairs ...string) *adEntry {
	e := &adEntry{dn: dn, attrs: map[string][]string{}, names: map[string]string{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		e.set(pairs[i], append(e.attrs[strings.ToLower(pairs[i])], pairs[i+1])...)
	}
	raw := make([]byte, 16)
	_, _ = rand.Read(raw)
	e.set("objectGUID", string(raw))
	e.set("whenCreated", "20260102030405.0Z")
	f.entries[strings.ToLower(dn)] = e
	return e
}

// user makes an account.
func (f *adfake) user(name, sam, in string, more ...string) *adEntry {
	pairs := append([]string{
		"objectClass", "top", "objectClass", "person", "objectClass", "organizationalPerson", "objectClass", "user", "objectCategory", "person",
		"cn", name, "displayName", name, "sAMAccountName", sam, "userAccountControl", "512", "pwdLastSet", "133000000000000000",
	}, more...)
	return f.put("CN="+ldap.EscapeDN(name)+","+in, pairs...)
}

func (f *adfake) ou(name, in string) *adEntry {
	return f.put("OU="+ldap.EscapeDN(name)+","+in, "objectClass", "top", "objectClass", "organizationalUnit", "ou", name)
}

// at gives an entry.
func (f *adfake) at(dn string) *adEntry {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.entries[strings.ToLower(dn)]
}

func (f *adfake) bind(w *gldap.ResponseWriter, r *gldap.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m, err := r.GetSimpleBindMessage()
	answer := r.NewBindResponse(gldap.WithResponseCode(0))
	if err != nil || m.UserName != adBind || string(m.Password) != adPW {
		answer = r.NewBindResponse(gldap.WithResponseCode(49))
	}
	_ = w.Write(answer)
}

func (f *adfake) search(w *gldap.ResponseWriter, r *gldap.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m, err := r.GetSearchMessage()
	if err != nil {
		_ = w.Write(r.NewSearchDoneResponse(gldap.WithResponseCode(2)))
		return
	}
	if m.BaseDN == "" {
		_ = w.Write(r.NewSearchResponseEntry("", gldap.WithAttributes(map[string][]string{
			"supportedCapabilities": {"1.2.840.113556.1.4.800"}, "namingContexts": {adBase},
			"supportedControl": {ldap.ControlTypePaging, "1.2.840.113556.1.4.841"},
		})))
		_ = w.Write(r.NewSearchDoneResponse(gldap.WithResponseCode(0)))
		return
	}
	base := strings.ToLower(m.BaseDN)
	if f.entries[base] == nil {
		_ = w.Write(r.NewSearchDoneResponse(gldap.WithResponseCode(32), gldap.WithDiagnosticMessage("0000208D: NameErr: DSID-03100241, problem 2001 (NO_OBJECT)")))
		return
	}
	filter, err := ldap.CompileFilter(m.Filter)
	if err != nil {
		_ = w.Write(r.NewSearchDoneResponse(gldap.WithResponseCode(2), gldap.WithDiagnosticMessage(err.Error())))
		return
	}
	var found []*adEntry
	for dn, e := range f.entries {
		in := dn == base || m.Scope != 0 && strings.HasSuffix(dn, ","+base)
		if in && f.matches(filter, e) {
			found = append(found, e)
		}
	}
	slices.SortFunc(found, func(a, b *adEntry) int { return strings.Compare(a.dn, b.dn) })
	f.reply(w, r, m, found)
}

// reply sends what was found, in pages when asked to.
func (f *adfake) reply(w *gldap.ResponseWriter, r *gldap.Request, m *gldap.SearchMessage, found []*adEntry) {
	last := r.NewSearchDoneResponse(gldap.WithResponseCode(0))
	for _, c := range m.Controls {
		p, ok := c.(*gldap.ControlPaging)
		if !ok {
			continue
		}
		from, _ := strconv.Atoi(string(p.Cookie))
		to := min(len(found), from+int(p.PagingSize))
		next, _ := gldap.NewControlPaging(0)
		if to < len(found) {
			next.SetCookie([]byte(strconv.Itoa(to)))
		}
		found = found[from:to]
		last.SetControls(next)
	}
	if m.SizeLimit > 0 && len(found) > int(m.SizeLimit) {
		found = found[:m.SizeLimit]
		last = r.NewSearchDoneResponse(gldap.WithResponseCode(4))
	}
	for _, e := range found {
		_ = w.Write(r.NewSearchResponseEntry(e.dn, gldap.WithAttributes(f.shown(e, m.Attributes))))
	}
	_ = w.Write(last)
}

// shown picks the attributes that were asked for.
func (f *adfake) shown(e *adEntry, asked []string) map[string][]string {
	out := map[string][]string{}
	for _, want := range asked {
		name, option, _ := strings.Cut(want, ";")
		key := strings.ToLower(name)
		if key == "allowedattributeseffective" {
			out["allowedAttributesEffective"] = f.writable
			continue
		}
		values := e.attrs[key]
		if len(values) == 0 || f.hidden[key] {
			continue
		}
		from := 0
		if span, ok := strings.CutPrefix(option, "range="); ok {
			first, _, _ := strings.Cut(span, "-")
			from, _ = strconv.Atoi(first)
		} else if len(values) <= f.values {
			out[e.names[key]] = values
			continue
		}
		to := min(len(values), from+f.values)
		end := strconv.Itoa(to - 1)
		if to == len(values) {
			end = "*"
		}
		out[fmt.Sprintf("%s;range=%d-%s", e.names[key], from, end)] = values[from:to]
	}
	return out
}

// matches evaluates a filter. What is hidden counts as absent, as some servers
// have it.
func (f *adfake) matches(p *ber.Packet, e *adEntry) bool {
	switch p.Tag {
	case ldap.FilterAnd:
		return !slices.ContainsFunc(p.Children, func(c *ber.Packet) bool { return !f.matches(c, e) })
	case ldap.FilterOr:
		return slices.ContainsFunc(p.Children, func(c *ber.Packet) bool { return f.matches(c, e) })
	case ldap.FilterNot:
		return !f.matches(p.Children[0], e)
	case ldap.FilterPresent:
		key := strings.ToLower(p.Data.String())
		return !f.hidden[key] && len(e.attrs[key]) > 0
	case ldap.FilterEqualityMatch:
		key, value := strings.ToLower(p.Children[0].Data.String()), p.Children[1].Data.String()
		if key == "objectclass" && value == "*" {
			return true
		}
		return !f.hidden[key] && slices.ContainsFunc(e.attrs[key], func(v string) bool { return v == value || strings.EqualFold(v, value) })
	default:
		return false
	}
}

// taken tells whether another entry has a value that must be unique.
func (f *adfake) taken(name, value, except string) bool {
	for dn, e := range f.entries {
		if value != "" && dn != except && strings.EqualFold(e.get(name), value) {
			return true
		}
	}
	return false
}

func (f *adfake) add(w *gldap.ResponseWriter, r *gldap.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m, err := r.GetAddMessage()
	code, text := 0, ""
	var pairs []string
	if err == nil {
		for _, a := range m.Attributes {
			for _, v := range a.Vals {
				pairs = append(pairs, a.Type, v)
			}
		}
	}
	probe := &adEntry{attrs: map[string][]string{}, names: map[string]string{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		probe.set(pairs[i], pairs[i+1])
	}
	_, above := cutRDN(m.DN)
	switch {
	case err != nil:
		code = 2
	case f.entries[strings.ToLower(m.DN)] != nil:
		code, text = 68, "00002071: UpdErr: DSID-031B0EE5, problem 6005 (ENTRY_EXISTS)"
	case f.taken("sAMAccountName", probe.get("sAMAccountName"), ""):
		code, text = 68, "00000524: UpdErr: DSID-031A11FA, problem 6005 (ENTRY_EXISTS)"
	case f.taken("userPrincipalName", probe.get("userPrincipalName"), ""):
		code, text = 19, "000021C8: AtrErr: DSID-03200E96, #1: 0: 000021C8: problem 1005 (CONSTRAINT_ATT_TYPE), userPrincipalName"
	case f.entries[strings.ToLower(above)] == nil:
		code, text = 32, "0000208D: NameErr"
	case probe.get("userAccountControl") == "512":
		code, text = 53, "0000052D: SvcErr: DSID-031A1254, problem 5003 (WILL_NOT_PERFORM)"
	default:
		e := f.make(m.DN, pairs...)
		if probe.get("userAccountControl") != "" {
			e.set("pwdLastSet", "0")
			e.set("objectCategory", "person")
		}
	}
	_ = w.Write(r.NewResponse(gldap.WithApplicationCode(gldap.ApplicationAddResponse), gldap.WithResponseCode(code), gldap.WithDiagnosticMessage(text)))
}

// modify answers a change of values.
func (f *adfake) modify(r *request) verdict {
	f.mu.Lock()
	defer f.mu.Unlock()
	op := r.packet.Children[1]
	e := f.entries[strings.ToLower(op.Children[0].Data.String())]
	if e == nil {
		return verdict{answers: []*ber.Packet{done(r, 32, "")}}
	}
	type change struct {
		name   string
		values []string
	}
	var changes []change
	for _, c := range op.Children[1].Children {
		one := change{name: c.Children[1].Children[0].Data.String()}
		for _, v := range c.Children[1].Children[1].Children {
			one.values = append(one.values, v.Data.String())
		}
		changes = append(changes, one)
		flags, _ := strconv.Atoi(first(one.values))
		switch {
		case slices.Contains(one.values, ""):
			return verdict{answers: []*ber.Packet{done(r, 21, "00000057: LdapErr")}}
		case strings.EqualFold(one.name, "userAccountControl") && flags&2 == 0 && e.get("pwdLastSet") == "0":
			return verdict{answers: []*ber.Packet{done(r, 53, "0000052D: SvcErr: DSID-031A1254, problem 5003 (WILL_NOT_PERFORM), data 0")}}
		}
	}
	for _, c := range changes {
		e.set(c.name, c.values...)
	}
	r.link.p.mu.Lock()
	r.link.p.effects++
	r.link.p.mu.Unlock()
	return verdict{answers: []*ber.Packet{done(r, 0, "")}}
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

func (f *adfake) remove(w *gldap.ResponseWriter, r *gldap.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	code := 0
	m, err := r.GetDeleteMessage()
	if err == nil {
		code = f.drop(strings.ToLower(m.DN))
	}
	_ = w.Write(r.NewResponse(gldap.WithApplicationCode(gldap.ApplicationDelResponse), gldap.WithResponseCode(code)))
}

func (f *adfake) drop(dn string) int {
	if f.entries[dn] == nil {
		return 32
	}
	for below := range f.entries {
		if strings.HasSuffix(below, ","+dn) {
			return 66
		}
	}
	delete(f.entries, dn)
	return 0
}

// move answers a rename: a new relative name, and maybe a new place.
func (f *adfake) move(r *request) verdict {
	f.mu.Lock()
	defer f.mu.Unlock()
	op := r.packet.Children[1]
	text := func(i int) string { return op.Children[i].Data.String() }
	old := strings.ToLower(text(0))
	_, above := cutRDN(text(0))
	if len(op.Children) > 3 {
		above = text(3)
	}
	fresh := text(1) + "," + above
	code := 0
	switch e := f.entries[old]; {
	case e == nil, f.entries[strings.ToLower(above)] == nil:
		code = 32
	case strings.ToLower(fresh) != old && f.entries[strings.ToLower(fresh)] != nil:
		code = 68
	default:
		for dn, below := range f.entries {
			if rest, ok := strings.CutSuffix(dn, ","+old); ok {
				delete(f.entries, dn)
				below.dn = below.dn[:len(rest)] + "," + fresh
				f.entries[strings.ToLower(below.dn)] = below
			}
		}
		delete(f.entries, old)
		e.dn = fresh
		f.entries[strings.ToLower(fresh)] = e
		if n, err := ldap.ParseDN(text(1)); err == nil {
			a := n.RDNs[0].Attributes[0]
			e.set(a.Type, a.Value)
		}
	}
	if code == 0 {
		r.link.p.mu.Lock()
		r.link.p.effects++
		r.link.p.mu.Unlock()
	}
	return verdict{answers: []*ber.Packet{done(r, code, "")}}
}
