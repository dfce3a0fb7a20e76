package scim_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/connectortest"
	"github.com/rollcallhq/rollcall/sync/connector/scim"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/simulator/scimsim"
)

// pageSize is the page size of the suite's listings.
const pageSize = 3

const token = "scim-secret-token"

// bench is a simulated service, its clock, and a connector on it.
type bench struct {
	*scimsim.Sim
	t    *testing.T
	conn *scim.Connector
	base string

	mu      sync.Mutex
	now     time.Time
	waits   []time.Duration
	hanging chan struct{}
	begun   []int // effects before each Apply
}

// newBench makes a service with extensions and a connector on it; adjust changes
// either.
func newBench(t *testing.T, adjust ...func(*scimsim.Options, *scim.Options)) *bench {
	t.Helper()
	b := &bench{t: t, now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}
	so := scimsim.Options{Now: b.clock, Token: token}
	o := scim.Options{
		Token: token, Departments: scim.Extension, PageSize: pageSize, Rate: 1000, CallTimeout: 15 * time.Second,
		Now: b.clock, Sleep: b.sleep,
	}
	for _, f := range adjust {
		f(&so, &o)
	}
	b.Sim = scimsim.New(so)
	server := httptest.NewServer(b.hang(http.StripPrefix("/scim/v2", b.Handler())))
	t.Cleanup(server.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	b.base = server.URL
	o.URL, o.HTTPClient = server.URL+"/scim/v2", &http.Client{Transport: transport}
	var err error
	if b.conn, err = scim.New(o); err != nil {
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

// counted is a connector that notes where each change begins.
type counted struct {
	*scim.Connector
	b *bench
}

func (c counted) Apply(ctx context.Context, w connector.Write) (directory.Key, error) {
	c.b.mu.Lock()
	c.b.begun = append(c.b.begun, len(c.b.Effects()))
	c.b.mu.Unlock()
	return c.Connector.Apply(ctx, w)
}

// changes counts the effects of changes: those of one change that differ count as
// one, since an account and its groups are written by several calls; one that comes
// twice counts twice.
func (b *bench) changes() int {
	b.mu.Lock()
	begun := slices.Clone(b.begun)
	b.mu.Unlock()
	effects := b.Effects()
	n := 0
	for i, from := range begun {
		to := len(effects)
		if i+1 < len(begun) {
			to = begun[i+1]
		}
		seen := map[scimsim.Effect]int{}
		for _, e := range effects[from:to] {
			seen[e]++
		}
		if len(seen) > 0 {
			n++
		}
		for _, times := range seen {
			n += times - 1
		}
	}
	return n
}

func (b *bench) onPage(k, times int, f scimsim.Fault) {
	f.Op, f.Skip, f.Times = "GET Users", k-1, times
	b.Inject(f)
}

func (b *bench) calls() int {
	n := 0
	for _, k := range b.Calls() {
		n += k
	}
	return n
}

// harness gives the suite's knobs.
func (b *bench) harness(groups bool) connectortest.Harness {
	h := connectortest.Harness{
		Connector: counted{b.conn, b}, Page: pageSize, Depth: 13,
		Secrets: []string{token}, AttrDepartments: "groups",
		SeedUser: b.seedUser, Stored: b.stored, NewUser: b.newUser,
		Effects: b.changes, Calls: b.calls, Advance: b.advance,
		RateLimit:        func(k, times int) { b.onPage(k, times, scimsim.Fault{Status: 429, RetryAfter: "7"}) },
		FailPage:         func(k, times int) { b.onPage(k, times, scimsim.Fault{Status: 502}) },
		TruncatePage:     func(k int) { b.onPage(k, -1, scimsim.Fault{Drop: true, Partial: true}) },
		WrongCredentials: func() { b.SetToken("another") },
		Down:             func() { b.Inject(scimsim.Fault{Times: -1, Status: 503}) },
		HangRead:         b.hangNext,
		HangWrite: func() <-chan struct{} {
			arrived := make(chan struct{})
			b.OnEffect(func(scimsim.Effect) { close(arrived) })
			b.Inject(scimsim.Fault{Op: "write", Drop: true, Hang: true})
			return arrived
		},
		CutAfterEffect:  func() { b.Inject(scimsim.Fault{Op: "write", Drop: true}) },
		CutBeforeEffect: func() { b.Inject(scimsim.Fault{Op: "write", Before: true}) },
		LimitWrite:      func() { b.Inject(scimsim.Fault{Op: "write", Status: 429}) },
		HidePermission: func() []connectortest.HiddenAttribute {
			b.Drop("User.title")
			return []connectortest.HiddenAttribute{{Kind: directory.User, Name: "title", Permission: "Schemas"}}
		},
		HideObject: func(key directory.Key) { b.Hide(string(key.ID)) },
		Refusals:   b.refusals(),
		Without: map[string]string{
			"ExpireToken": "the token is fixed",
			"TokenCalls":  "no token is fetched",
		},
	}
	if groups {
		h.SeedDepartment, h.NewDepartment = b.seedDepartment, newDepartment
	} else {
		h.Without["SeedDepartment"], h.Without["NewDepartment"] = "departments are a text, or flat", "departments are a text, or flat"
	}
	return h
}

func (b *bench) seedUser(u connectortest.User) directory.ID {
	b.t.Helper()
	r := scimsim.Resource{
		"schemas": []any{scimsim.SchemaUser}, "userName": u.ID, "displayName": u.Name, "title": u.Title, "active": !u.Disabled,
		"emails":       []any{map[string]any{"type": "work", "value": u.Email, "primary": true}},
		"phoneNumbers": []any{map[string]any{"type": "mobile", "value": u.Mobile}},
	}
	id, err := b.AddUser(r)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, d := range u.Departments {
		if err := b.Join(string(d), id); err != nil {
			b.t.Fatal(err)
		}
	}
	return directory.ID(id)
}

func (b *bench) seedDepartment(d connectortest.Department) directory.ID {
	b.t.Helper()
	r := scimsim.Resource{"schemas": []any{scimsim.SchemaGroup}, "displayName": d.Name, "externalId": d.ID}
	if d.Parent != "" {
		r["schemas"] = []any{scimsim.SchemaGroup, scimsim.SchemaDepartment}
		r[scimsim.SchemaDepartment] = map[string]any{"parent": string(d.Parent)}
	}
	id, err := b.AddGroup(r)
	if err != nil {
		b.t.Fatal(err)
	}
	return directory.ID(id)
}

func (b *bench) stored(key directory.Key) (connectortest.Stored, bool) {
	if key.Kind == directory.Department {
		g, ok := b.Group(string(key.ID))
		name, _ := g["displayName"].(string)
		s := connectortest.Stored{Name: name}
		if ext, is := g[scimsim.SchemaDepartment].(map[string]any); is {
			parent, _ := ext["parent"].(string)
			s.Parent = directory.ID(parent)
		}
		return s, ok
	}
	u, ok := b.User(string(key.ID))
	name, _ := u["displayName"].(string)
	active, _ := u["active"].(bool)
	s := connectortest.Stored{Name: name, Active: active}
	for _, id := range b.GroupsOf(string(key.ID)) {
		s.Departments = append(s.Departments, directory.ID(id))
	}
	return s, ok
}

func (b *bench) newUser(u connectortest.User) directory.Attributes {
	a := directory.Attributes{
		"userName": directory.TextOf(u.ID), "name": directory.TextOf(u.Name), "mobile": directory.TextOf(u.Mobile),
		"email": directory.TextOf(u.Email), "title": directory.TextOf(u.Title), "externalId": directory.TextOf("hr-" + u.ID),
	}
	if _, ok := b.conn.Describe().Attribute(directory.User, "groups"); ok {
		a["groups"] = directory.RefsToKind(directory.Department, u.Departments...)
	}
	return a
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

func key(kind directory.Kind, id string) directory.Key {
	return directory.Key{Kind: kind, ID: directory.ID(id)}
}

// noSecret fails the test for an error that shows the token.
func noSecret(t *testing.T, err error) {
	t.Helper()
	if err != nil && strings.Contains(err.Error(), token) {
		t.Errorf("the token shows: %v", err)
	}
}
