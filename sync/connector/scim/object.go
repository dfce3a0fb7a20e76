package scim

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// user makes the object of a user. groups is the value of their groups.
func (c *Connector) user(r resource, g gift, groups directory.Value) directory.Object {
	a := directory.Attributes{}
	active := true
	for _, s := range c.specs {
		v := s.value(r, g.schemas)
		if s.name != attrActive {
			a[s.name] = v
			continue
		}
		// Whether somebody may sign in is not guessed.
		on, known := v.Bool()
		if active = on || !known; !known {
			a[s.name] = directory.Hidden(cmp.Or(v.Permission(), permissionSchema))
		}
	}
	if c.options.Departments != NoGroups {
		a[attrGroups], a[directory.AttrDepartments] = groups, groups
	}
	return directory.Object{Key: directory.Key{Kind: directory.User, ID: directory.ID(r.id())}, Active: active, Attributes: a}
}

// value reads one attribute. What is not there is empty if the service declares
// it, else unknown.
func (s spec) value(r resource, known schemas) directory.Value {
	v, ok := s.path.get(r)
	if !ok && s.also.attr != "" {
		v, ok = s.also.get(r)
	}
	switch {
	case ok:
		return valueOf(v, s.typ)
	case known.shown(urnUser, s.path), s.also.attr != "" && known.shown(urnUser, s.also):
		return directory.Empty(s.typ)
	default:
		return directory.Hidden(permissionSchema)
	}
}

// valueOf gives a JSON value as a value of a type; what does not fit is unknown.
func valueOf(v any, t directory.Type) directory.Value {
	if _, object := v.(map[string]any); object || v == nil {
		return directory.Hidden(permissionOdd)
	}
	if _, list := v.([]any); list {
		return directory.Hidden(permissionOdd)
	}
	text := plain(v)
	switch t {
	case directory.Int:
		n, err := strconv.ParseInt(text, 10, 64)
		if text != "" && err != nil {
			return directory.Hidden(permissionOdd)
		}
		if text == "" {
			return directory.Empty(t)
		}
		return directory.IntOf(n)
	case directory.Bool:
		return boolOf(text)
	case directory.Date:
		return dateOf(text)
	case directory.Refs:
		if text == "" {
			return directory.Empty(t)
		}
		return directory.RefsToKind(directory.User, directory.ID(text))
	default:
		return directory.TextOf(text)
	}
}

// boolOf reads a truth value; some services write it as a text.
func boolOf(text string) directory.Value {
	switch strings.ToLower(text) {
	case "true":
		return directory.BoolOf(true)
	case "false":
		return directory.BoolOf(false)
	case "":
		return directory.Empty(directory.Bool)
	default:
		return directory.Hidden(permissionOdd)
	}
}

// dateOf reads a date or an xsd:dateTime, whose zone is dropped.
func dateOf(text string) directory.Value {
	if text == "" {
		return directory.Empty(directory.Date)
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil && at.Year() > 0 {
			return directory.DateOf(at)
		}
	}
	return directory.Hidden(permissionOdd)
}

// number reads a whole number under a name.
func number(r resource, name string) (int64, bool) {
	v, _ := r.at(name)
	n, err := json.Number(plain(v)).Int64()
	return n, err == nil
}

// department makes the object of a group.
func (c *Connector) department(r resource, g gift) directory.Object {
	a := directory.Attributes{
		attrID:       directory.TextOf(r.id()),
		attrName:     directory.TextOf(r.text(attrDisplay)),
		attrExternal: directory.TextOf(r.text(attrExternal)),
	}
	if c.options.Departments == Extension {
		a[attrParent] = directory.RefsToKind(directory.Department, parentOf(r)...)
		a[attrOrder] = directory.Empty(directory.Int)
		if n, ok := number(extensionOf(r), attrOrder); ok {
			a[attrOrder] = directory.IntOf(n)
		}
		a[attrLeaders] = directory.RefsToKind(directory.User, leadersOf(r)...)
		for _, name := range []string{attrParent, attrOrder, attrLeaders} {
			at := path{urn: urnDepartment, attr: name}
			if a[name].IsEmpty() && !g.schemas.shown(urnGroup, at) {
				a[name] = directory.Hidden(permissionSchema)
			}
		}
	}
	return directory.Object{Key: directory.Key{Kind: directory.Department, ID: directory.ID(r.id())}, Active: true, Attributes: a}
}

// extensionOf gives our part of a group.
func extensionOf(r resource) resource {
	v, _ := r.at(urnDepartment)
	m, _ := v.(map[string]any)
	return m
}

// parentOf gives the group above a group: a bare id, or one with a value.
func parentOf(r resource) []directory.ID {
	for _, e := range extensionOf(r).elements(attrParent) {
		if id := e.text("value"); id != "" {
			return []directory.ID{directory.ID(id)}
		}
	}
	return nil
}

// leadersOf gives who leads a group, in order.
func leadersOf(r resource) []directory.ID {
	var ids []directory.ID
	for _, e := range extensionOf(r).elements(attrLeaders) {
		if id := directory.ID(e.text("value")); id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}
