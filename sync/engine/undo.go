package engine

import (
	"context"
	"fmt"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// undone gives the run that a request wants undone; its flow may be left out.
func (e *Engine) undone(ctx context.Context, req run.Request) (run.Run, error) {
	r, err := e.o.Store.Run(ctx, req.Undoes)
	if err == nil && req.Flow != "" && r.Flow != req.Flow {
		err = fault.New(fault.NotFound, "there is no run %s in flow %s / 流程 %[2]s 中没有运行 %[1]s", req.Undoes, req.Flow)
	}
	return r, err
}

// undoable tells whether there is anything to take back.
func (e *Engine) undoable(ctx context.Context, req run.Request) error {
	r, err := e.undone(ctx, req)
	if err != nil {
		return err
	}
	if !r.State.Ended() {
		return fault.New(fault.Conflict, "%s has not ended; cancel it first / %s 还没有结束，请先取消", r.Code, r.Code)
	}
	entries, err := e.o.Store.Entries(ctx, r.Code)
	if err != nil {
		return err
	}
	done, doubt, item := 0, 0, false
	for _, entry := range entries {
		switch entry.Step {
		case run.StepDone:
			done++
			item = item || entry.Seq == req.Item
		case run.StepInDoubt, run.StepSending:
			doubt++
		default:
		}
	}
	switch {
	case done+doubt == 0:
		return fault.New(fault.Conflict, "%s changed nothing / %s 没有改变任何内容", r.Code, r.Code)
	case req.Item != 0 && !item:
		return fault.New(fault.Invalid, "#%d of %s was not done, so there is nothing to take back / %[2]s 的第 %[1]d 项没有执行成功，无需撤销", req.Item, r.Code)
	}
	return nil
}

// prepareUndo reads the target, plans the inverse of a run, and moves the new run
// to where its plan leads. The source is not read, and no rule runs: what the
// last runs learned of the source stays as it is.
func (w *worker) prepareUndo(ctx context.Context, r run.Run) (run.Run, error) {
	target, err := w.readTarget(ctx, r.Code)
	if err != nil {
		return r, err
	}
	if r, err = w.move(ctx, r.Code, run.Planning, ""); err != nil {
		return r, err
	}
	p, err := w.planUndo(ctx, r, target)
	if err != nil {
		return r, err
	}
	return w.pass(ctx, r, p)
}

// planUndo makes the plan of an undo.
func (w *worker) planUndo(ctx context.Context, r run.Run, target *directory.Snapshot) (*plan.Plan, error) {
	name, info := w.flow.Plan.Name, w.flow.Target.Describe()
	undone, done, err := w.Get(ctx, r.Undoes)
	if err != nil {
		return nil, fmt.Errorf("load what is undone: %w", err)
	}
	switch {
	case done == nil || undone.Flow != name:
		return nil, fault.New(fault.Conflict, "%s changed nothing here / %s 在这里没有改变任何内容", r.Undoes, r.Undoes)
	case done.Target.Tenant != info.Tenant:
		return nil, fault.New(fault.Invalid, "%s changed another tenant than the target is now: it cannot be undone / %s 修改的租户不是现在的目标，无法撤销", r.Undoes, r.Undoes)
	}
	entries, err := w.o.Store.Entries(ctx, r.Undoes)
	if err != nil {
		return nil, fmt.Errorf("load journal: %w", err)
	}
	links, err := w.o.Store.Links(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("load links: %w", err)
	}
	source, _, err := w.o.Store.LastSnapshot(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("load last snapshot: %w", err)
	}
	recent, err := w.o.Store.Recent(ctx, name, w.o.Now().Add(-recentSpan))
	if err != nil {
		return nil, fmt.Errorf("count recent changes: %w", err)
	}
	return plan.Undo(plan.UndoInput{
		Input: plan.Input{
			Flow: w.flow.Plan, Config: w.flow.Config, Source: source, Target: target, TargetTenant: info.Tenant,
			Links: links, Abilities: abilities(info), Recent: recent, Staff: w.staff, Now: w.o.Now().In(w.flow.Zone),
		},
		Code: string(r.Undoes), Item: r.UndoItem, Voted: undone.Votes > 0, Plan: done, Deeds: deeds(entries),
		DeleteMeans: info.DeleteMeans.EN + " / " + info.DeleteMeans.ZH,
	}), nil
}

// deeds gives what a plan must know of a journal.
func deeds(entries []run.Entry) map[int]plan.Deed {
	out := make(map[int]plan.Deed, len(entries))
	for _, e := range entries {
		out[e.Seq] = plan.Deed{
			Key: e.Key, Done: e.Step == run.StepDone, At: e.At,
			InDoubt: e.Step == run.StepInDoubt || e.Step == run.StepSending,
		}
	}
	return out
}

// ours tells whether the change's object is still linked as the change says.
func (a *applier) ours(c *plan.Change) bool {
	l := a.links[c.Source]
	return l != nil && l.Live() && l.Target == c.Key
}
