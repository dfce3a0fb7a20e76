package feishusim

import "slices"

// idTypes says how a call spells ids.
type idTypes struct{ users, departments string }

// idTypes reads user_id_type and department_id_type.
func (c *call) idTypes() (idTypes, *refusal) {
	ids := idTypes{users: "open_id", departments: "open_department_id"}
	if v := c.query.Get("user_id_type"); v != "" {
		ids.users = v
	}
	if v := c.query.Get("department_id_type"); v != "" {
		ids.departments = v
	}
	if !slices.Contains([]string{"open_id", "union_id", "user_id"}, ids.users) {
		return ids, badField("user_id_type", "is not one of open_id, union_id, user_id")
	}
	if ids.departments != "open_department_id" && ids.departments != "department_id" {
		return ids, badField("department_id_type", "is not one of open_department_id, department_id")
	}
	if ids.users == "user_id" && !c.sim.permits(scopeUserID) {
		no := refuse(99991672, "Access denied. user_id_type=user_id needs "+scopeUserID)
		no.scopes = []string{scopeUserID}
		return ids, no
	}
	return ids, nil
}

func (t idTypes) user(m *member) string {
	switch t.users {
	case "union_id":
		return m.UnionID
	case "user_id":
		return m.UserID
	default:
		return m.OpenID
	}
}

func (t idTypes) department(u *unit) string {
	if t.departments == "department_id" {
		return u.DepartmentID
	}
	return u.OpenID
}

// userNamed turns a stored open_id into the caller's id type.
func (s *Sim) userNamed(t idTypes, openID string) string {
	if m := s.directory.users[openID]; m != nil {
		return t.user(m)
	}
	return openID
}

// departmentNamed turns a stored open_department_id into the caller's id type.
func (s *Sim) departmentNamed(t idTypes, openID string) string {
	if u := s.directory.departments[openID]; u != nil {
		return t.department(u)
	}
	return openID
}

// lookUser finds a person by an id of the caller's type.
func (s *Sim) lookUser(t idTypes, id string) (*member, *refusal) {
	var m *member
	code := 99992351
	switch t.users {
	case "union_id":
		m, code = s.directory.byUnion[id], 99992364
	case "user_id":
		m, code = s.directory.unique["user_id"][id], 99992360
		if m == nil {
			m = s.directory.resignedWith(id)
		}
	default:
		m = s.directory.users[id]
	}
	if m == nil {
		return nil, refuse(code, "these ids not existed: ["+id+"]")
	}
	return m, nil
}

// resignedWith finds the person who resigned last with a user_id.
func (d *directory) resignedWith(userID string) *member {
	var found *member
	for _, m := range d.users {
		if m.Resigned && m.UserID == userID && (found == nil || m.ResignedAt.After(found.ResignedAt)) {
			found = m
		}
	}
	return found
}

// lookDepartment finds a department, or nil without a refusal for the root.
func (s *Sim) lookDepartment(t idTypes, id string) (*unit, *refusal) {
	if id == root {
		return nil, nil // the root has no record, and is not an error
	}
	u, code := s.directory.departments[id], 99992357
	if t.departments == "department_id" {
		u, code = s.directory.byCustomID[id], 99992379
	}
	if u == nil {
		return nil, refuse(code, "these department ids not existed: ["+id+"]")
	}
	return u, nil
}
