package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// errReadSpent is why a reading is broken off.
var errReadSpent = errors.New("the time of the reading is spent")

// inReadTime lets a reading take Options.ReadTime. What came by then is not used: slow
// says in both languages what was not read.
func (w *worker) inReadTime(ctx context.Context, work func(context.Context) error, slow func() (en, zh string)) error {
	within, cancel := context.WithTimeoutCause(ctx, w.o.ReadTime, errReadSpent)
	defer cancel()
	err := work(within)
	if ctx.Err() != nil || !errors.Is(context.Cause(within), errReadSpent) {
		return err
	}
	en, zh := slow()
	return fault.New(fault.Unavailable, "%s was not read within %s, and nothing of it is used: look why it is slow, or raise timing.read / %s在 %s 内没有读完，读到的一概不用：请检查它为什么慢，或调大 timing.read",
		en, short(w.o.ReadTime), zh, short(w.o.ReadTime))
}

// readTarget reads the target for a run that reads no listing of the source.
func (w *worker) readTarget(ctx context.Context, code run.Code) (target *directory.Snapshot, err error) {
	err = w.inReadTime(ctx, func(ctx context.Context) (err error) {
		defer w.caught(&err)
		if target, err = w.patiently(ctx, code, w.flow.Target.Read); err != nil {
			return fmt.Errorf("read target: %w", err)
		}
		return nil
	}, w.targetNames)
	return target, err
}

func (w *worker) targetNames() (en, zh string) {
	return "target " + w.flow.To, "目标 " + w.flow.To + " "
}

// patiently reads, and reads again as long as the system says nothing but that it is
// busy: after growing times, and never sooner than it asks for. It gives up when the
// waits would be longer than a reading may take, and when a person has ended the run.
func (w *worker) patiently(ctx context.Context, code run.Code, read func(context.Context) (*directory.Snapshot, error)) (*directory.Snapshot, error) {
	waited, count := time.Duration(0), connector.CounterOf(ctx)
	for try := 1; ; try++ {
		snap, err := read(ctx)
		if err == nil || ctx.Err() != nil || !busy(err) {
			return snap, err
		}
		d, most := max(fault.After(err), min(waitFirst<<min(try-1, 10), waitAsked)), w.o.ReadTime
		if fault.After(err) <= 0 {
			most = min(most, busyMost)
		}
		if waited += d; waited >= most {
			return nil, err
		}
		w.o.Logger.WarnContext(ctx, "a system is busy, it is read again", "run", code, "flow", w.flow.Plan.Name, "wait", d, "err", err)
		if err := w.o.Sleep(ctx, d); err != nil {
			return nil, err
		}
		if r, getErr := w.o.Store.Run(ctx, code); getErr == nil && r.State.Ended() {
			return nil, err
		}
		users, departments := count.Count()
		count.Users(-users) // they are counted again
		count.Departments(-departments)
	}
}

// busyMost is how long a system is waited for that does not say for how long: somebody
// should look at it then.
const busyMost = 10 * time.Minute

// busy tells whether a system only asks to come back later.
func busy(err error) bool {
	return fault.KindOf(err) == fault.Limited || fault.KindOf(err) == fault.Unavailable && fault.After(err) > 0
}
