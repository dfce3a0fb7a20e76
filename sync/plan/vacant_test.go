package plan_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// leaving gives a company whose 销售部 vanishes with its 一组: 1 and 2 move out, 3 out
// of 一组. The changes are #1 to #3, the departments #4 and #5.
func leaving(t *testing.T) *world {
	w := newWorld(t)
	w.in.Flow.DeleteGoneDepartments = true
	w.source.read(w, "department d1 研发部\nuser 1 甲 in=d1\nuser 2 乙 in=d1\nuser 3 丙 in=d1", false)
	w.target.read(w, `
		department t1 研发部
		department t2 销售部
		department t3 一组 in=t2
		user 1 甲 in=t2
		user 2 乙 in=t2,t1
		user 3 丙 in=t3`, true)
	w.readLinks("d1 -> t1 department\nd2 -> t2 department\nd3 -> t3 department\n1 -> 1\n2 -> 2\n3 -> 3")
	return w
}

func TestWhoHoldsAMoveHoldsTheDeletion(t *testing.T) {
	t.Parallel()
	p := make1(t, leaving(t).input())
	if len(p.Changes) != 5 || !slices.Equal(p.Changes[3].Needs, []int{3}) || !slices.Equal(p.Changes[4].Needs, []int{1, 2, 4}) {
		t.Fatalf("%s", planText(p))
	}
	rest := *p
	rest.Changes = p.Changes[2:] // the first two are done
	for name, c := range map[string]struct {
		of         *plan.Plan
		only, hold []string
		want       []int
	}{
		"all":                       {p, nil, nil, []int{1, 2, 3, 4, 5}},
		"a move out of the upper":   {p, nil, []string{"#2"}, []int{1, 3, 4}},
		"a move out of the lower":   {p, nil, []string{"#3"}, []int{1, 2}},
		"the lower":                 {p, nil, []string{"#4"}, []int{1, 2, 3}},
		"the upper":                 {p, nil, []string{"#5"}, []int{1, 2, 3, 4}},
		"only deletions":            {p, []string{"删除"}, nil, nil},
		"one with what it needs":    {p, []string{"#3-4"}, nil, []int{3, 4}},
		"what is done is not asked": {&rest, nil, nil, []int{3, 4, 5}},
	} {
		got, err := plan.Select(c.of, c.only, c.hold)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v, want %v", name, got, err, c.want)
		}
	}
}

// TestAMoveIsTakenBackThoughTheDepartmentIsDeleted: the deletion only waited for it.
func TestAMoveIsTakenBackThoughTheDepartmentIsDeleted(t *testing.T) {
	t.Parallel()
	w := leaving(t)
	w.target.objects[3].Attributes["title"] = text("旧")
	w.source.objects[1].Attributes["title"] = text("新")
	in := w.input()
	p := make1(t, in)
	after := applied(t, in, p)
	undo := plan.UndoInput{Input: after, Code: "7K3MQ2", Plan: p, Deeds: map[int]plan.Deed{}}
	for _, c := range p.Changes {
		undo.Deeds[c.Seq] = plan.Deed{Key: c.Key, Done: true, At: now}
	}
	back := plan.Undo(undo)
	found := false
	for _, c := range back.Changes {
		found = found || c.Source.ID == "1" && c.After["title"].Text() == "旧" && len(c.After) == 1
	}
	if !found || slices.ContainsFunc(back.Notes, func(n plan.Note) bool { return strings.Contains(n.Say, "stands on it") }) {
		t.Errorf("%s", planText(back))
	}
}

// TestADepartmentThatIsShownTwice: a target may show where somebody stands under the
// common name beside its own.
func TestADepartmentThatIsShownTwice(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		more map[string]directory.Value
		want int
	}{
		"under both names":           {map[string]directory.Value{"departments": directory.RefsToKind(directory.Department, "t2")}, 1},
		"as something else":          {map[string]directory.Value{"leads": directory.RefsToKind(directory.Department, "t2")}, 0},
		"under both, and one hidden": {map[string]directory.Value{"departments": directory.Hidden("contacts")}, 0},
	} {
		w := newWorld(t)
		w.in.Flow.DeleteGoneDepartments = true
		w.spec[directory.User].Rules = []mapping.Rule{{To: "userid", From: "employee_no"}, {To: "name", From: "name"}, {To: "dept_ids", From: "departments"}}
		w.source.read(w, "department d1 研发部\nuser 1 甲 in=d1", false)
		w.target.read(w, "department t1 研发部\ndepartment t2 销售部\nuser 1 甲", true)
		w.readLinks("d1 -> t1 department\nd2 -> t2 department\n1 -> 1")
		a := w.target.objects[2].Attributes
		a["dept_ids"] = directory.RefsToKind(directory.Department, "t2")
		maps.Copy(a, c.more)
		if p := make1(t, w.input()); p.Counts().Delete != c.want || p.Counts().Update != 1 {
			t.Errorf("%s: %s", name, planText(p))
		}
	}
}

// TestADepartmentThatIsShownUnderTheSystemsOwnNameToo: the mapping writes the common
// name, and the target shows the same under its own.
func TestADepartmentThatIsShownUnderTheSystemsOwnNameToo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		means map[string]string
		want  int
	}{
		"a name for the departments": {map[string]string{"department_ids": "departments"}, 1},
		"something else":             {map[string]string{"department_ids": "manager"}, 0},
		"not said":                   {nil, 0},
	} {
		w := newWorld(t)
		w.in.Flow.DeleteGoneDepartments = true
		w.spec[directory.User].Rules = []mapping.Rule{{To: "userid", From: "employee_no"}, {To: "name", From: "name"}, {To: "departments", From: "departments"}}
		w.source.read(w, "department d1 研发部\nuser 1 甲 in=d1", false)
		w.target.read(w, "department t1 研发部\ndepartment t2 销售部\nuser 1 甲", true)
		w.readLinks("d1 -> t1 department\nd2 -> t2 department\n1 -> 1")
		for _, attr := range []string{"departments", "department_ids"} {
			w.target.objects[2].Attributes[attr] = directory.RefsToKind(directory.Department, "t2")
		}
		in := w.input()
		in.Abilities.Means = map[directory.Kind]map[string]string{directory.User: c.means}
		if p := make1(t, in); p.Counts().Delete != c.want || p.Counts().Update != 1 {
			t.Errorf("%s: %s", name, planText(p))
		}
	}
}

// TestDepartmentsAreDeletedFromBelowWhoseTreeIsHidden: without a path their order
// follows from what needs what.
func TestDepartmentsAreDeletedFromBelowWhoseTreeIsHidden(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.in.Flow.DeleteGoneDepartments = true
	w.source.read(w, "user 1 甲", false)
	w.target.read(w, "department a ?\ndepartment b 二 in=a\ndepartment c 三 in=b\nuser 1 甲", true)
	w.target.objects[0].Attributes["name"] = directory.Hidden("names")
	w.readLinks("x -> a department\ny -> b department\nz -> c department\n1 -> 1")
	p := make1(t, w.input())
	checkPlan(t, w.input(), p)
	if len(p.Changes) != 3 || p.Changes[0].Key.ID != "c" || p.Changes[2].Key.ID != "a" || !slices.Equal(p.Changes[2].Needs, []int{2}) {
		t.Errorf("%s", planText(p))
	}
}

// TestDepartmentsInACircleAreKept: none of them is ever empty.
func TestDepartmentsInACircleAreKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.in.Flow.DeleteGoneDepartments = true
	w.source.read(w, "user 1 甲", false)
	w.target.read(w, "department a 一 in=b\ndepartment b 二 in=a\ndepartment c 三 in=c\nuser 1 甲", true)
	w.readLinks("x -> a department\ny -> b department\nz -> c department\n1 -> 1")
	if p := make1(t, w.input()); len(p.Changes) != 0 || len(p.Notes) != 3 {
		t.Errorf("%s", planText(p))
	}
}
