package dingtalksim

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of a department.
const (
	maxDeptName   = 64
	maxDeptCode   = 30
	maxDeptSource = 256
	badDeptRunes  = "-,，"
)

// Department is one department of the corp.
type Department struct {
	ID               int64 // 1 is the root
	Parent           int64 // 0 for the root
	Name             string
	SourceIdentifier string
	Order            int64 // smaller comes first
	Managers         []string
	OrgDeptOwner     string // the group chat's owner
	Code             string
	Brief            string
	HideDept         bool
	CreateDeptGroup  bool
	AutoAddUser      bool
}

func (d *Department) clone() *Department {
	c := *d
	c.Managers = slices.Clone(d.Managers)
	return &c
}

// SeedDepartment adds a department under the rules of the API. An ID of 0
// takes the next free one, a Parent of 0 is the root. It returns the id, or a
// *Refusal. It leaves no Effect and no event.
func (s *Sim) SeedDepartment(d Department) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d.Parent = either(d.Parent, Root)
	added := d.clone()
	if refused := s.addDepartment(added); refused != nil {
		return 0, refused
	}
	return added.ID, nil
}

// Department gives a department as it is stored.
func (s *Sim) Department(id int64) (Department, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, found := s.contacts.book.departments[id]
	if !found {
		return Department{}, false
	}
	return *d.clone(), true
}

// Departments gives all departments as they are stored, sorted by id.
func (s *Sim) Departments() []Department {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Department, 0, len(s.contacts.book.departments))
	for _, d := range s.contacts.book.departments {
		list = append(list, *d.clone())
	}
	slices.SortFunc(list, func(x, y Department) int { return cmp.Compare(x.ID, y.ID) })
	return list
}

// addDepartment checks and stores a department, which becomes the corp's. The
// caller holds s.mu.
func (s *Sim) addDepartment(d *Department) *Refusal {
	b := &s.contacts.book
	if _, taken := b.departments[d.ID]; taken || d.ID < 0 {
		return refuse(codeDeptExists, "部门ID已经存在")
	}
	if refused := s.checkDepartment(d); refused != nil {
		return refused
	}
	if d.ID == 0 {
		d.ID = b.lastID + 1
	}
	b.lastID = max(b.lastID, d.ID)
	b.departments[d.ID] = d
	return nil
}

// replaceDepartment checks and stores the new state of a department. The
// caller holds s.mu.
func (s *Sim) replaceDepartment(next *Department) *Refusal {
	b := &s.contacts.book
	for id := next.Parent; id != 0; {
		if id == next.ID {
			return refuse(codeDeptCycle, "不能将父部门移到子部门下")
		}
		parent, found := b.departments[id]
		if !found {
			return refuse(codeNoParent, "父部门不存在")
		}
		id = parent.Parent
	}
	if refused := s.checkDepartment(next); refused != nil {
		return refused
	}
	b.departments[next.ID] = next
	return nil
}

// removeDepartment checks and deletes a department. The caller holds s.mu.
func (s *Sim) removeDepartment(id int64) *Refusal {
	b := &s.contacts.book
	switch _, found := b.departments[id]; {
	case id == Root:
		return refuse(codeDeptIsRoot, "不允许删除根部门")
	case !found:
		return refuse(codeNoDept, "部门不存在")
	case len(b.in(id)) > 0:
		return refuse(codeDeptHasMembers, "该部门下还有成员，不允许删除")
	case len(b.children(id)) > 0:
		return refuse(codeDeptHasDepts, "该部门下还有子部门，不允许删除")
	}
	delete(b.departments, id)
	return nil
}

// checkDepartment checks a department by itself and against its siblings. The
// caller holds s.mu.
func (s *Sim) checkDepartment(d *Department) *Refusal {
	if refused := checkDeptName(d.Name, s.contacts.opts.SensitiveWords); refused != nil {
		return refused
	}
	b := &s.contacts.book
	if _, found := b.departments[d.Parent]; !found && d.ID != Root {
		return refuse(codeNoParent, "父部门不存在")
	}
	if utf8.RuneCountInString(d.Code) > maxDeptCode {
		return badParameter("code")
	}
	if utf8.RuneCountInString(d.SourceIdentifier) > maxDeptSource {
		return badParameter("source_identifier")
	}
	for _, other := range b.departments {
		if other.ID == d.ID {
			continue
		}
		if other.Parent == d.Parent && other.Name == d.Name {
			return refuse(codeDeptSameName, "同一层级下部门名称已存在")
		}
		if s.contacts.opts.UniqueSource && d.SourceIdentifier != "" && other.SourceIdentifier == d.SourceIdentifier {
			return refuse(codeDeptExists, "部门标识已经存在")
		}
	}
	return b.checkManagers(d)
}

func checkDeptName(name string, sensitive []string) *Refusal {
	length := utf8.RuneCountInString(name)
	switch {
	case length == 0 || length > maxDeptName || strings.TrimSpace(name) == "":
		return refuse(codeDeptName, "部门名称长度为1~64个字符")
	case strings.ContainsAny(name, badDeptRunes) || strings.ContainsFunc(name, isControl):
		return refuse(codeDeptCharacters, "部门名称中含有不合法的字符")
	case containsAny(name, sensitive):
		return refuse(codeSensitive, "部门名称中含有敏感词")
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// checkManagers refuses managers who are not in the department.
func (b *book) checkManagers(d *Department) *Refusal {
	for _, id := range d.Managers {
		u, found := b.users[id]
		if !found || u.Pending || !slices.Contains(u.Departments, d.ID) {
			return refuse(codeBadUserList, "不合法的userid列表：%s不在该部门中", id)
		}
	}
	return nil
}

// children gives the direct sub-departments in the platform's order.
func (b *book) children(id int64) []*Department {
	var list []*Department
	for _, d := range b.departments {
		if d.Parent == id {
			list = append(list, d)
		}
	}
	slices.SortFunc(list, func(x, y *Department) int {
		return cmp.Or(cmp.Compare(x.Order, y.Order), cmp.Compare(x.ID, y.ID))
	})
	return list
}

// in gives the members of one department, pending ones left out, in the
// platform's order.
func (b *book) in(id int64) []*User {
	var list []*User
	for _, u := range b.users {
		if !u.Pending && slices.Contains(u.Departments, id) {
			list = append(list, u)
		}
	}
	slices.SortFunc(list, func(x, y *User) int {
		return cmp.Or(cmp.Compare(y.Orders[id], x.Orders[id]), cmp.Compare(x.joined, y.joined))
	})
	return list
}
