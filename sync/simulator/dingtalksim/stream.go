package dingtalksim

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/gorilla/websocket"
)

// Why a Stream delivery found no acknowledgement.
var (
	// ErrNotConnected: no healthy connection takes the topic. A bot message is
	// lost for good: the platform never sends it again.
	ErrNotConnected = errors.New("no stream connection takes this topic")
	// ErrNoAck: the frame was sent and its acknowledgement never came in time.
	ErrNoAck = errors.New("no acknowledgement")
)

// stream is the state of the Stream gateway, guarded by Sim.mu.
type stream struct {
	tickets   map[string]ticket
	open      map[*connection]bool
	changed   chan struct{} // closed and replaced whenever open changes
	closed    bool
	mutePongs bool
	mutePings bool
	dropAcks  int // acknowledgements that are lost on their way
}

func newStream() stream {
	return stream{
		tickets: map[string]ticket{}, open: map[*connection]bool{}, changed: make(chan struct{}),
	}
}

// SilencePongs makes the platform leave WebSocket pings unanswered, as a dead
// path does.
func (s *Sim) SilencePongs(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stream.mutePongs = on
}

// SilencePings stops the SYSTEM pings, so that connections look like the
// zombies of the field reports: open, answering, and without any frame.
func (s *Sim) SilencePings(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stream.mutePings = on
}

// Connections counts the open connections that still get deliveries.
func (s *Sim) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for c := range s.stream.open {
		if !c.draining {
			n++
		}
	}
	return n
}

// AwaitConnections waits until at least n connections get deliveries. It
// returns the context's cause when that ends first.
func (s *Sim) AwaitConnections(ctx context.Context, n int) error {
	for {
		s.mu.Lock()
		changed := s.stream.changed
		s.mu.Unlock()
		if s.Connections() >= n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for %d stream connections: %w", n, context.Cause(ctx))
		}
	}
}

// DropConnections cuts every connection without a word, as a broken network
// does. It returns how many there were.
func (s *Sim) DropConnections() int {
	open := s.openConnections()
	for _, c := range open {
		c.cut()
	}
	return len(open)
}

// Disconnect asks every client to go, as the platform does when it balances
// its load: a SYSTEM disconnect, no further delivery, and the socket closed
// after Options.Linger. It returns when each client has acknowledged or gone.
func (s *Sim) Disconnect(ctx context.Context) error {
	var errs []error
	for _, c := range s.openConnections() {
		s.mu.Lock()
		c.draining = true
		s.stream.noteChange()
		s.mu.Unlock()
		time.AfterFunc(s.opts.Linger, c.cut)
		_, err := s.push(ctx, c, pushed{topic: topicDisconnect, data: `{"reason":"connection is expired"}`})
		if err != nil && !c.gone() {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Ping sends one SYSTEM ping to every client and waits for the answers; an
// answer that does not echo the opaque value is an error.
func (s *Sim) Ping(ctx context.Context) error {
	var errs []error
	for _, c := range s.openConnections() {
		errs = append(errs, s.ping(ctx, c))
	}
	return errors.Join(errs...)
}

func (s *Sim) ping(ctx context.Context, c *connection) error {
	opaque := newID("")
	ack, err := s.push(ctx, c, pushed{topic: topicPing, data: `{"opaque":"` + opaque + `"}`})
	if err != nil {
		return err
	}
	echo, err := decodeObject([]byte(ack.Data))
	if err != nil || echo.text("opaque") != opaque || ack.Code != http.StatusOK {
		s.complainUnlocked("a ping was answered without its opaque value")
		return errors.New("check ping: the answer does not echo the opaque value")
	}
	return nil
}

// DropAcks loses the next n acknowledgements on their way: the platform then
// thinks that nobody took the frame, while the bot has.
func (s *Sim) DropAcks(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stream.dropAcks = n
}

func (s *Sim) dropped() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stream.dropAcks == 0 {
		return false
	}
	s.stream.dropAcks--
	return true
}

func (s *Sim) complainUnlocked(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.complain("%s", text)
}

func (s *Sim) openConnections() []*connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*connection, 0, len(s.stream.open))
	for c := range s.stream.open {
		list = append(list, c)
	}
	return list
}

// pick chooses at random among the connections that take a topic, as the
// platform does.
func (s *Sim) pick(kind, topic string) (*connection, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var able []*connection
	for c := range s.stream.open {
		if !c.draining && c.topics[kind+" "+topic] {
			able = append(able, c)
		}
	}
	if len(able) == 0 {
		return nil, fmt.Errorf("deliver %s: %w", topic, ErrNotConnected)
	}
	return able[rand.IntN(len(able))], nil //nolint:gosec // which connection is chosen is no secret
}

func (st *stream) noteChange() {
	close(st.changed)
	st.changed = make(chan struct{})
}

// serveConnect turns a ticket into a connection and serves it until it ends.
func (s *Sim) serveConnect(w http.ResponseWriter, r *http.Request) {
	s.learnBase(r)
	if f, found := s.takeFault(r.URL.Path, func() string { return "" }); found {
		a := f.answer(r.URL.Path)
		s.noteCall(r, nil, a.status)
		a.write(w)
		return
	}
	t, good := s.useTicket(r.URL.Query().Get("ticket"))
	if !good {
		s.noteCall(r, nil, http.StatusUnauthorized)
		http.Error(w, "ticket is used, expired or unknown", http.StatusUnauthorized)
		return
	}
	var upgrader websocket.Upgrader
	socket, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // the upgrader has answered
	}
	s.noteCall(r, nil, http.StatusSwitchingProtocols)
	c := newConnection(socket, s.opts.ClientID, t.topics)
	if !s.admit(c) {
		c.cut()
		return
	}
	defer s.connections.Done()
	s.serveConnection(r.Context(), c)
}

// admit registers a connection unless the simulator is closed.
func (s *Sim) admit(c *connection) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stream.closed {
		return false
	}
	s.connections.Add(1)
	s.stream.open[c] = true
	s.stream.noteChange()
	return true
}

func (s *Sim) dismiss(c *connection) {
	c.cut()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.stream.open, c)
	s.stream.noteChange()
}
