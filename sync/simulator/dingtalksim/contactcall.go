package dingtalksim

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// The permissions of the contacts calls, for SetPermission. All are granted
// at first.
const (
	PermitDepartments = "qyapi_get_department_list"
	PermitMembers     = "qyapi_get_department_member"
	PermitMember      = "qyapi_get_member"
	PermitByMobile    = "qyapi_get_member_by_mobile"
	PermitManage      = "qyapi_manage_addresslist"
	PermitBase        = "qyapi_base"
	PermitLeavers     = "Contact.Common.Read"
	PermitAccounts    = "Contact.OrgAccountSecurity.ReadWrite"
	// FieldMobile is the right to read mobile numbers (企业员工手机号信息).
	// Without it the fields are absent.
	FieldMobile = "fieldMobile"
	// FieldPersonal is the right to read email, remark, work_place and
	// extension (邮箱等个人信息). Without it the fields are absent.
	FieldPersonal = "fieldEmail"
)

func contactPermissions() []string {
	return []string{
		PermitDepartments, PermitMembers, PermitMember, PermitByMobile, PermitManage,
		PermitBase, PermitLeavers, PermitAccounts, FieldMobile, FieldPersonal,
	}
}

// contactCall is one contacts call on its way.
type contactCall struct {
	path    string
	body    object
	query   url.Values
	effects []Effect // what it did
}

// contactServe answers one call, under Sim.mu. A nil result is an answer
// without a result.
type contactServe func(*Sim, *contactCall) (any, *Refusal)

// contactRoutes are the calls of the old family.
func (s *Sim) contactRoutes() map[string]endpoint {
	read := func(permit string, serve contactServe) endpoint { return s.oldCall(permit, false, serve) }
	write := func(serve contactServe) endpoint { return s.oldCall(PermitManage, true, serve) }
	return map[string]endpoint{
		"POST /topapi/v2/department/listsub":          read(PermitDepartments, (*Sim).listSub),
		"POST /topapi/v2/department/listsubid":        read(PermitDepartments, (*Sim).listSubID),
		"POST /topapi/v2/department/get":              read(PermitDepartments, (*Sim).departmentGet),
		"POST /topapi/v2/department/listparentbydept": read(PermitDepartments, (*Sim).listParents),
		"POST /topapi/v2/department/create":           write((*Sim).departmentCreate),
		"POST /topapi/v2/department/update":           write((*Sim).departmentUpdate),
		"POST /topapi/v2/department/delete":           write((*Sim).departmentDelete),

		"POST /topapi/v2/user/list":                  read(PermitMembers, (*Sim).userList),
		"POST /topapi/user/listsimple":               read(PermitMembers, (*Sim).userListSimple),
		"POST /topapi/user/listid":                   read(PermitMember, (*Sim).userListID),
		"POST /topapi/v2/user/get":                   read(PermitMember, (*Sim).userGet),
		"POST /topapi/v2/user/getbymobile":           read(PermitByMobile, (*Sim).userByMobile),
		"POST /topapi/user/getbyunionid":             read(PermitMember, (*Sim).userByUnionID),
		"POST /topapi/user/listadmin":                read(PermitMember, (*Sim).listAdmin),
		"POST /topapi/user/count":                    read(PermitMember, (*Sim).userCount),
		"POST /topapi/v2/user/create":                write((*Sim).userCreate),
		"POST /topapi/v2/user/update":                write((*Sim).userUpdate),
		"POST /topapi/v2/user/delete":                write((*Sim).userDelete),
		"GET /call_back/get_call_back_failed_result": read(PermitBase, (*Sim).failedEvents),
		"GET /auth/scopes":                           read(PermitBase, (*Sim).authScopes),
	}
}

// oldCall wraps a contacts call with the gateway's checks and the shape of
// the old family.
func (s *Sim) oldCall(permit string, writes bool, serve contactServe) endpoint {
	return func(r *request) answer {
		c := &contactCall{path: r.URL.Path, query: r.URL.Query()}
		if a, banned := s.refuseBanned(); banned {
			return a
		}
		s.mu.Lock()
		shape, quoted := s.contacts.opts.ErrorShape, s.contacts.opts.Quoted
		refused := s.letIn(c, r, permit)
		s.mu.Unlock()
		if refused != nil {
			return quote(refused.answer(shape), quoted)
		}
		if writes {
			s.waitAtGate(c)
		}
		s.mu.Lock()
		result, refused := serve(s, c)
		s.mu.Unlock()
		s.tell(c)
		if refused != nil {
			return quote(refused.answer(shape), quoted)
		}
		body := map[string]any{"errcode": 0, "errmsg": "ok", "request_id": newID("")}
		if flat, isFlat := result.(flatResult); isFlat {
			maps.Copy(body, flat)
		} else if result != nil {
			body["result"] = result
		}
		return quote(answer{status: http.StatusOK, body: body}, quoted)
	}
}

// flatResult is a result whose fields stand beside errcode.
type flatResult map[string]any

// letIn checks what comes before the meaning of a call, in the gateway's
// order: token, address, rate, permission, the form of the body. The caller
// holds s.mu.
func (s *Sim) letIn(c *contactCall, r *request, permit string) *Refusal {
	if refused := s.checkOldToken(c.query.Get("access_token")); refused != nil {
		return refused
	}
	if s.contacts.opts.OutsideAllowList {
		return refuseEarly(codeBadAddress, "访问ip不在白名单之中")
	}
	if s.tooFast(r.Method + " " + r.URL.Path) {
		return refuseEarly(codeTooFast, "您的应用调用该接口的QPS超过限制，请稍后再试")
	}
	if !s.permissions[permit] {
		return refuseEarly(codeNoPermission, "应用尚未开通所需的权限：[%s]", permit)
	}
	if r.Method == http.MethodGet {
		return nil
	}
	body, err := decodeBody(r)
	if err != nil {
		return refuse(codeMissing, "不合法的参数：body")
	}
	c.body = body
	return nil
}

// decodeBody reads a JSON object or a form, by the content type. No body at
// all is an empty object.
func decodeBody(r *request) (object, error) {
	if r.isJSON() {
		if len(r.body) == 0 {
			return object{}, nil
		}
		return decodeObject(r.body)
	}
	values, err := url.ParseQuery(string(r.body))
	if err != nil {
		return nil, err
	}
	o := object{}
	for key := range values {
		o[key] = values.Get(key)
	}
	return o, nil
}

// subject gives the user or department that a call names, for faults and the
// gate: the user before the department. It is empty when there is none.
func (r *request) subject() string {
	o, err := decodeBody(r)
	if err != nil {
		o = object{}
	}
	return subjectOf(o, r.URL.Query())
}

func subjectOf(o object, query url.Values) string {
	for _, key := range []string{"userid", "userId", "dept_id", "mobile", "unionid", "name"} {
		switch v := o[key].(type) {
		case string:
			return v
		case float64:
			return strconv.FormatInt(int64(v), 10)
		}
	}
	return query.Get("userId")
}

func (s *Sim) waitAtGate(c *contactCall) {
	s.mu.Lock()
	gate := s.contacts.gate
	s.mu.Unlock()
	if gate != nil {
		gate(c.path, subjectOf(c.body, c.query))
	}
}

// tell calls the hook for what the call did.
func (s *Sim) tell(c *contactCall) {
	s.mu.Lock()
	hook := s.contacts.onEffect
	s.mu.Unlock()
	for _, effect := range c.effects {
		if hook != nil {
			hook(effect)
		}
	}
}

// quote turns the numbers and booleans of an answer into strings.
func quote(a answer, on bool) answer {
	if !on {
		return a
	}
	raw, err := json.Marshal(a.body)
	if err != nil {
		return a // only a value of our own can be at fault
	}
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.UseNumber()
	var body any
	if decoder.Decode(&body) != nil {
		return a
	}
	a.body = quoted(body)
	return a
}

func quoted(value any) any {
	switch v := value.(type) {
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	case []any:
		for i := range v {
			v[i] = quoted(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = quoted(v[key])
		}
	}
	return value
}
