package bot

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
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
func TestP13_APlatformThatHangsHoldsUpNoOther(t *testing.T) {
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

// awaits starts a run in the room and lets it wait for a vote.
func (w *world) awaits(p *plan.Plan) run.Code {
	w.t.Helper()
	w.say("Li Min", "ops", "同步 hr-to-wecom")
	code := run.Code(w.code())
	w.service.planned(code, p, run.Awaiting)
	w.settle()
	return code
}

// crashed lets the bot obey a message and lose the answer.
func (w *world) crashed(m Message) {
	w.t.Helper()
	if err := w.b.Receive(w.t.Context(), m); err != nil {
		w.t.Fatal(err)
	}
	w.mail.broken = fault.New(fault.Unavailable, "the record is busy / 记录繁忙")
	if _, err := w.in.step(w.t.Context()); err == nil {
		w.t.Fatal("a lost Handled is no error")
	}
}

// texts joins what was sent.
func texts(all []sent) string {
	var b strings.Builder
	for _, s := range all {
		b.WriteString(s.text())
	}
	return b.String()
}

// What was counted before a crash is never called "not obeyed", however long the
// process was down.
func TestWhatCountedIsNeverCalledLate(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{"批准 %s 停用=2 删除=3": "已批准：", "驳回 %s": "已驳回：", "取消 %s": "已取消："} {
		w := newWorld(t)
		code := w.awaits(aPlan())
		who := "Zhou Kai"
		if strings.HasPrefix(line, "取消") {
			who = "Li Min"
		}
		w.crashed(w.message(who, "ops", fmt.Sprintf(line, code)))
		w.clock = w.clock.Add(time.Hour)
		if _, err := w.in.step(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := texts(w.settle()); !strings.Contains(got, want) || strings.Contains(got, "来晚了") {
			t.Errorf("%s is answered an hour later:\n%s", line, got)
		}
	}
	w := newWorld(t)
	code := w.awaits(aPlan())
	m := w.message("Zhou Kai", "ops", "批准 "+string(code)+" 停用=2 删除=3")
	m.At = w.clock.Add(-time.Hour)
	if got := texts(w.hear("late", m)); !strings.Contains(got, "来晚了") || len(w.service.votes[code]) != 0 {
		t.Errorf("a late vote: %d votes\n%s", len(w.service.votes[code]), got)
	}
}

// A message without a time may be of any age.
func TestAMessageWithoutATimeIsLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.message("Li Min", "ops", "同步 hr-to-wecom")
	m.At = time.Time{}
	if got := texts(w.hear("no time", m)); len(w.service.order) != 0 || !strings.Contains(got, "来晚了") || strings.Contains(got, "0001") {
		t.Errorf("%d runs\n%s", len(w.service.order), got)
	}
}

// behind is an engine on which somebody else was faster: a run that is read once
// is decided by the time that it is asked for the decision.
type behind struct {
	*service
	decide func()
}

func (s *behind) Decide(ctx context.Context, v run.Vote) (run.Run, error) {
	s.decide()
	return s.service.Decide(ctx, v)
}

func (s *behind) Stop(ctx context.Context, code run.Code, by run.Actor, why string) (run.Run, error) {
	s.decide()
	return s.service.Stop(ctx, code, by, why)
}

// Who comes a moment too late reads what became of the run, in words.
func TestARaceIsToldInWords(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"批准 %s 停用=2 删除=3", "驳回 %s", "取消 %s"} {
		w := newWorld(t)
		code := w.awaits(aPlan())
		w.b.o.Service = &behind{w.service, func() {
			w.service.move(code, run.EventMoved, func(r *run.Run) { r.State = run.Rejected })
		}}
		who := "Zhou Kai"
		if strings.HasPrefix(line, "取消") {
			who = "Li Min"
		}
		got := texts(w.say(who, "ops", fmt.Sprintf(line, code)))
		if !strings.Contains(got, "已有结论") || !strings.Contains(got, "已驳回") || strings.Contains(got, "rejected") {
			t.Errorf("%s: %s", line, got)
		}
	}
}

// A run that was never to be voted on says why, not that it is over.
func TestWhyThereIsNoVote(t *testing.T) {
	t.Parallel()
	for state, want := range map[run.State]string{run.Planned: "只是预演", run.Blocked: "投票也无法放行"} {
		w := newWorld(t)
		w.say("Li Min", "ops", "同步 hr-to-wecom")
		code := run.Code(w.code())
		w.service.planned(code, aPlan(), state)
		w.settle()
		if got := texts(w.say("Zhou Kai", "ops", "批准 "+string(code)+" 停用=2 删除=3")); !strings.Contains(got, want) {
			t.Errorf("%s: %s", state, got)
		}
	}
}

// Whom the plan touches is not named as somebody who can approve it.
func TestTouchedApproversAreNotNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := aPlan()
	p.Changes = append(p.Changes, plan.Change{Seq: 8, Op: plan.Disable, Name: "Chen Yue"})
	code := w.awaits(p)
	if got := texts(w.say("Li Min", "ops", "批准 "+string(code)+" 停用=3 删除=3")); !strings.Contains(got, "可以批准的人：Zhou Kai\n") {
		t.Errorf("%s", got)
	}
}

// A copy of a card is never drawn again, so nothing on it can be decided.
func TestACopyOfACardDecidesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.awaits(aPlan())
	for _, s := range w.say("Zhou Kai", "ops", "状态 "+string(code)) {
		for _, b := range s.o.Card.Buttons {
			if cmd, err := Parse(b.Command); err != nil || specOf(cmd.Verb).changes {
				t.Errorf("the copy has the button %q", b.Command)
			}
		}
		if !strings.Contains(s.text(), "批准请发") {
			t.Error("the copy does not say how to approve")
		}
	}
}

// torn is an engine whose stored plans of some runs are damaged.
type torn struct {
	*service
	code run.Code
}

func (s *torn) Get(ctx context.Context, code run.Code) (run.Run, *plan.Plan, error) {
	r, p, err := s.service.Get(ctx, code)
	if err == nil && code == s.code {
		return r, nil, fault.New(fault.Internal, "the stored plan of %s is damaged / %s 的计划记录已损坏", code, code)
	}
	return r, p, err
}

// A damaged plan silences neither the next run's card nor the digests, and its run
// can still be looked at and stopped.
func TestADamagedPlanSilencesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := w.awaits(aPlan())
	w.b.o.Service = &torn{w.service, old}
	w.clock = w.clock.Add(time.Minute)
	for line, want := range map[string]string{"状态 %s": "待批准 " + string(old), "详情 %s": "计划无法读取"} {
		if got := texts(w.say("Zhou Kai", "ops", fmt.Sprintf(line, old))); !strings.Contains(got, want) {
			t.Errorf("%s: %s", line, got)
		}
	}
	if got := texts(w.say("Li Min", "ops", "取消 "+string(old))); !strings.Contains(got, "已取消：") {
		t.Errorf("cancel: %s", got)
	}
	w.clock = w.clock.Add(time.Minute)
	next := w.scheduled()
	w.service.planned(next, aPlan(), run.Awaiting)
	if got := texts(w.settle()); !strings.Contains(got, "待批准 "+string(next)) {
		t.Errorf("the next run is not told of:\n%s", got)
	}
	w.b.o.Service = &torn{w.service, next}
	if got := texts(w.say("Zhou Kai", "ops", "日报 现在")); !strings.Contains(got, "日报") {
		t.Errorf("digest: %s", got)
	}
}

// A digest that cannot be made for one room keeps no other room waiting, and a
// panic in it takes nothing down.
func TestDigestsDoNotHoldUpEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.b.o.Digests = []DigestPlan{{Rooms: []string{"ops", "team"}, Hour: 9, Minute: 30, Zone: shanghai}}
	odd := &Flow{Name: "odd", Rooms: []string{"ops"}, Next: func(time.Time) time.Time { panic("odd") }}
	w.b.o.Flows = append(w.b.o.Flows, *odd)
	table := newTimetable(w.b)
	if _, err := table.step(t.Context()); err == nil {
		t.Error("a digest that cannot be made is no error")
	}
	w.clock = w.clock.Add(time.Minute)
	if got := w.settle(); len(got) != 1 || got[0].by != "dingtalk" {
		t.Errorf("posted: %+v", got)
	}
}

// A loop survives a panic of its step.
func TestP14_ALoopSurvivesAPanic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		steps := 0
		w.b.loop(ctx, "odd", nil, func(context.Context) (bool, error) {
			if steps++; steps == 1 {
				panic("odd")
			}
			return false, nil
		})
		if steps < 5 {
			t.Errorf("%d steps in ten seconds", steps)
		}
	})
}

// A run that waited long before it was applied is in the digest of the day on
// which it ended; one that is still at work is not of the day before.
func TestTheDigestCountsByTheEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	slow := w.scheduled()
	w.service.planned(slow, aPlan(), run.Awaiting)
	w.clock = w.clock.Add(60 * time.Hour)
	w.service.move(slow, run.EventMoved, func(r *run.Run) { r.State, r.Outcome = run.Succeeded, run.Outcome{Done: 7} })
	w.clock = w.clock.Add(time.Hour)
	busy := w.scheduled()
	w.service.planned(busy, aPlan(), run.Applying)
	w.service.move(busy, run.EventProgress, func(r *run.Run) { r.Outcome = run.Outcome{Done: 3} })
	w.clock = w.clock.Add(time.Minute)
	got := texts(w.say("Zhou Kai", "ops", "日报 现在"))
	if !strings.Contains(got, "成功 7（平时成功 0 项 ↑）") {
		t.Errorf("%s", got)
	}
}

// The next time of a flow is told by the clock of the configuration, whatever the
// machine's is.
func TestTheNextTimeIsInTheZone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.clock = w.clock.UTC()
	w.b.o.Flows[0].Next = func(after time.Time) time.Time {
		return time.Date(after.Year(), after.Month(), after.Day()+1, 2, 30, 0, 0, after.Location())
	}
	for _, line := range []string{"流程", "日报 现在"} {
		w.awaits(aPlan())
		if got := texts(w.say("Wu Di", "ops", line)); !strings.Contains(got, "下次 2026-10-09 02:30") {
			t.Errorf("%s: %s", line, got)
		}
	}
}

// A reason is shown as it was typed, even when it looks like a sentence in two
// languages.
func TestAReasonIsNotHalved(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"驳回 %s 名单错了 / wrong list", "取消 %s 名单错了 / wrong list"} {
		w := newWorld(t)
		code := w.awaits(aPlan())
		who := "Li Min"
		got := texts(w.say(who, "ops", fmt.Sprintf(line, code)))
		if n := strings.Count(got, "名单错了/wrong list"); n < 3 {
			t.Errorf("%s: the reason stands %d times\n%s", line, n, got)
		}
	}
}

// A reason that a person typed shows a phone number no more than a plan does.
func TestReasonsAreMasked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.awaits(aPlan())
	got := texts(w.say("Zhou Kai", "ops", "驳回 "+string(code)+" 名单错了，请打 13912345678"))
	if strings.Contains(got, "13912345678") || strings.Count(got, "…5678") < 4 {
		t.Errorf("%s", got)
	}
	if got := texts(w.say("Zhou Kai", "ops", "状态 "+string(code))); strings.Contains(got, "13912345678") {
		t.Errorf("%s", got)
	}
}

// Where a chat is added to a record that has a past, old runs are not told of as
// news; what is still open, what was asked for in a chat, and cards that stand
// there are.
func TestThePastIsNoNews(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	done := w.scheduled()
	w.service.planned(done, aPlan(), run.Applying)
	w.service.move(done, run.EventMoved, func(r *run.Run) { r.State, r.Outcome = run.Succeeded, run.Outcome{Done: 7} })
	w.mail.event(run.Event{Run: done, Kind: run.EventAlarm, Say: "Gu Yan: has left / 已离职"})
	w.clock = w.clock.Add(time.Minute)
	open := w.scheduled()
	w.service.planned(open, aPlan(), run.Awaiting)
	w.clock = w.clock.Add(30 * time.Hour)
	if got := texts(w.settle()); strings.Contains(got, "完成 "+string(done)) || strings.Contains(got, "Gu Yan：") || !strings.Contains(got, "待批准 "+string(open)) {
		t.Errorf("%s", got)
	}
	w.service.move(open, run.EventMoved, func(r *run.Run) { r.State = run.Expired })
	w.clock = w.clock.Add(30 * time.Hour)
	if got := texts(w.settle()); !strings.Contains(got, "已过期 "+string(open)) {
		t.Errorf("a card that stands is left as it was:\n%s", got)
	}
	code := w.awaits(aPlan())
	w.service.move(code, run.EventMoved, func(r *run.Run) { r.State = run.Failed })
	w.clock = w.clock.Add(30 * time.Hour)
	if got := texts(w.settle()); !strings.Contains(got, "失败 "+string(code)) {
		t.Errorf("who asked is not told:\n%s", got)
	}
}

// Others who speak meanwhile do not use up the tries of a message.
func TestTriesTakeTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.service.broken = fault.New(fault.Unavailable, "busy / 繁忙")
	if err := w.b.Receive(t.Context(), w.message("Li Min", "ops", "同步 hr-to-wecom")); err != nil {
		t.Fatal(err)
	}
	for range 10 * answerTries { // each ring of the bell is a step
		if _, err := w.in.step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	w.service.broken = nil
	w.clock = w.clock.Add(time.Second)
	if _, err := w.in.step(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := texts(w.settle()); len(w.service.order) != 1 || strings.Contains(got, "出错了") {
		t.Errorf("%d runs\n%s", len(w.service.order), got)
	}
}

// A digest has one time a day, also on the days when the clock is put forward or
// back.
func TestP10_DigestTimesWhenTheClockChanges(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Shanghai"} {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Skipf("NOT RUN: this machine does not know the zone %s: %v", zone, err)
		}
		for _, hour := range []int{0, 1, 2, 3, 23} {
			d := DigestPlan{Hour: hour, Minute: 30, Zone: loc}
			times := map[string]time.Time{}
			last := time.Time{}
			begin, end := time.Date(2026, 1, 1, 0, 0, 0, 0, loc), time.Date(2027, 1, 1, 0, 0, 0, 0, loc)
			for now := begin; now.Before(end); now = now.Add(7 * time.Minute) {
				at, ok := d.last(now)
				if !ok || at.Before(last) || at.After(now) {
					t.Fatalf("%s %d:30: before %s comes %s, and before that %s", zone, hour, now, at, last)
				}
				last = at
				day := at.Format("2006-01-02")
				if other, there := times[day]; there && !other.Equal(at) {
					t.Fatalf("%s %d:30: two digests on %s: %s and %s", zone, hour, day, other, at)
				}
				times[day] = at
			}
			if n := len(times); n < 365 || n > 366 {
				t.Errorf("%s %d:30: %d digests in a year", zone, hour, n)
			}
		}
	}
}

// A run that was applied on an incomplete source says so, and a note about nobody
// in particular begins with what it says.
func TestAnIncompleteSourceIsNotKeptQuiet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := aPlan()
	p.Source.Health.PartialFor = "roster.csv row 299 / roster.csv 第 299 行"
	p.Notes = []plan.Note{{Kind: plan.Unclear, Say: "2 users are not in it / 少了 2 人"}}
	w.say("Li Min", "ops", "同步 hr-to-wecom")
	code := run.Code(w.code())
	w.service.planned(code, p, run.Applying)
	w.service.move(code, run.EventMoved, func(r *run.Run) { r.State, r.Outcome = run.Succeeded, run.Outcome{Done: 7} })
	got := texts(w.settle())
	for _, want := range []string{"*不完整：*roster.csv 第 299 行", "*无法判断 1 项*：少了 2 人", "*Incomplete: *roster.csv row 299", "*unclear: 1* – 2 users"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}
