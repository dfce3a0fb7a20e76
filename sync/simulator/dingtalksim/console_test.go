package dingtalksim

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPending(t *testing.T) {
	t.Parallel()
	b := corp(t)
	c := b.Console()
	if err := c.Invite("13800000003"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := b.old(t, userCreatePath, person1(nil)); got.errcode() != codeInvited || got.object["result"] != nil {
			t.Errorf("create: %s", got.raw)
		}
	}
	if e := b.Effects(); len(e) != 1 || !e[0].Pending || e[0].User != "han" {
		t.Errorf("effects: %+v", e)
	}
	if got := b.old(t, userGetPath, fields{"userid": "han"}); got.errcode() != codeNoUser {
		t.Errorf("get before: %s", got.raw)
	}
	if ids, _ := b.result(t, userIDsPath, fields{"dept_id": 30}).texts("userid_list"); slices.Contains(ids, "han") {
		t.Error("a pending user is listed")
	}
	if got := b.old(t, userCreatePath, person1(fields{"mobile": "13800000004"})); got.errcode() != codeUserExists {
		t.Errorf("the same userid for another: %s", got.raw)
	}
	if err := c.Accept("han"); err != nil {
		t.Fatal(err)
	}
	if got := b.result(t, userGetPath, fields{"userid": "han"}); !got.yes("active") {
		t.Errorf("get after: %v", got)
	}
	if got := b.old(t, userCreatePath, person1(nil)); got.errcode() != codeUserExists {
		t.Errorf("create after: %s", got.raw)
	}
	if c.Accept("han") == nil || c.Decline("han") == nil || c.Invite("x") == nil {
		t.Error("there is nothing to accept or decline")
	}
	types := eventTypes(b)
	if got := types[len(types)-2:]; !slices.Equal(got, []string{eventUserAdd, eventUserActive}) {
		t.Errorf("events: %v", types)
	}
}

func TestPendingDeclined(t *testing.T) {
	t.Parallel()
	b := corp(t, func(o *Options) { o.Contacts.InviteAll = true })
	b.old(t, userCreatePath, person1(nil))
	if err := b.Console().Decline("han"); err != nil {
		t.Fatal(err)
	}
	if _, found := b.User("han"); found {
		t.Error("who declined is there")
	}
	b.old(t, userCreatePath, person1(fields{"dept_id_list": "30"}))
	if err := b.Console().ChangeUser("li", func(u *User) { u.Departments = []int64{20} }); err != nil {
		t.Fatal(err)
	}
	b.result(t, deptDeletePath, fields{"dept_id": 30})
	if err := b.Console().Accept("han"); err != nil {
		t.Fatal(err)
	}
	if u, _ := b.User("han"); !slices.Equal(u.Departments, []int64{Root}) {
		t.Errorf("joined %v", u.Departments)
	}
}

func TestConsentAfterDelete(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		after time.Duration
		on    bool
		code  int
	}{{23 * time.Hour, true, codeInvited}, {24 * time.Hour, true, 0}, {time.Minute, false, 0}} {
		b := corp(t, func(o *Options) { o.Contacts.ConsentAfterDelete = c.on })
		b.result(t, userDeletePath, fields{"userid": "li"})
		b.clock.Add(c.after)
		if got := b.old(t, userCreatePath, person1(fields{"mobile": "13800000002"})); got.errcode() != c.code {
			t.Errorf("after %v: %s", c.after, got.raw)
		}
	}
}

func TestCorpModes(t *testing.T) {
	t.Parallel()
	b := corp(t, func(o *Options) { o.Contacts.AddLimit = 1 })
	b.result(t, userCreatePath, person1(nil))
	if got := b.old(t, userCreatePath, person1(fields{"userid": "x", "mobile": "13800000009"})); got.errcode() != codeBusy {
		t.Errorf("beyond the limit: %s", got.raw)
	}
	b.ChangeContacts(func(o *ContactsOptions) { o.AddLimit, o.HROwned = 0, true })
	for _, c := range []rule{
		{"title", userUpdatePath, fields{"userid": "li", "title": "x"}, codeHROwned},
		{"departments", userUpdatePath, fields{"userid": "li", "dept_id_list": "10"}, codeHROwned},
		{"name", userUpdatePath, fields{"userid": "li", "name": "x"}, 0},
		{"create with title", userCreatePath, person1(fields{"userid": "y", "mobile": "13800000010", "title": "x"}), codeHROwned},
		{"create", userCreatePath, person1(fields{"userid": "y", "mobile": "13800000010"}), 0},
	} {
		if got := b.old(t, c.path, c.body); got.errcode() != c.code {
			t.Errorf("%s: %s", c.name, got.raw)
		}
	}
	b.ChangeContacts(func(o *ContactsOptions) { o.HROwned, o.Abroad = false, true })
	if got := b.old(t, userCreatePath, person1(fields{"userid": "z", "mobile": "13800000011"})); got.errcode() != codeBadMobile {
		t.Errorf("abroad without +86: %s", got.raw)
	}
	b.result(t, userCreatePath, person1(fields{"userid": "z", "mobile": "+86-13800000011"}))
}

func TestConsoleChanges(t *testing.T) {
	t.Parallel()
	b := corp(t)
	c := b.Console()
	before := len(b.Events())
	id, err := c.AddUser(User{Name: "新人", Mobile: "13800000020"})
	if err != nil {
		t.Fatal(err)
	}
	dept, err := c.AddDepartment(Department{Name: "新部门"})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(
		c.ChangeUser(id, func(u *User) { u.Departments, u.ID, u.Mobile = []int64{dept}, "other", "13800000021" }),
		c.Activate(id),
		c.ChangeDepartment(Root, func(d *Department) { d.Name = "新公司" }),
		c.Quit(id),
		c.RemoveDepartment(dept),
	); err != nil {
		t.Fatal(err)
	}
	want := []string{
		eventUserAdd, eventDeptCreate, eventUserModify, eventUserActive, eventDeptModify, eventUserLeave, eventDeptRemove,
	}
	if got := eventTypes(b)[before:]; !slices.Equal(got, want) {
		t.Errorf("events: %v", got)
	}
	if len(b.Effects()) != 0 {
		t.Error("changes by hand have effects")
	}
	for name, err := range map[string]error{
		"add":     second(c.AddUser(User{ID: "li", Name: "x"})),
		"mobile":  c.ChangeUser("li", func(u *User) { u.Mobile = "13800000001" }),
		"nobody":  c.ChangeUser("nobody", func(*User) {}),
		"remove":  c.RemoveUser("nobody"),
		"quit":    c.Quit("nobody"),
		"active":  c.Activate("nobody"),
		"dept":    c.ChangeDepartment(99, func(*Department) {}),
		"cycle":   c.ChangeDepartment(10, func(d *Department) { d.Parent = 20 }),
		"members": c.RemoveDepartment(20),
		"name":    second(c.AddDepartment(Department{Name: "研发"})),
	} {
		if r, isRefusal := errors.AsType[*Refusal](err); !isRefusal || !strings.HasPrefix(r.Error(), "dingtalk ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if u, _ := b.User("li"); u.Mobile != "13800000002" {
		t.Error("a refused change took effect")
	}
}

func second[T any](_ T, err error) error { return err }

func TestEnterpriseAccounts(t *testing.T) {
	t.Parallel()
	b := corp(t)
	if got := b.old(t, userCreatePath, fields{"userid": "e", "name": "专属", "dept_id_list": "10", "exclusive_account": true}); got.errcode() != 0 {
		t.Fatalf("create: %s", got.raw)
	}
	disabled := func() any { return b.call(t, http.MethodGet, statusPath+"?userId=e", "").object["disable"] }
	post := func(call, user string) reply {
		return b.call(t, http.MethodPost, "/v1.0/contact/orgAccounts/"+call, fields{"userId": user, "reason": "x"})
	}
	for _, c := range []struct {
		call string
		want bool
	}{{"disable", true}, {"disable", true}, {"signOut", true}, {"enable", false}} {
		if got := post(c.call, "e"); got.status != 200 || disabled() != c.want {
			t.Errorf("%s: %d %s, disabled %v", c.call, got.status, got.raw, disabled())
		}
	}
	if e := b.Effects(); len(e) != 5 || e[1].UserBefore.Disabled || !e[1].UserAfter.Disabled {
		t.Errorf("effects: %+v", e)
	}
	for _, c := range []struct{ user, code string }{
		{"li", "exclusive.account.only"}, {"nobody", "staffId.notExisted"}, {"", "MissinguserId"},
	} {
		if got := post("disable", c.user); got.status != 400 || got.text("code") != c.code {
			t.Errorf("%q: %d %s", c.user, got.status, got.raw)
		}
	}
	if got := b.call(t, http.MethodPost, disablePath, "[]"); got.text("code") != "InvalidParameter" {
		t.Errorf("no object: %s", got.raw)
	}
	b.SetAuthScope(&AuthScope{Departments: []int64{30}})
	if got := post("disable", "e"); got.status != 403 {
		t.Errorf("out of scope: %d %s", got.status, got.raw)
	}
	b.SetPermission(PermitAccounts, false)
	if got := post("disable", "e"); got.status != 403 || !strings.Contains(got.raw, PermitAccounts) {
		t.Errorf("without permission: %d %s", got.status, got.raw)
	}
	if got := b.post(t, disablePath, fields{"userId": "e"}); got.text("code") != "InvalidAuthentication" {
		t.Errorf("without a token: %s", got.raw)
	}
}

func TestLeavers(t *testing.T) {
	t.Parallel()
	b := corp(t)
	start := b.clock.Now()
	b.result(t, userDeletePath, fields{"userid": "li"})
	b.clock.Add(time.Hour)
	if err := b.Console().RemoveUser("fang"); err != nil {
		t.Fatal(err)
	}
	ask := func(change map[string]string) reply {
		q := url.Values{"startTime": {start.Format(time.RFC3339)}, "nextToken": {"0"}, "maxResults": {"1"}}
		for key, value := range change {
			q.Set(key, value)
		}
		return b.call(t, http.MethodGet, leaversPath+"?"+q.Encode(), "")
	}
	first := ask(nil)
	if r := first.list("records"); len(r) != 1 || r[0].text("userId") != "li" || r[0].text("leaveReason") != "oapi" || first.text("nextToken") != "1" {
		t.Errorf("first: %s", first.raw)
	}
	next := ask(map[string]string{"nextToken": "1"})
	if r := next.list("records"); len(r) != 1 || r[0].text("leaveReason") != "delete" || r[0].text("name") != "王芳" || next.object["nextToken"] != nil {
		t.Errorf("second: %s", next.raw)
	}
	if r := ask(map[string]string{"endTime": start.Add(time.Minute).Format(time.RFC3339), "maxResults": "50"}).list("records"); len(r) != 1 {
		t.Errorf("to an end: %v", r)
	}
	for key, value := range map[string]string{
		"startTime": "yesterday", "endTime": "2020-01-01T00:00:00Z", "nextToken": "", "maxResults": "51",
	} {
		if got := ask(map[string]string{key: value}); got.status != 400 {
			t.Errorf("%s=%q: %d %s", key, value, got.status, got.raw)
		}
	}
	if got := ask(map[string]string{"startTime": start.AddDate(-2, 0, 0).Format(time.RFC3339)}); got.status != 400 {
		t.Errorf("two years: %s", got.raw)
	}
	if got := ask(map[string]string{"endTime": "x"}); got.status != 400 {
		t.Errorf("no time: %s", got.raw)
	}
}

func eventTypes(b bench) (types []string) {
	for _, e := range b.Events() {
		types = append(types, e.Type)
	}
	return types
}
