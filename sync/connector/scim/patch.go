package scim

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// operation is one operation of a PATCH (RFC 7644 §3.5.2).
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path,omitempty"`
	Value any    `json:"value,omitempty"`
}

// pathless is a replace without a path, whose value may hold nulls.
type pathless struct {
	Op    string   `json:"op"`
	Value resource `json:"value"`
}

// patch is a PATCH request.
type patch struct {
	Schemas    []string `json:"schemas"`
	Operations []any    `json:"Operations"`
}

// operations writes assignments as the service's dialect has them. have is the
// resource as it was read just before.
func (d Dialect) operations(list []assign, have resource) patch {
	p := patch{Schemas: []string{urnPatch}}
	if d == Okta {
		p.Operations = []any{pathless{"replace", merged(list, have)}}
		return p
	}
	for _, a := range list {
		p.Operations = append(p.Operations, d.operation(a, have))
	}
	return p
}

func (d Dialect) operation(a assign, have resource) operation {
	_, there := a.path.get(have)
	switch {
	case a.path.chosen(have) > 1:
		// The filter would choose all of them: the list is written as it is but for one.
		changed := have.clone()
		a.path.put(changed, a.value)
		box, _ := a.path.box(changed)
		list, _ := box.at(a.path.attr)
		return operation{Op: d.verb("replace"), Path: a.path.top(), Value: list}
	case a.value == nil && a.path.match != "" && a.path.goesWhole():
		return operation{Op: d.verb("remove"), Path: a.path.element()}
	case a.value == nil:
		return operation{Op: d.verb("remove"), Path: a.path.String()}
	case d == Entra && a.path.match != "" && !there:
		// Services that were built for Entra make the element from the filter.
		return operation{Op: d.verb("add"), Path: a.path.String(), Value: d.value(a)}
	case a.path.match != "" && !there && a.path.chosen(have) == 0:
		// RFC 7644 §3.5.2.3: a replace whose filter matches nothing is refused.
		v, _ := have.at(a.path.attr)
		old, _ := v.([]any)
		return operation{Op: d.verb("add"), Path: a.path.top(), Value: []any{a.path.newElement(a.value, len(old) == 0)}}
	default:
		return operation{Op: d.verb("replace"), Path: a.path.String(), Value: d.value(a)}
	}
}

// chosen counts the elements that a path's choice fits, even without the part that
// is meant.
func (p path) chosen(have resource) int {
	box, ok := p.box(have)
	if !ok || p.match == "" {
		return 0
	}
	n := 0
	for _, e := range box.elements(p.attr) {
		if p.is(e) {
			n++
		}
	}
	return n
}

// verb gives an operation's name.
func (d Dialect) verb(op string) string {
	if d == Entra {
		return map[string]string{"add": "Add", "remove": "Remove", "replace": "Replace"}[op]
	}
	return op
}

// value gives a value as the dialect has it in a PATCH.
func (d Dialect) value(a assign) any {
	if d != Entra {
		return a.value
	}
	switch v := a.value.(type) {
	case bool:
		if v {
			return "True"
		}
		return "False"
	case map[string]any: // a manager
		return a.text
	default:
		return a.value
	}
}

// merged gives the attributes as a whole that assignments change, everything else
// in them as it is.
func merged(list []assign, have resource) resource {
	out := resource{}
	for _, a := range list {
		p := a.path
		key := cmp.Or(p.urn, p.attr)
		if _, begun := out[key]; !begun {
			v, _ := have.at(key)
			if m, is := v.(map[string]any); is {
				v = map[string]any(resource(m).clone())
			}
			out[key] = v
		}
		switch {
		case p.match == "" && p.urn == "" && p.sub == "":
			out[key] = a.value
		case a.value == nil && p.match == "":
			p.null(out)
		default:
			p.put(out, a.value)
		}
	}
	return out
}

// null writes an explicit null, where to leave something out would leave it as it
// is.
func (p path) null(r resource) {
	box := r
	if p.urn != "" {
		box = child(r, p.urn, true)
	}
	if p.sub == "" {
		box[p.attr] = nil
		return
	}
	child(box, p.attr, true)[p.sub] = nil
}

// aim is a resource that is to be changed, as it was read just before.
type aim struct {
	endpoint, core, id string
	have               resource
	version            string
}

// modify writes assignments into a resource: by PATCH, or whole where the service
// knows no PATCH. It gives what the service shows afterwards, nil when it does not
// say.
func (c *Connector) modify(ctx context.Context, g gift, a aim, list []assign) (resource, error) {
	if list = changes(list, a.have); len(list) == 0 {
		return a.have, nil
	}
	at, err := one(a.endpoint, a.id)
	if err != nil {
		return nil, err
	}
	if !g.etag {
		a.version = ""
	}
	if g.patch && !c.patchless(a.core) {
		got, err := c.send(ctx, call{method: http.MethodPatch, path: at, body: c.options.Dialect.operations(list, a.have), version: a.version, about: true})
		if !patchless(err) {
			return shown(got, err)
		}
		c.learnPatchless(a.core) // and nothing has happened
	}
	body, err := whole(g, a, list)
	if err != nil {
		return nil, err
	}
	return shown(c.send(ctx, call{method: http.MethodPut, path: at, body: body, version: a.version, about: true}))
}

// patchless tells whether the service has said that it knows no PATCH, of anything
// or of groups alone. core is the schema of what is to be changed.
func (c *Connector) patchless(core string) bool {
	return c.noPatch.Load() || core == urnGroup && c.noGroupPatch.Load()
}

func (c *Connector) learnPatchless(core string) {
	if core == urnGroup {
		c.noGroupPatch.Store(true)
		return
	}
	c.noPatch.Store(true)
}

// patchless tells whether a service says that it knows no PATCH at all.
func patchless(err error) bool {
	status := statusOf(err)
	return status == http.StatusMethodNotAllowed || status == http.StatusNotImplemented
}

// shown gives the resource in an answer to a write, nil when there is none.
func shown(a answer, err error) (resource, error) {
	if err != nil {
		return nil, err
	}
	r, err := decodeResource(a.data)
	if err != nil {
		return nil, nil //nolint:nilerr,nilnil // done; services may answer with nothing or with what they like
	}
	return r, nil
}

// whole gives the resource to be written whole: as it was read just before, with
// the assignments. A group is never written whole, since that would replace all of
// its members. Faults: Unsupported.
func whole(g gift, a aim, list []assign) (resource, error) {
	if a.core == urnGroup {
		return nil, noPatchGroups()
	}
	if name, unseen := g.schemas.unseen(); unseen {
		return nil, fault.New(fault.Unsupported,
			"the service knows no PATCH and does not show %s: writing the account whole could clear it / 服务不支持 PATCH，又不显示 %s：整体写入可能会把它清空", clip(name), clip(name))
	}
	body := a.have.clone()
	for _, name := range g.schemas.computed(a.core) {
		set(body, name, nil)
	}
	for _, as := range list {
		as.path.put(body, as.value)
		if as.path.urn != "" && as.value != nil {
			body.declare(as.path.urn)
		}
	}
	return body, nil
}

// declare adds a schema to a resource's list.
func (r resource) declare(urn string) {
	v, _ := r.at("schemas")
	list, _ := v.([]any)
	if !slices.Contains(list, any(urn)) {
		set(r, "schemas", append(slices.Clone(list), urn))
	}
}

func noPatchGroups() error {
	return fault.New(fault.Unsupported,
		"the service knows no PATCH, so groups cannot be changed without replacing all members: set departments: none / 服务不支持 PATCH，修改群组就得整体替换成员：请设置 departments: none")
}
