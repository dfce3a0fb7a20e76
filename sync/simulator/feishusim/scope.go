package feishusim

import "slices"

// ContactScope is the app's contact range: which part of the directory it may
// see and touch. Departments bring their whole subtree; "0" is all staff.
type ContactScope struct {
	Departments []string // open_department_id or department_id
	Users       []string // open_id
}

func (c *ContactScope) clone() *ContactScope {
	if c == nil {
		return nil
	}
	return &ContactScope{
		Departments: append([]string(nil), c.Departments...),
		Users:       append([]string(nil), c.Users...),
	}
}

// SetScopes replaces the app's permissions. Without an argument every
// permission is granted; to grant none, pass one empty string.
func (s *Sim) SetScopes(scopes ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.granted = nil
	if len(scopes) == 0 {
		return
	}
	s.granted = map[string]bool{}
	for _, scope := range scopes {
		s.granted[scope] = true
	}
}

// SetContactScope replaces the app's contact range; nil is all staff.
func (s *Sim) SetContactScope(scope *ContactScope) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.contacts = scope.clone()
}

// permits tells whether one of the permissions is granted.
func (s *Sim) permits(anyOf ...string) bool {
	if s.granted == nil {
		return true
	}
	for _, scope := range anyOf {
		if s.granted[scope] {
			return true
		}
	}
	return false
}

// The permissions of the contact API.
const (
	scopeWrite    = "contact:contact"
	scopeBroad    = "contact:contact:readonly_as_app"
	scopeHistory  = "contact:contact:readonly"
	scopeList     = "contact:contact.base:readonly"
	scopeOrganize = "contact:department.organize:readonly"
	scopeDeptBase = "contact:department.base:readonly"
	scopeHRBP     = "contact:department.hrbp:readonly"
	scopeBase     = "contact:user.base:readonly"
	scopeUserBase = "contact:user.base"
	scopeDept     = "contact:user.department:readonly"
	scopeEmployee = "contact:user.employee:readonly"
	scopeNumber   = "contact:user.employee_number:read"
	scopeEmail    = "contact:user.email:readonly"
	scopePhone    = "contact:user.phone:readonly"
	scopeUserID   = "contact:user.employee_id:readonly"
	scopeGender   = "contact:user.gender:readonly"
	scopeLevel    = "contact:user.job_level:readonly"
	scopeFamily   = "contact:user.job_family:readonly"
	scopeDotted   = "contact:user.dotted_line_leader_info.read"
	scopeGeo      = "contact:user.user_geo"
	scopeGetID    = "contact:user.id:readonly"
)

func readScopes() []string {
	return []string{scopeList, scopeOrganize, scopeBroad, scopeHistory, scopeWrite}
}

// masks says which permissions show a user's field; a field that is not
// listed is always shown. A hidden field is absent from the reply.
func userMask(field string) []string {
	switch field {
	case "name", "en_name", "nickname", "avatar", "mobile_visible", "description":
		return []string{scopeBase, scopeBroad, scopeHistory}
	case "department_ids", "leader_user_id", "orders":
		return []string{scopeDept, scopeBroad, scopeHistory}
	case "status", "job_title", "city", "country", "work_station", "join_time", "employee_type",
		"custom_attrs", "is_tenant_manager", "time_zone":
		return []string{scopeEmployee, scopeBroad, scopeHistory}
	case "employee_no":
		return []string{scopeNumber, scopeEmployee, scopeBroad, scopeHistory}
	case "email", "enterprise_email":
		return []string{scopeEmail}
	case "mobile":
		return []string{scopePhone}
	case "user_id":
		return []string{scopeUserID}
	case "gender":
		return []string{scopeGender, scopeBroad, scopeHistory}
	case "geo":
		return []string{scopeGeo}
	case "job_level_id":
		return []string{scopeLevel}
	case "job_family_id":
		return []string{scopeFamily}
	case "dotted_line_leader_user_ids":
		return []string{scopeDotted}
	}
	return nil
}

// departmentMask is userMask for departments.
func departmentMask(field string) []string {
	switch field {
	case "name", "i18n_name", "department_id", "member_count", "primary_member_count", "chat_id", "order", "status", "unit_ids":
		return []string{scopeDeptBase, scopeBroad, scopeHistory}
	case "parent_department_id", "leader_user_id", "leaders":
		return []string{scopeOrganize, scopeBroad, scopeHistory}
	case "department_hrbps":
		return []string{scopeHRBP}
	}
	return nil
}

// mask drops the fields that no granted permission shows.
func (s *Sim) mask(fields map[string]any, by func(string) []string) map[string]any {
	if s.granted == nil {
		return fields
	}
	for k := range fields {
		if need := by(k); need != nil && !s.permits(need...) {
			delete(fields, k)
		}
	}
	return fields
}

// allStaff tells whether the app's range is the whole tenant.
func (s *Sim) allStaff() bool {
	if s.contacts == nil {
		return true
	}
	return slices.Contains(s.contacts.Departments, root)
}

// seesDepartment tells whether the department or one above it is in range.
func (s *Sim) seesDepartment(openID string) bool {
	if s.allStaff() {
		return true
	}
	for id := openID; id != root && id != ""; {
		d := s.directory.departments[id]
		if d == nil {
			return false
		}
		for _, granted := range s.contacts.Departments {
			if granted == d.OpenID || granted == d.DepartmentID {
				return true
			}
		}
		id = d.Parent
	}
	return false
}

// seesUser tells whether the person is in range by name or by one department.
func (s *Sim) seesUser(m *member) bool {
	if s.allStaff() {
		return true
	}
	if slices.Contains(s.contacts.Users, m.OpenID) {
		return true
	}
	return slices.ContainsFunc(m.Departments, s.seesDepartment)
}

// mayTouch tells whether every department of the person is in range, which
// the vendor asks for writes.
func (s *Sim) mayTouch(m *member) bool {
	if s.allStaff() {
		return true
	}
	for _, id := range m.Departments {
		if !s.seesDepartment(id) {
			return false
		}
	}
	return s.seesUser(m)
}

// serveScopes lists the contact range. It is one page: the range is small.
func serveScopes(c *call) (any, *refusal) {
	ids, no := c.idTypes()
	if no != nil {
		return nil, no
	}
	s := c.sim
	departments, users := []string{}, []string{}
	if s.allStaff() {
		// All staff shows as the departments and people directly under the root.
		for _, d := range s.directory.children(root).items {
			departments = append(departments, ids.department(d))
		}
		for _, m := range s.directory.membersOf(root).items {
			users = append(users, ids.user(m))
		}
	} else {
		for _, id := range s.contacts.Departments {
			if d := s.directory.findDepartment(id); d != nil {
				departments = append(departments, ids.department(d))
			}
		}
		for _, id := range s.contacts.Users {
			if m := s.directory.users[id]; m != nil {
				users = append(users, ids.user(m))
			}
		}
	}
	return map[string]any{"department_ids": departments, "user_ids": users, "group_ids": []string{}, "has_more": false}, nil
}
