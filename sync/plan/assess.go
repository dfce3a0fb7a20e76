package plan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
)

// The numbers of the tier table, docs/approvals.md.
const (
	oneVoteMax      = 5    // D up to this needs one vote
	twoVotesMin     = 20   // D up to this, or twoVotesPercent of M, needs two
	twoVotesPercent = 2.0  //
	hardCap         = 200  // D above this is blocked
	hardCapSmall    = 10   // D from this on is blocked when it is
	hardCapPercent  = 25.0 // above this much of M
	percentMin      = 3    // D for the percentage of all: two of a company of 30 are no storm
	departmentMin   = 5    // linked accounts that a department needs for its percentage
	shrinkMin       = 3    // users that must be missing for the shrink guard
	changeMin       = 10   // UPDATEs for the change guard
	blankedMin      = 5    // emptied values of one attribute
	blankedPercent  = 10.0 // of M
	ruleErrorMin    = 5    // objects that a rule may fail on, whatever their share
	ruleErrorFew    = 2    // the same, when it fails on more than half
)

// assess says how dangerous a plan is.
func assess(in Input, p *Plan, m *maker) Assessment {
	a := &assessor{in: in, plan: p, m: m, counts: p.Counts()}
	a.d = a.counts.Destructive()
	if a.d > 0 {
		a.all = a.d + in.Recent
	}
	a.votes()
	a.guards()
	a.refusals()
	if a.blind() {
		a.risk.Tier = min(a.risk.Tier+1, blockedTier)
	}
	a.conclude()
	return a.risk
}

const blockedTier = 4

type assessor struct {
	in     Input
	plan   *Plan
	m      *maker
	counts Counts
	d      int // destructive changes of the plan
	all    int // D: the same, and what was applied in the last 24 hours; 0 when the plan has none
	risk   Assessment
}

func (a *assessor) find(code string, tier int, have, limit float64, what string) {
	a.risk.Reasons = append(a.risk.Reasons, Finding{Code: code, Tier: tier, Have: have, Limit: limit, What: what})
	a.risk.Tier = max(a.risk.Tier, tier)
}

func (a *assessor) percent(n int) float64 { return percent(n, a.plan.Managed) }

// percent gives a share; of nothing it is 0.
func percent(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return 100 * float64(n) / float64(of)
}

// votes finds what the counts alone ask for.
func (a *assessor) votes() {
	if a.counts.Delete > 0 {
		a.find(FindDelete, 1, float64(a.counts.Delete), 0, "")
	}
	if over := a.in.Flow.Approve.DisableOver; a.counts.Disable > 0 && a.all > over {
		a.find(FindDisable, 1, float64(a.all), float64(over), "")
	}
	if a.counts.Adopt > 0 && !a.in.Flow.AdoptAtOnce {
		a.find(FindAdopt, 1, float64(a.counts.Adopt), 0, "")
	}
	if a.m.undo != nil && a.m.undo.Voted && a.counts.Total() > 0 {
		a.find(FindUndo, 1, float64(a.counts.Total()), 0, a.m.undo.Code)
	}
	a.others()
	a.strangers()
	two := max(twoVotesMin, twoVotesPercent*float64(a.plan.Managed)/100)
	switch {
	case a.risk.Tier == 0 || a.all <= oneVoteMax:
	case float64(a.all) <= two:
		a.find(FindMany, 2, float64(a.all), oneVoteMax, "")
	default:
		a.find(FindMany, 3, float64(a.all), two, "")
	}
	if who := a.staffTouched(); who != "" {
		a.find(FindStaff, 2, 1, 0, who)
	}
}

// guards finds exceeded guard values.
func (a *assessor) guards() {
	g := a.in.Flow.Guard
	if a.all > g.MaxDelete {
		a.find(FindMaxDelete, 3, float64(a.all), float64(g.MaxDelete), "")
	}
	if share := a.percent(a.all); a.all >= percentMin && share > g.MaxDeletePercent {
		a.find(FindDeletePercent, 3, share, g.MaxDeletePercent, "")
	}
	a.departments(g.MaxDeletePercentPerDepartment)
	if last := a.in.LastGood; last != nil {
		missing := last.Users - a.in.Source.Len(directory.User)
		if share := percent(missing, last.Users); missing >= shrinkMin && share > g.MaxShrinkPercent {
			a.find(FindShrink, 3, share, g.MaxShrinkPercent, "")
		}
	}
	taken := 0 // accounts that become ours without anybody looking at them
	if a.in.Flow.AdoptAtOnce {
		taken = a.counts.Adopt
	}
	if share := percent(a.counts.Update, a.plan.Managed+taken); a.counts.Update >= changeMin && share > g.MaxChangePercent {
		a.find(FindChangePercent, 3, share, g.MaxChangePercent, "")
	}
	a.blanked()
}

// departments finds departments that lose too much of their linked accounts.
func (a *assessor) departments(limit float64) {
	lost := map[string]int{}
	for _, d := range a.m.drafts {
		if d.Op.Destructive() && d.Key.Kind == directory.User && d.Where != "" {
			lost[d.Where]++
		}
	}
	if len(lost) == 0 {
		return // whom the departments have is not counted for nothing
	}
	members := map[string]int{}
	for key, l := range a.m.bySource {
		if key.Kind != directory.User {
			continue
		}
		target, _ := a.in.Target.Get(l.Target)
		source, there := a.in.Source.Get(key)
		if !there {
			source = directory.Object{Key: key, Attributes: l.Seen}
		}
		members[a.m.whereOf(source, target)]++
	}
	for _, where := range sortedNames(lost) {
		share := 100 * float64(lost[where]) / float64(max(1, members[where]))
		if members[where] >= departmentMin && share > limit {
			a.find(FindDepartment, 3, share, limit, where)
		}
	}
}

// blanked finds an attribute that would be emptied for many, accounts that the
// plan adopts included.
func (a *assessor) blanked() {
	emptied := map[string]int{}
	for i := range a.plan.Changes {
		c := &a.plan.Changes[i]
		for _, name := range c.Cleared() {
			emptied[name]++
		}
	}
	for _, name := range sortedNames(emptied) {
		n := emptied[name]
		if share := percent(n, a.plan.Managed+a.counts.Adopt); n >= blankedMin && share > blankedPercent {
			a.find(FindBlanked, 3, share, blankedPercent, name)
		}
	}
}

// refusals finds what no vote helps against.
func (a *assessor) refusals() {
	read := a.m.undo == nil && !a.m.byEvent() // an undo does not read the source, a run by event not all of it
	if read && a.in.Source.Len(directory.User) == 0 && (a.plan.Managed > 0 || a.in.LastGood != nil && a.in.LastGood.Users > 0) {
		a.find(FindEmptySource, blockedTier, 0, 1, a.in.Source.System)
	}
	if read && a.d > 0 && !a.in.Source.Complete() {
		a.find(FindIncomplete, blockedTier, float64(a.d), 0, a.in.Source.Health.PartialFor)
	}
	for _, d := range a.m.drafts {
		if !d.Op.Destructive() {
			continue
		}
		if d.unlinked {
			a.find(FindUnlinked, blockedTier, 1, 0, d.Name)
		}
		if a.protected(d) {
			a.find(FindProtected, blockedTier, 1, 0, d.Name)
		}
	}
	a.hardCaps()
	a.ruleErrors()
}

// hardCaps finds numbers that no vote helps against.
func (a *assessor) hardCaps() {
	if a.all > hardCap {
		a.find(FindHardCap, blockedTier, float64(a.all), hardCap, "")
	}
	if share := a.percent(a.all); a.all >= hardCapSmall && share > hardCapPercent {
		a.find(FindHardCap, blockedTier, share, hardCapPercent, "%")
	}
}

// protected tells whether an account must never be taken away, or whether what
// would say so is hidden.
func (a *assessor) protected(d *draft) bool {
	for name, values := range a.in.Flow.Protect.Attributes {
		known, hidden := false, false
		for _, v := range []directory.Value{d.source.Attributes[name], d.target.Attributes[name]} {
			if mapping.HasOne(v, values) {
				return true
			}
			hidden = hidden || v.Type() == directory.Unknown
			known = known || v.Type() != directory.Unknown && !v.IsEmpty()
		}
		if hidden && !known {
			return true
		}
	}
	paths := append(append(a.m.pathsOf(d.source), a.m.targetPathsOf(d.target)...), d.Where)
	for _, top := range a.in.Flow.Protect.Departments {
		if slices.ContainsFunc(paths, func(p string) bool { return mapping.Under(p, top) }) {
			return true
		}
	}
	return false
}

// staffTouched gives somebody who decides or leads and would lose the account.
func (a *assessor) staffTouched() string {
	if a.d == 0 {
		return ""
	}
	leads := map[directory.ID]bool{}
	for o := range a.in.Source.All(directory.User) {
		for _, ref := range o.Attributes[directory.AttrManager].Refs() {
			leads[ref.ID] = true
		}
	}
	for i := range a.plan.Changes {
		c := &a.plan.Changes[i]
		if !c.Op.Destructive() || c.Key.Kind != directory.User {
			continue
		}
		if leads[c.Source.ID] {
			return c.Name
		}
		for _, s := range a.in.Staff {
			if s.Decides && c.Touches(s) {
				return c.Name
			}
		}
	}
	return ""
}

// blind tells whether a DELETE hits an account of which no attribute can be
// read.
func (a *assessor) blind() bool {
	for i := range a.plan.Changes {
		if c := &a.plan.Changes[i]; c.Op == Delete && c.Blind() {
			a.risk.Reasons = append(a.risk.Reasons, Finding{Code: FindBlind, Tier: min(a.risk.Tier+1, blockedTier), Have: 1, What: c.Name})
			return true
		}
	}
	return false
}

// conclude sets votes and whether the plan can be voted on at all.
func (a *assessor) conclude() {
	switch a.risk.Tier {
	case 0:
	case 1:
		a.risk.Votes = 1
	default:
		a.risk.Votes = 2
	}
	a.risk.Blocked = a.risk.Tier >= blockedTier
	slices.SortStableFunc(a.risk.Reasons, func(x, y Finding) int { return cmp.Compare(y.Tier, x.Tier) })
}

// Cleared gives the attributes that the change empties.
func (c *Change) Cleared() []string {
	if c.Op != Update {
		return nil
	}
	var names []string
	for _, name := range c.After.Names() {
		if c.After[name].IsEmpty() && !c.Before[name].IsEmpty() {
			names = append(names, name)
		}
	}
	return names
}

// Blind tells whether nothing of the target object can be seen but that it
// exists.
func (c *Change) Blind() bool {
	for name, v := range c.Before {
		if name != directory.AttrActive && v.Type() != directory.Unknown && !strings.EqualFold(v.String(), string(c.Key.ID)) {
			return false
		}
	}
	return true
}

// Touches tells whether the change is about a person: by id, employee number,
// mail address or, since nothing surer may be known, by name.
func (c *Change) Touches(s Staff) bool {
	if c.Name == s.Name || slices.Contains(s.Accounts, string(c.Key.ID)) || slices.Contains(s.Accounts, string(c.Source.ID)) {
		return true
	}
	for _, a := range []directory.Attributes{c.Before, c.After} {
		if s.Email != "" && mapping.Same(directory.AttrEmail, a[directory.AttrEmail], directory.TextOf(s.Email)) ||
			s.EmployeeNo != "" && a[directory.AttrEmployeeNo].String() == s.EmployeeNo {
			return true
		}
	}
	no := directory.ID(s.EmployeeNo)
	return no != "" && (c.Source.ID == no || c.Key.ID == no)
}

// SafeAlone tells whether the change by itself may go ahead while others wait
// for a vote: CREATE, and UPDATE that clears nothing and changes no login id,
// manager, department or activity, and makes nobody else of the account. What it needs must
// be safe as well.
func (c *Change) SafeAlone(login map[string]bool) bool {
	switch c.Op {
	case Create:
		return true
	case Update:
		for _, name := range c.After.Names() {
			if login[name] || c.After[name].Type() == directory.Refs || name == directory.AttrActive {
				return false
			}
		}
		return len(c.Cleared()) == 0 && !c.Another()
	default:
		return false
	}
}
