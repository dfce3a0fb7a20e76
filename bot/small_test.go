package bot

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/run"
)

// both lets somebody say a line in the language of the room.
func (w *world) both(who, room, zh, en string) []sent { return w.say(who, room, in(room, zh, en)) }

// pausing is a conversation about pauses, with what runs beside them.
func pausing(w *world, room string) {
	w.both("Li Min", room, "同步 hr-to-wecom", "sync hr-to-wecom")
	w.service.planned(run.Code(w.code()), aPlan(), run.Awaiting)
	w.settle()
	w.both("Li Min", room, "暂停 hr-to-wecom 到：18:00 人事在改表", "pause hr-to-wecom until=18:00 HR is editing the sheet")
	w.both("Wu Di", room, "状态 hr-to-wecom", "status hr-to-wecom")
	w.both("Li Min", room, "待办", "todo")
	w.both("Li Min", room, "暂停 全部", "pause all")
	w.both("Boss", room, "暂停 全部", "pause all")
	w.both("Wu Di", room, "状态", "status")
	w.both("Li Min", room, "恢复 hr-to-wecom", "resume hr-to-wecom")
	w.both("Boss", room, "取消暂停全部", "resume all")
	w.both("Li Min", room, "恢复 hr-to-wecom", "resume hr-to-wecom")
	w.service.set.pauses = []run.Pause{{Flow: "hr-to-wecom", Auto: true, At: w.clock, Why: "the source shrank by half / 来源少了一半"}}
	w.both("Li Min", room, "恢复 hr-to-wecom", "resume hr-to-wecom")
	w.both("Zhou Kai", room, "待办", "todo")
	w.both("Zhou Kai", room, "恢复 hr-to-wecom", "resume hr-to-wecom")
	w.both("Li Min", room, "暂停 hr-to-wecom 到=去年", "pause hr-to-wecom --until=yesteryear")
}

// scheduling is a conversation about times.
func scheduling(w *world, room string) {
	w.both("Wu Di", room, "定时", "schedule")
	w.both("Wu Di", room, "定时 hr-to-wecom", "schedule hr-to-wecom")
	w.both("Wu Di", room, "定时 hr-to-wecom 关闭", "schedule hr-to-wecom off")
	w.both("Boss", room, "定时 hr-to-wecom 每周一 08:00", "schedule hr-to-wecom weekly mon 08:00")
	w.both("Boss", room, "定时 hr-to-wecom 每周一 08:00 --确认", "schedule hr-to-wecom weekly mon 08:00 --yes")
	w.both("Boss", room, "定时 hr-to-wecom 关闭 确认", "schedule hr-to-wecom off --yes")
	w.both("Wu Di", room, "定时", "schedule")
	w.both("Boss", room, "定时 每天 02:30", "schedule daily 02:30")
	w.both("Wu Di", room, "日报 每天 09:10", "digest daily 09:10")
	w.both("Boss", room, "日报 工作日 09:10", "digest weekdays 09:10")
	w.both("Boss", room, "日报 关闭", "digest off")
	w.both("Li Min", room, "静音", "mute")
	w.both("Li Min", room, "静音 2小时", "mute 2h")
	w.both("Wu Di", room, "状态", "status")
	w.both("Li Min", room, "静音", "mute")
	w.both("Li Min", room, "静音 关闭", "mute off")
}

// lending is a conversation about who may approve, and in which language.
func lending(w *world, room string) {
	w.both("Zhou Kai", room, "委托 \"Wu Di\"", "delegate \"Wu Di\"")
	w.both("Zhou Kai", room, "委托 \"Chen Yue\" 到=周五 流程=hr-to-wecom", "delegate \"Chen Yue\" --until=fri --flow=hr-to-wecom")
	w.both("Li Min", room, "委托 \"Wu Di\"", "delegate \"Wu Di\"")
	w.both("Wu Di", room, "待办", "todo")
	w.both("Li Min", room, "语言", "lang")
	w.both("Li Min", room, "语言 英文", "lang zh")
	w.both("Li Min", room, "语言 英文 --本群", "lang zh --room")
	w.both("Boss", room, "语言 英文 --本群", "lang zh --room")
	w.both("Li Min", room, "状态", "status")
	w.both("Boss", room, "语言 中文 --本群", "lang en --room")
	w.both("Li Min", room, "同步 hr-to-wecom", "sync hr-to-wecom")
	w.both("Wu Di", room, "历史 --谁=\"Li Min\"", "history --by=\"Li Min\"")
	w.both("Wu Di", room, "历史 --谁=\"Zhou Kai\"", "history --by=\"Zhou Kai\"")
	w.both("Wu Di", room, "历史 --谁=\"Qian Er\"", "history --by=\"Qian Er\"")
	w.both("Wu Di", room, "历史 --谁=@Nobody", "history --by=@Nobody")
}

// The order of what waits, and the exact next command.
func TestTodo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if got := w.say("Zhou Kai", "direct", "待办")[0].o.Card.Title; got != "没有等你处理的事" {
		t.Errorf("nothing to do is %q", got)
	}
	w.service.set.pauses = []run.Pause{{Flow: "hr-to-wecom", Auto: true, At: w.clock}, {Flow: "secret-flow", At: w.clock}}
	w.clock = w.clock.Add(time.Minute)
	w.openRun()
	open := w.code()
	w.clock = w.clock.Add(time.Minute)
	w.say("Li Min", "ops", "同步 hr-to-wecom")
	failed := w.code()
	w.service.move(run.Code(failed), run.EventMoved, func(r *run.Run) { r.State, r.Reason = run.Failed, "gone / 坏了" })
	w.settle()
	next := func(who string) []string {
		var all []string
		for _, l := range w.say(who, "direct", "todo")[0].o.Card.Sections[0].Lines {
			if last := l[len(l)-1]; last.Code {
				all = append(all, last.Text)
			}
		}
		return all
	}
	if got, want := next("Zhou Kai"), []string{"resume hr-to-wecom", "show " + open}; !slices.Equal(got, want) {
		t.Errorf("the approver's list is %v, want %v", got, want)
	}
	if got, want := next("Li Min"), []string{"status " + open, "status " + failed}; !slices.Equal(got, want) {
		t.Errorf("the requester's list is %v, want %v", got, want)
	}
	w.say("Zhou Kai", "ops", "批准 "+open+" 删除=3 停用=2")
	if got, want := next("Zhou Kai"), []string{"resume hr-to-wecom"}; !slices.Equal(got, want) {
		t.Errorf("after the vote the list is %v, want %v", got, want)
	}
	w.clock = w.clock.Add(time.Minute)
	w.say("Li Min", "ops", "同步 hr-to-wecom")
	w.service.move(run.Code(w.code()), run.EventMoved, func(r *run.Run) { r.State = run.Succeeded })
	w.settle()
	if got := w.say("Li Min", "direct", "todo")[0].text(); strings.Contains(got, failed) {
		t.Errorf("a later success did not clear the failure: %s", got)
	}
}

// What is set reaches the engine, and the other rooms of the flow hear of it, in
// their language, once.
func TestA32_SettingsAreAnnounced(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"暂停 hr-to-wecom 到=18:00": "Paused: hr-to-wecom", "定时 hr-to-wecom 每天 03:00 --确认": "Schedule changed: hr-to-wecom",
		"委托 \"Wu Di\"": "Wu Di may approve in the place of Boss", "暂停 全部": "Paused: every flow",
	} {
		w := newWorld(t)
		w.b.o.People[4].Roles[run.Approver] = []string{"*"}
		m := w.message("Boss", "ops", line)
		w.mail.broken = nil
		answers := w.hear(line, m)
		var wall []sent
		for _, s := range answers {
			if s.o.Chat == "oc_wall" {
				wall = append(wall, s)
			}
			if s.o.Chat == "oc_board" || s.o.Chat == "cidTeam" {
				t.Errorf("%q is announced in %s, which does not hear of the flow", line, s.o.Chat)
			}
		}
		if len(wall) != 1 || wall[0].o.Card.Title != want || strings.Contains(wall[0].text(), "secret") {
			t.Errorf("%q is announced as %+v, want %q", line, wall, want)
		}
	}
	w := newWorld(t)
	if w.say("Boss", "ops", "定时 hr-to-wecom 每天 03:00"); len(w.service.set.timings) > 0 {
		t.Error("a look changed the schedule")
	}
	if got := len(w.mail.out); got != 1 {
		t.Errorf("a look is told to %d", got)
	}
	card := unpacked(t, w.mail.out[0]).Card
	w.press("Boss", "ops", card.Buttons[0], nil)
	if got := w.service.set.timings["hr-to-wecom"]; got.Spec != "0 3 * * *" || got.By.Person != "Boss" {
		t.Errorf("the confirmed schedule is %+v", got)
	}
	w.press("Li Min", "ops", Button{Label: "确认", Command: "定时 hr-to-wecom 关闭 --确认"}, nil)
	if got := w.service.set.timings["hr-to-wecom"]; got.Spec != "0 3 * * *" {
		t.Errorf("somebody without the role changed it to %+v", got)
	}
}

// What was set is read back by the readers that the other parts of the
// conversation use.
func TestSettingsAreRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, ops := t.Context(), w.b.named["ops"]
	digest := func() (d DigestSetting, there bool) {
		there = w.b.kept(ctx, run.SetDigest, ops.Name, &d)
		return d, there
	}
	if _, there := digest(); there || w.b.muted(ctx, ops) || w.b.roomLang(ctx, ops) != ZH {
		t.Fatal("something is set before anything is said")
	}
	w.say("Boss", "ops", "日报 工作日 09:10")
	d, there := digest()
	if hour, minute, ok := d.Clock(); !there || !ok || hour != 9 || minute != 10 || len(d.Days) != 5 || d.Days[0] != time.Monday {
		t.Errorf("the digest is set to %+v", d)
	}
	w.say("Boss", "ops", "日报 关闭")
	if d, there := digest(); !there || !d.Off {
		t.Errorf("the digest is set to %+v", d)
	}
	w.say("Li Min", "ops", "静音 2小时")
	if w.clock = w.clock.Add(time.Hour); !w.b.muted(ctx, ops) || w.b.muted(ctx, w.b.named["wall"]) || w.b.muted(ctx, nil) {
		t.Error("the wrong room is muted")
	}
	if w.clock = w.clock.Add(time.Hour); w.b.muted(ctx, ops) {
		t.Error("the mute does not end")
	}
	w.say("Boss", "ops", "语言 英文 --本群")
	if got := w.say("Li Min", "ops", "状态")[0].o.Card.Title; got != "Nothing runs and nothing waits" {
		t.Errorf("the room's language is not kept: %q", got)
	}
	if a := w.b.inTongue(ctx, w.b.audiences(run.Run{Flow: "hr-to-wecom"})); a[0].chat != "oc_ops" || a[0].lang != EN {
		t.Errorf("cards are drawn for %+v", a)
	}
	w.say("Li Min", "direct", "语言 英文")
	if got := w.say("Li Min", "direct", "状态")[0].o.Card.Title; got != "Nothing runs and nothing waits" {
		t.Errorf("the person's language is not kept: %q", got)
	}
	if got := w.say("Wu Di", "direct", "状态")[0].o.Card.Title; got != "没有正在运行或等待审批的内容" {
		t.Errorf("somebody else's language changed: %q", got)
	}
	w.mail.record.settings[run.SetMute]["ops"] = run.Setting{Name: "ops", Value: []byte("{")}
	if w.b.muted(ctx, ops) {
		t.Error("a damaged setting mutes a room")
	}
}

// What must not rest on DingTalk's HTTP callback is refused there; the brake, and
// what only reads, is not.
func TestWeakMessages(t *testing.T) {
	t.Parallel()
	for line, counts := range map[string]bool{
		"pause hr-to-wecom": true, "schedule": true, "status": true, "mute": false, "mute 2h": false, "resume hr-to-wecom": false, "lang zh": false,
		"schedule hr-to-wecom off --yes": false, "digest off": false, "delegate \"Wu Di\"": false, "lang zh --room": false,
	} {
		w := newWorld(t)
		w.b.o.People[4].Roles[run.Approver] = []string{"*"}
		m := w.message("Boss", "team", line)
		m.Weak = true
		answer := w.hear(line, m)
		if refused := strings.Contains(answer[0].text(), "HTTP callback"); refused == counts {
			t.Errorf("%q is answered %s", line, answer[0].text())
		}
		if did := len(w.service.set.timings)+len(w.service.set.delegations)+len(w.mail.record.settings) > 0; did {
			t.Errorf("%q did something", line)
		}
	}
}
