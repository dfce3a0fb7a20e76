package bot

import (
	"context"
	"time"

	"github.com/rollcallhq/rollcall/sync/run"
)

// inHand is how long a letter that waits for its turn stays with its sender at most.
// Giving it back and taking it again costs the record two writes each time, and
// where the whole app has to wait nobody else is kept waiting by it.
const inHand = 3 * time.Second

// passage is a letter's way through the limits that hold for it, the narrowest first.
type passage struct {
	b     *Bot
	all   []limit
	uses  int // of each, since it is said in so many messages
	taken int // so many of them have let it through
}

// mustWait tells how long a letter has to wait for its turn; 0 takes the turn.
func (b *Bot) mustWait(ctx context.Context, o Outgoing) time.Duration {
	return b.awaitTurn(ctx, o, 0)
}

// asideTurn tells how long a message that is said beside the outbox has to wait for room
// in its chat; 0 takes the turn. The app's own limit does not keep it waiting.
func (b *Bot) asideTurn(ctx context.Context, o Outgoing) time.Duration {
	t := passage{b: b, uses: 1}
	for _, l := range b.limits(o) {
		if l.Scope == PaceChat {
			t.all = append(t.all, l)
		}
	}
	wait, _ := t.take(ctx)
	return wait
}

// awaitTurn waits for a letter's turn, as long as the patience lasts, where the
// whole app has to wait. It gives how long is to be waited yet, 0 when it is its
// turn.
func (b *Bot) awaitTurn(ctx context.Context, o Outgoing, patience time.Duration) time.Duration {
	t := passage{b: b, all: b.limits(o), uses: 1}
	if len(t.all) > 0 {
		t.uses = b.messages(ctx, o)
	}
	for {
		wait, app := t.take(ctx)
		if wait == 0 || !app || wait > patience || ctx.Err() != nil {
			return wait
		}
		pause(ctx, nil, wait)
		patience -= wait
	}
}

// take asks the limits that have not let the letter through yet, and tells whether
// the one that refuses is of the whole app. What is closed is not asked, and then
// nothing is: a narrow limit would count a letter that a wide one keeps from going,
// and be full of those.
func (t *passage) take(ctx context.Context) (wait time.Duration, app bool) {
	rest := t.all[t.taken:]
	for _, l := range rest {
		if wait := t.b.pace.silent(l.key); wait > 0 {
			return wait, l.Scope == PaceApp
		}
	}
	for _, l := range rest {
		uses := t.uses
		if l.Scope == PaceMessage { // a card that is drawn again is one
			uses = 1
		}
		if wait := t.b.pace.takeAll(ctx, l, uses); wait > 0 {
			t.b.pace.hush(l.key, wait) // nobody comes through before
			return wait, l.Scope == PaceApp
		}
		t.taken++
	}
	return 0, false
}

// closed tells how long nothing can go by a way, since the whole app has to wait.
// Robots have each a limit of their own.
func (b *Bot) closed(way run.Platform) time.Duration {
	longest := time.Duration(0)
	if way == byRobots || way == "" {
		return longest
	}
	for _, l := range b.limits(Outgoing{Platform: way}) {
		if l.Scope == PaceApp {
			longest = max(longest, b.pace.silent(l.key))
		}
	}
	return longest
}
