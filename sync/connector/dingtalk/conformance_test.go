package dingtalk_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/connectortest"
	"github.com/rollcallhq/rollcall/sync/connector/dingtalk"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/simulator/dingtalksim"
)

const (
	page       = 3      // the page size of the suite's listings
	quarantine = 990001 // the department of disabled accounts, where a bench has one
	secret     = "a-client-secret"
)

// The calls that tests meddle with.
const (
	atScopes     = "/auth/scopes"
	atList       = "/topapi/v2/user/list"
	atGet        = "/topapi/v2/user/get"
	atCount      = "/topapi/user/count"
	atCreate     = "/topapi/v2/user/create"
	atUpdate     = "/topapi/v2/user/update"
	atDelete     = "/topapi/v2/user/delete"
	atDeptUpdate = "/topapi/v2/department/update"
	atListSub    = "/topapi/v2/department/listsub"
	atDisable    = "/v1.0/contact/orgAccounts/disable"
	atNewToken   = "/v1.0/oauth2/accessToken"
	atOldToken   = "/gettoken"
)

// TestConformanceRefuse runs the suite as the defaults are: ordinary accounts
// cannot be disabled.
func TestConformanceRefuse(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, func(t *testing.T) connectortest.Harness { return newBench(t).harness() })
}

// TestConformanceMove runs it with a quarantine department, the old token, and a
// vendor who quotes every number, leaves empty fields out and wraps every code.
func TestConformanceMove(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, func(t *testing.T) connectortest.Harness {
		b := newBench(t, moving, func(corp *dingtalksim.Options, o *dingtalk.Options) {
			o.Token = dingtalk.TokenOld
			o.Managers, o.DepartmentDetails = true, true
			corp.Contacts.Quoted, corp.Contacts.OmitEmpty = true, true
			corp.Contacts.ErrorShape = dingtalksim.ShapeWrapped
		})
		return b.harness()
	})
}

// moving has DISABLE move people to the quarantine department.
func moving(_ *dingtalksim.Options, o *dingtalk.Options) {
	o.Disable, o.Quarantine = dingtalk.DisableMove, strconv.Itoa(quarantine)
}

// bench is a simulated corp, its clock, and a connector on it.
type bench struct {
	*dingtalksim.Sim
	t    *testing.T
	conn *dingtalk.Connector
	move bool
	base string

	mu      sync.Mutex
	now     time.Time
	waits   []time.Duration
	hanging chan struct{}
}

type adjust func(*dingtalksim.Options, *dingtalk.Options)

func newBench(t *testing.T, adjustments ...adjust) *bench {
	t.Helper()
	b := &bench{t: t, now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}
	corp := dingtalksim.Options{
		ClientID: "dingclient", ClientSecret: secret, Now: b.clock,
		Contacts: dingtalksim.ContactsOptions{ExtFields: []string{"爱好", "年龄"}},
	}
	o := dingtalk.Options{
		ClientID: "dingclient", ClientSecret: secret, CustomAttributes: []string{"爱好"},
		Now: b.clock, Sleep: b.sleep, PageSize: page, CallTimeout: 15 * time.Second,
	}
	for _, f := range adjustments {
		f(&corp, &o)
	}
	b.Sim = dingtalksim.New(corp)
	t.Cleanup(b.Close)
	server := httptest.NewServer(b.hang(b.Handler()))
	t.Cleanup(server.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	b.base = server.URL
	o.APIURL, o.OAPIURL = server.URL, server.URL+"/"
	o.HTTPClient = &http.Client{Transport: transport}
	b.move = o.Disable == dingtalk.DisableMove
	var err error
	if b.conn, err = dingtalk.New(o); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) advance(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

// sleep takes no real time: it moves the clock.
func (b *bench) sleep(ctx context.Context, d time.Duration) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waits = append(b.waits, d)
	b.now = b.now.Add(d)
	return ctx.Err()
}

// count gives how often paths were called, all of them without a path.
func (b *bench) count(paths ...string) int {
	n := 0
	for _, c := range b.Calls() {
		if len(paths) == 0 || slices.Contains(paths, c.Path) {
			n++
		}
	}
	return n
}

// inject arms a fault at each of some paths.
func (b *bench) inject(f dingtalksim.Fault, paths ...string) {
	for _, path := range paths {
		f.Path = path
		b.Inject(f)
	}
}

func writes() []string {
	return []string{
		atCreate, atUpdate, atDelete, atDeptUpdate, atDisable, "/v1.0/contact/orgAccounts/enable",
		"/topapi/v2/department/create", "/topapi/v2/department/delete",
	}
}

// plans is the connector as an engine uses it: a plan that enables somebody who
// is in quarantine carries the departments, since these differ.
type plans struct {
	*dingtalk.Connector
	b *bench
}

// Probe probes a corp that has the quarantine department.
func (p plans) Probe(ctx context.Context) error {
	p.b.quarantined()
	return p.Connector.Probe(ctx)
}

func (p plans) Apply(ctx context.Context, w connector.Write) (directory.Key, error) {
	if w.Op == plan.Disable {
		p.b.quarantined()
	}
	if _, given := w.After["departments"]; w.Op == plan.Update && !w.After["active"].IsEmpty() && !given {
		w.After = w.After.Clone()
		w.After["departments"] = directory.RefsToKind(directory.Department)
	}
	return p.Connector.Apply(ctx, w)
}

// inDept is where the suite puts those whose listing it disturbs.
const inDept = "1001"

func (b *bench) harness() connectortest.Harness {
	onPage := func(k, times int, f dingtalksim.Fault) {
		f.Path, f.ID, f.Skip, f.Times = atList, inDept, k-1, times
		b.Inject(f)
	}
	return connectortest.Harness{
		Connector: plans{b.conn, b}, Page: page,
		Forbidden: map[directory.Kind]string{directory.Department: "-,，"},
		Secrets:   []string{secret},
		SeedUser:  b.seedUser, SeedDepartment: b.seedDepartment, Stored: b.stored,
		NewUser: newUser, NewDepartment: newDepartment,
		Effects:      func() int { return len(b.Effects()) },
		Calls:        func() int { return b.count() },
		TokenCalls:   func() int { return b.count(atNewToken, atOldToken) },
		Advance:      b.advance,
		RateLimit:    func(k, times int) { onPage(k, times, dingtalksim.Fault{Errcode: 90018, Wrapped: true}) },
		FailPage:     func(k, times int) { onPage(k, times, dingtalksim.Fault{Status: http.StatusBadGateway}) },
		TruncatePage: func(k int) { onPage(k, -1, dingtalksim.Fault{Partial: true}) },
		ExpireToken:  func(k int) { onPage(k, 1, dingtalksim.Fault{Errcode: 40014, Wrapped: true}) },
		WrongCredentials: func() {
			b.RevokeTokens()
			b.Inject(dingtalksim.Fault{Path: atNewToken, Times: -1, Status: http.StatusBadRequest, Code: "invalidClientIdOrSecret"})
			b.Inject(dingtalksim.Fault{Path: atOldToken, Times: -1, Errcode: 40096})
		},
		Down:     func() { b.Inject(dingtalksim.Fault{Times: -1, Status: http.StatusServiceUnavailable}) },
		HangRead: b.hangNext,
		HangWrite: func() <-chan struct{} {
			arrived := make(chan struct{})
			done := sync.OnceFunc(func() { close(arrived) })
			b.OnEffect(func(dingtalksim.Effect) { done() })
			b.inject(dingtalksim.Fault{Late: true, Hang: true}, writes()...)
			return arrived
		},
		CutAfterEffect:  func() { b.inject(dingtalksim.Fault{Drop: true, Late: true}, writes()...) },
		CutBeforeEffect: func() { b.inject(dingtalksim.Fault{Drop: true}, writes()...) },
		LimitWrite:      func() { b.inject(dingtalksim.Fault{Errcode: 90018, Wrapped: true}, writes()...) },
		HidePermission: func() []connectortest.HiddenAttribute {
			b.SetPermission(dingtalksim.FieldMobile, false)
			b.SetPermission(dingtalksim.FieldPersonal, false)
			return []connectortest.HiddenAttribute{
				{Kind: directory.User, Name: "mobile", Permission: "手机号"},
				{Kind: directory.User, Name: "email", Permission: "个人信息"},
				{Kind: directory.User, Name: "extension.爱好", Permission: "个人信息"},
			}
		},
		HideObject: b.hideObject,
		Refusals:   b.refusals(),
	}
}

// hang holds the next call until its caller gives up, when a test asked for it.
func (b *bench) hang(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		arrived := b.hanging
		b.hanging = nil
		b.mu.Unlock()
		if arrived == nil {
			next.ServeHTTP(w, r)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body) // only then the server notices that the caller has gone
		close(arrived)
		<-r.Context().Done()
	})
}

func (b *bench) hangNext() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hanging = make(chan struct{})
	return b.hanging
}

// hideObject narrows the app's scope to everybody else.
func (b *bench) hideObject(key directory.Key) {
	var others []string
	for _, u := range b.Users() {
		if u.ID != string(key.ID) {
			others = append(others, u.ID)
		}
	}
	b.SetAuthScope(&dingtalksim.AuthScope{Users: others})
}

func (b *bench) refusals() []connectortest.Refusal {
	var out []connectortest.Refusal
	table := map[fault.Kind][]int{
		fault.Credential:  {90020, 90005, 43007, 60011, 60020, 40001, 42001, 41001},
		fault.Limited:     {90018, 90002},
		fault.Unavailable: {-1},
		fault.Conflict:    {40100, 40101, 60102, 60104, 60106},
		fault.NotFound:    {40103},
		fault.Denied:      {50002, 50004, 60120},
		fault.Unsupported: {12150, 40022},
		fault.Invalid:     {40009, 40031, 40035, 400002, 40066, 40104, 60103, 60003, 60121, 60128, 99999},
	}
	for kind, codes := range table {
		for _, n := range codes {
			for _, wrapped := range []bool{true, false} {
				name := strconv.Itoa(n)
				if wrapped {
					name += " in 88"
				}
				out = append(out, connectortest.Refusal{
					Name: name, Write: true, Kinds: []fault.Kind{kind},
					Arm: func() {
						b.Inject(dingtalksim.Fault{Path: atCreate, Errcode: n, Wrapped: wrapped, Times: -1})
					},
				})
			}
		}
	}
	for n, kind := range map[int]fault.Kind{
		-1: fault.Unavailable, 90018: fault.Limited, 90002: fault.Limited, 90020: fault.Credential, 60011: fault.Credential,
		60020: fault.Credential, 50004: fault.Denied, 400002: fault.Invalid,
	} {
		out = append(out, connectortest.Refusal{
			Name: strconv.Itoa(n), Kinds: []fault.Kind{kind},
			Arm: func() { b.Inject(dingtalksim.Fault{Path: atList, Errcode: n, Times: -1}) },
		})
	}
	out = append(out,
		connectortest.Refusal{Name: "1111", Kinds: []fault.Kind{fault.Limited}, Arm: func() {
			b.Inject(dingtalksim.Fault{Path: atList, Times: -1, Body: `{"status":1111,"wait":5,"source":"x5","punish":"deny"}`})
		}},
		connectortest.Refusal{Name: "1111", Write: true, Kinds: []fault.Kind{fault.Limited}, Arm: func() {
			b.Inject(dingtalksim.Fault{Path: atCreate, Body: `{"status":1111,"wait":5,"source":"x5","punish":"deny"}`})
		}},
		connectortest.Refusal{Name: "web page", Kinds: []fault.Kind{fault.Limited}, Arm: func() {
			b.Inject(dingtalksim.Fault{Path: atList, Times: -1, Body: "<!DOCTYPE html><html></html>"})
		}},
		connectortest.Refusal{Name: "web page", Write: true, Kinds: []fault.Kind{fault.InDoubt}, Arm: func() {
			b.Inject(dingtalksim.Fault{Path: atCreate, Body: "<!DOCTYPE html><html></html>"})
		}},
	)
	slices.SortFunc(out, func(x, y connectortest.Refusal) int { return strings.Compare(x.Name, y.Name) })
	return out
}

// quarantined makes the quarantine department, where the bench has one.
func (b *bench) quarantined() {
	b.t.Helper()
	if _, there := b.Department(quarantine); b.move && !there {
		b.seedDepartment(connectortest.Department{ID: strconv.Itoa(quarantine), Name: "停用账号"})
	}
}

func (b *bench) seedUser(u connectortest.User) directory.ID {
	b.t.Helper()
	var departments []int64
	for _, id := range u.Departments {
		departments = append(departments, number(id))
	}
	if u.Disabled {
		b.quarantined()
		if !b.move {
			b.t.Skip("NOT APPLICABLE: an ordinary account cannot be disabled")
		}
		departments = []int64{quarantine}
	}
	id, err := b.SeedUser(dingtalksim.User{
		ID: u.ID, Name: u.Name, Mobile: u.Mobile, Email: u.Email, Title: u.Title, Departments: departments,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return directory.ID(id)
}

func (b *bench) seedDepartment(d connectortest.Department) directory.ID {
	b.t.Helper()
	id, err := b.SeedDepartment(dingtalksim.Department{ID: number(directory.ID(d.ID)), Name: d.Name, Parent: number(d.Parent)})
	if err != nil {
		b.t.Fatal(err)
	}
	return directory.ID(strconv.FormatInt(id, 10))
}

// number gives a department's number, 0 for none.
func number(id directory.ID) int64 {
	n, _ := strconv.ParseInt(string(id), 10, 64) // "" is the root, which seeding takes as 0
	return n
}

func ids(list ...int64) []directory.ID {
	var out []directory.ID
	for _, id := range list {
		if id > 1 {
			out = append(out, directory.ID(strconv.FormatInt(id, 10)))
		}
	}
	return out
}

func (b *bench) stored(key directory.Key) (connectortest.Stored, bool) {
	if key.Kind == directory.Department {
		d, ok := b.Department(number(key.ID))
		s := connectortest.Stored{Name: d.Name}
		for _, id := range ids(d.Parent) {
			s.Parent = id
		}
		return s, ok
	}
	u, ok := b.User(string(key.ID))
	return connectortest.Stored{
		Name: u.Name, Active: !u.Disabled && !slices.Contains(u.Departments, quarantine), Departments: ids(u.Departments...),
	}, ok
}

func newUser(u connectortest.User) directory.Attributes {
	return directory.Attributes{
		"userid": directory.TextOf(u.ID), "name": directory.TextOf(u.Name), "mobile": directory.TextOf(u.Mobile),
		"email": directory.TextOf(u.Email), "title": directory.TextOf(u.Title),
		"departments": directory.RefsToKind(directory.Department, u.Departments...),
	}
}

func newDepartment(d connectortest.Department) directory.Attributes {
	var parent []directory.ID
	if d.Parent != "" {
		parent = []directory.ID{d.Parent}
	}
	return directory.Attributes{
		"name": directory.TextOf(d.Name), "parent": directory.RefsToKind(directory.Department, parent...),
	}
}

// TestNew checks that every wrong option is named at once.
func TestNew(t *testing.T) {
	t.Parallel()
	_, err := dingtalk.New(dingtalk.Options{
		Token: "newest", Disable: dingtalk.DisableMove, Quarantine: "1", PageSize: 101, APIURL: "api", OAPIURL: "http://x?y",
		CustomAttributes: []string{"a", "a"},
	})
	if fault.KindOf(err) != fault.Invalid {
		t.Fatal(err)
	}
	for _, name := range []string{"client_id", "client_secret", "http client", "clock", "token", "quarantine", "page size", "api_url", "oapi_url", "custom attribute a"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in %v", name, err)
		}
	}
	if !errors.As(err, new(*fault.Error)) {
		t.Errorf("%T is no fault", err)
	}
}
