package scimserver

import (
	"maps"
	"slices"
)

// multi makes an operation on an attribute with many values.
func (p *patcher) multi(holder map[string]any, t *target, o operation) error {
	list := slices.Clone(asList(holder[t.attr.name]))
	var err error
	switch {
	case o.op == "remove" || !o.hasValue:
		list, err = p.removeFrom(list, t, o)
	case t.choose != nil:
		list, err = p.setChosen(list, t, o)
	case t.sub != nil:
		list, err = p.setPart(list, t, o)
	case o.op == "replace":
		list, err = p.elements(t.attr, o.value)
	default:
		list, err = p.addTo(list, t.attr, o.value)
	}
	if err != nil {
		return err
	}
	if len(list) == 0 {
		delete(holder, t.attr.name)
		return nil
	}
	holder[t.attr.name] = list
	return nil
}

// identity is what tells values of an attribute apart: a member by its value, any
// other by all that it holds.
func identity(a *attribute, v any) string {
	if m, ok := v.(map[string]any); ok && a.name == "members" {
		return leaf(m[nameValue])
	}
	raw, err := encodeJSON(v)
	if err != nil {
		return leaf(v)
	}
	return string(raw)
}

// addTo adds values that are not there yet.
func (p *patcher) addTo(list []any, a *attribute, v any) ([]any, error) {
	added, err := p.elements(a, v)
	if err != nil {
		return nil, err
	}
	place := make(map[string]int, len(list))
	for i, old := range list {
		place[identity(a, old)] = i
	}
	primary := false
	for _, one := range added {
		key := identity(a, one)
		if i, there := place[key]; there {
			list[i] = one
			continue
		}
		place[key] = len(list)
		list = append(list, one)
		if m, ok := one.(map[string]any); ok && m["primary"] == true {
			primary = true
		}
	}
	if primary {
		list = cloneElements(list)
		onePrimary(list)
	}
	return list, nil
}

// removeFrom removes values. With a list of them (Entra's way for members) it is
// those and no others: taking that for 'all' once emptied groups at a vendor.
func (p *patcher) removeFrom(list []any, t *target, o operation) ([]any, error) {
	switch {
	case t.choose != nil:
		return p.removeChosen(list, t), nil
	case t.sub != nil:
		return dropParts(list, t.sub, func(map[string]any) bool { return true }), nil
	case o.op == "remove" && o.hasValue:
		named, err := p.elements(t.attr, o.value)
		if err != nil {
			return nil, err
		}
		out := map[string]bool{}
		for _, v := range named {
			out[removal(t.attr, v)] = true
		}
		return slices.DeleteFunc(list, func(v any) bool { return out[removal(t.attr, v)] }), nil
	default:
		return nil, nil
	}
}

// removal is what a value is removed by: its value part if there is one.
func removal(a *attribute, v any) string {
	if m, ok := v.(map[string]any); ok && m[nameValue] != nil {
		if sub, known := a.sub(nameValue); known && sub.exact {
			return leaf(m[nameValue])
		}
		return fold(leaf(m[nameValue]))
	}
	return identity(a, v)
}

// chosen tells which elements a path chooses.
func (t *target) chosen(v any) bool {
	m, ok := v.(map[string]any)
	return ok && matcher{list: t.attr.subs}.match(t.choose, m)
}

func (p *patcher) removeChosen(list []any, t *target) []any {
	if t.sub == nil {
		return slices.DeleteFunc(list, t.chosen)
	}
	return dropParts(list, t.sub, func(m map[string]any) bool { return t.chosen(m) })
}

// dropParts removes a part of elements. An element that says only its type then
// is nothing any more.
func dropParts(list []any, sub *attribute, which func(map[string]any) bool) []any {
	list = cloneElements(list)
	return slices.DeleteFunc(list, func(v any) bool {
		m, ok := v.(map[string]any)
		if !ok || !which(m) {
			return false
		}
		dropPart(m, sub)
		for name := range m {
			if name != "type" && name != "primary" {
				return false
			}
		}
		return true
	})
}

func cloneElements(list []any) []any {
	out := make([]any, len(list))
	for i, v := range list {
		if m, ok := v.(map[string]any); ok {
			v = maps.Clone(m)
		}
		out[i] = v
	}
	return out
}

// setChosen sets the elements that a path chooses. When there is none it makes
// one that the path chooses: Entra fills in a first work address like that.
func (p *patcher) setChosen(list []any, t *target, o operation) ([]any, error) {
	list = cloneElements(list)
	found := false
	for i, v := range list {
		if !t.chosen(v) {
			continue
		}
		found = true
		m, err := p.changed(v.(map[string]any), t, o)
		if err != nil {
			return nil, err
		}
		list[i] = m
	}
	if !found {
		base, ok := terms(t.attr, t.choose)
		if !ok {
			return nil, bad(noTarget, "no value of %[1]s fits the path, and it does not say what a new one should be / %[1]s 里没有符合 path 的值，path 也没有说明新值应该是什么", t.attr.name)
		}
		m, err := p.changed(base, t, o)
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, nil
}

// changed gives an element with the value of an operation in it.
func (p *patcher) changed(m map[string]any, t *target, o operation) (map[string]any, error) {
	if t.sub != nil {
		v, err := p.one(t.sub, o.value)
		if err != nil {
			return nil, err
		}
		m[t.sub.name] = v
		return m, nil
	}
	v, err := p.one(t.attr, o.value)
	if err != nil {
		return nil, err
	}
	given, ok := v.(map[string]any)
	if !ok {
		return m, nil
	}
	out := m
	if o.op == "replace" {
		out = map[string]any{}
		if kept, simple := terms(t.attr, t.choose); simple {
			maps.Copy(out, kept)
		}
	}
	maps.Copy(out, given)
	return out, nil
}

// setPart sets a part without choosing: clear only when there is one element, or
// none.
func (p *patcher) setPart(list []any, t *target, o operation) ([]any, error) {
	if len(list) > 1 {
		return nil, bad(noTarget, "%[1]s has several values; say which, as in %[1]s[type eq \"work\"] / %[1]s 有多个值，请写明是哪一个，例如 %[1]s[type eq \"work\"]", t.attr.name)
	}
	list = cloneElements(list)
	if len(list) == 0 {
		list = append(list, map[string]any{})
	}
	m, ok := list[0].(map[string]any)
	if !ok {
		return nil, bad(invalidPath, "%[1]s has no parts / %[1]s 没有子属性", t.attr.name)
	}
	v, err := p.one(t.sub, o.value)
	if err != nil {
		return nil, err
	}
	m[t.sub.name] = v
	return list, nil
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
