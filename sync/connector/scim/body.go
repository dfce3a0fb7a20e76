package scim

import (
	"slices"
	"strings"
	"unicode"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// assign is one attribute to be written. A nil value takes it away.
type assign struct {
	path  path
	value any
	text  string // the value as shown gives it
	many  bool   // a list that is written as a whole
	name  string // of a user's attribute
	also  path   // where a user's attribute is read when nothing is at path; zero: nowhere
}

// draft is what a change writes: attributes of the object itself, and the groups
// that a user is to be in.
type draft struct {
	assigns []assign
	move    bool // groups are to be written
	groups  []string
}

// userDraft reads the attributes of a user's change. Faults: Invalid.
func (c *Connector) userDraft(w connector.Write, g gift) (draft, error) {
	var d draft
	for _, name := range w.After.Names() {
		v := w.After[name]
		if v.Type() == directory.Unknown {
			continue
		}
		if name == attrGroups && c.options.Departments != NoGroups {
			ids, err := refIDs(name, v, directory.Department)
			if err != nil {
				return d, err
			}
			d.move, d.groups = true, ids
			continue
		}
		i := slices.IndexFunc(c.specs, func(s spec) bool { return s.name == name && !s.readOnly })
		if i < 0 {
			return d, unwritable(name, c.options.Departments)
		}
		a, err := c.specs[i].assign(v, w.Op, g)
		if err != nil {
			return d, err
		}
		d.assigns = append(d.assigns, a)
	}
	return d, nil
}

// assign turns a value into JSON.
func (s spec) assign(v directory.Value, op plan.Op, g gift) (assign, error) {
	a := assign{path: s.path, name: s.name, also: s.also}
	if s.name == attrName && !g.schemas.shown(urnUser, s.path) && g.schemas.shown(urnUser, s.also) {
		a.path = s.also
	}
	switch {
	case s.typ == directory.Refs:
		ids, err := refIDs(s.name, v, directory.User)
		if err != nil || len(ids) == 0 {
			return a, err
		}
		a.value, a.text = map[string]any{"value": ids[0]}, ids[0]
		return a, nil
	case v.Type() == directory.Refs:
		return a, fault.New(fault.Invalid, "%s is a text and cannot hold references / %s 是文本，不能写入引用", s.name, s.name)
	case s.name == attrActive:
		return a.active(v, op)
	}
	a.text = clean(v.String())
	if a.text == "" {
		if s.name == attrLogin {
			return a, fault.New(fault.Invalid, "userName must not be empty / userName 不能为空")
		}
		return a, nil
	}
	return a, a.typed(v, s)
}

// typed sets the value in the attribute's own type.
func (a *assign) typed(v directory.Value, s spec) error {
	switch got := valueOf(a.text, s.typ); {
	case got.Type() == directory.Unknown:
		return fault.New(fault.Invalid, "%s has to be %s, not %s / %s 须为 %s，而不是 %s", s.name, s.typ, v.Type(), s.name, s.typ, v.Type())
	case s.typ == directory.Int:
		a.value, _ = got.Int()
	case s.typ == directory.Bool:
		a.value, _ = got.Bool()
	default:
		a.value = a.text
	}
	return nil
}

// active writes activity. Taking an account away is an operation of its own, under
// votes: it must not come in by an update.
func (a assign) active(v directory.Value, op plan.Op) (assign, error) {
	on, ok := v.Bool()
	if !ok {
		return a, fault.New(fault.Invalid, "active is true or false / active 只能是 true 或 false")
	}
	if !on && op == plan.Update {
		return a, fault.New(fault.Invalid, "an account is disabled by DISABLE, not by an update / 停用账号须使用 DISABLE，而不是更新")
	}
	a.value, a.text = on, v.String()
	return a, nil
}

// shown gives what a resource has at the place of the assignment, as a text.
func (a assign) shown(r resource) string {
	if !a.many {
		v, _ := a.path.get(r)
		return plain(v)
	}
	var texts []string
	if box, ok := a.path.box(r); ok {
		for _, e := range box.elements(a.path.attr) {
			texts = append(texts, e.text("value"))
		}
	}
	return strings.Join(texts, "\n")
}

// differs tells whether the resource has another value.
func (a assign) differs(have resource) bool {
	if _, is := a.value.(bool); is {
		return !strings.EqualFold(a.shown(have), a.text)
	}
	return a.shown(have) != a.text
}

// changes gives the assignments that the resource needs.
func changes(list []assign, have resource) []assign {
	return slices.DeleteFunc(slices.Clone(list), func(a assign) bool { return !a.differs(have) })
}

// newUser builds the body of a new user.
func newUser(list []assign, external string) resource {
	r := resource{"active": true}
	urns := []string{urnUser}
	for _, a := range list {
		if a.value == nil {
			continue
		}
		a.path.put(r, a.value)
		if a.path.urn != "" && !slices.Contains(urns, a.path.urn) {
			urns = append(urns, a.path.urn)
		}
	}
	if external != "" {
		r[attrExternal] = external
	}
	r["schemas"] = urns
	return r
}

// departmentDraft reads the attributes of a department's change.
func (c *Connector) departmentDraft(w connector.Write, g gift) ([]assign, error) {
	var list []assign
	for _, name := range w.After.Names() {
		v := w.After[name]
		if v.Type() == directory.Unknown || name == attrActive {
			continue
		}
		a, err := c.departmentAssign(name, v, g)
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, nil
}

func (c *Connector) departmentAssign(name string, v directory.Value, g gift) (assign, error) {
	a := assign{path: path{urn: urnDepartment, attr: name}}
	switch name {
	case attrName:
		a.path, a.text = path{attr: attrDisplay}, clean(v.String())
		if a.text == "" {
			return a, fault.New(fault.Invalid, "a group needs a name / 群组需要名称")
		}
		a.value = a.text
		return a, nil
	case attrExternal:
		a.path, a.text = path{attr: attrExternal}, clean(v.String())
		if a.text != "" {
			a.value = a.text
		}
		return a, nil
	case attrParent, attrOrder, attrLeaders:
		if c.options.Departments != Extension {
			return a, fault.New(fault.Invalid, "groups have no %s: set departments: extension if the service knows our extension / 群组没有 %s：如果服务支持我们的扩展，请设置 departments: extension", name, name)
		}
		if !g.schemas.extended(urnDepartment) {
			return a, fault.New(fault.Unsupported, "the service does not know our extension of groups: set departments: groups / 服务不支持我们的群组扩展：请设置 departments: groups")
		}
		return a, a.extension(name, v)
	}
	return a, unwritable(name, c.options.Departments)
}

// extension sets a value of our extension.
func (a *assign) extension(name string, v directory.Value) error {
	switch name {
	case attrOrder:
		if v.IsEmpty() {
			return nil
		}
		got := valueOf(v.String(), directory.Int)
		n, ok := got.Int()
		if !ok {
			return fault.New(fault.Invalid, "order is a number / 排序须为数字")
		}
		a.value, a.text = n, v.String()
	case attrParent:
		ids, err := refIDs(name, v, directory.Department)
		if err != nil || len(ids) == 0 {
			return err
		}
		a.value, a.text = ids[0], ids[0]
	default:
		a.many = true
		ids, err := refIDs(name, v, directory.User)
		if err != nil || len(ids) == 0 {
			return err
		}
		list := make([]any, len(ids))
		for i, id := range ids {
			list[i] = map[string]any{"value": id}
		}
		a.value, a.text = list, strings.Join(ids, "\n")
	}
	return nil
}

// refIDs gives the ids of a value of references of one kind, each once.
func refIDs(name string, v directory.Value, kind directory.Kind) ([]string, error) {
	if !v.IsEmpty() && v.Type() != directory.Refs {
		return nil, fault.New(fault.Invalid, "%s has to come from references, not from %s / %s 须由引用映射而来，而不是 %s", name, v.Type(), name, v.Type())
	}
	var ids []string
	for _, ref := range v.Refs() {
		if ref.Pending || ref.Kind != kind || ref.ID == "" {
			who := clip(ref.String())
			return nil, fault.New(fault.Invalid, "%s refers to %s, which is not in the service / %s 指向的 %s 不在该服务中", name, who, name, who)
		}
		if !slices.Contains(ids, string(ref.ID)) {
			ids = append(ids, string(ref.ID))
		}
	}
	if (name == attrManager || name == attrParent) && len(ids) > 1 {
		return nil, fault.New(fault.Invalid, "%s is one, not %d / %s 只能有一个，而不是 %d 个", name, len(ids), name, len(ids))
	}
	return ids, nil
}

// unwritable is the fault of an attribute that cannot be written here.
func unwritable(name string, departments Departments) error {
	name = clip(name)
	if name == directory.AttrDepartments && departments != NoGroups {
		return fault.New(fault.Invalid, "SCIM's name for departments is groups: map to that / SCIM 中 departments 对应 groups，请映射到它")
	}
	return fault.New(fault.Invalid, "the service has no writable attribute %s / 该服务没有可写属性 %s", name, name)
}

// clean makes a text one line: control characters become blanks, broken UTF-8 is
// dropped.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	return strings.TrimSpace(s)
}
