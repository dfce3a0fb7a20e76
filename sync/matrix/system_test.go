package matrix

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/mapping"
)

// system is one side of a pair: a fresh instance of a real system or of its
// simulator, a connector on it, and hands that change it and eyes that look at it
// without that connector.
type system interface {
	// traits tell what the system can hold.
	traits() traits
	connect() connector.Source
	// spec maps from a source into this system. Departments nil: it keeps none.
	spec(from words) (users, departments *mapping.Spec)

	// setUnit makes a department, or renames and moves it.
	setUnit(c *company, u unit)
	dropUnit(key string)
	// set hires somebody, or changes and moves them; who was suspended is back.
	set(c *company, p person)
	// suspend lets somebody stay in the system as one who has left.
	suspend(no string)
	// leave takes somebody out.
	leave(no string)
	// flush ends a step: a system that is written as a whole is written here.
	flush(c *company)
	// look gives all that the system holds.
	look() view
}

// traits are what a system can hold and do.
type traits struct {
	many     bool // several departments for a person
	ordered  bool // … of which the first is the main one
	suspends bool // somebody can stay and be marked as having left
	boss     bool // a source shows managers
	units    bool // departments are objects of their own
	moves    bool // a department keeps its identity when it is renamed or moved
	disables bool // a target can disable
	// As a target it may …
	mobiles bool // … change the mobile number of somebody
	leaders bool // … show managers, so that those of an adopted account are set
	// lags: the server itself gives managers who have moved their new name, a moment
	// later, and misses those whose people move as well.
	lags bool
}

// words are the names by which a source shows what every mapping wants.
type words struct {
	no, mobile, email, title, manager string
	unitID                            string // of a department: an id that stays
}

func standardWords() words {
	return words{no: "employee_no", mobile: "mobile", email: "email", title: "title", manager: "manager", unitID: "id"}
}

// view is all that a system holds.
type view struct {
	people map[string]held // by number
	units  map[string]bool // by path
}

// held is somebody as a system holds them.
type held struct {
	id                         string // the system's own: another account has another one
	name, title, mobile, email string
	active                     bool
	in                         []string // paths
	boss                       string   // number
}

// clock is the time of one system. Sleeping moves it.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)} }

func (c *clock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// sleep takes no real time.
func (c *clock) sleep(ctx context.Context, d time.Duration) error {
	c.advance(d)
	return ctx.Err()
}

// serve puts a handler on loopback and gives its address and a client.
func serve(t *testing.T, h http.Handler) (string, *http.Client) {
	t.Helper()
	server := httptest.NewServer(h)
	transport := &http.Transport{MaxIdleConnsPerHost: 8}
	t.Cleanup(func() { transport.CloseIdleConnections(); server.Close() })
	return server.URL, &http.Client{Transport: transport}
}

// rules makes a mapping from pairs of target and source attribute.
func rules(match string, pairs ...string) *mapping.Spec {
	s := &mapping.Spec{Match: []string{match}}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			s.Rules = append(s.Rules, mapping.Rule{To: pairs[i], From: pairs[i+1]})
		}
	}
	return s
}

// tree maps departments as most systems keep them.
func tree() *mapping.Spec { return rules("path", "name", "name", "parent", "parent") }

// check ends a test whose hand could not do something.
func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
