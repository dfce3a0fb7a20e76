package plan

import (
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// ofSource gives source objects as people tell them apart.
func (m *maker) ofSource(kind directory.Kind, ids ...directory.ID) string {
	return candidates(ids, func(id directory.ID) string {
		o, found := m.lastSeen(directory.Key{Kind: kind, ID: id})
		if !found {
			return candidate(directory.Object{Key: directory.Key{Kind: kind, ID: id}}, "")
		}
		return candidate(o, m.placeOf(o, directory.Object{}))
	})
}

// ofTarget gives target objects as people tell them apart.
func (m *maker) ofTarget(kind directory.Kind, ids ...directory.ID) string {
	return candidates(ids, func(id directory.ID) string {
		o, _ := m.in.Target.Get(directory.Key{Kind: kind, ID: id})
		o.Key = directory.Key{Kind: kind, ID: id}
		return candidate(o, m.placeOf(directory.Object{}, o))
	})
}

func (m *maker) placeOf(source, target directory.Object) string {
	if source.Kind == directory.Department || target.Kind == directory.Department {
		return m.pathOf(source, target)
	}
	return m.whereOf(source, target)
}

// candidatesMax is how many candidates a conflict names.
const candidatesMax = 8

func candidates(ids []directory.ID, show func(directory.ID) string) string {
	var texts []string
	for _, id := range ids[:min(len(ids), candidatesMax)] {
		texts = append(texts, show(id))
	}
	if len(ids) > candidatesMax {
		texts = append(texts, "…")
	}
	return strings.Join(texts, ", ")
}

// candidate gives an object as a person finds it again: name, where it is, and its
// id, of a long one the end.
func candidate(o directory.Object, where string) string {
	runes := []rune(string(o.ID))
	id := string(runes)
	if len(runes) > idMax {
		id = "…" + string(runes[len(runes)-idTail:])
	}
	var inside []string
	if where != "" {
		inside = append(inside, where)
	}
	if name := o.Name(); name != string(o.ID) {
		return name + " (" + strings.Join(append(inside, id), " ") + ")"
	}
	if len(inside) > 0 {
		return id + " (" + where + ")"
	}
	return id
}

const (
	idMax  = 12 // a longer id is given by its end
	idTail = 8
)
