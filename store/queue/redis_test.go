package queue_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/rollcallhq/rollcall/store/queue"
	"github.com/rollcallhq/rollcall/store/queue/queuetest"
	"github.com/rollcallhq/rollcall/sync/fault"
)

func TestMain(m *testing.M) {
	queue.QuietDriver(slog.New(slog.DiscardHandler))
	// The driver dials a dead server once a second, and ends within one after Close.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

// quickIdle lets the tests see a take-over soon.
const quickIdle = 400 * time.Millisecond

// open opens a bell for one test.
func open(t *testing.T, o queue.Options) *queue.Redis {
	t.Helper()
	if o.MinIdle == 0 {
		o.MinIdle = quickIdle
	}
	b, err := queue.OpenRedis(t.Context(), o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return b
}

// replicas opens bells on one server, each with a name of its own.
func replicas(t *testing.T, url, stream string) func() queuetest.Bell {
	var n atomic.Int64
	return func() queuetest.Bell {
		return open(t, queue.Options{URL: url, Stream: stream, Consumer: fmt.Sprint("c", n.Add(1))})
	}
}

func TestMiniredis(t *testing.T) {
	t.Parallel()
	queuetest.Run(t, func(t *testing.T) func() queuetest.Bell {
		return replicas(t, "redis://"+miniredis.RunT(t).Addr(), "runs")
	})
}

func TestRealRedis(t *testing.T) {
	t.Parallel()
	url := startServer(t)
	var n atomic.Int64
	queuetest.Run(t, func(t *testing.T) func() queuetest.Bell {
		return replicas(t, url, fmt.Sprint("runs-", n.Add(1)))
	})
}

func client(t *testing.T, url string) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// eventually asks until the answer is yes.
func eventually(t *testing.T, what string, yes func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	timeout := time.NewTimer(30 * time.Second)
	defer timeout.Stop()
	for !yes() {
		select {
		case <-tick.C:
		case <-timeout.C:
			t.Fatalf("it never came true: %s", what)
		}
	}
}

// TestTakeOverAfterKill follows one entry: added to the stream, read by the
// group, kept while its process lives, taken over by a second process after a
// kill -9 of the first, acknowledged and deleted.
func TestTakeOverAfterKill(t *testing.T) {
	t.Parallel()
	url := startServer(t)
	c := client(t, url)
	const stream, group = "rollcall:runs", "workers" // the defaults
	if err := open(t, queue.Options{URL: url, Consumer: "ringer"}).Ring(t.Context(), "7K3MQ2"); err != nil {
		t.Fatal(err)
	}
	entries, err := c.XRange(t.Context(), stream, "-", "+").Result()
	if err != nil || len(entries) != 1 || entries[0].Values["key"] != "7K3MQ2" {
		t.Fatalf("the stream holds %v, %v", entries, err)
	}
	pending := func() redis.XPendingExt {
		list, err := c.XPendingExt(t.Context(), &redis.XPendingExtArgs{Stream: stream, Group: group, Start: "-", End: "+", Count: 10}).Result()
		if err != nil || len(list) != 1 {
			t.Fatalf("pending %v, %v", list, err)
		}
		return list[0]
	}

	first := startChild(t, url, "first", "hang")
	for line := ""; line != "begun 7K3MQ2"; line = queuetest.Await(t, "the first process", first.lines) {
	}
	second := startChild(t, url, "second", "answer")
	queuetest.Await(t, "the second process", second.lines)
	// Twice as long as an entry may lie idle, by the server's own count of the
	// signs of life, the first keeps it.
	alive := time.Now()
	eventually(t, "two idle times have passed", func() bool {
		if p := pending(); p.Consumer != "first" || p.ID != entries[0].ID {
			t.Fatalf("the entry of a living process is with %+v", p)
		}
		return time.Since(alive) > 2*quickIdle
	})
	kill(first.cmd)
	killed := time.Now()
	if line := queuetest.Await(t, "the take-over", second.lines); line != "begun 7K3MQ2" {
		t.Fatalf("the second process says %q", line)
	}
	t.Logf("taken over %s after the kill", time.Since(killed).Round(time.Millisecond))
	eventually(t, "the entry is acknowledged and deleted", func() bool {
		sum, err := c.XPending(t.Context(), stream, group).Result()
		if err != nil {
			t.Fatal(err)
		}
		return sum.Count == 0 && c.XLen(t.Context(), stream).Val() == 0
	})
}

// logged collects log lines.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logged) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), text)
}

func (l *logged) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func listening(t *testing.T, b *queue.Redis) <-chan string {
	t.Helper()
	heard := make(chan string, 1000)
	ended := make(chan struct{})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	go func() {
		defer close(ended)
		if err := b.Listen(ctx, 2, func(_ context.Context, key string) { heard <- key }); err != nil {
			t.Errorf("listen: %v", err)
		}
	}()
	t.Cleanup(func() {
		cancel()
		queuetest.Await(t, "the end of listening", ended)
	})
	return heard
}

func TestGoesOnAfterFlush(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"real": startServer(t), "mini": "redis://" + miniredis.RunT(t).Addr()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, c := open(t, queue.Options{URL: url, Consumer: "c1"}), client(t, url)
			heard := listening(t, b)
			for i := range 3 {
				want := fmt.Sprint("k", i)
				if err := b.Ring(t.Context(), want); err != nil {
					t.Fatal(err)
				}
				if got := queuetest.Await(t, want, heard); got != want {
					t.Fatalf("heard %q, want %q", got, want)
				}
				if err := c.FlushAll(t.Context()).Err(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// TestRedisAwayAndBack kills the server and starts it again, empty. (miniredis
// would not do: it never answers a blocking read after a restart.)
func TestRedisAwayAndBack(t *testing.T) {
	t.Parallel()
	server := queuetest.StartServer(t)
	var log logged
	b := open(t, queue.Options{URL: server.URL(), Consumer: "c1", Logger: log.logger()})
	heard := listening(t, b)
	if err := b.Ring(t.Context(), "before"); err != nil {
		t.Fatal(err)
	}
	queuetest.Await(t, "before", heard)
	server.Kill()
	for range 5 {
		if err := b.Ring(t.Context(), "away"); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("ring while Redis is away: %v", err)
		}
	}
	if got := queuetest.Await(t, "a ring inside the process", heard); got != "away" {
		t.Errorf("heard %q", got)
	}
	if err := b.Ping(t.Context()); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("ping while Redis is away: %v", err)
	}
	server.Start(t)
	eventually(t, "Redis takes a ring again", func() bool { return b.Ring(t.Context(), "after") == nil })
	for queuetest.Await(t, "after", heard) != "after" {
	}
	if n := log.count("redis is away"); n != 1 {
		t.Errorf("logged %d times that Redis is away", n)
	}
	eventually(t, "it is logged once that Redis is back", func() bool { return log.count("redis is back") == 1 })
}

// A Redis that takes connections and never answers is the worst one to wait for.
func TestRingIsBounded(t *testing.T) {
	t.Parallel()
	hole, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = hole.Close() })
	var dialed atomic.Int64
	go func() {
		var open []net.Conn
		for {
			c, err := hole.Accept()
			if err != nil {
				for _, c := range open {
					_ = c.Close()
				}
				return
			}
			dialed.Add(1)
			open = append(open, c)
		}
	}()
	b := open(t, queue.Options{URL: "redis://:geheim@" + hole.Addr().String(), Consumer: "c1"})
	err = b.Ring(t.Context(), "k")
	if fault.KindOf(err) != fault.Unavailable || strings.Contains(err.Error(), "geheim") {
		t.Errorf("ring into a hole: %v", err)
	}
	// A sweep with much to ring does not wait for each.
	for i := range 20 {
		if err := b.Ring(t.Context(), fmt.Sprint("k", i)); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("ring %d: %v", i, err)
		}
	}
	if n := dialed.Load(); n >= 20 {
		t.Errorf("Redis was tried %d times", n)
	}
	if heard := listening(t, b); queuetest.Await(t, "the ring", heard) != "k" {
		t.Error("this process was not woken")
	}
}

func TestForeignEntriesAreDropped(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	url := "redis://" + m.Addr()
	c := client(t, url)
	if err := c.XAdd(t.Context(), &redis.XAddArgs{Stream: "rollcall:runs", Values: []string{"cmd", "delete everything"}}).Err(); err != nil {
		t.Fatal(err)
	}
	b := open(t, queue.Options{URL: url, Consumer: "c1"})
	if err := b.Ring(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	if got := queuetest.Await(t, "k", listening(t, b)); got != "k" {
		t.Errorf("heard %q", got)
	}
	eventually(t, "the stream is empty", func() bool { return c.XLen(t.Context(), "rollcall:runs").Val() == 0 })
}

func TestOneListener(t *testing.T) {
	t.Parallel()
	b := open(t, queue.Options{URL: "redis://" + miniredis.RunT(t).Addr(), Consumer: "c1"})
	heard := listening(t, b)
	if err := b.Ring(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	queuetest.Await(t, "k", heard)
	if err := b.Listen(t.Context(), 1, func(context.Context, string) {}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("a second listener: %v", err)
	}
}

func TestURLs(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]fault.Kind{
		"redis://127.0.0.1:1":               "",
		"redis://user:geheim@127.0.0.1:1/3": "",
		"rediss://127.0.0.1:1":              "",
		"redis-sentinel://u:geheim@127.0.0.1:1/0?master_name=m&addr=[::1]:2":  "",
		"redis-sentinel://u:geheim@127.0.0.1:1,127.0.0.1:2/people?db=3":       "",
		"rediss+sentinel://127.0.0.1:1?master=people&server_name=redis":       "",
		"redis+cluster://:geheim@127.0.0.1:1,127.0.0.1:2":                     "",
		"redis://127.0.0.1:1?tls=true&db=4":                                   "",
		"redis-sentinel://:geheim@127.0.0.1:1/people?master=people":           fault.Invalid, // a database is a number
		"redis-cluster://:geheim@127.0.0.1:1/2":                               fault.Invalid,
		"redis://:geheim@127.0.0.1:1,127.0.0.1:2":                             fault.Invalid,
		"redis://:geheim@127.0.0.1:1?master=m":                                fault.Invalid,
		"redis://:geheim@127.0.0.1:1?ca=x.pem":                                fault.Invalid, // without TLS
		"rediss://:geheim@127.0.0.1:1?ca=nowhere.pem":                         fault.Invalid,
		"rediss://:geheim@127.0.0.1:1?cert=c.pem":                             fault.Invalid,
		"rediss://:geheim@127.0.0.1:1?cert=c.pem&key=k.pem":                   fault.Invalid,
		"redis://:geheim@127.0.0.1:0":                                         fault.Invalid,
		"redis://:geheim@127.0.0.1:99999":                                     fault.Invalid,
		"redis://:geheim@::1":                                                 fault.Invalid,
		"redis://:geheim@127.0.0.1:1?db=1&db=2":                               fault.Invalid,
		"redis://:geheim@":                                                    fault.Invalid,
		"redis-sentinel://127.0.0.1:1?master_name=m&sentinel_password=geheim": "",
		"redis-cluster://:geheim@127.0.0.1:1?addr=127.0.0.1:2&tls=true":       "",
		"redis-sentinel://:geheim@127.0.0.1:1":                                fault.Invalid, // no master's name
		"redis://:geheim@127.0.0.1:1/x":                                       fault.Invalid,
		"redis://:geheim@127.0.0.1:1?typo=1":                                  fault.Invalid,
		"http://:geheim@127.0.0.1:1":                                          fault.Invalid,
		"redis://:geheim%@127.0.0.1:1":                                        fault.Invalid,
		"":                                                                    fault.Invalid,
	} {
		b, err := queue.OpenRedis(t.Context(), queue.Options{URL: url, Consumer: "c"})
		if fault.KindOf(err) != want {
			t.Errorf("%s: %v, want %q", url, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: the password is in the error: %v", url, err)
		}
		if b == nil {
			continue
		}
		if err := b.Ring(t.Context(), "k"); fault.KindOf(err) != fault.Unavailable || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: ring: %v", url, err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := queue.OpenRedis(t.Context(), queue.Options{URL: "redis://127.0.0.1:1"}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("no consumer name: %v", err)
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	url := startServer(t)
	b, c := open(t, queue.Options{URL: url, Consumer: "c"}), client(t, url)
	check := func(want ...string) {
		t.Helper()
		got, err := b.Warnings(t.Context())
		if err != nil || len(got) != len(want) {
			t.Errorf("warnings %q, %v; want %q", got, err, want)
			return
		}
		for i, w := range want {
			if !strings.Contains(got[i], w) || !strings.Contains(got[i], " / ") {
				t.Errorf("warning %q, want %q in two languages", got[i], w)
			}
		}
	}
	check("appendonly")
	if err := c.ConfigSet(t.Context(), "maxmemory-policy", "allkeys-lru").Err(); err != nil {
		t.Fatal(err)
	}
	check("noeviction", "appendonly")
	for name, value := range map[string]string{"maxmemory-policy": "noeviction", "appendonly": "yes"} {
		if err := c.ConfigSet(t.Context(), name, value).Err(); err != nil {
			t.Fatal(err)
		}
	}
	check()
	if err := c.ConfigSet(t.Context(), "requirepass", "geheim").Err(); err != nil {
		t.Fatal(err)
	}
	stranger := open(t, queue.Options{URL: url, Consumer: "d"})
	if _, err := stranger.Warnings(t.Context()); fault.KindOf(err) != fault.Credential {
		t.Errorf("a wrong password: %v", err)
	}
}
