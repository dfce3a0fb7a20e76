package dingtalksim

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

const (
	listSubPath    = "/topapi/v2/department/listsub"
	listSubIDPath  = "/topapi/v2/department/listsubid"
	deptGetPath    = "/topapi/v2/department/get"
	deptCreatePath = "/topapi/v2/department/create"
	deptUpdatePath = "/topapi/v2/department/update"
	deptDeletePath = "/topapi/v2/department/delete"
	parentsPath    = "/topapi/v2/department/listparentbydept"
)

// fields is a request's body.
type fields map[string]any

// old calls the old family with a good token.
func (b bench) old(t *testing.T, path string, body any) reply {
	t.Helper()
	return b.send(t, b.request(t, http.MethodPost, path+"?access_token="+b.token(t), body))
}

// result calls the old family and gives the result of a success.
func (b bench) result(t *testing.T, path string, body any) object {
	t.Helper()
	got := b.old(t, path, body)
	if got.errcode() != 0 {
		t.Fatalf("%s: %s", path, got.raw)
	}
	return got.child("result")
}

// corp seeds a tree 1 > 10 研发 > 20 后端, 1 > 30 销售, with fang who leads 研发
// and manages li of 后端 and 销售.
func corp(t *testing.T, change ...func(*Options)) bench {
	t.Helper()
	b := setup(t, change...)
	for _, d := range []Department{
		{ID: 10, Name: "研发", Order: 2, SourceIdentifier: "rd"}, {ID: 20, Parent: 10, Name: "后端"}, {ID: 30, Name: "销售", Order: 1},
	} {
		if _, err := b.SeedDepartment(d); err != nil {
			t.Fatal(err)
		}
	}
	b.seed(t, User{
		ID: "fang", UnionID: "union-fang", Name: "王芳", Mobile: "13800000001", Email: "fang@example.com",
		Telephone: "801", Departments: []int64{10}, AdminLevel: 1,
	})
	b.seed(t, User{
		ID: "li", Name: "李雷", Mobile: "13800000002", Departments: []int64{20, 30}, Manager: "fang",
		JobNumber: "7", Title: "工程师", Remark: "r", WorkPlace: "北京", HiredDate: 1700000000000,
		Orders: map[int64]int64{20: 5}, Extension: map[string]string{"级别": "P6"},
	})
	if err := b.Console().ChangeDepartment(10, func(d *Department) { d.Managers = []string{"fang"} }); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b bench) seed(t *testing.T, u User) {
	t.Helper()
	if _, err := b.SeedUser(u); err != nil {
		t.Fatal(err)
	}
}

// rule is one call and the code that it must get.
type rule struct {
	name, path string
	body       fields
	code       int
}

// hold makes each call in a corp of its own and checks that a refusal changed
// nothing.
func hold(t *testing.T, rules []rule, change ...func(*Options)) {
	t.Helper()
	for _, c := range rules {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := corp(t, change...)
			got := b.old(t, c.path, c.body)
			if got.status != http.StatusOK || got.errcode() != c.code || got.text("request_id") == "" || got.text("errmsg") == "" {
				t.Errorf("want %d: %d %s", c.code, got.status, got.raw)
			}
			if n := len(b.Effects()); c.code != 0 && c.code != codeInvited && n != 0 {
				t.Errorf("a refused call had %d effects", n)
			}
		})
	}
}

func TestDepartmentRules(t *testing.T) {
	t.Parallel()
	create := func(name string, parent any) fields { return fields{"name": name, "parent_id": parent} }
	long := strings.Repeat("部", 64)
	hold(t, []rule{
		{"create", deptCreatePath, create("测试", 1), 0},
		{"64 characters", deptCreatePath, create(long, 1), 0},
		{"65 characters", deptCreatePath, create(long+"x", 1), codeDeptName},
		{"no name", deptCreatePath, fields{"parent_id": 1}, codeDeptName},
		{"blank name", deptCreatePath, create("  ", 1), codeDeptName},
		{"dash", deptCreatePath, create("研发-一", 1), codeDeptCharacters},
		{"comma", deptCreatePath, create("研发,一", 1), codeDeptCharacters},
		{"wide comma", deptCreatePath, create("研发，一", 1), codeDeptCharacters},
		{"sensitive", deptCreatePath, create("某敏感部", 1), codeSensitive},
		{"no parent field", deptCreatePath, fields{"name": "x"}, codeMissing},
		{"parent unknown", deptCreatePath, create("x", 99), codeNoParent},
		{"parent negative", deptCreatePath, create("x", -7), codeBadDeptID},
		{"parent as text", deptCreatePath, create("x", "10"), 0},
		{"parent as word", deptCreatePath, create("x", "ten"), codeBadDeptID},
		{"same name", deptCreatePath, create("研发", 1), codeDeptSameName},
		{"same name elsewhere", deptCreatePath, create("研发", 30), 0},
		{"same source", deptCreatePath, fields{"name": "x", "parent_id": 1, "source_identifier": "rd"}, codeDeptExists},
		{"order is a word", deptCreatePath, fields{"name": "x", "parent_id": 1, "order": "first"}, codeBadParameter},
		{"rename", deptUpdatePath, fields{"dept_id": 10, "name": "研究"}, 0},
		{"rename to empty", deptUpdatePath, fields{"dept_id": 10, "name": ""}, codeDeptName},
		{"rename to a sibling's", deptUpdatePath, fields{"dept_id": 10, "name": "销售"}, codeDeptSameName},
		{"move", deptUpdatePath, fields{"dept_id": 20, "parent_id": 30}, 0},
		{"move below itself", deptUpdatePath, fields{"dept_id": 10, "parent_id": 20}, codeDeptCycle},
		{"move into itself", deptUpdatePath, fields{"dept_id": 10, "parent_id": 10}, codeDeptCycle},
		{"move to nowhere", deptUpdatePath, fields{"dept_id": 10, "parent_id": 99}, codeNoParent},
		{"update unknown", deptUpdatePath, fields{"dept_id": 99, "name": "x"}, codeNoDept},
		{"update root", deptUpdatePath, fields{"dept_id": 1, "name": "x"}, codeRootFixed},
		{"update nothing named", deptUpdatePath, fields{"name": "x"}, codeMissing},
		{"update the school book", deptUpdatePath, fields{"dept_id": -7}, codeBadDeptID},
		{"code 31", deptUpdatePath, fields{"dept_id": 10, "code": strings.Repeat("c", 31)}, codeBadParameter},
		{"code 30", deptUpdatePath, fields{"dept_id": 10, "code": strings.Repeat("c", 30)}, 0},
		{"managers", deptUpdatePath, fields{"dept_id": 20, "dept_manager_userid_list": "li"}, 0},
		{"manager of another", deptUpdatePath, fields{"dept_id": 20, "dept_manager_userid_list": "li,fang"}, codeBadUserList},
		{"manager unknown", deptUpdatePath, fields{"dept_id": 20, "dept_manager_userid_list": "nobody"}, codeBadUserList},
		{"delete root", deptDeletePath, fields{"dept_id": 1}, codeDeptIsRoot},
		{"delete unknown", deptDeletePath, fields{"dept_id": 99}, codeNoDept},
		{"delete with members", deptDeletePath, fields{"dept_id": 20}, codeDeptHasMembers},
		{"get unknown", deptGetPath, fields{"dept_id": 99}, codeNoDept},
		{"get without id", deptGetPath, fields{}, codeMissing},
		{"listsub unknown", listSubPath, fields{"dept_id": 99}, codeNoDept},
		{"listsub of 0", listSubPath, fields{"dept_id": 0}, codeBadDeptID},
		{"listsubid without id", listSubIDPath, fields{}, codeMissing},
	}, func(o *Options) {
		o.Contacts.SensitiveWords, o.Contacts.UniqueSource = []string{"敏感"}, true
	})
}

func TestDepartmentDeleteInOrder(t *testing.T) {
	t.Parallel()
	b := corp(t)
	if err := b.Console().RemoveUser("fang"); err != nil {
		t.Fatal(err)
	}
	if got := b.old(t, deptDeletePath, fields{"dept_id": 10}); got.errcode() != codeDeptHasDepts {
		t.Errorf("with sub-departments: %s", got.raw)
	}
	b.result(t, userDeletePath, fields{"userid": "li"})
	b.result(t, deptDeletePath, fields{"dept_id": 20})
	b.result(t, deptDeletePath, fields{"dept_id": 10})
	if _, found := b.Department(10); found || len(b.Departments()) != 2 {
		t.Errorf("left: %+v", b.Departments())
	}
}

func TestDepartmentReads(t *testing.T) {
	t.Parallel()
	b := corp(t)
	list := b.old(t, listSubPath, fields{"dept_id": 1}).list("result")
	if len(list) != 2 || list[0].number("dept_id") != 30 || list[1].text("name") != "研发" || list[1].number("parent_id") != 1 {
		t.Errorf("listsub: %v", list)
	}
	if again := b.old(t, listSubPath, "").list("result"); len(again) != 2 {
		t.Errorf("listsub without an id: %v", again)
	}
	if ids, _ := b.result(t, listSubIDPath, fields{"dept_id": 10})["dept_id_list"].([]any); len(ids) != 1 || ids[0] != 20.0 {
		t.Errorf("listsubid: %v", ids)
	}
	if ids, _ := b.result(t, parentsPath, fields{"dept_id": 20})["parent_id_list"].([]any); !slices.Equal(ids, []any{20.0, 10.0, 1.0}) {
		t.Errorf("parents: %v", ids)
	}
	got := b.result(t, deptGetPath, fields{"dept_id": 10})
	managers, _ := got.texts("dept_manager_userid_list")
	if got.text("source_identifier") != "rd" || got.number("order") != 2 || got.number("parent_id") != 1 ||
		got.number("member_count") != 1 || !slices.Equal(managers, []string{"fang"}) {
		t.Errorf("get: %v", got)
	}
	if _, there := b.result(t, deptGetPath, fields{"dept_id": 1})["parent_id"]; there {
		t.Error("the root has a parent")
	}
}

func TestDepartmentUpdateKeepsTheRest(t *testing.T) {
	t.Parallel()
	for _, ignored := range []bool{false, true} {
		b := corp(t, func(o *Options) { o.Contacts.EmptyIgnored = ignored })
		b.result(t, deptUpdatePath, fields{"dept_id": 10, "order": 9})
		d, _ := b.Department(10)
		if d.Order != 9 || d.Name != "研发" || d.SourceIdentifier != "rd" || !slices.Equal(d.Managers, []string{"fang"}) {
			t.Errorf("after order: %+v", d)
		}
		b.result(t, deptUpdatePath, fields{"dept_id": 10, "dept_manager_userid_list": ""})
		if d, _ = b.Department(10); (len(d.Managers) == 0) == ignored {
			t.Errorf("ignored=%v: managers %v", ignored, d.Managers)
		}
		b.result(t, deptUpdatePath, fields{"dept_id": 10, "dept_manager_userid_list": "", "force_update_fields": "dept_manager_userid_list"})
		if d, _ = b.Department(10); len(d.Managers) != 0 {
			t.Errorf("forced: managers %v", d.Managers)
		}
	}
}

func TestSeedDepartment(t *testing.T) {
	t.Parallel()
	b := corp(t)
	id, err := b.SeedDepartment(Department{Name: "新"})
	if err != nil || id <= firstDepartment {
		t.Errorf("seed: %d, %v", id, err)
	}
	for _, d := range []Department{{ID: 10, Name: "x"}, {Name: "新"}, {Name: "x", Parent: 99}, {Name: "a-b"}} {
		if _, err := b.SeedDepartment(d); err == nil {
			t.Errorf("%+v was taken", d)
		}
	}
	if len(b.Effects()) != 0 {
		t.Error("seeding has effects")
	}
}
