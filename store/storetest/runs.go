package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

func testRuns(t *testing.T, open Opener) {
	t.Run("a request counts once", func(t *testing.T) {
		t.Parallel()
		testRequestOnce(t, setup(t, open))
	})
	t.Run("moves", func(t *testing.T) {
		t.Parallel()
		testMoves(t, setup(t, open))
	})
	t.Run("no update is lost", func(t *testing.T) {
		t.Parallel()
		testNoLostUpdate(t, setup(t, open))
	})
	t.Run("filter", func(t *testing.T) {
		t.Parallel()
		testFilter(t, setup(t, open))
	})
	t.Run("due", func(t *testing.T) {
		t.Parallel()
		testDue(t, setup(t, open))
	})
}

func testRequestOnce(t *testing.T, b *bench) {
	first := b.newRun(t, "feishu:om_1")
	if first.Version != 1 || first.Created.IsZero() {
		t.Errorf("a new run has version %d, birth %s", first.Version, first.Created)
	}
	again := first
	again.Code, again.Version = "000008", 0
	got, created, err := b.CreateRun(t.Context(), again)
	if err != nil || created || got != first {
		t.Errorf("the same request gives %+v, %v, %v; want the first run", got, created, err)
	}
	other := first
	other.RequestID = "feishu:om_2"
	_, _, err = b.CreateRun(t.Context(), other)
	wantKind(t, "a code that is taken", err, fault.Conflict)
	for name, change := range map[string]func(*run.Run){
		"no request": func(r *run.Run) { r.RequestID = "" },
		"no code":    func(r *run.Run) { r.Code = "" },
		"applying":   func(r *run.Run) { r.State = run.Applying },
	} {
		bad := again
		bad.RequestID = "feishu:om_3"
		change(&bad)
		_, _, err := b.CreateRun(t.Context(), bad)
		wantKind(t, name, err, fault.Invalid)
	}
	if all, err := b.Runs(t.Context(), run.Filter{}); err != nil || len(all) != 1 {
		t.Errorf("%d runs, %v; want the one", len(all), err)
	}
}

func testMoves(t *testing.T, b *bench) {
	r := b.newRun(t, "m")
	b.clock.Add(time.Second)
	r = b.move(t, r.Code, run.Reading)
	if r.State != run.Reading || r.Version != 2 || !r.Updated.Equal(b.clock.Now()) {
		t.Errorf("after one move: %s, version %d, updated %s", r.State, r.Version, r.Updated)
	}
	bad := func(what string, want fault.Kind, fn func(*run.Run) error) {
		t.Helper()
		_, err := b.UpdateRun(t.Context(), r.Code, person("周凯"), fn)
		wantKind(t, what, err, want)
	}
	bad("a jump", fault.Conflict, func(r *run.Run) error { r.State = run.Applying; return nil })
	bad("another flow", fault.Internal, func(r *run.Run) error { r.Flow = "x"; return nil })
	bad("another version", fault.Internal, func(r *run.Run) error { r.Version++; return nil })
	bad("the caller's fault", fault.Denied, func(*run.Run) error { return fault.New(fault.Denied, "no / 不行") })
	mine := errors.New("mine")
	if _, err := b.UpdateRun(t.Context(), r.Code, run.Actor{}, func(r *run.Run) error { r.Notes = 9; return mine }); !errors.Is(err, mine) {
		t.Errorf("the caller's error comes back as %v", err)
	}
	_, err := b.UpdateRun(t.Context(), "000008", run.Actor{}, func(*run.Run) error { return nil })
	wantKind(t, "no such run", err, fault.NotFound)
	if got, err := b.Run(t.Context(), r.Code); err != nil || got != r {
		t.Errorf("refused changes left %+v, %v", got, err)
	}
	if same, err := b.UpdateRun(t.Context(), r.Code, run.Actor{}, func(*run.Run) error { return nil }); err != nil || same.Version != r.Version {
		t.Errorf("no change gives version %d, %v", same.Version, err)
	}
	if _, err := b.UpdateRun(t.Context(), r.Code, person("周凯"), func(r *run.Run) error { r.Stop, r.Reason = true, "停"; return nil }); err != nil {
		t.Fatal(err)
	}
	checkTrail(t, b, r.Code, []string{
		"林晨 run.created " + flow, " run.moved queued→reading", "周凯 run.changed reason stop",
	}, []string{"moved →queued", "moved queued→reading"})
}

// checkTrail compares a run's audit ("who action detail") and the record's
// events ("kind say").
func checkTrail(t *testing.T, b *bench, code run.Code, audit, events []string) {
	t.Helper()
	trail, err := b.AuditTrail(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range trail {
		got = append(got, strings.Join([]string{a.Who.Person, a.Action, a.Detail}, " "))
	}
	if !slices.Equal(got, audit) {
		t.Errorf("audit %q, want %q", got, audit)
	}
	told, err := b.Events(t.Context(), "checker", 1000)
	if err != nil {
		t.Fatal(err)
	}
	got = nil
	for _, e := range told {
		if e.Run == code {
			got = append(got, string(e.Kind)+" "+e.Say)
		}
	}
	if !slices.Equal(got, events) {
		t.Errorf("events %q, want %q", got, events)
	}
}

func testNoLostUpdate(t *testing.T, b *bench) {
	r := b.newRun(t, "l")
	second := b.another(t)
	update := []func(context.Context, run.Code, run.Actor, func(*run.Run) error) (run.Run, error){b.UpdateRun, second.UpdateRun}
	const times = 40
	var group sync.WaitGroup
	for i := range times {
		group.Go(func() {
			if _, err := update[i%2](t.Context(), r.Code, run.Actor{}, func(r *run.Run) error { r.Notes++; return nil }); err != nil {
				t.Errorf("update: %v", err)
			}
		})
	}
	group.Wait()
	got, err := b.Run(t.Context(), r.Code)
	if err != nil || got.Notes != times || got.Version != times+1 {
		t.Errorf("%d of %d updates are there, version %d, %v", got.Notes, times, got.Version, err)
	}
}

func testFilter(t *testing.T, b *bench) {
	start := b.clock.Now()
	var codes []run.Code
	for i := range 4 {
		b.clock.Add(time.Minute)
		codes = append(codes, b.newRun(t, fmt.Sprint("f", i)).Code)
	}
	b.move(t, codes[1], run.Reading)
	b.clock.Add(-10 * time.Minute)
	few, _, err := b.CreateRun(t.Context(), run.Run{
		Code: "00000F", RequestID: "few", Flow: "few", State: run.Queued, Reason: `about "objects":"user:1"`, Objects: "user:1\nuser:2",
	})
	if err != nil {
		t.Fatal(err)
	}
	whole, _, err := b.CreateRun(t.Context(), run.Run{
		Code: "00000G", RequestID: "all", Flow: "few", State: run.Queued, Reason: `about "objects":"user:1"`,
	})
	if err != nil {
		t.Fatal(err)
	}
	codes = append(codes, few.Code, whole.Code)
	b.clock.Add(10 * time.Minute)
	for name, c := range map[string]struct {
		filter run.Filter
		want   []int
	}{
		"all, newest first": {run.Filter{Flow: flow}, []int{3, 2, 1, 0}},
		"limit":             {run.Filter{Limit: 2}, []int{3, 2}},
		"since":             {run.Filter{Since: start.Add(3 * time.Minute)}, []int{3, 2}},
		"state":             {run.Filter{States: []run.State{run.Reading, run.Failed}}, []int{1}},
		"queued of a flow":  {run.Filter{Flow: flow, States: []run.State{run.Queued}, Limit: 9}, []int{3, 2, 0}},
		"another flow":      {run.Filter{Flow: "x"}, nil},
		"about anything":    {run.Filter{Flow: "few"}, []int{5, 4}},
		"about everything":  {run.Filter{Flow: "few", Whole: true}, []int{5}},
	} {
		all, err := b.Runs(t.Context(), c.filter)
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for _, r := range all {
			got = append(got, slices.Index(codes, r.Code))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: runs %v, want %v", name, got, c.want)
		}
	}
}

func testDue(t *testing.T, b *bench) {
	due := func(what string, want ...run.Code) {
		t.Helper()
		all, err := b.Due(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got []run.Code
		for _, r := range all {
			got = append(got, r.Code)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: due %v, want %v", what, got, want)
		}
	}
	lease := b.lease(t, "w1")
	waiting := b.planned(t, lease, 1, run.Awaiting)
	if _, err := b.UpdateRun(t.Context(), waiting.Code, run.Actor{}, func(r *run.Run) error {
		r.Expires = b.clock.Now().Add(10 * time.Minute)
		r.Wake = r.Expires
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	b.clock.Add(time.Second)
	queued := b.newRun(t, "d")
	due("held")
	b.clock.Add(time.Minute)
	due("the lease has ended", queued.Code)
	b.lease(t, "w2")
	due("held by another")
	b.clock.Add(10 * time.Minute)
	due("the approval has expired", waiting.Code, queued.Code)
	b.move(t, waiting.Code, run.Expired)
	b.move(t, queued.Code, run.Cancelled)
	due("all ended")
}
