package scimserver

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// normalizer brings what a provider sends into the one form that is kept: the
// schema's spelling of names, the schema's types, nothing unknown, nothing empty.
type normalizer struct {
	strict bool
	// ignored hears of an attribute that is not known and left out.
	ignored func(name string)
}

// unknown says what becomes of an attribute that no schema has.
func (n *normalizer) unknown(name, scimType string) error {
	if n.strict {
		return bad(scimType, "unknown attribute %[1]s / 不认识的属性 %[1]s", clip(name))
	}
	if n.ignored != nil {
		bare, _, _ := strings.Cut(name, "[") // a filter may hold what is somebody's
		n.ignored(clip(bare))
	}
	return nil
}

// whole normalizes a resource as POST and PUT bring it.
func (n *normalizer) whole(r *resource, in map[string]any) (map[string]any, error) {
	out := map[string]any{}
	own, err := n.object(append(common(), r.core.attributes...), in, func(name string, v any) (bool, error) {
		s, ok := r.extension(name)
		if !ok {
			return strings.EqualFold(name, r.core.id), nil
		}
		inner, isObject := v.(map[string]any)
		if v == nil {
			return true, nil
		}
		if !isObject {
			return true, bad(invalidValue, "%[1]s must be an object / %[1]s 必须是对象", s.id)
		}
		ext, err := n.object(s.attributes, inner, nil)
		if err == nil && len(ext) > 0 {
			out[s.id] = ext
		}
		return true, err
	})
	if err != nil {
		return nil, err
	}
	maps.Copy(out, own)
	return out, nil
}

// object normalizes the members of an object. other takes names that are no
// attributes and says whether it knows them.
func (n *normalizer) object(list []attribute, in map[string]any, other func(string, any) (bool, error)) (map[string]any, error) {
	out := map[string]any{}
	for name, v := range in {
		a, ok := find(list, name)
		if !ok && other != nil {
			known, err := other(name, v)
			if err != nil {
				return nil, err
			}
			if known {
				continue
			}
		}
		if !ok {
			if err := n.unknown(name, invalidSyntax); err != nil {
				return nil, err
			}
			continue
		}
		if a.readOnly || a.writeOnly {
			continue
		}
		got, err := n.value(a, v)
		if err != nil {
			return nil, err
		}
		if got != nil {
			out[a.name] = got
		}
	}
	return out, nil
}

// value normalizes the value of a whole attribute; nil when it is empty.
func (n *normalizer) value(a *attribute, v any) (any, error) {
	if !a.multi {
		if list, ok := v.([]any); ok && len(list) == 1 {
			v = list[0] // some providers wrap everything
		}
		return n.one(a, v)
	}
	list, err := n.elements(a, v)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list, nil
}

// elements normalizes the values of a multi-valued attribute; a single value
// counts as a list of one.
func (n *normalizer) elements(a *attribute, v any) ([]any, error) {
	given, ok := v.([]any)
	if !ok {
		given = []any{v}
	}
	list := make([]any, 0, len(given))
	for _, item := range given {
		got, err := n.one(a, item)
		if err != nil {
			return nil, err
		}
		if got != nil {
			list = append(list, got)
		}
	}
	onePrimary(list)
	return list, nil
}

// onePrimary leaves the last value that is primary the only one (RFC 7643 §2.4).
func onePrimary(list []any) {
	found := false
	for _, item := range slices.Backward(list) {
		m, ok := item.(map[string]any)
		if !ok || m["primary"] != true {
			continue
		}
		if found {
			m["primary"] = false
		}
		found = true
	}
}

// one normalizes a single value; nil when it is empty.
func (n *normalizer) one(a *attribute, v any) (any, error) {
	if v == nil {
		return nil, nil //nolint:nilnil // null is a value in JSON: 'unassigned'
	}
	if a.typ != tComplex {
		return scalar(a, v)
	}
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, inner := range v {
			sub, ok := a.sub(name)
			if !ok {
				if err := n.unknown(a.name+"."+name, invalidSyntax); err != nil {
					return nil, err
				}
				continue
			}
			got, err := n.one(sub, inner)
			if err != nil {
				return nil, err
			}
			if got != nil {
				out[sub.name] = got
			}
		}
		if len(out) == 0 {
			return nil, nil //nolint:nilnil // an empty object is 'unassigned'
		}
		return out, nil
	case []any:
		return nil, bad(invalidValue, "%[1]s must be an object / %[1]s 必须是对象", a.name)
	default:
		// Entra sends the manager, and others members, as a bare text.
		sub, ok := find(a.subs, nameValue)
		if !ok {
			return nil, bad(invalidValue, "%[1]s must be an object / %[1]s 必须是对象", a.name)
		}
		got, err := scalar(sub, v)
		if err != nil || got == "" {
			return nil, err
		}
		return map[string]any{sub.name: got}, nil
	}
}

// scalar gives a value in the attribute's type. Entra sends "True" and "False".
func scalar(a *attribute, v any) (any, error) {
	wrong := func() (any, error) {
		return nil, bad(invalidValue, "%[1]s must be of type %[2]s / %[1]s 的类型必须是 %[2]s", a.name, a.typ)
	}
	switch a.typ {
	case tBool:
		switch v := v.(type) {
		case bool:
			return v, nil
		case string:
			if b, ok := truth(v); ok {
				return b, nil
			}
		}
		return wrong()
	case tInt:
		var written string
		switch v := v.(type) {
		case json.Number:
			written = v.String()
		case string:
			written = strings.TrimSpace(v)
		}
		i, err := strconv.ParseInt(written, 10, 64)
		if err != nil {
			return wrong()
		}
		return json.Number(strconv.FormatInt(i, 10)), nil
	default:
		switch v := v.(type) {
		case string:
			return v, nil
		case json.Number:
			return v.String(), nil
		case bool:
			return strconv.FormatBool(v), nil
		}
		return wrong()
	}
}

// truth reads a truth value as providers write it.
func truth(s string) (val, ok bool) {
	switch fold(strings.TrimSpace(s)) {
	case "true":
		return true, true
	case "false":
		return false, true
	default:
		return false, false
	}
}

// checkWhole refuses a document without what it needs.
func checkWhole(r *resource, doc map[string]any) error {
	for i := range r.core.attributes {
		a := &r.core.attributes[i]
		if !a.required {
			continue
		}
		if s, _ := doc[a.name].(string); strings.TrimSpace(s) == "" {
			return bad(invalidValue, "%[1]s is required / 必须有 %[1]s", a.name)
		}
		if s, _ := doc[a.name].(string); len(s) > maxName {
			return bad(invalidValue, "%[1]s is longer than %[2]d bytes / %[1]s 超过 %[2]d 字节", a.name, maxName)
		}
	}
	if s, _ := doc["externalId"].(string); len(s) > maxName {
		return bad(invalidValue, "externalId is longer than %[1]d bytes / externalId 超过 %[1]d 字节", maxName)
	}
	return nil
}

// maxName bounds what the record keeps an index of.
const maxName = 1024

// leaf gives a value as a text, for comparing.
func leaf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return v.String()
	case nil:
		return ""
	default:
		return fmt.Sprint(v)
	}
}
