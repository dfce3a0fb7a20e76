package scimsim

import (
	"encoding/json"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// patchRequest is the body of a PATCH (RFC 7644 §3.5.2).
type patchRequest struct {
	Schemas    []string `json:"schemas"`
	Operations []struct {
		Op    string          `json:"op"`
		Path  *string         `json:"path"`
		Value json.RawMessage `json:"value"`
	} `json:"Operations"`
}

func (s *Sim) patch(c *call, old Resource) (reply, *refusal) {
	if s.options.NoPatch {
		return reply{}, &refusal{http.StatusNotImplemented, "", "PATCH is not supported"}
	}
	var req patchRequest
	if json.Unmarshal([]byte(c.body), &req) != nil || len(req.Operations) == 0 ||
		!slices.Contains(req.Schemas, "urn:ietf:params:scim:api:messages:2.0:PatchOp") {
		return reply{}, bad("invalidSyntax", "not a PatchOp")
	}
	changed := clone(old)
	p := &patching{s: s, kind: c.kind, r: changed}
	for _, op := range req.Operations {
		var v any
		if op.Value != nil && json.Unmarshal(op.Value, &v) != nil {
			return reply{}, bad("invalidSyntax", "value is no JSON")
		}
		if no := p.apply(op.Op, op.Path, v); no != nil {
			return reply{}, no
		}
	}
	if no := s.check(c.kind, changed, c.id); no != nil {
		return reply{}, no
	}
	return s.keep(c, old, changed)
}

// patching is a PATCH on its way: all of it happens, or nothing.
type patching struct {
	s    *Sim
	kind string
	r    Resource
}

// pathForm is a path below its schema.
var pathForm = regexp.MustCompile(`^([A-Za-z]\w*)(?:\[(\w+) eq "([^"]*)"\])?(?:\.(\w+))?$`)

func (p *patching) apply(op string, path *string, v any) *refusal {
	op = strings.ToLower(op) // RFC 7644 §3.5.2: compared without regard to case
	if !slices.Contains([]string{"add", "remove", "replace"}, op) {
		return bad("invalidSyntax", "unknown op")
	}
	if path == nil {
		return p.pathless(op, v)
	}
	box, name := p.r, *path
	for _, urn := range []string{SchemaEnterprise, SchemaDepartment} {
		rest, ok := strings.CutPrefix(name, urn+":")
		if !ok {
			continue
		}
		inner, _ := p.r[urn].(map[string]any)
		if inner == nil {
			inner = map[string]any{}
			p.r[urn] = inner
			schemas, _ := deep(p.r["schemas"]).([]any)
			p.r["schemas"] = append(schemas, urn)
		}
		box, name = inner, rest
	}
	m := pathForm.FindStringSubmatch(name)
	if m == nil {
		return bad("invalidPath", "the path is not understood")
	}
	if no := p.s.checkName(p.kind, strings.TrimSuffix(*path, name), m[1]); no != nil {
		return no
	}
	if m[1] == "id" || m[1] == "groups" || m[1] == "meta" {
		return bad("mutability", m[1]+" is read only")
	}
	if m[2] != "" {
		return p.chosen(op, box, m, v)
	}
	if m[4] != "" {
		inner, _ := box[m[1]].(map[string]any)
		if inner == nil {
			inner = map[string]any{}
			box[m[1]] = inner
		}
		box, m[1] = inner, m[4]
	}
	return p.put(op, box, m[1], v)
}

// pathless applies a value that holds attributes by name.
func (p *patching) pathless(op string, v any) *refusal {
	attrs, ok := v.(map[string]any)
	if op == "remove" {
		return bad("noTarget", "remove needs a path")
	}
	if !ok {
		return bad("invalidValue", "value holds no attributes")
	}
	for name, one := range attrs {
		inner, object := one.(map[string]any)
		if strings.HasPrefix(name, "urn:") && object {
			for sub, x := range inner {
				at := name + ":" + sub
				if no := p.apply(op, &at, x); no != nil {
					return no
				}
			}
			continue
		}
		if no := p.apply(op, &name, one); no != nil {
			return no
		}
	}
	return nil
}

// put adds, replaces or removes an attribute as a whole.
func (p *patching) put(op string, box map[string]any, name string, v any) *refusal {
	v = p.s.coerce(name, v)
	old := box[name]
	list, many := v.([]any)
	switch {
	case op == "remove" || v == nil:
		// Some clients put the elements to remove into value; the RFC has no such form.
		if v != nil {
			return bad("invalidValue", "remove takes no value")
		}
		delete(box, name)
	case op == "add" && (many || isList(name)):
		have, _ := old.([]any)
		if !many {
			list = []any{v}
		}
		for _, e := range list {
			if !slices.ContainsFunc(have, func(x any) bool { return sameElement(x, e) }) {
				have = append(have, e)
			}
		}
		box[name] = have
	default:
		into, object := v.(map[string]any)
		have, was := old.(map[string]any)
		if !object || !was {
			box[name] = v
			return nil
		}
		for k, x := range into {
			have[k] = x
			if x == nil {
				delete(have, k)
			}
		}
	}
	return nil
}

func isList(name string) bool {
	return slices.Contains([]string{"emails", "phoneNumbers", "members", "addresses", "leaders"}, name)
}

// sameElement tells whether two elements are one: by their value alone where the new
// one has no type, as members do.
func sameElement(a, b any) bool {
	x, ok := a.(map[string]any)
	y, also := b.(map[string]any)
	if ok && also && text(y, "type") == "" {
		return text(x, "value") == text(y, "value")
	}
	return reflect.DeepEqual(a, b)
}

// chosen applies to the elements that a value path chooses.
func (p *patching) chosen(op string, box map[string]any, m []string, v any) *refusal {
	list, _ := box[m[1]].([]any)
	is := func(e any) bool {
		one, ok := e.(map[string]any)
		return ok && text(one, m[2]) == m[3]
	}
	if !slices.ContainsFunc(list, is) {
		switch {
		case op == "remove":
			return nil
		case !p.s.options.Lenient || m[4] == "":
			return bad("noTarget", "nothing matches the path")
		}
		box[m[1]] = append(list, map[string]any{m[2]: m[3], m[4]: v})
		return nil
	}
	if op == "remove" && m[4] == "" {
		box[m[1]] = slices.DeleteFunc(slices.Clone(list), is)
		return nil
	}
	for _, e := range list {
		one, ok := e.(map[string]any)
		if !ok || !is(e) {
			continue
		}
		if m[4] == "" {
			return bad("invalidValue", "name the part to change")
		}
		one[m[4]] = v
		if op == "remove" {
			delete(one, m[4])
		}
	}
	return nil
}

// coerce takes what identity providers send beyond the RFC, where the service is
// lenient.
func (s *Sim) coerce(name string, v any) any {
	word, ok := v.(string)
	switch {
	case !ok || !s.options.Lenient:
		return v
	case name == "active" && (word == "True" || word == "False"):
		return word == "True"
	case name == "manager":
		return map[string]any{"value": word}
	default:
		return v
	}
}
