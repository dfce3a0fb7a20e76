package feishusim

import (
	"strings"
	"testing"
	"time"
)

func TestCustomFields(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{NoLimits: true, PageSize: 2})
	w.person("boss", "王总")
	w.person("u1", "李雷")
	w.SetCustomFields(
		CustomField{ID: "C-1", Type: "TEXT"}, CustomField{ID: "C-2", Type: "HREF"},
		CustomField{ID: "C-3", Type: "ENUMERATION", Options: []CustomOption{{ID: "o1", Value: "汉族"}}},
		CustomField{ID: "C-4", Type: "PICTURE_ENUM", Options: []CustomOption{{ID: "p1", Value: "https://x/1.png", Name: "金牌"}}},
		CustomField{ID: "C-5", Type: "GENERIC_USER"},
	)
	const defined = "/open-apis/contact/v3/custom_attrs?page_size=50"
	first := w.ok("GET", defined, "")
	token, _ := first["page_token"].(string)
	if len(rows(t, first["items"])) != 2 || first["has_more"] != true || token == "" {
		t.Fatalf("first page: %v", first)
	}
	second := rows(t, w.ok("GET", defined+"&page_token="+token, "")["items"])
	if got := quote(object(t, second[1])["options"]); got != `{"option_type":"PICTURE","options":[{"id":"p1","name":"金牌","value":"https://x/1.png"}]}` {
		t.Errorf("options: %s", got)
	}
	path := users + "/u1?user_id_type=user_id"
	entry := func(kind, id, value string) string {
		return `{"custom_attrs":[{"type":"` + kind + `","id":"` + id + `","value":` + value + `}]}`
	}
	for _, c := range []struct {
		code int
		body string
	}{
		{41044, entry("TEXT", "", `{}`)},
		{41045, entry("TEXT", "C-9", `{"text":"x"}`)},
		{41047, entry("HREF", "C-2", `{"url":"https://x"}`)},
		{41048, entry("HREF", "C-2", `{"text":"x"}`)},
		{99992402, entry("TEXT", "C-2", `{"text":"x"}`)},
		{99992402, entry("ENUMERATION", "C-3", `{"option_id":"p1"}`)},
		{99992402, entry("GENERIC_USER", "C-5", `{"generic_user":{"id":"nobody","type":1}}`)},
		{99992402, entry("GENERIC_USER", "C-5", `{"generic_user":{"id":"boss","type":2}}`)},
	} {
		w.refused(c.code, "PATCH", path, c.body)
	}
	w.ok("PATCH", path, entry("GENERIC_USER", "C-5", `{"generic_user":{"id":"boss","type":1}}`))
	w.ok("PATCH", path, entry("PICTURE_ENUM", "C-4", `{"option_id":"p1"}`))
	if u, _ := w.User("u1"); !strings.Contains(string(u.CustomAttrs), "p1") || strings.Contains(string(u.CustomAttrs), "boss") {
		t.Errorf("stored %s: a list replaces the one before", u.CustomAttrs)
	}
	w.CloseCustomFields(true)
	w.ok("PATCH", path, entry("TEXT", "C-9", `{"text":"in silence"}`))
	show := object(t, w.ok("GET", path, "")["user"])
	if _, there := show["custom_attrs"]; there || len(rows(t, w.ok("GET", defined, "")["items"])) != 0 {
		t.Errorf("closed, and still shown: %v", show)
	}
	w.SetScopes("contact:contact.base:readonly")
	w.refused(99991672, "GET", defined, "")
}

func TestResurrectDuringTheDeletion(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{NoLimits: true, DeletionTakes: 48 * time.Hour})
	w.department("a", "A", "")
	w.department("b", "B", "")
	w.person("u1", "李雷", "a")
	w.ok("DELETE", users+"/u1?user_id_type=user_id", "")
	back := users + "/u1/resurrect?user_id_type=user_id&department_id_type=department_id"
	w.refused(44034, "POST", back, "")
	w.clock.advance(48 * time.Hour)
	w.login()
	w.ok("POST", back, `{"departments":[{"department_id":"a","user_order":7,"department_order":1},{"department_id":"b","department_order":2}]}`)
	u, _ := w.User("u1")
	if len(u.Orders) != 2 || u.Orders[0].UserOrder != 7 || u.Orders[0].Primary || !u.Orders[1].Primary {
		t.Errorf("orders %+v", u.Orders)
	}
}

// TestResurrectTaken: each value that somebody else has by now has its own code.
func TestResurrectTaken(t *testing.T) {
	t.Parallel()
	for code, other := range map[int]User{
		44030: {UserID: "u2", Name: "x", Mobile: "13500000001"},
		44031: {UserID: "u2", Name: "x", Mobile: "13500000002", Email: "A@x.cn"},
		44032: {UserID: "u1", Name: "x", Mobile: "13500000002"},
	} {
		w := setup(t, Options{NoLimits: true})
		u, err := w.AddUser(User{UserID: "u1", Name: "李雷", Mobile: "13500000001", Email: "a@x.cn"})
		if err != nil {
			t.Fatal(err)
		}
		w.ok("DELETE", users+"/"+u.OpenID, "")
		if _, err := w.AddUser(other); err != nil {
			t.Fatal(err)
		}
		w.refused(code, "POST", users+"/"+u.OpenID+"/resurrect", "")
	}
}

func TestSeats(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{NoLimits: true, Licences: []string{"s1"}})
	body := func(more string) string {
		return `{"user_id":"u1","name":"x","mobile":"13500000001","department_ids":["0"],"employee_type":1` + more + `}`
	}
	w.refused(44046, "POST", users, body(""))
	w.refused(44048, "POST", users, body(`,"subscription_ids":["s2"]`))
	w.ok("POST", users, body(`,"subscription_ids":["s1"]`))
	w.ok("DELETE", users+"/u1?user_id_type=user_id", "")
	w.refused(44046, "POST", users+"/u1/resurrect?user_id_type=user_id", "")
	w.ok("POST", users+"/u1/resurrect?user_id_type=user_id", `{"subscription_ids":["s1"]}`)
}

// TestOneHead: leader_user_id and the main leader are always the same person.
func TestOneHead(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{NoLimits: true})
	w.department("a", "A", "")
	one, two := w.person("one", "一"), w.person("two", "二")
	path := "/open-apis/contact/v3/departments/a?department_id_type=department_id&user_id_type=user_id"
	w.refused(99992402, "PATCH", path, `{"leaders":[{"leaderType":2,"leaderID":"one"}]}`)
	w.refused(99992402, "PATCH", path, `{"leaders":[{"leaderType":1,"leaderID":"one"},{"leaderType":1,"leaderID":"two"}]}`)
	w.refused(99992402, "PATCH", path, `{"leader_user_id":"two","leaders":[{"leaderType":1,"leaderID":"one"}]}`)
	w.ok("PATCH", path, `{"leaders":[{"leaderType":1,"leaderID":"one"},{"leaderType":2,"leaderID":"two"}]}`)
	if d, _ := w.Department("a"); d.LeaderUserID != one.OpenID || len(d.Leaders) != 2 {
		t.Errorf("by leaders: %+v", d)
	}
	w.ok("PATCH", path, `{"leader_user_id":"two"}`)
	if d, _ := w.Department("a"); len(d.Leaders) != 1 || d.Leaders[0] != (Leader{1, two.OpenID}) {
		t.Errorf("by leader_user_id: %+v", d)
	}
	w.ok("PATCH", path, `{"leaders":[]}`)
	if d, _ := w.Department("a"); d.LeaderUserID != "" || len(d.Leaders) != 0 {
		t.Errorf("emptied: %+v", d)
	}
}
