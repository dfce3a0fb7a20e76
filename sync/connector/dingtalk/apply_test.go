package dingtalk_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/dingtalk"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/simulator/dingtalksim"
)

func person(more directory.Attributes) directory.Attributes {
	a := directory.Attributes{
		"userid": directory.TextOf("new"), "name": directory.TextOf("新人"), "mobile": directory.TextOf("13900000001"),
	}
	maps.Copy(a, more)
	return a
}

// TestCreate writes every attribute, and reads it back.
func TestCreate(t *testing.T) {
	t.Parallel()
	b := newBench(t, detailed, func(corp *dingtalksim.Options, _ *dingtalk.Options) { corp.Contacts.Mailbox = true })
	b.corp()
	after := person(directory.Attributes{
		"email": directory.TextOf("new@corp.example"), "org_email": directory.TextOf("new@mail.example"), "telephone": directory.TextOf("8001"),
		"title": directory.TextOf("经理"), "employee_no": directory.TextOf("008"), "work_place": directory.TextOf("上海"), "remark": directory.TextOf("备注"),
		"hired_date":  directory.DateOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)),
		"departments": depts("11", "20"), "leads": depts("11"), "dept_order": directory.ListOf("11:3", "20:0"),
		"manager": directory.RefsToKind(directory.User, "lead"), "extension.爱好": directory.TextOf("围棋"),
	})
	key := b.must(plan.Create, user("new"), after)
	checkAttributes(t, b.lookup(key).Object, after)
	checkAttributes(t, b.get(b.complete(), key), after)
}

func TestCreateRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.corp()
	for name, a := range map[string]directory.Attributes{
		"no mobile":         {"userid": directory.TextOf("x"), "name": directory.TextOf("张三")},
		"no name":           {"userid": directory.TextOf("x"), "mobile": directory.TextOf("13900000001")},
		"another id":        person(directory.Attributes{"userid": directory.TextOf("other")}),
		"a missing manager": person(directory.Attributes{"manager": directory.RefsToKind(directory.User, "nobody")}),
		"two managers":      person(directory.Attributes{"manager": directory.RefsToKind(directory.User, "lead", "top")}),
		"a pending ref":     person(directory.Attributes{"departments": directory.RefsTo(directory.Ref{Key: department("5"), Pending: true})}),
		"a text of refs":    person(directory.Attributes{"departments": directory.TextOf("10")}),
		"no such place":     person(directory.Attributes{"departments": depts("4711")}),
		"a bad order":       person(directory.Attributes{"dept_order": directory.ListOf("ten")}),
		"a bad date":        person(directory.Attributes{"hired_date": directory.TextOf("gestern")}),
		"job_number":        person(directory.Attributes{"job_number": directory.TextOf("1")}),
		"an unlisted field": person(directory.Attributes{"extension.年龄": directory.TextOf("1")}),
		"created disabled":  person(directory.Attributes{"active": directory.BoolOf(false)}),
		"a read-only":       person(directory.Attributes{"unionid": directory.TextOf("x")}),
	} {
		id := directory.ID(a["userid"].Text())
		if name == "another id" {
			id = "new"
		}
		if _, err := b.apply(plan.Create, user(id), a); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(b.Effects()); n != 0 {
		t.Errorf("%d effects of refused creates", n)
	}
}

// TestCreateNamed checks that DingTalk gives the id where the flow does not.
func TestCreateNamed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a := person(nil)
	delete(a, "userid")
	if key := b.must(plan.Create, directory.Key{Kind: directory.User}, a); b.user(string(key.ID)).Name != "新人" {
		t.Errorf("the new member has the key %s", key)
	}
	b.Inject(dingtalksim.Fault{Path: atCreate, Body: `{"errcode":0,"errmsg":"ok","result":{}}`})
	b.refused(fault.InDoubt, plan.Create, directory.Key{Kind: directory.User}, a)
}

// TestMobiles checks the forms of numbers that other systems have.
func TestMobiles(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"138 0013 8000": "86 13800138000", "+8613800138000": "86 13800138000", "0086 13800138000": "86 13800138000",
		"+85251234567": "852 51234567", "+852-51234567": "852 51234567", "+1 4155550100": "1 4155550100",
	} {
		b := newBench(t)
		b.must(plan.Create, user("new"), person(directory.Attributes{"mobile": directory.TextOf(given)}))
		if u := b.user("new"); u.StateCode+" "+u.Mobile != want {
			t.Errorf("%q is stored as %s %s, want %s", given, u.StateCode, u.Mobile, want)
		}
	}
	b := newBench(t, func(corp *dingtalksim.Options, _ *dingtalk.Options) { corp.Contacts.Abroad = true })
	err := b.refusal(fault.Invalid, plan.Create, user("new"), person(nil))
	if !strings.Contains(fault.Say(err), "+86-") {
		t.Errorf("a corp abroad says %q", fault.Say(err))
	}
	b.must(plan.Create, user("new"), person(directory.Attributes{"mobile": directory.TextOf("+86-13800138000")}))
}

// TestInvited checks that a person who has to consent is no failure, is not sent
// again, and is found once they have accepted.
func TestInvited(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if err := b.Console().Invite("13900000001"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		err := b.refusal(fault.NotFound, plan.Create, user("new"), person(nil))
		if !strings.Contains(fault.Say(err), "invited") || !strings.Contains(fault.Say(err), "邀请") {
			t.Errorf("the sentence is %q", fault.Say(err))
		}
		b.advance(time.Hour)
	}
	if n := b.count(atCreate); n != 1 {
		t.Errorf("the person was invited %d times", n)
	}
	if s := b.lookup(user("new")); s.Presence != connector.Gone {
		t.Errorf("somebody who has not accepted has presence %d", s.Presence)
	}
	b.complete()
	b.advance(24 * time.Hour)
	b.refused(fault.NotFound, plan.Create, user("new"), person(nil))
	if n := b.count(atCreate); n != 2 {
		t.Errorf("a day later: %d invitations in all", n)
	}
	if err := b.Console().Accept("new"); err != nil {
		t.Fatal(err)
	}
	b.get(b.complete(), user("new"))
	if s := b.lookup(user("new")); s.Presence != connector.Present {
		t.Errorf("after consent presence is %d", s.Presence)
	}
}

// TestUpdate checks that an update sends what changed and nothing else.
func TestUpdate(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.corp()
	b.must(plan.Update, user("both"), directory.Attributes{
		"title": directory.TextOf(""), "extension.爱好": directory.TextOf("围棋"), "manager": directory.RefsToKind(directory.User),
		"departments": depts("10", "11"),
	})
	u := b.user("both")
	if u.Title != "" || u.Manager != "" || !slices.Equal(u.Departments, []int64{10, 11}) {
		t.Errorf("stored as %+v", u)
	}
	if u.Extension["爱好"] != "围棋" || u.Extension["年龄"] != "24" {
		t.Errorf("custom fields are %v: those that are not sent must stay", u.Extension)
	}
	b.must(plan.Update, user("both"), directory.Attributes{"extension.爱好": directory.TextOf("")})
	if u := b.user("both"); u.Extension["爱好"] != "" || u.Extension["年龄"] != "24" {
		t.Errorf("after emptying one the custom fields are %v", u.Extension)
	}
	before := b.count()
	b.must(plan.Update, user("both"), directory.Attributes{"title": directory.Hidden("x")})
	if n := b.count() - before; n != 0 {
		t.Errorf("an update of nothing made %d calls", n)
	}
}

func TestUpdateRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, moving)
	b.corp()
	b.quarantined()
	for name, c := range map[string]struct {
		after directory.Attributes
		kind  fault.Kind
		say   string
	}{
		"mobile":     {directory.Attributes{"mobile": directory.TextOf("13900000009"), "title": directory.TextOf("x")}, fault.Unsupported, "手机号"},
		"disable":    {directory.Attributes{"active": directory.BoolOf(false)}, fault.Invalid, "DISABLE"},
		"quarantine": {directory.Attributes{"departments": depts("10", "990001")}, fault.Invalid, "DISABLE"},
		"hired date": {directory.Attributes{"hired_date": directory.Empty(directory.Date)}, fault.Invalid, "管理后台"},
	} {
		err := b.refusal(c.kind, plan.Update, user("both"), c.after)
		if !strings.Contains(fault.Say(err), c.say) {
			t.Errorf("%s: %q", name, fault.Say(err))
		}
	}
	if n := len(b.Effects()); n != 0 {
		t.Errorf("%d effects of refused updates", n)
	}
	b.ChangeContacts(func(o *dingtalksim.ContactsOptions) { o.HROwned = true })
	err := b.refusal(fault.Unsupported, plan.Update, user("both"), directory.Attributes{"title": directory.TextOf("x")})
	if !strings.Contains(fault.Say(err), "智能人事") {
		t.Errorf("smart HR says %q", fault.Say(err))
	}
}

// TestLeads checks the one list that a department keeps of its managers.
func TestLeads(t *testing.T) {
	t.Parallel()
	for _, bare := range []bool{false, true} {
		b := newBench(t, func(corp *dingtalksim.Options, _ *dingtalk.Options) { corp.Contacts.OmitEmpty = bare })
		b.corp()
		managers := func(id int64) []string {
			d, _ := b.Department(id)
			return d.Managers
		}
		b.must(plan.Update, user("both"), directory.Attributes{"leads": depts("10", "20")})
		if got := managers(10); !slices.Equal(got, []string{"lead", "both"}) {
			t.Errorf("10 is led by %v", got)
		}
		if got := managers(20); !slices.Equal(got, []string{"both"}) {
			t.Errorf("20 is led by %v", got)
		}
		before := len(b.Effects())
		b.must(plan.Update, user("both"), directory.Attributes{"leads": depts("20", "10")})
		if n := len(b.Effects()) - before; n != 0 {
			t.Errorf("the same again has %d effects", n)
		}
		b.must(plan.Update, user("both"), directory.Attributes{"leads": depts()})
		if a, c := managers(10), managers(20); !slices.Equal(a, []string{"lead"}) || len(c) != 0 {
			t.Errorf("10 is led by %v, 20 by %v", a, c)
		}
		// Managers have to be members: the departments are written first.
		b.must(plan.Update, user("top"), directory.Attributes{"departments": depts("11"), "leads": depts("11"), "name": directory.TextOf("组长")})
		if got := managers(11); !slices.Equal(got, []string{"top"}) || b.user("top").Name != "组长" {
			t.Errorf("11 is led by %v", got)
		}
	}
}

// TestLeadsUnseen checks that a list of managers that is not shown is not
// overwritten by what we did not see.
func TestLeadsUnseen(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.corp()
	b.Inject(dingtalksim.Fault{
		Path: "/topapi/v2/department/get", ID: "10", Body: `{"errcode":0,"errmsg":"ok","result":{"dept_id":10,"name":"研发部","parent_id":1}}`,
	})
	b.must(plan.Update, user("both"), directory.Attributes{"leads": depts("10")})
	if d, _ := b.Department(10); !slices.Contains(d.Managers, "lead") || !slices.Contains(d.Managers, "both") {
		t.Errorf("10 is led by %v", d.Managers)
	}
}

// TestPartly checks what is said of a change of which only a part came through.
func TestPartly(t *testing.T) {
	t.Parallel()
	after := directory.Attributes{"name": directory.TextOf("新名"), "leads": depts("20")}
	for code, want := range map[int]fault.Kind{90018: fault.InDoubt, -1: fault.InDoubt, 60011: fault.Credential, 60128: fault.Invalid} {
		b := newBench(t)
		b.corp()
		b.Inject(dingtalksim.Fault{Path: atDeptUpdate, Errcode: code})
		err := b.refusal(want, plan.Update, user("both"), after)
		if !strings.Contains(fault.Say(err), "in part") || !strings.Contains(fault.Say(err), "一部分") {
			t.Errorf("%d: %q", code, fault.Say(err))
		}
		if b.user("both").Name != "新名" {
			t.Errorf("%d: the first part was not written", code)
		}
	}
	b := newBench(t)
	b.corp()
	b.Inject(dingtalksim.Fault{Path: atDeptUpdate, Errcode: 60011})
	b.refused(fault.InDoubt, plan.Create, user("new"), person(directory.Attributes{"departments": depts("10"), "leads": depts("10")}))
	b.get(b.complete(), user("new"))
}

// TestDisable checks what DISABLE does to each kind of account.
func TestDisable(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.corp()
	if _, err := b.SeedUser(dingtalksim.User{ID: "ent", Name: "企业账号", Exclusive: true, Departments: []int64{10}}); err != nil {
		t.Fatal(err)
	}
	if b.conn.Describe().Can(directory.User, plan.Disable) {
		t.Error("DISABLE is offered to a corp of which nothing is known")
	}
	err := b.refusal(fault.Unsupported, plan.Disable, user("both"), nil)
	if !strings.Contains(fault.Say(err), "quarantine") {
		t.Errorf("the refusal says %q", fault.Say(err))
	}
	s := b.complete()
	if !b.conn.Describe().Can(directory.User, plan.Disable) {
		t.Error("DISABLE is not offered though there is an enterprise account")
	}
	checkAttributes(t, b.get(s, user("ent")), directory.Attributes{
		"active": directory.Hidden(""), "exclusive_account": directory.BoolOf(true), "mobile": directory.TextOf(""),
	})
	b.must(plan.Disable, user("ent"), nil)
	if !b.user("ent").Disabled {
		t.Fatal("the enterprise account is not disabled")
	}
	b.must(plan.Update, user("ent"), directory.Attributes{"active": directory.BoolOf(true), "title": directory.TextOf("回来了")})
	if u := b.user("ent"); u.Disabled || u.Title != "回来了" {
		t.Errorf("stored as %+v", u)
	}
	b.refused(fault.NotFound, plan.Disable, user("nobody"), nil)
	b.Inject(dingtalksim.Fault{Path: atDisable, Status: 400, Code: "exclusive.account.only"})
	b.refused(fault.Unsupported, plan.Disable, user("ent"), nil)
	b.SetPermission(dingtalksim.PermitAccounts, false)
	err = b.refusal(fault.Credential, plan.Disable, user("ent"), nil)
	if !strings.Contains(fault.Say(err), "Contact.OrgAccountSecurity.ReadWrite") {
		t.Errorf("a missing permission says %q", fault.Say(err))
	}
}

// TestQuarantine checks the way in and out of the quarantine department.
func TestQuarantine(t *testing.T) {
	t.Parallel()
	b := newBench(t, moving)
	b.corp()
	b.quarantined()
	b.must(plan.Disable, user("both"), nil)
	if got := b.user("both").Departments; !slices.Equal(got, []int64{quarantine}) {
		t.Fatalf("the account is in %v", got)
	}
	if o := b.get(b.complete(), user("both")); o.Active || b.lookup(user("both")).Object.Active {
		t.Error("an account in quarantine reads as active")
	}
	before := len(b.Effects())
	b.must(plan.Disable, user("both"), nil)
	if len(b.Effects()) != before {
		t.Error("the second DISABLE had an effect")
	}
	err := b.refusal(fault.Invalid, plan.Update, user("both"), directory.Attributes{"active": directory.BoolOf(true)})
	if !strings.Contains(fault.Say(err), "departments") {
		t.Errorf("enabling without departments says %q", fault.Say(err))
	}
	b.must(plan.Update, user("both"), directory.Attributes{"active": directory.BoolOf(true), "departments": depts("20")})
	if o := b.get(b.complete(), user("both")); !o.Active {
		t.Error("the account is still inactive")
	}
	b.refused(fault.Denied, plan.Delete, department("990001"), nil)
}

func TestDepartments(t *testing.T) {
	t.Parallel()
	b := newBench(t, detailed)
	b.corp()
	after := directory.Attributes{
		"name": directory.TextOf("财务部"), "parent": depts("10"), "order": directory.IntOf(3),
		"source_identifier": directory.TextOf("F1"), "code": directory.TextOf("FIN"),
	}
	key := b.must(plan.Create, directory.Key{Kind: directory.Department}, after)
	checkAttributes(t, b.lookup(key).Object, after)
	b.must(plan.Update, key, directory.Attributes{"parent": depts(), "code": directory.TextOf("FI2"), "name": directory.TextOf("财务")})
	checkAttributes(t, b.lookup(key).Object, directory.Attributes{"parent": depts(), "code": directory.TextOf("FI2"), "name": directory.TextOf("财务")})
	b.refused(fault.Denied, plan.Update, department("1"), directory.Attributes{"name": directory.TextOf("x")})
	b.refused(fault.Denied, plan.Delete, department("1"), nil)
	b.refused(fault.Invalid, plan.Update, department("x"), directory.Attributes{"name": directory.TextOf("x")})
	b.refused(fault.Invalid, plan.Create, directory.Key{Kind: directory.Department}, directory.Attributes{"name": directory.TextOf("甲-乙")})
	b.refused(fault.Invalid, plan.Create, directory.Key{Kind: directory.Department}, nil)
	b.refused(fault.Invalid, plan.Update, key, directory.Attributes{"order": directory.TextOf("first")})
	b.refused(fault.Unsupported, plan.Disable, key, nil)
	b.refused(fault.Invalid, plan.Update, directory.Key{Kind: directory.User}, nil)
	b.must(plan.Delete, key, nil)
}

// TestDepartmentFoundAgain checks that the CREATE whose answer was lost finds its
// own department by the token, and takes nobody else's.
func TestDepartmentFoundAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.corp()
	a := directory.Attributes{"name": directory.TextOf("财务部"), "parent": depts("10")}
	b.Inject(dingtalksim.Fault{Path: "/topapi/v2/department/create", Drop: true, Late: true})
	b.refused(fault.InDoubt, plan.Create, directory.Key{Kind: directory.Department}, a)
	key := b.must(plan.Create, directory.Key{Kind: directory.Department}, a)
	d, ok := b.Department(number(key.ID))
	if !ok || d.SourceIdentifier != "7k3mq2-1" || len(b.Effects()) != 1 {
		t.Errorf("found %+v after %d effects", d, len(b.Effects()))
	}
	b.refused(fault.Conflict, plan.Create, directory.Key{Kind: directory.Department}, directory.Attributes{"name": directory.TextOf("人事部")})
	b.refused(fault.Conflict, plan.Create, directory.Key{Kind: directory.Department}, directory.Attributes{
		"name": directory.TextOf("研发部"), "source_identifier": directory.TextOf("D11"),
	})
	key = b.must(plan.Create, directory.Key{Kind: directory.Department}, directory.Attributes{
		"name": directory.TextOf("研发部"), "source_identifier": directory.TextOf("D10"),
	})
	if key != department("10") {
		t.Errorf("the department of the same identifier is %s", key)
	}
}

// TestAddLimit checks that the two readings of -1 are both said.
func TestAddLimit(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(corp *dingtalksim.Options, _ *dingtalk.Options) { corp.Contacts.AddLimit = 1 })
	b.must(plan.Create, user("new"), person(nil))
	err := b.refusal(fault.Unavailable, plan.Create, user("more"), directory.Attributes{
		"userid": directory.TextOf("more"), "name": directory.TextOf("又一个"), "mobile": directory.TextOf("13900000002"),
	})
	if say := fault.Say(err); !strings.Contains(say, "busy") || !strings.Contains(say, "this week") || !strings.Contains(say, "上限") {
		t.Errorf("said %q", say)
	}
	b.Inject(dingtalksim.Fault{Path: atUpdate, Errcode: -1})
	b.refused(fault.InDoubt, plan.Update, user("new"), directory.Attributes{"title": directory.TextOf("x")})
}

// TestLeadsHalfSeen checks that a list of managers is not written from a listing
// that breaks off, or from rows that do not tell who leads.
func TestLeadsHalfSeen(t *testing.T) {
	t.Parallel()
	row := func(id, leader string) string {
		return `{"userid":"` + id + `","name":"x","dept_id_list":[10]` + leader + `}`
	}
	for name, list := range map[string]string{
		"no cursor":      `{"has_more":true,"list":[` + row("both", `,"leader":false`) + `]}`,
		"the same again": `{"has_more":true,"next_cursor":0,"list":[` + row("both", `,"leader":false`) + `]}`,
		"no flags":       `{"has_more":false,"list":[` + row("both", "") + "," + row("lead", "") + `]}`,
	} {
		b := newBench(t)
		b.corp()
		b.Inject(dingtalksim.Fault{
			Path: "/topapi/v2/department/get", ID: "10", Body: `{"errcode":0,"errmsg":"ok","result":{"dept_id":10,"name":"研发部","parent_id":1}}`,
		})
		b.Inject(dingtalksim.Fault{Path: atList, ID: "10", Body: `{"errcode":0,"errmsg":"ok","result":` + list + `}`})
		_, err := b.apply(plan.Update, user("both"), directory.Attributes{"leads": depts("10")})
		if fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%s: %v", name, err)
		}
		if d, _ := b.Department(10); !slices.Equal(d.Managers, []string{"lead"}) {
			t.Errorf("%s: 10 is led by %v", name, d.Managers)
		}
	}
}

// TestOrderNotEmptied checks that what DingTalk has no way to empty is refused, and
// not called done.
func TestOrderNotEmptied(t *testing.T) {
	t.Parallel()
	b := newBench(t, detailed)
	b.corp()
	b.refused(fault.Invalid, plan.Update, user("both"), directory.Attributes{"dept_order": directory.ListOf()})
	b.refused(fault.Invalid, plan.Update, department("10"), directory.Attributes{"order": directory.Empty(directory.Int)})
	if n := len(b.Effects()); n != 0 {
		t.Errorf("%d effects", n)
	}
	b.must(plan.Create, user("new"), person(directory.Attributes{"dept_order": directory.ListOf()}))
	b.must(plan.Create, directory.Key{Kind: directory.Department}, directory.Attributes{
		"name": directory.TextOf("财务部"), "order": directory.Empty(directory.Int), "code": directory.TextOf(""),
	})
}
