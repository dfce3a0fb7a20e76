package dingtalk_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/dingtalk"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/simulator/dingtalksim"
)

func detailed(_ *dingtalksim.Options, o *dingtalk.Options) {
	o.Managers, o.DepartmentDetails = true, true
}

func TestRead(t *testing.T) {
	t.Parallel()
	b := newBench(t, detailed)
	b.corp()
	var n connector.Counter
	s, err := b.conn.Read(connector.WithCounter(t.Context(), &n))
	if err != nil || !s.Complete() {
		t.Fatalf("%v %+v", err, s)
	}
	if users, departments := n.Count(); users != 3 || departments != 3 || s.Len(directory.User) != 3 || s.Len(directory.Department) != 3 {
		t.Errorf("counted %d users and %d departments, read %d and %d, want 3", users, departments, s.Len(directory.User), s.Len(directory.Department))
	}
	checkAttributes(t, b.get(s, user("both")), directory.Attributes{
		"userid": directory.TextOf("both"), "name": directory.TextOf("韩梅"), "mobile": directory.TextOf("+852-51234567"),
		"email": directory.TextOf(""), "title": directory.TextOf("工程师"), "employee_no": directory.TextOf(""),
		"departments": depts("20", "10"), "leads": depts(), "dept_order": directory.ListOf("20:0", "10:7"),
		"manager": directory.RefsToKind(directory.User, "lead"), "extension.爱好": directory.TextOf("旅游"),
		"hired_date":        directory.DateOf(time.Date(2020, 8, 16, 0, 0, 0, 0, time.UTC)),
		"exclusive_account": directory.BoolOf(false),
	})
	checkAttributes(t, b.get(s, user("lead")), directory.Attributes{
		"mobile": directory.TextOf("13800000001"), "email": directory.TextOf("lead@corp.example"), "employee_no": directory.TextOf("007"),
		"leads": depts("10"), "manager": directory.RefsToKind(directory.User), "hired_date": directory.Empty(directory.Date),
		"extension.爱好": directory.TextOf(""),
	})
	if o := b.get(s, user("top")); !o.Active || len(o.Attributes["departments"].Refs()) != 0 {
		t.Errorf("the person at the root reads as %+v", o)
	}
	checkAttributes(t, b.get(s, department("10")), directory.Attributes{
		"dept_id": directory.TextOf("10"), "name": directory.TextOf("研发部"), "parent": depts(), "order": directory.IntOf(5),
		"source_identifier": directory.TextOf("D10"), "code": directory.TextOf("RD"),
	})
	if got := b.get(s, department("11")).Attributes["parent"]; !got.Equal(depts("10")) {
		t.Errorf("the parent of 11 is %s", got)
	}
	for _, key := range []directory.Key{user("both"), user("lead"), department("10")} {
		if seen := b.lookup(key); seen.Presence != connector.Present || seen.Object.Digest() != b.get(s, key).Digest() {
			t.Errorf("%s: read %v, looked up %v", key, b.get(s, key), seen.Object)
		}
	}
}

// TestReadDefaults checks that what costs a call for each object is hidden unless
// asked for, and comes all the same where the listing shows it.
func TestReadDefaults(t *testing.T) {
	t.Parallel()
	for _, listed := range []bool{false, true} {
		b := newBench(t, func(corp *dingtalksim.Options, _ *dingtalk.Options) { corp.Contacts.ManagerInList = listed })
		b.corp()
		s := b.complete()
		want := directory.Hidden("")
		if listed {
			want = directory.RefsToKind(directory.User, "lead")
		}
		checkAttributes(t, b.get(s, user("both")), directory.Attributes{"manager": want})
		hidden := directory.Hidden("")
		checkAttributes(t, b.get(s, department("10")), directory.Attributes{"order": hidden, "source_identifier": hidden, "code": hidden})
		for _, key := range []directory.Key{user("both"), user("top"), department("10")} {
			if seen := b.lookup(key); seen.Object.Digest() != b.get(s, key).Digest() {
				t.Errorf("%s: read %v, looked up %v", key, b.get(s, key), seen.Object)
			}
		}
		if len(s.Health.Hidden) != 0 {
			t.Errorf("permissions are said to be missing: %v", s.Health.Hidden)
		}
	}
}

// TestReads counts the calls against Info.Reads.
func TestReads(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ users, departments int }{{0, 0}, {7, 0}, {3, 4}, {20, 4}, {1, 9}} {
		for _, more := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d in %d %v", c.users, c.departments, more), func(t *testing.T) {
				t.Parallel()
				b := newBench(t, func(_ *dingtalksim.Options, o *dingtalk.Options) { o.Managers, o.DepartmentDetails = more, more })
				for i := range c.departments {
					if _, err := b.SeedDepartment(dingtalksim.Department{ID: int64(100 + i), Name: fmt.Sprint("部门", i)}); err != nil {
						t.Fatal(err)
					}
				}
				for i := range c.users {
					u := dingtalksim.User{ID: fmt.Sprint("u", i), Name: "张三", Mobile: fmt.Sprintf("138%08d", i)}
					if c.departments > 0 {
						u.Departments = []int64{int64(100 + i%c.departments)}
					}
					if _, err := b.SeedUser(u); err != nil {
						t.Fatal(err)
					}
				}
				b.complete()
				got := b.count() - b.count(atNewToken)
				if want := b.conn.Describe().Reads(c.users, c.departments); got != want {
					t.Errorf("%d calls, Info.Reads says %d", got, want)
				}
			})
		}
	}
}

// TestNarrowScope checks that an app that sees a part reads that part, and never
// calls it everything.
func TestNarrowScope(t *testing.T) {
	t.Parallel()
	for _, filters := range []bool{false, true} {
		b := newBench(t, func(corp *dingtalksim.Options, _ *dingtalk.Options) { corp.Contacts.ScopeFilters = filters })
		b.corp()
		b.SetAuthScope(&dingtalksim.AuthScope{Departments: []int64{10}, Users: []string{"top"}})
		s := b.read()
		if s.Complete() || !strings.Contains(s.Health.PartialFor, "全部员工") || !strings.Contains(s.Health.PartialFor, "developer console") {
			t.Errorf("the part passes for %q", s.Health.PartialFor)
		}
		for _, key := range []directory.Key{user("lead"), user("both"), user("top"), department("10"), department("11")} {
			b.get(s, key)
		}
		if s.Has(department("20")) || s.Health.Scope != "10 top" {
			t.Errorf("scope %q, department 20 there: %v", s.Health.Scope, s.Has(department("20")))
		}
		if err := b.conn.Probe(t.Context()); fault.KindOf(err) != fault.Credential || !strings.Contains(fault.Say(err), "全部员工") {
			t.Errorf("the probe says %v", err)
		}
	}
}

// TestHiddenOrEmpty tells what is left out because it is empty from what is left
// out because it is forbidden.
func TestHiddenOrEmpty(t *testing.T) {
	t.Parallel()
	bare := func(corp *dingtalksim.Options, _ *dingtalk.Options) { corp.Contacts.OmitEmpty = true }
	noFields := dingtalksim.Fault{
		Path: atScopes, Times: -1,
		Body: `{"errcode":0,"errmsg":"ok","auth_user_field":[],"auth_org_scopes":{"authed_user":[],"authed_dept":[1]}}`,
	}
	for name, c := range map[string]struct {
		arm    func(*bench)
		hidden bool
	}{
		"granted, by name":         {func(*bench) {}, false},
		"granted, seen on another": {func(b *bench) { b.Inject(noFields) }, false},
		"forbidden":                {func(b *bench) { b.SetPermission(dingtalksim.FieldPersonal, false) }, true},
		"granted, nobody shows it": {func(b *bench) {
			b.Inject(noFields)
			for _, id := range []string{"lead", "both"} {
				err := b.Console().ChangeUser(id, func(u *dingtalksim.User) { u.Email, u.Extension = "", nil })
				if err != nil {
					b.t.Fatal(err)
				}
			}
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, bare)
			b.corp()
			c.arm(b)
			want := directory.TextOf("")
			if c.hidden {
				want = directory.Hidden("")
			}
			// Before any listing the others of the same department have to tell.
			first := want
			if name == "granted, seen on another" {
				first = directory.Hidden("")
				checkAttributes(t, b.lookup(user("both")).Object, directory.Attributes{"email": want})
			}
			checkAttributes(t, b.lookup(user("top")).Object, directory.Attributes{"email": first, "remark": first, "extension.爱好": first})
			s := b.complete()
			checkAttributes(t, b.get(s, user("top")), directory.Attributes{"email": want, "extension.爱好": want})
			if seen := b.lookup(user("top")); seen.Object.Digest() != b.get(s, user("top")).Digest() {
				t.Errorf("read %v, looked up %v", b.get(s, user("top")), seen.Object)
			}
			if (len(s.Health.Hidden) > 0) != c.hidden {
				t.Errorf("hidden by %v", s.Health.Hidden)
			}
		})
	}
}

// TestPermissionTaken checks that a lookup does not trust what an earlier listing
// was allowed to see.
func TestPermissionTaken(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(corp *dingtalksim.Options, _ *dingtalk.Options) { corp.Contacts.OmitEmpty = true })
	b.corp()
	b.complete()
	b.SetPermission(dingtalksim.FieldPersonal, false)
	b.SetPermission(dingtalksim.FieldMobile, false)
	hidden := directory.Hidden("")
	checkAttributes(t, b.lookup(user("lead")).Object, directory.Attributes{"email": hidden, "mobile": hidden, "extension.爱好": hidden})
}

// TestDoubts checks the listings that prove nothing.
func TestDoubts(t *testing.T) {
	t.Parallel()
	row := `{"userid":"x","name":"某","dept_id_list":[10]}`
	list := func(rows string) string {
		return `{"errcode":0,"errmsg":"ok","result":{"has_more":false,"list":[` + rows + `]}}`
	}
	for name, c := range map[string]struct {
		arm  func(*bench)
		want string
	}{
		"one whom the listings lack":   {func(b *bench) { b.HideUser("both", dingtalksim.HideList) }, "counts 3 employees and lists 2"},
		"a department that is lacking": {func(b *bench) { b.HideDepartment(20, dingtalksim.HideList) }, "whose listing lacks them"},
		"a page that goes round": {func(b *bench) {
			b.Inject(dingtalksim.Fault{Path: atList, ID: "11", Times: -1, Body: `{"errcode":0,"result":{"has_more":true,"next_cursor":0,"list":[]}}`})
		}, "round in circles"},
		"more without a cursor": {func(b *bench) {
			b.Inject(dingtalksim.Fault{Path: atList, ID: "11", Body: `{"errcode":0,"result":{"has_more":"true","list":[]}}`})
		}, "round in circles"},
		"a row twice": {func(b *bench) { b.Inject(dingtalksim.Fault{Path: atList, ID: "10", Body: list(row + "," + row)}) }, "repeats itself"},
		"a row without its id": {func(b *bench) {
			b.Inject(dingtalksim.Fault{Path: atList, ID: "11", Body: list(`{"name":"无名"}`)})
		}, "cannot be read"},
		"a row of another shape": {func(b *bench) {
			b.Inject(dingtalksim.Fault{Path: atList, ID: "11", Body: list(`{"userid":{},"dept_id_list":[1]}`)})
		}, "cannot be read"},
		"a department twice": {func(b *bench) {
			b.Inject(dingtalksim.Fault{Path: atListSub, ID: "20", Body: `{"errcode":0,"result":[{"dept_id":10,"name":"研发部","parent_id":20}]}`})
		}, "listed twice"},
		"a department under another parent": {func(b *bench) {
			b.Inject(dingtalksim.Fault{Path: atListSub, ID: "20", Body: `{"errcode":0,"result":[{"dept_id":77,"name":"幽灵","parent_id":3}]}`})
		}, "under another parent"},
		"a department that fails": {func(b *bench) { b.Inject(dingtalksim.Fault{Path: atList, ID: "11", Times: -1, Status: 502}) }, "out of order"},
		"no count": {func(b *bench) {
			b.Inject(dingtalksim.Fault{Path: atCount, Times: -1, Body: `{"errcode":0,"result":{}}`})
		}, "broken"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.corp()
			c.arm(b)
			if s := b.read(); !strings.Contains(s.Health.PartialFor, c.want) {
				t.Errorf("the snapshot is partial for %q, want %q", s.Health.PartialFor, c.want)
			}
		})
	}
}

// TestLimitedEmployees checks that people whom the corp hides from some of its own
// are listed.
func TestLimitedEmployees(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if _, err := b.SeedUser(dingtalksim.User{ID: "boss", Name: "老板", Mobile: "13800000009", AccessLimited: true}); err != nil {
		t.Fatal(err)
	}
	b.get(b.complete(), user("boss"))
}

// TestPace checks the vendor's limit of 20 calls a second, which the simulator
// enforces, and the waits that it asks for.
func TestPace(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(_ *dingtalksim.Options, o *dingtalk.Options) { o.PageSize = 100 })
	for i := range 60 {
		if _, err := b.SeedDepartment(dingtalksim.Department{ID: int64(100 + i), Name: fmt.Sprint("部门", i)}); err != nil {
			t.Fatal(err)
		}
	}
	s := b.complete()
	if s.Health.Retries != 0 {
		t.Errorf("%d calls were refused for being too fast", s.Health.Retries)
	}
	if s.Health.Took < 3*time.Second {
		t.Errorf("122 calls took %v by the corp's clock", s.Health.Took)
	}
}

func TestBackOff(t *testing.T) {
	t.Parallel()
	for code, want := range map[int][]time.Duration{
		90018: {time.Second, time.Second, time.Second},
		90002: {time.Second, 2 * time.Second, 4 * time.Second},
	} {
		b := newBench(t)
		b.Inject(dingtalksim.Fault{Path: atCount, Times: 3, Errcode: code, Wrapped: true})
		s := b.complete()
		var long []time.Duration
		for _, w := range b.waits {
			if w >= time.Second {
				long = append(long, w)
			}
		}
		if len(long) != len(want) || s.Health.Retries != len(want) {
			t.Fatalf("%d: waits %v, %d retries", code, long, s.Health.Retries)
		}
		for i, w := range long {
			if w < want[i] || w > want[i]*5/4+time.Millisecond {
				t.Errorf("%d: wait %d is %v, want %v and a quarter at most", code, i, w, want[i])
			}
		}
	}
}

// TestBan checks that a barred address is left alone for five minutes.
func TestBan(t *testing.T) {
	t.Parallel()
	for _, html := range []bool{false, true} {
		b := newBench(t, func(corp *dingtalksim.Options, _ *dingtalk.Options) { corp.Contacts.BanHTML = html })
		b.corp()
		b.complete()
		b.Ban(5 * time.Minute)
		if _, err := b.conn.Read(t.Context()); fault.KindOf(err) != fault.Limited || fault.After(err) != 5*time.Minute {
			t.Fatalf("a barred address gives %v", err)
		}
		before := b.count()
		b.advance(time.Minute)
		if _, err := b.conn.Read(t.Context()); fault.KindOf(err) != fault.Limited || fault.After(err) != 4*time.Minute {
			t.Errorf("a minute later: %v", err)
		}
		if n := b.count() - before; n != 0 {
			t.Errorf("%d calls while the address is barred", n)
		}
		b.advance(4 * time.Minute)
		b.complete()
	}
}

// TestManagersUnread checks that managers who could not be asked for are unknown,
// and not taken for none.
func TestManagersUnread(t *testing.T) {
	t.Parallel()
	b := newBench(t, detailed)
	b.corp()
	b.Inject(dingtalksim.Fault{Path: atGet, Times: -1, Status: 502})
	s := b.read()
	if s.Complete() {
		t.Error("the snapshot passes for complete")
	}
	for _, id := range []directory.ID{"lead", "both", "top"} {
		checkAttributes(t, b.get(s, user(id)), directory.Attributes{"manager": directory.Hidden("")})
	}
}

// TestLookupWithoutLists checks that whom somebody leads, and where they stand, is
// unknown when the answer about them does not tell, and not none.
func TestLookupWithoutLists(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.corp()
	b.Inject(getAs(`{"userid":"lead","name":"李雷","dept_id_list":[10]}`))
	checkAttributes(t, b.lookup(user("lead")).Object, directory.Attributes{
		"departments": depts("10"), "leads": directory.Hidden(""), "dept_order": directory.Hidden(""),
	})
	b.Inject(getAs(`{"userid":"lead","name":"李雷","dept_id_list":[10],"leader_in_dept":[{"dept_id":10,"leader":true}],"dept_order_list":[]}`))
	checkAttributes(t, b.lookup(user("lead")).Object, directory.Attributes{"leads": depts("10"), "dept_order": directory.ListOf("10:0")})
}

// TestBlankDepartments checks that a person whose departments do not come has not
// been moved to the root.
func TestBlankDepartments(t *testing.T) {
	t.Parallel()
	for _, list := range []string{`""`, `" "`, "null"} {
		b := newBench(t)
		b.corp()
		f := getAs(`{"userid":"lead","name":"李雷","dept_id_list":` + list + `}`)
		f.Times = -1
		b.Inject(f)
		if _, err := b.conn.Lookup(t.Context(), directory.User, []directory.ID{"lead"}); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%s: %v", list, err)
		}
	}
}
