package matrix

import (
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/wecom"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

// The custom fields in which a corp keeps what its members' own consent hides.
const (
	wecomMobile = "手机"
	wecomEmail  = "邮箱"
)

// wecomCorp is a WeCom corp on an address that may read ids alone, with a
// self-built app that may read the rest.
type wecomCorp struct {
	*wecomsim.Sim
	t     *testing.T
	clock *clock
	units map[string]int64
}

func newWeCom(t *testing.T, _ *lab) system {
	t.Helper()
	c := newClock()
	sim := wecomsim.New(wecomsim.Options{Now: c.time, ExtAttrs: []string{wecomMobile, wecomEmail}})
	return &wecomCorp{Sim: sim, t: t, clock: c, units: map[string]int64{"": 1}}
}

func (s *wecomCorp) traits() traits {
	return traits{many: true, ordered: true, suspends: true, boss: true, units: true, moves: true, disables: true, mobiles: true, leaders: true}
}

func (s *wecomCorp) words() words {
	w := standardWords()
	w.no, w.mobile, w.email = "userid", "extattr."+wecomMobile, "extattr."+wecomEmail
	return w
}

func (s *wecomCorp) connect() connector.Source { return s.behind(nil) }

func (s *wecomCorp) behind(b *barrier) connector.Source {
	url, client := b.serve(s.t, s.Handler())
	c, err := wecom.New(wecom.Options{
		CorpID: "ww-rollcall-sim", ContactsSecret: "contacts-secret", AppSecret: "app-secret", BaseURL: url, HTTPClient: client,
		Now: s.clock.time, Sleep: s.clock.sleep, ExtAttrs: []string{wecomMobile, wecomEmail}, PageSize: b.pageSize(),
	})
	check(s.t, err)
	return c
}

func (s *wecomCorp) spec(from words) (users, departments *mapping.Spec) {
	return rules(from.no, "userid", from.no, "name", "name", "mobile", from.mobile, "email", from.email,
		"position", from.title, "department", "departments", "direct_leader", from.manager), tree()
}

func (s *wecomCorp) setUnit(_ *company, u unit) {
	if id, there := s.units[u.key]; there {
		check(s.t, s.ChangeDepartment(id, func(d *wecomsim.Department) { d.Name, d.Parent = u.name, s.units[u.parent] }))
		return
	}
	id, err := s.AddDepartment(wecomsim.Department{Name: u.name, Parent: s.units[u.parent]})
	check(s.t, err)
	s.units[u.key] = id
}

func (s *wecomCorp) dropUnit(key string) {
	check(s.t, s.RemoveDepartment(s.units[key]))
	delete(s.units, key)
}

func (s *wecomCorp) set(_ *company, p person) {
	fill := func(u *wecomsim.User) {
		u.ID, u.Name, u.Position, u.Mobile, u.Email, u.Status = p.no, p.name, p.title, p.mobile, p.email, wecomsim.StatusActive
		u.Texts = map[string]string{wecomMobile: p.mobile, wecomEmail: p.email}
		u.Departments, u.Order, u.IsLeader, u.DirectLeaders = nil, nil, nil, nil
		for _, key := range p.in {
			u.Departments = append(u.Departments, s.units[key])
		}
		if len(p.in) == 0 {
			u.Departments = []int64{1}
		}
		u.MainDepartment = u.Departments[0]
		if p.boss != "" {
			u.DirectLeaders = []string{p.boss}
		}
	}
	if _, there := s.User(p.no); there {
		check(s.t, s.ChangeUser(p.no, fill))
		s.SetStatus(p.no, wecomsim.StatusActive)
		return
	}
	var u wecomsim.User
	fill(&u)
	check(s.t, s.AddUser(u))
}

func (s *wecomCorp) suspend(no string) { s.SetStatus(no, wecomsim.StatusDisabled) }
func (s *wecomCorp) leave(no string)   { s.RemoveUser(no) }
func (s *wecomCorp) flush(*company)    {}

func (s *wecomCorp) look() view {
	const root = 1
	nodes := map[int64]node[int64]{}
	for _, d := range s.Departments() {
		if d.ID != root {
			nodes[d.ID] = node[int64]{d.Name, d.Parent}
		}
	}
	paths := pathsOf(nodes, root)
	v := newView(paths, root)
	for _, u := range s.Users() {
		h := held{
			id: u.ID, name: u.Name, title: u.Position, mobile: u.Mobile, email: u.Email,
			active: u.Status != wecomsim.StatusDisabled, boss: strings.Join(u.DirectLeaders, ","),
		}
		for _, id := range u.Departments {
			if id != root {
				h.in = append(h.in, paths[id])
			}
		}
		v.people[u.ID] = h
	}
	return v
}
