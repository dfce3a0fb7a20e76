package feishusim

// department finds the department of the path and checks the contact range.
func (c *call) department() (*unit, idTypes, *refusal) {
	ids, no := c.idTypes()
	if no != nil {
		return nil, ids, no
	}
	u, no := c.sim.lookDepartment(ids, c.http.PathValue("id"))
	if no != nil {
		return nil, ids, no
	}
	if u == nil && !c.sim.allStaff() || u != nil && !c.sim.seesDepartment(u.OpenID) {
		return nil, ids, refuse(40004, "no dept authority error")
	}
	return u, ids, nil
}

func serveChildren(c *call) (any, *refusal) {
	u, ids, no := c.department()
	if no != nil {
		return nil, no
	}
	above := root
	if u != nil {
		above = u.OpenID
	}
	deep := c.query.Get("fetch_child") == "true"
	p, no := c.page("children/" + above + "/" + c.query.Get("fetch_child"))
	if no != nil {
		return nil, no
	}
	s := c.sim
	x := s.directory.children(above)
	if deep {
		x = &s.directory.order
	}
	return list(c, p, x, func(d *unit) (map[string]any, bool) {
		if deep && (d == u || !s.directory.inside(d.OpenID, above)) {
			return nil, false
		}
		return s.departmentJSON(ids, d), true
	}), nil
}

func serveDepartment(c *call) (any, *refusal) {
	u, ids, no := c.department()
	if no != nil {
		return nil, no
	}
	if u == nil {
		show := map[string]any{"name": "root", "department_id": root, "open_department_id": root, "parent_department_id": ""}
		return map[string]any{"department": show}, nil
	}
	return map[string]any{"department": c.sim.departmentJSON(ids, u)}, nil
}

// serveDepartmentBatch leaves out what does not exist or is out of range.
func serveDepartmentBatch(c *call) (any, *refusal) {
	ids, no := c.idTypes()
	if no != nil {
		return nil, no
	}
	asked := c.query["department_ids"]
	if len(asked) == 0 || len(asked) > maxPage {
		return nil, badField("department_ids", "must hold 1 to 50 ids")
	}
	items := []any{}
	for _, id := range asked {
		u, missing := c.sim.lookDepartment(ids, id)
		if missing == nil && u != nil && c.sim.seesDepartment(u.OpenID) {
			items = append(items, c.sim.departmentJSON(ids, u))
		}
	}
	return map[string]any{"items": items}, nil
}

func serveDepartmentCreate(c *call) (any, *refusal) {
	if data, done, no := c.replay("department"); done {
		return data, no
	}
	ids, no := c.idTypes()
	if no != nil {
		return nil, no
	}
	body, no := c.object()
	if no != nil {
		return nil, no
	}
	for _, need := range []string{"name", "parent_department_id"} {
		if body[need] == nil {
			return nil, badField(need, "is required")
		}
	}
	var d Department
	if no := c.fillDepartment(ids, &d, body); no != nil {
		return nil, no
	}
	if no := c.checkDepartment(&d, nil); no != nil {
		return nil, no
	}
	u := c.sim.insertDepartment(d)
	if flagSet(body["create_group_chat"]) {
		u.ChatID = c.sim.newID("oc_", "chat")
	}
	data := map[string]any{"department": c.sim.departmentJSON(ids, u)}
	c.remember("department", data)
	c.sim.effect("department.create", u.OpenID, string(c.body))
	return data, nil
}

func serveDepartmentPatch(c *call) (any, *refusal) {
	u, ids, no := c.department()
	if no != nil {
		return nil, no
	}
	if u == nil {
		return nil, refuse(40002, "process root dept error")
	}
	body, no := c.object()
	if no != nil {
		return nil, no
	}
	if body["department_id"] != nil {
		return nil, badField("department_id", "cannot be changed here: use update_department_id")
	}
	d := u.clone()
	if no := c.fillDepartment(ids, &d, body); no != nil {
		return nil, no
	}
	if no := c.checkDepartment(&d, u); no != nil {
		return nil, no
	}
	c.sim.directory.detach(u)
	u.Department = d
	c.sim.directory.attach(u)
	c.sim.effect("department.patch", u.OpenID, string(c.body))
	return map[string]any{"department": c.sim.departmentJSON(ids, u)}, nil
}

func serveDepartmentDelete(c *call) (any, *refusal) {
	u, _, no := c.department()
	if no != nil {
		return nil, no
	}
	s := c.sim
	switch {
	case u == nil:
		return nil, refuse(40002, "process root dept error")
	case !s.parentInRange(u.Parent):
		return nil, refuse(40014, "no parent dept authority error")
	case len(s.directory.membersOf(u.OpenID).items) > 0:
		return nil, refuse(43011, "delete has member dept error")
	case len(s.directory.children(u.OpenID).items) > 0:
		return nil, refuse(43012, "delete has sub dept department error")
	}
	s.directory.detach(u)
	s.effect("department.delete", u.OpenID, "")
	return nil, nil // no data and no refusal: plain success
}

func serveDepartmentID(c *call) (any, *refusal) {
	u, _, no := c.department()
	if no != nil {
		return nil, no
	}
	var in struct {
		NewID string `json:"new_department_id"`
	}
	if no := c.decode(&in); no != nil {
		return nil, no
	}
	if u == nil {
		return nil, refuse(40002, "process root dept error")
	}
	if no := c.sim.checkCustomID(in.NewID, u); no != nil {
		return nil, no
	}
	c.sim.directory.detach(u)
	u.DepartmentID = in.NewID
	c.sim.directory.attach(u)
	c.sim.effect("department.rename", u.OpenID, string(c.body))
	return nil, nil // no data and no refusal: plain success
}

// parentInRange tells whether the app may work under a parent; the root asks
// for all staff.
func (s *Sim) parentInRange(openID string) bool {
	if openID == root {
		return s.allStaff()
	}
	return s.seesDepartment(openID)
}
