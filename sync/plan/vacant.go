package plan

import (
	"slices"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// departmentLeaverOp deletes a vanished department only when the flow says so
// and the plan leaves nobody in it.
func (m *maker) departmentLeaverOp(c *subject) (Op, bool) {
	if !m.in.Flow.DeleteGoneDepartments {
		m.note(Kept, None, c.source, "not in the source any more: kept (departments.gone: keep) / 来源中已不存在，保留（departments.gone: keep）")
		return None, true
	}
	if m.use == nil {
		m.use = m.occupied()
	}
	switch left := m.use.left(c.target.ID); {
	case !left.empty():
		m.note(Kept, Delete, c.source, "%s", m.stay(m.use, left))
		return None, true
	case m.use.unsure:
		m.noteUnsure(c.source)
		return None, true
	}
	return Delete, false
}

func (m *maker) noteUnsure(department directory.Object) {
	system := m.in.Target.System
	m.note(Kept, Delete, department, "not in the source any more, but %s does not show whether it is empty: kept / 来源中已不存在，但 %s 没有显示部门是否为空，保留", system, system)
}

// occupancy says who is in the target's departments that the plan may delete, and
// what the plan does about it.
type occupancy struct {
	target  *directory.Snapshot
	same    map[directory.Kind][]string // names of the attribute that says where an object stands
	in      map[directory.ID][]directory.Key
	arrive  map[directory.ID][]directory.Key // whom the plan puts there
	drafts  map[directory.Key][]*draft       // of those who are in one
	expects map[directory.ID]bool            // departments of which a deletion is yet to be drafted
	known   map[directory.ID]*remains
	unsure  bool // the target hides somebody's departments, or does not list everybody
}

// remains is what a plan leaves in a department.
type remains struct {
	stay    []directory.Key
	drafts  []*draft // changes that take the others out
	settled bool     // false: being found out, so that asking again is a circle
}

func (r *remains) empty() bool { return len(r.stay) == 0 }

// occupied looks at the departments of ours that vanished and at those of which a
// deletion is drafted, with all drafts so far.
func (m *maker) occupied() *occupancy {
	use := &occupancy{
		target: m.in.Target, same: map[directory.Kind][]string{}, in: map[directory.ID][]directory.Key{},
		arrive: map[directory.ID][]directory.Key{}, drafts: map[directory.Key][]*draft{}, expects: map[directory.ID]bool{}, known: map[directory.ID]*remains{},
		unsure: !m.in.Target.Complete(),
	}
	for _, c := range m.vanished {
		use.in[c.target.ID], use.expects[c.target.ID] = nil, true
	}
	for _, d := range m.drafts {
		if d.Op == Delete && d.Key.Kind == directory.Department {
			use.in[d.Key.ID] = nil
		}
	}
	for kind, name := range map[directory.Kind]string{directory.User: directory.AttrDepartments, directory.Department: directory.AttrParent} {
		use.same[kind] = []string{name}
		if mapped := m.mapping(kind); mapped != nil {
			use.same[kind] = append(use.same[kind], mapped.Counterpart(name))
		}
		for own, standard := range m.in.Abilities.Means[kind] {
			if standard == name {
				use.same[kind] = append(use.same[kind], own)
			}
		}
		for o := range m.in.Target.All(kind) {
			use.look(o)
		}
	}
	for _, d := range m.drafts {
		if _, inside := use.drafts[d.Key]; inside {
			use.drafts[d.Key] = append(use.drafts[d.Key], d)
		}
		use.enter(d)
	}
	return use
}

// look notes in which of the departments an object is.
func (u *occupancy) look(o directory.Object) {
	for name, v := range o.Attributes {
		u.unsure = u.unsure || v.Type() == directory.Unknown && slices.Contains(u.same[o.Kind], name)
		for _, id := range departmentsOf(v) {
			at, asked := u.in[id]
			if !asked || len(at) > 0 && at[len(at)-1] == o.Key {
				continue
			}
			u.in[id] = append(at, o.Key)
			u.drafts[o.Key] = nil
		}
	}
}

// enter notes into which of the departments a draft puts its object.
func (u *occupancy) enter(d *draft) {
	if d.Op.Destructive() {
		return
	}
	for _, v := range d.After {
		for _, id := range departmentsOf(v) {
			if _, asked := u.in[id]; asked {
				u.arrive[id] = append(u.arrive[id], d.Key)
			}
		}
	}
}

// departmentsOf gives the departments of the target that a value refers to.
func departmentsOf(v directory.Value) []directory.ID {
	var ids []directory.ID
	for _, ref := range v.Refs() {
		if ref.Kind == directory.Department && !ref.Pending {
			ids = append(ids, ref.ID)
		}
	}
	return ids
}

// left tells what the plan leaves in a department. What goes round in a circle
// stays.
func (u *occupancy) left(id directory.ID) *remains {
	if r := u.known[id]; r != nil && r.settled {
		return r
	} else if r != nil {
		return &remains{stay: []directory.Key{{Kind: directory.Department, ID: id}}}
	}
	r := &remains{stay: u.arrive[id]}
	u.known[id] = r
	for _, key := range u.in[id] {
		out, leaves := u.out(key, id)
		if !leaves {
			r.stay = append(r.stay, key)
		}
		r.drafts = append(r.drafts, out...)
	}
	r.settled = true
	return r
}

// out tells whether the plan takes an object out of a department, and by which
// changes.
func (u *occupancy) out(key directory.Key, id directory.ID) (by []*draft, leaves bool) {
	if key.Kind == directory.Department && u.expects[key.ID] {
		return nil, u.left(key.ID).empty()
	}
	var updates []*draft
	for _, d := range u.drafts[key] {
		switch {
		case d.Op == Delete && (key.Kind == directory.User || u.left(key.ID).empty()):
			return []*draft{d}, true
		case d.Op == Update:
			updates = append(updates, d)
		}
	}
	if len(updates) == 0 {
		return nil, false
	}
	o, _ := u.target.Get(key)
	for name, v := range o.Attributes {
		if !slices.Contains(departmentsOf(v), id) {
			continue
		}
		d := u.writes(updates, key.Kind, name)
		if d == nil {
			return nil, false
		}
		if !slices.Contains(by, d) {
			by = append(by, d)
		}
	}
	return by, true
}

// writes gives the change that gives an attribute another value, under its name or
// under the other one by which the target shows the same.
func (u *occupancy) writes(updates []*draft, kind directory.Kind, name string) *draft {
	names := []string{name}
	if slices.Contains(u.same[kind], name) {
		names = u.same[kind]
	}
	for _, d := range updates {
		if slices.ContainsFunc(names, func(name string) bool { _, given := d.After[name]; return given }) {
			return d
		}
	}
	return nil
}

// vacate takes back deletions of vanished departments that are not empty after
// all: a rule, or what came of a reference, may have kept somebody there. Those that
// stay wait for what empties them, and come after the departments below.
func (m *maker) vacate() {
	if !slices.ContainsFunc(m.drafts, func(d *draft) bool { return d.Op == Delete && d.Key.Kind == directory.Department }) {
		return
	}
	use := m.occupied()
	clear(use.expects)
	var gone []*draft
	kept := m.drafts[:0]
	for _, d := range m.drafts {
		if d.Op != Delete || d.Key.Kind != directory.Department {
			kept = append(kept, d)
			continue
		}
		left := use.left(d.Key.ID)
		switch vanished := d.Cause.Kind == CauseGone; {
		case vanished && !left.empty():
			m.note(Kept, Delete, d.source, "%s", m.stay(use, left))
			continue
		case vanished && use.unsure:
			m.noteUnsure(d.source)
			continue
		}
		d.empties = left.drafts
		kept, gone = append(kept, d), append(gone, d)
	}
	clear(m.drafts[len(kept):])
	m.drafts = kept
	below(gone)
}

// below puts every department that is deleted below those whose deletion waits for
// its own: a target that hides a parent shows no path to tell it by.
func below(gone []*draft) {
	placed := map[*draft]bool{}
	var above func(d *draft, depth int)
	above = func(d *draft, depth int) {
		if placed[d] && d.depth >= depth {
			return
		}
		placed[d], d.depth = true, max(d.depth, depth)
		for _, child := range d.empties {
			if child.Op == Delete && child.Key.Kind == directory.Department {
				above(child, d.depth+1)
			}
		}
	}
	for _, d := range gone {
		above(d, d.depth)
	}
}

// stay says who keeps a vanished department from being deleted.
func (m *maker) stay(use *occupancy, r *remains) string {
	left, ends := 0, true
	var last time.Time
	for _, key := range r.stay {
		due, leaver := m.leaves(use, key)
		if !leaver {
			continue
		}
		left++
		ends = ends && !due.IsZero()
		if due.After(last) {
			last = due
		}
	}
	day := last.In(m.in.Now.Location()).Format(time.DateOnly)
	switch all := left == len(r.stay); {
	case left == 0:
		return "not in the source any more, but not empty: kept until it is / 来源中已不存在，但部门不为空，清空前保留"
	case all && ends:
		return sprintf("not in the source any more, but people who left are still in it (%d), the last until %s: kept until they are deleted / 来源中已不存在，但部门里还有 %d 个离职账号，最后一个的保留期到 %s 为止：账号删除后再删除部门", left, day, left, day)
	case all:
		return sprintf("not in the source any more, but people who left are still in it (%d), whose accounts are not deleted (leavers.then: keep): kept / 来源中已不存在，但部门里还有 %d 个离职账号，按 leavers.then: keep 不会删除：部门保留", left, left)
	case ends:
		return sprintf("not in the source any more, but not empty: kept until it is. Of those in it %d have left, the last one's time ends on %s / 来源中已不存在，但部门不为空，清空前保留；其中 %d 个是离职账号，最后一个的保留期到 %s 为止", left, day, left, day)
	default:
		return sprintf("not in the source any more, but not empty: kept until it is. Of those in it %d have left / 来源中已不存在，但部门不为空，清空前保留；其中 %d 个是离职账号", left, left)
	}
}

// leaves tells whether somebody has left and waits to be deleted, and from when
// on; zero: never.
func (m *maker) leaves(use *occupancy, key directory.Key) (due time.Time, leaver bool) {
	if due, leaver = m.waiting[key]; leaver {
		return due, true
	}
	for _, d := range use.drafts[key] {
		if d.Op == Disable && d.Cause.Kind != CauseRule {
			return m.due(m.in.Now), true
		}
	}
	return due, false
}

// due gives from when on the account of a leaver who was disabled at a time is
// deleted; zero: never.
func (m *maker) due(disabled time.Time) time.Time {
	if m.in.Flow.Leavers.Then != Delete {
		return time.Time{}
	}
	return disabled.Add(m.in.Flow.Leavers.After)
}
