package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/store/queue"
	"github.com/rollcallhq/rollcall/sync/meter"
	"github.com/rollcallhq/rollcall/sync/run"
)

// answers collects what the record says.
type answers struct {
	a       *app
	now     time.Time
	samples []meter.Sample
}

func (s *answers) add(name string, value float64, labels ...string) {
	s.samples = append(s.samples, meter.Sample{Name: name, Labels: labels, Value: value})
}

// age gives how long ago a time is; 0 for never.
func (s *answers) age(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return max(0, s.now.Sub(t).Seconds())
}

// samples gives what is known when somebody looks. An error means that the record
// does not answer; what came before is given all the same.
func (a *app) samples(ctx context.Context) ([]meter.Sample, error) {
	s := &answers{a: a, now: a.p.now()}
	s.doors()
	s.redis()
	if a.store == nil || a.engine == nil {
		return s.samples, nil
	}
	err := errors.Join(s.backlog(ctx), s.runs(ctx))
	paused, pauseErr := s.paused(ctx)
	err = errors.Join(err, pauseErr)
	for i := range a.cfg.Flows {
		if err != nil {
			break // each would wait as long
		}
		err = s.flow(ctx, &a.cfg.Flows[i], paused)
	}
	if offset, has, askErr := a.store.ClockOffset(ctx); askErr == nil && has {
		a.observer.meter.ClockOffset.Set(offset.Seconds(), "record")
	}
	return s.samples, err
}

// doors gives what chat platforms refused.
func (s *answers) doors() {
	s.a.observer.mu.Lock()
	defer s.a.observer.mu.Unlock()
	for platform, refused := range s.a.observer.refused {
		for reason, n := range refused() {
			s.add(meter.RefusedByDoor, float64(n), string(platform), reason)
		}
	}
}

// redis tells whether Redis is well, where one is used. It has no part in the look at
// the record: without Redis everything goes on.
func (s *answers) redis() {
	if r, ok := s.a.bell.(*queue.Redis); ok {
		s.add(meter.RedisUp, truth(r.Well()))
	}
}

func (s *answers) backlog(ctx context.Context) error {
	b, err := s.a.store.Backlog(ctx)
	if err != nil {
		return err
	}
	s.add(meter.InboxUnhandled, float64(b.Inbox.N))
	s.add(meter.InboxAge, s.age(b.Inbox.Oldest))
	for _, way := range s.a.ways() {
		if _, there := b.Outbox[way]; !there {
			s.add(meter.OutboxWaiting, 0, way)
			s.add(meter.OutboxAge, 0, way)
		}
		if _, there := b.Failed[way]; !there {
			s.add(meter.OutboxFailed, 0, way)
		}
	}
	for way, pile := range b.Outbox {
		s.add(meter.OutboxWaiting, float64(pile.N), way)
		s.add(meter.OutboxAge, s.age(pile.Oldest), way)
	}
	for way, n := range b.Failed {
		s.add(meter.OutboxFailed, float64(n), way)
	}
	leases, err := s.a.store.Leases(ctx)
	held := map[string]bool{}
	for _, l := range leases {
		held[l.Flow] = true
	}
	for i := range s.a.cfg.Flows {
		name := s.a.cfg.Flows[i].Name
		s.add(meter.LeaseHeld, truth(held[name]), name)
	}
	return err
}

// ways are the ways out that the configuration has: they are shown as 0, too.
func (a *app) ways() []string {
	var ways []string
	if a.cfg.Bots.Feishu != nil {
		ways = append(ways, string(run.Feishu))
	}
	if a.cfg.Bots.DingTalk != nil {
		ways = append(ways, string(run.DingTalk))
	}
	return ways
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// mostOpen is how many open runs are looked at.
const mostOpen = 2000

func (s *answers) runs(ctx context.Context) error {
	open := []run.State{run.Queued, run.Reading, run.Planning, run.Awaiting, run.Applying}
	all, err := s.a.store.Runs(ctx, run.Filter{States: open, Limit: mostOpen})
	if err != nil {
		return err
	}
	type place struct{ flow, state string }
	counts, oldest, ends := map[place]int{}, map[place]time.Time{}, map[string]time.Time{}
	for i := range s.a.cfg.Flows {
		for _, state := range open {
			counts[place{s.a.cfg.Flows[i].Name, string(state)}] = 0
		}
	}
	for i := range all {
		r := &all[i]
		p := place{r.Flow, string(r.State)}
		counts[p]++
		oldest[p] = earlier(oldest[p], r.Created)
		if r.State == run.Awaiting && !r.Cooling() {
			ends[r.Flow] = earlier(ends[r.Flow], r.Expires)
		}
	}
	for p, n := range counts {
		s.add(meter.OpenRuns, float64(n), p.flow, p.state)
		s.add(meter.OpenRunAge, s.age(oldest[p]), p.flow, p.state)
	}
	for flow, at := range ends {
		s.add(meter.ApprovalEnds, unix(at), flow)
	}
	due, err := s.a.store.Due(ctx)
	left, waits := time.Time{}, 0
	for i := range due {
		if due[i].State != run.Awaiting {
			waits, left = waits+1, earlier(left, due[i].Updated)
		}
	}
	s.add(meter.DueRuns, float64(waits))
	s.add(meter.DueRunAge, s.age(left))
	return err
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// paused gives the flows that are paused now.
func (s *answers) paused(ctx context.Context) (func(flow string) bool, error) {
	all, err := s.a.engine.Pauses(ctx)
	return func(flow string) bool {
		return slices.ContainsFunc(all, func(p run.Pause) bool { return p.Covers(flow) })
	}, err
}

// flow gives what is known of one flow.
func (s *answers) flow(ctx context.Context, f *configs.Flow, paused func(string) bool) error {
	off := f.Paused || paused(f.Name)
	s.add(meter.Paused, truth(off), f.Name)
	last, err := s.a.store.Runs(ctx, run.Filter{Flow: f.Name, Whole: true, Limit: 1})
	if err != nil {
		return err
	}
	for i := range last {
		s.add(meter.LastRun, 1, f.Name, string(last[i].State))
	}
	good, err := s.a.store.Runs(ctx, run.Filter{Flow: f.Name, Whole: true, States: []run.State{run.Succeeded, run.NothingToDo}, Limit: 1})
	if err != nil {
		return err
	}
	since := s.a.observer.began
	for i := range good {
		since = good[i].Ended
		s.add(meter.LastSuccess, unix(since), f.Name)
	}
	if at, has, err := s.a.store.SnapshotTime(ctx, f.Name); err != nil {
		return err
	} else if has {
		s.add(meter.SnapshotAge, s.age(at), f.Name)
	}
	return s.overdue(ctx, f.Name, since)
}

// overdue gives how long a scheduled time is past that no success followed. A
// schedule that was set after the last success counts from then on.
func (s *answers) overdue(ctx context.Context, flow string, since time.Time) error {
	timing, err := s.a.engine.Timing(ctx, flow)
	if err != nil || timing.Spec == "" {
		return err
	}
	schedule, err := parseSchedule(timing.Spec)
	if err != nil {
		return nil //nolint:nilerr // what cannot be read never fires, which the log says
	}
	if timing.At.After(since) {
		since = timing.At
	}
	next := schedule.Next(since.In(s.a.cfg.Location()))
	if next.IsZero() {
		return nil
	}
	s.add(meter.Overdue, s.age(next), flow)
	return nil
}
