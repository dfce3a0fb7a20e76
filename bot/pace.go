package bot

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

const (
	// drawEvery is how long a live card stays as it is drawn at least. DingTalk's
	// and every other platform's costs more than Feishu's.
	drawEvery       = 3 * time.Second
	drawEveryFeishu = 2 * time.Second
)

// pacer counts what is sent, and keeps silence where a platform wants it. It is safe
// for concurrent use.
type pacer struct {
	*Counter

	mu    sync.Mutex
	shut  map[string]time.Time // keys that a platform wants silence for
	swept time.Time
}

// takeAll asks for several uses of a limit, all or none.
func (p *pacer) takeAll(ctx context.Context, l limit, uses int) time.Duration {
	uses = max(min(uses, l.N), 1) // what is more than a limit allows goes when nothing else went
	if uses == 1 {
		return p.Take(ctx, l.key, l.N, l.Per)
	}
	return p.takeSeveral(ctx, l, uses)
}

// silent tells how long a platform wants silence for a key yet.
func (p *pacer) silent(key string) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(0, p.shut[key].Sub(p.now()))
}

// hush keeps a key silent for a while: what would be sent meanwhile would only
// make the platform angrier.
func (p *pacer) hush(key string, d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shut == nil {
		p.shut = map[string]time.Time{}
	}
	now := p.now()
	if now.Sub(p.swept) >= time.Minute {
		p.swept = now
		maps.DeleteFunc(p.shut, func(_ string, until time.Time) bool { return !now.Before(until) })
	}
	if until := now.Add(d); until.After(p.shut[key]) {
		p.shut[key] = until
	}
}

// limit is one pace with the key under which it is counted.
type limit struct {
	Pace
	key string
}

// limits gives what holds for a letter, the narrowest first: what is refused by a
// narrow one must not use up a wide one.
func (b *Bot) limits(o Outgoing) []limit {
	who, speaker := string(o.Platform), any(b.platforms[o.Platform])
	if o.Robot != "" {
		who, speaker = "robot:"+o.Robot, any(b.o.Robots[o.Robot])
	}
	var paces []Pace
	if paced, is := speaker.(Paced); is {
		paces = paced.Pace(o)
	}
	if o.Live != "" && o.Robot == "" {
		every := drawEvery
		if o.Platform == run.Feishu {
			every = drawEveryFeishu
		}
		paces = append([]Pace{{Scope: PaceMessage, N: 1, Per: every}}, paces...)
	}
	target := map[string]string{PaceMessage: o.Live, PaceChat: cmp.Or(o.To, o.Chat), PaceApp: ""}
	all := make([]limit, 0, len(paces))
	for _, p := range paces {
		if p.Scope != PaceMessage || o.Live != "" {
			all = append(all, limit{p, "out:" + who + ":" + p.Scope + ":" + target[p.Scope] + ":" + p.Per.String()})
		}
	}
	slices.SortStableFunc(all, func(x, y limit) int { return cmp.Compare(breadth(x.Scope), breadth(y.Scope)) })
	return all
}

// messages tells in how many messages a letter is said. One that stumbles over it
// stumbles again when it is sent, and is said otherwise then.
func (b *Bot) messages(ctx context.Context, o Outgoing) (n int) {
	var speaker any = b.platforms[o.Platform]
	if o.Robot != "" {
		speaker = b.o.Robots[o.Robot]
	}
	sized, is := speaker.(Sized)
	if !is {
		return 1
	}
	defer func() {
		if p := recover(); p != nil {
			b.o.Logger.WarnContext(ctx, "a letter cannot be measured", "panic", fmt.Sprint(p))
			n = 1
		}
	}()
	return max(sized.Messages(o), 1)
}

func breadth(scope string) int { return slices.Index([]string{PaceMessage, PaceChat, PaceApp}, scope) }

// slowed notes that a platform told us to slow down: what else goes the same way
// waits as well. Of the chat, or of a robot that has one chat only; that a whole
// app is silenced is not told apart, and its other chats find out by themselves.
func (b *Bot) slowed(o Outgoing, cause error) {
	after := fault.After(cause)
	if fault.KindOf(cause) != fault.Limited || after <= 0 {
		return
	}
	for _, l := range b.limits(o) {
		if l.Scope != PaceMessage {
			b.pace.hush(l.key, after)
			return
		}
	}
}
