package plan_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// TestNobodyElsesAccountIsTaken draws companies with tombstones and every setting
// of leaving: without a rule, no account without a live link to just this source
// object is disabled or deleted; with one, such a plan is blocked.
func TestNobodyElsesAccountIsTaken(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		in := company(rt, t)
		in.Flow.Leavers.OutOfScope = rapid.Bool().Draw(rt, "out of scope: leave")
		in.Flow.Leavers.First = rapid.SampledFrom([]plan.Op{plan.Disable, plan.Delete}).Draw(rt, "first")
		in.Flow.Leavers.Then = rapid.SampledFrom([]plan.Op{plan.None, plan.Delete}).Draw(rt, "then")
		in.Flow.Leavers.When["title"] = []string{"x"}
		in.Flow.Leavers.When["active"] = rapid.SampledFrom([][]string{nil, {"false"}, {"true"}}).Draw(rt, "active")
		in.Flow.Scope.Not["name"] = rapid.SampledFrom([][]string{nil, {"甲"}}).Draw(rt, "not")
		in.Flow.DeleteGoneDepartments = rapid.Bool().Draw(rt, "departments gone: delete")
		in.Links = slices.Clone(in.Links)
		for i := range in.Links {
			if rapid.IntRange(0, 3).Draw(rt, "tombstone") == 0 {
				in.Links[i].DeletedAt = now.Add(-day)
			}
		}
		if rapid.Bool().Draw(rt, "no rule") {
			in.Rules = nil
		}
		p := make1(rt, in)
		for _, c := range p.Changes {
			live := slices.ContainsFunc(in.Links, func(l mapping.Link) bool { return l.Live() && l.Target == c.Key && l.Source == c.Source })
			if c.Op.Destructive() && !live && (in.Rules == nil || !p.Risk.Blocked) {
				rt.Errorf("#%d: %s of %s, which is not ours", c.Seq, c.Op, c.Key)
			}
		}
	})
}

// TestOneAccountForOnePerson draws companies and carries out what is planned: no
// source object ever gets two accounts, and no account belongs to two.
func TestOneAccountForOnePerson(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		in := company(rt, t)
		for range 3 {
			p := make1(rt, in)
			made, taken := map[directory.Key]bool{}, map[directory.Key]bool{}
			for _, c := range p.Changes {
				if c.Op != plan.Create && c.Op != plan.Adopt {
					continue
				}
				if made[c.Source] || c.Key.ID != "" && taken[c.Key] {
					rt.Errorf("#%d: %s of %s for %s once more", c.Seq, c.Op, c.Key, c.Source)
				}
				made[c.Source], taken[c.Key] = true, true
			}
			if p.Risk.Blocked {
				return
			}
			in = applied(rt, in, p)
			owner := map[directory.Key]directory.Key{}
			for _, l := range in.Links {
				if !l.Live() || l.Source == owner[l.Target] {
					continue
				}
				if other, twice := owner[l.Target]; twice {
					rt.Errorf("%s belongs to %s and %s", l.Target, other, l.Source)
				}
				owner[l.Target] = l.Source
			}
		}
	})
}

// TestTheGraceBeginsAnewForWhoComesBack: disabled, back, gone again.
func TestTheGraceBeginsAnewForWhoComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.source.read(w, "user 1 甲\nuser 2 乙", false)
	w.target.read(w, "user 1 甲\nuser 2 乙", true)
	w.readLinks("1 -> 1\n2 -> 2")
	whole := w.input()
	gone := whole
	gone.Source = without(whole.Source, func(id directory.ID) bool { return id == "2" })
	gone.Gone = map[directory.Key]plan.GoneAnswer{userKey("2"): plan.GoneConfirmed}
	in := whole
	for i, c := range []struct {
		days int
		left bool
		want plan.Op
	}{
		{0, true, plan.Disable},
		{29, true, plan.None},
		{29, false, plan.Update},
		{31, false, plan.None},
		{40, true, plan.Disable},
		{69, true, plan.None},
		{70, true, plan.Delete},
		{71, true, plan.None},
		{72, false, plan.Create},
	} {
		links, target := in.Links, in.Target
		in = whole
		if c.left {
			in = gone
		}
		in.Links, in.Target, in.Now = links, target, now.AddDate(0, 0, c.days)
		p := make1(t, in)
		got := plan.None
		if len(p.Changes) > 0 {
			got = p.Changes[0].Op
		}
		if got != c.want || len(p.Changes) > 1 {
			t.Fatalf("step %d: %s, want %s", i, planText(p), c.want)
		}
		in = applied(t, in, p)
	}
	live := 0
	for _, l := range in.Links {
		if l.Live() && l.Origin == mapping.Created {
			live++
		}
	}
	if live != 2 || len(in.Links) != 3 {
		t.Errorf("links %+v", in.Links)
	}
}
