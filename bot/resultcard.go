package bot

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// mostCauses is how many groups of failures a card tells of.
const mostCauses = 8

// resultCard tells what became of a run that was applied, or broke.
func (b *Bot) resultCard(sc scene) Card {
	l, r := sc.lang, sc.run
	card := Card{Title: sc.title(), Foot: sc.foot(), Buttons: sc.buttons(Show)}
	lines := append(b.head(sc), b.standstill(sc)...)
	if r.Outcome.Total() > 0 || r.State != run.Failed {
		card.Title = sc.title(l.outcome(r.Outcome))
		lines = append(lines, Line{strong(l.outcome(r.Outcome))}, text(l.say("Plan: ", "计划：")+l.counts(r.Counts)))
	} else {
		card.Buttons = nil
		lines = append(lines, text(l.say("Nothing was changed.", "没有改动任何账号。")))
	}
	if r.Reason != "" {
		lines = append(lines, Line{strong(l.say("Why: ", "原因：")), plain(printable(masked(l.of(r.Reason)), sayRunes))})
	}
	lines = append(lines, text(l.say("Ended %s, took %s", "%s 结束，用时：%s", b.clock(r.Ended), l.span(r.Ended.Sub(r.Created)))))
	switch r.State {
	case run.Failed:
		card.Tone = Danger
		lines = append(lines, sc.afterFailure()...)
	case run.Partial:
		card.Tone = Warn
	default:
		card.Tone = Good
	}
	if r.Glass != (run.Actor{}) {
		card.Tone = Danger
	}
	lines = append(lines, sc.takeBack()...)
	card.Sections = []Section{{Lines: lines}, sc.causes()}
	if sc.plan != nil && sc.plan.Source.Health.PartialFor != "" { // who has left was not looked for
		card.Sections = append(card.Sections, Section{Title: l.say("The source", "来源的健康状况"), Lines: b.health(sc)})
	}
	card.Sections = append(card.Sections, sc.notes())
	card.Sections = filled(append(card.Sections, b.decided(sc)...))
	return card
}

// afterFailure gives the way on after a run that broke.
func (sc scene) afterFailure() []Line {
	l, r := sc.lang, sc.run
	var lines []Line
	if r.Fault == fault.Credential || r.Fault == fault.Denied || r.Fault == fault.Unavailable {
		lines = append(lines, Line{plain(l.say("To find out where it is to be repaired: ", "要知道在哪里修，请发：")), code(l.say("doctor ", "体检 ") + quoted(r.Flow))})
	}
	return append(lines, Line{plain(l.say("When the cause is gone: ", "排除原因后重发：")), code(sc.again().String())})
}

// takeBack says what of it can be undone, and how; what cannot is said as well.
func (sc scene) takeBack() []Line {
	l, r := sc.lang, sc.run
	c := sc.done()
	if !r.State.Ended() || r.Outcome.Done == 0 {
		return nil
	}
	gone := c.Delete
	c.Delete = 0
	undo := Command{Verb: Undo, Lang: l, Code: r.Code, Page: 1, Typed: run.NotRestated()}
	var lines []Line
	if len(sc.entries) == 0 || c.Total() > 0 {
		line := Line{plain(l.say("To take it back: ", "要撤销请发："))}
		if c.Total() > 0 {
			line = Line{plain(l.say("Can be taken back (%s), under the same votes: ", "可以撤销（%s），同样需要审批：", l.counts(c)))}
		}
		lines = append(lines, append(line, code(undo.String())))
	}
	if gone > 0 {
		means := ""
		if sc.flow != nil {
			means = sc.flow.DeleteMeans.in(l)
		}
		lines = append(lines, Line{strong(l.say("Deleted: %d. ", "已删除 %d 个。", gone)), plain(means)})
	}
	return lines
}

// cause is a group of changes that were not done for one reason.
type cause struct {
	step  run.Step
	say   string
	names []string
	first int // number of the first of them
	n     int
}

// causes groups what was not done by why, the worst first, each with the way on.
func (sc scene) causes() Section {
	l, sorted := sc.lang, sc.grouped()
	s := Section{Title: l.say("Not done", "没有完成的"), Bullet: true}
	for _, g := range sorted[:min(len(sorted), mostCauses)] {
		line := Line{strong(pair(l.step(g.step), g.n))}
		if g.say != "" {
			line = append(line, plain(l.say(": ", "：")+printable(masked(l.of(g.say)), sayRunes)))
		}
		names := strings.Join(g.names, l.say("; ", "；"))
		if g.n > len(g.names) && len(g.names) > 0 {
			names += l.say(" …", "……")
		}
		line = append(line, plain(l.say(" – ", "——")+names))
		s.Lines = append(s.Lines, append(line, sc.wayOn(g)...))
	}
	if more := len(sorted) - mostCauses; more > 0 {
		s.Lines = append(s.Lines, text(l.say("… and %d other causes", "……另有 %d 种原因", more)))
	}
	return s
}

// wayOn gives the next command for one cause.
func (sc scene) wayOn(g *cause) Line {
	l := sc.lang
	show := Command{Verb: Show, Lang: l, Code: sc.run.Code, Item: g.first, Page: 1, Typed: run.NotRestated()}
	next := Command{Verb: Plan, Lang: l, Flow: sc.run.Flow, Page: 1, Typed: run.NotRestated()}
	switch g.step {
	case run.StepInDoubt:
		return Line{plain(l.say(". Look at the account in the target; what is known: ", "。请到目标系统核对该账号；已知情况：")), code(show.String())}
	case run.StepFailed:
		return Line{plain(l.say(". Details: ", "。明细：")), code(show.String()), plain(l.say("; when the cause is gone: ", "；排除原因后：")), code(sc.again().String())}
	default:
		return Line{plain(l.say(". Plan afresh: ", "。重新预演：")), code(next.String())}
	}
}

func (sc scene) grouped() []*cause {
	l := sc.lang
	groups := map[string]*cause{}
	for _, e := range sc.entries {
		if e.Step != run.StepFailed && e.Step != run.StepSkipped && e.Step != run.StepInDoubt {
			continue
		}
		key := string(e.Step) + e.Say
		if groups[key] == nil {
			groups[key] = &cause{step: e.Step, say: e.Say, first: e.Seq}
		}
		g := groups[key]
		g.n++
		if ch := sc.change(e.Seq); ch != nil && len(g.names) < namesShown {
			g.names = append(g.names, "#"+strconv.Itoa(e.Seq)+" "+l.op(ch.Op)+" "+l.person(ch))
		}
	}
	sorted := slices.Collect(maps.Values(groups))
	order := []run.Step{run.StepInDoubt, run.StepFailed, run.StepSkipped}
	slices.SortFunc(sorted, func(x, y *cause) int {
		return cmp.Or(cmp.Compare(slices.Index(order, x.step), slices.Index(order, y.step)), cmp.Compare(y.n, x.n), strings.Compare(x.say, y.say))
	})
	return sorted
}

// blockedCard says why no vote helps, with every number and the way on.
func (b *Bot) blockedCard(sc scene) Card {
	l, r := sc.lang, sc.run
	lines, danger := append(b.head(sc), b.standstill(sc)...), ""
	if r.Counts.Total() > 0 { // a rule that is of no use leaves nothing to count
		lines, danger = append(lines, Line{strong(l.counts(r.Counts))}), sc.danger()
	}
	lines = append(lines, text(l.say("The guard refused; nothing was changed, and no vote helps.", "已被保护规则拦下：没有改动任何账号，投票也无法放行。")))
	lines = append(append(lines, sc.ruleCounts()...), sc.ruleLine()...)
	card := Card{Title: sc.title(danger), Tone: Danger, Sections: []Section{{Lines: lines}}, Foot: sc.foot(), Buttons: sc.buttons(Show)}
	if sc.plan == nil {
		return card
	}
	card.Sections = filled(append(card.Sections,
		Section{Title: l.say("Why, and what to do", "原因和办法"), Lines: l.findings(brokenFirst(sc.plan.Risk.Reasons)), Bullet: true},
		sc.ruleChange(), sc.lost(false), sc.means(), sc.irreversible(),
		Section{Title: l.say("The source", "来源的健康状况"), Lines: append(b.health(sc), sc.against()...)}, sc.notes()))
	return card
}
