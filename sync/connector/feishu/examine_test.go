package feishu_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/feishu"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

// reads are what a flow into Feishu reads and writes here.
func use(target bool, names ...string) connector.Use {
	u := connector.Use{Source: !target, Target: target}
	for _, n := range names {
		u.Read = append(u.Read, connector.Named{Kind: directory.User, Name: n})
	}
	return u
}

// findings draws what was found, a line each, in one language.
func findings(all []connector.Finding, zh bool) string {
	marks := map[connector.Level]string{connector.Works: "+", connector.Hidden: "~", connector.Refused: "-", connector.Unverified: "?"}
	var b strings.Builder
	for _, f := range all {
		say, do, what := f.Say.EN, f.Do.EN, f.Capability.EN
		if zh {
			say, do, what = f.Say.ZH, f.Do.ZH, f.Capability.ZH
		}
		b.WriteString(strings.TrimSpace(marks[f.Level]+" "+what+" | "+say+" | "+do) + "\n")
	}
	return b.String()
}

// lists answers the list of granted permissions, which the simulator has not.
func lists(granted ...string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/open-apis/application/v6/scopes" {
			return false
		}
		var scopes []map[string]any
		for _, name := range granted {
			scopes = append(scopes, map[string]any{"scope_name": name, "scope_type": "tenant", "grant_status": 1})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"code": 0, "data": map[string]any{"scopes": scopes}})
		return true
	}
}

func basics() []string {
	return []string{
		"contact:contact.base:readonly", "contact:user.base:readonly", "contact:user.employee:readonly", "contact:user.department:readonly",
		"contact:user.employee_id:readonly", "contact:department.base:readonly", "contact:department.organize:readonly",
	}
}

func TestExamine(t *testing.T) {
	t.Parallel()
	phone := "contact:user.phone:readonly"
	for name, c := range map[string]struct {
		granted []string
		listed  bool // Feishu lists what is granted
		within  *feishusim.ContactScope
		empty   bool // nobody is in the tenant
		use     connector.Use
		secret  string
		want    []string // lines in the English drawing, by their beginnings, in order; others work
	}{
		"all granted and listed": {
			granted: append(basics(), phone, "contact:contact"), listed: true, use: use(true, "mobile"), want: []string{},
		},
		"all granted, not listed": {
			granted: append(basics(), phone, "contact:contact"), use: use(true, "mobile"), want: []string{"? write | Feishu does not list"},
		},
		"without the phone permission, listed": {
			granted: basics(), listed: true, use: use(false, "name", "mobile"),
			want: []string{"~ read mobile | lacks permission contact:user.phone:readonly; unknown, and never cleared | Developer Console"},
		},
		"without the phone permission, looked": {
			granted: basics(), use: use(false, "name", "mobile"), want: []string{"~ read mobile | lacks permission contact:user.phone:readonly"},
		},
		"without the phone permission, not used": {granted: basics(), use: use(false, "name"), want: []string{}},
		"read only": {
			granted: basics(), listed: true, use: use(true, "name"), want: []string{"- write | lacks permission contact:contact | Developer Console"},
		},
		"the state hidden": {
			granted: slices.DeleteFunc(basics(), func(s string) bool { return s == "contact:user.employee:readonly" }), use: use(false, "name"),
			want: []string{"- read the state of accounts | lacks permission contact:user.employee:readonly"},
		},
		"nobody there": {
			granted: basics(), empty: true, use: use(false, "mobile"),
			want: []string{
				"? read the state of accounts | nothing is there", "? read department names", "? read the tree", "? read who belongs", "? read names",
				"? read user_id", "? read mobile",
			},
		},
		"narrow range": {
			granted: basics(), listed: true, within: &feishusim.ContactScope{Departments: []string{"sales"}}, use: use(false, "name"),
			want: []string{"- whole company visible | the contact range is not all staff: nobody is ever taken for gone (now: departments 1, people 0) | Developer Console → your app → Permissions & Scopes → Data Permissions"},
		},
		"no right to list": {
			granted: []string{"contact:user.base:readonly"}, listed: true, use: use(false, "name"),
			want: []string{
				"- whole company visible | ", "- read the state of accounts", "- read department names", "- read the tree", "- read who belongs", "- read user_id",
			},
		},
		"wrong secret": {granted: basics(), secret: "other", use: use(true, "name"), want: []string{"- credentials | "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newTenant(t, func(s *feishusim.Options, f *feishu.Options) {
				if c.secret != "" {
					f.AppSecret = c.secret
				}
			})
			if c.listed {
				x.front = lists(c.granted...)
			}
			if !c.empty {
				_, err := x.AddDepartment(feishusim.Department{Name: "销售", DepartmentID: "sales"})
				if err != nil {
					t.Fatal(err)
				}
				x.user(t, feishusim.User{Name: "艾米", Mobile: "+8613800000001", Departments: []string{"sales"}})
			}
			x.SetScopes(c.granted...)
			x.SetContactScope(c.within)
			before := len(x.Effects())
			all := x.c.Examine(t.Context(), c.use)
			if calls := total(x.Calls()); calls > 9 { // eight and the token
				t.Errorf("%d calls: %v", calls, x.Calls())
			}
			if len(x.Effects()) != before {
				t.Errorf("it wrote: %v", x.Effects()[before:])
			}
			checkLines(t, findings(all, false), c.want)
			checkTexts(t, all)
		})
	}
}

func total(calls map[string]int) int {
	n := 0
	for _, c := range calls {
		n += c
	}
	return n
}

// checkLines sees that the lines that do not work are the wanted ones.
func checkLines(t *testing.T, drawn string, want []string) {
	t.Helper()
	var odd []string
	for line := range strings.Lines(drawn) {
		if !strings.HasPrefix(line, "+ ") {
			odd = append(odd, line)
		}
	}
	if len(odd) != len(want) {
		t.Fatalf("\n%swant %d lines that do not work: %q", drawn, len(want), want)
	}
	for i := range want {
		if !strings.HasPrefix(odd[i], want[i]) {
			t.Errorf("%q\nwant %q", odd[i], want[i])
		}
	}
}

// checkTexts sees that both languages are there, and a way on for what is refused.
func checkTexts(t *testing.T, all []connector.Finding) {
	t.Helper()
	for _, f := range all {
		for _, both := range []connector.Text{f.Capability, f.Say, f.Do} {
			if (both.ZH == "") != (both.EN == "") {
				t.Errorf("one language only: %+v", both)
			}
		}
		if f.Capability.EN == "" || f.Level == connector.Refused && (f.Do.EN == "" || f.Say.EN == "") {
			t.Errorf("says nothing: %+v", f)
		}
	}
}

func TestExamineUnreachable(t *testing.T) {
	t.Parallel()
	x := newTenant(t, nil)
	x.front = func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusBadGateway); return true }
	all := x.c.Examine(t.Context(), use(true, "name"))
	checkLines(t, findings(all, false), []string{"- credentials | "})
	if !strings.Contains(findings(all, true), "一分钟后再试") {
		t.Errorf("%s", findings(all, true))
	}
}
