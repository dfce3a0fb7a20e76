package dingtalksim

import (
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// consentTime is how long the platform remembers that somebody left.
const consentTime = 24 * time.Hour

func userCreateFields() []string {
	return []string{
		"userid", "name", "mobile", "hide_mobile", "telephone", "job_number", "title", "email",
		"org_email", "org_email_type", "work_place", "remark", "dept_id_list", "dept_order_list",
		"dept_title_list", "dept_position_list", "extension", "senior_mode", "hired_date",
		"manager_userid", "login_email", "exclusive_account", "exclusive_account_type", "login_id",
		"init_password", "exclusive_mobile", "language", "outer_exclusive_corpid",
		"outer_exclusive_userid", "avatarMediaId", "nickname", "extension_i18n",
	}
}

func userUpdateFields() []string {
	return append(userCreateFields(), "force_update_fields", "ext_attrs_update_mode")
}

// userCreate serves user/create.
func (s *Sim) userCreate(c *contactCall) (any, *Refusal) {
	s.noteUnknown(c, userCreateFields())
	required := []string{"name", "mobile", "dept_id_list"}
	if c.body.yes("exclusive_account") {
		required = []string{"name", "dept_id_list"} // such an account logs in by another name
	}
	for _, key := range required {
		if value := c.body[key]; value == nil || value == "" {
			return nil, lacks(key)
		}
	}
	limit := s.contacts.opts.AddLimit
	if limit > 0 && s.contacts.added >= limit {
		return nil, refuse(codeBusy, "系统繁忙")
	}
	u := &User{Active: false}
	if refused := s.readNewUser(u, c.body); refused != nil {
		return nil, refused
	}
	if s.isInvited(u) {
		return nil, refuse(codeInvited, "已发送邀请，等待对方确认")
	}
	u.Pending = s.mustConsent(u)
	if refused := s.addUser(u); refused != nil {
		return nil, refused
	}
	s.contacts.added++
	s.effect(c, Effect{User: u.ID, Pending: u.Pending, UserAfter: u.clone()})
	if u.Pending {
		return nil, refuse(codeInvited, "已发送邀请，等待对方确认")
	}
	s.echo(eventUserAdd, s.userEvent(u.ID))
	return map[string]any{"userid": u.ID, "unionId": u.UnionID}, nil
}

func (s *Sim) readNewUser(u *User, o object) *Refusal {
	id := reader{o: o}
	id.text("userid", &u.ID)
	if id.refused != nil {
		return id.refused
	}
	var refused *Refusal
	id.yes("exclusive_account", &u.Exclusive)
	if mobile := o.text("mobile"); mobile != "" || !u.Exclusive {
		if u.StateCode, u.Mobile, refused = parseMobile(mobile, s.contacts.opts.Abroad); refused != nil {
			return refused
		}
	}
	if s.contacts.opts.HROwned && hasAny(o, "title", "dept_title_list", "dept_position_list") {
		return refuse(codeHROwned, "企业已开启智能人事职位管理，请通过智能人事接口修改")
	}
	return s.setUser(u, o)
}

// isInvited tells whether the owner of this number has an invitation already.
func (s *Sim) isInvited(u *User) bool {
	for _, other := range s.contacts.book.users {
		if other.Pending && u.hasMobileOf(other) {
			return true
		}
	}
	return false
}

// mustConsent tells whether the owner of this number is asked first.
func (s *Sim) mustConsent(u *User) bool {
	key := u.mobileKey()
	left, known := s.contacts.left[key]
	gone := known && s.contacts.opts.ConsentAfterDelete && s.opts.Now().Sub(left) < consentTime
	return gone || s.contacts.opts.InviteAll || s.contacts.invited[key]
}

// userUpdate serves user/update. What is absent stays unchanged.
func (s *Sim) userUpdate(c *contactCall) (any, *Refusal) {
	s.noteUnknown(c, userUpdateFields())
	u, refused := s.namedUser(c)
	if refused != nil {
		return nil, refused
	}
	if text, there := c.body["mobile"]; there {
		state, number, _ := parseMobile(c.body.text("mobile"), s.contacts.opts.Abroad)
		if text == "" || state != u.StateCode || number != u.Mobile {
			return nil, refuse(codeMobileFixed, "不允许修改手机号码")
		}
	}
	if s.contacts.opts.HROwned && hasAny(c.body, "title", "dept_id_list", "dept_title_list", "dept_position_list") {
		return nil, refuse(codeHROwned, "企业已开启智能人事职位管理，请通过智能人事接口修改")
	}
	next := u.clone()
	if refused := s.setUser(next, c.body); refused != nil {
		return nil, refused
	}
	if slices.Contains(splitList(c.body.text("force_update_fields")), "manager_userid") && c.body.text("manager_userid") == "" {
		next.Manager = ""
	}
	if refused := s.replaceUser(next); refused != nil {
		if refused.Code == codeEmailExists {
			// The platform has two codes for it; this one is heard on update.
			refused = refuse(codeEmailExists2, "%s", refused.Message)
		}
		return nil, refused
	}
	s.effect(c, Effect{User: u.ID, UserBefore: u.clone(), UserAfter: next.clone()})
	s.echo(eventUserModify, s.modifyEvent(u, next))
	return nil, nil
}

// userDelete serves user/delete.
func (s *Sim) userDelete(c *contactCall) (any, *Refusal) {
	s.noteUnknown(c, []string{"userid", "language"})
	u, refused := s.namedUser(c)
	if refused != nil {
		return nil, refused
	}
	s.removeUser(u, "oapi")
	s.effect(c, Effect{User: u.ID, UserBefore: u.clone()})
	s.echo(eventUserLeave, s.userEvent(u.ID))
	return nil, nil
}

// setUser writes the fields of a request, the id and the mobile left out, over
// those of u.
func (s *Sim) setUser(u *User, o object) *Refusal {
	r := reader{o: o, empty: !s.contacts.opts.EmptyIgnored || u.ID == ""}
	// An empty name is no way to say "leave it alone": the platform refuses it.
	name := reader{o: o, empty: true}
	name.text("name", &u.Name)
	r.text("title", &u.Title)
	r.text("job_number", &u.JobNumber)
	r.text("email", &u.Email)
	r.text("org_email", &u.OrgEmail)
	r.text("org_email_type", &u.OrgEmailType)
	r.text("telephone", &u.Telephone)
	r.text("work_place", &u.WorkPlace)
	r.text("remark", &u.Remark)
	r.text("login_email", &u.LoginEmail)
	r.text("language", &u.Language)
	r.yes("hide_mobile", &u.HideMobile)
	r.yes("senior_mode", &u.Senior)
	r.integer("hired_date", &u.HiredDate)
	// Without force_update_fields an empty manager is ignored.
	manager := reader{o: o}
	manager.text("manager_userid", &u.Manager)
	for _, refused := range []*Refusal{name.refused, r.refused, manager.refused} {
		if refused != nil {
			return refused
		}
	}
	if refused := s.setPlace(u, o); refused != nil {
		return refused
	}
	return s.setExtension(u, o)
}

// setPlace writes the departments and what a user is in each.
func (s *Sim) setPlace(u *User, o object) *Refusal {
	if _, there := o["dept_id_list"]; there {
		list, refused := s.parseDepartments(o)
		if refused != nil {
			return refused
		}
		u.Departments = list
	}
	orders, refused := inDepartments(u, o, "dept_order_list", object.integerOrder)
	if refused != nil {
		return refused
	}
	titles, refused := inDepartments(u, o, "dept_title_list", object.textTitle)
	if refused != nil {
		return refused
	}
	u.Orders = keepOnly(merge(u.Orders, orders), u.Departments)
	u.Titles = keepOnly(merge(u.Titles, titles), u.Departments)
	return nil
}

func (o object) integerOrder() (int64, bool) {
	v, there, good := o.integer("order")
	return v, there && good
}

func (o object) textTitle() (string, bool) {
	v, isText := o["title"].(string)
	return v, isText && utf8.RuneCountInString(v) <= maxTitle
}

// inDepartments reads a list of {"dept_id",…} whose departments the user is in.
func inDepartments[V any](u *User, o object, key string, value func(object) (V, bool)) (map[int64]V, *Refusal) {
	raw, there := o[key]
	if !there || raw == nil {
		return map[int64]V{}, nil
	}
	if _, isList := raw.([]any); !isList {
		return nil, badParameter(key)
	}
	values := map[int64]V{}
	for _, item := range o.list(key) {
		id, there, good := item.integer("dept_id")
		v, fine := value(item)
		if !there || !good || !fine || !slices.Contains(u.Departments, id) {
			return nil, badParameter(key)
		}
		values[id] = v
	}
	return values, nil
}

func merge[V any](old, changes map[int64]V) map[int64]V {
	all := make(map[int64]V, len(old)+len(changes))
	maps.Copy(all, old)
	maps.Copy(all, changes)
	return all
}

func keepOnly[V any](values map[int64]V, departments []int64) map[int64]V {
	for id := range values {
		if !slices.Contains(departments, id) {
			delete(values, id)
		}
	}
	return values
}

// setExtension overwrites the custom fields, or adds to them in mode 1.
func (s *Sim) setExtension(u *User, o object) *Refusal {
	mode, _, good := o.integer("ext_attrs_update_mode")
	if !good || mode != 0 && mode != 1 {
		return badParameter("ext_attrs_update_mode")
	}
	if value, there := o["extension"]; !there || value == nil {
		return nil
	}
	fields, refused := parseExtension(o, s.contacts.opts.ExtFields)
	if refused != nil {
		return refused
	}
	if mode == 0 {
		u.Extension = map[string]string{}
	}
	for name, value := range fields {
		if u.Extension == nil {
			u.Extension = map[string]string{}
		}
		u.Extension[name] = value
		if strings.TrimSpace(value) == "" {
			delete(u.Extension, name)
		}
	}
	return nil
}

func hasAny(o object, keys ...string) bool {
	return slices.ContainsFunc(keys, func(key string) bool { return o[key] != nil })
}
