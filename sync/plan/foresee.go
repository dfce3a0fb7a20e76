package plan

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
)

// Foreseen is what a plan would do with one user.
type Foreseen struct {
	Change *Change // nil: nothing; a CREATE or UPDATE holds its second pass, or its adoption, as well
	Notes  []Note
	Names  map[string]string // see Plan
	Unsure string            // why only a plan of all can tell, or why none can; the rest is then empty
}

// Foresee tells what the next plan would do with one user. Of in, Source is the
// last complete listing, Links are all of the flow's; Target names the system and
// may be empty. Nothing is assessed. Faults: see Make.
func Foresee(ctx context.Context, in Input, one One) (Foreseen, error) {
	a := newAlone(in, one)
	p, err := Make(ctx, a.in)
	if err != nil {
		return Foreseen{}, err
	}
	if what := p.broken(); what != "" {
		return Foreseen{Unsure: joined("the rule is of no use, a plan changes nothing / 规则无法使用，预演不会做任何变更", what)}, nil
	}
	out := Foreseen{Names: p.Names}
	for i := range p.Changes {
		if c := p.Changes[i]; c.Source == one.Key {
			out.Change = merge(out.Change, &c)
		}
	}
	for _, n := range p.Notes {
		if n.Key == one.Key {
			out.Notes = append(out.Notes, n)
		}
	}
	if why := a.unsure(&out); why != "" {
		return Foreseen{Unsure: why}, nil
	}
	a.explain(&out)
	return out, nil
}

// broken says which rule is of no use, or "".
func (p *Plan) broken() string {
	for _, f := range p.Risk.Reasons {
		if f.Code == FindRuleBroken {
			return f.What
		}
	}
	return ""
}

// merge makes one change of the two that a plan may have of a user.
func merge(first, c *Change) *Change {
	c.Seq, c.Needs = 1, nil
	switch {
	case first == nil:
		return c
	case first.Op == Adopt:
		c.Reason = joined(first.Reason, c.Reason)
		return c
	default:
		first.After = first.After.Clone()
		maps.Copy(first.After, c.After)
		return first
	}
}

// unsure says why only a plan of all can tell, or "". A reference that only such
// a plan can follow leaves the rest of an UPDATE as it is, which explain notes.
func (a *alone) unsure(out *Foreseen) string {
	if say := a.rivalled(out); say != "" {
		return say
	}
	if !a.waitsForOthers() {
		return ""
	}
	if slices.ContainsFunc(out.Notes, func(n Note) bool { return n.Kind == Lost && n.Op == Create }) {
		return sayOthers
	}
	out.Notes = slices.DeleteFunc(out.Notes, func(n Note) bool { return n.Kind == Lost })
	if a.partakes() && len(out.Notes) == 0 && (out.Change == nil || out.Change.Op == Adopt) {
		return sayOthers // the reference may be all that differs
	}
	return ""
}

const sayOthers = "refers to somebody or something that is not linked yet: only a plan of all can tell what becomes of the reference / 引用了尚未关联的人员或部门：该引用的结果要做完整预演才知道"

// rivalled says that somebody else may have, or want, what makes the account this
// user's own, or "".
func (a *alone) rivalled(out *Foreseen) string {
	system := a.in.Target.System
	if key := a.openKey(); key != "" && a.depends(out) {
		return sprintf("not linked yet: only a plan of all can tell whether somebody in %s has the same %s / 尚未关联：%[1]s 中是否有 %[2]s 相同的账号，要做完整预演才知道", system, key)
	}
	if c := out.Change; c != nil && c.Op == Create && c.Key.ID != "" && !a.idIsAKey() {
		return sprintf("not linked yet: only a plan of all can tell whether the id %s is free / 尚未关联：编号 %s 是否可用，要做完整预演才知道", c.Key.ID, c.Key.ID)
	}
	if c := out.Change; c != nil {
		if names := markedNames(c.After); len(names) > 0 {
			return sprintf("which number makes %s the only one, only a plan of all can tell / %[1]s 用哪个序号才唯一，要做完整预演才知道", strings.Join(names, ", "))
		}
	}
	if id := a.double(out); id != "" {
		return sprintf("%s in the source has a match key of the same account, perhaps the same person under another id: only a plan of all can tell whose it is / 来源中的 %s 与该账号有相同的匹配属性，可能是同一个人换了编号：账号属于谁，要做完整预演才知道", id, id)
	}
	return ""
}

// double gives somebody in the source, without an account of their own, because
// of whom the account may be left alone: whether theirs is this one, or another
// that nobody looked at, is not known.
func (a *alone) double(out *Foreseen) directory.ID {
	contested := func(n Note) bool { return n.Kind == Conflict || n.Kind == LeftActive }
	if a.one.Target == nil || !slices.ContainsFunc(out.Notes, contested) {
		return ""
	}
	for _, rival := range a.rivals(a.user()) {
		if l, linked := a.linked[rival.Key]; linked && a.in.Target.Has(l.Target) {
			continue
		}
		if a.one.Source == nil || a.in.Flow.Users.Open(rival, *a.one.Target, a.in.Abilities.IDAttribute[directory.User]) != "" {
			return rival.ID
		}
	}
	return ""
}

// idIsAKey tells whether the id that we would give follows from a match key: whoever
// wants the same id then has the same key.
func (a *alone) idIsAKey() bool {
	users, idAttr := a.in.Flow.Users, a.in.Abilities.IDAttribute[directory.User]
	return slices.ContainsFunc(users.Match(), func(key string) bool {
		v := a.user().Attributes[key]
		return users.Counterpart(key) == idAttr && v.Type() != directory.Unknown && !v.IsEmpty()
	})
}

// openKey gives a match key by which some other account might be the user's, or
// "" when the account is known, or surely not there.
func (a *alone) openKey() string {
	if a.one.Source == nil || a.hasAccount() {
		return ""
	}
	target := directory.Object{}
	if a.one.Target != nil {
		target = *a.one.Target
	}
	return a.in.Flow.Users.Open(*a.one.Source, target, a.in.Abilities.IDAttribute[directory.User])
}

// hasAccount tells whether the user has a linked account that is there.
func (a *alone) hasAccount() bool {
	l, linked := a.linked[a.one.Key]
	return linked && a.one.Target != nil && a.one.Target.Key == l.Target
}

// depends tells whether what is foreseen would be something else for an account
// that exists: not of somebody whom the flow leaves alone anyway.
func (a *alone) depends(out *Foreseen) bool {
	if out.Change != nil || len(out.Notes) == 0 {
		return out.Change != nil || a.partakes()
	}
	return slices.ContainsFunc(out.Notes, func(n Note) bool {
		return n.Kind != OutOfScope && n.Kind != Unclear && n.Kind != Kept
	})
}

// partakes tells whether the user is there, has not left, and is not out of scope.
func (a *alone) partakes() bool {
	m, c := newMaker(a.in), &subject{source: a.user()}
	left, _ := m.leftByStatus(c)
	in, known := m.inScope(c)
	return a.one.Source != nil && !left && (in || !known)
}

// waitsForOthers tells whether the user refers, by what is mapped, to an object
// that a plan of all might match or create.
func (a *alone) waitsForOthers() bool {
	m := newMaker(a.in)
	users := a.in.Flow.Users
	for name, v := range a.user().Attributes {
		if !slices.Contains(users.Targets(), users.Counterpart(name)) {
			continue
		}
		for _, ref := range v.Refs() {
			if _, known := m.resolve(ref); !known && a.mayCome(m, ref.Key) {
				return true
			}
		}
	}
	return false
}

// mayCome tells whether a plan of all might find or make a partner for an object
// of the source that has none.
func (a *alone) mayCome(m *maker, key directory.Key) bool {
	o, there := a.listed(key)
	switch {
	case !there, key == a.one.Key:
		return false
	case key.Kind == directory.User:
		c := &subject{source: o, link: m.bySource[key]}
		left, _ := m.leftByStatus(c)
		return !left && !m.outside(c)
	case m.byPath[m.sourcePaths[key.ID]] != "":
		return false // found by its path, like the account's own
	case m.in.Flow.Departments == nil:
		return true // in a part of the target's tree that nobody looked at
	}
	return m.departmentTakesPart(&subject{source: o})
}

// explain adds what a plan does not note because it notes nothing of those whom
// it leaves alone, and what is not certain about the rest.
func (a *alone) explain(out *Foreseen) {
	note := func(kind NoteKind, op Op, say string) {
		out.Notes = append(out.Notes, Note{Kind: kind, Op: op, Key: a.one.Key, Name: a.user().Name(), Say: say})
	}
	if (out.Change == nil || !out.Change.Op.Destructive()) && a.partakes() && a.waitsForOthers() {
		note(Unclear, None, sayOthers)
	}
	if no := a.number(); no != "" && out.Change != nil && out.Change.Op == Create {
		system := a.in.Target.System
		note(Unclear, None, sprintf(
			"if %s has an account whose number differs from %s in nothing but leading zeros, that one is found, which the next plan will tell / 如果 %[1]s 中有工号与 %[2]s 只差前导零的账号，则会匹配到它，以下一次预演为准", system, no))
	}
	if out.Change != nil || len(out.Notes) > 0 {
		return
	}
	a.why(note)
}

// number gives the user's employee number, if another form of it may find an
// account that nobody looked at.
func (a *alone) number() string {
	no := a.user().Attributes[directory.AttrEmployeeNo].String()
	_, digits := mapping.Bare(mapping.Normal(directory.AttrEmployeeNo, no))
	if !digits || a.hasAccount() || !slices.Contains(a.in.Flow.Users.Match(), directory.AttrEmployeeNo) {
		return ""
	}
	return no
}

// why says of somebody of whom nothing is noted why nothing happens.
func (a *alone) why(note func(NoteKind, Op, string)) {
	m, c := newMaker(a.in), &subject{source: a.user()}
	left, _ := m.leftByStatus(c)
	in, known := m.inScope(c)
	l := a.linked[a.one.Key]
	rules := a.in.Flow.Leavers
	switch due := l.DisabledAt.Add(rules.After); {
	case a.hasAccount() && !l.DisabledAt.IsZero() && rules.Then == Delete && a.in.Now.Before(due):
		day := due.In(a.in.Now.Location()).Format("2006-01-02")
		note(Kept, Delete, sprintf("disabled by this flow; the account is to be deleted from %s on / 已由本流程停用；%s 起将删除账号", day, day))
	case a.one.Source == nil && !a.hasAccount():
		note(Kept, None, "not in the source, and no account of this flow: nothing to do / 来源中不存在，本流程也没有其账号：无需处理")
	case left && !a.hasAccount():
		note(Kept, None, sprintf("has left (%s) and has no account of this flow: nothing to do / 已离职（%s），本流程没有其账号：无需处理", halfEN(c.why), halfEN(c.why)))
	case a.one.Source != nil && !left && known && !in:
		note(OutOfScope, None, "not in the scope of this flow: it takes no part / 不在本流程的范围内，不参与同步")
	}
}

func halfEN(say string) string { en, _ := halves(say); return en }
