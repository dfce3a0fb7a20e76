package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/outage"
	"github.com/rollcallhq/rollcall/sync/run"
)

const (
	senders = 8 // letters of different lanes on their way at once, of each way
	// holdTime is for how long a letter is ours. Within it the app and the webhook
	// may both be tried; with less than beginTime left it is not begun, for another
	// replica may take it before it is over.
	// When its holder dies, its lane waits for so long.
	holdTime  = 30 * time.Second
	sendTime  = 12 * time.Second
	beginTime = 25 * time.Second
	// skewTime is by how much the clocks of two replicas may differ.
	skewTime = 5 * time.Second
	// noteTime bounds how long is tried to note what became of a letter.
	noteTime = 5 * time.Second
	// sendTries is how often is tried what fails for a reason that nobody knows,
	// and how often the app before its room's webhook speaks.
	sendTries = 5
	firstWait = 2 * time.Second
	lastWait  = 5 * time.Minute
	// patience is how long is tried what may yet succeed: an outage, a slow
	// platform, credentials that an admin repairs. Later nobody waits for it.
	patience = 12 * time.Hour
	// silence is how long a platform may make us wait before the webhook speaks.
	silence = time.Minute
)

// byRobots is the way of the letters that no app sends.
const byRobots = run.Platform("robots")

// outbox sends by one way: a platform that hangs keeps no other waiting.
type outbox struct {
	b    *Bot
	way  run.Platform // "" = every way
	bell chan struct{}
	hand time.Duration // how long a letter that waits for its turn is kept in hand

	busy atomic.Int32 // letters on their way
	mu   sync.Mutex
	next time.Time // when the first letter that was put off here is due; zero: none is
}

// serve sends what is due until ctx ends. Letters of different lanes go side by
// side; one that hangs keeps only its own lane waiting.
func (x *outbox) serve(ctx context.Context) {
	var group sync.WaitGroup
	defer group.Wait()
	name := strings.TrimSuffix("outbox "+string(x.way), " ")
	var away outage.Spell
	for wait := x.b.o.Poll; ctx.Err() == nil; {
		more, err := x.b.survived(ctx, "outbox", func(ctx context.Context) (bool, error) { return x.begin(ctx, &group) })
		if err != nil && ctx.Err() == nil {
			x.b.stumbles(ctx, &away, name, err)
			pause(ctx, nil, wait)
			wait = min(2*wait, recordWait)
			continue
		}
		if err == nil {
			x.b.steady(ctx, &away, name)
		}
		if !more {
			wait = x.b.o.Poll
			pause(ctx, x.bell, x.idle())
		}
	}
}

// begin takes as many letters as can be sent at once and sends them.
func (x *outbox) begin(ctx context.Context, group *sync.WaitGroup) (more bool, err error) {
	free := senders - int(x.busy.Load())
	if free <= 0 {
		return false, nil // the bell rings when one is done
	}
	if wait := x.b.closed(x.way); wait > x.hand {
		x.later(x.b.o.Now().Add(wait))
		return false, nil
	}
	letters, err := x.take(ctx, free)
	if err != nil {
		return false, err
	}
	for _, l := range letters { // each of another lane
		x.busy.Add(1)
		group.Go(func() {
			defer ring(x.bell)
			defer x.busy.Add(-1)
			_, err := x.b.survived(ctx, "outbox", func(ctx context.Context) (bool, error) { return false, x.send(ctx, l) })
			if err != nil && ctx.Err() == nil {
				x.b.o.Logger.ErrorContext(ctx, "letter is not settled", "letter", l.ID, "err", err)
			}
		})
	}
	return len(letters) == free, nil
}

// take gives letters of this way, which are ours for a while.
func (x *outbox) take(ctx context.Context, limit int) ([]run.Letter, error) {
	pick := run.Pick{Limit: limit, Hold: holdTime}
	switch x.way {
	case "":
	case byRobots: // and whatever no app of ours can send any more
		for p := range x.b.platforms {
			pick.Except = append(pick.Except, string(p))
		}
	default:
		pick.Way = string(x.way)
	}
	letters, err := x.b.o.Mailbox.Outbox(ctx, pick)
	if err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	return letters, nil
}

// idle gives how long to sleep unless the bell rings.
func (x *outbox) idle() time.Duration {
	x.mu.Lock()
	defer x.mu.Unlock()
	now := x.b.o.Now()
	if x.next.IsZero() || !x.next.After(now) {
		x.next = time.Time{}
		return x.b.o.Poll
	}
	return min(x.b.o.Poll, x.next.Sub(now))
}

// send sends one letter and remembers when it is due again, if it was put off.
func (x *outbox) send(ctx context.Context, l run.Letter) error {
	due, err := x.b.send(ctx, l, x.hand)
	if !due.IsZero() {
		x.later(due)
	}
	return err
}

// later remembers when there is something to be sent.
func (x *outbox) later(due time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.next.IsZero() || due.Before(x.next) {
		x.next = due
	}
}

// ringFor wakes the ways by which letters go that were posted.
func (b *Bot) ringFor(letters []run.Letter) {
	for _, x := range b.out {
		if slices.ContainsFunc(letters, func(l run.Letter) bool { return x.way == b.wayOf(l) }) {
			ring(x.bell)
		}
	}
}

// wayOf gives who sends a letter: the robots' way has all that no app of ours sends.
func (b *Bot) wayOf(l run.Letter) run.Platform {
	if _, there := b.platforms[run.Platform(l.Way)]; there {
		return run.Platform(l.Way)
	}
	return byRobots
}

// ringOut wakes every way out.
func (b *Bot) ringOut() {
	for _, x := range b.out {
		ring(x.bell)
	}
}

// send delivers one letter and notes what became of it, after it was kept in hand for
// a while at most; it gives when a letter that was put off is due. An error means that the record could not be written;
// the letter is then sent again under the same idempotency key.
func (b *Bot) send(ctx context.Context, l run.Letter, hand time.Duration) (due time.Time, err error) {
	var o Outgoing
	if err := json.Unmarshal(l.Payload, &o); err != nil {
		b.o.Logger.ErrorContext(ctx, "letter cannot be read", "letter", l.ID, "err", err)
		return due, b.settled(b.o.Mailbox.Fail(ctx, l, "unreadable"))
	}
	left := l.Held.Sub(b.o.Now())
	if left < beginTime {
		return due, b.settled(b.o.Mailbox.Delay(ctx, l, b.o.Now()))
	}
	ctx, cancel := context.WithTimeoutCause(ctx, left-skewTime, errors.New("the letter is not ours any more"))
	defer cancel()
	version, at, err := b.placed(ctx, o)
	if err != nil {
		return due, err
	}
	if (at != "" || version > 0) && version >= o.Version {
		return due, b.settled(b.o.Mailbox.Sent(ctx, l, "", "")) // as new a drawing stands there already, or the webhook said it
	}
	if due, waits, err := b.heldBack(ctx, l, o, delay{standing: at != "", hand: min(hand, left-beginTime)}); waits || err != nil {
		return due, err
	}
	now, err := b.deliver(ctx, o, l.ID, at)
	if err == nil {
		err = b.note(ctx, l, o.Live, placeOf(o.Version, now))
		b.spend(ctx, o) // afterwards: a process that dies before the note says the letter again
		return due, err
	}
	if ctx.Err() != nil {
		return due, b.letBe(ctx, l)
	}
	return b.undelivered(ctx, l, o, err)
}

// letBe gives a letter back that the end of the process keeps us from sending:
// nobody need wait until our hold is over. It counts as tried: it may have arrived, and
// comes again under its own key, not merged into a newer one.
func (b *Bot) letBe(ctx context.Context, l run.Letter) error {
	if !errors.Is(context.Cause(ctx), context.Canceled) {
		return ctx.Err() // it is not ours any more
	}
	note, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), noteTime, errors.New("the record does not answer"))
	defer cancel()
	return b.settled(b.o.Mailbox.Retry(note, l, b.o.Now().Add(firstWait), "the process ends / 进程正在退出"))
}

// delay is what decides how long a letter may be held back.
type delay struct {
	standing bool          // it redraws a card
	hand     time.Duration // how long it may wait with its sender
}

// heldBack tells whether a letter is not to be sent now: its room wants quiet,
// the robot's quota is for what matters, or it is not its turn.
func (b *Bot) heldBack(ctx context.Context, l run.Letter, o Outgoing, d delay) (due time.Time, waits bool, err error) {
	room := b.quietRoom(ctx, o, d.standing)
	if room == nil && b.overQuota(ctx, o) {
		room = b.roomOf(o)
	}
	if room != nil {
		return due, true, b.settled(b.o.Mailbox.Withhold(ctx, l, room.Name, b.heldLine(o)))
	}
	if wait := b.awaitTurn(ctx, o, d.hand); wait > 0 {
		due = b.o.Now().Add(wait)
		return due, true, b.settled(b.o.Mailbox.Delay(ctx, l, due))
	}
	return due, false, nil
}

// note marks a letter as sent, also while everything ends: otherwise it would be
// said again.
func (b *Bot) note(ctx context.Context, l run.Letter, key, place string) error {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), noteTime, errors.New("the record does not answer"))
	defer cancel()
	return b.settled(b.o.Mailbox.Sent(ctx, l, key, place))
}

// placed gives where the live card stands and which version is drawn there.
func (b *Bot) placed(ctx context.Context, o Outgoing) (version int64, at string, err error) {
	if o.Live == "" {
		return 0, "", nil
	}
	kept, there, err := b.o.Mailbox.Place(ctx, o.Live)
	if err != nil {
		return 0, "", fmt.Errorf("find card: %w", err)
	}
	if !there {
		return 0, "", nil
	}
	version, at = splitPlace(kept)
	return version, at, nil
}

// deliver hands the letter to whoever speaks to the room. One that cannot be
// drawn takes nothing down with it: its title is sent alone.
func (b *Bot) deliver(ctx context.Context, o Outgoing, idem, at string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	now, stumbled, err := b.hand(ctx, o, idem, at)
	if stumbled {
		now, stumbled, err = b.hand(ctx, o.bare(), idem, at)
	}
	if stumbled {
		err = fault.Wrap(fault.Invalid, err, "the message cannot be drawn / 消息无法生成")
	}
	return now, err
}

// bare is what is left of a letter that cannot be drawn.
func (o Outgoing) bare() Outgoing {
	title := o.Card.Title + o.Lang.say(" (the rest cannot be shown, see the log)", "（其余内容无法显示，请看日志）")
	o.Card, o.File = Card{Title: title, Tone: o.Card.Tone, Plain: true}, nil
	return o
}

// hand delivers once, and tells when that stumbled.
func (b *Bot) hand(ctx context.Context, o Outgoing, idem, at string) (now string, stumbled bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			b.o.Logger.ErrorContext(ctx, "sending panics", "letter", idem, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			now, stumbled, err = "", true, errors.New("sending panics")
		}
	}()
	if o.Robot != "" {
		return "", false, b.byRobot(ctx, o, o.Robot)
	}
	p, there := b.platforms[o.Platform]
	if !there {
		return "", false, fault.New(fault.NotFound, "there is no bot on %s / 没有 %s 机器人", o.Platform, o.Platform)
	}
	o.Session = b.sessions.live(o.Platform, o.Chat, o.Session, b.o.Now())
	if o, err = b.attached(ctx, o); err != nil {
		return "", false, err
	}
	now, err = p.Send(ctx, o, idem, at)
	return now, false, err
}

func (b *Bot) byRobot(ctx context.Context, o Outgoing, name string) error {
	robot, there := b.o.Robots[name]
	if !there {
		return fault.New(fault.NotFound, "there is no webhook %s / 没有 webhook %s", name, name)
	}
	o.Robot, o.Session = name, Session{}
	o, err := b.attached(ctx, o)
	if err != nil {
		return err
	}
	return robot.Send(ctx, o)
}

// settled takes a letter that another replica settled or took meanwhile for settled.
func (b *Bot) settled(err error) error {
	if fault.KindOf(err) == fault.Conflict {
		return nil
	}
	return err
}
