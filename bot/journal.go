package bot

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strconv"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

const (
	// reader is the bot's name at the journal: replicas read it together.
	reader       = "bot"
	journalBatch = 200
)

// readJournal says what the runs' events give to say. Events of one run that come
// together make one drawing: what is drawn is the run as it is now.
func (b *Bot) readJournal(ctx context.Context) (more bool, err error) {
	events, err := b.o.Mailbox.Events(ctx, reader, journalBatch)
	if err != nil || len(events) == 0 {
		return false, err
	}
	last := map[run.Code]run.Event{}
	moved := map[run.Code]bool{}
	for _, e := range events {
		if e.Kind != run.EventAlarm {
			last[e.Run] = e
			moved[e.Run] = moved[e.Run] || e.Kind == run.EventMoved
		}
	}
	var letters []run.Letter
	for _, e := range events {
		said, err := b.sayings(ctx, e, last[e.Run] == e, moved[e.Run])
		if err != nil {
			return false, err
		}
		letters = append(letters, said...)
	}
	err = b.o.Mailbox.Advance(ctx, reader, events[len(events)-1].Seq, letters)
	if err != nil && fault.KindOf(err) != fault.Conflict { // then another replica was faster, and its letters stand
		return false, fmt.Errorf("advance journal: %w", err)
	}
	b.ringFor(letters)
	return len(events) == journalBatch, nil
}

// sayings gives what one event gives to say: the drawing of its run, when it is
// the run's last of a batch, and a message of its own when people are called.
func (b *Bot) sayings(ctx context.Context, e run.Event, last, moved bool) ([]run.Letter, error) {
	var letters []run.Letter
	if last {
		drawn := e
		if moved {
			drawn.Kind = run.EventMoved
		}
		said, err := b.guarded(ctx, drawn, b.tell)
		if err != nil {
			return nil, err
		}
		letters = said
	}
	own, calls := map[run.EventKind]func(context.Context, run.Event) ([]run.Letter, error){
		run.EventAlarm: b.alarm, run.EventReminder: b.remind, run.EventCooling: b.cools,
	}[e.Kind]
	if !calls {
		return letters, nil
	}
	said, err := b.guarded(ctx, e, own)
	return append(letters, said...), err
}

// guarded makes the letters of an event. One that nothing can be said about must
// not keep all later ones waiting.
func (b *Bot) guarded(ctx context.Context, e run.Event, say func(context.Context, run.Event) ([]run.Letter, error)) (letters []run.Letter, err error) {
	defer func() {
		if p := recover(); p != nil {
			b.o.Logger.ErrorContext(ctx, "event cannot be told", "run", e.Run, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			letters, err = nil, nil
		}
	}()
	letters, err = say(ctx, e)
	if err != nil && !passing(err) && ctx.Err() == nil {
		b.o.Logger.ErrorContext(ctx, "event cannot be told", "run", e.Run, "err", err)
		return nil, nil
	}
	return letters, err
}

// tell draws the run's cards in every chat that hears of it.
func (b *Bot) tell(ctx context.Context, e run.Event) ([]run.Letter, error) {
	r, p, err := b.o.Service.Get(ctx, e.Run)
	if err != nil && (passing(err) || r.Code == "") {
		return nil, err
	}
	if err != nil { // the plan is damaged: people must hear of the run all the same
		b.o.Logger.ErrorContext(ctx, "plan cannot be shown", "run", e.Run, "err", err)
		p = nil
	}
	var listeners []audience
	for _, a := range b.hearers(ctx, r) {
		if a.asked || speaks(r) && (r.State == run.Awaiting || b.news(e) || b.stands(ctx, r, a)) {
			listeners = append(listeners, a)
		}
	}
	if len(listeners) == 0 {
		return nil, nil
	}
	sc, err := b.scene(ctx, r, p)
	if err != nil {
		return nil, err
	}
	var letters []run.Letter
	for _, a := range listeners {
		sc.lang, sc.can = a.lang, a.can
		letters = append(letters, b.draw(sc, a, e)...)
	}
	return letters, nil
}

// hearers gives the chats that hear of a run: where it was asked for, and the
// rooms of its flow. When the glass is broken, these are all that may see it.
func (b *Bot) hearers(ctx context.Context, r run.Run) []audience {
	all := b.audiences(r)
	f := b.flow(r.Flow)
	if f == nil || r.Glass == (run.Actor{}) {
		return b.inTongue(ctx, all)
	}
	for i := range b.o.Rooms {
		room := &b.o.Rooms[i]
		there := slices.ContainsFunc(all, func(a audience) bool {
			return a.platform == room.Platform && a.chat == room.Chat && (room.Chat != "" || a.webhook == room.Webhook)
		})
		if there || !room.shows(f) {
			continue
		}
		if a, ok := b.voice(audience{platform: room.Platform, chat: room.Chat, lang: room.Lang, webhook: room.Webhook}); ok {
			all = append(all, a)
		}
	}
	return b.inTongue(ctx, all)
}

// newsFor is how old an event may be that is told where nobody asked: a chat that
// is added to a record with a past is not told all of it.
const newsFor = day

func (b *Bot) news(e run.Event) bool { return b.o.Now().Sub(e.At) < newsFor }

// stands tells whether a card of the run stands in the chat: it must not go on
// looking alive.
func (b *Bot) stands(ctx context.Context, r run.Run, a audience) bool {
	_, there, err := b.o.Mailbox.Place(ctx, liveKey(r.Code, a.chat))
	return there || err != nil
}

// speaks tells whether a run that was not asked for in a room is worth speaking
// of there: it needs somebody, it went wrong, or it changed something. What a few
// objects needed that an event named is for the digest: events come all day.
func speaks(r run.Run) bool {
	switch r.State {
	case run.Awaiting, run.Failed, run.Partial:
		return true
	case run.Blocked:
		return r.Apply
	case run.Succeeded:
		return r.Outcome.Done > 0 && r.Objects == ""
	case run.Applying, run.Rejected, run.Expired, run.Superseded, run.Cancelled:
		return !r.Expires.IsZero() // it asked for a vote here, and that is over
	default:
		return false
	}
}

// draw gives the letters for one chat: the live card where cards can be edited,
// and one message that calls people when something is asked of them or all is
// over. Where nothing can be edited, only what matters is said at all.
func (b *Bot) draw(sc scene, a audience, e run.Event) []run.Letter {
	r := sc.run
	way := lane(a.platform, a.where(), string(r.Code))
	var letters []run.Letter
	if a.can.Edit {
		o := a.to(b.runCard(sc))
		o.Live, o.Version = liveKey(r.Code, a.chat), r.Version
		o.Asks, o.Ordinary = sc.urgency(a)
		o.Card.Plain = false // a card cannot be edited into a text
		if asks(r) {
			o.Fallback = a.webhook
		}
		letters = append(letters, b.letter(letterID("card", strconv.FormatInt(e.Seq, 10), a.where()), way, o))
	}
	if e.Kind != run.EventMoved || r.State != run.Awaiting && !r.State.Ended() {
		return letters
	}
	card := b.runCard(sc)
	if a.can.Edit {
		card = b.call(sc)
	}
	o := a.to(card)
	o.Asks, o.Ordinary = sc.urgency(a)
	o.Mention = b.called(sc, a)
	if a.can.Edit && len(o.Mention) == 0 && !a.asked {
		return letters // nobody to call beside the card
	}
	if !a.robot {
		o.Fallback = a.webhook
	}
	return append(letters, b.letter(letterID("told", string(r.Code), string(r.State), a.where()), way, o))
}

// urgency tells whether what is said of a run asks for a vote, and whether it may
// wait for the next digest: it is no answer to anybody, asks for nothing, and
// nothing went wrong.
func (sc scene) urgency(a audience) (asks run.Code, ordinary bool) {
	r := sc.run
	switch {
	case r.State == run.Awaiting:
		return r.Code, false
	case a.asked || r.Glass != (run.Actor{}) || r.Outcome.Failed+r.Outcome.InDoubt > 0:
		return "", false
	}
	return "", r.State != run.Failed && r.State != run.Partial && r.State != run.Blocked
}

// where names the chat of an audience, or the webhook that is all it has.
func (a audience) where() string {
	if a.robot {
		return "webhook:" + a.webhook
	}
	return a.chat
}
