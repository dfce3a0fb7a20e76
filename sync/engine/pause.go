package engine

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// everyFlow names all flows in a pause.
const everyFlow = "*"

// autoMark ends the name of a setting that keeps a safety stop. It stands beside
// what people set, so that nobody lifts it by setting a pause of his own over it.
const autoMark = " !"

// Pause keeps a flow, or all with "*", from changing anything from now on: a run
// that applies stops before its next change and goes on when the pause is over.
// Faults: NotFound, Denied to all but operators of the flow (of every flow for
// "*"), Invalid for a time that is past, Conflict when it would end an earlier
// pause of the same flow sooner: that is for Resume.
func (e *Engine) Pause(ctx context.Context, p run.Pause) error {
	if err := e.mayBrake(p.By, run.Operator, p.Flow); err != nil {
		return err
	}
	p.Auto, p.At = false, e.o.Now()
	if p.Over(p.At) {
		return fault.New(fault.Invalid, "the end of the pause is past / 暂停的结束时间已经过去")
	}
	all, err := e.brakes(ctx)
	if err != nil {
		return err
	}
	for _, old := range all {
		if old.name == p.Flow && !p.Until.IsZero() && (old.Until.IsZero() || old.Until.After(p.Until)) {
			return fault.New(fault.Conflict, "%s is paused already, and for longer than that; resume it first to pause it for a shorter time / %s 已经暂停，而且时间更长；要缩短请先恢复再暂停", p.Flow, p.Flow)
		}
	}
	return e.keepPause(ctx, p)
}

// SafetyStop pauses a flow, or all with "*", until an approver resumes it, and
// raises an alarm in its rooms. Why is for people, in both languages. Faults:
// NotFound.
func (e *Engine) SafetyStop(ctx context.Context, flow, why string) error {
	if _, err := e.covered(flow); err != nil {
		return err
	}
	now := e.o.Now()
	if err := e.keepPause(ctx, run.Pause{Flow: flow, Why: why, Auto: true, At: now}); err != nil {
		return err
	}
	filter := run.Filter{Flow: flow, Limit: 1}
	if flow == everyFlow {
		filter.Flow = ""
	}
	last, err := e.o.Store.Runs(ctx, filter)
	if err != nil {
		return err
	}
	// An alarm goes where a run is heard of. A flow that never ran has no room yet
	// that could be told by one; the audit has it.
	alarm := run.Event{At: now}
	if len(last) > 0 {
		alarm.Kind, alarm.Run = run.EventAlarm, last[0].Code
		alarm.Say = sayf("flow %s is stopped for safety: %s; an approver can resume it / 流程 %s 已安全停止：%s；需要审批人恢复",
			flow, fault.In(why, "en"), flow, fault.In(why, "zh"))
	}
	return e.o.Store.Append(ctx, alarm, run.Audit{At: now, Action: "safety.stop", Run: alarm.Run, Detail: flow + ": " + why})
}

// Resume ends a pause. Faults: NotFound when there is none; Denied: an operator
// may end what people set, only an approver what a safety stop set.
func (e *Engine) Resume(ctx context.Context, flow string, by run.Actor) error {
	names, err := e.covered(flow)
	if err != nil {
		return err
	}
	all, err := e.brakes(ctx)
	if err != nil {
		return err
	}
	role, found, wider := run.Operator, []setPause{}, false
	for _, p := range all {
		switch {
		case p.Flow == flow:
			found = append(found, p)
			if p.Auto {
				role = run.Approver
			}
		case p.Covers(flow):
			wider = true
		}
	}
	switch {
	case len(found) == 0 && wider:
		return fault.New(fault.NotFound, "%s is paused together with all flows: resume all / %s 是随全部流程一起暂停的：请恢复全部", flow, flow)
	case len(found) == 0:
		return fault.New(fault.NotFound, "%s is not paused / %s 没有暂停", flow, flow)
	}
	if err := e.mayBrake(by, role, flow); err != nil {
		return err
	}
	for _, p := range found {
		if err := e.o.Store.Set(ctx, run.Setting{Kind: run.SetPause, Name: p.name, By: by, At: e.o.Now()}); err != nil {
			return err
		}
	}
	e.rouse(ctx, names)
	return nil
}

// rouse rings for the runs that a pause kept.
func (e *Engine) rouse(ctx context.Context, flows []string) {
	for _, flow := range flows {
		kept, err := e.o.Store.Runs(ctx, run.Filter{Flow: flow, States: workingStates()})
		if err != nil {
			e.o.Logger.WarnContext(ctx, "resumed runs are left to the sweeper", "flow", flow, "err", err)
			continue
		}
		for _, k := range slices.Backward(kept) {
			e.ring(ctx, k.Code)
		}
	}
}

// Pauses gives the pauses that hold now.
func (e *Engine) Pauses(ctx context.Context) ([]run.Pause, error) {
	all, err := e.brakes(ctx)
	if err != nil {
		return nil, err
	}
	pauses := make([]run.Pause, len(all))
	for i, p := range all {
		pauses[i] = p.Pause
	}
	return pauses, nil
}

// paused tells whether a flow is paused now, beside what the configuration says,
// and by which pause: a safety stop before what people set. An error must be
// taken for a pause.
func (e *Engine) paused(ctx context.Context, flow string) (run.Pause, bool, error) {
	all, err := e.brakes(ctx)
	if err != nil {
		return run.Pause{}, false, err
	}
	var holds run.Pause
	on := false
	for _, p := range all {
		if p.Covers(flow) && (!on || p.Auto && !holds.Auto) {
			holds, on = p.Pause, true
		}
	}
	return holds, on, nil
}

// setPause is a pause with the name of the setting that keeps it.
type setPause struct {
	run.Pause
	name string
}

// brakes gives the pauses that hold now, by the record's time. One that cannot be read
// holds like a safety stop.
func (e *Engine) brakes(ctx context.Context) ([]setPause, error) {
	set, err := e.o.Store.Settings(ctx, run.SetPause)
	if err != nil || len(set) == 0 {
		return nil, err
	}
	now, err := e.time(ctx)
	if err != nil {
		return nil, err
	}
	var all []setPause
	for _, s := range set {
		p := setPause{name: s.Name}
		if err := json.Unmarshal(s.Value, &p.Pause); err != nil || p.Flow == "" {
			p.Pause = run.Pause{
				Flow: strings.TrimSuffix(s.Name, autoMark), Auto: true, At: s.At,
				Why: "a stored pause cannot be read / 保存的暂停记录无法读取",
			}
		}
		if !p.Over(now) {
			all = append(all, p)
		}
	}
	return all, nil
}

func (e *Engine) keepPause(ctx context.Context, p run.Pause) error {
	value, err := json.Marshal(p)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "the pause cannot be stored / 暂停无法保存")
	}
	name := p.Flow
	if p.Auto {
		name += autoMark
	}
	return e.o.Store.Set(ctx, run.Setting{Kind: run.SetPause, Name: name, Value: value, By: p.By, At: p.At})
}

// covered gives the flows that a pause of flow is about.
func (e *Engine) covered(flow string) ([]string, error) {
	if flow == everyFlow {
		return e.names, nil
	}
	_, err := e.flow(flow)
	return []string{flow}, err
}

// mayBrake asks for a role in everything that a pause is about.
func (e *Engine) mayBrake(who run.Actor, role run.Role, flow string) error {
	names, err := e.covered(flow)
	for i := 0; err == nil && i < len(names); i++ {
		err = e.may(who, role, names[i])
	}
	return err
}

// pausedFault says who paused a flow, why, and until when.
func pausedFault(flow string, p run.Pause, zone *time.Location) error {
	en, zh := "by "+p.By.Person, "由 "+p.By.Person+" "
	whyEN, whyZH := p.Why, p.Why
	if p.Auto {
		en, zh = "by a safety stop", "被安全机制"
		whyEN, whyZH = fault.In(p.Why, "en"), fault.In(p.Why, "zh")
	}
	zh += "暂停"
	if !p.Until.IsZero() {
		until := p.Until.In(zone).Format("2006-01-02 15:04")
		en, zh = en+" until "+until, zh+"到 "+until
	}
	if p.Why != "" {
		en, zh = en+" ("+whyEN+")", zh+"（"+whyZH+"）"
	}
	return fault.New(fault.Denied, "flow %s is paused %s: it can be planned, not applied / 流程 %s 已%s：只能预演，不能执行", flow, en, flow, zh)
}

// brake is what keeps a run from its next change.
type brake uint8

const (
	brakeNone brake = iota
	brakeCancel
	brakePause
)

// errPaused is why a call that had no effect is not made again now: its entry is
// pending again, for when the pause is over.
var errPaused = errors.New("the flow is paused")

// stopped tells what keeps the run from its next change: a person's word, or a
// pause. A record that does not tell is as good as a pause.
func (a *applier) stopped(ctx context.Context) (brake, error) {
	if err := context.Cause(ctx); err != nil {
		return brakeNone, err
	}
	r, err := a.o.Store.Run(ctx, a.run.Code)
	if err != nil {
		return brakeNone, err
	}
	if r.Stop {
		return brakeCancel, nil
	}
	_, on, err := a.paused(ctx, a.run.Flow)
	switch {
	case err != nil:
		return brakePause, unfinished{err}
	case on:
		return brakePause, nil
	}
	return brakeNone, nil
}

// rest leaves a run in the middle of its changes, because its flow is paused, and
// tells once how far it is.
func (a *applier) rest(ctx context.Context) error {
	p, on, err := a.paused(ctx, a.run.Flow)
	if err != nil {
		return unfinished{err}
	}
	now, o := a.o.Now(), a.outcome()
	if told := on && a.run.Outcome == o && !a.run.Updated.Before(p.At); !told {
		_, err := a.o.Store.UpdateRun(ctx, a.run.Code, run.Actor{}, func(r *run.Run) error {
			r.Outcome, r.Updated = o, now
			return nil
		})
		if err == nil {
			err = a.o.Store.Append(ctx, run.Event{Run: a.run.Code, Kind: run.EventProgress, At: now}, run.Audit{})
		}
		if err != nil {
			return err
		}
	}
	a.rests.note(a.run.Code, now)
	return nil
}

// rests remembers the paused runs in which a worker has just found nothing left
// to settle, so that the sweeper's rings cost next to nothing.
type rests struct {
	mu sync.Mutex
	at map[run.Code]time.Time
}

// restFor is how long that is taken for granted: somebody else's worker may have
// died in the middle of a call since.
const restFor = 20 * time.Second

func (s *rests) note(code run.Code, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at == nil {
		s.at = map[run.Code]time.Time{}
	}
	for old, when := range s.at {
		if at.Sub(when) > restFor {
			delete(s.at, old)
		}
	}
	s.at[code] = at
}

func (s *rests) have(code run.Code, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, noted := s.at[code]
	return noted && now.Sub(at) <= restFor
}

// resting tells whether a pause leaves nothing to do for a run now: one that
// applies has nothing to settle, and one that is to be applied waits behind it.
// What is only planned goes on.
func (e *Engine) resting(ctx context.Context, r run.Run) (bool, error) {
	if r.Stop || r.State != run.Applying && !r.Apply {
		return false, nil
	}
	_, on, err := e.paused(ctx, r.Flow)
	if err != nil || !on {
		return false, err
	}
	if r.State == run.Applying {
		return e.rests.have(r.Code, e.o.Now()), nil
	}
	before, err := e.o.Store.Runs(ctx, run.Filter{Flow: r.Flow, States: []run.State{run.Applying}, Limit: 1})
	return len(before) > 0, err
}
