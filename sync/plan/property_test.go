package plan_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// small draws little companies: few people, few values, so that they collide.
type small struct {
	t     *rapid.T
	w     *world
	names []string // of the departments, by id
	staff []string // ids of the source's users
}

func (s small) some(label string, percent int) bool {
	return rapid.IntRange(1, 100).Draw(s.t, label) <= percent
}

func (s small) pick(label string, from ...string) string {
	return rapid.SampledFrom(from).Draw(s.t, label)
}

// company draws a case: two trees, links between them, options and a rule.
func company(t *rapid.T, tb testing.TB) plan.Input {
	s := small{t: t, w: newWorld(tb)}
	s.options()
	for i := range rapid.IntRange(0, 4).Draw(t, "departments") {
		s.department(i)
	}
	n := rapid.IntRange(0, 7).Draw(t, "users")
	for i := range n {
		s.staff = append(s.staff, fmt.Sprintf("u%d", i))
	}
	for _, id := range s.staff {
		s.user(id)
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "strangers") {
		s.stranger(i)
	}
	s.rules()
	in := s.w.input()
	for _, key := range plan.GoneCandidates(in.Source, in.Links) {
		in.Gone[key] = rapid.SampledFrom([]plan.GoneAnswer{plan.GoneConfirmed, plan.GoneConfirmed, plan.GoneDenied, plan.GoneUnsure}).Draw(t, "gone")
	}
	return in
}

func (s small) options() {
	f := &s.w.in.Flow
	f.AdoptAtOnce = s.some("adopt at once", 50)
	f.DeleteGoneDepartments = s.some("departments gone: delete", 30)
	f.Leavers.OutOfScope = s.some("out of scope: leave", 50)
	f.Leavers.When["status"] = []string{"left"}
	if s.some("delete first", 20) {
		f.Leavers.First = plan.Delete
	}
	if s.some("scope", 20) {
		f.Scope.Departments = []string{"/A"}
	}
	if s.some("protect", 30) {
		f.Protect.Attributes["title"] = []string{"chief"}
	}
	s.w.noID = s.some("the target gives ids", 30)
	if s.w.noID {
		s.w.spec[directory.User].Rules[0].To = "no"
	}
	if s.some("source incomplete", 15) {
		s.w.sourceNo = "page 2 failed"
	}
	if s.some("target incomplete", 10) {
		s.w.targetNo = "page 3 failed"
	}
	if s.some("leaders", 30) {
		s.w.spec[directory.Department].Rules = append(s.w.spec[directory.Department].Rules, mapping.Rule{To: "leader", From: "leader"})
	}
}

func (s *small) department(i int) {
	id := fmt.Sprintf("d%d", i)
	line := []string{id, s.pick("name", "A", "B", "C")}
	if i > 0 && s.some("below another", 60) {
		line = append(line, fmt.Sprintf("in=d%d", rapid.IntRange(0, i-1).Draw(s.t, "parent")))
	} else if s.some("in a circle", 5) {
		line = append(line, "in="+id)
	}
	if s.some("has a leader", 20) {
		line = append(line, "leader=u0")
	}
	s.names = append(s.names, id)
	if s.some("department in the source", 85) {
		s.w.source.add(s.w, directory.Department, false, line)
	}
	if !s.some("department in the target", 60) {
		return
	}
	there := []string{"t" + id}
	for _, word := range line[1:] {
		if !strings.HasPrefix(word, "leader") {
			there = append(there, strings.Replace(word, "in=", "in=t", 1))
		}
	}
	s.w.target.add(s.w, directory.Department, true, there)
	if s.some("department linked", 60) {
		s.w.in.Links = append(s.w.in.Links, s.w.link(id, "t"+id, []string{"department"}))
	}
}

func (s small) user(id string) {
	if s.some("user in the source", 80) {
		line := []string{id, s.pick("name", "甲", "乙"), "email=" + s.pick("email", id, id, id, "", "shared", "?"), "title=" + s.pick("title", "", "x", "chief", "?")}
		if s.some("left", 15) {
			line = append(line, "status="+s.pick("status", "left", "?"))
		}
		s.w.source.add(s.w, directory.User, false, append(line, s.refs("")...))
	}
	linked := s.some("user linked", 60)
	words := []string{}
	if linked && s.some("disabled by us", 20) {
		words = append(words, "disabled="+s.pick("day", "2026-02-20", "2025-12-01"))
	}
	target := id
	if s.w.noID || s.some("other id", 10) {
		target = "t" + id
	}
	if s.some("user in the target", 70) {
		line := []string{target, s.pick("name there", "甲", "乙"), "email=" + s.pick("email there", id, "", "shared", "?"), "title=" + s.pick("title there", "", "x", "chief", "?"), "no=" + id}
		if s.some("disabled", 15) {
			line = append(line, "off")
		}
		if s.some("activity hidden", 10) {
			line = append(line, "active=?")
		}
		if s.some("departments hidden", 10) {
			line = append(line, "in=?")
		} else {
			line = append(line, s.refs("t")...)
		}
		s.w.target.add(s.w, directory.User, true, line)
	}
	if linked {
		s.w.in.Links = append(s.w.in.Links, s.w.link(id, target, words))
	}
}

// refs draws departments and a manager, by their ids in the source or, with a
// prefix, in the target.
func (s small) refs(prefix string) []string {
	var words, in []string
	for _, id := range s.names {
		if s.some("in "+id, 30) {
			in = append(in, prefix+id)
		}
	}
	words = append(words, "in="+strings.Join(in, ","))
	if prefix == "" && s.some("has a manager", 40) {
		words = append(words, "boss="+s.pick("manager", s.staff...))
	}
	return words
}

func (s small) stranger(i int) {
	s.w.target.add(s.w, directory.User, true, []string{fmt.Sprintf("S%d", i), "外", "email=" + s.pick("email of a stranger", "shared", "u0", "other")})
}

func (s small) rules() {
	if !s.some("a rule", 60) {
		return
	}
	s.w.rule = &script{t: s.w.t}
	s.w.rule.mentions.Create = s.some("mentions executeCreate", 20)
	s.w.rule.mentions.Update = s.some("mentions executeUpdate", 20)
	for _, id := range append([]string{"department d0", "department d1", "department d2"}, s.staff...) {
		does := s.pick("the rule does", "return", "return", "nothing", "executeCreate; return", "executeUpdate; return", "abort; return",
			"abort CREATE; return", "abort DISABLE; return", "throw no", "executeDisable; return", "executeDelete; return", "executeCreate; executeDelete")
		if user := !strings.HasPrefix(id, "department"); user && s.some("writes", 20) {
			does = "title = ruled; " + does
		} else if !user && s.some("moves", 20) {
			does = "in = " + s.pick("to", "d0", "d1", "d2", "d3") + "; return"
		}
		if s.some("looks at others", 30) {
			does = "looks " + s.pick("looks", "user:u0", "department:d0 user:u1 user:u0", "user:u9 department:d9 user:u9") + "; " + does
		}
		if s.some("tells its line", 50) {
			does = "line 7; " + does
		} else if s.some("gives a reason", 20) {
			does = "because so it is; " + does
		}
		s.w.rule.lines = append(s.w.rule.lines, [2]string{id, does})
	}
}

func make1(t tester, in plan.Input) *plan.Plan {
	t.Helper()
	p, err := plan.Make(context.Background(), in)
	if err != nil {
		t.Fatalf("make: %v", err)
	}
	return p
}

// TestEveryPlan draws companies, plans, carries out what was planned and plans
// again, until there is nothing to do. Every plan on the way keeps what all
// plans keep (checkPlan), and the way is short: one step when nothing stood in
// the way of anything.
func TestEveryPlan(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		in := company(rt, t)
		for round := range maxRounds {
			p := make1(rt, in)
			checkPlan(rt, in, p)
			checkProtected(rt, in, p)
			if len(p.Changes) == 0 || p.Risk.Blocked {
				return // a blocked plan is never carried out
			}
			if round == 1 && in.Flow.Name != "noted" {
				rt.Fatalf("a plan that was carried out leaves something to do:\n%s", planText(p))
			}
			before := in
			in = applied(rt, in, p)
			if round == 0 && len(p.Notes) > 0 {
				in.Flow.Name = "noted" // something was held back: it may come later
			}
			in.LastGood = &plan.LastGood{Users: before.Source.Len(directory.User)}
		}
		rt.Fatalf("no end of changes:\n%s", planText(make1(rt, in)))
	})
}

const maxRounds = 8

// checkProtected sees that no protected account is lost.
func checkProtected(t *rapid.T, in plan.Input, p *plan.Plan) {
	t.Helper()
	for _, c := range p.Changes {
		if !c.Op.Destructive() || p.Risk.Blocked {
			continue
		}
		source, _ := in.Source.Get(c.Source)
		target, _ := in.Target.Get(c.Key)
		for name, values := range in.Flow.Protect.Attributes {
			if mapping.HasOne(source.Attributes[name], values) || mapping.HasOne(target.Attributes[name], values) {
				t.Errorf("#%d: %s of the protected %s is not blocked", c.Seq, c.Op, c.Key)
			}
		}
	}
}

// settled gives the case once there is nothing more to do.
func settled(t *rapid.T, in plan.Input) plan.Input {
	t.Helper()
	for range maxRounds {
		p := make1(t, in)
		if len(p.Changes) == 0 || p.Risk.Blocked {
			break
		}
		in = applied(t, in, p)
	}
	return in
}

// without gives a snapshot without some of its users.
func without(s *directory.Snapshot, gone func(directory.ID) bool) *directory.Snapshot {
	b := directory.NewBuilder(s.System, s.TakenAt)
	for _, kind := range []directory.Kind{directory.User, directory.Department} {
		for o := range s.All(kind) {
			if kind == directory.Department || !gone(o.ID) {
				b.Add(o)
			}
		}
	}
	*b.Health() = s.Health
	snap, _ := b.Finish()
	return snap
}

// TestWhoIsMissingIsAllThatIsLost removes k people from a source in step with
// its target: at most k accounts are in danger, of a complete source; none of an
// incomplete one. Beside them only who has left by a status of their own, and was
// kept because the account might have been that of one of those who are missing now.
func TestWhoIsMissingIsAllThatIsLost(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		in := settled(rt, company(rt, t))
		settled := make1(rt, in)
		if settled.Counts().Destructive() > 0 {
			return // what is blocked waits
		}
		held := map[directory.Key]bool{}
		for _, n := range settled.Notes {
			held[n.Key] = held[n.Key] || n.Kind == plan.LeftActive
		}
		gone := map[directory.ID]bool{}
		for o := range in.Source.All(directory.User) {
			if rapid.Bool().Draw(rt, "gone") {
				gone[o.ID] = true
			}
		}
		in.Source = without(in.Source, func(id directory.ID) bool { return gone[id] })
		in.Flow.DeleteGoneDepartments = false
		in.Gone = map[directory.Key]plan.GoneAnswer{}
		for id := range gone {
			in.Gone[directory.Key{Kind: directory.User, ID: id}] = plan.GoneConfirmed
		}
		p := make1(rt, in)
		checkPlan(rt, in, p)
		lost := 0
		for _, c := range p.Changes {
			switch {
			case !c.Op.Destructive():
			case held[c.Source] && !gone[c.Source.ID] && c.Cause.Kind != plan.CauseGone:
			case !gone[c.Source.ID]:
				rt.Errorf("%s would be lost, who is there:\nbefore\n%s\nafter\n%s", c.Source, planText(settled), planText(p))
			default:
				lost++
			}
		}
		if lost > len(gone) || !in.Source.Complete() && lost > 0 {
			rt.Errorf("%d are missing, and %d accounts would be lost:\n%s", len(gone), lost, planText(p))
		}
	})
}

// TestUnsureIsNeverGone sees that nobody is lost whose absence the source does
// not confirm.
func TestUnsureIsNeverGone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		in := company(rt, t)
		for key := range in.Gone {
			in.Gone[key] = rapid.SampledFrom([]plan.GoneAnswer{plan.GoneDenied, plan.GoneUnsure}).Draw(rt, "answer")
		}
		for _, c := range make1(rt, in).Changes {
			if c.Op.Destructive() && !in.Source.Has(c.Source) {
				rt.Errorf("%s of %s, whose absence was not confirmed", c.Op, c.Source)
			}
		}
	})
}

// TestGraceIsCountedFromTheDisable sees that no account that was disabled is
// deleted before its time, unless a rule says so.
func TestGraceIsCountedFromTheDisable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		in := company(rt, t)
		in.Flow.Leavers.First, in.Rules = plan.Disable, nil
		in.Flow.Leavers.After = time.Duration(rapid.IntRange(0, 120).Draw(rt, "days")) * day
		disabled := map[directory.Key]time.Time{}
		for _, l := range in.Links {
			disabled[l.Target] = l.DisabledAt
		}
		for _, c := range make1(rt, in).Changes {
			since, linked := disabled[c.Key]
			if c.Op == plan.Delete && c.Key.Kind == directory.User && (!linked || since.IsZero() || in.Now.Before(since.Add(in.Flow.Leavers.After))) {
				rt.Errorf("%s is deleted before its time: disabled %v, grace %v", c.Key, since, in.Flow.Leavers.After)
			}
		}
	})
}
