// Package queuetest is the suite that every bell must pass. It holds no test of
// its own; Run is called by the tests of the bells.
package queuetest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// Bell is what the suite tests; the engine declares the same.
type Bell interface {
	Ring(ctx context.Context, key string) error
	Listen(ctx context.Context, workers int, answer func(ctx context.Context, key string)) error
}

// Opener makes the room of one test: every call of what it returns gives one
// more replica of the same bell, or the same one when there is only one process.
type Opener func(t *testing.T) func() Bell

// patience is how long the suite waits for what must happen.
const patience = 2 * time.Minute

// Run runs the whole suite.
func Run(t *testing.T, open Opener) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, func() Bell){
		"a ring is answered":            testAnswered,
		"a ring before anybody listens": testRingFirst,
		"no key":                        testNoKey,
		"every key, and no more workers than wanted": testWorkers,
		"rung while it is answered":                  testRungMeanwhile,
		"cut off":                                    testCutOff,
		"replicas share":                             testReplicas,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// listen listens until the test ends or stop is called, which waits for the end.
func listen(t *testing.T, b Bell, workers int, answer func(ctx context.Context, key string)) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := b.Listen(ctx, workers, answer); err != nil {
			t.Errorf("listen: %v", err)
		}
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		Await(t, "the end of listening", ended)
	})
	t.Cleanup(stop)
	return stop
}

// Await waits for something on a channel and gives it.
func Await[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case v := <-c:
		return v
	case <-timer.C:
		t.Fatalf("%s did not come", what)
		panic("unreachable")
	}
}

func ring(t *testing.T, b Bell, key string) {
	t.Helper()
	if err := b.Ring(t.Context(), key); err != nil {
		t.Fatalf("ring %s: %v", key, err)
	}
}

func testAnswered(t *testing.T, replica func() Bell) {
	b := replica()
	heard := make(chan string, 10)
	listen(t, b, 1, func(_ context.Context, key string) { heard <- key })
	for i := range 3 {
		want := fmt.Sprint("run-", i, " 同步")
		ring(t, b, want)
		if got := Await(t, want, heard); got != want {
			t.Errorf("heard %q, want %q", got, want)
		}
	}
}

func testRingFirst(t *testing.T, replica func() Bell) {
	b := replica()
	ring(t, b, "early")
	heard := make(chan string, 10)
	listen(t, replica(), 1, func(_ context.Context, key string) { heard <- key })
	if got := Await(t, "early", heard); got != "early" {
		t.Errorf("heard %q", got)
	}
}

func testNoKey(t *testing.T, replica func() Bell) {
	if err := replica().Ring(t.Context(), ""); fault.KindOf(err) != fault.Invalid {
		t.Errorf("ring without a key: %v", err)
	}
}

func testWorkers(t *testing.T, replica func() Bell) {
	b := replica()
	const keys, workers = 40, 3
	var now, most atomic.Int64
	var mu sync.Mutex
	heard := make(map[string]bool)
	all := make(chan struct{})
	full := make(chan struct{}) // closed when every worker is at work
	var fill sync.Once
	listen(t, b, workers, func(ctx context.Context, key string) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		if n == workers {
			fill.Do(func() { close(full) })
		}
		select { // the first ones wait for each other, so that all work at a time
		case <-full:
		case <-ctx.Done():
		}
		mu.Lock()
		defer mu.Unlock()
		if heard[key] = true; len(heard) == keys {
			select {
			case <-all:
			default:
				close(all)
			}
		}
	})
	for i := range keys {
		ring(t, b, fmt.Sprint("k", i))
	}
	Await(t, "every key", all)
	if most.Load() != workers {
		t.Errorf("%d answers at a time, want %d", most.Load(), workers)
	}
}

func testRungMeanwhile(t *testing.T, replica func() Bell) {
	b := replica()
	begun, end := make(chan struct{}, 100), make(chan struct{})
	var now atomic.Int64
	listen(t, b, 4, func(ctx context.Context, _ string) {
		if now.Add(1) > 1 {
			t.Error("two answers to one key at a time")
		}
		defer now.Add(-1)
		begun <- struct{}{}
		select {
		case <-end:
		case <-ctx.Done():
		}
	})
	ring(t, b, "k")
	Await(t, "the first answer", begun)
	ring(t, b, "k")
	end <- struct{}{}
	Await(t, "an answer to the ring that came meanwhile", begun)
	close(end)
}

func testCutOff(t *testing.T, replica func() Bell) {
	b := replica()
	begun := make(chan struct{}, 10)
	stop := listen(t, b, 1, func(ctx context.Context, _ string) {
		begun <- struct{}{}
		<-ctx.Done()
	})
	ring(t, b, "long")
	Await(t, "the first answer", begun)
	stop()
	heard := make(chan string, 10)
	listen(t, replica(), 1, func(_ context.Context, key string) { heard <- key })
	if got := Await(t, "the ring that was cut off", heard); got != "long" {
		t.Errorf("heard %q", got)
	}
}

func testReplicas(t *testing.T, replica func() Bell) {
	heard := make(chan string, 100)
	const keys = 20
	for range 2 {
		listen(t, replica(), 2, func(_ context.Context, key string) { heard <- key })
	}
	b := replica()
	for i := range keys {
		ring(t, b, fmt.Sprint("k", i))
	}
	got := make(map[string]bool)
	for len(got) < keys {
		got[Await(t, "every key", heard)] = true
	}
}
