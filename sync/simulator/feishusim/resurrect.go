package feishusim

import (
	"encoding/json"
	"slices"
)

// serveResurrect takes a resigned person back within 30 days. Departments
// are not restored; without any given the person lands in the root. While the
// deletion goes on, which takes up to 48 hours, nothing can be done.
func serveResurrect(c *call) (any, *refusal) {
	m, ids, no := c.user()
	if no != nil && no.code != 41050 { // the resigned have no department and so no range
		return nil, no
	}
	if m == nil {
		if m, no = c.sim.lookUser(ids, c.http.PathValue("id")); no != nil {
			return nil, no
		}
	}
	s := c.sim
	switch away := c.now.Sub(m.ResignedAt); {
	case !m.Resigned:
		return nil, refuse(44033, "user is not resigned")
	case away < s.o.DeletionTakes:
		return nil, refuse(44034, "user is in delete progress, retry later")
	case away > days30:
		return nil, refuse(44028, "user resigned more than 30 days ago")
	}
	body, no := c.object()
	if no != nil {
		return nil, no
	}
	if no := c.checkSeats(body); no != nil {
		return nil, no
	}
	u := m.clone()
	u.Resigned, u.LeftDepartments = false, nil
	if no := c.returnTo(ids, &u, body); no != nil {
		return nil, no
	}
	if no := s.directory.clash(&u, m); no != nil {
		return nil, refuse(takenCode(no.field), no.msg)
	}
	m.User = u
	s.directory.join(m)
	s.effect("user.resurrect", m.OpenID, string(c.body))
	return nil, nil // no data and no refusal: plain success
}

// returnTo puts the person into the departments of the body, with the orders
// that stand beside them.
func (c *call) returnTo(ids idTypes, u *User, body map[string]json.RawMessage) *refusal {
	var in []struct {
		ID              string `json:"department_id"`
		UserOrder       int    `json:"user_order"`
		DepartmentOrder int    `json:"department_order"`
	}
	if raw := body["departments"]; raw != nil {
		if no := readJSON(raw, "departments", &in); no != nil {
			return no
		}
	}
	u.Orders = nil
	if len(in) == 0 {
		u.Departments = []string{root}
		if !c.sim.allStaff() {
			return refuse(40004, "no dept authority error")
		}
		return nil
	}
	names := make([]string, len(in))
	highest := 0
	for i, d := range in {
		names[i] = d.ID
		if d.DepartmentOrder > in[highest].DepartmentOrder {
			highest = i
		}
	}
	raw, _ := json.Marshal(names) // cannot fail: strings
	if no := readDepartments(c, ids, raw, u); no != nil {
		return no
	}
	for i, d := range in {
		if at, missing := c.sim.lookDepartment(ids, d.ID); missing == nil && at != nil {
			u.Orders = append(u.Orders, Order{at.OpenID, d.UserOrder, d.DepartmentOrder, i == highest})
		}
	}
	return nil
}

// takenCode is the vendor's code for a value that somebody else took while
// the person was away.
func takenCode(field string) int {
	switch field {
	case "mobile":
		return 44030
	case "user_id":
		return 44032
	default:
		return 44031
	}
}

// checkSeats asks for seats in a tenant with several licences.
func (c *call) checkSeats(body map[string]json.RawMessage) *refusal {
	seats := c.sim.o.Licences
	if len(seats) == 0 {
		return nil
	}
	var in []string
	if raw := body["subscription_ids"]; raw != nil {
		if no := readJSON(raw, "subscription_ids", &in); no != nil {
			return no
		}
	}
	if len(in) == 0 {
		return refuse(44046, "user license subscription id must not empty in multi-license tenant")
	}
	for _, id := range in {
		if !slices.Contains(seats, id) {
			return refuse(44048, "user license subscription id invalid")
		}
	}
	return nil
}
