package engine_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/dingtalk"
	"github.com/rollcallhq/rollcall/sync/connector/feishu"
	"github.com/rollcallhq/rollcall/sync/connector/wecom"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
	"github.com/rollcallhq/rollcall/sync/simulator/dingtalksim"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

// wire carries the calls of a connector to a simulator without a network, so that
// the waits of both are of virtual time. Every every-th call whose path ends in
// path is refused as the platform refuses who is too quick.
type wire struct {
	to http.Handler

	mu     sync.Mutex
	path   string
	every  int    // 0: nothing is refused
	refuse string // the answer
	status int
	seen   int
	hit    int             // refused so far
	once   map[string]bool // what was refused once is let through when it is asked again; nil: it never is
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Context().Err() != nil {
		return nil, r.Context().Err()
	}
	in := r.Clone(r.Context())
	in.RemoteAddr, in.RequestURI = "127.0.0.1:40000", r.URL.RequestURI()
	if in.Body == nil {
		in.Body = http.NoBody
	}
	defer func() { _ = in.Body.Close() }()
	if status, body, refused := w.throttled(r); refused {
		return &http.Response{
			StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}, "X-Ogw-Ratelimit-Reset": {"1"}},
			Body: io.NopCloser(strings.NewReader(body)), Request: r,
		}, nil
	}
	out := httptest.NewRecorder()
	if cut(w.to, out, in) {
		return nil, errors.New("the connection was cut")
	}
	return out.Result(), nil
}

func cut(h http.Handler, w http.ResponseWriter, r *http.Request) (aborted bool) {
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
			panic(p)
		} else if p != nil {
			aborted = true
		}
	}()
	h.ServeHTTP(w, r)
	return false
}

func (w *wire) throttled(r *http.Request) (int, string, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.every == 0 || !strings.HasSuffix(r.URL.Path, w.path) {
		return 0, "", false
	}
	if w.seen++; w.seen%w.every != 0 || w.once[r.URL.RequestURI()] {
		return 0, "", false
	}
	if w.hit++; w.once != nil {
		w.once[r.URL.RequestURI()] = true
	}
	return w.status, w.refuse, true
}

// slow makes the platform refuse every n-th of some calls, for a while or, when
// they pass, not the same one twice.
func (w *wire) slow(n int, path string, passes bool, status int, refuse string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.every, w.path, w.status, w.refuse, w.seen, w.hit, w.once = n, path, status, refuse, 0, 0, nil
	if passes {
		w.once = map[string]bool{}
	}
}

func (w *wire) refused() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.hit
}

// What the platforms answer to who is too quick.
const (
	feishuSlowDown = `{"code":99991400,"msg":"request trigger frequency limit"}`
	wecomQuota     = `{"errcode":45009,"errmsg":"api freq out of limit"}`
	wecomParallel  = `{"errcode":45033,"errmsg":"concurrency out of limit"}`
	dingSlowDown   = `{"errcode":88,"errmsg":"ding talk error","sub_code":"90018","sub_msg":"您的服务器调用钉钉开放平台所有接口的请求都被暂时禁用了"}`
)

// firm is a company in a Feishu tenant, a WeCom corp and a DingTalk corp, all as near to the real
// ones as can be: the real connectors, over the wire, to the simulators.
type firm struct {
	*world
	feishu *feishusim.Sim
	wecom  *wecomsim.Sim
	ding   *dingtalksim.Sim
	// The connectors, and what carries their calls.
	fc, wc, dc connector.Target
	toFeishu   *wire
	toWeCom    *wire
	toDing     *wire
	dir        string // of the record, when the test looks into it
}

// companyStory runs fn in virtual time with a firm whose WeCom follows its Feishu,
// unless change turns that round.
func companyStory(t *testing.T, change, fn func(*firm)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := &firm{
			world:  newWorld(t, time.Now),
			feishu: feishusim.New(feishusim.Options{Now: time.Now}),
			wecom:  wecomsim.New(wecomsim.Options{CorpID: "ww-peer", Now: time.Now, OldIP: true, PerMinute: 10_000}),
			ding:   dingtalksim.New(dingtalksim.Options{Now: time.Now}),
		}
		f.sweep = 4 * time.Hour // days pass, and the bell rings for what is to be done
		f.toFeishu, f.toWeCom, f.toDing = &wire{to: f.feishu.Handler()}, &wire{to: f.wecom.Handler()}, &wire{to: f.ding.Handler()}
		f.fc, f.wc, f.dc = f.openFeishu(), f.openWeCom(50), f.openDing()
		f.follow("feishu", f.fc, "wecom", f.wc)
		f.flow.Plan.Users, f.flow.Plan.Departments = feishuToWeCom(t), sameTree(t)
		if change != nil {
			change(f)
		}
		f.open()
		defer func() { f.stop() }()
		fn(f)
	})
}

func (f *firm) openFeishu() connector.Target {
	c, err := feishu.New(feishu.Options{
		AppID: f.feishu.AppID(), AppSecret: f.feishu.AppSecret(), BaseURL: "http://feishu.test", Now: time.Now,
		HTTPClient: &http.Client{Transport: f.toFeishu}, Parallel: 1, // a lock that is held over a call stops virtual time
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return c
}

func (f *firm) openWeCom(page int) connector.Target {
	c, err := wecom.New(wecom.Options{
		CorpID: "ww-peer", ContactsSecret: "contacts-secret", BaseURL: "http://wecom.test", Now: time.Now,
		HTTPClient: &http.Client{Transport: f.toWeCom}, PageSize: page,
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return c
}

// openDing reads managers too, at the price of a call for each person.
func (f *firm) openDing() connector.Target {
	c, err := dingtalk.New(dingtalk.Options{
		ClientID: "dingsimclient", ClientSecret: "simsecret", APIURL: "http://api.ding.test", OAPIURL: "http://oapi.ding.test", Now: time.Now,
		HTTPClient: &http.Client{Transport: f.toDing}, Managers: true,
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return c
}

// dinged lets WeCom follow DingTalk.
func dinged(f *firm) {
	f.follow("dingtalk", f.dc, "wecom", f.wc)
	f.flow.Plan.Users = compiled(f.t, mapping.Spec{Match: []string{"userid"}, Rules: []mapping.Rule{
		{To: "userid", From: "userid"},
		{To: "name", From: "name"},
		{To: "mobile", From: "mobile"},
		{To: "email", From: "email"},
		{To: "department", From: "departments"},
		{To: "direct_leader", From: "manager"},
		{To: "position", From: "title"},
	}})
}

// engage adds a person to DingTalk.
func (f *firm) engage(no string, departments ...int64) {
	f.t.Helper()
	_, err := f.ding.SeedUser(dingtalksim.User{
		ID: no, JobNumber: no, Name: "员工" + no, Mobile: "1380000" + no, Email: "u" + no + "@x.example", Title: "工程师", Departments: departments, Active: true,
	})
	if err != nil {
		f.t.Fatal(err)
	}
}

// team adds a department to DingTalk.
func (f *firm) team(name string) int64 {
	f.t.Helper()
	id, err := f.ding.SeedDepartment(dingtalksim.Department{Name: name})
	if err != nil {
		f.t.Fatal(err)
	}
	return id
}

// follow names source and target of the flow.
func (f *firm) follow(from string, source connector.Source, to string, target connector.Target) {
	f.flow.From, f.flow.To, f.flow.Source, f.flow.Target = from, to, source, target
}

// reversed lets Feishu follow WeCom.
func reversed(f *firm) {
	f.follow("wecom", f.wc, "feishu", f.fc)
	f.flow.Plan.Users = compiled(f.t, mapping.Spec{Match: []string{"userid"}, Rules: []mapping.Rule{
		{To: "user_id", From: "userid"},
		{To: "employee_no", From: "userid"},
		{To: "name", From: "name"},
		{To: "mobile", From: "mobile"},
		{To: "email", From: "email"},
		{To: "department_ids", From: "department"},
		{To: "job_title", From: "position"},
	}})
}

func feishuToWeCom(t *testing.T) *mapping.Mapping {
	t.Helper()
	return compiled(t, mapping.Spec{Match: []string{"employee_no"}, Rules: []mapping.Rule{
		{To: "userid", From: "user_id"},
		{To: "name", From: "name"},
		{To: "mobile", From: "mobile"},
		{To: "email", From: "email"},
		{To: "department", From: "departments"},
		{To: "direct_leader", From: "manager"},
		{To: "position", From: "title"},
	}})
}

func sameTree(t *testing.T) *mapping.Mapping {
	t.Helper()
	return compiled(t, mapping.Spec{Match: []string{"path"}, Rules: []mapping.Rule{{To: "name", From: "name"}, {To: "parent", From: "parent"}}})
}

func compiled(t *testing.T, spec mapping.Spec) *mapping.Mapping {
	t.Helper()
	m, err := mapping.Compile(spec)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// division adds a department to Feishu, below a parent or the root, and gives its
// id.
func (f *firm) division(name, parent string) string {
	f.t.Helper()
	d, err := f.feishu.AddDepartment(feishusim.Department{Name: name, Parent: parent})
	if err != nil {
		f.t.Fatal(err)
	}
	return d.OpenID
}

// hire adds a person to Feishu.
func (f *firm) hire(no string, departments ...string) {
	f.t.Helper()
	_, err := f.feishu.AddUser(feishusim.User{
		UserID: no, EmployeeNo: no, Name: "员工" + no, Mobile: "+861380000" + no, Email: "u" + no + "@x.example", JobTitle: "工程师",
		Departments: departments, Activated: true,
	})
	if err != nil {
		f.t.Fatal(err)
	}
}

// enlist adds a person to WeCom.
func (f *firm) enlist(no string, departments ...int64) {
	f.t.Helper()
	err := f.wecom.AddUser(wecomsim.User{
		ID: no, Name: "员工" + no, Mobile: "1380000" + no, Email: "u" + no + "@x.example", Position: "工程师", Departments: departments,
	})
	if err != nil {
		f.t.Fatal(err)
	}
}

// edit changes a person in Feishu.
func (f *firm) edit(no string, change func(*feishusim.User)) {
	f.t.Helper()
	if err := f.feishu.UpdateUser(no, change); err != nil {
		f.t.Fatal(err)
	}
}

// sync runs the flow; who asks for votes is given them by two people.
func (f *firm) sync() run.Run {
	f.t.Helper()
	r := f.until(f.start(true).Code)
	for _, person := range []string{"周凯", "陈悦"} {
		if r.State != run.Awaiting {
			break
		}
		f.approve(r, person)
		r = f.until(r.Code)
	}
	return r
}

func (f *firm) approve(r run.Run, person string) {
	f.t.Helper()
	typed := run.Restated{Delete: r.Counts.Delete, Disable: r.Counts.Disable, Total: -1}
	if r.Counts.Destructive() == 0 {
		typed = run.Restated{Delete: -1, Disable: -1, Total: r.Counts.Total()}
	}
	if _, err := f.engine.Decide(f.t.Context(), run.Vote{Run: r.Code, Decision: run.Approve, By: by(person, ""), Typed: typed}); err != nil {
		f.t.Fatal(err)
	}
}

// plan gives a run's plan.
func (f *firm) plan(r run.Run) *plan.Plan {
	f.t.Helper()
	p, err := f.store.Plan(f.t.Context(), r.Code)
	if err != nil {
		f.t.Fatal(err)
	}
	return p
}

// ends wants a run to end so, and shows what it did otherwise.
func (f *firm) ends(r run.Run, state run.State) run.Run {
	f.t.Helper()
	if r.State == state {
		return r
	}
	if p, err := f.store.Plan(f.t.Context(), r.Code); err == nil {
		f.t.Logf("risk %+v, notes %+v", p.Risk, p.Notes)
		for _, c := range p.Changes {
			f.t.Logf("%d %s %s before %v after %v", c.Seq, c.Op, c.Key, c.Before, c.After)
		}
	}
	entries, _ := f.store.Entries(f.t.Context(), r.Code)
	for _, e := range entries {
		if e.Step != run.StepDone {
			f.t.Logf("%+v", e)
		}
	}
	f.t.Fatalf("run is %s (%s, %+v), want %s", r.State, r.Reason, r.Outcome, state)
	return r
}

// harmless sees that a plan takes nobody's account and blanks nothing.
func (f *firm) harmless(p *plan.Plan) {
	f.t.Helper()
	if n := p.Counts().Destructive(); n > 0 {
		f.t.Errorf("%d accounts would be taken away", n)
	}
	for _, c := range p.Changes {
		for name, v := range c.After {
			if v.IsEmpty() && !c.Before[name].IsEmpty() {
				f.t.Errorf("%s would lose its %s", c.Key, name)
			}
		}
	}
}

// wrote gives WeCom's writes since an index as "op id".
func (f *firm) wrote(from int) []string {
	var all []string
	for _, e := range f.wecom.Effects()[from:] {
		all = append(all, e.Op+" "+e.ID)
	}
	return all
}

// wroteFeishu is wrote for Feishu.
func (f *firm) wroteFeishu(from int) []string {
	var all []string
	for _, e := range f.feishu.Effects()[from:] {
		all = append(all, e.Op+" "+e.ID)
	}
	return all
}

// writes counts the writes that both platforms have taken.
func (f *firm) writes() int { return len(f.wecom.Effects()) + len(f.feishu.Effects()) }

// idle wants a run that finds and writes nothing.
func (f *firm) idle() {
	f.t.Helper()
	before := f.writes()
	f.ends(f.sync(), run.NothingToDo)
	if n := f.writes() - before; n != 0 {
		f.t.Errorf("%d writes although nothing changed", n)
	}
}

// member gives a person of WeCom.
func (f *firm) member(no string) wecomsim.User {
	f.t.Helper()
	u, there := f.wecom.User(no)
	if !there {
		f.t.Fatalf("%s is not in WeCom", no)
	}
	return u
}

// inWeCom gives the WeCom department of a name; 0: there is none.
func (f *firm) inWeCom(name string) int64 {
	all := f.wecom.Departments()
	i := slices.IndexFunc(all, func(d wecomsim.Department) bool { return d.Name == name })
	if i < 0 {
		return 0
	}
	return all[i].ID
}

// entry gives the journal's row of the change that a source object leads to.
func (f *firm) entry(r run.Run, source directory.ID) run.Entry {
	f.t.Helper()
	entries, err := f.store.Entries(f.t.Context(), r.Code)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, e := range entries {
		if e.Source.ID == source {
			return e
		}
	}
	f.t.Fatalf("%s has no change in %s", source, r.Code)
	return run.Entry{}
}
