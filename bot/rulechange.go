package bot

import (
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// differShown is how many objects a card names that changed rules decide
// differently.
const differShown = 5

// loud tells whether a change of the rules must be seen by everybody who judges
// the plan: it decides something differently, or nobody knows whether it does.
func loud(c *plan.RuleChange) bool { return c != nil && (c.Differ > 0 || c.Say != "") }

// rulesChanged says in one sentence that the rules have changed, and what that
// does.
func (l Lang) rulesChanged(c *plan.RuleChange) string {
	head := l.say("The rules have changed since %s", "规则脚本改过（与 %s 相比）", label(c.Since))
	switch {
	case c.Say != "":
		return head + l.say("; how many objects they decide differently is not known: ", "，有多少对象的结果不同无法得知：") + printable(masked(l.of(c.Say)), sayRunes)
	case c.Judged == 0:
		return head + l.say("; there was no object to compare.", "，没有可以比较的对象。")
	case c.Differ == 0:
		return head + l.say("; every object is decided as before (%d compared).", "，所有对象的结果都和以前一样（比较了 %d 个）。", c.Judged)
	case c.Judged == 1:
		return head + l.say(": the one object is decided differently", "：仅有的 1 个对象结果不同")
	case c.Differ == 1:
		return head + l.say(": 1 of %d objects is decided differently", "：%d 个对象中有 1 个结果不同", c.Judged)
	default:
		return head + l.say(": %[1]d of %[2]d objects are decided differently", "：%[2]d 个对象中有 %[1]d 个结果不同", c.Differ, c.Judged)
	}
}

// ruleLine announces changed rules in one line, unless a section of its own does.
func (sc scene) ruleLine() []Line {
	if sc.plan == nil || sc.plan.Rules == nil {
		return nil
	}
	c := sc.plan.Rules
	switch say := sc.lang.rulesChanged(c); {
	case c.Say != "":
		return []Line{{strong(say)}}
	case c.Differ == 0:
		return []Line{text(say)}
	default:
		return nil
	}
}

// ruleChange announces changed rules that decide something differently, with a
// few objects and the command that gives them all.
func (sc scene) ruleChange() Section {
	if sc.plan == nil || !loud(sc.plan.Rules) || sc.plan.Rules.Say != "" {
		return Section{}
	}
	l, c := sc.lang, sc.plan.Rules
	s := Section{Title: l.rulesChanged(c), Bullet: true}
	for i := range c.Examples[:min(len(c.Examples), differShown)] {
		s.Lines = append(s.Lines, l.differing(&c.Examples[i]))
	}
	all := code("rollcall rules diff " + sc.run.Flow)
	if more := c.Differ - len(s.Lines); more > 0 && len(s.Lines) > 0 {
		s.Lines = append(s.Lines, Line{plain(l.say("… and %d more; all, in a terminal: ", "……另有 %d 个；在命令行看全部：", more)), all})
	} else if more > 0 {
		s.Lines = append(s.Lines, Line{plain(l.say("Which, in a terminal: ", "在命令行看是哪些：")), all})
	}
	return s
}

// differing tells what the rules made of an object before and make of it now, and
// then which it is: no line begins with what a directory says.
func (l Lang) differing(d *plan.Differing) Line {
	who := []Span{plain(l.say(": ", "：")), strong(l.person(&plan.Change{Key: d.Key, Name: d.Name}))}
	was, is := l.decision(d.Old), l.decision(d.New)
	if was == is {
		return append(Line{plain(is + l.otherwise(d))}, who...)
	}
	last := plain(is)
	last.Bold = d.New.Op.Destructive()
	return append(Line{plain(was + " → "), last}, who...)
}

// decision names what comes of an object.
func (l Lang) decision(d plan.Decision) string {
	switch {
	case d.Op != "" && d.Op != plan.None:
		return l.op(d.Op)
	case d.Note != "":
		return l.Note(d.Note)
	default:
		return l.say("nothing", "不操作")
	}
}

// otherwise says in brackets how two decisions differ that bear one name. Values
// are not told: a room reads it.
func (l Lang) otherwise(d *plan.Differing) string {
	names := slices.Concat(d.Old.Write.Names(), d.New.Write.Names())
	slices.Sort(names)
	names = slices.DeleteFunc(slices.Compact(names), func(n string) bool { return sameWrite(d.Old.Write, d.New.Write, n) })
	if len(names) == 0 {
		return l.say(" (for another reason)", "（原因不同）")
	}
	more := ""
	if len(names) > fewValues {
		names, more = names[:fewValues], l.say(" …", "……")
	}
	return l.say(" (other values: ", "（写入的值不同：") + l.list(labels(names)) + more + l.say(")", "）")
}

// sameWrite tells whether both write an attribute alike; to empty it is not the
// same as to leave it alone.
func sameWrite(x, y directory.Attributes, name string) bool {
	was, before := x[name]
	is, now := y[name]
	return before == now && same(was, is)
}

// ruleCounts counts on one line what the rule left alone, with the command that
// shows it; what should not stay so comes first and is marked. A rule that is of no
// use at all is told of as the reason why nothing is done.
func (sc scene) ruleCounts() []Line {
	if sc.plan == nil || slices.ContainsFunc(sc.plan.Risk.Reasons, func(f plan.Finding) bool { return f.Code == plan.FindRuleBroken }) {
		return nil
	}
	l, n := sc.lang, map[plan.NoteKind]int{}
	for i := range sc.plan.Notes {
		n[sc.plan.Notes[i].Kind]++
	}
	var bad, calm []string
	add := func(to *[]string, kind plan.NoteKind, en, zh string) {
		if n[kind] > 0 {
			*to = append(*to, l.say(en, zh, n[kind]))
		}
	}
	add(&bad, plan.RuleFailed, "the rule failed on %d", "规则脚本出错 %d 项")
	add(&bad, plan.LeftActive, "left, still active: %d", "已离职但账号仍可用 %d 项")
	add(&calm, plan.Held, "holds %d", "保留 %d 项")
	add(&calm, plan.Aborted, "drops %d", "放弃 %d 项")
	if len(bad)+len(calm) == 0 {
		return nil
	}
	var line Line
	if len(bad) > 0 {
		line = append(line, strong(capital(strings.Join(bad, l.say("; ", "；")))))
	}
	if len(calm) > 0 {
		say := l.say("the rule ", "规则") + l.list(calm)
		if len(bad) > 0 {
			say = l.say("; ", "；") + say
		}
		line = append(line, plain(capital(say)))
	}
	look := sc.allNotes()
	return []Line{append(line, plain(l.say(": ", "：")), look[len(look)-1])}
}
