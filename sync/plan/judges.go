package plan

import (
	"context"
	"errors"
	"fmt"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// Named is for Rules that know what people call the file that judges a kind: it says
// which rule held an object by doing nothing, when no line can be named.
type Named interface {
	File(kind directory.Kind) string
}

// maxOverruns is on how many objects of one plan rules may outrun their limits. Each
// costs its whole time, so that a rule which hangs on everybody would keep a run busy
// for days; after these it is of no use.
const maxOverruns = 40

// judges is one set of rules, and how often it outran its limits so far.
type judges struct {
	rules    Rules // nil: no rule
	overruns int
}

// about tells which execute functions the rule for a kind names, and whether there
// is one.
func (j *judges) about(kind directory.Kind) (mentions Calls, ruled bool) {
	if j.rules == nil {
		return Calls{}, false
	}
	return j.rules.Mentions(kind)
}

// ask gives a verdict for each subject. Faults are those of Rules.Judge, a *RuleError
// when the limits were outrun too often as well, and Internal for a wrong number of
// verdicts.
func (j *judges) ask(ctx context.Context, subjects []Subject, look Lookup) ([]Verdict, error) {
	verdicts, err := j.rules.Judge(ctx, subjects, look)
	if err != nil {
		return nil, err
	}
	if len(verdicts) != len(subjects) {
		return nil, fault.New(fault.Internal, "the rules gave %d verdicts for %d objects / 规则返回 %d 个结果，应为 %d 个", len(verdicts), len(subjects), len(verdicts), len(subjects))
	}
	return verdicts, j.count(verdicts)
}

// count says when a rule outran its limits too often.
func (j *judges) count(verdicts []Verdict) error {
	var last *RuleError
	for i := range verdicts {
		if f := verdicts[i].Failed; f != nil && f.Limit {
			j.overruns++
			last = f
		}
	}
	if last == nil || j.overruns <= maxOverruns {
		return nil
	}
	return &RuleError{File: last.File, Line: last.Line, Limit: true, Say: joined(
		sprintf("outran its limits on %d objects and is not asked any more / 已在 %d 个对象上超出限制，不再执行", j.overruns, j.overruns), last.Say)}
}

// place gives where a rule decided or failed; of one that did nothing the file, if
// it is known.
func (j *judges) place(kind directory.Kind, v Verdict) Place {
	at := v.At
	if v.Failed != nil {
		at = v.Failed.Place()
	}
	if named, ok := j.rules.(Named); ok && at.File == "" {
		at.File = named.File(kind)
	}
	return at
}

// placeOf is place for what came of an object. Who is held for what the rule did not
// do has no line: the one where it wrote something would mislead.
func (j *judges) placeOf(kind directory.Kind, v Verdict, note NoteKind) Place {
	at := j.place(kind, v)
	if note == Held && v.Returned && v.Calls == (Calls{}) {
		at.Line = 0
	}
	return at
}

// had tells whether the rule had a say in an operation: it let it through, chose it,
// wrote what it writes, or gave a reason for it.
func (v Verdict) had(op Op, wrote bool) bool {
	switch op {
	case Create, Update:
		return wrote || v.Calls.Create || v.Calls.Update || v.Reason != ""
	case Disable:
		return v.Calls.Disable || v.Reason != ""
	case Delete:
		return v.Calls.Delete || v.Reason != ""
	default:
		return false
	}
}

// sayFailed gives what the rule did wrong.
func (v Verdict) sayFailed() string {
	if v.Failed == nil {
		return "two different execute functions were called / 调用了两个不同的 execute 函数"
	}
	return v.Failed.Say
}

// sign puts the rule's place on the changes that it had a say in.
func (m *maker) sign(drafts []*draft, c *subject, v Verdict, out *outcome) {
	if m.in.Rules == nil || len(drafts) == 0 {
		return
	}
	wrote := m.wrote(c, v, out)
	for _, d := range drafts {
		if v.had(d.Op, wrote) {
			d.Rule = m.rules.place(c.source.Kind, v).String()
		}
	}
}

// wrote tells whether what the rule wrote changes what the plan writes.
func (m *maker) wrote(c *subject, v Verdict, out *outcome) bool {
	return v.Data != nil && v.Returned && !c.leaver && !sameWrites(m.writes(c, c.out), m.writes(c, out))
}

// writes gives the attributes that would be written to the target.
func (m *maker) writes(c *subject, out *outcome) directory.Attributes {
	all := directory.Attributes{}
	if !c.exists() {
		for name, v := range out.want {
			if v.Type() != directory.Unknown && !v.IsEmpty() {
				all[name] = v
			}
		}
		return all
	}
	for _, name := range out.differ {
		all[name] = out.want[name]
	}
	if out.activate {
		all[directory.AttrActive] = directory.BoolOf(true)
	}
	return all
}

// subjects gives a chunk as rules are shown it, and where they look others up.
func (m *maker) subjects(chunk []*subject) ([]Subject, Lookup) {
	asked := make([]Subject, len(chunk))
	for i, c := range chunk {
		asked[i] = Subject{Object: c.source, Proposed: c.proposed}
		if c.exists() {
			asked[i].Target = c.target.Attributes
		}
	}
	if len(chunk) > 0 && chunk[0].gone {
		return asked, m.lastSeen
	}
	return asked, m.in.Source.Get
}

// ask asks the rules about a chunk. Where there is none, every proposal stands.
func (m *maker) ask(ctx context.Context, kind directory.Kind, chunk []*subject) ([]Verdict, Calls, error) {
	mentions, ruled := m.rules.about(kind)
	if !ruled {
		return make([]Verdict, len(chunk)), Calls{}, nil
	}
	subjects, look := m.subjects(chunk)
	verdicts, err := m.rules.ask(ctx, subjects, look)
	if err != nil {
		return nil, Calls{}, fmt.Errorf("judge %ss: %w", kind, err)
	}
	m.judged += len(chunk)
	return verdicts, mentions, nil
}

// breaks tells whether an error means that a rule is of no use in this run, and
// remembers it. The end of a context is none of the rule's doing.
func (m *maker) breaks(ctx context.Context, err error) bool {
	broken, ok := errors.AsType[*RuleError](err)
	if !ok || ctx.Err() != nil {
		return false
	}
	m.broken = broken
	return true
}

// forget takes back everything that was planned before a rule turned out to be
// broken: who was judged by then is not what the plan is about.
func (m *maker) forget() {
	if m.broken == nil {
		return
	}
	m.drafts, m.judged, m.failed = nil, 0, map[string]int{}
	m.notes = []Note{{Kind: RuleFailed, Place: m.broken.Place().String(), Say: joined("the rule is of no use, nothing is changed / 规则无法使用，不做任何变更", m.broken.Say)}}
}

// sayBroken gives place and sentence of a rule that is of no use, in both languages.
func sayBroken(e *RuleError) string {
	en, zh := halves(e.Say)
	if at := e.Place().String(); at != "" {
		en, zh = at+": "+en, at+"："+zh
	}
	return en + divider + zh
}

// oneJudge asks the rule about one user and the departments alone: of the others
// nothing is asked.
type oneJudge struct {
	Rules
	key  directory.Key
	look Lookup
}

var (
	_ Rules = oneJudge{}
	_ Named = oneJudge{}
)

// File gives what people call the rule for a kind.
func (j oneJudge) File(kind directory.Kind) string {
	if named, ok := j.Rules.(Named); ok {
		return named.File(kind)
	}
	return ""
}

// Judge gives an empty verdict for everybody else.
func (j oneJudge) Judge(ctx context.Context, subjects []Subject, _ Lookup) ([]Verdict, error) {
	out := make([]Verdict, len(subjects))
	var asked []Subject
	var at []int
	for i, s := range subjects {
		if s.Object.Kind == directory.Department || s.Object.Key == j.key {
			asked, at = append(asked, s), append(at, i)
		}
	}
	if len(asked) == 0 {
		return out, nil
	}
	verdicts, err := j.Rules.Judge(ctx, asked, j.look)
	if err != nil {
		return nil, err
	}
	if len(verdicts) != len(asked) {
		return nil, nil // the planner refuses the number
	}
	for i, v := range verdicts {
		out[at[i]] = v
	}
	return out, nil
}

// ruleErrors finds rules that failed too often to be trusted with the rest.
func (a *assessor) ruleErrors() {
	if e := a.m.broken; e != nil {
		a.find(FindRuleBroken, blockedTier, 1, 0, sayBroken(e))
		return
	}
	n, worst := 0, ""
	for _, file := range sortedNames(a.m.failed) {
		if n += a.m.failed[file]; a.m.failed[file] > a.m.failed[worst] {
			worst = file
		}
	}
	least := ruleErrorMin
	if 2*n > a.m.judged {
		least = ruleErrorFew
	}
	allowed := a.in.Flow.Guard.MaxRuleErrorPercent * float64(a.m.judged) / 100
	if n > least && float64(n) > allowed {
		a.find(FindRuleErrors, blockedTier, float64(n), max(float64(least), allowed), worst)
	}
}
