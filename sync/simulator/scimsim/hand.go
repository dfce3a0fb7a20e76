package scimsim

import "fmt"

// Change edits a resource as an administrator would, without an effect. What it
// makes of the resource is not checked.
func (s *Sim) Change(id string, edit func(Resource)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, in := range []*store{&s.users, &s.groups} {
		if r, ok := in.byID[id]; ok {
			edit(r)
			s.stamp(r)
			return nil
		}
	}
	return fmt.Errorf("change: no resource %s", id)
}
