package feishusim

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// ClientConfig is what the tenant tells long-connection clients. All values
// but the count are seconds; a count of -1 is without end. All four fields
// are always sent: a client takes a missing one for 0.
type ClientConfig struct {
	ReconnectCount    int
	ReconnectInterval int
	ReconnectNonce    int
	PingInterval      int
}

// serviceID is the service number that clients put into their frames.
const serviceID = 33554678

// linkWrite is how long one write to a client may take, in real time.
const linkWrite = 10 * time.Second

// linkState holds the long connections.
type linkState struct {
	tickets  map[string]bool // device ids that may connect once
	conns    []*conn
	pending  map[uint64]chan Frame // deliveries that wait for their ack, by SeqID
	silent   bool
	dropAcks int // answers that are lost on their way
	refuse   handshake
	changed  chan struct{} // closed when the number of connections changes
}

type handshake struct{ status, authErr int }

type conn struct {
	socket *websocket.Conn
	write  sync.Mutex
}

func (l *linkState) init() {
	l.tickets = map[string]bool{}
	l.pending = map[uint64]chan Frame{}
	l.changed = make(chan struct{})
}

func (l *linkState) change() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// serveBootstrap tells a client where to connect. The reply is HTTP 200 also
// when the code says no.
func serveBootstrap(c *call) (any, *refusal) {
	var in struct{ AppID, AppSecret, ClientAssertion string }
	no := c.decode(&in)
	s := c.sim
	switch {
	case no != nil:
		no = refuse(10003, "invalid param")
	case in.AppID != s.o.AppID:
		no = refuse(99991543, "app_id or app_secret does not exist")
	case in.AppSecret != s.o.AppSecret:
		no = refuse(10015, "app secret invalid")
	case s.tokens.disabled:
		no = refuse(10014, "app unavailable")
	}
	if no != nil {
		no.status = http.StatusOK
		return nil, no
	}
	scheme := "ws"
	if c.http.TLS != nil {
		scheme = "wss"
	}
	device := fmt.Sprintf("73%017d", s.next())
	s.link.tickets[device] = true
	address := fmt.Sprintf("%s://%s/ws/v2?device_id=%s&service_id=%d&aid=552564&fpid=493", scheme, c.http.Host, device, serviceID)
	return flat{"code": 0, "msg": "", "data": map[string]any{"URL": address, "ClientConfig": s.o.Client}}, nil
}

// Connections counts the connected clients.
func (s *Sim) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.link.conns)
}

// ConnectionsChanged gives a channel that is closed at the next change of the
// number of connections.
func (s *Sim) ConnectionsChanged() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.link.changed
}

// DropConnections cuts every long connection, without a goodbye.
func (s *Sim) DropConnections() {
	s.mu.Lock()
	conns := slices.Clone(s.link.conns)
	s.mu.Unlock()
	for _, c := range conns {
		_ = c.socket.NetConn().Close() // it may be closed already
	}
}

// Silence makes the links half-open: they stay up, but nothing comes out of
// them any more, neither pongs nor events.
func (s *Sim) Silence(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.link.silent = on
}

// RefuseConnections makes the handshake fail with this status and, with 514,
// this auth error (1000040350: too many connections). 0 lets clients in again.
func (s *Sim) RefuseConnections(status, authErr int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.link.refuse = handshake{status, authErr}
}

// serveLink is one long connection, from handshake to end.
func (s *Sim) serveLink(w http.ResponseWriter, r *http.Request) {
	if no := s.admit(r.URL.Query().Get("device_id")); no.status != 0 {
		w.Header().Set("Handshake-Status", strconv.Itoa(no.status))
		w.Header().Set("Handshake-Msg", "handshake refused")
		w.Header().Set("Handshake-Autherrcode", strconv.Itoa(no.authErr))
		w.WriteHeader(no.status)
		return
	}
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	socket, err := up.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	c := &conn{socket: socket}
	if !s.enter(c) {
		_ = socket.Close() // the limit was reached meanwhile
		return
	}
	defer s.exit(c)
	socket.SetReadLimit(maxBody)
	for {
		kind, raw, err := socket.ReadMessage()
		if err != nil {
			return
		}
		if err := s.hear(c, kind, raw); err != nil {
			s.o.OnError(err)
			return
		}
	}
}

// admit judges a handshake; a zero status lets it in.
func (s *Sim) admit(device string) handshake {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls["ws.connect"]++
	switch {
	case s.link.refuse.status != 0:
		return s.link.refuse
	case !s.link.tickets[device]:
		return handshake{514, 0}
	case len(s.link.conns) >= s.o.MaxConns:
		return handshake{514, 1000040350}
	}
	delete(s.link.tickets, device)
	return handshake{}
}

func (s *Sim) enter(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.link.conns) >= s.o.MaxConns {
		return false
	}
	s.link.conns = append(s.link.conns, c)
	s.link.change()
	return true
}

func (s *Sim) exit(c *conn) {
	_ = c.socket.Close() // it may be closed already
	s.mu.Lock()
	defer s.mu.Unlock()
	s.link.conns = slices.DeleteFunc(slices.Clone(s.link.conns), func(other *conn) bool { return other == c })
	s.link.change()
}

// hear takes one message of a client.
func (s *Sim) hear(c *conn, kind int, raw []byte) error {
	if kind != websocket.BinaryMessage {
		return errors.New("feishusim: a client sent a message that is not binary")
	}
	f, err := ParseFrame(raw)
	if err != nil {
		return err
	}
	s.mu.Lock()
	silent := s.link.silent
	s.mu.Unlock()
	if silent {
		return nil
	}
	switch {
	case f.Method == MethodControl && f.Get("type") == "ping":
		return s.pong(c, f)
	case f.Method == MethodData:
		return s.acked(f)
	default:
		return fmt.Errorf("feishusim: a client sent method %d of type %q", f.Method, f.Get("type"))
	}
}

func (s *Sim) pong(c *conn, ping Frame) error {
	if ping.Service != serviceID {
		return fmt.Errorf("feishusim: a ping carries service %d", ping.Service)
	}
	config, err := json.Marshal(s.o.Client)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.calls["ws.ping"]++
	s.mu.Unlock()
	return c.send(&Frame{Service: ping.Service, Method: MethodControl, Headers: []Header{{"type", "pong"}}, Payload: config})
}

// acked hands an ack to the delivery that waits for it. A late one is dropped.
func (s *Sim) acked(f Frame) error {
	s.mu.Lock()
	wait := s.link.pending[f.SeqID]
	delete(s.link.pending, f.SeqID)
	s.mu.Unlock()
	if f.Service != serviceID {
		return fmt.Errorf("feishusim: an ack carries service %d", f.Service)
	}
	if wait != nil {
		wait <- f
	}
	return nil
}

func (c *conn) send(f *Frame) error {
	c.write.Lock()
	defer c.write.Unlock()
	// A client that does not read must not hold a delivery for ever.
	stop := time.AfterFunc(linkWrite, func() { _ = c.socket.NetConn().Close() })
	defer stop.Stop()
	return c.socket.WriteMessage(websocket.BinaryMessage, f.Marshal())
}
