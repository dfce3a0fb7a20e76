package mapping

import (
	"slices"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// Finder finds the target object of a source object by the match keys.
//
// A key is matched exactly first. Employee numbers of digits only that no exact
// match was found for match without their leading zeros, if just one object of
// either side has that number, in whatever form.
type Finder struct {
	m              *Mapping
	source, target Side
	index          []map[string][]directory.ID // one index a match key: folded form → target ids
	theirs         []map[string][]directory.ID // the same of the source, to see two persons with one key
}

// Extra gives attributes that an object has beside those it holds, such as a
// department's path.
type Extra func(directory.Object) directory.Attributes

// NewFinder indexes the source and the target objects of one kind by the match
// keys of the mapping.
func NewFinder(m *Mapping, kind directory.Kind, source, target Side) *Finder {
	f := &Finder{m: m, source: source, target: target}
	for _, key := range m.match {
		f.index = append(f.index, target.byKey(kind, m.Counterpart(key), key))
		f.theirs = append(f.theirs, source.byKey(kind, key, key))
	}
	return f
}

// Side is one snapshot with the derived attributes of its objects.
type Side struct {
	Snap  *directory.Snapshot
	Extra Extra // may be nil
}

// byKey indexes the objects by what they hold under name, in the folded normal
// form of the match key: the target may call the key otherwise.
func (s Side) byKey(kind directory.Kind, name, key string) map[string][]directory.ID {
	index := map[string][]directory.ID{}
	for o := range s.Snap.All(kind) {
		if k := s.normal(o, name, key); k != "" {
			k = folded(key, k)
			index[k] = append(index[k], o.ID)
		}
	}
	return index
}

// normal gives the normal form of what an object holds under name, or "" when
// it has nothing there that can be trusted.
func (s Side) normal(o directory.Object, name, key string) string {
	v, ok := o.Attributes[name]
	if !ok && s.Extra != nil {
		v = s.Extra(o)[name]
	}
	if v.Type() == directory.Unknown {
		return ""
	}
	return Normal(key, v.String())
}

// folded gives the form by which a key is indexed: an employee number without its
// leading zeros.
func folded(key, normal string) string {
	if key == directory.AttrEmployeeNo {
		if bare, is := Bare(normal); is {
			return bare
		}
	}
	return normal
}

// exactly gives those of some objects that hold a key just so. What is indexed by
// its normal form does.
func (s Side) exactly(kind directory.Kind, ids []directory.ID, held held) []directory.ID {
	if _, number := Bare(held.normal); held.key != directory.AttrEmployeeNo || !number {
		return ids
	}
	var out []directory.ID
	for _, id := range ids {
		if o, _ := s.Snap.Get(directory.Key{Kind: kind, ID: id}); s.normal(o, held.name, held.key) == held.normal {
			out = append(out, id)
		}
	}
	return out
}

// held is what an object holds under a name, in the normal form of a match key.
type held struct{ key, name, normal string }

// Find gives the target ids that the first deciding match key names, and that
// key: one id is a match, more are a conflict, none means that no key found
// anything. Sources gives every source object with the same key: two of them
// for one target object are a conflict too. When no key found anything, key and
// sources are those of the first key that the object has: two new objects that
// share it must not both be created.
func (f *Finder) Find(o directory.Object, side Side) (ids, sources []directory.ID, key string) {
	for i, name := range f.m.match {
		k := side.normal(o, name, name)
		if k == "" {
			continue
		}
		near, theirs := f.index[i][folded(name, k)], f.theirs[i][folded(name, k)]
		same := theirs
		if len(theirs) > 1 || len(theirs) == 1 && theirs[0] != o.ID { // alone it is the object itself
			same = f.source.exactly(o.Kind, theirs, held{name, name, k})
		}
		if found := f.target.exactly(o.Kind, near, held{name, f.m.Counterpart(name), k}); len(found) > 0 {
			return slices.Clone(found), slices.Clone(same), name
		}
		if len(near) > 0 { // the same but for leading zeros
			return slices.Clone(near), slices.Clone(theirs), name
		}
		if key == "" {
			sources, key = same, name
		}
	}
	return nil, slices.Clone(sources), key
}
