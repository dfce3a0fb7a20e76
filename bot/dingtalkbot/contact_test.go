package dingtalkbot

import (
	"slices"
	"testing"

	"github.com/rollcallhq/rollcall/sync/directory"
)

func TestContactHints(t *testing.T) {
	t.Parallel()
	user := func(id string, gone bool) directory.Hint {
		return directory.Hint{Key: directory.Key{Kind: directory.User, ID: directory.ID(id)}, Gone: gone}
	}
	department := func(id string, gone bool) directory.Hint {
		return directory.Hint{Key: directory.Key{Kind: directory.Department, ID: directory.ID(id)}, Gone: gone}
	}
	for name, c := range map[string]struct {
		kind, data string
		want       []directory.Hint
		ok         bool
	}{
		"joined":         {"user_add_org", `{"timeStamp":"1685501863357","userId":["u1","u2"]}`, []directory.Hint{user("u1", false), user("u2", false)}, true},
		"changed":        {"user_modify_org", `{"timeStamp":"1","diffInfo":{"prev":{"name":"a"},"curr":{"name":"b"},"userid":"u1"},"userId":["u1"]}`, []directory.Hint{user("u1", false)}, true},
		"activated":      {"user_active_org", `{"userId":["u1"]}`, []directory.Hint{user("u1", false)}, true},
		"left":           {"user_leave_org", `{"userId":["u1"]}`, []directory.Hint{user("u1", true)}, true},
		"department":     {"org_dept_create", `{"deptId":[432825033]}`, []directory.Hint{department("432825033", false)}, true},
		"quoted":         {"org_dept_modify", `{"deptId":["7"]}`, []directory.Hint{department("7", false)}, true},
		"department off": {"org_dept_remove", `{"deptId":[7]}`, []directory.Hint{department("7", true)}, true},
		"another event":  {"label_user_change", `{"x":1}`, nil, true},
		"no ids":         {"user_modify_org", `{}`, []directory.Hint{{}}, false},
		"no JSON":        {"user_modify_org", `{`, []directory.Hint{{}}, false},
		"half a number":  {"org_dept_modify", `{"deptId":[7.5]}`, []directory.Hint{{}}, false},
	} {
		got, ok := contactHints(c.kind, []byte(c.data))
		if ok != c.ok || !slices.Equal(got, c.want) {
			t.Errorf("%s: %+v %v, want %+v %v", name, got, ok, c.want, c.ok)
		}
	}
}

func FuzzContactHints(f *testing.F) {
	f.Add("user_add_org", []byte(`{"userId":["u1"]}`))
	f.Add("org_dept_remove", []byte(`{"deptId":[1,"2"]}`))
	f.Fuzz(func(t *testing.T, kind string, data []byte) {
		hints, ok := contactHints(kind, data)
		if !ok && (len(hints) != 1 || hints[0] != (directory.Hint{})) {
			t.Errorf("what cannot be read says %+v", hints)
		}
	})
}
