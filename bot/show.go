package bot

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// pageSize is how many items one answer shows.
const pageSize = 20

// show tells every item of a plan, a page at a time, or one item whole, or sends
// all of them as a table. Who looked at what would be taken away is noted: from
// tier 2 on, somebody votes only on what he has seen.
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
	v := view{l: c.lang, r: r, p: p, cmd: cmd, entries: map[int]run.Entry{}, full: c.m.Direct, can: b.can(c)}
	if cmd.File {
		return b.showFile(ctx, c, v)
	}
	entries, err := b.o.Service.Entries(ctx, r.Code)
	if err != nil {
		return reply{}, err
	}
	for _, e := range entries {
		v.entries[e.Seq] = e
	}
	var answer reply
	var seen []int
	switch {
	case cmd.Item > 0:
		answer, seen = v.item()
	case cmd.Kind == "notes":
		answer = v.notes()
	default:
		answer, seen = v.items()
	}
	return answer, b.sight(ctx, c, v, seen)
}

// sight notes what somebody has seen of a plan that may yet be voted on.
func (b *Bot) sight(ctx context.Context, c caller, v view, seqs []int) error {
	var lost []int
	for _, seq := range seqs {
		if ch := v.change(seq); ch != nil && ch.Op.Destructive() {
			lost = append(lost, seq)
		}
	}
	if c.person == nil || c.m.Weak || len(lost) == 0 || v.r.State.Ended() {
		return nil // by DingTalk's callback nothing proves who looked
	}
	err := b.o.Service.See(ctx, v.r.Code, c.person.Name, lost)
	if err != nil && !passing(err) { // he reads it all the same, and is asked to look again when he votes
		b.o.Logger.ErrorContext(ctx, "sight is not noted", "run", v.r.Code, "err", err)
		return nil
	}
	return err
}

// view is a plan that is shown.
type view struct {
	l       Lang
	r       run.Run
	p       *plan.Plan
	cmd     Command
	entries map[int]run.Entry
	full    bool // to the person alone: nothing is masked
	can     Abilities
}

// change gives one of the plan by its number, or nil.
func (v view) change(seq int) *plan.Change { return scene{plan: v.p}.change(seq) }

// picked gives the changes that are asked for; what would be taken away comes
// before all else.
func (v view) picked() []*plan.Change {
	var lost, rest []*plan.Change
	for i := range v.p.Changes {
		ch := &v.p.Changes[i]
		switch {
		case v.cmd.Kind != "" && !strings.EqualFold(v.cmd.Kind, string(ch.Op)):
		case ch.Op.Destructive():
			lost = append(lost, ch)
		default:
			rest = append(rest, ch)
		}
	}
	return append(lost, rest...)
}

// items shows a page of changes, and tells which they are.
func (v view) items() (reply, []int) {
	picked := v.picked()
	lines := make([]Line, 0, len(picked))
	var first map[string]int // reason → number of the change of the same page that tells it
	for i, ch := range picked {
		if i%pageSize == 0 {
			first = map[string]int{}
		}
		lines = append(lines, v.row(ch, first))
	}
	what := v.l.counts(v.p.Counts())
	if v.cmd.Kind != "" {
		what = pair(kindWord(v.l, v.cmd.Kind), len(picked))
	}
	from, to, _ := v.page(len(lines))
	seen := make([]int, 0, to-from)
	for _, ch := range picked[from:to] {
		seen = append(seen, ch.Seq)
	}
	return v.paged(v.l.say("Plan %s · %s", "计划 %s · %s", v.r.Code, what), lines), seen
}

// row tells of one change in one line. A long reason is written once, see
// lostLines.
func (v view) row(ch *plan.Change, first map[string]int) Line {
	line := Line{code(fmt.Sprintf("#%d", ch.Seq)), plain(" " + v.l.op(ch.Op) + " "), strong(v.l.person(ch))}
	why := v.l.of(ch.Reason)
	if ch.Op == plan.Update && why == "" {
		why = v.l.list(ch.After.Names())
	}
	if why != "" {
		line = append(line, plain(v.l.say(": ", "：")+v.l.once(first, ch.Seq, v.shown(why))))
	}
	line = append(line, v.l.chosenAt(ch)...)
	if e, there := v.entries[ch.Seq]; there && (e.Step != run.StepPending || !asks(v.r)) {
		line = append(line, plain(" · "+v.l.step(e.Step)))
	}
	return line
}

// shown gives a sentence as this reader may see it.
func (v view) shown(s string) string {
	if !v.full {
		s = masked(s)
	}
	return printable(s, sayRunes)
}

// notes shows a page of what the plan found and leaves alone.
func (v view) notes() reply {
	lines := make([]Line, 0, len(v.p.Notes))
	for i := range v.p.Notes {
		lines = append(lines, v.noteLine(&v.p.Notes[i]))
	}
	return v.paged(v.l.say("Left alone in %s: %d", "%s 中没有处理的：%d", v.r.Code, len(lines)), lines)
}

func (v view) noteLine(n *plan.Note) Line {
	l := v.l
	line := Line{strong(l.noteWord(n.Kind))}
	if name := label(v.shown(n.Name)); name != "" {
		line = append(line, plain(" "+name))
	}
	rest := l.say(": ", "：") + v.shown(l.of(n.Say))
	if n.Place != "" {
		rest += l.say(" (", "（") + printable(n.Place, nameRunes) + l.say(")", "）")
	}
	return append(line, plain(rest))
}

// page gives the bounds of the page that is asked for, and how many there are.
func (v view) page(n int) (from, to, pages int) {
	pages = max(1, (n+pageSize-1)/pageSize)
	from = (min(max(1, v.cmd.Page), pages) - 1) * pageSize
	return from, min(n, from+pageSize), pages
}

// paged shows one page of lines.
func (v view) paged(title string, lines []Line) reply {
	from, to, pages := v.page(len(lines))
	card := Card{Title: title, Tone: Info, Foot: v.foot()}
	// Whoever pages must see every name: longer lists than these are folded.
	for some := range slices.Chunk(lines[from:to], mostRows) {
		card.Sections = append(card.Sections, Section{Lines: some, Bullet: true})
	}
	if len(lines) == 0 {
		card.Sections = []Section{{Lines: []Line{text(v.l.say("Nothing of this kind.", "没有这一类。"))}}}
	}
	if pages > 1 {
		page := from/pageSize + 1
		next := v.cmd.In(v.l)
		next.Page = page%pages + 1
		card.Sections = append(card.Sections, Section{Lines: []Line{{
			plain(v.l.say("Page %d of %d, %d items. Another: ", "第 %d/%d 页，共 %d 项。其他页：", page, pages, len(lines))), code(next.String()),
		}}})
		if v.can.Buttons && page < pages {
			card.Buttons = []Button{{Label: v.l.say("Page %d", "第 %d 页", next.Page), Command: next.String()}}
		}
	}
	return reply{card: card}
}

func (v view) foot() string {
	return v.l.say("%s · fingerprint %s", "%s · 指纹 %s", v.r.Code, v.r.Plan.Short())
}

// cause says what must still hold when the change is applied.
func (l Lang) cause(c plan.Cause) string {
	own := l.ownCause(c)
	if len(c.Looked) == 0 {
		return own
	}
	var names []string
	for _, o := range c.Looked {
		names = append(names, label(o.Name))
	}
	return own + l.say("; what the rule looked up must be as it was, too: ", "；规则查找过的对象也必须没有变化：") + l.list(names)
}

// ownCause is cause without other objects.
func (l Lang) ownCause(c plan.Cause) string {
	switch c.Kind {
	case plan.CauseGone:
		return l.say("the person is gone from the source; asked again before it is done", "此人已不在来源中；执行前再次查询来源")
	case plan.CauseStatus:
		if !c.Fingerprint.IsZero() {
			return l.say("%s = %s in the source; the source object must be unchanged when it is done", "来源中 %s = %s；执行时来源对象必须没有变化", label(c.Attribute), label(l.list(c.Values)))
		}
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
