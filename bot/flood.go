package bot

import (
	"context"
	"time"

	"github.com/rollcallhq/rollcall/sync/run"
)

// How many commands are obeyed in a minute, of one person and in one room. More
// of them would hide what matters.
const (
	personMinute = 10
	roomMinute   = 30
)

// flooded tells whether a message comes too fast to be obeyed, and what is said
// to that: the first one in a minute is answered, the others are only logged. A
// message is counted once, however often it is tried.
func (in *inbox) flooded(ctx context.Context, c caller) ([]run.Letter, bool) {
	if !in.count(c.id) {
		return nil, false
	}
	who := "in:person:" + string(c.m.Platform) + ":" + c.actor.Account
	if c.person != nil {
		who = "in:person:" + c.person.Name
	}
	where := "in:room:" + string(c.m.Platform) + ":" + c.m.Chat
	l := c.lang
	limit, key, most := "", who, personMinute
	switch {
	case in.b.pace.take(ctx, who, personMinute, time.Minute) > 0:
		limit = l.say("At most %d commands a minute are obeyed from one person.", "每人每分钟最多执行 %d 条命令。", most)
	case !c.m.Direct && in.b.pace.take(ctx, where, roomMinute, time.Minute) > 0:
		key, most = where, roomMinute
		limit = l.say("At most %d commands a minute are obeyed in one room.", "每个群每分钟最多执行 %d 条命令。", most)
	default:
		return nil, false
	}
	if in.b.pace.take(ctx, "in:told:"+key, 1, time.Minute) > 0 {
		in.b.o.Logger.WarnContext(ctx, "message comes too fast, not obeyed and not answered", "inbox", c.id, "platform", c.m.Platform)
		return nil, true
	}
	in.b.o.Logger.WarnContext(ctx, "message comes too fast, not obeyed", "inbox", c.id, "platform", c.m.Platform)
	r := notice(Warn, l.say("Too many commands, slow down", "太快了，请慢一点"), limit,
		l.say("This one was not obeyed, nor are more of them answered now. Send it again in a minute.", "这一条没有执行，接下来的也不会逐条回复。请一分钟后重发。"))
	return in.b.answerLetters(c, r), true
}

// count notes that a message was counted, and tells whether that is new.
func (in *inbox) count(id string) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	m := in.message(id)
	first := !m.counted
	m.counted = true
	return first
}
