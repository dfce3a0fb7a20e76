package plan

import (
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
)

// subject is one object on its way from proposal to change.
type subject struct {
	source   directory.Object // as read; of a leaver as last seen
	target   directory.Object // zero key when there is none
	link     *mapping.Link    // nil when there is none yet
	proposed Op
	leaver   bool
	waiting  bool // a leaver in its grace period, or with nothing more to come
	cause    Cause
	why      string // reason of a leaver's operation
	matchBy  string // a first match by this key
	gone     bool   // not in the source: nothing to load
	out      *outcome
}

// drop forgets the attributes until the subject's turn comes: a flow may have a
// million of them.
func (c *subject) drop() {
	if !c.gone {
		c.source.Attributes = nil
	}
	c.target.Attributes = nil
}

// load brings the attributes back.
func (m *maker) load(c *subject) {
	if !c.gone {
		c.source, _ = m.in.Source.Get(c.source.Key)
	}
	if c.exists() {
		c.target, _ = m.in.Target.Get(c.target.Key)
	}
}

func (c *subject) exists() bool { return c.target.ID != "" }

// cases gives every source object of a kind that takes part, parents before
// children.
func (m *maker) cases(kind directory.Kind) []*subject {
	finder := mapping.NewFinder(m.mapping(kind), kind, m.sourceSide(), m.targetSide())
	var all []*subject
	for o := range m.in.Source.All(kind) {
		if kind == directory.Department && !m.departmentTakesPart(o) {
			continue
		}
		c := &subject{source: o, link: m.bySource[o.Key]}
		if !m.find(c, finder) || kind == directory.User && !m.takesPart(c) {
			continue
		}
		m.announce(c)
		c.drop()
		all = append(all, c)
	}
	if kind == directory.Department {
		sortByDepth(all, m.sourcePaths)
	}
	return all
}

func (m *maker) sourceSide() mapping.Side {
	return mapping.Side{Snap: m.in.Source, Extra: pathExtra(m.sourcePaths)}
}

func (m *maker) targetSide() mapping.Side {
	return mapping.Side{Snap: m.in.Target, Extra: pathExtra(m.targetPaths)}
}

func pathExtra(paths map[directory.ID]string) mapping.Extra {
	return func(o directory.Object) directory.Attributes {
		if o.Kind != directory.Department || paths[o.ID] == "" {
			return nil
		}
		return directory.Attributes{directory.AttrPath: directory.TextOf(paths[o.ID])}
	}
}

// find fills in the target object: by link, else by match key. It is false
// when the object must be left alone, which is then noted.
func (m *maker) find(c *subject, finder *mapping.Finder) bool {
	if c.link != nil {
		target, there := m.in.Target.Get(c.link.Target)
		if there {
			c.target = target
			return true
		}
		if !m.in.Target.Complete() {
			m.note(Unclear, None, c.source, "the target's listing is incomplete and does not show the linked %s %s / 目标系统的列表不完整，没有显示已关联的%s %s", kindEN(c.source.Kind), c.link.Target.ID, kindZH(c.source.Kind), c.link.Target.ID)
			return false
		}
		return true
	}
	ids, sources, key := finder.Find(c.source, m.sourceSide())
	switch {
	case len(ids) == 0:
		if !m.in.Target.Complete() {
			m.note(Unclear, Create, c.source, "no match, but the target's listing is incomplete: nothing is created / 没有匹配，但目标系统的列表不完整，暂不新建")
			return false
		}
		return true
	case len(ids) > 1:
		m.note(Conflict, None, c.source, "%d target objects have the same %s: %s / 目标系统里有 %d 个对象的 %s 相同：%s", len(ids), key, joinIDs(ids), len(ids), key, joinIDs(ids))
		return false
	case len(sources) > 1:
		m.note(Conflict, None, c.source, "%d source objects have the same %s: %s / 来源里有 %d 个对象的 %s 相同：%s", len(sources), key, joinIDs(sources), len(sources), key, joinIDs(sources))
		return false
	}
	target := directory.Key{Kind: c.source.Kind, ID: ids[0]}
	if l := m.byTarget[target]; l != nil {
		m.note(Conflict, None, c.source, "the target object %s found by %s is linked to %s already / 按 %[2]s 找到的目标对象 %[1]s 已关联到 %[3]s", target.ID, key, l.Source.ID)
		return false
	}
	c.target, _ = m.in.Target.Get(target)
	c.matchBy = key
	return true
}

// takesPart tells whether a user is planned as somebody who is there. Those
// who left by status or scope are turned into leavers.
func (m *maker) takesPart(c *subject) bool {
	if gone := m.leftByStatus(c); gone {
		return m.leave(c)
	}
	in, known := m.in.Flow.Scope.Includes(c.source.Attributes, m.pathsOf(c.source))
	switch {
	case !known:
		m.note(Unclear, None, c.source, "a hidden attribute decides about the scope: untouched / 决定范围的属性不可见，保持不动")
		return false
	case in:
		return true
	case c.link == nil || !c.exists():
		return false
	case !m.in.Flow.Leavers.OutOfScope:
		m.note(OutOfScope, None, c.source, "linked and out of scope: untouched (out_of_scope: keep) / 已关联但不在范围内，保持不动（out_of_scope: keep）")
		return false
	}
	c.cause = Cause{Kind: CauseScope, Fingerprint: c.source.Digest()}
	c.why = "out of scope / 已不在同步范围内"
	return m.leave(c)
}

func (m *maker) leftByStatus(c *subject) bool {
	for _, name := range sortedNames(m.in.Flow.Leavers.When) {
		values := m.in.Flow.Leavers.When[name]
		if v := c.source.Attributes[name]; mapping.HasOne(v, values) {
			c.cause = Cause{Kind: CauseStatus, Attribute: name, Values: values}
			c.why = name + " = " + v.String() + divider + name + " = " + v.String()
			return true
		}
	}
	return false
}

// leave turns a case into a leaver; false when there is nothing to take away.
func (m *maker) leave(c *subject) bool {
	if !c.exists() {
		return false
	}
	if c.link == nil {
		m.note(Kept, None, c.source, "has left, but the account %s is not ours: untouched / 已离职，但账号 %s 不是由本流程管理，保持不动", c.target.ID, c.target.ID)
		return false
	}
	c.leaver = true
	return true
}

// departmentTakesPart tells whether a department is in scope: under one of the
// scope's departments, or above one, so that the path to it exists.
func (m *maker) departmentTakesPart(o directory.Object) bool {
	tops := m.in.Flow.Scope.Departments
	path := m.sourcePaths[o.ID]
	if len(tops) == 0 {
		return true
	}
	for _, top := range tops {
		if mapping.Under(path, top) || path != "" && mapping.Under(top, path) {
			return true
		}
	}
	return false
}

// announce makes a coming partner known before references are resolved.
func (m *maker) announce(c *subject) {
	switch {
	case c.leaver:
	case c.matchBy != "":
		m.matched[c.source.Key] = c.target.Key
	case !c.exists():
		m.creates[c.source.Key] = &draft{}
	}
}

// propose sets the proposed operation.
func (m *maker) propose(c *subject) error {
	var err error
	if c.leaver {
		c.proposed, c.waiting = m.leaverOp(c)
		return nil
	}
	c.proposed, c.out, err = m.compare(c, c.source.Attributes)
	return err
}

// compare maps attributes and says what would have to happen, with the values.
func (m *maker) compare(c *subject, src directory.Attributes) (Op, *outcome, error) {
	want, lost, err := m.mapping(c.source.Kind).Map(src, m.resolve)
	if err != nil {
		return None, nil, err
	}
	out := &outcome{want: want, lost: lost}
	if !c.exists() {
		return Create, out, nil
	}
	have := m.known(c)
	out.differ = m.mapping(c.source.Kind).Diff(want, have)
	out.activate = !c.target.Active && c.link != nil && !c.link.DisabledAt.IsZero()
	if len(out.differ) > 0 || out.activate {
		return Update, out, nil
	}
	return None, out, nil
}

// outcome is what a comparison found.
type outcome struct {
	want     directory.Attributes
	lost     []string
	differ   []string
	activate bool // disabled by this flow, and back
}

// known gives the target's attributes, with what we last wrote in the place of
// what the target hides.
func (m *maker) known(c *subject) directory.Attributes {
	if c.link == nil {
		return c.target.Attributes
	}
	have := c.target.Attributes
	copied := false
	for name, v := range c.link.Written {
		if have[name].Type() != directory.Unknown {
			continue
		}
		if !copied {
			have, copied = have.Clone(), true
		}
		have[name] = v
	}
	return have
}

func joinIDs(ids []directory.ID) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = string(id)
	}
	return strings.Join(texts, ", ")
}

func kindEN(k directory.Kind) string { return string(k) }

func kindZH(k directory.Kind) string {
	if k == directory.Department {
		return "部门"
	}
	return "人员"
}
