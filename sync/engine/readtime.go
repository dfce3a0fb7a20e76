package engine

import (
	"context"
	"errors"

	"github.com/rollcallhq/rollcall/sync/fault"
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
