package storetest

import (
	"slices"
	"testing"

	"github.com/rollcallhq/rollcall/store"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// testRefusing lets the audit refuse rows: nothing else is written either.
func testRefusing(t *testing.T, v *vault) {
	b := &bench{Store: v.with(t, store.Options{}), clock: v.clock, dir: v.dir}
	lease := b.lease(t, "w1")
	r := b.planned(t, lease, 4, run.Applying) // 1 and 3 disable
	do(t, v.raw(t), `ALTER TABLE audit RENAME TO audit_away`)
	refused := func(what string, err error) {
		t.Helper()
		if err == nil {
			t.Errorf("%s happened without its row", what)
		}
	}
	mark := func(seq int, step run.Step) error {
		return b.Mark(t.Context(), lease, []run.Entry{{Run: r.Code, Seq: seq, Step: step}}, nil)
	}
	refused("a disable", mark(1, run.StepSending))
	refused("a disable after a harmless one", b.Mark(t.Context(), lease,
		[]run.Entry{{Run: r.Code, Seq: 2, Step: run.StepSending}, {Run: r.Code, Seq: 3, Step: run.StepSending}}, nil))
	_, err := b.UpdateRun(t.Context(), r.Code, run.Actor{}, func(r *run.Run) error { return r.Advance(run.Succeeded, b.clock.Now(), "") })
	refused("a move", err)
	refused("a setting", b.Set(t.Context(), run.Setting{Kind: "pause", Name: "f", Value: []byte(`1`)}))
	_, _, err = b.CreateRun(t.Context(), run.Run{Code: "000008", Flow: flow, State: run.Queued, RequestID: "x"})
	refused("a run", err)
	entries, err := b.Entries(t.Context(), r.Code)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Step != run.StepPending {
			t.Errorf("change %d is %s", e.Seq, e.Step)
		}
	}
	if got, err := b.Run(t.Context(), r.Code); err != nil || got.State != run.Applying {
		t.Errorf("reading: %s, %v", got.State, err)
	}
	wantKind(t, "the run that was refused", func() error { _, err := b.Run(t.Context(), "000008"); return err }(), fault.NotFound)
	do(t, v.raw(t), `ALTER TABLE audit_away RENAME TO audit`)
	if err := mark(1, run.StepSending); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func testDeletionsAreTold(t *testing.T, v *vault) {
	b := &bench{Store: v.with(t, store.Options{}), clock: v.clock, dir: v.dir}
	lease := b.lease(t, "w1")
	r := b.planned(t, lease, 6, run.Applying) // the odd ones disable
	if p := samplePlan(1); p.Changes[0].Op != plan.Disable {
		t.Fatal("the plan is another one")
	}
	for _, e := range []run.Entry{
		{Seq: 1, Step: run.StepSending},
		{Seq: 2, Step: run.StepSending},
		{Seq: 1, Step: run.StepSending},
		{Seq: 1, Step: run.StepDone},
		{Seq: 1, Step: run.StepDone},
		{Seq: 2, Step: run.StepDone},
		{Seq: 3, Step: run.StepSkipped},
		{Seq: 5, Step: run.StepSending},
		{Seq: 5, Step: run.StepInDoubt},
		{Seq: 5, Step: run.StepDone},
	} {
		e.Run = r.Code
		if err := b.Mark(t.Context(), lease, []run.Entry{e}, nil); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := b.AuditRows(t.Context(), store.AuditFilter{Run: r.Code})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range rows {
		if row.Action != "run.moved" && row.Action != "run.created" && row.Action != "run.changed" {
			got = append(got, row.Action+" "+row.Detail)
		}
	}
	wanted := []string{
		"change.sending #1 DISABLE user w1", "change.sending #1 DISABLE user w1", "change.done #1 DISABLE user w1",
		"change.sending #5 DISABLE user w5", "change.in_doubt #5 DISABLE user w5", "change.done #5 DISABLE user w5",
	}
	if !slices.Equal(got, wanted) {
		t.Errorf("told %q, want %q", got, wanted)
	}
}
