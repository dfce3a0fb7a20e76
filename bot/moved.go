package bot

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/rollcallhq/rollcall/sync/run"
)

const (
	// setGone is the kind of the settings that note from which rooms the bot was
	// taken out, by the room's name.
	setGone = run.SettingKind("gone")
	// movedTime bounds what is done about it: a platform waits for its answer.
	movedTime = 2 * time.Second
)

// stopper is a Service that can stop a flow for safety: nothing of it is applied
// any more until an approver resumes it.
type stopper interface {
	SafetyStop(ctx context.Context, flow, why string) error
}

// Moved hears that the bot was put into a chat (added) or taken out of it. A chat
// that no configuration names is greeted once with its id, and that is all. When
// the bot is taken out of a bound room the admins hear of it, and a flow that has
// no room left in which the bot could be answered is stopped.
func (b *Bot) Moved(ctx context.Context, platform run.Platform, chat string, added bool) {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), movedTime, errors.New("the record does not answer"))
	defer cancel()
	room := b.room(platform, chat)
	var err error
	switch {
	case chat == "":
	case added && room == nil:
		err = b.greet(ctx, platform, chat)
	case added:
		err = b.o.Mailbox.Set(ctx, run.Setting{Kind: setGone, Name: room.Name})
	case room != nil:
		err = b.expelled(ctx, room)
	}
	if err != nil {
		b.o.Logger.ErrorContext(ctx, "a move of the bot is not noted", "platform", platform, "added", added, "err", err)
	}
}

// greet says where it is to a room that nobody bound.
func (b *Bot) greet(ctx context.Context, platform run.Platform, chat string) error {
	l := b.o.Lang
	card := notice(Info, l.say("This room is not bound yet", "本群还没有绑定"),
		l.say("Room: %s %s", "本群：%s %s", l.platform(platform), chat),
		l.say("An admin binds it in the configuration (rooms[].chat_id). Until then no command works here.", "请管理员把它写进配置 rooms[].chat_id；在此之前这里不能执行命令。")).card
	o := Outgoing{Platform: platform, Chat: chat, Lang: l, Card: card}
	err := b.o.Mailbox.Post(ctx, []run.Letter{b.letter(letterID("greeting", string(platform), chat), lane(platform, chat, "greeting"), o)})
	b.ringOut()
	return err
}

// expelled notes that the bot is not in a room any more, and tells the others.
func (b *Bot) expelled(ctx context.Context, room *Room) error {
	now := b.o.Now()
	err := b.o.Mailbox.Set(ctx, run.Setting{Kind: setGone, Name: room.Name, Value: json.RawMessage("true"), At: now})
	gone, readErr := b.gone(ctx)
	gone[room.Name] = true
	errs := []error{err, readErr}
	var told []run.Letter
	// The platform may say it more than once.
	when := strconv.FormatInt(now.Unix()/int64(alarmEvery/time.Second), 10)
	for i := range b.o.Flows {
		f := &b.o.Flows[i]
		if !room.shows(f) {
			continue
		}
		last := !b.hasRoom(f, gone)
		if last {
			errs = append(errs, b.stop(ctx, f, room))
		}
		told = append(told, b.sound(ctx, alarm{
			id: "expelled " + room.Name + " " + f.Name + " " + when, flow: f.Name, not: room,
			say: func(l Lang) (string, []string) { return b.expelledText(l, room, f, last) },
		})...)
	}
	errs = append(errs, b.o.Mailbox.Post(ctx, told))
	b.ringOut()
	return errors.Join(errs...)
}

// gone gives the names of the rooms from which the bot was taken out. It is never
// nil.
func (b *Bot) gone(ctx context.Context) (map[string]bool, error) {
	all, err := b.o.Mailbox.Settings(ctx, setGone)
	names := make(map[string]bool, len(all))
	for _, s := range all {
		names[s.Name] = true
	}
	return names, err
}

// hasRoom tells whether a flow has a room in which the bot can be answered; a
// webhook hears nothing.
func (b *Bot) hasRoom(f *Flow, gone map[string]bool) bool {
	for i := range b.o.Rooms {
		room := &b.o.Rooms[i]
		if room.Chat != "" && b.platforms[room.Platform] != nil && room.shows(f) && !gone[room.Name] {
			return true
		}
	}
	return false
}

// stop stops a flow of which nobody in a room would hear any more.
func (b *Bot) stop(ctx context.Context, f *Flow, room *Room) error {
	s, can := b.o.Service.(stopper)
	if !can {
		b.o.Logger.ErrorContext(ctx, "flow has no room left and cannot be stopped", "flow", f.Name)
		return nil
	}
	name := undivided(room.Name)
	return s.SafetyStop(ctx, f.Name, "the bot was taken out of the last room of this flow ("+name+") / 机器人被移出了这个流程的最后一个群（"+name+"）")
}

func (b *Bot) expelledText(l Lang, room *Room, f *Flow, last bool) (string, []string) {
	lines := []string{
		l.say("It can neither speak nor be answered there: %s", "在那里不能说话，也收不到命令：%s", l.platform(room.Platform)+" "+printable(room.Name, nameRunes)),
		l.say("Put it back into the room, or take the room out of the configuration.", "请把它重新加进群，或从配置里去掉这个群。"),
	}
	if last {
		lines = append(lines, l.say("It was the last room of %s: the flow changes nothing until an approver sends: resume %s", "这是 %s 的最后一个群：流程已停止改动账号，直到审批人发送：恢复 %s", f.Name, f.Name))
	}
	return l.say("Alarm · the bot was taken out of a room of %s", "告警 · 机器人被移出 %s 的群", f.Name), lines
}
