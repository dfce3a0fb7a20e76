package mapping

import (
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// Scope says which users of the source take part in a flow. The zero Scope
// takes everybody.
type Scope struct {
	Departments []string            // paths: a user of one of them, or below, takes part; empty = all
	Only        map[string][]string // attribute → values: the user must have one of them
	Not         map[string][]string // attribute → values: whoever has one of them stays out
}

// Includes tells whether a user with the given attributes and department paths
// takes part. An attribute that the source hides takes nobody out and lets
// nobody in: known is then false, and nothing may be concluded.
func (s Scope) Includes(user directory.Attributes, paths []string) (in, known bool) {
	if len(s.Departments) > 0 && !slices.ContainsFunc(paths, s.covers) {
		return false, user[directory.AttrDepartments].Type() != directory.Unknown
	}
	for name, values := range s.Only {
		if user[name].Type() == directory.Unknown {
			return false, false
		}
		if !HasOne(user[name], values) {
			return false, true
		}
	}
	for name, values := range s.Not {
		if user[name].Type() == directory.Unknown {
			return true, false
		}
		if HasOne(user[name], values) {
			return false, true
		}
	}
	return true, true
}

func (s Scope) covers(path string) bool {
	return slices.ContainsFunc(s.Departments, func(top string) bool { return Under(path, top) })
}

// Under tells whether a department path is the given one or below it.
func Under(path, top string) bool {
	top = strings.TrimSuffix(top, "/")
	return path == top || strings.HasPrefix(path, top+"/")
}

// HasOne tells whether a value is one of the given texts, or a list with one
// of them.
func HasOne(v directory.Value, values []string) bool {
	if v.Type() == directory.List {
		return slices.ContainsFunc(v.List(), func(s string) bool { return slices.Contains(values, s) })
	}
	return !v.IsEmpty() && slices.Contains(values, v.String())
}

// Paths gives the path of every department of a snapshot by its id:
// "/总部/研发部". A department whose name or chain of parents is hidden, broken
// or circular has no path.
func Paths(snap *directory.Snapshot) map[directory.ID]string {
	type node struct {
		name   string
		parent directory.ID
		known  bool
	}
	nodes := make(map[directory.ID]node, snap.Len(directory.Department))
	for d := range snap.All(directory.Department) {
		n := node{name: d.Attributes[directory.AttrName].String(), known: true}
		name, parent := d.Attributes[directory.AttrName], d.Attributes[directory.AttrParent]
		if name.IsEmpty() || name.Type() == directory.Unknown || parent.Type() == directory.Unknown {
			n.known = false
		}
		if refs := parent.Refs(); len(refs) > 0 {
			n.parent = refs[0].ID
		}
		nodes[d.ID] = n
	}
	paths := make(map[directory.ID]string, len(nodes))
	for id := range nodes {
		var names []string
		ok := false
		for at, left := id, len(nodes); left >= 0; left-- {
			n, found := nodes[at]
			if !found || !n.known {
				break
			}
			names = append(names, n.name)
			if n.parent == "" {
				ok = true
				break
			}
			at = n.parent
		}
		if ok {
			slices.Reverse(names)
			paths[id] = "/" + strings.Join(names, "/")
		}
	}
	return paths
}
