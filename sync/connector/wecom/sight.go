package wecom

import (
	"context"
	"sync"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// sightLife is how long it is believed that the app sees every department.
const sightLife = time.Minute

// sight remembers whether the app sees every department. It is safe for concurrent
// use.
type sight struct {
	mu    sync.Mutex
	until time.Time
	all   bool
}

func (s *sight) get(now time.Time) (all, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all, now.Before(s.until)
}

func (s *sight) set(all bool, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all, s.until = all, until
}

// whole tells whether every department is visible, the root among them.
func (t *tree) whole() bool {
	if t.visible[rootID] == nil {
		return false
	}
	for _, row := range t.rows {
		if t.visible[row.ID] == nil {
			return false
		}
	}
	return true
}

// seesAll tells whether a credential sees every department. One that does not is
// shown only those of a member's departments that it sees, and fewer orders and
// leader flags with them.
func (c *Connector) seesAll(ctx context.Context, key *credential, t *tally) (bool, error) {
	if key != c.app {
		return true, nil
	}
	if all, known := c.sight.get(c.options.Now()); known {
		return all, nil
	}
	tree, err := c.departments(ctx, t)
	if err != nil {
		return false, err
	}
	all := tree.whole()
	c.sight.set(all, c.options.Now().Add(sightLife))
	return all, nil
}

// shownWhole tells whether a member who was read by the reading credential came with
// all departments: by the listing of ids where that credential does not see them all.
func (c *Connector) shownWhole(ctx context.Context, m *member) (bool, error) {
	var t tally
	key, _ := c.reader()
	if all, err := c.seesAll(ctx, key, &t); err != nil || all {
		return all, err
	}
	list, err := c.list(ctx, &t)
	if err != nil {
		return false, err
	}
	return list.agrees(m.UserID, m.Department), nil
}

// agrees tells whether the listing is whole and has a member in just these
// departments.
func (l *listing) agrees(id string, departments []int64) bool {
	i, known := l.index[fold(id)]
	return known && l.partial == "" && sameSet(departments, l.members[i].departments)
}

// hidePlaces hides the departments of a member who is shown only some of them, and
// what stands beside them.
func hidePlaces(a directory.Attributes) {
	for _, name := range []string{attrDepartment, directory.AttrDepartments, attrLeads, attrDeptOrder} {
		a[name] = directory.Hidden(permissionScope)
	}
}
