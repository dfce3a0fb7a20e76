package bot

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

const (
	// alone is how long we count alone after the shared limiter failed: waiting for
	// it each time would keep every answer waiting.
	alone = 5 * time.Second
	// tellAway is how often the log is told that it fails.
	tellAway = time.Minute
	// drawEvery is how long a live card stays as it is drawn at least. DingTalk's
	// and every other platform's costs more than Feishu's.
	drawEvery       = 3 * time.Second
	drawEveryFeishu = 2 * time.Second
)

// pacer asks the limiter that replicas share, and counts alone while that fails.
// It is safe for concurrent use.
type pacer struct {
	shared Limiter // nil: nothing is limited
	now    func() time.Time
	logger *slog.Logger

	mu    sync.Mutex
	until time.Time // counting alone until then
	told  time.Time
	used  map[string]uses
	shut  map[string]time.Time // keys that a platform wants silence for
	swept time.Time
}

// uses are the newest uses of a key, oldest first.
type uses struct {
	at  []time.Time
	per time.Duration
}

// take asks for one use of a key at n uses in a time; it gives how long to wait,
// 0 when it may go now. It always decides: whoever asks has somebody waiting.
// Both counts must allow it, the shared one and that of what this process used
// itself, which has its uses while the shared one was away, too: no process passes a
// limit by itself when the shared one is away, comes back or has forgotten.
func (p *pacer) take(ctx context.Context, key string, n int, per time.Duration) time.Duration {
	if p.shared == nil {
		return 0
	}
	shared, wait := p.takeShared(ctx, key, n, per)
	if wait > 0 {
		return wait
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	p.sweep(now)
	one := p.used[key]
	if wait := one.wait(now, n, per); wait > 0 {
		return wait
	}
	if shared && n == 1 {
		return 0 // a card's pace: of it nothing is lost when the shared count goes away
	}
	one.at = slices.DeleteFunc(one.at, func(at time.Time) bool { return now.Sub(at) >= per })
	if p.used == nil {
		p.used = map[string]uses{}
	}
	p.used[key] = uses{append(one.at, now), per}
	return 0
}

// takeShared is take at the shared limiter; counted is false while that is away.
func (p *pacer) takeShared(ctx context.Context, key string, n int, per time.Duration) (counted bool, wait time.Duration) {
	if p.isAlone() {
		return false, 0
	}
	if wait := p.own(key, n, per); wait > 0 {
		return true, wait // the shared count is not used up for nothing
	}
	wait, err := p.shared.Take(ctx, key, n, per)
	if err != nil {
		p.fails(ctx, err)
		return false, 0
	}
	p.answers()
	return true, wait
}

// takeAll asks for several uses of a key, all or none. They count as ours before the
// shared limiter is asked: of letters that go side by side each would else find room
// for its first message, and then say the others as well.
func (p *pacer) takeAll(ctx context.Context, l limit, uses int) time.Duration {
	uses = max(min(uses, l.N), 1) // what is more than a limit allows goes when nothing else went
	if uses == 1 || p.shared == nil {
		return p.take(ctx, l.key, l.N, l.Per)
	}
	at, wait := p.putDown(l, uses)
	if wait > 0 || p.isAlone() {
		return wait
	}
	// So many are free when one is at a limit that is lower by the others.
	wait, err := p.shared.Take(ctx, l.key, l.N-uses+1, l.Per)
	if err == nil && wait > 0 {
		p.answers()
		p.takeBack(l.key, at, uses)
		return wait
	}
	for range uses - 1 {
		if err == nil { // only another replica can have been faster
			_, err = p.shared.Take(ctx, l.key, l.N, l.Per)
		}
	}
	if err != nil {
		p.fails(ctx, err)
		return 0
	}
	p.answers()
	return 0
}

// putDown counts uses as ours from now on, or tells how long to wait until there is
// room for them.
func (p *pacer) putDown(l limit, n int) (at time.Time, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	p.sweep(now)
	one := p.used[l.key]
	if wait := one.wait(now, l.N-n+1, l.Per); wait > 0 {
		return now, wait
	}
	one.at = slices.DeleteFunc(one.at, func(at time.Time) bool { return now.Sub(at) >= l.Per })
	if p.used == nil {
		p.used = map[string]uses{}
	}
	p.used[l.key] = uses{slices.Concat(one.at, slices.Repeat([]time.Time{now}, n)), l.Per}
	return now, 0
}

// takeBack undoes what was put down at a time.
func (p *pacer) takeBack(key string, at time.Time, uses int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.used[key]
	one.at = slices.DeleteFunc(one.at, func(other time.Time) bool {
		undone := uses > 0 && other.Equal(at)
		if undone {
			uses--
		}
		return undone
	})
	if len(one.at) == 0 {
		delete(p.used, key)
		return
	}
	p.used[key] = one
}

// wait gives how long it takes until there are fewer than n uses in a time.
func (u uses) wait(now time.Time, n int, per time.Duration) time.Duration {
	over := len(u.at) - n
	if over < 0 {
		return 0
	}
	return min(max(per-now.Sub(u.at[over]), 0), per)
}

// own gives how long to wait for this process's own uses to be over. While the shared
// limiter is known to be away it gives 0: that must be asked whether it is back.
func (p *pacer) own(key string, n int, per time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.until.IsZero() {
		return 0
	}
	return p.used[key].wait(p.now(), n, per)
}

// answers notes that the shared limiter is there.
func (p *pacer) answers() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.until = time.Time{}
}

func (p *pacer) isAlone() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now().Before(p.until)
}

// fails notes that the shared limiter does not answer.
func (p *pacer) fails(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return // we left, not the limiter
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	p.until = now.Add(alone)
	if p.told.IsZero() || now.Sub(p.told) >= tellAway {
		p.told = now
		p.logger.WarnContext(ctx, "shared limits are away, this process counts alone", "err", err)
	}
}

// sweep forgets what is over, once a minute, with the lock held.
func (p *pacer) sweep(now time.Time) {
	if now.Sub(p.swept) < time.Minute {
		return
	}
	p.swept = now
	for key, one := range p.used {
		if now.Sub(one.at[len(one.at)-1]) >= one.per {
			delete(p.used, key)
		}
	}
	for key, until := range p.shut {
		if !now.Before(until) {
			delete(p.shut, key)
		}
	}
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
	p.sweep(now)
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
