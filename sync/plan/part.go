package plan

import (
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
)

// outside tells whether an object has no part in the flow and needs no look at
// the target: a department that is not in scope, or whose place nobody knows,
// and a user who is neither linked nor in scope.
func (m *maker) outside(c *subject) bool {
	if c.source.Kind == directory.Department {
		return !m.departmentTakesPart(c)
	}
	if left, _ := m.leftByStatus(c); left || c.link != nil {
		return false
	}
	in, known := m.inScope(c)
	return known && !in
}

// takesPart tells whether a user is planned as somebody who is there. Those
// who left by status or scope are turned into leavers.
func (m *maker) takesPart(c *subject) bool {
	left, known := m.leftByStatus(c)
	switch {
	case left:
		return m.leave(c)
	case !known:
		m.note(Unclear, None, c.source, "a hidden attribute decides whether the person has left: untouched / 决定是否离职的属性不可见，保持不动")
		return false
	}
	in, known := m.inScope(c)
	switch {
	case !known:
		m.note(Unclear, None, c.source, "what decides about the scope is hidden: untouched / 决定范围的信息不可见，保持不动")
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

// inScope tells whether the user is in the flow's scope, and whether that can
// be told: a department without a path might be one of the scope's.
func (m *maker) inScope(c *subject) (in, known bool) {
	return m.in.Flow.Scope.Takes(c.source.Attributes, m.pathsOf(c.source))
}

// leftByStatus tells whether leavers.when says that the person has left, and
// whether it can say so.
func (m *maker) leftByStatus(c *subject) (left, known bool) {
	known = true
	for _, name := range sortedNames(m.in.Flow.Leavers.When) {
		v, values := c.source.Value(name), m.in.Flow.Leavers.When[name]
		if v.Type() == directory.Unknown {
			known = false
		}
		if mapping.HasOne(v, values) {
			c.cause = Cause{Kind: CauseStatus, Attribute: name, Values: values}
			c.why = name + " = " + v.String() + divider + name + " = " + v.String()
			return true, true
		}
	}
	return false, known
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
// scope's departments, or above one, so that the path to it exists. One whose
// place in the source is not known is left alone: it would be made in the wrong
// place, or not at all.
func (m *maker) departmentTakesPart(c *subject) bool {
	tops := m.in.Flow.Scope.Departments
	path := m.sourcePaths[c.source.ID]
	if path == "" {
		if len(tops) == 0 {
			m.note(Unclear, None, c.source, "its name or the way up to the root is hidden, broken or circular: untouched / 部门名称或上级部门不可见、缺失或成环，保持不动")
		}
		return false
	}
	if len(tops) == 0 {
		return true
	}
	for _, top := range tops {
		if mapping.Under(path, top) || mapping.Under(top, path) {
			return true
		}
	}
	return false
}
