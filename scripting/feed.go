package scripting

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/rollcallhq/rollcall/sync/plan"
)

// A feed gives its place to another that waits after so many stretches, or so much
// time: neither a long run nor a slow rule may keep a short one waiting to its end.
const (
	turnSpans = 20
	turnTime  = 10 * time.Second
)

// span is a stretch of the subjects.
type span struct {
	from, to int // what is left of it: from moves on with each verdict
	again    bool
}

// feed feeds one child after another. The child gets the next stretch while it
// judges one. When it dies, the objects without a verdict in the stretch that it was
// at go to the next child one by one, until one kills that too: it is the offender.
type feed struct {
	j     *judging
	child *child
	vigil *vigil

	todo    []span // in order; none is empty
	sent    int    // how many of them the child has
	again   []int  // objects to judge once more, each alone
	suspect int    // so many in front are suspected of the last child's death
	placed  bool   // it has a place among the slots
	served  int    // stretches since it got that
	since   time.Time
	body    []byte // of the last batch, for its room
}

// end gives back what the feed holds.
func (f *feed) end() {
	switch {
	case f.child == nil:
	case f.vigil.end():
		f.j.h.give(f.child)
	default:
		_ = f.child.death(f.vigil)
	}
	if f.placed {
		f.j.h.o.Slots.give()
	}
}

// run feeds until nothing is left.
func (f *feed) run(ctx context.Context) error {
	for {
		err := f.j.spent()
		if err == nil {
			err = f.fill(ctx)
		}
		if err == nil && f.sent == 0 && len(f.todo) == 0 {
			return nil
		}
		if err == nil {
			err = f.listen()
		}
		switch dead, ok := errors.AsType[*deathError](err); {
		case ctx.Err() != nil:
			f.drop()
			return context.Cause(ctx)
		case ok:
			f.bury(dead)
		case err != nil:
			f.drop()
			return err
		}
	}
}

// drop ends the child: nobody waits for what it has.
func (f *feed) drop() {
	if f.child != nil {
		_ = f.child.death(f.vigil)
		f.child = nil
	}
}

// fill gives the child as much as it may have. What it has is 0 only when nothing is
// left.
func (f *feed) fill(ctx context.Context) error {
	for f.ready() {
		if f.sent == len(f.todo) {
			more, err := f.more(ctx)
			if err != nil || !more {
				return err
			}
		}
		if err := f.send(ctx); err != nil {
			return err
		}
	}
	return nil
}

// ready tells whether the child may have more. An object that is looked at closely
// is alone in it.
func (f *feed) ready() bool {
	if f.sent == 0 {
		return true
	}
	return f.sent < ahead && f.suspect == 0 && !f.todo[0].again
}

// more gets another stretch.
func (f *feed) more(ctx context.Context) (bool, error) {
	if n := len(f.again); n > 0 {
		if f.sent == 0 {
			f.todo = append(f.todo, span{from: f.again[0], to: f.again[0] + 1, again: true})
			f.again = f.again[1:]
		}
		return f.sent == 0, nil
	}
	if f.turned() && f.j.h.o.Slots.wanted() {
		if f.sent > 0 {
			return false, nil
		}
		if err := f.pass(ctx); err != nil {
			return false, err
		}
	}
	s, ok := f.j.next(f.sent > 0)
	if ok {
		f.todo = append(f.todo, s)
		f.served++
	}
	return ok, nil
}

// turned tells whether the feed has had its turn.
func (f *feed) turned() bool {
	return f.served >= turnSpans || f.served > 0 && f.j.h.o.Now().Sub(f.since) >= turnTime
}

// pass lets others have the place for a while.
func (f *feed) pass(ctx context.Context) error {
	f.j.h.o.Slots.give()
	var err error
	f.placed, err = f.j.h.o.Slots.take(ctx, nil)
	f.served, f.since = 0, f.j.h.o.Now()
	return err
}

// send gives the child the first stretch that it does not have.
func (f *feed) send(ctx context.Context) error {
	if f.child == nil {
		c, err := f.j.h.take(ctx)
		if err != nil {
			return err
		}
		f.child, f.vigil = c, c.watchOver(ctx, f.j.h.o.BatchTime)
	}
	s := f.todo[f.sent]
	if f.suspect > 0 {
		s.to = s.from + 1
	}
	b := batch{generation: f.j.number, logs: f.j.wantLogs, now: f.j.now, kind: f.j.kind}
	body, n := b.encode(f.body[:0], f.j.subjects[s.from:s.to])
	f.body = body
	if cap(f.body) > maxFrame/8 { // one large batch must not cost memory for ever
		f.body = nil
	}
	if n == 0 { // not even the first fits
		f.j.verdicts[s.from] = plan.Verdict{Failed: &plan.RuleError{File: f.j.file(), Say: textTooBig.String()}}
		if f.todo[f.sent].from++; f.todo[f.sent].from == f.todo[f.sent].to {
			f.todo = slices.Delete(f.todo, f.sent, f.sent+1)
		}
		return nil
	}
	f.cut(s.from + n)
	if f.sent == 0 {
		f.vigil.heard()
	}
	f.sent++
	if f.child.tell(frameBatch, body) != nil {
		return f.child.death(f.vigil)
	}
	return nil
}

// cut ends the stretch that is sent at an object; the rest becomes the next one.
func (f *feed) cut(to int) {
	s := &f.todo[f.sent]
	if to < s.to {
		f.todo = slices.Insert(f.todo, f.sent+1, span{from: to, to: s.to, again: s.again})
		f.todo[f.sent].to = to
	}
}

// trim takes away the stretches that are judged.
func (f *feed) trim() {
	f.todo = slices.DeleteFunc(f.todo, func(s span) bool { return s.from >= s.to })
}

// listen takes one frame from the child. The error is a *deathError when there is
// none, or when it is nonsense.
func (f *feed) listen() error {
	got, err := readFrame(f.child.out)
	if err != nil {
		return f.child.death(f.vigil)
	}
	f.vigil.heard()
	switch got.kind {
	case frameEnd:
		err = f.finished()
	case frameVerdict:
		err = f.verdicts(got.body)
	case frameLookup:
		err = f.answer(got.body)
	default:
		err = errFrame
	}
	if err != nil { // nonsense or a broken pipe: the child is of no use
		return f.child.death(f.vigil)
	}
	return nil
}

// finished is the end of a batch.
func (f *feed) finished() error {
	if f.sent == 0 || f.todo[0].from < f.todo[0].to {
		return errFrame
	}
	f.todo = f.todo[1:]
	f.suspect = max(f.suspect-1, 0)
	if f.sent--; f.sent == 0 {
		f.vigil.rest()
	}
	return nil
}

// verdicts keeps some verdicts of the first batch.
func (f *feed) verdicts(body []byte) error {
	f.j.bytes.Add(int64(len(body)))
	p := scanner{rest: body}
	for len(p.rest) > 0 {
		one := p.bytes()
		s := &f.todo[0]
		if p.bad || s.from >= s.to {
			return errFrame
		}
		again, err := f.j.take(s.from, one, !s.again)
		if err != nil {
			return err
		}
		if again {
			f.again = append(f.again, s.from)
		}
		s.from++
	}
	return p.done()
}

// bury draws the lesson from a child's death: who is to blame, and how the others
// go on.
func (f *feed) bury(dead *deathError) {
	alone := f.suspect > 0 || f.todo[0].again
	f.child, f.sent = nil, 0
	if f.todo[0].from >= f.todo[0].to { // it died behind the last verdict of a batch
		alone = false
		f.suspect = max(f.suspect-1, 0)
	}
	f.trim()
	if len(f.todo) == 0 {
		return
	}
	s := &f.todo[0]
	i := s.from
	switch {
	case dead.silent && !s.again && f.j.chance():
		f.again = append(f.again, i)
	case dead.silent:
		f.j.blame(i, textOverstayed.sayf(f.j.h.o.ObjectTime))
		f.j.deaths.Add(1)
	case alone:
		f.j.blame(i, textDied.with(dead.cause))
		f.j.deaths.Add(1)
	default:
		f.suspect = s.to - s.from
		return
	}
	f.suspect = 0 // the offender is found
	s.from++
	f.trim()
}

// answer looks an object up for the child.
func (f *feed) answer(body []byte) error {
	l, err := decodeLookup(body)
	if err != nil {
		return err
	}
	f.vigil.rest() // it waits for us
	f.j.lookMu.Lock()
	found := l.answer(f.j.look)
	f.j.lookMu.Unlock()
	f.vigil.heard()
	return f.child.tell(frameAnswer, encodeAnswer(found))
}
