package wecomsim

import "slices"

// sight is what one secret sees of the corp.
type sight struct {
	all         bool
	departments map[int64]bool
}

// sight gives what the call's secret sees. The caller holds mu.
func (s *Sim) sight(c *call) sight {
	if c.kind == contacts || len(s.modes.scope) == 0 {
		return sight{all: true}
	}
	seen := map[int64]bool{}
	for _, id := range s.modes.scope {
		if _, found := s.book.departments[id]; !found {
			continue
		}
		for _, d := range s.book.below(id) {
			seen[d.ID] = true
		}
	}
	return sight{departments: seen}
}

func (v sight) department(id int64) bool { return v.all || v.departments[id] }

// user tells whether a member is in sight: it is if one of its departments is.
func (v sight) user(u *member) bool {
	if slices.ContainsFunc(u.Departments, v.department) {
		return true
	}
	return v.all
}
