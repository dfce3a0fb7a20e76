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
	case department && !d.Op.Destructive():
		return 1
	case department:
		return 9
	}
	switch d.Op {
	case Adopt:
		return 2
	case Create:
		return 3
	case Update:
		if d.second {
			return 5
		}
		return 4
	case Disable:
		return 6
	default:
		return 7
	}
}

// order gives the changes in the order of their application, numbered, each
// with what it needs.
func (m *maker) order() []Change {
	m.dropLostRefs()
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

// needs lists what must be done before: the own CREATE or ADOPT, and the
// CREATE of everything that After refers to.
func (d *draft) needs(creates, adopts map[directory.Key]int) []int {
	var seqs []int
	add := func(seq int) {
		if seq > 0 && seq < d.Seq && !slices.Contains(seqs, seq) {
			seqs = append(seqs, seq)
		}
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
	return seqs
}

// dropLostRefs takes away references to users whose creation was held after
// the reference was made; a change that is empty without them goes.
func (m *maker) dropLostRefs() {
	kept := m.drafts[:0]
	for _, d := range m.drafts {
		if d.Op != Update && d.Op != Create {
			kept = append(kept, d)
			continue
		}
		for _, name := range d.After.Names() {
			if ref, lost := m.lostRef(d.After[name]); lost {
				delete(d.After, name)
				delete(d.Before, name)
				m.note(Lost, d.Op, d.source, "%s left as it is: %s is not created / %s 保持原样：%s 没有被创建", name, ref, name, ref)
			}
		}
		if len(d.After) > 0 {
			kept = append(kept, d)
		}
	}
	m.drafts = kept
}

func (m *maker) lostRef(v directory.Value) (string, bool) {
	for _, ref := range v.Refs() {
		if ref.Pending && m.creates[ref.Key] == nil {
			return string(ref.ID), true
		}
	}
	return "", false
}

// sortByDepth puts parents before children.
func sortByDepth(all []*subject, paths map[directory.ID]string) {
	slices.SortStableFunc(all, func(a, b *subject) int {
		pa, pb := paths[a.source.ID], paths[b.source.ID]
		return cmp.Or(cmp.Compare(strings.Count(pa, "/"), strings.Count(pb, "/")), cmp.Compare(pa, pb), cmp.Compare(a.source.ID, b.source.ID))
	})
}

// noteOrder is the order in which notes are listed: the worst first.
var noteOrder = []NoteKind{LeftActive, RuleFailed, Conflict, Held, Aborted, OutOfScope, Kept, Unclear, Lost}

func sortNotes(notes []Note) []Note {
	slices.SortStableFunc(notes, func(a, b Note) int {
		return cmp.Or(
			cmp.Compare(slices.Index(noteOrder, a.Kind), slices.Index(noteOrder, b.Kind)),
			cmp.Compare(a.Key.Kind, b.Key.Kind), cmp.Compare(a.Key.ID, b.Key.ID), cmp.Compare(a.Say, b.Say),
		)
	})
	return notes
}
