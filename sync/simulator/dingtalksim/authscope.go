package dingtalksim

import (
	"slices"
	"strconv"
)

// AuthScope is the part of the corp that the app was authorised for.
type AuthScope struct {
	Departments []int64  // each with all below it
	Users       []string // single users besides
}

// SetAuthScope limits the app to a part of the corp; nil lifts the limit.
func (s *Sim) SetAuthScope(scope *AuthScope) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.contacts.scope = nil
	if scope != nil {
		s.contacts.scope = &AuthScope{
			Departments: slices.Clone(scope.Departments), Users: slices.Clone(scope.Users),
		}
	}
}

// Where are the answers from which an object is hidden.
type Where int

// The answers.
const (
	HideList Where = 1 << iota // listings: listsub, listsubid, list, listsimple, listid
	HideGet                    // the object itself: it "does not exist"
	HideAll  = HideList | HideGet
)

// HideUser makes a user vanish from answers while it still is there and holds
// its mobile number, as after a change that has not reached every replica.
// Zero shows it again.
func (s *Sim) HideUser(id string, from Where) { s.hide("user "+id, from) }

// HideDepartment is HideUser for a department.
func (s *Sim) HideDepartment(id int64, from Where) { s.hide(deptKey(id), from) }

func (s *Sim) hide(key string, from Where) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.contacts.hidden[key] = from
}

// hides tells whether an object is hidden from an answer. The caller holds s.mu.
func (s *Sim) hides(key string, from Where) bool { return s.contacts.hidden[key]&from != 0 }

func deptKey(id int64) string { return "dept " + strconv.FormatInt(id, 10) }

// seesDept tells whether a department is in the app's scope. The caller holds
// s.mu.
func (s *Sim) seesDept(id int64) bool {
	if s.contacts.scope == nil {
		return true
	}
	return slices.ContainsFunc(s.contacts.book.path(id), func(above int64) bool {
		return slices.Contains(s.contacts.scope.Departments, above)
	})
}

// seesUser tells whether a user is in the app's scope. The caller holds s.mu.
func (s *Sim) seesUser(u *User) bool {
	if s.contacts.scope == nil || slices.Contains(s.contacts.scope.Users, u.ID) {
		return true
	}
	return slices.ContainsFunc(u.Departments, s.seesDept)
}

// authScopes serves auth/scopes.
func (s *Sim) authScopes(*contactCall) (any, *Refusal) {
	scope := AuthScope{Departments: []int64{Root}, Users: []string{}}
	if s.contacts.scope != nil {
		scope.Departments = append([]int64{}, s.contacts.scope.Departments...)
		scope.Users = append([]string{}, s.contacts.scope.Users...)
	}
	fields := []string{"name", "avatar", "userid", "jobnumber", "position"}
	if s.permissions[FieldMobile] {
		fields = append(fields, "mobile")
	}
	if s.permissions[FieldPersonal] {
		fields = append(fields, "email", "remark", "workPlace", "extattr")
	}
	return flatResult{
		"auth_user_field": fields, "condition_field": []string{},
		"auth_org_scopes": map[string]any{"authed_dept": scope.Departments, "authed_user": scope.Users},
	}, nil
}
