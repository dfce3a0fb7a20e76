package plan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// examplesMax is how many objects a plan names that changed rules decide differently.
const examplesMax = 5

// contest holds the rules against former ones.
type contest struct {
	former judges
	most   int // how many are kept, the most dangerous ones; 0: all
	judged int
	differ int
	found  []Differing // sorted, when not all are kept
	say    string      // why the former rules cannot be asked
}

// former gives what the former rules do with a chunk, without verdicts when they are
// not asked. Their failure is none of the plan's.
func (m *maker) askFormer(ctx context.Context, kind directory.Kind, chunk []*subject) ([]Verdict, Calls, error) {
	if m.contest == nil || m.contest.say != "" || len(chunk) == 0 {
		return nil, Calls{}, nil
	}
	_, ruled := m.rules.about(kind)
	mentions, before := m.contest.former.about(kind)
	switch {
	case !ruled && !before:
		return nil, Calls{}, nil
	case !before:
		return make([]Verdict, len(chunk)), Calls{}, nil
	}
	subjects, look := m.subjects(chunk)
	verdicts, err := m.contest.former.ask(ctx, subjects, look)
	switch {
	case err == nil:
		return verdicts, mentions, nil
	case ctx.Err() != nil || m.contest.most == 0:
		return nil, Calls{}, fmt.Errorf("judge %ss by former rules: %w", kind, formerError{err})
	}
	m.contest.say = "the former rules failed / 之前的规则执行失败"
	if broken, ok := errors.AsType[*RuleError](err); ok {
		m.contest.say = joined(m.contest.say, sayBroken(broken))
	} else {
		m.contest.say = joined(m.contest.say, fault.Say(err))
	}
	return nil, Calls{}, nil
}

// formerError marks an error of the former rules.
type formerError struct{ err error }

// Error gives the cause.
func (e formerError) Error() string { return e.err.Error() }

// Unwrap gives the cause.
func (e formerError) Unwrap() error { return e.err }

// hold counts an object of which two sets of rules make different things.
func (k *contest) hold(c *subject, before, after Decision) {
	k.judged++
	if before.same(after) {
		return
	}
	k.differ++
	d := Differing{Key: c.source.Key, Name: c.source.Name(), Old: before, New: after}
	if k.most == 0 {
		k.found = append(k.found, d)
		return
	}
	at, _ := slices.BinarySearchFunc(k.found, d, byDanger)
	if at < k.most {
		k.found = slices.Insert(k.found, at, d)
		k.found = k.found[:min(len(k.found), k.most)]
	}
}

// change gives what a plan says of its changed rules, nil when they did not change.
func (m *maker) ruleChange() *RuleChange {
	f, k := m.in.Former, m.contest
	switch {
	case f == nil:
		return nil
	case f.Rules == nil && f.Say != "":
		return &RuleChange{Since: f.Run, Say: f.Say}
	case f.Rules == nil:
		return &RuleChange{Since: f.Run, Say: "they are not known any more / 之前的规则已无法取得"}
	case m.broken != nil:
		return &RuleChange{Since: f.Run, Say: "not compared, since the rule of now is of no use / 现在的规则无法使用，没有比较"}
	case k.say != "":
		return &RuleChange{Since: f.Run, Say: k.say}
	}
	return &RuleChange{Since: f.Run, Judged: k.judged, Differ: k.differ, Examples: k.found}
}

// Differ tells of all objects which the rules of in decide differently than
// in.Former, the most dangerous first, then by kind (users first), name and id, and how many both
// were asked about. Two decisions are the same when operation, what is written, and
// the kind of note are: another reason, error text or line is none. Each object is
// looked at by itself, with all others as the rules of in leave them. Who has left is
// judged as last seen; of somebody of whom in.Gone says nothing, missing in a complete
// source is enough, since nothing comes of it. in.Only is not looked at. Faults:
// Unavailable when there are no former rules that can be asked, Invalid when a rule is
// of no use, and those of Make.
func Differ(ctx context.Context, in Input) (judged int, all []Differing, err error) {
	if in.Former == nil || in.Former.Rules == nil {
		say := "there are no other rules to compare with / 没有可以比较的规则"
		if in.Former != nil && in.Former.Say != "" {
			say = in.Former.Say
		}
		return 0, nil, &fault.Error{Kind: fault.Unavailable, Say: say}
	}
	gone := maps.Clone(in.Gone)
	if gone == nil {
		gone = map[directory.Key]GoneAnswer{}
	}
	for _, key := range GoneCandidates(in.Source, in.Links) {
		if _, asked := gone[key]; !asked {
			gone[key] = GoneConfirmed
		}
	}
	in.Gone, in.Only = gone, Narrow{}
	m := newMaker(in)
	m.contest = &contest{former: judges{rules: in.Former.Rules}}
	if err := m.plan(ctx); err != nil {
		return 0, nil, sayWhose(err)
	}
	slices.SortFunc(m.contest.found, byDanger)
	return m.contest.judged, m.contest.found, nil
}

// sayWhose tells people which rules are of no use.
func sayWhose(err error) error {
	broken, ok := errors.AsType[*RuleError](err)
	if !ok {
		return err
	}
	whose := "the flow's rule is of no use / 流程现在的规则无法使用"
	if _, former := errors.AsType[formerError](err); former {
		whose = "the other rule is of no use / 用来比较的规则无法使用"
	}
	return fault.Wrap(fault.Invalid, err, "%s", joined(whose, sayBroken(broken)))
}

// decide gives what a verdict of some rules makes of an object. It plans and notes
// nothing.
func (m *maker) decide(c *subject, v Verdict, mentions Calls, by *judges) Decision {
	proposed, out, err := m.reconsider(c, v)
	if err != nil {
		return Decision{Op: None, Note: Unclear, Say: fault.Say(err), Rule: by.place(c.source.Kind, v).String()}
	}
	r := v.Rule(Situation{Proposed: proposed, Exists: c.exists(), Mentions: mentions})
	d := Decision{Op: r.Op, Note: r.Note, Say: v.Reason}
	if d.Note == RuleFailed {
		d.Say = v.sayFailed()
	}
	if d.Note == "" {
		m.carried(c, &d, out)
	}
	idle := d.Op == None && v.Calls != Calls{}
	if d.Note != "" || idle || v.had(d.Op, m.wrote(c, v, out)) {
		d.Rule = by.placeOf(c.source.Kind, v, d.Note).String()
	}
	return d
}

// carried says what of an operation a plan would carry out, as settle does.
func (m *maker) carried(c *subject, d *Decision, out *outcome) {
	switch {
	case d.Op == None && c.matchBy != "" && !c.leaver && !m.adoptsLater(c, out):
		d.Op = Adopt
	case d.Op == Create && len(out.lost) > 0, m.adoptsLater(c, out):
		d.Op, d.Note = None, Lost
	case d.Op == Create, d.Op == Update:
		d.Write = m.writes(c, out)
	case !d.Op.Destructive():
	case !m.in.Source.Complete():
		d.Op, d.Note = None, Unclear
	case c.disabledFor(d.Op):
		d.Op = None
	case m.byEvent(), !m.in.Abilities.can(c.source.Kind, d.Op):
		d.Op, d.Note = None, Kept
	}
}

// same tells whether two decisions come to the same.
func (d *Decision) same(e Decision) bool {
	return d.Op == e.Op && d.Note == e.Note && sameWrites(d.Write, e.Write)
}

func sameWrites(a, b directory.Attributes) bool {
	return maps.EqualFunc(a, b, directory.Value.Equal)
}

// byDanger puts first what takes an account away, then what makes or writes one,
// then what is left alone; of the same, what was planned so before, then by kind, name
// and id.
func byDanger(a, b Differing) int {
	return cmp.Or(
		cmp.Compare(danger(a.New), danger(b.New)), cmp.Compare(danger(a.Old), danger(b.Old)),
		cmp.Compare(b.Key.Kind, a.Key.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Key.ID, b.Key.ID),
	)
}

// danger ranks what comes of an object, the most dangerous first.
func danger(d Decision) int {
	switch {
	case d.Op == None && d.Note != "":
		return len(dangers)
	case d.Op == None:
		return len(dangers) + 1
	default:
		return slices.Index(dangers, d.Op)
	}
}

var dangers = []Op{Delete, Disable, Create, Update, Adopt}
