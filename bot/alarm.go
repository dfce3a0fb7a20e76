package bot

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

const (
	// alarmLane begins the lanes of alarms about the conversation itself.
	alarmLane = "alarm:"
	// alarmEvery is how often the admins hear of lost messages at most.
	alarmEvery = 10 * time.Minute
)

// alarm is something that the admins must hear of the conversation itself.
type alarm struct {
	id   string // the same alarm is said once
	flow string // whose other rooms hear it when there is no admin room; "" = none
	not  *Room  // the room that it is about: it is not told there
	say  func(l Lang) (title string, lines []string)
	due  time.Time // not before
	// subject and version: see run.Letter. "" = said in any case.
	subject string
	version int64
}

// sound addresses an alarm: to the admin room, or else to every other room of the
// flow. With nobody to tell, the log has it.
func (b *Bot) sound(ctx context.Context, a alarm) []run.Letter {
	var letters []run.Letter
	for _, room := range b.alarmRooms(a) {
		to, ok := b.voice(audience{platform: room.Platform, chat: room.Chat, lang: room.Lang, webhook: room.Webhook})
		if !ok {
			continue
		}
		title, lines := a.say(to.lang)
		o := to.to(notice(Danger, title, lines...).card)
		if !to.robot {
			o.Fallback = room.Webhook
			o.Mention = b.staffOf(a.flow, to.platform)
		}
		l := b.letter(letterID("alarm", a.id, room.Name), alarmLane+room.Name, o)
		l.Due, l.Version = a.due, a.version
		if a.subject != "" {
			l.Subject = a.subject + ":" + room.Name
		}
		letters = append(letters, l)
	}
	if len(letters) == 0 {
		title, _ := a.say(EN)
		b.o.Logger.ErrorContext(ctx, "alarm reaches no room", "flow", a.flow, "alarm", title)
	}
	return letters
}

func (b *Bot) alarmRooms(a alarm) []*Room {
	if room := b.named[b.o.AdminRoom]; room != nil && room != a.not {
		return []*Room{room}
	}
	f := b.flow(a.flow)
	if f == nil {
		return nil
	}
	var rooms []*Room
	for i := range b.o.Rooms {
		if room := &b.o.Rooms[i]; room != a.not && room.shows(f) {
			rooms = append(rooms, room)
		}
	}
	return rooms
}

// lost tells the admins that a message was given up: at once when all was well
// before, otherwise together with the others, every ten minutes.
func (b *Bot) lost(ctx context.Context, l run.Letter, o Outgoing, cause error) error {
	now := b.o.Now()
	window := now.Unix() / int64(alarmEvery/time.Second)
	var counts [3]int
	for back := range counts {
		n := 0
		if back == 0 {
			n = 1
		}
		var err error
		if counts[back], err = b.o.Mailbox.Tally(ctx, "lost:"+strconv.FormatInt(window-int64(back), 10), n); err != nil {
			return fmt.Errorf("count lost letters: %w", err)
		}
	}
	n := counts[0]
	a := alarm{
		id: fmt.Sprintf("lost %d %d", window, n), flow: b.flowOf(ctx, about(l, o)), not: b.roomOf(o),
		say: func(l Lang) (string, []string) { return b.lostText(l, o, n, cause) },
	}
	if n > 1 || counts[1]+counts[2] > 0 {
		end := time.Unix((window+1)*int64(alarmEvery/time.Second), 0)
		a.due, a.subject, a.version = end.Add(alarmEvery), "lost:"+strconv.FormatInt(window, 10), int64(n)
	}
	if err := b.o.Mailbox.Post(ctx, b.sound(ctx, a)); err != nil {
		return fmt.Errorf("post alarm: %w", err)
	}
	b.ringOut()
	return nil
}

// flowOf gives the flow of a run, "" when there is none.
func (b *Bot) flowOf(ctx context.Context, code run.Code) string {
	if code == "" {
		return ""
	}
	r, _, err := b.o.Service.Get(ctx, code)
	if err != nil && r.Code == "" {
		return ""
	}
	return r.Flow
}

func (b *Bot) lostText(l Lang, o Outgoing, n int, cause error) (string, []string) {
	title := l.say("Alarm · "+count(n, "message was", "messages were")+" not delivered", fmt.Sprintf("告警 · %d 条消息没有送达", n))
	last := l.say("(not shown: it was for no bound room)", "（不显示：不是发给已绑定的群）")
	if o.To == "" && b.roomOf(o) != nil { // the title of anything else may name whom it is about
		last = printable(masked(o.Card.Title), sayRunes)
	}
	return title, []string{
		l.say("The last one: ", "最近一条：") + last,
		l.say("To: ", "发往：") + b.targetOf(l, o) + l.say("; why: ", "；原因：") + printable(masked(l.of(fault.Say(cause))), sayRunes),
		l.say("It will not be sent again. The runs go on; see “status” in another room, or “doctor”.", "不会再发送。运行不受影响；请在别的群里看“状态”，或发“体检”。"),
	}
}
