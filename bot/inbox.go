package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// answers gives the answers to a message, or asks for another try. A message
// that makes the bot stumble is answered with an apology: it would make it
// stumble again.
func (in *inbox) answers(ctx context.Context, l run.Letter) (out []run.Letter, again bool) {
	var m Message
	if err := json.Unmarshal(l.Payload, &m); err != nil {
		in.b.o.Logger.ErrorContext(ctx, "message cannot be read", "inbox", l.ID, "err", err)
		return nil, false
	}
	if !m.Addressed || m.Foreign {
		return nil, false
	}
	switch wait, refused := in.b.claims.begin(l.ID, in.b.o.Now()); {
	case wait:
		return nil, true
	case refused:
		in.b.o.Logger.WarnContext(ctx, "message is put away, its sender was told that it was not accepted", "inbox", l.ID)
		return nil, false
	}
	m.Direct = m.Direct && in.b.room(m.Platform, m.Chat) == nil // a bound room is no private conversation
	c := in.b.caller(m, l)
	if r, flooded := in.flooded(ctx, c); flooded {
		return r, false
	}
	r, err := in.obey(ctx, c)
	if err != nil {
		if ctx.Err() != nil || passing(err) && !in.spent(l.ID) {
			in.b.o.Logger.WarnContext(ctx, "answer is put off", "inbox", l.ID, "err", err)
			return nil, true
		}
		in.b.o.Logger.ErrorContext(ctx, "message is not answered", "inbox", l.ID, "err", err)
		r = apology(c.lang)
	}
	return in.b.answerLetters(c, r), false
}

// passing tells whether a fault may go away by itself.
func passing(err error) bool {
	k := fault.KindOf(err)
	return k == fault.Unavailable || k == fault.Limited
}

// obey answers one message and survives a panic.
func (in *inbox) obey(ctx context.Context, c caller) (r reply, err error) {
	defer func() {
		if p := recover(); p != nil {
			in.b.o.Logger.ErrorContext(ctx, "answer panics", "inbox", c.id, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			r, err = apology(c.lang), nil
		}
	}()
	return in.b.answer(ctx, c)
}

func apology(l Lang) reply {
	return notice(Danger, l.say("Something went wrong here; nothing more was done", "出错了，没有继续执行"),
		l.say("The log says what. Look at “status” before you send it again.", "原因已写入日志。重发之前请先看“状态”。"))
}

// reply is the one first answer to a message.
type reply struct {
	card    Card
	mention []string
	// of is the run whose live card this is; the zero run = an answer of its own.
	of run.Run
	// private: it goes to the person alone, and the room only hears that it does.
	private bool
	file    *File
	// more goes to other places, such as the rooms that hear of it.
	more []run.Letter
}

// notice is a short answer.
func notice(tone Tone, title string, lines ...string) reply {
	c := Card{Title: title, Tone: tone, Plain: true}
	if len(lines) > 0 {
		s := Section{}
		for _, l := range lines {
			s.Lines = append(s.Lines, text(l))
		}
		c.Sections = []Section{s}
	}
	return reply{card: c}
}

// sentence gives what a fault says, as a sentence of its own.
func (l Lang) sentence(err error) string { return capital(l.of(fault.Say(err))) }

// capital begins a sentence; the engine's begin in lower case.
func capital(s string) string {
	if s != "" && s[0] >= 'a' && s[0] <= 'z' {
		return string(s[0]-'a'+'A') + s[1:]
	}
	return s
}

// answerLetters addresses an answer, and what else is said.
func (b *Bot) answerLetters(c caller, r reply) []run.Letter {
	if !r.private && r.file == nil || c.m.Direct {
		return append([]run.Letter{b.answerLetter(c, r)}, r.more...)
	}
	if !b.can(c).Direct || c.actor.Account == "" {
		l := c.lang
		told := notice(Warn, l.say("This is only said to you alone", "这只能私下告诉你"), l.say("Write to the bot directly and send it again.", "请私聊机器人，再发一次。"))
		return append([]run.Letter{b.answerLetter(c, told)}, r.more...)
	}
	alone := Outgoing{Platform: c.m.Platform, To: c.actor.Account, Asked: c.m.Chat, Lang: c.lang, Card: r.card, File: r.file, Answer: true}
	told := notice(Info, c.lang.say("Sent to you alone", "已私信给你"))
	return append([]run.Letter{
		b.letter(letterID("alone", c.id), lane(c.m.Platform, c.actor.Account, c.id), alone), b.answerLetter(c, told),
	}, r.more...)
}

// answerLetter addresses the answer: into the thread of what was said, or of the
// card whose button was pressed.
func (b *Bot) answerLetter(c caller, r reply) run.Letter {
	a := audience{platform: c.m.Platform, chat: c.m.Chat, replyTo: c.thread().Message, lang: c.lang}
	if p, there := b.platforms[a.platform]; there {
		a.can = p.Can()
	}
	o := a.to(r.card)
	o.Session, o.Mention, o.File, o.Answer = c.m.Session, r.mention, r.file, true
	if c.room != nil {
		o.Fallback = c.room.Webhook
	}
	if !a.can.Edit && len(o.Mention) == 0 && len(c.m.Sender) > 0 && !c.m.Direct {
		o.Mention = []string{c.actor.Account} // no threads: the person is called
	}
	about := c.id
	if r.of.Code != "" {
		about = string(r.of.Code)
		if a.can.Edit {
			o.Live, o.Version = liveKey(r.of.Code, a.chat), r.of.Version
			o.Card.Plain = false // a text cannot be edited into a card
		}
	}
	return b.letter(letterID("answer", c.id), lane(a.platform, a.chat, about), o)
}

// caller is who said something, and where.
type caller struct {
	m      Message
	id     string    // of the inbox
	since  time.Time // when it was claimed
	lang   Lang
	room   *Room       // nil: a direct message, or a room that is not bound
	person *run.Person // nil: nobody we know
	actor  run.Actor
}

// caller finds out who speaks. An account that two persons claim belongs to
// nobody.
func (b *Bot) caller(m Message, l run.Letter) caller {
	c := caller{m: m, id: l.ID, since: l.At, lang: b.o.Lang, actor: run.Actor{Platform: m.Platform, Channel: run.ByText}}
	if m.Press != nil {
		c.actor.Channel = run.ByButton
	}
	if len(m.Sender) > 0 {
		c.actor.Account = m.Sender[0]
	}
	if !m.Direct {
		c.room = b.room(m.Platform, m.Chat)
	}
	if c.room != nil {
		c.lang = c.room.Lang
	}
	for i := range b.o.People {
		p := &b.o.People[i]
		if !owns(p, m) {
			continue
		}
		if c.person != nil {
			c.person, c.actor.Person = nil, ""
			return c
		}
		c.person, c.actor.Person = p, p.Name
	}
	return c
}

func owns(p *run.Person, m Message) bool {
	for _, a := range p.Accounts {
		for _, id := range m.Sender {
			if id != "" && a.Platform == m.Platform && a.ID == id {
				return true
			}
		}
	}
	return false
}

// thread is where an answer goes, and where a run that this message starts is
// talked about.
func (c caller) thread() run.Thread {
	t := run.Thread{Platform: c.m.Platform, Chat: c.m.Chat, Message: c.m.ID}
	if c.m.Press != nil {
		t.Message = c.m.Press.Card
	}
	return t
}
