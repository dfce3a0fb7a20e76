package feishu_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
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

func TestReadDecodesEveryAttribute(t *testing.T) {
	t.Parallel()
	x := newTenant(t, nil)
	a, b := x.department(t, "甲部", ""), x.department(t, "乙部", "")
	boss := x.user(t, feishusim.User{UserID: "boss", Name: "老板", Mobile: "13800000001"})
	x.user(t, feishusim.User{
		UserID: "u1", Name: "张三", EnName: "San", Nickname: "三", Mobile: "13800000002", Email: "U1@corp.example",
		Country: "CN", MobileHidden: true, JobLevelID: "l1", JobFamilyID: "f1", Geo: "cn", TimeZone: "Asia/Shanghai",
		DottedLeaders: []string{boss.OpenID}, EnterpriseEmail: "u1@ent.example", Gender: 1, EmployeeNo: "007", EmployeeType: 2, JobTitle: "工程师",
		// 16:30 UTC is the next day in Shanghai.
		JoinTime: time.Date(2024, 2, 28, 16, 30, 0, 0, time.UTC).Unix(), City: "上海", WorkStation: "3F",
		Departments: []string{a, b}, LeaderUserID: boss.OpenID, Activated: true, TenantManager: true,
		Orders: []feishusim.Order{{Department: a, DepartmentOrder: 1, UserOrder: 9}, {Department: b, DepartmentOrder: 2, Primary: true}},
		CustomAttrs: json.RawMessage(`[{"type":"HREF","id":"C-9","value":{"url":"x"}},
			{"type":"TEXT","id":"C-1","value":{"text":"成本中心"}}]`),
	})
	s := x.read(t)
	if !s.Complete() {
		t.Fatalf("incomplete: %s", s.Health.PartialFor)
	}
	o, ok := s.Get(userKey("u1"))
	if !ok || !o.Active {
		t.Fatalf("u1: %v %+v", ok, o)
	}
	toB := directory.RefsToKind(directory.Department, directory.ID(b), directory.ID(a))
	toBoss := directory.RefsToKind(directory.User, "boss")
	for name, want := range map[string]directory.Value{
		"user_id": directory.TextOf("u1"), "name": directory.TextOf("张三"), "en_name": directory.TextOf("San"),
		"nickname": directory.TextOf("三"), "mobile": directory.TextOf("+8613800000002"), "email": directory.TextOf("U1@corp.example"),
		"enterprise_email": directory.TextOf("u1@ent.example"), "gender": directory.IntOf(1), "employee_no": directory.TextOf("007"),
		"employee_type": directory.IntOf(2), "title": directory.TextOf("工程师"), "job_title": directory.TextOf("工程师"),
		"join_time": directory.DateOf(time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC)), "city": directory.TextOf("上海"),
		"work_station": directory.TextOf("3F"), "departments": toB, "department_ids": toB, "manager": toBoss, "leader_user_id": toBoss,
		"is_activated": directory.BoolOf(true), "is_unjoin": directory.BoolOf(false), "is_tenant_manager": directory.BoolOf(true),
		"custom.C-1": directory.TextOf("成本中心"), "country": directory.TextOf("CN"), "mobile_visible": directory.BoolOf(false),
		"job_level_id": directory.TextOf("l1"), "job_family_id": directory.TextOf("f1"), "geo": directory.TextOf("cn"),
		"time_zone": directory.TextOf("Asia/Shanghai"), "dotted_line_leaders": toBoss, "department_order": directory.ListOf("0", "9"),
	} {
		if got := o.Attributes[name]; !got.Equal(want) || got.Type() != want.Type() {
			t.Errorf("%s = %s %q, want %s %q", name, got.Type(), got, want.Type(), want)
		}
	}
	boss2, _ := s.Get(userKey("boss"))
	if got := boss2.Attributes["custom.C-1"]; got.Type() != directory.Text || !got.IsEmpty() {
		t.Errorf("a defined custom field that a list lacks is %s %q, want empty", got.Type(), got)
	}
	if got := boss2.Attributes["join_time"]; !got.IsEmpty() || got.Type() != directory.Date {
		t.Errorf("join_time 0 is %s %q, want an empty date", got.Type(), got)
	}
	if s.Len(directory.User) != 2 || s.Health.Departments != 2 || s.Health.Scope == "" {
		t.Errorf("users %d, health %+v", s.Len(directory.User), s.Health)
	}
}

func TestReadLeavesOutThoseWhoLeft(t *testing.T) {
	t.Parallel()
	x := newTenant(t, nil)
	x.user(t, feishusim.User{UserID: "here", Name: "在", Frozen: true})
	x.user(t, feishusim.User{UserID: "exited", Name: "退", Exited: true})
	s := x.read(t)
	if !s.Complete() || s.Len(directory.User) != 1 {
		t.Fatalf("%d users, %q", s.Len(directory.User), s.Health.PartialFor)
	}
	if o, _ := s.Get(userKey("here")); o.Active {
		t.Error("a frozen user is active")
	}
	if got := x.look(t, "exited").Presence; got != connector.Gone {
		t.Errorf("an exited user has presence %d", got)
	}
}

// page builds one answer of the listing of members.
func page(more bool, token string, ids ...string) string {
	var items []string
	for _, id := range ids {
		items = append(items, fmt.Sprintf(`{"user_id":%q,"open_id":"ou_%s","name":"x","status":{"is_frozen":false}}`, id, id))
	}
	extra := ""
	if token != "" {
		extra = fmt.Sprintf(`,"page_token":%q`, token)
	}
	return fmt.Sprintf(`{"code":0,"data":{"has_more":%v,"items":[%s]%s}}`, more, strings.Join(items, ","), extra)
}

// TestListings gives the members of the root as a script of
// answers by page token.
func TestListings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pages map[string]string
		users int
		say   string // "" for a complete snapshot
	}{
		"two pages":                   {map[string]string{"": page(true, "a", "u1"), "a": page(false, "", "u2")}, 2, ""},
		"a token after the end":       {map[string]string{"": page(false, "z", "u1")}, 1, ""},
		"empty first page":            {map[string]string{"": page(true, "a"), "a": page(false, "", "u2")}, 1, ""},
		"empty middle page":           {map[string]string{"": page(true, "a", "u1"), "a": page(true, "b"), "b": page(false, "", "u2")}, 2, ""},
		"more without a token":        {map[string]string{"": page(true, "", "u1")}, 1, "no page token"},
		"token repeated":              {map[string]string{"": page(true, "a", "u1"), "a": page(true, "a", "u2")}, 2, "came twice"},
		"tokens in a circle":          {map[string]string{"": page(true, "a", "u1"), "a": page(true, "b", "u2"), "b": page(true, "a")}, 2, "came twice"},
		"empty pages without end":     {map[string]string{"": page(true, "a", "u1"), "a": page(true, "a")}, 1, "empty pages"},
		"a person twice on one page":  {map[string]string{"": page(false, "", "u1", "u1")}, 1, "came twice"},
		"a person twice on two pages": {map[string]string{"": page(true, "a", "u1"), "a": page(false, "", "u1")}, 1, "came twice"},
		"no has_more":                 {map[string]string{"": `{"code":0,"data":{"items":[]}}`}, 0, "malformed"},
		"no data":                     {map[string]string{"": `{"code":0}`}, 0, "malformed"},
		"items of another type":       {map[string]string{"": `{"code":0,"data":{"has_more":false,"items":{}}}`}, 0, "malformed"},
		"a broken row": {map[string]string{"": `{"code":0,"data":{"has_more":false,"items":[7,
			{"user_id":"u1","status":{}},{"user_id":"u2","status":{},"name":[]}]}}`}, 1, "cannot be understood"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newTenant(t, nil)
			x.front = func(w http.ResponseWriter, r *http.Request) bool {
				body, ok := c.pages[r.URL.Query().Get("page_token")]
				if r.URL.Path != listPath || !ok {
					return false
				}
				return answerJSON(w, http.StatusOK, body)
			}
			s := x.read(t)
			if s.Len(directory.User) != c.users {
				t.Errorf("%d users, want %d", s.Len(directory.User), c.users)
			}
			if c.say == "" && !s.Complete() || !strings.Contains(s.Health.PartialFor, c.say) {
				t.Errorf("incomplete for %q, want %q", s.Health.PartialFor, c.say)
			}
		})
	}
}

func TestPageTokenThatExpires(t *testing.T) {
	t.Parallel()
	for times, complete := range map[int]bool{1: true, 2: true, 3: false} {
		t.Run(fmt.Sprint(times), func(t *testing.T) {
			t.Parallel()
			x := newTenant(t, nil)
			for i := range 7 {
				x.user(t, feishusim.User{UserID: fmt.Sprintf("u%d", i), Name: "x"})
			}
			left := times
			x.front = func(_ http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path == listPath && r.URL.Query().Get("page_token") != "" && left > 0 {
					left--
					x.ExpirePageTokens()
				}
				return false
			}
			s := x.read(t)
			if s.Complete() != complete || s.Health.Restarts != min(times, 2) {
				t.Errorf("complete %v (%s) after %d restarts", s.Complete(), s.Health.PartialFor, s.Health.Restarts)
			}
			if complete && s.Len(directory.User) != 7 {
				t.Errorf("%d users, want 7", s.Len(directory.User))
			}
		})
	}
}

func TestContactRangeOfLessThanAllStaff(t *testing.T) {
	t.Parallel()
	x := newTenant(t, nil)
	a := x.department(t, "甲部", "")
	below := x.department(t, "甲一", a)
	other := x.department(t, "乙部", "")
	x.user(t, feishusim.User{UserID: "in", Name: "内", Departments: []string{below}})
	guest := x.user(t, feishusim.User{UserID: "guest", Name: "客", Departments: []string{other}})
	x.user(t, feishusim.User{UserID: "out", Name: "外", Departments: []string{other}})
	all := x.read(t).Health.Scope
	x.SetContactScope(&feishusim.ContactScope{Departments: []string{a}, Users: []string{guest.OpenID}})
	s := x.read(t)
	if s.Complete() || !strings.Contains(s.Health.PartialFor, "not all staff") {
		t.Errorf("incomplete for %q", s.Health.PartialFor)
	}
	if !s.Has(userKey("in")) || !s.Has(userKey("guest")) || s.Has(userKey("out")) || s.Len(directory.Department) != 2 {
		t.Errorf("%d users and %d departments", s.Len(directory.User), s.Len(directory.Department))
	}
	if s.Health.Scope == all || s.Health.Scope == "" || s.Health.Scope != x.read(t).Health.Scope {
		t.Errorf("scope fingerprint %q, of all staff %q", s.Health.Scope, all)
	}
	if got := x.look(t, "out"); got.Presence != connector.Unsure || !strings.Contains(got.Why, "41050") {
		t.Errorf("out of range: %+v", got)
	}
	if err := x.c.Probe(t.Context()); fault.KindOf(err) != fault.Credential || !strings.Contains(fault.Say(err), "all staff") {
		t.Errorf("probe: %v", err)
	}
}

func TestRangeThatShrinksWhileReading(t *testing.T) {
	t.Parallel()
	x := newTenant(t, nil)
	a := x.department(t, "甲部", "")
	b := x.department(t, "乙部", "")
	x.user(t, feishusim.User{UserID: "u1", Name: "x", Departments: []string{b}})
	shrunk := false
	x.front = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == listPath && !shrunk {
			shrunk = true
			x.SetContactScope(&feishusim.ContactScope{Departments: []string{a}})
		}
		return false
	}
	if s := x.read(t); s.Complete() || !strings.Contains(s.Health.PartialFor, "contact range") {
		t.Errorf("incomplete for %q", s.Health.PartialFor)
	}
}

func TestCountsThatDoNotFit(t *testing.T) {
	t.Parallel()
	x := newTenant(t, nil)
	d := x.department(t, "甲部", "")
	x.user(t, feishusim.User{UserID: "u1", Name: "x", Departments: []string{d}})
	x.user(t, feishusim.User{UserID: "u2", Name: "x", Departments: []string{d}})
	lies := 1
	x.front = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != listPath || r.URL.Query().Get("department_id") != d || lies == 0 {
			return false
		}
		lies--
		return answerJSON(w, http.StatusOK, page(false, "", "u1"))
	}
	if s := x.read(t); !s.Complete() || s.Len(directory.User) != 2 {
		t.Errorf("one short listing: %d users, %q", s.Len(directory.User), s.Health.PartialFor)
	}
	lies = 2
	if s := x.read(t); s.Complete() || !strings.Contains(s.Health.PartialFor, "counts 2 people and lists 1") {
		t.Errorf("two short listings: %q", s.Health.PartialFor)
	}
}

func TestDepartmentsWithAPageMissing(t *testing.T) {
	t.Parallel()
	x := newTenant(t, nil)
	a := x.department(t, "甲部", "")
	x.department(t, "甲一", a)
	x.RemoveDepartment(a)
	x.front = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/departments/0/children") {
			return false
		}
		return answerJSON(w, http.StatusOK, `{"code":0,"data":{"has_more":false,"items":[
			{"open_department_id":"od-2","name":"甲一","parent_department_id":"od-1"}]}}`)
	}
	s := x.read(t)
	if s.Complete() || !strings.Contains(s.Health.PartialFor, "od-2") {
		t.Errorf("incomplete for %q", s.Health.PartialFor)
	}
}

// TestAbsentFields: what a reply leaves out is unknown, also when other replies
// have it. Only the leader, which is left out when there is none, is empty once
// the permission is known to be granted.
func TestAbsentFields(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		scopes string
		leader directory.Type
	}{
		"granted":     {`[{"scope_name":"contact:user.department:readonly","scope_type":"tenant","grant_status":1}]`, directory.Refs},
		"not granted": {`[{"scope_name":"contact:user.department:readonly","scope_type":"tenant","grant_status":2}]`, directory.Unknown},
		"all":         {`[{"scope_name":"contact:user.department:readonly","grant_status":1},{"scope_name":"contact:user.phone:readonly","grant_status":1}]`, directory.Refs},
		"for users":   {`[{"scope_name":"contact:user.department:readonly","scope_type":"user","grant_status":1}]`, directory.Unknown},
		"broad":       {`[{"scope_name":"contact:contact:readonly_as_app","scope_type":"tenant","grant_status":1}]`, directory.Refs},
		"not told":    {`[]`, directory.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newTenant(t, nil)
			asked := 0
			x.front = func(w http.ResponseWriter, r *http.Request) bool {
				switch r.URL.Path {
				case listPath:
					return answerJSON(w, http.StatusOK, page(false, "", "u1", "u2"))
				case "/open-apis/application/v6/scopes":
					asked++
					return answerJSON(w, http.StatusOK, `{"code":0,"data":{"scopes":`+c.scopes+`}}`)
				}
				return false
			}
			s := x.read(t)
			o, _ := s.Get(userKey("u1"))
			if got := o.Attributes["manager"]; got.Type() != c.leader {
				t.Errorf("manager is %s, want %s", got.Type(), c.leader)
			}
			if got := o.Attributes["dotted_line_leaders"]; got.Type() != directory.Unknown {
				t.Errorf("dotted_line_leaders is %s: it has a permission of its own", got.Type())
			}
			if got := o.Attributes["email"]; got.Permission() != "contact:user.email:readonly" {
				t.Errorf("email is %s %q, want hidden", got.Type(), got)
			}
			if asked != 1 || !slices.Contains(s.Health.Hidden, "contact:user.email:readonly") {
				t.Errorf("asked %d times, hidden %v", asked, s.Health.Hidden)
			}
		})
	}
}

func TestPermissionsWithoutWhichNothingCanBeTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		idType string
		scopes []string
		say    []string
	}{
		"no user_id": {feishu.UserID, []string{"contact:contact:readonly_as_app"}, []string{"contact:user.employee_id:readonly", "user_id_type: open_id"}},
		"no status":  {feishu.OpenID, []string{"contact:contact.base:readonly"}, []string{"contact:user.employee:readonly"}},
		"no listing": {feishu.OpenID, []string{"contact:user.email:readonly"}, []string{"contact:contact.base:readonly", "权限管理"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newTenant(t, func(_ *feishusim.Options, o *feishu.Options) { o.UserIDType = c.idType })
			x.user(t, feishusim.User{Name: "x"})
			x.SetScopes(c.scopes...)
			_, readErr := x.c.Read(t.Context())
			for what, err := range map[string]error{"read": readErr, "probe": x.c.Probe(t.Context())} {
				if fault.KindOf(err) != fault.Credential {
					t.Errorf("%s: %v, want credential", what, err)
				}
				for _, want := range c.say {
					if !strings.Contains(fault.Say(err), want) {
						t.Errorf("%s says %q, want %q", what, fault.Say(err), want)
					}
				}
			}
		})
	}
}

func TestProbeNamesMissingPermissions(t *testing.T) {
	t.Parallel()
	x := newTenant(t, nil)
	x.front = func(w http.ResponseWriter, r *http.Request) bool {
		return r.URL.Path == "/open-apis/application/v6/scopes" &&
			answerJSON(w, http.StatusOK, `{"code":0,"data":{"scopes":[{"scope_name":"contact:contact:readonly_as_app","grant_status":1}]}}`)
	}
	err := x.c.Probe(t.Context())
	if fault.KindOf(err) != fault.Credential || !strings.Contains(fault.Say(err), "lacks permissions: contact:user.employee_id:readonly;") {
		t.Errorf("probe: %v", err)
	}
}

func TestReadKeepsThePace(t *testing.T) {
	t.Parallel()
	x := newTenant(t, nil)
	for i := range 31 {
		x.department(t, fmt.Sprintf("部门%d", i), "")
	}
	if s := x.read(t); !s.Complete() || s.Health.Retries != 0 {
		t.Fatalf("retries %d, %q", s.Health.Retries, s.Health.PartialFor)
	}
	calls := 0
	for api, n := range x.Calls() {
		if !strings.HasPrefix(api, "token") {
			calls += n
		}
	}
	if got := x.clock.waited(); got < time.Duration(calls-2)*time.Second/16 {
		t.Errorf("%d calls in %v: more than 15 a second", calls, got)
	}
}

// TestDepartmentsOutOfRange: somebody in range keeps the reference to a
// department that is not; both are told apart from what is gone.
func TestDepartmentsOutOfRange(t *testing.T) {
	t.Parallel()
	x := newTenant(t, nil)
	in, out := x.department(t, "甲部", ""), x.department(t, "乙部", "")
	x.user(t, feishusim.User{UserID: "both", Name: "两边", Departments: []string{in, out}})
	x.SetContactScope(&feishusim.ContactScope{Departments: []string{in}})
	s := x.read(t)
	o, ok := s.Get(userKey("both"))
	if !ok || s.Complete() || s.Has(departmentKey(out)) || len(o.Attributes["departments"].Refs()) != 2 {
		t.Errorf("%v, complete %v, departments %s", ok, s.Complete(), o.Attributes["departments"])
	}
	seen, err := x.c.Lookup(t.Context(), directory.Department, []directory.ID{directory.ID(out), directory.ID(in)})
	if err != nil || seen[0].Presence != connector.Unsure || seen[1].Presence != connector.Present {
		t.Errorf("looked up: %+v, %v", seen, err)
	}
	w := connector.Write{Op: plan.Delete, Key: userKey("both")}
	if _, err := x.c.Apply(t.Context(), w); fault.KindOf(err) != fault.Denied || len(x.Effects()) != 0 {
		t.Errorf("a deletion with one department out of range: %v", err)
	}
}

// TestEveryListing: an empty page is not the end, and an expired token begins
// again, in each of the listings.
func TestEveryListing(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{
		"departments": "/open-apis/contact/v3/departments/0/children", "people": listPath, "custom fields": customPath,
	} {
		for _, broken := range []string{"empty", "expired"} {
			t.Run(name+" "+broken, func(t *testing.T) {
				t.Parallel()
				x := customTenant(t)
				for i := range 7 {
					x.department(t, fmt.Sprintf("部门%d", i), "")
					x.user(t, feishusim.User{UserID: fmt.Sprintf("u%d", i), Name: "x", CustomAttrs: json.RawMessage(everyCustom)})
				}
				once := true
				x.front = func(_ http.ResponseWriter, r *http.Request) bool {
					if broken == "expired" && once && r.URL.Path == path && r.URL.Query().Get("page_token") != "" {
						once = false
						x.ExpirePageTokens()
					}
					return false
				}
				if broken == "empty" {
					x.Inject(feishusim.Fault{Path: path, EmptyPage: true, Skip: 1})
				}
				s := x.read(t)
				o, _ := s.Get(userKey("u6"))
				if !s.Complete() || s.Len(directory.User) != 7 || s.Len(directory.Department) != 7 || o.Attributes["custom.C-3"].Text() != "金牌" {
					t.Errorf("%d users and %d departments, %q, C-3 %q", s.Len(directory.User), s.Len(directory.Department), s.Health.PartialFor, o.Attributes["custom.C-3"])
				}
				if broken == "expired" && s.Health.Restarts != 1 {
					t.Errorf("%d restarts", s.Health.Restarts)
				}
			})
		}
	}
}
