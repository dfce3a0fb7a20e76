package bot

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// askPatience is how long a request for a vote may be on its way before others
// are told: it would expire unseen.
const askPatience = 10 * time.Minute

// prospect is what is to be expected of a letter that was not delivered.
type prospect struct {
	cause    error
	hopeless bool          // it will never succeed
	lasting  bool          // it may yet succeed, however often it did not
	spent    bool          // it was tried often enough
	after    time.Duration // the platform wants so much silence
}

func (b *Bot) prospect(l run.Letter, cause error) prospect {
	kind := fault.KindOf(cause)
	return prospect{
		cause:    cause,
		hopeless: slices.Contains([]fault.Kind{fault.Denied, fault.Invalid, fault.NotFound, fault.Unsupported}, kind),
		lasting:  fault.Retryable(cause) || kind == fault.Credential,
		spent:    l.Attempts+1 >= sendTries,
		after:    fault.After(cause),
	}
}

// robotSpeaks tells whether it is time for the webhook. What is for one person
// alone never goes to a room.
func (p prospect) robotSpeaks(o Outgoing) bool {
	if o.Fallback == "" || o.Robot != "" || o.To != "" {
		return false
	}
	return p.hopeless || p.spent || fault.KindOf(p.cause) == fault.Credential || p.after > silence
}

// undelivered tries later what may succeed later, lets the webhook speak when
// the app cannot, and gives up only loudly. It gives when the letter is due.
func (b *Bot) undelivered(ctx context.Context, l run.Letter, o Outgoing, cause error) (due time.Time, err error) {
	b.slowed(o, cause)
	p := b.prospect(l, cause)
	kind := fault.KindOf(cause)
	if p.robotSpeaks(o) {
		err := b.byFallback(ctx, l, o)
		if err == nil {
			b.o.Logger.WarnContext(ctx, "webhook speaks for the app", "letter", l.ID, "platform", o.Platform, "kind", kind, "err", cause)
			return due, b.spoken(ctx, l, o)
		}
		if fault.Retryable(err) {
			p.hopeless, p.lasting, p.after = false, true, max(p.after, fault.After(err))
		}
	}
	if ctx.Err() != nil {
		return due, ctx.Err()
	}
	age := b.o.Now().Sub(l.At)
	if p.lasting {
		p.spent = age >= patience
	}
	if p.hopeless || p.spent {
		return due, b.giveUp(ctx, l, o, cause)
	}
	if age >= askPatience {
		if _, err := b.unheard(ctx, l, o, cause); err != nil {
			return due, err
		}
	}
	wait := max(min(firstWait<<min(l.Attempts, 10), lastWait), p.after)
	due = b.o.Now().Add(wait)
	b.o.Logger.WarnContext(ctx, "letter is put off", "letter", l.ID, "platform", o.Platform, "kind", kind, "wait", wait, "err", cause)
	return due, b.settled(b.o.Mailbox.Retry(ctx, l, due, fault.Say(cause)))
}

// spoken notes that the webhook has said a letter. Of a live card that does not stand
// yet it notes which drawing that was, which the app must not say once more: several
// letters may show one state of a run, such as its end.
func (b *Bot) spoken(ctx context.Context, l run.Letter, o Outgoing) error {
	_, at, err := b.placed(ctx, o)
	if o.Live == "" || at != "" || err != nil {
		return b.note(ctx, l, "", "")
	}
	return b.note(ctx, l, o.Live, saidOf(o.Version))
}

// byFallback lets the room's webhook speak, when it is its turn.
func (b *Bot) byFallback(ctx context.Context, l run.Letter, o Outgoing) error {
	o.Robot = o.Fallback
	if wait := b.mustWait(ctx, o); wait > 0 {
		f := fault.New(fault.Limited, "it is not the webhook's turn / webhook 需要等待")
		f.After = wait
		return f
	}
	_, err := b.deliver(ctx, o, l.ID, "")
	if err != nil {
		b.slowed(o, err)
	}
	return err
}

// giveUp marks a letter as lost, after somebody was told. An alarm that is lost
// raises no alarm.
func (b *Bot) giveUp(ctx context.Context, l run.Letter, o Outgoing, cause error) error {
	b.o.Logger.ErrorContext(ctx, "letter is given up", "letter", l.ID, "platform", o.Platform, "kind", fault.KindOf(cause), "err", cause)
	if !strings.HasPrefix(l.Lane, alarmLane) {
		told, err := b.unheard(ctx, l, o, cause)
		if err == nil && !told {
			err = b.lost(ctx, l, o, cause)
		}
		if err != nil {
			return err
		}
	}
	if o.To != "" && o.Asked != "" {
		if err := b.o.Mailbox.Post(ctx, []run.Letter{b.uncome(l, o, cause)}); err != nil {
			return fmt.Errorf("post that an answer does not come: %w", err)
		}
		b.ringOut()
	}
	lost := run.Audit{At: b.o.Now(), Action: letterLost, Run: about(l, o), Detail: string(o.Platform) + ": " + fault.Say(cause)}
	if err := b.o.Mailbox.Append(ctx, run.Event{}, lost); err != nil {
		return fmt.Errorf("audit lost letter: %w", err)
	}
	return b.settled(b.o.Mailbox.Fail(ctx, l, fault.Say(cause)))
}

// uncome tells a person where he asked that his private answer does not come; he
// was told there that it does. Nothing of it is repeated.
func (b *Bot) uncome(l run.Letter, o Outgoing, cause error) run.Letter {
	say := o.Lang.say
	told := notice(Warn, say("The private answer could not be delivered to you", "私信没能送到你"),
		say("Why: ", "原因：")+printable(masked(o.Lang.of(fault.Say(cause))), sayRunes),
		say("Write to the bot directly and send it again.", "请私聊机器人，再发一次。"))
	out := Outgoing{Platform: o.Platform, Chat: o.Asked, Lang: o.Lang, Card: told.card, Mention: []string{o.To}, Answer: true}
	if room := b.room(o.Platform, o.Asked); room != nil {
		out.Fallback = room.Webhook
	}
	return b.letter(letterID("uncome", l.ID), lane(o.Platform, o.Asked, l.ID), out)
}

// about gives the run that a letter is about: it says so, or it shows the run's
// card, or it goes the way of the run's letters. "" = of none.
func about(l run.Letter, o Outgoing) run.Code {
	if o.Asks != "" {
		return o.Asks
	}
	if code := liveCode(o.Live); code != "" {
		return code
	}
	code, err := run.ParseCode(l.Lane[strings.LastIndexByte(l.Lane, ':')+1:])
	if err != nil {
		return ""
	}
	return code
}

// unheard tells others that a request for a vote does not reach its room: each
// who may vote alone, and the admins. It is told once for each room and run; false
// when the letter is no such request, or nothing is asked any more. The run goes
// on waiting: votes by other rooms and by CLI count.
func (b *Bot) unheard(ctx context.Context, l run.Letter, o Outgoing, cause error) (told bool, err error) {
	code := about(l, o)
	if code == "" || o.To != "" {
		return false, nil
	}
	r, _, err := b.o.Service.Get(ctx, code)
	if err != nil || r.State != run.Awaiting {
		if err != nil {
			b.o.Logger.ErrorContext(ctx, "run of a lost letter cannot be read", "run", code, "err", err)
		}
		return false, nil
	}
	names, err := b.o.Service.Eligible(ctx, code)
	if err != nil {
		b.o.Logger.ErrorContext(ctx, "nobody can be found who may vote", "run", code, "err", err)
	}
	letters, reached := b.summons(o, r, names)
	alarms := b.sound(ctx, alarm{
		id: letterID("unheard", string(code), o.Chat, o.Robot), flow: r.Flow, not: b.roomOf(o),
		say: func(l Lang) (string, []string) {
			return b.unheardText(l, lostAsk{to: o, run: r, reached: reached, cause: cause})
		},
	})
	if err := b.o.Mailbox.Post(ctx, append(letters, alarms...)); err != nil {
		return false, fmt.Errorf("post alarm: %w", err)
	}
	b.ringOut()
	n, err := b.o.Mailbox.Tally(ctx, "unheard:"+string(code)+":"+o.Chat+o.Robot, 1)
	if err != nil || n > 1 {
		return true, err
	}
	b.o.Logger.ErrorContext(ctx, "request for a vote reaches no room", "run", code, "platform", o.Platform, "told_alone", len(reached), "alarms", len(alarms), "err", cause)
	detail := fmt.Sprintf("%s %s%s: %s; told alone: %d, alarms: %d", o.Platform, o.Chat, o.Robot, fault.Say(cause), len(reached), len(alarms))
	return true, b.o.Mailbox.Append(ctx, run.Event{}, run.Audit{At: b.o.Now(), Action: askLost, Run: code, Detail: detail})
}

// summons writes to each who may vote alone, wherever that is possible.
func (b *Bot) summons(o Outgoing, r run.Run, names []string) (letters []run.Letter, reached []string) {
	for i := range b.o.People {
		p := &b.o.People[i]
		if !slices.Contains(names, p.Name) {
			continue
		}
		found := false
		for _, a := range p.Accounts {
			platform, there := b.platforms[a.Platform]
			if !there || !platform.Can().Direct {
				continue
			}
			found = true
			card := b.summonsCard(o.Lang, r)
			alone := Outgoing{Platform: a.Platform, To: a.ID, Lang: o.Lang, Card: card, Answer: true}
			letters = append(letters, b.letter(letterID("summons", string(r.Code), string(a.Platform), a.ID), lane(a.Platform, a.ID, string(r.Code)), alone))
		}
		if found {
			reached = append(reached, label(p.Name))
		}
	}
	return letters, reached
}

func (b *Bot) summonsCard(l Lang, r run.Run) Card {
	return notice(Waits, l.say("Waits for your vote: %s · %s", "等待你批准：%s · %s", r.Code, r.Flow)+" · "+l.counts(r.Counts),
		l.say("The message could not be delivered to the room of the flow, so it comes to you alone.", "消息没能送到流程所在的群，所以私下告诉你。"),
		l.say("Look first: %s", "请先看：%s", look(l, r)),
		l.say("To approve, send in another room of the flow: %s", "要批准请到该流程的其他群里发：%s", form(l, r)),
		l.say("Or on the server: rollcall approve %s. Until %s.", "也可以在服务器上执行：rollcall approve %s。有效期至 %s。", r.Code, b.clock(r.Expires)),
	).card
}

// lostAsk is a request for a vote that does not reach its room.
type lostAsk struct {
	to      Outgoing
	run     run.Run
	reached []string // who was written to alone
	cause   error
}

func (b *Bot) unheardText(l Lang, ask lostAsk) (string, []string) {
	r := ask.run
	lines := []string{
		l.say("Not delivered to: ", "没有送到：") + b.targetOf(l, ask.to),
		l.say("Why: ", "原因：") + printable(masked(l.of(fault.Say(ask.cause))), sayRunes),
	}
	if len(ask.reached) > 0 {
		lines = append(lines, l.say("Written to alone instead: ", "已改为私信：")+l.list(ask.reached))
	} else {
		lines = append(lines, l.say("Nobody who may approve could be written to alone.", "没有能私信到的审批人。"))
	}
	return l.say("Alarm %s · %s · the request for a vote did not arrive", "告警 %s · %s · 审批请求没有送达", r.Code, r.Flow), append(lines,
		l.say("It still waits until %s, and nothing of it is applied without a vote. To approve: %s, or on the server: rollcall approve %s", "它会继续等到 %s，没有批准就不会执行。要批准请发：%s，或在服务器上执行：rollcall approve %s",
			b.clock(r.Expires), form(l, r), r.Code))
}

// targetOf names where a letter goes, for people.
func (b *Bot) targetOf(l Lang, o Outgoing) string {
	if o.To != "" {
		return l.say("one person alone", "私信")
	}
	name := l.say("a room that is not bound", "未绑定的群")
	if room := b.roomOf(o); room != nil {
		name = room.Name
	}
	if o.Robot != "" {
		return printable(name+" · webhook "+o.Robot, nameRunes)
	}
	return l.platform(o.Platform) + " " + printable(name, nameRunes)
}
