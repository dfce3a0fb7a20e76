package scim

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// path is where an attribute stands in a resource, in the form of RFC 7644
// §3.5.2 as far as attributes of people need it: an optional schema, an attribute,
// an optional choice of one element by equality, an optional sub-attribute.
type path struct {
	urn   string // "" = the core schema
	attr  string
	match string // name of the sub-attribute that chooses, such as type
	want  string // its value, such as work
	sub   string
}

// pathForm is a path below its schema.
var pathForm = regexp.MustCompile(`^([A-Za-z$][\w$-]*)(?:\[([A-Za-z$][\w$-]*) [eE][qQ] "([^"\\\]]+)"\])?(?:\.([A-Za-z$][\w$-]*))?$`)

// parsePath reads a path. ok is false for one that is not of that form.
func parsePath(text string) (p path, ok bool) {
	rest := text
	if len(text) > 4 && strings.EqualFold(text[:4], "urn:") {
		head, _, _ := strings.Cut(text, "[")
		i := strings.LastIndexByte(head, ':')
		if i < len("urn:x") {
			return path{}, false
		}
		p.urn, rest = text[:i], text[i+1:]
		if strings.EqualFold(p.urn, urnUser) || strings.EqualFold(p.urn, urnGroup) {
			p.urn = ""
		}
	}
	m := pathForm.FindStringSubmatch(rest)
	if m == nil || m[2] != "" && m[4] == "" {
		return path{}, false
	}
	p.attr, p.match, p.want, p.sub = m[1], m[2], m[3], m[4]
	return p, true
}

// mustPath reads a path that stands in this package.
func mustPath(text string) path {
	p, ok := parsePath(text)
	if !ok {
		panic("scim: not a path: " + text)
	}
	return p
}

// String gives the path as a PATCH names it.
func (p path) String() string {
	s := p.element()
	if p.sub != "" {
		s += "." + p.sub
	}
	return s
}

// element gives the path of the whole attribute, or of the element chosen.
func (p path) element() string {
	s := p.top()
	if p.match != "" {
		s += "[" + p.match + ` eq "` + p.want + `"]`
	}
	return s
}

// top gives the path of the whole attribute.
func (p path) top() string {
	if p.urn != "" {
		return p.urn + ":" + p.attr
	}
	return p.attr
}

// get finds the value at a path; ok is false when there is none. A complex value
// is told by its own value, of several the primary one or the first.
func (p path) get(r resource) (v any, ok bool) {
	box, ok := p.box(r)
	if !ok {
		return nil, false
	}
	v, _ = box.at(p.attr)
	if list, is := v.([]any); is {
		v = p.choose(list)
	} else if p.match != "" {
		v = nil
	}
	if m, is := v.(map[string]any); is {
		part, _ := resource(m).at(cmp.Or(p.sub, "value"))
		if part != nil || p.sub != "" || len(m) == 0 {
			v = part
		}
	} else if p.sub != "" && p.sub != "value" {
		v = nil // a bare value has no parts
	}
	return v, v != nil
}

// box gives the part of a resource that holds the attribute.
func (p path) box(r resource) (resource, bool) {
	if p.urn == "" {
		return r, true
	}
	v, _ := r.at(p.urn)
	m, ok := v.(map[string]any)
	return m, ok
}

// choose gives the element of a list that the path means, or nil.
func (p path) choose(list []any) any {
	var first any
	for _, v := range list {
		m, is := v.(map[string]any)
		switch {
		case p.match != "" && is && p.is(m):
			return v
		case p.match != "":
			continue
		case is && truth(m, "primary"):
			return v
		case first == nil:
			first = v
		}
	}
	return first
}

// is tells whether an element is the one that the path chooses.
func (p path) is(m resource) bool {
	v, _ := m.at(p.match)
	s, _ := v.(string)
	return strings.EqualFold(s, p.want)
}

func truth(m resource, name string) bool {
	v, _ := m.at(name)
	b, ok := v.(bool)
	return ok && b
}

// put sets the value at a path, or takes it away when it is nil. What stands
// beside it stays. The resource is changed.
func (p path) put(r resource, v any) {
	box := r
	if p.urn != "" {
		box = child(r, p.urn, v != nil)
		if box == nil {
			return
		}
	}
	switch {
	case p.match != "":
		p.putElement(box, v)
	case p.sub == "":
		set(box, p.attr, v)
	default:
		inner := child(box, p.attr, v != nil)
		if inner == nil {
			return
		}
		set(inner, p.sub, v)
		if len(inner) == 0 {
			set(box, p.attr, nil)
		}
	}
}

// putElement sets or takes away the element that the path chooses.
func (p path) putElement(box resource, v any) {
	have, _ := box.at(p.attr)
	old, _ := have.([]any)
	list := slices.Clone(old)
	i := slices.IndexFunc(list, func(e any) bool { m, is := e.(map[string]any); return is && p.is(m) })
	switch {
	case v == nil && i < 0:
		return
	case v == nil && p.goesWhole():
		list = slices.Delete(list, i, i+1)
	case i >= 0:
		m, _ := list[i].(map[string]any)
		changed := resource(m).clone()
		set(changed, p.sub, v)
		list[i] = map[string]any(changed)
	default:
		list = append(list, map[string]any(p.newElement(v, len(list) == 0)))
	}
	set(box, p.attr, list)
}

// goesWhole tells whether the element is nothing without the part that the path
// means: a mail address without its value, but not a postal address without its
// town.
func (p path) goesWhole() bool { return p.sub == "value" }

// newElement makes the element that the path would choose. The first mail address
// is the primary one.
func (p path) newElement(v any, first bool) resource {
	e := resource{p.match: p.want, p.sub: v}
	if first && p.attr == "emails" {
		e["primary"] = true
	}
	return e
}

// child gives the complex value of a name, made when it is not there and
// create is set; nil without it.
func child(r resource, name string, create bool) resource {
	v, _ := r.at(name)
	m, is := v.(map[string]any)
	if !is && !create {
		return nil
	}
	copied := resource(m).clone()
	set(r, name, map[string]any(copied))
	return copied
}

// set puts a value under a name, whatever the case in which it stands there; nil
// takes it away.
func set(r resource, name string, v any) {
	for have := range r {
		if have != name && strings.EqualFold(have, name) {
			delete(r, have)
		}
	}
	if v == nil {
		delete(r, name)
		return
	}
	r[name] = v
}
