package bot

import (
	"fmt"
	"strings"

	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// runCard draws a run as it is now, and no larger than every platform takes.
func (b *Bot) runCard(sc scene) Card { return fitted(b.stateCard(sc), sc.lang) }

func (b *Bot) stateCard(sc scene) Card {
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

// title tells state, code, what is dangerous, kind and flow, alone: old clients
// and notifications show nothing else.
func (sc scene) title(more ...string) string {
	l, r := sc.lang, sc.run
	parts := []string{l.state(r.State) + " " + string(r.Code)}
	if r.Undoes != "" {
		parts = append(parts, l.say("undo ", "撤销 ")+string(r.Undoes))
	}
	if r.Glass != (run.Actor{}) {
		parts = append(parts, l.say("glass broken", "紧急放行"))
	}
	for _, m := range more {
		if m != "" {
			parts = append(parts, m)
		}
	}
	what := r.Flow
	if r.Undoes == "" {
		what = sc.verb() + " " + what
	}
	return strings.Join(append(parts, what), " · ")
}

// stage says what beside the state decides about a run: a pause, a cooling off,
// a confirmation that is missing, a plan that is only of a part.
func (sc scene) stage() string {
	l, r := sc.lang, sc.run
	switch {
	case sc.pause.Flow != "" && (r.State == run.Applying || r.State == run.Awaiting):
		return l.say("paused", "已暂停")
	case r.State == run.Planned && narrowed(r):
		return l.say("only %s", "仅 %s", sc.part())
	case r.State != run.Awaiting:
		return ""
	case !r.NotBefore.IsZero():
		return l.say("cooling off", "冷静期")
	case r.Tier >= stepUpTier && r.StepUp.Person == "" && len(approvals(r, sc.votes)) >= r.Votes:
		return l.say("to be confirmed", "待群外确认")
	default:
		return ""
	}
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
		if l == EN {
			return count(c.Total(), "change", "changes")
		}
		return fmt.Sprintf("%d 项变更", c.Total())
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
	switch {
	case r.By.Person != "":
		by = l.with(by, l.platform(r.By.Platform))
	case r.Behind != "":
		by = l.with(by, l.say("set by ", "设置人 ")+r.Behind)
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
	lines := append(b.head(sc), b.standstill(sc)...)
	switch sc.run.State {
	case run.Queued:
		lines = append(lines, text(l.say("Waiting for its turn; nothing was changed.", "等待执行；没有改动任何账号。")))
	case run.Reading:
		lines = append(lines, text(l.say("Reading both systems; nothing was changed.", "正在读取两边的系统；没有改动任何账号。")))
		if far := sc.run.Read; far != (run.Counted{}) {
			lines = append(lines, text(readSoFar(l, far)))
		}
	default:
		lines = append(lines, text(l.say("Making the plan; nothing was changed.", "正在计算计划；没有改动任何账号。")))
	}
	return Card{
		Title: sc.title(), Tone: Info, Sections: []Section{{Lines: lines}},
		Buttons: sc.buttons(Cancel), Plain: !sc.can.Edit,
	}
}

// readSoFar tells how much was read.
func readSoFar(l Lang, far run.Counted) string {
	if l != EN {
		return fmt.Sprintf("已读：来源 %d 人、%d 个部门；目标 %d 人、%d 个部门。", far.SourceUsers, far.SourceDepartments, far.TargetUsers, far.TargetDepartments)
	}
	side := func(users, departments int) string {
		return count(users, "person", "people") + ", " + count(departments, "department", "departments")
	}
	return "So far: source " + side(far.SourceUsers, far.SourceDepartments) + "; target " + side(far.TargetUsers, far.TargetDepartments) + "."
}

// nothingCard tells that both sides agree.
func (b *Bot) nothingCard(sc scene) Card {
	l, tone := sc.lang, Good
	outcome := l.say("Source and target agree; nothing was changed.", "两边一致，没有改动任何账号。")
	if n := sc.worrying(); n > 0 {
		tone = Warn
		outcome = l.say("Nothing was changed, but %d need a look: see below.", "没有改动任何账号，但有 %d 项需要处理，见下。", n)
	}
	lines := append(append(b.head(sc), b.standstill(sc)...), text(outcome))
	s := []Section{{Lines: append(lines, sc.ruleLine()...)}}
	if sc.plan != nil {
		s = append(s, Section{Lines: append(b.health(sc), sc.against()...)}, sc.ruleChange(), sc.irreversible(), sc.notes())
	}
	return Card{Title: sc.title(), Tone: tone, Sections: filled(s), Plain: true}
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
		one := Button{Label: capital(specOf(v).name(l)), Command: cmd.String()}
		switch v {
		case Cancel:
			one.Confirm = l.say("Stop %s?", "停止 %s？", sc.run.Code)
		case Reject:
			one.Digest = sc.run.Plan.String()
			one.Confirm = l.say("Reject %s? The plan then ends.", "驳回 %s？计划随即结束。", sc.run.Code)
		case Show:
			if one.Label = l.say("Details", "详情"); asks(sc.run) {
				one.Label = l.say("Show all", "查看全部")
			}
		default: // its name says it
		}
		all = append(all, one)
	}
	return all
}
