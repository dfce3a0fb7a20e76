package plan

import (
	"context"
	"slices"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// Judged is what a rule did with one user.
type Judged struct {
	Object   directory.Object     // as the rule got it
	Target   directory.Attributes // the same; nil: there is no account
	Proposed Op
	Verdict  Verdict
	Final    Op       // what would happen
	Note     NoteKind // why nothing would happen, if so
	Ruled    bool     // there is a rule for users
}

// Judge lets the rule judge one user, as Foresee would. op is proposed to it; ""
// means what map and compare propose. Without a link, the account under the id
// that we would give is the user's when it matches, and otherwise there is none.
// Whoever takes no part in the flow is shown to the rule all the same; nothing
// would happen. A rule that is of no use at all is what the verdict failed with, be
// it the one for departments. Faults: see Make.
func Judge(ctx context.Context, in Input, one One, op Op) (Judged, error) {
	a := newAlone(in, one)
	m := newMaker(a.in)
	c, partakes, err := m.caseOf(ctx, a)
	if err != nil {
		return Judged{}, err
	}
	if op != "" {
		c.proposed = op
	}
	verdict, mentions, err := m.askOne(ctx, c)
	if err != nil {
		return Judged{}, err
	}
	out := Judged{Object: c.source, Proposed: c.proposed, Verdict: verdict, Final: None}
	if c.exists() {
		out.Target = c.target.Attributes
	}
	_, out.Ruled = m.rules.about(directory.User)
	if !partakes {
		out.Note = m.noteOf(one.Key)
		return out, nil
	}
	if op == "" {
		m.carryOut(c, &out, mentions)
	} else {
		m.weigh(c, &out, mentions)
	}
	return out, nil
}

// askOne asks the rule about one user. Who judges departments by a broken rule gets
// no further.
func (m *maker) askOne(ctx context.Context, c *subject) (Verdict, Calls, error) {
	mentions, _ := m.rules.about(directory.User)
	if m.broken != nil {
		return Verdict{Failed: m.broken}, mentions, nil //nolint:nilerr // the verdict tells it
	}
	verdicts, mentions, err := m.ask(ctx, directory.User, []*subject{c})
	switch {
	case err == nil:
		return verdicts[0], mentions, nil
	case m.breaks(ctx, err):
		return Verdict{Failed: m.broken}, mentions, nil
	default:
		return Verdict{}, Calls{}, err
	}
}

// caseOf gives the case of one user, with its proposal. Who takes no part, or
// cannot be mapped, has a case as well, with nothing proposed.
func (m *maker) caseOf(ctx context.Context, a *alone) (c *subject, partakes bool, err error) {
	var departments [][]*subject
	if m.mapping(directory.Department) != nil {
		departments = append(departments, m.cases(directory.Department), m.leavers(directory.Department))
	}
	users := append(m.cases(directory.User), m.leavers(directory.User)...)
	for _, group := range departments {
		if err := m.judge(ctx, directory.Department, group); err != nil && !m.breaks(ctx, err) {
			return nil, false, err
		}
	}
	if c = pick(users, a.one.Key); c == nil {
		return m.outsider(a), false, nil
	}
	m.load(c)
	if err := m.propose(c); err != nil {
		m.unmapped(c, err)
		c.proposed, c.out = None, nil
		return c, false, nil
	}
	return c, true, nil
}

// outsider gives the case of a user of whom a plan would make none.
func (m *maker) outsider(a *alone) *subject {
	c := &subject{source: a.user(), proposed: None, gone: a.one.Source == nil}
	if l, linked := a.linked[a.one.Key]; linked {
		c.link = &l
	}
	t := a.one.Target
	if t != nil && (c.link != nil && c.link.Target == t.Key || len(m.in.Flow.Users.Fit(c.source, *t)) > 0) {
		c.target = *t
	}
	return c
}

func pick(all []*subject, key directory.Key) *subject {
	if i := slices.IndexFunc(all, func(c *subject) bool { return c.source.Key == key }); i >= 0 {
		return all[i]
	}
	return nil
}

// noteOf gives why an object is left alone.
func (m *maker) noteOf(key directory.Key) NoteKind {
	for _, n := range sortNotes(m.notes) {
		if n.Key == key {
			return n.Kind
		}
	}
	o, ok := m.in.Source.Get(key)
	if in, known := m.inScope(&subject{source: o}); ok && known && !in {
		return OutOfScope
	}
	return Kept
}

// carryOut settles the case as a plan does, and tells what came of it.
func (m *maker) carryOut(c *subject, out *Judged, mentions Calls) {
	drafts, notes := len(m.drafts), len(m.notes)
	m.settle(c, out.Verdict, mentions)
	for _, d := range m.drafts[drafts:] {
		if d.Source == c.source.Key && (out.Final == None || out.Final == Adopt) {
			out.Final = d.Op
		}
	}
	if out.Final != None {
		return
	}
	r := out.Verdict.Rule(Situation{Proposed: c.proposed, Exists: c.exists(), Mentions: mentions})
	if out.Note = r.Note; out.Note == "" && len(m.notes) > notes {
		out.Note = m.notes[notes].Kind
	}
}

// weigh tells what the verdict means for an operation that somebody else proposed.
func (m *maker) weigh(c *subject, out *Judged, mentions Calls) {
	r := out.Verdict.Rule(Situation{Proposed: c.proposed, Exists: c.exists(), Mentions: mentions})
	out.Final, out.Note = r.Op, r.Note
	switch {
	case r.Op.Destructive() && !m.in.Abilities.can(directory.User, r.Op):
		out.Final, out.Note = None, Kept
	case c.disabledFor(r.Op):
		out.Final = None
	}
}
