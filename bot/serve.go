package bot

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rollcallhq/rollcall/sync/outage"
)

// Serve listens to every platform, answers, tells of runs, sends, and posts the
// digests, until ctx ends; everything that it started has ended when it returns.
// It gives nil: what goes wrong meanwhile is logged and tried again.
func (b *Bot) Serve(ctx context.Context) error {
	var g errgroup.Group
	for _, p := range b.o.Platforms {
		g.Go(func() error { b.listen(ctx, p); return nil })
	}
	g.Go(func() error { newInbox(b).serve(ctx); return nil })
	g.Go(func() error { b.loop(ctx, "journal", nil, b.readJournal); return nil })
	for _, x := range b.out {
		g.Go(func() error { x.serve(ctx); return nil })
	}
	g.Go(func() error { b.loop(ctx, "digest", nil, newTimetable(b).step); return nil })
	return g.Wait()
}

// listen keeps a platform's ear open. One that breaks is opened again, ever more
// slowly: the other platforms must not suffer.
func (b *Bot) listen(ctx context.Context, p Platform) {
	for wait := time.Second; ; wait = min(2*wait, longestWait) {
		began := b.o.Now()
		err := p.Listen(ctx, b.Receive)
		if ctx.Err() != nil {
			return
		}
		b.o.Logger.ErrorContext(ctx, "platform stops listening", "platform", p.Name(), "err", err)
		if b.o.Now().Sub(began) > longestWait {
			wait = time.Second
		}
		pause(ctx, nil, wait)
	}
}

// longestWait is the longest pause before a platform is listened to again; recordWait
// that of a loop whose record is away, which is ours and need not be spared: who waits
// for an answer waits as long after it is back.
const (
	longestWait = time.Minute
	recordWait  = 10 * time.Second
)

// loop repeats a step until ctx ends: at once while there is more to do,
// otherwise when the bell rings or after a while.
func (b *Bot) loop(ctx context.Context, name string, bell chan struct{}, step func(context.Context) (more bool, err error)) {
	wait, away := b.o.Poll, &outage.Spell{}
	for ctx.Err() == nil {
		more, err := b.survived(ctx, name, step)
		switch {
		case err != nil && ctx.Err() == nil:
			b.stumbles(ctx, away, name, err)
			pause(ctx, nil, wait)
			wait = min(2*wait, recordWait)
		case err == nil:
			b.steady(ctx, away, name)
			wait = b.o.Poll
			if !more {
				pause(ctx, bell, wait)
			}
		}
	}
}

// stumbles logs an error of a loop, unless it was told just now.
func (b *Bot) stumbles(ctx context.Context, away *outage.Spell, loop string, err error) {
	if tell, times := away.Bad(b.o.Now()); tell {
		b.o.Logger.ErrorContext(ctx, "conversation stumbles", "loop", loop, "times", times, "err", err)
	}
}

// steady logs that a loop that stumbled goes on.
func (b *Bot) steady(ctx context.Context, away *outage.Spell, loop string) {
	if tell, lasted := away.Good(b.o.Now()); tell {
		b.o.Logger.InfoContext(ctx, "conversation goes on", "loop", loop, "took", lasted.String())
	}
}

// survived makes an error of a panic: one loop must not end the others.
func (b *Bot) survived(ctx context.Context, name string, step func(context.Context) (more bool, err error)) (more bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			b.o.Logger.ErrorContext(ctx, "conversation panics", "loop", name, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			more, err = false, errors.New("the step panics")
		}
	}()
	return step(ctx)
}

// pause waits for the bell, at most a while. A nil bell never rings.
func pause(ctx context.Context, bell chan struct{}, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-bell:
	case <-timer.C:
	}
}
