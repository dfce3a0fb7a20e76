package dingtalksim

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/open-dingtalk/dingtalk-stream-sdk-go/logger"
	"go.uber.org/goleak"
)

// TestMain sets the SDK's global logger once: its lazy default is a data race.
func TestMain(m *testing.M) {
	logger.SetLogger(silent{})
	goleak.VerifyTestMain(m)
}

type silent struct{}

func (silent) Debugf(string, ...any)   {}
func (silent) Infof(string, ...any)    {}
func (silent) Warningf(string, ...any) {}
func (silent) Errorf(string, ...any)   {}
func (silent) Fatalf(string, ...any)   {}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

const (
	group    = "cid-ops"
	openID   = "open-ops"
	theToken = "x-acs-dingtalk-access-token"
)

// bench is a corp with one group (zhou, li), a third person who is not in it,
// and a server.
type bench struct {
	*Sim
	clock *clock
	base  string
}

func setup(t *testing.T, change ...func(*Options)) bench {
	t.Helper()
	c := &clock{now: time.Date(2026, 3, 9, 10, 0, 0, 0, time.UTC)}
	o := Options{Now: c.Now, AckWithin: 2 * time.Second, CardAckWithin: 2 * time.Second, PingEvery: -1}
	for _, f := range change {
		f(&o)
	}
	sim := New(o)
	sim.AddStaff("zhou", "周凯")
	sim.AddStaff("chen", "陈静")
	sim.AddConversation(group, "运维群", openID, "zhou", "li")
	server := httptest.NewServer(sim.Handler())
	t.Cleanup(server.Close)
	t.Cleanup(sim.Close)
	return bench{Sim: sim, clock: c, base: server.URL}
}

// reply is an answer of the simulator.
type reply struct {
	status int
	raw    string
	object
}

func (r reply) errcode() int { return int(r.number("errcode")) }

func (o object) number(key string) float64 {
	v, _ := o[key].(float64)
	return v
}

func (b bench) send(t *testing.T, r *http.Request) reply {
	t.Helper()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatalf("send: %v", err)
	}
	defer func() { _ = answer.Body.Close() }()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	o, _ := decodeObject(raw) // nil for what is no JSON: tests look at raw then
	return reply{status: answer.StatusCode, raw: string(raw), object: o}
}

func (b bench) request(t *testing.T, method, path string, body any) *http.Request {
	t.Helper()
	raw, isText := body.(string)
	if !isText {
		data, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		raw = string(data)
	}
	target := path
	if !strings.HasPrefix(path, "http") {
		target = b.base + path
	}
	r, err := http.NewRequestWithContext(t.Context(), method, target, bytes.NewReader([]byte(raw)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	return r
}

// post sends JSON without a token.
func (b bench) post(t *testing.T, path string, body any) reply {
	t.Helper()
	return b.send(t, b.request(t, http.MethodPost, path, body))
}

// call sends JSON with a good token.
func (b bench) call(t *testing.T, method, path string, body any) reply {
	t.Helper()
	r := b.request(t, method, path, body)
	r.Header.Set(theToken, b.token(t))
	return b.send(t, r)
}

func (b bench) token(t *testing.T) string {
	t.Helper()
	got := b.post(t, "/v1.0/oauth2/accessToken", map[string]string{
		"appKey": b.opts.ClientID, "appSecret": b.opts.ClientSecret,
	})
	if got.text("accessToken") == "" {
		t.Fatalf("no token: %s", got.raw)
	}
	return got.text("accessToken")
}

// openBody asks for the bot and card topics.
func (b bench) openBody() map[string]any {
	return map[string]any{
		"clientId": b.opts.ClientID, "clientSecret": b.opts.ClientSecret,
		"subscriptions": []map[string]string{
			{"type": "CALLBACK", "topic": topicBot}, {"type": "CALLBACK", "topic": topicCard},
		},
	}
}

func (b bench) open(t *testing.T) (endpoint, ticket string) {
	t.Helper()
	got := b.post(t, "/v1.0/gateway/connections/open", b.openBody())
	if got.status != http.StatusOK {
		t.Fatalf("open: %d %s", got.status, got.raw)
	}
	return got.text("endpoint"), got.text("ticket")
}

// dial opens a Stream connection that answers each frame with what handle
// gives; "" answers nothing. A nil handle acknowledges everything.
func (b bench) dial(t *testing.T, handle func(frame) string) *websocket.Conn {
	t.Helper()
	return b.dialPrepared(t, handle, func(*websocket.Conn) {})
}

// dialPrepared lets prepare touch the connection before anything is read.
func (b bench) dialPrepared(t *testing.T, handle func(frame) string, prepare func(*websocket.Conn)) *websocket.Conn {
	t.Helper()
	before := b.Connections()
	endpoint, ticket := b.open(t)
	conn, answer, err := websocket.DefaultDialer.DialContext(t.Context(), endpoint+"?ticket="+ticket, nil)
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	_ = answer.Body.Close()
	t.Cleanup(func() { _ = conn.Close() })
	prepare(conn)
	if handle == nil {
		handle = func(f frame) string { return ackOf(f, 200, `{"response":null}`) }
	}
	go func() {
		for {
			var f frame
			if conn.ReadJSON(&f) != nil {
				return
			}
			if text := handle(f); text != "" {
				_ = conn.WriteMessage(websocket.TextMessage, []byte(text))
			}
		}
	}()
	b.await(t, before+1)
	return conn
}

func (b bench) await(t *testing.T, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := b.AwaitConnections(ctx, n); err != nil {
		t.Fatal(err)
	}
}

func ackOf(f frame, code int, data string) string {
	raw, _ := json.Marshal(map[string]any{
		"code": code, "message": "OK", "data": data,
		"headers": map[string]string{"contentType": "application/json", "messageId": f.id()},
	})
	return string(raw)
}

// listen opens a connection that acknowledges everything and gives its frames.
func (b bench) listen(t *testing.T) <-chan frame {
	t.Helper()
	frames := make(chan frame, 64)
	b.dial(t, func(f frame) string {
		frames <- f
		return ackOf(f, 200, `{"response":null}`)
	})
	return frames
}

func (b bench) say(t *testing.T, text string, o SayOptions) Delivery {
	t.Helper()
	d, err := b.Say(t.Context(), group, "zhou", text, o)
	if err != nil {
		t.Fatalf("say: %v", err)
	}
	return d
}

func dataOf(t *testing.T, f frame) object {
	t.Helper()
	o, err := decodeObject([]byte(f.Data))
	if err != nil {
		t.Fatalf("frame data: %v", err)
	}
	return o
}

func noComplaints(t *testing.T, b bench) {
	t.Helper()
	if got := b.Complaints(); len(got) > 0 {
		t.Errorf("complaints: %q", got)
	}
}

func TestNewNeedsAClock(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("New took Options without Now")
		}
	}()
	New(Options{})
}

func TestKeepLast(t *testing.T) {
	t.Parallel()
	got := keepLast([]int{1, 2, 3}, 2)
	if len(got) != 2 || got[0] != 2 || got[1] != 3 {
		t.Errorf("kept %v", got)
	}
}
