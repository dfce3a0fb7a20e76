package connectortest

import (
	"context"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// forEver is the number of times of a fault that never ends.
const forEver = -1

// lastPage is the page that a listing of 2n+1 users ends with.
const lastPage = 3

func faultCases() []testCase {
	cases := []testCase{
		{"rate limit that ends", []string{"SeedUser", "RateLimit"}, rateLimitEnds},
		{"rate limit without end", []string{"SeedUser", "RateLimit", "Calls"}, rateLimitForEver},
		{"page that fails once", []string{"SeedUser", "FailPage"}, pageFailsOnce},
		{"expired token midway", []string{"SeedUser", "ExpireToken", "TokenCalls"}, expiredToken},
		{"wrong credentials", []string{"SeedUser", "WrongCredentials"}, wrongCredentials},
		{"wrong credentials at a write", []string{"SeedUser", "WrongCredentials", "NewUser", "Effects"}, wrongCredentialsWrite},
		{"system down", []string{"SeedUser", "Down"}, systemDown},
		{"hidden attributes", []string{"SeedUser", "HidePermission"}, hiddenAttributes},
		{"context ended before", []string{"SeedUser"}, contextEnded},
		{"context ends while reading", []string{"SeedUser", "HangRead"}, contextEndsReading},
		{"probe", nil, probe},
	}
	for name, page := range map[string]int{"first": 1, "middle": 2, "last": lastPage} {
		cases = append(cases,
			testCase{name + " page fails", []string{"SeedUser", "FailPage", "Calls"}, func(t *testing.T, h *Harness) {
				h.seedUsers(2*h.Page + 1)
				h.FailPage(page, forEver)
				h.noHammer(t, func() { h.readNoProof(t) })
			}},
			testCase{name + " page truncated", []string{"SeedUser", "TruncatePage"}, func(t *testing.T, h *Harness) {
				h.seedUsers(2*h.Page + 1)
				h.TruncatePage(page)
				h.readNoProof(t)
			}})
	}
	return cases
}

// noHammer bounds the calls that one read of a broken system makes.
func (h *Harness) noHammer(t *testing.T, read func()) {
	t.Helper()
	const budget = 60
	before := h.Calls()
	read()
	if n := h.Calls() - before; n > budget {
		t.Errorf("%d calls against a broken system, at most %d are patient", n, budget)
	}
}

func rateLimitEnds(t *testing.T, h *Harness) {
	want := h.seedUsers(2*h.Page + 1)
	h.RateLimit(2, 1)
	s := h.read(t)
	if s.Complete() && s.Len(directory.User) != len(want) {
		t.Fatalf("a complete snapshot of %d users, want %d", s.Len(directory.User), len(want))
	}
	if !s.Complete() {
		h.checkText(t, s.Health.PartialFor)
		return
	}
	if s.Health.Retries == 0 {
		t.Error("the health record counts no retry")
	}
}

func rateLimitForEver(t *testing.T, h *Harness) {
	h.seedUsers(2*h.Page + 1)
	h.RateLimit(2, forEver)
	h.noHammer(t, func() { h.readNoProof(t) })
}

func pageFailsOnce(t *testing.T, h *Harness) {
	want := h.seedUsers(2*h.Page + 1)
	h.FailPage(2, 1)
	s := h.readComplete(t)
	if s.Len(directory.User) != len(want) {
		t.Fatalf("read %d users, want %d", s.Len(directory.User), len(want))
	}
	if s.Health.Retries == 0 {
		t.Error("the health record counts no retry")
	}
}

func expiredToken(t *testing.T, h *Harness) {
	want := h.seedUsers(2*h.Page + 1)
	h.readComplete(t)
	h.ExpireToken(2)
	before := h.TokenCalls()
	s := h.readComplete(t)
	if s.Len(directory.User) != len(want) {
		t.Fatalf("read %d users, want %d", s.Len(directory.User), len(want))
	}
	if n := h.TokenCalls() - before; n != 1 {
		t.Errorf("%d refreshes of the token, want 1", n)
	}
}

// wrongCredentials checks that the refusal is said once, with what to change,
// and does not make us ask for tokens over and over.
func wrongCredentials(t *testing.T, h *Harness) {
	ids := h.seedUsers(1)
	h.WrongCredentials()
	for range 2 {
		h.fewTokens(t, func() {
			_, err := h.Connector.Read(within(t))
			h.checkFault(t, err, fault.Credential)
		})
	}
	h.fewTokens(t, func() { h.notGone(t, ids[0], fault.Credential) })
	if p, ok := h.Connector.(connector.Prober); ok {
		h.fewTokens(t, func() { h.checkFault(t, p.Probe(within(t)), fault.Credential) })
	}
}

// fewTokens bounds the token calls of one operation: one for each secret.
func (h *Harness) fewTokens(t *testing.T, operation func()) {
	t.Helper()
	if h.TokenCalls == nil {
		operation()
		return
	}
	before := h.TokenCalls()
	operation()
	if n := h.TokenCalls() - before; n > 2 {
		t.Errorf("%d token calls with wrong credentials", n)
	}
}

func wrongCredentialsWrite(t *testing.T, h *Harness) {
	h.target(t)
	h.WrongCredentials()
	h.refuse(t, h.create(person(7)), fault.Credential)
	h.refuse(t, h.create(person(7)), fault.Credential)
}

func systemDown(t *testing.T, h *Harness) {
	ids := h.seedUsers(1)
	h.Down()
	h.readNoProof(t)
	h.notGone(t, ids[0], fault.Unavailable, fault.Limited)
	if p, ok := h.Connector.(connector.Prober); ok {
		h.checkFault(t, p.Probe(within(t)), fault.Unavailable, fault.Limited)
	}
}

// notGone looks a user up where nothing can be told: an error of these kinds,
// or Unsure with a reason.
func (h *Harness) notGone(t *testing.T, id directory.ID, kinds ...fault.Kind) {
	t.Helper()
	seen, err := h.Connector.Lookup(within(t), directory.User, []directory.ID{id})
	if err != nil {
		h.checkFault(t, err, kinds...)
		return
	}
	if len(seen) != 1 || seen[0].Presence != connector.Unsure {
		t.Fatalf("a lookup that failed says %+v", seen)
	}
	h.checkText(t, seen[0].Why)
}

// hiddenAttributes checks that what the vendor does not show is Unknown with
// the permission's name, and neither missing nor empty.
func hiddenAttributes(t *testing.T, h *Harness) {
	h.seedUsers(1)
	hidden := h.HidePermission()
	if len(hidden) == 0 {
		t.Fatal("HidePermission hid nothing")
	}
	s := h.read(t)
	for _, a := range hidden {
		if s.Len(a.Kind) == 0 {
			t.Errorf("no %s was read: hiding %s must not hide the object", a.Kind, a.Name)
		}
		for o := range s.All(a.Kind) {
			h.checkHidden(t, o, a)
		}
	}
	if len(s.Health.Hidden) == 0 {
		t.Error("the health record names no missing permission")
	}
}

func (h *Harness) checkHidden(t *testing.T, o directory.Object, a HiddenAttribute) {
	t.Helper()
	v, ok := o.Attributes[a.Name]
	if !ok || v.Type() != directory.Unknown {
		t.Errorf("%s of %s is %s %q, want unknown", a.Name, o.Key, v.Type(), v)
		return
	}
	if !containsText(v.Permission(), a.Permission) {
		t.Errorf("%s of %s is hidden for %q, want a name with %q", a.Name, o.Key, v.Permission(), a.Permission)
	}
}

// contextEnded checks that no call is made for a context that has ended.
func contextEnded(t *testing.T, h *Harness) {
	ids := h.seedUsers(1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	before := 0
	if h.Calls != nil {
		before = h.Calls()
	}
	if s, err := h.Connector.Read(ctx); err == nil && s.Complete() {
		t.Error("a read without time is complete")
	}
	if seen, err := h.Connector.Lookup(ctx, directory.User, ids); err == nil && seen[0].Presence == connector.Gone {
		t.Error("a lookup without time says gone")
	}
	if h.NewUser != nil {
		if _, err := h.target(t).Apply(ctx, h.create(person(9))); err == nil {
			t.Error("a write without time succeeds")
		} else {
			h.checkFault(t, err, fault.Unavailable)
		}
	}
	if h.Calls != nil && h.Calls() != before {
		t.Errorf("%d calls without time", h.Calls()-before)
	}
}

func contextEndsReading(t *testing.T, h *Harness) {
	h.seedUsers(1)
	arrived := h.HangRead()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		s, err := h.Connector.Read(ctx)
		if err == nil && s.Complete() {
			t.Error("a read that was given up is complete")
		}
		done <- err
	}()
	await(t, arrived, done)
	cancel()
	select {
	case err := <-done:
		if err != nil {
			h.checkFault(t, err, fault.Unavailable)
		}
	case <-time.After(patience):
		t.Fatal("the read goes on after its context ended")
	}
}

// await waits until a call has come to the system, which it must do before it
// returns.
func await(t *testing.T, arrived <-chan struct{}, done <-chan error) {
	t.Helper()
	select {
	case <-arrived:
	case err := <-done:
		t.Fatalf("the call never reached the system: %v", err)
	case <-time.After(patience):
		t.Fatal("the call never reached the system")
	}
}

func probe(t *testing.T, h *Harness) {
	p, ok := h.Connector.(connector.Prober)
	if !ok {
		t.Skip("NOT APPLICABLE: the connector is no Prober")
	}
	if err := p.Probe(within(t)); err != nil {
		t.Errorf("a healthy system fails its probe: %v", err)
	}
}
