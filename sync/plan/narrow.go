package plan

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/mapping"
)

// Narrow says which part of a plan is shown, or, with Objects, made. With Department
// or Kind it is only looked at: planned and assessed as a whole, and then cut.
type Narrow struct {
	Department string         // by path or last name, with everything below; "" = all
	Kind       directory.Kind // "" = both
	// Objects are the source objects that a run by event is about; nil: everything.
	// Such a plan may be applied: see Input.Only.
	Objects map[directory.Key]bool
}

// IsZero tells whether the whole plan is made and shown.
func (n Narrow) IsZero() bool { return n.Department == "" && n.Kind == "" && n.Objects == nil }

// byEvent tells whether the plan is about named objects alone.
func (m *maker) byEvent() bool { return m.in.Only.Objects != nil }

// sayLater is why a run by event leaves something alone.
const sayLater = "waits for the next full run / 留待下次全量同步"

// named takes out of the cases those that a plan by event is not about, and who has
// left. What it is not about is not created: whoever refers to it waits.
func (m *maker) named(all []*subject) []*subject {
	if !m.byEvent() {
		return all
	}
	return slices.DeleteFunc(all, func(c *subject) bool {
		if !m.in.Only.Objects[c.source.Key] {
			if m.creates[c.source.Key] == &m.coming {
				m.uncreate(c.source.Key)
			}
			return true
		}
		if c.leaver {
			m.load(c)
			if op, waiting := m.leaverOp(c); !waiting {
				m.note(Kept, op, c.source, "%s", joined(joined("has left / 已离职", c.why), sayLater))
			}
		}
		return c.leaver
	})
}

// absent notes of whom a plan by event is about that the source does not have.
func (m *maker) absent() {
	for key := range m.in.Only.Objects {
		l := m.bySource[key]
		if l == nil || m.in.Source.Has(key) || !m.in.Target.Has(l.Target) {
			continue
		}
		o, found := m.lastSeen(key)
		if !found {
			o = directory.Object{Key: key}
		}
		m.note(Kept, None, o, "%s", joined(sprintf("not in %s any more / 在 %s 中已不存在", m.in.Source.System, m.in.Source.System), sayLater))
	}
}

// onlyNamed leaves the notes about the objects that a plan by event is about. That a
// rule is of no use is about them all.
func (m *maker) onlyNamed(notes []Note) []Note {
	if !m.byEvent() || m.broken != nil {
		return notes
	}
	return slices.DeleteFunc(notes, func(n Note) bool { return !m.in.Only.Objects[n.Key] })
}

// lost says of references without a partner why: a plan by event leaves what it is
// not about to a full run.
func (m *maker) lost(say string) string {
	if !m.byEvent() {
		return say
	}
	return joined(say, sayLater)
}

// narrow cuts the plan down to what Input.Only asks for. What is cut away is not
// needed by what stays, since nobody applies it. Faults: Invalid when there is no
// such department, or several, naming those that may be meant.
func (m *maker) narrow(p *Plan) error {
	top, err := m.departmentCalled(m.in.Only.Department)
	if err != nil {
		return err
	}
	kind := m.in.Only.Kind
	seqs := map[int]int{}
	kept := []Change{}
	for _, c := range p.Changes {
		if kind != "" && c.Key.Kind != kind || !m.under(top, c.Source, c.Key) {
			continue
		}
		kept = append(kept, c)
		seqs[c.Seq] = len(kept)
	}
	for i := range kept {
		c := &kept[i]
		var needs []int
		for _, seq := range c.Needs {
			if at, ok := seqs[seq]; ok {
				needs = append(needs, at)
			}
		}
		c.Seq, c.Needs = i+1, needs
	}
	p.Changes, p.Names = kept, m.names(kept)
	p.Notes = slices.DeleteFunc(p.Notes, func(n Note) bool {
		if n.Key.ID == "" {
			return false // about the plan as a whole
		}
		return kind != "" && n.Key.Kind != kind || !m.under(top, n.Key, directory.Key{})
	})
	return nil
}

// under tells whether an object stands in a department or below it, in the
// source or in the target: who moves out of it belongs to it as well.
func (m *maker) under(top string, source, target directory.Key) bool {
	if top == "" {
		return true
	}
	if l := m.bySource[source]; target.ID == "" && l != nil {
		target = l.Target
	}
	var paths []string
	if o, ok := m.lastSeen(source); ok {
		paths = append(m.pathsOf(o), m.sourcePaths[departmentID(source)])
	} else if target.ID == "" {
		target = source // a note about an object of the target alone
	}
	if o, ok := m.in.Target.Get(target); ok {
		paths = append(append(paths, m.targetPathsOf(o)...), m.targetPaths[departmentID(target)])
	}
	return slices.ContainsFunc(paths, func(path string) bool { return mapping.Under(path, top) })
}

func departmentID(key directory.Key) directory.ID {
	if key.Kind != directory.Department {
		return ""
	}
	return key.ID
}

// departmentCalled gives the path of the department that people call so: by its
// path, with or without the first slash, or by its last name.
func (m *maker) departmentCalled(name string) (string, error) {
	if name == "" {
		return "", nil
	}
	wanted := "/" + strings.Trim(mapping.Normal(directory.AttrPath, name), "/")
	all := map[string]bool{}
	for _, paths := range []map[directory.ID]string{m.sourcePaths, m.targetPaths} {
		for _, path := range paths {
			all[path] = true
		}
	}
	paths := slices.Sorted(maps.Keys(all))
	var last []string
	for _, path := range paths {
		folded := mapping.Normal(directory.AttrPath, path)
		if folded == wanted {
			return path, nil
		}
		if folded[strings.LastIndex(folded, "/"):] == wanted {
			last = append(last, path)
		}
	}
	switch len(last) {
	case 1:
		return last[0], nil
	case 0:
		near := strings.Join(nearest(wanted, paths), ", ")
		if near == "" {
			near = "–"
		}
		return "", fault.New(fault.Invalid, "there is no department %q; near it: %s / 没有部门“%s”；相近的有：%s", name, near, name, near)
	}
	many := strings.Join(last[:min(len(last), nearMax)], ", ")
	return "", fault.New(fault.Invalid, "%d departments are called %q, give the path: %s / 有 %[1]d 个部门叫“%[2]s”，请写完整路径：%[3]s", len(last), name, many)
}

// nearMax is how many departments a refusal names.
const nearMax = 5

// nearest gives the paths whose last name is most like the last of a wanted one:
// one holds the other, or less than half of it is written otherwise.
func nearest(wanted string, paths []string) []string {
	type near struct {
		path string
		far  int
	}
	lastOf := func(path string) string { return path[strings.LastIndex(path, "/")+1:] }
	name := lastOf(wanted)
	var all []near
	for _, path := range paths {
		other := mapping.Normal(directory.AttrPath, lastOf(path))
		if name == "" || other == "" {
			continue
		}
		far := distance([]rune(name), []rune(other))
		if holds := strings.Contains(other, name) || strings.Contains(name, other); holds || 2*far <= len([]rune(name)) {
			all = append(all, near{path, far})
		}
	}
	slices.SortStableFunc(all, func(a, b near) int { return cmp.Compare(a.far, b.far) })
	var out []string
	for _, n := range all[:min(len(all), nearMax)] {
		out = append(out, n.path)
	}
	return out
}

// distance gives the number of characters that must be put in, taken out or
// changed to make one text of the other.
func distance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, x := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j, y := range b {
			cost := 1
			if x == y {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
