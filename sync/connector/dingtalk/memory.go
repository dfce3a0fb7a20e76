package dingtalk

import (
	"context"
	"slices"
	"strings"
	"sync"
)

// memory is what the last reading left behind for lookups. Nothing in it is
// proof: it only tells what is worth asking.
type memory struct {
	mu sync.Mutex
	// witness is somebody who showed a personal field.
	witness string
	// homes gives one department of each person, also of those whom the last reading
	// does not list any more: it is them that lookups are about.
	homes map[string]int64
	// managers: the listings themselves showed managers.
	managers bool
}

// keep takes homes over, and what was known of others before stays.
func (m *memory) keep(witness string, homes map[string]int64, managers bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, home := range m.homes {
		if _, listed := homes[id]; !listed {
			homes[id] = home
		}
	}
	m.witness, m.homes, m.managers = witness, homes, managers
}

func (m *memory) recall() (witness string, managers bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.witness, m.managers
}

func (m *memory) home(userID string) (int64, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, ok := m.homes[userID]
	return d, ok
}

// sight is what the app may see of people. An empty field and a forbidden one
// look alike: both are left out. So a field that is not there is taken for empty
// only when auth/scopes names one of its kind, or when somebody shows one.
type sight struct {
	mobile   bool // mobile, state_code
	personal bool // email, work_place, remark, extension, and org_email, which some calls show all the same
	manager  bool
}

// grant takes the fields that auth/scopes names.
func (s *sight) grant(fields []loose) {
	for _, f := range fields {
		switch strings.ToLower(strings.ReplaceAll(string(f), "_", "")) {
		case "mobile":
			s.mobile = true
		case "email", "workplace", "remark", "extattr", "extension":
			s.personal = true
		}
	}
}

// learn takes what a person shows.
func (s *sight) learn(m *member) {
	s.mobile = s.mobile || m.Mobile != nil
	s.personal = s.personal || m.showsPersonal()
}

// showsPersonal tells whether any field came that only the permission shows.
func (m *member) showsPersonal() bool {
	return m.Email != nil || m.WorkPlace != nil || m.Remark != nil || m.Extension != nil
}

// lacksPersonal tells whether any personal field is left out.
func (m *member) lacksPersonal() bool {
	return m.Email == nil || m.OrgEmail == nil || m.WorkPlace == nil || m.Remark == nil || m.Extension == nil
}

// sightOf finds out, afresh, what the app may see of people who were asked for
// one by one. A permission may have been taken away since the last listing, so
// what that showed is not enough: its witness is asked again. Without one, a page
// of a department of theirs has to do.
func (c *Connector) sightOf(ctx context.Context, people []*member, t *tally) (sight, error) {
	witness, managers := c.memory.recall()
	s := sight{manager: c.options.Managers || managers}
	for _, m := range people {
		s.learn(m)
	}
	lacks := slices.ContainsFunc(people, func(m *member) bool {
		return !s.personal && m.lacksPersonal() || !s.mobile && m.Mobile == nil && m.exclusive()
	})
	if !lacks {
		return s, nil
	}
	granted, err := c.scope(ctx, t)
	if err != nil {
		return s, err
	}
	s.grant(granted.Fields)
	if s.personal {
		return s, nil
	}
	if witness != "" {
		var m member
		if err := c.read(ctx, old(pathUserGet, map[string]any{"userid": witness}), t, &m); err == nil {
			s.learn(&m)
			return s, nil
		}
	}
	err = c.learnFromPage(ctx, people, t, &s)
	return s, err
}

// learnFromPage takes what a page of a department of theirs shows; nothing when
// nobody names a department.
func (c *Connector) learnFromPage(ctx context.Context, people []*member, t *tally, s *sight) error {
	i := slices.IndexFunc(people, func(m *member) bool { return len(m.Depts) > 0 })
	if i < 0 {
		return nil
	}
	page, err := c.page(ctx, int64(people[i].Depts[0]), 0, t)
	if err != nil {
		return err
	}
	for _, row := range page.members() {
		s.learn(row)
	}
	return nil
}
