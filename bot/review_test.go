package bot

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// An answer outlives an outage: what may yet succeed is tried for hours, not for
// half a minute, and never less often than every few minutes.
func TestAnAnswerOutlivesAnOutage(t *testing.T) {
	t.Parallel()
	for _, kind := range []fault.Kind{fault.Unavailable, fault.Limited, fault.Credential} {
		w := newWorld(t)
		w.post("x", toOps("x"))
		down := w.clock.Add(3 * time.Hour)
		for w.clock.Before(down) {
			w.feishu.fails = []error{fault.New(kind, "away / 断了")}
			w.sendOnce()
			if w.mail.gone["x"] != "" {
				t.Fatalf("%s: %q after %s", kind, w.mail.gone["x"], w.clock.Sub(morning))
			}
			due := w.mail.out[0].Due
			if rest := due.Sub(w.clock); rest <= 0 || rest > 5*time.Minute {
				t.Fatalf("%s: the next try is in %s", kind, rest)
			}
			w.clock = due
		}
		w.feishu.fails = nil
		if got := w.sendOnce(); len(got) != 1 || w.mail.gone["x"] != "sent" {
			t.Errorf("%s: after the outage %d letters, %v", kind, len(got), w.mail.gone)
		}
	}
}

// What cannot be sent for half a day is given up: nobody waits for it any more.
func TestPatienceEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.post("x", toOps("x"))
	for range 1000 {
		w.feishu.fails = []error{fault.New(fault.Unavailable, "away / 断了")}
		w.sendOnce()
		if w.mail.gone["x"] != "" {
			break
		}
		w.clock = w.mail.out[0].Due
	}
	if age := w.clock.Sub(morning); !strings.HasPrefix(w.mail.gone["x"], "failed: ") || age < 11*time.Hour || age > 13*time.Hour {
		t.Errorf("after %s: %q", age, w.mail.gone["x"])
	}
}

// A platform that wants minutes of silence does not silence the room: its webhook
// speaks at once.
func TestTheWebhookSpeaksDuringAPenalty(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := toOps("x")
	o.Fallback = "ops-hook"
	w.post("x", o)
	slow := fault.New(fault.Limited, "slow down / 慢一点")
	slow.After = 10 * time.Minute
	w.feishu.fails = []error{slow}
	if got := w.sendOnce(); len(got) != 1 || got[0].by != "hook" || w.mail.gone["x"] != "sent" {
		t.Errorf("sent %+v; %v", got, w.mail.gone)
	}
}

// When app and webhook both cannot speak now, it is the webhook's wait that counts.
func TestTheWebhookIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := toOps("x")
	o.Fallback = "ops-hook"
	w.post("x", o)
	slow := fault.New(fault.Limited, "slow down / 慢一点")
	slow.After = 90 * time.Second
	w.feishu.fails = []error{fault.New(fault.Denied, "not in the room / 不在群里")}
	w.hook.fails = []error{slow}
	w.sendOnce()
	if rest := w.mail.out[0].Due.Sub(w.clock); w.mail.gone["x"] != "" || rest < 90*time.Second {
		t.Fatalf("next try in %s; %v", rest, w.mail.gone)
	}
	w.clock = w.clock.Add(2 * time.Minute)
	w.feishu.fails = []error{fault.New(fault.Denied, "not in the room / 不在群里")}
	if got := w.sendOnce(); len(got) != 1 || got[0].by != "hook" {
		t.Errorf("sent %+v; %v", got, w.mail.gone)
	}
}

// fragile is a platform that stumbles over some cards.
type fragile struct {
	*platform
}

func (f *fragile) Send(ctx context.Context, o Outgoing, idem, at string) (string, error) {
	if strings.Contains(o.Card.Title+cardText(o.Card), "poison") {
		panic("no such drawing")
	}
	return f.platform.Send(ctx, o, idem, at)
}

// A letter that the renderer stumbles over takes nothing down with it, and its
// reader is told at least that there was something.
func TestALetterThatCannotBeDrawn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.b.platforms[run.Feishu] = &fragile{w.feishu}
	o := toOps("待批准 703020")
	o.Card.Sections = []Section{{Lines: []Line{text("poison")}}}
	o.Mention = []string{"ou_limin"}
	w.post("bad", o)
	other := toOps("good")
	other.Chat = "oc_wall"
	w.post("good", other)
	got := w.sendOnce()
	if len(got) != 2 || w.mail.gone["bad"] != "sent" || w.mail.gone["good"] != "sent" {
		t.Fatalf("sent %+v; %v", got, w.mail.gone)
	}
	if bare := got[0].o.Card; !strings.HasPrefix(bare.Title, "待批准 703020") || !bare.Plain || len(got[0].o.Mention) != 1 {
		t.Errorf("what is left: %+v", bare)
	}
	worse := toOps("poison")
	w.post("worse", worse)
	w.sendOnce()
	if !strings.HasPrefix(w.mail.gone["worse"], "failed: ") {
		t.Errorf("what can never be drawn: %v", w.mail.gone)
	}
}

// stuck is a platform whose sending hangs.
type stuck struct {
	*platform
}

func (s *stuck) Send(ctx context.Context, _ Outgoing, _, _ string) (string, error) {
	<-ctx.Done()
	return "", fault.New(fault.Unavailable, "no answer / 没有回答")
}

// A platform that hangs keeps nobody waiting who is elsewhere.
func TestAPlatformThatHangsHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		o := w.options(time.Now)
		o.Platforms = []Platform{w.feishu, &stuck{w.dingtalk}}
		w.mail.now, w.service.now = time.Now, time.Now
		w.clock = time.Now()
		b, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		w.b = b
		for i := range 50 {
			w.mail.post([]run.Letter{b.letter(strconv.Itoa(i), "d"+strconv.Itoa(i), Outgoing{Platform: run.DingTalk, Chat: "cidTeam"})})
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		ended := make(chan error)
		go func() { ended <- b.Serve(ctx) }()
		time.Sleep(10 * time.Second)
		if err := b.Receive(ctx, w.message("Li Min", "ops", "状态")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if got := w.feishu.take(); len(got) != 1 {
			t.Errorf("%d answers within a second", len(got))
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
