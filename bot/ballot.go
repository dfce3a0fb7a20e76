package bot

import (
	"strings"

	"github.com/rollcallhq/rollcall/sync/run"
)

// votesSection tells who voted, when, how, on what part, and in whose place.
func (b *Bot) votesSection(sc scene) Section {
	l := sc.lang
	s := Section{Title: l.say("Votes", "表决"), Bullet: true}
	for _, v := range sc.votes {
		s.Lines = append(s.Lines, b.voteLine(l, v))
	}
	return s
}

func (b *Bot) voteLine(l Lang, v run.Vote) Line {
	who := b.voter(l, v.By.Person)
	if v.By.Person == "" {
		who = l.who(v.By)
	}
	if v.For != "" {
		who += l.say(" in the place of ", "代 ") + label(v.For)
	}
	line := l.say(" by ", "：") + who + " " + b.clock(v.At) + " · " + l.platform(v.By.Platform) + l.channel(v.By.Channel)
	line += l.partOf(v)
	if v.Reason != "" {
		line += l.say(": ", "：") + printable(masked(v.Reason), sayRunes)
	}
	what := plain(l.say("approved", "批准"))
	switch v.Decision {
	case run.Reject:
		what = plain(l.say("rejected", "驳回"))
	case run.BreakGlass:
		what = strong(l.say("glass broken", "紧急放行"))
	case run.Approve:
	}
	return Line{what, plain(line)}
}

// voter names a voter as the configuration knows the person, with the end of the
// employee number: a name that somebody gives himself in a chat is nobody's.
func (b *Bot) voter(l Lang, person string) string {
	for i := range b.o.People {
		if p := &b.o.People[i]; p.Name == person && p.EmployeeNo != "" {
			return l.with(label(person), "…"+strings.TrimPrefix(tailOf(p.EmployeeNo), "…"))
		}
	}
	return label(person)
}

// partOf says which part of a plan a vote is on, as it was typed.
func (l Lang) partOf(v run.Vote) string {
	part := ""
	if len(v.Only) > 0 {
		part += l.say("; only ", "；仅 ") + printable(masked(l.list(labels(v.Only))), sayRunes)
	}
	if len(v.Hold) > 0 {
		part += l.say("; held back ", "；保留 ") + printable(masked(l.list(labels(v.Hold))), sayRunes)
	}
	return part
}

// channel names the door that a vote came through.
func (l Lang) channel(c run.Channel) string {
	switch c {
	case run.ByButton:
		return l.say(" (button)", "（按钮）")
	case run.FromCLI:
		return l.say(" (terminal)", "（终端）")
	default:
		return l.say(" (typed)", "（输入）")
	}
}

// standstill says in words what no colour may say alone: that the run goes by one
// person's word, and that a pause holds it up.
func (b *Bot) standstill(sc scene) []Line {
	l, r := sc.lang, sc.run
	var lines []Line
	if r.Undoes != "" {
		what := l.say("Takes back what %s did", "撤销 %s 做过的变更", r.Undoes)
		if r.UndoItem > 0 {
			what = l.say("Takes back #%[2]d of %[1]s", "撤销 %[1]s 的 #%[2]d", r.Undoes, r.UndoItem)
		}
		lines = append(lines, Line{strong(what)})
	}
	if r.Glass != (run.Actor{}) {
		var line strings.Builder
		line.WriteString(l.say("GLASS BROKEN: without the votes, on the word of %s alone", "紧急放行：没有凑齐审批，只凭 %s 一个人的决定", l.who(r.Glass)))
		for _, v := range sc.votes {
			if v.Decision == run.BreakGlass && v.Reason != "" {
				line.WriteString(l.say(". Reason: ", "。原因：") + printable(masked(v.Reason), sayRunes))
			}
		}
		lines = append(lines, Line{strong("‼ " + line.String())})
	}
	if p := sc.pause; p.Flow != "" {
		line := l.say("Paused", "已暂停")
		if p.Auto {
			line = l.say("Paused by a safety stop; only an approver may resume it", "已安全停止，只有审批人可以恢复")
		}
		if !p.Until.IsZero() {
			line += l.say(" until ", "，到 ") + b.clock(p.Until)
		}
		if p.Why != "" {
			line += l.say(": ", "：") + printable(masked(l.of(p.Why)), sayRunes)
		}
		lines = append(lines, Line{strong(line), plain(l.say(". Nothing is changed before it is over; to resume: ", "。恢复之前不会改动任何账号；要恢复请发：")), code(l.say("resume ", "恢复 ") + sc.pausedName())})
	}
	return lines
}

// pausedName names what is paused, as the command that ends it does.
func (sc scene) pausedName() string {
	if sc.pause.Flow == everything {
		return sc.lang.say("all", "全部")
	}
	return quoted(sc.pause.Flow)
}
