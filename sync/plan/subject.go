package plan

import (
	"slices"
	"strings"
	"sync"

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

// active tells whether the account may be used. Where the target hides that,
// what we did last counts.
func (c *subject) active() bool {
	if c.target.Attributes[directory.AttrActive].Type() == directory.Unknown {
		return c.link == nil || c.link.DisabledAt.IsZero()
	}
	return c.target.Active
}

// activity gives what the target shows of the account's activity.
func (c *subject) activity() directory.Value {
	if v := c.target.Attributes[directory.AttrActive]; v.Type() == directory.Unknown {
		return v
	}
	return directory.BoolOf(c.target.Active)
}

// cases gives every source object of a kind that takes part, parents before
// children.
func (m *maker) cases(kind directory.Kind) []*subject {
	// When everybody is linked, nobody needs to be looked for.
	finder := sync.OnceValue(func() *mapping.Finder {
		return mapping.NewFinder(m.mapping(kind), kind, m.sourceSide(), m.targetSide())
	})
	var all []*subject
	for o := range m.in.Source.All(kind) {
		c := &subject{source: o, link: m.bySource[o.Key]}
		if m.outside(c) || !m.find(c, finder) || kind == directory.User && !m.takesPart(c) {
			continue
		}
		c.drop()
		all = append(all, c)
	}
	all = m.apart(all)
	for _, c := range all {
		m.announce(c)
	}
	if kind == directory.Department {
		sortByDepth(all, m.sourcePaths)
	}
	return all
}

// apart takes out those who match one target object by different keys: which of
// them it is, is never guessed.
func (m *maker) apart(all []*subject) []*subject {
	by := map[directory.ID][]*subject{}
	for _, c := range all {
		if c.matchBy != "" {
			by[c.target.ID] = append(by[c.target.ID], c)
		}
	}
	return slices.DeleteFunc(all, func(c *subject) bool {
		rivals := by[c.target.ID]
		if c.matchBy == "" || len(rivals) == 1 {
			return false
		}
		ids := make([]directory.ID, len(rivals))
		for i, r := range rivals {
			ids[i] = r.source.ID
		}
		m.load(c)
		m.note(Conflict, None, c.source, "the target object %s is matched by %d source objects, this one by %s: %s / 目标对象 %[1]s 同时被来源中的 %[2]d 个对象匹配，本对象按 %[3]s 匹配：%[4]s", c.target.ID, len(rivals), c.matchBy, joinIDs(ids))
		return true
	})
}

// find fills in the target object: by link, else by match key. It is false
// when the object must be left alone, which is then noted.
func (m *maker) find(c *subject, finder func() *mapping.Finder) bool {
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
	}
	// An account that was linked and is gone may have been made again by hand: it
	// is looked for like a new one.
	return m.match(c, finder())
}

// match fills in the target object by match key, if there is exactly one and
// nobody else has a claim to it.
func (m *maker) match(c *subject, finder *mapping.Finder) bool {
	ids, sources, key := finder.Find(c.source, m.sourceSide())
	switch {
	case len(ids) == 0 && !m.in.Target.Complete():
		if left, _ := m.leftByStatus(c); left && c.source.Kind == directory.User {
			return false // nothing would have been created
		}
		m.note(Unclear, Create, c.source, "no match, but the target's listing is incomplete: nothing is created / 没有匹配，但目标系统的列表不完整，暂不新建")
		return false
	case len(ids) == 0 && len(sources) <= 1:
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
		if _, claimed := m.claims[target]; !claimed {
			m.claims[target] = claim{by: c.source.Key, key: key}
		}
		m.note(Conflict, None, c.source, "the target object %s found by %s is linked to %s already / 按 %[2]s 找到的目标对象 %[1]s 已关联到 %[3]s", target.ID, key, l.Source.ID)
		return false
	}
	c.target, _ = m.in.Target.Get(target)
	c.matchBy, c.link = key, nil
	return true
}

// announce makes a coming partner known before references are resolved.
func (m *maker) announce(c *subject) {
	switch {
	case c.leaver:
	case c.matchBy != "":
		m.matched[c.source.Key] = c.target.Key
	case !c.exists():
		m.creates[c.source.Key] = &m.coming
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
	want, lost, err := m.mapping(c.source.Kind).Map(m.withPaths(c.source.Kind, src), m.resolve)
	if err != nil {
		return None, nil, err
	}
	out := &outcome{want: want, lost: lost}
	if !c.exists() {
		return Create, out, nil
	}
	have := m.known(c)
	out.differ = m.writable(c, m.mapping(c.source.Kind).Diff(want, have))
	out.activate = c.link != nil && !c.link.DisabledAt.IsZero()
	if len(out.differ) > 0 || out.activate {
		return Update, out, nil
	}
	return None, out, nil
}

// writable takes the account's own id out of what differs: it is given once.
func (m *maker) writable(c *subject, differ []string) []string {
	if attr := m.in.Abilities.IDAttribute[c.source.Kind]; attr != "" {
		return slices.DeleteFunc(differ, func(name string) bool { return name == attr })
	}
	return differ
}

// outcome is what a comparison found.
type outcome struct {
	want     directory.Attributes
	lost     []string
	differ   []string
	activate bool // disabled by this flow, and back; somebody may have enabled the account already
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
		have[name] = m.arrived(v)
	}
	return have
}

// arrived gives a value that was written while what it refers to was yet to be
// created, with the ids that those objects got.
func (m *maker) arrived(v directory.Value) directory.Value {
	refs := v.Refs()
	for i, ref := range refs {
		if l := m.bySource[ref.Key]; ref.Pending && l != nil {
			refs[i] = directory.Ref{Key: l.Target}
		}
	}
	if refs == nil {
		return v
	}
	return directory.RefsTo(refs...)
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
