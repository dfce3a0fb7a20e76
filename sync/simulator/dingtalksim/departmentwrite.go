package dingtalksim

import (
	"slices"
	"strings"
)

func deptCreateFields() []string {
	return []string{
		"name", "parent_id", "source_identifier", "order", "hide_dept", "create_dept_group",
		"auto_approve_apply", "code", "brief", "dept_permits", "user_permits", "outer_dept",
		"outer_dept_only_self", "outer_permit_users", "outer_permit_depts", "extension", "language",
	}
}

func deptUpdateFields() []string {
	return append(deptCreateFields(), "dept_id", "dept_manager_userid_list", "org_dept_owner",
		"auto_add_user", "group_contain_sub_dept", "force_update_fields")
}

// departmentCreate serves department/create.
func (s *Sim) departmentCreate(c *contactCall) (any, *Refusal) {
	s.noteUnknown(c, deptCreateFields())
	if c.body.text("name") == "" {
		return nil, refuse(codeDeptName, "部门名称不能为空")
	}
	if _, there := c.body["parent_id"]; !there {
		return nil, lacks("parent_id")
	}
	d := &Department{}
	if refused := s.setDepartment(d, c.body); refused != nil {
		return nil, refused
	}
	if refused := s.addDepartment(d); refused != nil {
		return nil, refused
	}
	s.effect(c, Effect{Department: d.ID, DepartmentAfter: d.clone()})
	s.echo(eventDeptCreate, deptEvent(d.ID))
	return map[string]any{"dept_id": d.ID}, nil
}

// departmentUpdate serves department/update. What is absent stays unchanged.
func (s *Sim) departmentUpdate(c *contactCall) (any, *Refusal) {
	s.noteUnknown(c, deptUpdateFields())
	d, refused := s.seenDept(c)
	if refused != nil {
		return nil, refused
	}
	if d.ID == Root {
		return nil, refuse(codeRootFixed, "根部门不允许更新")
	}
	next := d.clone()
	if refused := s.setDepartment(next, c.body); refused != nil {
		return nil, refused
	}
	if refused := s.replaceDepartment(next); refused != nil {
		return nil, refused
	}
	s.effect(c, Effect{Department: d.ID, DepartmentBefore: d.clone(), DepartmentAfter: next.clone()})
	s.echo(eventDeptModify, deptEvent(d.ID))
	return nil, nil
}

// departmentDelete serves department/delete.
func (s *Sim) departmentDelete(c *contactCall) (any, *Refusal) {
	s.noteUnknown(c, []string{"dept_id"})
	d, refused := s.seenDept(c)
	if refused != nil {
		return nil, refused
	}
	if refused := s.removeDepartment(d.ID); refused != nil {
		return nil, refused
	}
	s.effect(c, Effect{Department: d.ID, DepartmentBefore: d})
	s.echo(eventDeptRemove, deptEvent(d.ID))
	return nil, nil
}

// setDepartment writes the fields of a request over those of d.
func (s *Sim) setDepartment(d *Department, o object) *Refusal {
	if refused := s.setParent(d, o); refused != nil {
		return refused
	}
	empty := !s.contacts.opts.EmptyIgnored || d.ID == 0
	forced := strings.Split(o.text("force_update_fields"), ",")
	r := reader{o: o, empty: empty}
	// An empty name is no way to say "leave it alone": the platform refuses it.
	name := reader{o: o, empty: true}
	name.text("name", &d.Name)
	r.text("source_identifier", &d.SourceIdentifier)
	r.text("org_dept_owner", &d.OrgDeptOwner)
	r.text("code", &d.Code)
	r.text("brief", &d.Brief)
	r.integer("order", &d.Order)
	r.yes("hide_dept", &d.HideDept)
	r.yes("create_dept_group", &d.CreateDeptGroup)
	r.yes("auto_add_user", &d.AutoAddUser)
	managers := strings.Join(d.Managers, ",")
	if _, there := o["dept_manager_userid_list"]; !there && slices.Contains(forced, "dept_manager_userid_list") {
		managers = "" // named and left out, which is how the platform wants it cleared
	}
	m := reader{o: o, empty: slices.Contains(forced, "dept_manager_userid_list") || empty}
	m.text("dept_manager_userid_list", &managers)
	d.Managers = splitList(managers)
	for _, refused := range []*Refusal{name.refused, r.refused, m.refused} {
		if refused != nil {
			return refused
		}
	}
	return nil
}

// setParent reads parent_id, which must be in the app's scope when it changes.
func (s *Sim) setParent(d *Department, o object) *Refusal {
	id, there, good := o.integer("parent_id")
	switch {
	case !there || good && id == d.Parent:
		return nil
	case !good || id <= 0:
		return refuse(codeBadDeptID, "不合法的部门id")
	case s.contacts.book.departments[id] == nil:
		return refuse(codeNoParent, "父部门不存在")
	case !s.seesDept(id):
		return refuse(codeDeptScope, "请求的部门id不在授权范围内")
	}
	d.Parent = id
	return nil
}

// splitList reads "a,b"; an empty text is an empty list.
func splitList(text string) []string {
	var list []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	return list
}
