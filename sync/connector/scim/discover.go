package scim

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// gift is what a service can do and what its resources hold. What it does not
// tell is assumed as the RFC has it: PATCH and filters work, entity tags do not,
// and the attributes are those of the RFC's own schemas.
type gift struct {
	patch, filter, etag bool
	maxResults          int    // of one page; 0 = not said
	users, groups       string // endpoints below the base
	schemas             schemas
}

// schemas are the declared attributes by schema, both in lower case; nil when the
// service does not declare any.
type schemas map[string]map[string]declared

// declared is one attribute of a schema.
type declared struct {
	name                 string
	returned, mutability string
	subs                 map[string]declared
}

// gifts keeps what was discovered. Made by newGifts.
type gifts struct {
	turn  chan struct{} // holds one token while nobody discovers
	known *gift         // guarded by turn
}

func newGifts() gifts {
	g := gifts{turn: make(chan struct{}, 1)}
	g.turn <- struct{}{}
	return g
}

// discover asks the service what it can do, once. A service that does not answer
// at all gives a fault, and is asked again the next time.
func (c *Connector) discover(ctx context.Context, t *tally) (gift, error) {
	select {
	case <-c.gifts.turn:
	case <-ctx.Done():
		return gift{}, ended(ctx.Err())
	}
	defer func() { c.gifts.turn <- struct{}{} }()
	if c.gifts.known != nil {
		return *c.gifts.known, nil
	}
	g := gift{patch: true, filter: true, users: "Users", groups: "Groups"}
	steps := []struct {
		path string
		use  func(answer) error
	}{
		{"ServiceProviderConfig", g.config},
		{"ResourceTypes", g.types},
		{"Schemas", g.declare},
	}
	for _, s := range steps {
		err := c.read(ctx, call{path: s.path}, t, s.use)
		if err != nil && !untold(err) {
			return gift{}, err
		}
		if err != nil {
			c.options.Logger.InfoContext(ctx, "capability not told", "kind", s.path, "err", err)
		}
	}
	c.gifts.known = &g
	return g, nil
}

// untold tells whether an answer means that the service does not describe itself.
// Wrong credentials, rates and outages do not mean that.
func untold(err error) bool {
	switch status := statusOf(err); {
	case status == http.StatusUnauthorized, fault.Retryable(err) && status != 0:
		return false
	case status == 0:
		return errors.Is(err, errGarbled)
	default:
		return status < http.StatusInternalServerError || status == http.StatusNotImplemented
	}
}

// config takes a ServiceProviderConfig (RFC 7643 §5).
func (g *gift) config(a answer) error {
	var r resource
	if err := decode(a.data, &r); err != nil || r == nil {
		return errShape
	}
	supported := func(name string, otherwise bool) bool {
		v, _ := r.at(name)
		m, _ := v.(map[string]any)
		said, ok := resource(m).at("supported")
		if !ok {
			return otherwise
		}
		return strings.EqualFold(plain(said), "true")
	}
	g.patch, g.filter, g.etag = supported("patch", true), supported("filter", true), supported("etag", false)
	v, _ := r.at("filter")
	m, _ := v.(map[string]any)
	if most, ok := number(resource(m), "maxResults"); ok && most > 0 {
		g.maxResults = int(min(most, maxPageSize))
	}
	return nil
}

// endpointForm is an endpoint that stays below the base.
var endpointForm = regexp.MustCompile(`^/?[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$`)

// types takes the ResourceTypes (RFC 7643 §6).
func (g *gift) types(a answer) error {
	p, err := decodePage(a.data)
	if err != nil {
		return err
	}
	g.users = endpointOf(p.resources, urnUser, "User", g.users)
	g.groups = endpointOf(p.resources, urnGroup, "Group", g.groups)
	return nil
}

// endpointOf gives the endpoint of a schema: of several the one whose type has the
// RFC's name, else the first.
func endpointOf(types []resource, schema, name, otherwise string) string {
	found := ""
	for _, r := range types {
		at := r.text("endpoint")
		if r.text("schema") != schema || !endpointForm.MatchString(at) {
			continue
		}
		at = strings.Trim(at, "/")
		if r.text("name") == name || r.id() == name {
			return at
		}
		found = cmp.Or(found, at)
	}
	return cmp.Or(found, otherwise)
}

// declare takes the Schemas (RFC 7643 §7). A listing that is cut short declares
// nothing: what it lacks may be in the rest.
func (g *gift) declare(a answer) error {
	p, err := decodePage(a.data)
	if err != nil {
		return err
	}
	if p.total > len(p.resources) || len(p.resources) == 0 {
		return nil
	}
	g.schemas = schemas{}
	for _, r := range p.resources {
		g.schemas[strings.ToLower(r.id())] = declaredOf(r, "attributes")
	}
	return nil
}

func declaredOf(r resource, name string) map[string]declared {
	out := map[string]declared{}
	for _, e := range r.elements(name) {
		out[strings.ToLower(e.text("name"))] = declared{
			name: e.text("name"), returned: e.text("returned"), mutability: e.text("mutability"), subs: declaredOf(e, "subAttributes"),
		}
	}
	return out
}

// shown tells whether a value that is not there is empty: the service declares the
// attribute and shows it unless asked not to. core is the schema of the resource.
func (s schemas) shown(core string, p path) bool {
	attrs, there := s[strings.ToLower(cmp.Or(p.urn, core))]
	common := p.urn == "" && (strings.EqualFold(p.attr, "id") || strings.EqualFold(p.attr, "externalId"))
	if s == nil || common || !there && p.urn == "" {
		return true
	}
	a, ok := attrs[strings.ToLower(p.attr)]
	if !ok || !a.visible() {
		return false
	}
	if p.sub == "" || p.sub == "value" || len(a.subs) == 0 {
		return true
	}
	sub, ok := a.subs[strings.ToLower(p.sub)]
	return ok && sub.visible()
}

// visible tells whether an attribute comes without being asked for.
func (d declared) visible() bool {
	return !strings.EqualFold(d.returned, "request") && !strings.EqualFold(d.returned, "never")
}

// extended tells whether a schema may be used: it is declared, or nothing is.
func (s schemas) extended(urn string) bool {
	_, ok := s[strings.ToLower(urn)]
	return s == nil || ok
}

// computed gives the attributes of a resource that only the service sets.
func (s schemas) computed(core string) []string {
	names := []string{"meta", attrUserGroups}
	for name, a := range s[strings.ToLower(core)] {
		if strings.EqualFold(a.mutability, "readOnly") && name != "id" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// unseen gives an attribute that a full read does not show though we could write
// it: writing a user whole would take it away. Any schema may extend users, but for
// those of groups. A password is shown to nobody, and services keep it.
func (s schemas) unseen() (string, bool) {
	for urn, attrs := range s {
		if urn == strings.ToLower(urnGroup) || urn == strings.ToLower(urnDepartment) {
			continue
		}
		for _, a := range attrs {
			// RFC 7643 §7: without a word on it, an attribute is readWrite.
			if strings.EqualFold(a.returned, "request") && strings.EqualFold(cmp.Or(a.mutability, "readWrite"), "readWrite") {
				return a.name, true
			}
		}
	}
	return "", false
}
