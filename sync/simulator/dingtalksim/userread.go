package dingtalksim

import (
	"cmp"
	"slices"
	"strconv"
)

// maxPage is the largest size of a page of users.
const maxPage = 100

// namedUser gives the user that a call names and that is there for the app.
func (s *Sim) namedUser(c *contactCall) (*User, *Refusal) {
	id := c.body.text("userid")
	if id == "" {
		return nil, lacks("userid")
	}
	return s.findUser(id)
}

func (s *Sim) findUser(id string) (*User, *Refusal) {
	u, found := s.contacts.book.users[id]
	if !found || u.Pending || s.hides("user "+id, HideGet) {
		return nil, refuse(codeNoUser, "找不到该用户")
	}
	if !s.seesUser(u) {
		return nil, refuse(codeUserScope, "请求的员工userid不在授权范围内")
	}
	return u, nil
}

// userGet serves user/get.
func (s *Sim) userGet(c *contactCall) (any, *Refusal) {
	u, refused := s.namedUser(c)
	if refused != nil {
		return nil, refused
	}
	result := s.userFields(u)
	leaders, orders := []any{}, []any{}
	for _, id := range u.Departments {
		leaders = append(leaders, map[string]any{"dept_id": id, "leader": s.contacts.book.leads(u.ID, id)})
		if order, there := u.Orders[id]; there {
			orders = append(orders, map[string]any{"dept_id": id, "order": order})
		}
	}
	result["leader_in_dept"], result["dept_order_list"] = leaders, orders
	result["senior"], result["real_authed"], result["role_list"] = u.Senior, u.RealAuthed, []any{}
	if u.Manager != "" {
		result["manager_userid"] = u.Manager
	}
	return s.bare(result), nil
}

// userFields are the fields that user/get and user/list share. Those that the
// app may not read are absent.
func (s *Sim) userFields(u *User) map[string]any {
	result := map[string]any{
		"userid": u.ID, "unionid": u.UnionID, "name": u.Name, "avatar": u.Avatar,
		"title": u.Title, "job_number": u.JobNumber, "telephone": u.Telephone,
		"org_email": u.OrgEmail, "hide_mobile": u.HideMobile, "active": u.Active,
		"admin": u.AdminLevel > 0, "boss": u.Boss, "exclusive_account": u.Exclusive,
		"dept_id_list": append([]int64{}, u.Departments...),
	}
	if u.HiredDate != 0 {
		result["hired_date"] = u.HiredDate
	}
	if u.LoginEmail != "" {
		result["login_email"] = u.LoginEmail
	}
	if s.permissions[FieldMobile] {
		result["mobile"], result["state_code"] = u.Mobile, either(u.StateCode, chinaCode)
	}
	if s.permissions[FieldPersonal] {
		result["email"], result["remark"], result["work_place"] = u.Email, u.Remark, u.WorkPlace
		result["extension"] = extensionText(u.Extension)
	}
	return result
}

// userList serves user/list: the people of one department, page by page.
func (s *Sim) userList(c *contactCall) (any, *Refusal) {
	return s.page(c, func(u *User, dept int64) map[string]any {
		result := s.userFields(u)
		result["leader"], result["dept_order"] = s.contacts.book.leads(u.ID, dept), u.Orders[dept]
		if s.contacts.opts.ManagerInList && u.Manager != "" {
			result["manager_userid"] = u.Manager
		}
		return s.bare(result)
	})
}

// userListSimple serves user/listsimple.
func (s *Sim) userListSimple(c *contactCall) (any, *Refusal) {
	return s.page(c, func(u *User, _ int64) map[string]any {
		return map[string]any{"userid": u.ID, "name": u.Name}
	})
}

// page cuts a page out of a department's people.
func (s *Sim) page(c *contactCall, fields func(*User, int64) map[string]any) (any, *Refusal) {
	d, refused := s.seenDept(c)
	if refused != nil {
		return nil, refused
	}
	cursor, hasCursor, good := c.body.integer("cursor")
	switch {
	case !hasCursor:
		return nil, lacks("cursor")
	case !good || cursor < 0:
		return nil, refuse(codeBadOffset, "不合法的分页游标")
	}
	size, hasSize, good := c.body.integer("size")
	switch {
	case !hasSize:
		return nil, lacks("size")
	case !good || size < 1 || size > maxPage:
		return nil, refuse(codeBadSize, "不合法的分页大小，最大%d", maxPage)
	}
	people, refused := s.listed(c, d.ID)
	if refused != nil {
		return nil, refused
	}
	from := min(cursor, int64(len(people)))
	to := min(from+size, int64(len(people)))
	list := []any{}
	for _, u := range people[from:to] {
		list = append(list, fields(u, d.ID))
	}
	result := map[string]any{"has_more": to < int64(len(people)), "list": list}
	if to < int64(len(people)) {
		result["next_cursor"] = to
	}
	return result, nil
}

// listed gives the people of a department in the order that the call wants.
func (s *Sim) listed(c *contactCall, dept int64) ([]*User, *Refusal) {
	limited, _, good := c.body.boolean("contain_access_limit")
	if !good {
		return nil, badParameter("contain_access_limit")
	}
	people := slices.DeleteFunc(s.contacts.book.in(dept), func(u *User) bool {
		return u.AccessLimited && !limited || s.hides("user "+u.ID, HideList)
	})
	orders := map[string]func(x, y *User) int{
		"entry_asc":   func(x, y *User) int { return cmp.Compare(x.joined, y.joined) },
		"entry_desc":  func(x, y *User) int { return cmp.Compare(y.joined, x.joined) },
		"modify_asc":  func(x, y *User) int { return cmp.Compare(x.modified, y.modified) },
		"modify_desc": func(x, y *User) int { return cmp.Compare(y.modified, x.modified) },
	}
	field := either(c.body.text("order_field"), "custom")
	if field == "custom" {
		return people, nil
	}
	order, known := orders[field]
	if !known {
		return nil, badParameter("order_field")
	}
	slices.SortFunc(people, order)
	return people, nil
}

// userListID serves user/listid, which ignores the app's scope and knows no
// pages.
func (s *Sim) userListID(c *contactCall) (any, *Refusal) {
	dept, refused := s.deptID(c)
	if refused != nil {
		return nil, refused
	}
	list := []string{}
	for _, u := range s.contacts.book.in(dept) {
		if !s.hides("user "+u.ID, HideList) {
			list = append(list, u.ID)
		}
	}
	return map[string]any{"userid_list": list}, nil
}

// userByMobile serves user/getbymobile.
func (s *Sim) userByMobile(c *contactCall) (any, *Refusal) {
	text := c.body.text("mobile")
	if text == "" {
		return nil, lacks("mobile")
	}
	state, number, refused := parseMobile(text, s.contacts.opts.Abroad)
	if refused != nil {
		return nil, refused
	}
	wanted := &User{StateCode: state, Mobile: number}
	u, refused := s.userWhere(wanted.hasMobileOf)
	if refused != nil {
		return nil, refused
	}
	return map[string]any{"userid": u.ID, "exclusive_account_userid_list": []string{}}, nil
}

// userByUnionID serves user/getbyunionid.
func (s *Sim) userByUnionID(c *contactCall) (any, *Refusal) {
	id := c.body.text("unionid")
	if id == "" {
		return nil, lacks("unionid")
	}
	u, refused := s.userWhere(func(u *User) bool { return u.UnionID == id })
	if refused != nil {
		return nil, refused
	}
	return map[string]any{"contact_type": 0, "userid": u.ID}, nil
}

func (s *Sim) userWhere(is func(*User) bool) (*User, *Refusal) {
	for _, u := range s.contacts.book.users {
		if is(u) {
			return s.findUser(u.ID)
		}
	}
	return nil, refuse(codeNoUser, "找不到该用户")
}

// listAdmin serves user/listadmin.
func (s *Sim) listAdmin(*contactCall) (any, *Refusal) {
	list := []any{}
	for _, u := range s.contacts.book.sorted() {
		if u.AdminLevel > 0 {
			list = append(list, map[string]any{"userid": u.ID, "sys_level": u.AdminLevel})
		}
	}
	return list, nil
}

// userCount serves user/count.
func (s *Sim) userCount(c *contactCall) (any, *Refusal) {
	only, there, good := c.body.boolean("only_active")
	switch {
	case !there:
		return nil, lacks("only_active")
	case !good:
		return nil, badParameter("only_active=" + strconv.Quote(c.body.text("only_active")))
	}
	n := 0
	for _, u := range s.contacts.book.sorted() {
		if u.Active || !only {
			n++
		}
	}
	return map[string]any{"count": n}, nil
}

// sorted gives everybody who is there, by id.
func (b *book) sorted() []*User {
	var list []*User
	for _, u := range b.users {
		if !u.Pending {
			list = append(list, u)
		}
	}
	slices.SortFunc(list, func(x, y *User) int { return cmp.Compare(x.ID, y.ID) })
	return list
}
