package plan

import (
	"maps"
	"slices"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// leavers gives the cases of objects that a complete source does not list any
// more. Each must have been asked for by id as well.
func (m *maker) leavers(kind directory.Kind) []*subject {
	var all []*subject
	if m.byEvent() {
		return nil // a listing that was only patched proves no absence
	}
	unseen := 0
	for i := range m.in.Links {
		l := &m.in.Links[i]
		if !l.Live() || l.Source.Kind != kind || m.in.Source.Has(l.Source) {
			continue
		}
		target, there := m.in.Target.Get(l.Target)
		if !there {
			continue // gone on both sides: nothing to take away
		}
		source := directory.Object{Key: l.Source, Active: true, Attributes: l.Seen}
		if source.Attributes[directory.AttrName].IsEmpty() {
			source.Attributes = withName(l.Seen, target)
		}
		if !m.in.Source.Complete() {
			unseen++
			continue
		}
		c := &subject{source: source, target: target, link: l, leaver: true, gone: true}
		if m.confirmedGone(c) && !m.contested(c) {
			c.target.Attributes = nil
			all = append(all, c)
		}
	}
	if kind == directory.Department {
		m.vanished = all
	}
	if unseen > 0 {
		m.notes = append(m.notes, Note{Kind: Unclear, Say: sprintf(
			"%d linked %ss are not in the incomplete source; nothing is concluded from that / 来源不完整，其中没有 %d 个已关联的%s，不作任何结论",
			unseen, kindEN(kind), unseen, kindZH(kind))})
	}
	return all
}

func withName(seen directory.Attributes, target directory.Object) directory.Attributes {
	out := maps.Clone(seen)
	if out == nil {
		out = directory.Attributes{}
	}
	if name := target.Attributes[directory.AttrName]; !name.IsEmpty() && name.Type() != directory.Unknown {
		out[directory.AttrName] = name
	}
	return out
}

// confirmedGone tells whether the source, asked for just this object, agreed
// that it is gone. Anything else leaves the account alone and is noted.
func (m *maker) confirmedGone(c *subject) bool {
	switch m.in.Gone[c.source.Key] {
	case GoneConfirmed:
		c.cause = Cause{Kind: CauseGone}
		c.why = sprintf("not in %s any more: missing in the complete listing, and when asked for by id / 在 %s 中已不存在：完整列表里没有，按编号单独查询也没有", m.in.Source.System, m.in.Source.System)
		return true
	case GoneDenied:
		m.note(Kept, None, c.source, "missing in the listing, but there when asked for by id: untouched / 列表里没有，但按编号查询仍然存在，保持不动")
	case GoneUnsure:
		m.note(Unclear, None, c.source, "missing in the listing, and the source cannot say for sure: untouched / 列表里没有，来源也无法确认，保持不动")
	}
	return false
}

// claim is an object of the source that matches a target object by key, but not
// by the link that the target object has.
type claim struct {
	by  directory.Key
	key string
}

// contested tells whether somebody else in the source matches the leaver's
// account. It may be the same person under a new id, who must not lose it, or
// somebody who got the number: a person must look.
func (m *maker) contested(c *subject) bool {
	other, ok := m.claims[c.target.Key]
	if !ok {
		return false
	}
	account, who := m.ofTarget(c.target.Kind, c.target.ID), m.ofSource(other.by.Kind, other.by.ID)
	gone := "not in the source any more / 来源中已不存在"
	if !c.gone {
		gone = c.why
	}
	n := Note{Kind: Conflict, Key: c.source.Key, Name: c.source.Name(), Say: joined(gone, sprintf(
		"%s there has the same %s, perhaps the same person under a new id: the account %s is untouched / 来源中的 %[1]s 的 %[2]s 相同，可能是同一个人换了编号：账号 %[3]s 保持不动",
		who, other.key, account))}
	if c.active() {
		n.Kind, n.Say = LeftActive, joined("has left, still active / 已离职，账号仍有效", n.Say)
		n.Alarm = c.link.LeftRuns+1 >= alarmRuns
	}
	m.notes = append(m.notes, n)
	return true
}

// leaverOp gives what is next for a leaver: the first step, then, after the
// grace period counted from the applied DISABLE, the second. Waiting means that
// nothing is due.
func (m *maker) leaverOp(c *subject) (op Op, waiting bool) {
	if c.source.Kind == directory.Department {
		return m.departmentLeaverOp(c)
	}
	rules := m.in.Flow.Leavers
	disabled := c.link.DisabledAt
	switch {
	case rules.First == Delete:
		op = Delete
	case disabled.IsZero():
		op = Disable
	case c.active():
		m.note(Kept, None, c.source, "has left and was disabled by us, but somebody enabled the account %s again: untouched / 已离职且已被停用，但账号 %s 又被人启用，保持不动", c.target.ID, c.target.ID)
		return None, true
	case rules.Then == Delete && !m.in.Now.Before(disabled.Add(rules.After)):
		op = Delete
	default:
		m.waiting[c.target.Key] = m.due(disabled)
		return None, true
	}
	if !m.in.Abilities.can(c.source.Kind, op) {
		m.note(Kept, op, c.source, "has left, but %s cannot %s an account: do it by hand / 已离职，但 %[1]s 不支持该操作（%[2]s），请手工处理", m.in.Target.System, op)
		return None, true
	}
	return op, false
}

func sortedNames[V any](set map[string]V) []string { return slices.Sorted(maps.Keys(set)) }
