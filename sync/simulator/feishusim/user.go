package feishusim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// User is one person as a test seeds and reads it. References are open ids,
// whatever id type the API calls use.
type User struct {
	OpenID, UnionID, UserID string // generated when empty

	Name, EnName, Nickname string
	Email, EnterpriseEmail string
	Mobile                 string // "+86" may be left out
	MobileHidden           bool   // mobile_visible=false
	Gender                 int    // 0 unknown, 1 male, 2 female, 3 other
	Departments            []string
	LeaderUserID           string
	DottedLeaders          []string
	City, Country          string
	WorkStation            string
	JoinTime               int64 // Unix seconds
	EmployeeNo             string
	EmployeeType           int // 1 regular … 5 consultant, above that custom; default 1
	Orders                 []Order
	CustomAttrs            json.RawMessage // the wire form, a JSON array
	JobTitle, Geo          string
	JobLevelID             string
	JobFamilyID            string
	AvatarKey              string
	TimeZone               string
	SubscriptionIDs        []string

	Frozen, Resigned, Activated, Exited, Unjoined bool
	TenantManager                                 bool // cannot be deleted (44037)
	Founder                                       bool // cannot be frozen (44036)
	ResignedAt                                    time.Time
	LeftDepartments                               []string // where a resigned person was
}

// Order is a person's place in one of their departments.
type Order struct {
	Department      string // open_department_id
	UserOrder       int
	DepartmentOrder int
	Primary         bool
}

// clone copies what a caller could change in place.
func (u User) clone() User {
	u.Departments = slices.Clone(u.Departments)
	u.DottedLeaders = slices.Clone(u.DottedLeaders)
	u.Orders = slices.Clone(u.Orders)
	u.CustomAttrs = slices.Clone(u.CustomAttrs)
	u.SubscriptionIDs = slices.Clone(u.SubscriptionIDs)
	u.LeftDepartments = slices.Clone(u.LeftDepartments)
	return u
}

// AddUser seeds a person without the API's checks but those that keep the
// store whole: known departments (by either id) and values that are unique.
// A person without departments is put into the root department.
func (s *Sim) AddUser(u User) (User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u = u.clone()
	if err := s.seedDepartments(&u); err != nil {
		return User{}, fmt.Errorf("add user %q: %w", u.UserID, err)
	}
	if s.directory.users[u.OpenID] != nil {
		return User{}, fmt.Errorf("add user %q: its open_id is taken", u.OpenID)
	}
	if no := s.directory.clash(&u, nil); no != nil {
		return User{}, fmt.Errorf("add user %q: %s", u.UserID, no.msg)
	}
	if u.EmployeeType == 0 {
		u.EmployeeType = 1
	}
	return s.insertUser(u).clone(), nil
}

func (s *Sim) seedDepartments(u *User) error {
	if len(u.Departments) == 0 {
		u.Departments = []string{root}
	}
	for i, id := range u.Departments {
		if id == root {
			continue
		}
		d := s.directory.findDepartment(id)
		if d == nil {
			return fmt.Errorf("no department %q", id)
		}
		u.Departments[i] = d.OpenID
	}
	return nil
}

func (s *Sim) insertUser(u User) *member {
	if u.OpenID == "" {
		u.OpenID = s.newID("ou_", "user")
	}
	if u.UnionID == "" {
		u.UnionID = s.newID("on_", "user")
	}
	if u.UserID == "" {
		u.UserID = s.digest("user_id")[:8]
	}
	m := &member{User: u, seq: s.next()}
	s.directory.join(m)
	return m
}

// User gives a person, resigned ones too, by open_id, union_id or user_id.
func (s *Sim) User(id string) (User, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.directory.findUser(id)
	if m == nil {
		return User{}, false
	}
	return m.clone(), true
}

// Users gives everybody, resigned people too, in the order of creation.
func (s *Sim) Users() []User {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*member, 0, len(s.directory.users))
	for _, m := range s.directory.users {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b *member) int { return int(int64(a.seq) - int64(b.seq)) }) //nolint:gosec // serials stay small
	out := make([]User, len(all))
	for i, m := range all {
		out[i] = m.clone()
	}
	return out
}

// UpdateUser changes a person behind the API's back, as an admin in the
// vendor's console would. Departments may be given by either id.
func (s *Sim) UpdateUser(id string, change func(*User)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.directory.findUser(id)
	if m == nil {
		return fmt.Errorf("update user: no person %q", id)
	}
	u := m.clone()
	change(&u)
	u.OpenID, u.UnionID = m.OpenID, m.UnionID
	if !u.Resigned {
		if err := s.seedDepartments(&u); err != nil {
			return fmt.Errorf("update user %q: %w", id, err)
		}
		if no := s.directory.clash(&u, m); no != nil {
			return fmt.Errorf("update user %q: %s", id, no.msg)
		}
	}
	s.directory.leave(m)
	m.User = u
	s.directory.join(m)
	return nil
}

// RemoveUser makes a person unknown, as if they had never been there.
func (s *Sim) RemoveUser(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.directory.findUser(id)
	if m == nil {
		return false
	}
	s.directory.leave(m)
	delete(s.directory.users, m.OpenID)
	delete(s.directory.byUnion, m.UnionID)
	return true
}

// Join makes an unjoined person accept the invitation.
func (s *Sim) Join(id string) error {
	return s.UpdateUser(id, func(u *User) { u.Unjoined, u.Activated = false, true })
}

// plainMobile is how mobiles are compared: a mainland number with and
// without +86 is the same number.
func plainMobile(v string) string {
	return strings.TrimPrefix(strings.ReplaceAll(v, " ", ""), "+86")
}

func foldEmail(v string) string { return strings.ToLower(v) }

// shownMobile is how the API spells a mobile.
func shownMobile(v string) string {
	if v == "" || strings.HasPrefix(v, "+") {
		return v
	}
	return "+86" + v
}

// userJSON renders a person as the API and the permissions show them.
func (s *Sim) userJSON(t idTypes, m *member) map[string]any {
	departments := []string{}
	for _, id := range m.Departments {
		departments = append(departments, s.departmentNamed(t, id))
	}
	dotted := []string{}
	for _, id := range m.DottedLeaders {
		dotted = append(dotted, s.userNamed(t, id))
	}
	attrs := m.CustomAttrs
	if len(attrs) == 0 {
		attrs = json.RawMessage("[]")
	}
	out := map[string]any{
		"open_id": m.OpenID, "union_id": m.UnionID, "user_id": m.UserID,
		"name": m.Name, "en_name": m.EnName, "nickname": m.Nickname,
		"email": m.Email, "enterprise_email": m.EnterpriseEmail,
		"mobile": shownMobile(m.Mobile), "mobile_visible": !m.MobileHidden,
		"gender": m.Gender, "avatar": map[string]string{"avatar_72": "", "avatar_240": "", "avatar_640": "", "avatar_origin": ""},
		"status": m.status(), "department_ids": departments,
		"leader_user_id": s.userNamed(t, m.LeaderUserID), "dotted_line_leader_user_ids": dotted,
		"city": m.City, "country": m.Country, "work_station": m.WorkStation, "join_time": m.JoinTime,
		"is_tenant_manager": m.TenantManager, "employee_no": m.EmployeeNo, "employee_type": m.EmployeeType,
		"orders": s.ordersJSON(t, m), "custom_attrs": attrs, "job_title": m.JobTitle, "geo": m.Geo,
		"job_level_id": m.JobLevelID, "job_family_id": m.JobFamilyID, "time_zone": m.TimeZone,
	}
	if s.custom.closed {
		delete(out, "custom_attrs")
	}
	return s.mask(out, userMask)
}

func (u *User) status() map[string]bool {
	return map[string]bool{
		"is_frozen": u.Frozen, "is_resigned": u.Resigned, "is_activated": u.Activated && !u.Resigned,
		"is_exited": u.Exited, "is_unjoin": u.Unjoined,
	}
}

// ordersJSON shows an order for every department, as the vendor does even
// when none was set.
func (s *Sim) ordersJSON(t idTypes, m *member) []map[string]any {
	out := []map[string]any{}
	for i, id := range m.Departments {
		o := Order{Department: id, Primary: i == 0 && len(m.Orders) == 0, DepartmentOrder: len(m.Departments) - i}
		for _, set := range m.Orders {
			if set.Department == id {
				o = set
			}
		}
		out = append(out, map[string]any{
			"department_id": s.departmentNamed(t, id), "user_order": o.UserOrder,
			"department_order": o.DepartmentOrder, "is_primary_dept": o.Primary,
		})
	}
	return out
}
