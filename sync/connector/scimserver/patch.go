package scimserver

import (
	"maps"
	"slices"
	"strings"
)

// maxOperations bounds one PATCH.
const maxOperations = 1000

// operation is one operation of a PATCH.
type operation struct {
	op       string // add, replace or remove
	path     string
	hasValue bool // a value other than null stands there
	value    any
}

// parsePatch reads the body of a PATCH. Names and operations may be in any case.
func parsePatch(body map[string]any) ([]operation, error) {
	list, ok := member(body, "Operations").([]any)
	if !ok || len(list) == 0 {
		return nil, bad(invalidSyntax, "Operations must be a list that is not empty / Operations 必须是非空列表")
	}
	if len(list) > maxOperations {
		return nil, bad(tooMany, "more than %[1]d operations / 超过 %[1]d 个操作", maxOperations)
	}
	ops := make([]operation, 0, len(list))
	for _, item := range list {
		m, ok := item.(map[string]any)
		if !ok {
			return nil, bad(invalidSyntax, "an operation must be an object / 每个操作必须是对象")
		}
		name, _ := member(m, "op").(string)
		o := operation{op: strings.ToLower(strings.TrimSpace(name)), value: member(m, nameValue)}
		if !slices.Contains([]string{"add", "replace", "remove"}, o.op) {
			return nil, bad(invalidSyntax, "unknown operation %[1]q; add, replace and remove are known / 不认识的操作 %[1]q，可用 add、replace、remove", clip(name))
		}
		o.hasValue = o.value != nil
		if o.op != "remove" && !hasMember(m, nameValue) {
			return nil, bad(invalidValue, "%[1]s needs a value / %[1]s 必须有 value", o.op)
		}
		switch path := member(m, "path").(type) {
		case nil:
		case string:
			o.path = strings.TrimSpace(path)
		default:
			return nil, bad(invalidPath, "path must be a text / path 必须是文本")
		}
		ops = append(ops, o)
	}
	return ops, nil
}

// member gives a member of an object by its name in any case.
func member(m map[string]any, name string) any {
	if v, ok := m[name]; ok {
		return v
	}
	for k, v := range m {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return nil
}

// hasMember tells whether a member is there, be it null.
func hasMember(m map[string]any, name string) bool {
	for k := range m {
		if strings.EqualFold(k, name) {
			return true
		}
	}
	return false
}

// patcher applies operations to a document of its own.
type patcher struct {
	*normalizer
	r   *resource
	doc map[string]any
}

// apply makes every operation, or gives an error; the document is then useless.
func (p *patcher) apply(ops []operation) error {
	for _, o := range ops {
		var err error
		switch {
		case o.path != "":
			err = p.at(o)
		case o.op == "remove":
			err = bad(noTarget, "remove needs a path / remove 必须有 path")
		default:
			err = p.spread(o)
		}
		if err != nil {
			return err
		}
	}
	return checkWhole(p.r, p.doc)
}

// spread makes an operation without a path: each member of its value is a path
// with its own value, dotted or with a schema in front.
func (p *patcher) spread(o operation) error {
	values, ok := o.value.(map[string]any)
	if !ok {
		return bad(invalidValue, "an operation without a path needs an object as value / 没有 path 的操作，value 必须是对象")
	}
	for _, name := range sortedKeys(values) {
		// Okta repeats the id within the value.
		if slices.ContainsFunc([]string{"id", "schemas", "meta"}, func(s string) bool { return strings.EqualFold(s, name) }) {
			continue
		}
		err := p.at(operation{op: o.op, path: name, value: values[name], hasValue: values[name] != nil})
		if err != nil {
			return err
		}
	}
	return nil
}

// at makes an operation with a path.
func (p *patcher) at(o operation) error {
	t, known, err := p.r.locate(o.path)
	if err != nil {
		return err
	}
	if !known {
		return p.unknown(o.path, invalidPath)
	}
	if t.attr == nil {
		return p.extension(&t, o)
	}
	if t.attr.readOnly || t.sub != nil && t.sub.readOnly {
		return bad(mutability, "%[1]s cannot be written / %[1]s 不可写", t.attr.name)
	}
	if t.attr.writeOnly || o.op == "add" && !o.hasValue {
		return nil // a password is never kept; adding nothing is nothing
	}
	holder := p.holder(t.urn)
	switch {
	case t.attr.multi:
		err = p.multi(holder, &t, o)
	default:
		err = p.single(holder, &t, o)
	}
	if err != nil {
		return err
	}
	p.tidy(t.urn, holder)
	return nil
}

// holder gives the object that holds the attributes of a schema.
func (p *patcher) holder(urn string) map[string]any {
	if urn == "" {
		return p.doc
	}
	if m, ok := p.doc[urn].(map[string]any); ok {
		return m
	}
	return map[string]any{}
}

// tidy puts an extension back, or drops it when nothing is left.
func (p *patcher) tidy(urn string, holder map[string]any) {
	switch {
	case urn == "":
	case len(holder) == 0:
		delete(p.doc, urn)
	default:
		p.doc[urn] = holder
	}
}

// extension makes an operation on a schema as a whole.
func (p *patcher) extension(t *target, o operation) error {
	if o.op == "add" && !o.hasValue {
		return nil
	}
	if o.op == "remove" || !o.hasValue {
		if t.urn == "" {
			return bad(noTarget, "a resource's own schema cannot be removed / 不能删除资源自身的 schema")
		}
		delete(p.doc, t.urn)
		return nil
	}
	values, ok := o.value.(map[string]any)
	if !ok {
		return bad(invalidValue, "%[1]s must be an object / %[1]s 必须是对象", t.schema.id)
	}
	for _, name := range sortedKeys(values) {
		err := p.at(operation{op: o.op, path: t.schema.id + ":" + name, value: values[name], hasValue: values[name] != nil})
		if err != nil {
			return err
		}
	}
	return nil
}

// single makes an operation on an attribute with one value.
func (p *patcher) single(holder map[string]any, t *target, o operation) error {
	a := t.attr
	if o.op == "remove" || !o.hasValue {
		p.removeSingle(holder, t)
		return nil
	}
	if t.sub != nil {
		v, err := p.one(t.sub, o.value)
		if err != nil {
			return err
		}
		m, ok := holder[a.name].(map[string]any)
		if !ok {
			m = map[string]any{}
		}
		m[t.sub.name] = v
		holder[a.name] = m
		return nil
	}
	v, err := p.value(a, o.value)
	if err != nil {
		return err
	}
	if v == nil {
		delete(holder, a.name)
		return nil
	}
	// Parts of a complex attribute that are not named stay (RFC 7644 §3.5.2.3).
	// Not so when its value part is given: another manager has another name.
	if old, ok := holder[a.name].(map[string]any); ok {
		if given, isObject := v.(map[string]any); isObject && given[nameValue] == nil {
			maps.Copy(old, given)
			return nil
		}
	}
	holder[a.name] = v
	return nil
}

// removeSingle removes an attribute with one value, or a part of it.
func (p *patcher) removeSingle(holder map[string]any, t *target) {
	name := t.attr.name
	if t.urn == "" && slices.Contains(p.r.keeps, name) {
		return // neither yes nor no: who is suspended stays so
	}
	if t.sub == nil {
		delete(holder, name)
		return
	}
	m, ok := holder[name].(map[string]any)
	if !ok {
		return
	}
	dropPart(m, t.sub)
	if len(m) == 0 {
		delete(holder, name)
	}
}

// dropPart removes a part; without the value, what described it goes too.
func dropPart(m map[string]any, sub *attribute) {
	delete(m, sub.name)
	if sub.name == nameValue {
		for _, name := range []string{"display", "displayName", "$ref"} {
			delete(m, name)
		}
	}
}
