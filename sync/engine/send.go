package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

func sayf(format string, args ...any) string { return fmt.Sprintf(format, args...) }

// attempt checks a change against the world as it is now, and sends it.
func (a *applier) attempt(ctx context.Context, c *plan.Change) error {
	write, say := a.write(c)
	if say != "" {
		return a.mark(ctx, c, run.StepSkipped, say)
	}
	step, say, err := a.check(ctx, c)
	if err != nil {
		return a.lookFailed(ctx, c, err)
	}
	a.unread = 0
	if step != run.StepPending {
		return a.mark(ctx, c, step, say)
	}
	return a.send(ctx, c, write)
}

// write gives what is sent: every pending reference is replaced by the target
// id that its link has by now.
func (a *applier) write(c *plan.Change) (connector.Write, string) {
	w := connector.Write{Op: c.Op, Key: a.targetKey(c), Token: token(a.run.Code, c.Seq), After: directory.Attributes{}}
	for _, name := range c.After.Names() {
		v := c.After[name]
		if v.Type() != directory.Refs {
			w.After[name] = v
			continue
		}
		refs := v.Refs()
		for i, ref := range refs {
			if !ref.Pending {
				continue
			}
			l := a.links[ref.Key]
			if l == nil || !l.Live() {
				return w, sayf("%s refers to %s, which was not created / %s 引用的 %s 没有被创建", name, ref.ID, name, ref.ID)
			}
			refs[i] = directory.Ref{Key: l.Target}
		}
		w.After[name] = directory.RefsTo(refs...)
	}
	if w.Key.ID == "" && c.Op != plan.Create {
		return w, "the target object is not known / 目标对象未知"
	}
	return w, ""
}

func token(code run.Code, seq int) string {
	return strings.ToLower(string(code)) + "-" + fmt.Sprint(seq)
}

// maxSends is how often one change may be sent when earlier sendings had no
// effect.
const maxSends = 5

// send makes the call. Sending is in the journal before it.
func (a *applier) send(ctx context.Context, c *plan.Change, w connector.Write) error {
	limit := a.flow.Target.Describe().CallTimeout
	if err := a.hold.room(ctx, limit); err != nil {
		return err
	}
	if err := a.mark(ctx, c, run.StepSending, ""); err != nil {
		return err
	}
	// The next owner counts from the journal's time, so the call does as well.
	callCtx, cancel := context.WithTimeout(ctx, limit-a.o.Now().Sub(a.entries[c.Seq].Sent))
	key, err := a.flow.Target.Apply(callCtx, w)
	cancel()
	switch {
	case err == nil && (c.Op == plan.Disable || c.Op == plan.Delete):
		return a.seen(ctx, c, key)
	case err == nil:
		a.worn = 0
		keep, done := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
		defer done()
		return a.done(keep, c, key)
	case ctx.Err() != nil:
		return context.Cause(ctx) // the entry stays in sending and is settled by whoever comes
	default:
		return a.answerTo(ctx, c, err)
	}
}

func (a *applier) done(ctx context.Context, c *plan.Change, key directory.Key) error {
	e := a.entries[c.Seq]
	if key.ID != "" {
		e.Key = key
	}
	if c.Cause.Kind == plan.CauseUndo && c.Op == plan.Update {
		a.vacancy = nil // an undo moves people out of departments between deletions
	}
	a.entries[c.Seq] = e
	return a.mark(ctx, c, run.StepDone, "")
}

// answerTo deals with a call that did not succeed.
func (a *applier) answerTo(ctx context.Context, c *plan.Change, cause error) error {
	switch fault.KindOf(cause) {
	case fault.Limited, fault.Unavailable:
		sends := a.entries[c.Seq].Sends
		if sends >= maxSends {
			return a.idle(ctx, c, run.StepFailed, cause)
		}
		if err := wait(ctx, backoff(sends, fault.After(cause))); err != nil {
			return err
		}
		return a.again(ctx, c)
	case fault.InDoubt:
		return a.settle(ctx, c)
	case fault.Internal: // what a connector does not understand may have happened
		if !errors.Is(cause, context.DeadlineExceeded) {
			return a.settleOnce(ctx, c, cause)
		}
		return a.settle(ctx, c)
	case fault.Credential:
		if err := a.mark(ctx, c, run.StepFailed, fault.Say(cause)); err != nil {
			return err
		}
		return cause
	case fault.Conflict:
		if c.Op == plan.Create && a.entries[c.Seq].Sends > 1 {
			return a.belated(ctx, c, cause)
		}
		return a.mark(ctx, c, run.StepFailed, fault.Say(cause))
	case fault.NotFound:
		if c.Op == plan.Delete {
			return a.mark(ctx, c, run.StepAlready, "")
		}
		return a.mark(ctx, c, run.StepSkipped, fault.Say(cause))
	default:
		return a.mark(ctx, c, run.StepFailed, fault.Say(cause))
	}
}

// idle gives a change up that the target does not do; after some in a row, the run.
func (a *applier) idle(ctx context.Context, c *plan.Change, step run.Step, cause error) error {
	if err := a.mark(ctx, c, step, fault.Say(cause)); err != nil {
		return err
	}
	if a.worn++; a.worn >= maxWorn {
		return wornOutError{cause}
	}
	return nil
}

// maxWorn is how many changes in a row may be given up.
const maxWorn = 3

// The waits between two tries: full jitter below a doubling ceiling, or as the
// other side asked, within reason.
const (
	waitFirst = time.Second
	waitMost  = 30 * time.Second
	waitAsked = 2 * time.Minute
)

func backoff(try int, asked time.Duration) time.Duration {
	if asked > 0 {
		return min(asked, waitAsked)
	}
	ceiling := min(waitFirst<<max(0, try-1), waitMost)
	return ceiling/2 + rand.N(ceiling/2) //nolint:gosec // jitter needs no secret randomness
}

func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// maxUnread is how many changes in a row may be skipped since a system does not
// answer: each of them waits out its time-outs.
const maxUnread = 10

// lookFailed skips a change whose object cannot be read now; wrong credentials
// end the run, and so does a system that does not answer again and again.
func (a *applier) lookFailed(ctx context.Context, c *plan.Change, cause error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if fault.KindOf(cause) == fault.Credential && a.entries[c.Seq].Step == run.StepPending {
		return cause
	}
	en, zh := fault.In(fault.Say(cause), "en"), fault.In(fault.Say(cause), "zh")
	err := a.mark(ctx, c, run.StepSkipped, sayf("not touched, it could not be checked: %s / 未执行，无法核对：%s", en, zh))
	switch {
	case err != nil:
		return err
	case fault.KindOf(cause) == fault.Credential:
		return cause
	case fault.Retryable(cause):
		if a.unread++; a.unread >= maxUnread {
			return wornOutError{cause}
		}
	}
	return nil
}
