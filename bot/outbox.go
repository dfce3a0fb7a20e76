package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

const (
	outboxBatch = 100
	senders     = 4 // letters of different lanes on their way at once, of each way
	// sendTries is how often is tried what fails for a reason that nobody knows,
	// and how often the app before its room's webhook speaks.
	sendTries = 5
	sendTime  = 30 * time.Second
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
}

// step sends what is due.
func (x *outbox) step(ctx context.Context) (more bool, err error) {
	letters, err := x.b.o.Mailbox.Outbox(ctx, outboxBatch)
	if err != nil {
		return false, fmt.Errorf("read outbox: %w", err)
	}
	var g errgroup.Group
	g.SetLimit(senders)
	sent := 0
	for _, l := range letters { // each of another lane
		if x.way != "" && x.way != x.b.wayOf(l) {
			continue
		}
		sent++
		g.Go(func() error { return x.b.send(ctx, l) })
	}
	return sent > 0, g.Wait()
}

// wayOf tells by which way a letter goes.
func (b *Bot) wayOf(l run.Letter) run.Platform {
	var o Outgoing
	if json.Unmarshal(l.Payload, &o) != nil || o.Robot != "" || b.platforms[o.Platform] == nil {
		return byRobots
	}
	return o.Platform
}

// ringOut wakes every way out.
func (b *Bot) ringOut() {
	for _, x := range b.out {
		ring(x.bell)
	}
}

// send delivers one letter and notes what became of it. An error means that the
// record could not be written; the letter is then sent again under the same
// idempotency key.
func (b *Bot) send(ctx context.Context, l run.Letter) error {
	var o Outgoing
	if err := json.Unmarshal(l.Payload, &o); err != nil {
		b.o.Logger.ErrorContext(ctx, "letter cannot be read", "letter", l.ID, "err", err)
		return b.settled(b.o.Mailbox.Fail(ctx, l.ID, "unreadable"))
	}
	version, at, err := b.placed(ctx, o)
	if err != nil {
		return err
	}
	if at != "" && version >= o.Version {
		return b.settled(b.o.Mailbox.Sent(ctx, l.ID, "", "")) // as new a drawing stands there already
	}
	now, err := b.deliver(ctx, o, l.ID, at)
	if err == nil {
		return b.settled(b.o.Mailbox.Sent(ctx, l.ID, o.Live, placeOf(o.Version, now)))
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return b.undelivered(ctx, l, o, err)
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
	o.Card = Card{Title: title, Tone: o.Card.Tone, Plain: true}
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
	now, err = p.Send(ctx, o, idem, at)
	return now, false, err
}

func (b *Bot) byRobot(ctx context.Context, o Outgoing, name string) error {
	robot, there := b.o.Robots[name]
	if !there {
		return fault.New(fault.NotFound, "there is no webhook %s / 没有 webhook %s", name, name)
	}
	o.Robot, o.Session = name, Session{}
	return robot.Send(ctx, o)
}

// undelivered tries later what may succeed later, lets the webhook speak when
// the app cannot, and gives up only loudly.
func (b *Bot) undelivered(ctx context.Context, l run.Letter, o Outgoing, cause error) error {
	kind := fault.KindOf(cause)
	hopeless := slices.Contains([]fault.Kind{fault.Denied, fault.Invalid, fault.NotFound, fault.Unsupported}, kind)
	lasting := fault.Retryable(cause) || kind == fault.Credential
	spent := l.Attempts+1 >= sendTries
	after := fault.After(cause)
	if o.Fallback != "" && o.Robot == "" && (hopeless || spent || kind == fault.Credential || after > silence) {
		spoken := o
		spoken.Robot = o.Fallback
		_, err := b.deliver(ctx, spoken, l.ID, "")
		if err == nil {
			b.o.Logger.WarnContext(ctx, "webhook speaks for the app", "letter", l.ID, "platform", o.Platform, "kind", kind, "err", cause)
			return b.settled(b.o.Mailbox.Sent(ctx, l.ID, "", ""))
		}
		if fault.Retryable(err) {
			hopeless, lasting, after = false, true, max(after, fault.After(err))
		}
	}
	if lasting {
		spent = b.o.Now().Sub(l.At) >= patience
	}
	if hopeless || spent {
		b.o.Logger.ErrorContext(ctx, "letter is given up", "letter", l.ID, "platform", o.Platform, "kind", kind, "err", cause)
		return b.settled(b.o.Mailbox.Fail(ctx, l.ID, fault.Say(cause)))
	}
	wait := max(min(firstWait<<min(l.Attempts, 10), lastWait), after)
	b.o.Logger.WarnContext(ctx, "letter is put off", "letter", l.ID, "platform", o.Platform, "kind", kind, "wait", wait, "err", cause)
	return b.settled(b.o.Mailbox.Retry(ctx, l.ID, b.o.Now().Add(wait), fault.Say(cause)))
}

// settled takes a letter that another replica settled meanwhile for settled.
func (b *Bot) settled(err error) error {
	if fault.KindOf(err) == fault.Conflict {
		return nil
	}
	return err
}
