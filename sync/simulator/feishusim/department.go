package feishusim

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// Department is one department as a test seeds and reads it. References are
// open ids, whatever id type the API calls use.
type Department struct {
	OpenID       string // open_department_id, "od-…"; generated when empty
	DepartmentID string // the custom department_id; generated when empty
	Name         string
	I18nName     map[string]string // zh_cn, ja_jp, en_us
	Parent       string            // open_department_id or department_id of the parent; "" and "0" are the root
	LeaderUserID string            // open_id
	Leaders      []Leader
	Order        string
	UnitIDs      []string
	HRBPs        []string // open_id
	ChatID       string
}

// clone copies what a caller could change in place.
func (d Department) clone() Department {
	d.I18nName = maps.Clone(d.I18nName)
	d.Leaders = slices.Clone(d.Leaders)
	d.UnitIDs = slices.Clone(d.UnitIDs)
	d.HRBPs = slices.Clone(d.HRBPs)
	return d
}

// Leader is one head of a department.
type Leader struct {
	Type int    // 1 main, 2 deputy
	ID   string // open_id
}

// maxDepth and maxChildren are the vendor's limits of the tree.
const (
	maxDepth    = 25
	maxChildren = 1000
)

// customDepartmentID is the vendor's rule for a custom department_id.
var customDepartmentID = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_\-@.]{0,63}$`)

// AddDepartment seeds a department without any of the API's checks but those
// that keep the store whole: a known parent and unused ids.
func (s *Sim) AddDepartment(d Department) (Department, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.Parent == "" {
		d.Parent = root
	}
	if d.Parent != root {
		parent := s.directory.findDepartment(d.Parent)
		if parent == nil {
			return Department{}, fmt.Errorf("add department %q: no parent %q", d.Name, d.Parent)
		}
		d.Parent = parent.OpenID
	}
	if s.directory.findDepartment(d.OpenID) != nil || s.directory.findDepartment(d.DepartmentID) != nil {
		return Department{}, fmt.Errorf("add department %q: its id is taken", d.Name)
	}
	return s.insertDepartment(d.clone()).clone(), nil
}

func (s *Sim) insertDepartment(d Department) *unit {
	if d.OpenID == "" {
		d.OpenID = s.newID("od-", "department")
	}
	if d.DepartmentID == "" {
		d.DepartmentID = s.digest("department_id")[:16]
	}
	if len(d.Leaders) == 0 && d.LeaderUserID != "" {
		d.Leaders = []Leader{{Type: 1, ID: d.LeaderUserID}}
	}
	for _, l := range d.Leaders {
		if l.Type == 1 {
			d.LeaderUserID = l.ID
		}
	}
	u := &unit{Department: d, seq: s.next()}
	s.directory.attach(u)
	return u
}

// Department gives a department by either id.
func (s *Sim) Department(id string) (Department, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.directory.findDepartment(id)
	if u == nil {
		return Department{}, false
	}
	return u.clone(), true
}

// Departments gives every department in the order of creation.
func (s *Sim) Departments() []Department {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Department, 0, len(s.directory.order.items))
	for _, u := range s.directory.order.items {
		out = append(out, u.clone())
	}
	return out
}

// RemoveDepartment takes a department away behind the API's back. Members and
// children keep pointing at it, as after a race on the real service.
func (s *Sim) RemoveDepartment(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.directory.findDepartment(id)
	if u == nil {
		return false
	}
	s.directory.detach(u)
	return true
}

// departmentJSON renders a department as the API and the permissions show it.
func (s *Sim) departmentJSON(t idTypes, u *unit) map[string]any {
	leaders := []map[string]any{}
	for _, l := range u.Leaders {
		leaders = append(leaders, map[string]any{"leaderType": l.Type, "leaderID": s.userNamed(t, l.ID)})
	}
	hrbps := []string{}
	for _, id := range u.HRBPs {
		hrbps = append(hrbps, s.userNamed(t, id))
	}
	direct := len(s.directory.membersOf(u.OpenID).items)
	out := map[string]any{
		"name":                 u.Name,
		"parent_department_id": s.departmentNamed(t, u.Parent),
		"department_id":        u.DepartmentID,
		"open_department_id":   u.OpenID,
		"leader_user_id":       s.userNamed(t, u.LeaderUserID),
		"leaders":              leaders,
		"chat_id":              u.ChatID,
		"order":                u.Order,
		"unit_ids":             append([]string{}, u.UnitIDs...),
		"member_count":         direct,
		"primary_member_count": direct,
		"department_hrbps":     hrbps,
		"status":               map[string]any{"is_deleted": false},
	}
	if len(u.I18nName) > 0 {
		out["i18n_name"] = maps.Clone(u.I18nName)
	}
	return s.mask(out, departmentMask)
}
