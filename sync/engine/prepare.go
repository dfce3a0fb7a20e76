package engine

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// prepare reads both systems, plans, and moves the run to where its plan leads.
// A run whose worker died while reading or planning is read afresh.
func (w *worker) prepare(ctx context.Context, r run.Run) (run.Run, error) {
	if r.State != run.Reading {
		var err error
		if r, err = w.move(ctx, r.Code, run.Reading, ""); err != nil {
			return r, err
		}
	}
	if r.Undoes != "" {
		return w.prepareUndo(ctx, r)
	}
	if r.Objects != "" {
		now, err := w.prepareHinted(ctx, r)
		if err != nil && ctx.Err() == nil {
			w.hintAgain(ctx, r, err)
		}
		return now, err
	}
	source, target, err := w.read(ctx, r.Code)
	if err != nil {
		return r, err
	}
	if r, err = w.move(ctx, r.Code, run.Planning, ""); err != nil {
		return r, err
	}
	judging, end := w.judging(ctx, r.Code)
	p, in, err := w.plan(judging, r, source, target)
	if err = end(err); err != nil {
		return r, err
	}
	if r, err = w.pass(ctx, r, p); err != nil {
		return r, err
	}
	return r, w.afterPlan(ctx, r, p, in)
}

// pass stores a plan and moves the run through the gate.
func (w *worker) pass(ctx context.Context, r run.Run, p *plan.Plan) (run.Run, error) {
	open, err := w.waiting(ctx, r)
	if err != nil {
		return r, err
	}
	now, err := w.time(ctx)
	if err != nil {
		return r, err
	}
	g := &gate{worker: w, plan: p, digest: p.Digest(), now: now, changed: w.changedSinceApply(ctx), waits: w.waits(ctx, r, p)}
	g.twin = w.twin(ctx, open, r, p)
	if err := w.keepRules(ctx, r, p); err != nil {
		return r, err
	}
	r, err = w.o.Store.SavePlan(ctx, w.hold.now(), r.Code, p, g.pass)
	if err != nil {
		return r, err
	}
	return r, w.supersede(ctx, r, open, g.twin)
}

// read reads source and target side by side, and tells how far it is.
func (w *worker) read(ctx context.Context, code run.Code) (source, target *directory.Snapshot, err error) {
	var count counters
	done, told := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(told)
		w.tellReading(ctx, code, &count, done)
	}()
	defer func() {
		close(done)
		<-told
	}()
	var sourceRead atomic.Bool
	err = w.inReadTime(ctx, func(ctx context.Context) error {
		g, both := errgroup.WithContext(ctx)
		g.Go(func() (err error) {
			defer w.caught(&err)
			if source, err = w.patiently(connector.WithCounter(both, &count.source), code, w.flow.Source.Read); err != nil {
				return fmt.Errorf("read source: %w", err)
			}
			sourceRead.Store(both.Err() == nil)
			return nil
		})
		g.Go(func() (err error) {
			defer w.caught(&err)
			if target, err = w.patiently(connector.WithCounter(both, &count.target), code, w.flow.Target.Read); err != nil {
				return fmt.Errorf("read target: %w", err)
			}
			return nil
		})
		return g.Wait()
	}, func() (en, zh string) {
		if sourceRead.Load() {
			return w.targetNames()
		}
		return "source " + w.flow.From, "来源 " + w.flow.From + " "
	})
	return source, target, err
}

// plan makes the plan and gives what it was made of.
func (w *worker) plan(ctx context.Context, r run.Run, source, target *directory.Snapshot) (*plan.Plan, *plan.Input, error) {
	name := w.flow.Plan.Name
	links, err := w.o.Store.Links(ctx, name)
	if err != nil {
		return nil, nil, fmt.Errorf("load links: %w", err)
	}
	last, err := w.lastGood(ctx, source, links)
	if err != nil {
		return nil, nil, err
	}
	var gone map[directory.Key]plan.GoneAnswer
	err = w.inReadTime(ctx, func(ctx context.Context) (err error) {
		gone, err = w.askGone(ctx, plan.GoneCandidates(source, links))
		return err
	}, func() (en, zh string) {
		return "who is missing in " + w.flow.From, "来源 " + w.flow.From + " 中缺少的人"
	})
	if err != nil {
		return nil, nil, err
	}
	recent, err := w.o.Store.Recent(ctx, name, w.o.Now().Add(-recentSpan))
	if err != nil {
		return nil, nil, fmt.Errorf("count recent changes: %w", err)
	}
	was, end, err := w.former(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer end()
	info := w.flow.Target.Describe()
	in := &plan.Input{
		Flow: w.flow.Plan, Config: w.flow.Config, Source: source, Target: target,
		SourceTenant: w.flow.Source.Describe().Tenant, TargetTenant: info.Tenant,
		LastGood: last, Links: links, Abilities: abilities(info), Rules: w.rules(w.flow), Former: was, Gone: gone,
		Recent: recent, Staff: w.staff, Only: only(r), Now: w.o.Now().In(w.flow.Zone),
	}
	p, err := plan.Make(ctx, *in)
	if err != nil {
		return nil, nil, fmt.Errorf("plan: %w", err)
	}
	return p, in, nil
}

// recentSpan is how far back applied deletions count against the caps.
const recentSpan = 24 * time.Hour

func abilities(info connector.Info) plan.Abilities {
	a := plan.Abilities{
		Ops:         info.Ops,
		IDAttribute: map[directory.Kind]string{directory.User: info.IDAttribute, directory.Department: info.DepartmentIDAttribute},
		LoginIDs:    map[string]bool{},
		Means:       map[directory.Kind]map[string]string{directory.User: {}, directory.Department: {}},
	}
	for _, attr := range info.Attributes {
		if attr.Means != "" {
			a.Means[attr.Kind][attr.Name] = attr.Means
		}
		if attr.LoginID {
			a.LoginIDs[attr.Name] = true
		}
	}
	return a
}

// lastGood gives the size of the last complete source snapshot, and remembers
// from it the attributes of those who are missing now: the snapshot is replaced
// later, and a leaver is judged on what was last seen. Of those who are back it
// forgets them: they may leave again, as somebody else by then.
func (w *worker) lastGood(ctx context.Context, source *directory.Snapshot, links []mapping.Link) (*plan.LastGood, error) {
	last, ok, err := w.o.Store.LastSnapshot(ctx, w.flow.Plan.Name)
	if err != nil {
		return nil, fmt.Errorf("load last snapshot: %w", err)
	}
	if !ok {
		return nil, nil //nolint:nilnil // nil is plan.Input's word for "none yet"
	}
	var seen []mapping.Link
	for i := range links {
		l := &links[i]
		o, found := last.Get(l.Source)
		switch there := source.Has(l.Source); {
		case !l.Live(), there && len(l.Seen) == 0, !there && (len(l.Seen) > 0 || !found || !source.Complete()):
			continue
		case there:
			l.Seen = nil
		default:
			l.Seen = o.Attributes
		}
		seen = append(seen, *l)
	}
	if err := w.keep(ctx, seen); err != nil {
		return nil, fmt.Errorf("remember leavers: %w", err)
	}
	users := last.Len(directory.User)
	if source.Len(directory.User) < users {
		users, err = w.believed(ctx, users)
	}
	return &plan.LastGood{Users: users, Departments: last.Len(directory.Department)}, err
}

// keep stores links in small transactions: a long one would keep the lease from
// being renewed.
func (w *worker) keep(ctx context.Context, links []mapping.Link) error {
	for chunk := range slices.Chunk(links, keepChunk) {
		if err := w.o.Store.Mark(ctx, w.hold.now(), nil, chunk); err != nil {
			return err
		}
	}
	return nil
}

const keepChunk = 500

// askGone asks the source for just the missing ones, by id: the second look
// that an absence needs.
func (w *worker) askGone(ctx context.Context, keys []directory.Key) (map[directory.Key]plan.GoneAnswer, error) {
	answers := make(map[directory.Key]plan.GoneAnswer, len(keys))
	for _, kind := range []directory.Kind{directory.User, directory.Department} {
		var ids []directory.ID
		for _, k := range keys {
			if k.Kind == kind {
				ids = append(ids, k.ID)
			}
		}
		for chunk := range slices.Chunk(ids, askChunk) {
			seen, err := w.flow.Source.Lookup(ctx, kind, chunk)
			if err != nil && !fault.Retryable(err) {
				return nil, fmt.Errorf("ask source for the missing: %w", err)
			}
			if err != nil || len(seen) != len(chunk) {
				continue // nothing can be said of any, or not whose answer is whose
			}
			for i, s := range seen {
				answers[directory.Key{Kind: kind, ID: chunk[i]}] = goneAnswer(s.Presence)
			}
		}
	}
	return answers, nil
}

// askChunk bounds how many ids one Lookup is given.
const askChunk = 100

func goneAnswer(p connector.Presence) plan.GoneAnswer {
	switch p {
	case connector.Gone:
		return plan.GoneConfirmed
	case connector.Present:
		return plan.GoneDenied
	default:
		return plan.GoneUnsure
	}
}

// afterPlan keeps what the next run needs: the new last good snapshot, unless
// the guard doubts it, and who is left and still active how many runs running; and it
// ends the links of which nothing is left.
func (w *worker) afterPlan(ctx context.Context, r run.Run, p *plan.Plan, in *plan.Input) error {
	var over []mapping.Link
	if in.Source.Complete() && !doubted(p) {
		if err := w.o.Store.SaveSnapshot(ctx, w.flow.Plan.Name, in.Source); err != nil {
			return fmt.Errorf("keep snapshot: %w", err)
		}
		var err error
		if over, err = w.bury(ctx, in); err != nil {
			return err
		}
	}
	if !only(r).IsZero() || broken(p) {
		return w.keep(ctx, over) // its notes do not tell of everybody
	}
	left := map[directory.Key]bool{}
	for _, n := range p.Notes {
		if n.Kind != plan.LeftActive {
			continue
		}
		left[n.Key] = true
		if n.Alarm {
			e := run.Event{Run: r.Code, Kind: run.EventAlarm, Say: n.Name + ": " + n.Say, At: w.o.Now()}
			if err := w.o.Store.Append(ctx, e, run.Audit{}); err != nil {
				return err
			}
		}
	}
	return w.keep(ctx, append(over, countLeft(in.Links, left)...))
}

// countLeft gives the links whose count of runs, in which the person had left and was
// still active, changes.
func countLeft(links []mapping.Link, left map[directory.Key]bool) []mapping.Link {
	var counted []mapping.Link
	for _, l := range links {
		switch {
		case !l.Live(): // buried just now, or long since
			continue
		case left[l.Source]:
			l.LeftRuns++
		case l.LeftRuns > 0:
			l.LeftRuns = 0
		default:
			continue
		}
		counted = append(counted, l)
	}
	return counted
}

// doubted tells whether the source was too small to be held against later
// ones.
func doubted(p *plan.Plan) bool {
	return slices.ContainsFunc(p.Risk.Reasons, func(f plan.Finding) bool {
		return f.Code == plan.FindShrink || f.Code == plan.FindEmptySource
	})
}
