package feishusim

import "slices"

// user finds the person of the path and checks the contact range.
func (c *call) user() (*member, idTypes, *refusal) {
	ids, no := c.idTypes()
	if no != nil {
		return nil, ids, no
	}
	m, no := c.sim.lookUser(ids, c.http.PathValue("id"))
	if no != nil {
		return nil, ids, no
	}
	if !c.sim.seesUser(m) {
		return nil, ids, refuse(41050, "no user authority error")
	}
	return m, ids, nil
}

// serveUser answers for resigned people too: that is how a delete is verified.
func serveUser(c *call) (any, *refusal) {
	m, ids, no := c.user()
	if no != nil {
		return nil, no
	}
	return map[string]any{"user": c.sim.userJSON(ids, m)}, nil
}

// serveUserBatch leaves out what does not exist or is out of range.
func serveUserBatch(c *call) (any, *refusal) {
	ids, no := c.idTypes()
	if no != nil {
		return nil, no
	}
	asked := c.query["user_ids"]
	if len(asked) == 0 || len(asked) > maxPage {
		return nil, badField("user_ids", "must hold 1 to 50 ids")
	}
	items := []any{}
	for _, id := range asked {
		if m, missing := c.sim.lookUser(ids, id); missing == nil && c.sim.seesUser(m) {
			items = append(items, c.sim.userJSON(ids, m))
		}
	}
	return map[string]any{"items": items}, nil
}

// serveUsersOf lists the direct members of a department; the resigned are
// no members.
func serveUsersOf(c *call) (any, *refusal) {
	ids, no := c.idTypes()
	if no != nil {
		return nil, no
	}
	id := c.query.Get("department_id")
	if id == "" {
		return nil, badField("department_id", "is required")
	}
	s := c.sim
	u, no := s.lookDepartment(ids, id)
	if no != nil {
		return nil, no
	}
	openID := root
	if u != nil {
		openID = u.OpenID
	}
	if openID == root && !s.allStaff() || !s.seesDepartment(openID) {
		return nil, refuse(40004, "no dept authority error")
	}
	p, no := c.page("users/" + openID)
	if no != nil {
		return nil, no
	}
	return list(c, p, s.directory.membersOf(openID), func(m *member) (map[string]any, bool) {
		return s.userJSON(ids, m), true
	}), nil
}

// serveLooseUsers is the old list call: with a department it lists its
// members, without one the people whom the app sees in no department.
func serveLooseUsers(c *call) (any, *refusal) {
	if c.query.Get("department_id") != "" {
		return serveUsersOf(c)
	}
	ids, no := c.idTypes()
	if no != nil {
		return nil, no
	}
	p, no := c.page("loose")
	if no != nil {
		return nil, no
	}
	s := c.sim
	var x index[*member]
	if s.contacts != nil && !s.allStaff() {
		for _, id := range s.contacts.Users {
			if m := s.directory.users[id]; m != nil && !m.Resigned && !s.visibleByDepartment(m) {
				x.put(m.seq, m)
			}
		}
	}
	return list(c, p, &x, func(m *member) (map[string]any, bool) { return s.userJSON(ids, m), true }), nil
}

func (s *Sim) visibleByDepartment(m *member) bool {
	return slices.ContainsFunc(m.Departments, s.seesDepartment)
}

// serveGetID finds ids by mobile or mail; an unknown value comes back
// without a user_id.
func serveGetID(c *call) (any, *refusal) {
	ids, no := c.idTypes()
	if no != nil {
		return nil, no
	}
	var in struct {
		Emails          []string `json:"emails"`
		Mobiles         []string `json:"mobiles"`
		IncludeResigned bool     `json:"include_resigned"`
	}
	if no := c.decode(&in); no != nil {
		return nil, no
	}
	if len(in.Emails) > maxPage || len(in.Mobiles) > maxPage {
		return nil, badField("emails", "at most 50 mails and 50 mobiles")
	}
	if len(in.Emails)+len(in.Mobiles) == 0 {
		return nil, badField("emails", "one of emails and mobiles is required")
	}
	s := c.sim
	rows := []any{}
	look := func(field, asked, key string) {
		row := map[string]any{field: asked}
		m := s.directory.unique[field][key]
		if m == nil && in.IncludeResigned {
			m = s.resignedBy(field, key)
		}
		if m != nil && s.seesUser(m) {
			row["user_id"] = ids.user(m)
			row["status"] = m.status()
		}
		rows = append(rows, row)
	}
	for _, v := range in.Emails {
		look("email", v, foldEmail(v))
	}
	for _, v := range in.Mobiles {
		look("mobile", v, plainMobile(v))
	}
	return map[string]any{"user_list": rows}, nil
}

// resignedBy finds the person who resigned last with a value.
func (s *Sim) resignedBy(field, key string) *member {
	var found *member
	for _, m := range s.directory.users {
		if !m.Resigned || found != nil && !m.ResignedAt.After(found.ResignedAt) {
			continue
		}
		for _, v := range m.uniques() {
			if v.field == field && v.value == key {
				found = m
			}
		}
	}
	return found
}
