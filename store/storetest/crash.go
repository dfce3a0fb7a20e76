package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// testCrash leaves a record in the middle of its work without closing it, and
// looks at it through a second one: whatever was confirmed is there, and the
// dead worker's flow is taken over when its lease ends.
func testCrash(t *testing.T, open Opener) {
	b := setup(t, open)
	b.claim(t, "feishu:om_1", []byte("同步"))
	lease := b.lease(t, "w1")
	r := b.planned(t, lease, 4, run.Applying)
	if err := b.Mark(t.Context(), lease, []run.Entry{{Run: r.Code, Seq: 1, Step: run.StepSending}}, nil); err != nil {
		t.Fatal(err)
	}
	panicked(t, func() {
		_, _ = b.UpdateRun(t.Context(), r.Code, run.Actor{}, func(r *run.Run) error {
			r.Notes = 99
			panic("in the middle")
		})
	})

	after := &bench{Store: b.another(t), clock: b.clock}
	if got, err := after.Run(t.Context(), r.Code); err != nil || got != r {
		t.Errorf("the run is %+v, %v; want %+v", got, err, r)
	}
	if entries, err := after.Entries(t.Context(), r.Code); err != nil || entries[0].Step != run.StepSending || entries[1].Step != run.StepPending {
		t.Errorf("entries %+v, %v", entries, err)
	}
	if got := after.unhandled(t); !slices.Equal(got, []string{"feishu:om_1"}) {
		t.Errorf("unhandled %v", got)
	}
	if _, ok, err := after.Acquire(t.Context(), flow, "w2", time.Minute); ok || err != nil {
		t.Errorf("the dead worker's lease was taken early: %v, %v", ok, err)
	}
	b.clock.Add(time.Minute)
	if due, err := after.Due(t.Context()); err != nil || len(due) != 1 || due[0].Code != r.Code {
		t.Errorf("due %v, %v", due, err)
	}
	heir := after.lease(t, "w2")
	if heir.Fence != lease.Fence+1 {
		t.Errorf("fence %d after %d", heir.Fence, lease.Fence)
	}
	done := []run.Entry{{Run: r.Code, Seq: 1, Step: run.StepDone}}
	wantKind(t, "the dead worker wakes up", b.Mark(t.Context(), lease, done, nil), fault.Stale)
	if err := after.Mark(t.Context(), heir, done, nil); err != nil {
		t.Errorf("the heir settles: %v", err)
	}
	if err := after.Handled(t.Context(), "feishu:om_1", []run.Letter{{ID: "1"}}); err != nil {
		t.Errorf("the heir answers: %v", err)
	}
}

func panicked(t *testing.T, fn func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Error("the panic was swallowed")
		}
	}()
	fn()
}
