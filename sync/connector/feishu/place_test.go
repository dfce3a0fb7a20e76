package feishu_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/feishu"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

// TestDepartmentOrder: the number of each department, in the order of departments.
func TestDepartmentOrder(t *testing.T) {
	t.Parallel()
	to := func(ids ...string) directory.Value {
		var out []directory.ID
		for _, id := range ids {
			out = append(out, directory.ID(id))
		}
		return directory.RefsToKind(directory.Department, out...)
	}
	for name, c := range map[string]struct {
		after func(a, b, c string) directory.Attributes
		want  string // departments and numbers, read back
		kind  fault.Kind
	}{
		"numbers alone": {
			func(_, _, _ string) directory.Attributes {
				return directory.Attributes{"department_order": directory.ListOf("3", "4")}
			}, "b a: 3, 4", "",
		},
		"as a text": {
			func(_, _, _ string) directory.Attributes {
				return directory.Attributes{"department_order": directory.TextOf("5,6")}
			}, "b a: 5, 6", "",
		},
		"both": {
			func(a, _, c string) directory.Attributes {
				return directory.Attributes{"departments": to(c, a), "department_order": directory.ListOf("1", "2")}
			}, "c a: 1, 2", "",
		},
		"a move keeps what stays": {
			func(a, b, c string) directory.Attributes { return directory.Attributes{"departments": to(a, b, c)} }, "a b c: 7, 8, 0", "",
		},
		"one department": {
			func(a, _, _ string) directory.Attributes {
				return directory.Attributes{"departments": to(a), "department_order": directory.ListOf("2")}
			}, "a: 2", "",
		},
		"too few": {func(_, _, _ string) directory.Attributes {
			return directory.Attributes{"department_order": directory.ListOf("1")}
		}, "b a: 8, 7", fault.Invalid},
		"too many": {func(_, _, _ string) directory.Attributes {
			return directory.Attributes{"department_order": directory.ListOf("1", "2", "3")}
		}, "b a: 8, 7", fault.Invalid},
		"negative": {func(_, _, _ string) directory.Attributes {
			return directory.Attributes{"department_order": directory.ListOf("1", "-2")}
		}, "b a: 8, 7", fault.Invalid},
		"none of the root": {
			func(_, _, _ string) directory.Attributes {
				return directory.Attributes{"departments": to(), "department_order": directory.ListOf("1")}
			}, "b a: 8, 7", fault.Invalid,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newTenant(t, nil)
			a, b, third := x.department(t, "甲部", ""), x.department(t, "乙部", ""), x.department(t, "丙部", "")
			x.user(t, feishusim.User{UserID: "u1", Name: "x", Departments: []string{a, b}, Orders: []feishusim.Order{
				{Department: a, DepartmentOrder: 1, UserOrder: 7}, {Department: b, DepartmentOrder: 2, UserOrder: 8, Primary: true},
			}})
			_, err := x.c.Apply(t.Context(), update("u1", c.after(a, b, third)))
			if fault.KindOf(err) != c.kind || c.kind != "" && len(x.Effects()) != 0 {
				t.Fatalf("error %v with %d effects, want %q", err, len(x.Effects()), c.kind)
			}
			got := x.look(t, "u1").Object.Attributes
			short := strings.NewReplacer("department:"+a, "a", "department:"+b, "b", "department:"+third, "c", ",", "")
			if text := short.Replace(got["departments"].String()) + ": " + got["department_order"].String(); text != c.want {
				t.Errorf("%s, want %s", text, c.want)
			}
		})
	}
}

// TestOrderOfWhoIsHidden: without the departments nothing is sent.
func TestOrderOfWhoIsHidden(t *testing.T) {
	t.Parallel()
	x := newTenant(t, nil)
	x.user(t, feishusim.User{UserID: "u1", Name: "x"})
	x.SetScopes("contact:contact", "contact:user.employee:readonly", "contact:user.employee_id:readonly")
	_, err := x.c.Apply(t.Context(), update("u1", directory.Attributes{"department_order": directory.ListOf("1")}))
	if fault.KindOf(err) != fault.Denied || !strings.Contains(fault.Say(err), "contact:user.department:readonly") || len(x.Effects()) != 0 {
		t.Errorf("error %v, %d effects", err, len(x.Effects()))
	}
	if got := x.look(t, "u1").Object.Attributes["department_order"]; got.Type() != directory.Unknown {
		t.Errorf("hidden, and read as %s", got.Type())
	}
}

func TestLeadersOfDepartments(t *testing.T) {
	t.Parallel()
	x := newTenant(t, nil)
	for _, id := range []string{"one", "two", "three"} {
		x.user(t, feishusim.User{UserID: id, Name: id})
	}
	d := directory.ID(x.department(t, "甲部", ""))
	leaders := func() string {
		t.Helper()
		seen, err := x.c.Lookup(t.Context(), directory.Department, []directory.ID{d})
		if err != nil || seen[0].Presence != connector.Present {
			t.Fatalf("%v %v", seen, err)
		}
		a := seen[0].Object.Attributes
		return strings.ReplaceAll(a["leader"].String()+" | "+a["leaders"].String(), "user:", "")
	}
	write := func(name string, ids ...directory.ID) {
		t.Helper()
		w := connector.Write{Op: plan.Update, Key: departmentKey(string(d)), After: directory.Attributes{name: directory.RefsToKind(directory.User, ids...)}}
		if _, err := x.c.Apply(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		name string
		ids  []directory.ID
		want string
	}{
		{"leaders", []directory.ID{"two", "one", "two"}, "two | two, one"},
		{"leader", []directory.ID{"three"}, "three | three, one"},
		{"leaders", nil, " | "},
		{"leader", []directory.ID{"one"}, "one | one"},
	} {
		write(step.name, step.ids...)
		if got := leaders(); got != step.want {
			t.Errorf("%s %v: %s, want %s", step.name, step.ids, got, step.want)
		}
	}
	x.front = func(w http.ResponseWriter, r *http.Request) bool {
		return strings.HasSuffix(r.URL.Path, "/departments/"+string(d)) && answerJSON(w, http.StatusOK,
			fmt.Sprintf(`{"code":0,"data":{"department":{"open_department_id":%q,"name":"x","leader_user_id":"one"}}}`, d))
	}
	if got := leaders(); got != "one | ?" {
		t.Errorf("a leader and no leaders: %s", got)
	}
}

// TestLeads: who leads is derived from all departments, in a look-up too.
func TestLeads(t *testing.T) {
	t.Parallel()
	x := newTenant(t, func(_ *feishusim.Options, o *feishu.Options) { o.Leads = true })
	boss, deputy := x.user(t, feishusim.User{UserID: "boss", Name: "老板"}), x.user(t, feishusim.User{UserID: "deputy", Name: "副"})
	var ids []string
	for i := range 5 { // two pages
		d, err := x.AddDepartment(feishusim.Department{Name: fmt.Sprintf("部门%d", i), Leaders: []feishusim.Leader{{Type: 1, ID: boss.OpenID}, {Type: 2, ID: deputy.OpenID}}[:1+i%2]})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, d.OpenID)
	}
	s := x.read(t)
	for id, want := range map[string]int{"boss": 5, "deputy": 2} {
		o, _ := s.Get(userKey(id))
		read, looked := o.Attributes["leads"], x.look(t, id).Object.Attributes["leads"]
		if len(read.Refs()) != want || !looked.Equal(read) || read.Refs()[0].Kind != directory.Department {
			t.Errorf("%s leads %q, looked up %q", id, read, looked)
		}
	}
	x.SetContactScope(&feishusim.ContactScope{Departments: ids[:2], Users: []string{boss.OpenID}})
	o, _ := x.read(t).Get(userKey("boss"))
	if looked := x.look(t, "boss").Object.Attributes["leads"]; o.Attributes["leads"].Type() != directory.Unknown || looked.Type() != directory.Unknown {
		t.Errorf("with a part of the departments: %s, %s", o.Attributes["leads"].Type(), looked.Type())
	}
}
