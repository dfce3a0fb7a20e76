package matrix

import (
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/feishu"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

// feishuTenant is a Feishu tenant.
type feishuTenant struct {
	*feishusim.Sim
	t     *testing.T
	clock *clock
	units map[string]string // key → open id
}

func newFeishu(t *testing.T, _ *lab) system {
	t.Helper()
	c := newClock()
	return &feishuTenant{Sim: feishusim.New(feishusim.Options{Now: c.time}), t: t, clock: c, units: map[string]string{}}
}

func (s *feishuTenant) traits() traits {
	return traits{many: true, ordered: true, suspends: true, boss: true, units: true, moves: true, disables: true, mobiles: true, leaders: true}
}

func (s *feishuTenant) words() words {
	w := standardWords()
	w.unitID = "department_id"
	return w
}

func (s *feishuTenant) connect() connector.Source { return s.behind(nil) }

func (s *feishuTenant) behind(b *barrier) connector.Source {
	url, client := b.serve(s.t, s.Handler())
	c, err := feishu.New(feishu.Options{
		AppID: s.AppID(), AppSecret: s.AppSecret(), BaseURL: url, HTTPClient: client, Now: s.clock.time, Sleep: s.clock.sleep,
	})
	check(s.t, err)
	return c
}

func (s *feishuTenant) spec(from words) (users, departments *mapping.Spec) {
	return rules(from.no, "employee_no", from.no, "user_id", from.no, "name", "name", "mobile", from.mobile, "email", from.email,
		"title", from.title, "departments", "departments", "manager", from.manager), tree()
}

func (s *feishuTenant) setUnit(_ *company, u unit) {
	parent := s.units[u.parent]
	// Members and children keep pointing at one that is taken away for a moment.
	s.RemoveDepartment(s.units[u.key])
	d, err := s.AddDepartment(feishusim.Department{OpenID: s.units[u.key], DepartmentID: u.key, Name: u.name, Parent: parent})
	check(s.t, err)
	s.units[u.key] = d.OpenID
}

func (s *feishuTenant) dropUnit(key string) {
	s.RemoveDepartment(s.units[key])
	delete(s.units, key)
}

func (s *feishuTenant) set(_ *company, p person) {
	boss, _ := s.User(p.boss)
	fill := func(u *feishusim.User) {
		u.UserID, u.EmployeeNo, u.Name, u.JobTitle, u.Email, u.Mobile = p.no, p.no, p.name, p.title, p.email, "+86"+p.mobile
		u.LeaderUserID, u.Departments, u.Frozen, u.Resigned, u.Activated = boss.OpenID, nil, false, false, true
		for _, key := range p.in {
			u.Departments = append(u.Departments, s.units[key])
		}
	}
	if _, there := s.User(p.no); there {
		check(s.t, s.UpdateUser(p.no, fill))
		return
	}
	var u feishusim.User
	fill(&u)
	_, err := s.AddUser(u)
	check(s.t, err)
}

func (s *feishuTenant) suspend(no string) {
	check(s.t, s.UpdateUser(no, func(u *feishusim.User) { u.Frozen = true }))
}

func (s *feishuTenant) leave(no string) {
	check(s.t, s.UpdateUser(no, func(u *feishusim.User) {
		u.LeftDepartments, u.Departments, u.Resigned, u.ResignedAt = u.Departments, nil, true, s.clock.time()
	}))
}

func (s *feishuTenant) flush(*company) {}

func (s *feishuTenant) look() view {
	const root = "0"
	nodes, numbers := map[string]node[string]{}, map[string]string{}
	for _, d := range s.Departments() {
		nodes[d.OpenID] = node[string]{d.Name, d.Parent}
	}
	paths := pathsOf(nodes, root)
	v := newView(paths, root)
	for _, u := range s.Users() {
		numbers[u.OpenID] = u.UserID
	}
	for _, u := range s.Users() {
		if u.Resigned {
			continue
		}
		h := held{id: u.OpenID, name: u.Name, title: u.JobTitle, mobile: u.Mobile, email: u.Email, active: !u.Frozen, boss: numbers[u.LeaderUserID]}
		for _, id := range u.Departments {
			if id != root {
				h.in = append(h.in, paths[id])
			}
		}
		v.people[u.UserID] = h
	}
	return v
}
