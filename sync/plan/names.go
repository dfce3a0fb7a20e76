package plan

import (
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// Show gives a value as people read it: references by the names of what they
// point to, everything else as it is.
func (p *Plan) Show(v directory.Value) string {
	refs := v.Refs()
	if len(refs) == 0 {
		return v.String()
	}
	names := make([]string, len(refs))
	for i, ref := range refs {
		names[i] = ref.String()
		if name, ok := p.Names[ref.String()]; ok {
			names[i] = name
		}
	}
	return strings.Join(names, ", ")
}

// names collects what the references of the changes point to: a department's
// path, a user's name.
func (m *maker) names(changes []Change) map[string]string {
	out := map[string]string{}
	for i := range changes {
		for _, side := range []directory.Attributes{changes[i].Before, changes[i].After} {
			for _, v := range side {
				for _, ref := range v.Refs() {
					if name := m.nameOf(ref); name != "" {
						out[ref.String()] = name
					}
				}
			}
		}
	}
	return out
}

func (m *maker) nameOf(ref directory.Ref) string {
	snap, paths := m.in.Target, m.targetPaths
	if ref.Pending {
		snap, paths = m.in.Source, m.sourcePaths
	}
	if ref.Kind == directory.Department {
		return paths[ref.ID]
	}
	if o, ok := snap.Get(ref.Key); ok {
		return o.Name()
	}
	return ""
}
