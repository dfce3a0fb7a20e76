package dingtalksim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// ackLimit bounds one frame from a client.
const ackLimit = 1 << 20

// connection is one open Stream socket.
type connection struct {
	id, appID string
	topics    map[string]bool
	draining  bool // guarded by Sim.mu: told to go, gets nothing more

	socket  *websocket.Conn
	writing sync.Mutex // one writer at a time

	mu      sync.Mutex // guards waiting
	waiting map[string]chan Ack

	done    chan struct{}
	cutOnce sync.Once
}

func newConnection(socket *websocket.Conn, appID string, topics map[string]bool) *connection {
	return &connection{
		id: newID("conn-"), appID: appID, topics: topics, socket: socket,
		waiting: map[string]chan Ack{}, done: make(chan struct{}),
	}
}

// cut ends the connection without a closing handshake.
func (c *connection) cut() {
	c.cutOnce.Do(func() {
		close(c.done)
		_ = c.socket.Close() // the other side sees it either way
	})
}

func (c *connection) gone() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// pushed is what push sends.
type pushed struct {
	kind        string // "" = by topic
	topic, data string
	headers     map[string]string // besides those of every frame
	frameID     string            // "" = a new one
	limit       time.Duration     // 0 = Options.AckWithin
}

// push sends one frame and waits for its acknowledgement.
func (s *Sim) push(ctx context.Context, c *connection, p pushed) (Ack, error) {
	limit := either(p.limit, s.opts.AckWithin)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, ErrNoAck)
	defer cancel()
	f := newFrame(c, p.topic, p.data)
	f.Type = either(p.kind, f.Type)
	maps.Copy(f.Headers, p.headers)
	if p.frameID != "" {
		f.Headers["messageId"] = p.frameID
	}
	raw, err := f.encode(s.opts.Now())
	if err != nil {
		return Ack{}, err
	}
	answer := c.expect(f.id())
	defer c.forget(f.id())
	if err := c.write(ctx, raw); err != nil {
		return Ack{}, fmt.Errorf("push %s: %w", p.topic, errors.Join(ErrNoAck, err))
	}
	select {
	case ack := <-answer:
		return ack, nil
	case <-c.done:
		return Ack{}, fmt.Errorf("push %s: connection ended: %w", p.topic, ErrNoAck)
	case <-ctx.Done():
		if errors.Is(context.Cause(ctx), ErrNoAck) {
			s.complainUnlocked("no acknowledgement of " + p.topic + " within " + limit.String())
		}
		return Ack{}, fmt.Errorf("push %s: %w", p.topic, context.Cause(ctx))
	}
}

// write sends one text message. A client that does not read in time is cut
// off, since the socket's own deadlines know only the machine's clock.
func (c *connection) write(ctx context.Context, raw []byte) error {
	stop := context.AfterFunc(ctx, c.cut)
	defer stop()
	c.writing.Lock()
	defer c.writing.Unlock()
	return c.socket.WriteMessage(websocket.TextMessage, raw)
}

func (c *connection) expect(frameID string) <-chan Ack {
	c.mu.Lock()
	defer c.mu.Unlock()
	answer := make(chan Ack, 1)
	c.waiting[frameID] = answer
	return answer
}

func (c *connection) forget(frameID string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waiting, frameID)
}

// settle hands an acknowledgement to its waiter and tells whether there was
// one; a second acknowledgement of a frame has none.
func (c *connection) settle(ack Ack) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	answer, waited := c.waiting[ack.messageID]
	if waited {
		delete(c.waiting, ack.messageID)
		answer <- ack
	}
	return waited
}

// serveConnection reads acknowledgements until the connection ends.
func (s *Sim) serveConnection(ctx context.Context, c *connection) {
	var heart sync.WaitGroup
	heart.Go(func() { s.beat(ctx, c) })
	defer heart.Wait()
	defer s.dismiss(c)

	c.socket.SetReadLimit(ackLimit)
	c.socket.SetPingHandler(func(data string) error { return s.pong(c, data) })
	for {
		kind, raw, err := c.socket.ReadMessage()
		if err != nil {
			return // closed by either side
		}
		if kind != websocket.TextMessage {
			s.complainUnlocked("a binary frame came; the protocol is text")
			continue
		}
		ack, err := decodeAck(raw)
		if err != nil {
			s.complainUnlocked(err.Error())
			continue
		}
		if s.dropped() {
			continue
		}
		if !c.settle(ack) {
			s.complainUnlocked("an acknowledgement came late, twice, or for an unknown frame")
		}
	}
}

// pong answers a client's WebSocket ping unless pongs are silenced.
func (s *Sim) pong(c *connection, data string) error {
	s.mu.Lock()
	mute := s.stream.mutePongs
	s.mu.Unlock()
	if mute {
		return nil
	}
	err := c.socket.WriteControl(websocket.PongMessage, []byte(data), time.Time{})
	if errors.Is(err, websocket.ErrCloseSent) {
		return nil
	}
	return err
}

// beat sends SYSTEM pings until the connection ends.
func (s *Sim) beat(ctx context.Context, c *connection) {
	if s.opts.PingEvery < 0 {
		return
	}
	ticker := time.NewTicker(s.opts.PingEvery)
	defer ticker.Stop()
	for {
		select {
		case <-c.done:
			return
		case <-ticker.C:
			if s.mayPing(c) {
				_ = s.ping(ctx, c) // a misdeed is among the complaints already
			}
		}
	}
}

func (s *Sim) mayPing(c *connection) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !c.draining && !s.stream.mutePings
}
