package engine

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// coolOff is how long a run of tier 3 waits once all votes are there: whoever
// is alarmed by them can still stop it.
const coolOff = 10 * time.Minute

// tally is what the votes on a run come to, by the roles and delegations that
// hold now.
type tally struct {
	votes   []run.Vote // that count, in the order they came; one of each person
	more    []run.Vote // that stand beside one that counts for the same person
	needed  int
	glass   bool // an admin broke the glass
	steps   bool // one of the voters must confirm outside the chat
	stepped bool // one has
}

// enough tells whether the run may begin, as far as people decide it.
func (t tally) enough() bool {
	return t.glass || len(t.votes) >= t.needed && (t.stepped || !t.steps)
}

// covers tells whether every vote that stands is for a change: a vote may shrink
// a plan and never grows it.
func (t tally) covers(seq int) bool {
	return !slices.ContainsFunc(t.standing(), func(v run.Vote) bool { return !v.Covers(seq) })
}

func (t tally) standing() []run.Vote {
	if len(t.more) == 0 {
		return t.votes
	}
	return slices.Concat(t.votes, t.more)
}

// covered gives how many changes every vote is for.
func (t tally) covered(p *plan.Plan) int {
	n := 0
	for i := range p.Changes {
		if t.covers(p.Changes[i].Seq) {
			n++
		}
	}
	return n
}

// holders names who held a change back: "held back by 周凯 / 由周凯保留".
func (t tally) holders(seq int) string {
	var names []string
	for _, v := range t.standing() {
		if !v.Covers(seq) {
			names = append(names, v.By.Person)
		}
	}
	return sayf("held back by %s / 由%s保留", strings.Join(names, ", "), strings.Join(names, "、"))
}

// tally counts the persons who approved exactly this plan and still may; who
// lent a vote and who cast it count once.
func (e *Engine) tally(r run.Run, p *plan.Plan, votes []run.Vote, lent []run.Delegation) tally {
	t := tally{needed: max(r.Votes, p.Risk.Votes), steps: p.Risk.Tier >= plan.SteppedUp}
	seen := map[string]bool{}
	for _, v := range votes {
		glass := v.Decision == run.BreakGlass
		if !e.stands(r, p, v, lent) {
			continue
		}
		if !glass && (seen[v.Whose()] || seen[v.By.Person]) {
			t.more = append(t.more, v)
			continue
		}
		if t.votes = append(t.votes, v); glass {
			t.glass = true
			continue
		}
		seen[v.Whose()], seen[v.By.Person] = true, true
		t.stepped = t.stepped || v.By.Person == r.StepUp.Person
	}
	return t
}

// stands tells whether a vote that was cast counts now.
func (e *Engine) stands(r run.Run, p *plan.Plan, v run.Vote, lent []run.Delegation) bool {
	person, known := e.people[v.By.Person]
	switch {
	case !known || v.Weak || v.Digest != r.Plan:
		return false
	case v.Decision == run.BreakGlass:
		return v.By.Channel == run.FromCLI && person.May(run.Admin, r.Flow) && !touched(p, staff(person))
	case v.Decision != run.Approve || barred(r, p, person) != nil:
		return false
	case v.For == "":
		return person.May(run.Approver, r.Flow)
	}
	principal, known := e.people[v.For]
	return known && principal.May(run.Approver, r.Flow) && barred(r, p, principal) == nil && lends(lent, v.For, v.By.Person, r.Flow)
}

// lends tells whether a delegation for the flow holds.
func lends(lent []run.Delegation, from, to, flow string) bool {
	return slices.ContainsFunc(lent, func(d run.Delegation) bool {
		return d.From == from && d.To == to && covers(d, flow)
	})
}

func covers(d run.Delegation, flow string) bool { return d.Flow == "*" || d.Flow == flow }

// barred tells why a person may not decide on a run, whatever the role: who asked
// for it, who stands behind it, and whom it touches.
func barred(r run.Run, p *plan.Plan, person run.Person) error {
	switch person.Name {
	case r.By.Person:
		return fault.New(fault.Denied, "you asked for this plan; another person must approve it / 这个计划是你发起的，需要另一个人批准")
	case r.Behind:
		return fault.New(fault.Denied, "this plan runs on a schedule that you set; another person must approve it / 这个计划来自你设定的定时，需要另一个人批准")
	}
	if touched(p, staff(person)) {
		return fault.New(fault.Denied, "the plan changes your own account; somebody else must approve it / 计划涉及你本人的账号，需要其他人批准")
	}
	return nil
}

func touched(p *plan.Plan, s plan.Staff) bool {
	return p != nil && slices.ContainsFunc(p.Changes, func(c plan.Change) bool { return c.Touches(s) })
}

// agree moves a run that has all that it needs of people: it begins, or from tier
// 3 on cools off first.
func (e *Engine) agree(r *run.Run, t tally, now time.Time) error {
	if !t.steps {
		return r.Advance(run.Applying, now, "")
	}
	r.NotBefore = now.Add(coolOff)
	r.Wake, r.Updated = r.NotBefore, now
	return nil
}

// open gives the part of a plan that waits for votes: what the journal has not
// settled. Nothing of it changes while the run waits.
func (e *Engine) open(ctx context.Context, r run.Run, p *plan.Plan) (*plan.Plan, error) {
	entries, err := e.o.Store.Entries(ctx, r.Code)
	if err != nil {
		return nil, err
	}
	settled := make(map[int]bool, len(entries))
	for _, entry := range entries {
		settled[entry.Seq] = entry.Step.Settled()
	}
	rest := *p
	rest.Changes = slices.DeleteFunc(slices.Clone(p.Changes), func(c plan.Change) bool { return settled[c.Seq] })
	return &rest, nil
}

// part gives what a vote with these limits is for: how many changes of each kind,
// and which, by Seq. Faults: Invalid for a word that names nothing or several
// things, and when nothing is left.
func part(rest *plan.Plan, only, hold []string) (plan.Counts, []int, error) {
	var counts plan.Counts
	seqs, err := plan.Select(rest, only, hold)
	if err != nil {
		return counts, nil, err
	}
	if len(seqs) == 0 {
		return counts, nil, fault.New(fault.Invalid, "that holds everything back: nothing is left to approve; reject instead / 这样就全部保留了，没有可以批准的；请改用驳回")
	}
	for i := range rest.Changes {
		if _, in := slices.BinarySearch(seqs, rest.Changes[i].Seq); in {
			counts.Add(rest.Changes[i].Op)
		}
	}
	return counts, seqs, nil
}
