package feishusim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// client is a raw long-connection client.
type client struct {
	t      *testing.T
	socket *websocket.Conn
	mu     sync.Mutex
	parts  map[string][]string // payloads by message_id
	events chan map[string]any
	pongs  chan Frame
	answer func(event map[string]any) (code int, data string)
	done   chan struct{}
}

// endpoint asks for the address.
func (w *world) endpoint() reply {
	w.t.Helper()
	return w.do("POST", "/callback/ws/endpoint", `{"AppID":"`+w.AppID()+`","AppSecret":"`+w.AppSecret()+`","ClientAssertion":""}`)
}

func (w *world) address() string {
	w.t.Helper()
	r := w.endpoint()
	if r.code != 0 {
		w.t.Fatalf("endpoint: %s", r.raw)
	}
	return object(w.t, r.body["data"])["URL"].(string)
}

func dial(w *world) *client {
	w.t.Helper()
	socket, resp, err := websocket.DefaultDialer.DialContext(w.t.Context(), w.address(), nil)
	if err != nil {
		w.t.Fatalf("dial: %v %v", err, resp)
	}
	c := &client{
		t: w.t, socket: socket, parts: map[string][]string{}, done: make(chan struct{}),
		events: make(chan map[string]any, 100), pongs: make(chan Frame, 10),
		answer: func(map[string]any) (int, string) { return 200, "" },
	}
	go c.read()
	// A pong proves that the tenant counts the connection.
	c.write(Frame{Service: serviceID, Headers: []Header{{"type", "ping"}}})
	<-c.pongs
	w.t.Cleanup(func() { _ = socket.Close(); <-c.done })
	return c
}

// waitFor waits until the number of connections is as wanted.
func (w *world) waitFor(good func(int) bool) {
	w.t.Helper()
	for {
		changed := w.ConnectionsChanged()
		if good(w.Connections()) {
			return
		}
		select {
		case <-changed:
		case <-time.After(5 * time.Second):
			w.t.Fatalf("%d connections", w.Connections())
		}
	}
}

func (c *client) write(f Frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.socket.WriteMessage(websocket.BinaryMessage, f.Marshal())
}

func (c *client) read() {
	defer close(c.done)
	for {
		_, raw, err := c.socket.ReadMessage()
		if err != nil {
			return
		}
		f, err := ParseFrame(raw)
		if err != nil {
			c.t.Errorf("frame: %v", err)
			return
		}
		if f.Method == MethodControl {
			c.pongs <- f
			continue
		}
		c.part(f)
	}
}

// part collects the parts of an event and acks the last one.
func (c *client) part(f Frame) {
	id := f.Get("message_id")
	if c.parts[id] = append(c.parts[id], string(f.Payload)); fmt.Sprint(len(c.parts[id])) != f.Get("sum") {
		return
	}
	var event map[string]any
	if err := json.Unmarshal([]byte(strings.Join(c.parts[id], "")), &event); err != nil {
		c.t.Errorf("event: %v", err)
		return
	}
	delete(c.parts, id)
	c.mu.Lock()
	answer := c.answer
	c.mu.Unlock()
	c.events <- event
	code, data := answer(event)
	if code == 0 {
		return // no ack at all
	}
	payload := map[string]any{"code": code, "headers": nil, "data": nil}
	if data != "" {
		payload["data"] = []byte(data)
	}
	f.Payload, _ = json.Marshal(payload)
	f.Headers = append(f.Headers, Header{"biz_rt", "1"})
	c.write(f)
}

func (c *client) answers(code int, data string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = func(map[string]any) (int, string) { return code, data }
}

func TestBootstrap(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{})
	r := w.endpoint()
	data := object(t, r.body["data"])
	if !strings.HasPrefix(data["URL"].(string), "ws://"+strings.TrimPrefix(w.base, "http://")+"/ws/v2?device_id=") || !strings.Contains(data["URL"].(string), "service_id=33554678") {
		t.Errorf("URL: %v", data["URL"])
	}
	if got := fmt.Sprint(data["ClientConfig"]); got != "map[PingInterval:120 ReconnectCount:-1 ReconnectInterval:120 ReconnectNonce:30]" {
		t.Errorf("config: %s", got)
	}
	for _, tt := range []struct {
		code int
		body string
	}{
		{10015, `{"AppID":"cli_sim","AppSecret":"no"}`},
		{99991543, `{"AppID":"cli_2","AppSecret":"no"}`},
		{10003, `{`},
	} {
		if r := w.refused(tt.code, "POST", "/callback/ws/endpoint", tt.body); r.status != 200 {
			t.Errorf("status %d", r.status)
		}
	}
	for _, code := range []int{1, 1000040343} {
		w.Inject(Fault{Path: "/callback/ws/endpoint", Code: code})
		if r := w.endpoint(); r.code != code || r.status != 200 {
			t.Errorf("injected: %s", r.raw)
		}
	}
	w.DisableApp(true)
	if r := w.endpoint(); r.code != 10014 {
		t.Errorf("disabled: %s", r.raw)
	}
}

func TestHandshake(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{MaxConns: 2})
	refused := func(address, status, authErr string) {
		t.Helper()
		_, resp, err := websocket.DefaultDialer.DialContext(t.Context(), address, nil)
		if err == nil || resp == nil || resp.Header.Get("Handshake-Status") != status || resp.Header.Get("Handshake-Autherrcode") != authErr {
			t.Errorf("handshake: %v, %v", err, resp)
		}
	}
	used := w.address()
	first, _, err := websocket.DefaultDialer.DialContext(t.Context(), used, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Close() }()
	w.waitFor(func(n int) bool { return n == 1 })
	refused(used, "514", "0") // an address serves once
	dial(w)
	refused(w.address(), "514", "1000040350")
	w.RefuseConnections(http.StatusForbidden, 0)
	refused(w.address(), "403", "0")
	w.RefuseConnections(0, 0)
	w.DropConnections()
	w.waitFor(func(n int) bool { return n == 0 })
	dial(w)
}

func TestPingPong(t *testing.T) {
	t.Parallel()
	mistakes := make(chan error, 10)
	w := setup(t, Options{OnError: func(err error) { mistakes <- err }})
	c := dial(w)
	c.write(Frame{Service: serviceID, Headers: []Header{{"type", "ping"}}})
	pong := <-c.pongs
	if pong.Get("type") != "pong" || string(pong.Payload) != `{"ReconnectCount":-1,"ReconnectInterval":120,"ReconnectNonce":30,"PingInterval":120}` {
		t.Errorf("pong: %+v %s", pong, pong.Payload)
	}
	for name, f := range map[string]Frame{
		"ping of another service": {Service: 1, Headers: []Header{{"type", "ping"}}},
		"ack of another service":  {Service: 1, Method: MethodData},
		"unknown control":         {Service: serviceID, Headers: []Header{{"type", "hello"}}},
	} {
		c := dial(w)
		c.write(f)
		if err := <-mistakes; err == nil {
			t.Errorf("%s: no mistake", name)
		}
		<-c.done // the tenant hangs up
	}
	c = dial(w)
	_ = c.socket.WriteMessage(websocket.TextMessage, []byte("x"))
	<-mistakes //nolint:errcheck // any mistake will do
	c = dial(w)
	_ = c.socket.WriteMessage(websocket.BinaryMessage, []byte("x"))
	if err := <-mistakes; !errors.Is(err, errFrame) {
		t.Errorf("bad frame: %v", err)
	}
}

func TestSayOverLink(t *testing.T) {
	t.Parallel()
	for _, split := range []int{0, 64} {
		w := room(t, Options{SplitAt: split})
		if _, err := w.Say(t.Context(), Words{Chat: "oc_room", From: "zhou", Text: "@点名 帮助"}); !errors.Is(err, ErrNoClient) {
			t.Errorf("without a client: %v", err)
		}
		c := dial(w)
		ack, err := w.Say(t.Context(), Words{Chat: "oc_room", From: "zhou", Text: "@点名 帮助"})
		if err != nil || !ack.Delivered || ack.Code != 200 {
			t.Fatalf("%+v, %v", ack, err)
		}
		event := <-c.events
		if object(t, object(t, event["event"])["message"])["message_id"] != ack.MessageID() || object(t, event["header"])["event_id"] != ack.Event.ID {
			t.Errorf("event: %v", event)
		}
		if again, err := w.Deliver(t.Context(), ack.Event); err != nil || again.MessageID() != ack.MessageID() {
			t.Errorf("duplicate: %+v, %v", again, err)
		}
		if event := <-c.events; object(t, event["header"])["event_id"] != ack.Event.ID {
			t.Errorf("duplicate: %v", event)
		}
		if ack, err := w.Say(t.Context(), Words{Chat: "oc_room", From: "zhou", Text: "闲聊"}); err != nil || ack.Delivered || len(w.Messages("oc_room")) != 3 {
			t.Errorf("small talk: %+v, %v", ack, err)
		}
		c.answers(500, "")
		if ack, err := w.Say(t.Context(), Words{From: "zhou", Text: "x"}); !errors.Is(err, ErrRefused) || ack.Code != 500 {
			t.Errorf("refused: %+v, %v", ack, err)
		}
	}
}

func TestNoAck(t *testing.T) {
	t.Parallel()
	w := room(t, Options{AckWait: 10 * time.Millisecond})
	c := dial(w)
	c.answers(0, "")
	if _, err := w.Say(t.Context(), Words{From: "zhou", Text: "x"}); !errors.Is(err, ErrNoAck) {
		t.Errorf("without an ack: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	if _, err := w.Say(ctx, Words{From: "zhou", Text: "x"}); !errors.Is(err, ErrNoAck) {
		t.Errorf("cancelled: %v", err)
	}
	<-c.events
	<-c.events
	w.Silence(true)
	if _, err := w.Say(t.Context(), Words{From: "zhou", Text: "x"}); !errors.Is(err, ErrNoAck) || len(c.events) != 0 {
		t.Errorf("half-open: %v", err)
	}
	id := w.send("interactive", card2, "")["message_id"].(string)
	if ack, err := w.Press(t.Context(), Click{Message: id, By: "wang", Button: "批准"}); !errors.Is(err, ErrNoAck) || ack.ClientCode != pressTimeout {
		t.Errorf("press: %+v, %v", ack, err)
	}
}

func TestPressOverLink(t *testing.T) {
	t.Parallel()
	w := room(t, Options{})
	id := w.send("interactive", card2, "")["message_id"].(string)
	if ack, err := w.Press(t.Context(), Click{Message: id, By: "wang", Button: "批准"}); !errors.Is(err, ErrNoClient) || ack.ClientCode != pressNoReceiver {
		t.Errorf("without a client: %+v, %v", ack, err)
	}
	c := dial(w)
	next := strings.Replace(card2, "删除", "已批准", 1)
	c.answers(200, `{"toast":{"type":"info","content":"收到"},"card":{"type":"raw","data":`+next+`}}`)
	ack, err := w.Press(t.Context(), Click{Message: id, By: "wang", Button: "批准"})
	if err != nil || ack.ClientCode != 0 || !strings.Contains(string(ack.Data), "收到") {
		t.Fatalf("%+v, %v", ack, err)
	}
	if m, _ := w.Message(id); m.Content != next {
		t.Errorf("card: %s", m.Content)
	}
	if got := w.Buttons(id); len(got) != 2 || got[0].Name != "approve" || !got[1].URL {
		t.Errorf("buttons: %+v", got)
	}
	c.answers(200, "") // an ack without data leaves the person with an error
	if ack, err := w.Press(t.Context(), Click{Message: id, By: "wang", Button: "批准"}); err != nil || ack.ClientCode != pressNoData {
		t.Errorf("no data: %+v, %v", ack, err)
	}
	w.AddHook("k", HookOptions{Chat: "oc_room"})
	w.refused(0, "POST", "/open-apis/bot/v2/hook/k", `{"msg_type":"interactive","card":`+card2+`}`)
	all := w.Messages("oc_room")
	if ack, err := w.Press(t.Context(), Click{Message: all[len(all)-1].ID, By: "wang", Button: "批准"}); err != nil || ack.Delivered || ack.ClientCode != pressNoReceiver {
		t.Errorf("a webhook's card: %+v, %v", ack, err)
	}
}

func TestOneOfManyClients(t *testing.T) {
	t.Parallel()
	turn := 0
	w := room(t, Options{Pick: func(n int) int { turn++; return turn % n }})
	a, b := dial(w), dial(w)
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if _, err := w.Say(t.Context(), Words{From: "zhou", Text: "x"}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(a.events) != 5 || len(b.events) != 5 {
		t.Errorf("%d and %d events", len(a.events), len(b.events))
	}
}
