package bot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// limited gives the world a limiter of its own clock.
func (w *world) limited() *buckets {
	l := &buckets{now: func() time.Time { return w.clock }}
	w.b.pace.shared = l
	return l
}

// slow is a platform, or a robot, with paces.
type slow struct {
	*platform
	paces []Pace
}

func (s *slow) Pace(Outgoing) []Pace { return s.paces }

type slowHook struct {
	*hook
	paces []Pace
}

func (s *slowHook) Pace(Outgoing) []Pace { return s.paces }

// A live card is drawn at most every two seconds in Feishu, and the last state
// is always drawn; other lanes go on meanwhile.
func TestP2_ACardIsNotDrawnTooOften(t *testing.T) {
	t.Parallel()
	for platform, every := range map[run.Platform]time.Duration{run.Feishu: 2 * time.Second, run.DingTalk: 3 * time.Second} {
		w := newWorld(t)
		w.limited()
		chat := map[run.Platform]string{run.Feishu: "oc_ops", run.DingTalk: "cidTeam"}[platform]
		draw := func(v int64) {
			w.post(fmt.Sprint("v", v), Outgoing{Platform: platform, Chat: chat, Live: "card:X:" + chat, Version: v, Card: Card{Title: "x"}})
		}
		var drawn []int64
		var at []time.Duration
		start := w.clock
		send := func() {
			for _, s := range w.sendOnce() {
				drawn, at = append(drawn, s.o.Version), append(at, w.clock.Sub(start))
			}
		}
		for v := range int64(10) { // ten states within two seconds
			draw(v + 1)
			send()
			w.clock = w.clock.Add(200 * time.Millisecond)
		}
		w.post("other lane", Outgoing{Platform: platform, Chat: chat + "2", Card: Card{Title: "y"}})
		for range 30 {
			send()
			w.clock = w.clock.Add(200 * time.Millisecond)
		}
		cards := slices.DeleteFunc(slices.Clone(drawn), func(v int64) bool { return v == 0 })
		if !slices.Equal(cards, []int64{1, 10}) || !slices.Contains(drawn, 0) {
			t.Errorf("%s: drawn %v at %v", platform, drawn, at)
		}
		if gap := at[slices.Index(drawn, 10)] - at[slices.Index(drawn, 1)]; gap < every || gap > every+time.Second {
			t.Errorf("%s: the second drawing comes after %s", platform, gap)
		}
		for _, l := range w.mail.out {
			if l.Attempts != 0 {
				t.Errorf("waiting for its turn counts as a try: %+v", l)
			}
		}
	}
}

// P6: a chat that is full keeps its own letters waiting and nobody else's, and
// none is lost.
func TestP6_AFullChatHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.limited()
	w.b.platforms[run.Feishu] = &slow{w.feishu, []Pace{{PaceApp, 100, time.Minute}, {PaceChat, 2, time.Minute}}}
	post := func(chat string, n int) {
		for i := range n {
			id := fmt.Sprint(chat, i)
			l := w.b.letter(id, id, Outgoing{Platform: run.Feishu, Chat: chat, Card: Card{Title: id}})
			if err := w.mail.Post(t.Context(), []run.Letter{l}); err != nil {
				t.Fatal(err)
			}
		}
	}
	post("oc_ops", 5)
	post("oc_wall", 2)
	if got := w.sendOnce(); len(got) != 4 {
		t.Errorf("at first %d letters", len(got))
	}
	total := 4
	for range 10 {
		w.clock = w.clock.Add(30 * time.Second)
		total += len(w.sendOnce())
	}
	if total != 7 {
		t.Errorf("%d of 7 letters", total)
	}
}

// What is refused by a narrow limit uses up none of a wide one.
func TestNarrowLimitsComeFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.limited()
	w.b.platforms[run.Feishu] = &slow{w.feishu, []Pace{{PaceApp, 3, time.Hour}, {PaceMessage, 5, time.Second}, {PaceChat, 1, time.Hour}}}
	o := toOps("x")
	o.Live = "card:X:oc_ops"
	got := w.b.limits(o)
	scopes := make([]string, 0, len(got))
	for _, g := range got {
		scopes = append(scopes, g.Scope)
	}
	if !slices.Equal(scopes, []string{PaceMessage, PaceMessage, PaceChat, PaceApp}) || got[0].Per != drawEveryFeishu {
		t.Errorf("limits %+v", got)
	}
	for range 9 {
		w.b.mustWait(t.Context(), toOps("y"))
	}
	if used := l.used["out:feishu:app::1h0m0s"]; len(used) != 1 {
		t.Errorf("nine tries in a full chat used up %d of the app; %v", len(used), l.used)
	}
}

// A signed robot has a pace of its own, which the fallback keeps, too.
func TestARobotIsPaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.limited()
	w.b.o.Robots["ops-hook"] = &slowHook{w.hook, []Pace{{PaceApp, 1, time.Minute}}}
	robot := func(id string) {
		o := toOps(id)
		o.Robot = "ops-hook"
		w.post(id, o)
	}
	robot("r0")
	if got := w.sendOnce(); len(got) != 1 {
		t.Fatalf("at first %+v", got)
	}
	robot("r1")
	o := toOps("by the app")
	o.Fallback = "ops-hook"
	w.mail.post([]run.Letter{w.b.letter("f", "another lane", o)})
	w.feishu.fails = []error{fault.New(fault.Denied, "not in the room / 不在群里")}
	if got := w.sendOnce(); len(got) != 0 || w.mail.gone["f"] != "" {
		t.Errorf("too early: %+v; %v", got, w.mail.gone)
	}
	total := 1
	for range 10 {
		w.clock = w.clock.Add(time.Minute)
		w.feishu.fails = []error{fault.New(fault.Denied, "not in the room / 不在群里")}
		total += len(w.sendOnce())
	}
	if total != 3 || w.mail.gone["f"] != "sent" {
		t.Errorf("%d letters by the webhook; %v", total, w.mail.gone)
	}
}

// A platform that wants silence gets it from every letter to that chat.
func TestSlowDownIsForTheWholeChat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.limited()
	w.b.platforms[run.Feishu] = &slow{w.feishu, []Pace{{PaceChat, 5, time.Second}}}
	angry := fault.New(fault.Limited, "slow down / 慢一点")
	angry.After = time.Minute
	w.feishu.fails = []error{angry}
	w.post("a", toOps("a"))
	w.sendOnce()
	other := toOps("b")
	w.mail.post([]run.Letter{w.b.letter("b", "another lane", other)})
	elsewhere := toOps("c")
	elsewhere.Chat = "oc_wall"
	w.post("c", elsewhere)
	if got := w.sendOnce(); len(got) != 1 || got[0].o.Card.Title != "c" {
		t.Errorf("into the silence: %+v", got)
	}
	w.clock = w.clock.Add(time.Minute)
	if got := w.sendOnce(); len(got) != 2 {
		t.Errorf("after it: %+v", got)
	}
}

// While the shared limiter is away each process counts alone, keeps the limits,
// and says so once a minute.
func TestTheLimiterIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var log bytes.Buffer
	l := w.limited()
	w.b.pace.logger = slog.New(slog.NewTextHandler(&log, nil))
	l.away = errors.New("redis is away")
	went := 0
	for range 10 {
		if w.b.pace.Take(t.Context(), "k", 3, time.Hour) == 0 {
			went++
		}
		w.clock = w.clock.Add(6 * time.Second)
	}
	if went != 3 || l.asks != 10 {
		t.Errorf("%d went, the limiter was asked %d times", went, l.asks)
	}
	for range 10 {
		w.b.pace.Take(t.Context(), "k", 3, time.Hour)
	}
	if l.asks > 11 {
		t.Errorf("each of ten tries in one moment waits for the limiter: %d", l.asks-10)
	}
	w.clock = w.clock.Add(time.Minute)
	w.b.pace.Take(t.Context(), "k", 3, time.Hour)
	if n := strings.Count(log.String(), "shared limits are away"); n != 3 {
		t.Errorf("told %d times at 0, 60 and 120 seconds:\n%s", n, log.String())
	}
	l.away = nil
	w.clock = w.clock.Add(time.Minute)
	asks := l.asks
	for range 5 {
		if wait := w.b.pace.Take(t.Context(), "k", 3, time.Hour); wait <= 50*time.Minute || wait >= time.Hour {
			t.Errorf("when it is back, what was used meanwhile counts: %s", wait)
		}
	}
	if n := l.asks - asks; n != 1 {
		t.Errorf("its count was used up %d times by what could not go", n)
	}
	w.clock = w.clock.Add(time.Hour)
	if wait := w.b.pace.Take(t.Context(), "k", 3, time.Hour); wait != 0 {
		t.Errorf("when that is over: %s", wait)
	}
	w.clock = w.clock.Add(3 * time.Hour)
	l.away = errors.New("redis is away")
	w.b.pace.Take(t.Context(), "other", 1, time.Second)
	if n := len(w.b.pace.used); n != 1 {
		t.Errorf("%d keys are kept", n)
	}
}

// What waits for its turn goes out at that moment, not at the next look around.
func TestADelayedLetterGoesInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.clock = time.Now()
		o := w.options(time.Now)
		o.Limiter, o.Poll = &buckets{now: time.Now}, time.Minute
		w.mail.now, w.service.now = time.Now, time.Now
		b, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- b.Serve(ctx) }()
		draw := func(v int64) {
			o := toOps("x")
			o.Live, o.Version = "card:X:oc_ops", v
			if err := w.mail.Post(ctx, []run.Letter{b.letter(fmt.Sprint("v", v), "lane", o)}); err != nil {
				t.Error(err)
			}
			b.ringOut()
			synctest.Wait()
		}
		draw(1)
		time.Sleep(100 * time.Millisecond)
		draw(2)
		draw(3)
		time.Sleep(1899 * time.Millisecond)
		synctest.Wait()
		if got := w.feishu.take(); len(got) != 1 || got[0].o.Version != 1 {
			t.Errorf("too early: %d drawings", len(got))
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if got := w.feishu.take(); len(got) != 1 || got[0].o.Version != 3 {
			t.Errorf("in time: %d drawings", len(got))
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
