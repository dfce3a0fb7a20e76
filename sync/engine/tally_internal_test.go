package engine

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// TestAVoteNeverGrowsWhatIsApplied draws plans, people, delegations and votes:
// one vote more, whatever it says, never adds a change to what is applied, and
// nothing is applied that a counting vote leaves out.
func TestAVoteNeverGrowsWhatIsApplied(t *testing.T) {
	t.Parallel()
	roles := []run.Role{run.Approver, run.Approver, run.Approver, run.Admin, run.Viewer}
	rapid.Check(t, func(rt *rapid.T) {
		e := &Engine{people: map[string]run.Person{}}
		names := []string{"a", "b", "c", "d", "e"}
		for _, name := range names {
			e.people[name] = run.Person{Name: name, Roles: map[run.Role][]string{rapid.SampledFrom(roles).Draw(rt, "role"): {"*"}}}
		}
		ops := []plan.Op{plan.Create, plan.Update, plan.Disable, plan.Delete}
		p := &plan.Plan{}
		for i := range rapid.IntRange(1, 8).Draw(rt, "changes") {
			p.Changes = append(p.Changes, plan.Change{Seq: i + 1, Op: rapid.SampledFrom(ops).Draw(rt, "op"), Key: directory.Key{Kind: directory.User, ID: directory.ID(fmt.Sprint(i))}, Name: fmt.Sprint("user", i)})
		}
		r := run.Run{Flow: "f", By: run.Actor{Person: rapid.SampledFrom(names).Draw(rt, "asked")}, Plan: p.Digest(), Votes: rapid.IntRange(1, 3).Draw(rt, "votes")}
		var lent []run.Delegation
		for range rapid.IntRange(0, 2).Draw(rt, "delegations") {
			lent = append(lent, run.Delegation{From: rapid.SampledFrom(names).Draw(rt, "from"), To: rapid.SampledFrom(names).Draw(rt, "to"), Flow: "*"})
		}
		var votes []run.Vote
		before := p.Changes
		for i, name := range rapid.Permutation(names).Draw(rt, "voters") {
			v := run.Vote{Decision: run.Approve, By: run.Actor{Person: name, Channel: run.FromCLI}, Digest: r.Plan}
			v.Decision = rapid.SampledFrom([]run.Decision{run.Approve, run.Approve, run.Reject, run.BreakGlass}).Draw(rt, "decision")
			if rapid.Bool().Draw(rt, "in place of somebody") {
				v.For = rapid.SampledFrom(names).Draw(rt, "for")
			}
			if rapid.Bool().Draw(rt, "another plan") {
				v.Digest[0]++
			}
			if rapid.Bool().Draw(rt, "a part") {
				for _, c := range p.Changes {
					if rapid.Bool().Draw(rt, "in") {
						v.Part = append(v.Part, c.Seq)
					}
				}
				v.Only = []string{"x"} // an empty part is nothing, not all
			}
			votes = append(votes, v)
			now := e.tally(r, p, votes, lent)
			checkTally(rt, now, r, i+1)
			after := slices.DeleteFunc(slices.Clone(p.Changes), func(c plan.Change) bool { return !now.covers(c.Seq) })
			for _, c := range after {
				if !slices.ContainsFunc(before, func(b plan.Change) bool { return b.Seq == c.Seq }) {
					rt.Errorf("a vote added #%d", c.Seq)
				}
				if slices.ContainsFunc(now.votes, func(v run.Vote) bool { return !v.Covers(c.Seq) }) {
					rt.Errorf("#%d is applied, and held back", c.Seq)
				}
			}
			if now.covered(p) != len(after) {
				rt.Errorf("covered %d of %d", now.covered(p), len(after))
			}
			before = after
		}
	})
}

// checkTally sees that each person counts once, and none who may not.
func checkTally(rt *rapid.T, t tally, r run.Run, cast int) {
	rt.Helper()
	whose := map[string]bool{}
	for _, v := range t.votes {
		if v.Decision != run.BreakGlass && (whose[v.Whose()] || whose[v.By.Person] || v.By.Person == r.By.Person || v.Whose() == r.By.Person) {
			rt.Errorf("%s counts twice, or asked", v.By.Person)
		}
		if v.Decision != run.BreakGlass {
			whose[v.Whose()], whose[v.By.Person] = true, true
		}
		if v.Digest != r.Plan || v.Decision == run.Reject {
			rt.Errorf("counts: %+v", v)
		}
	}
	if len(t.votes) > cast || t.enough() && !t.glass && len(t.votes) < r.Votes {
		rt.Errorf("%d of %d votes count, enough %t", len(t.votes), cast, t.enough())
	}
}

// TestWhatAPersonHeldBackStaysSo has somebody who voted himself while a loan was
// over, and lent the vote again: it counts once, and what he held back stays so.
func TestWhatAPersonHeldBackStaysSo(t *testing.T) {
	t.Parallel()
	approver := map[run.Role][]string{run.Approver: {"*"}}
	e := &Engine{people: map[string]run.Person{"a": {Name: "a", Roles: approver}, "b": {Name: "b"}, "c": {Name: "c", Roles: approver}}}
	p := &plan.Plan{Changes: []plan.Change{{Seq: 1, Op: plan.Delete}, {Seq: 2, Op: plan.Delete}}, Risk: plan.Assessment{Tier: 2, Votes: 2}}
	r := run.Run{Flow: "f", Plan: p.Digest(), Votes: 2}
	votes := []run.Vote{
		{Decision: run.Approve, By: run.Actor{Person: "b"}, For: "a", Digest: r.Plan},
		{Decision: run.Approve, By: run.Actor{Person: "a"}, Digest: r.Plan, Hold: []string{"#1"}, Part: []int{2}},
	}
	lent := []run.Delegation{{From: "a", To: "b", Flow: "*"}}
	if now := e.tally(r, p, votes, lent); now.enough() || now.covers(1) || !now.covers(2) {
		t.Errorf("one person: enough %t, %+v", now.enough(), now)
	}
	votes = append(votes, run.Vote{Decision: run.Approve, By: run.Actor{Person: "c"}, Digest: r.Plan})
	if now := e.tally(r, p, votes, lent); !now.enough() || now.covers(1) || now.covered(p) != 1 || now.holders(1) != "held back by a / 由a保留" {
		t.Errorf("two persons: enough %t, %+v", now.enough(), now)
	}
}

// TestTheFirstGlassCounts sees that whoever lent a vote may break the glass.
func TestTheFirstGlassCounts(t *testing.T) {
	t.Parallel()
	every := []string{"*"}
	e := &Engine{people: map[string]run.Person{
		"a": {Name: "a", Roles: map[run.Role][]string{run.Approver: every, run.Admin: every}}, "b": {Name: "b"},
	}}
	p := &plan.Plan{Changes: []plan.Change{{Seq: 1, Op: plan.Delete}}, Risk: plan.Assessment{Tier: plan.SteppedUp, Votes: 2}}
	r := run.Run{Flow: "f", Plan: p.Digest(), Votes: 2}
	votes := []run.Vote{
		{Decision: run.Approve, By: run.Actor{Person: "b"}, For: "a", Digest: r.Plan},
		{Decision: run.BreakGlass, By: run.Actor{Person: "a", Channel: run.FromCLI}, Digest: r.Plan},
	}
	lent := []run.Delegation{{From: "a", To: "b", Flow: "*"}}
	if now := e.tally(r, p, votes[:1], lent); now.enough() || len(now.votes) != 1 {
		t.Errorf("%+v", now)
	}
	if now := e.tally(r, p, votes, lent); !now.enough() || !now.glass || now.stepped {
		t.Errorf("%+v", now)
	}
}

func TestDelegatedForWhichFlow(t *testing.T) {
	t.Parallel()
	for flow, want := range map[string]bool{"*": true, "f": true, "g": false, "": false} {
		if got := covers(run.Delegation{Flow: flow}, "f"); got != want {
			t.Errorf("lent for %q, used for f: %t", flow, got)
		}
	}
}
