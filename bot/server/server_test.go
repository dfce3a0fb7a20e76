package server

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// lines is a log that can be read while it is written.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// world is a running server.
type world struct {
	*Server
	base string
	log  *lines
	stop context.CancelFunc
	end  chan error
}

func setup(t *testing.T, o Options) *world {
	t.Helper()
	w := &world{log: &lines{}, end: make(chan error, 1)}
	o.Listen = "127.0.0.1:0"
	o.Logger = slog.New(slog.NewJSONHandler(w.log, nil))
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if s.Addr() != "" {
		t.Errorf("an address before Open: %s", s.Addr())
	}
	if err := s.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Server, w.base = s, "http://"+s.Addr()
	ctx, stop := context.WithCancel(context.Background())
	w.stop = stop
	go func() { w.end <- s.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-w.end; err != nil {
			t.Errorf("ended by %v", err)
		}
	})
	return w
}

func (w *world) do(t *testing.T, method, path, body string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, w.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(raw)
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		_, _ = w.Write(raw)
	})
	w := setup(t, Options{
		Handlers: map[string]http.Handler{"/callback/feishu": echo, "/callback/dingtalk/s3cr3t": echo, "/scim/甲/v2/": echo}, MaxBytes: 100,
		Limits: map[string]int64{"/scim/甲/v2/": 200},
	})
	for _, tt := range []struct {
		method, path, body string
		status             int
		answer             string
	}{
		{"POST", "/callback/feishu", "hello", 200, "hello"},
		{"PUT", "/callback/dingtalk/s3cr3t", "hi", 200, "hi"},
		{"POST", "/callback/feishu", strings.Repeat("x", 100), 200, strings.Repeat("x", 100)},
		{"POST", "/callback/feishu", strings.Repeat("x", 101), 413, ""},
		{"POST", "/callback/feishu/", "x", 404, ""},
		{"PATCH", "/scim/%E7%94%B2/v2/Users/1", "below", 200, "below"},
		{"DELETE", "/scim/甲/v2/", "x", 200, "x"},
		{"POST", "/scim/甲/v2/Users", strings.Repeat("x", 200), 200, strings.Repeat("x", 200)},
		{"POST", "/scim/甲/v2/Users", strings.Repeat("x", 201), 413, ""},
		{"POST", "/scim/甲/v2", "x", 404, ""},
		{"POST", "/scim/甲/v20/Users", "x", 404, ""},
		{"POST", "/callback/dingtalk/other", "x", 404, ""},
		{"GET", "/", "", 404, ""},
		{"GET", "/healthz", "", 200, "ok\n"},
		{"POST", "/healthz", "", 405, ""},
		{"GET", "/readyz", "", 200, "ok\n"},
	} {
		res, body := w.do(t, tt.method, tt.path, tt.body)
		if res.StatusCode != tt.status || body != tt.answer {
			t.Errorf("%s %s: %d %.40q", tt.method, tt.path, res.StatusCode, body)
		}
		if res.Header.Get("Server") != "" || res.Header.Get("X-Powered-By") != "" {
			t.Errorf("%s %s: %v", tt.method, tt.path, res.Header)
		}
	}
	if strings.Contains(w.log.text(), "s3cr3t") {
		t.Errorf("a path is in the log: %s", w.log.text())
	}
}

func TestReadiness(t *testing.T) {
	t.Parallel()
	var down atomic.Bool
	down.Store(true)
	w := setup(t, Options{Ready: func(ctx context.Context) error {
		if _, limited := ctx.Deadline(); !limited {
			t.Error("no time limit")
		}
		if down.Load() {
			return fault.New(fault.Unavailable, "the store is down / 存储不可用")
		}
		return nil
	}})
	if res, body := w.do(t, "GET", "/readyz", ""); res.StatusCode != http.StatusServiceUnavailable || body != "not ready\n" {
		t.Errorf("%d %q", res.StatusCode, body)
	}
	if res, _ := w.do(t, "GET", "/healthz", ""); res.StatusCode != http.StatusOK {
		t.Errorf("health: %d", res.StatusCode)
	}
	down.Store(false)
	if res, _ := w.do(t, "GET", "/readyz", ""); res.StatusCode != http.StatusOK {
		t.Errorf("%d", res.StatusCode)
	}
}

func TestP14_Panics(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{Handlers: map[string]http.Handler{
		"/boom":  http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { panic("planted " + r.Header.Get("X-Secret")) }),
		"/abort": http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }),
	}})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.base+"/boom", strings.NewReader("planted-body"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Secret", "planted-secret")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	log := w.log.text()
	if res.StatusCode != http.StatusInternalServerError || len(body) != 0 || !strings.Contains(log, "handler panicked") || strings.Contains(log, "planted") {
		t.Errorf("%d %q %s", res.StatusCode, body, log)
	}
	req, err = http.NewRequestWithContext(t.Context(), http.MethodGet, w.base+"/abort", nil)
	if err != nil {
		t.Fatal(err)
	}
	if res, err := http.DefaultClient.Do(req); err == nil {
		_ = res.Body.Close()
		t.Error("an aborted request is answered")
	}
	if res, _ := w.do(t, "GET", "/healthz", ""); res.StatusCode != http.StatusOK {
		t.Errorf("afterwards: %d", res.StatusCode)
	}
}

func TestTheStopWaitsForRunningRequests(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	w := setup(t, Options{Handlers: map[string]http.Handler{"/slow": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-leave
		_, _ = io.WriteString(w, "done")
	})}})
	answer := make(chan string, 1)
	go func() {
		_, body := w.do(t, "GET", "/slow", "")
		answer <- body
	}()
	<-entered
	w.stop()
	select {
	case err := <-w.end:
		t.Fatalf("stopped under a running request: %v", err)
	default:
	}
	close(leave)
	if got := <-answer; got != "done" {
		t.Errorf("%q", got)
	}
	w.end <- <-w.end // for the cleanup
	if _, err := net.Dial("tcp", w.Addr()); err == nil {
		t.Error("it still listens")
	}
}

func TestForwardedAddressesAreNotBelieved(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{{Listen: ":0", TrustedProxies: []string{"nonsense"}}, {}, {Listen: ":0", Handlers: map[string]http.Handler{"x": nil}}, {Listen: ":0", Handlers: map[string]http.Handler{"/healthz": http.NotFoundHandler()}}, {Listen: ":0", Handlers: map[string]http.Handler{"/a/:b": http.NotFoundHandler()}}} {
		if _, err := New(o); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%+v: %v", o, err)
		}
	}
	if _, err := New(Options{Listen: ":0", TrustedProxies: []string{"10.0.0.0/8"}}); err != nil {
		t.Errorf("%v", err)
	}
}

func TestTheAddressIsTaken(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{})
	s, err := New(Options{Listen: w.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(t.Context()); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("%v", err)
	}
}

func TestLimitsOfConnections(t *testing.T) {
	t.Parallel()
	s, err := New(Options{Listen: ":0"})
	if err != nil {
		t.Fatal(err)
	}
	h := s.http
	if h.ReadHeaderTimeout != 5*time.Second || h.ReadTimeout != 10*time.Second || h.WriteTimeout != 15*time.Second ||
		h.IdleTimeout != time.Minute || h.MaxHeaderBytes != 16<<10 {
		t.Errorf("%v %v %v %v %d", h.ReadHeaderTimeout, h.ReadTimeout, h.WriteTimeout, h.IdleTimeout, h.MaxHeaderBytes)
	}
}

func TestALargeHeaderIsRefused(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{})
	c, err := net.Dial("tcp", w.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_, _ = io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: "+strings.Repeat("a", 64<<10)) // it may be cut off while we write
	status, err := bufio.NewReader(c).ReadString('\n')
	if err == nil && !strings.Contains(status, "431") {
		t.Errorf("%q", status)
	}
}

func TestTheGateLetsOnlySoManyIn(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := newGate(l, 1)
	let := make(chan net.Conn)
	done := make(chan error, 1)
	go func() {
		for {
			c, err := g.Accept()
			if err != nil {
				done <- err
				return
			}
			let <- c
		}
	}()
	for range 2 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
	}
	first := <-let
	select {
	case <-let:
		t.Error("a second one is in")
	default:
	}
	_ = first.Close()
	_ = first.Close() // frees its place only once
	second := <-let
	if len(g.places) != 1 {
		t.Errorf("%d places taken", len(g.places))
	}
	_ = g.Close()
	if err := <-done; !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v", err)
	}
	_ = second.Close()
}

// TestTheListenerHasAGateOfItsSize sees that the bound of connections is that of the
// listener that is served.
func TestTheListenerHasAGateOfItsSize(t *testing.T) {
	t.Parallel()
	for given, want := range map[int]int{0: defaultMaxConns, 7: 7} {
		s, err := New(Options{Listen: "127.0.0.1:0", MaxConns: given})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.listener.Close() })
		if g, is := s.listener.(*gate); !is || cap(g.places) != want {
			t.Errorf("MaxConns %d: no gate of %d", given, want)
		}
	}
}
