// Package mapping says which objects of a source take part in a flow, which
// target object each of them is, and what its attributes should be there.
//
// It is pure: no I/O, no rule, no decision about what to do. A flow's Spec is
// compiled once; a Mapping is immutable and safe for concurrent use.
package mapping

import (
	"bytes"
	"slices"
	"strings"
	"text/template"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// Rule says how one target attribute follows from the source object.
type Rule struct {
	To       string // the target's attribute
	From     string // the source's attribute; "" when Template is set
	Default  string // the value when From is empty
	Template string // a text template over the source's attributes by name: "{{ .name }}"
}

// Spec is the mapping of one kind as the configuration gives it.
type Spec struct {
	Match []string // source attributes that find the partner, in order
	Rules []Rule   // in the order of the configuration
}

// Mapping is a compiled Spec of one kind of object.
type Mapping struct {
	match []string
	rules []compiled
}

type compiled struct {
	Rule
	tmpl *template.Template
}

// Compile checks a spec. Faults: Invalid, naming the attribute.
func Compile(spec Spec) (*Mapping, error) {
	m := &Mapping{match: spec.Match}
	seen := map[string]bool{}
	for _, r := range spec.Rules {
		if seen[r.To] {
			return nil, fault.New(fault.Invalid, "map gives %s twice / 映射里 %s 出现两次", r.To, r.To)
		}
		seen[r.To] = true
		c := compiled{Rule: r}
		if r.Template != "" {
			t, err := template.New(r.To).Option("missingkey=zero").Parse(r.Template)
			if err != nil {
				return nil, fault.Wrap(fault.Invalid, err, "map.%s: the template is broken / 模板有误", r.To)
			}
			c.tmpl = t
		}
		m.rules = append(m.rules, c)
	}
	return m, nil
}

// Targets gives the target attributes that the mapping writes, in the order of
// the configuration. Only these are ever written or compared.
func (m *Mapping) Targets() []string {
	names := make([]string, len(m.rules))
	for i, r := range m.rules {
		names[i] = r.To
	}
	return names
}

// Counterpart gives the target attribute that holds what the source keeps
// under name: the one mapped from it, else the one of the same name.
func (m *Mapping) Counterpart(name string) string {
	for _, r := range m.rules {
		if r.From == name {
			return r.To
		}
	}
	return name
}

// Reads tells whether a target attribute follows from what the source keeps under
// name. A template that only mentions the name counts.
func (m *Mapping) Reads(name string) bool {
	return slices.ContainsFunc(m.rules, func(r compiled) bool {
		return r.From == name || r.tmpl != nil && strings.Contains(r.Template, name)
	})
}

// Resolve gives the target reference of a source reference, or false when the
// source object has no partner and will get none.
type Resolve func(directory.Ref) (directory.Ref, bool)

// Map gives the target attributes that the source attributes ask for. A hidden
// source value gives a hidden target value, and so does an attribute with a
// reference that has no partner; such attributes are named in lost. Faults:
// Invalid when a template cannot be filled.
func (m *Mapping) Map(src directory.Attributes, resolve Resolve) (dst directory.Attributes, lost []string, err error) {
	dst = make(directory.Attributes, len(m.rules))
	for _, r := range m.rules {
		v, missing, err := r.mapped(src, resolve)
		if err != nil {
			return nil, nil, err
		}
		dst[r.To] = v
		if len(missing) > 0 {
			// Writing a part of a reference would move a person or drop a manager.
			dst[r.To] = directory.Hidden(strings.Join(missing, ", "))
			lost = append(lost, r.To+": "+strings.Join(missing, ", "))
		}
	}
	return dst, lost, nil
}

func (c compiled) mapped(src directory.Attributes, resolve Resolve) (directory.Value, []string, error) {
	v, err := c.value(src)
	if err != nil || v.Type() != directory.Refs {
		return v, nil, err
	}
	v, missing := translate(v, resolve)
	return v, missing, nil
}

func (c compiled) value(src directory.Attributes) (directory.Value, error) {
	if c.tmpl == nil {
		v := src[c.From]
		if v.IsEmpty() && c.Default != "" {
			return directory.TextOf(c.Default), nil
		}
		return v, nil
	}
	texts := make(map[string]string, len(src))
	var hidden []string
	for name, v := range src {
		texts[name] = v.String()
		if v.Type() == directory.Unknown {
			texts[name] = ""
			hidden = append(hidden, name)
		}
	}
	text, err := c.fill(texts)
	switch {
	case err != nil && len(hidden) > 0:
		return directory.Hidden(src[slices.Min(hidden)].Permission()), nil // with all values it might be filled
	case err != nil:
		return directory.Value{}, err
	}
	if name := c.looksAt(hidden, texts, text); name != "" {
		return directory.Hidden(src[name].Permission()), nil
	}
	return directory.TextOf(strings.TrimSpace(text)), nil
}

// looksAt gives a hidden attribute that the template's text depends on, or "":
// a text built around an unknown would be a wrong text. Whether the template
// looks at one, by whatever syntax, shows when the unknown is put otherwise:
// each alone, and then all of them.
func (c compiled) looksAt(hidden []string, texts map[string]string, text string) string {
	slices.Sort(hidden)
	for _, name := range hidden {
		texts[name] = "?"
		other, err := c.fill(texts)
		if err != nil || other != text {
			return name
		}
		texts[name] = ""
	}
	for _, name := range hidden {
		texts[name] = "?"
	}
	if len(hidden) > 1 {
		if other, err := c.fill(texts); err != nil || other != text {
			return hidden[0]
		}
	}
	return ""
}

func (c compiled) fill(texts map[string]string) (string, error) {
	var buf bytes.Buffer
	if err := c.tmpl.Execute(&buf, texts); err != nil {
		return "", fault.Wrap(fault.Invalid, err, "map.%s: the template cannot be filled / 模板无法填充", c.To)
	}
	return buf.String(), nil
}

func translate(v directory.Value, resolve Resolve) (directory.Value, []string) {
	var kept []directory.Ref
	var lost []string
	for _, ref := range v.Refs() {
		partner, ok := resolve(ref)
		if !ok {
			lost = append(lost, ref.String())
			continue
		}
		kept = append(kept, partner)
	}
	return directory.RefsTo(kept...), lost
}

// Diff gives the target attributes whose wanted value is known and differs
// from the value that the target has, in the order of the configuration. A
// value that either side hides is no difference.
func (m *Mapping) Diff(want, have directory.Attributes) []string {
	var names []string
	for _, r := range m.rules {
		w, h := want[r.To], have[r.To]
		if w.Type() == directory.Unknown || h.Type() == directory.Unknown {
			continue
		}
		if !Same(r.To, w, h) {
			names = append(names, r.To)
		}
	}
	return names
}
