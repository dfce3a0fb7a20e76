package ldapdir_test

import (
	"bufio"
	"net"
	"strings"
	"sync"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// proxy stands between the connector and a directory. It takes the protocol's
// messages apart, counts them and makes things go wrong.
type proxy struct {
	t    *testing.T
	to   string
	addr string

	mu      sync.Mutex
	conns   map[*link]bool
	calls   int
	binds   int
	effects int
	rules   []*rule
}

// rule is one thing that goes wrong. It is asked for every request, and says
// false when it does not apply.
type rule struct {
	times int // below 0: for ever
	when  func(*request) bool
	do    func(*request) verdict
}

// verdict is what becomes of a request.
type verdict struct {
	code    int         // answer with this result code, and do not pass it on
	text    string      // its words
	cut     bool        // cut the connection, and do not pass it on
	hang    bool        // neither answer nor pass it on
	rewrite *ber.Packet // pass this on
	answers []*ber.Packet
	// after is what happens to the answer of a request that is passed on.
	after func(l *link, last *ber.Packet) (drop bool)
	half  bool // pass on the first entry of the answer, then cut
	edit  func(*ber.Packet) *ber.Packet
}

// request is a message of the client.
type request struct {
	link   *link
	id     int64
	tag    ber.Tag
	packet *ber.Packet
	filter string
	base   string
	paged  bool
	attrs  []string
	oids   map[string][]byte // controls and their values
}

// link is one connection on its way through.
type link struct {
	p       *proxy
	client  net.Conn
	server  net.Conn
	mu      sync.Mutex
	pending map[int64]*flight
}

type flight struct {
	v       verdict
	tag     ber.Tag
	entries int
}

var writing = map[ber.Tag]bool{
	ldap.ApplicationAddRequest: true, ldap.ApplicationDelRequest: true, ldap.ApplicationModifyRequest: true, ldap.ApplicationModifyDNRequest: true,
}

func newProxy(t *testing.T, to string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{t: t, to: to, addr: listener.Addr().String(), conns: map[*link]bool{}}
	t.Cleanup(func() {
		_ = listener.Close()
		p.cutAll()
	})
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go p.serve(client)
		}
	}()
	return p
}

func (p *proxy) serve(client net.Conn) {
	server, err := net.Dial("tcp", p.to)
	if err != nil {
		_ = client.Close()
		return
	}
	l := &link{p: p, client: client, server: server, pending: map[int64]*flight{}}
	p.mu.Lock()
	p.conns[l] = true
	p.mu.Unlock()
	go l.answers()
	l.requests()
}

func (l *link) cut() {
	_ = l.client.Close()
	_ = l.server.Close()
	l.p.mu.Lock()
	delete(l.p.conns, l)
	l.p.mu.Unlock()
}

func (p *proxy) cutAll() {
	p.mu.Lock()
	var all []*link
	for l := range p.conns {
		all = append(all, l)
	}
	p.mu.Unlock()
	for _, l := range all {
		l.cut()
	}
}

// arm adds a rule.
func (p *proxy) arm(times int, when func(*request) bool, do func(*request) verdict) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = append(p.rules, &rule{times: times, when: when, do: do})
}

func (p *proxy) count() (calls, binds, effects int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls, p.binds, p.effects
}

// judge counts a request and finds the rule for it.
func (p *proxy) judge(r *request) verdict {
	p.mu.Lock()
	switch r.tag {
	case ldap.ApplicationBindRequest:
		p.binds++
	case ldap.ApplicationUnbindRequest, ldap.ApplicationAbandonRequest:
		p.mu.Unlock()
		return verdict{}
	default:
		p.calls++
	}
	var found *rule
	for _, rule := range p.rules {
		if rule.times != 0 && rule.when(r) {
			if rule.times > 0 {
				rule.times--
			}
			found = rule
			break
		}
	}
	p.mu.Unlock()
	if found == nil {
		return verdict{}
	}
	return found.do(r)
}

func (l *link) requests() {
	defer l.cut()
	in := bufio.NewReader(l.client)
	for {
		packet, err := ber.ReadPacket(in)
		if err != nil || len(packet.Children) < 2 {
			return
		}
		r := parse(l, packet)
		v := l.p.judge(r)
		switch {
		case v.cut:
			return
		case v.hang:
			continue
		case v.answers != nil:
			for _, a := range v.answers {
				_, _ = l.client.Write(a.Bytes())
			}
			continue
		case v.code != 0:
			_, _ = l.client.Write(done(r, v.code, v.text).Bytes())
			continue
		}
		l.mu.Lock()
		l.pending[r.id] = &flight{v: v, tag: r.tag}
		l.mu.Unlock()
		out := packet
		if v.rewrite != nil {
			out = v.rewrite
		}
		if _, err := l.server.Write(out.Bytes()); err != nil {
			return
		}
	}
}

func (l *link) answers() {
	defer l.cut()
	in := bufio.NewReader(l.server)
	for {
		packet, err := ber.ReadPacket(in)
		if err != nil || len(packet.Children) < 2 {
			return
		}
		id, _ := packet.Children[0].Value.(int64)
		tag := packet.Children[1].Tag
		l.mu.Lock()
		f := l.pending[id]
		l.mu.Unlock()
		if f == nil {
			f = &flight{}
		}
		last := tag != ldap.ApplicationSearchResultEntry && tag != ldap.ApplicationSearchResultReference && tag != ldap.ApplicationIntermediateResponse
		if last && writing[f.tag] && success(packet) {
			l.p.mu.Lock()
			l.p.effects++
			l.p.mu.Unlock()
		}
		if last && f.v.after != nil && f.v.after(l, packet) {
			continue
		}
		if tag == ldap.ApplicationSearchResultEntry {
			f.entries++
		}
		if f.v.edit != nil {
			packet = f.v.edit(packet)
		}
		data := packet.Bytes()
		if f.v.half && (f.entries == 2 || last) {
			_, _ = l.client.Write(data[:len(data)/2])
			return
		}
		if _, err := l.client.Write(data); err != nil {
			return
		}
	}
}

func success(packet *ber.Packet) bool {
	op := packet.Children[1]
	if len(op.Children) == 0 {
		return false
	}
	n, _ := op.Children[0].Value.(int64)
	return n == 0
}

func parse(l *link, packet *ber.Packet) *request {
	r := &request{link: l, packet: packet, tag: packet.Children[1].Tag, oids: map[string][]byte{}}
	r.id, _ = packet.Children[0].Value.(int64)
	op := packet.Children[1]
	if r.tag == ldap.ApplicationSearchRequest && len(op.Children) == 8 {
		r.base, _ = op.Children[0].Value.(string)
		r.filter, _ = ldap.DecompileFilter(op.Children[6])
		for _, a := range op.Children[7].Children {
			s, _ := a.Value.(string)
			r.attrs = append(r.attrs, s)
		}
		if len(packet.Children) > 2 {
			for _, c := range packet.Children[2].Children {
				oid, _ := c.Children[0].Value.(string)
				r.paged = r.paged || oid == ldap.ControlTypePaging
				r.oids[oid] = c.Children[len(c.Children)-1].Data.Bytes()
			}
		}
	}
	return r
}

// answerTags are the tags of the last answers.
var answerTags = map[ber.Tag]ber.Tag{
	ldap.ApplicationBindRequest: ldap.ApplicationBindResponse, ldap.ApplicationSearchRequest: ldap.ApplicationSearchResultDone,
	ldap.ApplicationAddRequest: ldap.ApplicationAddResponse, ldap.ApplicationDelRequest: ldap.ApplicationDelResponse,
	ldap.ApplicationModifyRequest: ldap.ApplicationModifyResponse, ldap.ApplicationModifyDNRequest: ldap.ApplicationModifyDNResponse,
	ldap.ApplicationExtendedRequest: ldap.ApplicationExtendedResponse,
}

// done builds the last answer of a request.
func done(r *request, code int, text string, controls ...ldap.Control) *ber.Packet {
	m := message(r.id)
	op := ber.Encode(ber.ClassApplication, ber.TypeConstructed, answerTags[r.tag], nil, "")
	op.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, int64(code), ""))
	op.AppendChild(octets(""))
	op.AppendChild(octets(text))
	m.AppendChild(op)
	if len(controls) > 0 {
		all := ber.Encode(ber.ClassContext, ber.TypeConstructed, 0, nil, "")
		for _, c := range controls {
			all.AppendChild(c.Encode())
		}
		m.AppendChild(all)
	}
	return m
}

// entry builds an entry of an answer.
func entry(r *request, dn string, attributes map[string][]string) *ber.Packet {
	m := message(r.id)
	op := ber.Encode(ber.ClassApplication, ber.TypeConstructed, ldap.ApplicationSearchResultEntry, nil, "")
	op.AppendChild(octets(dn))
	list := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
	for name, values := range attributes {
		a := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
		a.AppendChild(octets(name))
		set := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSet, nil, "")
		for _, v := range values {
			set.AppendChild(octets(v))
		}
		a.AppendChild(set)
		list.AppendChild(a)
	}
	op.AppendChild(list)
	m.AppendChild(op)
	return m
}

// reference builds a referral among an answer's entries.
func reference(r *request, url string) *ber.Packet {
	m := message(r.id)
	op := ber.Encode(ber.ClassApplication, ber.TypeConstructed, ldap.ApplicationSearchResultReference, nil, "")
	op.AppendChild(octets(url))
	m.AppendChild(op)
	return m
}

func message(id int64) *ber.Packet {
	m := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
	m.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, id, ""))
	return m
}

func octets(s string) *ber.Packet {
	return ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, s, "")
}

func isWrite(r *request) bool { return writing[r.tag] }

// isPeople tells whether a request is a page of the listing of people.
func isPeople(r *request) bool {
	return r.tag == ldap.ApplicationSearchRequest && r.paged && strings.Contains(r.filter, "inetOrgPerson") && !strings.Contains(r.filter, "(!(")
}
