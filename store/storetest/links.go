package storetest

import (
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/run"
)

func userKey(id string) directory.Key {
	return directory.Key{Kind: directory.User, ID: directory.ID(id)}
}

func testLinks(t *testing.T, open Opener) {
	b := setup(t, open)
	lease := b.lease(t, "w1")
	put := func(what string, want fault.Kind, links ...mapping.Link) {
		t.Helper()
		wantKind(t, what, b.Mark(t.Context(), lease, nil, links), want)
	}
	full := mapping.Link{
		Flow: flow, Source: userKey("h2"), Target: userKey("w2"), Origin: mapping.Adopted, Since: b.clock.Now(),
		Written:    directory.Attributes{"name": directory.TextOf("王<伟>"), "mobile": directory.Hidden("contact:mobile"), "departments": directory.RefsToKind(directory.Department, "d1")},
		Seen:       directory.Attributes{"hired": directory.DateOf(b.clock.Now()), "n": directory.IntOf(7), "tags": directory.ListOf("a", "b"), "left": directory.Empty(directory.Date)},
		DisabledAt: b.clock.Now(), LeftRuns: 2,
	}
	one := mapping.Link{Flow: flow, Source: userKey("h10"), Target: userKey("w1"), Origin: mapping.Created, Since: b.clock.Now()}
	dept := mapping.Link{Flow: flow, Source: directory.Key{Kind: directory.Department, ID: "h10"}, Target: directory.Key{Kind: directory.Department, ID: "w1"}, Origin: mapping.Created, Since: b.clock.Now()}
	put("three links", "", full, one, dept)
	want := func(what string, want ...mapping.Link) {
		t.Helper()
		if got, err := b.Links(t.Context(), flow); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: links\n%+v, %v; want\n%+v", what, got, err, want)
		}
	}
	want("by source key", dept, one, full)

	rival := mapping.Link{Flow: flow, Source: userKey("h3"), Target: one.Target, Origin: mapping.Created, Since: b.clock.Now()}
	put("a target twice", fault.Conflict, rival)
	want("after the conflict", dept, one, full)
	buried := one
	buried.DeletedAt = b.clock.Now()
	put("changes hands", "", rival, buried)
	want("with a tombstone", dept, buried, full, rival)
	if other, err := b.Links(t.Context(), "other"); err != nil || len(other) != 0 {
		t.Errorf("another flow has %v, %v", other, err)
	}
}

func testLeases(t *testing.T, open Opener) {
	t.Run("fencing", func(t *testing.T) {
		t.Parallel()
		testFencing(t, setup(t, open))
	})
	t.Run("a write that takes longer than the lease", func(t *testing.T) {
		t.Parallel()
		b := setup(t, open)
		lease := b.lease(t, "w1")
		r := b.newRun(t, "p")
		b.move(t, r.Code, run.Reading, run.Planning)
		_, err := b.SavePlan(t.Context(), lease, r.Code, samplePlan(2), func(*run.Run) error {
			b.clock.Add(5 * time.Minute) // a big plan; nobody can take the lease meanwhile
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, ok, err := b.Acquire(t.Context(), flow, "w2", time.Minute); err != nil || ok {
			t.Errorf("somebody else has the lease: %v, %v", ok, err)
		}
		if _, err := b.Renew(t.Context(), lease, time.Minute); err != nil {
			t.Errorf("the plan's worker lost its lease: %v", err)
		}
		b.clock.Add(2 * time.Minute)
		if _, ok, err := b.Acquire(t.Context(), flow, "w2", time.Minute); err != nil || !ok {
			t.Errorf("a dead worker keeps the lease: %v, %v", ok, err)
		}
	})
	t.Run("one owner", func(t *testing.T) {
		t.Parallel()
		b := setup(t, open)
		second := b.another(t)
		var group sync.WaitGroup
		var mu sync.Mutex
		won := 0
		for i := range 20 {
			group.Go(func() {
				acquire := b.Acquire
				if i%2 == 1 {
					acquire = second.Acquire
				}
				_, ok, err := acquire(t.Context(), flow, "w", time.Minute)
				if err != nil {
					t.Errorf("acquire: %v", err)
				}
				mu.Lock()
				defer mu.Unlock()
				if ok {
					won++
				}
			})
		}
		if group.Wait(); won != 1 {
			t.Errorf("%d workers hold the lease", won)
		}
	})
}

func testFencing(t *testing.T, b *bench) {
	first := b.lease(t, "w1")
	if first.Fence != 1 || !first.Until.Equal(b.clock.Now().Add(time.Minute)) {
		t.Errorf("first lease %+v", first)
	}
	r := b.planned(t, first, 2, run.Applying)
	if _, ok, err := b.Acquire(t.Context(), flow, "w2", time.Minute); ok || err != nil {
		t.Errorf("a living lease was taken: %v, %v", ok, err)
	}
	b.clock.Add(50 * time.Second)
	first, err := b.Renew(t.Context(), first, time.Minute)
	if err != nil || !first.Until.Equal(b.clock.Now().Add(time.Minute)) {
		t.Errorf("renewed %+v, %v", first, err)
	}
	mark := func(what string, lease run.Lease, seq int, want fault.Kind) {
		t.Helper()
		wantKind(t, what, b.Mark(t.Context(), lease, []run.Entry{{Run: r.Code, Seq: seq, Step: run.StepSending}}, nil), want)
	}
	b.clock.Add(time.Minute - time.Millisecond)
	mark("in the last millisecond", first, 1, "")
	b.clock.Add(time.Millisecond)
	mark("past its time, though nobody took it", first, 2, fault.Stale)
	_, err = b.Renew(t.Context(), first, time.Minute)
	wantKind(t, "renew past its time", err, fault.Stale)

	second := b.lease(t, "w1") // the same name, as after a restart
	if second.Fence != 2 {
		t.Errorf("second lease %+v", second)
	}
	mark("the zombie", first, 2, fault.Stale)
	wantKind(t, "the zombie releases", b.Release(t.Context(), first), fault.Stale)
	mark("the new owner", second, 2, "")
	if err := b.Release(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	mark("after release", second, 2, fault.Stale)
	if third := b.lease(t, "w3"); third.Fence != 3 {
		t.Errorf("third lease %+v", third)
	}
	for _, bad := range []run.Lease{{Owner: "w"}, {Flow: flow}} {
		_, _, err := b.Acquire(t.Context(), bad.Flow, bad.Owner, time.Minute)
		wantKind(t, "a lease of nothing or nobody", err, fault.Invalid)
	}
}
