package matrix

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/ldapdir"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
)

// handDN is who changes the directory by hand: what it does is in the server's log
// under its own name.
const handDN = "cn=hand,dc=test"

// loggedSlapd is one OpenLDAP server that writes down each change (slapo-accesslog).
// All tests share it; it lives as long as the process.
var loggedSlapd struct { //nolint:gochecknoglobals // started once for all tests
	once sync.Once
	addr string
	err  error
	next int
	mu   sync.Mutex
	stop func()
}

// directoryServer starts the server when the first asks for it; "" = there is none.
func directoryServer(t *testing.T) string {
	t.Helper()
	s := &loggedSlapd
	s.once.Do(func() {
		if _, err := os.Stat(slapdPath); err == nil {
			s.addr, s.stop, s.err = startLoggedSlapd()
		}
	})
	check(t, s.err)
	return s.addr
}

func startLoggedSlapd() (string, func(), error) {
	dir, err := os.MkdirTemp("", "rc-slapd")
	if err != nil {
		return "", nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	addr := listener.Addr().String()
	_ = listener.Close()
	for _, sub := range []string{"log", "data"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			return "", nil, err
		}
	}
	conf := `include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload accesslog
sizelimit unlimited
database mdb
suffix cn=log
rootdn cn=root,cn=log
rootpw ` + slapdSecret + `
directory ` + dir + `/log
maxsize 268435456
dbnosync
database mdb
suffix dc=test
rootdn ` + slapdRoot + `
rootpw ` + slapdSecret + `
directory ` + dir + `/data
maxsize 268435456
dbnosync
index entryUUID,objectClass,uid,employeeNumber eq
access to * by dn.exact="` + handDN + `" write by * auth
overlay accesslog
logdb cn=log
logops writes
logsuccess TRUE
`
	file := filepath.Join(dir, "slapd.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		return "", nil, err
	}
	cmd := exec.Command(slapdPath, "-f", file, "-h", "ldap://"+addr+"/", "-d", "0")
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop := func() { _ = cmd.Process.Kill(); _ = cmd.Wait(); _ = os.RemoveAll(dir) }
	var admin *ldap.Conn
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 1000 {
		<-tick.C
		if admin, err = ldap.DialURL("ldap://" + addr); err == nil {
			break
		}
	}
	if err != nil {
		stop()
		return "", nil, err
	}
	defer func() { _ = admin.Close() }()
	if err := admin.Bind(slapdRoot, slapdSecret); err != nil {
		stop()
		return "", nil, err
	}
	top := ldap.NewAddRequest("dc=test", nil)
	top.Attribute("objectClass", []string{"dcObject", "organization"})
	top.Attribute("dc", []string{"test"})
	top.Attribute("o", []string{"test"})
	hand := ldap.NewAddRequest(handDN, nil)
	hand.Attribute("objectClass", []string{"organizationalRole", "simpleSecurityObject"})
	hand.Attribute("cn", []string{"hand"})
	hand.Attribute("userPassword", []string{slapdSecret})
	for _, add := range []*ldap.AddRequest{top, hand} {
		if err := admin.Add(add); err != nil {
			stop()
			return "", nil, err
		}
	}
	return addr, stop, nil
}

// ldapPost is a part of the directory.
type ldapPost struct {
	*ldapCompany
	now  func() time.Time
	hand *ldap.Conn
	logs *ldap.Conn
}

func newLDAPPost(t *testing.T, now func() time.Time) post {
	t.Helper()
	s := &loggedSlapd
	s.mu.Lock()
	s.next++
	base := fmt.Sprintf("o=ward%d,dc=test", s.next)
	s.mu.Unlock()
	login := func(dn string) *ldap.Conn {
		wire, err := newStrait(t.Context(), s.addr, nil)
		check(t, err)
		c := ldap.NewConn(wire, false)
		c.Start()
		t.Cleanup(func() { _ = c.Close() })
		check(t, c.Bind(dn, slapdSecret))
		return c
	}
	p := &ldapPost{&ldapCompany{t: t, addr: s.addr, base: base, people: map[string]ldapPerson{}, units: map[string]unit{}}, now, login(handDN), login("cn=root,cn=log")}
	p.admin = p.hand
	top := ldap.NewAddRequest(base, nil)
	top.Attribute("objectClass", []string{"organization"})
	check(t, p.hand.Add(top))
	return p
}

func (s *ldapPost) connect(w *toll) connector.Target {
	w.named = func(id string) string { return s.named(userKey(id)) }
	var open []*strait
	w.idle = func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, c := range open {
			_ = c.Close()
		}
	}
	c, err := ldapdir.New(ldapdir.Options{
		URL: "ldap://" + s.addr, BindDN: slapdRoot, BindPassword: slapdSecret, BaseDN: s.base, Dialect: ldapdir.OpenLDAP, Disabled: "employeeType=" + slapdMark, Now: s.now,
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return w.connection(ctx, func(ctx context.Context) (net.Conn, error) {
				c, err := newStrait(ctx, s.addr, w)
				if err == nil {
					w.mu.Lock()
					open = append(open, c)
					w.mu.Unlock()
				}
				return c, err
			})
		},
	})
	check(s.t, err)
	s.t.Cleanup(func() { w.late.Wait(); c.Close() })
	return c
}

func (s *ldapPost) specs() (users, departments *mapping.Spec) { return s.spec(payrollWords()) }
func (s *ldapPost) headers() string                           { return "" }

func (s *ldapPost) deeds() []deed {
	found, err := s.logs.Search(ldap.NewSearchRequest("cn=log", ldap.ScopeSingleLevel, 0, 0, 0, false,
		"(&(objectClass=auditWriteObject)(reqResult=0)(!(reqAuthzID="+handDN+")))", []string{"reqType", "reqDN", "reqEntryUUID", "reqStart"}, nil))
	check(s.t, err)
	verbs := map[string]string{"add": "create", "delete": "delete"}
	var all []deed
	for _, e := range found.Entries {
		dn := e.GetAttributeValue("reqDN")
		if !strings.HasSuffix(dn, ","+s.base) {
			continue
		}
		kind := directory.User
		if strings.HasPrefix(dn, "ou=") {
			kind = directory.Department
		}
		verb := verbs[e.GetAttributeValue("reqType")]
		if kind == directory.User && e.GetAttributeValue("reqType") == "modrdn" {
			verb = "move" // a second request of one change
		}
		if verb == "" {
			verb = "write"
		}
		all = append(all, deed{verb, directory.Key{Kind: kind, ID: directory.ID(e.GetAttributeValue("reqEntryUUID"))}})
	}
	return all
}

// named gives the name of an entry.
func (s *ldapPost) named(key directory.Key) string {
	s.t.Helper()
	found, err := s.hand.Search(ldap.NewSearchRequest(s.base, ldap.ScopeWholeSubtree, 0, 0, 0, false, "(entryUUID="+string(key.ID)+")", []string{"1.1"}, nil))
	check(s.t, err)
	if len(found.Entries) != 1 {
		s.t.Fatalf("%d entries for %s", len(found.Entries), key)
	}
	return found.Entries[0].DN
}

func (s *ldapPost) rename(key directory.Key, name string) {
	dn := s.named(key)
	if key.Kind == directory.Department {
		check(s.t, s.hand.ModifyDN(ldap.NewModifyDNRequest(dn, "ou="+ldap.EscapeDN(name), true, "")))
		return
	}
	change := ldap.NewModifyRequest(dn, nil)
	change.Replace("cn", []string{name})
	change.Replace("title", []string{name})
	check(s.t, s.hand.Modify(change))
}

func (s *ldapPost) remove(key directory.Key) {
	check(s.t, s.hand.Del(ldap.NewDelRequest(s.named(key), nil)))
}

func (s *ldapPost) occupy(o directory.Object, in directory.ID) {
	if o.Kind == directory.Department {
		add := ldap.NewAddRequest("ou="+ldap.EscapeDN(attr(o, "name"))+","+s.base, nil)
		add.Attribute("objectClass", []string{"organizationalUnit"})
		add.Attribute("ou", []string{attr(o, "name")})
		check(s.t, s.hand.Add(add))
		return
	}
	no := attr(o, "employee_no")
	add := ldap.NewAddRequest("uid="+no+","+s.named(directory.Key{Kind: directory.Department, ID: in}), nil)
	add.Attribute("objectClass", []string{"inetOrgPerson"})
	for name, v := range map[string]string{
		"uid": no, "cn": attr(o, "name"), "sn": attr(o, "name"), "employeeNumber": no, "mobile": attr(o, "mobile"), "mail": attr(o, "email"), "title": attr(o, "title"),
	} {
		add.Attribute(name, []string{v})
	}
	check(s.t, s.hand.Add(add))
}

// strait is a connection to a directory on which each request is answered before
// its Write returns. So nobody in a bubble of virtual time waits for a network: the
// bubble's clock goes on.
type strait struct {
	toll   *toll // nil: none
	addr   string
	server net.Conn
	from   *bufio.Reader
	bind   []byte // the last bind, for what is done later

	mu     sync.Mutex
	sent   bytes.Buffer // what the client wrote, not a whole message yet
	answer bytes.Buffer
	more   chan struct{}
	closed chan struct{}
	once   sync.Once
}

func newStrait(ctx context.Context, addr string, w *toll) (*strait, error) {
	server, err := (&net.Dialer{}).DialContext(context.WithoutCancel(ctx), "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &strait{toll: w, addr: addr, server: server, from: bufio.NewReader(server), more: make(chan struct{}, 1), closed: make(chan struct{})}, nil
}

// Read is net.Conn's.
func (c *strait) Read(p []byte) (int, error) {
	for {
		c.mu.Lock()
		if c.answer.Len() > 0 {
			n, err := c.answer.Read(p)
			c.mu.Unlock()
			return n, err
		}
		c.mu.Unlock()
		select {
		case <-c.more:
		case <-c.closed:
			return 0, io.EOF
		}
	}
}

func (c *strait) tell(p []byte) {
	c.mu.Lock()
	c.answer.Write(p)
	c.mu.Unlock()
	select {
	case c.more <- struct{}{}:
	default:
	}
}

// Write is net.Conn's.
func (c *strait) Write(p []byte) (int, error) {
	select {
	case <-c.closed:
		return 0, net.ErrClosed
	default:
	}
	if c.toll != nil && c.toll.broken() {
		_ = c.Close()
		return 0, net.ErrClosed
	}
	c.sent.Write(p)
	for {
		raw := bytes.Clone(c.sent.Bytes())
		packet, err := ber.ReadPacket(bytes.NewReader(raw))
		if err != nil || len(packet.Children) < 2 {
			return len(p), nil //nolint:nilerr // no whole message yet: the rest is to come
		}
		n := len(packet.Bytes())
		c.sent.Next(n)
		c.request(packet, raw[:n])
		if c.sent.Len() == 0 {
			return len(p), nil
		}
	}
}

var ldapWrites = map[ber.Tag]string{
	ldap.ApplicationAddRequest: "add", ldap.ApplicationDelRequest: "delete", ldap.ApplicationModifyRequest: "modify", ldap.ApplicationModifyDNRequest: "rename",
}

func (c *strait) request(packet *ber.Packet, raw []byte) {
	tag := packet.Children[1].Tag
	verb, write := ldapWrites[tag]
	switch tag {
	case ldap.ApplicationUnbindRequest, ldap.ApplicationAbandonRequest:
		return
	case ldap.ApplicationBindRequest:
		c.bind = bytes.Clone(raw)
	}
	var rule ruling
	if c.toll != nil {
		rule = c.toll.judge(write, fmt.Sprintf("%s %d", verb, tag), string(raw))
	}
	switch {
	case rule.before:
		_ = c.Close()
	case rule.mute:
	case rule.status != 0 || rule.lie:
		c.tell(ldapAnswer(packet, ldapCode(rule)))
	case rule.late > 0:
		bind := bytes.Clone(c.bind)
		c.toll.afterwards(rule.late, func() { later(c.addr, bind, raw) })
		if rule.lose != "hang" {
			_ = c.Close()
		}
	default:
		c.pass(packet, raw, rule)
	}
}

// pass hands a request on and gives the answer, or loses it.
func (c *strait) pass(packet *ber.Packet, raw []byte, rule ruling) {
	if rule.twice {
		later(c.addr, c.bind, raw)
	}
	if rule.swap[0] != "" {
		packet, raw = ldapDeletion(packet, c.toll.named(rule.swap[1]))
	}
	answer, err := exchange(c.server, c.from, packet, raw)
	switch {
	case err != nil || rule.lose == "cut":
		_ = c.Close()
	case rule.lose == "half":
		c.tell(answer[:len(answer)/2])
		_ = c.Close()
	case rule.lose == "":
		c.tell(answer)
	}
	if rule.after != nil {
		rule.after()
	}
}

// exchange sends a message and reads to the last one of its answer.
func exchange(to io.Writer, from *bufio.Reader, packet *ber.Packet, raw []byte) ([]byte, error) {
	if _, err := to.Write(raw); err != nil {
		return nil, err
	}
	var answer []byte
	for {
		got, err := ber.ReadPacket(from)
		if err != nil {
			return nil, err
		}
		if fmt.Sprint(got.Children[0].Value) != fmt.Sprint(packet.Children[0].Value) {
			continue
		}
		answer = append(answer, got.Bytes()...)
		switch got.Children[1].Tag {
		case ldap.ApplicationSearchResultEntry, ldap.ApplicationSearchResultReference, ldap.ApplicationIntermediateResponse:
		default:
			return answer, nil
		}
	}
}

// later does a request on a connection of its own.
func later(addr string, bind, raw []byte) {
	server, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	from := bufio.NewReader(server)
	for _, message := range [][]byte{bind, raw} {
		packet, err := ber.ReadPacket(bytes.NewReader(message))
		if err != nil {
			return
		}
		if _, err := exchange(server, from, packet, message); err != nil {
			return
		}
	}
}

// ldapCode gives the result code that stands for an HTTP status.
func ldapCode(r ruling) int {
	switch r.status {
	case 0:
		return ldap.LDAPResultSuccess
	case http.StatusTooManyRequests:
		return ldap.LDAPResultBusy
	case http.StatusUnauthorized, http.StatusForbidden:
		return ldap.LDAPResultInsufficientAccessRights
	default:
		return ldap.LDAPResultUnavailable
	}
}

func ldapAnswer(packet *ber.Packet, code int) []byte {
	tags := map[ber.Tag]ber.Tag{
		ldap.ApplicationBindRequest: ldap.ApplicationBindResponse, ldap.ApplicationSearchRequest: ldap.ApplicationSearchResultDone,
		ldap.ApplicationAddRequest: ldap.ApplicationAddResponse, ldap.ApplicationDelRequest: ldap.ApplicationDelResponse,
		ldap.ApplicationModifyRequest: ldap.ApplicationModifyResponse, ldap.ApplicationModifyDNRequest: ldap.ApplicationModifyDNResponse,
		ldap.ApplicationExtendedRequest: ldap.ApplicationExtendedResponse,
	}
	id, _ := packet.Children[0].Value.(int64)
	m := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
	m.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, id, ""))
	op := ber.Encode(ber.ClassApplication, ber.TypeConstructed, tags[packet.Children[1].Tag], nil, "")
	op.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, int64(code), ""))
	op.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, "", ""))
	op.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, "injected", ""))
	m.AppendChild(op)
	return m.Bytes()
}

// ldapDeletion makes a request to delete an entry out of one to delete another.
func ldapDeletion(packet *ber.Packet, dn string) (*ber.Packet, []byte) {
	id, _ := packet.Children[0].Value.(int64)
	m := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
	m.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, id, ""))
	m.AppendChild(ber.NewString(ber.ClassApplication, ber.TypePrimitive, ldap.ApplicationDelRequest, dn, ""))
	return m, m.Bytes()
}

// Close is net.Conn's.
func (c *strait) Close() error {
	c.once.Do(func() { close(c.closed); _ = c.server.Close() })
	return nil
}

// The rest of net.Conn: nothing here takes time.
func (c *strait) LocalAddr() net.Addr              { return pipeAddr{} }
func (c *strait) RemoteAddr() net.Addr             { return pipeAddr{} }
func (c *strait) SetDeadline(time.Time) error      { return nil }
func (c *strait) SetReadDeadline(time.Time) error  { return nil }
func (c *strait) SetWriteDeadline(time.Time) error { return nil }

func (s *ldapPost) expire() bool { return false }
func (s *ldapPost) deny() func() { return nil }

func (s *ldapPost) aside(x deed) bool { return x.verb == "move" }
