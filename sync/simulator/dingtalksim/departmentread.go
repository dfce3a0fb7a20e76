package dingtalksim

import "slices"

// deptID reads the department that a call names and that must exist.
func (s *Sim) deptID(c *contactCall) (int64, *Refusal) {
	const key = "dept_id"
	id, found, good := c.body.integer(key)
	switch {
	case !found:
		return 0, lacks(key)
	case !good || id <= 0:
		return 0, refuse(codeBadDeptID, "不合法的部门id")
	}
	if s.contacts.book.departments[id] == nil || s.hides(deptKey(id), HideGet) {
		return 0, refuse(codeNoDept, "部门不存在")
	}
	return id, nil
}

// seenDept is deptID for calls that honour the app's scope.
func (s *Sim) seenDept(c *contactCall) (*Department, *Refusal) {
	id, refused := s.deptID(c)
	if refused != nil {
		return nil, refused
	}
	if !s.seesDept(id) {
		return nil, refuse(codeDeptScope, "请求的部门id不在授权范围内")
	}
	return s.contacts.book.departments[id], nil
}

// listSub serves department/listsub: the direct children in the app's scope.
func (s *Sim) listSub(c *contactCall) (any, *Refusal) {
	if _, there := c.body["dept_id"]; !there {
		c.body["dept_id"] = float64(Root)
	}
	id, refused := s.deptID(c)
	if refused != nil {
		return nil, refused
	}
	if !s.seesDept(id) && !s.contacts.opts.ScopeFilters {
		return nil, refuse(codeDeptScope, "请求的部门id不在授权范围内")
	}
	list := []any{}
	for _, d := range s.contacts.book.children(id) {
		if s.seesDept(d.ID) && !s.hides(deptKey(d.ID), HideList) {
			list = append(list, map[string]any{
				"dept_id": d.ID, "name": d.Name, "parent_id": d.Parent,
				"create_dept_group": d.CreateDeptGroup, "auto_add_user": d.AutoAddUser,
			})
		}
	}
	return list, nil
}

// listSubID serves department/listsubid, which ignores the app's scope.
func (s *Sim) listSubID(c *contactCall) (any, *Refusal) {
	id, refused := s.deptID(c)
	if refused != nil {
		return nil, refused
	}
	list := []int64{}
	for _, d := range s.contacts.book.children(id) {
		if !s.hides(deptKey(d.ID), HideList) {
			list = append(list, d.ID)
		}
	}
	return map[string]any{"dept_id_list": list}, nil
}

// departmentGet serves department/get.
func (s *Sim) departmentGet(c *contactCall) (any, *Refusal) {
	d, refused := s.seenDept(c)
	if refused != nil {
		return nil, refused
	}
	result := map[string]any{
		"dept_id": d.ID, "name": d.Name, "order": d.Order,
		"source_identifier": d.SourceIdentifier, "code": d.Code, "brief": d.Brief,
		"dept_manager_userid_list": append([]string{}, d.Managers...),
		"org_dept_owner":           d.OrgDeptOwner, "hide_dept": d.HideDept,
		"create_dept_group": d.CreateDeptGroup, "auto_add_user": d.AutoAddUser,
		"member_count": len(s.contacts.book.in(d.ID)), "owning_member_count": len(s.contacts.book.in(d.ID)),
		"outer_dept": false, "dept_permits": []int64{}, "user_permits": []string{},
	}
	if d.ID != Root {
		result["parent_id"] = d.Parent
	}
	return s.bare(result), nil
}

// listParents serves department/listparentbydept: the department itself, its
// parent, and so on up to the root.
func (s *Sim) listParents(c *contactCall) (any, *Refusal) {
	d, refused := s.seenDept(c)
	if refused != nil {
		return nil, refused
	}
	return map[string]any{"parent_id_list": s.contacts.book.path(d.ID)}, nil
}

// path gives a department and all above it, the root last.
func (b *book) path(id int64) []int64 {
	list := []int64{}
	for d := b.departments[id]; d != nil; d = b.departments[d.Parent] {
		list = append(list, d.ID)
	}
	return list
}

// bare leaves empty fields out when the corp does so.
func (s *Sim) bare(result map[string]any) map[string]any {
	if !s.contacts.opts.OmitEmpty {
		return result
	}
	for key, value := range result {
		if slices.Contains([]string{"name", "userid", "dept_id"}, key) {
			continue
		}
		switch v := value.(type) {
		case string:
			if v == "" {
				delete(result, key)
			}
		case []string:
			if len(v) == 0 {
				delete(result, key)
			}
		}
	}
	return result
}
