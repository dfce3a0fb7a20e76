package bot

import (
	"context"
	"fmt"

	"github.com/rollcallhq/rollcall/sync/run"
)

// speak shows and sets a language: of a person who speaks to the bot alone, or of
// a room.
func (b *Bot) speak(ctx context.Context, c caller, cmd Command) (reply, error) {
	if c.person == nil {
		return b.lacks(c, specOf(Speak), nil), nil
	}
	if cmd.Tongue == "" {
		return b.tongue(ctx, c)
	}
	set := run.Setting{Kind: run.SetLang, Name: c.person.Name, By: c.actor}
	if cmd.Room {
		if len(b.ruled(c, run.Admin)) == 0 {
			return b.lacks(c, needing(Speak, run.Admin), nil), nil
		}
		set.Kind, set.Name = run.SetRoomLang, c.room.Name
	}
	if err := b.set(ctx, set, cmd.Tongue); err != nil {
		return reply{}, fmt.Errorf("set language: %w", err)
	}
	l := cmd.Tongue
	if cmd.Room {
		return notice(Good, l.say("This room is answered in English from now on", "从现在起，本群用中文"), l.who(c.actor)+" "+b.clock(b.o.Now())), nil
	}
	if !c.m.Direct {
		return notice(Good, c.lang.say("When you write to the bot alone it answers in: %s", "私聊机器人时，它会用：%s", c.lang.tongue(l)),
			c.lang.say("This room keeps its language.", "本群的语言不变。")), nil
	}
	return notice(Good, l.say("You are answered in English from now on", "从现在起用中文回答你")), nil
}

// tongue tells which languages are spoken.
func (b *Bot) tongue(ctx context.Context, c caller) (reply, error) {
	l := c.lang
	var own Lang
	said := l.say("Alone: the language in which you write", "私聊：你用什么语言写，就用什么语言答")
	if b.kept(ctx, run.SetLang, c.person.Name, &own) && own.known() {
		said = l.say("Alone: ", "私聊：") + l.tongue(own)
	}
	lines := []string{said}
	if c.room != nil {
		lines = append(lines, l.say("This room: ", "本群：")+l.tongue(b.roomLang(ctx, c.room)))
	}
	return notice(Info, l.say("Languages", "语言"), append(lines, l.say("To change it: %s", "要修改请发：%s", specOf(Speak).usage(l)))...), nil
}

// tongue names a language.
func (l Lang) tongue(of Lang) string {
	if of == ZH {
		return l.say("Chinese", "中文")
	}
	return l.say("English", "英文")
}

// mute keeps ordinary notices out of a room for a while, or shows until when they
// are kept out. Approvals, failures and safety stops come all the same.
func (b *Bot) mute(ctx context.Context, c caller, cmd Command) (reply, error) {
	s := specOf(Mute)
	if len(b.usable(c, s)) == 0 {
		return b.lacks(c, s, nil), nil
	}
	l := c.lang
	still := l.say("Approvals, failures and safety stops come all the same.", "审批、失败和安全停止照常通知。")
	switch {
	case cmd.Span < 0:
		if until := b.mutedUntil(ctx, c.room); !until.IsZero() {
			return notice(Quiet, l.say("This room is muted until %s", "本群静音到 %s", b.clock(until)), still), nil
		}
		return notice(Info, l.say("This room is not muted", "本群没有静音"), l.say("To mute it: mute 2h", "要静音请发：静音 2小时")), nil
	case cmd.Span == 0:
		if err := b.o.Mailbox.Set(ctx, run.Setting{Kind: run.SetMute, Name: c.room.Name, By: c.actor}); err != nil {
			return reply{}, fmt.Errorf("unmute: %w", err)
		}
		return notice(Good, l.say("Ordinary notices come here again", "本群恢复普通通知")), nil
	}
	until := b.o.Now().Add(cmd.Span)
	if err := b.set(ctx, run.Setting{Kind: run.SetMute, Name: c.room.Name, By: c.actor}, roomMute{Until: until}); err != nil {
		return reply{}, fmt.Errorf("mute: %w", err)
	}
	return notice(Quiet, l.say("This room is muted until %s", "本群静音到 %s", b.clock(until)), still,
		l.say("To end it: mute off", "要提前结束请发：静音 关闭")), nil
}

// setDigest sets when this room gets its digest, instead of what the
// configuration says.
func (b *Bot) setDigest(ctx context.Context, c caller, cmd Command) (reply, error) {
	if len(b.ruled(c, run.Admin)) == 0 {
		return b.lacks(c, needing(Digest, run.Admin), nil), nil
	}
	value := DigestSetting{Off: cmd.When == off}
	if !value.Off {
		value.At, value.Days, _ = plainTimes(cmd.When) // the parser takes no other
	}
	if err := b.set(ctx, run.Setting{Kind: run.SetDigest, Name: c.room.Name, By: c.actor}, value); err != nil {
		return reply{}, fmt.Errorf("set digest: %w", err)
	}
	l := c.lang
	who := l.who(c.actor) + " " + b.clock(b.o.Now())
	if value.Off {
		return notice(Good, l.say("No digest comes here any more", "本群不再发日报"), who, l.say("To see one: digest now", "要看随时可发：日报 现在")), nil
	}
	return notice(Good, l.say("The digest comes here: %s", "本群的日报：%s", l.when(cmd.When)), who, l.say("Time zone: %s", "时区：%s", b.o.Zone)), nil
}

// ruled gives the flows of this place on which the caller holds a role.
func (b *Bot) ruled(c caller, role run.Role) []*Flow {
	var all []*Flow
	for _, f := range b.visible(c) {
		if c.person.May(role, f.Name) {
			all = append(all, f)
		}
	}
	return all
}

// needing is a command of which a part needs another role than the command.
func needing(v Verb, role run.Role) spec {
	s := specOf(v)
	s.role = role
	return s
}
