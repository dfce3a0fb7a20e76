package matrix

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/store"
	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/scim"
	"github.com/rollcallhq/rollcall/sync/connector/scimserver"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/simulator/scimsim"
)

// pusher is a small client of SCIM: the hand that keeps a service, or what a
// provider pushes to us. It writes whole resources.
type pusher struct {
	t       *testing.T
	handler http.Handler
	path    string
	token   string

	users  map[string]string // number → id
	off    map[string]person // suspended
	last   map[string]person
	groups map[string]string // key → id
	names  map[string]unit
	in     map[string][]string // key → members as last written
}

func newPusher(t *testing.T, h http.Handler, path, token string) *pusher {
	t.Helper()
	return &pusher{
		t: t, handler: h, path: path, token: token, users: map[string]string{}, off: map[string]person{}, last: map[string]person{},
		groups: map[string]string{}, names: map[string]unit{}, in: map[string][]string{},
	}
}

// call makes a request and gives the id of the answer.
func (s *pusher) call(method, at string, body any) string {
	s.t.Helper()
	text, err := json.Marshal(body)
	check(s.t, err)
	req := httptest.NewRequestWithContext(s.t.Context(), method, s.path+at, bytes.NewReader(text))
	req.Header.Set("Authorization", "Bearer "+s.token)
	req.Header.Set("Content-Type", "application/scim+json")
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, req)
	answer, err := io.ReadAll(w.Result().Body)
	check(s.t, err)
	if w.Code >= http.StatusMultipleChoices {
		s.t.Fatalf("%s %s: %d %s", method, at, w.Code, answer)
	}
	var got struct{ ID string }
	_ = json.Unmarshal(answer, &got)
	return got.ID
}

func (s *pusher) setUnit(_ *company, u unit) {
	s.names[u.key] = u
	if id, there := s.groups[u.key]; there {
		s.call(http.MethodPut, "/Groups/"+id, s.group(u, s.in[u.key]))
		return
	}
	s.groups[u.key] = s.call(http.MethodPost, "/Groups", s.group(u, nil))
}

func (s *pusher) group(u unit, numbers []string) map[string]any {
	members := []any{}
	for _, no := range numbers {
		members = append(members, map[string]any{"value": s.users[no]})
	}
	r := map[string]any{"schemas": []string{scimsim.SchemaGroup}, "displayName": u.name, "members": members}
	if u.parent != "" {
		r["schemas"] = []string{scimsim.SchemaGroup, scimsim.SchemaDepartment}
		r[scimsim.SchemaDepartment] = map[string]any{"parent": s.groups[u.parent]}
	}
	return r
}

func (s *pusher) dropUnit(key string) {
	s.call(http.MethodDelete, "/Groups/"+s.groups[key], nil)
	delete(s.groups, key)
	delete(s.names, key)
	delete(s.in, key)
}

func (s *pusher) user(p person, active bool) map[string]any {
	more := map[string]any{"employeeNumber": p.no}
	if boss := s.users[p.boss]; boss != "" {
		more["manager"] = map[string]any{"value": boss}
	}
	r := map[string]any{
		"schemas": []string{scimsim.SchemaUser, scimsim.SchemaEnterprise}, "userName": p.no, "externalId": p.no, "displayName": p.name, "active": active,
		"emails":                 []any{map[string]any{"type": "work", "value": p.email}},
		"phoneNumbers":           []any{map[string]any{"type": "mobile", "value": p.mobile}},
		scimsim.SchemaEnterprise: more,
	}
	if p.title != "" {
		r["title"] = p.title
	}
	return r
}

func (s *pusher) set(_ *company, p person) {
	delete(s.off, p.no)
	s.last[p.no] = p
	if id, there := s.users[p.no]; there {
		s.call(http.MethodPut, "/Users/"+id, s.user(p, true))
		return
	}
	s.users[p.no] = s.call(http.MethodPost, "/Users", s.user(p, true))
}

func (s *pusher) suspend(no string) {
	s.off[no] = s.last[no]
	s.call(http.MethodPut, "/Users/"+s.users[no], s.user(s.last[no], false))
}

func (s *pusher) leave(no string) {
	for key, members := range s.in {
		s.in[key] = slices.DeleteFunc(members, func(m string) bool { return m == no })
	}
	id := s.users[no]
	for _, key := range s.last[no].in {
		if u, there := s.names[key]; there {
			s.call(http.MethodPut, "/Groups/"+s.groups[key], s.group(u, s.in[key]))
		}
	}
	s.call(http.MethodDelete, "/Users/"+id, nil)
	delete(s.users, no)
	delete(s.last, no)
}

// flush writes the groups whose members changed.
func (s *pusher) flush(*company) {
	members := map[string][]string{}
	for _, no := range slices.Sorted(maps.Keys(s.last)) {
		for _, key := range s.last[no].in {
			members[key] = append(members[key], no)
		}
	}
	for key, u := range s.names {
		if !slices.Equal(members[key], s.in[key]) {
			s.in[key] = members[key]
			s.call(http.MethodPut, "/Groups/"+s.groups[key], s.group(u, members[key]))
		}
	}
}

// scimTraits are those of both ends: groups have no order.
func scimTraits() traits {
	return traits{many: true, suspends: true, boss: true, units: true, moves: true, disables: true, mobiles: true, leaders: true}
}

// scimService is a service that speaks SCIM.
type scimService struct {
	*pusher
	sim   *scimsim.Sim
	clock *clock
}

func newSCIM(t *testing.T, _ *lab) system {
	t.Helper()
	c := newClock()
	sim := scimsim.New(scimsim.Options{Now: c.time})
	return &scimService{pusher: newPusher(t, sim.Handler(), "", "scim-token"), sim: sim, clock: c}
}

func (s *scimService) traits() traits { return scimTraits() }
func (s *scimService) words() words   { return standardWords() }

func (s *scimService) connect() connector.Source { return s.behind(nil) }

func (s *scimService) behind(b *barrier) connector.Source {
	url, client := b.serve(s.t, s.sim.Handler())
	c, err := scim.New(scim.Options{
		URL: url, Token: "scim-token", Departments: scim.Extension, HTTPClient: client, Now: s.clock.time, Sleep: s.clock.sleep, PageSize: b.pageSize(),
	})
	check(s.t, err)
	return c
}

func (s *scimService) spec(from words) (users, departments *mapping.Spec) {
	return rules(from.no, "employee_no", from.no, "userName", from.no, "externalId", from.no, "name", "name", "mobile", from.mobile, "email", from.email,
		"title", from.title, "groups", "departments", "manager", from.manager), tree()
}

// list reads all resources of a kind.
func (s *scimService) list(kind string) []map[string]any {
	s.t.Helper()
	req := httptest.NewRequestWithContext(s.t.Context(), http.MethodGet, "/"+kind+"?count=1000", nil)
	req.Header.Set("Authorization", "Bearer "+s.token)
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, req)
	var got struct {
		Total     int `json:"totalResults"`
		Resources []map[string]any
	}
	check(s.t, json.NewDecoder(w.Body).Decode(&got))
	if got.Total != len(got.Resources) {
		s.t.Fatalf("%d of %d %s", len(got.Resources), got.Total, kind)
	}
	return got.Resources
}

func (s *scimService) look() view {
	nodes, members := map[string]node[string]{}, map[string][]string{}
	for _, g := range s.list("Groups") {
		id := text(g, "id")
		nodes[id] = node[string]{text(g, "displayName"), text(g, scimsim.SchemaDepartment, "parent")}
		list, _ := g["members"].([]any)
		for _, m := range list {
			one, _ := m.(map[string]any)
			members[text(one, "value")] = append(members[text(one, "value")], id)
		}
	}
	paths := pathsOf(nodes, "")
	v := newView(paths, "")
	users, numbers := s.list("Users"), map[string]string{}
	for _, u := range users {
		numbers[text(u, "id")] = text(u, "userName")
	}
	for _, u := range users {
		h := held{
			id: text(u, "id"), name: text(u, "displayName"), title: text(u, "title"), mobile: typed(u, "phoneNumbers", "mobile"), email: typed(u, "emails", "work"),
			active: u["active"] == true, boss: numbers[text(u, scimsim.SchemaEnterprise, "manager", "value")],
		}
		for _, id := range members[h.id] {
			h.in = append(h.in, paths[id])
		}
		v.people[text(u, "userName")] = h
	}
	return v
}

// text gives a text at the end of some names.
func text(r map[string]any, names ...string) string {
	for _, name := range names[:len(names)-1] {
		r, _ = r[name].(map[string]any)
	}
	s, _ := r[names[len(names)-1]].(string)
	return s
}

// typed gives the value of a type of a list.
func typed(r map[string]any, list, typ string) string {
	all, _ := r[list].([]any)
	for _, one := range all {
		if m, _ := one.(map[string]any); strings.EqualFold(text(m, "type"), typ) {
			return text(m, "value")
		}
	}
	return ""
}

// provider pushes into our own end.
type provider struct {
	*pusher
	server *scimserver.Server
}

func newProvider(t *testing.T, _ *lab) system {
	t.Helper()
	const path, token = "/scim/okta/v2", "a-token-of-an-identity-provider"
	c := newClock()
	shelf, err := store.Open(t.Context(), store.Options{Dir: t.TempDir(), Now: c.time})
	check(t, err)
	t.Cleanup(func() { _ = shelf.Close() })
	server, err := scimserver.New(scimserver.Options{System: "okta", Path: path, Token: token, Contents: scimserver.Full, Shelf: shelf, Now: c.time})
	check(t, err)
	return &provider{pusher: newPusher(t, server, path, token), server: server}
}

func (s *provider) traits() traits            { return scimTraits() }
func (s *provider) words() words              { return standardWords() }
func (s *provider) connect() connector.Source { return s.server }
func (s *provider) look() view                { s.t.Fatal("a provider is no target"); return view{} }

func (s *provider) spec(words) (users, departments *mapping.Spec) { return nil, nil }
