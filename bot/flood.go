package bot

import (
	"cmp"
	"context"
	"time"

	"github.com/rollcallhq/rollcall/sync/run"
)

// Flood is how many commands are obeyed in a minute: more of them would hide what
// matters.
type Flood struct {
	Person int // of one person; 0 = 10
	Room   int // in one room; 0 = 30
}

func (f *Flood) setDefaults() {
	f.Person, f.Room = cmp.Or(f.Person, 10), cmp.Or(f.Room, 30)
}

// leastBrakes is how many commands that only stop something are obeyed in a
// minute, of one person, however few the configuration allows of others.
const leastBrakes = 10

// flooded tells whether a message comes too fast to be obeyed, and what is said
// to that: the first one in a minute is answered, the others are only logged. A
// message is counted once, however often it is tried.
func (in *inbox) flooded(ctx context.Context, c caller) ([]run.Letter, bool) {
	if !in.count(c.id) {
		return nil, false
	}
	who := "person:" + string(c.m.Platform) + ":" + c.actor.Account
	if c.person != nil {
		who = "person:" + c.person.Name
	}
	where := "room:" + string(c.m.Platform) + ":" + c.m.Chat
	flood, l := in.b.o.Flood, c.lang
	brakes := braking(c.m)
	still := l.say("Send it again in a minute; cancel, reject and pause still work.", "请一分钟后重发；取消、驳回和暂停仍然可用。")
	if brakes {
		who = "brake:" + who // whoever floods a room must not keep others, or himself, from the brake
		flood.Person = max(flood.Person, leastBrakes)
		still = l.say("Send it again in a minute.", "请一分钟后重发。")
	}
	limit, key := "", who
	switch {
	case in.b.pace.Take(ctx, "in:"+who, flood.Person, time.Minute) > 0:
		limit = l.say("At most %d commands a minute are obeyed from one person.", "每人每分钟最多执行 %d 条命令。", flood.Person)
	case !brakes && !c.m.Direct && in.b.pace.Take(ctx, "in:"+where, flood.Room, time.Minute) > 0:
		key = where
		limit = l.say("At most %d commands a minute are obeyed in one room.", "每个群每分钟最多执行 %d 条命令。", flood.Room)
	default:
		return nil, false
	}
	if in.b.pace.Take(ctx, "in:told:"+key, 1, time.Minute) > 0 {
		in.b.o.Logger.WarnContext(ctx, "message comes too fast, not obeyed and not answered", "inbox", c.id, "platform", c.m.Platform)
		return nil, true
	}
	in.b.o.Logger.WarnContext(ctx, "message comes too fast, not obeyed", "inbox", c.id, "platform", c.m.Platform)
	r := notice(Warn, l.say("Too many commands, slow down", "太快了，请慢一点"), limit,
		l.say("This one was not obeyed, nor are more of them answered now. ", "这一条没有执行，接下来的也不会逐条回复，")+still)
	return in.b.answerLetters(c, r), true
}

// braking tells whether a message only stops something.
func braking(m Message) bool {
	cmd, err := command(m)
	return err == nil && (cmd.Verb == Cancel || cmd.Verb == Reject || cmd.Verb == Pause)
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
