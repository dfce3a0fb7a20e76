package plan_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// objects gives a set of source objects: ids of users, "department ID" of departments.
func objects(names ...string) map[directory.Key]bool {
	set := map[directory.Key]bool{}
	for _, name := range names {
		key := userKey(directory.ID(name))
		if id, is := strings.CutPrefix(name, "department "); is {
			key = directory.Key{Kind: directory.Department, ID: directory.ID(id)}
		}
		set[key] = true
	}
	return set
}

// office gives a company in which much is due, as a run by event sees it.
func office(t *testing.T) *world {
	w := newWorld(t)
	w.sourceNo = "by event"
	w.in.Flow.Leavers.When["status"] = []string{"left"}
	w.in.LastGood = &plan.LastGood{Users: 1000}
	w.in.Flow.Guard.MaxShrinkPercent = 5
	w.source.read(w, `
		department d1 研发部
		department d2 新部门
		department d3 新小组 in=d2
		user 1 甲 in=d1 title=x
		user 2 乙 in=d2
		user 3 丙 in=d1 boss=2 title=y
		user 4 丁 status=left
		user 5 戊 in=d1
		user 6 己 in=d3
		user 7 庚 in=d1 email=g@x.cn
		user 9 壬 in=d1 boss=2
		user 10 癸 status=left
		user 11 子 in=d1 email=z@x.cn
		user 12 丑 in=d1 email=z@x.cn`, false)
	w.target.read(w, `
		department t1 研发部
		user 1 甲 in=t1
		user 3 丙 in=t1
		user 4 丁
		user 5 戊 in=t1 off
		user g 庚 in=t1 email=g@x.cn
		user 8 辛 in=t1
		user z 子 email=z@x.cn
		user 10 癸 off`, true)
	w.readLinks(`
		d1 -> t1 department
		1 -> 1
		3 -> 3
		4 -> 4
		5 -> 5 disabled=2026-02-01
		8 -> 8 seen:name=辛
		10 -> 10 disabled=2026-02-20`)
	return w
}

func TestAPlanByEventIsAboutItsObjectsAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		objects map[directory.Key]bool
		changes string // "OP source", in order
		notes   string // kind, id and the end of the note
	}{
		"nobody":                                 {objects(), "", ""},
		"somebody who is not there":              {objects("77"), "", ""},
		"a difference":                           {objects("1"), "UPDATE 1", ""},
		"enabled again":                          {objects("5"), "UPDATE 5", ""},
		"a first match":                          {objects("7"), "ADOPT 7", ""},
		"left by status":                         {objects("4"), "", "kept 4"},
		"left, and disabled long ago":            {objects("10"), "", ""},
		"gone":                                   {objects("8"), "", "kept 8"},
		"into a department that is new, too":     {objects("2", "department d2"), "CREATE d2, CREATE 2", ""},
		"into a department that is not ours yet": {objects("2"), "", "lost 2"},
		"a department below one that is not ours yet": {objects("department d3", "6"), "", "lost 6, lost d3"},
		"a department and the one above":              {objects("department d3", "department d2", "6"), "CREATE d2, CREATE d3, CREATE 6", ""},
		"a manager who is not created":                {objects("3", "9"), "CREATE 9, UPDATE 3", "lost 3, lost 9"},
		"one of two namesakes":                        {objects("11"), "", "conflict 11"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := office(t).input()
			in.Only.Objects = c.objects
			p := make1(t, in)
			checkPlan(t, in, p)
			checkLanguages(t, p)
			var changes, notes []string
			for _, ch := range p.Changes {
				changes = append(changes, string(ch.Op)+" "+string(ch.Source.ID))
			}
			for _, n := range p.Notes {
				notes = append(notes, string(n.Kind)+" "+string(n.Key.ID))
				if n.Kind != plan.Conflict && (!strings.HasSuffix(fault.In(n.Say, "en"), "waits for the next full run") || !strings.HasSuffix(fault.In(n.Say, "zh"), "留待下次全量同步")) {
					t.Errorf("note %q does not say what comes", n.Say)
				}
			}
			slices.Sort(notes)
			if got := strings.Join(changes, ", "); got != c.changes || strings.Join(notes, ", ") != c.notes {
				t.Errorf("changes %q notes %q, want %q and %q", got, notes, c.changes, c.notes)
			}
			if p.Risk.Blocked {
				t.Errorf("blocked: %+v", p.Risk)
			}
		})
	}
}

// TestAnEmptySourceDoesNotBlockAPlanByEvent: sizes say nothing about it.
func TestAnEmptySourceDoesNotBlockAPlanByEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.target.read(w, "user 1 甲", true)
	w.readLinks("1 -> 1")
	w.in.LastGood = &plan.LastGood{Users: 10}
	in := w.input()
	in.Only.Objects = objects("1")
	if p := make1(t, in); p.Risk.Tier != 0 || len(p.Changes) > 0 || len(p.Notes) != 1 {
		t.Errorf("%s", planText(p))
	}
}

// TestARuleTakesNobodyAwayByEvent, of a complete source too.
func TestARuleTakesNobodyAwayByEvent(t *testing.T) {
	t.Parallel()
	w := office(t)
	w.sourceNo = ""
	w.readRule("1: executeDisable; return\n3: executeDelete; return\n5: return")
	in := w.input()
	in.Only.Objects = objects("1", "3", "5")
	p := make1(t, in)
	if len(p.Changes) != 1 || p.Changes[0].Source.ID != "5" || len(p.Notes) != 2 || p.Notes[0].Kind != plan.Kept {
		t.Errorf("%s", planText(p))
	}
	slices.Sort(w.rule.asked)
	if want := []string{"1 UPDATE", "3 UPDATE", "5 UPDATE"}; !slices.Equal(w.rule.asked, want) {
		t.Errorf("the rule was asked about %v", w.rule.asked)
	}
}

// TestByEventIsAPartOfTheWhole draws companies: what a run by event does is about
// its objects, takes nobody away, and can be carried out; and the whole plan
// afterwards does not take back what it did.
func TestByEventIsAPartOfTheWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		in := company(rt, t)
		whole := make1(rt, in)
		event := in
		event.Only.Objects = map[directory.Key]bool{}
		for _, kind := range []directory.Kind{directory.User, directory.Department} {
			for o := range in.Source.All(kind) {
				if rapid.Bool().Draw(rt, "named") {
					event.Only.Objects[o.Key] = true
				}
			}
		}
		p := make1(rt, event)
		checkPlan(rt, event, p)
		planned := map[directory.Key][]plan.Op{}
		for _, c := range whole.Changes {
			planned[c.Source] = append(planned[c.Source], c.Op)
		}
		for _, c := range p.Changes {
			if !event.Only.Objects[c.Source] || c.Op.Destructive() {
				rt.Errorf("#%d: %s of %s by event", c.Seq, c.Op, c.Source)
			}
			if !slices.Contains(planned[c.Source], c.Op) {
				rt.Errorf("#%d: %s of %s, which the whole plan does not do", c.Seq, c.Op, c.Source)
			}
		}
		for _, n := range p.Notes {
			if !event.Only.Objects[n.Key] {
				rt.Errorf("a note about %s", n.Key)
			}
		}
		after := applied(rt, event, p)
		after.Only = plan.Narrow{}
		for _, c := range make1(rt, after).Changes {
			if c.Op == plan.Create && slices.ContainsFunc(p.Changes, func(d plan.Change) bool { return d.Op == plan.Create && d.Source == c.Source }) {
				rt.Errorf("%s is created twice", c.Source)
			}
		}
	})
}

// TestAFirstMatchWaitsWhereAReferenceDoes: the whole plan sees a reference that is to
// come, and a rule holds the change back, and the match with it. A plan by event does
// not see the one who is meant, and must not adopt what it takes for equal.
func TestAFirstMatchWaitsWhereAReferenceDoes(t *testing.T) {
	t.Parallel()
	const (
		leader = "department A A leader=u\nuser u 甲"
		member = "department d 新部门\nuser u 甲 in=d email=u@x.cn"
	)
	for name, c := range map[string]struct {
		source, target, links, rule, mine string
		updates                           bool   // the rule has to say executeUpdate
		whole                             string // notes of the whole plan
	}{
		"a leader whose account is gone": {leader, "department tA A", "u -> gone", "department A: return\nu: nothing", "department A", true, "held A"},
		"the change is dropped":          {leader, "department tA A", "u -> gone", "department A: abort UPDATE; return", "department A", false, "aborted A"},
		"a department that is new":       {member, "user t 甲 email=u@x.cn", "", "u: return", "u", true, "held u"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.source.read(w, c.source, false)
			w.target.read(w, c.target, true)
			w.readLinks(c.links)
			w.readRule(c.rule)
			w.rule.mentions.Update = c.updates
			w.spec[directory.Department].Rules = append(w.spec[directory.Department].Rules, mapping.Rule{To: "leader", From: "leader"})
			in := w.input()
			mine := func(p *plan.Plan) (changes, notes []string) {
				for _, ch := range p.Changes {
					if objects(c.mine)[ch.Source] {
						changes = append(changes, string(ch.Op))
					}
				}
				for _, n := range p.Notes {
					if objects(c.mine)[n.Key] {
						notes = append(notes, string(n.Kind)+" "+string(n.Key.ID))
					}
				}
				return changes, notes
			}
			whole := make1(t, in)
			if changes, notes := mine(whole); len(changes) > 0 || strings.Join(notes, ", ") != c.whole {
				t.Fatalf("the whole plan\n%s", planText(whole))
			}
			in.Only.Objects = objects(c.mine)
			p := make1(t, in)
			checkPlan(t, in, p)
			checkLanguages(t, p)
			if len(p.Changes) > 0 || len(p.Notes) != 1 || p.Notes[0].Kind != plan.Lost || !strings.Contains(p.Notes[0].Say, "not adopted") {
				t.Errorf("by event\n%s", planText(p))
			}
		})
	}
}
