package wecomsim

import (
	"fmt"
	"strings"
	"testing"
)

func departments(t *testing.T) *bench {
	t.Helper()
	b := setup(t, nil)
	b.addDepartment(Department{ID: 2, Name: "研发", NameEN: "R&D", Order: 5})
	b.addDepartment(Department{ID: 3, Name: "后端", Parent: 2})
	b.addDepartment(Department{ID: 4, Name: "市场"})
	b.addUser(User{ID: "amy", Departments: []int64{4, 3}, IsLeader: []int{1, 0}})
	return b
}

func TestDepartmentRefusals(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("部", 33)
	for name, c := range map[string]struct {
		path, body string
		want       int
	}{
		"no name":              {"create", `{"parentid":1}`, 60001},
		"blank name":           {"create", `{"name":" ","parentid":1}`, 60001},
		"long name":            {"create", `{"name":"` + long + `","parentid":1}`, 60001},
		"32 characters":        {"create", `{"name":"` + long[3:] + `","parentid":1}`, 0},
		"colon":                {"create", `{"name":"a:b","parentid":1}`, 60009},
		"full-width bar":       {"create", `{"name":"a｜b","parentid":1}`, 60009},
		"bad english name":     {"create", `{"name":"a","name_en":"a?b","parentid":1}`, 60009},
		"tab":                  {"create", `{"name":"a\tb","parentid":1}`, 60009},
		"no parent":            {"create", `{"name":"a"}`, 60004},
		"parent missing":       {"create", `{"name":"a","parentid":99}`, 60004},
		"same name beside":     {"create", `{"name":"研发","parentid":1}`, 60008},
		"same name elsewhere":  {"create", `{"name":"研发","parentid":4}`, 0},
		"same id":              {"create", `{"name":"a","parentid":1,"id":2}`, 60008},
		"root's id":            {"create", `{"name":"a","parentid":1,"id":1}`, 60008},
		"id zero":              {"create", `{"name":"a","parentid":1,"id":0}`, 40058},
		"id negative":          {"create", `{"name":"a","parentid":1,"id":-3}`, 40058},
		"order negative":       {"create", `{"name":"a","parentid":1,"order":-1}`, 40058},
		"order too large":      {"create", `{"name":"a","parentid":1,"order":4294967296}`, 40058},
		"update without id":    {"update", `{"name":"a"}`, 60003},
		"update missing":       {"update", `{"id":99,"name":"a"}`, 60003},
		"move to missing":      {"update", `{"id":3,"parentid":99}`, 60004},
		"move to nothing":      {"update", `{"id":3,"parentid":0}`, 60004},
		"move below itself":    {"update", `{"id":2,"parentid":3}`, 60010},
		"move into itself":     {"update", `{"id":2,"parentid":2}`, 60010},
		"move root":            {"update", `{"id":1,"parentid":2}`, 60010},
		"rename root":          {"update", `{"id":1,"name":"新名"}`, 0},
		"rename to sibling":    {"update", `{"id":4,"name":"研发"}`, 60008},
		"rename to itself":     {"update", `{"id":4,"name":"市场"}`, 0},
		"move beside its name": {"update", `{"id":3,"parentid":1,"name":"市场"}`, 60008},
		"empty name":           {"update", `{"id":4,"name":""}`, 60001},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := departments(t)
			before := b.Tree()
			a := b.post("department/"+c.path, c.body)
			b.want(a, c.want)
			effects := len(b.Effects())
			if c.want != 0 && (b.Tree() != before || effects != 0) {
				t.Errorf("a refused call changed the corp: %d effects\n%s", effects, b.Tree())
			}
			if c.want == 0 && effects != 1 {
				t.Errorf("%d effects, want 1", effects)
			}
		})
	}
}

func TestDepartmentDelete(t *testing.T) {
	t.Parallel()
	b := departments(t)
	for _, c := range []struct {
		id   string
		want int
	}{
		{"1", 60007}, {"2", 60006}, {"3", 60005}, {"4", 60005}, {"99", 60003}, {"", 60003}, {"x", 40058},
	} {
		if a := b.get("department/delete", "id", c.id); a.code() != c.want {
			t.Errorf("delete %q: %d, want %d", c.id, a.code(), c.want)
		}
	}
	b.RemoveUser("amy")
	for _, id := range []string{"3", "2", "4"} {
		a := b.get("department/delete", "id", id)
		b.want(a, 0)
		if a["errmsg"] != "deleted" {
			t.Errorf("errmsg %v", a["errmsg"])
		}
	}
	if got := len(b.Departments()); got != 1 {
		t.Errorf("%d departments are left, want 1", got)
	}
	b.want(b.get("department/delete", "id", "3"), 60003)
}

func TestDepartmentIDsAreNotUsedAgain(t *testing.T) {
	t.Parallel()
	b := departments(t)
	a := b.post("department/create", `{"name":"a","parentid":1}`)
	if a["id"] != float64(5) || a["errmsg"] != "created" {
		t.Fatalf("created: %v", a)
	}
	b.want(b.get("department/delete", "id", "5"), 0)
	if a := b.post("department/create", `{"name":"a","parentid":1}`); a["id"] != float64(6) {
		t.Errorf("id %v, want 6", a["id"])
	}
	if a := b.post("department/create", `{"name":"b","parentid":1,"id":100}`); a["id"] != float64(100) {
		t.Errorf("id %v, want 100", a["id"])
	}
}

func TestDepartmentDepth(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	parent := int64(1)
	for level := 2; level <= 15; level++ {
		a := b.post("department/create", fmt.Sprintf(`{"name":"L%d","parentid":%d}`, level, parent))
		b.want(a, 0)
		parent = int64(a["id"].(float64))
	}
	b.want(b.post("department/create", fmt.Sprintf(`{"name":"L16","parentid":%d}`, parent)), 60002)
	// A subtree of two levels does not fit under level 14.
	b.addDepartment(Department{ID: 50, Name: "top"})
	b.addDepartment(Department{ID: 51, Name: "under", Parent: 50})
	b.want(b.post("department/update", fmt.Sprintf(`{"id":50,"parentid":%d}`, parent-1)), 60002)
	b.want(b.post("department/update", fmt.Sprintf(`{"id":50,"parentid":%d}`, parent-2)), 0)
}

func TestDepartmentRows(t *testing.T) {
	t.Parallel()
	b := departments(t)
	got := fmt.Sprint(b.get("department/get", "id", "2")["department"])
	if want := "map[department_leader:[] id:2 name:研发 name_en:R&D order:5 parentid:1]"; got != want {
		t.Errorf("get: %s", got)
	}
	got = fmt.Sprint(b.get("department/list", "id", "4")["department"])
	if want := "[map[department_leader:[amy] id:4 name:市场 name_en: order:0 parentid:1]]"; got != want {
		t.Errorf("list: %s", got)
	}
	got = fmt.Sprint(b.get("department/simplelist", "id", "2")["department_id"])
	if want := "[map[id:2 order:5 parentid:1] map[id:3 order:0 parentid:2]]"; got != want {
		t.Errorf("simplelist below 2: %s", got)
	}
	got = fmt.Sprint(b.get("department/simplelist")["department_id"])
	if want := "[map[id:1 order:0 parentid:0] map[id:2 order:5 parentid:1] map[id:3 order:0 parentid:2] map[id:4 order:0 parentid:1]]"; got != want {
		t.Errorf("simplelist: %s", got)
	}
	b.want(b.get("department/simplelist", "id", "99"), 60003)
	b.want(b.get("department/list", "id", "x"), 40058)
	b.want(b.get("department/get"), 60003)
}

func TestDepartmentUpdateKeepsWhatIsAbsent(t *testing.T) {
	t.Parallel()
	b := departments(t)
	b.want(b.post("department/update", `{"id":2,"parentid":4}`), 0)
	d, found := b.Department(2)
	if want := (Department{ID: 2, Parent: 4, Name: "研发", NameEN: "R&D", Order: 5}); !found || d != want {
		t.Errorf("%+v, want %+v", d, want)
	}
	if got := fmt.Sprint(b.get("department/simplelist", "id", "4")["department_id"]); !strings.Contains(got, "id:3") {
		t.Errorf("the subtree did not move: %s", got)
	}
}

func TestDepartmentSeeding(t *testing.T) {
	t.Parallel()
	b := departments(t)
	if _, err := b.AddDepartment(Department{Name: "研发"}); err == nil || err.Error() != "wecom 60008: department existed: name" {
		t.Errorf("duplicate: %v", err)
	}
	if err := b.ChangeDepartment(3, func(d *Department) { d.Name = "平台"; d.ID = 77; d.Parent = 4 }); err != nil {
		t.Error(err)
	}
	if d, _ := b.Department(3); d.Name != "平台" || d.Parent != 4 || d.ID != 3 {
		t.Errorf("%+v", d)
	}
	if err := b.ChangeDepartment(3, func(d *Department) { d.Parent = 0 }); err == nil {
		t.Error("a second root was accepted")
	}
	if err := b.ChangeDepartment(99, func(*Department) {}); err == nil {
		t.Error("a missing department was changed")
	}
	if err := b.RemoveDepartment(2); err != nil {
		t.Error(err)
	}
	if err := b.RemoveDepartment(1); err == nil {
		t.Error("the root was removed")
	}
	if got := len(b.Effects()); got != 0 {
		t.Errorf("seeding left %d effects", got)
	}
}
