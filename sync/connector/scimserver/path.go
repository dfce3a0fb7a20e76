package scimserver

import (
	"strings"

	filter "github.com/scim2/filter-parser/v2"
)

// target is what a PATCH path points to.
type target struct {
	schema *schema
	urn    string // of the extension; "" for the core
	attr   *attribute
	choose filter.Expression // which values; nil = all
	sub    *attribute        // nil = the whole value
}

// locate reads a path. known is false for an attribute that no schema has;
// attr is nil when the path is an extension as a whole. Faults: invalidPath.
func (r *resource) locate(path string) (t target, known bool, err error) {
	path = strings.TrimSpace(path)
	if path == "" || len(path) > maxFilter {
		return t, false, bad(invalidPath, "the path is empty or too long / path 为空或过长")
	}
	urn, rest := r.splitURN(path)
	s, ok := r.schema(urn)
	if ok && rest == "" {
		t.schema = s
		t.urn = extensionOf(r, s)
		return t, true, nil
	}
	p, err := parsePath(rest)
	if err != nil {
		return t, false, bad(invalidPath, "the path cannot be read: %[1]s / 看不懂 path：%[1]s", clip(path))
	}
	if !ok {
		return t, false, nil
	}
	t.schema, t.urn, t.choose = s, extensionOf(r, s), p.ValueExpression
	list := s.attributes
	if t.urn == "" {
		list = append(common(), list...)
	}
	if t.attr, ok = find(list, p.AttributePath.AttributeName); !ok {
		return t, false, nil
	}
	sub := p.AttributePath.SubAttributeName()
	if p.SubAttribute != nil {
		sub = *p.SubAttribute
	}
	if t.choose != nil && (!t.attr.multi || t.attr.typ != tComplex) {
		return t, false, bad(invalidPath, "%[1]s has no values to choose from / %[1]s 没有可筛选的值", t.attr.name)
	}
	if sub != "" {
		if t.sub, ok = t.attr.sub(sub); !ok {
			return t, false, nil
		}
	}
	return t, true, nil
}

// extensionOf gives the key under which a schema's attributes are kept.
func extensionOf(r *resource, s *schema) string {
	if s.id == r.core.id {
		return ""
	}
	return s.id
}

// parsePath reads a path without its schema: name, name.part, name[filter] or
// name[filter].part.
func parsePath(text string) (filter.Path, error) {
	words, ok := filterWords(text)
	if !ok || len(words) == 0 || isSign(words[0]) {
		return filter.Path{}, errWords
	}
	p, err := guarded(func() (filter.Path, error) { return filter.ParsePathNumber([]byte(words[0])) })
	if err != nil || len(words) == 1 {
		return p, err
	}
	last := len(words) - 1
	if part, ok := strings.CutPrefix(words[last], "."); ok && plainName(part) {
		p.SubAttribute = &part
		last--
	}
	if p.AttributePath.SubAttribute != nil || words[1] != "[" || closing(words, 1) != last {
		return p, errWords
	}
	p.ValueExpression, err = parseWords(quoteValues(words[2:last]))
	return p, err
}
