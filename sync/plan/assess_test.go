package plan_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// firm gives a flow with linked accounts of which the last ones are gone.
func firm(tb testing.TB, managed, gone int) *world {
	tb.Helper()
	w := newWorld(tb)
	for i := range managed {
		id := fmt.Sprintf("%04d", i)
		if i < managed-gone {
			w.source.add(w, directory.User, false, []string{id, "人"})
		}
		w.target.add(w, directory.User, true, []string{id, "人"})
		w.in.Links = append(w.in.Links, w.link(id, id, nil))
	}
	return w
}

func codes(p *plan.Plan) []string {
	var out []string
	for _, f := range p.Risk.Reasons {
		out = append(out, f.Code)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// TestTiers goes along the edges of the tier table: the last number that is let
// through, and the first that is not.
func TestTiers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name          string
		managed, gone int
		delete        bool // first: delete
		over, recent  int  // disable_over, applied in the last 24 hours
		tier, votes   int
		blocked       bool
		codes         []string
	}{
		{name: "nobody has left", managed: 100, gone: 0, over: 0},
		{name: "nobody has left, whatever was done today", managed: 100, gone: 0, over: 0, recent: 300},
		{name: "as many DISABLE as need no vote", managed: 100, gone: 5, over: 5},
		{name: "one more", managed: 100, gone: 6, over: 5, tier: 2, votes: 2, codes: []string{plan.FindDisable, plan.FindMany}},
		{name: "a DISABLE where every one needs a vote", managed: 100, gone: 1, over: 0, tier: 1, votes: 1, codes: []string{plan.FindDisable}},
		{name: "what was done today counts", managed: 100, gone: 1, over: 5, recent: 5, tier: 2, votes: 2, codes: []string{plan.FindDisable, plan.FindMany}},
		{name: "a flow that lets many through", managed: 100, gone: 20, over: 20},
		{name: "a DELETE always needs a vote", managed: 100, gone: 1, delete: true, over: 5, tier: 1, votes: 1, codes: []string{plan.FindDelete}},
		{name: "five DELETE", managed: 100, gone: 5, delete: true, tier: 1, votes: 1, codes: []string{plan.FindDelete}},
		{name: "six DELETE", managed: 100, gone: 6, delete: true, tier: 2, votes: 2, codes: []string{plan.FindDelete, plan.FindMany}},
		{name: "twenty", managed: 200, gone: 20, delete: true, tier: 2, votes: 2, codes: []string{plan.FindDelete, plan.FindMany}},
		{name: "twenty-one", managed: 200, gone: 21, delete: true, tier: 3, votes: 2, codes: []string{plan.FindDelete, plan.FindMany}},
		{name: "two percent of many", managed: 2000, gone: 40, delete: true, tier: 2, votes: 2, codes: []string{plan.FindDelete, plan.FindMany}},
		{name: "more than two percent of many", managed: 2000, gone: 41, delete: true, tier: 3, votes: 2, codes: []string{plan.FindDelete, plan.FindMany}},
		{name: "two hundred", managed: 4000, gone: 200, delete: true, tier: 3, votes: 2, codes: []string{plan.FindDelete, plan.FindMany}},
		{name: "two hundred and one", managed: 4000, gone: 201, delete: true, tier: 4, votes: 2, blocked: true, codes: []string{plan.FindDelete, plan.FindHardCap, plan.FindMany}},
		{name: "two hundred and one, most of them today", managed: 4000, gone: 1, delete: true, recent: 200, tier: 4, votes: 2, blocked: true, codes: []string{plan.FindDelete, plan.FindHardCap, plan.FindMany}},
		{name: "nine of twenty", managed: 20, gone: 9, tier: 2, over: 5, votes: 2, codes: []string{plan.FindDisable, plan.FindMany}},
		{name: "ten of forty", managed: 40, gone: 10, tier: 2, over: 5, votes: 2, codes: []string{plan.FindDisable, plan.FindMany}},
		{name: "ten of thirty-nine", managed: 39, gone: 10, over: 5, tier: 4, votes: 2, blocked: true, codes: []string{plan.FindDisable, plan.FindHardCap, plan.FindMany}},
		{name: "ten of thirty-nine, though the flow lets many through", managed: 39, gone: 10, over: 100, tier: 4, votes: 2, blocked: true, codes: []string{plan.FindHardCap}},
		{name: "everybody", managed: 3, gone: 3, over: 5, tier: 4, votes: 2, blocked: true, codes: []string{plan.FindEmptySource}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := firm(t, tt.managed, tt.gone)
			w.in.Flow.Approve.DisableOver, w.in.Recent = tt.over, tt.recent
			if tt.delete {
				w.in.Flow.Leavers.First = plan.Delete
			}
			p := make1(t, w.input())
			if p.Counts().Destructive() != tt.gone || p.Managed != tt.managed {
				t.Fatalf("%d of %d would be lost", p.Counts().Destructive(), p.Managed)
			}
			if r := p.Risk; r.Tier != tt.tier || r.Votes != tt.votes || r.Blocked != tt.blocked || !slices.Equal(codes(p), tt.codes) {
				t.Errorf("tier %d, votes %d, blocked %t, %v", r.Tier, r.Votes, r.Blocked, codes(p))
			}
		})
	}
}

// TestGuards goes along the edges of the flow's own caps.
func TestGuards(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name          string
		managed, gone int
		set           func(in *plan.Input)
		want          string // the finding; "" = none
	}{
		{"max_delete reached", 100, 3, func(in *plan.Input) { in.Flow.Guard.MaxDelete = 3 }, ""},
		{"max_delete exceeded", 100, 3, func(in *plan.Input) { in.Flow.Guard.MaxDelete = 2 }, plan.FindMaxDelete},
		{"max_delete exceeded with today's", 100, 3, func(in *plan.Input) { in.Flow.Guard.MaxDelete, in.Recent = 3, 1 }, plan.FindMaxDelete},
		{"max_delete 0 lets nothing through", 100, 1, func(in *plan.Input) { in.Flow.Guard.MaxDelete = 0 }, plan.FindMaxDelete},
		{"max_delete 0 and nobody has left", 100, 0, func(in *plan.Input) { in.Flow.Guard.MaxDelete, in.Recent = 0, 7 }, ""},
		{"max_delete_percent reached", 100, 3, func(in *plan.Input) { in.Flow.Guard.MaxDeletePercent = 3 }, ""},
		{"max_delete_percent exceeded", 99, 3, func(in *plan.Input) { in.Flow.Guard.MaxDeletePercent = 3 }, plan.FindDeletePercent},
		{"max_shrink_percent reached", 100, 0, func(in *plan.Input) {
			in.Flow.Guard.MaxShrinkPercent, in.LastGood = 10, &plan.LastGood{Users: 111}
		}, ""},
		{"max_shrink_percent exceeded", 100, 0, func(in *plan.Input) {
			in.Flow.Guard.MaxShrinkPercent, in.LastGood = 10, &plan.LastGood{Users: 112}
		}, plan.FindShrink},
		{"two missing are not a shrunk source", 5, 0, func(in *plan.Input) {
			in.Flow.Guard.MaxShrinkPercent, in.LastGood = 10, &plan.LastGood{Users: 7}
		}, ""},
		{"three are", 5, 0, func(in *plan.Input) {
			in.Flow.Guard.MaxShrinkPercent, in.LastGood = 10, &plan.LastGood{Users: 8}
		}, plan.FindShrink},
		{"the source grew", 5, 0, func(in *plan.Input) { in.Flow.Guard.MaxShrinkPercent, in.LastGood = 0, &plan.LastGood{Users: 1} }, ""},
		{"no snapshot before", 5, 0, func(in *plan.Input) { in.Flow.Guard.MaxShrinkPercent = 0 }, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := firm(t, tt.managed, tt.gone)
			w.in.Flow.Approve.DisableOver = 100
			in := w.input()
			tt.set(&in)
			p := make1(t, in)
			want, tier := []string(nil), 0
			if tt.want != "" {
				want, tier = []string{tt.want}, 3
			}
			if !slices.Equal(codes(p), want) || p.Risk.Tier != tier {
				t.Errorf("tier %d, %v; want %v", p.Risk.Tier, codes(p), want)
			}
		})
	}
}

// TestUpdateStorm goes along the edges of the guards against mass updates.
func TestUpdateStorm(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name             string
		managed, changed int
		from, to         string // of the titles
		percent          float64
		want             []string
	}{
		{"nine may always change", 9, 9, "a", "b", 30, nil},
		{"ten of thirty-three", 33, 10, "a", "b", 31, nil},
		{"ten of thirty-two", 32, 10, "a", "b", 31, []string{plan.FindChangePercent}},
		{"as many as the limit", 40, 10, "a", "b", 25, nil},
		{"four may be emptied", 4, 4, "a", "", 100, nil},
		{"five of fifty", 50, 5, "a", "", 100, nil},
		{"five of forty-nine", 49, 5, "a", "", 100, []string{plan.FindBlanked}},
		{"filling is no blanking", 49, 5, "", "b", 100, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := firm(t, tt.managed, 0)
			w.in.Flow.Guard.MaxChangePercent = tt.percent
			for i := range tt.changed {
				w.source.objects[i].Attributes["title"] = text(tt.to)
				w.target.objects[i].Attributes["title"] = text(tt.from)
			}
			p := make1(t, w.input())
			if p.Counts().Update != tt.changed || !slices.Equal(codes(p), tt.want) {
				t.Errorf("%d updates, %v; want %v", p.Counts().Update, codes(p), tt.want)
			}
		})
	}
}

// TestBlankedOfThoseThatAreAdopted counts the accounts that a plan adopts as well.
func TestBlankedOfThoseThatAreAdopted(t *testing.T) {
	t.Parallel()
	for adopted, want := range map[int][]string{9: {plan.FindBlanked}, 10: nil} {
		w := firm(t, 40, 0)
		w.in.Flow.AdoptAtOnce, w.in.Flow.Guard.MaxChangePercent = true, 100
		for i := range adopted {
			id := fmt.Sprintf("9%03d", i)
			w.source.add(w, directory.User, false, []string{id, "人"})
			w.target.add(w, directory.User, true, []string{id, "人"})
		}
		for i := range 5 {
			w.source.objects[i].Attributes["title"] = text("")
			w.target.objects[i].Attributes["title"] = text("a")
		}
		p := make1(t, w.input())
		if n := p.Counts(); n.Update != 5 || n.Adopt != adopted || !slices.Equal(codes(p), want) {
			t.Errorf("%d adopted: %+v, %v; want %v", adopted, n, codes(p), want)
		}
	}
}

// TestEmptySource is one that shows nobody where somebody is ours, or was there before.
func TestEmptySource(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		managed int
		last    *plan.LastGood
		want    []string
	}{
		"nothing is ours, and nothing was there":       {0, &plan.LastGood{}, nil},
		"nothing is ours, and nothing is known":        {0, nil, nil},
		"nothing is ours, and somebody was there":      {0, &plan.LastGood{Users: 1}, []string{plan.FindEmptySource}},
		"somebody is ours, and nothing was there then": {1, &plan.LastGood{}, []string{plan.FindEmptySource}},
	} {
		w := firm(t, c.managed, c.managed)
		in := w.input()
		in.LastGood, in.Flow.Approve.DisableOver = c.last, 100
		if p := make1(t, in); !slices.Equal(codes(p), c.want) || p.Risk.Blocked != (c.want != nil) {
			t.Errorf("%s: %v, blocked %t; want %v", name, codes(p), p.Risk.Blocked, c.want)
		}
	}
}

// TestDepartmentGuard goes along the edges of the cap of one department.
func TestDepartmentGuard(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		members, gone int
		want          bool
	}{{4, 4, false}, {5, 5, true}, {10, 5, false}, {10, 6, true}} {
		t.Run(fmt.Sprintf("%d of %d", tt.gone, tt.members), func(t *testing.T) {
			t.Parallel()
			w := firm(t, 100, tt.gone)
			w.in.Flow.Guard.MaxDeletePercentPerDepartment, w.in.Flow.Approve.DisableOver = 50, 100
			w.target.add(w, directory.Department, true, []string{"7", "研发部"})
			w.source.add(w, directory.Department, false, []string{"d", "研发部"})
			w.in.Links = append(w.in.Links, w.link("d", "7", []string{"department"}))
			for i := 100 - tt.members; i < 100; i++ {
				w.target.objects[i].Attributes["departments"] = directory.RefsToKind(directory.Department, "7")
				if i < 100-tt.gone {
					w.source.objects[i].Attributes["departments"] = directory.RefsToKind(directory.Department, "d")
				}
			}
			p := make1(t, w.input())
			if got := slices.Contains(codes(p), plan.FindDepartment); got != tt.want {
				t.Errorf("found %t: %v", got, codes(p))
			}
		})
	}
}

// TestOnlyTierFourIsBlocked sees that votes are asked for up to tier 3.
func TestOnlyTierFourIsBlocked(t *testing.T) {
	t.Parallel()
	if p := make1(t, firm(t, 200, 21).input()); p.Risk.Tier != plan.SteppedUp || p.Risk.Blocked {
		t.Errorf("tier %d, blocked %t", p.Risk.Tier, p.Risk.Blocked)
	}
	if p := make1(t, firm(t, 20, 20).input()); p.Risk.Tier != 4 || !p.Risk.Blocked {
		t.Errorf("tier %d, blocked %t", p.Risk.Tier, p.Risk.Blocked)
	}
}

// TestProtectedOrHidden takes an account away whose protection is told by the source,
// by the target, by both or by neither: what is hidden protects where nothing else
// tells, and nobody is protected by what is empty.
func TestProtectedOrHidden(t *testing.T) {
	t.Parallel()
	chief, other, empty, hidden := text("chief"), text("clerk"), directory.Empty(directory.Text), directory.Hidden("contacts")
	for name, c := range map[string]struct {
		source, target directory.Value
		protected      bool
	}{
		"the source says so": {chief, other, true}, "the target says so": {other, chief, true},
		"hidden at both": {hidden, hidden, true}, "hidden, and it would be empty": {hidden, empty, true}, "empty, and hidden there": {empty, hidden, true},
		"hidden, and the target says no": {hidden, other, false}, "the source says no, and hidden": {other, hidden, false},
		"the source says so, hidden there": {chief, hidden, true}, "both say no": {other, other, false}, "empty at both": {empty, empty, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := firm(t, 100, 0)
			w.in.Flow.Protect.Attributes["title"] = []string{"chief"}
			w.in.Flow.Leavers.When = map[string][]string{"name": {"走"}}
			w.source.objects[7].Attributes["name"] = text("走")
			w.source.objects[7].Attributes["title"], w.target.objects[7].Attributes["title"] = c.source, c.target
			p := make1(t, w.input())
			if n := p.Counts().Destructive(); n != 1 {
				t.Fatalf("%d would be lost", n)
			}
			if got := slices.Contains(codes(p), plan.FindProtected); got != c.protected || p.Risk.Blocked != c.protected {
				t.Errorf("protected %t, blocked %t, want %t; %v", got, p.Risk.Blocked, c.protected, codes(p))
			}
		})
	}
}

// TestWorstReasonFirst sees that the findings are in the order of their weight.
func TestWorstReasonFirst(t *testing.T) {
	t.Parallel()
	w := firm(t, 39, 10)
	w.in.Flow.Guard.MaxDelete = 1
	w.in.Flow.Protect.Attributes["name"] = []string{"人"}
	reasons := make1(t, w.input()).Risk.Reasons
	if len(reasons) < 4 || !slices.IsSortedFunc(reasons, func(a, b plan.Finding) int { return b.Tier - a.Tier }) {
		t.Errorf("%+v", reasons)
	}
}

func TestGoneCandidates(t *testing.T) {
	t.Parallel()
	w := firm(t, 5, 2)
	w.in.Links[4].DeletedAt = now
	w.in.Links = append(w.in.Links, w.link("d", "7", []string{"department"}))
	in := w.input()
	want := []directory.Key{userKey("0003"), {Kind: directory.Department, ID: "d"}}
	if got := plan.GoneCandidates(in.Source, in.Links); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	w.sourceNo = "page 3 failed"
	if got := plan.GoneCandidates(w.input().Source, in.Links); got != nil {
		t.Errorf("an incomplete source proves no absence, but %v", got)
	}
}

// TestNobodyAsked sees that nobody is gone whom nobody asked about.
func TestNobodyAsked(t *testing.T) {
	t.Parallel()
	in := firm(t, 5, 2).input()
	in.Gone = nil
	p := make1(t, in)
	if len(p.Changes) != 0 || len(p.Notes) != 2 || p.Notes[0].Kind != plan.Unclear {
		t.Errorf("%s", planText(p))
	}
}

// TestUnknownNames sees that a link's memory names a leaver, else the target,
// else the id.
func TestUnknownNames(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(l *mapping.Link, o *directory.Object){
		"王五":   func(l *mapping.Link, _ *directory.Object) { l.Seen = directory.Attributes{"name": text("王五")} },
		"人":    func(*mapping.Link, *directory.Object) {},
		"0004": func(_ *mapping.Link, o *directory.Object) { o.Attributes["name"] = directory.Hidden("p") },
	} {
		w := firm(t, 5, 1)
		change(&w.in.Links[4], &w.target.objects[4])
		if p := make1(t, w.input()); len(p.Changes) != 1 || p.Changes[0].Name != want || p.Changes[0].Tail != "0004" {
			t.Errorf("want %s:\n%s", want, planText(p))
		}
	}
}

// TestGraceToTheSecond sees that the DELETE is due when the grace period is over,
// and not a second before.
func TestGraceToTheSecond(t *testing.T) {
	t.Parallel()
	for ago, want := range map[time.Duration]int{30*day - time.Second: 0, 30 * day: 1, 30*day + time.Second: 1, 0: 0, -time.Hour: 0} {
		w := firm(t, 5, 1)
		w.target.objects[4].Active = false
		w.in.Links[4].DisabledAt = w.in.Now.Add(-ago)
		if p := make1(t, w.input()); p.Counts().Delete != want || p.Counts().Total() != want {
			t.Errorf("disabled %v ago: %+v", ago, p.Counts())
		}
	}
}
