package feishusim

import (
	"fmt"
	"strings"
	"testing"
)

const departments = "/open-apis/contact/v3/departments"

func TestDepartmentCreate(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{})
	boss := w.person("boss", "王总")
	got := object(t, w.ok("POST", departments+"?user_id_type=user_id&department_id_type=department_id",
		`{"name":"研发部","parent_department_id":"0","department_id":"rd","leader_user_id":"boss","order":"10","create_group_chat":true,
		 "leaders":[{"leaderType":1,"leaderID":"boss"}],"i18n_name":{"en_us":"R&D"}}`)["department"])
	if got["name"] != "研发部" || got["department_id"] != "rd" || got["parent_department_id"] != "0" || got["order"] != "10" {
		t.Errorf("created: %v", got)
	}
	if got["leader_user_id"] != "boss" || !strings.HasPrefix(got["open_department_id"].(string), "od-") {
		t.Errorf("ids: %v", got)
	}
	d, _ := w.Department("rd")
	if d.LeaderUserID != boss.OpenID || d.Leaders[0].ID != boss.OpenID || d.ChatID == "" || d.I18nName["en_us"] != "R&D" {
		t.Errorf("stored: %+v", d)
	}
	for _, tt := range []struct {
		code int
		body string
	}{
		{99992402, `{"parent_department_id":"0"}`},
		{99992402, `{"name":"x"}`},
		{99992402, `{"name":"x","parent_department_id":"0","colour":"red"}`},
		{99992402, `{"name":7,"parent_department_id":"0"}`},
		{99992402, `{"name":"x","parent_department_id":"0","department_id":"od-x"}`},
		{99992402, `{"name":"x","parent_department_id":"0","department_id":"a b"}`},
		{43007, `{"name":"x","parent_department_id":"0","department_id":"rd"}`},
		{43022, `{"name":"研发部","parent_department_id":"0"}`},
		{43018, `{"name":"x","parent_department_id":"0","i18n_name":{"en_us":"R&D"}}`},
		{43029, `{"name":"a/b","parent_department_id":"0"}`},
		{43008, `{"name":"","parent_department_id":"0"}`},
		{99992357, `{"name":"x","parent_department_id":"od-none"}`},
		{44021, `{"name":"x","parent_department_id":"0","leaders":[{"leaderType":1,"leaderID":"ou_none"}]}`},
		{44021, `{"name":"x","parent_department_id":"0","leader_user_id":"ou_none"}`},
		{9499, `{"name":`},
	} {
		w.refused(tt.code, "POST", departments, tt.body)
	}
	if n := len(w.EffectsOf("department.create")); n != 1 {
		t.Errorf("%d effects", n)
	}
}

func TestClientToken(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{})
	path := departments + "?client_token=abc"
	first := w.do("POST", path, `{"name":"a","parent_department_id":"0"}`)
	again := w.do("POST", path, `{"parent_department_id":"0","name":"a"}`)
	if first.raw != again.raw || len(w.Departments()) != 1 {
		t.Errorf("replayed: %s and %s", first.raw, again.raw)
	}
	w.refused(40021, "POST", path, `{"name":"b","parent_department_id":"0"}`)
}

func TestDepartmentTreeLimits(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{NoLimits: true})
	parent := "0"
	for i := range maxDepth {
		parent = w.department(fmt.Sprintf("d%d", i), fmt.Sprintf("level %d", i), parent).OpenID
	}
	w.refused(43019, "POST", departments, `{"name":"too deep","parent_department_id":"`+parent+`"}`)
	for i := range maxChildren {
		w.department(fmt.Sprintf("c%d", i), fmt.Sprintf("child %d", i), "d0")
	}
	d0, _ := w.Department("d0")
	w.refused(43013, "POST", departments, `{"name":"one more","parent_department_id":"`+d0.OpenID+`"}`)
	// A subtree of 24 levels does not fit under a second level either.
	top := w.department("top", "top", "")
	low := w.department("low", "low", "top")
	d1, _ := w.Department("d1")
	w.refused(43019, "PATCH", departments+"/"+d1.OpenID, `{"parent_department_id":"`+low.OpenID+`"}`)
	w.ok("PATCH", departments+"/"+d1.OpenID, `{"parent_department_id":"`+top.OpenID+`"}`)
	w.refused(43016, "PATCH", departments+"/"+top.OpenID, `{"parent_department_id":"`+d1.OpenID+`"}`)
}

func TestDepartmentPatchAndDelete(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{})
	a := w.department("a", "A", "")
	b := w.department("b", "B", "a")
	u := w.person("u1", "李雷", "b")
	w.ok("PATCH", departments+"/b?department_id_type=department_id", `{"name":"B2","parent_department_id":"0"}`)
	if got, _ := w.Department("b"); got.Name != "B2" || got.Parent != "0" || got.OpenID != b.OpenID {
		t.Errorf("patched: %+v", got)
	}
	w.refused(43022, "PATCH", departments+"/"+b.OpenID, `{"name":"A"}`)
	w.refused(99992402, "PATCH", departments+"/"+b.OpenID, `{"department_id":"z"}`)
	w.refused(99992402, "PUT", departments+"/"+b.OpenID, `{}`)
	w.refused(40002, "PATCH", departments+"/0", `{"name":"A"}`)
	w.ok("PATCH", departments+"/b?department_id_type=department_id", `{"parent_department_id":"a"}`)

	w.refused(43011, "DELETE", departments+"/"+b.OpenID, "")
	w.refused(43012, "DELETE", departments+"/"+a.OpenID, "")
	w.refused(40002, "DELETE", departments+"/0", "")
	w.RemoveUser(u.OpenID)
	w.ok("DELETE", departments+"/"+b.OpenID, "null")
	w.refused(99992357, "DELETE", departments+"/"+b.OpenID, "")
	w.ok("PATCH", departments+"/a/update_department_id?department_id_type=department_id", `{"new_department_id":"b"}`)
	w.refused(99992379, "GET", departments+"/a?department_id_type=department_id", "")
	w.ok("DELETE", departments+"/b?department_id_type=department_id", "")
	if len(w.Departments()) != 0 {
		t.Errorf("left: %v", w.Departments())
	}
}

// walk reads a list to its end.
func walk(t *testing.T, w *world, path string) (ids []string, pages int) {
	t.Helper()
	next := ""
	for {
		data := w.ok("GET", path+next, "")
		pages++
		for _, row := range rows(t, data["items"]) {
			m := object(t, row)
			id, _ := m["user_id"].(string)
			if id == "" {
				id, _ = m["department_id"].(string)
			}
			ids = append(ids, id)
		}
		token, has := data["page_token"].(string)
		if data["has_more"] == true != has {
			t.Fatalf("page_token and has_more disagree: %v", data)
		}
		if !has {
			return ids, pages
		}
		next = "&page_token=" + token
	}
}

func TestChildrenPaging(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{NoLimits: true})
	w.department("a", "A", "")
	for i := range 7 {
		w.department(fmt.Sprintf("a%d", i), fmt.Sprintf("A%d", i), "a")
	}
	w.department("z", "Z", "")
	w.department("a61", "deep", "a6")
	const byID = "?department_id_type=department_id"
	for _, tt := range []struct {
		path  string
		want  string
		pages int
	}{
		{"/0/children" + byID, "a z", 1},
		{"/0/children" + byID + "&fetch_child=true&page_size=50", "a a0 a1 a2 a3 a4 a5 a6 z a61", 1},
		{"/0/children" + byID + "&fetch_child=true&page_size=3", "a a0 a1 a2 a3 a4 a5 a6 z a61", 4},
		{"/a/children" + byID + "&page_size=3", "a0 a1 a2 a3 a4 a5 a6", 3},
		{"/a/children" + byID + "&page_size=3&fetch_child=true", "a0 a1 a2 a3 a4 a5 a6 a61", 3},
		{"/a0/children" + byID, "", 1},
	} {
		ids, pages := walk(t, w, departments+tt.path)
		if got := strings.Join(ids, " "); got != tt.want || pages != tt.pages {
			t.Errorf("%s: %s in %d pages", tt.path, got, pages)
		}
	}
	w.refused(40009, "GET", departments+"/0/children?page_size=51", "")
	w.refused(40011, "GET", departments+"/0/children?page_size=0", "")
	w.refused(40012, "GET", departments+"/0/children?page_token=x", "")
	w.refused(99992357, "GET", departments+"/od-none/children", "")

	token := w.ok("GET", departments+"/a/children"+byID+"&page_size=3", "")["page_token"].(string)
	w.refused(40012, "GET", departments+"/0/children"+byID+"&page_token="+token, "") // of another list
	w.RemoveDepartment("a1")                                                         // items may go while a reader is between pages
	ids := object(t, rows(t, w.ok("GET", departments+"/a/children"+byID+"&page_size=3&page_token="+token, "")["items"])[0])
	if ids["department_id"] != "a3" {
		t.Errorf("next page starts with %v", ids["department_id"])
	}
	w.ExpirePageTokens()
	w.refused(40012, "GET", departments+"/a/children"+byID+"&page_token="+token, "")
}

func TestEmptyPageAndSmallPages(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{PageSize: 2})
	for i := range 5 {
		w.department(fmt.Sprintf("d%d", i), fmt.Sprintf("D%d", i), "")
	}
	w.Inject(Fault{Path: departments, EmptyPage: true, Skip: 1})
	ids, pages := walk(t, w, departments+"/0/children?page_size=50")
	if len(ids) != 5 || pages != 4 {
		t.Errorf("%v in %d pages", ids, pages)
	}
}

func TestContactScope(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{NoLimits: true})
	in := w.department("in", "In", "")
	w.department("in2", "In2", "in")
	out := w.department("out", "Out", "")
	inside := w.person("i", "里", "in2")
	both := w.person("b", "两", "in", "out")
	outside := w.person("o", "外", "out")
	named := w.person("n", "名", "out")
	w.SetContactScope(&ContactScope{Departments: []string{"in"}, Users: []string{named.OpenID}})

	const users = "/open-apis/contact/v3/users"
	if r := w.refused(40004, "GET", departments+"/0/children?fetch_child=true", ""); r.status != 403 {
		t.Errorf("status %d", r.status)
	}
	w.refused(40004, "GET", departments+"/"+out.OpenID, "")
	w.refused(40004, "GET", users+"/find_by_department?department_id="+out.OpenID, "")
	w.refused(40004, "GET", users+"/find_by_department?department_id=0", "")
	w.refused(41050, "GET", users+"/"+outside.OpenID, "")
	w.refused(40014, "POST", departments, `{"name":"x","parent_department_id":"0"}`)
	w.refused(40014, "DELETE", departments+"/"+in.OpenID, "")
	w.refused(41050, "PATCH", users+"/"+both.OpenID, `{"nickname":"x"}`) // one of two departments is outside
	w.ok("PATCH", users+"/"+inside.OpenID, `{"nickname":"x"}`)
	w.refused(40004, "PATCH", users+"/"+inside.OpenID, `{"department_ids":["`+out.OpenID+`"]}`)
	w.refused(44022, "PATCH", users+"/"+inside.OpenID, `{"leader_user_id":"`+outside.OpenID+`"}`)

	batch := w.ok("GET", users+"/batch?user_ids="+inside.OpenID+"&user_ids="+outside.OpenID+"&user_ids=ou_none", "")
	if len(rows(t, batch["items"])) != 1 {
		t.Errorf("batch: %v", batch)
	}
	loose, _ := walk(t, w, users+"?page_size=50")
	if strings.Join(loose, " ") != "n" {
		t.Errorf("loose: %v", loose)
	}
	scope := w.ok("GET", "/open-apis/contact/v3/scopes?department_id_type=department_id&user_id_type=user_id", "")
	if fmt.Sprint(scope["department_ids"], scope["user_ids"]) != "[in] [n]" {
		t.Errorf("scope: %v", scope)
	}
	w.SetContactScope(nil)
	scope = w.ok("GET", "/open-apis/contact/v3/scopes?department_id_type=department_id", "")
	if fmt.Sprint(scope["department_ids"]) != "[in out]" {
		t.Errorf("all staff: %v", scope)
	}
	got := w.ok("GET", departments+"/batch?department_ids=in&department_ids=none&department_id_type=department_id", "")
	if len(rows(t, got["items"])) != 1 {
		t.Errorf("batch: %v", got)
	}
}
