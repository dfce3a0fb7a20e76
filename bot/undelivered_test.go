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

var errExpelled = fault.New(fault.Denied, "the bot is not in the room / 机器人不在群里")

// refuses lets a platform refuse whatever goes to a chat.
func (w *world) refuses(chat string, cause error) *choosy {
	p := &choosy{platform: w.feishu, chat: chat, cause: cause}
	w.b.platforms[run.Feishu] = p
	return p
}

// drain sends until nothing is left to be sent now.
func (w *world) drain() []sent {
	w.t.Helper()
	var all []sent
	for range 20 {
		all = append(all, w.settle()...)
	}
	return all
}

// P7: a request for a vote that reaches no room goes to each who may vote alone,
// and the admins hear of it, once; the run goes on waiting.
func TestP7_U27_A37_ARequestThatDoesNotArrive(t *testing.T) {
	t.Parallel()
	for name, direct := range map[string]bool{"with direct messages": true, "without": false} {
		w := newWorld(t)
		w.feishu.can.Direct = direct
		w.b.o.AdminRoom = "board"
		w.say("Li Min", "ops", "同步 hr-to-wecom")
		code := run.Code(w.code())
		w.refuses("oc_ops", errExpelled)
		w.hook.fails = slices.Repeat([]error{fault.New(fault.Invalid, "no keyword / 缺少关键词")}, 20)
		w.service.planned(code, aPlan(), run.Awaiting)
		got := w.drain()
		var alone []string
		alarms := 0
		for _, s := range got {
			switch {
			case s.o.To != "":
				alone = append(alone, s.o.To)
				if text := s.text(); !strings.Contains(text, string(code)) || !strings.Contains(text, "批准 "+string(code)) || !strings.Contains(text, "rollcall approve") {
					t.Errorf("%s: alone: %s", name, text)
				}
			case s.o.Chat == "oc_board":
				alarms++
				if text := s.text(); s.o.Card.Tone != Danger || !strings.Contains(text, string(code)) || !strings.Contains(text, "did not arrive") || strings.Contains(text, "Zhou Kai") != direct {
					t.Errorf("%s: alarm: %s", name, text)
				}
			}
		}
		slices.Sort(alone)
		want := []string(nil)
		if direct {
			want = []string{"ou_chenyue", "ou_zhoukai"}
		}
		if !slices.Equal(alone, want) || alarms != 1 {
			t.Errorf("%s: alone %v, %d alarms", name, alone, alarms)
		}
		if audits, _ := w.mail.Audits(t.Context(), "ask.undelivered", time.Time{}); len(audits) != 1 || audits[0].Run != code {
			t.Errorf("%s: audit %+v", name, audits)
		}
		if r, _ := w.service.get(code); r.State != run.Awaiting {
			t.Errorf("%s: the run is %s", name, r.State)
		}
		if got := texts(w.say("Zhou Kai", "team", "approve "+string(code)+" disable=2 delete=3")); !strings.Contains(got, "Approved") {
			t.Errorf("%s: a vote elsewhere: %s", name, got)
		}
	}
}

// A request that is only late is told after ten minutes, and goes on being tried.
func TestP7_ARequestThatIsLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.feishu.can.Direct = true
	w.b.o.AdminRoom = "board"
	w.say("Li Min", "ops", "同步 hr-to-wecom")
	code := run.Code(w.code())
	p := w.refuses("oc_ops", fault.New(fault.Unavailable, "no answer / 没有回答"))
	w.hook.fails = slices.Repeat([]error{fault.New(fault.Unavailable, "no answer / 没有回答")}, 100)
	w.service.planned(code, aPlan(), run.Awaiting)
	start, told := w.clock, time.Duration(0)
	for w.clock.Sub(start) < 25*time.Minute {
		for _, s := range w.settle() {
			if s.o.Chat == "oc_board" && told == 0 {
				told = w.clock.Sub(start)
			}
		}
		w.clock = w.clock.Add(20 * time.Second)
	}
	if told < askPatience || told > askPatience+lastWait+time.Minute {
		t.Errorf("told after %s", told)
	}
	p.chat = ""
	var got []sent
	for range 30 {
		got = append(got, w.settle()...)
		w.clock = w.clock.Add(20 * time.Second)
	}
	if !slices.ContainsFunc(got, func(s sent) bool { return s.o.Chat == "oc_ops" && strings.Contains(s.o.Card.Title, "待批准") }) {
		t.Errorf("when the platform is back: %s", texts(got))
	}
	if audits, _ := w.mail.Audits(t.Context(), "ask.undelivered", time.Time{}); len(audits) != 1 {
		t.Errorf("audit %+v", audits)
	}
}

// Nothing is asked any more: nobody is called.
func TestP7_AnOldRequestCallsNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.feishu.can.Direct = true
	w.say("Li Min", "ops", "同步 hr-to-wecom")
	code := run.Code(w.code())
	o := toOps("待批准")
	o.Asks = code
	for state, want := range map[run.State]bool{run.Rejected: false, run.Awaiting: true} {
		w.service.move(code, run.EventProgress, func(r *run.Run) { r.State, r.Expires = state, w.clock.Add(time.Hour) })
		told, err := w.b.unheard(t.Context(), run.Letter{}, o, errExpelled)
		if err != nil || told != want {
			t.Errorf("%s: told %v, %v", state, told, err)
		}
	}
	w.service.broken = errors.New("the engine is away")
	if told, err := w.b.unheard(t.Context(), run.Letter{}, o, errExpelled); told || err != nil {
		t.Errorf("a run that cannot be read: %v, %v", told, err)
	}
}

// What is given up is told to the admins at once, and then every ten minutes
// with a count; an alarm that is lost raises none.
func TestP13_LostMessagesAreTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.b.o.AdminRoom = "board"
	w.refuses("oc_wall", errExpelled)
	start := w.clock
	type told struct {
		at    time.Duration
		title string
	}
	var all []told
	tick := func() {
		for _, s := range w.settle() {
			if s.o.Chat == "oc_board" {
				all = append(all, told{w.clock.Sub(start), s.o.Card.Title})
			}
		}
		w.clock = w.clock.Add(time.Minute)
	}
	for i := range 25 { // one is lost each minute
		o := toOps(fmt.Sprint("x", i))
		o.Chat = "oc_wall"
		w.post(fmt.Sprint("x", i), o)
		tick()
	}
	for range 60 {
		tick()
	}
	if len(all) < 3 || len(all) > 5 || all[0].at != 0 {
		t.Fatalf("told %+v", all)
	}
	sum := 0
	for i, one := range all {
		n := 0
		if _, err := fmt.Sscanf(one.title, "Alarm · %d", &n); err != nil {
			t.Errorf("title %q", one.title)
		}
		if i > 0 || n > 1 {
			sum += n
		}
		if i > 0 && one.at-all[i-1].at < 10*time.Minute {
			t.Errorf("two alarms within %s", one.at-all[i-1].at)
		}
	}
	if sum != 25 {
		t.Errorf("%d of 25 are counted: %+v", sum, all)
	}
	w.refuses("oc_board", errExpelled)
	w.clock = w.clock.Add(time.Hour)
	w.post("y", Outgoing{Platform: run.Feishu, Chat: "oc_board", Card: Card{Title: "y"}})
	before := len(w.mail.out)
	w.drain()
	if n := len(w.mail.out) - before; n != 0 {
		t.Errorf("an alarm about the admin room itself, with no flow to ask: %d letters", n)
	}
}

// What is said to one person alone never goes to a room's webhook.
func TestWhatIsPrivateStaysPrivate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.refuses("", errExpelled)
	o := Outgoing{Platform: run.Feishu, To: "ou_limin", Fallback: "ops-hook", Card: Card{Title: "secret"}}
	w.post("x", o)
	if got := w.drain(); slices.ContainsFunc(got, func(s sent) bool { return strings.Contains(s.text(), "secret") && s.by == "hook" }) {
		t.Errorf("said %s", texts(got))
	}
	if !strings.HasPrefix(w.mail.gone["x"], "failed: ") {
		t.Errorf("it is %q", w.mail.gone["x"])
	}
}

// A file that cannot be sent, or not be made, is not silently left out.
func TestFilesThatCannotGo(t *testing.T) {
	t.Parallel()
	for _, can := range []bool{false, true} {
		w := newWorld(t)
		w.feishu.can.Files = can
		o := toOps("the plan")
		o.File = &File{Name: "7K3MQ2.csv", Run: "7K3MQ2"}
		w.post("x", o)
		got := w.sendOnce()
		if len(got) != 1 || got[0].o.File != nil && got[0].o.File.Data == nil || got[0].o.File == nil && !strings.Contains(got[0].text(), "rollcall runs 7K3MQ2") {
			t.Errorf("can %v: %s", can, texts(got))
		}
	}
}
