package plan

import (
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
)

// settle turns a judged case into changes and notes.
func (m *maker) settle(c *subject, v Verdict, mentions Calls) {
	proposed, out, err := m.reconsider(c, v)
	if err != nil {
		m.unmapped(c, err)
		return
	}
	r := v.Rule(Situation{Proposed: proposed, Exists: c.exists(), Mentions: mentions})
	if r.Note != "" {
		m.refuse(c, v, r.Note, proposed)
		return
	}
	if m.adoptsLater(c, out) {
		all := slices.Concat(c.out.lost, out.lost)
		slices.Sort(all)
		lost := strings.Join(slices.Compact(all), "; ")
		m.note(Lost, Adopt, c.source, "%s", m.lost(sprintf("not adopted, a reference has no partner: %s / 暂不认领，引用找不到对应对象：%s", lost, lost)))
		return
	}
	drafted := len(m.drafts)
	switch r.Op {
	case Create:
		m.create(c, v, out)
	case Update:
		m.update(c, v, out)
	case Disable, Delete:
		m.take(c, v, r)
	case None, Adopt:
		m.adoptIfNew(c)
		if !c.exists() {
			m.uncreate(c.source.Key)
		}
	}
	m.sign(m.drafts[drafted:], c, v, out)
}

// reconsider gives what would happen on the data that the rule returned.
func (m *maker) reconsider(c *subject, v Verdict) (Op, *outcome, error) {
	changed := v.Data != nil && v.Returned
	if c.leaver || !changed && c.source.Kind != directory.Department {
		return c.proposed, c.out, nil
	}
	// A department's parent may have been held since the proposal was made.
	src := c.source.Attributes
	if c.ruled = changed; changed {
		src = v.Data
	}
	return m.compare(c, src)
}

// refuse notes why a rule left an object alone.
func (m *maker) refuse(c *subject, v Verdict, kind NoteKind, proposed Op) {
	at := m.rules.placeOf(c.source.Kind, v, kind)
	n := Note{Kind: kind, Op: proposed, Key: c.source.Key, Name: c.source.Name(), Place: at.String()}
	switch kind {
	case RuleFailed:
		m.failed[at.File]++
		n.Say = v.sayFailed()
	case Aborted:
		n.Say = "the rule dropped it / 规则放弃了该操作"
	default:
		n.Say = "the rule did not say what to do / 规则没有给出操作"
		if v.Data != nil && !v.Returned {
			n.Say = "the rule changed the data and ended without return context / 规则改了数据，但没有以 return context 结束"
		}
	}
	if v.Reason != "" {
		n.Say = withDetail(n.Say, v.Reason)
	}
	if c.leaver && !c.waiting && c.active() && c.source.Kind == directory.User {
		n.Kind = LeftActive
		n.Say = joined("has left, still active / 已离职，账号仍有效", n.Say)
		n.Alarm = c.link.LeftRuns+1 >= alarmRuns
	}
	m.notes = append(m.notes, n)
	m.uncreate(c.source.Key)
}

// alarmRuns is how many runs running somebody may be left and still active
// before the room is told.
const alarmRuns = 3

// create drafts a CREATE, and a second UPDATE for references to users that the
// same plan creates.
func (m *maker) create(c *subject, v Verdict, out *outcome) {
	if len(out.lost) > 0 {
		lost := strings.Join(out.lost, "; ")
		m.note(Lost, Create, c.source, "%s", m.lost(sprintf("not created, a reference has no partner: %s / 暂不新建，引用找不到对应对象：%s", lost, lost)))
		m.uncreate(c.source.Key)
		return
	}
	d := m.draft(Create, c.source, directory.Object{Key: directory.Key{Kind: c.source.Kind}})
	d.After = directory.Attributes{}
	later := directory.Attributes{}
	for _, name := range m.mapping(c.source.Kind).Targets() {
		value := out.want[name]
		switch {
		case value.Type() == directory.Unknown || value.IsEmpty():
		case pendingUser(value):
			later[name] = value
		default:
			d.After[name] = value
		}
	}
	if !m.nameCreate(c, d) {
		m.uncreate(c.source.Key)
		return
	}
	d.Reason = withReason(sprintf("new in %s / %s 中新出现", m.in.Source.System, m.in.Source.System), v)
	if c.link != nil {
		d.Reason = withReason(sprintf("the linked account %s is gone from %s: made again / 关联的账号 %s 在 %s 中已不存在，重新创建", c.link.Target.ID, m.in.Target.System, c.link.Target.ID, m.in.Target.System), v)
	}
	m.creates[c.source.Key] = d
	m.claim(d)
	m.drafts = append(m.drafts, d)
	if len(later) > 0 {
		second := m.draft(Update, c.source, directory.Object{Key: directory.Key{Kind: c.source.Kind, ID: d.Key.ID}})
		second.After, second.Before, second.second = later, emptied(later), true
		second.Reason = "reference to somebody created in the same plan / 引用同一计划中新建的对象"
		m.drafts = append(m.drafts, second)
	}
}

// nameCreate gives a CREATE its id when the target takes ours, and sees that
// nobody has it.
func (m *maker) nameCreate(c *subject, d *draft) bool {
	attr := m.in.Abilities.IDAttribute[c.source.Kind]
	if attr == "" || m.mappingLacks(c.source.Kind, attr) {
		return true
	}
	id := d.After[attr].String()
	if id == "" {
		m.note(Held, Create, c.source, "not created: %s is empty / 暂不新建：%s 为空", attr, attr)
		return false
	}
	key := directory.Key{Kind: c.source.Kind, ID: directory.ID(strings.ToLower(id))}
	if other, taken := m.claimed[key]; taken {
		m.note(Conflict, Create, c.source, "not created: %s %s is wanted by %s too / 暂不新建：%[1]s %[2]s 与 %[3]s 冲突", attr, id, m.ofSource(other.Kind, other.ID))
		return false
	}
	if taken := m.takenID(key); taken != "" {
		m.note(Conflict, Create, c.source, "not created: %s %s exists in the target and did not match: %s / 暂不新建：目标系统中已有 %[1]s %[2]s，但没有匹配上：%[3]s", attr, taken, m.ofTarget(key.Kind, taken))
		return false
	}
	if l := m.holder(key, c.source.Key); l != nil {
		m.note(Conflict, Create, c.source, "not created: %s %s is the account of %s, which is gone from the target but may come back: give it another one / 暂不新建：%[1]s %[2]s 是 %[3]s 的账号，目标系统中已没有该账号，但可能恢复：请换一个", attr, id, m.ofSource(l.Source.Kind, l.Source.ID))
		return false
	}
	m.claimed[key] = c.source.Key
	d.Key.ID = directory.ID(id)
	return true
}

// holder gives a live link of somebody else to a target id, however it is written, that
// is not over.
func (m *maker) holder(folded, but directory.Key) *mapping.Link {
	if m.holders == nil {
		m.holders = map[directory.Key][]*mapping.Link{}
		for i := range m.in.Links {
			if l := &m.in.Links[i]; l.Live() {
				key := directory.Key{Kind: l.Target.Kind, ID: directory.ID(strings.ToLower(string(l.Target.ID)))}
				m.holders[key] = append(m.holders[key], l)
			}
		}
	}
	for _, l := range m.holders[folded] {
		if l.Source != but && !m.over(l) {
			return l
		}
	}
	return nil
}

// over tells whether a link's account is gone and its owner surely gone or left: then
// somebody else may get the id, and with it the link's place.
func (m *maker) over(l *mapping.Link) bool {
	if m.byEvent() || !m.in.Target.Complete() || m.in.Target.Has(l.Target) {
		return false
	}
	if o, there := m.in.Source.Get(l.Source); there {
		return m.hasLeft(o)
	}
	return m.in.Source.Complete() && m.in.Gone[l.Source] == GoneConfirmed
}

func (m *maker) mappingLacks(kind directory.Kind, attr string) bool {
	return !slices.Contains(m.mapping(kind).Targets(), attr)
}

// takenID gives the target's id that differs from a wanted one at most in
// case: systems that take our ids compare them so.
func (m *maker) takenID(folded directory.Key) directory.ID {
	if m.folded[folded.Kind] == nil {
		index := map[directory.ID]directory.ID{}
		for o := range m.in.Target.All(folded.Kind) {
			index[directory.ID(strings.ToLower(string(o.ID)))] = o.ID
		}
		m.folded[folded.Kind] = index
	}
	return m.folded[folded.Kind][folded.ID]
}

// update drafts an UPDATE, after an ADOPT when the match is new.
func (m *maker) update(c *subject, v Verdict, out *outcome) {
	if len(out.lost) > 0 {
		lost := strings.Join(out.lost, "; ")
		m.note(Lost, Update, c.source, "%s", m.lost(sprintf("left as it is, a reference has no partner: %s / 保持原样，引用找不到对应对象：%s", lost, lost)))
	}
	m.adoptIfNew(c)
	if len(out.differ) == 0 && !out.activate {
		return
	}
	d := m.draft(Update, c.source, c.target)
	d.After, d.Before = directory.Attributes{}, directory.Attributes{}
	for _, name := range out.differ {
		d.After[name] = out.want[name]
		d.Before[name] = c.target.Attributes[name]
	}
	reason := sprintf("differs: %s / 不一致：%s", strings.Join(out.differ, ", "), strings.Join(out.differ, "、"))
	if out.activate {
		d.After[directory.AttrActive] = directory.BoolOf(true)
		d.Before[directory.AttrActive] = c.activity()
		reason = "back in the source: enabled again / 重新出现在来源中，恢复启用"
		if c.active() {
			reason = "back in the source, and somebody enabled the account: remembered / 重新出现在来源中，账号已被人启用：予以记录"
		}
	}
	d.Reason = withReason(reason, v)
	m.claim(d)
	m.drafts = append(m.drafts, d)
}

// adoptIfNew drafts the ADOPT of a first match by key.
func (m *maker) adoptIfNew(c *subject) {
	if c.matchBy == "" || c.leaver {
		return
	}
	d := m.draft(Adopt, c.source, c.target)
	d.Before = m.mapped(c)
	d.Reason = sprintf("same %s / %s 相同", c.matchBy, c.matchBy)
	if m.differsInZeros(c, c.matchBy, []directory.ID{c.target.ID}, nil) {
		d.Reason = sprintf("same %s but for leading zeros / %s 除前导零外相同", c.matchBy, c.matchBy)
	}
	m.drafts = append(m.drafts, d)
}

// adoptsLater tells whether a first match waits for a full run: a plan by event does
// not see whom a reference means, where a full one might see a difference that the
// rule holds back, and the match with it.
func (m *maker) adoptsLater(c *subject, out *outcome) bool {
	return m.byEvent() && c.matchBy != "" && !c.leaver && len(c.out.lost)+len(out.lost) > 0
}

// take drafts a DISABLE or DELETE.
func (m *maker) take(c *subject, v Verdict, r Ruling) {
	if m.byEvent() {
		m.note(Kept, r.Op, c.source, "%s", joined("chosen by the rule / 由规则决定", sayLater))
		return
	}
	if !m.in.Source.Complete() {
		m.note(Unclear, r.Op, c.source, "not planned: the source is incomplete / 来源不完整，不列入计划")
		return
	}
	if c.disabledFor(r.Op) {
		return // nothing to do
	}
	if !m.in.Abilities.can(c.source.Kind, r.Op) {
		m.note(Kept, r.Op, c.source, "%s cannot do that: do it by hand / %s 不支持该操作，请手工处理", m.in.Target.System, m.in.Target.System)
		return
	}
	d := m.draft(r.Op, c.source, c.target)
	d.Before = m.mapped(c)
	d.Before[directory.AttrActive] = c.activity()
	d.unlinked = c.link == nil
	d.target.Attributes = m.known(c)
	d.stranger = m.stranger(c)
	d.Cause, d.Reason = m.grounds(c, v, r), withReason(c.why, v)
	if r.Chosen {
		d.Reason = withReason("chosen by the rule / 由规则决定", v)
	}
	if d.Op == Delete && !r.Chosen && c.link != nil && !c.link.DisabledAt.IsZero() {
		day := c.link.DisabledAt.Format("2006-01-02")
		d.Reason = withDetail(d.Reason, day)
	}
	if d.stranger {
		d.Reason = joined(d.Reason, sprintf("the account shows nothing of what was last written and is %s now: perhaps somebody else's / 账号与上次写入的内容全都不同，现在是 %s：可能已归他人使用", c.target.Name(), c.target.Name()))
	}
	m.drafts = append(m.drafts, d)
}

// grounds gives what a DISABLE or DELETE rests on.
func (m *maker) grounds(c *subject, v Verdict, r Ruling) Cause {
	cause := c.cause
	// Of who is gone there is no source object that could keep a fingerprint, and of who
	// is out of scope it keeps one though the departments are moved.
	if r.Chosen && (!c.leaver || cause.Kind != CauseGone && cause.Kind != CauseScope) {
		cause = Cause{Kind: CauseRule, Fingerprint: c.source.Digest()}
	}
	if _, ruled := m.rules.about(c.source.Kind); ruled && cause.Kind == CauseStatus {
		cause.Fingerprint = c.source.Digest() // the rule let it pass for what it is
	}
	cause.Looked = m.looked(v)
	return cause
}

// disabledFor tells whether a DISABLE has nothing to do any more.
func (c *subject) disabledFor(op Op) bool {
	return op == Disable && !c.active() && (c.link == nil || !c.link.DisabledAt.IsZero())
}

// mapped gives the target's mapped attributes as they are.
func (m *maker) mapped(c *subject) directory.Attributes {
	out := directory.Attributes{}
	for _, name := range m.mapping(c.source.Kind).Targets() {
		if v, ok := c.target.Attributes[name]; ok {
			out[name] = v
		}
	}
	return out
}

func withReason(reason string, v Verdict) string { return withDetail(reason, v.Reason) }

func pendingUser(v directory.Value) bool {
	for _, ref := range v.Refs() {
		if ref.Pending && ref.Kind == directory.User {
			return true
		}
	}
	return false
}

func emptied(a directory.Attributes) directory.Attributes {
	out := make(directory.Attributes, len(a))
	for name, v := range a {
		out[name] = directory.Empty(v.Type())
	}
	return out
}
