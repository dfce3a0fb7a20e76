package bot

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// pageSize is how many items one answer shows.
const pageSize = 20

// show tells every item of a plan, a page at a time, or one item whole.
func (b *Bot) show(ctx context.Context, c caller, cmd Command) (reply, error) {
	r, p, _, err := b.find(ctx, c, cmd.Code)
	if err != nil {
		return b.notFound(c, cmd, err)
	}
	if p == nil && !r.Plan.IsZero() {
		return notice(Warn, c.lang.say("The plan of %s cannot be read, see the log", "%s 的计划无法读取，请看日志", r.Code)), nil
	}
	if p == nil {
		return notice(Info, c.lang.say("%s has no plan yet (%s)", "%s 还没有计划（%s）", r.Code, c.lang.state(r.State))), nil
	}
	entries, err := b.o.Service.Entries(ctx, r.Code)
	if err != nil {
		return reply{}, err
	}
	v := view{l: c.lang, r: r, p: p, cmd: cmd, entries: map[int]run.Entry{}}
	for _, e := range entries {
		v.entries[e.Seq] = e
	}
	switch {
	case cmd.Item > 0:
		return v.item(), nil
	case cmd.Kind == "notes":
		return v.notes(), nil
	default:
		return v.items(), nil
	}
}

// view is a plan that is shown.
type view struct {
	l       Lang
	r       run.Run
	p       *plan.Plan
	cmd     Command
	entries map[int]run.Entry
}

// items shows a page of changes.
func (v view) items() reply {
	var picked []*plan.Change
	for i := range v.p.Changes {
		if ch := &v.p.Changes[i]; v.cmd.Kind == "" || strings.EqualFold(v.cmd.Kind, string(ch.Op)) {
			picked = append(picked, ch)
		}
	}
	lines := make([]Line, 0, len(picked))
	for _, ch := range picked {
		lines = append(lines, v.row(ch))
	}
	what := v.l.counts(v.p.Counts())
	if v.cmd.Kind != "" {
		what = pair(kindWord(v.l, v.cmd.Kind), len(picked))
	}
	return v.paged(v.l.say("Plan %s · %s", "计划 %s · %s", v.r.Code, what), lines)
}

// row tells of one change in one line.
func (v view) row(ch *plan.Change) Line {
	line := Line{code(fmt.Sprintf("#%d", ch.Seq)), plain(" " + v.l.op(ch.Op) + " "), strong(v.l.person(ch))}
	why := v.l.of(ch.Reason)
	if ch.Op == plan.Update && why == "" {
		why = v.l.list(ch.After.Names())
	}
	if why != "" {
		line = append(line, plain(v.l.say(": ", "：")+printable(masked(why), sayRunes)))
	}
	if e, there := v.entries[ch.Seq]; there {
		line = append(line, plain(" · "+v.l.step(e.Step)))
	}
	return line
}

// notes shows a page of what the plan found and leaves alone.
func (v view) notes() reply {
	lines := make([]Line, 0, len(v.p.Notes))
	for i := range v.p.Notes {
		lines = append(lines, v.l.noteLine(&v.p.Notes[i]))
	}
	return v.paged(v.l.say("Left alone in %s: %d", "%s 中没有处理的：%d", v.r.Code, len(lines)), lines)
}

func (l Lang) noteLine(n *plan.Note) Line {
	line := Line{strong(l.note(n.Kind))}
	if name := label(masked(n.Name)); name != "" {
		line = append(line, plain(" "+name))
	}
	rest := l.say(": ", "：") + printable(masked(l.of(n.Say)), sayRunes)
	if n.Place != "" {
		rest += l.say(" (", "（") + printable(n.Place, nameRunes) + l.say(")", "）")
	}
	return append(line, plain(rest))
}

// paged shows one page of lines.
func (v view) paged(title string, lines []Line) reply {
	pages := max(1, (len(lines)+pageSize-1)/pageSize)
	page := min(max(1, v.cmd.Page), pages)
	from := (page - 1) * pageSize
	s := Section{Lines: lines[from:min(len(lines), from+pageSize)], Bullet: true}
	card := Card{Title: title, Tone: Info, Sections: []Section{s}, Foot: v.foot()}
	if len(lines) == 0 {
		card.Sections[0] = Section{Lines: []Line{text(v.l.say("Nothing of this kind.", "没有这一类。"))}}
	}
	if pages > 1 {
		next := v.cmd.In(v.l)
		next.Page = page%pages + 1
		card.Sections = append(card.Sections, Section{Lines: []Line{{
			plain(v.l.say("Page %d of %d, %d items. Another: ", "第 %d/%d 页，共 %d 项。其他页：", page, pages, len(lines))), code(next.String()),
		}}})
	}
	return reply{card: card}
}

func (v view) foot() string {
	return v.l.say("%s · fingerprint %s", "%s · 指纹 %s", v.r.Code, v.r.Plan.Short())
}

// item shows one change whole: before, after, why, what it rests on.
func (v view) item() reply {
	i := slices.IndexFunc(v.p.Changes, func(ch plan.Change) bool { return ch.Seq == v.cmd.Item })
	if i < 0 {
		return notice(Warn, v.l.say("%s has no item #%d; it has %d", "%s 没有 #%d，共 %d 项", v.r.Code, v.cmd.Item, len(v.p.Changes)))
	}
	ch, l := &v.p.Changes[i], v.l
	head := Section{}
	add := func(name, value string) {
		if value != "" {
			head.Lines = append(head.Lines, Line{strong(name), plain(value)})
		}
	}
	add(l.say("Why: ", "原因："), printable(masked(l.of(ch.Reason)), sayRunes))
	add(l.say("Rests on: ", "依据："), l.cause(ch.Cause))
	add(l.say("After: ", "须先完成："), v.needs(ch))
	if e, there := v.entries[ch.Seq]; there {
		state := l.step(e.Step)
		if e.Say != "" {
			state += l.say(": ", "：") + printable(masked(l.of(e.Say)), sayRunes)
		}
		add(l.say("Now: ", "现在："), state)
	}
	card := Card{
		Title: l.say("%s #%d · %s %s", "%s #%d · %s %s", v.r.Code, ch.Seq, l.op(ch.Op), l.person(ch)),
		Tone:  Info, Sections: []Section{head, v.values(ch)}, Foot: v.foot(),
	}
	return reply{card: card}
}

// values shows what would change, attribute by attribute.
func (v view) values(ch *plan.Change) Section {
	names := map[string]bool{}
	for _, a := range []directory.Attributes{ch.Before, ch.After} {
		for name := range a {
			names[name] = true
		}
	}
	s := Section{Title: v.l.say("Before → after", "之前 → 之后"), Bullet: true}
	sorted := slices.Sorted(maps.Keys(names))
	for _, name := range sorted[:min(len(sorted), pageSize)] {
		before, was := ch.Before[name]
		after, is := ch.After[name]
		value := ""
		switch {
		case was && is:
			value = v.l.value(v.p, name, before) + " → " + v.l.value(v.p, name, after)
		case is:
			value = "→ " + v.l.value(v.p, name, after)
		default:
			value = v.l.value(v.p, name, before)
		}
		s.Lines = append(s.Lines, Line{code(label(name)), plain(" " + value)})
	}
	if more := len(sorted) - pageSize; more > 0 {
		s.Lines = append(s.Lines, text(v.l.say("… and %d more", "……另有 %d 个", more)))
	}
	if len(sorted) == 0 {
		s.Lines = []Line{text(v.l.say("No attribute.", "没有属性。"))}
	}
	return s
}

func (v view) needs(ch *plan.Change) string {
	var names []string
	for _, seq := range ch.Needs[:min(len(ch.Needs), pageSize)] {
		names = append(names, fmt.Sprintf("#%d", seq))
	}
	return v.l.list(names)
}

// cause says what must still hold when the change is applied.
func (l Lang) cause(c plan.Cause) string {
	switch c.Kind {
	case plan.CauseGone:
		return l.say("the person is gone from the source; asked again before it is done", "此人已不在来源中；执行前再次查询来源")
	case plan.CauseStatus:
		return l.say("%s = %s in the source; read again before it is done", "来源中 %s = %s；执行前再次读取", label(c.Attribute), label(l.list(c.Values)))
	case plan.CauseScope:
		return l.say("out of the flow's scope; read again before it is done", "超出流程范围；执行前再次读取")
	case plan.CauseRule:
		return l.say("the rule chose it; the source object must be unchanged when it is done", "由规则脚本决定；执行时来源对象必须没有变化")
	case plan.CauseUndo:
		return l.say("an earlier run is taken back; the account must be unchanged when it is done", "撤销之前的运行；执行时账号必须没有变化")
	case plan.CauseDiffers:
		return l.say("source and target differ", "来源与目标不同")
	default:
		return string(c.Kind)
	}
}

// step names where a change is.
func (l Lang) step(s run.Step) string {
	switch s {
	case run.StepPending:
		return l.say("not done yet", "还没有执行")
	case run.StepSending:
		return l.say("being done", "正在执行")
	case run.StepDone:
		return l.say("done", "成功")
	case run.StepAlready:
		return l.say("was so already", "原本如此")
	case run.StepFailed:
		return l.say("failed", "失败")
	case run.StepSkipped:
		return l.say("skipped", "跳过")
	case run.StepInDoubt:
		return l.say("in doubt", "结果不明")
	default:
		return string(s)
	}
}
