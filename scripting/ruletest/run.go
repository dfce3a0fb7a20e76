package ruletest

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/scripting"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// Run judges every case with a host that was made by Options. An error means that
// the cases could not be run; what a rule does wrong is in the report. Faults are
// those of scripting.Host.Try, and Invalid when the host has no rule for the kind.
func (s *Suite) Run(ctx context.Context, host *scripting.Host) (Report, error) {
	mentions, ruled := host.Mentions(s.kind)
	if !ruled {
		return Report{}, fault.New(fault.Invalid, "%s: there is no rule for %ss / %s：没有判定该类对象（%s）的规则脚本", s.path, s.kind, s.path, s.kind)
	}
	report := Report{Path: s.path}
	lines := host.StatementLines(s.kind)
	ran := make([]bool, len(lines))
	for i := range s.cases {
		c := &s.cases[i]
		subject := plan.Subject{Object: c.object, Proposed: c.proposed, Target: c.target}
		verdict, trace, err := host.Try(ctx, subject, s.lookup(c))
		if err != nil {
			return Report{}, err
		}
		for _, n := range trace.Ran {
			if n < len(ran) {
				ran[n] = true
			}
		}
		result := Result{Name: c.name, At: s.label(c.at), Logs: trace.Logs}
		if trace.Clock && s.now.IsZero() {
			result.Diffs = []Diff{timeless()}
		} else {
			result.Diffs = c.compare(outcomeOf(c, verdict, mentions))
		}
		report.add(result)
	}
	report.Coverage = coverageOf(lines, ran)
	return report, nil
}

// lookup gives the objects that the rule may look up: the case's own is among them.
func (s *Suite) lookup(c *testCase) plan.Lookup {
	return func(key directory.Key) (directory.Object, bool) {
		if key == c.object.Key {
			return c.object, true
		}
		o, ok := s.objects[key]
		return o, ok
	}
}

// outcome is what came of a case.
type outcome struct {
	word    string // the operation, HELD, ABORTED or ERROR
	why     text   // of a HELD and an ERROR
	err     string // the error's sentence, in both languages
	line    int
	reason  string
	changed directory.Attributes // what the rule changed
}

// several is the sentence of a plan for a rule that contradicts itself.
const several = "two different execute functions were called / 调用了两个不同的 execute 函数"

// changes gives the attributes that a rule changed.
func changes(before, after directory.Attributes) directory.Attributes {
	out := directory.Attributes{}
	for name, value := range after {
		old := before[name]
		if hidden := directory.Unknown; value.Type() == hidden && old.Type() == hidden || value.Equal(old) {
			continue
		}
		out[name] = value
	}
	return out
}

// outcomeOf weighs a verdict as a plan does.
func outcomeOf(c *testCase, v plan.Verdict, mentions plan.Calls) outcome {
	out := outcome{reason: v.Reason, line: v.At.Line, changed: changes(c.object.Attributes, v.Data)}
	s := plan.Situation{Proposed: c.proposed, Exists: c.target != nil, Mentions: mentions}
	if s.Proposed == plan.None && s.Exists && len(out.changed) > 0 && v.Returned {
		s.Proposed = plan.Update
	}
	r := v.Rule(s)
	switch r.Note {
	case plan.RuleFailed:
		out.word, out.err = failed, several
		if v.Failed != nil {
			out.err, out.line = v.Failed.Say, v.Failed.Line
		}
		out.why = text{fault.In(out.err, "en"), fault.In(out.err, "zh")}
	case plan.Held:
		out.word, out.why = held, text{"the rule did not say what to do", "规则没有给出操作"}
		if v.Data != nil && !v.Returned {
			out.why = text{"the rule changed the data and ended without return context", "规则改了数据，但没有以 return context 结束"}
		}
	case plan.Aborted:
		out.word = aborted
	default:
		out.word = string(r.Op)
	}
	return out
}

// say tells an outcome with its reason.
func (o outcome) say() text {
	switch {
	case o.word == failed && o.line > 0:
		return say("%s on line %d: %s", "第 %[2]d 行 %[1]s：%[3]s", o.word, o.line, o.why)
	case o.why.en != "":
		return say("%s: %s", "%s：%s", o.word, o.why)
	default:
		return say("%s", "%s", o.word)
	}
}

// compare gives what differs from what the case expects.
func (c *testCase) compare(got outcome) []Diff {
	var diffs []Diff
	add := func(what, want, got text) { diffs = append(diffs, Diff{what: what, want: want, got: got}) }
	want := c.expect
	unexpected := got.word == failed && want.operation == "" && want.err == ""
	switch {
	case unexpected:
		add(text{"operation", "操作"}, text{"no error", "没有错误"}, got.say())
	case want.operation != "" && want.operation != got.word:
		add(text{"operation", "操作"}, text{want.operation, want.operation}, got.say())
	}
	if want.data != nil {
		diffs = append(diffs, c.compareData(got.changed)...)
	}
	if want.reason != nil && *want.reason != got.reason {
		add(text{"reason", "原因"}, words(*want.reason), words(got.reason))
	}
	if want.err != "" && !strings.Contains(got.err, want.err) {
		add(text{"error", "错误"}, say("…%s…", "…%s…", plain(want.err)), got.sayErr())
	}
	if want.line != 0 && want.line != got.line {
		add(text{"line", "行号"}, say("%d", "%d", want.line), got.sayLine())
	}
	return diffs
}

func (o outcome) sayErr() text {
	if o.err == "" {
		return text{"no error", "没有错误"}
	}
	return say("%s", "%s", o.why)
}

func (o outcome) sayLine() text {
	if o.line == 0 {
		return text{"no line: the rule decided nothing", "没有行号：规则没有作出决定"}
	}
	return say("%d", "%d", o.line)
}

// words shows a text.
func words(s string) text {
	if s == "" {
		return text{"none", "没有"}
	}
	q := quoted(s)
	return text{q, q}
}

// compareData compares what a rule changed, attribute by attribute.
func (c *testCase) compareData(got directory.Attributes) []Diff {
	var diffs []Diff
	names := map[string]bool{}
	for _, set := range []directory.Attributes{c.expect.data, got} {
		for name := range set {
			names[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		w, wanted := c.expect.data[name]
		g, changed := got[name]
		before := c.object.Attributes[name]
		d := Diff{what: say("data.%s", "data.%s", plain(name))}
		switch {
		case wanted && changed && same(w, g):
			continue
		case wanted && changed:
			d.want, d.got = shownApart(w, g)
		case wanted:
			d.want, d.got = shown(w), say("unchanged: %s", "没有修改：%s", shown(before))
		default:
			d.want, d.got = say("unchanged: %s", "没有修改：%s", shown(before)), shown(g)
		}
		diffs = append(diffs, d)
	}
	return diffs
}

// timeless is the failure of a case whose rule asks for the time in a file that
// gives none.
func timeless() Diff {
	return Diff{
		what: text{"now", "now"},
		want: text{"the rule asks for the time: write one at the top of the file, such as now: 2026-07-22 09:30", "规则用到当前时间：请在文件开头写上，例如 now: 2026-07-22 09:30"},
	}
}
