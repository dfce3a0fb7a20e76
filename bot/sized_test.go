package bot

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/run"
)

// wordy is a slow platform that says each letter in so many messages.
type wordy struct {
	slow
	parts func(o Outgoing) int
}

func (w *wordy) Messages(o Outgoing) int { return w.parts(o) }

// mostWithin gives how many of some times lie within one span at most.
func mostWithin(at []time.Time, span time.Duration) int {
	best, from := 0, 0
	for i := range at {
		for at[i].Sub(at[from]) >= span {
			from++
		}
		best = max(best, i-from+1)
	}
	return best
}

// Each message of a letter that comes in several counts: a robot of DingTalk that says
// more than 20 within a minute is silenced for ten.
func TestEveryPartOfALetterCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.limited()
	parts := func(o Outgoing) int { return len(o.Card.Title) } // "xxxxx" comes in five
	w.b.platforms[run.DingTalk] = &wordy{slow{w.dingtalk, []Pace{{PaceApp, 20, time.Second}, {PaceChat, 18, time.Minute}}}, parts}
	want := 0
	for i := range 12 {
		title := []string{"xxxxx", "x", "xxx"}[i%3]
		want += len(title)
		id := fmt.Sprint("part", i)
		l := w.b.letter(id, id, Outgoing{Platform: run.DingTalk, Chat: "cidTeam", Card: Card{Title: title}})
		if err := w.mail.Post(t.Context(), []run.Letter{l}); err != nil {
			t.Fatal(err)
		}
	}
	var said []time.Time
	for range 600 {
		for _, s := range w.sendOnce() {
			for range parts(s.o) {
				said = append(said, w.clock)
			}
		}
		w.clock = w.clock.Add(time.Second)
	}
	if len(said) != want {
		t.Errorf("%d messages were said, want %d", len(said), want)
	}
	if n := mostWithin(said, time.Minute); n > 18 {
		t.Errorf("%d messages within a minute", n)
	}
	if last := said[len(said)-1].Sub(said[0]); last > 2*time.Minute {
		t.Errorf("the last of %d messages after %s", want, last)
	}
}

// A letter that cannot be measured, or has more parts than may be said at once, goes
// all the same.
func TestAnUnmeasuredLetterGoes(t *testing.T) {
	t.Parallel()
	for name, parts := range map[string]func(Outgoing) int{
		"none": func(Outgoing) int { return 0 }, "too many": func(Outgoing) int { return 99 },
		"panic": func(Outgoing) int { panic("cannot be drawn") },
	} {
		w := newWorld(t)
		w.limited()
		w.b.platforms[run.DingTalk] = &wordy{slow{w.dingtalk, []Pace{{PaceChat, 3, time.Minute}}}, parts}
		w.post("one", Outgoing{Platform: run.DingTalk, Chat: "cidTeam", Card: Card{Title: "x"}})
		if got := w.sendOnce(); len(got) != 1 {
			t.Errorf("%s: %d letters", name, len(got))
		}
	}
}

// When the shared limiter goes away, what this process used a moment before counts.
func TestWhatWasUsedBeforeCountsAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.limited()
	went := 0
	for i := range 40 {
		if i == 15 {
			l.away = errors.New("redis is away")
		}
		if w.b.pace.Take(t.Context(), "chat", 18, time.Minute) == 0 {
			went++
		}
		w.clock = w.clock.Add(time.Second)
	}
	if went != 18 {
		t.Errorf("%d uses within 40 seconds, want 18", went)
	}
}

// What the bot keeps for each chat, card and message does not grow for ever.
func TestMemoryOfRatesAndSessionsIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.limited()
	for i := range 3000 { // three cards and two chats a minute
		w.clock = w.clock.Add(20 * time.Second)
		w.b.pace.hush(fmt.Sprint("card", i), 2*time.Second)
		w.b.pace.Take(t.Context(), fmt.Sprint("chat", i), 18, time.Minute)
		w.b.sessions.keep(place{run.DingTalk, fmt.Sprint("cid", i)}, Session{URL: "https://oapi.dingtalk.com/x", Expires: w.clock.Add(90 * time.Minute)}, w.clock)
	}
	if n, used := len(w.b.pace.shut), len(w.b.pace.used); n > 10 || used > 10 {
		t.Errorf("%d keys that are silent, %d that were used", n, used)
	}
	if n := len(w.b.sessions.all); n < 260 || n > 280 { // those of 90 minutes
		t.Errorf("%d sessions", n)
	}
	for i := range 3 * mostSessions { // all at once, and none ends
		w.b.sessions.keep(place{run.DingTalk, fmt.Sprint("more", i)}, Session{URL: "https://oapi.dingtalk.com/x", Expires: w.clock.AddDate(100, 0, 0)}, w.clock)
	}
	if n := len(w.b.sessions.all); n > mostSessions {
		t.Errorf("%d sessions", n)
	}
}
