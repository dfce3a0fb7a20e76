package storetest

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/store"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

func testHints(t *testing.T, open Opener) {
	for name, test := range map[string]func(*testing.T, *bench){
		"kept": testHintsKept, "too many": testHintsBound, "taken with the run": testHintsTaken,
		"told again": testHintsTold, "taken by several at once": testHintsRaced, "pruned": testHintsPruned, "odd ids": testHintsOdd,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, setup(t, open))
		})
	}
}

func (b *bench) named(id string) run.Hint {
	return run.Hint{Flow: flow, Key: directory.Key{Kind: directory.User, ID: directory.ID(id)}, At: b.clock.Now()}
}

func (b *bench) told(t *testing.T, most int, hints ...run.Hint) {
	t.Helper()
	if err := b.AddHints(t.Context(), hints, most); err != nil {
		t.Fatalf("add hints: %v", err)
	}
}

// waiting gives what waits of the flow as another process reads it.
func (b *bench) waiting(t *testing.T) []run.Hint {
	t.Helper()
	hints, err := b.another(t).Hints(t.Context(), flow)
	if err != nil {
		t.Fatalf("hints: %v", err)
	}
	return hints
}

func (b *bench) hinted(request string) run.Run {
	return run.Run{
		Code: run.Code("H" + request), Flow: flow, State: run.Queued, Trigger: run.ByEvent, Apply: true,
		RequestID: "event:" + request, Created: b.clock.Now(),
	}
}

func testHintsKept(t *testing.T, b *bench) {
	first := b.named("1")
	b.told(t, 200, first)
	b.clock.Add(time.Second)
	other := b.named("2")
	other.Flow = "another"
	whole, shrunk := run.Hint{Flow: flow, What: run.HintWhole, At: b.clock.Now()}, run.Hint{Flow: flow, What: run.HintShrunk, At: b.clock.Now()}
	b.told(t, 200, b.named("1"), b.named("2"), whole, shrunk, other)
	b.told(t, 200) // nothing is nothing
	want := []run.Hint{first, b.named("2"), shrunk, whole}
	for i, version := range []int64{2, 1, 1, 1} {
		want[i].Version = version
	}
	if got := b.waiting(t); !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	wantKind(t, "no flow", b.AddHints(t.Context(), []run.Hint{b.named("9"), {What: run.HintWhole}}, 200), fault.Invalid)
	if got := b.waiting(t); len(got) != len(want) {
		t.Errorf("half of a wrong batch is kept: %+v", got)
	}
}

func testHintsBound(t *testing.T, b *bench) {
	oldest := b.clock.Now()
	for i := range 3 {
		b.told(t, 3, b.named(fmt.Sprint(i)))
		b.clock.Add(time.Second)
	}
	if got := b.waiting(t); len(got) != 3 || got[0].What != run.HintNamed {
		t.Fatalf("up to the bound: %+v", got)
	}
	shrunk := run.Hint{Flow: flow, What: run.HintShrunk, At: b.clock.Now()}
	b.told(t, 3, shrunk, b.named("one more"))
	got := b.waiting(t)
	if len(got) != 2 || got[0].What != run.HintWhole || !got[0].At.Equal(oldest) || got[1].What != run.HintShrunk {
		t.Errorf("beyond the bound: %+v", got)
	}
}

func testHintsTaken(t *testing.T, b *bench) {
	b.told(t, 200, b.named("1"), b.named("2"))
	both := b.waiting(t)
	b.told(t, 200, b.named("3"))
	r, created, err := b.CreateRun(t.Context(), b.hinted("1"), both...)
	if err != nil || !created || r.Trigger != run.ByEvent {
		t.Fatalf("%+v, %v, %v", r, created, err)
	}
	if got := b.waiting(t); len(got) != 1 || got[0].Key.ID != "3" {
		t.Errorf("left: %+v", got)
	}
	_, _, err = b.CreateRun(t.Context(), b.hinted("2"), both...)
	wantKind(t, "the same hints", err, fault.Stale)
	if _, err := b.Run(t.Context(), "H2"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a run of hints that were taken is there: %v", err)
	}
	if r, created, err = b.CreateRun(t.Context(), b.hinted("1"), both...); err != nil || created || r.Code != "H1" {
		t.Errorf("the same request: %+v, %v, %v", r, created, err)
	}
	if err := b.DropHints(t.Context(), b.waiting(t)); err != nil || len(b.waiting(t)) != 0 {
		t.Errorf("dropped: %v, %+v", err, b.waiting(t))
	}
	if err := b.DropHints(t.Context(), nil); err != nil {
		t.Errorf("drop none: %v", err)
	}
}

// testHintsTold: what was told again after it was read says more than what was read.
func testHintsTold(t *testing.T, b *bench) {
	b.told(t, 200, b.named("1"), b.named("2"))
	read := b.waiting(t)
	b.told(t, 200, b.named("2"))
	_, _, err := b.CreateRun(t.Context(), b.hinted("1"), read...)
	wantKind(t, "one was told again", err, fault.Stale)
	if got := b.waiting(t); len(got) != 2 {
		t.Errorf("a run that is not there took hints: %+v", got)
	}
	if err := b.DropHints(t.Context(), read); err != nil {
		t.Fatal(err)
	}
	if got := b.waiting(t); len(got) != 1 || got[0].Key.ID != "2" || got[0].Version != 2 {
		t.Errorf("what was told again is dropped: %+v", got)
	}
}

func testHintsRaced(t *testing.T, b *bench) {
	b.told(t, 200, b.named("1"), b.named("2"))
	read := b.waiting(t)
	records := []*store.Store{b.Store, b.another(t)}
	var made atomic.Int32
	var group sync.WaitGroup
	for i := range 10 {
		group.Go(func() {
			_, created, err := records[i%2].CreateRun(t.Context(), b.hinted(fmt.Sprint("raced", i)), read...)
			if created {
				made.Add(1)
			} else {
				wantKind(t, "who came later", err, fault.Stale)
			}
		})
	}
	group.Wait()
	if n := made.Load(); n != 1 || len(b.waiting(t)) != 0 {
		t.Errorf("%d runs of the same hints, %+v are left", n, b.waiting(t))
	}
}

func testHintsPruned(t *testing.T, b *bench) {
	b.told(t, 200, b.named("old"))
	b.clock.Add(store.MinKeep)
	b.told(t, 200, b.named("new"))
	b.clock.Add(time.Second)
	if n, err := b.Prune(t.Context()); err != nil || n != 1 {
		t.Errorf("%d pruned, %v", n, err)
	}
	if got := b.waiting(t); len(got) != 1 || got[0].Key.ID != "new" {
		t.Errorf("left: %+v", got)
	}
}

func testHintsOdd(t *testing.T, b *bench) {
	b.told(t, 200, b.named(odd))
	read := b.waiting(t)
	if len(read) != 1 {
		t.Fatalf("%+v", read)
	}
	if _, created, err := b.CreateRun(t.Context(), b.hinted("odd"), read...); err != nil || !created || len(b.waiting(t)) != 0 {
		t.Errorf("%v, %v", created, err)
	}
}
