package plan_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// former draws rules that were in force before a case's own.
func former(t *rapid.T, tb testing.TB, in plan.Input) *plan.Former {
	s := small{t: t, w: newWorld(tb)}
	for o := range in.Source.All(directory.User) {
		s.staff = append(s.staff, string(o.ID))
	}
	for _, l := range in.Links {
		s.staff = append(s.staff, string(l.Source.ID))
	}
	slices.Sort(s.staff)
	s.rules()
	f := &plan.Former{Run: "2BEF0R"}
	if s.w.rule != nil {
		f.Rules = s.w.rule
	}
	switch s.pick("former rules", "work", "work", "work", "do not compile", "are lost") {
	case "do not compile":
		f.Rules = broken{err: &bad}
	case "are lost":
		f.Rules, f.Say = nil, "too old / 太旧"
	}
	return f
}

// TestFormerRulesChangeNothing holds plans with and without former rules against
// each other: they differ in what is said of the rules, and in nothing else.
func TestFormerRulesChangeNothing(t *testing.T) {
	t.Parallel()
	differ := 0
	rapid.Check(t, func(rt *rapid.T) {
		in := company(rt, t)
		without := make1(rt, in)
		in.Former = former(rt, t, in)
		p := make1(rt, in)
		checkPlan(rt, in, p)
		said := p.Rules
		if p.Rules = nil; string(p.Encode()) != string(without.Encode()) {
			rt.Fatalf("former rules make another plan:\n%s\nwithout them:\n%s", planText(p), planText(without))
		}
		switch {
		case said == nil || said.Since != in.Former.Run:
			rt.Fatalf("said of the rules: %+v", said)
		case said.Say != "":
			if said.Judged+said.Differ+len(said.Examples) > 0 {
				rt.Fatalf("numbers of rules that could not be asked: %+v", said)
			}
			return
		}
		judged, all, err := plan.Differ(context.Background(), in)
		if err != nil || judged != said.Judged || len(all) != said.Differ {
			rt.Fatalf("%d judged, %d differ, %v; the plan says %+v", judged, len(all), err, said)
		}
		for i, d := range said.Examples {
			if all[i].Key != d.Key {
				rt.Errorf("example %d is %s, the most dangerous is %s", i, d.Key, all[i].Key)
			}
		}
		if want := min(len(all), 5); len(said.Examples) != want {
			rt.Errorf("%d examples of %d", len(said.Examples), len(all))
		}
		for _, d := range all {
			differ++
			decided(rt, p, d)
		}
	})
	if differ == 0 {
		t.Error("no rules ever differed")
	}
}

// decided sees that what is said to come of an object is what the plan does.
func decided(t *rapid.T, p *plan.Plan, d plan.Differing) {
	t.Helper()
	lost := slices.ContainsFunc(p.Notes, func(n plan.Note) bool {
		return n.Key == d.Key && (n.Kind == plan.Lost || n.Kind == plan.Conflict || n.Kind == plan.Held || n.Kind == plan.Kept)
	})
	at := slices.IndexFunc(p.Changes, func(c plan.Change) bool { return c.Source == d.Key && (c.Op != plan.Adopt || d.New.Op == plan.Adopt) })
	switch {
	case d.New.Op == plan.None && at >= 0, d.New.Op != plan.None && at < 0 && !lost:
		t.Fatalf("%s is said to come to %+v:\n%s", d.Key, d.New, planText(p))
	case at < 0 || d.New.Op == plan.Adopt:
		return
	}
	c := p.Changes[at]
	if c.Op != d.New.Op && !lost || c.Rule != d.New.Rule {
		t.Fatalf("%s is said to come to %+v, and is %+v", d.Key, d.New, c)
	}
	written := maps.Clone(c.After)
	for _, more := range p.Changes[at+1:] {
		if c.Op == plan.Create && more.Source == d.Key {
			maps.Copy(written, more.After)
		}
	}
	if !c.Op.Destructive() && !lost && !maps.EqualFunc(written, d.New.Write, directory.Value.Equal) {
		t.Fatalf("%s is said to get %v, and gets %v", d.Key, d.New.Write, written)
	}
}

// TestFormerRulesThatCannotBeAsked are no reason to block anything.
func TestFormerRulesThatCannotBeAsked(t *testing.T) {
	t.Parallel()
	slow := plan.RuleError{File: "old.js", Line: 2, Say: "too slow / 太慢", Limit: true}
	for name, c := range map[string]struct {
		former plan.Former
		say    string
		kind   fault.Kind // of Differ
	}{
		"lost":            {plan.Former{Run: "A", Say: "kept for 90 days only / 只保留 90 天"}, "kept for 90 days only", fault.Unavailable},
		"lost, no reason": {plan.Former{Run: "A"}, "they are not known any more", fault.Unavailable},
		"broken":          {plan.Former{Run: "A", Rules: broken{err: wrapped(bad)}}, "the former rules failed; users.js:12: x is undefined", fault.Invalid},
		"no host":         {plan.Former{Run: "A", Rules: broken{err: fault.New(fault.Unavailable, "no child starts / 进程起不来")}}, "the former rules failed; no child starts", fault.Unavailable},
		"a secret":        {plan.Former{Run: "A", Rules: broken{err: errors.New("token=secret")}}, "the former rules failed; internal error", fault.Internal},
		"wrong number":    {plan.Former{Run: "A", Rules: broken{extra: 1}}, "the former rules failed; the rules gave 61 verdicts for 60 objects", fault.Internal},
		"hung":            {plan.Former{Run: "A", Rules: &hung{fails: first(50), with: slow}}, "the former rules failed; old.js:2: outran its limits on 50 objects", fault.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := firm(t, 60, 0)
			w.readRule("*: return")
			in := w.input()
			without := make1(t, in)
			in.Former = &c.former
			p := make1(t, in)
			checkLanguages(t, p)
			if p.Rules == nil || p.Rules.Judged != 0 || !strings.HasPrefix(fault.In(p.Rules.Say, "en"), c.say) || strings.Contains(p.Rules.Say, "secret") {
				t.Errorf("%+v, want %q", p.Rules, c.say)
			}
			if p.Rules = nil; p.Digest() != without.Digest() || p.Risk.Blocked {
				t.Errorf("another plan:\n%s", planText(p))
			}
			if _, all, err := plan.Differ(t.Context(), in); len(all) > 0 || fault.KindOf(err) != c.kind {
				t.Errorf("%v, %v; want %s", all, err, c.kind)
			}
		})
	}
}

// TestDiffer gives everybody whom other rules decide differently.
func TestDiffer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.source.read(w, "department d1 甲\nuser 1 乙\nuser 2 甲\nuser 3 丙 title=x\nuser 4 丁 title=x", false)
	w.target.read(w, "user 3 丙\nuser 4 丁\nuser 5 戊\nuser 6 己", true)
	w.readLinks("3-4 -> same\n5 -> 5 seen:name=戊 seen:title=经理\n6 -> 6 seen:name=己")
	w.readRule("its file is: new.js\n1: abort; return\n3: executeDelete; return\n4: because new; line 4; return\n5: abort; line 5; return\ndepartment d1: return")
	w.former = w.script("its file is: old.js\n2: abort; return\n4: because old; line 9; return\n6: throw no\ndepartment d1: abort; return")
	in := w.input()
	in.Gone = nil // nobody was asked
	judged, all, err := plan.Differ(t.Context(), in)
	if err != nil || judged != 7 {
		t.Fatalf("%d, %v", judged, err)
	}
	var got []string
	for _, d := range all {
		got = append(got, string(d.Key.Kind)+" "+string(d.Key.ID)+": "+decisionText(d.Old)+" => "+decisionText(d.New))
	}
	want := []string{
		"user 3: UPDATE title=x => DELETE (new.js)",
		"user 6: NONE rule_failed \"no\" (users.js:12) => DISABLE",
		"user 2: NONE aborted (old.js) => CREATE name=甲 userid=2",
		"department d1: NONE aborted (old.js) => CREATE name=甲",
		"user 5: DISABLE => NONE aborted (users.js:5)",
		"user 1: CREATE name=乙 userid=1 => NONE aborted (new.js)",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	p := make1(t, in)
	if p.Rules == nil || p.Rules.Judged != 5 {
		t.Errorf("a plan judges none of those of whom the source was not asked: %+v", p.Rules)
	}
	in.Former = &plan.Former{Run: "SAME", Rules: w.rule}
	if judged, all, err := plan.Differ(t.Context(), in); judged != 7 || len(all) > 0 || err != nil {
		t.Errorf("the same rules: %d, %v, %v", judged, all, err)
	}
	in.Rules, in.Former = nil, nil
	if _, _, err := plan.Differ(t.Context(), in); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("no rules at all: %v", err)
	}
}

// TestRulesOfOneKindAppear compares with kinds that had no rule, and with none at
// all.
func TestRulesOfOneKindAppear(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		now, before  string
		judged, diff int
	}{
		"a rule appears":    {"department d1: abort; return\n1: return", "1: return", 2, 1},
		"a rule goes":       {"1: return", "department d1: abort; return\n1: return", 2, 1},
		"none for a kind":   {"1: abort; return", "1: return", 1, 1},
		"the last one goes": {"", "1: abort; return", 1, 1},
	} {
		w := newWorld(t)
		w.source.read(w, "department d1 甲\nuser 1 乙", false)
		w.former = w.script(c.before)
		if c.now != "" {
			w.readRule(c.now)
		}
		p := make1(t, w.input())
		if p.Rules == nil || p.Rules.Judged != c.judged || p.Rules.Differ != c.diff || len(p.Rules.Examples) != c.diff {
			t.Errorf("%s: %+v", name, p.Rules)
		}
	}
}

// TestForeseenWithoutFormerRules sees that nobody asks former rules about one user.
func TestForeseenWithoutFormerRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.source.read(w, "user 1 甲", false)
	w.former = w.script("1: return")
	in := w.input()
	in.Abilities.IDAttribute = map[directory.Kind]string{directory.User: "userid"}
	who := oneOf(in, directory.Key{Kind: directory.User, ID: "1"})
	if _, err := plan.Foresee(t.Context(), in, who); err != nil || len(w.former.asked) > 0 {
		t.Errorf("asked %v, %v", w.former.asked, err)
	}
	old := plan.Plan{Source: plan.Side{System: "hr"}}
	if p := plan.Undo(plan.UndoInput{Input: in, Plan: &old, Code: "A"}); p.Rules != nil || len(w.former.asked) > 0 {
		t.Errorf("an undo asks %v: %+v", w.former.asked, p.Rules)
	}
}

// TestWhatAPlanWouldNotCarryOut is no operation in what is said to come of somebody
// either.
func TestWhatAPlanWouldNotCarryOut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		flow, source, target, links, now, before string
		event                                    bool
		want                                     string
	}{
		"disabled already": {
			source: "user 1 甲", target: "user 1 甲 off", links: "1 -> 1 disabled=2026-02-20", now: "1: executeDisable; return", before: "1: return",
			want: "UPDATE active=true => NONE (users.js)",
		},
		"disabled already, and not ours": {
			source: "user 1 甲", target: "user 1 甲 off", now: "1: executeDisable; return", before: "1: executeDelete; return",
			want: "DELETE (users.js) => NONE (users.js)",
		},
		"the target cannot": {
			flow: "target cannot: delete user", source: "user 1 甲", target: "user 1 甲", links: "1 -> 1", now: "1: executeDelete; return", before: "1: return",
			want: "NONE => NONE kept (users.js)",
		},
		"the source is incomplete": {
			flow: "source incomplete: page 2", source: "user 1 甲", target: "user 1 甲", links: "1 -> 1", now: "1: executeDelete; return", before: "1: return",
			want: "NONE => NONE unclear (users.js)",
		},
		"cannot be mapped": {
			flow: "map title: {{ slice .name 0 6 }}", source: "user 1 张三", now: "1: name = 王; line 2; return", before: "1: return",
			want: "CREATE name=张三 title=张三 userid=1 => NONE unclear \"map.title: the template cannot be filled\" (users.js:2)",
		},
		"a reference is lost": {
			source: "department d1 甲\nuser 1 甲 in=d1", now: "1: in = d9; return", before: "1: return",
			want: "CREATE departments=new:department:d1 name=甲 userid=1 => NONE lost (users.js)",
		},
		"by event": {
			source: "user 1 甲", target: "user 1 甲", links: "1 -> 1", now: "1: executeDelete; return", before: "1: return", event: true,
			want: "NONE => NONE kept (users.js)",
		},
		"adopted either way": {source: "user 1 甲", target: "user 1 甲", now: "1: return", before: "1: executeUpdate; abort; return"},
		"adopted, or held": {
			source: "user 1 甲", target: "user 1 甲", now: "1: return", before: "1: title = x",
			want: "NONE held (users.js) => ADOPT",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.readFlow(c.flow)
			w.source.read(w, c.source, false)
			w.target.read(w, c.target, true)
			w.readLinks(c.links)
			w.readRule("its file is: users.js\n" + c.now)
			w.former = w.script("its file is: users.js\n" + c.before)
			in := w.input()
			if c.event {
				in.Only.Objects = map[directory.Key]bool{{Kind: directory.User, ID: "1"}: true}
			}
			got := ""
			for _, d := range make1(t, in).Rules.Examples {
				got += decisionText(d.Old) + " => " + decisionText(d.New)
			}
			if got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
