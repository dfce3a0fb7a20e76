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
	voters   voters
	pause    run.Pause // that holds the run up; the zero Pause: none does
	flow     *Flow     // nil: the configuration has none of that name any more
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
	lost  map[directory.Key]string // names of who was to be disabled or deleted
}

// voters are the persons whose vote would count now.
type voters struct {
	names []string
	known bool // false: the engine could not say
}

// mostEntries is how large a plan may be whose journal is read for every drawing
// of its progress. Of a larger one only the totals are told.
const mostEntries = 20_000

// scene loads what the card of a run needs beyond the run and its plan.
func (b *Bot) scene(ctx context.Context, r run.Run, p *plan.Plan) (scene, error) {
	sc := scene{run: r, plan: p, flow: b.flow(r.Flow)}
	var err error
	if r.Votes > 0 || r.Glass != (run.Actor{}) {
		if sc.votes, err = b.o.Service.Votes(ctx, r.Code); err != nil {
			return sc, err
		}
	}
	if sc.voters, err = b.votersOf(ctx, r); err != nil {
		return sc, err
	}
	if sc.pause, err = b.holdUp(ctx, r); err != nil || p == nil {
		return sc, err
	}
	err = b.compare(ctx, &sc)
	return sc, err
}

// compare loads what a plan is seen against: what became of its changes, and the
// plan before it.
func (b *Bot) compare(ctx context.Context, sc *scene) error {
	r := sc.run
	var err error
	if r.State == run.Applying && r.Counts.Total() <= mostEntries || r.State.Ended() && r.Outcome.Total() > 0 {
		if sc.entries, err = b.o.Service.Entries(ctx, r.Code); err != nil {
			return err
		}
	}
	if !asks(r) && (!r.State.Ended() || r.Votes <= 0) {
		return nil
	}
	sc.previous, err = b.former(ctx, r)
	if err != nil && !passing(err) { // another run's plan is damaged: this one is shown without it
		b.o.Logger.ErrorContext(ctx, "former plan cannot be shown", "run", r.Code, "err", err)
		sc.previous, err = former{}, nil
	}
	return err
}

// votersOf asks the engine who can still vote on a run that waits. What it cannot
// say now is waited for; what it cannot say at all is not guessed.
func (b *Bot) votersOf(ctx context.Context, r run.Run) (voters, error) {
	if r.State != run.Awaiting {
		return voters{}, nil
	}
	names, err := b.o.Service.Eligible(ctx, r.Code)
	switch {
	case err == nil:
		return voters{names: names, known: true}, nil
	case passing(err):
		return voters{}, err
	}
	b.o.Logger.ErrorContext(ctx, "voters are not known", "run", r.Code, "err", err)
	return voters{}, nil
}

// holdUp gives the pause that keeps a run from changing anything.
func (b *Bot) holdUp(ctx context.Context, r run.Run) (run.Pause, error) {
	if !r.Apply || r.State.Ended() {
		return run.Pause{}, nil
	}
	all, err := b.o.Service.Pauses(ctx)
	if err != nil && !passing(err) {
		b.o.Logger.ErrorContext(ctx, "pauses are not known", "run", r.Code, "err", err)
		return run.Pause{}, nil
	}
	for _, p := range all {
		if p.Covers(r.Flow) && !p.Over(b.o.Now()) {
			return p, err
		}
	}
	return run.Pause{}, err
}

// asks tells whether the card is to be judged by somebody.
func asks(r run.Run) bool {
	return r.State == run.Awaiting || r.State == run.Planned || r.State == run.Blocked
}

// formerSearch is how many older runs are looked through for a plan.
const formerSearch = 20

// former gives what the plan before this one was, the zero former when there was
// none. A plan of something else, a part or an undoing, says nothing about it.
func (b *Bot) former(ctx context.Context, r run.Run) (former, error) {
	if !wholeFlow(r) {
		return former{}, nil
	}
	all, err := b.o.Service.List(ctx, run.Filter{Flow: r.Flow, Whole: true, Limit: formerSearch})
	if err != nil {
		return former{}, err
	}
	for _, old := range all {
		if old.Code == r.Code || old.Plan.IsZero() || !old.Created.Before(r.Created) || !wholeFlow(old) {
			continue
		}
		_, p, err := b.o.Service.Get(ctx, old.Code)
		if err != nil || p == nil {
			return former{}, err
		}
		f := former{code: old.Code, users: p.Source.Users, lost: map[directory.Key]string{}}
		for i := range p.Changes {
			if p.Changes[i].Op.Destructive() {
				f.lost[p.Changes[i].Key] = p.Changes[i].Name
			}
		}
		return f, nil
	}
	return former{}, nil
}

// narrowed tells whether a run's plan is only of a department, or of one kind of
// objects.
func narrowed(r run.Run) bool { return r.Dept != "" || r.Kind != "" }

// held gives the changes that voters held back. Harmless ones are never held:
// they need no vote.
func (sc scene) held() []*plan.Change {
	if sc.plan == nil {
		return nil
	}
	var parts []map[int]bool
	for _, v := range approvals(sc.run, sc.votes) {
		if v.Part == nil {
			continue
		}
		part := map[int]bool{}
		for _, seq := range v.Part {
			part[seq] = true
		}
		parts = append(parts, part)
	}
	var all []*plan.Change
	for i := range sc.plan.Changes {
		c := &sc.plan.Changes[i]
		for _, part := range parts {
			if (c.Op.Destructive() || c.Op == plan.Adopt) && !part[c.Seq] {
				all = append(all, c)
				break
			}
		}
	}
	return all
}

// missing gives how many votes a run that waits still needs. One that has its
// votes, is confirmed and does not cool off would not wait if all of them counted:
// a voter has lost the role since, and somebody else must vote.
func (sc scene) missing() int {
	r := sc.run
	if r.State != run.Awaiting || !r.NotBefore.IsZero() {
		return 0
	}
	missing := max(0, r.Votes-len(approvals(r, sc.votes)))
	if missing == 0 && (r.Tier < stepUpTier || r.StepUp.Person != "") {
		return 1
	}
	return missing
}

// open tells whether votes are still missing.
func (sc scene) open() bool { return sc.missing() > 0 }
