package storetest

import (
	"context"
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/store"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// Opener opens a record in a folder. Opening a folder again, also while it is
// open, gives the same record.
type Opener func(ctx context.Context, dir string, now func() time.Time) (*store.Store, error)

// Run runs the whole suite.
func Run(t *testing.T, open Opener) {
	t.Helper()
	for _, group := range []struct {
		name string
		test func(*testing.T, Opener)
	}{
		{"runs", testRuns},
		{"votes", testVotes},
		{"plans", testPlans},
		{"journal", testJournal},
		{"deeds", testDeeds},
		{"links", testLinks},
		{"leases", testLeases},
		{"events", testEvents},
		{"inbox", testInbox},
		{"snapshots", testSnapshots},
		{"outbox", testOutbox},
		{"settings", testSettings},
		{"rules", testRules},
		{"hints", testHints},
		{"shelf", testShelf},
		{"backlog", testBacklog},
		{"odd texts", testOdd},
		{"crash", testCrash},
	} {
		t.Run(group.name, func(t *testing.T) {
			t.Parallel()
			group.test(t, open)
		})
	}
}

// bench is one record with its clock.
type bench struct {
	*store.Store
	clock *Clock
	dir   string
	open  Opener
}

func setup(t *testing.T, open Opener) *bench {
	t.Helper()
	b := &bench{clock: NewClock(), dir: t.TempDir(), open: open}
	b.Store = b.another(t)
	return b
}

// another opens the same record once more, as a second process would.
func (b *bench) another(t *testing.T) *store.Store {
	t.Helper()
	s, err := b.open(t.Context(), b.dir, b.clock.Now)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

const flow = "hr-to-wecom"

// newRun stores a queued run.
func (b *bench) newRun(t *testing.T, request string) run.Run {
	t.Helper()
	code, err := run.NewCode(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	r, created, err := b.CreateRun(t.Context(), run.Run{
		Code: code, Flow: flow, State: run.Queued, Trigger: run.ByCommand, Apply: true,
		By: person("林晨"), RequestID: request, Created: b.clock.Now(),
	})
	if err != nil || !created {
		t.Fatalf("create run: %v, %v", created, err)
	}
	return r
}

// move brings a run through states.
func (b *bench) move(t *testing.T, code run.Code, states ...run.State) run.Run {
	t.Helper()
	var r run.Run
	for _, to := range states {
		var err error
		r, err = b.UpdateRun(t.Context(), code, run.Actor{}, func(r *run.Run) error { return r.Advance(to, b.clock.Now(), "") })
		if err != nil {
			t.Fatalf("move to %s: %v", to, err)
		}
	}
	return r
}

// lease takes the lease of the flow for a minute.
func (b *bench) lease(t *testing.T, owner string) run.Lease {
	t.Helper()
	l, ok, err := b.Acquire(t.Context(), flow, owner, time.Minute)
	if err != nil || !ok {
		t.Fatalf("acquire: %v, %v", ok, err)
	}
	return l
}

// planned gives a run whose plan of n changes is saved and which is in a state.
func (b *bench) planned(t *testing.T, lease run.Lease, n int, state run.State) run.Run {
	t.Helper()
	r := b.newRun(t, fmt.Sprintf("request-%s-%d", t.Name(), n))
	b.move(t, r.Code, run.Reading, run.Planning)
	r, err := b.SavePlan(t.Context(), lease, r.Code, samplePlan(n), func(r *run.Run) error {
		return r.Advance(state, b.clock.Now(), "")
	})
	if err != nil {
		t.Fatalf("save plan: %v", err)
	}
	return r
}

// samplePlan gives a plan of n changes: the odd ones disable, the even ones
// update.
func samplePlan(n int) *plan.Plan {
	p := &plan.Plan{Flow: flow, Config: "c0ffee", Source: plan.Side{System: "hr"}, Target: plan.Side{System: "wecom"}}
	for i := 1; i <= n; i++ {
		c := plan.Change{
			Seq: i, Op: plan.Update, Name: fmt.Sprintf("员工%d", i), Reason: "职务变更",
			Key:    directory.Key{Kind: directory.User, ID: directory.ID(fmt.Sprintf("w%d", i))},
			Source: directory.Key{Kind: directory.User, ID: directory.ID(fmt.Sprintf("h%d", i))},
			After:  directory.Attributes{directory.AttrTitle: directory.TextOf("工程师")},
		}
		if i%2 == 1 {
			c.Op, c.After = plan.Disable, nil
		}
		p.Changes = append(p.Changes, c)
	}
	return p
}

func person(name string) run.Actor {
	return run.Actor{Person: name, Platform: run.Feishu, Account: "ou_" + name, Channel: run.ByText}
}

// wantKind fails the test unless err is a fault of the kind.
func wantKind(t *testing.T, what string, err error, want fault.Kind) {
	t.Helper()
	if got := fault.KindOf(err); got != want {
		t.Errorf("%s: fault %q (%v), want %q", what, got, err, want)
	}
}
