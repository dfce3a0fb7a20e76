package plan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// phase gives the place of a change in the life of a plan: departments before
// users on create, users before departments on delete, references to users
// that the plan creates after all creates.
func (d *draft) phase() int {
	department := d.Key.Kind == directory.Department
	switch {
	case department && d.Op == Adopt:
		return 0
	case department && d.Op == Disable:
		return 8
	case department && d.Op == Delete:
		return 9
	case d.second, department && d.waitsForUser():
		return 5
	case department:
		return 1
	}
	switch d.Op {
	case Adopt:
		return 2
	case Create:
		return 3
	case Update:
		return 4
	case Disable:
		return 6
	default:
		return 7
	}
}

func (d *draft) waitsForUser() bool {
	for _, v := range d.After {
		if pendingUser(v) {
			return true
		}
	}
	return false
}

// order gives the changes in the order of their application, numbered, each
// with what it needs.
func (m *maker) order() []Change {
	for dropped := true; dropped; {
		dropped = m.dropLostRefs()
		if m.deepen() {
			dropped = true
		}
	}
	m.vacate()
	slices.SortFunc(m.drafts, func(a, b *draft) int {
		depth := cmp.Compare(a.depth, b.depth)
		if a.Op == Delete {
			depth = -depth // children first
		}
		return cmp.Or(
			cmp.Compare(a.phase(), b.phase()), depth,
			cmp.Compare(a.path, b.path),
			cmp.Compare(a.Source.ID, b.Source.ID), cmp.Compare(a.Key.ID, b.Key.ID), cmp.Compare(a.Op, b.Op),
		)
	})
	creates := map[directory.Key]int{}
	adopts := map[directory.Key]int{}
	changes := make([]Change, len(m.drafts))
	for i, d := range m.drafts {
		d.Seq = i + 1
		switch d.Op {
		case Create:
			creates[d.Source] = d.Seq
		case Adopt:
			adopts[d.Source] = d.Seq
		default:
		}
	}
	for i, d := range m.drafts {
		d.Needs = d.needs(creates, adopts)
		changes[i] = d.Change
	}
	return changes
}

// needs lists what must be done before: the own CREATE or ADOPT, the CREATE of
// everything that After refers to, and what empties a department.
func (d *draft) needs(creates, adopts map[directory.Key]int) []int {
	var seqs []int
	add := func(seq int) {
		if seq > 0 && seq < d.Seq {
			seqs = append(seqs, seq)
		}
	}
	for _, other := range d.empties {
		add(other.Seq)
	}
	if d.Op == Update {
		add(creates[d.Source])
		add(adopts[d.Source])
	}
	for _, name := range d.After.Names() {
		for _, ref := range d.After[name].Refs() {
			if ref.Pending {
				add(creates[ref.Key])
			}
		}
	}
	slices.Sort(seqs)
	return slices.Compact(seqs)
}

// dropLostRefs takes away references to objects whose creation was held after
// the reference was made, and tells whether there were any. A CREATE is held
// with them, since it would put the object in the wrong place; a change that is
// empty without them goes.
func (m *maker) dropLostRefs() bool {
	dropped := false
	kept := m.drafts[:0]
	for _, d := range m.drafts {
		if (d.second || d.Op == Create) && m.creates[d.Source] == nil {
			continue // held meanwhile, and noted then
		}
		for _, name := range d.After.Names() {
			ref, lost := m.lostRef(d.After[name])
			if !lost {
				continue
			}
			dropped = true
			if d.Op == Create {
				m.hold(d, m.lost(sprintf("not created: %s %s is not created / 暂不新建：%s %s 没有被创建", name, ref, name, ref)))
				break
			}
			delete(d.After, name)
			delete(d.Before, name)
			m.notes = append(m.notes, Note{Kind: Lost, Op: d.Op, Key: d.Source, Name: d.Name, Say: m.lost(sprintf(
				"%s left as it is: %s is not created / %s 保持原样：%s 没有被创建", name, ref, name, ref))})
		}
		if held := d.Op == Create && m.creates[d.Source] == nil; !held && (d.Op != Update || len(d.After) > 0) {
			kept = append(kept, d)
		}
	}
	clear(m.drafts[len(kept):])
	m.drafts = kept
	return dropped
}

// uncreate says that an object that was coming is not created after all. A
// reference to a user goes once the plan is whole, in the same way whoever was
// judged first; what belongs into a department waits for it.
func (m *maker) uncreate(key directory.Key) {
	if _, coming := m.creates[key]; !coming {
		return
	}
	delete(m.creates, key)
	if key.Kind == directory.User {
		m.creates[key] = nil
	}
}

// hold takes back a CREATE.
func (m *maker) hold(d *draft, say string) {
	m.uncreate(d.Source)
	m.notes = append(m.notes, Note{Kind: Lost, Op: Create, Key: d.Source, Name: d.Name, Say: say})
}

func (m *maker) lostRef(v directory.Value) (string, bool) {
	for _, ref := range v.Refs() {
		if ref.Pending && m.creates[ref.Key] == nil {
			return string(ref.ID), true
		}
	}
	return "", false
}

// deepen puts every department below those that the plan creates for it: a rule
// may have given it another parent than the source has. It tells whether one
// had to be held because the new parents go round in a circle.
func (m *maker) deepen() bool {
	placed, circle := map[*draft]bool{}, false
	var place func(d *draft) bool
	place = func(d *draft) bool {
		if done, seen := placed[d]; seen {
			return done // not done yet: this is a circle
		}
		placed[d] = false
		for _, v := range d.After {
			for _, ref := range v.Refs() {
				parent := m.creates[ref.Key]
				if !ref.Pending || ref.Kind != directory.Department || parent == nil {
					continue
				}
				if !place(parent) {
					return false
				}
				d.depth = max(d.depth, parent.depth+1)
			}
		}
		placed[d] = true
		return true
	}
	for _, d := range m.drafts {
		if d.Key.Kind == directory.Department && !d.Op.Destructive() && !place(d) && m.creates[d.Source] == d {
			m.hold(d, "not created: its parents go round in a circle / 暂不新建：上级部门成环")
			circle = true
		}
	}
	return circle
}

// sortByDepth puts parents before children.
func sortByDepth(all []*subject, paths map[directory.ID]string) {
	slices.SortStableFunc(all, func(a, b *subject) int {
		pa, pb := paths[a.source.ID], paths[b.source.ID]
		return cmp.Or(cmp.Compare(strings.Count(pa, "/"), strings.Count(pb, "/")), cmp.Compare(pa, pb), cmp.Compare(a.source.ID, b.source.ID))
	})
}

// noteOrder is the order in which notes are listed: the worst first.
var noteOrder = []NoteKind{LeftActive, RuleFailed, Irreversible, Conflict, Held, Aborted, OutOfScope, Kept, Unclear, Lost}

func sortNotes(notes []Note) []Note {
	slices.SortStableFunc(notes, func(a, b Note) int {
		return cmp.Or(
			cmp.Compare(slices.Index(noteOrder, a.Kind), slices.Index(noteOrder, b.Kind)),
			cmp.Compare(a.Key.Kind, b.Key.Kind), cmp.Compare(a.Key.ID, b.Key.ID), cmp.Compare(a.Say, b.Say),
		)
	})
	return slices.Compact(notes)
}
