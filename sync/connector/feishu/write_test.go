package feishu_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/feishu"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

// sent gives the body of the last effect.
func (x *tenant) sent(t *testing.T) map[string]any {
	t.Helper()
	effects := x.Effects()
	if len(effects) == 0 {
		t.Fatal("nothing was written")
	}
	var body map[string]any
	if err := json.Unmarshal([]byte(effects[len(effects)-1].Detail), &body); err != nil {
		t.Fatal(err)
	}
	return body
}

func create(id string, after directory.Attributes) connector.Write {
	return connector.Write{Op: plan.Create, Key: userKey(id), After: after, Token: "t-" + id}
}

func update(id string, after directory.Attributes) connector.Write {
	return connector.Write{Op: plan.Update, Key: userKey(id), After: after, Token: "t-" + id}
}

func newcomer() directory.Attributes {
	return directory.Attributes{"name": directory.TextOf("张三"), "mobile": directory.TextOf("13800000001")}
}

func TestCreateSendsWhatFeishuRequires(t *testing.T) {
	t.Parallel()
	x := newTenant(t, nil)
	if _, err := x.c.Apply(t.Context(), create("u1", newcomer())); err != nil {
		t.Fatal(err)
	}
	want := `{"department_ids":["0"],"employee_type":1,"mobile":"13800000001","name":"张三","user_id":"u1"}`
	if got := x.Effects()[0].Detail; got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
}

func TestUpdateSendsOnlyWhatIsGiven(t *testing.T) {
	t.Parallel()
	x := newTenant(t, nil)
	a, b := x.department(t, "甲部", ""), x.department(t, "乙部", "")
	x.user(t, feishusim.User{UserID: "boss", Name: "老板"})
	x.user(t, feishusim.User{UserID: "u1", Name: "张三", Mobile: "13800000001", Email: "a@b.cn", Departments: []string{a}})
	for _, c := range []struct {
		after directory.Attributes
		want  map[string]any
	}{
		{directory.Attributes{"email": directory.TextOf("")}, map[string]any{"email": ""}},
		{directory.Attributes{"email": directory.Value{}}, map[string]any{"email": ""}},
		{directory.Attributes{"title": directory.TextOf("工程师")}, map[string]any{"job_title": "工程师"}},
		{
			directory.Attributes{"title": directory.TextOf("x"), "job_title": directory.TextOf("x")},
			map[string]any{"job_title": "x"},
		},
		{directory.Attributes{"manager": directory.RefsToKind(directory.User, "boss")}, map[string]any{"leader_user_id": "boss"}},
		{directory.Attributes{"manager": directory.RefsTo()}, map[string]any{"leader_user_id": ""}},
		{directory.Attributes{"gender": directory.TextOf("2")}, map[string]any{"gender": 2.0}},
		{directory.Attributes{"gender": directory.Empty(directory.Int)}, map[string]any{"gender": 0.0}},
		{
			directory.Attributes{"join_time": directory.DateOf(time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC))},
			map[string]any{"join_time": float64(time.Date(2024, 2, 28, 16, 0, 0, 0, time.UTC).Unix())},
		},
		{directory.Attributes{"join_time": directory.TextOf("1970-01-02")}, map[string]any{"join_time": 57600.0}},
		{directory.Attributes{"join_time": directory.Empty(directory.Date)}, map[string]any{"join_time": 0.0}},
		{directory.Attributes{"employee_no": directory.IntOf(7)}, map[string]any{"employee_no": "7"}},
		{directory.Attributes{"departments": directory.RefsTo()}, map[string]any{"department_ids": []any{"0"}}},
		{
			directory.Attributes{"departments": directory.RefsToKind(directory.Department, directory.ID(b), directory.ID(a))},
			map[string]any{"department_ids": []any{b, a}, "orders": []any{
				map[string]any{"department_id": b, "department_order": 2.0, "is_primary_dept": true},
				map[string]any{"department_id": a, "department_order": 1.0, "is_primary_dept": false},
			}},
		},
		{directory.Attributes{"active": directory.BoolOf(true)}, map[string]any{"is_frozen": false}},
	} {
		if _, err := x.c.Apply(t.Context(), update("u1", c.after)); err != nil {
			t.Errorf("%v: %v", c.after, err)
			continue
		}
		if got := x.sent(t); fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%v sent %v, want %v", c.after, got, c.want)
		}
	}
	o := x.look(t, "u1").Object
	if got := o.Attributes["departments"].String(); got != "department:"+b+", department:"+a {
		t.Errorf("departments read back as %s", got)
	}
}

func TestWritesThatAreRefusedBeforeAnyCall(t *testing.T) {
	t.Parallel()
	x := newTenant(t, func(_ *feishusim.Options, o *feishu.Options) { o.Acceptor = "heir" })
	dept := departmentKey("od-1")
	off := directory.Attributes{"active": directory.BoolOf(false)}
	on := directory.Attributes{"active": directory.BoolOf(true)}
	one := func(name string, v directory.Value) directory.Attributes { return directory.Attributes{name: v} }
	pending := directory.RefsTo(directory.Ref{Key: userKey("x"), Pending: true})
	for name, c := range map[string]struct {
		w    connector.Write
		kind fault.Kind
	}{
		"frozen at creation":       {create("u1", off), fault.Invalid},
		"update that disables":     {update("u1", off), fault.Invalid},
		"disable that enables":     {connector.Write{Op: plan.Disable, Key: userKey("u1"), After: on}, fault.Invalid},
		"another user_id":          {create("u1", one("user_id", directory.TextOf("u2"))), fault.Invalid},
		"user_id of an account":    {update("u1", one("user_id", directory.TextOf("u2"))), fault.Invalid},
		"read-only":                {update("u1", one("open_id", directory.TextOf("x"))), fault.Invalid},
		"no such attribute":        {update("u1", one("shoe_size", directory.IntOf(44))), fault.Invalid},
		"unknown value":            {update("u1", one("email", directory.Hidden("x"))), fault.Invalid},
		"two values for one field": {update("u1", directory.Attributes{"title": directory.TextOf("a"), "job_title": directory.TextOf("b")}), fault.Invalid},
		"line break":               {update("u1", one("name", directory.TextOf("a\nb"))), fault.Invalid},
		"no number":                {update("u1", one("gender", directory.TextOf("男"))), fault.Invalid},
		"type cannot be cleared":   {update("u1", one("employee_type", directory.Empty(directory.Int))), fault.Invalid},
		"no date":                  {update("u1", one("join_time", directory.TextOf("soon"))), fault.Invalid},
		"two leaders":              {update("u1", one("manager", directory.RefsToKind(directory.User, "a", "b"))), fault.Invalid},
		"a department as leader":   {update("u1", one("manager", directory.RefsToKind(directory.Department, "a"))), fault.Invalid},
		"pending reference":        {update("u1", one("manager", pending)), fault.Invalid},
		"text as reference":        {update("u1", one("departments", directory.TextOf("研发部"))), fault.Invalid},
		"neither true nor false":   {update("u1", one("mobile_visible", directory.TextOf("maybe"))), fault.Invalid},
		"visibility of nothing":    {update("u1", one("mobile_visible", directory.Empty(directory.Bool))), fault.Invalid},
		"order that is no number":  {update("u1", one("department_order", directory.ListOf("first"))), fault.Invalid},
		"geo of an account":        {update("u1", one("geo", directory.TextOf("cn"))), fault.Invalid},
		"leads is derived":         {update("u1", one("leads", directory.RefsTo())), fault.Invalid},
		"two heads": {connector.Write{Op: plan.Update, Key: dept, After: directory.Attributes{
			"leader": directory.RefsToKind(directory.User, "a"), "leaders": directory.RefsToKind(directory.User, "b", "a"),
		}}, fault.Invalid},
		"delete of the acceptor":    {connector.Write{Op: plan.Delete, Key: userKey("heir")}, fault.Denied},
		"disable of a department":   {connector.Write{Op: plan.Disable, Key: dept}, fault.Unsupported},
		"adoption":                  {connector.Write{Op: plan.Adopt, Key: userKey("u1")}, fault.Unsupported},
		"the root":                  {connector.Write{Op: plan.Delete, Key: departmentKey("0")}, fault.Invalid},
		"no id":                     {connector.Write{Op: plan.Delete, Key: userKey("")}, fault.Invalid},
		"a path instead of an id":   {connector.Write{Op: plan.Delete, Key: userKey("..")}, fault.Invalid},
		"parent that is a user":     {connector.Write{Op: plan.Update, Key: dept, After: one("parent", directory.RefsToKind(directory.User, "x"))}, fault.Invalid},
		"department_id is its own":  {connector.Write{Op: plan.Update, Key: dept, After: one("department_id", directory.TextOf("x"))}, fault.Invalid},
		"an open id for a user_id":  {connector.Write{Op: plan.Delete, Key: userKey("ou_1")}, fault.Invalid},
		"update of another's field": {connector.Write{Op: plan.Update, Key: dept, After: one("mobile", directory.TextOf("1"))}, fault.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := x.c.Apply(t.Context(), c.w)
			if fault.KindOf(err) != c.kind || !strings.Contains(fault.Say(err), " / ") {
				t.Errorf("error %v, want %s in two languages", err, c.kind)
			}
			if n := len(x.Calls()); n != 0 {
				t.Errorf("%d calls were made", n)
			}
		})
	}
}

func TestUpdateOfNothingMakesNoCall(t *testing.T) {
	t.Parallel()
	x := newTenant(t, nil)
	for _, key := range []directory.Key{userKey("u1"), departmentKey("od-1")} {
		if got, err := x.c.Apply(t.Context(), connector.Write{Op: plan.Update, Key: key}); err != nil || got != key {
			t.Errorf("%s: %s, %v", key, got, err)
		}
	}
	if n := len(x.Calls()); n != 0 {
		t.Errorf("%d calls", n)
	}
}

// TestFreezesGoOneAtATime: the tenant takes one a second and no two at once.
func TestFreezesGoOneAtATime(t *testing.T) {
	t.Parallel()
	x := newTenant(t, nil)
	const n = 6
	for i := range n {
		x.user(t, feishusim.User{UserID: fmt.Sprintf("u%d", i), Name: "x"})
	}
	began := x.clock.Now()
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if _, err := x.c.Apply(t.Context(), connector.Write{Op: plan.Disable, Key: userKey(fmt.Sprintf("u%d", i))}); err != nil {
				t.Errorf("u%d: %v", i, err)
			}
		})
	}
	wg.Wait()
	if took := x.clock.Now().Sub(began); took < (n-1)*1250*time.Millisecond {
		t.Errorf("%d freezes in %v: more than 0.8 a second", n, took)
	}
	if most := x.wire.most.Load(); len(x.EffectsOf("user.patch")) != n || most != 1 {
		t.Errorf("%d effects, %d at once", len(x.Effects()), most)
	}
}

func TestLimitedWriteSaysHowLongAndHoldsTheNext(t *testing.T) {
	t.Parallel()
	x := newTenant(t, nil)
	x.user(t, feishusim.User{UserID: "u1", Name: "x"})
	x.Inject(feishusim.Fault{Method: http.MethodPatch, Code: 99991400, Header: http.Header{"X-Ogw-Ratelimit-Reset": {"7"}}})
	w := update("u1", directory.Attributes{"name": directory.TextOf("y")})
	_, err := x.c.Apply(t.Context(), w)
	if fault.KindOf(err) != fault.Limited || fault.After(err) != 7*time.Second {
		t.Fatalf("error %v after %v", err, fault.After(err))
	}
	calls := x.Calls()["user.patch"]
	x.clock.advance(time.Second)
	_, err = x.c.Apply(t.Context(), w)
	if fault.KindOf(err) != fault.Limited || fault.After(err) != 6*time.Second || x.Calls()["user.patch"] != calls {
		t.Fatalf("too early: %v after %v, %d calls", err, fault.After(err), x.Calls()["user.patch"]-calls)
	}
	x.clock.advance(3 * time.Second)
	began := x.clock.Now()
	if _, err := x.c.Apply(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	if waited := x.clock.Now().Sub(began); waited != 3*time.Second {
		t.Errorf("the next write came after %v, want 3s", waited)
	}
}

func TestRejectedTokenIsReplacedOnce(t *testing.T) {
	t.Parallel()
	x := newTenant(t, nil)
	x.user(t, feishusim.User{UserID: "u1", Name: "x"})
	x.read(t)
	x.RevokeTokens()
	if _, err := x.c.Apply(t.Context(), update("u1", directory.Attributes{"name": directory.TextOf("y")})); err != nil {
		t.Fatal(err)
	}
	if n, tokens := len(x.Effects()), x.Calls()["token.tenant"]; n != 1 || tokens != 2 {
		t.Errorf("%d effects, %d token calls", n, tokens)
	}
	x.Inject(feishusim.Fault{Method: http.MethodPatch, Code: 99991663, Times: -1})
	_, err := x.c.Apply(t.Context(), update("u1", directory.Attributes{"name": directory.TextOf("z")}))
	if fault.KindOf(err) != fault.Credential || x.Calls()["token.tenant"] != 3 {
		t.Errorf("error %v, %d token calls", err, x.Calls()["token.tenant"])
	}
}

func TestAcceptorTakesOver(t *testing.T) {
	t.Parallel()
	x := newTenant(t, func(_ *feishusim.Options, o *feishu.Options) { o.Acceptor = "heir" })
	x.user(t, feishusim.User{UserID: "heir", Name: "接"})
	x.user(t, feishusim.User{UserID: "u1", Name: "x"})
	if _, err := x.c.Apply(t.Context(), connector.Write{Op: plan.Delete, Key: userKey("u1")}); err != nil {
		t.Fatal(err)
	}
	got := x.sent(t)
	if len(got) != 9 || got["docs_acceptor_user_id"] != "heir" || fmt.Sprint(got["email_acceptor"]) != "map[acceptor_user_id:heir processing_type:1]" {
		t.Errorf("sent %v", got)
	}
	if text := x.c.Describe().DeleteMeans; !strings.Contains(text.ZH, "heir") || !strings.Contains(text.EN, "heir") {
		t.Errorf("what a deletion means does not name the acceptor: %v", text)
	}
}

// TestDeleteThatFailsForAnother: 'no such user' about the acceptor is not about
// the person.
func TestDeleteThatFailsForAnother(t *testing.T) {
	t.Parallel()
	x := newTenant(t, nil)
	x.user(t, feishusim.User{UserID: "u1", Name: "x"})
	x.Inject(feishusim.Fault{Method: http.MethodDelete, Code: 99992360, Times: -1})
	w := connector.Write{Op: plan.Delete, Key: userKey("u1")}
	if _, err := x.c.Apply(t.Context(), w); fault.KindOf(err) != fault.Invalid {
		t.Errorf("the person is still there: %v, want invalid", err)
	}
	x.Inject(feishusim.Fault{Method: http.MethodGet, Code: 41050, Times: -1})
	if _, err := x.c.Apply(t.Context(), w); fault.KindOf(err) != fault.Denied {
		t.Errorf("the person cannot be seen: %v, want denied", err)
	}
}

func TestCreateFindsItsOwnEarlierAccount(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		there feishusim.User
		own   bool
	}{
		"the same":             {feishusim.User{UserID: "u1", Name: "张三", Mobile: "13800000001"}, true},
		"another name":         {feishusim.User{UserID: "u1", Name: "李四", Mobile: "13800000001"}, false},
		"another number":       {feishusim.User{UserID: "u1", Name: "张三", Mobile: "13800000009"}, false},
		"the number elsewhere": {feishusim.User{UserID: "u2", Name: "张三", Mobile: "13800000001"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newTenant(t, nil)
			x.user(t, c.there)
			got, err := x.c.Apply(t.Context(), create("u1", newcomer()))
			if c.own && (err != nil || got != userKey("u1")) {
				t.Errorf("%s, %v, want its own account", got, err)
			}
			if !c.own && fault.KindOf(err) != fault.Conflict {
				t.Errorf("%s, %v, want conflict", got, err)
			}
			if n := len(x.Effects()); n != 0 {
				t.Errorf("%d effects", n)
			}
		})
	}
}

// TestAnswersByCode: HTTP statuses lie; the code decides, and without one a
// write is in doubt.
func TestAnswersByCode(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		kind   fault.Kind
		say    string
	}{
		"504 with a final code":  {504, `{"code":41032,"msg":"x"}`, fault.Invalid, "several departments"},
		"504 with a time-out":    {504, `{"code":41027,"msg":"x"}`, fault.InDoubt, ""},
		"401 with a conflict":    {401, `{"code":43000,"msg":"x"}`, fault.Conflict, ""},
		"405":                    {405, `{"code":41028,"msg":"x"}`, fault.Invalid, ""},
		"500 and a strange code": {500, `{"code":4711,"msg":"x"}`, fault.InDoubt, ""},
		"400 and a strange code": {400, `{"code":4711,"msg":"13800000001 is odd"}`, fault.Invalid, ""},
		"500 without a code":     {500, `{}`, fault.InDoubt, "HTTP 500"},
		"500 that says good":     {500, `{"code":0}`, fault.InDoubt, ""},
		"200 and HTML":           {200, `<html>`, fault.InDoubt, ""},
		"200 and nothing":        {200, ``, fault.InDoubt, ""},
		"502 and HTML":           {502, `<html>`, fault.InDoubt, "HTTP 502"},
		"404 and HTML":           {404, `<html>`, fault.Invalid, "base_url"},
		"redirect":               {302, ``, fault.Invalid, "base_url"},
		"429 without a code":     {429, `slow`, fault.Limited, ""},
		"408":                    {408, ``, fault.InDoubt, ""},
		"missing permissions": {400, `{"code":99991672,"error":{"permission_violations":[
			{"subject":"contact:contact"},{"subject":"evil \u003cb\u003e\n"}]}}`, fault.Credential, "contact:contact, evilb"},
		"a field":           {400, `{"code":99992402,"error":{"field_violations":[{"field":"mobile","value":"13800000001"}]}}`, fault.Invalid, "mobile"},
		"good without data": {200, `{"code":0,"data":{}}`, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newTenant(t, nil)
			x.front = func(w http.ResponseWriter, r *http.Request) bool {
				return r.Method == http.MethodPatch && answerJSON(w, c.status, c.body)
			}
			_, err := x.c.Apply(t.Context(), update("u1", directory.Attributes{"name": directory.TextOf("y")}))
			if fault.KindOf(err) != c.kind || err != nil && !strings.Contains(fault.Say(err), c.say) {
				t.Errorf("error %v, want %s with %q", err, c.kind, c.say)
			}
			if err != nil && strings.Contains(err.Error(), "13800000001") {
				t.Errorf("the error shows a person's number: %v", err)
			}
		})
	}
}

func TestCreatedWithoutAnID(t *testing.T) {
	t.Parallel()
	for idType, want := range map[string]fault.Kind{feishu.UserID: "", feishu.OpenID: fault.InDoubt} {
		x := newTenant(t, func(_ *feishusim.Options, o *feishu.Options) { o.UserIDType = idType })
		x.front = func(w http.ResponseWriter, r *http.Request) bool {
			return strings.HasPrefix(r.URL.Path, contactsPath) && answerJSON(w, http.StatusOK, `{"code":0,"data":{"user":{}}}`)
		}
		after := maps.Clone(newcomer())
		after["user_id"] = directory.TextOf("u1")
		key, err := x.c.Apply(t.Context(), connector.Write{Op: plan.Create, Key: userKey(""), After: after, Token: "t"})
		if fault.KindOf(err) != want || err == nil && key != userKey("u1") {
			t.Errorf("%s: %s, %v", idType, key, err)
		}
		if _, err := x.c.Apply(t.Context(), connector.Write{Op: plan.Create, Key: departmentKey(""), Token: "t"}); fault.KindOf(err) != fault.InDoubt {
			t.Errorf("department: %v", err)
		}
	}
}

func TestDepartmentFields(t *testing.T) {
	t.Parallel()
	x := newTenant(t, nil)
	boss := x.user(t, feishusim.User{UserID: "boss", Name: "老板"})
	key, err := x.c.Apply(t.Context(), connector.Write{Op: plan.Create, Key: departmentKey(""), Token: "d", After: directory.Attributes{
		"name": directory.TextOf("甲部"), "order": directory.IntOf(3), "leader": directory.RefsToKind(directory.User, "boss"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	d, ok := x.Department(string(key.ID))
	if !ok || d.Name != "甲部" || d.Order != "3" || d.LeaderUserID != boss.OpenID || d.Parent != "0" {
		t.Errorf("stored %+v", d)
	}
	seen, err := x.c.Lookup(t.Context(), directory.Department, []directory.ID{key.ID})
	if err != nil {
		t.Fatal(err)
	}
	got := seen[0].Object.Attributes
	if got["order"].Text() != "3" || got["leader"].String() != "user:boss" || !got["parent"].IsEmpty() || got["department_id"].IsEmpty() {
		t.Errorf("read back as %v", got)
	}
	if !slices.Equal(got.Names(), []string{"department_id", "leader", "leaders", "name", "order", "parent"}) {
		t.Errorf("attributes %v", got.Names())
	}
}
