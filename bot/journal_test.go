package bot

import (
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// scheduled begins a run that nobody asked for.
func (w *world) scheduled() run.Code {
	r, err := w.service.Start(w.t.Context(), run.Request{ID: "schedule:" + w.clock.String(), Flow: "hr-to-wecom", Apply: true, Trigger: run.BySchedule, By: run.Actor{Platform: run.Clock}})
	if err != nil {
		w.t.Fatal(err)
	}
	return r.Code
}

// A scheduled run speaks only when somebody is needed or something happened.
func TestScheduledRunsAreQuiet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	end := func(to run.State, o run.Outcome) []sent {
		code := w.scheduled()
		w.service.move(code, run.EventMoved, func(r *run.Run) { r.State = run.Reading })
		if got := w.settle(); len(got) != 0 {
			t.Errorf("a scheduled run that reads says %d things", len(got))
		}
		w.clock = w.clock.Add(time.Minute)
		w.service.planned(code, aPlan(), to)
		w.service.move(code, run.EventProgress, func(r *run.Run) { r.Outcome = o })
		return w.settle()
	}
	if got := end(run.NothingToDo, run.Outcome{}); len(got) != 0 {
		t.Errorf("nothing to do says %d things", len(got))
	}
	if got := end(run.Succeeded, run.Outcome{Already: 2}); len(got) != 0 {
		t.Errorf("a success without a change says %d things", len(got))
	}
	if got := end(run.Succeeded, run.Outcome{Done: 2}); len(got) != 2 || got[0].o.Live == "" || got[1].o.Live == "" {
		t.Errorf("a success in two rooms says %d things", len(got))
	}
	for _, state := range []run.State{run.Blocked, run.Failed, run.Awaiting} {
		got := end(state, run.Outcome{})
		if len(got) != 4 {
			t.Fatalf("%s says %d things in two rooms", state, len(got))
		}
		for _, s := range got {
			if s.o.Live == "" && len(s.o.Mention) == 0 {
				t.Errorf("%s calls nobody in %s", state, s.o.Chat)
			}
			if s.o.Live == "" && s.o.Chat == "oc_ops" && s.o.Fallback != "ops-hook" {
				t.Errorf("%s has no fallback", state)
			}
		}
	}
}

// Reading the same events again says nothing twice.
func TestEventsAreToldOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.scheduled()
	w.service.planned(code, aPlan(), run.Awaiting)
	first := len(w.settle())
	letters := len(w.mail.out)
	w.mail.cursor = 0
	w.clock = w.clock.Add(time.Minute)
	if again := w.settle(); len(again) != 0 || len(w.mail.out) != letters || first != 4 {
		t.Errorf("%d things at first, %d again; %d letters became %d", first, len(again), letters, len(w.mail.out))
	}
}

func TestAlarms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.scheduled()
	w.mail.event(run.Event{Run: code, Kind: run.EventAlarm, Say: "Gu Yan: has left, call 13912345678 / 已离职，电话 13912345678"})
	w.mail.event(run.Event{Run: "703021", Kind: run.EventAlarm, Say: "of a run that is gone / 运行不存在"})
	got := w.settle()
	if len(got) != 2 {
		t.Fatalf("%d alarms", len(got))
	}
	zh := cardText(got[0].o.Card)
	if !strings.Contains(zh, "Gu Yan：已离职，电话 …5678") || strings.Join(got[0].o.Mention, " ") != "ou_limin ou_boss" {
		t.Errorf("the alarm calls %v and says\n%s", got[0].o.Mention, zh)
	}
	if en := cardText(got[1].o.Card); !strings.Contains(en, "Gu Yan: has left") {
		t.Errorf("the alarm says\n%s", en)
	}
}

// A room that has only a webhook hears of what matters, once each.
func TestWebhookRooms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.b.named["wall"].Platform, w.b.named["wall"].Chat, w.b.named["wall"].Webhook = run.WeCom, "", "ops-hook"
	code := w.scheduled()
	w.service.planned(code, aPlan(), run.Awaiting)
	w.settle()
	w.service.move(code, run.EventMoved, func(r *run.Run) { r.State = run.Applying })
	w.service.move(code, run.EventProgress, func(*run.Run) {})
	got := w.settle()
	w.service.move(code, run.EventMoved, func(r *run.Run) { r.State, r.Outcome = run.Succeeded, run.Outcome{Done: 7} })
	got = append(got, w.settle()...)
	hooks := 0
	for _, s := range got {
		if s.by == "hook" {
			hooks++
			if s.o.Robot != "ops-hook" || len(s.o.Mention) != 0 || len(s.o.Card.Buttons) != 0 {
				t.Errorf("the webhook takes %+v", s.o)
			}
		}
	}
	if hooks != 1 {
		t.Errorf("the webhook speaks %d times after the vote", hooks)
	}
}

// Voters of a plan that is gone are told.
func TestVotersAreToldOfASupersededPlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.say("Li Min", "ops", "同步 hr-to-wecom")
	p := aPlan()
	p.Risk.Votes, p.Risk.Tier = 2, 2
	w.service.planned(run.Code(w.code()), p, run.Awaiting)
	w.settle()
	w.say("Zhou Kai", "ops", "批准 "+w.code()+" 删除=3 停用=2")
	w.service.move(run.Code(w.code()), run.EventMoved, func(r *run.Run) {
		r.State, r.Reason = run.Superseded, "superseded by 703021 / 已被 703021 取代"
	})
	called := map[string]string{}
	for _, s := range w.settle() {
		if s.o.Live == "" {
			called[s.o.Chat] = strings.Join(s.o.Mention, " ")
		}
	}
	if called["oc_ops"] != "ou_limin ou_zhoukai" || called["oc_wall"] != "ou_zhoukai" {
		t.Errorf("called: %v", called)
	}
}

// Whom the plan touches is not asked for a vote.
func TestTouchedApproversAreNotCalled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := aPlan()
	p.Changes = append(p.Changes, plan.Change{Seq: 8, Op: plan.Disable, Name: "Chen Yue"})
	code := w.scheduled()
	w.service.planned(code, p, run.Awaiting)
	for _, s := range w.settle() {
		if all := cardText(s.o.Card) + strings.Join(s.o.Mention, " "); s.o.Live == "" && (strings.Contains(all, "ou_chenyue") || !strings.Contains(all, "ou_zhoukai")) {
			t.Errorf("called: %v", s.o.Mention)
		}
	}
}

// A run that cannot be told of does not silence the others; what may pass is
// waited for.
func TestDamageDoesNotSilenceOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lost := w.scheduled()
	w.service.planned(lost, aPlan(), run.Awaiting)
	w.clock = w.clock.Add(time.Minute)
	w.service.planned(w.scheduled(), aPlan(), run.Awaiting)
	delete(w.service.runs, lost)
	w.service.broken = fault.New(fault.Unavailable, "busy / 繁忙")
	if _, err := w.b.readJournal(t.Context()); err == nil || w.mail.cursor != 0 {
		t.Errorf("events are lost while the record is away: %v, cursor %d", err, w.mail.cursor)
	}
	w.service.broken = nil
	if got := w.settle(); len(got) != 4 || int(w.mail.cursor) != len(w.mail.events) {
		t.Errorf("%d things of the run that is whole, cursor %d of %d", len(got), w.mail.cursor, len(w.mail.events))
	}
	w.service.broken = fault.New(fault.Internal, "trouble / 出错")
	w.mail.event(run.Event{Run: lost, Kind: run.EventMoved})
	if got := w.settle(); len(got) != 0 || int(w.mail.cursor) != len(w.mail.events) {
		t.Errorf("%d things of a damaged run, cursor %d", len(got), w.mail.cursor)
	}
}
