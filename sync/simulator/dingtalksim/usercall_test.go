package dingtalksim

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	userListPath   = "/topapi/v2/user/list"
	userSimplePath = "/topapi/user/listsimple"
	userIDsPath    = "/topapi/user/listid"
	userGetPath    = "/topapi/v2/user/get"
	userCreatePath = "/topapi/v2/user/create"
	userUpdatePath = "/topapi/v2/user/update"
	userDeletePath = "/topapi/v2/user/delete"
	byMobilePath   = "/topapi/v2/user/getbymobile"
	byUnionPath    = "/topapi/user/getbyunionid"
	adminsPath     = "/topapi/user/listadmin"
	countPath      = "/topapi/user/count"
)

// person1 is a good user/create, with some fields changed; nil takes one away.
func person1(changes fields) fields {
	f := fields{"userid": "han", "name": "韩梅", "mobile": "13800000003", "dept_id_list": "10,30"}
	maps.Copy(f, changes)
	maps.DeleteFunc(f, func(_ string, value any) bool { return value == nil })
	return f
}

func TestUserCreateRules(t *testing.T) {
	t.Parallel()
	create := func(name, field string, value any, code int) rule {
		return rule{name, userCreatePath, person1(fields{field: value}), code}
	}
	var many []string
	for i := range 101 {
		many = append(many, strconv.Itoa(i+1))
	}
	hold(t, []rule{
		create("good", "title", "x", 0),
		create("no name", "name", nil, codeMissing),
		create("name of 81", "name", strings.Repeat("名", 81), codeBadParameter),
		create("no mobile", "mobile", nil, codeMissing),
		create("no departments", "dept_id_list", nil, codeMissing),
		create("departments as array", "dept_id_list", []int{10}, codeBadDeptList),
		create("departments as words", "dept_id_list", "a,b", codeBadDeptList),
		create("the same department twice", "dept_id_list", "10,10", codeBadDeptList),
		create("unknown department", "dept_id_list", "10,99", codeNoDept),
		create("negative department", "dept_id_list", "-7", codeBadDeptID),
		create("too many departments", "dept_id_list", strings.Join(many, ","), codeBadDeptList),
		create("userid taken", "userid", "li", codeUserExists),
		create("userid of 65", "userid", strings.Repeat("u", 65), codeBadParameter),
		create("userid is a number", "userid", 7, codeBadParameter),
		create("mobile taken", "mobile", "13800000001", codeMobileExists),
		create("mobile taken, with its country", "mobile", "+86-13800000001", codeMobileExists),
		create("mobile too short", "mobile", "1380000", codeBadMobile),
		create("mobile of another country", "mobile", "+852-51234567", 0),
		create("mobile of another country, wrong", "mobile", "+852 51234567", codeBadIntlMobile),
		create("mobile +86, wrong", "mobile", "+86-123456", codeBadIntlMobile),
		create("email taken", "email", "Fang@Example.com", codeEmailExists),
		create("email wrong", "email", "fang", codeBadParameter),
		create("email of 51", "email", strings.Repeat("x", 46)+"@a.cn", codeBadParameter),
		create("telephone taken", "telephone", "801", codePhoneExists),
		create("telephone of 51", "telephone", strings.Repeat("1", 51), codeBadParameter),
		create("job number taken", "job_number", "7", 0),
		create("job number of 51", "job_number", strings.Repeat("1", 51), codeBadParameter),
		create("title of 200", "title", strings.Repeat("长", 200), 0),
		create("title of 201", "title", strings.Repeat("长", 201), codeBadParameter),
		create("work place of 101", "work_place", strings.Repeat("x", 101), codeBadParameter),
		create("remark of 2001", "remark", strings.Repeat("x", 2001), codeBadParameter),
		create("org email without mail", "org_email", "x@corp.cn", codeBadParameter),
		create("manager", "manager_userid", "fang", 0),
		create("unknown manager", "manager_userid", "nobody", codeNoManager),
		create("hired date in words", "hired_date", "2024-01-01", codeBadParameter),
		create("hired date quoted", "hired_date", "1700000000000", 0),
		create("hide mobile in words", "hide_mobile", "yes", codeBadParameter),
		create("orders", "dept_order_list", []fields{{"dept_id": 10, "order": 3}}, 0),
		create("order elsewhere", "dept_order_list", []fields{{"dept_id": 20, "order": 3}}, codeBadParameter),
		create("orders as text", "dept_order_list", "10:3", codeBadParameter),
		create("titles", "dept_title_list", []fields{{"dept_id": 30, "title": "顾问"}}, 0),
		create("title without text", "dept_title_list", []fields{{"dept_id": 30}}, codeBadParameter),
		create("extension", "extension", `{"级别":"P7"}`, 0),
		create("extension undefined", "extension", `{"爱好":"x"}`, codeBadParameter),
		create("extension no json", "extension", `级别`, codeBadParameter),
		create("extension as object", "extension", fields{"级别": "x"}, codeBadParameter),
		create("extension of 2001", "extension", `{"级别":"`+strings.Repeat("x", 2000)+`"}`, codeBadParameter),
	}, func(o *Options) { o.Contacts.ExtFields = []string{"级别"} })
}

func TestUserOtherRules(t *testing.T) {
	t.Parallel()
	update := func(name, field string, value any, code int) rule {
		return rule{name, userUpdatePath, fields{"userid": "li", field: value}, code}
	}
	page := func(name string, cursor, size any, code int) rule {
		return rule{name, userListPath, fields{"dept_id": 20, "cursor": cursor, "size": size}, code}
	}
	hold(t, []rule{
		update("nothing", "title", "x", 0),
		update("the same mobile", "mobile", "13800000002", 0),
		update("another mobile", "mobile", "13800000009", codeMobileFixed),
		update("no mobile", "mobile", "", codeMobileFixed),
		update("empty name", "name", "", codeMissing),
		update("email taken", "email", "fang@example.com", codeEmailExists2),
		update("telephone taken", "telephone", "801", codePhoneExists),
		update("unknown manager", "manager_userid", "nobody", codeNoManager),
		update("no departments", "dept_id_list", "", codeBadDeptList),
		update("unknown department", "dept_id_list", "99", codeNoDept),
		update("mode 2", "ext_attrs_update_mode", 2, codeBadParameter),
		{"update unknown", userUpdatePath, fields{"userid": "nobody"}, codeNoUser},
		{"update without id", userUpdatePath, fields{}, codeMissing},
		{"delete unknown", userDeletePath, fields{"userid": "nobody"}, codeNoUser},
		{"get unknown", userGetPath, fields{"userid": "nobody"}, codeNoUser},
		{"get without id", userGetPath, fields{}, codeMissing},
		page("good page", 0, 100, 0),
		page("quoted page", "0", "100", 0),
		page("size 101", 0, 101, codeBadSize),
		page("size 0", 0, 0, codeBadSize),
		page("no size", 0, nil, codeMissing),
		page("cursor negative", -1, 10, codeBadOffset),
		page("no cursor", nil, 10, codeMissing),
		page("cursor beyond the end", 1000, 10, 0),
		{"simple size 101", userSimplePath, fields{"dept_id": 20, "cursor": 0, "size": 101}, codeBadSize},
		{"list unknown", userListPath, fields{"dept_id": 99, "cursor": 0, "size": 10}, codeNoDept},
		{"order unknown", userListPath, fields{"dept_id": 20, "cursor": 0, "size": 10, "order_field": "x"}, codeBadParameter},
		{"limit in words", userListPath, fields{"dept_id": 20, "cursor": 0, "size": 10, "contain_access_limit": "x"}, codeBadParameter},
		{"listid unknown", userIDsPath, fields{"dept_id": 99}, codeNoDept},
		{"by mobile unknown", byMobilePath, fields{"mobile": "13900000000"}, codeNoUser},
		{"by mobile wrong", byMobilePath, fields{"mobile": "1"}, codeBadMobile},
		{"by mobile without", byMobilePath, fields{}, codeMissing},
		{"by union unknown", byUnionPath, fields{"unionid": "x"}, codeNoUser},
		{"by union without", byUnionPath, fields{}, codeMissing},
		{"count without", countPath, fields{}, codeMissing},
		{"count in words", countPath, fields{"only_active": "x"}, codeBadParameter},
	})
}

func TestUserCreateAndGet(t *testing.T) {
	t.Parallel()
	b := corp(t, func(o *Options) { o.Contacts.ExtFields, o.Contacts.Mailbox = []string{"级别"}, true })
	made := b.result(t, userCreatePath, person1(fields{
		"userid": nil, "mobile": "+852-51234567", "org_email": "han@corp.cn", "hide_mobile": true, "senior_mode": "true",
		"hired_date": 1700000000000, "extension": `{"级别":"P7"}`, "manager_userid": "fang",
		"dept_order_list": []fields{{"dept_id": 10, "order": 3}},
		"dept_title_list": []fields{{"dept_id": 30, "title": "顾问"}},
	}))
	id := made.text("userid")
	if id == "" || made.text("unionId") == "" {
		t.Fatalf("create: %v", made)
	}
	got := b.result(t, userGetPath, fields{"userid": id})
	for key, want := range map[string]any{
		"userid": id, "unionid": made.text("unionId"), "name": "韩梅", "mobile": "51234567", "state_code": "852",
		"org_email": "han@corp.cn", "hide_mobile": true, "senior": true, "hired_date": 1700000000000.0,
		"extension": `{"级别":"P7"}`, "manager_userid": "fang", "active": false, "admin": false, "exclusive_account": false,
	} {
		if got[key] != want {
			t.Errorf("%s: %v, want %v", key, got[key], want)
		}
	}
	orders := got.list("dept_order_list")
	if len(orders) != 1 || orders[0].number("dept_id") != 10 || orders[0].number("order") != 3 {
		t.Errorf("orders: %v", orders)
	}
	leaders := got.list("leader_in_dept")
	if len(leaders) != 2 || leaders[0].yes("leader") || leaders[0].number("dept_id") != 10 {
		t.Errorf("leaders: %v", leaders)
	}
	u, _ := b.User(id)
	if u.Titles[30] != "顾问" || !slices.Equal(u.Departments, []int64{10, 30}) {
		t.Errorf("stored: %+v", u)
	}
}

func TestUserUpdateKeepsTheRest(t *testing.T) {
	t.Parallel()
	for _, ignored := range []bool{false, true} {
		b := corp(t, func(o *Options) { o.Contacts.EmptyIgnored = ignored })
		b.result(t, userUpdatePath, fields{"userid": "li", "title": "", "name": "李磊"})
		u, _ := b.User("li")
		if u.Name != "李磊" || (u.Title == "") == ignored || u.Remark != "r" || u.Manager != "fang" || u.Extension["级别"] != "P6" || u.HiredDate == 0 {
			t.Errorf("ignored=%v: %+v", ignored, u)
		}
		b.result(t, userUpdatePath, fields{"userid": "li", "manager_userid": ""})
		if u, _ = b.User("li"); u.Manager != "fang" {
			t.Error("an empty manager was not ignored")
		}
		b.result(t, userUpdatePath, fields{"userid": "li", "force_update_fields": "manager_userid"})
		if u, _ = b.User("li"); u.Manager != "" {
			t.Error("the manager was not cleared")
		}
		b.result(t, userUpdatePath, fields{"userid": "li", "dept_id_list": "30,10"})
		if u, _ = b.User("li"); len(u.Orders) != 0 || !slices.Equal(u.Departments, []int64{30, 10}) {
			t.Errorf("after the move: %+v", u)
		}
	}
}

func TestExtensionModes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		mode any
		text string
		want map[string]string
	}{
		{nil, `{"城市":"京"}`, map[string]string{"城市": "京"}},
		{0, `{"城市":"京"}`, map[string]string{"城市": "京"}},
		{1, `{"城市":"京"}`, map[string]string{"级别": "P6", "城市": "京"}},
		{"1", `{"级别":""}`, map[string]string{}},
		{0, ``, map[string]string{}},
		{1, ``, map[string]string{"级别": "P6"}},
	} {
		b := corp(t, func(o *Options) { o.Contacts.ExtFields = []string{"级别", "城市"} })
		b.result(t, userUpdatePath, fields{"userid": "li", "extension": c.text, "ext_attrs_update_mode": c.mode})
		if u, _ := b.User("li"); !maps.Equal(u.Extension, c.want) {
			t.Errorf("mode %v, %s: %v", c.mode, c.text, u.Extension)
		}
	}
}

func TestLeadersAndManagersGo(t *testing.T) {
	t.Parallel()
	b := corp(t)
	got := b.result(t, userGetPath, fields{"userid": "fang"}).list("leader_in_dept")
	if len(got) != 1 || !got[0].yes("leader") || !b.Leads("fang", 10) {
		t.Errorf("leader_in_dept: %v", got)
	}
	b.result(t, userUpdatePath, fields{"userid": "fang", "dept_id_list": "20"})
	if b.Leads("fang", 10) {
		t.Error("who left a department still leads it")
	}
	b.result(t, userDeletePath, fields{"userid": "fang"})
	if u, _ := b.User("li"); u.Manager != "" {
		t.Error("who left the corp still manages")
	}
}

func TestUserListing(t *testing.T) {
	t.Parallel()
	b := corp(t)
	for i := range 5 {
		b.seed(t, User{ID: "p" + strconv.Itoa(i), Name: "人", Departments: []int64{30}, AccessLimited: i == 4})
	}
	ids := func(extra fields) (list []string) {
		body := fields{"dept_id": 30, "size": 2}
		maps.Copy(body, extra)
		for cursor, more := 0.0, true; more; {
			body["cursor"] = cursor
			got := b.result(t, userListPath, body)
			for _, u := range got.list("list") {
				list = append(list, u.text("userid"))
			}
			cursor, more = got.number("next_cursor"), got.yes("has_more")
			if _, there := got["next_cursor"]; there != more {
				t.Errorf("next_cursor with has_more=%v", more)
			}
		}
		return list
	}
	for _, c := range []struct {
		extra fields
		want  string
	}{
		{fields{}, "li p0 p1 p2 p3"},
		{fields{"contain_access_limit": true}, "li p0 p1 p2 p3 p4"},
		{fields{"order_field": "entry_desc"}, "p3 p2 p1 p0 li"},
		{fields{"order_field": "modify_asc"}, "li p0 p1 p2 p3"},
	} {
		if got := strings.Join(ids(c.extra), " "); got != c.want {
			t.Errorf("%v: %s", c.extra, got)
		}
	}
	all, _ := b.result(t, userIDsPath, fields{"dept_id": 30}).texts("userid_list")
	if len(all) != 6 {
		t.Errorf("listid: %v", all)
	}
	simple := b.result(t, userSimplePath, fields{"dept_id": 30, "cursor": 0, "size": 1}).list("list")
	if len(simple) != 1 || len(simple[0]) != 2 || simple[0].text("name") != "李雷" {
		t.Errorf("listsimple: %v", simple)
	}
	li := b.result(t, userListPath, fields{"dept_id": 20, "cursor": 0, "size": 9}).list("list")[0]
	if li.number("dept_order") != 5 || li["leader"] != false || li["manager_userid"] != nil {
		t.Errorf("user/list: %v", li)
	}
	b.ChangeContacts(func(o *ContactsOptions) { o.ManagerInList = true })
	if li := b.result(t, userListPath, fields{"dept_id": 20, "cursor": 0, "size": 9}).list("list")[0]; li.text("manager_userid") != "fang" {
		t.Errorf("user/list with managers: %v", li)
	}
}

func TestUserLookups(t *testing.T) {
	t.Parallel()
	b := corp(t)
	if got := b.result(t, byMobilePath, fields{"mobile": "+86-13800000001"}); got.text("userid") != "fang" {
		t.Errorf("by mobile: %v", got)
	}
	if got := b.result(t, byUnionPath, fields{"unionid": "union-fang"}); got.text("userid") != "fang" || got.number("contact_type") != 0 {
		t.Errorf("by union id: %v", got)
	}
	if got := b.old(t, adminsPath, "").list("result"); len(got) != 1 || got[0].text("userid") != "fang" || got[0].number("sys_level") != 1 {
		t.Errorf("admins: %v", got)
	}
	if err := b.Console().ChangeUser("li", func(u *User) { u.Active = false }); err != nil {
		t.Fatal(err)
	}
	if got := b.result(t, countPath, fields{"only_active": false}).number("count"); got != 2 {
		t.Errorf("count: %v", got)
	}
	if got := b.result(t, countPath, fields{"only_active": "true"}).number("count"); got != 1 {
		t.Errorf("count of active: %v", got)
	}
}
