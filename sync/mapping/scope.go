package mapping

import (
	"iter"
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
// nobody in: unless another attribute keeps the user out, known is then false,
// and nothing may be concluded.
func (s Scope) Includes(user directory.Attributes, paths []string) (in, known bool) {
	known = true
	if len(s.Departments) > 0 && !slices.ContainsFunc(paths, s.covers) {
		if user[directory.AttrDepartments].Type() != directory.Unknown {
			return false, true
		}
		known = false
	}
	for name, values := range s.Only {
		switch {
		case user[name].Type() == directory.Unknown:
			known = false
		case !HasOne(user[name], values):
			return false, true
		}
	}
	for name, values := range s.Not {
		switch {
		case user[name].Type() == directory.Unknown:
			known = false
		case HasOne(user[name], values):
			return false, true
		}
	}
	return known, known
}

// Takes is Includes for the paths that are known: while a department of the user has
// none, it might be one of the scope's, and nothing but an attribute keeps the user out.
func (s Scope) Takes(user directory.Attributes, paths []string) (in, known bool) {
	in, known = s.Includes(user, paths)
	if in || !known || len(s.Departments) == 0 || len(paths) == len(user[directory.AttrDepartments].Refs()) {
		return in, known
	}
	might, sure := s.Includes(user, s.Departments[:1])
	return false, sure && !might
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
// of them. A hidden value is none of them.
func HasOne(v directory.Value, values []string) bool {
	switch v.Type() {
	case directory.List:
		return slices.ContainsFunc(v.List(), func(s string) bool { return slices.Contains(values, s) })
	case directory.Unknown:
		return false
	default:
		return !v.IsEmpty() && slices.Contains(values, v.String())
	}
}

// Paths gives the path of every department of a snapshot by its id:
// "/总部/研发部". A department whose name or chain of parents is hidden, broken
// or circular has no path.
func Paths(snap *directory.Snapshot) map[directory.ID]string {
	return PathsOf(snap.All(directory.Department), snap.Len(directory.Department))
}

// PathsOf gives the paths of about n departments as Paths does: one whose parent is not
// among them has none.
func PathsOf(departments iter.Seq[directory.Object], n int) map[directory.ID]string {
	t := tree{nodes: make(map[directory.ID]node, n), paths: map[directory.ID]string{}}
	for d := range departments {
		name, parent := d.Attributes[directory.AttrName], d.Attributes[directory.AttrParent]
		n := node{name: name.String(), known: !name.IsEmpty() && name.Type() != directory.Unknown && parent.Type() != directory.Unknown}
		if refs := parent.Refs(); len(refs) > 0 {
			n.parent = refs[0].ID
		}
		t.nodes[d.ID] = n
	}
	for id := range t.nodes {
		t.path(id)
	}
	for id, path := range t.paths {
		if path == "" {
			delete(t.paths, id)
		}
	}
	return t.paths
}

// node is a department on the way to its path.
type node struct {
	name   string
	parent directory.ID
	known  bool
}

type tree struct {
	nodes map[directory.ID]node
	paths map[directory.ID]string // "" = none, or not known yet
}

// path gives the path of a department, or "". It climbs to the nearest
// department whose path is known and comes back down, so that each department
// is looked at once however deep or circular the tree is.
func (t *tree) path(id directory.ID) string {
	var way []directory.ID
	path, ok := "", false
	for {
		if path, ok = t.paths[id]; ok {
			break // known, without a path, or on the way already: a circle
		}
		n, found := t.nodes[id]
		if !found || !n.known {
			break
		}
		t.paths[id] = ""
		way = append(way, id)
		if n.parent == "" {
			ok = true
			path = "/"
			break
		}
		id = n.parent
	}
	if !ok || path == "" {
		return ""
	}
	for _, at := range slices.Backward(way) {
		path = strings.TrimSuffix(path, "/") + "/" + t.nodes[at].name
		t.paths[at] = path
	}
	return path
}
