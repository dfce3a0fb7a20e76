package feishusim

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

const users = "/open-apis/contact/v3/users"

func TestUserCreate(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{NoLimits: true})
	w.department("rd", "研发", "")
	boss := w.person("boss", "王总")
	taken := w.person("t1", "占用")
	const ids = "?user_id_type=user_id&department_id_type=department_id"
	body := `{"user_id":"lilei","name":"李雷","mobile":"13811112222","email":"Li.Lei@example.com","department_ids":["rd"],
		"employee_type":1,"employee_no":"E7","leader_user_id":"boss","join_time":1700000000,"gender":1,"job_title":"工程师",
		"orders":[{"department_id":"rd","user_order":3,"department_order":9,"is_primary_dept":true}],
		"custom_attrs":[{"type":"TEXT","id":"C-1","value":{"text":"x"}}]}`
	got := object(t, w.ok("POST", users+ids+"&client_token=k1", body)["user"])
	if _, there := got["mobile"]; there || got["user_id"] != "lilei" || got["leader_user_id"] != "boss" {
		t.Errorf("created: %v", got)
	}
	if w.ok("POST", users+ids+"&client_token=k1", body); len(w.EffectsOf("user.create")) != 1 {
		t.Error("a client_token made a second user")
	}
	w.refused(40021, "POST", users+ids+"&client_token=k1", strings.Replace(body, "李雷", "李蕾", 1))
	u, _ := w.User("lilei")
	if u.LeaderUserID != boss.OpenID || u.Orders[0].UserOrder != 3 || u.JoinTime != 1700000000 || u.Unjoined || u.Activated {
		t.Errorf("stored: %+v", u)
	}
	show := object(t, w.ok("GET", users+"/lilei"+ids, "")["user"])
	if show["mobile"] != "+8613811112222" || fmt.Sprint(show["department_ids"]) != "[rd]" || object(t, show["status"])["is_frozen"] != false {
		t.Errorf("shown: %v", show)
	}
	whole := func(change string) string {
		return `{"name":"x","mobile":"13900000000","department_ids":["rd"],"employee_type":1` + change + `}`
	}
	for _, tt := range []struct {
		code, status int
		body         string
	}{
		{41006, 400, `{"mobile":"13900000000","department_ids":["rd"],"employee_type":1}`},
		{41004, 400, `{"name":"x","department_ids":["rd"],"employee_type":1}`},
		{41017, 400, `{"name":"x","mobile":"13900000000","employee_type":1}`},
		{41059, 400, `{"name":"x","mobile":"13900000000","department_ids":["rd"]}`},
		{41017, 400, `{"name":"x","mobile":"13900000000","department_ids":[],"employee_type":1}`},
		{41041, 400, `{"name":"x","mobile":"13900000000","department_ids":["none"],"employee_type":1}`},
		{41004, 400, `{"name":"x","mobile":"12","department_ids":["rd"],"employee_type":1}`},
		{44020, 400, `{"name":"x","mobile":"+14155550100","department_ids":["rd"],"employee_type":1}`},
		{41001, 400, `{"name":"x","mobile":"+8613811112222","department_ids":["rd"],"employee_type":1}`},
		{41002, 400, whole(`,"email":"li.lei@EXAMPLE.com"`)},
		{41003, 409, `{"name":"x","mobile":"13811112222","email":"` + taken.Email + `","department_ids":["rd"],"employee_type":1}`},
		{41011, 400, whole(`,"user_id":"lilei"`)},
		{44051, 400, whole(`,"employee_no":"E7"`)},
		{41005, 400, whole(`,"email":"nobody"`)},
		{41009, 400, whole(`,"user_id":"a b"`)},
		{41040, 400, strings.Replace(whole(""), `"x"`, `"`+strings.Repeat("长", 65)+`"`, 1)},
		{41006, 400, strings.Replace(whole(""), `"x"`, `" "`, 1)},
		{41025, 400, whole(`,"orders":[{"department_id":"0"}]`)},
		{44021, 400, whole(`,"leader_user_id":"nobody"`)},
		{41046, 400, whole(`,"custom_attrs":[{"type":"TEXT","id":"1"}]`)},
		{99992402, 400, whole(`,"custom_attrs":[{"type":"X","id":"1","value":{}}]`)},
		{99992402, 400, whole(`,"custom_attrs":[{"type":"TEXT","id":"1","value":{"text":"` + strings.Repeat("x", 101) + `"}}]`)},
		{99992402, 400, whole(`,"gender":4`)},
		{99992402, 400, whole(`,"is_frosen":true`)},
		{99992402, 400, whole(`,"join_time":"yesterday"`)},
	} {
		if r := w.refused(tt.code, "POST", users+ids, tt.body); r.status != tt.status {
			t.Errorf("%d: status %d", tt.code, r.status)
		}
	}
	many := `"` + strings.Repeat(`0","`, 50) + `0"`
	w.refused(41033, "POST", users, `{"name":"x","mobile":"13900000000","employee_type":1,"department_ids":[`+many+`]}`)
	if len(w.Users()) != 3 {
		t.Errorf("%d users", len(w.Users()))
	}
}

func TestUserPatch(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{})
	w.department("a", "A", "")
	w.department("b", "B", "")
	u := w.person("u1", "李雷", "a")
	w.person("u2", "韩梅梅", "a")
	path := users + "/u1?user_id_type=user_id&department_id_type=department_id"
	got := object(t, w.ok("PATCH", path, `{"name":"李磊","en_name":"","job_title":"经理","mobile":null,"leader_user_id":"u2"}`)["user"])
	if got["name"] != "李磊" || got["job_title"] != "经理" || got["mobile"] != "+86"+u.Mobile {
		t.Errorf("patched: %v", got)
	}
	w.ok("PATCH", path, `{"leader_user_id":"","email":""}`)
	if now, _ := w.User("u1"); now.LeaderUserID != "" || now.Email != "" {
		t.Errorf("cleared: %+v", now)
	}
	w.ok("POST", users+"/batch_get_id", `{"emails":["`+u.Email+`"]}`)
	w.refused(41002, "PATCH", path, `{"email":"u2@example.com"}`)
	w.refused(41030, "PATCH", path, `{"leader_user_id":"u1"}`)
	w.refused(44002, "PATCH", path, `{"orders":[{"department_id":"a"}]}`)
	w.refused(41410, "PATCH", path, `{"department_ids":["a","b"],"orders":[
		{"department_id":"a","department_order":1,"is_primary_dept":true},{"department_id":"b","department_order":2}]}`)
	w.refused(99992402, "PATCH", path, `{"user_id":"u9"}`)
	w.refused(99992402, "PUT", path, `{"name":"x"}`)
	w.refused(41004, "PATCH", path, `{"mobile":""}`)
	w.ok("PATCH", users+"/u1/update_user_id?user_id_type=user_id", `{"new_user_id":"u9"}`)
	w.refused(41011, "PATCH", users+"/u9/update_user_id?user_id_type=user_id", `{"new_user_id":"u2"}`)
	w.refused(99992360, "GET", users+"/u1?user_id_type=user_id", "")
	w.refused(99992364, "GET", users+"/on_none?user_id_type=union_id", "")
	w.refused(99992402, "GET", users+"/u1?user_id_type=name", "")

	for state, code := range map[string]int{"unjoined": 44010, "exited": 44011} {
		if err := w.UpdateUser("u2", func(u *User) { u.Unjoined, u.Exited = state == "unjoined", state == "exited" }); err != nil {
			t.Fatal(err)
		}
		w.refused(code, "PATCH", users+"/u2?user_id_type=user_id", `{"name":"x"}`)
	}
	if err := w.Join("u2"); err != nil {
		t.Fatal(err)
	}
}

func TestFreezeLane(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{})
	w.department("a", "A", "")
	w.person("u1", "李雷", "a")
	founder := w.person("f", "创始人")
	if err := w.UpdateUser("f", func(u *User) { u.Founder = true }); err != nil {
		t.Fatal(err)
	}
	path := users + "/u1?user_id_type=user_id&department_id_type=department_id"
	w.ok("PATCH", path, `{"is_frozen":true}`)
	r := w.refused(99991400, "PATCH", path, `{"department_ids":["0"]}`)
	if r.status != 429 || r.header.Get("x-ogw-ratelimit-reset") != "1" {
		t.Errorf("%d %v", r.status, r.header)
	}
	w.ok("PATCH", path, `{"nickname":"不受限"}`) // other fields have the fast lane
	w.clock.advance(time.Second)
	got := object(t, w.ok("PATCH", path, `{"department_ids":["0"]}`)["user"])
	if object(t, got["status"])["is_frozen"] != true || fmt.Sprint(got["department_ids"]) != "[0]" {
		t.Errorf("patched: %v", got)
	}
	w.clock.advance(time.Second)
	w.refused(44036, "PATCH", users+"/"+founder.OpenID, `{"is_frozen":true}`)
	w.clock.advance(time.Second)
	w.ok("PATCH", path, `{"is_frozen":false}`)
	if u, _ := w.User("u1"); u.Frozen {
		t.Error("still frozen")
	}
	if len(w.EffectsOf("user.patch")) != 4 {
		t.Errorf("effects: %v", w.EffectsOf("user.patch"))
	}
}

func TestUnjoinedUsers(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{Unjoined: true, MobileOptional: true})
	got := object(t, w.ok("POST", users, `{"name":"x","department_ids":["0"],"employee_type":1,"user_id":"n"}`)["user"])
	if object(t, got["status"])["is_unjoin"] != true {
		t.Errorf("created: %v", got)
	}
	w.refused(44010, "PATCH", users+"/n?user_id_type=user_id", `{"name":"y"}`)
	if err := w.Join("n"); err != nil {
		t.Fatal(err)
	}
	w.ok("PATCH", users+"/n?user_id_type=user_id", `{"name":"y"}`)
}

func TestResignationAndReturn(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{})
	w.department("a", "A", "")
	u := w.person("u1", "李雷", "a")
	w.person("u2", "韩梅梅", "a")
	admin := w.person("adm", "管理员")
	if err := w.UpdateUser("adm", func(u *User) { u.TenantManager = true }); err != nil {
		t.Fatal(err)
	}
	path := users + "/u1?user_id_type=user_id"
	w.refused(44037, "DELETE", users+"/"+admin.OpenID, "")
	w.refused(41052, "DELETE", path, `{"docs_acceptor_user_id":"u1"}`)
	w.refused(41052, "DELETE", path, `{"email_acceptor":{"processing_type":"1","acceptor_user_id":"nobody"}}`)
	w.refused(99992402, "DELETE", path, `{"email_acceptor":{"processing_type":"4"}}`)
	w.refused(99992402, "DELETE", path, `{"doc_acceptor_user_id":"u2"}`)
	w.ok("DELETE", path, `{"docs_acceptor_user_id":"u2","email_acceptor":{"processing_type":"2"}}`)
	show := object(t, w.ok("GET", path, "")["user"])
	if object(t, show["status"])["is_resigned"] != true || fmt.Sprint(show["department_ids"]) != "[]" {
		t.Errorf("resigned: %v", show)
	}
	if ids, _ := walk(t, w, users+"/find_by_department?department_id_type=department_id&department_id=a"); !slices.Equal(ids, []string{"u2"}) {
		t.Errorf("members: %v", ids)
	}
	w.refused(42006, "PATCH", path, `{"name":"x"}`)
	w.refused(42006, "DELETE", path, "")
	found := rows(t, w.ok("POST", users+"/batch_get_id?user_id_type=user_id",
		`{"mobiles":["`+u.Mobile+`"],"emails":["u2@example.com","none@example.com"],"include_resigned":true}`)["user_list"])
	if len(found) != 3 || object(t, found[0])["user_id"] != "u2" || object(t, found[1])["user_id"] != nil || object(t, found[2])["user_id"] != "u1" {
		t.Errorf("found: %v", found)
	}

	// The mobile is taken meanwhile.
	if err := w.UpdateUser("u2", func(o *User) { o.Mobile = u.Mobile }); err != nil {
		t.Fatal(err)
	}
	back := users + "/u1/resurrect?user_id_type=user_id&department_id_type=department_id"
	w.refused(44030, "POST", back, `{}`)
	if err := w.UpdateUser("u2", func(o *User) { o.Mobile = "13700000000" }); err != nil {
		t.Fatal(err)
	}
	w.refused(44033, "POST", users+"/u2/resurrect?user_id_type=user_id", ``)
	w.ok("POST", back, `{"departments":[{"department_id":"a"}]}`)
	if now, _ := w.User("u1"); now.Resigned || len(now.Departments) != 1 {
		t.Errorf("returned: %+v", now)
	}
	w.ok("DELETE", path, "null") // the official SDK sends the word null for no body
	w.clock.advance(30*24*time.Hour + time.Second)
	w.login()
	w.refused(44028, "POST", back, ``)
}

func TestResurrectLimit(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{})
	w.person("u1", "李雷")
	for range 10 {
		w.refused(44033, "POST", users+"/u1/resurrect?user_id_type=user_id", "")
	}
	if r := w.refused(99991400, "POST", users+"/u1/resurrect?user_id_type=user_id", ""); r.header.Get("x-ogw-ratelimit-reset") != "6" {
		t.Errorf("reset: %v", r.header)
	}
}

func TestUserListing(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{NoLimits: true})
	w.department("a", "A", "")
	var want []string
	for i := range 120 {
		id := fmt.Sprintf("u%03d", i)
		if _, err := w.AddUser(User{UserID: id, Name: id, Departments: []string{"a", "0"}}); err != nil {
			t.Fatal(err)
		}
		want = append(want, id)
	}
	path := users + "/find_by_department?department_id_type=department_id&page_size=50&department_id="
	ids, pages := walk(t, w, path+"a")
	if !slices.Equal(ids, want) || pages != 3 {
		t.Errorf("%d ids in %d pages", len(ids), pages)
	}
	if ids, _ := walk(t, w, path+"0"); len(ids) != 120 {
		t.Errorf("root: %d", len(ids))
	}
	w.refused(99992402, "GET", users+"/find_by_department", "")
	w.refused(99992379, "GET", path+"none", "")
	q := url.Values{"user_id_type": {"user_id"}, "user_ids": want[:51]}
	w.refused(99992402, "GET", users+"/batch?"+q.Encode(), "")
	q["user_ids"] = want[:50]
	if got := w.ok("GET", users+"/batch?"+q.Encode(), ""); len(rows(t, got["items"])) != 50 {
		t.Errorf("batch: %d", len(rows(t, got["items"])))
	}
}

func TestSeeding(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{})
	if _, err := w.AddDepartment(Department{Name: "x", Parent: "none"}); err == nil {
		t.Error("an unknown parent was taken")
	}
	w.department("a", "A", "")
	if _, err := w.AddDepartment(Department{DepartmentID: "a"}); err == nil {
		t.Error("a taken id was taken again")
	}
	w.person("u1", "李雷", "a")
	if _, err := w.AddUser(User{UserID: "u1"}); err == nil {
		t.Error("a taken user_id was taken again")
	}
	if _, err := w.AddUser(User{UserID: "u2", Departments: []string{"none"}}); err == nil {
		t.Error("an unknown department was taken")
	}
	if err := w.UpdateUser("none", func(*User) {}); err == nil {
		t.Error("an unknown person was changed")
	}
	u, _ := w.User("u1")
	u.Departments[0] = "changed by the reader"
	if again, _ := w.User("u1"); again.Departments[0] == u.Departments[0] {
		t.Error("a reader can change the store")
	}
	if len(w.Effects()) != 0 {
		t.Errorf("seeding left effects: %v", w.Effects())
	}
	if w.RemoveUser("none") || !w.RemoveUser("u1") || len(w.Users()) != 0 {
		t.Error("removal went wrong")
	}
}
