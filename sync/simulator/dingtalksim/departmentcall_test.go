package dingtalksim

import (
	"net/http"
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
	userListPath   = "/topapi/v2/user/list"
	userSimplePath = "/topapi/user/listsimple"
	userIDsPath    = "/topapi/user/listid"
	userGetPath    = "/topapi/v2/user/get"
	userCreatePath = "/topapi/v2/user/create"
	userUpdatePath = "/topapi/v2/user/update"
	userDeletePath = "/topapi/v2/user/delete"
)

// fields is a request's body.
type fields map[string]any

// old calls the old family with a good token.
func (b bench) old(t *testing.T, path string, body any) reply {
	t.Helper()
	return b.send(t, b.request(t, http.MethodPost, path+"?access_token="+b.token(t), body))
}

func TestDepartmentRoundTrip(t *testing.T) {
	t.Parallel()
	b := setup(t)
	made := b.old(t, deptCreatePath, fields{"name": "研发", "parent_id": 1, "source_identifier": "d-1"})
	id := int64(made.child("result").number("dept_id"))
	if made.errcode() != 0 || id == 0 {
		t.Fatalf("create: %s", made.raw)
	}
	if got := b.old(t, deptUpdatePath, fields{"dept_id": id, "name": "研发部"}); got.errcode() != 0 {
		t.Fatalf("update: %s", got.raw)
	}
	got := b.old(t, deptGetPath, fields{"dept_id": id}).child("result")
	if got.text("name") != "研发部" || got.text("source_identifier") != "d-1" || got.number("parent_id") != 1 {
		t.Errorf("get: %v", got)
	}
	list := b.old(t, listSubPath, fields{"dept_id": 1}).list("result")
	if len(list) != 1 || list[0].text("name") != "研发部" {
		t.Errorf("listsub: %v", list)
	}
	if got := b.old(t, deptDeletePath, fields{"dept_id": id}); got.errcode() != 0 {
		t.Errorf("delete: %s", got.raw)
	}
	if n := len(b.Effects()); n != 3 {
		t.Errorf("%d effects", n)
	}
}

func TestUserRoundTrip(t *testing.T) {
	t.Parallel()
	b := setup(t)
	made := b.old(t, userCreatePath, fields{"userid": "u1", "name": "王芳", "mobile": "13800000001", "dept_id_list": "1", "email": "wang@example.com"})
	if made.errcode() != 0 || made.child("result").text("userid") != "u1" {
		t.Fatalf("create: %s", made.raw)
	}
	if got := b.old(t, userUpdatePath, fields{"userid": "u1", "title": "工程师", "hired_date": 1700000000000}); got.errcode() != 0 {
		t.Fatalf("update: %s", got.raw)
	}
	got := b.old(t, userGetPath, fields{"userid": "u1"}).child("result")
	if got.text("title") != "工程师" || got.text("mobile") != "13800000001" || got.text("state_code") != "86" || got.number("hired_date") != 1700000000000 {
		t.Errorf("get: %v", got)
	}
	list := b.old(t, userListPath, fields{"dept_id": 1, "cursor": 0, "size": 100}).child("result").list("list")
	if len(list) != 1 || list[0].text("userid") != "u1" {
		t.Errorf("list: %v", list)
	}
	if got := b.old(t, userDeletePath, fields{"userid": "u1"}); got.errcode() != 0 {
		t.Errorf("delete: %s", got.raw)
	}
	if got := b.old(t, userGetPath, fields{"userid": "u1"}); got.errcode() != codeNoUser {
		t.Errorf("after delete: %s", got.raw)
	}
}
