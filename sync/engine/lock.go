package engine

import (
	"context"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// Whoever types wrong counts so often in such a time is guessing, or is somebody
// else: the person's approvals are locked for a while.
const (
	wrongMost = 5
	wrongSpan = 10 * time.Minute
	lockSpan  = 10 * time.Minute
)

const (
	auditRefused = "vote.refused"
	auditLocked  = "vote.locked"
)

// locked refuses the approvals of a person who typed too many wrong counts.
func (e *Engine) locked(ctx context.Context, person string) error {
	now, err := e.time(ctx)
	if err != nil {
		return err
	}
	until, err := e.lockedUntil(ctx, person, now)
	if err != nil {
		return err
	}
	left := until.Sub(now)
	if left <= 0 {
		return nil
	}
	minutes := int((left + time.Minute - 1) / time.Minute)
	return fault.New(fault.Denied,
		"you typed wrong counts %d times within ten minutes: your approvals are locked for %d min more; rejecting and cancelling still work / 你十分钟内写错了 %[1]d 次数目：批准已锁定，还有 %[2]d 分钟；驳回和取消不受影响",
		wrongMost, minutes)
}

// lockedUntil gives the end of a person's lock; one that is past, or the zero
// time, is none. Now is the record's, as the time of a vote is.
func (e *Engine) lockedUntil(ctx context.Context, person string, now time.Time) (time.Time, error) {
	audits, err := e.o.Store.Audits(ctx, auditRefused, now.Add(-wrongSpan-lockSpan))
	if err != nil {
		return time.Time{}, err
	}
	var until time.Time
	var wrong []time.Time
	for _, a := range audits {
		if a.Who.Person != person || !strings.HasPrefix(a.Detail, string(fault.Invalid)+": ") {
			continue
		}
		wrong = append(wrong, a.At)
		if n := len(wrong); n >= wrongMost && a.At.Sub(wrong[n-wrongMost]) <= wrongSpan {
			until = a.At.Add(lockSpan)
		}
	}
	return until, nil
}

// refused leaves a trace of a vote that did not count, and locks a person's
// approvals after too many wrong ones.
func (e *Engine) refused(ctx context.Context, v run.Vote, why error) {
	err := e.o.Store.Append(ctx, run.Event{}, run.Audit{
		At: v.At, Who: v.By, Action: auditRefused, Run: v.Run, Detail: string(fault.KindOf(why)) + ": " + fault.Say(why),
	})
	if err == nil && fault.KindOf(why) == fault.Invalid && v.By.Person != "" {
		err = e.tellLocked(ctx, v)
	}
	if err != nil {
		e.o.Logger.WarnContext(ctx, "refused vote is not audited", "run", v.Run, "err", err)
	}
}

// tellLocked raises the alarm once when a person has become locked.
func (e *Engine) tellLocked(ctx context.Context, v run.Vote) error {
	e.locks.Lock()
	defer e.locks.Unlock()
	now, err := e.time(ctx)
	if err != nil {
		return err
	}
	until, err := e.lockedUntil(ctx, v.By.Person, now)
	if err != nil || !now.Before(until) {
		return err
	}
	told, err := e.o.Store.Audits(ctx, auditLocked, now.Add(-lockSpan))
	if err != nil {
		return err
	}
	for _, a := range told {
		if a.Who.Person == v.By.Person {
			return nil
		}
	}
	say := v.By.Person + ": typed wrong counts five times within ten minutes, and cannot approve for the next ten. Ask whether it is really this person / 十分钟内五次写错数目，接下来十分钟不能批准。请确认是不是本人在操作"
	return e.o.Store.Append(ctx, run.Event{Run: v.Run, Kind: run.EventAlarm, Say: say, At: now},
		run.Audit{At: now, Who: v.By, Action: auditLocked, Run: v.Run})
}
