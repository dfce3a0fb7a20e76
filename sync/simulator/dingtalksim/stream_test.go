package dingtalksim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

func TestOpen(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(map[string]any)
		status int
		code   string
	}{
		{"good", func(map[string]any) {}, 200, ""},
		{"bad secret", func(m map[string]any) { m["clientSecret"] = "x" }, 401, "authFailed"},
		{"bad client", func(m map[string]any) { m["clientId"] = "x" }, 401, "authFailed"},
		{"no subscriptions", func(m map[string]any) { m["subscriptions"] = []any{} }, 400, "InvalidParameter"},
		{"unknown type", func(m map[string]any) {
			m["subscriptions"] = []map[string]string{{"type": "callback", "topic": topicBot}}
		}, 400, "InvalidParameter"},
		{"no topic", func(m map[string]any) {
			m["subscriptions"] = []map[string]string{{"type": "EVENT"}}
		}, 400, "InvalidParameter"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			body := b.openBody()
			c.change(body)
			got := b.post(t, "/v1.0/gateway/connections/open", body)
			if got.status != c.status || got.text("code") != c.code {
				t.Errorf("got %d %s", got.status, got.raw)
			}
			if c.status == 200 && (!strings.HasPrefix(got.text("endpoint"), "ws://127.0.0.1:") || len(got.text("ticket")) != 36) {
				t.Errorf("endpoint or ticket: %s", got.raw)
			}
		})
	}
}

func TestOpenWithoutAcceptIsXML(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.request(t, http.MethodPost, "/v1.0/gateway/connections/open", b.openBody())
	r.Header.Del("Accept")
	if got := b.send(t, r); !strings.HasPrefix(got.raw, "<") {
		t.Errorf("without Accept: %s", got.raw)
	}
}

func TestTicket(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dial := func(ticket string) int {
		endpoint, _ := b.open(t)
		conn, answer, err := websocket.DefaultDialer.Dial(endpoint+"?ticket="+ticket, nil)
		if err == nil {
			t.Cleanup(func() { _ = conn.Close() })
		}
		_ = answer.Body.Close()
		return answer.StatusCode
	}
	_, ticket := b.open(t)
	if got := dial(ticket); got != http.StatusSwitchingProtocols {
		t.Errorf("first use: %d", got)
	}
	if got := dial(ticket); got != http.StatusUnauthorized {
		t.Errorf("second use: %d", got)
	}
	if got := dial("made-up"); got != http.StatusUnauthorized {
		t.Errorf("unknown: %d", got)
	}
	_, ticket = b.open(t)
	b.clock.Add(90 * time.Second)
	if got := dial(ticket); got != http.StatusUnauthorized {
		t.Errorf("after 90 s: %d", got)
	}
}

func TestFrameShape(t *testing.T) {
	t.Parallel()
	b := setup(t)
	frames := b.listen(t)
	b.say(t, "状态", SayOptions{})
	f := <-frames
	if f.SpecVersion != "1.0" || f.Type != "CALLBACK" || f.Headers["topic"] != topicBot ||
		f.Headers["time"] != millis(b.clock.Now()) || f.Headers["contentType"] != "application/json" || f.id() == "" {
		t.Errorf("frame: %+v", f)
	}
	noComplaints(t, b)
}

func TestAckCodes(t *testing.T) {
	t.Parallel()
	for _, code := range []int{200, 404, 500} {
		b := setup(t)
		b.dial(t, func(f frame) string { return ackOf(f, code, "") })
		if d := b.say(t, "状态", SayOptions{}); d.Ack.Code != code {
			t.Errorf("ack code %d came as %d", code, d.Ack.Code)
		}
	}
}

func TestNoAck(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *Options) { o.AckWithin = 30 * time.Millisecond })
	late := make(chan frame, 1)
	conn := b.dial(t, func(f frame) string {
		if f.Type == typeCallback {
			late <- f
		}
		return ""
	})
	if _, err := b.Say(t.Context(), group, "zhou", "状态", SayOptions{}); !errors.Is(err, ErrNoAck) {
		t.Fatalf("say: %v", err)
	}
	if err := conn.WriteMessage(websocket.TextMessage, []byte(ackOf(<-late, 200, ""))); err != nil {
		t.Fatal(err)
	}
	waitForComplaint(t, b, "came late")
}

// waitForComplaint sends pings, which the same reader serves in order, until
// the complaint that came before them is on the list.
func waitForComplaint(t *testing.T, b bench, part string) {
	t.Helper()
	for range 1000 {
		if strings.Contains(strings.Join(b.Complaints(), "\n"), part) {
			return
		}
		_ = b.Ping(t.Context()) // only passes time: the client may be deaf
	}
	t.Fatalf("no complaint about %q: %q", part, b.Complaints())
}

func TestMalformedAcks(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no JSON":        "ok",
		"code as text":   `{"code":"200","headers":{"messageId":"ID"}}`,
		"number header":  `{"code":200,"headers":{"messageId":"ID","time":1}}`,
		"no id":          `{"code":200,"headers":{}}`,
		"data an object": `{"code":200,"headers":{"messageId":"ID"},"data":{"response":null}}`,
		"wrong case":     `{"Code":200,"headers":{"messageId":"ID"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.dial(t, func(f frame) string { return strings.ReplaceAll(text, "ID", f.id()) })
			if _, err := b.Say(t.Context(), group, "zhou", "状态", SayOptions{}); !errors.Is(err, ErrNoAck) {
				t.Errorf("say: %v", err)
			}
			if got := strings.Join(b.Complaints(), "\n"); !strings.Contains(got, "decode") {
				t.Errorf("complaints: %q", got)
			}
		})
	}
}

func TestNotConnected(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.SetBaseURL(b.base)
	if _, err := b.Say(t.Context(), group, "zhou", "状态", SayOptions{}); !errors.Is(err, ErrNotConnected) {
		t.Errorf("say: %v", err)
	}
	if _, err := b.Redeliver(t.Context(), "msg-unknown"); !errors.Is(err, ErrUnknown) {
		t.Errorf("redeliver: %v", err)
	}
}

func TestOnlySubscribedTopics(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := b.openBody()
	body["subscriptions"] = []map[string]string{{"type": "EVENT", "topic": "*"}}
	got := b.post(t, "/v1.0/gateway/connections/open", body)
	conn, answer, err := websocket.DefaultDialer.Dial(got.text("endpoint")+"?ticket="+got.text("ticket"), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	t.Cleanup(func() { _ = conn.Close() })
	b.await(t, 1)
	if _, err := b.Say(t.Context(), group, "zhou", "状态", SayOptions{}); !errors.Is(err, ErrNotConnected) {
		t.Errorf("a connection without the topic got the message: %v", err)
	}
}

func TestRandomConnection(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var first, second atomic.Int32
	count := func(n *atomic.Int32) func(frame) string {
		return func(f frame) string { n.Add(1); return ackOf(f, 200, "") }
	}
	b.dial(t, count(&first))
	b.dial(t, count(&second))
	for range 64 {
		b.say(t, "状态", SayOptions{})
	}
	if first.Load() == 0 || second.Load() == 0 || first.Load()+second.Load() != 64 {
		t.Errorf("deliveries: %d and %d", first.Load(), second.Load())
	}
}

func TestPing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.dial(t, func(f frame) string { return ackOf(f, 200, f.Data) })
	if err := b.Ping(t.Context()); err != nil {
		t.Errorf("echoed ping: %v", err)
	}
	noComplaints(t, b)
	b.DropConnections()
	b.awaitNone()
	b.dial(t, func(f frame) string { return ackOf(f, 200, `{"opaque":"other"}`) })
	if err := b.Ping(t.Context()); err == nil {
		t.Error("a ping without echo passed")
	}
}

func TestHeartbeat(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *Options) { o.PingEvery = 5 * time.Millisecond })
	pings := make(chan frame, 1000)
	b.dial(t, func(f frame) string { pings <- f; return ackOf(f, 200, f.Data) })
	for range 3 {
		if f := <-pings; f.Type != "SYSTEM" || f.Headers["topic"] != "ping" {
			t.Fatalf("frame: %+v", f)
		}
	}
	b.SilencePings(true)
	if b.mayPing(b.openConnections()[0]) {
		t.Error("silenced pings are still due")
	}
}

func TestSilencePongs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	pongs := make(chan string, 4)
	conn := b.dialPrepared(t, nil, func(c *websocket.Conn) {
		c.SetPongHandler(func(data string) error { pongs <- data; return nil })
	})
	ping := func(data string) {
		if err := conn.WriteControl(websocket.PingMessage, []byte(data), time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	b.SilencePongs(true)
	ping("unheard")
	b.say(t, "状态", SayOptions{}) // its ack is read after the ping
	b.SilencePongs(false)
	ping("heard")
	if got := <-pongs; got != "heard" {
		t.Errorf("pong for %q", got)
	}
}

func TestDropConnections(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.dial(t, nil)
	b.dial(t, nil)
	if n := b.DropConnections(); n != 2 {
		t.Errorf("dropped %d", n)
	}
	b.awaitNone()
	if _, err := b.Say(t.Context(), group, "zhou", "状态", SayOptions{}); !errors.Is(err, ErrNotConnected) {
		t.Errorf("say: %v", err)
	}
}

func (b bench) noneOpen() bool { return len(b.openConnections()) == 0 }

// awaitNone waits until every connection has ended.
func (b bench) awaitNone() {
	for !b.noneOpen() {
		<-b.nextChange()
	}
}

func (b bench) nextChange() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.stream.open) == 0 {
		done := make(chan struct{})
		close(done)
		return done
	}
	return b.stream.changed
}

func TestDropWhileWaiting(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.dial(t, func(frame) string { b.DropConnections(); return "" })
	if _, err := b.Say(t.Context(), group, "zhou", "状态", SayOptions{}); !errors.Is(err, ErrNoAck) {
		t.Errorf("say: %v", err)
	}
}

func TestDisconnect(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *Options) { o.Linger = time.Hour })
	frames := b.listen(t)
	if err := b.Disconnect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if f := <-frames; f.Type != "SYSTEM" || f.Headers["topic"] != "disconnect" {
		t.Errorf("frame: %+v", f)
	}
	if b.noneOpen() {
		t.Error("the socket was closed before its linger time")
	}
	if b.Connections() != 0 {
		t.Error("a connection that was told to go still counts")
	}
	if _, err := b.Say(t.Context(), group, "zhou", "状态", SayOptions{}); !errors.Is(err, ErrNotConnected) {
		t.Errorf("say after disconnect: %v", err)
	}
}

// A client of the vendor's older SDK closes at once and never acknowledges.
func TestDisconnectWithoutAck(t *testing.T) {
	t.Parallel()
	b := setup(t)
	closed := make(chan *websocket.Conn, 1)
	b.dialPrepared(t, func(f frame) string {
		if f.Headers["topic"] == topicDisconnect {
			_ = (<-closed).Close()
		}
		return ""
	}, func(c *websocket.Conn) { closed <- c })
	if err := b.Disconnect(t.Context()); err != nil {
		t.Errorf("disconnect: %v", err)
	}
	b.awaitNone()
}

func TestDisconnectClosesAfterLinger(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *Options) { o.Linger = time.Millisecond })
	b.dial(t, nil)
	_ = b.Disconnect(t.Context()) // the socket may close before the ack: both are fine
	b.awaitNone()
}

func TestClose(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.dial(t, nil)
	endpoint, ticket := b.open(t)
	b.Close()
	if !b.noneOpen() {
		t.Error("a connection outlived Close")
	}
	_, answer, err := websocket.DefaultDialer.Dial(endpoint+"?ticket="+ticket, nil)
	if err == nil {
		t.Fatal("a closed simulator took a connection")
	}
	_ = answer.Body.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	cancel(cause)
	if err := b.AwaitConnections(ctx, 1); !errors.Is(err, cause) {
		t.Errorf("await: %v", err)
	}
}

func TestConcurrentSpeech(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 3 {
		b.dial(t, nil)
	}
	results := make(chan error, 60)
	for i := range 60 {
		go func() {
			_, err := b.Say(t.Context(), group, "zhou", fmt.Sprint("状态 ", i), SayOptions{Duplicate: i%2 == 0})
			results <- err
		}()
	}
	for range 60 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	noComplaints(t, b)
}
