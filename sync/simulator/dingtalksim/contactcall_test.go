package dingtalksim

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	scopesPath  = "/auth/scopes"
	disablePath = "/v1.0/contact/orgAccounts/disable"
	statusPath  = "/v1.0/contact/orgAccounts/status"
	leaversPath = "/v1.0/contact/empLeaveRecords"
)

func (b bench) oldGet(t *testing.T, path string) reply {
	t.Helper()
	return b.send(t, b.request(t, http.MethodGet, path+"?access_token="+b.token(t), ""))
}

func TestErrorShapes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		shape                     ErrorShape
		token, permission, nobody string // "88" stands for a wrapped code
	}{
		{ShapeMixed, "88", "88", "60121"},
		{ShapePlain, "40014", "60011", "60121"},
		{ShapeWrapped, "88", "88", "88"},
	} {
		b := corp(t, func(o *Options) { o.Contacts.ErrorShape = c.shape })
		check := func(what string, got reply, errcode, code string) {
			t.Helper()
			if strconv.Itoa(got.errcode()) != errcode || got.text("request_id") == "" {
				t.Errorf("shape %d, %s: %s", c.shape, what, got.raw)
			}
			if errcode == "88" && (got.text("sub_code") != code || got.text("sub_msg") == "" ||
				got.text("errmsg") != "ding talk error[subcode="+code+",submsg="+got.text("sub_msg")+"]") {
				t.Errorf("shape %d, %s: %s", c.shape, what, got.raw)
			}
		}
		check("token", b.post(t, userGetPath+"?access_token=x", fields{}), c.token, "40014")
		check("nobody", b.old(t, userGetPath, fields{"userid": "nobody"}), c.nobody, "60121")
		b.SetPermission(PermitMember, false)
		check("permission", b.old(t, userGetPath, fields{"userid": "li"}), c.permission, "60011")
	}
}

func TestQuoted(t *testing.T) {
	t.Parallel()
	b := corp(t, func(o *Options) { o.Contacts.Quoted = true })
	got := b.old(t, userGetPath, fields{"userid": "li"})
	u := got.child("result")
	if got.text("errcode") != "0" || u.text("active") != "true" || u.text("hired_date") != "1700000000000" ||
		u.list("leader_in_dept")[0].text("dept_id") != "20" {
		t.Errorf("quoted: %s", got.raw)
	}
	if got := b.old(t, userGetPath, fields{"userid": "x"}); got.text("errcode") != "60121" {
		t.Errorf("quoted refusal: %s", got.raw)
	}
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ permission, path string }{
		{PermitDepartments, listSubPath},
		{PermitDepartments, listSubIDPath},
		{PermitDepartments, deptGetPath},
		{PermitDepartments, parentsPath},
		{PermitManage, deptCreatePath},
		{PermitManage, deptUpdatePath},
		{PermitManage, deptDeletePath},
		{PermitMembers, userListPath},
		{PermitMembers, userSimplePath},
		{PermitMember, userIDsPath},
		{PermitMember, userGetPath},
		{PermitByMobile, byMobilePath},
		{PermitMember, byUnionPath},
		{PermitMember, adminsPath},
		{PermitMember, countPath},
		{PermitManage, userCreatePath},
		{PermitManage, userUpdatePath},
		{PermitManage, userDeletePath},
	} {
		b := corp(t)
		b.SetPermission(c.permission, false)
		got := b.old(t, c.path, person1(fields{"dept_id": 10, "parent_id": 1}))
		if got.text("sub_code") != "60011" || !strings.Contains(got.text("sub_msg"), c.permission) {
			t.Errorf("%s without %s: %s", c.path, c.permission, got.raw)
		}
		if len(b.Effects()) != 0 {
			t.Errorf("%s without %s had an effect", c.path, c.permission)
		}
	}
}

func TestFieldPermissions(t *testing.T) {
	t.Parallel()
	b := corp(t)
	absent := func(want ...string) {
		t.Helper()
		list := b.result(t, userListPath, fields{"dept_id": 20, "cursor": 0, "size": 9}).list("list")
		for _, u := range []object{b.result(t, userGetPath, fields{"userid": "li"}), list[0]} {
			var missing []string
			for _, key := range []string{"email", "extension", "mobile", "remark", "state_code", "work_place"} {
				if _, there := u[key]; !there {
					missing = append(missing, key)
				}
			}
			if !slices.Equal(missing, want) {
				t.Errorf("absent: %v, want %v", missing, want)
			}
		}
	}
	absent()
	b.SetPermission(FieldMobile, false)
	absent("mobile", "state_code")
	b.SetPermission(FieldPersonal, false)
	absent("email", "extension", "mobile", "remark", "state_code", "work_place")
	b.SetPermission(FieldMobile, true)
	b.SetPermission(FieldPersonal, true)
	b.ChangeContacts(func(o *ContactsOptions) { o.OmitEmpty = true })
	absent("email")
}

func TestAuthScope(t *testing.T) {
	t.Parallel()
	page := func(dept int) fields { return fields{"dept_id": dept, "cursor": 0, "size": 9} }
	for _, c := range []rule{
		{"listsub", listSubPath, fields{"dept_id": 1}, codeDeptScope},
		{"listsub inside", listSubPath, fields{"dept_id": 10}, 0},
		{"listsubid", listSubIDPath, fields{"dept_id": 1}, 0},
		{"get", deptGetPath, fields{"dept_id": 30}, codeDeptScope},
		{"get inside", deptGetPath, fields{"dept_id": 20}, 0},
		{"parents", parentsPath, fields{"dept_id": 30}, codeDeptScope},
		{"list", userListPath, page(30), codeDeptScope},
		{"list inside", userListPath, page(20), 0},
		{"listsimple", userSimplePath, page(30), codeDeptScope},
		{"listid", userIDsPath, fields{"dept_id": 30}, 0},
		{"user", userGetPath, fields{"userid": "sun"}, codeUserScope},
		{"user inside", userGetPath, fields{"userid": "li"}, 0},
		{"user named", userGetPath, fields{"userid": "qian"}, 0},
		{"by mobile", byMobilePath, fields{"mobile": "13800000008"}, codeUserScope},
		{"create", userCreatePath, person1(fields{"dept_id_list": "30"}), codeDeptScope},
		{"create inside", userCreatePath, person1(fields{"dept_id_list": "20"}), 0},
		{"update", userUpdatePath, fields{"userid": "sun", "title": "x"}, codeUserScope},
		{"move out", userUpdatePath, fields{"userid": "li", "dept_id_list": "30"}, codeDeptScope},
		{"delete", userDeletePath, fields{"userid": "sun"}, codeUserScope},
		{"department", deptCreatePath, fields{"name": "x", "parent_id": 1}, codeDeptScope},
		{"department moves out", deptUpdatePath, fields{"dept_id": 20, "parent_id": 1}, codeDeptScope},
		{"department outside", deptUpdatePath, fields{"dept_id": 30, "name": "x"}, codeDeptScope},
		{"delete department", deptDeletePath, fields{"dept_id": 30}, codeDeptScope},
	} {
		b := corp(t)
		b.seed(t, User{ID: "sun", Name: "孙", Mobile: "13800000008", Departments: []int64{30}})
		b.seed(t, User{ID: "qian", Name: "钱", Departments: []int64{30}})
		b.SetAuthScope(&AuthScope{Departments: []int64{10}, Users: []string{"qian"}})
		if got := b.old(t, c.path, c.body); got.errcode() != c.code {
			t.Errorf("%s: %s", c.name, got.raw)
		}
	}
}

func TestAuthScopes(t *testing.T) {
	t.Parallel()
	b := corp(t, func(o *Options) { o.Contacts.ScopeFilters = true })
	read := func() (depts []any, users []string, fieldNames []string) {
		got := b.oldGet(t, scopesPath)
		depts, _ = got.child("auth_org_scopes")["authed_dept"].([]any)
		users, _ = got.child("auth_org_scopes").texts("authed_user")
		fieldNames, _ = got.texts("auth_user_field")
		return depts, users, fieldNames
	}
	if depts, users, names := read(); !slices.Equal(depts, []any{1.0}) || len(users) != 0 || !slices.Contains(names, "mobile") {
		t.Errorf("whole corp: %v %v %v", depts, users, names)
	}
	b.SetPermission(FieldMobile, false)
	b.SetAuthScope(&AuthScope{Departments: []int64{30}, Users: []string{"fang"}})
	if depts, users, names := read(); !slices.Equal(depts, []any{30.0}) || !slices.Equal(users, []string{"fang"}) || slices.Contains(names, "mobile") {
		t.Errorf("a part: %v %v %v", depts, users, names)
	}
	if list := b.old(t, listSubPath, fields{"dept_id": 1}).list("result"); len(list) != 1 || list[0].number("dept_id") != 30 {
		t.Errorf("filtered: %v", list)
	}
	b.SetAuthScope(nil)
	if list := b.old(t, listSubPath, fields{"dept_id": 1}).list("result"); len(list) != 2 {
		t.Errorf("unlimited: %v", list)
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	b := corp(t)
	for _, body := range []string{"[]", "null", "{", `{"userid":"li"} x`, "x"} {
		if got := b.old(t, userGetPath, body); got.errcode() != codeMissing {
			t.Errorf("%s: %s", body, got.raw)
		}
	}
	r := b.request(t, http.MethodPost, userGetPath+"?access_token="+b.token(t), "userid=li")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if got := b.send(t, r); got.child("result").text("userid") != "li" {
		t.Errorf("form: %s", got.raw)
	}
	if got := b.oldGet(t, userGetPath); got.errcode() == 0 {
		t.Errorf("GET instead of POST: %s", got.raw)
	}
}

func TestContactRates(t *testing.T) {
	t.Parallel()
	b := corp(t, func(o *Options) { o.QPS = 2 })
	call := func(path string) reply { return b.old(t, path, fields{"userid": "li", "dept_id": 10}) }
	for range 2 {
		if got := call(userGetPath); got.errcode() != 0 {
			t.Fatalf("in the limit: %s", got.raw)
		}
	}
	if got := call(userGetPath); got.text("sub_code") != "90018" {
		t.Errorf("too fast: %s", got.raw)
	}
	if got := call(deptGetPath); got.errcode() != 0 {
		t.Errorf("another call: %s", got.raw)
	}
	b.clock.Add(time.Second)
	if got := call(userGetPath); got.errcode() != 0 {
		t.Errorf("a second later: %s", got.raw)
	}
	b.seed(t, User{ID: "e", Name: "专属", Exclusive: true})
	account := func() reply { return b.call(t, http.MethodGet, statusPath+"?userId=e", "") }
	account()
	account()
	if got := account(); got.status != 403 || got.text("code") != "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi" {
		t.Errorf("new family: %d %s", got.status, got.raw)
	}
	if b.Usage().Calls != 0 {
		t.Error("contacts calls cost quota")
	}
}

func TestAddressRefused(t *testing.T) {
	t.Parallel()
	b := corp(t, func(o *Options) { o.Contacts.OutsideAllowList = true })
	if got := b.old(t, userGetPath, fields{"userid": "li"}); got.text("sub_code") != "60020" {
		t.Errorf("old family: %s", got.raw)
	}
	got := b.call(t, http.MethodPost, disablePath, fields{"userId": "li"})
	if got.status != 403 || got.text("code") != "Forbidden.AccessDenied.IpNotInWhiteList" {
		t.Errorf("new family: %s", got.raw)
	}
}

func TestBan(t *testing.T) {
	t.Parallel()
	b := corp(t, func(o *Options) { o.QPS, o.Contacts.BanAfter = -1, 3 })
	call := func() reply { return b.old(t, userGetPath, fields{"userid": "li"}) }
	for range 3 {
		if got := call(); got.errcode() != 0 {
			t.Fatalf("in the limit: %s", got.raw)
		}
	}
	if got := call(); got.number("status") != 1111 || got.text("punish") != "deny" || got.number("wait") != 5 {
		t.Errorf("ban: %s", got.raw)
	}
	if got := b.call(t, http.MethodGet, statusPath+"?userId=e", ""); got.number("status") != 1111 {
		t.Errorf("ban of the new family: %s", got.raw)
	}
	b.ChangeContacts(func(o *ContactsOptions) { o.BanHTML = true })
	b.clock.Add(4 * time.Minute)
	if got := call(); got.object != nil || !strings.HasPrefix(got.raw, "<!DOCTYPE html>") {
		t.Errorf("page: %s", got.raw)
	}
	b.clock.Add(2 * time.Minute)
	if got := call(); got.errcode() != 0 {
		t.Errorf("after the ban: %s", got.raw)
	}
	b.Ban(time.Minute)
	if got := call(); got.object != nil {
		t.Errorf("banned by hand: %s", got.raw)
	}
	b.Ban(0)
	if got := call(); got.errcode() != 0 {
		t.Errorf("lifted: %s", got.raw)
	}
}
