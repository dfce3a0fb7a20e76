package feishu_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/connectortest"
	"github.com/rollcallhq/rollcall/sync/connector/feishu"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

// clock is the tenant's clock; waits on it take no real time.
type clock struct{ *connectortest.Clock }

func newClock() clock {
	return clock{connectortest.NewClock(time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC))}
}

func (c clock) advance(d time.Duration) { c.Advance(d) }

// waited is the sum of all waits.
func (c clock) waited() (sum time.Duration) {
	for _, d := range c.Waits() {
		sum += d
	}
	return sum
}

func shanghai() *time.Location { return time.FixedZone("CST", 8*60*60) }

// wire counts the patches that are under way at the same time.
type wire struct {
	under         *http.Transport
	running, most atomic.Int64
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPatch {
		now := w.running.Add(1)
		defer w.running.Add(-1)
		for most := w.most.Load(); now > most && !w.most.CompareAndSwap(most, now); most = w.most.Load() {
			continue
		}
	}
	return w.under.RoundTrip(r)
}

// tenant is a simulated tenant with a connector on it.
type tenant struct {
	*feishusim.Sim
	clock clock
	c     *feishu.Connector
	url   string
	wire  *wire

	// front, when set, answers a request instead of the tenant; it tells whether
	// it did.
	front func(w http.ResponseWriter, r *http.Request) bool
}

// newTenant starts a tenant; shape may change the options of both sides.
func newTenant(t *testing.T, shape func(*feishusim.Options, *feishu.Options)) *tenant {
	t.Helper()
	ck := newClock()
	so := feishusim.Options{Now: ck.Now, PageSize: 3}
	fo := feishu.Options{
		AppID: "cli_sim", AppSecret: "sim-secret", Zone: shanghai(), Now: ck.Now, Sleep: ck.Sleep,
		CustomAttributes: []string{"C-1"},
	}
	if shape != nil {
		shape(&so, &fo)
	}
	sim := feishusim.New(so)
	sim.SetCustomFields(fields()[:3]...) // one page
	x := &tenant{Sim: sim, clock: ck}
	handler := sim.Handler()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if x.front == nil || !x.front(w, r) {
			handler.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	x.wire = &wire{under: &http.Transport{}}
	t.Cleanup(x.wire.under.CloseIdleConnections)
	fo.BaseURL, fo.HTTPClient = server.URL, &http.Client{Transport: x.wire}
	c, err := feishu.New(fo)
	if err != nil {
		t.Fatal(err)
	}
	x.c, x.url = c, server.URL
	return x
}

// fields are the tenant's custom fields, one of each type.
func fields() []feishusim.CustomField {
	return []feishusim.CustomField{
		{ID: "C-1", Type: "TEXT"},
		{ID: "C-2", Type: "ENUMERATION", Options: []feishusim.CustomOption{{ID: "o1", Value: "汉族"}, {ID: "o2", Value: "回族"}, {ID: "o3", Value: "同名"}, {ID: "o4", Value: "同名"}}},
		{ID: "C-4", Type: "GENERIC_USER"},
		{ID: "C-9", Type: "HREF"},
		{ID: "C-3", Type: "PICTURE_ENUM", Options: []feishusim.CustomOption{{ID: "p1", Value: "https://x/1.png", Name: "金牌"}}},
	}
}

func (x *tenant) user(t *testing.T, u feishusim.User) feishusim.User {
	t.Helper()
	got, err := x.AddUser(u)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func (x *tenant) department(t *testing.T, name, parent string) string {
	t.Helper()
	d, err := x.AddDepartment(feishusim.Department{Name: name, Parent: parent})
	if err != nil {
		t.Fatal(err)
	}
	return d.OpenID
}

func (x *tenant) read(t *testing.T) *directory.Snapshot {
	t.Helper()
	s, err := x.c.Read(t.Context())
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return s
}

func (x *tenant) look(t *testing.T, id string) connector.Sighting {
	t.Helper()
	seen, err := x.c.Lookup(t.Context(), directory.User, []directory.ID{directory.ID(id)})
	if err != nil || len(seen) != 1 {
		t.Fatalf("lookup %s: %v %v", id, seen, err)
	}
	return seen[0]
}

func userKey(id string) directory.Key {
	return directory.Key{Kind: directory.User, ID: directory.ID(id)}
}

func departmentKey(id string) directory.Key {
	return directory.Key{Kind: directory.Department, ID: directory.ID(id)}
}

// answerJSON answers as the vendor does.
func answerJSON(w http.ResponseWriter, status int, body string) bool {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
	return true
}

const (
	listPath     = "/open-apis/contact/v3/users/find_by_department"
	contactsPath = "/open-apis/contact/v3/"
	usersPath    = "/open-apis/contact/v3/users"
	tokenPath    = "/open-apis/auth/v3/"
)
