package feishu_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/feishu"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

// returning is a tenant that somebody, u1, has left, and with what they come back.
func returning(t *testing.T, shape func(*feishusim.Options, *feishu.Options)) (*tenant, feishusim.User, directory.Attributes) {
	t.Helper()
	x := newTenant(t, func(so *feishusim.Options, o *feishu.Options) {
		o.Resurrect = true
		if shape != nil {
			shape(so, o)
		}
	})
	u := x.user(t, feishusim.User{UserID: "u1", Name: "张三", Mobile: "13800000001", Email: "u1@x.cn"})
	if _, err := x.c.Apply(t.Context(), connector.Write{Op: plan.Delete, Key: userKey("u1")}); err != nil {
		t.Fatal(err)
	}
	after := newcomer()
	after["title"] = directory.TextOf("顾问")
	return x, u, after
}

// ops names the writes after the deletion.
func ops(x *tenant) string {
	var names []string
	for _, e := range x.Effects()[1:] {
		names = append(names, e.Op)
	}
	return strings.Join(names, " ")
}

func TestWhoReturnsGetsTheirAccountBack(t *testing.T) {
	t.Parallel()
	x, u, after := returning(t, nil)
	a, b := x.department(t, "甲部", ""), x.department(t, "乙部", "")
	after["departments"] = directory.RefsToKind(directory.Department, directory.ID(b), directory.ID(a))
	after["department_order"] = directory.ListOf("4", "5")
	after["custom.C-1"] = directory.TextOf("回来")
	key, err := x.c.Apply(t.Context(), create("u1", after))
	if err != nil || key != userKey("u1") {
		t.Fatalf("%s, %v", key, err)
	}
	if got := ops(x); got != "user.resurrect user.patch" {
		t.Errorf("writes %s", got)
	}
	back, _ := x.User("u1")
	if back.OpenID != u.OpenID || back.Resigned || back.JobTitle != "顾问" {
		t.Errorf("back is %+v", back)
	}
	o := x.look(t, "u1").Object
	for name, want := range after {
		if got := o.Attributes[name]; !got.Equal(want) && name != "mobile" {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	detail := x.EffectsOf("user.patch")[0].Detail
	if strings.Contains(detail, "department") || strings.Contains(detail, "orders") || strings.Contains(detail, "user_id") {
		t.Errorf("the patch repeats where the person is: %s", detail)
	}
	text := x.c.Describe().DeleteMeans
	if !strings.Contains(text.EN, "brings this account back") || !strings.Contains(text.ZH, "恢复这个账号") {
		t.Errorf("a deletion means %v", text)
	}
}

func TestNobodyReturns(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		shape func(x *tenant, after directory.Attributes)
		want  string // writes
		kind  fault.Kind
		say   string
	}{
		"after 30 days a new account": {func(x *tenant, _ directory.Attributes) { x.clock.advance(31 * 24 * time.Hour) }, "user.create", "", ""},
		"somebody else, by all that is shown": {func(_ *tenant, after directory.Attributes) {
			after["name"], after["mobile"] = directory.TextOf("李四"), directory.TextOf("13900000009")
		}, "", fault.Conflict, "somebody else"},
		"a name that is hidden": {func(x *tenant, _ directory.Attributes) {
			x.SetScopes("contact:contact", "contact:user.base", "contact:contact.base:readonly", "contact:user.employee:readonly", "contact:user.employee_id:readonly")
		}, "", fault.Denied, "contact:user.base:readonly"},
		"a state that is hidden": {func(x *tenant, _ directory.Attributes) {
			x.SetScopes("contact:contact", "contact:user.base:readonly", "contact:contact.base:readonly", "contact:user.employee_id:readonly")
		}, "", fault.Denied, "contact:user.employee:readonly"},
		"no such department": {func(_ *tenant, after directory.Attributes) {
			after["departments"] = directory.RefsToKind(directory.Department, "od-none")
		}, "", fault.Invalid, "departments"},
		"the number is taken": {func(x *tenant, _ directory.Attributes) {
			_, _ = x.AddUser(feishusim.User{UserID: "u2", Name: "x", Mobile: "13800000001"})
		}, "", fault.Conflict, "mobile"},
		"the mail is taken": {func(x *tenant, _ directory.Attributes) {
			_, _ = x.AddUser(feishusim.User{UserID: "u2", Name: "x", Email: "u1@x.cn"})
		}, "", fault.Conflict, "email"},
		"the id is used again": {func(x *tenant, _ directory.Attributes) {
			_, _ = x.AddUser(feishusim.User{UserID: "u1", Name: "别人", Mobile: "13700000007"})
		}, "", fault.Conflict, "user_id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x, _, after := returning(t, nil)
			c.shape(x, after)
			_, err := x.c.Apply(t.Context(), create("u1", after))
			if fault.KindOf(err) != c.kind || err != nil && !strings.Contains(fault.Say(err), c.say) {
				t.Errorf("error %v, want %q with %q", err, c.kind, c.say)
			}
			if got := ops(x); got != c.want {
				t.Errorf("writes %q, want %q", got, c.want)
			}
		})
	}
}

// TestReturnIsRefused: every code of the call that brings back.
func TestReturnIsRefused(t *testing.T) {
	t.Parallel()
	for code, kind := range map[int]fault.Kind{
		44029: fault.Denied, 44030: fault.Conflict, 44031: fault.Conflict, 44032: fault.Conflict, 44033: fault.Conflict, 44034: fault.Denied,
		44042: fault.Unavailable, 99991400: fault.Limited, 44025: fault.Unavailable, 40003: fault.InDoubt,
	} {
		x, _, after := returning(t, nil)
		x.Inject(feishusim.Fault{Method: http.MethodPost, Path: usersPath + "/u1/resurrect", Code: code})
		if _, err := x.c.Apply(t.Context(), create("u1", after)); fault.KindOf(err) != kind || ops(x) != "" {
			t.Errorf("%d: %v, want %s; writes %s", code, err, kind, ops(x))
		}
	}
}

func TestDeletionStillAtWork(t *testing.T) {
	t.Parallel()
	x, _, after := returning(t, func(so *feishusim.Options, _ *feishu.Options) { so.DeletionTakes = 48 * time.Hour })
	_, err := x.c.Apply(t.Context(), create("u1", after))
	if fault.KindOf(err) != fault.Denied || !strings.Contains(fault.Say(err), "48") {
		t.Errorf("error %v", err)
	}
	x.clock.advance(49 * time.Hour)
	if _, err := x.c.Apply(t.Context(), create("u1", after)); err != nil {
		t.Errorf("two days later: %v", err)
	}
}

// TestReturnInDoubt: a lost answer is settled by the id, like that of a creation.
func TestReturnInDoubt(t *testing.T) {
	t.Parallel()
	x, _, after := returning(t, nil)
	x.Inject(feishusim.Fault{Method: http.MethodPost, Path: usersPath, Drop: true})
	if _, err := x.c.Apply(t.Context(), create("u1", after)); fault.KindOf(err) != fault.InDoubt {
		t.Fatalf("lost: %v", err)
	}
	if got := x.look(t, "u1").Presence; got != connector.Present {
		t.Errorf("presence %d", got)
	}
	x, _, after = returning(t, nil)
	x.Inject(feishusim.Fault{Method: http.MethodPatch, Code: 41005})
	_, err := x.c.Apply(t.Context(), create("u1", after))
	if fault.KindOf(err) != fault.InDoubt || !strings.Contains(fault.Say(err), "(email)") || strings.Count(fault.Say(err), " / ") != 1 {
		t.Errorf("the attributes are refused: %v", err)
	}
}

func TestReturnIsNotConfigured(t *testing.T) {
	t.Parallel()
	x, _, after := returning(t, func(_ *feishusim.Options, o *feishu.Options) { o.Resurrect = false })
	x.Inject(feishusim.Fault{Method: http.MethodPost, Path: usersPath, Code: 41011})
	_, err := x.c.Apply(t.Context(), create("u1", after))
	if fault.KindOf(err) != fault.Conflict || !strings.Contains(fault.Say(err), "resurrect: true") || ops(x) != "" {
		t.Errorf("error %v, writes %s", err, ops(x))
	}
	if _, err := feishu.New(feishu.Options{AppID: "a", AppSecret: "b", Now: time.Now, UserIDType: feishu.OpenID, Resurrect: true}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("by open_id: %v", err)
	}
}

// TestReturnsAreFew: eight in a minute.
func TestReturnsAreFew(t *testing.T) {
	t.Parallel()
	x := newTenant(t, func(_ *feishusim.Options, o *feishu.Options) { o.Resurrect, o.CallTimeout = true, time.Minute })
	var began time.Time
	for i := range 4 {
		id := fmt.Sprintf("u%d", i)
		x.user(t, feishusim.User{UserID: id, Name: "张三"})
		if _, err := x.c.Apply(t.Context(), connector.Write{Op: plan.Delete, Key: userKey(id)}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 4 {
		after := directory.Attributes{"name": directory.TextOf("张三"), "mobile": directory.TextOf(fmt.Sprintf("1380000000%d", i))}
		if _, err := x.c.Apply(t.Context(), create(fmt.Sprintf("u%d", i), after)); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			began = x.clock.Now()
		}
	}
	if took := x.clock.Now().Sub(began); took < 22*time.Second {
		t.Errorf("three more in %v", took)
	}
}

func TestSeats(t *testing.T) {
	t.Parallel()
	seats := func(ids ...string) func(*feishusim.Options, *feishu.Options) {
		return func(so *feishusim.Options, o *feishu.Options) { so.Licences, o.SubscriptionIDs = []string{"s1"}, ids }
	}
	for say, shape := range map[string]func(*feishusim.Options, *feishu.Options){"subscription_ids": seats(), "not valid": seats("s2")} {
		x, _, after := returning(t, shape)
		for _, id := range []string{"u1", "u9"} {
			after["mobile"] = directory.TextOf("13800000009")
			if _, err := x.c.Apply(t.Context(), create(id, after)); fault.KindOf(err) != fault.Denied || !strings.Contains(fault.Say(err), say) {
				t.Errorf("%s: %v, want denied with %s", id, err, say)
			}
		}
	}
	x, _, after := returning(t, seats("s1"))
	if _, err := x.c.Apply(t.Context(), create("u1", after)); err != nil {
		t.Errorf("with a seat: %v", err)
	}
	after["mobile"] = directory.TextOf("13800000002")
	if _, err := x.c.Apply(t.Context(), create("u2", after)); err != nil {
		t.Errorf("somebody new with a seat: %v", err)
	}
}
