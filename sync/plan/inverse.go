package plan

import (
	"maps"
	"slices"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
)

// sameMoment is how far apart the times of one journal write may lie once they
// are stored.
const sameMoment = 2 * time.Millisecond

func (u *undoer) uncreated(c *Change, d Deed, s *state) {
	name, verdict := u.compareLeft(s, u.left(c))
	switch {
	case s.link.Origin != mapping.Created:
		u.remark(Kept, c, "the account was not made by this flow: untouched / 账号不是由本流程创建的，保持不动")
	case s.link.Since.Sub(d.At).Abs() > sameMoment:
		u.remark(Kept, c, "the account was made again by a later run: untouched / 账号已由之后的运行重新创建，保持不动")
	case verdict == leftHidden:
		u.remark(Unclear, c, "%s is hidden, so nobody knows whether the account is as it was made: untouched / %s 不可见，无法确认账号是否仍是创建时的样子，保持不动", name, name)
	case verdict == leftChanged:
		u.remark(Kept, c, "%s was changed since: untouched / %s 在那之后有变化，保持不动", name, name)
	case u.added(c, s) != "":
		name = u.added(c, s)
		u.remark(Kept, c, "%s was written by a later run: untouched / %s 由之后的运行写入，保持不动", name, name)
	case !s.active():
		u.remark(Kept, c, "the account was disabled since: untouched / 账号在那之后被停用，保持不动")
	case !u.in.Abilities.can(c.Key.Kind, Delete):
		u.remark(Kept, c, "%s cannot delete it: do it by hand / %s 不支持删除，请手工处理", u.in.Target.System, u.in.Target.System)
	default:
		u.keep(u.add(Delete, c, s), c)
		s.gone = true
	}
}

// added gives an attribute that a later run wrote into the object that a CREATE
// made, and that the run itself did not: "" when there is none.
func (u *undoer) added(c *Change, s *state) string {
	for _, name := range s.link.Written.Names() {
		own := slices.ContainsFunc(u.of[c.Source], func(w *Change) bool {
			_, wrote := w.After[name]
			return wrote && u.in.Deeds[w.Seq].Done
		})
		if !own && !s.link.Written[name].IsEmpty() {
			return name
		}
	}
	return ""
}

// left gives what the run wrote into the object that a CREATE made. When the
// CREATE alone is taken back, what the same run wrote later counts as well.
func (u *undoer) left(c *Change) directory.Attributes {
	out := c.After.Clone()
	for _, later := range u.of[c.Source] {
		if u.in.Item == 0 || later.Op != Update || !u.in.Deeds[later.Seq].Done {
			continue
		}
		maps.Copy(out, later.After)
	}
	return out
}

type leftVerdict uint8

const (
	leftSame leftVerdict = iota
	leftChanged
	leftHidden
)

// compareLeft tells whether an object still has the values that the run left,
// activity aside, and which it has not.
func (u *undoer) compareLeft(s *state, values directory.Attributes) (string, leftVerdict) {
	for _, name := range values.Names() {
		if name == directory.AttrActive {
			continue
		}
		left, now := u.came(values[name]), s.known[name]
		switch {
		case left.Type() == directory.Unknown, now.Type() == directory.Unknown:
			return name, leftHidden
		case !mapping.Same(name, left, now):
			return name, leftChanged
		}
	}
	return "", leftSame
}

// came gives a value with the ids that objects got which the run created.
func (u *undoer) came(v directory.Value) directory.Value {
	refs := v.Refs()
	if refs == nil {
		return v
	}
	for i, ref := range refs {
		if key, ok := u.made[ref.Key]; ok && ref.Pending {
			refs[i] = directory.Ref{Key: key}
		}
	}
	return u.arrived(directory.RefsTo(refs...))
}

// restored gives an object its old values back.
func (u *undoer) restored(c *Change, s *state) {
	switch name, verdict := u.compareLeft(s, c.After); {
	case verdict == leftHidden:
		u.remark(Unclear, c, "%s is hidden, so nobody knows whether it is as the run left it: untouched / %s 不可见，无法确认是否仍是当时写入的值，保持不动", name, name)
		return
	case verdict == leftChanged && u.back(c, s):
		u.remark(Kept, c, "is as it was before already / 已经是之前的样子")
		u.stands[c.Seq] = false
		return
	case verdict == leftChanged:
		u.remark(Kept, c, "%s was changed since: untouched / %s 在那之后有变化，保持不动", name, name)
		return
	}
	after, whole := directory.Attributes{}, true
	for _, name := range c.After.Names() {
		v, ok := u.old(c, name)
		if ok {
			after[name] = v
		}
		whole = whole && (ok || name == directory.AttrActive)
	}
	if len(after) > 0 {
		d := u.add(Update, c, s)
		d.After, d.Before = after, directory.Attributes{}
		for name, v := range after {
			d.Before[name] = s.target.Attributes[name]
			if s.target.Attributes[name].Type() != directory.Unknown {
				s.target.Attributes[name] = v
			}
			s.known[name] = v
		}
		u.keep(d, c)
	}
	u.disabledAgain(c, s)
	u.stands[c.Seq] = u.stands[c.Seq] || !whole
}

// back tells whether an object has its old values already.
func (u *undoer) back(c *Change, s *state) bool {
	for name := range c.After {
		if name != directory.AttrActive && !mapping.Same(name, c.Before[name], s.known[name]) {
			return false
		}
	}
	return true
}

// old gives the value that an attribute had before the run, if it may be written
// back.
func (u *undoer) old(c *Change, name string) (directory.Value, bool) {
	v := c.Before[name]
	switch {
	case name == directory.AttrActive:
		return v, false // see disabledAgain
	case v.Type() == directory.Unknown:
		u.remark(Irreversible, c, "%s cannot be undone: its old value was hidden / %s 无法撤销：原来的值不可见", name, name)
		return v, false
	case !slices.Contains(u.mapping(c.Key.Kind).Targets(), name):
		u.remark(Irreversible, c, "%s cannot be undone: it is not mapped any more / %s 无法撤销：已不在映射中", name, name)
		return v, false
	}
	for _, ref := range v.Refs() {
		if ref.Pending || !u.in.Target.Has(ref.Key) {
			u.remark(Lost, c, "%s cannot be undone: it referred to %s, which is not there any more / %s 无法撤销：原来引用的 %s 已不存在", name, ref.ID, name, ref.ID)
			return v, false
		}
	}
	if v.Type() == directory.Absent {
		v = directory.Empty(c.After[name].Type())
	}
	return v, true
}

// disabledAgain takes an enabling back: a DISABLE like any other, with its votes.
func (u *undoer) disabledAgain(c *Change, s *state) {
	if _, given := c.After[directory.AttrActive]; !given {
		return
	}
	was, known := c.Before[directory.AttrActive].Bool()
	switch {
	case known && was:
		// The run only remembered that somebody had enabled it.
	case !known:
		u.remark(Irreversible, c, "nobody knows whether the account was disabled before: it stays enabled / 不清楚账号之前是否停用，保持启用")
	case s.activity().Type() == directory.Unknown:
		u.remark(Unclear, c, "the target does not show whether the account is enabled: untouched / 目标系统没有显示账号是否启用，保持不动")
	case !s.active():
		u.remark(Kept, c, "is disabled already / 已经停用")
	case !u.in.Abilities.can(c.Key.Kind, Disable):
		u.remark(Kept, c, "%s cannot disable it: do it by hand / %s 不支持停用，请手工处理", u.in.Target.System, u.in.Target.System)
	default:
		u.keep(u.add(Disable, c, s), c)
		s.target.Active = false
	}
}

// enabled takes a DISABLE back, if it is this one that holds.
func (u *undoer) enabled(c *Change, d Deed, s *state) {
	was, known := c.Before[directory.AttrActive].Bool()
	switch hidden := s.activity().Type() == directory.Unknown; {
	case !known:
		u.remark(Irreversible, c, "nobody knows whether the account was enabled before: it stays disabled / 不清楚账号之前是否启用，保持停用")
	case !was:
		u.remark(Kept, c, "was disabled before the run already / 在该运行之前就已停用")
	case !hidden && s.active():
		u.remark(Kept, c, "is enabled already / 已经启用")
	case s.link.DisabledAt.Sub(d.At).Abs() > sameMoment:
		u.remark(Kept, c, "was disabled otherwise since: untouched / 在那之后又以其他方式被停用，保持不动")
	default:
		e := u.add(Update, c, s)
		e.After = directory.Attributes{directory.AttrActive: directory.BoolOf(true)}
		e.Before = directory.Attributes{directory.AttrActive: s.activity()}
		u.keep(e, c)
		s.target.Active = true
	}
}
