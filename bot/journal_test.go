package bot

import (
	"slices"
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

// A run by event about a few objects is for the digest, unless something went
// wrong: each change in the source would be a message otherwise.
func TestSmallRunsByEventAreForTheDigest(t *testing.T) {
	t.Parallel()
	for state, says := range map[run.State]bool{run.Succeeded: false, run.Planned: false, run.Partial: true, run.Failed: true} {
		w := newWorld(t)
		code := w.scheduled()
		w.service.move(code, run.EventMoved, func(r *run.Run) {
			r.Trigger, r.By, r.Objects = run.ByEvent, run.Actor{Platform: run.Change}, "user:0001"
			r.State, r.Outcome = state, run.Outcome{Done: 1}
		})
		if got := w.settle(); len(got) > 0 != says {
			t.Errorf("%s says %d things", state, len(got))
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

// by room gives what was said beside live cards.
func byRoom(all []sent) map[string]sent {
	said := map[string]sent{}
	for _, s := range all {
		if s.o.Live == "" {
			said[s.o.Chat] = s
		}
	}
	return said
}

// A reminder calls those who can still vote, and nobody else.
func TestReminders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := aPlan()
	p.Risk.Tier, p.Risk.Votes = 2, 2
	code := w.awaits(p)
	w.say("Zhou Kai", "ops", "批准 "+string(code)+" 删除=3 停用=2")
	w.clock = w.clock.Add(4 * time.Hour)
	w.mail.event(run.Event{Run: code, Kind: run.EventReminder})
	said := byRoom(w.settle())
	if len(said) != 2 || !slices.Equal(said["oc_ops"].o.Mention, []string{"ou_chenyue"}) || !slices.Equal(said["oc_wall"].o.Mention, []string{"ou_chenyue"}) {
		t.Errorf("called: %v, %v", said["oc_ops"].o.Mention, said["oc_wall"].o.Mention)
	}
	for _, want := range []string{"仍在等待批准：" + string(code) + " · 删除 3 · 停用 2", "还有 4 小时", "需要 1 位审批人", "Chen Yue", "批准 " + string(code) + " 删除=〈人数〉"} {
		if all := cardText(said["oc_ops"].o.Card); !strings.Contains(all, want) || strings.Contains(all, "Zhou Kai") {
			t.Errorf("%q is missing, or Zhou Kai named, in\n%s", want, all)
		}
	}
	w.clock = w.clock.Add(5 * time.Hour)
	w.mail.event(run.Event{Run: code, Kind: run.EventReminder})
	if said := byRoom(w.settle()); len(said) != 0 {
		t.Errorf("what has expired is called for: %v", said)
	}
	w.clock = w.clock.Add(-5 * time.Hour)
	w.say("Chen Yue", "ops", "批准 "+string(code)+" 删除=3 停用=2")
	w.mail.event(run.Event{Run: code, Kind: run.EventReminder})
	if said := byRoom(w.settle()); len(said) != 0 {
		t.Errorf("what is decided is called for: %v", said)
	}
}

// A run that has all it needs says when it begins, and how to stop it.
func TestCoolingOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := aPlan()
	p.Risk.Tier, p.Risk.Votes = 3, 2
	code := w.awaits(p)
	w.service.votes[code] = []run.Vote{by("Zhou Kai", run.Approve, p), by("Chen Yue", run.Approve, p)}
	w.service.move(code, run.EventCooling, func(r *run.Run) {
		r.StepUp, r.NotBefore = run.Actor{Person: "Zhou Kai"}, w.clock.Add(10*time.Minute)
	})
	all := w.settle()
	said := byRoom(all)
	if len(said) != 2 || !slices.Equal(said["oc_ops"].o.Mention, []string{"ou_limin", "ou_zhoukai", "ou_chenyue"}) {
		t.Fatalf("%d messages, called: %v", len(said), said["oc_ops"].o.Mention)
	}
	if text := cardText(said["oc_ops"].o.Card); !strings.Contains(text, "10:15 自动开始执行") || !strings.Contains(text, "取消 "+string(code)) {
		t.Errorf("%s", text)
	}
	if live := all[0].o; live.Live == "" || !strings.Contains(live.Card.Title, "冷静期") || !slices.ContainsFunc(live.Card.Buttons, func(b Button) bool { return b.Command == "取消 "+string(code) }) {
		t.Errorf("the card is %s", cardText(live.Card))
	}
	w.mail.event(run.Event{Run: code, Kind: run.EventReminder})
	if said := byRoom(w.settle()); len(said) != 0 {
		t.Errorf("votes are asked for that are there: %v", said)
	}
}

// Every room that may see the flow hears that the glass is broken, also one in
// which nobody is ever asked.
func TestABrokenGlassIsToldEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.awaits(aPlan())
	v := by("Boss", run.BreakGlass, aPlan())
	v.Reason = "call 13912345678"
	w.service.votes[code] = []run.Vote{v}
	w.service.move(code, run.EventMoved, func(r *run.Run) { r.State, r.Glass = run.Applying, v.By })
	w.mail.event(run.Event{Run: code, Kind: run.EventAlarm, Say: "Boss: broke the glass / 紧急放行"})
	all := w.settle()
	said := byRoom(all)
	for _, chat := range []string{"oc_ops", "oc_wall", "oc_board", "cidTeam"} {
		if s, there := said[chat]; !there || s.o.Card.Tone != Danger || !strings.Contains(s.o.Card.Title, string(code)) || len(s.o.Mention) == 0 {
			t.Errorf("%s hears %+v", chat, s.o)
		}
	}
	for _, s := range all {
		if text := cardText(s.o.Card); s.o.Live != "" && s.o.Lang == ZH && (s.o.Card.Tone != Danger || !strings.Contains(text, "紧急放行：没有凑齐审批，只凭 Boss 一个人的决定。原因：call …5678")) {
			t.Errorf("the card is\n%s", text)
		}
	}
}

// Who approved a run that went wrong is called with who asked; of one that went
// well, only who asked is.
func TestWhoIsCalledAtTheEnd(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		state run.State
		out   run.Outcome
		want  string
	}{
		{run.Succeeded, run.Outcome{Done: 7}, "ou_limin"},
		{run.Partial, run.Outcome{Done: 6, Skipped: 1}, "ou_limin"},
		{run.Partial, run.Outcome{Done: 6, Failed: 1}, "ou_limin ou_zhoukai"},
		{run.Failed, run.Outcome{}, "ou_limin ou_zhoukai"},
	} {
		w := newWorld(t)
		code := w.awaits(aPlan())
		w.say("Zhou Kai", "ops", "批准 "+string(code)+" 删除=3 停用=2")
		w.service.move(code, run.EventMoved, func(r *run.Run) { r.State, r.Outcome = c.state, c.out })
		if got := strings.Join(byRoom(w.settle())["oc_ops"].o.Mention, " "); got != c.want {
			t.Errorf("%s %+v calls %s, want %s", c.state, c.out, got, c.want)
		}
	}
}

// One request stands on several cards on two platforms; a vote on one of them
// changes all, and an old one decides nothing.
func TestA38_OneDecisionChangesEveryCard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.b.flow("hr-to-wecom").Rooms = []string{"ops", "wall", "team"}
	code := w.awaits(aPlan())
	old := Button{Command: "批准 " + string(code), Digest: w.service.runs[code].Plan.String()}
	live := map[string]bool{}
	for _, s := range w.say("Chen Yue", "team", "approve "+string(code)+" delete=3 disable=2") {
		if s.o.Live == "" {
			continue
		}
		live[s.o.Chat] = true
		if len(s.place) == 0 || !strings.Contains(s.text(), "57%") && !strings.Contains(s.text(), " 0%") || strings.Contains(s.text(), "<批准>") || strings.Contains(s.text(), "<approve>") {
			t.Errorf("the card in %s is\n%s", s.o.Chat, s.text())
		}
	}
	if !live["oc_ops"] || !live["oc_wall"] {
		t.Errorf("the cards in %v are changed", live)
	}
	if all := texts(w.press("Zhou Kai", "ops", old, map[string]string{"删除": "3", "停用": "2"})); !strings.Contains(all, "已有结论或正在进行") || len(w.service.votes[code]) != 1 {
		t.Errorf("the old card is answered\n%s", all)
	}
	w.service.move(code, run.EventMoved, func(r *run.Run) { r.State, r.Outcome = run.Succeeded, run.Outcome{Done: 7} })
	told := map[string]bool{}
	for _, s := range w.settle() {
		told[s.o.Chat] = told[s.o.Chat] || strings.Contains(s.o.Card.Title, string(code))
	}
	if !told["oc_ops"] || !told["oc_wall"] || !told["cidTeam"] {
		t.Errorf("the end is told in %v", told)
	}
}

// What asks for a vote says so, and only what asks for nothing, answers nobody and
// went well may wait for the digest.
func TestUrgency(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		state    run.State
		out      run.Outcome
		asked    bool
		glass    string
		asks     run.Code
		ordinary bool
	}{
		{run.Awaiting, run.Outcome{}, false, "", theCode, false},
		{run.Awaiting, run.Outcome{}, true, "", theCode, false},
		{run.Succeeded, run.Outcome{Done: 3}, false, "", "", true},
		{run.Succeeded, run.Outcome{Done: 3}, true, "", "", false},
		{run.Succeeded, run.Outcome{Done: 3}, false, "Boss", "", false},
		{run.Expired, run.Outcome{}, false, "", "", true},
		{run.Cancelled, run.Outcome{Done: 1, InDoubt: 1}, false, "", "", false},
		{run.Failed, run.Outcome{}, false, "", "", false},
		{run.Partial, run.Outcome{Skipped: 1}, false, "", "", false},
		{run.Blocked, run.Outcome{}, false, "", "", false},
	} {
		sc := scene{run: run.Run{Code: theCode, State: c.state, Outcome: c.out, Glass: run.Actor{Person: c.glass}}}
		if asks, ordinary := sc.urgency(audience{asked: c.asked}); asks != c.asks || ordinary != c.ordinary {
			t.Errorf("%+v asks %q, is ordinary: %v", c, asks, ordinary)
		}
	}
	w := newWorld(t)
	code := w.awaits(aPlan())
	w.mail.event(run.Event{Run: code, Kind: run.EventReminder})
	for chat, s := range byRoom(w.settle()) {
		if s.o.Asks != code || s.o.Ordinary {
			t.Errorf("the reminder in %s asks for %q", chat, s.o.Asks)
		}
	}
}
