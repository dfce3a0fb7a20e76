package plan_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

func text(s string) directory.Value { return directory.TextOf(s) }

func userKey(id directory.ID) directory.Key { return directory.Key{Kind: directory.User, ID: id} }

func TestCleared(t *testing.T) {
	t.Parallel()
	before := directory.Attributes{"a": text("x"), "b": text("x"), "c": text(""), "d": directory.Hidden("p"), "e": directory.ListOf("x")}
	after := directory.Attributes{"a": text(""), "b": text("y"), "c": directory.Value{}, "d": text(""), "e": directory.ListOf()}
	for op, want := range map[plan.Op][]string{plan.Update: {"a", "d", "e"}, plan.Create: nil, plan.Delete: nil} {
		c := plan.Change{Op: op, Before: before, After: after}
		if got := c.Cleared(); !slices.Equal(got, want) {
			t.Errorf("%s clears %v, want %v", op, got, want)
		}
	}
}

func TestBlind(t *testing.T) {
	t.Parallel()
	hidden := directory.Hidden("contacts")
	tests := []struct {
		name   string
		before directory.Attributes
		want   bool
	}{
		{"nothing at all", nil, true},
		{"everything hidden", directory.Attributes{"name": hidden, "email": hidden}, true},
		{"only the id, in any case", directory.Attributes{"userid": text("ZHANG"), "name": hidden}, true},
		{"only the activity", directory.Attributes{"active": directory.BoolOf(true), "name": hidden}, true},
		{"the name", directory.Attributes{"name": text("张三"), "email": hidden}, false},
		{"a name that is empty is seen too", directory.Attributes{"name": text("")}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := plan.Change{Op: plan.Delete, Key: userKey("zhang"), Before: tt.before}
			if got := c.Blind(); got != tt.want {
				t.Errorf("blind = %t", got)
			}
		})
	}
}

func TestTouches(t *testing.T) {
	t.Parallel()
	c := plan.Change{
		Op: plan.Update, Key: userKey("ou_1"), Source: userKey("0042"), Name: "张三",
		Before: directory.Attributes{"email": text("Old@X.cn"), "employee_no": text("77")}, After: directory.Attributes{"email": text("new@x.cn")},
	}
	tests := []struct {
		name  string
		staff plan.Staff
		want  bool
	}{
		{"nobody", plan.Staff{}, false},
		{"somebody else", plan.Staff{Name: "李四", EmployeeNo: "0043", Email: "li@x.cn", Accounts: []string{"ou_2"}}, false},
		{"by name", plan.Staff{Name: "张三"}, true},
		{"by the account in the target", plan.Staff{Name: "x", Accounts: []string{"ou_9", "ou_1"}}, true},
		{"by the id in the source", plan.Staff{Name: "x", Accounts: []string{"0042"}}, true},
		{"by employee number, the source's id", plan.Staff{Name: "x", EmployeeNo: "0042"}, true},
		{"by employee number, the target's id", plan.Staff{Name: "x", EmployeeNo: "ou_1"}, true},
		{"by employee number, an attribute", plan.Staff{Name: "x", EmployeeNo: "77"}, true},
		{"leading zeros count", plan.Staff{Name: "x", EmployeeNo: "42"}, false},
		{"by the old address, in any case", plan.Staff{Name: "x", Email: "old@x.cn"}, true},
		{"by the new address", plan.Staff{Name: "x", Email: "NEW@x.cn"}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := c.Touches(tt.staff); got != tt.want {
				t.Errorf("touches = %t", got)
			}
		})
	}
}

func TestSafeAlone(t *testing.T) {
	t.Parallel()
	login := map[string]bool{"userid": true, "mobile": true}
	update := func(name string, from, to directory.Value) plan.Change {
		return plan.Change{Op: plan.Update, Before: directory.Attributes{name: from}, After: directory.Attributes{name: to}}
	}
	department := directory.RefsToKind(directory.Department, "1")
	tests := []struct {
		name   string
		change plan.Change
		want   bool
	}{
		{"CREATE", plan.Change{Op: plan.Create, After: directory.Attributes{"userid": text("1"), "departments": department}}, true},
		{"a new title", update("title", text("a"), text("b")), true},
		{"a first title", update("title", text(""), text("b")), true},
		{"a cleared title", update("title", text("a"), text("")), false},
		{"a title that may be cleared", update("title", directory.Hidden("p"), text("")), false},
		{"a login id", update("mobile", text("1"), text("2")), false},
		{"a department", update("departments", directory.RefsTo(), department), false},
		{"a manager", update("manager", directory.Value{}, directory.RefsToKind(directory.User, "1")), false},
		{"out of every department", update("departments", department, directory.RefsTo()), false},
		{"enabled again", update("active", directory.BoolOf(false), directory.BoolOf(true)), false},
		{"DISABLE", plan.Change{Op: plan.Disable}, false},
		{"DELETE", plan.Change{Op: plan.Delete}, false},
		{"ADOPT", plan.Change{Op: plan.Adopt}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.change.SafeAlone(login); got != tt.want {
				t.Errorf("safe = %t", got)
			}
		})
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	p := plan.Plan{}
	for _, op := range []plan.Op{plan.Create, plan.Create, plan.Update, plan.Disable, plan.Disable, plan.Disable, plan.Delete, plan.Adopt, plan.None} {
		p.Changes = append(p.Changes, plan.Change{Op: op})
	}
	c := p.Counts()
	if want := (plan.Counts{Create: 2, Update: 1, Disable: 3, Delete: 1, Adopt: 1}); c != want {
		t.Errorf("counts %+v, want %+v", c, want)
	}
	if c.Total() != 8 || c.Destructive() != 4 {
		t.Errorf("total %d, destructive %d", c.Total(), c.Destructive())
	}
	for op, want := range map[plan.Op]bool{plan.None: false, plan.Create: false, plan.Update: false, plan.Adopt: false, plan.Disable: true, plan.Delete: true} {
		if op.Destructive() != want {
			t.Errorf("%s is destructive: %t", op, !want)
		}
	}
}

// TestDigestSeesEverything changes one thing after the other: each gives another
// digest, since a vote is for exactly one plan.
func TestDigestSeesEverything(t *testing.T) {
	t.Parallel()
	fresh := func() *plan.Plan {
		return &plan.Plan{
			Flow: "f", Config: "c", Source: plan.Side{System: "hr", Users: 1}, Target: plan.Side{Tenant: "corp"},
			Changes: []plan.Change{{
				Seq: 1, Op: plan.Delete, Key: userKey("1"), Source: userKey("s1"), Name: "张三", Reason: "gone / 离职",
				Before: directory.Attributes{"name": text("张三")}, After: directory.Attributes{"x": text("y")}, Cause: plan.Cause{Kind: plan.CauseGone}, Needs: []int{1},
			}},
			Notes: []plan.Note{{Kind: plan.Held, Say: "a / 甲"}}, Risk: plan.Assessment{Tier: 1, Votes: 1}, Managed: 10, Recent: 2,
		}
	}
	seen := map[directory.Digest]string{fresh().Digest(): "nothing"}
	for name, change := range map[string]func(p *plan.Plan){
		"flow": func(p *plan.Plan) { p.Flow = "g" }, "config": func(p *plan.Plan) { p.Config = "d" },
		"source": func(p *plan.Plan) { p.Source.Digest[0] = 1 }, "health": func(p *plan.Plan) { p.Source.Health.Pages++ },
		"tenant": func(p *plan.Plan) { p.Target.Tenant = "other" }, "op": func(p *plan.Plan) { p.Changes[0].Op = plan.Disable },
		"key": func(p *plan.Plan) { p.Changes[0].Key.ID = "2" }, "source key": func(p *plan.Plan) { p.Changes[0].Source.ID = "s2" },
		"before": func(p *plan.Plan) { p.Changes[0].Before["name"] = text("李四") }, "before's type": func(p *plan.Plan) { p.Changes[0].Before["name"] = directory.Hidden("张三") },
		"after": func(p *plan.Plan) { p.Changes[0].After["x"] = text("") }, "reason": func(p *plan.Plan) { p.Changes[0].Reason = "b / 乙" },
		"cause": func(p *plan.Plan) { p.Changes[0].Cause.Fingerprint[31] = 1 }, "needs": func(p *plan.Plan) { p.Changes[0].Needs = nil },
		"notes": func(p *plan.Plan) { p.Notes[0].Alarm = true }, "votes": func(p *plan.Plan) { p.Risk.Votes = 0 },
		"managed": func(p *plan.Plan) { p.Managed++ }, "recent": func(p *plan.Plan) { p.Recent++ }, "one more": func(p *plan.Plan) { p.Changes = append(p.Changes, p.Changes[0]) },
	} {
		p := fresh()
		change(p)
		if other, twice := seen[p.Digest()]; twice {
			t.Errorf("%s and %s give one digest", name, other)
		}
		seen[p.Digest()] = name
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "{", "[]", `{"changes": 3}`, `{"changes":[{"before":{"a":{"date":"soon"}}}]}`, `{"source":{"digest":"xyz"}}`} {
		if p, err := plan.Decode([]byte(bad)); err == nil {
			t.Errorf("Decode(%q) = %+v", bad, p)
		}
	}
}

func FuzzDecode(f *testing.F) {
	w := newWorld(f)
	w.source.read(w, "department d 部\nuser 1 张三 in=d title=x\nuser 2 李四 boss=1", false)
	w.target.read(w, "user 2 李四 title=?\nuser 3 王五", true)
	w.readLinks("2 -> 2\n3 -> 3")
	p, err := plan.Make(f.Context(), w.input())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(p.Encode())
	f.Add([]byte(`{"changes":[{"after":{"a":null,"b":{"empty":"int"}}}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := plan.Decode(b)
		if err != nil {
			return
		}
		once := p.Encode()
		again, err := plan.Decode(once)
		if err != nil || !bytes.Equal(again.Encode(), once) {
			t.Fatalf("does not read back (%v): %s", err, once)
		}
	})
}

// TestTheTimeAReadTookIsNoPartOfThePlan plans twice from reads of another length.
func TestTheTimeAReadTookIsNoPartOfThePlan(t *testing.T) {
	t.Parallel()
	in := newWorld(t).input()
	first := make1(t, in)
	b := directory.NewBuilder("hr", now.Add(time.Hour))
	b.Health().Took = time.Minute
	in.Source, _ = b.Finish()
	if second := make1(t, in); first.Digest() != second.Digest() {
		t.Errorf("%s\n%s", first.Encode(), second.Encode())
	}
}
