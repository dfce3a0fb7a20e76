package bot

import (
	"context"
	"errors"
	"unicode"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// answer gives the one first answer to a message. An error means that it could
// not be given now.
func (b *Bot) answer(ctx context.Context, c caller) (reply, error) {
	cmd, err := command(c.m)
	if c.room == nil {
		c.lang = spoken(c, cmd, err)
	}
	c.lang = b.langOf(ctx, c)
	if b.late(c) {
		return b.tooLate(ctx, c, cmd, err)
	}
	if c.room == nil && !c.m.Direct {
		return b.unbound(c, cmd, err), nil
	}
	if err != nil {
		return b.misread(ctx, c, err)
	}
	return b.obey(ctx, c, cmd)
}

// command reads a message: a button is a typed command, and what was filled in
// beside it are options.
func command(m Message) (Command, error) {
	if m.Press == nil {
		cmd, err := Parse(spelled(m))
		if err != nil {
			if again, ok := withMention(m); ok {
				return again, nil
			}
		}
		return cmd, err
	}
	cmd, err := parsePress(*m.Press)
	if err == nil && cmd.Verb == Approve && m.Press.Digest == "" {
		return Command{}, fault.New(fault.Stale, "this card does not say which plan it shows; type the command / 这张卡片没有写明是哪个计划，请改为输入命令")
	}
	return cmd, err
}

// spoken gives the language of an answer where no room has one.
func spoken(c caller, cmd Command, err error) Lang {
	line := c.m.Text
	if c.m.Press != nil {
		line = c.m.Press.Command
	}
	if err == nil && line != "" {
		return cmd.Lang
	}
	letters := false
	for _, r := range line {
		if unicode.Is(unicode.Han, r) {
			return ZH
		}
		letters = letters || unicode.IsLetter(r)
	}
	if letters {
		return EN
	}
	return c.lang
}

// obey does what a command asks for.
func (b *Bot) obey(ctx context.Context, c caller, cmd Command) (reply, error) {
	s := specOf(cmd.Verb)
	switch {
	case cmd.Verb == Help:
		return b.help(c, cmd), nil
	case cmd.Verb == WhoAmI:
		return b.whoami(c), nil
	case cmd.Verb == Speak && !cmd.Room && c.person != nil && !c.m.Weak:
		return b.speak(ctx, c, cmd)
	case len(b.visible(c)) == 0: // nobody we know sees nothing
		return b.lacks(c, s, nil), b.strayVote(ctx, c, cmd)
	case cmd.changes() && c.room == nil:
		return b.onlyInRooms(c, s), nil
	case c.m.Weak && cmd.settles():
		return b.tooWeak(c, s), nil
	}
	return b.serve(ctx, c, cmd)
}

// serve does what somebody with a role asks for about runs.
func (b *Bot) serve(ctx context.Context, c caller, cmd Command) (reply, error) {
	switch cmd.Verb {
	case Flows:
		return b.listFlows(ctx, c)
	case Plan, Sync:
		return b.start(ctx, c, cmd)
	case Status:
		return b.status(ctx, c, cmd)
	case Show:
		return b.show(ctx, c, cmd)
	case Approve, Reject:
		return b.vote(ctx, c, cmd)
	case Cancel:
		return b.cancel(ctx, c, cmd)
	case History:
		return b.history(ctx, c, cmd)
	case Undo:
		return b.undo(ctx, c, cmd)
	case Todo:
		return b.todo(ctx, c)
	default:
		return b.attend(ctx, c, cmd)
	}
}

// attend does what somebody with a role asks for about everything else.
func (b *Bot) attend(ctx context.Context, c caller, cmd Command) (reply, error) {
	switch cmd.Verb {
	case Digest:
		if cmd.When != "" {
			return b.setDigest(ctx, c, cmd)
		}
		return b.digestNow(ctx, c, cmd)
	case Pause, Resume:
		return b.brake(ctx, c, cmd)
	case Schedule:
		return b.schedule(ctx, c, cmd)
	case Test:
		return b.try(ctx, c, cmd)
	case Whois:
		return b.whois(ctx, c, cmd)
	case Examine:
		return b.examine(ctx, c, cmd)
	case Delegate:
		return b.delegate(ctx, c, cmd)
	case Speak:
		return b.speak(ctx, c, cmd)
	case Mute:
		return b.mute(ctx, c, cmd)
	default:
		return reply{}, errors.New("a command without an answer: " + string(cmd.Verb))
	}
}

// late tells whether the message is too old to be obeyed. One without a time may
// be of any age.
func (b *Bot) late(c caller) bool {
	return c.m.At.IsZero() || b.o.Now().Sub(c.m.At) > b.o.Late
}

// tooLate refuses an old message. One that was obeyed before the process went
// down is answered with what it did.
func (b *Bot) tooLate(ctx context.Context, c caller, cmd Command, err error) (reply, error) {
	if err == nil {
		if r, done, err := b.obeyed(ctx, c, cmd); done || err != nil {
			return r, err
		}
	}
	l := c.lang
	why := l.say("The message bears no time and was not obeyed.", "这条消息没有发送时间，没有执行。")
	if !c.m.At.IsZero() {
		why = l.say("The message is from %s and was not obeyed.", "这条消息是 %s 发的，没有执行。", b.clock(c.m.At))
	}
	return notice(Warn, l.say("Too late, send again", "来晚了，请重发"), why), nil
}

// unbound answers in a room that no configuration names: who and where, and
// nothing else.
func (b *Bot) unbound(c caller, cmd Command, err error) reply {
	l := c.lang
	r := notice(Warn, l.say("This room is not bound", "本群还没有绑定"),
		l.say("Room: %s %s", "本群：%s %s", l.platform(c.m.Platform), c.m.Chat),
		l.say("An admin binds it in the configuration (rooms[].chat_id). Until then no command works here.", "请管理员把它写进配置 rooms[].chat_id；在此之前这里不能执行命令。"))
	if err == nil && cmd.Verb == WhoAmI {
		r.card.Sections[0].Lines = append(r.card.Sections[0].Lines, text(c.ids(l)))
	}
	return r
}
