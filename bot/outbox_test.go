package bot

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// post puts a letter into the outbox.
func (w *world) post(id string, o Outgoing) {
	w.t.Helper()
	if err := w.mail.Post(w.t.Context(), []run.Letter{w.b.letter(id, "lane:"+o.Chat, o)}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) sendOnce() []sent {
	w.t.Helper()
	if _, err := w.b.sendDue(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	return w.taken()
}

func toOps(title string) Outgoing {
	return Outgoing{Platform: run.Feishu, Chat: "oc_ops", Lang: ZH, Card: Card{Title: title}}
}

// Whatever order drawings come in, the newest stands in the end and none older
// follows it.
func TestAnOlderDrawingNeverReplacesANewerOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := 0
	draw := func(versions ...int64) {
		for _, v := range versions {
			o := toOps("x")
			o.Live, o.Version = "card:X:oc_ops", v
			w.post(fmt.Sprint("letter ", n), o)
			n++
		}
	}
	var drawn []int64
	send := func() {
		for range 4 {
			for _, s := range w.sendOnce() {
				drawn = append(drawn, s.o.Version)
			}
		}
	}
	draw(3)
	send()
	draw(1, 3, 2)
	send()
	draw(4, 6, 5) // 5 is posted late by another replica
	send()
	if !slices.Equal(drawn, []int64{3, 6}) {
		t.Errorf("drawn versions: %v", drawn)
	}
	if at := w.mail.places["card:X:oc_ops"]; at != "6 m:card:X:oc_ops" {
		t.Errorf("the card stands at %q", at)
	}
	want := map[string]string{"letter 4": "merged", "letter 5": "sent", "letter 6": "sent"}
	for id, state := range want {
		if w.mail.gone[id] != state {
			t.Errorf("%s: %s, want %s", id, w.mail.gone[id], state)
		}
	}
}

func TestLettersAreTriedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	slow := fault.New(fault.Limited, "slow down / 慢一点")
	slow.After = time.Minute
	w.feishu.fails = []error{slow, fault.New(fault.Unavailable, "gone / 断了"), errors.New("odd")}
	w.post("a", toOps("first"))
	w.post("b", toOps("second"))
	if got := w.sendOnce(); len(got) != 0 {
		t.Fatalf("sent %v", got)
	}
	if due := w.mail.out[0].Due; due.Sub(w.clock) != time.Minute {
		t.Errorf("due in %s", due.Sub(w.clock))
	}
	for range 3 {
		w.clock = w.clock.Add(time.Minute)
		w.sendOnce()
	}
	w.clock = w.clock.Add(time.Minute)
	got := w.sendOnce()
	if len(got) != 1 || got[0].o.Card.Title != "second" || got[0].idem != "b" || w.mail.gone["a"] != "sent" {
		t.Errorf("sent %v; %v", got, w.mail.gone)
	}
}

func TestTheWebhookSpeaksForTheApp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := toOps("help")
	o.Fallback = "ops-hook"
	w.post("denied", o)
	w.feishu.fails = []error{fault.New(fault.Denied, "not in the room / 不在群里")}
	got := w.sendOnce()
	if len(got) != 1 || got[0].by != "hook" || w.mail.gone["denied"] != "sent" {
		t.Fatalf("sent %+v; %v", got, w.mail.gone)
	}
	w.post("spent", o)
	for range sendTries {
		w.feishu.fails = []error{fault.New(fault.Unavailable, "gone / 断了")}
		w.clock = w.clock.Add(time.Hour)
		got = w.sendOnce()
	}
	if len(got) != 1 || got[0].by != "hook" {
		t.Errorf("after %d tries: %+v", sendTries, got)
	}
	w.post("both", o)
	w.feishu.fails = []error{fault.New(fault.Denied, "no / 不行")}
	w.hook.fails = []error{fault.New(fault.Invalid, "bad / 不对")}
	if got = w.sendOnce(); len(got) != 0 || !strings.HasPrefix(w.mail.gone["both"], "failed: no") {
		t.Errorf("sent %+v; %v", got, w.mail.gone)
	}
}

func TestLettersAreGivenUpLoudly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.post("x", toOps("x"))
	for i := range sendTries {
		if w.mail.gone["x"] != "" {
			t.Fatalf("given up after %d tries", i)
		}
		w.feishu.fails = []error{errors.New("odd")}
		w.clock = w.clock.Add(time.Hour)
		w.sendOnce()
	}
	if !strings.HasPrefix(w.mail.gone["x"], "failed: ") {
		t.Errorf("after %d tries: %q", sendTries, w.mail.gone["x"])
	}
	w.mail.post([]run.Letter{{ID: "broken", Lane: "z", Payload: []byte("{")}})
	w.post("nowhere", Outgoing{Platform: run.WeCom, Chat: "z2"})
	w.sendOnce()
	if w.mail.gone["broken"] == "" || w.mail.gone["nowhere"] == "" {
		t.Errorf("what became of them: %v", w.mail.gone)
	}
}

// The newest session webhook of a chat is used while it lasts, and is in no log.
func TestSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.message("Li Min", "team", "status")
	m.Session = Session{URL: "https://oapi.example/secret", Expires: w.clock.Add(90 * time.Minute)}
	if got := w.hear("status", m); got[0].o.Session.URL != m.Session.URL {
		t.Errorf("the answer goes to %+v", got[0].o.Session)
	}
	o := Outgoing{Platform: run.DingTalk, Chat: "cidTeam", Card: Card{Title: "later"}}
	w.post("later", o)
	if got := w.sendOnce(); got[0].o.Session.URL != m.Session.URL {
		t.Errorf("a later word goes to %+v", got[0].o.Session)
	}
	w.clock = w.clock.Add(2 * time.Hour)
	w.post("too late", o)
	if got := w.sendOnce(); got[0].o.Session.URL != "" {
		t.Errorf("an expired session is used: %+v", got[0].o.Session)
	}
}
