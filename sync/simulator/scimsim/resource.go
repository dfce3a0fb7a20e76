package scimsim

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// list serves a listing (RFC 7644 §3.4.2).
func (s *Sim) list(c *call, in *store) (reply, *refusal) {
	match := func(r Resource) bool { return !s.omitted[text(r, "id")] }
	if f := c.query.Get("filter"); f != "" && !s.options.IgnoreFilter {
		if s.options.NoFilter {
			return reply{}, bad("invalidFilter", "filters are not supported")
		}
		var no *refusal
		if match, no = s.filter(f); no != nil {
			return reply{}, no
		}
	}
	start, count := intOf(c.query.Get("startIndex"), 1), intOf(c.query.Get("count"), 100)
	start, count = max(start, 1), max(count, 0)
	if s.options.MaxPage > 0 {
		count = min(count, s.options.MaxPage)
	}
	total, rows := 0, []any{}
	for _, id := range in.order {
		r := in.byID[id]
		if !match(r) {
			continue
		}
		total++
		if total >= start && len(rows) < count && !in.hidden[id] {
			rows = append(rows, s.show(c.kind, r, c.query))
		}
	}
	body := map[string]any{
		"schemas":      []string{"urn:ietf:params:scim:api:messages:2.0:ListResponse"},
		"totalResults": total, "startIndex": start, "itemsPerPage": len(rows), "Resources": rows,
	}
	return reply{status: http.StatusOK, body: encode(body)}, nil
}

func intOf(s string, otherwise int) int {
	if n, err := strconv.Atoi(s); err == nil {
		return n
	}
	return otherwise
}

// filter reads the one form that is understood: attribute eq "text".
func (s *Sim) filter(f string) (func(Resource) bool, *refusal) {
	attr, rest, ok := strings.Cut(f, " ")
	op, quoted, found := strings.Cut(rest, " ")
	var want string
	if !ok || !found || !strings.EqualFold(op, "eq") || json.Unmarshal([]byte(quoted), &want) != nil {
		return nil, bad("invalidFilter", "only attribute eq \"text\" is supported")
	}
	return func(r Resource) bool {
		have := text(r, attr)
		if strings.EqualFold(attr, "userName") && !s.options.ExactNames {
			return strings.EqualFold(have, want)
		}
		return have == want
	}, nil
}

// show gives a resource as an answer has it.
func (s *Sim) show(kind string, r Resource, query url.Values) Resource {
	out := clone(r)
	if kind == "Users" && !s.options.NoUserGroups {
		var groups []any
		for _, id := range s.groupsOf(text(r, "id")) {
			groups = append(groups, map[string]any{"value": id, "type": "direct"})
		}
		if groups != nil {
			out["groups"] = groups
		}
	}
	if members, ok := out["members"].([]any); ok && len(members) == 0 {
		delete(out, "members") // RFC 7643 §2.5: an empty list is no value
	}
	for name := range strings.SplitSeq(query.Get("excludedAttributes"), ",") {
		delete(out, name)
	}
	for name := range s.dropped {
		if k, attr, _ := strings.Cut(name, "."); k+"s" == kind {
			delete(out, attr)
		}
	}
	return out
}

func (s *Sim) shown(status int, kind string, r Resource, query url.Values) reply {
	out := reply{status: status, body: encode(s.show(kind, r, query))}
	if s.options.ETags {
		out.version = version(r)
	}
	return out
}

func (s *Sim) create(c *call) (reply, *refusal) {
	var r Resource
	if err := json.Unmarshal([]byte(c.body), &r); err != nil || r == nil {
		return reply{}, bad("invalidSyntax", "the body is no object")
	}
	made, no := s.insert(c.kind, r)
	if no != nil {
		return reply{}, no
	}
	id := text(made, "id")
	s.effect(c, id)
	got := s.shown(http.StatusCreated, c.kind, made, nil)
	got.place = "/" + c.kind + "/" + id
	return got, nil
}

// insert checks and stores a new resource.
func (s *Sim) insert(kind string, r Resource) (Resource, *refusal) {
	if no := s.check(kind, r, ""); no != nil {
		return nil, no
	}
	s.next++
	id := fmt.Sprintf("%s-%05d", strings.ToLower(kind[:1]), s.next)
	r["id"] = id
	if s.options.DropExternal {
		delete(r, "externalId")
	}
	if _, ok := r["active"]; kind == "Users" && !ok {
		r["active"] = true
	}
	r["meta"] = map[string]any{"resourceType": strings.TrimSuffix(kind, "s"), "location": "/" + kind + "/" + id}
	s.stamp(r)
	s.of(kind).add(id, r)
	return r, nil
}

func (s *Sim) of(kind string) *store {
	if kind == "Groups" {
		return &s.groups
	}
	return &s.users
}

// stamp notes a change.
func (s *Sim) stamp(r Resource) {
	meta, _ := r["meta"].(map[string]any)
	s.next++
	meta["lastModified"] = s.options.Now().UTC().Format(time.RFC3339)
	if s.options.ETags {
		meta["version"] = fmt.Sprintf(`W/"%d"`, s.next)
	}
}

// check validates a resource as a whole.
func (s *Sim) check(kind string, r Resource, self string) *refusal {
	schemas, _ := deep(r["schemas"]).([]any)
	core, required := SchemaUser, "userName"
	if kind == "Groups" {
		core, required = SchemaGroup, "displayName"
	}
	if !slices.Contains(schemas, any(core)) {
		return bad("invalidValue", "schemas lacks "+core)
	}
	if text(r, required) == "" {
		return bad("invalidValue", required+" is required")
	}
	for name, v := range r {
		if no := s.checkAttribute(kind, name, v); no != nil {
			return no
		}
		if strings.HasPrefix(name, "urn:") && !slices.Contains(schemas, any(name)) {
			return bad("invalidValue", "schemas lacks "+name)
		}
	}
	if kind == "Groups" {
		return s.checkMembers(r)
	}
	for id, other := range s.users.byID {
		if id != self && strings.EqualFold(text(other, "userName"), text(r, "userName")) {
			return &refusal{http.StatusConflict, "uniqueness", "userName is taken"}
		}
	}
	return nil
}

func (s *Sim) checkMembers(r Resource) *refusal {
	for _, id := range memberIDs(r) {
		if s.users.byID[id] == nil && s.groups.byID[id] == nil {
			return bad("invalidValue", "no such member")
		}
	}
	return nil
}

// replace serves PUT: what the body does not name is gone.
func (s *Sim) replace(c *call, old Resource) (reply, *refusal) {
	var r Resource
	if err := json.Unmarshal([]byte(c.body), &r); err != nil || r == nil {
		return reply{}, bad("invalidSyntax", "the body is no object")
	}
	if id := text(r, "id"); id != "" && id != c.id {
		return reply{}, bad("mutability", "id cannot be changed")
	}
	if no := s.check(c.kind, r, c.id); no != nil {
		return reply{}, no
	}
	delete(r, "groups")
	r["id"], r["meta"] = c.id, old["meta"]
	return s.keep(c, old, r)
}

// keep stores a changed resource in place of the old one.
func (s *Sim) keep(c *call, old, changed Resource) (reply, *refusal) {
	if reflect.DeepEqual(deep(map[string]any(old)), deep(map[string]any(changed))) {
		return s.after(c, old), nil // nothing changes, so nothing took effect
	}
	changed["meta"] = maps.Clone(changed["meta"].(map[string]any)) //nolint:forcetypeassert // insert made it
	s.stamp(changed)
	s.of(c.kind).byID[c.id] = changed
	s.effect(c, c.id)
	return s.after(c, changed), nil
}

func (s *Sim) after(c *call, r Resource) reply {
	if s.options.NoContent {
		return reply{status: http.StatusNoContent}
	}
	return s.shown(http.StatusOK, c.kind, r, c.query)
}
