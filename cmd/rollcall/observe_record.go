package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/store"
	"github.com/rollcallhq/rollcall/sync/engine"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/meter/trail"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// observedStore is the engine's record with somebody who watches what is written.
type observedStore struct {
	engine.Store
	record *store.Store
	o      *observer
	now    func() time.Time
}

// noteTime bounds what is read for a trace after something was written.
const noteTime = 2 * time.Second

// CreateRun stores a run, and notes how it came to be.
func (s *observedStore) CreateRun(ctx context.Context, r run.Run, of ...run.Hint) (run.Run, bool, error) {
	from := s.now()
	got, created, err := s.Store.CreateRun(ctx, r, of...)
	if err != nil {
		return got, created, err
	}
	s.o.flows.learn(got)
	if !created {
		return got, created, err
	}
	s.o.meter.Moves.Add(1, got.Flow, string(got.State))
	if at, ok := scheduledFor(got.RequestID, got.Flow); ok {
		s.o.meter.Lateness.Observe(max(0, s.now().Sub(at).Seconds()), got.Flow)
		from = at
	} else if at, ok, err := s.record.Claimed(ctx, got.RequestID); err == nil && ok && at.Before(from) {
		from = at
	}
	s.o.log.InfoContext(ctx, "run created", "run", got.Code, "flow", got.Flow, "trigger", string(got.Trigger), "apply", got.Apply)
	s.o.trail.Request(traced(got), from, s.now())
	return got, created, nil
}

// scheduledFor gives the time that a scheduled run is for: its request id holds it.
func scheduledFor(id, flow string) (time.Time, bool) {
	text, is := strings.CutPrefix(id, "schedule:"+flow+":")
	seconds, err := strconv.ParseInt(text, 10, 64)
	return time.Unix(seconds, 0), is && err == nil
}

// UpdateRun changes a run.
func (s *observedStore) UpdateRun(ctx context.Context, code run.Code, by run.Actor, fn func(*run.Run) error) (run.Run, error) {
	var was run.State
	r, err := s.Store.UpdateRun(ctx, code, by, func(r *run.Run) error {
		was = r.State
		return fn(r)
	})
	s.moved(ctx, was, r, err)
	return r, err
}

// SavePlan stores a plan.
func (s *observedStore) SavePlan(ctx context.Context, lease run.Lease, code run.Code, p *plan.Plan, fn func(*run.Run) error) (run.Run, error) {
	var was run.State
	r, err := s.Store.SavePlan(ctx, lease, code, p, func(r *run.Run) error {
		was = r.State
		return fn(r)
	})
	if err == nil {
		s.o.planned(code, p)
	}
	s.moved(ctx, was, r, err)
	return r, err
}

// Vote stores a vote.
func (s *observedStore) Vote(ctx context.Context, v run.Vote, fn func(*run.Run, []run.Vote) error) (run.Run, error) {
	var was run.State
	r, err := s.Store.Vote(ctx, v, func(r *run.Run, votes []run.Vote) error {
		was = r.State
		return fn(r, votes)
	})
	if err == nil {
		s.o.meter.Votes.Add(1, r.Flow, string(v.Decision))
	}
	s.moved(ctx, was, r, err)
	return r, err
}

// moved notes a move that was written.
func (s *observedStore) moved(ctx context.Context, was run.State, r run.Run, err error) {
	if err != nil {
		return
	}
	s.o.flows.learn(r)
	if was == r.State {
		return
	}
	s.o.meter.Moves.Add(1, r.Flow, string(r.State))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTime)
	defer cancel()
	since, now := r.Created, r.Updated
	if moves, err := s.record.Moves(ctx, r.Code); err == nil && len(moves) > 1 {
		since, now = moves[len(moves)-2], moves[len(moves)-1]
	}
	s.o.meter.Phases.Observe(max(0, now.Sub(since).Seconds()), r.Flow, string(was))
	s.o.log.InfoContext(ctx, "run moved", "run", r.Code, "flow", r.Flow, "from", string(was), "state", string(r.State), "took", now.Sub(since).String())
	failed := r.State == run.Failed
	s.o.trail.Phase(traced(r), trail.Phase{Name: string(was), Since: since}, now, string(r.State), failed)
	if w := trail.Of(ctx); w != nil && w.Code == string(r.Code) {
		w.Enter(trail.Phase{Name: string(r.State), Since: now})
	}
	if r.State.Ended() {
		s.o.forget(r.Code)
		s.o.trail.Run(traced(r), string(r.State), failed, r.Created, r.Ended)
	}
}

func traced(r run.Run) trail.Run {
	return trail.Run{Code: string(r.Code), Flow: r.Flow, Trigger: string(r.Trigger)}
}

// around gives the context that a run is worked on with.
func (s *observedStore) around(ctx context.Context, r run.Run) context.Context {
	s.o.flows.learn(r)
	since := r.Created
	if moves, err := s.record.Moves(ctx, r.Code); err == nil && len(moves) > 0 {
		since = moves[len(moves)-1]
	}
	return trail.With(ctx, traced(r), trail.Phase{Name: string(r.State), Since: since})
}

// Plan gives a plan.
func (s *observedStore) Plan(ctx context.Context, code run.Code) (*plan.Plan, error) {
	p, err := s.Store.Plan(ctx, code)
	if err == nil && trail.Of(ctx) != nil { // it is about to be applied
		s.o.planned(code, p)
	}
	return p, err
}

// Mark stores entries of the journal.
func (s *observedStore) Mark(ctx context.Context, lease run.Lease, entries []run.Entry, links []mapping.Link) error {
	if err := s.Store.Mark(ctx, lease, entries, links); err != nil {
		return err
	}
	for i := range entries {
		if e := &entries[i]; e.Step.Settled() {
			s.o.meter.Changes.Add(1, lease.Flow, opLabel(s.op(ctx, e.Run, e.Seq)), string(e.Step))
		}
	}
	return nil
}

// Renew prolongs a lease.
func (s *observedStore) Renew(ctx context.Context, lease run.Lease, ttl time.Duration) (run.Lease, error) {
	l, err := s.Store.Renew(ctx, lease, ttl)
	if fault.KindOf(err) == fault.Stale {
		s.o.meter.LeasesLost.Add(1, lease.Flow)
	}
	return l, err
}

// Run gives a run, whose flow the log wants to know.
func (s *observedStore) Run(ctx context.Context, code run.Code) (run.Run, error) {
	r, err := s.Store.Run(ctx, code)
	s.o.flows.learn(r)
	return r, err
}

// Runs gives runs.
func (s *observedStore) Runs(ctx context.Context, f run.Filter) ([]run.Run, error) {
	runs, err := s.Store.Runs(ctx, f)
	s.o.flows.learn(runs...)
	return runs, err
}

// Due gives runs that need somebody.
func (s *observedStore) Due(ctx context.Context) ([]run.Run, error) {
	runs, err := s.Store.Due(ctx)
	s.o.flows.learn(runs...)
	return runs, err
}

// planned remembers the operations of a plan, which the journal's entries do not
// name.
func (o *observer) planned(code run.Code, p *plan.Plan) []plan.Op {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.ops) >= mostPlans {
		clear(o.ops)
	}
	last := 0
	for i := range p.Changes {
		last = max(last, p.Changes[i].Seq)
	}
	ops := make([]plan.Op, last+1)
	for i := range p.Changes {
		ops[p.Changes[i].Seq] = p.Changes[i].Op
	}
	o.ops[code] = ops
	return ops
}

// mostPlans is how many plans' operations are remembered.
const mostPlans = 64

func (o *observer) forget(code run.Code) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.ops, code)
}

// op gives the operation of a change; of a plan that this process has not seen the
// record is asked once.
func (s *observedStore) op(ctx context.Context, code run.Code, seq int) plan.Op {
	s.o.mu.Lock()
	ops, known := s.o.ops[code]
	s.o.mu.Unlock()
	if !known {
		p, err := s.Store.Plan(ctx, code)
		if err != nil {
			return ""
		}
		ops = s.o.planned(code, p)
	}
	if seq < 0 || seq >= len(ops) {
		return ""
	}
	return ops[seq]
}

// opLabel is how an operation is written in metrics and traces.
func opLabel(op plan.Op) string {
	if op == "" {
		return "unknown"
	}
	return strings.ToLower(string(op))
}
