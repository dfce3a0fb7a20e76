package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/sync/fault"
)

const (
	// mostSkew is how far our clock may be from that of the record: when letters are
	// due and settle times are reckoned by the clocks of all replicas.
	mostSkew = 5 * time.Second
	// clockLook is how often the clocks are compared.
	clockLook = time.Minute
)

const (
	// readyTime bounds the look at the record.
	readyTime = 1900 * time.Millisecond
	// readyRest is how long the last look counts: the question is open to everybody,
	// and each look writes.
	readyRest = 250 * time.Millisecond
)

// readiness is what the last look found.
type readiness struct {
	mu  sync.Mutex
	at  time.Time
	err error
}

// ready tells whether this process can work: its record can be written, and its
// clock agrees with it. Faults: Unavailable.
func (a *app) ready(ctx context.Context) error {
	r := &a.looked
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.at.IsZero() && time.Since(r.at) < readyRest {
		return r.err
	}
	// Whoever asked may go away, and others read the answer.
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), readyTime, errors.New("the record does not answer"))
	defer cancel()
	if r.err = a.store.Ping(ctx); r.err == nil {
		r.err = a.skewed(ctx)
	}
	r.at = time.Now()
	return r.err
}

// skewed compares our clock with that of the record, the one clock that all replicas
// share. Faults: Unavailable when they differ too much, or cannot be compared.
func (a *app) skewed(ctx context.Context) error {
	offset, has, err := a.store.ClockOffset(ctx)
	switch {
	case err != nil:
		return err
	case has && offset.Abs() > mostSkew:
		off := askew(offset)
		return fault.New(fault.Unavailable, "%s: set both right (NTP) / %s：请校准两边的时间（NTP）", off.EN, off.ZH)
	default:
		return nil
	}
}

// askew says how far PostgreSQL's clock is ahead of ours, or behind.
func askew(offset time.Duration) bot.Text {
	by := offset.Abs().Round(time.Millisecond)
	if offset < 0 {
		return bot.Text{EN: fmt.Sprintf("the clock of PostgreSQL is %s behind this machine's", by), ZH: fmt.Sprintf("PostgreSQL 的时钟比本机慢 %s", by)}
	}
	return bot.Text{EN: fmt.Sprintf("the clock of PostgreSQL is %s ahead of this machine's", by), ZH: fmt.Sprintf("PostgreSQL 的时钟比本机快 %s", by)}
}

// recordTime gives the time of the record, the one clock that all replicas share; ours
// where the record has none. Faults: Unavailable.
func (a *app) recordTime(ctx context.Context) (time.Time, error) {
	offset, _, err := a.store.ClockOffset(ctx)
	return a.p.now().Add(offset), err
}

// keepClock tells the log, ever again, of clocks that differ.
func (a *app) keepClock(ctx context.Context) error {
	tick := time.NewTicker(clockLook)
	defer tick.Stop()
	for {
		offset, has, err := a.store.ClockOffset(ctx)
		if err == nil && has && offset.Abs() > mostSkew { // a record that does not answer is told elsewhere
			a.log.ErrorContext(ctx, "clocks differ, messages come early or late", "record_ahead", offset.String())
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// recordClock compares our clock with that of the record.
func (d *doctor) recordClock(ctx context.Context) []bot.Check {
	offset, has, err := d.store.ClockOffset(ctx)
	switch {
	case err != nil:
		return d.judged("record", err, bot.Text{})
	case !has:
		return nil
	case offset.Abs() > mostSkew:
		return []bot.Check{{
			Level: bot.Broken, Say: askew(offset),
			Fix: bot.Text{EN: "Set the clocks of both machines by NTP.", ZH: "请用 NTP 校准两台机器的时间。"},
		}}
	default:
		return []bot.Check{fine("its clock agrees with ours", "时钟与本机一致")}
	}
}
