package bot

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// in picks the text of a room's language.
func in(room, zh, en string) string {
	if room == "ops" {
		return zh
	}
	return en
}

// script is a conversation; it is played in a room of each language.
type script func(w *world, room string)

func TestTranscripts(t *testing.T) {
	t.Parallel()
	for name, play := range map[string]script{
		"story": story, "help": helps, "refusals": refusals, "suggestions": suggestions, "reading": reading, "reject-cancel": rejectCancel, "two-votes": twoVotes,
		"pausing": pausing, "scheduling": scheduling, "lending": lending,
	} {
		for _, room := range []string{"ops", "team"} {
			t.Run(name+"/"+room, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				play(w, room)
				golden(t, "testdata/transcripts/"+name+"."+room+".txt", w.log.String())
				if strings.Contains(w.log.String(), "%!") || strings.Contains(w.log.String(), "ldap") {
					t.Error("a text has a wrong format, or tells of a flow that nobody here sees")
				}
			})
		}
	}
}

// code gives the newest run's.
func (w *world) code() string { return string(w.service.order[len(w.service.order)-1]) }

func story(w *world, room string) {
	w.say("Li Min", room, in(room, "同步 hr-to-wecom", "sync hr-to-wecom"))
	code := run.Code(w.code())
	w.service.move(code, run.EventMoved, func(r *run.Run) { r.State = run.Reading })
	w.settle()
	w.service.move(code, run.EventMoved, func(r *run.Run) { r.State = run.Planning })
	w.service.planned(code, aPlan(), run.Awaiting)
	w.settle()
	w.clock = w.clock.Add(5 * time.Minute)
	w.say("Li Min", room, in(room, "批准 ", "approve ")+w.code()+in(room, " 停用=2 删除=3", " disable=2 delete=3"))
	w.say("Zhou Kai", room, in(room, "批准 ", "approve ")+w.code()+in(room, " 停用=2 删除=2", " disable=2 delete=2"))
	w.say("Zhou Kai", room, in(room, "批准 ", "approve ")+w.code()+in(room, " 停用=2 删除=3", " disable=2 delete=3"))
	w.service.move(code, run.EventProgress, func(r *run.Run) { r.Outcome.Done = 4 })
	w.settle()
	w.service.entries[code] = []run.Entry{{Run: code, Seq: 3, Step: run.StepSkipped, Say: "is back since 10:08 / 此人 10:08 被改回在职"}}
	w.clock = w.clock.Add(time.Minute)
	w.service.move(code, run.EventMoved, func(r *run.Run) {
		r.State, r.Outcome = run.Partial, run.Outcome{Done: 6, Skipped: 1}
	})
	w.settle()
	w.say("Chen Yue", room, in(room, "批准 ", "approve ")+w.code()+in(room, " 停用=2 删除=3", " disable=2 delete=3"))
}

func helps(w *world, room string) {
	for _, who := range []string{"Li Min", "Zhou Kai", "Wu Di", "Boss", "Stranger"} {
		w.say(who, room, in(room, "帮助", "help"))
	}
	w.say("Li Min", room, "")
	w.say("Li Min", room, in(room, "帮助 同步", "help sync"))
	w.say("Wu Di", room, in(room, "帮助 同步", "help sync"))
	w.say("Wu Di", room, in(room, "帮助 同步化", "help syncs"))
	w.say("Li Min", room, in(room, "我是谁", "whoami"))
	w.say("Stranger", room, in(room, "我是谁", "whoami"))
}

func refusals(w *world, room string) {
	w.say("Stranger", room, in(room, "同步 hr-to-wecom", "sync hr-to-wecom"))
	w.say("Wu Di", room, in(room, "同步 hr-to-wecom", "sync hr-to-wecom"))
	w.say("Li Min", room, in(room, "同步 secret-flow", "sync secret-flow"))
	w.say("Li Min", room, in(room, "同步 hr-to-wecm", "sync hr-to-wecm"))
	w.say("Li Min", room, in(room, "同步", "sync"))
	w.say("Li Min", room, in(room, "历史 --周=2", "history --weeks=2"))
	w.say("Li Min", room, in(room, "状态 7K3MQ3", "status 7K3MQ3"))
	w.say("Li Min", room, in(room, "详情 7K3MQ2", "show 7K3MQ2"))
	w.say("Li Min", room, in(room, "同步 a\n同步 b", "sync a\nsync b"))
	w.say("Li Min", room, in(room, "同步 hr-to-wecom", "sync hr-to-wecom"))
	w.service.planned(run.Code(w.code()), aPlan(), run.Awaiting)
	w.settle()
	w.say("Wu Di", room, in(room, "批准 ", "approve ")+w.code()+in(room, " 停用=2 删除=3", " disable=2 delete=3"))
	w.say("Wu Di", room, in(room, "驳回 ", "reject ")+w.code())
	w.say("Wu Di", room, in(room, "取消 ", "cancel ")+w.code())
	for _, word := range []string{"同意", "ok", "1", "👍"} {
		w.say("Zhou Kai", room, word)
	}
	w.say("Wu Di", room, "OK")
	w.say("Zhou Kai", room, in(room, "看起来没问题，就这样吧", "looks fine to me, go ahead"))
	w.b.flow("hr-to-wecom").Paused = true
	w.say("Li Min", room, in(room, "同步 hr-to-wecom", "sync hr-to-wecom"))
}

func suggestions(w *world, room string) {
	w.say("Li Min", room, in(room, "预研 hr-to-wecom", "plna hr-to-wecom"))
	w.say("Li Min", room, in(room, "玉言 hr-to-wecmo", "pla hr-to-wecmo"))
	w.say("Li Min", room, in(room, "同不", "synk"))
	w.say("Wu Di", room, in(room, "同不", "synk"))
	w.say("Li Min", room, in(room, "暂亭 hr-to-wecmo 到=18:00", "puase hr-to-wecmo --until=18:00"))
	w.say("Zhou Kai", room, in(room, "定式 hr-to-wecom 每天 02:30", "shedule hr-to-wecom daily 02:30"))
	w.say("Li Min", room, in(room, "静因 2小时", "muet 2h"))
	w.say("Li Min", room, in(room, "帮助 代办", "help tdoo"))
	w.say("Wu Di", room, in(room, "暂亭 hr-to-wecom", "puase hr-to-wecom"))
	w.say("Li Min", room, "hr-to-wecom")
	w.say("Li Min", room, "secret-flow")
	w.say("Li Min", room, "7k3mq2")
	w.say("Li Min", room, in(room, "今天天气不错", "what a lovely day"))
	if len(w.service.order) != 0 {
		w.t.Errorf("%d runs were started by guesses", len(w.service.order))
	}
}

func reading(w *world, room string) {
	w.say("Wu Di", room, in(room, "状态", "status"))
	w.say("Wu Di", room, in(room, "流程", "flows"))
	w.say("Wu Di", room, in(room, "历史", "history"))
	w.say("Wu Di", room, in(room, "日报 现在", "digest now"))
	w.say("Li Min", room, in(room, "预演 hr-to-wecom", "plan hr-to-wecom"))
	w.service.planned(run.Code(w.code()), aPlan(), run.Planned)
	w.settle()
	for _, zh := range []string{"详情 %s", "详情 %s #1", "详情 %s #2", "详情 %s #3", "详情 %s #6", "详情 %s #99", "详情 %s 删除", "详情 %s 保留", "详情 %s 认领", "状态 %s"} {
		line := fmt.Sprintf(zh, w.code())
		if room != "ops" {
			cmd, err := Parse(line)
			if err != nil {
				w.t.Fatal(err)
			}
			line = cmd.In(EN).String()
		}
		w.say("Wu Di", room, line)
	}
	w.say("Li Min", room, in(room, "同步 hr-to-wecom", "sync hr-to-wecom"))
	w.service.planned(run.Code(w.code()), aPlan(), run.Awaiting)
	w.settle()
	w.say("Wu Di", room, in(room, "状态", "status"))
	w.say("Wu Di", room, in(room, "状态 hr-to-wecom", "status hr-to-wecom"))
	w.say("Wu Di", room, in(room, "流程", "flows"))
	w.say("Wu Di", room, in(room, "历史 hr-to-wecom", "history hr-to-wecom"))
	w.say("Wu Di", room, in(room, "日报 现在 hr-to-wecom", "digest now hr-to-wecom"))
}

func rejectCancel(w *world, room string) {
	start := func() {
		w.say("Li Min", room, in(room, "同步 hr-to-wecom", "sync hr-to-wecom"))
		w.service.planned(run.Code(w.code()), aPlan(), run.Awaiting)
		w.settle()
	}
	start()
	w.say("Chen Yue", room, in(room, "驳回 ", "reject ")+w.code()+in(room, " 离职日期不对", " the dates are wrong"))
	start()
	w.say("Li Min", room, in(room, "取消 ", "cancel ")+w.code())
	start()
	w.service.move(run.Code(w.code()), run.EventMoved, func(r *run.Run) { r.State = run.Applying })
	w.settle()
	w.say("Li Min", room, in(room, "取消 ", "cancel ")+w.code())
	w.service.move(run.Code(w.code()), run.EventMoved, func(r *run.Run) {
		r.State, r.Outcome = run.Cancelled, run.Outcome{Done: 2}
	})
	w.settle()
	w.clock = w.clock.Add(time.Minute)
	w.say("Li Min", room, in(room, "取消 ", "cancel ")+w.code())
}

func twoVotes(w *world, room string) {
	w.say("Li Min", room, in(room, "同步 hr-to-wecom", "sync hr-to-wecom"))
	p := aPlan()
	p.Risk.Tier, p.Risk.Votes = 2, 2
	w.service.planned(run.Code(w.code()), p, run.Awaiting)
	card := w.settle()
	if room == "ops" {
		b := card[0].o.Card.Buttons[0]
		w.press("Zhou Kai", room, b, map[string]string{"删除": "3", "停用": "1"})
		w.press("Zhou Kai", room, b, map[string]string{"删除": "3", "停用": "2"})
		w.press("Zhou Kai", room, b, map[string]string{"删除": "3", "停用": "2"})
		other := b
		other.Digest = strings.Repeat("ab", 32)
		w.press("Chen Yue", room, other, map[string]string{"删除": "3", "停用": "2"})
		other.Digest = ""
		w.press("Chen Yue", room, other, map[string]string{"删除": "3", "停用": "2"})
		w.press("Chen Yue", room, b, map[string]string{"删除": "3", "停用": "2"})
		return
	}
	w.say("Zhou Kai", room, "approve "+w.code()+" delete=3 disable=2")
	w.say("Chen Yue", room, "approve "+w.code()+" delete=3 disable=2")
}

// Nobody but the addressed bot answers, and nothing from outside is answered.
func TestG6_Silence(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, change := range map[string]func(m *Message){
		"not addressed": func(m *Message) { m.Addressed = false },
		"foreign":       func(m *Message) { m.Foreign = true },
	} {
		m := w.message("Li Min", "ops", "同步 hr-to-wecom")
		change(&m)
		if err := w.b.Receive(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if _, err := w.in.step(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(w.mail.out) != 0 || len(w.service.order) != 0 {
			t.Errorf("%s: %d letters, %d runs", name, len(w.mail.out), len(w.service.order))
		}
	}
	if err := w.b.Receive(t.Context(), Message{Platform: run.Feishu, Addressed: true}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a message without an id gives %v", err)
	}
}

// The same message claimed again, or handled again after a crash, begins one run
// and is answered once.
func TestOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.message("Li Min", "ops", "同步 hr-to-wecom")
	w.mail.broken = fault.New(fault.Unavailable, "the record is busy / 记录繁忙")
	for range 3 {
		if err := w.b.Receive(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.in.step(t.Context()); err == nil {
		t.Fatal("a lost Handled is no error")
	}
	if _, err := w.in.step(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(w.service.order) != 1 || len(w.mail.out) != 1 {
		t.Errorf("%d runs, %d answers", len(w.service.order), len(w.mail.out))
	}
}

// A vote that was counted before a crash is answered as counted.
func TestVoteIsAnsweredAfterACrash(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"批准 %s 停用=2 删除=3", "驳回 %s", "取消 %s"} {
		w := newWorld(t)
		w.say("Li Min", "ops", "同步 hr-to-wecom")
		w.service.planned(run.Code(w.code()), aPlan(), run.Awaiting)
		w.settle()
		who := "Zhou Kai"
		if strings.HasPrefix(line, "取消") {
			who = "Li Min"
		}
		if err := w.b.Receive(t.Context(), w.message(who, "ops", fmt.Sprintf(line, w.code()))); err != nil {
			t.Fatal(err)
		}
		w.mail.broken = fault.New(fault.Unavailable, "the record is busy / 记录繁忙")
		if _, err := w.in.step(t.Context()); err == nil {
			t.Fatal("a lost Handled is no error")
		}
		if _, err := w.in.step(t.Context()); err != nil {
			t.Fatal(err)
		}
		answer := w.settle()
		if title := answer[len(answer)-1].o.Card.Title; strings.HasPrefix(title, "没有") {
			t.Errorf("%s is answered %q", line, title)
		}
		found := false
		for _, s := range answer {
			found = found || strings.HasPrefix(s.o.Card.Title, "已批准：") || strings.HasPrefix(s.o.Card.Title, "已驳回：") || strings.HasPrefix(s.o.Card.Title, "已取消：")
		}
		if !found {
			t.Errorf("%s is not confirmed", line)
		}
	}
}

func TestLateMessages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, line := range []string{"同步 hr-to-wecom", "状态", "help"} {
		m := w.message("Li Min", "ops", line)
		m.At = w.clock.Add(-11 * time.Minute)
		answer := w.hear(line, m)
		if len(answer) != 1 || answer[0].o.Card.Title != "来晚了，请重发" {
			t.Errorf("%s: %+v", line, answer)
		}
	}
	if len(w.service.order) != 0 {
		t.Error("a late message ran")
	}
	m := w.message("Li Min", "ops", "同步 hr-to-wecom")
	if err := w.b.Receive(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	w.mail.broken = fault.New(fault.Unavailable, "the record is busy / 记录繁忙")
	if _, err := w.in.step(t.Context()); err == nil {
		t.Fatal("a lost Handled is no error")
	}
	w.clock = w.clock.Add(time.Hour)
	if _, err := w.in.step(t.Context()); err != nil {
		t.Fatal(err)
	}
	if answer := w.settle(); len(w.service.order) != 1 || !strings.Contains(answer[0].o.Card.Title, w.code()) {
		t.Errorf("the run of a message answered late is not shown: %+v", answer)
	}
}

// Rooms that nobody bound, and direct messages.
func TestOtherPlaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.say("Li Min", "elsewhere", "help")
	w.say("Li Min", "elsewhere", "我是谁")
	w.say("Li Min", "elsewhere", "sync hr-to-wecom")
	w.say("Li Min", "wall", "sync hr-to-wecom")
	w.say("Li Min", "direct", "sync hr-to-wecom")
	w.say("Li Min", "direct", "同步 hr-to-wecom")
	w.say("Li Min", "direct", "help")
	w.say("Li Min", "direct", "流程")
	w.say("Stranger", "direct", "status")
	w.say("Boss", "board", "flows")
	w.say("Boss", "board", "whoami")
	if len(w.service.order) != 0 {
		t.Errorf("%d runs were started", len(w.service.order))
	}
	golden(t, "testdata/transcripts/other-places.txt", w.log.String())
}

func TestApologies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.service.panics = true
	if err := w.b.Receive(t.Context(), w.message("Li Min", "ops", "状态")); err != nil {
		t.Fatal(err)
	}
	if _, err := w.in.step(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.service.panics, w.service.broken = false, fault.New(fault.Unavailable, "no record / 没有记录")
	if err := w.b.Receive(t.Context(), w.message("Li Min", "ops", "状态")); err != nil {
		t.Fatal(err)
	}
	for i := range answerTries {
		if len(w.mail.out) != 1 {
			t.Fatalf("%d letters after %d tries", len(w.mail.out), i)
		}
		if _, err := w.in.step(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.clock = w.clock.Add(answerTime / (answerTries - 1))
	}
	w.service.broken = nil
	answers := w.settle()
	if len(answers) != 2 {
		t.Fatalf("%d answers", len(answers))
	}
	for _, a := range answers {
		if !strings.HasPrefix(a.o.Card.Title, "出错了") {
			t.Errorf("the apology is %q", a.o.Card.Title)
		}
	}
}
