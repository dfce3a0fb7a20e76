package plan_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// voters gives a plan with departments, namesakes, and a person with two changes.
func voters() *plan.Plan {
	user := func(op plan.Op, id, name, where string) plan.Change {
		c := plan.Change{Op: op, Key: userKey(directory.ID(id)), Source: userKey(directory.ID("hr-" + id)), Name: name, Where: where, Tail: id[1:]}
		if op != plan.Create {
			c.Before = directory.Attributes{"biz_mail": text("U" + id + "@x.cn"), directory.AttrEmployeeNo: text("E" + id), "hidden": directory.Hidden("p")}
		}
		return c
	}
	p := &plan.Plan{Changes: []plan.Change{
		{Op: plan.Create, Key: directory.Key{Kind: directory.Department}, Source: directory.Key{Kind: directory.Department, ID: "d9"}, Name: "华东", Where: "/总部/销售/华东"},
		user(plan.Create, "0001", "新人", "/总部/销售/华东"),
		user(plan.Update, "0002", "张三", "/总部/研发"),
		user(plan.Update, "0002", "张三", "/总部/研发"),
		user(plan.Disable, "0003", "王磊", "/总部/销售"),
		user(plan.Disable, "0004", "王磊", "/总部/研发/平台"),
		user(plan.Delete, "0005", "李四", "/分部/平台"),
		user(plan.Delete, "0006", "停用", "/总部/研发"),
		user(plan.Delete, "0007", "Anna Lee", ""),
		user(plan.Adopt, "0008", "赵六", "/总部/销售部"),
	}}
	for i := range p.Changes {
		p.Changes[i].Seq = i + 1
	}
	return p
}

func TestSelect(t *testing.T) {
	t.Parallel()
	list := func(items ...string) []string { return items }
	tests := []struct {
		name       string
		only, hold []string
		want       []int
		says       []string // of the refusal; nil: there is none
	}{
		{"nothing said", nil, nil, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, nil},
		{"a department by its last name, with all below", list("销售"), nil, []int{1, 2, 5}, nil},
		{"a department by its path", list("/总部/研发"), nil, []int{3, 4, 6, 8}, nil},
		{"a path with a slash at its end", list("/总部/研发/"), nil, []int{3, 4, 6, 8}, nil},
		{"the top", list("总部"), nil, []int{1, 2, 3, 4, 5, 6, 8, 10}, nil},
		{"a name that begins like another", list("/总部/销售部"), nil, []int{10}, nil},
		{"two departments of one name", list("平台"), nil, nil, list("/分部/平台", "/总部/研发/平台")},
		{"half a path", list("研发/平台"), nil, []int{6}, nil},
		{"a path that is not there", list("/销售"), nil, nil, list("“/销售”")},
		{"an operation", list("删除"), nil, []int{7, 8, 9}, nil},
		{"an operation in English", list("Delete"), nil, []int{7, 8, 9}, nil},
		{"creates", list("新建"), nil, []int{1, 2}, nil},
		{"updates", list("更新"), nil, []int{3, 4}, nil},
		{"adoptions", list("认领"), nil, []int{10}, nil},
		{"an operation that is somebody's name too", list("停用"), nil, nil, list("操作“停用”", "#8")},
		{"a person with two changes", list("张三"), nil, []int{3, 4}, nil},
		{"a mentioned person", list("@停用"), nil, []int{8}, nil},
		{"a name with a blank, in another case", list(" anna LEE "), nil, []int{9}, nil},
		{"namesakes", list("王磊"), nil, nil, list("#5", "#6", "/总部/销售", "…003")},
		{"an employee number", list("E0004"), nil, []int{6}, nil},
		{"an id of the target", list("0003"), nil, []int{5}, nil},
		{"an id of the source, full-width", list("ｈｒ-0003"), nil, []int{5}, nil},
		{"a mail address in any case", list("u0004@X.CN"), nil, []int{6}, nil},
		{"a hidden value is nobody's", list("?"), nil, nil, list("“?”")},
		{"the end of a number is not enough", list("003"), nil, nil, list("“003”")},
		{"a number", list("#3"), nil, []int{3}, nil},
		{"a span", list("#3-5"), nil, []int{3, 4, 5}, nil},
		{"a span with two marks", list("#3-#5"), nil, []int{3, 4, 5}, nil},
		{"a span past the end", list("#9-40"), nil, []int{9, 10}, nil},
		{"no such number", list("#11"), nil, nil, list("#11")},
		{"number nought", list("#0"), nil, nil, list("#0")},
		{"a span backwards", list("#5-3"), nil, nil, list("#5-3")},
		{"no number", list("#x"), nil, nil, list("#x")},
		{"an endless number", list("#99999999999999999999"), nil, nil, list("#3")},
		{"nothing", list(""), nil, nil, list("#3")},
		{"a mark alone", list("@"), nil, nil, list("#3")},
		{"several are added up", list("#1", "删除", "/总部/研发"), nil, []int{1, 3, 4, 6, 7, 8, 9}, nil},
		{"held back", nil, list("销售", "#9"), []int{3, 4, 6, 7, 8, 10}, nil},
		{"held back of what is approved", list("删除"), list("李四"), []int{8, 9}, nil},
		{"everything held back", list("#3"), list("张三"), nil, nil},
		{"held back, nobody of that name", nil, list("钱七"), nil, list("“钱七”")},
		{"held back, namesakes", list("#1"), list("王磊"), nil, list("#5", "#6")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := plan.Select(voters(), tt.only, tt.hold)
			if tt.says == nil {
				if err != nil || !slices.Equal(got, tt.want) {
					t.Errorf("got %v, %v; want %v", got, err, tt.want)
				}
				return
			}
			if fault.KindOf(err) != fault.Invalid || got != nil {
				t.Fatalf("got %v, %v; want a refusal", got, err)
			}
			for _, lang := range []string{"en", "zh"} {
				if say := fault.In(fault.Say(err), lang); lang == "zh" && !slices.ContainsFunc([]rune(say), func(r rune) bool { return r > 0x4e00 }) {
					t.Errorf("no Chinese: %s", say)
				}
			}
			for _, word := range tt.says {
				if !strings.Contains(fault.In(fault.Say(err), "zh"), word) {
					t.Errorf("%q is missing in: %v", word, err)
				}
			}
		})
	}
}

// TestSelectHoldsBackWithAnyDepartment has somebody of two departments, of whom a
// plan shows the first.
func TestSelectHoldsBackWithAnyDepartment(t *testing.T) {
	t.Parallel()
	p := voters()
	p.Changes[6].Before["department"] = directory.RefsToKind(directory.Department, "d1", "d2")
	p.Names = map[string]string{}
	for i, ref := range p.Changes[6].Before["department"].Refs() {
		p.Names[ref.String()] = []string{"/分部/平台", "/总部/财务/税务"}[i]
	}
	got, err := plan.Select(p, []string{"删除"}, []string{"财务"})
	if err != nil || !slices.Equal(got, []int{8, 9}) {
		t.Errorf("held back: %v, %v", got, err)
	}
	if got, err := plan.Select(p, []string{"/总部"}, nil); err != nil || slices.Contains(got, 7) {
		t.Errorf("approved: %v, %v", got, err)
	}
}

// TestSelectNeverGrows draws items: what is chosen is of the plan, in order, and
// whoever names more to be held back never gets more.
func TestSelectNeverGrows(t *testing.T) {
	t.Parallel()
	items := []string{"销售", "/总部", "删除", "disable", "张三", "E0004", "#3", "#2-6", "#9", "李四"}
	rapid.Check(t, func(rt *rapid.T) {
		some := rapid.SliceOfN(rapid.SampledFrom(items), 0, 4)
		only, hold, more := some.Draw(rt, "only"), some.Draw(rt, "hold"), some.Draw(rt, "more")
		all, err := plan.Select(voters(), nil, nil)
		if err != nil {
			rt.Fatal(err)
		}
		part, err1 := plan.Select(voters(), only, hold)
		less, err2 := plan.Select(voters(), only, slices.Concat(hold, more))
		if err1 != nil || err2 != nil {
			rt.Fatal(err1, err2)
		}
		if !slices.IsSorted(part) || !subset(part, all) || !subset(less, part) {
			rt.Errorf("all %v, part %v, less %v", all, part, less)
		}
	})
}

func subset(some, all []int) bool {
	return !slices.ContainsFunc(some, func(n int) bool { return !slices.Contains(all, n) })
}

// FuzzSelect sees that nothing that people type takes the process down, or gives
// changes that are not there.
func FuzzSelect(f *testing.F) {
	for _, s := range []string{"销售", "#3-5", "#", "@", "/", "//", "#-", "#1-", "停用", "\xff", "#4294967296-1"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, only, hold string) {
		got, err := plan.Select(voters(), []string{only}, []string{hold})
		if err != nil && fault.KindOf(err) != fault.Invalid || len(got) > len(voters().Changes) || !slices.IsSorted(got) {
			t.Errorf("%v, %v", got, err)
		}
	})
}
