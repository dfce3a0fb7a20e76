package dingtalk_test

import (
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/dingtalk"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/simulator/dingtalksim"
)

// TestGone checks the rule by which somebody is called gone: nothing less than
// 'no such member' to an app that sees everybody, and to the department too.
func TestGone(t *testing.T) {
	t.Parallel()
	part := &dingtalksim.AuthScope{Departments: []int64{10}}
	for name, c := range map[string]struct {
		arm  func(*bench)
		want connector.Presence
		why  string
	}{
		"left":                     {func(b *bench) { b.remove("top") }, connector.Gone, ""},
		"there":                    {func(*bench) {}, connector.Present, ""},
		"out of scope":             {func(b *bench) { b.SetAuthScope(part) }, connector.Unsure, "scope"},
		"left, in a narrow scope":  {func(b *bench) { b.remove("top"); b.SetAuthScope(part) }, connector.Unsure, "全部员工"},
		"not yet on every replica": {func(b *bench) { b.HideUser("top", dingtalksim.HideGet) }, connector.Unsure, "still lists them"},
		"another's answer":         {func(b *bench) { b.Inject(getAs(`{"userid":"lead","dept_id_list":[10]}`)) }, connector.Unsure, ""},
		"60111":                    {func(b *bench) { b.remove("top"); b.Inject(dingtalksim.Fault{Path: atGet, Errcode: 60111}) }, connector.Gone, ""},
		"33012 while listed":       {func(b *bench) { b.Inject(dingtalksim.Fault{Path: atGet, Errcode: 33012}) }, connector.Unsure, "still lists them"},
		"50002 in 88":              {func(b *bench) { b.Inject(dingtalksim.Fault{Path: atGet, Errcode: 50002, Wrapped: true}) }, connector.Unsure, "scope"},
		"disabled":                 {func(b *bench) { b.Inject(dingtalksim.Fault{Path: atGet, Errcode: 60120}) }, connector.Unsure, "disabled"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.corp()
			b.complete()
			c.arm(b)
			seen, err := b.conn.Lookup(t.Context(), directory.User, []directory.ID{"top"})
			if name == "another's answer" {
				// It is repeated, and the second answer is right.
				if err != nil && fault.KindOf(err) != fault.Unavailable {
					t.Errorf("an answer about somebody else: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if seen[0].Presence != c.want || !strings.Contains(seen[0].Why, c.why) {
				t.Errorf("presence %d for %q, want %d for %q", seen[0].Presence, seen[0].Why, c.want, c.why)
			}
		})
	}
}

func getAs(result string) dingtalksim.Fault {
	return dingtalksim.Fault{Path: atGet, Body: `{"errcode":0,"errmsg":"ok","result":` + result + `}`}
}

func (b *bench) remove(id string) {
	b.t.Helper()
	if err := b.Console().RemoveUser(id); err != nil {
		b.t.Fatal(err)
	}
}

// TestScopeAskedAfter checks that the scope is asked after the person: one that
// was narrowed in between must not make them gone.
func TestScopeAskedAfter(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.corp()
	b.remove("top")
	b.lookup(user("top"))
	var order []string
	for _, c := range b.Calls() {
		if c.Path == atGet || c.Path == atScopes {
			order = append(order, c.Path)
		}
	}
	if len(order) != 2 || order[1] != atScopes {
		t.Errorf("asked in the order %v", order)
	}
}

func TestLookupDepartments(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.corp()
	seen, err := b.conn.Lookup(t.Context(), directory.Department, []directory.ID{"11", "1", "99", "nonsense"})
	if err != nil {
		t.Fatal(err)
	}
	want := []connector.Presence{connector.Present, connector.Unsure, connector.Gone, connector.Gone}
	for i, s := range seen {
		if s.Presence != want[i] {
			t.Errorf("place %d: presence %d, want %d", i, s.Presence, want[i])
		}
	}
	b.SetAuthScope(&dingtalksim.AuthScope{Departments: []int64{20}})
	for _, id := range []directory.ID{"11", "99"} {
		if s := b.lookup(department(id)); s.Presence != connector.Unsure {
			t.Errorf("department %s in a narrow scope has presence %d", id, s.Presence)
		}
	}
	if _, err := b.conn.Lookup(t.Context(), "group", []directory.ID{"1"}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("another kind: %v", err)
	}
}

// TestDeleteConfirmed checks that the delete of somebody who is not to be seen is
// no success.
func TestDeleteConfirmed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.corp()
	b.complete()
	b.HideUser("top", dingtalksim.HideGet)
	b.refused(fault.Denied, plan.Delete, user("top"), nil)
	b.HideUser("top", 0)
	b.SetAuthScope(&dingtalksim.AuthScope{Departments: []int64{10}})
	b.refused(fault.Denied, plan.Delete, user("top"), nil)
	b.remove("top")
	b.refused(fault.Denied, plan.Delete, user("top"), nil)
	b.SetAuthScope(nil)
	b.must(plan.Delete, user("top"), nil)
	b.must(plan.Delete, user("lead"), nil)
	if len(b.Effects()) != 1 {
		t.Errorf("%d effects, want the one of the last", len(b.Effects()))
	}
}

// TestProbe checks that a probe names what is wrong.
func TestProbe(t *testing.T) {
	t.Parallel()
	for permit, want := range map[string]string{
		dingtalksim.PermitDepartments: "qyapi_get_department_list", dingtalksim.PermitMembers: "qyapi_get_department_member",
		dingtalksim.PermitMember: "qyapi_get_member",
	} {
		b := newBench(t)
		b.SetPermission(permit, false)
		err := b.conn.Probe(t.Context())
		if fault.KindOf(err) != fault.Credential || !strings.Contains(fault.Say(err), want) || !strings.Contains(fault.Say(err), "权限管理") {
			t.Errorf("without %s: %v", permit, err)
		}
	}
	b := newBench(t, moving)
	if err := b.conn.Probe(t.Context()); fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Say(err), "quarantine") {
		t.Errorf("without the quarantine department: %v", err)
	}
	b = newBench(t, func(corp *dingtalksim.Options, _ *dingtalk.Options) { corp.Contacts.OutsideAllowList = true })
	if err := b.conn.Probe(t.Context()); fault.KindOf(err) != fault.Credential || !strings.Contains(fault.Say(err), "服务器出口IP") {
		t.Errorf("from another address: %v", err)
	}
}

// TestGoneRemembered checks that the department of somebody whom the last complete
// listing lacks is asked all the same: those are the ones whom lookups are for.
func TestGoneRemembered(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.corp()
	b.complete()
	ok := func(result string) string { return `{"errcode":0,"errmsg":"ok","result":` + result + `}` }
	b.Inject(dingtalksim.Fault{Path: atList, ID: "1", Times: -1, Body: ok(`{"has_more":false,"list":[]}`)})
	b.Inject(dingtalksim.Fault{Path: atCount, Times: -1, Body: ok(`{"count":2}`)})
	b.Inject(dingtalksim.Fault{Path: atGet, ID: "top", Times: -1, Errcode: 60121})
	for range 2 {
		if s := b.complete(); s.Has(user("top")) {
			t.Fatal("top is listed")
		}
		if s := b.lookup(user("top")); s.Presence != connector.Unsure || !strings.Contains(s.Why, "still lists them") {
			t.Errorf("presence %d for %q", s.Presence, s.Why)
		}
	}
	b.remove("top")
	if s := b.lookup(user("top")); s.Presence != connector.Gone {
		t.Errorf("after leaving for good: presence %d for %q", s.Presence, s.Why)
	}
}
