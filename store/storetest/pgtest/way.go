package pgtest

import (
	"context"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"
)

// Way is a network between the server and who uses it: answers may come late, or not
// at all while the connections stand, and the connections may break.
type Way struct {
	server *Server
	listen net.Listener
	users  sync.WaitGroup

	mu     sync.Mutex
	delay  time.Duration
	open   chan struct{} // closed: what comes is let through
	broken chan struct{} // closed: the connections of until then are broken
	over   bool
}

// Way opens a way to the server, which is closed when the test is over.
func (s *Server) Way(t testing.TB) *Way {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &Way{server: s, listen: l, open: make(chan struct{}), broken: make(chan struct{})}
	close(w.open)
	w.users.Go(w.accept)
	t.Cleanup(func() {
		_ = l.Close()
		w.mu.Lock()
		w.over = true
		close(w.broken)
		w.mu.Unlock()
		w.users.Wait()
	})
	return w
}

// URL is that of Server, on this way.
func (w *Way) URL(t testing.TB, name string) string {
	t.Helper()
	u, err := url.Parse(w.server.URL(t, name))
	if err != nil {
		t.Fatal(err)
	}
	u.Host = w.listen.Addr().String()
	return u.String()
}

// Delay makes every answer come so much later.
func (w *Way) Delay(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.delay = d
}

// Hang keeps back whatever comes, on either side, until it is called with false.
func (w *Way) Hang(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.open:
		if on {
			w.open = make(chan struct{})
		}
	default:
		if !on {
			close(w.open)
		}
	}
}

// Cut breaks every connection.
func (w *Way) Cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.broken)
	w.broken = make(chan struct{})
}

func (w *Way) accept() {
	for {
		user, err := w.listen.Accept()
		if err != nil {
			return
		}
		w.mu.Lock()
		broken, over := w.broken, w.over
		w.mu.Unlock()
		if over {
			_ = user.Close()
			return
		}
		w.users.Go(func() { w.join(user, broken) })
	}
}

// join lets a user speak with the server until one of them goes, or it is broken.
func (w *Way) join(user net.Conn, broken chan struct{}) {
	defer func() { _ = user.Close() }()
	server, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", "127.0.0.1:"+w.server.Port)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	gone := make(chan struct{}, 2)
	var both sync.WaitGroup
	both.Go(func() { w.carry(server, user, broken, false); gone <- struct{}{} })
	both.Go(func() { w.carry(user, server, broken, true); gone <- struct{}{} })
	select {
	case <-gone:
	case <-broken:
	}
	_, _ = user.Close(), server.Close()
	both.Wait()
}

// carry copies what comes from one side to the other.
func (w *Way) carry(to io.Writer, from io.Reader, broken chan struct{}, answers bool) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		w.mu.Lock()
		open, late := w.open, time.Duration(0)
		if answers {
			late = w.delay
		}
		w.mu.Unlock()
		select {
		case <-broken:
			return
		case <-open:
		}
		select {
		case <-broken:
			return
		case <-time.After(late):
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}
