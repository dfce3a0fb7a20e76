package bot

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

const (
	mostCauses = 8 // groups of failures that a card tells of
	namesShown = 3 // of each
)

// resultCard tells what became of a run that was applied, or broke.
func (b *Bot) resultCard(sc scene) Card {
	l, r := sc.lang, sc.run
	card := Card{Title: sc.title(r.Flow), Foot: sc.foot(), Buttons: sc.buttons(Show)}
	lines := b.head(sc)
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
	lines = append(lines, text(l.say("Ended %s, took %s", "结束 %s，用时 %s", b.clock(r.Ended), l.span(r.Ended.Sub(r.Created)))))
	switch r.State {
	case run.Succeeded:
		card.Tone = Good
	case run.Partial:
		card.Tone = Warn
		lines = append(lines, Line{plain(l.say("What was not done comes up again in the next run: ", "没有完成的变更会在下次运行时再次出现：")), code(specOf(Plan).name(l) + " " + r.Flow)})
	default:
		card.Tone = Danger
		lines = append(lines, Line{plain(l.say("When the cause is gone: ", "排除原因后重发：")), code(sc.verb() + " " + r.Flow)})
	}
	card.Sections = append([]Section{{Lines: lines}}, sc.causes()...)
	if sc.plan != nil && sc.plan.Source.Health.PartialFor != "" { // who has left was not looked for
		card.Sections = append(card.Sections, Section{Title: l.say("The source", "来源的健康状况"), Lines: b.health(sc)})
	}
	if n := sc.notes(); len(n.Lines) > 0 {
		card.Sections = append(card.Sections, n)
	}
	card.Sections = append(card.Sections, b.decided(sc)...)
	return card
}

// causes groups what was not done by why, the worst first.
func (sc scene) causes() []Section {
	l := sc.lang
	type group struct {
		step  run.Step
		say   string
		names []string
		n     int
	}
	bySeq := map[int]*plan.Change{}
	if sc.plan != nil {
		for i := range sc.plan.Changes {
			bySeq[sc.plan.Changes[i].Seq] = &sc.plan.Changes[i]
		}
	}
	groups := map[string]*group{}
	for _, e := range sc.entries {
		if e.Step != run.StepFailed && e.Step != run.StepSkipped && e.Step != run.StepInDoubt {
			continue
		}
		key := string(e.Step) + e.Say
		if groups[key] == nil {
			groups[key] = &group{step: e.Step, say: e.Say}
		}
		g := groups[key]
		g.n++
		if ch := bySeq[e.Seq]; ch != nil && len(g.names) < namesShown {
			g.names = append(g.names, "#"+strconv.Itoa(e.Seq)+" "+l.op(ch.Op)+" "+l.person(ch))
		}
	}
	sorted := make([]*group, 0, len(groups))
	for _, g := range groups {
		sorted = append(sorted, g)
	}
	order := []run.Step{run.StepInDoubt, run.StepFailed, run.StepSkipped}
	slices.SortFunc(sorted, func(x, y *group) int {
		return cmp.Or(cmp.Compare(slices.Index(order, x.step), slices.Index(order, y.step)), cmp.Compare(y.n, x.n), strings.Compare(x.say, y.say))
	})
	if len(sorted) == 0 {
		return nil
	}
	s := Section{Title: l.say("Not done", "没有完成的"), Bullet: true}
	for _, g := range sorted[:min(len(sorted), mostCauses)] {
		line := Line{strong(pair(l.step(g.step), g.n))}
		if g.say != "" {
			line = append(line, plain(l.say(": ", "：")+printable(masked(l.of(g.say)), sayRunes)))
		}
		line = append(line, plain(l.say(" – ", "——")+strings.Join(g.names, l.say("; ", "；"))))
		s.Lines = append(s.Lines, line)
	}
	if more := len(sorted) - mostCauses; more > 0 {
		s.Lines = append(s.Lines, text(l.say("… and %d other causes", "……另有 %d 种原因", more)))
	}
	return []Section{s}
}

// blockedCard says why no vote helps, with every number and the way on.
func (b *Bot) blockedCard(sc scene) Card {
	l, r := sc.lang, sc.run
	lines := append(b.head(sc),
		Line{strong(l.counts(r.Counts))},
		text(l.say("The guard refused; nothing was changed, and no vote helps.", "已被保护规则拦下：没有改动任何账号，投票也无法放行。")))
	card := Card{Title: sc.title(sc.danger()), Tone: Danger, Sections: []Section{{Lines: lines}}, Foot: sc.foot(), Buttons: sc.buttons(Show)}
	if sc.plan == nil {
		return card
	}
	if reasons := l.findings(sc.plan.Risk.Reasons); len(reasons) > 0 {
		card.Sections = append(card.Sections, Section{Title: l.say("Why, and what to do", "原因和办法"), Lines: reasons, Bullet: true})
	}
	if s := sc.lost(false); len(s.Lines) > 0 {
		card.Sections = append(card.Sections, s)
	}
	card.Sections = append(card.Sections, Section{Title: l.say("The source", "来源的健康状况"), Lines: b.health(sc)})
	if n := sc.notes(); len(n.Lines) > 0 {
		card.Sections = append(card.Sections, n)
	}
	return card
}
