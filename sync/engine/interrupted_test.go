package engine_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// away is what the record says while it is away.
type away struct{ error }

// OfRecord tells it from what a system says.
func (away) OfRecord() bool { return true }

// TestP09_ARunThatTheRecordInterruptsBeginsAgain: what broke off while a run was planned,
// and is back by the time the run could be ended, is no reason to end it. What stays
// away is one.
func TestP09_ARunThatTheRecordInterruptsBeginsAgain(t *testing.T) {
	t.Parallel()
	cut := fault.Wrap(fault.Unavailable, away{errors.New("connection reset")}, "the record cannot be written / 数据库暂时无法读写")
	for name, c := range map[string]struct {
		err   error
		times int64
		want  run.State
		tries int64 // at least
	}{
		"cut three times":            {cut, 3, run.Succeeded, 4},
		"away for good":              {cut, 1 << 40, run.Failed, 10},
		"a system is away":           {fault.New(fault.Unavailable, "no answer / 没有应答"), 1 << 40, run.Failed, 1},
		"the record knows no better": {fault.Wrap(fault.Internal, away{errors.New("constraint")}, "in trouble / 出错"), 1 << 40, run.Failed, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var tries atomic.Int64
			story(t, 3, func(w *world) {
				w.record = &faulty{Store: w.store, rules: func() error {
					if tries.Add(1) <= c.times {
						return c.err
					}
					return nil
				}}
			}, func(w *world) {
				code := w.start(true).Code
				<-time.After(15 * time.Minute)
				r, err := w.store.Run(w.t.Context(), code)
				if err != nil || r.State != c.want {
					w.t.Errorf("the run is %s: %s, %v, want %s", r.State, r.Reason, err, c.want)
				}
				if n := tries.Load(); n < c.tries || c.tries == 1 && n > 1 {
					w.t.Errorf("it was begun %d times, want %d", n, c.tries)
				}
			})
		})
	}
}
