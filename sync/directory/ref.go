package directory

import "strings"

// Ref points to a user or department: of the system that the value belongs
// to, or, when Pending, to a source object whose target object does not exist
// yet and will be known by its link once it is created.
type Ref struct {
	Key
	Pending bool // ID is a source ID
}

const pendingMark = "new:"

// String gives the ref as people read it, and its canonical form.
func (r Ref) String() string {
	if r.Pending {
		return pendingMark + r.Key.String()
	}
	return r.Key.String()
}

// RefsTo gives a value of references. No reference is an empty value, which
// for departments means the root.
func RefsTo(refs ...Ref) Value {
	v := Value{typ: Refs}
	for _, r := range refs {
		v.list = append(v.list, r.String())
	}
	return v
}

// RefsToKind gives a value of references to objects of one kind.
func RefsToKind(kind Kind, ids ...ID) Value {
	v := Value{typ: Refs}
	for _, id := range ids {
		v.list = append(v.list, Key{kind, id}.String())
	}
	return v
}

// Refs gives the references of a Refs value.
func (v Value) Refs() []Ref {
	if v.typ != Refs {
		return nil
	}
	refs := make([]Ref, 0, len(v.list))
	for _, s := range v.list {
		refs = append(refs, parseRef(s))
	}
	return refs
}

func parseRef(s string) Ref {
	rest, pending := strings.CutPrefix(s, pendingMark)
	kind, id, _ := strings.Cut(rest, ":")
	return Ref{Key: Key{Kind(kind), ID(id)}, Pending: pending}
}
