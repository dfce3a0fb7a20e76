package main

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcallhq/rollcall/store"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// watching is two processes that watch the same system, on one record.
type watching struct {
	t      *testing.T
	record leaser
	mu     sync.Mutex
	told   []string // who told of what
	stop   map[string]func()
	relays map[string]*relay
}

func newWatching(t *testing.T, record func(*store.Store) leaser) *watching {
	t.Helper()
	st, err := store.Open(t.Context(), store.Options{Dir: t.TempDir(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	p := &watching{t: t, record: record(st), stop: map[string]func(){}, relays: map[string]*relay{}}
	p.start("a")
	<-time.After(time.Second)
	p.start("b")
	<-time.After(time.Second)
	return p
}

func (p *watching) start(owner string) {
	r := &relay{system: "hr", owner: owner, record: p.record, now: time.Now, log: slog.New(slog.DiscardHandler)}
	r.tell = func(hints []directory.Hint) {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, h := range hints {
			p.told = append(p.told, owner+" "+string(h.Key.ID))
		}
	}
	ctx, cancel := context.WithCancel(p.t.Context())
	ended := make(chan struct{})
	go func() { r.serve(ctx); close(ended) }()
	p.relays[owner], p.stop[owner] = r, func() { cancel(); <-ended }
}

// notice lets processes notice a change.
func (p *watching) notice(id string, owners ...string) {
	for _, o := range owners {
		p.relays[o].hear([]directory.Hint{{Key: directory.Key{Kind: directory.User, ID: directory.ID(id)}}})
	}
}

func (p *watching) want(told ...string) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Equal(p.told, told) {
		p.t.Errorf("told %q, want %q", p.told, told)
	}
}

func (p *watching) end() {
	for _, stop := range p.stop {
		stop()
	}
}

func plainly(s *store.Store) leaser { return s }

// TestP05_OneOfSeveralWatchersTells: what each notices is told once, and when the one
// that told stops the other begins with what was noticed since.
func TestP05_OneOfSeveralWatchersTells(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newWatching(t, plainly)
		defer p.end()
		p.notice("1", "a", "b")
		<-time.After(2 * time.Minute)
		p.notice("2", "b")
		<-time.After(20 * time.Second) // as late as a file's watcher may be
		p.notice("2", "a")
		p.want("a 1", "a 2")
		<-time.After(2 * time.Minute)
		p.stop["a"]()
		p.notice("3", "b") // between the two
		<-time.After(10 * time.Second)
		p.notice("4", "b")
		p.want("a 1", "a 2", "b 3", "b 4")
		p.start("a")
		<-time.After(time.Minute)
		p.notice("5", "a", "b")
		p.want("a 1", "a 2", "b 3", "b 4", "b 5")
	})
}

// dying gives a leaser whose owner "a" cannot reach the record once it is told so, as
// a process that is gone or cut off.
type dying struct {
	*store.Store
	gone *atomic.Bool
}

func (d dying) Renew(ctx context.Context, l run.Lease, ttl time.Duration) (run.Lease, error) {
	if l.Owner == "a" && d.gone.Load() {
		return l, fault.New(fault.Unavailable, "away / 不可用")
	}
	return d.Store.Renew(ctx, l, ttl)
}

func (d dying) Acquire(ctx context.Context, flow, owner string, ttl time.Duration) (run.Lease, bool, error) {
	if owner == "a" && d.gone.Load() {
		return run.Lease{}, false, fault.New(fault.Unavailable, "away / 不可用")
	}
	return d.Store.Acquire(ctx, flow, owner, ttl)
}

// TestP09_AWatcherCutOffFromTheRecordHandsOver: it tells no longer than its lease, and
// what fell between is told by the next.
func TestP09_AWatcherCutOffFromTheRecordHandsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var gone atomic.Bool
		p := newWatching(t, func(s *store.Store) leaser { return dying{s, &gone} })
		defer p.end()
		gone.Store(true)
		<-time.After(5 * time.Second)
		p.notice("1", "a", "b") // a has the lease yet
		p.want("a 1")
		<-time.After(40 * time.Second)
		p.notice("2", "a", "b")
		p.want("a 1", "b 1", "b 2") // told again is one hint more, lost would be none
		gone.Store(false)
		<-time.After(time.Minute)
		p.notice("3", "a", "b")
		p.want("a 1", "b 1", "b 2", "b 3")
	})
}

// TestWhatAWatcherKeepsIsBounded: a flood that another process tells of.
func TestWhatAWatcherKeepsIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newWatching(t, plainly)
		defer p.end()
		for range 10 * watchKept {
			p.notice("x", "b")
		}
		if n := len(p.relays["b"].noticed); n > watchKept {
			t.Errorf("%d are kept", n)
		}
		p.stop["a"]()
		<-time.After(time.Minute)
		p.mu.Lock()
		defer p.mu.Unlock()
		if !slices.Contains(p.told, "b ") {
			t.Errorf("nothing asks for a full run among %d", len(p.told))
		}
	})
}
