package feishusim

import (
	"fmt"
	"strconv"
)

// UserEvent makes a contact.user.{created,updated,deleted}_v3 event about a
// person as they are now. old holds the changed fields as they were before;
// for a deletion it is filled in when nil.
func (s *Sim) UserEvent(kind, id string, old map[string]any) (Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.directory.findUser(id)
	if m == nil {
		return Event{}, fmt.Errorf("user event: person %q: %w", id, errUnknown)
	}
	if kind == "deleted" && old == nil {
		old = map[string]any{"department_ids": append([]string{}, m.LeftDepartments...), "open_id": m.OpenID}
	}
	// Events always spell references as open ids.
	return s.newEvent("contact.user."+kind+"_v3", eventBody(s.userJSON(idTypes{}, m), old)), nil
}

// DepartmentEvent makes a contact.department.{created,updated,deleted}_v3
// event about a department of the tenant.
func (s *Sim) DepartmentEvent(kind, id string, old map[string]any) (Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.directory.findDepartment(id)
	if u == nil {
		return Event{}, fmt.Errorf("department event: department %q: %w", id, errUnknown)
	}
	object := s.departmentJSON(idTypes{}, u)
	// The order is text in the API and a number in events.
	order, err := strconv.Atoi(u.Order)
	if err != nil {
		order = 0
	}
	object["order"] = order
	delete(object, "member_count")
	delete(object, "primary_member_count")
	return s.newEvent("contact.department."+kind+"_v3", eventBody(object, old)), nil
}

// ScopeEvent makes contact.scope.updated_v3. The ids name departments and
// people of the tenant that came into the app's range or fell out of it.
func (s *Sim) ScopeEvent(added, removed ContactScope) Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	side := func(scope ContactScope) map[string]any {
		departments, users := []any{}, []any{}
		for _, id := range scope.Departments {
			if u := s.directory.findDepartment(id); u != nil {
				departments = append(departments, s.departmentJSON(idTypes{}, u))
			}
		}
		for _, id := range scope.Users {
			if m := s.directory.findUser(id); m != nil {
				users = append(users, s.userJSON(idTypes{}, m))
			}
		}
		return map[string]any{"departments": departments, "users": users, "user_groups": []any{}}
	}
	return s.newEvent("contact.scope.updated_v3", map[string]any{"added": side(added), "removed": side(removed)})
}

func eventBody(object, old map[string]any) map[string]any {
	out := map[string]any{"object": object}
	if old != nil {
		out["old_object"] = old
	}
	return out
}
