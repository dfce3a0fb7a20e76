package queuetest

import (
	"bytes"
	"context"
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy stands between a client and a server, and does what networks do: it
// swallows, cuts, delays, and loses the answers of single commands. It is safe for
// concurrent use.
type Proxy struct {
	listener net.Listener
	target   string
	group    sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	links   map[*link]bool
	faults  Faults
	changed chan struct{} // closed when faults change
	losses  []*loss
}

// Faults are what a Proxy does to all connections; the zero value does nothing.
type Faults struct {
	// HoleUp and HoleDown swallow what goes to the server and to the client: the
	// connection stays, and new ones are taken, as behind a firewall that drops.
	HoleUp, HoleDown bool
	// Refuse resets new connections and those that there are.
	Refuse bool
	// Delay holds back what goes to the client.
	Delay time.Duration
	// CutAfter resets a connection when so many bytes went to the client; 0: never.
	CutAfter int
}

// loss makes the answers of commands that hold a word disappear.
type loss struct {
	word  []byte
	times int
	cut   bool
}

// link is one connection through the proxy.
type link struct {
	client, server net.Conn

	mu   sync.Mutex
	deaf bool // nothing goes to the client any more
	cuts bool // and when something would, the connection is cut: the server has obeyed
	down int  // bytes that went to the client
}

// StartProxy starts a proxy in front of host:port on a free port. It passes
// everything until it is told otherwise, and ends with the test.
func StartProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(context.WithoutCancel(t.Context()), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: l, target: target, links: map[*link]bool{}, changed: make(chan struct{})}
	p.group.Go(p.accept)
	t.Cleanup(func() {
		p.mu.Lock()
		p.closed = true
		p.tell()
		p.mu.Unlock()
		_ = l.Close()
		p.Reset()
		p.group.Wait()
	})
	return p
}

// Move leads new connections to another server, and cuts those that there are, as
// an address does that moves to another machine.
func (p *Proxy) Move(target string) {
	p.mu.Lock()
	p.target = target
	p.mu.Unlock()
	p.Reset()
}

// Address is host:port for clients.
func (p *Proxy) Address() string { return p.listener.Addr().String() }

// Set does faults from now on. What was swallowed before does not come again.
func (p *Proxy) Set(f Faults) {
	p.mu.Lock()
	p.faults = f
	p.tell()
	p.mu.Unlock()
	if f.Refuse {
		p.Reset()
	}
}

// Pass does nothing any more, and resets the connections that have lost something:
// they would be out of step.
func (p *Proxy) Pass() {
	p.Set(Faults{})
	p.Reset()
}

// Reset cuts all connections.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.cut()
	}
}

// LoseAnswers lets the next commands that hold a word, such as "xadd", come to the
// server, so many times, and loses their answers: the client hears no more on that
// connection, or its connection is cut.
func (p *Proxy) LoseAnswers(word string, times int, cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.losses = append(p.losses, &loss{word: bytes.ToLower([]byte(word)), times: times, cut: cut})
}

// Lost tells whether every answer that was to be lost is lost.
func (p *Proxy) Lost() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.losses {
		if l.times > 0 {
			return false
		}
	}
	return true
}

// tell wakes who waits for other faults, with the lock held.
func (p *Proxy) tell() {
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.group.Go(func() { p.serve(client) })
	}
}

func (p *Proxy) serve(client net.Conn) {
	p.mu.Lock()
	target := p.target
	p.mu.Unlock()
	d := net.Dialer{Timeout: patience}
	server, err := d.DialContext(context.Background(), "tcp", target)
	if err != nil {
		_ = client.Close()
		return
	}
	l := &link{client: client, server: server}
	p.mu.Lock()
	p.links[l] = true
	if p.faults.Refuse || p.closed {
		l.cut()
	}
	p.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { defer l.cut(); p.up(l) })
	both.Go(func() { defer l.cut(); p.down(l) })
	both.Wait()
	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
}

// cut resets both sides.
func (l *link) cut() {
	for _, c := range []net.Conn{l.client, l.server} {
		if tcp, is := c.(*net.TCPConn); is {
			_ = tcp.SetLinger(0)
		}
		_ = c.Close()
	}
}

// up carries what goes to the server.
func (p *Proxy) up(l *link) {
	buf := make([]byte, 32<<10)
	for {
		n, err := l.client.Read(buf)
		if n > 0 {
			now, lose := p.judge(buf[:n])
			if lose != nil {
				l.lose(lose.cut)
			}
			if !now.HoleUp {
				if _, err := l.server.Write(buf[:n]); err != nil {
					return
				}
			}
		}
		if err != nil {
			return
		}
	}
}

// judge gives the faults, and which loss a command meets.
func (p *Proxy) judge(sent []byte) (Faults, *loss) {
	p.mu.Lock()
	defer p.mu.Unlock()
	lower := bytes.ToLower(sent)
	for _, l := range p.losses {
		if l.times > 0 && bytes.Contains(lower, l.word) {
			l.times--
			return p.faults, l
		}
	}
	return p.faults, nil
}

func (l *link) lose(cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deaf, l.cuts = true, cut
}

// down carries what goes to the client.
func (p *Proxy) down(l *link) {
	buf := make([]byte, 32<<10)
	for {
		n, err := l.server.Read(buf)
		if n > 0 && !p.hand(l, buf[:n]) {
			return
		}
		if err != nil {
			return
		}
	}
}

// hand gives the client some bytes, and false when the connection is over.
func (p *Proxy) hand(l *link, some []byte) bool {
	p.mu.Lock()
	now := p.faults
	p.mu.Unlock()
	if now.Delay > 0 {
		timer := time.NewTimer(now.Delay)
		defer timer.Stop()
		p.mu.Lock()
		changed := p.changed
		p.mu.Unlock()
		select {
		case <-timer.C:
		case <-changed:
		}
	}
	l.mu.Lock()
	deaf, cuts := l.deaf, l.cuts
	l.down += len(some)
	over := 0
	if now.CutAfter > 0 {
		over = max(0, l.down-now.CutAfter)
	}
	l.mu.Unlock()
	if now.HoleDown || deaf {
		return !cuts
	}
	if _, err := l.client.Write(some[:max(0, len(some)-over)]); err != nil {
		return false
	}
	return over == 0
}
