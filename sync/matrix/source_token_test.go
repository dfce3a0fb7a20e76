package matrix

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

// lapse is one thing that is wrong with the places of a listing.
type lapse struct {
	name string
	arm  func()
}

// lapses are those after which a listing proves nothing.
func (s *tampered) lapses() []lapse {
	switch s.name {
	case "ldap":
		return []lapse{{name: "doubled page", arm: func() { s.tap.set(func() { s.tap.twice = true }) }}}
	case "sqlite":
		return nil // a result has no pages
	}
	shape, b := shapes()[s.name], s.http
	edit := func(name string, edit func(n int, r *http.Request, answer map[string]any)) lapse {
		return lapse{name: name, arm: func() {
			b.change(func(n int, r *http.Request, answer map[string]any) {
				if s.ofPeople(shape, answer) {
					edit(n, r, answer)
				}
			})
		}}
	}
	all := []lapse{edit("doubled page", func(_ int, _ *http.Request, answer map[string]any) { shape.doubled(answer) })}
	if s.name == "scim" {
		total := func(name string, change int) lapse {
			return edit(name, func(n int, r *http.Request, answer map[string]any) {
				if r.URL.Path == "/Users" {
					answer["totalResults"] = smallStaff - 3 + change*min(n, 2)
				}
			})
		}
		return append(
			all, total("fewer are said to be there on each page", -4), total("more are said to be there on each page", 4),
			edit("the number of one page for that of all", func(_ int, r *http.Request, answer map[string]any) {
				if r.URL.Path == "/Users" {
					answer["totalResults"] = smallPage
				}
			}),
		)
	}
	more := func(answer map[string]any) bool {
		if shape.more == nil {
			_, last, _ := rows(answer, shape.next...)
			next, _ := answer[last].(string)
			return next != ""
		}
		holder, last, _ := rows(answer, shape.more...)
		on, _ := holder[last].(bool)
		return on
	}
	var mu sync.Mutex // departments are listed side by side
	first := map[string]any{}
	all = append(
		all, edit("places in a circle", func(_ int, r *http.Request, answer map[string]any) {
			if !more(answer) {
				put(answer, true, shape.more...)
			}
			holder, last, _ := rows(answer, shape.next...)
			mu.Lock()
			defer mu.Unlock()
			of := r.URL.Path + parameter(r.URL, "department_id")
			if first[of] == nil && holder[last] != nil {
				first[of] = holder[last]
			}
			if first[of] != nil {
				holder[last] = first[of]
			}
		}),
		edit("ends early", func(_ int, _ *http.Request, answer map[string]any) {
			if more(answer) {
				put(answer, false, shape.more...)
				put(answer, "", shape.next...)
			}
		}),
	)
	if shape.more != nil {
		all = append(all, edit("more without a place", func(_ int, _ *http.Request, answer map[string]any) {
			put(answer, true, shape.more...)
			if holder, last, _ := rows(answer, shape.next...); holder != nil {
				delete(holder, last)
			}
		}))
	}
	switch sim := s.system.(type) {
	case *feishuTenant:
		all = append(all, lapse{name: "places expire again and again", arm: func() { b.meanwhile(func(int) { sim.ExpirePageTokens() }) }})
	case *wecomCorp:
		all = append(all, lapse{name: "places expire again and again", arm: func() { b.meanwhile(func(int) { sim.ExpireCursors() }) }})
	}
	return all
}

// ofPeople tells whether an answer lists people.
func (s *tampered) ofPeople(shape shape, answer map[string]any) bool {
	for _, at := range shape.lists {
		_, _, list := rows(answer, at...)
		for _, one := range list {
			row, _ := one.(map[string]any)
			if row[shape.id] != nil {
				return true
			}
		}
	}
	return false
}

// pass are those after which a listing is whole all the same.
func (s *tampered) passes() []lapse {
	once := func(n int, do func()) func() { return func() { s.during(n, do) } }
	switch sim := s.system.(type) {
	case *feishuTenant:
		return []lapse{
			{name: "places expire once", arm: once(2, sim.ExpirePageTokens)},
			{name: "empty page in the middle", arm: func() {
				sim.Inject(feishusim.Fault{Path: "/open-apis/contact/v3/users/find_by_department", EmptyPage: true, Skip: 2})
			}},
		}
	case *wecomCorp:
		return []lapse{{name: "places expire once", arm: once(4, sim.ExpireCursors)}}
	case *ldapCompany:
		return []lapse{{name: "cut once", arm: func() { s.tap.spoil(wayReset, 4, 1) }}}
	default:
		return nil
	}
}

// onlyTheGone lets the flow run once, up to where it waits for votes, and sees that
// nobody is to lose an account but those who have really left.
func (w *faultWorld) onlyTheGone(name string) {
	w.t.Helper()
	before := w.target.writes.Load()
	r := w.run()
	made, err := w.store.Plan(w.t.Context(), r.Code)
	check(w.t, err)
	for i := range made.Changes {
		if c := &made.Changes[i]; c.Key.Kind == directory.User && !slices.Contains(w.leaves, c.Before[directory.AttrEmployeeNo].String()) {
			w.t.Errorf("%s: %s of %s", name, c.Op, c.Name)
		}
	}
	if n := w.target.writes.Load() - before; n != 0 || r.State != run.Awaiting {
		w.t.Errorf("%s: the run is %s after %d writes: %s\n%s", name, r.State, n, r.Reason, w.trouble(r))
	}
	_, err = w.engine.Decide(w.t.Context(), run.Vote{Run: r.Code, Decision: run.Reject, By: run.Actor{Person: "周凯"}, Typed: run.Restated{Total: -1, Delete: -1, Disable: -1}})
	check(w.t, err)
}

// TestS04_Places lets the places at which a listing stands go wrong: they go round in a
// circle, lead nowhere, expire, or the listing ends early or repeats itself. What can be
// begun again is; everything else proves nothing. WeCom tells no number of its members, so
// that of a listing which ends early only the second look says who has left.
func TestS04_Places(t *testing.T) {
	t.Parallel()
	eachSource(t, []string{"csv", "sqlite"}, func(t *testing.T, src *tampered) {
		w := newFaultWorld(t, src, faultOptions{})
		w.someGo()
		for _, one := range src.lapses() {
			one.arm()
			if src.name == "wecom" && one.name == "ends early" {
				w.onlyTheGone(one.name)
			} else {
				w.harmless(one.name, run.NothingToDo, run.Failed)
			}
			src.mend()
		}
		for _, one := range src.passes() {
			one.arm()
			if h := w.whole(one.name); strings.Contains(one.name, "once") && h.Restarts+h.Retries == 0 {
				t.Errorf("%s: nothing was begun again: %+v", one.name, h)
			}
			src.mend()
		}
		w.leftNow()
	})
}

// TestS05_TokenExpiresMidway lets every access token be refused in the middle of a
// listing: one new token for each secret, and the run goes through.
func TestS05_TokenExpiresMidway(t *testing.T) {
	t.Parallel()
	eachSource(t, []string{"csv", "sqlite", "ldap", "scim"}, func(t *testing.T, src *tampered) { // they have none
		w := newFaultWorld(t, src, faultOptions{})
		w.someGo()
		var revoke func()
		var issued func() int
		switch sim := src.system.(type) {
		case *feishuTenant:
			revoke, issued = sim.RevokeTokens, sim.TokensIssued
		case *wecomCorp: // two secrets
			revoke, issued = sim.ExpireTokens, func() int { return (sim.Calls()["gettoken"] + 1) / 2 }
		case *dingtalkCorp:
			revoke, issued = sim.RevokeTokens, func() int { return sim.CallCounts()["/v1.0/oauth2/accessToken"] }
		}
		before := issued()
		src.http.meanwhile(func(n int) {
			if n == 4 {
				revoke()
			}
		})
		w.control()
		if n := issued() - before; n != 1 {
			t.Errorf("%d new tokens for each secret", n)
		}
	})
}

// TestS05_SecretRevokedMidway lets the credentials themselves be refused from the middle
// of a listing on: the run fails, and names the setting.
func TestS05_SecretRevokedMidway(t *testing.T) {
	t.Parallel()
	settings := map[string]string{
		"feishu": "app_secret", "wecom": "secret", "dingtalk": "client_secret", "ldap": "bind_password", "scim": "token", "sqlite": "url",
	}
	eachSource(t, []string{"csv", "sqlite"}, func(t *testing.T, src *tampered) {
		w := newFaultWorld(t, src, faultOptions{})
		w.someGo()
		at := func(do func()) func(int) {
			return func(n int) {
				if n == 4 {
					do()
				}
			}
		}
		restore := func() {}
		switch sim := src.system.(type) {
		case *feishuTenant:
			src.http.meanwhile(at(func() { sim.ReplaceSecret("another") }))
			restore = func() { sim.ReplaceSecret("sim-secret") }
		case *wecomCorp:
			src.http.meanwhile(at(func() { sim.ReplaceSecrets("another", "yet another") }))
			restore = nil // it is not asked again before the process begins anew
		case *dingtalkCorp:
			src.http.meanwhile(at(func() { sim.ReplaceSecret("another") }))
			restore = func() { sim.ReplaceSecret("simsecret") }
		case *scimService:
			src.http.meanwhile(at(func() { sim.sim.SetToken("another") }))
			restore = func() { sim.sim.SetToken("scim-token") }
		case *ldapCompany:
			src.tap.set(func() {
				src.tap.before = at(func() {
					src.tap.set(func() { src.tap.bind = ldap.LDAPResultInvalidCredentials })
					src.tap.cutAll()
				})
			})
		}
		r := w.harmless("revoked", run.Failed)
		if r.Fault != fault.Credential || !strings.Contains(r.Reason, settings[src.name]) {
			t.Errorf("the run fails for %s: %q, want a word of %s", r.Fault, r.Reason, settings[src.name])
		}
		if restore == nil {
			return
		}
		restore()
		src.mend()
		w.control()
	})
}
