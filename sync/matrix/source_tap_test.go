package matrix

import (
	"bufio"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// The ways in which a page of a directory fails: the result codes of RFC 4511 §4.1.9,
// and what the network does.
var tapCodes = map[string]uint16{
	"time limit exceeded": ldap.LDAPResultTimeLimitExceeded, "size limit exceeded": ldap.LDAPResultSizeLimitExceeded,
	"administrative limit": ldap.LDAPResultAdminLimitExceeded, "busy": ldap.LDAPResultBusy, "unavailable": ldap.LDAPResultUnavailable,
	"no such object": ldap.LDAPResultNoSuchObject, "insufficient rights": ldap.LDAPResultInsufficientAccessRights,
	tapCookie: ldap.LDAPResultUnwillingToPerform,
}

const (
	// tapCookie is how OpenLDAP refuses the cookie of another connection, or of an old search.
	tapCookie = "cookie refused"
	tapHalf   = "half of an entry"
)

// tap stands between a connector and a directory. It takes the protocol's messages
// apart (RFC 4511).
type tap struct {
	to   string
	addr string

	mu    sync.Mutex
	links map[*tapLink]bool
	seen  map[string]int // pages
	way   string
	at    int
	left  int
	met   int
	// hides tells of an entry's name, in small letters, whether it is left out of
	// listings.
	hides  func(dn string) bool
	before func(n int)
	// blind tells the same of every answer, as the server's own access rules do.
	blind func(dn string) bool
	bind  uint16 // what a bind is answered; 0: nothing stands in its way
	// edit changes an entry of a listing.
	edit func(dn string, entry *ber.Packet) *ber.Packet
	// twice lets every entry of the page come twice.
	twice bool
}

// tapLink is one connection on its way through.
type tapLink struct {
	p              *tap
	client, server net.Conn
	mu             sync.Mutex
	cut            map[int64]bool // searches whose first entry is cut in the middle
	pages          map[int64]bool // searches that are pages
	walks          map[string]int // pages of a filter since its first
}

func newTap(t *testing.T, to string) *tap {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	p := &tap{to: to, addr: listener.Addr().String(), links: map[*tapLink]bool{}, seen: map[string]int{}}
	ended := make(chan struct{})
	var all sync.WaitGroup
	go func() {
		defer close(ended)
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() { p.serve(client) })
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-ended
		p.cutAll()
		all.Wait()
	})
	return p
}

func (p *tap) serve(client net.Conn) {
	server, err := net.Dial("tcp", p.to)
	if err != nil {
		_ = client.Close()
		return
	}
	l := &tapLink{p: p, client: client, server: server, cut: map[int64]bool{}, pages: map[int64]bool{}, walks: map[string]int{}}
	p.mu.Lock()
	p.links[l] = true
	p.mu.Unlock()
	back := make(chan struct{})
	go func() { defer close(back); l.answers() }()
	l.requests()
	<-back
	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
}

func (l *tapLink) close() {
	_ = l.client.Close()
	_ = l.server.Close()
}

// cutAll cuts every connection.
func (p *tap) cutAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.close()
	}
}

func (p *tap) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = map[string]int{}
	change()
}

func (p *tap) begin() { p.set(func() {}) }

func (p *tap) pages() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.seen)
}

func (p *tap) ways() []string {
	return []string{
		"time limit exceeded", "size limit exceeded", "administrative limit", "busy", "unavailable", "no such object", "insufficient rights", tapCookie, tapHalf, wayReset,
	}
}

func (p *tap) passing() string { return "busy" }

func (p *tap) spoil(way string, page, times int) {
	p.set(func() { p.way, p.at, p.left, p.met = way, page, times, 0 })
}

func (p *tap) hits() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.met
}

func (p *tap) mend() {
	p.set(func() {
		p.way, p.left, p.hides, p.blind, p.before, p.bind, p.edit, p.twice = "", 0, nil, nil, nil, 0, nil, false
	})
}

// page numbers a page by its filter and its place, and tells how it fails. The
// caller holds no lock.
func (p *tap) page(key string) (way string) {
	p.mu.Lock()
	n, known := p.seen[key]
	var before func(int)
	if !known {
		n = len(p.seen) + 1
		p.seen[key], before = n, p.before
	}
	if p.way != "" && n == p.at && p.left != 0 {
		way = p.way
		p.met++
		if p.left > 0 {
			p.left--
		}
	}
	p.mu.Unlock()
	if before != nil {
		before(n)
	}
	return way
}

func (l *tapLink) requests() {
	defer l.close()
	in := bufio.NewReader(l.client)
	for {
		packet, err := ber.ReadPacket(in)
		if err != nil || len(packet.Children) < 2 {
			return
		}
		id, _ := packet.Children[0].Value.(int64)
		switch way := l.meet(id, packet); {
		case way == wayReset:
			return
		case way == waySlow:
			continue
		case way == tapHalf:
			l.mu.Lock()
			l.cut[id] = true
			l.mu.Unlock()
		case strings.HasPrefix(way, "code "):
			code, _ := strconv.Atoi(way[5:])
			tag := ber.Tag(ldap.ApplicationSearchResultDone)
			if packet.Children[1].Tag == ldap.ApplicationBindRequest {
				tag = ldap.ApplicationBindResponse
			}
			_, _ = l.client.Write(tapDone(id, tag, code).Bytes())
			continue
		}
		if _, err := l.server.Write(packet.Bytes()); err != nil {
			return
		}
	}
}

// meet tells how a request fails.
func (l *tapLink) meet(id int64, packet *ber.Packet) string {
	op := packet.Children[1]
	if op.Tag == ldap.ApplicationBindRequest {
		l.p.mu.Lock()
		defer l.p.mu.Unlock()
		if l.p.bind != 0 {
			return "code " + strconv.Itoa(int(l.p.bind))
		}
		return ""
	}
	if op.Tag != ldap.ApplicationSearchRequest || len(packet.Children) < 3 {
		return ""
	}
	filter, _ := ldap.DecompileFilter(op.Children[6])
	if strings.Contains(filter, "(!(") {
		return "" // whose attributes are hidden: says nothing of who is there
	}
	for _, c := range packet.Children[2].Children {
		control, err := ldap.DecodeControl(c)
		paging, ok := control.(*ldap.ControlPaging)
		if err != nil || !ok {
			continue
		}
		l.mu.Lock()
		if len(paging.Cookie) == 0 {
			l.walks[filter] = 0
		}
		l.walks[filter]++
		key := filter + "#" + strconv.Itoa(l.walks[filter])
		l.pages[id] = true
		l.mu.Unlock()
		way := l.p.page(key)
		if code, ok := tapCodes[way]; ok {
			return "code " + strconv.Itoa(int(code))
		}
		return way
	}
	return ""
}

func (l *tapLink) answers() {
	defer l.close()
	in := bufio.NewReader(l.server)
	for {
		packet, err := ber.ReadPacket(in)
		if err != nil || len(packet.Children) < 2 {
			return
		}
		id, _ := packet.Children[0].Value.(int64)
		l.mu.Lock()
		cut, page := l.cut[id], l.pages[id]
		l.mu.Unlock()
		data := packet.Bytes()
		if cut {
			_, _ = l.client.Write(data[:len(data)/2])
			return
		}
		if packet.Children[1].Tag == ldap.ApplicationSearchResultEntry {
			data = l.p.entry(packet, page)
		}
		if _, err := l.client.Write(data); err != nil {
			return
		}
	}
}

// entry gives an entry as it is passed on; page: of a listing.
func (p *tap) entry(packet *ber.Packet, page bool) []byte {
	name, _ := packet.Children[1].Children[0].Value.(string)
	dn := strings.ToLower(name)
	p.mu.Lock()
	hides, blind, edit, twice := p.hides, p.blind, p.edit, p.twice
	p.mu.Unlock()
	if blind != nil && blind(dn) {
		return nil
	}
	if !page {
		return packet.Bytes()
	}
	if hides != nil && hides(dn) {
		return nil
	}
	if edit != nil {
		packet = edit(dn, packet)
	}
	data := packet.Bytes()
	if twice {
		data = append(append([]byte{}, data...), data...)
	}
	return data
}

// tapDone builds the last answer of a request.
func tapDone(id int64, tag ber.Tag, code int) *ber.Packet {
	octets := func(s string) *ber.Packet {
		return ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, s, "")
	}
	m := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
	m.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, id, ""))
	op := ber.Encode(ber.ClassApplication, ber.TypeConstructed, tag, nil, "")
	op.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, int64(code), ""))
	op.AppendChild(octets(""))
	op.AppendChild(octets("injected"))
	m.AppendChild(op)
	return m
}
