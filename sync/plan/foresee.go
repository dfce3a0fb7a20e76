package plan

import (
	"context"
	"maps"
	"slices"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// Foreseen is what a plan would do with one user.
type Foreseen struct {
	Change *Change // nil: nothing; a CREATE or UPDATE holds its second pass, or its adoption, as well
	Notes  []Note
	Names  map[string]string // see Plan
	Unsure string            // why only a plan of all can tell; the rest is then empty
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
// a plan can follow leaves the rest of an UPDATE as it is, and becomes a note.
func (a *alone) unsure(out *Foreseen) string {
	if key := a.openKey(); key != "" && a.depends(out) {
		system := a.in.Target.System
		return sprintf("not linked yet: only a plan of all can tell whether somebody in %s has the same %s / 尚未关联：%[1]s 中是否有 %[2]s 相同的账号，要做完整预演才知道", system, key)
	}
	if !a.waitsForOthers() {
		return ""
	}
	for i := range out.Notes {
		n := &out.Notes[i]
		if n.Kind != Lost {
			continue
		}
		say := "refers to somebody or something that is not linked yet: only a plan of all can tell what becomes of it / 引用了尚未关联的人员或部门：要做完整预演才知道结果"
		if n.Op == Create {
			return say
		}
		n.Kind, n.Say = Unclear, say
	}
	return ""
}

// openKey gives a match key by which some other account might be the user's, or
// "" when the account is known, or surely not there.
func (a *alone) openKey() string {
	l, linked := a.linked[a.one.Key]
	if a.one.Source == nil || linked && a.one.Target != nil && a.one.Target.Key == l.Target {
		return ""
	}
	target := directory.Object{}
	if a.one.Target != nil {
		target = *a.one.Target
	}
	return a.in.Flow.Users.Open(*a.one.Source, target, a.in.Abilities.IDAttribute[directory.User])
}

// depends tells whether what is foreseen would be something else for an account
// that exists.
func (a *alone) depends(out *Foreseen) bool {
	return out.Change != nil || slices.ContainsFunc(out.Notes, func(n Note) bool {
		return n.Kind != OutOfScope && n.Kind != Unclear && n.Kind != Kept
	})
}

// waitsForOthers tells whether the user refers to an object that a plan of all
// would match or create.
func (a *alone) waitsForOthers() bool {
	for _, v := range a.user().Attributes {
		for _, ref := range v.Refs() {
			if _, there := a.listed(ref.Key); there && !a.hasPartner(ref.Key) {
				return true
			}
		}
	}
	return false
}

func (a *alone) hasPartner(key directory.Key) bool {
	l, linked := a.linked[key]
	return linked && a.in.Target.Has(l.Target)
}

// explain adds what a plan does not note because it notes nothing of those whom
// it leaves alone, and what is not certain about a change.
func (a *alone) explain(out *Foreseen) {
	note := func(kind NoteKind, op Op, say string) {
		out.Notes = append(out.Notes, Note{Kind: kind, Op: op, Key: a.one.Key, Name: a.user().Name(), Say: say})
	}
	if out.Change != nil {
		if pending(out.Change.After) {
			note(Unclear, out.Change.Op, "a department of it is not linked yet: only a plan of all can tell whether it is found or created / 所属部门尚未关联：是找到还是新建，要做完整预演才知道")
		}
		return
	}
	if len(out.Notes) > 0 {
		return
	}
	l, linked := a.linked[a.one.Key]
	m := newMaker(a.in)
	c := &subject{source: a.user()}
	left, _ := m.leftByStatus(c)
	in, known := m.inScope(c)
	rules := a.in.Flow.Leavers
	switch due := l.DisabledAt.Add(rules.After); {
	case linked && !l.DisabledAt.IsZero() && a.one.Target != nil && rules.Then == Delete && a.in.Now.Before(due):
		day := due.In(a.in.Now.Location()).Format("2006-01-02")
		note(Kept, Delete, sprintf("disabled by this flow; the account is to be deleted from %s on / 已由本流程停用；%s 起将删除账号", day, day))
	case a.one.Source == nil && !linked:
		note(Kept, None, "not in the source, and no account of this flow: nothing to do / 来源中不存在，本流程也没有其账号：无需处理")
	case left && !linked:
		note(Kept, None, sprintf("has left (%s) and has no account of this flow: nothing to do / 已离职（%s），本流程没有其账号：无需处理", halfEN(c.why), halfEN(c.why)))
	case !left && known && !in:
		note(OutOfScope, None, "not in the scope of this flow: it takes no part / 不在本流程的范围内，不参与同步")
	}
}

func halfEN(say string) string { en, _ := halves(say); return en }

func pending(after directory.Attributes) bool {
	for _, v := range after {
		for _, ref := range v.Refs() {
			if ref.Pending && ref.Kind == directory.Department {
				return true
			}
		}
	}
	return false
}
