package plan_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// tower gives a company with new people in three departments, somebody who moves
// out of one, a leaver, and two for whom the rule fails.
func tower(t *testing.T) *world {
	w := newWorld(t)
	w.source.read(w, `
		department d1 总部
		department d2 研发部 in=d1
		department d3 销售部 in=d1
		department d4 研发部 in=d3
		user 1 甲 in=d2
		user 2 乙 in=d3
		user 3 丙 in=d4
		user 4 丁 in=d3
		user 6 己 in=d2
		user 7 庚 in=d3
		user 8 辛 in=d3 boss=1`, false)
	w.target.read(w, `
		department t1 总部
		department t2 研发部 in=t1
		user 4 丁 in=t2
		user 5 戊 in=t2`, true)
	w.readLinks(`
		d1 -> t1 department
		d2 -> t2 department
		4 -> 4
		5 -> 5 seen:in=d2 seen:name=戊`)
	w.readRule(`
		6: throw oops
		7: throw oops`)
	return w
}

func TestANarrowedPlanIsAPartWithTheRiskOfTheWhole(t *testing.T) {
	t.Parallel()
	whole, err := plan.Make(t.Context(), tower(t).input())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		only    plan.Narrow
		changes string // "OP source or target id"
		notes   string
	}{
		"a path":       {plan.Narrow{Department: "/总部/研发部"}, "CREATE 1, UPDATE 4, DISABLE 5", "6"},
		"without /":    {plan.Narrow{Department: "总部/销售部"}, "CREATE d3, CREATE d4, CREATE 2, CREATE 3, CREATE 8, UPDATE 4, UPDATE 8", "7"},
		"a last name":  {plan.Narrow{Department: " 销售部 "}, "CREATE d3, CREATE d4, CREATE 2, CREATE 3, CREATE 8, UPDATE 4, UPDATE 8", "7"},
		"departments":  {plan.Narrow{Kind: directory.Department}, "CREATE d3, CREATE d4", ""},
		"people of it": {plan.Narrow{Department: "销售部", Kind: directory.User}, "CREATE 2, CREATE 3, CREATE 8, UPDATE 4, UPDATE 8", "7"},
		"everything":   {plan.Narrow{Department: "总部"}, "CREATE d3, CREATE d4, CREATE 1, CREATE 2, CREATE 3, CREATE 8, UPDATE 4, UPDATE 8, DISABLE 5", "6 7"},
	} {
		in := tower(t).input()
		in.Only = c.only
		p, err := plan.Make(t.Context(), in)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var changes, notes []string
		for i, ch := range p.Changes {
			changes = append(changes, string(ch.Op)+" "+string(ch.Source.ID))
			if ch.Seq != i+1 {
				t.Errorf("%s: change %d bears %d", name, i+1, ch.Seq)
			}
			for _, seq := range ch.Needs {
				if seq < 1 || seq >= ch.Seq || p.Changes[seq-1].Op != plan.Create {
					t.Errorf("%s: #%d needs #%d", name, ch.Seq, seq)
				}
			}
			for _, v := range ch.After {
				for _, ref := range v.Refs() {
					if p.Names[ref.String()] == "" {
						t.Errorf("%s: nobody knows what %s is called", name, ref)
					}
				}
			}
		}
		for _, n := range p.Notes {
			notes = append(notes, string(n.Key.ID))
		}
		slices.Sort(notes)
		slices.Sort(changes)
		want := strings.Split(c.changes, ", ")
		slices.Sort(want)
		if !slices.Equal(changes, want) || strings.Join(notes, " ") != c.notes {
			t.Errorf("%s: changes %v notes %v, want %v and %s", name, changes, notes, want, c.notes)
		}
		if p.Risk.Tier != whole.Risk.Tier || len(p.Risk.Reasons) != len(whole.Risk.Reasons) || p.Managed != whole.Managed {
			t.Errorf("%s: risk %+v, of the whole %+v", name, p.Risk, whole.Risk)
		}
	}
}

func TestADepartmentThatIsNotOneIsRefused(t *testing.T) {
	t.Parallel()
	for name, says := range map[string]string{
		"研发部":  "2 departments are called", // t2 and d2 have one path, and d4 is another
		"销售":   "near it: /总部/销售部",
		"消售部":  "near it: /总部/销售部",
		"财务中心": "near it: –",
		"/研发部": "2 departments are called \"/研发部\", give the path: /总部/研发部, /总部/销售部/研发部",
		"/":    "there is no department",
	} {
		in := tower(t).input()
		in.Only.Department = name
		p, err := plan.Make(t.Context(), in)
		if p != nil || fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Say(err), says) {
			t.Errorf("%s: %v, %v", name, p, err)
		}
		if en, zh := fault.In(fault.Say(err), "en"), fault.In(fault.Say(err), "zh"); !strings.Contains(en, "department") || !strings.Contains(zh, "部门") {
			t.Errorf("%s: %q is not in two languages", name, fault.Say(err))
		}
	}
}
