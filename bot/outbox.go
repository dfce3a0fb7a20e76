package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

const (
	outboxBatch = 20
	senders     = 4 // letters of different lanes on their way at once
	sendTries   = 5
	sendTime    = 30 * time.Second
	firstWait   = 2 * time.Second
)

// sendDue sends what is due. The letters of a batch are of different lanes, so
// they may go side by side.
func (b *Bot) sendDue(ctx context.Context) (more bool, err error) {
	letters, err := b.o.Mailbox.Outbox(ctx, outboxBatch)
	if err != nil {
		return false, fmt.Errorf("read outbox: %w", err)
	}
	var g errgroup.Group
	g.SetLimit(senders)
	for _, l := range letters {
		g.Go(func() error { return b.send(ctx, l) })
	}
	return len(letters) > 0, g.Wait()
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

// deliver hands the letter to whoever speaks to the room.
func (b *Bot) deliver(ctx context.Context, o Outgoing, idem, at string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	if o.Robot != "" {
		return "", b.byRobot(ctx, o, o.Robot)
	}
	p, there := b.platforms[o.Platform]
	if !there {
		return "", fault.New(fault.NotFound, "there is no bot on %s / 没有 %s 机器人", o.Platform, o.Platform)
	}
	o.Session = b.sessions.live(o.Platform, o.Chat, o.Session, b.o.Now())
	return p.Send(ctx, o, idem, at)
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
	hopeless := kind == fault.Denied || kind == fault.Invalid || kind == fault.NotFound || kind == fault.Unsupported
	spent := l.Attempts+1 >= sendTries
	if o.Fallback != "" && o.Robot == "" && (hopeless || spent || kind == fault.Credential) {
		sendCtx, cancel := context.WithTimeout(ctx, sendTime)
		err := b.byRobot(sendCtx, o, o.Fallback)
		cancel()
		if err == nil {
			b.o.Logger.WarnContext(ctx, "webhook speaks for the app", "letter", l.ID, "platform", o.Platform, "kind", kind, "err", cause)
			return b.settled(b.o.Mailbox.Sent(ctx, l.ID, "", ""))
		}
		hopeless, spent = hopeless && !fault.Retryable(err), l.Attempts+1 >= 2*sendTries
	}
	if hopeless || spent {
		b.o.Logger.ErrorContext(ctx, "letter is given up", "letter", l.ID, "platform", o.Platform, "kind", kind, "err", cause)
		return b.settled(b.o.Mailbox.Fail(ctx, l.ID, fault.Say(cause)))
	}
	wait := max(firstWait<<min(l.Attempts, 10), fault.After(cause))
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
