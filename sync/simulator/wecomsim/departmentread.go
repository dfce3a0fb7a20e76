package wecomsim

import (
	"cmp"
	"slices"
)

// departmentID is one row of department/simplelist.
type departmentID struct {
	ID     int64 `json:"id"`
	Parent int64 `json:"parentid"`
	Order  int64 `json:"order"`
}

// departmentRow is a department as department/list and department/get give it.
type departmentRow struct {
	ID      int64    `json:"id"`
	Name    string   `json:"name"`
	NameEN  string   `json:"name_en"`
	Leaders []string `json:"department_leader"`
	Parent  int64    `json:"parentid"`
	Order   int64    `json:"order"`
}

// departmentSimpleList serves department/simplelist.
func (s *Sim) departmentSimpleList(c *call) (any, *Refusal) {
	list, refusal := s.listed(c)
	if refusal != nil {
		return nil, refusal
	}
	rows := make([]departmentID, 0, len(list))
	for _, d := range list {
		rows = append(rows, departmentID{ID: d.ID, Parent: d.Parent, Order: d.Order})
	}
	return struct {
		reply
		Rows []departmentID `json:"department_id"`
	}{replyOK, rows}, nil
}

// departmentList serves department/list.
func (s *Sim) departmentList(c *call) (any, *Refusal) {
	list, refusal := s.listed(c)
	if refusal != nil {
		return nil, refusal
	}
	rows := make([]departmentRow, 0, len(list))
	for _, d := range list {
		rows = append(rows, s.departmentRow(d))
	}
	return struct {
		reply
		Rows []departmentRow `json:"department"`
	}{replyOK, rows}, nil
}

// departmentGet serves department/get.
func (s *Sim) departmentGet(c *call) (any, *Refusal) {
	id, refusal := c.number("id")
	if refusal != nil {
		return nil, refusal
	}
	d, found := s.book.departments[id]
	if !found {
		return nil, refuse(codeNoDept, "department not found")
	}
	if !s.sight(c).department(id) {
		return nil, refuse(codeOutOfScope, "no privilege to access/modify contact/party/agent")
	}
	return struct {
		reply
		Row departmentRow `json:"department"`
	}{replyOK, s.departmentRow(*d)}, nil
}

// listed gives the departments that a listing call asks for and may see.
func (s *Sim) listed(c *call) ([]Department, *Refusal) {
	id, refusal := c.number("id")
	if refusal != nil {
		return nil, refusal
	}
	sight := s.sight(c)
	if id != 0 {
		if _, found := s.book.departments[id]; !found {
			return nil, refuse(codeNoDept, "department not found")
		}
		if !sight.department(id) {
			return nil, refuse(codeOutOfScope, "no privilege to access/modify contact/party/agent")
		}
	}
	list := s.book.below(or(id, int64(rootID)))
	return slices.DeleteFunc(list, func(d Department) bool { return !sight.department(d.ID) }), nil
}

func (s *Sim) departmentRow(d Department) departmentRow {
	leaders := []string{}
	for key := range s.book.members[d.ID] {
		u := s.book.users[key]
		if i := slices.Index(u.Departments, d.ID); i >= 0 && u.IsLeader[i] == 1 {
			leaders = append(leaders, u.ID)
		}
	}
	slices.SortFunc(leaders, func(x, y string) int { return cmp.Compare(fold(x), fold(y)) })
	return departmentRow{ID: d.ID, Name: d.Name, NameEN: d.NameEN, Leaders: leaders, Parent: d.Parent, Order: d.Order}
}
