package mapping

import (
	"slices"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// Match gives the source attributes that find the partner, in order.
func (m *Mapping) Match() []string { return slices.Clone(m.match) }

// Fit gives the match keys by which a source and a target object are one, in
// order: those that both hold, visibly, and that mean the same.
func (m *Mapping) Fit(source, target directory.Object) []string {
	var keys []string
	for _, key := range m.match {
		have := visible(source, key, key)
		if have != "" && have == visible(target, m.Counterpart(key), key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// Open gives the first match key by which some other target object might still
// be the partner of a source object, when nothing is known of the target but the
// object under the id that we would give, target, or that there is none: a zero
// target. idAttr is the target attribute that becomes that id. "" means that the
// partner is known, or that there is surely none.
func (m *Mapping) Open(source, target directory.Object, idAttr string) string {
	for _, key := range m.match {
		have := visible(source, key, key)
		switch {
		case have == "" && derived(key) && !source.Attributes[directory.AttrDepartments].IsEmpty():
			return key
		case have == "":
			continue
		case idAttr == "" || m.Counterpart(key) != idAttr:
			return key
		case target.ID != "" && have == visible(target, idAttr, key):
			return ""
		}
	}
	return ""
}

// derived tells whether a user's attribute follows from the departments.
func derived(name string) bool {
	return name == directory.AttrDepartmentPath || name == directory.AttrDepartmentPaths
}

// visible gives the normal form, under a match key, of what an object holds
// under name, or "" when there is nothing that can be trusted.
func visible(o directory.Object, name, key string) string {
	return Side{}.normal(o, name, key)
}
