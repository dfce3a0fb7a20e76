package ldapdir

import (
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// tree is the departments by their names.
type tree struct {
	base name
	d    *dialect
	ids  map[string]guid // by the key of the name
	ous  []ou
	// partial: departments may be missing, so that an ancestor that is not here
	// proves nothing.
	partial bool
}

// ou is one department as it was listed.
type ou struct {
	id       guid
	name     name
	hasBelow bool // the server says that there are entries below it
}

func newTree(base name, d *dialect) *tree {
	return &tree{base: base, d: d, ids: map[string]guid{}}
}

// add takes a listed entry; ok is false for one that cannot be understood. The
// base is no department.
func (t *tree) add(e *ldap.Entry) (ok bool) {
	n, err := parseName(e.DN)
	if err != nil {
		return false
	}
	if n.equal(t.base) {
		return true
	}
	id, ok := t.d.idOf(e)
	if !ok || !n.below(t.base) {
		return false
	}
	t.ids[n.key()] = id
	t.ous = append(t.ous, ou{id: id, name: n, hasBelow: strings.EqualFold(e.GetEqualFoldAttributeValue(attrHasBelow), "TRUE")})
	return true
}

// above gives the references to the department that an entry is in: the nearest
// one above it, none for the root. It is unknown when a department on the way
// may be hidden from us.
func (t *tree) above(n name) directory.Value {
	for i := 1; len(n.parts)-i > len(t.base.parts); i++ {
		up := name{parts: n.parts[i:]}
		if id, ok := t.ids[up.key()]; ok {
			return directory.RefsToKind(directory.Department, id.id())
		}
		if t.partial {
			return directory.Hidden(permissionPartial)
		}
		if t.d.hiddenOU(up) {
			return directory.Hidden(permissionOU)
		}
	}
	return directory.RefsToKind(directory.Department)
}

// hiddenOU tells whether a name that is no known department must be one: an
// organizational unit that the default filter would have found.
func (d *dialect) hiddenOU(n name) bool {
	_, is := n.value("ou")
	return is && d.ownOUs
}

// object gives a department.
func (d *dialect) departmentObject(o *ou, parent directory.Value) directory.Object {
	return directory.Object{
		Key: directory.Key{Kind: directory.Department, ID: o.id.id()}, Active: true,
		Attributes: directory.Attributes{
			directory.AttrName:   directory.TextOf(o.name.parts[0].pairs[0].value),
			directory.AttrParent: parent,
			attrDN:               directory.TextOf(o.name.dn),
		},
	}
}
