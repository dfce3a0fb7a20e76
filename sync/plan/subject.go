package plan

import (
	"slices"
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
	ruled    bool // the data are a rule's: marks count
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
	all = slices.DeleteFunc(m.apart(all), func(c *subject) bool {
		if _, claimed := m.claims[c.target.Key]; !c.leaver || !claimed {
			return false
		}
		m.load(c)
		return m.contested(c)
	})
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
		target, sources := m.ofTarget(c.target.Kind, c.target.ID), m.ofSource(c.source.Kind, ids...)
		m.note(Conflict, None, c.source, "the target object %s is matched by %d source objects, this one by %s: %s / 目标对象 %[1]s 同时被来源中的 %[2]d 个对象匹配，本对象按 %[3]s 匹配：%[4]s", target, len(rivals), c.matchBy, sources)
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
	if c.link != nil && m.byEvent() { // the target may lag behind what was created just now
		m.note(Kept, Create, c.source, "%s", joined(sprintf("the linked account %s is not in %s / 关联的账号 %[1]s 不在 %[2]s 中", c.link.Target.ID, m.in.Target.System), sayLater))
		return false
	}
	// An account that was linked and is gone may have been made again by hand: it
	// is looked for like a new one.
	return m.match(c, finder())
}

// match fills in the target object by match key, if there is exactly one and
// nobody else has a claim to it. Of somebody who has left, a doubt is no news: no
// account is given, and none is taken that is not linked.
func (m *maker) match(c *subject, finder *mapping.Finder) bool {
	ids, sources, key := finder.Find(c.source, m.sourceSide())
	left := m.hasLeft(c.source)
	sources = m.rivals(c, key, sources)
	switch {
	case len(ids) == 0 && len(sources) == 0 && m.in.Target.Complete():
		return true
	case left && (len(ids) != 1 || len(sources) > 0):
		return false
	case len(ids) == 0 && !m.in.Target.Complete():
		m.note(Unclear, Create, c.source, "no match, but the target's listing is incomplete: nothing is created / 没有匹配，但目标系统的列表不完整，暂不新建")
		return false
	case len(ids) > 1 || len(sources) > 0:
		m.noteDoubt(c, key, ids, append(sources, c.source.ID))
		return false
	}
	target := directory.Key{Kind: c.source.Kind, ID: ids[0]}
	if l := m.byTarget[target]; l != nil {
		if left {
			return false
		}
		if _, claimed := m.claims[target]; !claimed {
			m.claims[target] = claim{by: c.source.Key, key: key}
		}
		m.note(Conflict, None, c.source, "the target object %s found by %s is linked to %s already / 按 %[2]s 找到的目标对象 %[1]s 已关联到 %[3]s",
			m.ofTarget(target.Kind, target.ID), key, m.ofSource(l.Source.Kind, l.Source.ID))
		return false
	}
	c.target, _ = m.in.Target.Get(target)
	c.matchBy, c.link = key, nil
	return true
}

// noteDoubt names all who may be meant by a match key, on both sides.
func (m *maker) noteDoubt(c *subject, key string, ids, sources []directory.ID) {
	slices.Sort(sources)
	kind := c.source.Kind
	theirs, ours := m.ofSource(kind, sources...), m.ofTarget(kind, ids...)
	same := sprintf("the same %s / %s 相同", key, key)
	if m.differsInZeros(c, key, ids, sources) {
		same = sprintf("the same %s but for leading zeros / %s 除前导零外相同", key, key)
	}
	en, zh := halves(same)
	switch {
	case len(ids) > 1 && len(sources) > 1:
		m.note(Conflict, None, c.source, "%d source objects and %d target objects have %s: %s; in the target %s / 来源里有 %[1]d 个、目标系统里有 %[2]d 个对象的 %[6]s：%[4]s；目标系统：%[5]s", len(sources), len(ids), en, theirs, ours, zh)
	case len(ids) > 1:
		m.note(Conflict, None, c.source, "%d target objects have %s: %s / 目标系统里有 %[1]d 个对象的 %[4]s：%[3]s", len(ids), en, ours, zh)
	case len(ids) == 1:
		m.note(Conflict, None, c.source, "%d source objects have %s as the target object %s: %s / 来源里有 %[1]d 个对象与目标对象 %[3]s 的 %[5]s：%[4]s", len(sources), en, ours, theirs, zh)
	default:
		m.note(Conflict, None, c.source, "%d source objects have %s: %s / 来源里有 %[1]d 个对象的 %[4]s：%[3]s", len(sources), en, theirs, zh)
	}
}

// differsInZeros tells whether those who share a key write it differently.
func (m *maker) differsInZeros(c *subject, key string, ids, sources []directory.ID) bool {
	if key != directory.AttrEmployeeNo {
		return false
	}
	mine := mapping.Normal(key, c.source.Attributes[key].String())
	differs := func(snap *directory.Snapshot, name string) func(directory.ID) bool {
		return func(id directory.ID) bool {
			o, _ := snap.Get(directory.Key{Kind: c.source.Kind, ID: id})
			return mapping.Normal(key, o.Attributes[name].String()) != mine
		}
	}
	return slices.ContainsFunc(sources, differs(m.in.Source, key)) ||
		slices.ContainsFunc(ids, differs(m.in.Target, m.mapping(c.source.Kind).Counterpart(key)))
}

// rivals gives the others who hold a match key, but for those who have left: whoever
// comes back under a new id is not kept waiting by the old one. An account that is
// still linked to the old one is not given to the new one for that. Nor is one whose
// number differs in leading zeros: 7 who has left may be somebody else than 007.
func (m *maker) rivals(c *subject, key string, sources []directory.ID) []directory.ID {
	me := c.source.Key
	return slices.DeleteFunc(sources, func(id directory.ID) bool {
		other := directory.Key{Kind: me.Kind, ID: id}
		if other == me {
			return true
		}
		if me.Kind != directory.User || len(m.in.Flow.Leavers.When) == 0 {
			return false
		}
		o, _ := m.in.Source.Get(other)
		return m.hasLeft(o) && !m.differsInZeros(c, key, nil, []directory.ID{id})
	})
}

// hasLeft tells whether leavers.when says so of a user.
func (m *maker) hasLeft(o directory.Object) bool {
	left, _ := m.leftByStatus(&subject{source: o})
	return left && o.Kind == directory.User
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
	if c.ruled {
		if err := m.number(c, out); err != nil {
			return None, nil, err
		}
	}
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

func kindEN(k directory.Kind) string { return string(k) }

func kindZH(k directory.Kind) string {
	if k == directory.Department {
		return "部门"
	}
	return "人员"
}
