package engine

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// applier carries out one approved plan, change by change.
type applier struct {
	*worker
	run     run.Run
	plan    *plan.Plan
	entries map[int]run.Entry               // journal, by Seq
	links   map[directory.Key]*mapping.Link // by source key
	safe    map[int]bool                    // nil: everything is approved; else only these may be done now
	agreed  tally                           // the votes that let it begin
	halt    string                          // why nothing may be sent any more; "" = it may
	begun   time.Time                       // when this worker took over
	foreign map[int]bool                    // by Seq: calls that another worker made, not settled yet
	vacancy *vacancy                        // of the target's departments; nil: not looked at yet
	shown   map[directory.Key]showing       // objects of the source beside those judged, as they were seen last
	told    time.Time                       // of the last progress event
	unread  int                             // changes in a row that could not be checked
	worn    int                             // changes in a row that the target did not do, however often it was asked
}

// apply carries out the run's plan, or its harmless part while votes are
// missing, and moves the run to its end.
func (w *worker) apply(ctx context.Context, r run.Run) error {
	a, err := w.newApplier(ctx, r)
	if err != nil {
		return err
	}
	if err := a.permitted(ctx); err != nil {
		return a.refuse(ctx, err)
	}
	for i := range a.plan.Changes {
		c := &a.plan.Changes[i]
		step := a.entries[c.Seq].Step
		if step.Settled() || step != run.StepSending && !a.allowed(c) {
			continue
		}
		held, err := a.stopped(ctx)
		switch {
		case err != nil:
			return err
		case step == run.StepSending: // what was sent is settled first
		case held == brakeCancel:
			return a.end(ctx, run.Cancelled, "")
		case held == brakePause:
			return a.rest(ctx)
		}
		switch err := a.one(ctx, c); {
		case errors.Is(err, errPaused):
			return a.rest(ctx)
		case err != nil:
			return a.broken(ctx, err)
		}
		if astray := a.astray(c); astray != "" {
			return a.abandon(ctx, astray)
		}
		a.progress(ctx)
	}
	return a.finish(ctx)
}

// newApplier loads what is applied.
func (w *worker) newApplier(ctx context.Context, r run.Run) (*applier, error) {
	p, err := w.o.Store.Plan(ctx, r.Code)
	if err != nil {
		return nil, err
	}
	now := w.o.Now()
	a := &applier{
		worker: w, run: r, plan: p, begun: now, told: now,
		entries: map[int]run.Entry{}, links: map[directory.Key]*mapping.Link{}, foreign: map[int]bool{}, shown: map[directory.Key]showing{},
	}
	entries, err := w.o.Store.Entries(ctx, r.Code)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		a.entries[e.Seq] = e
		a.foreign[e.Seq] = e.Step == run.StepSending
	}
	links, err := w.o.Store.Links(ctx, r.Flow)
	if err != nil {
		return nil, err
	}
	for i := range links {
		a.links[links[i].Source] = &links[i]
	}
	return a, nil
}

// one brings one change to a final step. An error means that the run cannot go
// on; what is wrong with this change alone is in its journal entry.
func (a *applier) one(ctx context.Context, c *plan.Change) error {
	if a.safe == nil && a.entries[c.Seq].Step == run.StepPending && !a.agreed.covers(c.Seq) {
		return a.mark(ctx, c, run.StepSkipped, a.agreed.holders(c.Seq))
	}
	if seq := a.missing(c); seq > 0 {
		return a.mark(ctx, c, run.StepSkipped, sayf("needs #%d, which was not done / 依赖的第 %d 项没有完成", seq, seq))
	}
	switch {
	case c.Op == plan.Adopt:
		return a.adopt(ctx, c)
	case a.entries[c.Seq].Step == run.StepSending:
		return a.settle(ctx, c)
	default:
		return a.attempt(ctx, c)
	}
}

// missing gives a needed change that was not done, or 0.
func (a *applier) missing(c *plan.Change) int {
	for _, seq := range c.Needs {
		if s := a.entries[seq].Step; s != run.StepDone && s != run.StepAlready {
			return seq
		}
	}
	return 0
}

// adopt makes a target object ours, if it is still what was voted on.
func (a *applier) adopt(ctx context.Context, c *plan.Change) error {
	if l := a.links[c.Source]; l != nil && l.Live() && l.Target != c.Key {
		return a.mark(ctx, c, run.StepSkipped, sayf("linked to %s meanwhile / 其间已关联到 %s", l.Target.ID, l.Target.ID))
	}
	found, err := a.look(ctx, c)
	switch {
	case err != nil:
		return a.lookFailed(ctx, c, err)
	case found.gone, found.unsure != "", !found.equals(c.Before):
		return a.mark(ctx, c, run.StepSkipped, "the account changed since the plan / 账号在计划之后有变化")
	}
	return a.mark(ctx, c, run.StepDone, "")
}

// mark writes a change's step, with the link that follows from it.
func (a *applier) mark(ctx context.Context, c *plan.Change, step run.Step, say string) error {
	e := a.entries[c.Seq]
	e.Run, e.Seq, e.Step, e.Say, e.At, e.Source = a.run.Code, c.Seq, step, say, a.o.Now(), c.Source
	if e.Key.ID == "" {
		e.Key = a.targetKey(c)
	}
	if step == run.StepSending {
		e.Sent = e.At
		e.Sends++
	}
	var links []mapping.Link
	if step == run.StepDone || step == run.StepAlready && c.Op != plan.Create {
		if l, ok := a.linkAfter(c, e); ok {
			a.remember(ctx, c, &l)
			links = append(links, l)
			links = append(links, a.relieved(c, e)...)
		}
	}
	err := a.o.Store.Mark(ctx, a.hold.now(), []run.Entry{e}, links)
	if len(links) > 0 && fault.KindOf(err) == fault.Conflict {
		// Somebody else's account by now: this change alone has failed.
		e.Step, e.Say, links = run.StepFailed, fault.Say(err), nil
		err = a.o.Store.Mark(ctx, a.hold.now(), []run.Entry{e}, nil)
	}
	if err != nil {
		return err
	}
	a.entries[c.Seq] = e
	delete(a.foreign, c.Seq)
	for i := range links {
		a.links[links[i].Source] = &links[i]
	}
	return nil
}

// targetKey gives the key of the change's target object as far as it is known:
// that of the plan, else that of the link that a CREATE of this plan made.
func (a *applier) targetKey(c *plan.Change) directory.Key {
	if c.Key.ID != "" {
		return c.Key
	}
	if e, ok := a.entries[c.Seq]; ok && e.Key.ID != "" {
		return e.Key
	}
	if l := a.links[c.Source]; l != nil && l.Live() && c.Op != plan.Create {
		return l.Target
	}
	return c.Key
}

// linkAfter gives the link as it is once the change is done. Its times are those
// of the journal's entry: an undo knows by them whether it is still this change
// that holds.
func (a *applier) linkAfter(c *plan.Change, e run.Entry) (mapping.Link, bool) {
	now := e.At
	l := mapping.Link{Flow: a.run.Flow, Source: c.Source, Target: e.Key, Since: now}
	if old := a.links[c.Source]; old != nil && c.Op != plan.Create && c.Op != plan.Adopt {
		l = *old
	}
	switch c.Op {
	case plan.Create:
		l.Origin, l.Written = mapping.Created, a.resolved(c)
	case plan.Adopt:
		l.Origin = mapping.Adopted
	case plan.Update:
		l.Written = merged(l.Written, a.resolved(c))
		if active, ok := c.After[directory.AttrActive].Bool(); ok && active {
			l.DisabledAt, l.LeftRuns = time.Time{}, 0
			if c.Cause.Kind != plan.CauseUndo { // an undo brings nobody back into the source
				l.Seen = nil
			}
		}
	case plan.Disable:
		l.DisabledAt = now
	case plan.Delete:
		l.DeletedAt = now
	case plan.None:
		return l, false
	}
	return l, l.Origin != "" // an object that is not ours gets no link
}

func merged(old, more directory.Attributes) directory.Attributes {
	out := make(directory.Attributes, len(old)+len(more))
	maps.Copy(out, old)
	for name, v := range more {
		if name != directory.AttrActive {
			out[name] = v
		}
	}
	return out
}

// progress tells the bot now and then how far the run is.
func (a *applier) progress(ctx context.Context) {
	now := a.o.Now()
	if now.Sub(a.told) < progressEvery {
		return
	}
	a.told = now
	o := a.outcome()
	_, err := a.o.Store.UpdateRun(ctx, a.run.Code, run.Actor{}, func(r *run.Run) error {
		r.Outcome, r.Updated = o, now
		return nil
	})
	if err == nil {
		err = a.o.Store.Append(ctx, run.Event{Run: a.run.Code, Kind: run.EventProgress, At: now}, run.Audit{})
	}
	if err != nil && ctx.Err() == nil {
		a.o.Logger.WarnContext(ctx, "progress is not told", "run", a.run.Code, "err", err)
	}
}

// progressEvery is how often an edited card is worth a call.
const progressEvery = 3 * time.Second

// outcome counts from the journal, never from a variable of its own.
func (a *applier) outcome() run.Outcome {
	var o run.Outcome
	for _, e := range a.entries {
		o.Count(e.Step)
	}
	return o
}

// finish moves the run on when every change that may be done now is settled.
func (a *applier) finish(ctx context.Context) error {
	if a.safe == nil || a.outcome().Total() == len(a.plan.Changes) {
		return a.end(ctx, a.ending(), "")
	}
	if a.run.Objects != "" {
		return a.leaveToNext(ctx)
	}
	open, err := a.waiting(ctx, a.run)
	if err != nil {
		return err
	}
	if twin := a.twin(ctx, open, a.run, a.plan); twin != "" {
		return a.leaveTo(ctx, twin)
	}
	now, err := a.time(ctx)
	if err != nil {
		return err
	}
	o := a.outcome()
	_, err = a.o.Store.UpdateRun(ctx, a.run.Code, run.Actor{}, func(r *run.Run) error {
		r.Outcome = o
		r.Expires = now.Add(a.flow.Plan.Approve.Expires)
		r.NotBefore = time.Time{} // what let it begin does not count any more
		r.Wake = a.wakeAfter(*r, now)
		if a.agreed.enough() { // all votes are there, it only began too early by our clock: nobody could vote again
			r.NotBefore = now.Add(coolOff)
			r.Wake = r.NotBefore
		}
		if r.Stop {
			return r.Advance(run.Cancelled, now, "")
		}
		return r.Advance(run.Awaiting, now, "")
	})
	return err
}

// leaveTo skips what another open run waits for already.
func (a *applier) leaveTo(ctx context.Context, twin run.Code) error {
	for i := range a.plan.Changes {
		c := &a.plan.Changes[i]
		if a.entries[c.Seq].Step.Settled() {
			continue
		}
		if err := a.mark(ctx, c, run.StepSkipped, sayf("waits for a vote in %s / 正在 %s 中等待投票", twin, twin)); err != nil {
			return err
		}
	}
	return a.end(ctx, a.ending(), sayf("the same changes wait for a vote in %s / 同样的变更正在 %s 中等待投票", twin, twin))
}

// leaveToNext skips what needs a vote: the next full run asks for it.
func (a *applier) leaveToNext(ctx context.Context) error {
	end := a.ending()
	for i := range a.plan.Changes {
		c := &a.plan.Changes[i]
		if a.entries[c.Seq].Step.Settled() {
			continue
		}
		if err := a.mark(ctx, c, run.StepSkipped, sayNextFull); err != nil {
			return err
		}
	}
	return a.end(ctx, end, sayNextFull)
}

// sayNextFull is why a run by event leaves a change.
const sayNextFull = "needs a vote: left to the next full run / 需要投票：留给下一次完整同步"

func (a *applier) ending() run.State {
	o := a.outcome()
	if o.Skipped+o.Failed+o.InDoubt > 0 {
		return run.Partial
	}
	return run.Succeeded
}

// broken ends the run when it cannot go on. When the lease or the process goes,
// the record stays as it is and somebody else goes on.
func (a *applier) broken(ctx context.Context, err error) error {
	worn, busy := errors.AsType[wornOutError](err)
	if ctx.Err() != nil || !busy && fault.KindOf(err) != fault.Credential {
		return err
	}
	if busy {
		err = worn.cause
	}
	o := a.outcome()
	return a.fail(ctx, a.run.Code, err, &o)
}

// wornOutError means that the target was too busy for several changes in a row,
// however often they were sent, or only said that it did them: the others would
// fare no better.
type wornOutError struct{ cause error }

func (w wornOutError) Error() string { return "target does nothing: " + w.cause.Error() }

func (a *applier) end(ctx context.Context, to run.State, why string) error {
	now, o := a.o.Now(), a.outcome()
	_, err := a.o.Store.UpdateRun(ctx, a.run.Code, run.Actor{}, func(r *run.Run) error {
		r.Outcome = o
		return r.Advance(to, now, why)
	})
	return err
}
