package storetest_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/store"
	"github.com/rollcallhq/rollcall/store/storetest/pgtest"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// skewedStore opens the record as a process does whose clock is wrong by as much as
// the caller says, then and later.
func skewedStore(t *testing.T, address string, by time.Duration) (*store.Store, *atomic.Int64) {
	t.Helper()
	ahead := &atomic.Int64{}
	ahead.Store(int64(by))
	s, err := store.Open(t.Context(), store.Options{
		Dir: t.TempDir(), URL: address, ServerTime: true,
		Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, ahead
}

// TestP10_LeasesAreJudgedByTheServersClock: a process whose clock is wrong takes nobody's
// lease early, and leaves none that nobody can take.
func TestP10_LeasesAreJudgedByTheServersClock(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	for name, by := range map[string]time.Duration{"an hour ahead": time.Hour, "an hour behind": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := server.URL(t, t.Name())
			right, _ := skewedStore(t, address, 0)
			wrong, ahead := skewedStore(t, address, by)
			testWrongClockTakesNothing(t, right, wrong)
			testWrongClockLeavesNothing(t, right, wrong)
			testWrongClockHolds(t, wrong, ahead)
		})
	}
}

func testWrongClockTakesNothing(t *testing.T, right, wrong *store.Store) {
	t.Helper()
	ctx := t.Context()
	lease, ok, err := right.Acquire(ctx, "f", "right", time.Minute)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if _, ok, err := wrong.Acquire(ctx, "f", "wrong", time.Minute); err != nil || ok {
		t.Errorf("a living lease was taken: %v, %v", ok, err)
	}
	r, _, err := right.CreateRun(ctx, run.Run{Code: "7K3MQ2", Flow: "f", State: run.Queued, RequestID: "r", Trigger: run.ByCommand})
	if err != nil {
		t.Fatal(err)
	}
	if due, err := wrong.Due(ctx); err != nil || len(due) != 0 {
		t.Errorf("work of a flow that is held is due: %v, %v", due, err)
	}
	if held, err := wrong.Leases(ctx); err != nil || len(held) != 1 {
		t.Errorf("leases held: %v, %v", held, err)
	}
	if err := right.Mark(ctx, lease, nil, nil); err != nil {
		t.Errorf("the holder: %v", err)
	}
	if err := right.Release(ctx, lease); err != nil {
		t.Fatal(err)
	}
	if due, err := wrong.Due(ctx); err != nil || len(due) != 1 || due[0].Code != r.Code {
		t.Errorf("work that nobody does: %v, %v", due, err)
	}
}

// testWrongClockLeavesNothing: a lease that a wrong clock took ends in its time.
func testWrongClockLeavesNothing(t *testing.T, right, wrong *store.Store) {
	t.Helper()
	lease, ok, err := wrong.Acquire(t.Context(), "g", "wrong", 300*time.Millisecond)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	next := acquireInTheEnd(t, right, "g")
	if next.Fence != lease.Fence+1 {
		t.Errorf("fence %d after %d", next.Fence, lease.Fence)
	}
	if err := wrong.Mark(t.Context(), lease, nil, nil); fault.KindOf(err) != fault.Stale {
		t.Errorf("past its time: %v", err)
	}
	if err := right.Mark(t.Context(), next, nil, nil); err != nil {
		t.Errorf("the next: %v", err)
	}
}

// testWrongClockHolds: who has a wrong clock, and gets another one, works and knows his
// end, which is no later than the record's.
func testWrongClockHolds(t *testing.T, wrong *store.Store, ahead *atomic.Int64) {
	t.Helper()
	ctx := t.Context()
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	before := now()
	lease, ok, err := wrong.Acquire(ctx, "h", "wrong", time.Minute)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	after := now()
	if left := lease.Left(before); left < time.Minute-time.Millisecond || lease.Left(after) > time.Minute {
		t.Errorf("of a minute %v were left before it asked, and %v when it had the answer", left, lease.Left(after))
	}
	ahead.Store(0)
	if lease, err = wrong.Renew(ctx, lease, time.Minute); err != nil {
		t.Fatalf("renew after the clock was set: %v", err)
	}
	if left := lease.Left(now()); left <= 0 || left > time.Minute {
		t.Errorf("%v are left after it", left)
	}
	if err := wrong.Mark(ctx, lease, nil, nil); err != nil {
		t.Errorf("mark: %v", err)
	}
}

// acquireInTheEnd tries until the lease is over.
func acquireInTheEnd(t *testing.T, s *store.Store, flow string) run.Lease {
	t.Helper()
	patient, enough := context.WithTimeout(t.Context(), time.Minute)
	defer enough()
	for {
		l, ok, err := s.Acquire(patient, flow, "right", time.Minute)
		if err != nil {
			t.Fatalf("nobody can take the lease: %v", err)
		}
		if ok {
			return l
		}
		rest, over := context.WithTimeout(patient, 20*time.Millisecond)
		<-rest.Done()
		over()
	}
}
