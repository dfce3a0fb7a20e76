package run_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

func TestRestated(t *testing.T) {
	t.Parallel()
	const no = -1 // not typed
	counts := func(create, update, disable, deleted, adopt int) plan.Counts {
		return plan.Counts{Create: create, Update: update, Disable: disable, Delete: deleted, Adopt: adopt}
	}
	tests := []struct {
		name  string
		plan  plan.Counts
		typed run.Restated
		want  bool
	}{
		{"nothing typed of a deletion", counts(0, 0, 0, 3, 0), run.NotRestated(), false},
		{"the right deletions", counts(5, 5, 0, 3, 0), run.Restated{Delete: 3, Disable: no, Total: no}, true},
		{"one deletion too few", counts(0, 0, 0, 3, 0), run.Restated{Delete: 2, Disable: no, Total: no}, false},
		{"one deletion too many", counts(0, 0, 0, 3, 0), run.Restated{Delete: 4, Disable: no, Total: no}, false},
		{"no deletion where there is one", counts(0, 0, 0, 1, 0), run.Restated{Delete: 0, Disable: no, Total: no}, false},
		{"the right disables", counts(0, 0, 2, 0, 0), run.Restated{Delete: no, Disable: 2, Total: no}, true},
		{"disables typed as deletions", counts(0, 0, 2, 0, 0), run.Restated{Delete: 2, Disable: no, Total: no}, false},
		{"deletions typed as disables", counts(0, 0, 0, 2, 0), run.Restated{Delete: no, Disable: 2, Total: no}, false},
		{"both, both right", counts(0, 0, 2, 3, 0), run.Restated{Delete: 3, Disable: 2, Total: no}, true},
		{"both, only the deletions typed", counts(0, 0, 2, 3, 0), run.Restated{Delete: 3, Disable: no, Total: no}, false},
		{"both, only the disables typed", counts(0, 0, 2, 3, 0), run.Restated{Delete: no, Disable: 2, Total: no}, false},
		{"both, the sum typed as deletions", counts(0, 0, 2, 3, 0), run.Restated{Delete: 5, Disable: no, Total: no}, false},
		{"both, swapped", counts(0, 0, 2, 3, 0), run.Restated{Delete: 2, Disable: 3, Total: no}, false},
		{"a zero that is right", counts(0, 0, 0, 3, 0), run.Restated{Delete: 3, Disable: 0, Total: no}, true},
		{"a zero that is wrong", counts(0, 0, 1, 3, 0), run.Restated{Delete: 3, Disable: 0, Total: no}, false},
		{"the total alone", counts(1, 0, 0, 3, 0), run.Restated{Delete: no, Disable: no, Total: 4}, false},
		{"the total as well", counts(1, 0, 0, 3, 0), run.Restated{Delete: 3, Disable: no, Total: 4}, true},
		{"a wrong total as well", counts(1, 0, 0, 3, 0), run.Restated{Delete: 3, Disable: no, Total: 3}, false},
		{"an adoption by its total", counts(0, 0, 0, 0, 2), run.Restated{Delete: no, Disable: no, Total: 2}, true},
		{"nothing typed of an adoption", counts(0, 0, 0, 0, 2), run.NotRestated(), false},
		{"a wrong total of an adoption", counts(1, 0, 0, 0, 2), run.Restated{Delete: no, Disable: no, Total: 2}, false},
		{"no deletions, said so", counts(1, 1, 0, 0, 2), run.Restated{Delete: 0, Disable: 0, Total: 4}, true},
		{"deletions where there are none", counts(1, 1, 0, 0, 2), run.Restated{Delete: 4, Disable: no, Total: 4}, false},
		{"disables where there are none", counts(1, 1, 0, 0, 2), run.Restated{Delete: no, Disable: 1, Total: 4}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.typed.Fits(tt.plan); got != tt.want {
				t.Errorf("%+v for %+v: %t", tt.typed, tt.plan, got)
			}
		})
	}
}

// TestRestatedByAccident draws what people may type: it fits only when every
// number that matters was typed, and every number that was typed is right.
func TestRestatedByAccident(t *testing.T) {
	t.Parallel()
	small := rapid.IntRange(0, 3)
	typed := rapid.IntRange(-1, 4)
	rapid.Check(t, func(rt *rapid.T) {
		c := plan.Counts{Create: small.Draw(rt, "create"), Disable: small.Draw(rt, "disable"), Delete: small.Draw(rt, "delete")}
		r := run.Restated{Delete: typed.Draw(rt, "typed delete"), Disable: typed.Draw(rt, "typed disable"), Total: typed.Draw(rt, "typed total")}
		right := func(typed, have int) bool { return typed == -1 || typed == have }
		allRight := right(r.Delete, c.Delete) && right(r.Disable, c.Disable) && right(r.Total, c.Total())
		enough := (c.Delete == 0 || r.Delete >= 0) && (c.Disable == 0 || r.Disable >= 0) && (c.Destructive() > 0 || r.Total >= 0)
		if got := r.Fits(c); got != (allRight && enough) {
			rt.Errorf("%+v for %+v: %t", r, c, got)
		}
	})
}

func TestPersonMay(t *testing.T) {
	t.Parallel()
	roles := []run.Role{run.Viewer, run.Operator, run.Approver, run.Admin}
	// who holds the row's role has the column's
	includes := map[run.Role][4]bool{
		run.Viewer:   {true, false, false, false},
		run.Operator: {true, true, false, false},
		run.Approver: {true, false, true, false},
		run.Admin:    {true, true, false, true},
	}
	for holds, want := range includes {
		p := run.Person{Name: "周凯", Roles: map[run.Role][]string{holds: {"hr-to-wecom", "b"}}}
		everywhere := run.Person{Name: "周凯", Roles: map[run.Role][]string{holds: {"*"}}}
		for i, role := range roles {
			t.Run(fmt.Sprintf("%s as %s", holds, role), func(t *testing.T) {
				t.Parallel()
				for flow, in := range map[string]bool{"hr-to-wecom": true, "b": true, "hr-to": false, "other": false, "": false, "*": false} {
					if got := p.May(role, flow); got != (want[i] && in) {
						t.Errorf("in %q: %t", flow, got)
					}
				}
				for _, flow := range []string{"hr-to-wecom", "other", ""} {
					if got := everywhere.May(role, flow); got != want[i] {
						t.Errorf("everywhere, in %q: %t", flow, got)
					}
				}
			})
		}
	}
}

func TestNobodyMayAnything(t *testing.T) {
	t.Parallel()
	for _, p := range []run.Person{{}, {Name: "路人", Roles: map[run.Role][]string{}}, {Roles: map[run.Role][]string{run.Admin: nil, run.Approver: {}}}} {
		for _, role := range []run.Role{run.Viewer, run.Operator, run.Approver, run.Admin, "", "root"} {
			if p.May(role, "f") || p.May(role, "") {
				t.Errorf("%+v may be %q", p, role)
			}
		}
	}
}

func TestRolesOfDifferentFlowsAdd(t *testing.T) {
	t.Parallel()
	p := run.Person{Roles: map[run.Role][]string{run.Viewer: {"*"}, run.Approver: {"a"}, run.Admin: {"b"}}}
	for _, tt := range []struct {
		role run.Role
		flow string
		want bool
	}{
		{run.Viewer, "a", true},
		{run.Viewer, "c", true},
		{run.Approver, "a", true},
		{run.Approver, "b", false},
		{run.Admin, "b", true},
		{run.Operator, "b", true},
		{run.Operator, "a", false},
		{run.Operator, "c", false},
		{run.Admin, "a", false},
	} {
		if got := p.May(tt.role, tt.flow); got != tt.want {
			t.Errorf("%s in %s: %t", tt.role, tt.flow, got)
		}
	}
}

func TestPersonAccount(t *testing.T) {
	t.Parallel()
	p := run.Person{Accounts: []run.Account{{Platform: run.Feishu, ID: "ou_1"}, {Platform: run.DingTalk, ID: "42"}, {Platform: run.Feishu, ID: "ou_2"}}}
	for platform, want := range map[run.Platform]string{run.Feishu: "ou_1", run.DingTalk: "42", run.WeCom: "", run.CLI: ""} {
		if got := p.Account(platform); got != want {
			t.Errorf("%s: %q", platform, got)
		}
	}
}

func TestOutcome(t *testing.T) {
	t.Parallel()
	var o run.Outcome
	steps := map[run.Step]bool{ // settled?
		run.StepPending: false, run.StepSending: false, run.StepDone: true, run.StepAlready: true, run.StepFailed: true, run.StepSkipped: true, run.StepInDoubt: true,
	}
	settled := 0
	for step, want := range steps {
		if step.Settled() != want {
			t.Errorf("%s settled: %t", step, !want)
		}
		o.Count(step)
		if want {
			settled++
		}
	}
	if o != (run.Outcome{Done: 1, Already: 1, Skipped: 1, Failed: 1, InDoubt: 1}) || o.Total() != settled {
		t.Errorf("%+v of %d", o, settled)
	}
	o.Count(run.StepDone)
	if o.Done != 2 || o.Total() != settled+1 {
		t.Errorf("%+v", o)
	}
}

func TestCovers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		vote run.Vote
		want []bool // of 1 to 4
	}{
		"all":                    {run.Vote{}, []bool{true, true, true, true}},
		"a part":                 {run.Vote{Only: []string{"x"}, Part: []int{1, 3}}, []bool{true, false, true, false}},
		"a part that is unknown": {run.Vote{Only: []string{"x"}}, []bool{false, false, false, false}},
		"held back, unknown":     {run.Vote{Hold: []string{"x"}}, []bool{false, false, false, false}},
		"an empty part":          {run.Vote{Part: []int{}}, []bool{false, false, false, false}},
	} {
		for i, want := range c.want {
			if got := c.vote.Covers(i + 1); got != want {
				t.Errorf("%s: #%d %t", name, i+1, got)
			}
		}
	}
	v := run.Vote{By: run.Actor{Person: "路人"}, For: "周凯"}
	if v.Whose() != "周凯" || (run.Vote{By: v.By}).Whose() != "路人" {
		t.Errorf("whose: %s", v.Whose())
	}
}

func TestAlarm(t *testing.T) {
	t.Parallel()
	v := run.Vote{Run: "7K3MQ2", By: run.Actor{Person: "王芳"}, Typed: run.Restated{Delete: 3, Disable: -1, Total: -1}, Reason: "a / b\n" + strings.Repeat("长", 200)}
	en, zh := fault.In(v.Alarm(), "en"), fault.In(v.Alarm(), "zh")
	if !strings.HasPrefix(en, "王芳: broke the glass for 7K3MQ2") || !strings.Contains(en, "(delete 3, disable 0)") || !strings.Contains(en, "“a/b 长") ||
		!strings.HasPrefix(zh, "一人在命令行紧急放行了 7K3MQ2（删除 3、停用 0）") || len([]rune(zh)) > 200 {
		t.Errorf("%s\n%s", en, zh)
	}
	v.Typed = run.Restated{Delete: -1, Disable: -1, Total: 4}
	if !strings.Contains(v.Alarm(), "(4 changes)") || !strings.Contains(v.Alarm(), "（4 项变更）") {
		t.Error(v.Alarm())
	}
}

func TestCooling(t *testing.T) {
	t.Parallel()
	for _, s := range run.States() {
		if (run.Run{State: s}).Cooling() {
			t.Errorf("%s without a time cools off", s)
		}
		if got := (run.Run{State: s, NotBefore: start}).Cooling(); got != (s == run.Awaiting) {
			t.Errorf("%s cools off: %t", s, got)
		}
	}
}
