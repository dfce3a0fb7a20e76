package feishusim

import (
	"strings"
	"testing"
	"time"
)

// TestEveryUserField writes each field and reads it back under every id type.
func TestEveryUserField(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{NoLimits: true})
	w.department("a", "A", "")
	boss := w.person("boss", "王总")
	w.person("u1", "李雷", "a")
	for _, tt := range []struct{ field, sent, shown string }{
		{"name", `"李磊"`, ""},
		{"en_name", `"Li Lei"`, ""},
		{"nickname", `"雷"`, ""},
		{"email", `"x@example.com"`, ""},
		{"enterprise_email", `"x@corp.example.com"`, ""},
		{"mobile", `"+86 13511112222"`, ""},
		{"mobile_visible", `false`, ""},
		{"gender", `2`, ""},
		{"city", `"上海"`, ""},
		{"country", `"CN"`, ""},
		{"work_station", `"7F-1"`, ""},
		{"join_time", `1700000000`, ""},
		{"employee_no", `"E99"`, ""},
		{"employee_type", `7`, ""},
		{"job_title", `"经理"`, ""},
		{"geo", `"cn"`, ""},
		{"job_level_id", `"l1"`, ""},
		{"job_family_id", `"f1"`, ""},
		{"time_zone", `"Asia/Shanghai"`, ""},
		{"leader_user_id", `"` + boss.UnionID + `"`, ""},
		{"dotted_line_leader_user_ids", `["` + boss.UnionID + `"]`, ""},
		{"custom_attrs", `[{"id":"C1","type":"TEXT","value":{"text":"值"}}]`, ""},
		{"department_ids", `["a","0"]`, ""},
		{"is_frozen", `true`, "-"},
		{"subscription_ids", `["s1"]`, "-"},
		{"avatar_key", `"k"`, "-"},
		{"status", `{"is_resigned":true}`, "-"}, // read-only: ignored
	} {
		path := users + "/u1?user_id_type=user_id&department_id_type=department_id"
		if strings.Contains(tt.field, "leader") {
			u, _ := w.User("u1")
			path = users + "/" + u.UnionID + "?user_id_type=union_id"
		}
		w.ok("PATCH", path, `{"`+tt.field+`":`+tt.sent+`}`)
		if tt.shown == "-" {
			continue
		}
		if got := quote(object(t, w.ok("GET", path, "")["user"])[tt.field]); got != tt.sent {
			t.Errorf("%s: sent %s, shown %s", tt.field, tt.sent, got)
		}
	}
	u, _ := w.User("u1")
	if !u.Frozen || u.Resigned || u.SubscriptionIDs[0] != "s1" || u.AvatarKey != "k" {
		t.Errorf("stored: %+v", u)
	}
	w.refused(44021, "PATCH", users+"/u1?user_id_type=user_id", `{"dotted_line_leader_user_ids":["nobody"]}`)
	w.ok("PATCH", users+"/u1?user_id_type=user_id", `{"dotted_line_leader_user_ids":[],"custom_attrs":[]}`)
	if u, _ := w.User("u1"); len(u.DottedLeaders) != 0 || string(u.CustomAttrs) != "[]" {
		t.Errorf("emptied: %+v", u)
	}
}

// TestEveryFieldScope checks that each permission shows exactly its fields.
func TestEveryFieldScope(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{NoLimits: true})
	w.person("boss", "王总")
	d := w.department("a", "A", "")
	u := w.person("u1", "李雷", "a")
	for scope, want := range map[string]string{
		"contact:user.base:readonly":                    "name",
		"contact:user.department:readonly":              "department_ids",
		"contact:user.employee:readonly":                "job_title",
		"contact:user.employee_number:read":             "employee_no",
		"contact:user.email:readonly":                   "email",
		"contact:user.phone:readonly":                   "mobile",
		"contact:user.employee_id:readonly":             "user_id",
		"contact:user.gender:readonly":                  "gender",
		"contact:user.job_level:readonly":               "job_level_id",
		"contact:user.job_family:readonly":              "job_family_id",
		"contact:user.dotted_line_leader_info.read":     "dotted_line_leader_user_ids",
		"contact:department.organize:readonly":          "open_id",
		"contact:contact:readonly_as_app":               "status",
		"contact:contact":                               "union_id",
		"contact:user.employee_id:readonly,im:anything": "user_id",
	} {
		w.SetScopes(append(strings.Split(scope, ","), "contact:contact.base:readonly")...)
		show := object(t, w.ok("GET", users+"/"+u.OpenID, "")["user"])
		if _, there := show[want]; !there {
			t.Errorf("%s does not show %s", scope, want)
		}
		if _, there := show["mobile"]; there != strings.Contains(scope, "phone") {
			t.Errorf("%s and mobile: %v", scope, there)
		}
	}
	w.SetScopes("contact:department.base:readonly", "contact:contact.base:readonly")
	show := object(t, w.ok("GET", departments+"/"+d.OpenID, "")["department"])
	if show["name"] != "A" || show["parent_department_id"] != nil || show["leaders"] != nil {
		t.Errorf("department by base: %v", show)
	}
	w.SetScopes("contact:department.organize:readonly")
	show = object(t, w.ok("GET", departments+"/"+d.OpenID, "")["department"])
	if show["name"] != nil || show["parent_department_id"] != "0" {
		t.Errorf("department by organize: %v", show)
	}
	if show := object(t, w.ok("GET", departments+"/0", "")["department"]); show["open_department_id"] != "0" {
		t.Errorf("root: %v", show)
	}
}

// TestVendorStatuses pins the odd HTTP statuses that come with some codes.
func TestVendorStatuses(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{})
	for code, status := range map[int]int{
		43000: 401, 41050: 403, 41028: 405, 41053: 409, 99991400: 429, 40003: 500, 41031: 504, 41032: 504, 44025: 400,
	} {
		w.Inject(Fault{Code: code})
		if r := w.refused(code, "GET", departments+"/0", ""); r.status != status {
			t.Errorf("%d: status %d", code, r.status)
		}
	}
}

func TestSmallThings(t *testing.T) {
	t.Parallel()
	w := room(t, Options{TenantKey: "tk"})
	if w.TenantKey() != "tk" || len(w.Chats()) != 1 || w.Chats()[0].Name != "账号群" {
		t.Errorf("%s %+v", w.TenantKey(), w.Chats())
	}
	if e := w.NewEvent("contact.scope.updated_v3", nil); e.ID == "" || e.Type != "contact.scope.updated_v3" || !e.CreatedAt.Equal(w.clock.now()) {
		t.Errorf("event: %+v", e)
	}
	if got := Retries(); len(got) != 4 || got[3] != 6*time.Hour {
		t.Errorf("retries: %v", got)
	}
	if err := w.UpdateChat("oc_none", func(*Chat) {}); err == nil {
		t.Error("an unknown chat was changed")
	}
	defer func() {
		if recover() == nil {
			t.Error("a tenant without a clock was made")
		}
	}()
	New(Options{})
}
