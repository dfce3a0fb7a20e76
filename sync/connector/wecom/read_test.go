package wecom_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/wecom"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

// staff seeds a small corp: 10 研发 over 11 平台, 12 市场.
func staff(t *testing.T, b *bench) {
	t.Helper()
	for _, d := range []wecomsim.Department{
		{ID: 10, Name: "研发", NameEN: "R&D", Order: 7}, {ID: 11, Name: "平台", Parent: 10}, {ID: 12, Name: "市场"},
	} {
		if _, err := b.AddDepartment(d); err != nil {
			t.Fatal(err)
		}
	}
	for _, u := range []wecomsim.User{
		{ID: "Boss", Name: "老板", Mobile: "13800000001", Departments: []int64{1}},
		{
			ID: "amy", Name: "艾米", Alias: "Amy", Mobile: "13800000002", Email: "amy@corp.example", Position: "工程师",
			Gender: "2", Telephone: "010-1", Address: "北京", BizMail: "amy@mail.example",
			Departments: []int64{11, 10}, MainDepartment: 10, DirectLeaders: []string{"Boss"},
			Texts: map[string]string{"工号": "0042", "星座": "?"},
		},
		{ID: "bob", Name: "鲍勃", Mobile: "13800000003", Departments: []int64{12}, Status: wecomsim.StatusDisabled},
		{ID: "cat", Name: "凯特", Mobile: "13800000004", Departments: []int64{12}, Status: wecomsim.StatusPending},
	} {
		if err := b.AddUser(u); err != nil {
			t.Fatal(err)
		}
	}
}

func read(t *testing.T, b *bench) *directory.Snapshot {
	t.Helper()
	s, err := b.conn.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func user(t *testing.T, s *directory.Snapshot, id directory.ID) directory.Object {
	t.Helper()
	o, ok := s.Get(directory.Key{Kind: directory.User, ID: id})
	if !ok {
		t.Fatalf("%s was not read", id)
	}
	return o
}

// TestAttributes checks every attribute that the contacts secret may read.
func TestAttributes(t *testing.T) {
	t.Parallel()
	b := newBench(t, false)
	staff(t, b)
	s := read(t, b)
	if !s.Complete() || len(s.Health.Hidden) != 0 || s.Health.Departments != 3 {
		t.Errorf("health %+v", s.Health)
	}
	both := directory.RefsToKind(directory.Department, "10", "11")
	boss := directory.RefsToKind(directory.User, "Boss")
	for name, want := range map[string]directory.Value{
		"userid": directory.TextOf("amy"), "name": directory.TextOf("艾米"), "alias": directory.TextOf("Amy"),
		"mobile": directory.TextOf("13800000002"), "email": directory.TextOf("amy@corp.example"),
		"biz_mail": directory.TextOf("amy@mail.example"), "position": directory.TextOf("工程师"),
		"title": directory.TextOf("工程师"), "gender": directory.TextOf("2"), "telephone": directory.TextOf("010-1"),
		"address": directory.TextOf("北京"), "department": both, "departments": both,
		"direct_leader": boss, "manager": boss, "extattr.工号": directory.TextOf("0042"),
	} {
		if got := user(t, s, "amy").Attributes[name]; !got.Equal(want) || got.Type() != want.Type() {
			t.Errorf("%s is %s %q, want %s %q", name, got.Type(), got, want.Type(), want)
		}
	}
	if _, ok := user(t, s, "amy").Attributes["extattr.星座"]; ok {
		t.Error("a custom attribute that was not asked for was read")
	}
	for id, active := range map[directory.ID]bool{"amy": true, "bob": false, "cat": true} {
		if got := user(t, s, id).Active; got != active {
			t.Errorf("%s active %v, want %v", id, got, active)
		}
	}
	d, _ := s.Get(directory.Key{Kind: directory.Department, ID: "10"})
	if got := fmt.Sprint(d.Attributes["name"], d.Attributes["name_en"], d.Attributes["order"], d.Attributes["parent"]); got != "研发R&D7" && got != "研发 R&D 7 " {
		t.Errorf("department 10 is %q", got)
	}
	if s.Has(directory.Key{Kind: directory.Department, ID: "1"}) {
		t.Error("the root came as an object")
	}
}

// TestConsent checks that what an app is not shown of a member is unknown.
func TestConsent(t *testing.T) {
	t.Parallel()
	b := newBench(t, true)
	staff(t, b)
	s := read(t, b)
	if !s.Complete() {
		t.Fatal(s.Health.PartialFor)
	}
	amy := user(t, s, "amy").Attributes
	for _, name := range []string{"mobile", "email", "biz_mail", "gender", "address"} {
		if v := amy[name]; v.Type() != directory.Unknown || !strings.Contains(v.Permission(), "consent") {
			t.Errorf("%s is %s %q", name, v.Type(), v.Permission())
		}
	}
	if amy["name"].Text() != "艾米" || user(t, s, "bob").Active {
		t.Errorf("name %q, bob active %v", amy["name"], user(t, s, "bob").Active)
	}
	if len(s.Health.Hidden) != 1 {
		t.Errorf("hidden %q", s.Health.Hidden)
	}
}

// TestWriteOnly checks a corp whose details nobody may read: everybody is known
// by id, and one refusal is enough to know it.
func TestWriteOnly(t *testing.T) {
	t.Parallel()
	b := newBench(t, false)
	staff(t, b)
	b.SetOldIP(false)
	for range 2 {
		s := read(t, b)
		if !s.Complete() || s.Len(directory.User) != 4 || s.Len(directory.Department) != 3 {
			t.Fatalf("%d users, %d departments, %s", s.Len(directory.User), s.Len(directory.Department), s.Health.PartialFor)
		}
		amy, bob := user(t, s, "amy").Attributes, user(t, s, "bob").Attributes
		if amy["name"].Type() != directory.Unknown || amy["active"].Type() != directory.Unknown {
			t.Errorf("name %s, active %s", amy["name"].Type(), amy["active"].Type())
		}
		if amy["department"].Type() != directory.Unknown {
			t.Error("of two departments the listing does not tell the main one")
		}
		if got := bob["department"]; !got.Equal(directory.RefsToKind(directory.Department, "12")) {
			t.Errorf("department %q", got)
		}
	}
	calls := b.Calls()
	if calls["department/list"] != 1 || calls["user/list"]+calls["user/get"] != 0 {
		t.Errorf("details were tried again: %v", calls)
	}
	seen, err := b.conn.Lookup(t.Context(), directory.User, []directory.ID{"amy", "nobody"})
	if err != nil || seen[0].Presence != connector.Present || seen[1].Presence != connector.Gone {
		t.Errorf("%+v, %v", seen, err)
	}
}

// TestScope checks that a narrow visible scope hides attributes and nobody.
func TestScope(t *testing.T) {
	t.Parallel()
	b := newBench(t, true)
	staff(t, b)
	b.SetAppScope(12)
	s := read(t, b)
	if !s.Complete() || s.Len(directory.User) != 4 {
		t.Fatalf("%d users, %s", s.Len(directory.User), s.Health.PartialFor)
	}
	if user(t, s, "bob").Attributes["name"].Text() != "鲍勃" {
		t.Error("bob's name is in scope")
	}
	if v := user(t, s, "amy").Attributes["name"]; !strings.Contains(v.Permission(), "visible scope") {
		t.Errorf("amy's name is %s %q", v.Type(), v)
	}
	d, _ := s.Get(directory.Key{Kind: directory.Department, ID: "10"})
	if v := d.Attributes["name"]; !strings.Contains(v.Permission(), "visible scope") {
		t.Errorf("the name of department 10 is %s %q", v.Type(), v)
	}
}

// TestLeft checks that someone who left the corp by themselves is gone.
func TestLeft(t *testing.T) {
	t.Parallel()
	b := newBench(t, true)
	staff(t, b)
	b.SetStatus("cat", wecomsim.StatusLeft)
	s := read(t, b)
	if !s.Complete() || s.Has(directory.Key{Kind: directory.User, ID: "cat"}) {
		t.Errorf("complete %v, there %v", s.Complete(), s.Has(directory.Key{Kind: directory.User, ID: "cat"}))
	}
	asked := []directory.ID{"cat", "amy"}
	for i := range 30 {
		asked = append(asked, directory.ID(fmt.Sprintf("x%d", i)))
	}
	for _, ids := range [][]directory.ID{asked[:2], asked} {
		seen, err := b.conn.Lookup(t.Context(), directory.User, ids)
		if err != nil || seen[0].Presence != connector.Gone || seen[1].Presence != connector.Present {
			t.Errorf("%d asked: %+v, %v", len(ids), seen[:2], err)
		}
	}
}

// TestCursors checks the guards of the listing.
func TestCursors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		arm      func(*bench)
		complete bool
		restarts int
	}{
		"empty next_cursor at the end": {func(*bench) {}, true, 0},
		"lost once": {func(b *bench) {
			b.Inject(wecomsim.Fault{Path: "user/list_id", Skip: 1, Code: 50100})
		}, true, 1},
		"lost again and again": {func(b *bench) {
			for i := range 3 { // the second page of each of three tries
				b.Inject(wecomsim.Fault{Path: "user/list_id", Skip: i + 1, Code: 50100})
			}
		}, false, 2},
		"in circles": {func(b *bench) { b.RepeatCursors(true) }, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, false, func(corp *wecomsim.Options, _ *wecom.Options) {
				corp.EmptyCursor = name == "empty next_cursor at the end"
			})
			staff(t, b)
			c.arm(b)
			s := read(t, b)
			if s.Complete() != c.complete {
				t.Fatalf("complete %v: %s", s.Complete(), s.Health.PartialFor)
			}
			if c.complete && s.Len(directory.User) != 4 {
				t.Errorf("%d users", s.Len(directory.User))
			}
			if c.restarts > 0 && s.Health.Restarts != c.restarts {
				t.Errorf("%d restarts", s.Health.Restarts)
			}
		})
	}
}

// TestDepartmentFails checks that a department whose members cannot be read
// keeps them, with unknown attributes, and that nothing counts as complete.
func TestDepartmentFails(t *testing.T) {
	t.Parallel()
	b := newBench(t, true)
	staff(t, b)
	b.Inject(wecomsim.Fault{Path: "user/list", ID: "", Status: 500, Times: -1})
	s := read(t, b)
	if s.Complete() || s.Len(directory.User) != 4 {
		t.Fatalf("complete %v, %d users", s.Complete(), s.Len(directory.User))
	}
	if v := user(t, s, "bob").Attributes["name"]; v.Type() != directory.Unknown {
		t.Errorf("bob's name is %q", v)
	}
}

// TestLargeDepartment checks that a listing too large for one answer (45029) is
// read member by member.
func TestLargeDepartment(t *testing.T) {
	t.Parallel()
	b := newBench(t, false, func(corp *wecomsim.Options, _ *wecom.Options) { corp.ReplyBytes = 600 })
	staff(t, b)
	s := read(t, b)
	if !s.Complete() || user(t, s, "bob").Attributes["name"].Text() != "鲍勃" {
		t.Errorf("complete %v, %v", s.Complete(), user(t, s, "bob").Attributes)
	}
	if b.Calls()["user/get"] < 2 {
		t.Errorf("calls %v", b.Calls())
	}
}

// TestFewCalls checks that details cost one call for each department.
func TestFewCalls(t *testing.T) {
	t.Parallel()
	b := newBench(t, true, func(_ *wecomsim.Options, o *wecom.Options) { o.PageSize = 0 })
	staff(t, b)
	for i := range 200 {
		err := b.AddUser(wecomsim.User{ID: fmt.Sprintf("n%03d", i), Name: "n", Mobile: fmt.Sprintf("139%08d", i), Departments: []int64{12}})
		if err != nil {
			t.Fatal(err)
		}
	}
	s := read(t, b)
	if s.Len(directory.User) != 204 || !s.Complete() {
		t.Fatalf("%d users", s.Len(directory.User))
	}
	if n := b.calls(); n > 8 {
		t.Errorf("%d calls: %v", n, b.Calls())
	}
}

// TestQuota checks that a used-up quota stops every call until its window ends.
func TestQuota(t *testing.T) {
	t.Parallel()
	b := newBench(t, true)
	staff(t, b)
	read(t, b)
	b.Inject(wecomsim.Fault{Path: "user/update", Code: 45009})
	w := connector.Write{Op: "UPDATE", Key: directory.Key{Kind: directory.User, ID: "amy"}, After: directory.Attributes{"name": directory.TextOf("x")}}
	_, err := b.conn.Apply(t.Context(), w)
	if fault.KindOf(err) != fault.Limited || fault.After(err) != time.Minute {
		t.Fatalf("%v after %v", err, fault.After(err))
	}
	before := b.calls()
	b.advance(50 * time.Second)
	_, err = b.conn.Apply(t.Context(), w)
	if fault.KindOf(err) != fault.Limited || fault.After(err) != 10*time.Second || b.calls() != before {
		t.Errorf("inside the window: %v after %v, %d calls", err, fault.After(err), b.calls()-before)
	}
	b.advance(10 * time.Second)
	if _, err = b.conn.Apply(t.Context(), w); err != nil {
		t.Error(err)
	}
}

// TestLookupIsBlindToScope checks that an app's 'no such member' is no proof.
func TestLookupIsBlindToScope(t *testing.T) {
	t.Parallel()
	b := newBench(t, true)
	staff(t, b)
	b.Inject(wecomsim.Fault{Path: "user/get", Code: 60111})
	seen, err := b.conn.Lookup(t.Context(), directory.User, []directory.ID{"amy"})
	if err != nil || seen[0].Presence != connector.Present {
		t.Errorf("%+v, %v", seen, err)
	}
	b.Inject(wecomsim.Fault{Path: "user/get", Code: 60111})
	b.Inject(wecomsim.Fault{Path: "user/list_id", Skip: 1, Times: -1, Status: 500})
	seen, err = b.conn.Lookup(t.Context(), directory.User, []directory.ID{"zed"})
	if err == nil && seen[0].Presence != connector.Unsure {
		t.Errorf("half a listing proves that zed is gone: %+v", seen)
	}
}

func TestMatrix(t *testing.T) {
	t.Parallel()
	b := newBench(t, true)
	staff(t, b)
	var got []string
	for _, c := range b.conn.Matrix(t.Context()) {
		got = append(got, fmt.Sprintf("%s %s %v", c.Credential, c.Path, fault.KindOf(c.Err)))
	}
	want := []string{
		"contacts_secret department/simplelist ", "contacts_secret user/list_id ",
		"contacts_secret department/get credential", "app_secret department/list ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if len(b.Effects()) != 0 {
		t.Error("the probe changed something")
	}
	b.TrustIPs("10.0.0.1")
	err := b.conn.Probe(t.Context())
	if fault.KindOf(err) != fault.Credential || !strings.Contains(fault.Say(err), "127.0.0.1") {
		t.Errorf("the address to be trusted is not named: %v", err)
	}
	b.TrustIPs()
	if err := b.conn.Probe(t.Context()); err != nil {
		t.Errorf("a trusted address is remembered as refused: %v", err)
	}
}
