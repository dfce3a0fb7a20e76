package wecom_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector/connectortest"
	"github.com/rollcallhq/rollcall/sync/connector/wecom"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

// page is the page size of the suite's listings.
const page = 3

// TestConformanceApp runs the suite as a new deployment works: both secrets, on
// an address that is new.
func TestConformanceApp(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, func(t *testing.T) connectortest.Harness { return newBench(t, true).harness() })
}

// TestConformanceOldAddress runs it with the contacts secret alone, on an
// address that may still read details.
func TestConformanceOldAddress(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, func(t *testing.T) connectortest.Harness { return newBench(t, false).harness() })
}

// bench is a simulated corp, its clock, and a connector on it.
type bench struct {
	*wecomsim.Sim
	t    *testing.T
	app  bool
	conn *wecom.Connector

	advance func(time.Duration) // moves the clock

	mu      sync.Mutex
	hanging chan struct{} // closed when the call arrives that is to hang
}

// newBench makes a corp. With app set it stands on a new address and has a
// self-built app that sees everything.
func newBench(t *testing.T, app bool, adjust ...func(*wecomsim.Options, *wecom.Options)) *bench {
	t.Helper()
	clock := connectortest.NewClock(time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC))
	b := &bench{t: t, app: app, advance: clock.Advance}
	corp := wecomsim.Options{Now: clock.Now, OldIP: !app, ExtAttrs: []string{"工号"}}
	o := wecom.Options{
		CorpID: "ww-rollcall-sim", ContactsSecret: "contacts-secret",
		Now: clock.Now, Sleep: clock.Sleep, PageSize: page, CallTimeout: 15 * time.Second,
		ExtAttrs: []string{"工号"},
	}
	if app {
		o.AppSecret = "app-secret"
	}
	for _, f := range adjust {
		f(&corp, &o)
	}
	b.Sim = wecomsim.New(corp)
	server := httptest.NewServer(b.hang(b.Handler()))
	t.Cleanup(server.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	o.BaseURL = server.URL
	o.HTTPClient = &http.Client{Transport: transport}
	var err error
	if b.conn, err = wecom.New(o); err != nil {
		t.Fatal(err)
	}
	return b
}

// hang holds the next call of any path until its caller gives up, when a test
// asked for it.
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

// writes are the paths that the connector writes by.
var writes = []string{
	"user/create", "user/update", "user/delete", "department/create", "department/update", "department/delete",
}

// onWrite arms a fault for the next write, whichever it is.
func (b *bench) onWrite(f wecomsim.Fault) {
	for _, path := range writes {
		f.Path = path
		b.Inject(f)
	}
}

func (b *bench) onPage(k, times int, f wecomsim.Fault) {
	f.Path, f.Skip, f.Times = "user/list_id", k-1, times
	b.Inject(f)
}

func (b *bench) harness() connectortest.Harness {
	h := connectortest.Harness{
		Connector: b.conn, Page: page, Depth: 13,
		Forbidden:       map[directory.Kind]string{directory.Department: `\:*?"<>|`},
		Secrets:         []string{"contacts-secret", "app-secret", "simtoken"},
		AttrDepartments: "department",
		SeedUser:        b.seedUser, SeedDepartment: b.seedDepartment, Stored: b.stored,
		NewUser: newUser, NewDepartment: newDepartment,
		Effects:    func() int { return len(b.Effects()) },
		Calls:      b.calls,
		TokenCalls: func() int { return b.Calls()["gettoken"] },
		Advance:    b.advance,
		RateLimit:  func(k, times int) { b.onPage(k, times, wecomsim.Fault{Code: 45009}) },
		FailPage:   func(k, times int) { b.onPage(k, times, wecomsim.Fault{Status: http.StatusBadGateway}) },
		TruncatePage: func(k int) {
			b.onPage(k, -1, wecomsim.Fault{Drop: true, Partial: true})
		},
		ExpireToken:      func(k int) { b.onPage(k, 1, wecomsim.Fault{Code: 42001}) },
		WrongCredentials: func() { b.ReplaceSecrets("other", "another") },
		Down:             func() { b.Inject(wecomsim.Fault{Times: -1, Status: http.StatusServiceUnavailable}) },
		HangRead:         b.hangNext,
		HangWrite: func() <-chan struct{} {
			arrived := make(chan struct{})
			b.OnEffect(func(wecomsim.Effect) { close(arrived) })
			b.onWrite(wecomsim.Fault{Drop: true, Hang: true})
			return arrived
		},
		CutAfterEffect:  func() { b.onWrite(wecomsim.Fault{Drop: true}) },
		CutBeforeEffect: func() { b.onWrite(wecomsim.Fault{Before: true}) },
		LimitWrite:      func() { b.onWrite(wecomsim.Fault{Code: 45009}) },
		Refusals:        b.refusals(),
	}
	if b.app {
		h.HidePermission = func() []connectortest.HiddenAttribute {
			b.narrow()
			return []connectortest.HiddenAttribute{
				{Kind: directory.User, Name: "name", Permission: "visible scope"},
				{Kind: directory.User, Name: "mobile", Permission: "visible scope"},
				{Kind: directory.Department, Name: "name", Permission: "visible scope"},
			}
		}
		h.HideObject = func(directory.Key) { b.narrow() }
		return h
	}
	h.HidePermission = func() []connectortest.HiddenAttribute {
		b.SetOldIP(false)
		return []connectortest.HiddenAttribute{
			{Kind: directory.User, Name: "name", Permission: "app secret"},
			{Kind: directory.User, Name: "email", Permission: "app secret"},
			{Kind: directory.Department, Name: "name", Permission: "app secret"},
		}
	}
	h.Without = map[string]string{"HideObject": "the contacts secret lists everybody"}
	return h
}

// narrow makes the app see nothing that is there.
func (b *bench) narrow() { b.SetAppScope(777) }

func (b *bench) calls() int {
	n := 0
	for _, k := range b.Calls() {
		n += k
	}
	return n
}

// refusals are answers of the vendor and what each has to become.
func (b *bench) refusals() []connectortest.Refusal {
	var list []connectortest.Refusal
	table := map[fault.Kind][]int{
		fault.Credential: {40001, 40013, 40091, 41001, 41002, 41004, 48001, 48002, 48004, 48006, 48008, 50003, 60020, 60031, 301002},
		fault.Limited:    {45009, 45033}, fault.Unavailable: {6000}, fault.InDoubt: {-1},
		fault.Conflict: {60102, 60104, 60106, 60143, 60145},
		fault.Invalid:  {40003, 40033, 40035, 40058, 40063, 40066, 60103, 60105, 60110, 60112, 60123, 60127, 60129, 60132, 60141, 301012, 99999},
		fault.Denied:   {60011, 50002, 60021, 60030, 45024, 301005},
	}
	for kind, codes := range table {
		for _, code := range codes {
			list = append(list, connectortest.Refusal{
				Name: strconv.Itoa(code), Write: true, Kinds: []fault.Kind{kind},
				Arm: func() { b.Inject(wecomsim.Fault{Path: "user/create", Code: code}) },
			})
		}
	}
	for _, code := range []int{40001, 40013, 48002, 48008, 48009, 60020, 50003} {
		list = append(list, connectortest.Refusal{
			Name: strconv.Itoa(code), Kinds: []fault.Kind{fault.Credential},
			Arm: func() { b.Inject(wecomsim.Fault{Path: "user/list_id", Times: -1, Code: code}) },
		})
	}
	for code, kind := range map[int]fault.Kind{-1: fault.Unavailable, 45009: fault.Limited, 45033: fault.Limited, 50100: fault.Unavailable} {
		list = append(list, connectortest.Refusal{
			Name: strconv.Itoa(code), Kinds: []fault.Kind{kind},
			Arm: func() { b.Inject(wecomsim.Fault{Path: "user/list_id", Times: -1, Code: code}) },
		})
	}
	slices.SortFunc(list, func(x, y connectortest.Refusal) int { return strings.Compare(x.Name, y.Name) })
	return list
}

func (b *bench) seedUser(u connectortest.User) directory.ID {
	b.t.Helper()
	status := wecomsim.StatusActive
	if u.Disabled {
		status = wecomsim.StatusDisabled
	}
	departments := []int64{1}
	if len(u.Departments) > 0 {
		departments = nil
	}
	for _, id := range u.Departments {
		departments = append(departments, number(id))
	}
	err := b.AddUser(wecomsim.User{
		ID: u.ID, Name: u.Name, Mobile: u.Mobile, Email: u.Email, Position: u.Title,
		Departments: departments, Status: status,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return directory.ID(u.ID)
}

func (b *bench) seedDepartment(d connectortest.Department) directory.ID {
	b.t.Helper()
	id, err := b.AddDepartment(wecomsim.Department{ID: number(directory.ID(d.ID)), Name: d.Name, Parent: number(d.Parent)})
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
	departments := []int64{u.MainDepartment}
	for _, id := range u.Departments {
		if id != u.MainDepartment {
			departments = append(departments, id)
		}
	}
	return connectortest.Stored{
		Name: u.Name, Active: u.Status != wecomsim.StatusDisabled, Departments: ids(departments...),
	}, ok
}

func newUser(u connectortest.User) directory.Attributes {
	return directory.Attributes{
		"userid": directory.TextOf(u.ID), "name": directory.TextOf(u.Name), "mobile": directory.TextOf(u.Mobile),
		"email": directory.TextOf(u.Email), "position": directory.TextOf(u.Title),
		"department": directory.RefsToKind(directory.Department, u.Departments...),
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
