package plan

import (
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
)

func (m *maker) sourceSide() mapping.Side {
	return mapping.Side{Snap: m.in.Source, Extra: m.extra(m.in.Source, m.sourcePaths, directory.AttrDepartments)}
}

func (m *maker) targetSide() mapping.Side {
	in := directory.AttrDepartments
	if m.in.Flow.Users != nil {
		in = m.in.Flow.Users.Counterpart(in)
	}
	return mapping.Side{Snap: m.in.Target, Extra: m.extra(m.in.Target, m.targetPaths, in)}
}

// extra gives what is derived from where an object stands: a department's path, and
// the paths of a user's departments, which the user has under in.
func (m *maker) extra(snap *directory.Snapshot, paths map[directory.ID]string, in string) mapping.Extra {
	return func(o directory.Object) directory.Attributes {
		switch {
		case o.Kind == directory.User && m.matchesByPath():
			return derived(snap, paths, o.Attributes[in])
		case o.Kind != directory.Department || paths[o.ID] == "":
			return nil
		}
		return directory.Attributes{directory.AttrPath: directory.TextOf(paths[o.ID])}
	}
}

func (m *maker) matchesByPath() bool {
	for _, key := range m.in.Flow.Users.Match() {
		if key == directory.AttrDepartmentPath || key == directory.AttrDepartmentPaths {
			return true
		}
	}
	return false
}

// withPaths adds to a user's source attributes what the mapping reads of the paths
// of its departments. What the source calls so itself goes first.
func (m *maker) withPaths(kind directory.Kind, src directory.Attributes) directory.Attributes {
	if kind != directory.User {
		return src
	}
	out := src
	for _, name := range []string{directory.AttrDepartmentPath, directory.AttrDepartmentPaths} {
		if _, own := src[name]; own || !m.mapping(kind).Reads(name) {
			continue
		}
		if len(out) == len(src) {
			if out = src.Clone(); out == nil {
				out = directory.Attributes{}
			}
		}
		out[name] = derived(m.in.Source, m.sourcePaths, src[directory.AttrDepartments])[name]
	}
	return out
}

// derived gives the path of the first of some departments, and the paths of all. A
// department that a complete listing does not have is passed over, if there is
// another. One that is there, and whose place is hidden or broken, hides what
// follows from it: the path of the next one would move the user.
func derived(snap *directory.Snapshot, paths map[directory.ID]string, in directory.Value) directory.Attributes {
	first, all := directory.AttrDepartmentPath, directory.AttrDepartmentPaths
	switch {
	case in.Type() == directory.Absent:
		return nil
	case in.Type() == directory.Unknown:
		return directory.Attributes{first: in, all: in}
	case in.IsEmpty():
		return directory.Attributes{first: directory.Empty(directory.Text), all: directory.ListOf()}
	}
	var known []string
	unknownFirst, unknown := false, false
	for _, ref := range in.Refs() {
		path := paths[ref.ID]
		switch {
		case path != "":
			known = append(known, path)
		case !snap.Complete() || snap.Has(ref.Key):
			unknownFirst = unknownFirst || len(known) == 0
			unknown = true
		}
	}
	hidden := directory.Hidden("")
	out := directory.Attributes{first: hidden, all: hidden}
	if len(known) > 0 && !unknownFirst {
		out[first] = directory.TextOf(known[0])
	}
	if len(known) > 0 && !unknown {
		out[all] = directory.ListOf(known...)
	}
	return out
}
