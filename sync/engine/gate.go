package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// gate decides where a finished plan leads.
type gate struct {
	*worker
	plan    *plan.Plan
	now     time.Time
	changed bool     // the configuration differs from the last applied run's
	twin    run.Code // an open run that waits for the same dangerous changes
}

// pass sets the plan's facts on the run and moves it.
func (g *gate) pass(r *run.Run) error {
	p := g.plan
	r.Plan, r.Counts, r.Tier, r.Notes, r.Config = p.Digest(), p.Counts(), p.Risk.Tier, len(p.Notes), p.Config
	r.Votes = g.votes(r)
	switch {
	case len(p.Changes) == 0 && !p.Risk.Blocked:
		return r.Advance(run.NothingToDo, g.now, "")
	case !r.Apply:
		return r.Advance(run.Planned, g.now, "")
	case p.Risk.Blocked:
		return r.Advance(run.Blocked, g.now, "")
	case r.Votes == 0, g.twin != "":
		return r.Advance(run.Applying, g.now, "")
	}
	r.Expires = g.now.Add(g.flow.Plan.Approve.Expires)
	if g.safeFirst(p) && !r.Weak {
		return r.Advance(run.Applying, g.now, "")
	}
	return r.Advance(run.Awaiting, g.now, "")
}

// votes gives how many persons must agree: what the tier asks for; one at least
// when the request came by a weak transport; one more when nobody known asked
// and the configuration is not the one that was last applied.
func (g *gate) votes(r *run.Run) int {
	votes := g.plan.Risk.Votes
	if r.Trigger == run.BySchedule && g.changed {
		votes++
	}
	if r.Weak {
		votes = max(votes, 1)
	}
	return votes
}

// safeFirst tells whether harmless changes go ahead of the vote, and there are
// some.
func (w *worker) safeFirst(p *plan.Plan) bool {
	return w.flow.Plan.Approve.SafeFirst && len(w.harmless(p)) > 0
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
	last, err := w.o.Store.Runs(ctx, run.Filter{Flow: w.flow.Plan.Name, States: []run.State{run.Succeeded, run.Partial}, Limit: 1})
	return err != nil || len(last) == 0 || last[0].Config != w.flow.Config
}

// waiting gives the runs of the flow that are open for votes.
func (w *worker) waiting(ctx context.Context, r run.Run) ([]run.Run, error) {
	if !r.Apply {
		return nil, nil
	}
	return w.o.Store.Runs(ctx, run.Filter{Flow: w.flow.Plan.Name, States: []run.State{run.Awaiting}})
}

// twin gives an open run whose changes that wait for a vote are the same as
// those of the new plan: it stays open, and the new run leaves them to it.
func (w *worker) twin(ctx context.Context, open []run.Run, p *plan.Plan) run.Code {
	mine := w.dangerous(p)
	if len(mine) == 0 || p.Risk.Blocked {
		return ""
	}
	for _, r := range open {
		theirs, err := w.o.Store.Plan(ctx, r.Code)
		if err == nil && w.o.Now().Before(r.Expires) && bytes.Equal(mine, w.dangerous(theirs)) {
			return r.Code
		}
	}
	return ""
}

// dangerous gives the changes that wait for a vote, in a form in which equal
// sets are equal bytes: operation, key, before and after.
func (w *worker) dangerous(p *plan.Plan) []byte {
	safe := w.harmless(p)
	type change struct {
		Op            plan.Op
		Key           string
		Before, After any
	}
	var list []change
	for i := range p.Changes {
		if c := &p.Changes[i]; !safe[c.Seq] {
			list = append(list, change{c.Op, c.Key.String(), c.Before, c.After})
		}
	}
	if len(list) == 0 {
		return nil
	}
	b, err := json.Marshal(list)
	if err != nil {
		return nil // no twin is found, and the older run is superseded
	}
	return b
}

// supersede ends the open runs that the new one replaces.
func (w *worker) supersede(ctx context.Context, r run.Run, open []run.Run, twin run.Code) error {
	if r.State == run.Blocked || r.State == run.Planned {
		return nil
	}
	for _, old := range open {
		if old.Code == r.Code || old.Code == twin {
			continue
		}
		_, err := w.move(ctx, old.Code, run.Superseded, "superseded by "+string(r.Code)+" / 已被 "+string(r.Code)+" 取代")
		if err != nil && fault.KindOf(err) != fault.Conflict {
			return err
		}
	}
	return nil
}
