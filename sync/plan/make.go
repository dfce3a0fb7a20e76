package plan

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/mapping"
)

// Make gives the plan of a run. Two calls with the same input give
// byte-identical plans. A rule that is of no use at all, see Rules.Judge, gives a plan
// that changes nothing and is blocked, with one note. Faults: whatever Rules gives when
// it cannot judge at all, Internal when it answers for other objects, Invalid when
// Input.Only names no one department; what is wrong with single objects is in the
// plan's notes. What Input.Former does, or fails to do, changes nothing but Plan.Rules.
func Make(ctx context.Context, in Input) (*Plan, error) {
	m := newMaker(in)
	if err := m.plan(ctx); err != nil && !m.breaks(ctx, err) {
		return nil, err
	}
	m.forget()
	p := &Plan{
		Flow: in.Flow.Name, Config: in.Config, Recent: in.Recent, Managed: m.managed,
		Source: side(in.Source, in.SourceTenant), Target: side(in.Target, in.TargetTenant),
	}
	p.Changes = m.order()
	p.Names = m.names(p.Changes)
	p.Notes = sortNotes(m.onlyNamed(m.notes))
	p.Risk = assess(m.in, p, m)
	p.Rules = m.ruleChange()
	if in.Only.Department != "" || in.Only.Kind != "" {
		if err := m.narrow(p); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func side(s *directory.Snapshot, tenant string) Side {
	h := s.Health
	h.Took = 0 // two plans of the same inputs must not differ by the time a read took
	return Side{
		System: s.System, Tenant: tenant, Digest: s.Digest(), Health: h,
		Users: s.Len(directory.User), Departments: s.Len(directory.Department),
	}
}

// maker collects the changes and notes of one plan.
type maker struct {
	in          Input
	sourcePaths map[directory.ID]string // of the source's departments
	targetPaths map[directory.ID]string
	bySource    map[directory.Key]*mapping.Link // live links
	byTarget    map[directory.Key]*mapping.Link
	managed     int // live links of users

	drafts   []*draft
	creates  map[directory.Key]*draft          // CREATE by source key: &coming until it is drafted, nil for a user who is held
	coming   draft                             // stands for a CREATE that was not judged yet
	matched  map[directory.Key]directory.Key   // adoption of this plan: source → target
	claimed  map[directory.Key]directory.Key   // target ids of CREATE (folded) → source
	holders  map[directory.Key][]*mapping.Link // live links by target (folded); nil: nobody asked yet
	claims   map[directory.Key]claim           // linked target objects that somebody else matches
	byPath   map[string]directory.ID           // target departments by path; "" when two have it
	use      *occupancy                        // of the target's departments; nil: not looked at yet
	vanished []*subject                        // departments of ours that are gone from the source
	waiting  map[directory.Key]time.Time       // accounts of leavers in their grace period, by target → its end; zero: without end
	folded   map[directory.Kind]map[directory.ID]directory.ID
	used     map[directory.Kind]*numbers // texts in use, once somebody needs to know
	partial  bool                        // the target is not all there
	rules    judges
	contest  *contest // nil: the rules are not held against others
	judged   int
	failed   map[string]int // objects on which a rule failed, by the rule's file
	broken   *RuleError     // a rule is of no use at all; nil: none is
	notes    []Note
	undo     *UndoInput // nil: of a run that compares source and target
}

// draft is a change before the plan is ordered.
type draft struct {
	Change
	depth    int              // of a department: its distance from the root, where it is taken from or put to
	path     string           // for the order of departments
	second   bool             // the second pass of references
	empties  []*draft         // of a department's DELETE: what takes out those who are in it
	unlinked bool             // a destructive change of an account that is not ours
	stranger bool             // the same of one that seems to be somebody else's by now
	source   directory.Object // of a destructive change: what says whether it is protected
	target   directory.Object // the same, with what we know of hidden values
}

func newMaker(in Input) *maker {
	m := &maker{
		in:          in,
		sourcePaths: mapping.Paths(in.Source), targetPaths: mapping.Paths(in.Target),
		bySource: map[directory.Key]*mapping.Link{}, byTarget: map[directory.Key]*mapping.Link{},
		creates: map[directory.Key]*draft{}, matched: map[directory.Key]directory.Key{},
		claimed: map[directory.Key]directory.Key{}, claims: map[directory.Key]claim{}, byPath: map[string]directory.ID{},
		folded: map[directory.Kind]map[directory.ID]directory.ID{}, waiting: map[directory.Key]time.Time{}, used: map[directory.Kind]*numbers{},
		partial: in.partial, rules: judges{rules: in.Rules}, failed: map[string]int{},
	}
	if in.Former != nil && in.Former.Rules != nil {
		m.contest = &contest{former: judges{rules: in.Former.Rules}, most: examplesMax}
	}
	if m.byEvent() {
		m.in.LastGood = nil
	}
	for i := range in.Links {
		l := &in.Links[i]
		if !l.Live() {
			continue
		}
		m.bySource[l.Source], m.byTarget[l.Target] = l, l
		if l.Source.Kind == directory.User {
			m.managed++
		}
	}
	for id, path := range m.targetPaths {
		if _, twice := m.byPath[path]; twice {
			id = "" // which of them is meant is never guessed
		}
		m.byPath[path] = id
	}
	return m
}

func (m *maker) mapping(kind directory.Kind) *mapping.Mapping {
	if kind == directory.Department {
		return m.in.Flow.Departments
	}
	return m.in.Flow.Users
}

func (m *maker) note(kind NoteKind, op Op, o directory.Object, format string, args ...any) {
	m.notes = append(m.notes, Note{Kind: kind, Op: op, Key: o.Key, Name: o.Name(), Say: fmt.Sprintf(format, args...)})
}

func (m *maker) draft(op Op, source, target directory.Object) *draft {
	shown := source
	if shown.ID == "" {
		shown = target
	}
	d := &draft{
		Change: Change{Op: op, Key: target.Key, Source: source.Key, Name: shown.Name(), Cause: Cause{Kind: CauseDiffers}},
	}
	if op.Destructive() {
		d.source, d.target = source, target
	}
	d.Key.Kind = shown.Kind
	if shown.Kind == directory.Department {
		d.path = m.pathOf(source, target)
		d.depth = strings.Count(d.path, "/")
		if op == Delete {
			d.depth = strings.Count(m.targetPaths[target.ID], "/")
		}
		d.Where = d.path
	} else {
		d.Where = m.whereOf(source, target)
		d.Tail = tail(source, target)
	}
	return d
}

func (m *maker) pathOf(source, target directory.Object) string {
	if path := m.sourcePaths[source.ID]; path != "" {
		return path
	}
	return m.targetPaths[target.ID]
}

// whereOf gives the path of a user's first department that has one.
func (m *maker) whereOf(source, target directory.Object) string {
	if paths := m.pathsOf(source); len(paths) > 0 {
		return paths[0]
	}
	if paths := m.targetPathsOf(target); len(paths) > 0 {
		return paths[0]
	}
	return ""
}

// targetPathsOf gives the paths of the departments that a target user refers
// to, those that the mapping knows as the departments first.
func (m *maker) targetPathsOf(user directory.Object) []string {
	names := user.Attributes.Names()
	if m.in.Flow.Users != nil {
		names = append([]string{m.in.Flow.Users.Counterpart(directory.AttrDepartments)}, names...)
	}
	var paths []string
	for _, name := range names {
		for _, ref := range user.Attributes[name].Refs() {
			if path := m.targetPaths[ref.ID]; ref.Kind == directory.Department && path != "" {
				paths = append(paths, path)
			}
		}
	}
	return paths
}

// pathsOf gives the paths of a source user's departments.
func (m *maker) pathsOf(user directory.Object) []string {
	var paths []string
	for _, ref := range user.Attributes[directory.AttrDepartments].Refs() {
		if path := m.sourcePaths[ref.ID]; path != "" {
			paths = append(paths, path)
		}
	}
	return paths
}

// tail gives the end of the employee number, or of the id: enough to tell two
// persons of one name apart.
func tail(source, target directory.Object) string {
	no := source.Attributes[directory.AttrEmployeeNo].String()
	if no == "" || no == "?" {
		no = string(source.ID)
	}
	if no == "" {
		no = string(target.ID)
	}
	runes := []rune(no)
	return string(runes[max(0, len(runes)-tailLen):])
}

const tailLen = 4

// resolve gives the target reference of a source reference.
func (m *maker) resolve(ref directory.Ref) (directory.Ref, bool) {
	if l := m.bySource[ref.Key]; l != nil && (m.in.Target.Has(l.Target) || !m.in.Target.Complete()) {
		return directory.Ref{Key: l.Target}, true
	}
	if key, ok := m.matched[ref.Key]; ok {
		return directory.Ref{Key: key}, true
	}
	if _, coming := m.creates[ref.Key]; coming {
		return directory.Ref{Key: ref.Key, Pending: true}, true
	}
	if ref.Kind == directory.Department && m.in.Flow.Departments == nil {
		id := m.byPath[m.sourcePaths[ref.ID]]
		return directory.Ref{Key: directory.Key{Kind: directory.Department, ID: id}}, id != ""
	}
	return directory.Ref{}, false
}

// plan plans all objects: of each kind who is there, and then who has left. All
// are found before any is compared, since a department may refer to a user who
// is yet to come. Departments that vanished are the last: whether they are empty
// depends on what becomes of everybody else.
func (m *maker) plan(ctx context.Context) error {
	type group struct {
		kind directory.Kind
		all  []*subject
	}
	var groups []group
	var vanished group
	if m.mapping(directory.Department) != nil {
		groups = append(groups, group{directory.Department, m.cases(directory.Department)})
		vanished = group{directory.Department, m.leavers(directory.Department)}
	}
	if m.mapping(directory.User) != nil {
		groups = append(groups, group{directory.User, m.cases(directory.User)}, group{directory.User, m.leavers(directory.User)})
	}
	groups = append(groups, vanished)
	for i := range groups {
		groups[i].all = m.named(groups[i].all)
	}
	m.absent()
	for _, g := range groups {
		for chunk := range slices.Chunk(g.all, judgeChunk) {
			if err := m.judge(ctx, g.kind, chunk); err != nil {
				return err
			}
		}
	}
	return nil
}

// judgeChunk bounds how many objects wait for the rule at once.
const judgeChunk = 1000

// judge asks the rule about a chunk and turns each case into changes.
func (m *maker) judge(ctx context.Context, kind directory.Kind, chunk []*subject) error {
	chunk = slices.DeleteFunc(chunk, func(c *subject) bool {
		m.load(c)
		err := m.propose(c)
		if err != nil {
			m.unmapped(c, err)
		}
		return err != nil
	})
	verdicts, mentions, err := m.ask(ctx, kind, chunk)
	if err != nil {
		return err
	}
	former, once, err := m.askFormer(ctx, kind, chunk)
	if err != nil {
		return err
	}
	for i, c := range chunk {
		if former != nil {
			m.contest.hold(c, m.decide(c, former[i], once, &m.contest.former), m.decide(c, verdicts[i], mentions, &m.rules))
		}
		m.settle(c, verdicts[i], mentions)
		c.drop()
		c.out = nil
	}
	return nil
}

// unmapped notes that an object's data cannot be mapped. It is left alone, and
// the others go on.
func (m *maker) unmapped(c *subject, err error) {
	m.note(Unclear, None, c.source, "%s: untouched / %s：保持不动", fault.In(fault.Say(err), "en"), fault.In(fault.Say(err), "zh"))
	m.uncreate(c.source.Key)
}

// lastSeen gives an object of the source, or as it was last seen when it is
// gone: who left is judged on what was known, and a department may have left
// with its last member.
func (m *maker) lastSeen(key directory.Key) (directory.Object, bool) {
	if o, ok := m.in.Source.Get(key); ok {
		return o, true
	}
	l := m.bySource[key]
	if l == nil || len(l.Seen) == 0 {
		return directory.Object{}, false
	}
	return directory.Object{Key: key, Active: true, Attributes: l.Seen}, true
}
