package wecomsim

import "strconv"

// departmentRequest is the body of department/create and department/update.
type departmentRequest struct {
	ID     *int64  `json:"id"`
	Name   *string `json:"name"`
	NameEN *string `json:"name_en"`
	Parent *int64  `json:"parentid"`
	Order  *int64  `json:"order"`
}

// set writes the fields that are there over those of d.
func (r *departmentRequest) set(d *Department) {
	take(&d.Name, r.Name)
	take(&d.NameEN, r.NameEN)
	take(&d.Parent, r.Parent)
	take(&d.Order, r.Order)
}

// departmentCreate serves department/create.
func (s *Sim) departmentCreate(c *call) (any, *Refusal) {
	var request departmentRequest
	if refusal := s.into(c, &request); refusal != nil {
		return nil, refusal
	}
	var d Department
	request.set(&d)
	if request.ID != nil {
		if *request.ID <= 0 {
			return nil, badParameter("id")
		}
		d.ID = *request.ID
	}
	if refusal := s.book.addDepartment(&d); refusal != nil {
		return nil, refusal
	}
	s.effect(c, strconv.FormatInt(d.ID, 10), c.detail())
	return struct {
		reply
		ID int64 `json:"id"`
	}{reply{Message: "created"}, d.ID}, nil
}

// departmentUpdate serves department/update. What is absent stays unchanged.
func (s *Sim) departmentUpdate(c *call) (any, *Refusal) {
	var request departmentRequest
	if refusal := s.into(c, &request); refusal != nil {
		return nil, refusal
	}
	if request.ID == nil {
		return nil, refuse(codeNoDept, "department id missing")
	}
	current, found := s.book.departments[*request.ID]
	if !found {
		return nil, refuse(codeNoDept, "department not found")
	}
	next := *current
	request.set(&next)
	if next.ID != rootID && next.Parent == 0 {
		return nil, refuse(codeNoParent, "parent department not found")
	}
	if refusal := s.book.changeDepartment(next); refusal != nil {
		return nil, refusal
	}
	s.effect(c, strconv.FormatInt(next.ID, 10), c.detail())
	return reply{Message: "updated"}, nil
}

// departmentDelete serves department/delete, which is a GET.
func (s *Sim) departmentDelete(c *call) (any, *Refusal) {
	id, refusal := c.number("id")
	if refusal != nil {
		return nil, refusal
	}
	if refusal := s.book.removeDepartment(id); refusal != nil {
		return nil, refusal
	}
	s.effect(c, strconv.FormatInt(id, 10), "")
	return reply{Message: "deleted"}, nil
}

// take writes value over target, unless it is absent.
func take[T any](target, value *T) {
	if value != nil {
		*target = *value
	}
}
