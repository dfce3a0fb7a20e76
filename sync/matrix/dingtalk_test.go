package matrix

import (
	"strconv"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/dingtalk"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/simulator/dingtalksim"
)

// quarantine is the department of those whom DingTalk cannot stop.
const quarantine = "离职隔离"

// dingtalkCorp is a DingTalk corp of ordinary accounts.
type dingtalkCorp struct {
	*dingtalksim.Sim
	t     *testing.T
	clock *clock
	units map[string]int64
	left  int64 // the quarantine; 0: DISABLE is refused
}

func newDingTalk(t *testing.T, _ *lab) system {
	t.Helper()
	c := newClock()
	s := &dingtalkCorp{Sim: dingtalksim.New(dingtalksim.Options{Now: c.time}), t: t, clock: c, units: map[string]int64{"": dingtalksim.Root}}
	t.Cleanup(s.Close)
	return s
}

func (s *dingtalkCorp) traits() traits {
	return traits{many: true, ordered: true, units: true, moves: true, disables: s.left != 0}
}

func (s *dingtalkCorp) words() words {
	w := standardWords()
	w.unitID, w.manager = "dept_id", "" // the listings do not tell managers
	return w
}

func (s *dingtalkCorp) connect() connector.Source { return s.behind(nil) }

func (s *dingtalkCorp) behind(b *barrier) connector.Source {
	url, client := b.serve(s.t, s.Handler())
	o := dingtalk.Options{
		ClientID: "dingsimclient", ClientSecret: "simsecret", APIURL: url, OAPIURL: url, HTTPClient: client, Now: s.clock.time, Sleep: s.clock.sleep,
		PageSize: b.pageSize(),
	}
	if s.left != 0 {
		o.Disable, o.Quarantine = dingtalk.DisableMove, strconv.FormatInt(s.left, 10)
	}
	c, err := dingtalk.New(o)
	check(s.t, err)
	return c
}

func (s *dingtalkCorp) spec(from words) (users, departments *mapping.Spec) {
	return rules(from.no, "userid", from.no, "employee_no", from.no, "name", "name", "mobile", from.mobile, "email", from.email,
		"title", from.title, "departments", "departments", "manager", from.manager), tree()
}

func (s *dingtalkCorp) setUnit(_ *company, u unit) {
	if id, there := s.units[u.key]; there {
		check(s.t, s.Console().ChangeDepartment(id, func(d *dingtalksim.Department) { d.Name, d.Parent = u.name, s.units[u.parent] }))
		return
	}
	id, err := s.SeedDepartment(dingtalksim.Department{Name: u.name, Parent: s.units[u.parent]})
	check(s.t, err)
	s.units[u.key] = id
}

func (s *dingtalkCorp) dropUnit(key string) {
	check(s.t, s.Console().RemoveDepartment(s.units[key]))
	delete(s.units, key)
}

func (s *dingtalkCorp) set(_ *company, p person) {
	fill := func(u *dingtalksim.User) {
		u.ID, u.JobNumber, u.Name, u.Title, u.Mobile, u.Email, u.Manager = p.no, p.no, p.name, p.title, p.mobile, p.email, p.boss
		u.Departments, u.Orders, u.Titles = nil, nil, nil
		for _, key := range p.in {
			u.Departments = append(u.Departments, s.units[key])
		}
		if len(p.in) == 0 {
			u.Departments = []int64{dingtalksim.Root}
		}
	}
	if _, there := s.User(p.no); there {
		check(s.t, s.Console().ChangeUser(p.no, fill))
		return
	}
	var u dingtalksim.User
	fill(&u)
	_, err := s.SeedUser(u)
	check(s.t, err)
}

func (s *dingtalkCorp) suspend(string)  { s.t.Error("an ordinary account cannot be stopped") }
func (s *dingtalkCorp) leave(no string) { check(s.t, s.Console().RemoveUser(no)) }
func (s *dingtalkCorp) flush(*company)  {}

func (s *dingtalkCorp) look() view {
	const root = dingtalksim.Root
	nodes := map[int64]node[int64]{}
	for _, d := range s.Departments() {
		if d.ID != root {
			nodes[d.ID] = node[int64]{d.Name, d.Parent}
		}
	}
	paths := pathsOf(nodes, root)
	v := newView(paths, root)
	delete(v.units, "/"+quarantine)
	for _, u := range s.Users() {
		h := held{id: u.UnionID, name: u.Name, title: u.Title, mobile: u.Mobile, email: u.Email, active: true, boss: u.Manager}
		for _, id := range u.Departments {
			switch id {
			case root:
			case s.left:
				h.active = false
			default:
				h.in = append(h.in, paths[id])
			}
		}
		v.people[u.ID] = h
	}
	return v
}

// newQuarantine is a corp in which the disabled are moved to a department.
func newQuarantine(t *testing.T, l *lab) system {
	t.Helper()
	s, _ := newDingTalk(t, l).(*dingtalkCorp)
	id, err := s.SeedDepartment(dingtalksim.Department{Name: quarantine})
	check(t, err)
	s.left = id
	return s
}
