package bot

import (
	"context"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// scene is everything that a run's card is drawn from: committed state and
// nothing else.
type scene struct {
	run      run.Run
	plan     *plan.Plan // nil: there is none yet
	votes    []run.Vote
	entries  []run.Entry
	previous former // the zero former: this is the first plan
	flow     *Flow  // nil: the configuration has none of that name any more
	lang     Lang
	can      Abilities
	// copied: the card is never drawn again, so that it must not look as if it
	// could still be decided on it.
	copied bool
}

// former is the plan before this one.
type former struct {
	code  run.Code
	users int
	lost  map[directory.Key]bool // who was to be disabled or deleted
}

// scene loads what the card of a run needs beyond the run and its plan.
func (b *Bot) scene(ctx context.Context, r run.Run, p *plan.Plan) (scene, error) {
	sc := scene{run: r, plan: p, flow: b.flow(r.Flow)}
	var err error
	if p == nil {
		return sc, nil
	}
	if r.Votes > 0 {
		if sc.votes, err = b.o.Service.Votes(ctx, r.Code); err != nil {
			return sc, err
		}
	}
	if r.Outcome.Skipped+r.Outcome.Failed+r.Outcome.InDoubt > 0 {
		if sc.entries, err = b.o.Service.Entries(ctx, r.Code); err != nil {
			return sc, err
		}
	}
	if asks(r) {
		sc.previous, err = b.former(ctx, r)
	}
	if err != nil && !passing(err) { // another run's plan is damaged: this one is shown without it
		b.o.Logger.ErrorContext(ctx, "former plan cannot be shown", "run", r.Code, "err", err)
		sc.previous, err = former{}, nil
	}
	return sc, err
}

// asks tells whether the card is to be judged by somebody.
func asks(r run.Run) bool {
	return r.State == run.Awaiting || r.State == run.Planned || r.State == run.Blocked
}

// formerSearch is how many older runs are looked through for a plan.
const formerSearch = 20

// former gives what the plan before this one was, the zero former when there was
// none.
func (b *Bot) former(ctx context.Context, r run.Run) (former, error) {
	all, err := b.o.Service.List(ctx, run.Filter{Flow: r.Flow, Limit: formerSearch})
	if err != nil {
		return former{}, err
	}
	for _, old := range all {
		if old.Code == r.Code || old.Plan.IsZero() || !old.Created.Before(r.Created) {
			continue
		}
		_, p, err := b.o.Service.Get(ctx, old.Code)
		if err != nil || p == nil {
			return former{}, err
		}
		f := former{code: old.Code, users: p.Source.Users, lost: map[directory.Key]bool{}}
		for i := range p.Changes {
			if p.Changes[i].Op.Destructive() {
				f.lost[p.Changes[i].Key] = true
			}
		}
		return f, nil
	}
	return former{}, nil
}
