package mapping

import (
	"slices"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// Finder finds the target object of a source object by the match keys.
type Finder struct {
	m      *Mapping
	index  []map[string][]directory.ID // one index a match key: normal form → target ids
	theirs []map[string][]directory.ID // the same of the source, to see two persons with one key
}

// Extra gives attributes that an object has beside those it holds, such as a
// department's path.
type Extra func(directory.Object) directory.Attributes

// NewFinder indexes the source and the target objects of one kind by the match
// keys of the mapping.
func NewFinder(m *Mapping, kind directory.Kind, source, target Side) *Finder {
	f := &Finder{m: m}
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

// byKey indexes the objects by what they hold under name, in the normal form
// of the match key: the target may call the key otherwise.
func (s Side) byKey(kind directory.Kind, name, key string) map[string][]directory.ID {
	index := map[string][]directory.ID{}
	for o := range s.Snap.All(kind) {
		if k := s.normal(o, name, key); k != "" {
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
		if found := f.index[i][k]; len(found) > 0 {
			return slices.Clone(found), slices.Clone(f.theirs[i][k]), name
		}
		if key == "" {
			sources, key = f.theirs[i][k], name
		}
	}
	return nil, slices.Clone(sources), key
}
