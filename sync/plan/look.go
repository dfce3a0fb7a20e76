package plan

import (
	"cmp"
	"slices"
)

// looked gives what a verdict rests on beside its own object, as the source shows it.
// Whom only a link remembers is not there: what it remembers does not change.
func (m *maker) looked(v Verdict) []Look {
	var all []Look
	for _, key := range v.Looked {
		l := Look{Key: key, Name: m.ofSource(key.Kind, key.ID)}
		if o, there := m.in.Source.Get(key); there {
			l.Fingerprint = o.Digest()
		}
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b Look) int { return cmp.Compare(a.Key.String(), b.Key.String()) })
	return slices.CompactFunc(all, func(a, b Look) bool { return a.Key == b.Key })
}
