package engine

import (
	"context"
	"fmt"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// lastDeeds is how many of a flow's deeds a profile tells of.
const lastDeeds = 3

// profile tells of one person in one flow. Faults: those of the record alone.
func (e *Engine) profile(ctx context.Context, p found) (run.Profile, error) {
	q, err := e.inquire(ctx, p)
	if err != nil {
		return run.Profile{}, err
	}
	out := run.Profile{Flow: p.flow.Plan.Name, Source: q.source, Target: q.target}
	if p.key.ID == "" {
		out.Next.Unsure = q.source.Unsure
		return out, nil
	}
	out.Name, out.Where, out.Tail = q.person().Name(), p.where, p.tail()
	if l := p.link; l != nil {
		out.Disabled = l.DisabledAt
		if l.Live() {
			out.Origin, out.Since = string(l.Origin), l.Since
		}
	}
	if q.target.Object.ID != "" && q.source.Object.ID != "" {
		out.Keys = p.flow.Plan.Users.Fit(q.source.Object, q.target.Object)
	}
	out.Next = q.forecast(ctx)
	if q.target.Object.ID != "" {
		out.Target.Names = q.targetNames()
	}
	if out.Last, err = e.deeds(ctx, p); err != nil {
		return out, err
	}
	out.Pending, err = e.pending(ctx, p, q.target.Object.Key)
	return out, err
}

// deeds gives what the flow did to the person, newest first.
func (e *Engine) deeds(ctx context.Context, p found) ([]run.Deed, error) {
	entries, err := e.o.Store.Deeds(ctx, p.flow.Plan.Name, p.key, lastDeeds)
	if err != nil {
		return nil, fmt.Errorf("load deeds: %w", err)
	}
	var all []run.Deed
	for _, entry := range entries {
		r, pl, err := e.Get(ctx, entry.Run)
		if err != nil {
			return nil, fmt.Errorf("load the run of a deed: %w", err)
		}
		votes, err := e.o.Store.Votes(ctx, entry.Run)
		if err != nil {
			return nil, fmt.Errorf("load votes: %w", err)
		}
		d := run.Deed{Run: r, Entry: entry, Votes: votes}
		if pl != nil && entry.Seq > 0 && entry.Seq <= len(pl.Changes) {
			d.Change, d.Names = pl.Changes[entry.Seq-1], namesOf(pl, entry.Seq)
		}
		all = append(all, d)
	}
	return all, nil
}

// pending gives what open plans would do to the person, as far as it is not
// settled yet.
func (e *Engine) pending(ctx context.Context, p found, account directory.Key) ([]run.Pending, error) {
	if account.ID == "" && p.link != nil && p.link.Live() {
		account = p.link.Target
	}
	open, err := e.o.Store.Runs(ctx, run.Filter{Flow: p.flow.Plan.Name, States: []run.State{run.Awaiting, run.Applying}})
	if err != nil {
		return nil, fmt.Errorf("load open runs: %w", err)
	}
	var all []run.Pending
	for _, r := range open {
		pl, err := e.o.Store.Plan(ctx, r.Code)
		if err != nil {
			return nil, fmt.Errorf("load an open plan: %w", err)
		}
		entries, err := e.o.Store.Entries(ctx, r.Code)
		if err != nil {
			return nil, fmt.Errorf("load the journal of an open run: %w", err)
		}
		settled := map[int]bool{}
		for _, entry := range entries {
			settled[entry.Seq] = entry.Step.Settled()
		}
		for _, c := range pl.Changes {
			about := c.Source == p.key || account.ID != "" && c.Key == account
			if about && !settled[c.Seq] {
				all = append(all, run.Pending{Run: r, Change: c, Names: namesOf(pl, c.Seq)})
			}
		}
	}
	return all, nil
}

// namesOf gives the names that one change of a plan needs.
func namesOf(p *plan.Plan, seq int) map[string]string {
	names := map[string]string{}
	c := &p.Changes[seq-1]
	for _, side := range []directory.Attributes{c.Before, c.After} {
		for _, v := range side {
			for _, ref := range v.Refs() {
				if name, ok := p.Names[ref.String()]; ok {
					names[ref.String()] = name
				}
			}
		}
	}
	return names
}
