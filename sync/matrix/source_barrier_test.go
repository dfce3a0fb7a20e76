package matrix

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"
)

// The ways in which a page of an HTTP service fails. All but the vendor's own
// refusal are what stands between us and any of them: gateways, proxies, networks.
const (
	wayError   = "500"
	wayLimit   = "slow down, in the vendor's words"
	way429     = "429"
	wayReset   = "reset"
	wayTimeout = "time-out"
	wayHalf    = "half of the JSON"
	wayCut     = "cut in the middle"
	wayHTML    = "HTML with 200"
	wayGzip    = "gzip cut off"
	// waySlow: it would come, long after everybody has lost patience.
	waySlow = "slow"
)

// wayHeader tells the server's side of a barrier how to fail.
const wayHeader = "Rollcall-Barrier"

// breaker makes the pages of one reading fail. Pages are counted from 1, by what they
// ask for: a page that is asked for again has the same number.
type breaker interface {
	// begin begins to count.
	begin()
	// pages gives how many there were since.
	pages() int
	// ways are the ways to fail.
	ways() []string
	// passing is a way that passes by itself.
	passing() string
	// spoil lets the page fail so many times; below 0: always.
	spoil(way string, page, times int)
	// hits gives how often it failed since.
	hits() int
	// mend ends what goes wrong.
	mend()
}

// barrier stands between a connector and an HTTP service, on both ends of the wire.
type barrier struct {
	page   int // size; 0 = as the connector wishes
	isPage func(r *http.Request, body []byte) bool
	limit  func(http.Header) (status int, body string) // the vendor's "slow down"

	base http.RoundTripper
	mu   sync.Mutex
	seen map[string]int
	way  string
	at   int
	left int
	met  int
	// edit changes an answer of the service. n is 0 when it is no page.
	edit func(n int, r *http.Request, answer map[string]any)
	// before is called before a page is served for the first time.
	before func(n int)
}

func (b *barrier) pageSize() int {
	if b == nil {
		return 0
	}
	return b.page
}

// serve puts a handler on loopback, behind the barrier if there is one.
func (b *barrier) serve(t *testing.T, h http.Handler) (string, *http.Client) {
	t.Helper()
	if b == nil {
		return serve(t, h)
	}
	at, client := serve(t, b.failing(h))
	b.base, client.Transport = client.Transport, b
	return at, client
}

func (b *barrier) begin() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen = map[string]int{}
}

func (b *barrier) pages() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.seen)
}

func (b *barrier) ways() []string {
	return []string{wayError, wayLimit, way429, wayReset, wayTimeout, wayHalf, wayCut, wayHTML, wayGzip}
}

func (b *barrier) passing() string { return wayError }

func (b *barrier) spoil(way string, page, times int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.way, b.at, b.left, b.met, b.seen = way, page, times, 0, map[string]int{}
}

func (b *barrier) hits() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.met
}

func (b *barrier) mend() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.way, b.left, b.edit, b.before = "", 0, nil, nil
}

// change lets answers be changed until mend.
func (b *barrier) change(edit func(n int, r *http.Request, answer map[string]any)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.edit, b.seen = edit, map[string]int{}
}

// meanwhile lets something happen before each new page is served, until mend.
func (b *barrier) meanwhile(before func(n int)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.before, b.seen = before, map[string]int{}
}

// meeting is what a request meets.
type meeting struct {
	n      int
	way    string
	edit   func(n int, r *http.Request, answer map[string]any)
	before func(n int)
}

func (b *barrier) meet(r *http.Request, body []byte) meeting {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := meeting{edit: b.edit}
	if !b.isPage(r, body) {
		return m
	}
	q := r.URL.Query()
	q.Del("access_token")
	key := r.Method + " " + r.URL.Path + "?" + q.Encode() + " " + string(body)
	n, known := b.seen[key]
	if !known {
		if b.seen == nil {
			b.seen = map[string]int{}
		}
		n = len(b.seen) + 1
		b.seen[key], m.before = n, b.before
	}
	m.n = n
	if b.way != "" && n == b.at && b.left != 0 {
		m.way = b.way
		b.met++
		if b.left > 0 {
			b.left--
		}
	}
	return m
}

// RoundTrip is the connector's end.
func (b *barrier) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		_ = r.Body.Close()
	}
	m := b.meet(r, body)
	if m.before != nil {
		m.before(m.n)
	}
	if m.way == wayTimeout {
		ctx, cancel := context.WithTimeout(r.Context(), 10*time.Millisecond)
		defer cancel()
		r = r.WithContext(ctx)
	}
	out := r.Clone(r.Context())
	out.Body = io.NopCloser(bytes.NewReader(body))
	out.ContentLength = int64(len(body))
	out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	if m.way != "" {
		out.Header.Set(wayHeader, m.way)
	}
	got, err := b.base.RoundTrip(out)
	if err != nil || m.edit == nil || m.way != "" {
		return got, err
	}
	return changed(m, r, got)
}

// changed gives an answer as it is after an edit.
func changed(m meeting, r *http.Request, got *http.Response) (*http.Response, error) {
	raw, err := io.ReadAll(got.Body)
	_ = got.Body.Close()
	if err != nil {
		return nil, err
	}
	var answer map[string]any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if d.Decode(&answer) == nil {
		m.edit(m.n, r, answer)
		if raw, err = json.Marshal(answer); err != nil {
			return nil, err
		}
	}
	got.Body, got.ContentLength = io.NopCloser(bytes.NewReader(raw)), int64(len(raw))
	got.Header.Set("Content-Length", strconv.Itoa(len(raw)))
	return got, nil
}

// failing is the service's end: it fails as it is told.
func (b *barrier) failing(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		way := r.Header.Get(wayHeader)
		if way == "" {
			h.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, r)
		b.fail(way, w, r, answer.Body.Bytes())
	})
}

func (b *barrier) fail(way string, w http.ResponseWriter, r *http.Request, whole []byte) {
	half := whole[:len(whole)/2]
	send := func(status int, kind string, body []byte) {
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}
	const page = "<html><body><h1>Welcome</h1></body></html>"
	switch way {
	case wayError:
		send(http.StatusInternalServerError, "text/html", []byte(page))
	case way429:
		w.Header().Set("Retry-After", "1")
		send(http.StatusTooManyRequests, "text/plain", []byte("slow down"))
	case wayLimit:
		status, body := b.limit(w.Header())
		send(status, "application/json", []byte(body))
	case wayHTML:
		send(http.StatusOK, "text/html", []byte(page))
	case wayHalf:
		send(http.StatusOK, "application/json", half)
	case wayCut:
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(whole)))
		_, _ = w.Write(half)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case wayGzip:
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, _ = z.Write(whole)
		_ = z.Close()
		w.Header().Set("Content-Encoding", "gzip")
		send(http.StatusOK, "application/json", packed.Bytes()[:packed.Len()/2])
	case wayTimeout, waySlow:
		<-r.Context().Done()
	case wayReset:
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}
}

// rows gives a list that stands at the end of some names.
func rows(answer map[string]any, names ...string) (holder map[string]any, last string, list []any) {
	for _, name := range names[:len(names)-1] {
		answer, _ = answer[name].(map[string]any)
	}
	last = names[len(names)-1]
	if answer == nil {
		return nil, last, nil
	}
	list, _ = answer[last].([]any)
	return answer, last, list
}

// query gives a parameter of a request.
func parameter(u *url.URL, name string) string { return u.Query().Get(name) }
