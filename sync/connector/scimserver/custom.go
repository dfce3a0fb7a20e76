package scimserver

import (
	"strconv"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// custom is a configured attribute with its path.
type custom struct {
	Attribute
	at target
}

// addCustom makes a path known, with an attribute or an extension of its own when
// no schema has it. Faults: Invalid.
func (r *resource) addCustom(a Attribute) (custom, error) {
	wrong := func() (custom, error) {
		return custom{}, fault.New(fault.Invalid, "scim_server: the path of attribute %[1]s cannot be used / SCIM 接收端：属性 %[1]s 的路径不能用", a.Name)
	}
	switch a.Type {
	case directory.Text, directory.Int, directory.Bool, directory.Date:
	default:
		return wrong()
	}
	if a.Name == "" || strings.ContainsAny(a.Name, " \t\n") {
		return wrong()
	}
	t, known, err := r.locate(a.Path)
	if err == nil && !known {
		urn, name := r.splitURN(strings.TrimSpace(a.Path))
		if !plainName(name) {
			return wrong()
		}
		r.declare(urn, attribute{name: name, typ: wireType(a.Type), exact: true})
		t, known, err = r.locate(a.Path)
	}
	if err != nil || !known || t.attr == nil || t.attr.writeOnly {
		return wrong()
	}
	return custom{a, t}, nil
}

// declare adds an attribute to a schema, which is made when it is not there.
func (r *resource) declare(urn string, a attribute) {
	if s, ok := r.schema(urn); ok {
		s.attributes = append(s.attributes, a)
		return
	}
	name := urn[strings.LastIndexByte(urn, ':')+1:]
	r.extensions = append(r.extensions, schema{urn, name, name, []attribute{a}})
}

// plainName tells whether a name is an ATTRNAME of RFC 7644.
func plainName(s string) bool {
	for i, c := range s {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c != '-' && c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return s != ""
}

func wireType(t directory.Type) kindOfValue {
	switch t {
	case directory.Int:
		return tInt
	case directory.Bool:
		return tBool
	default:
		return tText
	}
}

// read gives the attribute of a document. ok is false when what stands there is
// not of its type.
func (c *custom) read(doc map[string]any) (directory.Value, bool) {
	holder := doc
	if c.at.urn != "" {
		holder, _ = doc[c.at.urn].(map[string]any)
	}
	v := holder[c.at.attr.name]
	if c.at.attr.typ == tComplex {
		v = c.part(v)
	} else if list, many := v.([]any); many && len(list) > 0 {
		v = list[0]
	}
	return typed(c.Type, leaf(v))
}

// part gives the part of a complex value, of the first element that fits.
func (c *custom) part(v any) any {
	name := nameValue
	if c.at.sub != nil {
		name = c.at.sub.name
	}
	for _, item := range asList(v) {
		m, ok := item.(map[string]any)
		if ok && (c.at.choose == nil || (matcher{list: c.at.attr.subs}).match(c.at.choose, m)) {
			return m[name]
		}
	}
	return nil
}

// typed gives a text as a value of a type.
func typed(t directory.Type, s string) (directory.Value, bool) {
	s = strings.TrimSpace(s)
	if s == "" {
		return directory.Empty(t), true
	}
	switch t {
	case directory.Int:
		n, err := strconv.ParseInt(s, 10, 64)
		return directory.IntOf(n), err == nil
	case directory.Bool:
		b, ok := truth(s)
		return directory.BoolOf(b), ok
	case directory.Date:
		for _, layout := range []string{time.DateOnly, time.RFC3339Nano, "2006-01-02T15:04:05"} {
			if at, err := time.Parse(layout, s); err == nil {
				return directory.DateOf(at), true
			}
		}
		return directory.Value{}, false
	default:
		return directory.TextOf(s), true
	}
}
