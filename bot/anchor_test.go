package bot

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/rollcallhq/rollcall/sync/run"
)

// lineOf is a line of a command that says all that it needs, in a language.
func lineOf(t *testing.T, w *world, v Verb, l Lang) string {
	t.Helper()
	zh := map[Verb]string{
		Help: "帮助", WhoAmI: "我是谁", Flows: "流程", Plan: "预演 hr-to-wecom", Sync: "同步 hr-to-wecom", Status: "状态", Todo: "待办", Show: "详情 %s",
		Approve: "批准 %s 删除=3 停用=2", Reject: "驳回 %s", Cancel: "取消 %s", Pause: "暂停 hr-to-wecom 到=明天 盘点", Resume: "恢复 hr-to-wecom",
		History: "历史 hr-to-wecom", Undo: "撤销 %s", Schedule: "定时", Digest: "日报 现在", Test: "试跑 hr-to-wecom 00120412", Whois: "查人 00120412",
		Examine: "体检", Delegate: "委托 \"Wu Di\" 到=明天", Speak: "语言", Mute: "静音 2小时",
	}[v]
	if zh == "" {
		t.Fatalf("there is no example of %s", v)
	}
	if strings.Contains(zh, "%s") {
		zh = fmt.Sprintf(zh, w.code())
	}
	cmd, err := Parse(zh)
	if err != nil {
		t.Fatalf("%q: %v", zh, err)
	}
	return cmd.In(l).String()
}

// answers counts the first answers to a message; what is said to others about it
// is none.
func (w *world) answers(inbox string) int {
	n := 0
	for _, l := range w.mail.out {
		if l.ID == letterID("answer", inbox) {
			n++
		}
	}
	return n
}

// openRun begins a run that waits for votes.
func (w *world) openRun() {
	w.t.Helper()
	w.say("Li Min", "ops", "同步 hr-to-wecom")
	w.service.planned(run.Code(w.code()), aPlan(), run.Awaiting)
	w.settle()
}

// Help lists exactly what would not be refused for want of a role or in this
// place; one that is hidden is spoken of as if there were none.
func TestG4_HelpListsWhatIsAllowed(t *testing.T) {
	t.Parallel()
	refused := []string{
		"Cannot run", "不能执行", "不能在这里执行", "没有执行", "没有批准", "Not done", "Not approved", "There is no run", "这里没有运行", "cannot be started", "Not paused", "没有暂停",
	}
	for _, who := range []string{"Li Min", "Zhou Kai", "Wu Di", "Boss", "Stranger"} {
		for _, room := range []string{"ops", "team", "wall", "direct"} {
			for _, s := range specs() {
				w := newWorld(t)
				w.openRun()
				w.service.set.pauses = []run.Pause{{Flow: "hr-to-wecom", At: w.clock, Auto: true}}
				if s.verb == Resume && who != "Zhou Kai" {
					w.service.set.pauses[0].Auto = false // after a safety stop an approver is needed
				}
				if s.verb == Sync || s.verb == Plan {
					w.service.set.pauses = nil
				}
				line := lineOf(t, w, s.verb, ZH)
				c := w.b.caller(w.message(who, room, line), run.Letter{ID: "x", At: w.clock})
				offered := slices.ContainsFunc(w.b.offered(c), func(o spec) bool { return o.verb == s.verb })
				r, err := w.b.answer(t.Context(), c)
				if err != nil {
					t.Fatal(err)
				}
				is := slices.ContainsFunc(refused, func(p string) bool { return strings.Contains(r.card.Title, p) })
				if is == offered {
					t.Errorf("%s in %s: %q is offered: %v, answered %q", who, room, line, offered, r.card.Title)
				}
				c = w.b.caller(w.message(who, room, "帮助 "+s.zh[0]), run.Letter{ID: "y", At: w.clock})
				if r, err = w.b.answer(t.Context(), c); err != nil {
					t.Fatal(err)
				}
				if unknown := strings.Contains(r.card.Title, "没有“") || strings.Contains(r.card.Title, "no command"); unknown == offered {
					t.Errorf("%s in %s: help of %s is answered %q, offered: %v", who, room, s.verb, r.card.Title, offered)
				}
			}
		}
	}
}

// Whatever is said to the bot has exactly one first answer.
func TestG6_OneAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.openRun()
	lines := []string{"", "?", "同步", "取消暂停", "同步中心", strings.Repeat("同", 600), "定时 hr-to-wecom 每天 25:00", "静音 一百年", "委托 谁", "a\nb", "“"}
	for _, s := range specs() {
		lines = append(lines, s.zh[0], s.en[0], s.en[0]+" nothing", s.en[0]+" --nothing", lineOf(t, w, s.verb, EN))
	}
	for _, line := range lines {
		for _, room := range []string{"ops", "direct", "elsewhere"} {
			m := w.message("Zhou Kai", room, line)
			if err := w.b.Receive(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			if _, err := w.in.step(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n := w.answers(inboxID(m)); n != 1 {
				t.Errorf("%q in %s has %d answers", line, room, n)
			}
			w.settle()
			w.taken()
		}
	}
}

// What is unknown or ambiguous is an error with choices, and nothing is run.
func TestG7_UnknownIsRefusedWithChoices(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"历史 --周=2":                      "--天",
		"history --dais=2":              "--天",
		"暂停 hr-to-wecom --untl=18:00":   "--到",
		"暂停 hr-to-wecmo":                "暂停 hr-to-wecom",
		"定时 hr-to-wecmo 每天 02:30":       "定时 hr-to-wecom",
		"委托 Kai":                        "准确的姓名",
		"委托 \"Wu Di\" --流程=hr-to-wecmo": "hr-to-wecom",
		"历史 --谁=@Kai":                   "准确的姓名",
		"暂停 hr-to-wecom --到=从前":         "周五",
		"委托 \"Wu Di\" --到=2020-01-01":   "已经过去了",
		"委托 \"Wu Di\" --到=2026-12-01":   "30 天",
		"委托 \"Zhou Kai\"":               "不能委托给自己",
		"静音 一下":                         "静音 [2小时|关闭]",
		"日报 cron \"*/5 * * * *\"":       "日报 工作日 09:10",
		"暂停 全部":                         "暂停 hr-to-wecom",
	} {
		w := newWorld(t)
		who := "Zhou Kai"
		w.b.o.People[1].Roles[run.Operator] = []string{"hr-to-wecom"}
		answer := w.say(who, "ops", line)
		if len(answer) != 1 || !strings.Contains(answer[0].text(), want) {
			t.Errorf("%q is answered %s", line, w.log.String())
		}
		if len(w.service.order)+len(w.service.set.pauses)+len(w.service.set.timings)+len(w.service.set.delegations)+len(w.mail.record.settings) > 0 {
			t.Errorf("%q did something", line)
		}
	}
}

// unpacked gives the card of a letter on its way.
func unpacked(t *testing.T, l run.Letter) Outgoing {
	t.Helper()
	var o Outgoing
	if err := json.Unmarshal(l.Payload, &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// Every button that any card bears is a line that Parse reads, in the language of
// the card, and is the same command pressed as typed.
func TestG8_ButtonsAreTypedCommands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.b.o.People[4].Accounts = []run.Account{{Platform: run.Feishu, ID: "ou_boss"}}
	w.openRun()
	w.say("Boss", "ops", "定时 hr-to-wecom 每天 03:30")
	w.say("Boss", "team", "schedule hr-to-wecom cron \"*/30 * * * *\"")
	buttons := 0
	for _, l := range w.mail.out {
		for _, b := range unpacked(t, l).Card.Buttons {
			buttons++
			form := map[string]string{}
			typed := b.Command
			for i, in := range b.Inputs {
				if in.Name != "原因" && in.Name != "reason" {
					form[in.Name] = fmt.Sprint(i + 1)
					typed += fmt.Sprintf(" %s=%d", in.Name, i+1)
				}
			}
			want, err := Parse(typed)
			if err != nil {
				t.Fatalf("the button %q: %v", typed, err)
			}
			if got, err := parsePress(Press{Command: b.Command, Form: form}); err != nil || got != want {
				t.Errorf("the button %q is %+v, %v; typed it is %+v", typed, got, err, want)
			}
			if len(form) == 0 && want.String() != b.Command {
				t.Errorf("the button %q is written %q", b.Command, want)
			}
		}
	}
	if buttons < 3 {
		t.Errorf("only %d buttons were seen", buttons)
	}
}

// mixed tells whether a text that should be of one language holds the other.
func mixed(l Lang, s string) bool {
	han := strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
	if l == EN {
		return han || strings.ContainsAny(s, "，。；：（）、“”「」") && !strings.Contains(s, "“")
	}
	// Names, codes and commands are data; a sentence in English has its little words.
	for _, word := range strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) || unicode.Is(unicode.Han, r) }) {
		if slices.Contains([]string{"the", "is", "was", "are", "of", "to", "until", "by", "not", "no", "and", "next", "set", "you", "for"}, word) {
			return true
		}
	}
	return false
}

// Every verb is answered in the language of the room, whole: no text mixes the
// two. What people or systems named is left out.
func TestG9_NoMixedLanguage(t *testing.T) {
	t.Parallel()
	data := strings.NewReplacer("hr-to-wecom", "", "zh|", "", "Stream", "", "Zhou Kai", "", "cron", "", "盘点", "")
	for _, at := range []struct {
		room string
		lang Lang
	}{{"ops", ZH}, {"team", EN}} {
		for _, who := range []string{"Zhou Kai", "Wu Di", "Boss", "Stranger"} {
			for _, s := range specs() {
				w := newWorld(t)
				w.openRun()
				w.service.set.pauses = []run.Pause{{Flow: "hr-to-wecom", At: w.clock, By: run.Actor{Person: "Boss"}}, {Flow: "*", At: w.clock, Auto: true, Until: w.clock.Add(time.Hour)}}
				w.service.set.timings = map[string]run.Timing{"hr-to-wecom": {Flow: "hr-to-wecom", Spec: "0 3 * * 1", By: run.Actor{Person: "Boss"}, At: w.clock}}
				name := s.name(at.lang)
				for _, line := range []string{name, lineOf(t, w, s.verb, at.lang), name + " x y z", name + " --x=1", at.lang.say("help ", "帮助 ") + name, name + at.lang.say("x", "下") + " hr-to-wecom"} {
					for _, answer := range w.say(who, at.room, line) {
						if answer.o.Chat != w.b.named[at.room].Chat || answer.o.Live != "" {
							continue
						}
						card := answer.o.Card
						for _, text := range cardTexts(card) {
							if mixed(at.lang, strings.ReplaceAll(data.Replace(text), line, "")) && !strings.Contains(text, "English") && !strings.Contains(text, "--") && !quotes(text) {
								t.Errorf("%s in %s says %q and is answered %q", who, at.room, line, text)
							}
						}
					}
				}
			}
		}
	}
}

// quotes tells whether a text quotes words of both languages on purpose: the
// words for a command.
func quotes(text string) bool {
	return strings.HasPrefix(text, "Words for it") || strings.HasPrefix(text, "可以写：")
}

// cardTexts gives every text of a card.
func cardTexts(c Card) []string {
	all := []string{c.Title, c.Foot}
	for _, s := range c.Sections {
		all = append(all, s.Title)
		for _, l := range s.Lines {
			line := ""
			for _, p := range l {
				if !p.Code {
					line += p.Text
				}
			}
			all = append(all, line)
		}
	}
	for _, b := range c.Buttons {
		all = append(all, b.Label, b.Confirm)
	}
	return all
}

// A refusal says the role, who grants it and as whom the caller is known, and
// never names a flow that he cannot see.
func TestG10_RefusalsSayWhy(t *testing.T) {
	t.Parallel()
	for line, role := range map[string]string{
		"暂停 hr-to-wecom": "操作人", "恢复 hr-to-wecom": "审批人", "定时 hr-to-wecom 每天 02:30": "管理员", "日报 关闭": "管理员", "语言 英文 --本群": "管理员",
		"静音 2小时": "操作人", "委托 \"Zhou Kai\"": "审批人", "暂停 全部": "操作人", "恢复 全部": "审批人", "委托 \"Zhou Kai\" --流程=hr-to-wecom": "审批人",
	} {
		w := newWorld(t)
		w.say("Wu Di", "ops", line)
		said := w.log.String()
		for _, want := range []string{role, "Boss", "ou_wudi", "Wu Di"} {
			if !strings.Contains(said, want) {
				t.Errorf("%q is refused without %q:\n%s", line, want, said)
			}
		}
		if strings.Contains(said, "secret-flow") || strings.Contains(said, "ldap") {
			t.Errorf("%q tells of a flow that the caller cannot see:\n%s", line, said)
		}
		if len(w.service.set.pauses)+len(w.service.set.timings)+len(w.service.set.delegations)+len(w.mail.record.settings) > 0 {
			t.Errorf("%q did something", line)
		}
	}
	for _, line := range []string{"暂停 secret-flow", "恢复 secret-flow", "定时 secret-flow", "定时 secret-flow 关闭", "委托 \"Wu Di\" --流程=secret-flow", "历史 secret-flow"} {
		w := newWorld(t)
		answer := w.say("Zhou Kai", "ops", line)
		if len(answer) != 1 || !strings.Contains(answer[0].o.Card.Title, "没有流程“secret-flow”") {
			t.Errorf("%q is answered %s", line, w.log.String())
		}
	}
}

// Text in another room, or alone with the bot, decides and changes nothing.
func TestA16_TextElsewhereDecidesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.openRun()
	code := run.Code(w.code())
	lines := []string{"批准 " + string(code) + " 删除=3 停用=2", "驳回 " + string(code), "取消 " + string(code), "暂停 hr-to-wecom", "定时 hr-to-wecom 关闭 --确认", "委托 \"Wu Di\"", "静音 2小时", "日报 关闭", "语言 英文 --本群"}
	for _, room := range []string{"elsewhere", "direct"} {
		for _, who := range []string{"Zhou Kai", "Boss"} {
			for _, line := range lines {
				w.say(who, room, line)
			}
		}
	}
	if r := w.service.runs[code]; r.State != run.Awaiting || len(w.service.votes[code]) > 0 {
		t.Errorf("the run is %s with %d votes", r.State, len(w.service.votes[code]))
	}
	if len(w.service.set.pauses)+len(w.service.set.timings)+len(w.service.set.delegations)+len(w.mail.record.settings) > 0 {
		t.Error("something was set")
	}
}

// What becomes of a message after it was heard changes nothing: an edited one is
// the same message, and a recalled one was heard.
func TestA21_EditedOrRecalledMessages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.openRun()
	code := run.Code(w.code())
	m := w.message("Zhou Kai", "ops", "详情 "+string(code))
	w.hear("shows", m)
	for _, edited := range []string{"批准 " + string(code) + " 删除=3 停用=2", ""} {
		m.Text = edited
		before := len(w.mail.out)
		if err := w.b.Receive(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if _, err := w.in.step(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(w.mail.out) != before || len(w.service.votes[code]) > 0 {
			t.Errorf("the message edited to %q was obeyed", edited)
		}
	}
	m = w.message("Zhou Kai", "ops", "批准 "+string(code)+" 删除=3 停用=2")
	w.hear("approves", m)
	m.Text = "驳回 " + string(code)
	if err := w.b.Receive(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if _, err := w.in.step(t.Context()); err != nil {
		t.Fatal(err)
	}
	if votes := w.service.votes[code]; len(votes) != 1 || votes[0].Decision != run.Approve {
		t.Errorf("the votes are %+v", votes)
	}
}

// Only the verb, the code and the count are a vote.
func TestA22_WordsOfConsentAreNoVote(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.openRun()
	code := string(run.Code(w.code()))
	lines := append(reserved(), "批准", "批准 全部", "批准吧 "+code, code, "批准 "+code, "批准 "+code+" 好", "ok "+code, "批准"+code+"！", "approve it", "please approve "+code+" delete=3 disable=2", "我同意批准 "+code+" 删除=3 停用=2", "批准 "+code+" 删除=三 停用=二")
	for _, line := range lines {
		for _, room := range []string{"ops", "team"} {
			w.say("Zhou Kai", room, line)
		}
	}
	if votes := w.service.votes[run.Code(code)]; len(votes) > 0 {
		t.Errorf("%+v", votes)
	}
	if r := w.service.runs[run.Code(code)]; r.State != run.Awaiting {
		t.Errorf("the run is %s", r.State)
	}
	if len(w.service.order) != 1 {
		t.Errorf("%d runs", len(w.service.order))
	}
}
