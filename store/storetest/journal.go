package storetest

import (
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

func testPlans(t *testing.T, open Opener) {
	t.Run("round trip", func(t *testing.T) {
		t.Parallel()
		b := setup(t, open)
		lease := b.lease(t, "w1")
		p := samplePlan(230) // more than one bulk insert
		r := b.planned(t, lease, len(p.Changes), run.Awaiting)
		got, err := b.Plan(t.Context(), r.Code)
		if err != nil || got.Digest() != p.Digest() || r.Plan != p.Digest() {
			t.Fatalf("the plan reads back with digest %s (%v), the run has %s, want %s", got.Digest(), err, r.Plan, p.Digest())
		}
		entries, err := b.Entries(t.Context(), r.Code)
		if err != nil || len(entries) != len(p.Changes) {
			t.Fatalf("%d entries, %v", len(entries), err)
		}
		for i, e := range entries {
			want := run.Entry{Run: r.Code, Seq: i + 1, Step: run.StepPending, Key: p.Changes[i].Key, Source: p.Changes[i].Source, At: b.clock.Now()}
			if e != want {
				t.Fatalf("entry %+v, want %+v", e, want)
			}
		}
	})
	t.Run("refusals", func(t *testing.T) {
		t.Parallel()
		testPlanRefusals(t, setup(t, open))
	})
}

func testPlanRefusals(t *testing.T, b *bench) {
	lease := b.lease(t, "w1")
	r := b.newRun(t, "p")
	b.move(t, r.Code, run.Reading, run.Planning)
	stay := func(*run.Run) error { return nil }
	save := func(what string, want fault.Kind, lease run.Lease, code run.Code, p *plan.Plan) {
		t.Helper()
		_, err := b.SavePlan(t.Context(), lease, code, p, stay)
		wantKind(t, what, err, want)
	}
	old := lease
	old.Fence--
	save("an old fence", fault.Stale, old, r.Code, samplePlan(2))
	save("no run", fault.NotFound, lease, "000008", samplePlan(2))
	foreign := samplePlan(2)
	foreign.Flow = "other"
	save("a plan of another flow", fault.Stale, lease, r.Code, foreign)
	_, err := b.Plan(t.Context(), r.Code)
	wantKind(t, "no plan yet", err, fault.NotFound)

	save("first", "", lease, r.Code, samplePlan(5))
	save("replaced", "", lease, r.Code, samplePlan(3))
	if entries, err := b.Entries(t.Context(), r.Code); err != nil || len(entries) != 3 {
		t.Errorf("%d entries after replacing, %v; want 3", len(entries), err)
	}
	b.move(t, r.Code, run.Applying)
	if err := b.Mark(t.Context(), lease, []run.Entry{{Run: r.Code, Seq: 1, Step: run.StepSending}}, nil); err != nil {
		t.Fatal(err)
	}
	save("begun", fault.Conflict, lease, r.Code, samplePlan(4))
	b.clock.Add(time.Hour)
	save("past its time", fault.Stale, lease, r.Code, samplePlan(4))
	if p, err := b.Plan(t.Context(), r.Code); err != nil || len(p.Changes) != 3 {
		t.Errorf("refusals left a plan of %d changes, %v; want 3", len(p.Changes), err)
	}
}

func testJournal(t *testing.T, open Opener) {
	t.Run("steps", func(t *testing.T) {
		t.Parallel()
		testSteps(t, setup(t, open))
	})
	t.Run("what a mark leaves out stays", func(t *testing.T) {
		t.Parallel()
		testMarkMerges(t, setup(t, open))
	})
	t.Run("all or nothing", func(t *testing.T) {
		t.Parallel()
		testMarkAtomic(t, setup(t, open))
	})
	t.Run("recent", func(t *testing.T) {
		t.Parallel()
		testRecent(t, setup(t, open))
	})
}

// testSteps marks every step from every step, each on a change of its own.
func testSteps(t *testing.T, b *bench) {
	steps := []run.Step{run.StepPending, run.StepSending, run.StepDone, run.StepAlready, run.StepFailed, run.StepSkipped, run.StepInDoubt}
	legal := map[run.Step]string{ // by the order above
		run.StepPending: "xx.xxx.", run.StepSending: "xxxxxxx", run.StepDone: "..x....", run.StepAlready: "...x...",
		run.StepFailed: "....x..", run.StepSkipped: ".....x.", run.StepInDoubt: "..xxxxx",
	}
	way := map[run.Step][]run.Step{run.StepDone: {run.StepSending}, run.StepInDoubt: {run.StepSending}}
	lease := b.lease(t, "w1")
	r := b.planned(t, lease, len(steps)*len(steps), run.Applying)
	seq := 0
	mark := func(step run.Step) error {
		return b.Mark(t.Context(), lease, []run.Entry{{Run: r.Code, Seq: seq, Step: step}}, nil)
	}
	for _, from := range steps {
		for i, to := range steps {
			seq++
			for _, step := range append(way[from], from) {
				if err := mark(step); err != nil {
					t.Fatalf("reach %s by %s: %v", from, step, err)
				}
			}
			want, after := fault.Conflict, from
			if legal[from][i] == 'x' {
				want, after = "", to
			}
			wantKind(t, string(from)+"→"+string(to), mark(to), want)
			entries, err := b.Entries(t.Context(), r.Code)
			if err != nil || entries[seq-1].Step != after {
				t.Errorf("%s→%s left %s, %v", from, to, entries[seq-1].Step, err)
			}
		}
	}
}

func testMarkMerges(t *testing.T, b *bench) {
	lease := b.lease(t, "w1")
	r := b.planned(t, lease, 2, run.Applying)
	mark := func(e run.Entry) {
		t.Helper()
		e.Run = r.Code
		if err := b.Mark(t.Context(), lease, []run.Entry{e}, nil); err != nil {
			t.Fatal(err)
		}
	}
	sent := b.clock.Now()
	mark(run.Entry{Seq: 1, Step: run.StepSending})
	b.clock.Add(time.Second)
	mark(run.Entry{Seq: 1, Step: run.StepSending})
	second := b.clock.Now()
	b.clock.Add(time.Second)
	given := directory.Key{Kind: directory.User, ID: "given"}
	mark(run.Entry{Seq: 1, Step: run.StepDone, Key: given, Say: "好"})
	mark(run.Entry{Seq: 2, Step: run.StepSending, Sent: sent, Sends: 1})
	entries, err := b.Entries(t.Context(), r.Code)
	if err != nil {
		t.Fatal(err)
	}
	source := func(id directory.ID) directory.Key { return directory.Key{Kind: directory.User, ID: id} }
	for i, want := range []run.Entry{
		{Run: r.Code, Seq: 1, Step: run.StepDone, Key: given, Say: "好", Sent: second, Sends: 2, At: b.clock.Now(), Source: source("h1")},
		{Run: r.Code, Seq: 2, Step: run.StepSending, Key: source("w2"), Sent: sent, Sends: 1, At: b.clock.Now(), Source: source("h2")},
	} {
		if entries[i] != want {
			t.Errorf("entry %+v, want %+v", entries[i], want)
		}
	}
}

func testMarkAtomic(t *testing.T, b *bench) {
	lease := b.lease(t, "w1")
	r := b.planned(t, lease, 3, run.Applying)
	one := run.Entry{Run: r.Code, Seq: 1, Step: run.StepSending}
	link := mapping.Link{Flow: flow, Source: directory.Key{Kind: directory.User, ID: "h1"}, Target: directory.Key{Kind: directory.User, ID: "w1"}, Origin: mapping.Created}
	mark := func(what string, want fault.Kind, lease run.Lease, entries []run.Entry, links ...mapping.Link) {
		t.Helper()
		wantKind(t, what, b.Mark(t.Context(), lease, entries, links), want)
	}
	mark("an unknown change", fault.NotFound, lease, []run.Entry{one, {Run: r.Code, Seq: 9, Step: run.StepSending}}, link)
	mark("an illegal step", fault.Conflict, lease, []run.Entry{one, {Run: r.Code, Seq: 2, Step: run.StepInDoubt}}, link)
	foreign := link
	foreign.Flow = "other"
	mark("a link of another flow", fault.Stale, lease, []run.Entry{one}, link, foreign)
	other, ok, err := b.Acquire(t.Context(), "other", "w1", time.Minute)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	mark("the lease of another flow", fault.Stale, other, []run.Entry{one})
	thief := lease
	thief.Owner = "w2"
	mark("another owner", fault.Stale, thief, []run.Entry{one}, link)

	entries, err := b.Entries(t.Context(), r.Code)
	if err != nil || entries[0].Step != run.StepPending {
		t.Errorf("refused marks left %+v, %v", entries[0], err)
	}
	if links, err := b.Links(t.Context(), flow); err != nil || len(links) != 0 {
		t.Errorf("refused marks left links %v, %v", links, err)
	}
	mark("all well", "", lease, []run.Entry{one}, link)
	b.move(t, r.Code, run.Cancelled)
	mark("nothing is sent for an ended run", fault.Stale, lease, []run.Entry{{Run: r.Code, Seq: 2, Step: run.StepSending}})
	mark("what was sent is settled all the same", "", lease, []run.Entry{{Run: r.Code, Seq: 1, Step: run.StepDone}})
}

func testRecent(t *testing.T, b *bench) {
	lease := b.lease(t, "w1")
	r := b.planned(t, lease, 12, run.Applying) // the odd ones disable
	start := b.clock.Now()
	ends := map[int][]run.Step{
		1: {run.StepSending, run.StepDone}, 2: {run.StepSending, run.StepDone}, 3: {run.StepSending, run.StepInDoubt},
		5: {run.StepSending, run.StepFailed}, 7: {run.StepSkipped}, 9: {run.StepSending},
	}
	for seq, steps := range ends {
		for _, step := range steps {
			if err := b.Mark(t.Context(), lease, []run.Entry{{Run: r.Code, Seq: seq, Step: step}}, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	b.clock.Add(time.Second)
	for since, want := range map[time.Time]int{start.Add(-24 * time.Hour): 3, start: 3, start.Add(time.Millisecond): 0} {
		if n, err := b.Recent(t.Context(), flow, since); err != nil || n != want {
			t.Errorf("since %s: %d recent, %v; want %d (done, in doubt, without an answer)", since, n, err, want)
		}
	}
	if n, err := b.Recent(t.Context(), "other", start); err != nil || n != 0 {
		t.Errorf("another flow has %d recent, %v", n, err)
	}
}
