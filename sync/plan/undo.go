package plan

import (
	"slices"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
)

// UndoInput is everything that the plan of an undo is made of.
type UndoInput struct {
	// Input is as for Make, with the target as it is now. Its Source is the last
	// complete listing, nil when there is none: it only helps to tell who is
	// protected or leads, and proves nothing. SourceTenant, LastGood, Rules, Former
	// and Gone are not looked at.
	Input
	Code        string       // of the run that is undone
	Item        int          // only this change of it, by Seq; 0 = all
	Voted       bool         // people had to vote on that run
	Plan        *Plan        // its plan
	Deeds       map[int]Deed // what became of its changes, by Seq
	DeleteMeans string       // what a deletion means in the target: "English / 中文"
}

// Deed is what became of one change.
type Deed struct {
	Key     directory.Key // of the target object
	Done    bool
	InDoubt bool // nobody knows whether it was done
	At      time.Time
}

// Undo gives the plan that takes back what a run has done: the inverse of each
// change that was done, the last one first, as far as the objects still are as
// the run left them. What cannot be taken back is in the notes. The plan is
// assessed like any other; only what compares the source with earlier ones does
// not apply. Two calls with the same input give byte-identical plans.
func Undo(in UndoInput) *Plan {
	in.LastGood, in.Rules, in.Former = nil, nil, nil
	if in.Source == nil {
		in.Source, _ = directory.NewBuilder(in.Plan.Source.System, in.Now).Finish()
	}
	m := newMaker(in.Input)
	m.undo = &in
	u := &undoer{
		maker: m, in: &in, states: map[directory.Key]*state{}, made: map[directory.Key]directory.Key{},
		seqs: map[int][]int{}, needed: map[int][]int{}, stands: map[int]bool{}, of: map[directory.Key][]*Change{},
	}
	for i := range in.Plan.Changes {
		c := &in.Plan.Changes[i]
		u.of[c.Source] = append(u.of[c.Source], c)
		for _, seq := range c.Needs {
			if c.Op == Delete {
				break // it waited for this to be out of its way, and stands on nothing
			}
			u.needed[seq] = append(u.needed[seq], i)
		}
		d := in.Deeds[c.Seq]
		u.stands[c.Seq] = d.Done || d.InDoubt
		if c.Op == Create && d.Done {
			u.made[c.Source] = d.Key
		}
	}
	for i := len(in.Plan.Changes) - 1; i >= 0; i-- {
		if c := &in.Plan.Changes[i]; in.Item == 0 || c.Seq == in.Item {
			u.takeBack(c)
		}
	}
	p := &Plan{
		Flow: in.Flow.Name, Config: in.Config, Recent: in.Recent, Managed: m.managed,
		Source: Side{
			System: in.Plan.Source.System, Tenant: in.Plan.Source.Tenant,
			Health: directory.Health{PartialFor: "not read: this run takes back " + in.Code + " / 没有读取：本次运行撤销 " + in.Code},
		},
		Target: side(in.Target, in.TargetTenant), Changes: u.changes,
	}
	p.Names = m.names(p.Changes)
	p.Notes = sortNotes(m.notes)
	p.Risk = assess(in.Input, p, m)
	return p
}

// undoer makes the inverse of one run's changes.
type undoer struct {
	*maker
	in      *UndoInput
	states  map[directory.Key]*state // target objects, as they are once the changes so far are made
	changes []Change
	seqs    map[int][]int                   // changes that take back a change of the run, by its Seq
	needed  map[int][]int                   // changes of the run (by index) that needed one, by its Seq
	of      map[directory.Key][]*Change     // changes of the run by their source object, in order
	stands  map[int]bool                    // by Seq: the change's effect is there and stays
	made    map[directory.Key]directory.Key // source → target of what the run created
}

// state is a target object on its way back.
type state struct {
	subject
	known directory.Attributes // with what we wrote in the place of what is hidden
	gone  bool
}

// takeBack turns one change of the run around, or notes why not.
func (u *undoer) takeBack(c *Change) {
	d := u.in.Deeds[c.Seq]
	switch {
	case d.InDoubt:
		u.remark(Unclear, c, "nobody knows whether #%d was done: please look at it by hand / 不清楚第 %d 项是否执行成功，请人工核对", c.Seq, c.Seq)
		return
	case !d.Done:
		return
	case c.Op == Adopt:
		u.remark(Irreversible, c, "the account stays managed by this flow / 账号仍由本流程管理")
		return
	case c.Op == Delete:
		u.remark(Irreversible, c, "%s", joined("deleted accounts cannot be brought back here / 删除的账号无法在这里恢复", u.in.DeleteMeans))
		return
	}
	s, ok := u.state(c, d)
	if !ok || !u.free(c) {
		return
	}
	switch c.Op {
	case Create:
		u.uncreated(c, d, s)
	case Update:
		u.restored(c, s)
	case Disable:
		u.enabled(c, d, s)
	default:
	}
}

// remark notes something about a change of the run.
func (u *undoer) remark(kind NoteKind, c *Change, format string, args ...any) {
	key := c.Source
	if key.ID == "" {
		key = c.Key
	}
	u.notes = append(u.notes, Note{Kind: kind, Op: c.Op, Key: key, Name: c.Name, Say: sprintf(format, args...)})
}

// state gives the object of a change as it is now, if it is still ours.
func (u *undoer) state(c *Change, d Deed) (*state, bool) {
	key := d.Key
	if key.ID == "" {
		key = c.Key
	}
	l := u.bySource[c.Source]
	switch {
	case u.mapping(key.Kind) == nil:
		u.remark(Kept, c, "departments are not synced by this flow any more: untouched / 本流程已不再同步部门，保持不动")
		return nil, false
	case l == nil || l.Target != key:
		u.remark(Kept, c, "the account is not managed by this flow any more: untouched / 该账号已不由本流程管理，保持不动")
		return nil, false
	}
	if s, there := u.states[key]; there {
		return s, !s.gone
	}
	target, there := u.in.Target.Get(key)
	switch {
	case !there && u.in.Target.Complete():
		u.remark(Kept, c, "the account is not in the target any more / 目标系统中已没有该账号")
		return nil, false
	case !there:
		u.remark(Unclear, c, "the target's listing is incomplete and does not show the account: untouched / 目标系统的列表不完整，没有显示该账号，保持不动")
		return nil, false
	}
	target.Attributes = target.Attributes.Clone()
	if target.Attributes == nil {
		target.Attributes = directory.Attributes{}
	}
	s := &state{subject: subject{source: u.asSource(c, l), target: target, link: l}}
	s.known = u.known(&s.subject).Clone()
	u.states[key] = s
	return s, true
}

// asSource gives what is known of the source object: it only says whether the
// account is protected, and where it belongs. Of a user whom no listing knows it is
// unknown what would protect the account.
func (u *undoer) asSource(c *Change, l *mapping.Link) directory.Object {
	if o, ok := u.lastSeen(c.Source); ok {
		return o
	}
	attributes := directory.Attributes{}
	if l.Source.Kind == directory.User {
		for name := range u.in.Flow.Protect.Attributes {
			attributes[name] = directory.Hidden("")
		}
	}
	attributes[directory.AttrName] = directory.TextOf(c.Name)
	return directory.Object{Key: l.Source, Active: true, Attributes: attributes}
}

// free tells whether nothing stands on a change any more. Of one object of which
// only one change is taken back, the later ones of the same run do not count: see
// left.
func (u *undoer) free(c *Change) bool {
	for _, i := range u.needed[c.Seq] {
		after := &u.in.Plan.Changes[i]
		if !u.stands[after.Seq] || u.in.Item != 0 && after.Source == c.Source {
			continue
		}
		u.remark(Kept, c, "#%d stands on it and is not taken back: take that back first / 第 %d 项依赖它且没有撤销：请先撤销那一项", after.Seq, after.Seq)
		return false
	}
	return true
}

// add numbers an inverse change.
func (u *undoer) add(op Op, c *Change, s *state) *draft {
	d := u.draft(op, s.source, s.target)
	d.Seq = len(u.changes) + 1
	d.Name, d.Tail, d.Source = c.Name, c.Tail, c.Source
	if d.Where == "" {
		d.Where = c.Where
	}
	d.Cause = Cause{Kind: CauseUndo}
	d.Reason = sprintf("takes back #%d of %s / 撤销 %s 的第 %d 项", c.Seq, u.in.Code, u.in.Code, c.Seq)
	for _, i := range u.needed[c.Seq] {
		d.Needs = append(d.Needs, u.seqs[u.in.Plan.Changes[i].Seq]...)
	}
	slices.Sort(d.Needs)
	if op.Destructive() {
		d.Before = u.mapped(&s.subject)
		d.Before[directory.AttrActive] = s.activity()
		d.target.Attributes = s.known.Clone()
	}
	return d
}

// keep adds a finished change.
func (u *undoer) keep(d *draft, c *Change) {
	u.drafts = append(u.drafts, d)
	u.changes = append(u.changes, d.Change)
	u.seqs[c.Seq] = append(u.seqs[c.Seq], d.Seq)
	u.stands[c.Seq] = false
}
