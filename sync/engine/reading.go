package engine

import (
	"context"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/run"
)

// counters count what is read of source and target.
type counters struct{ source, target connector.Counter }

func (c *counters) reading() run.Counted {
	var r run.Counted
	r.SourceUsers, r.SourceDepartments = c.source.Count()
	r.TargetUsers, r.TargetDepartments = c.target.Count()
	return r
}

// tellReading tells people now and then how far a reading is, until done is
// closed.
func (w *worker) tellReading(ctx context.Context, code run.Code, c *counters, done <-chan struct{}) {
	tick := time.NewTicker(w.o.Progress)
	defer tick.Stop()
	var told run.Counted
	for {
		select {
		case <-done:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if now := c.reading(); now != told {
			told = now
			w.keepReading(ctx, code, now)
		}
	}
}

func (w *worker) keepReading(ctx context.Context, code run.Code, now run.Counted) {
	_, err := w.o.Store.UpdateRun(ctx, code, run.Actor{}, func(r *run.Run) error {
		if r.State == run.Reading {
			r.Read = now
		}
		return nil
	})
	if err == nil {
		err = w.o.Store.Append(ctx, run.Event{Run: code, Kind: run.EventProgress, At: w.o.Now()}, run.Audit{})
	}
	if err != nil && ctx.Err() == nil {
		w.o.Logger.WarnContext(ctx, "progress is not told", "run", code, "err", err)
	}
}
