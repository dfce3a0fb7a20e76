package scimserver

import (
	"slices"
	"strings"
)

// view says which attributes an answer shows.
type view struct {
	only   []choice // nil = all
	except []choice
}

// choice is an attribute, or a part of one, of a schema.
type choice struct{ urn, name, sub string }

// newView reads attributes and excludedAttributes, each a list with commas.
// Unknown names show nothing and hide nothing; a filter in brackets is left out.
func (r *resource) newView(attributes, excluded []string) view {
	return view{only: r.choices(attributes), except: r.choices(excluded)}
}

// names splits a list with commas, but not within brackets.
func names(list string) []string {
	depth := 0
	return strings.FieldsFunc(list, func(c rune) bool {
		switch c {
		case '[':
			depth++
		case ']':
			depth--
		}
		return c == ',' && depth <= 0
	})
}

func (r *resource) choices(list []string) []choice {
	var out []choice
	for _, path := range list {
		path = strings.TrimSpace(path)
		if open := strings.IndexByte(path, '['); open >= 0 {
			tail := path[strings.LastIndexByte(path, ']')+1:]
			path = path[:open] + tail
		}
		if path == "" {
			continue
		}
		urn, rest := r.splitURN(path)
		if s, ok := r.schema(urn); ok {
			urn = extensionOf(r, s)
		}
		name, sub, _ := strings.Cut(rest, ".")
		out = append(out, choice{urn, name, sub})
	}
	return out
}

// show gives what of a full answer is shown. id and schemas always are.
func (v view) show(full map[string]any) map[string]any {
	if v.only == nil && v.except == nil {
		return full
	}
	out := map[string]any{}
	for name, value := range full {
		switch {
		case name == "id" || name == "schemas":
			out[name] = value
		case strings.HasPrefix(name, "urn:"):
			if inner := v.extension(name, value); len(inner) > 0 {
				out[name] = inner
			}
		default:
			if got := v.attribute("", name, value); got != nil {
				out[name] = got
			}
		}
	}
	return out
}

func (v view) extension(urn string, value any) map[string]any {
	m, _ := value.(map[string]any)
	out := map[string]any{}
	for name, inner := range m {
		if got := v.attribute(urn, name, inner); got != nil {
			out[name] = got
		}
	}
	return out
}

// attribute gives what is shown of an attribute; nil for nothing.
func (v view) attribute(urn, name string, value any) any {
	fits := func(c choice) bool {
		return strings.EqualFold(c.urn, urn) && (c.name == "" || strings.EqualFold(c.name, name))
	}
	if v.only != nil {
		var parts []string
		whole := false
		for _, c := range v.only {
			if fits(c) {
				whole = whole || c.sub == ""
				parts = append(parts, c.sub)
			}
		}
		switch {
		case len(parts) == 0:
			return nil
		case whole:
			return value
		}
		return keepParts(value, func(part string) bool {
			return slices.ContainsFunc(parts, func(p string) bool { return strings.EqualFold(p, part) })
		})
	}
	for _, c := range v.except {
		if !fits(c) {
			continue
		}
		if c.sub == "" {
			return nil
		}
		value = keepParts(value, func(part string) bool { return !strings.EqualFold(c.sub, part) })
	}
	return value
}

// keepParts leaves some parts of a complex value.
func keepParts(value any, keep func(string) bool) any {
	switch v := value.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, inner := range v {
			if keep(name) {
				out[name] = inner
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	case []any:
		out := []any{}
		for _, item := range v {
			if got := keepParts(item, keep); got != nil {
				out = append(out, got)
			}
		}
		return out
	default:
		return value
	}
}
