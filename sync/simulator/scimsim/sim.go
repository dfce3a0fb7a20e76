// Package scimsim is a strict simulator of one SCIM 2.0 service for tests and for
// the demo: users, groups, discovery, filters by equality, PATCH, entity tags and
// errors, served as HTTP on loopback.
//
// It is written from RFC 7643 and RFC 7644, a second time on purpose, and knows
// nothing of the connector that it judges. Where the RFC leaves a choice it refuses
// rather than accepts; Options and Inject make it the other services that there
// are. It keeps an append-only log of every write that took effect.
//
// It is not for production: it stores nothing, has no latency, and does not model
// Bulk, sorting, /Me, .search or passwords.
package scimsim

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// The schemas of RFC 7643 and an extension of Group that some services have.
const (
	SchemaUser       = "urn:ietf:params:scim:schemas:core:2.0:User"
	SchemaGroup      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	SchemaEnterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	SchemaDepartment = "urn:rollcall:params:scim:schemas:extension:2.0:Department"
)

// Options describe the service. The zero value is a strict, complete one.
type Options struct {
	// Token is the bearer token. Default "scim-token".
	Token string
	// User and Password, when set, are taken by HTTP Basic as well.
	User, Password string
	// Now is the clock. Nil stands still.
	Now func() time.Time
	// MaxPage is the most resources of one page; 0 = no limit of its own.
	MaxPage int
	// NoDiscovery answers 404 to ServiceProviderConfig, ResourceTypes and Schemas.
	NoDiscovery bool
	// NoPatch answers 501 to PATCH, and says so in discovery.
	NoPatch bool
	// NoFilter answers 400 invalidFilter, and says so in discovery.
	NoFilter bool
	// IgnoreFilter gives everything whatever the filter is.
	IgnoreFilter bool
	// ETags gives versions and holds If-Match against them (412).
	ETags bool
	// NoExtension: groups have no department extension.
	NoExtension bool
	// Lenient takes what identity providers send beyond the RFC: "True" and "False"
	// for booleans, a bare manager, a value path that matches nothing.
	Lenient bool
	// NoContent answers 204 to PATCH and PUT instead of 200 with the resource.
	NoContent bool
	// NoUserGroups: users do not tell their groups.
	NoUserGroups bool
	// DropExternal forgets externalId, as some services do.
	DropExternal bool
	// NoGroups answers 404 to /Groups.
	NoGroups bool
	// ExactNames finds userName by filter only as it is written; it is unique in any
	// case all the same.
	ExactNames bool
}

// Resource is one user or group as JSON has it.
type Resource map[string]any

// Sim is the service. It is safe for concurrent use.
type Sim struct {
	options Options

	mu       sync.Mutex
	users    store
	groups   store
	next     int
	faults   []*Fault
	effects  []Effect
	calls    map[string]int
	requests []Request
	omitted  map[string]bool // by id; left out of listings
	dropped  map[string]bool // attributes that the schema lacks and no answer shows
	on       func(Effect)
}

// store holds resources of one type in the order in which they came.
type store struct {
	order  []string
	byID   map[string]Resource
	hidden map[string]bool
}

func newStore() store { return store{byID: map[string]Resource{}, hidden: map[string]bool{}} }

// Effect is one write that took effect.
type Effect struct {
	Op   string // "POST Users", "PATCH Groups", …
	ID   string // of the resource
	Body string // as it came
}

// Request is one request as it came.
type Request struct {
	Line  string // method, path and query
	Match string // If-Match
	Body  string
}

// New makes a service without users and groups.
func New(o Options) *Sim {
	if o.Token == "" {
		o.Token = "scim-token"
	}
	if o.Now == nil {
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		o.Now = func() time.Time { return at }
	}
	return &Sim{options: o, users: newStore(), groups: newStore(), calls: map[string]int{}, dropped: map[string]bool{}}
}

// Handler serves the API; its root is the base URL.
func (s *Sim) Handler() http.Handler { return http.HandlerFunc(s.serve) }

// SetToken replaces the token.
func (s *Sim) SetToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.options.Token = token
}

// Drop takes an attribute out of the schema and out of every answer, such as
// "User.title" or "Group.displayName".
func (s *Sim) Drop(names ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range names {
		s.dropped[n] = true
	}
}

// Hide leaves a resource where it is and shows it to nobody: listings count it and
// do not have it, and its own address answers 403.
func (s *Sim) Hide(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users.hidden[id], s.groups.hidden[id] = true, true
}

// Omit leaves resources out of the listings and their totals, while each is there when
// it is asked for alone or by a filter: a service whose index lags, or that counts only
// what it lists. It replaces what was left out before.
func (s *Sim) Omit(ids ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.omitted = map[string]bool{}
	for _, id := range ids {
		s.omitted[id] = true
	}
}

// AddUser seeds a user as a POST would, without an effect, and gives the id.
func (s *Sim) AddUser(r Resource) (string, error) { return s.seed("Users", r) }

// AddGroup seeds a group.
func (s *Sim) AddGroup(r Resource) (string, error) { return s.seed("Groups", r) }

func (s *Sim) seed(kind string, r Resource) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	made, refusal := s.insert(kind, clone(r))
	if refusal != nil {
		return "", fmt.Errorf("seed %s: %s", kind, refusal.Detail)
	}
	return text(made, "id"), nil
}

// Join puts a user into a group, without an effect.
func (s *Sim) Join(group, user string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, ok := s.groups.byID[group]
	if !ok {
		return fmt.Errorf("no group %s", group)
	}
	members, _ := g["members"].([]any)
	g["members"] = append(members, map[string]any{"value": user, "type": "User"})
	return nil
}

// User gives a user as it is stored.
func (s *Sim) User(id string) (Resource, bool) { return s.stored(&s.users, id) }

// Group gives a group as it is stored.
func (s *Sim) Group(id string) (Resource, bool) { return s.stored(&s.groups, id) }

func (s *Sim) stored(in *store, id string) (Resource, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := in.byID[id]
	return clone(r), ok
}

// Remove deletes a resource without an effect.
func (s *Sim) Remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users.remove(id)
	s.groups.remove(id)
}

// GroupsOf gives the groups that have a user as a member, in the order of ids.
func (s *Sim) GroupsOf(user string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.groupsOf(user)
}

func (s *Sim) groupsOf(user string) []string {
	var ids []string
	for id, g := range s.groups.byID {
		if slices.Contains(memberIDs(g), user) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func memberIDs(g Resource) []string {
	var ids []string
	members, _ := g["members"].([]any)
	for _, m := range members {
		if one, ok := m.(map[string]any); ok {
			ids = append(ids, text(one, "value"))
		}
	}
	return ids
}

// Effects gives every write that took effect, oldest first.
func (s *Sim) Effects() []Effect {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.effects)
}

// OnEffect calls f once, after the next effect.
func (s *Sim) OnEffect(f func(Effect)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.on = f
}

// Calls counts the requests, refused and faulty ones included, by operation as in
// Effect.Op.
func (s *Sim) Calls() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]int{}
	maps.Copy(out, s.calls)
	return out
}

// Requests gives every request as it came.
func (s *Sim) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

func (st *store) add(id string, r Resource) {
	st.order = append(st.order, id)
	st.byID[id] = r
}

func (st *store) remove(id string) {
	delete(st.byID, id)
	st.order = slices.DeleteFunc(st.order, func(x string) bool { return x == id })
}

// text gives a text under a name, in any case.
func text(r map[string]any, name string) string {
	v, _ := value(r, name).(string)
	return v
}

// value gives what stands under a name, in any case; nil for nothing.
func value(r map[string]any, name string) any {
	if v, ok := r[name]; ok {
		return v
	}
	for have, v := range r {
		if strings.EqualFold(have, name) {
			return v
		}
	}
	return nil
}

// clone copies a resource and everything in it.
func clone(r map[string]any) Resource {
	if r == nil {
		return nil
	}
	return Resource(deep(r).(map[string]any)) //nolint:forcetypeassert // deep keeps the type
}

func deep(v any) any {
	switch v := v.(type) {
	case Resource:
		return deep(map[string]any(v))
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = deep(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = deep(e)
		}
		return out
	case []string:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = e
		}
		return out
	case int:
		return float64(v)
	default:
		return v
	}
}
