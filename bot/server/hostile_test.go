package server

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
)

// reading gives a handler that reads its body whole and counts what it got.
func reading(got *atomic.Int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		got.Add(n)
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		}
	})
}

// endless is a body without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// TestT09_LargeBodies: what is too large is refused after the limit, whatever it
// says of its length, and nothing is unpacked.
func TestT09_LargeBodies(t *testing.T) {
	t.Parallel()
	const limit = 1 << 20
	var got atomic.Int64
	w := setup(t, Options{Handlers: map[string]http.Handler{"/callback/feishu": reading(&got)}})
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	if _, err := io.CopyN(z, endless{}, 64<<20); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		body   io.Reader
		length int64 // -1: chunked
		zipped bool
		status int
		most   int64
	}{
		{"at the limit", io.LimitReader(endless{}, limit), limit, false, 200, limit},
		{"one more", io.LimitReader(endless{}, limit+1), limit + 1, false, 413, limit},
		{"64 MiB", io.LimitReader(endless{}, 64<<20), 64 << 20, false, 413, limit},
		{"chunked without end", endless{}, -1, false, 413, limit},
		{"a bomb", &bomb, int64(bomb.Len()), true, 200, int64(bomb.Len())},
	} {
		got.Store(0)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.base+"/callback/feishu", tt.body)
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = tt.length
		if tt.zipped {
			req.Header.Set("Content-Encoding", "gzip")
		}
		// The server may hang up while we still write; then the answer may be lost.
		if res, err := http.DefaultTransport.RoundTrip(req); err == nil {
			_ = res.Body.Close()
			if res.StatusCode != tt.status {
				t.Errorf("%s: %d, want %d", tt.name, res.StatusCode, tt.status)
			}
		} else if tt.status == http.StatusOK {
			t.Errorf("%s: %v", tt.name, err)
		}
		runtime.ReadMemStats(&after)
		if n := got.Load(); n > tt.most {
			t.Errorf("%s: %d bytes were read", tt.name, n)
		}
		if grown := int64(after.HeapInuse) - int64(before.HeapInuse); grown > 16<<20 {
			t.Errorf("%s: the heap grew by %d", tt.name, grown)
		}
	}
}

// TestT11_SlowClients: who sends one byte now and then is cut off, and meanwhile
// the others are served.
func TestT11_SlowClients(t *testing.T) {
	t.Parallel()
	var got atomic.Int64
	patience := Patience{Header: 300 * time.Millisecond, Read: 600 * time.Millisecond, Write: time.Second, Idle: 500 * time.Millisecond}
	w := setup(t, Options{Handlers: map[string]http.Handler{"/callback/feishu": reading(&got)}, Patience: patience})
	const slow = 200
	var all sync.WaitGroup
	var stayed atomic.Int32
	deadline, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for i := range slow {
		c, err := net.Dial("tcp", w.Addr())
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			defer func() { _ = c.Close() }()
			if i%2 == 0 { // the other half is slow in the header
				_, _ = io.WriteString(c, "POST /callback/feishu HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
			}
			go func() {
				tick := time.NewTicker(50 * time.Millisecond)
				defer tick.Stop()
				for deadline.Err() == nil {
					if _, err := c.Write([]byte("x")); err != nil {
						return
					}
					<-tick.C
				}
			}()
			_ = c.SetReadDeadline(time.Now().Add(time.Minute))
			if _, err := io.Copy(io.Discard, c); errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
				stayed.Add(1)
			}
		})
	}
	for range 20 {
		if res, _ := w.do(t, http.MethodGet, "/healthz", ""); res.StatusCode != http.StatusOK {
			t.Errorf("%d", res.StatusCode)
		}
	}
	all.Wait()
	if n := stayed.Load(); n > 0 {
		t.Errorf("%d of %d slow ones stayed", n, slow)
	}
}

func isTimeout(err error) bool {
	n, ok := errors.AsType[net.Error](err)
	return ok && n.Timeout()
}

// TestT14_ForwardedFor: the address of the peer counts, unless a proxy that was
// named says otherwise.
func TestT14_ForwardedFor(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		trusted []string
		want    string
	}{{nil, "127.0.0.1"}, {[]string{"10.0.0.0/8"}, "127.0.0.1"}, {[]string{"127.0.0.1"}, "203.0.113.9"}} {
		s, err := New(Options{Listen: ":0", TrustedProxies: tt.trusted})
		if err != nil {
			t.Fatal(err)
		}
		e, ok := s.http.Handler.(*gin.Engine)
		if !ok {
			t.Fatal("not gin")
		}
		var seen string
		e.GET("/who", func(c *gin.Context) { seen = c.ClientIP() })
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/who", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.RemoteAddr = "127.0.0.1:4711"
		for _, name := range []string{"X-Forwarded-For", "X-Real-Ip"} {
			r.Header.Set(name, "203.0.113.9")
		}
		e.ServeHTTP(&nowhere{header: http.Header{}}, r)
		if seen != tt.want {
			t.Errorf("%v: %q, want %q", tt.trusted, seen, tt.want)
		}
	}
}

// nowhere takes an answer that nobody reads.
type nowhere struct{ header http.Header }

func (n *nowhere) Header() http.Header         { return n.header }
func (n *nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (n *nowhere) WriteHeader(int)             {}

// TestT73_T106_NothingElseIsServed: neither the runtime's own pages nor a version.
func TestT73_T106_NothingElseIsServed(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{})
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/vars", "/debug/requests", "/version", "/status", "/.env", "/../etc/passwd", "/%2e%2e/etc/passwd"} {
		if res, body := w.do(t, http.MethodGet, path, ""); res.StatusCode != http.StatusNotFound || body != "" {
			t.Errorf("%s: %d %q", path, res.StatusCode, body)
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/none"} {
		res, body := w.do(t, http.MethodGet, path, "")
		if all := fmt.Sprint(res.Header) + body; strings.Contains(all, "go1.") || strings.Contains(all, "gin") || res.Header.Get("Server") != "" {
			t.Errorf("%s tells %s", path, all)
		}
	}
}
