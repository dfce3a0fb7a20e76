package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// gate decides where a finished plan leads.
type gate struct {
	*worker
	plan    *plan.Plan
	digest  directory.Digest // of the plan: pass runs inside a write, and a big plan takes its time
	now     time.Time
	changed bool     // the configuration differs from the last applied run's
	waits   bool     // everything in the plan waits for the votes
	twin    run.Code // an open run that waits for the same changes
}

// pass sets the plan's facts on the run and moves it.
func (g *gate) pass(r *run.Run) error {
	p := g.plan
	r.Plan, r.Counts, r.Tier, r.Notes, r.Config = g.digest, p.Counts(), p.Risk.Tier, len(p.Notes), p.Config
	r.Votes = g.votes(r)
	switch {
	case len(p.Changes) == 0 && !p.Risk.Blocked:
		return r.Advance(run.NothingToDo, g.now, "")
	case broken(p): // there is no plan to look at
		return r.Advance(run.Blocked, g.now, "")
	case !r.Apply:
		return r.Advance(run.Planned, g.now, "")
	case p.Risk.Blocked:
		return r.Advance(run.Blocked, g.now, "")
	case r.Votes == 0:
		g.twin = "" // all of it is done now, so nobody needs to vote elsewhere
		return r.Advance(run.Applying, g.now, "")
	case g.twin != "":
		return r.Advance(run.Applying, g.now, "")
	case r.Objects != "" && len(g.free(p, g.waits)) > 0:
		return r.Advance(run.Applying, g.now, "")
	case r.Objects != "":
		return r.Advance(run.Planned, g.now, sayNextFull)
	}
	r.Expires = g.now.Add(g.flow.Plan.Approve.Expires)
	r.Wake = g.wakeAfter(*r, g.now)
	if g.flow.Plan.Approve.SafeFirst && len(g.free(p, g.waits)) > 0 {
		return r.Advance(run.Applying, g.now, "")
	}
	return r.Advance(run.Awaiting, g.now, "")
}

// votes gives how many persons must agree: what the tier asks for; one at least
// when the request came by a weak transport, or when events may change nothing
// now; one more when nobody known asked and the configuration is not the one that
// was last applied.
func (g *gate) votes(r *run.Run) int {
	votes := g.plan.Risk.Votes
	if r.Trigger.Unasked() && g.changed {
		votes++
	}
	if r.Weak || r.Objects != "" && g.waits {
		votes = max(votes, 1)
	}
	return votes
}

// waits tells whether nothing of the plan may go ahead of the votes: because the
// request came by a weak transport, because the configuration has changed and
// nobody known asked, because the updates themselves exceed a guard value, or
// because those of the last full run did and this is a run by event.
func (w *worker) waits(ctx context.Context, r run.Run, p *plan.Plan) bool {
	storm := slices.ContainsFunc(p.Risk.Reasons, func(f plan.Finding) bool {
		return f.Code == plan.FindChangePercent || f.Code == plan.FindBlanked
	})
	return storm || r.Weak || r.Trigger.Unasked() && w.changedSinceApply(ctx) || r.Objects != "" && w.heldByGuard(ctx)
}

// heldByGuard tells whether a guard that sees everything has stopped the last full run
// that was to be applied, and nobody let it go: then what it would have changed must
// not get through object by object.
func (w *worker) heldByGuard(ctx context.Context) bool {
	last, err := w.o.Store.Runs(ctx, run.Filter{Flow: w.flow.Plan.Name, Whole: true, States: []run.State{
		run.Awaiting, run.Blocked, run.Rejected, run.Expired, run.Cancelled, run.Succeeded, run.Partial, run.NothingToDo,
	}})
	if err != nil {
		return true
	}
	i := slices.IndexFunc(last, func(r run.Run) bool { return r.Apply && r.Undoes == "" && !r.Plan.IsZero() })
	if i < 0 {
		return false
	}
	switch last[i].State {
	case run.Succeeded, run.Partial, run.NothingToDo:
		return false
	default:
	}
	p, err := w.o.Store.Plan(ctx, last[i].Code)
	return err != nil || doubted(p) || slices.ContainsFunc(p.Risk.Reasons, func(f plan.Finding) bool {
		return f.Code == plan.FindChangePercent || f.Code == plan.FindBlanked || f.Code == plan.FindRuleErrors || f.Code == plan.FindRuleBroken
	})
}

// free gives the changes that may go ahead of the votes, by Seq; waits: none.
func (w *worker) free(p *plan.Plan, waits bool) map[int]bool {
	if waits {
		return map[int]bool{}
	}
	return w.harmless(p)
}

// harmless gives the changes that need not wait, by Seq.
func (w *worker) harmless(p *plan.Plan) map[int]bool {
	login := abilities(w.flow.Target.Describe()).LoginIDs
	out := map[int]bool{}
	for i := range p.Changes {
		c := &p.Changes[i]
		safe := c.SafeAlone(login) || c.Op == plan.Adopt && w.flow.Plan.AdoptAtOnce
		for _, seq := range c.Needs {
			safe = safe && out[seq]
		}
		if safe {
			out[c.Seq] = true
		}
	}
	return out
}

// changedSinceApply tells whether the flow's configuration differs from that of
// the last run that applied something.
func (w *worker) changedSinceApply(ctx context.Context) bool {
	last, ok, err := w.lastApplied(ctx, w.flow.Plan.Name)
	return err != nil || !ok || last.Config != w.flow.Config
}

// lastApplied gives the last run of a flow that applied something, or false. An undo
// asks neither mapping nor rules, so it says nothing about them.
func (e *Engine) lastApplied(ctx context.Context, flow string) (run.Run, bool, error) {
	all, err := e.o.Store.Runs(ctx, run.Filter{Flow: flow, States: []run.State{run.Succeeded, run.Partial}})
	if err != nil {
		return run.Run{}, false, fmt.Errorf("load applied runs: %w", err)
	}
	i := slices.IndexFunc(all, func(r run.Run) bool { return r.Undoes == "" })
	if i < 0 {
		return run.Run{}, false, nil
	}
	return all[i], true, nil
}

// waiting gives the runs of the flow that are open for votes, or were approved
// while this one was planned and have not been applied yet.
func (w *worker) waiting(ctx context.Context, r run.Run) ([]run.Run, error) {
	if !r.Apply || r.Objects != "" { // what a few objects need takes no other run's place
		return nil, nil
	}
	return w.o.Store.Runs(ctx, run.Filter{Flow: w.flow.Plan.Name, States: []run.State{run.Awaiting, run.Applying}})
}

// twin gives an open run to which r can leave what its plan may not do yet: the
// same changes need a vote in both, and the open one has everything that r would
// leave to it. It stays open. One of another configuration is no twin: it would
// not be applied any more. An undo has no twin and is none: it was asked for by
// itself, and answers to itself.
func (w *worker) twin(ctx context.Context, open []run.Run, r run.Run, p *plan.Plan) run.Code {
	mine, left := held(p, w.harmless(p)), held(p, w.free(p, w.waits(ctx, r, p)))
	if len(left) == 0 || p.Risk.Blocked || r.Undoes != "" {
		return ""
	}
	now, err := w.time(ctx)
	if err != nil {
		now = w.o.Now() // as good as can be told
	}
	for i := range open {
		o := &open[i]
		if o.Code == r.Code || o.Undoes != "" || lapsed(o, now) {
			continue
		}
		theirs, err := w.o.Store.Plan(ctx, o.Code)
		if err != nil || theirs.Config != p.Config || theirs.Target.Tenant != p.Target.Tenant {
			continue
		}
		if slices.Equal(mine, held(theirs, w.harmless(theirs))) && within(left, held(theirs, nil)) {
			return o.Code
		}
	}
	return ""
}

// held gives the changes that are not free, each in a form in which equal ones
// are equal texts: operation, key, before and after, and what it rests on: a change of
// which that is not so any more would not be made, so that nobody is asked to vote on it.
func held(p *plan.Plan, free map[int]bool) []string {
	type change struct {
		Op            plan.Op
		Key, Source   string
		Before, After any
		Cause         plan.Cause
	}
	var list []string
	for i := range p.Changes {
		c := &p.Changes[i]
		if free[c.Seq] {
			continue
		}
		b, err := json.Marshal(change{c.Op, c.Key.String(), c.Source.String(), c.Before, c.After, c.Cause})
		if err != nil {
			b = []byte(err.Error()) // equal to nothing: the older run is superseded
		}
		list = append(list, string(b))
	}
	return list
}

// within tells whether all of the one list are in the other.
func within(some, all []string) bool {
	in := make(map[string]bool, len(all))
	for _, s := range all {
		in[s] = true
	}
	return !slices.ContainsFunc(some, func(s string) bool { return !in[s] })
}

// believed gives how many users the last source had that nobody doubts: those of
// the last good snapshot, or fewer when people have since let a run go, and all of
// it, whose source had shrunk. Otherwise every later run would be one of tier 3.
func (w *worker) believed(ctx context.Context, users int) (int, error) {
	applied, err := w.o.Store.Runs(ctx, run.Filter{
		Flow: w.flow.Plan.Name, Whole: true, States: []run.State{run.Succeeded, run.Partial}, Limit: believedSearch, // a run by event took no snapshot
	})
	if err != nil {
		return users, err
	}
	lent, err := w.Delegations(ctx)
	if err != nil {
		return users, err
	}
	for i := range applied {
		r := &applied[i]
		if r.Undoes != "" {
			continue // it did not read the source
		}
		if r.Tier < plan.SteppedUp {
			return users, nil // its snapshot was kept
		}
		p, err := w.o.Store.Plan(ctx, r.Code)
		if err != nil {
			return users, err
		}
		if !doubted(p) {
			return users, nil // its snapshot was kept
		}
		votes, err := w.o.Store.Votes(ctx, r.Code)
		if err != nil {
			return users, err
		}
		if r.HeldBack == 0 && w.tally(*r, p, votes, lent).enough() {
			return min(users, p.Source.Users), nil
		}
	}
	return users, nil
}

// believedSearch is how many applied runs are looked through for one that people
// let go: those in between only did harmless changes.
const believedSearch = 10

// supersede ends the open runs that the new one replaces. An undo replaces all of
// them, since their plans do not know of it; with nothing to take back it replaces
// none. One that waits is not replaced by a run that finds nothing to do: what it
// takes back is still as it was.
func (w *worker) supersede(ctx context.Context, r run.Run, open []run.Run, twin run.Code) error {
	idle := r.State == run.NothingToDo
	if r.State == run.Blocked || r.State == run.Planned || idle && r.Undoes != "" {
		return nil
	}
	for _, old := range open {
		if old.State != run.Awaiting || old.Code == twin || idle && old.Undoes != "" {
			continue
		}
		_, err := w.move(ctx, old.Code, run.Superseded, "superseded by "+string(r.Code)+" / 已被 "+string(r.Code)+" 取代")
		if err != nil && fault.KindOf(err) != fault.Conflict {
			return err
		}
	}
	return nil
}
