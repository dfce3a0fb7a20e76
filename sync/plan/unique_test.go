package plan_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// marking draws a company whose rule asks for texts that nobody else has: few of
// them, so that they collide, in some ways to write the same letters.
func marking(t *rapid.T, tb testing.TB) plan.Input {
	s := small{t: t, w: newWorld(tb)}
	s.options()
	s.w.spec[directory.User].Rules[0].From = "account"
	if s.w.noID {
		s.w.spec[directory.User].Rules[0].From = "employee_no"
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "departments") {
		s.department(i)
	}
	for i := range rapid.IntRange(1, 8).Draw(t, "users") {
		s.staff = append(s.staff, fmt.Sprintf("u%d", i))
	}
	s.w.rule = &script{t: tb}
	for _, id := range s.staff {
		s.user(id)
		text := s.pick("text", "wang", "Wang", "ｗang", "wang2", "li")
		does := fmt.Sprintf("account = %s{#}; email = %s{#}@x.cn; return", text, s.pick("text of the address", text, text, "li"))
		if s.some("without a mark", 10) {
			does = fmt.Sprintf("account = %s; return", id)
		}
		s.w.rule.lines = append(s.w.rule.lines, [2]string{id, does})
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "strangers") {
		name := []string{"WANG", "wang2", "li"}[i]
		s.w.target.add(s.w, directory.User, true, []string{name, "外", "email=" + name + "@x.cn"})
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "deleted") {
		l := s.w.link(fmt.Sprintf("x%d", i), fmt.Sprintf("wang%d", i+3), []string{"deleted", fmt.Sprintf("written:email=wang%d@x.cn", i+3)})
		s.w.in.Links = append(s.w.in.Links, l)
	}
	in := s.w.input()
	for _, key := range plan.GoneCandidates(in.Source, in.Links) {
		in.Gone[key] = rapid.SampledFrom([]plan.GoneAnswer{plan.GoneConfirmed, plan.GoneUnsure}).Draw(t, "gone")
	}
	return in
}

func folded(s string) string { return strings.ToLower(norm.NFKC.String(s)) }

// checkDistinct sees that no two accounts have one id or one address that a mark made,
// and that nobody got what was a deleted account's.
func checkDistinct(t *rapid.T, in plan.Input) {
	t.Helper()
	ids, mails := map[string]directory.ID{}, map[string]directory.ID{}
	for o := range in.Target.All(directory.User) {
		if other, twice := ids[folded(string(o.ID))]; twice {
			t.Errorf("%s and %s are one id", o.ID, other)
		}
		ids[folded(string(o.ID))] = o.ID
		mail := o.Attributes["email"].Text()
		if strings.Contains(mail, plan.Mark) || strings.Contains(string(o.ID), plan.Mark) {
			t.Errorf("%s has the mark itself: %s", o.ID, mail)
		}
		if !strings.HasSuffix(mail, "@x.cn") {
			continue
		}
		if other, twice := mails[folded(mail)]; twice {
			t.Errorf("%s and %s have one address: %s", o.ID, other, mail)
		}
		mails[folded(mail)] = o.ID
	}
	for _, l := range in.Links {
		if l.Source.ID[0] != 'x' {
			continue
		}
		if who, used := mails[l.Written["email"].Text()]; used || ids[string(l.Target.ID)] != "" {
			t.Errorf("%s is used again by %s", l.Target.ID, who)
		}
	}
}

// TestEveryMark draws companies with marks, plans, carries out and plans again.
func TestEveryMark(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		in := marking(rt, t)
		noted := false
		for round := range maxRounds {
			p := make1(rt, in)
			checkPlan(rt, in, p)
			if len(p.Changes) == 0 || p.Risk.Blocked {
				return
			}
			if round == 1 && !noted {
				rt.Fatalf("a plan that was carried out leaves something to do:\n%s", planText(p))
			}
			in, noted = applied(rt, in, p), noted || len(p.Notes) > 0
			checkDistinct(rt, in)
		}
		rt.Fatalf("no end of changes:\n%s", planText(make1(rt, in)))
	})
}

// many is a rule that gives everybody the same marked texts.
type many struct{}

func (many) Mentions(kind directory.Kind) (plan.Calls, bool) {
	return plan.Calls{}, kind == directory.User
}

func (many) Judge(_ context.Context, subjects []plan.Subject, _ plan.Lookup) ([]plan.Verdict, error) {
	out := make([]plan.Verdict, len(subjects))
	for i, s := range subjects {
		data := directory.Attributes{"account": directory.TextOf("a" + plan.Mark), "email": directory.TextOf("a" + plan.Mark + "@x.cn")}
		for name, v := range s.Object.Attributes {
			if name != "account" && name != "email" {
				data[name] = v
			}
		}
		out[i] = plan.Verdict{Data: data, Returned: true}
	}
	return out, nil
}

// ofOneText is a company whose rule asks for one text again and again.
func ofOneText(tb testing.TB, users int) plan.Input {
	tb.Helper()
	w := newWorld(tb)
	w.spec[directory.User].Rules[0].From = "account"
	for i := range users {
		w.source.add(w, directory.User, false, []string{fmt.Sprintf("%06d", i), "人"})
	}
	in := w.input()
	in.Rules = many{}
	return in
}

func TestManyOfOneText(t *testing.T) {
	t.Parallel()
	const users = 12000
	p := make1(t, ofOneText(t, users))
	if p.Counts().Create != 9999 || len(p.Notes) != users-9999 {
		t.Errorf("%v, %d notes", p.Counts(), len(p.Notes))
	}
}

// BenchmarkManyOfOneText shows whether the numbers of one text keep a plan busy.
func BenchmarkManyOfOneText(b *testing.B) {
	in := ofOneText(b, 12000)
	for b.Loop() {
		make1(b, in)
	}
}

// TestFormerMarksChangeNothing: what the former rules ask for takes no number away from
// what the plan's rules ask for.
func TestFormerMarksChangeNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		in := marking(rt, t)
		alone := make1(rt, in)
		former := &script{t: t}
		for o := range in.Source.All(directory.User) {
			text := rapid.SampledFrom([]string{"wang", "ｗang", "li", "wang2"}).Draw(rt, "former text")
			former.lines = append(former.lines, [2]string{string(o.ID), fmt.Sprintf("account = %s{#}; email = %s{#}@x.cn; return", text, text)})
		}
		in.Former = &plan.Former{Run: "2BEF0R", Rules: former}
		p := make1(rt, in)
		p.Rules = nil
		if p.Digest() != alone.Digest() {
			rt.Errorf("with former rules:\n%s\nwithout:\n%s", planText(p), planText(alone))
		}
	})
}
