package bot

import (
	"strings"

	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// runCard draws a run as it is now.
func (b *Bot) runCard(sc scene) Card {
	switch sc.run.State {
	case run.Queued, run.Reading, run.Planning:
		return b.earlyCard(sc)
	case run.Planned, run.Awaiting:
		return b.planCard(sc)
	case run.Blocked:
		return b.blockedCard(sc)
	case run.Applying:
		return b.applyingCard(sc)
	case run.NothingToDo:
		return b.nothingCard(sc)
	case run.Succeeded, run.Partial, run.Failed:
		return b.resultCard(sc)
	case run.Rejected, run.Expired, run.Cancelled, run.Superseded:
		return b.overCard(sc)
	default:
		return Card{Title: string(sc.run.State) + " " + string(sc.run.Code), Tone: Info}
	}
}

// title tells kind, code, what is dangerous and the state, alone.
func (sc scene) title(more ...string) string {
	parts := []string{sc.lang.state(sc.run.State) + " " + string(sc.run.Code)}
	for _, m := range more {
		if m != "" {
			parts = append(parts, m)
		}
	}
	return strings.Join(parts, " · ")
}

// danger lists only the counts that take accounts away, or else the total.
func (sc scene) danger() string {
	l, c := sc.lang, sc.run.Counts
	switch {
	case c.Delete > 0 && c.Disable > 0:
		return l.say("delete %d · disable %d", "删除 %d · 停用 %d", c.Delete, c.Disable)
	case c.Delete > 0:
		return l.say("delete %d", "删除 %d", c.Delete)
	case c.Disable > 0:
		return l.say("disable %d", "停用 %d", c.Disable)
	default:
		return l.say("%d changes", "%d 项变更", c.Total())
	}
}

// head says which flow goes where, and who asked.
func (b *Bot) head(sc scene) []Line {
	l, r := sc.lang, sc.run
	first := Line{plain(l.say("Flow ", "流程 ")), strong(r.Flow)}
	if sc.flow != nil {
		from, to := label(sc.flow.From), label(sc.flow.To)
		if sc.plan != nil {
			from, to = l.with(from, sc.plan.Source.Tenant), l.with(to, sc.plan.Target.Tenant)
		}
		first = append(first, plain(l.say(": ", "：")+from+" → "+to))
	}
	by := l.say("Asked by ", "发起：") + l.who(r.By)
	if r.By.Person == "" {
		by = l.say("Started by: ", "发起：") + l.who(r.By)
	}
	if r.By.Person != "" {
		by = l.with(by, l.platform(r.By.Platform))
	}
	return []Line{first, text(by + " " + b.clock(r.Created))}
}

// with puts more into brackets behind a word.
func (l Lang) with(word, more string) string {
	if more == "" {
		return word
	}
	return word + l.say(" (", "（") + label(more) + l.say(")", "）")
}

func (sc scene) verb() string {
	if sc.run.Apply {
		return specOf(Sync).name(sc.lang)
	}
	return specOf(Plan).name(sc.lang)
}

// earlyCard tells that the run is on its way to a plan.
func (b *Bot) earlyCard(sc scene) Card {
	l := sc.lang
	lines := b.head(sc)
	switch sc.run.State {
	case run.Queued:
		lines = append(lines, text(l.say("Waiting for its turn; nothing was changed.", "等待执行；没有改动任何账号。")))
	case run.Reading:
		lines = append(lines, text(l.say("Reading both systems; nothing was changed.", "正在读取两边的系统；没有改动任何账号。")))
	default:
		lines = append(lines, text(l.say("Making the plan; nothing was changed.", "正在计算计划；没有改动任何账号。")))
	}
	return Card{
		Title: sc.title(sc.verb() + " " + sc.run.Flow), Tone: Info, Sections: []Section{{Lines: lines}},
		Buttons: sc.buttons(Cancel), Plain: !sc.can.Edit,
	}
}

// nothingCard tells that both sides agree.
func (b *Bot) nothingCard(sc scene) Card {
	l, tone := sc.lang, Good
	outcome := l.say("Source and target agree; nothing was changed.", "两边一致，没有改动任何账号。")
	if n := sc.worrying(); n > 0 {
		tone = Warn
		outcome = l.say("Nothing was changed, but %d need a look: see below.", "没有改动任何账号，但有 %d 项需要处理，见下。", n)
	}
	lines := append(b.head(sc), text(outcome))
	s := []Section{{Lines: lines}}
	if sc.plan != nil {
		s = append(s, Section{Lines: b.health(sc)}, sc.notes())
	}
	return Card{Title: sc.title(sc.verb() + " " + sc.run.Flow), Tone: tone, Sections: s, Plain: true}
}

// worrying counts what was left alone and should not stay so: people who have
// left and are still active, failed rules, conflicts.
func (sc scene) worrying() int {
	n := 0
	if sc.plan == nil {
		return 0
	}
	for i := range sc.plan.Notes {
		switch sc.plan.Notes[i].Kind {
		case plan.LeftActive, plan.RuleFailed, plan.Conflict:
			n++
		default:
		}
	}
	return n
}

// applyingCard tells how far the run is.
func (b *Bot) applyingCard(sc scene) Card {
	l, r := sc.lang, sc.run
	done, total := r.Outcome.Total(), r.Counts.Total()
	percent := 0
	if total > 0 {
		percent = 100 * done / total
	}
	lines := append(b.head(sc),
		text(l.say("%s %d/%d", "%s 已处理 %d/%d", bar(percent), done, total)),
		text(l.outcome(r.Outcome)),
		text(l.say("Plan: ", "计划：")+l.counts(r.Counts)))
	if r.Stop {
		lines = append(lines, Line{strong(l.say("A person asked it to stop: it stops before the next change.", "有人要求停止：将在下一项变更之前停下。"))})
	}
	card := Card{
		Title: sc.title(l.say("%d%%", "%d%%", percent), sc.danger()), Tone: Info, Sections: []Section{{Lines: lines}},
		Buttons: sc.buttons(Cancel, Show), Foot: sc.foot(),
	}
	card.Sections = append(card.Sections, b.decided(sc)...)
	return card
}

const barCells = 10

func bar(percent int) string {
	full := min(max(percent, 0), 100) * barCells / 100
	return strings.Repeat("▓", full) + strings.Repeat("░", barCells-full)
}

// decided keeps what the voters saw, with who decided, when and how, and without
// buttons.
func (b *Bot) decided(sc scene) []Section {
	if sc.plan == nil || sc.run.Votes == 0 {
		return nil
	}
	sections := []Section{sc.lost(true)}
	if s, ok := b.votesSection(sc); ok {
		sections = append(sections, s)
	}
	return sections
}

// overCard is what remains of a run that was not carried out.
func (b *Bot) overCard(sc scene) Card {
	l, r := sc.lang, sc.run
	lines := b.head(sc)
	if r.Reason != "" {
		lines = append(lines, text(printable(masked(l.of(r.Reason)), sayRunes)))
	}
	done := l.say("Nothing was changed.", "没有改动任何账号。")
	if r.Outcome.Total() > 0 {
		done = l.say("Before that: ", "在此之前：") + l.outcome(r.Outcome)
	}
	lines = append(lines, text(done))
	if r.State == run.Expired || r.State == run.Cancelled {
		lines = append(lines, Line{plain(l.say("To run it again: ", "要重新运行请发：")), code(sc.verb() + " " + r.Flow)})
	}
	card := Card{Title: sc.title(sc.danger()), Tone: Quiet, Sections: []Section{{Lines: lines}}, Foot: sc.foot()}
	if r.Counts.Total() == 0 {
		card.Title = sc.title(r.Flow)
	}
	card.Sections = append(card.Sections, b.decided(sc)...)
	return card
}

// foot names the plan for people to compare.
func (sc scene) foot() string {
	if sc.run.Plan.IsZero() {
		return string(sc.run.Code)
	}
	return sc.lang.say("%s · fingerprint %s", "%s · 指纹 %s", sc.run.Code, sc.run.Plan.Short())
}

// buttons gives what may be pressed, where the platform has buttons.
func (sc scene) buttons(verbs ...Verb) []Button {
	if !sc.can.Buttons {
		return nil
	}
	l := sc.lang
	var all []Button
	for _, v := range verbs {
		if sc.copied && specOf(v).changes {
			continue
		}
		cmd := Command{Verb: v, Lang: l, Code: sc.run.Code, Page: 1, Typed: run.NotRestated()}
		one := Button{Label: specOf(v).name(l), Command: cmd.String()}
		switch v {
		case Cancel:
			one.Confirm = l.say("Stop %s?", "停止 %s？", sc.run.Code)
		case Reject:
			one.Digest = sc.run.Plan.String()
			one.Confirm = l.say("Reject %s? The plan then ends.", "驳回 %s？计划随即结束。", sc.run.Code)
		case Show:
			one.Label = l.say("Show all", "查看全部")
		default: // its name says it
		}
		all = append(all, one)
	}
	return all
}
