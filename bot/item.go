package bot

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// item shows one change whole: before, after, why, what it rests on, and what is
// dangerous about it. It tells which change that is.
func (v view) item() (reply, []int) {
	ch, l := v.change(v.cmd.Item), v.l
	if ch == nil {
		return notice(Warn, l.say("%s has no item #%d; it has %d", "%s 没有 #%d，共 %d 项", v.r.Code, v.cmd.Item, len(v.p.Changes))), nil
	}
	head := Section{}
	add := func(name, value string) {
		if value != "" {
			head.Lines = append(head.Lines, Line{strong(name), plain(value)})
		}
	}
	add(l.say("Why: ", "原因："), v.shown(l.of(ch.Reason)))
	if ch.Rule != "" {
		head.Lines = append(head.Lines, Line{strong(l.say("Rule: ", "规则：")), code(fileLine(ch.Rule, sayRunes))})
	}
	add(l.say("Risk: ", "风险："), v.risk(ch))
	add(l.say("Rests on: ", "依据："), l.cause(ch.Cause))
	add(l.say("After: ", "须先完成："), v.needs(ch))
	if e, there := v.entries[ch.Seq]; there {
		state := l.step(e.Step)
		if e.Say != "" {
			state += l.say(": ", "：") + v.shown(l.of(e.Say))
		}
		add(l.say("Now: ", "现在："), state)
	}
	card := Card{
		Title: l.say("%s #%d · %s %s", "%s #%d · %s %s", v.r.Code, ch.Seq, l.op(ch.Op), l.person(ch)),
		Tone:  Info, Sections: []Section{head, v.values(ch)}, Foot: v.foot(),
	}
	return reply{card: card}, []int{ch.Seq}
}

// risk says what the assessment found about this very change.
func (v view) risk(ch *plan.Change) string {
	var found []string
	for _, f := range v.p.Risk.Reasons {
		if f.What != "" && f.What == ch.Name && ch.Op.Destructive() {
			found = append(found, v.l.finding(f))
		}
	}
	return strings.Join(found, " ")
}

// value gives an attribute's value as this reader may see it.
func (v view) value(name string, value directory.Value) string {
	if v.full {
		return v.l.whole(v.p, value)
	}
	return v.l.value(v.p, name, value)
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
			value = v.value(name, before) + " → " + v.value(name, after)
		case is:
			value = "→ " + v.value(name, after)
		default:
			value = v.value(name, before)
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
