package engine

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// fate is what became of a call whose answer is not known.
type fate uint8

const (
	fateUnknown fate = iota // nothing can be said; a person must look
	fateDone
	fateNothing // it had no effect
	fateBlind   // an UPDATE that cannot be read back
)

// settle finds out what became of a call whose answer was lost: it waits until
// the target cannot be working on it any more, reads, and only then decides. It
// never sends blindly, but for an UPDATE that cannot be read back, which sets
// the same values once more.
func (a *applier) settle(ctx context.Context, c *plan.Change) error {
	if err := wait(ctx, a.calm(c)); err != nil {
		return err
	}
	e := a.entries[c.Seq]
	what, key, err := a.sought(ctx, c)
	if err != nil {
		return err
	}
	switch {
	case what == fateDone:
		return a.done(ctx, c, key)
	case what == fateNothing && e.Sends < maxSends:
		return a.again(ctx, c)
	case what == fateNothing:
		return a.mark(ctx, c, run.StepFailed, sayf("sent %d times without effect / 发送 %d 次均未生效", e.Sends, e.Sends))
	case what == fateBlind && e.Sends < blindSends && a.halt == "":
		return a.again(ctx, c)
	}
	return a.mark(ctx, c, run.StepInDoubt, sayInDoubt)
}

// calm gives how long it is until the target cannot be at work any more on the
// last sending of a change.
func (a *applier) calm(c *plan.Change) time.Duration {
	info := a.flow.Target.Describe()
	calm := info.Settle
	if a.o.Settle > 0 {
		calm = a.o.Settle
	}
	sent := a.entries[c.Seq].Sent
	if a.foreign[c.Seq] {
		sent = a.begun // what another worker's clock showed proves nothing
	}
	return sent.Add(info.CallTimeout + calm).Sub(a.o.Now())
}

// settleLooks is how often the target is read to settle one call: what loses
// answers often is out of reach a little longer.
const settleLooks = 5

// sought gives what became of a call, as often as it takes to read the target.
// When that cannot be done, nothing can be said. The error is that of ctx.
func (a *applier) sought(ctx context.Context, c *plan.Change) (fate, directory.Key, error) {
	for try := 1; ; try++ {
		what, key, err := a.fate(ctx, c)
		switch {
		case err == nil:
			return what, key, nil
		case ctx.Err() != nil:
			return fateUnknown, key, context.Cause(ctx)
		case try == settleLooks || !fault.Retryable(err):
			a.o.Logger.WarnContext(ctx, "lost call cannot be settled", "run", a.run.Code, "op", c.Op, "err", err)
			return fateUnknown, key, nil
		}
		if err := wait(ctx, backoff(try, fault.After(err))); err != nil {
			return fateUnknown, key, err
		}
	}
}

// seen takes the target's word for a DISABLE or DELETE only when the target shows
// it: an account that stays would never be planned again, since its link says that
// it is gone. What else had no effect is in the next plan. A target that cannot be
// read is believed; one whose word and deed differ again and again ends the run.
func (a *applier) seen(ctx context.Context, c *plan.Change, key directory.Key) error {
	what, _, err := a.fate(ctx, c)
	if err == nil && what == fateNothing { // its reads may lag behind its writes
		if err := wait(ctx, a.calm(c)); err != nil {
			return err
		}
		what, _, err = a.fate(ctx, c)
	}
	if ctx.Err() == nil && err == nil && what == fateNothing {
		return a.idle(ctx, c, run.StepInDoubt, fault.New(fault.Unavailable, sayNoEffect))
	}
	a.worn = 0
	keep, done := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer done()
	return a.done(keep, c, key)
}

const sayNoEffect = "the target says that it was done, and shows no effect: please look there / 目标系统返回成功，但数据没有变化，请到目标系统核对"

// belated deals with a CREATE that was sent again and is refused since the object
// is there: the earlier sending may have landed after the target was read. It is
// ours when it shows what was written, else it is somebody else's.
func (a *applier) belated(ctx context.Context, c *plan.Change, cause error) error {
	what, key, err := a.sought(ctx, c)
	if err != nil {
		return err
	}
	if what != fateNothing && c.Key.ID != "" {
		found, err := a.look(ctx, c)
		if err != nil || found.unsure != "" {
			what = fateUnknown
		} else if found.gone || !found.equals(a.resolved(c)) {
			return a.mark(ctx, c, run.StepFailed, fault.Say(cause))
		}
	}
	if what == fateDone {
		return a.done(ctx, c, key)
	}
	return a.mark(ctx, c, run.StepInDoubt, sayInDoubt)
}

const sayInDoubt = "the answer was lost and the target does not show what became of it: please look / 应答丢失，目标系统也看不出结果，请人工核对"

// settleOnce settles a call, and gives it up when it had no effect.
func (a *applier) settleOnce(ctx context.Context, c *plan.Change, cause error) error {
	a.halt = fault.Say(cause)
	defer func() { a.halt = "" }()
	return a.settle(ctx, c)
}

// blindSends is how often an UPDATE that cannot be read back is sent in all.
const blindSends = 2

// again sends a call that had no effect, after the same checks as at first, if
// it may still be sent.
func (a *applier) again(ctx context.Context, c *plan.Change) error {
	held, err := a.stopped(ctx)
	switch {
	case err != nil:
		return err
	case a.halt != "":
		return a.mark(ctx, c, run.StepFailed, a.halt)
	case held == brakePause && a.allowed(c):
		return cmp.Or(a.mark(ctx, c, run.StepPending, ""), errPaused)
	case held == brakeCancel, !a.allowed(c):
		return a.mark(ctx, c, run.StepSkipped, "had no effect, and may not be sent again / 没有生效，且不能再次发送")
	}
	return a.attempt(ctx, c)
}

func (a *applier) fate(ctx context.Context, c *plan.Change) (fate, directory.Key, error) {
	if c.Op == plan.Create && a.targetKey(c).ID == "" {
		return a.fateOfNameless(ctx, c)
	}
	found, err := a.look(ctx, c)
	key := a.targetKey(c)
	switch {
	case err != nil:
		return fateUnknown, key, err
	case found.unsure != "":
		return fateUnknown, key, nil
	}
	switch c.Op {
	case plan.Create:
		if !found.gone && a.strange(c, found) {
			return fateUnknown, key, nil
		}
		return whether(!found.gone), key, nil
	case plan.Delete:
		return whether(found.gone), key, nil
	case plan.Disable:
		if found.gone || found.object.Attributes[directory.AttrActive].Type() == directory.Unknown {
			return fateUnknown, key, nil
		}
		return whether(!found.object.Active), key, nil
	default:
		return a.fateOfUpdate(c, found), key, nil
	}
}

// strange tells whether an object under our id shows another text than was written: it
// may be somebody else's, who got the id in the same moment. What it lacks a CREATE that
// was done in part has not written yet.
func (a *applier) strange(c *plan.Change, found finding) bool {
	id := abilities(a.flow.Target.Describe()).IDAttribute[c.Key.Kind]
	for name, v := range a.resolved(c) {
		have := found.object.Attributes[name]
		if name == id || v.Type() != directory.Text || have.Type() != directory.Text || have.IsEmpty() {
			continue
		}
		if !mapping.Same(name, v, have) && mapping.Normal(name, v.Text()) != mapping.Normal(name, have.Text()) {
			return true
		}
	}
	return false
}

func whether(done bool) fate {
	if done {
		return fateDone
	}
	return fateNothing
}

func (a *applier) fateOfUpdate(c *plan.Change, found finding) fate {
	switch {
	case found.gone:
		return fateUnknown
	case !found.readable(c.After):
		return fateBlind
	case found.equals(a.resolved(c)):
		return fateDone
	case found.equals(c.Before), found.halfway(c.Before, a.resolved(c)):
		return fateNothing
	default:
		return fateUnknown
	}
}

// fateOfNameless looks for an object that a CREATE may have made in a target
// that gives the ids: one that is linked to nothing and shows every value that
// was written. One that hides some of them may be anybody's.
//
// That there is none proves that the call had no effect only when the listing is
// complete and would show it. Where the target hides something, that is so when
// every object that is linked to nothing shows all that was written: what is
// hidden then was not written, and the new object, if it were there, would be
// among them with just those values.
func (a *applier) fateOfNameless(ctx context.Context, c *plan.Change) (fate, directory.Key, error) {
	snap, err := a.flow.Target.Read(ctx)
	if err != nil {
		return fateUnknown, directory.Key{}, fmt.Errorf("read target: %w", err)
	}
	linked := a.linked()
	want := a.resolved(c)
	var matches []directory.Key
	hides, shown := false, true
	for o := range snap.All(c.Key.Kind) {
		f := finding{object: o}
		if linked[o.Key] {
			continue
		}
		shown = shown && f.shows(want) && f.has(want)
		if f.equals(want) {
			matches = append(matches, o.Key)
			hides = hides || !f.shows(want)
		}
	}
	switch {
	case len(matches) == 1 && !hides:
		return fateDone, matches[0], nil
	case len(matches) == 0 && snap.Complete() && (shown || len(snap.Health.Hidden) == 0):
		return fateNothing, directory.Key{}, nil
	default:
		return fateUnknown, directory.Key{}, nil
	}
}

// linked gives the objects of the target that are linked to one of the source.
func (a *applier) linked() map[directory.Key]bool {
	out := map[directory.Key]bool{}
	for _, l := range a.links {
		if l.Live() {
			out[l.Target] = true
		}
	}
	return out
}
