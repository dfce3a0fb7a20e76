package plan_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// hung is a rule that fails on some objects, always in the same way.
type hung struct {
	fails func(directory.Key) bool
	with  plan.RuleError
	only  directory.Kind // that it is for; "" = both
	calls int            // of Judge
}

func (h *hung) Mentions(kind directory.Kind) (plan.Calls, bool) {
	return plan.Calls{}, h.only == "" || h.only == kind
}

func (h *hung) Judge(_ context.Context, subjects []plan.Subject, _ plan.Lookup) ([]plan.Verdict, error) {
	h.calls++
	out := make([]plan.Verdict, len(subjects))
	for i := range subjects {
		if h.fails(subjects[i].Object.Key) {
			out[i].Failed = &h.with
		}
	}
	return out, nil
}

// first fails on everybody whose number is below a number.
func first(n int) func(directory.Key) bool {
	return func(k directory.Key) bool { return string(k.ID) < fmt.Sprintf("%04d", n) }
}

// every fails on each n-th.
func every(n int) func(directory.Key) bool {
	return func(k directory.Key) bool { return k.ID[len(k.ID)-2:] < directory.ID(fmt.Sprintf("%02d", 100/n)) }
}

var bad = plan.RuleError{File: "users.js", Line: 12, Say: "x is undefined / x 未定义"}

// TestRuleErrors goes along the edges of what a rule may fail on.
func TestRuleErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		people, failed int
		percent        float64
		blocked        bool
		limit          float64
	}{
		{people: 20, failed: 5, percent: 5},
		{people: 20, failed: 6, percent: 5, blocked: true, limit: 5},
		{people: 200, failed: 10, percent: 5},
		{people: 200, failed: 11, percent: 5, blocked: true, limit: 10},
		{people: 200, failed: 20, percent: 10},
		{people: 200, failed: 5, percent: 0},
		{people: 200, failed: 6, percent: 0, blocked: true, limit: 5},
		{people: 6, failed: 3, percent: 5},
		{people: 5, failed: 3, percent: 5, blocked: true, limit: 2},
		{people: 3, failed: 3, percent: 5, blocked: true, limit: 2},
		{people: 2, failed: 2, percent: 5},
		{people: 5, failed: 3, percent: 60},
		{people: 30, failed: 30, percent: 100},
	} {
		w := firm(t, c.people, 0)
		w.in.Flow.Guard.MaxRuleErrorPercent = c.percent
		in := w.input()
		in.Rules = &hung{fails: first(c.failed), with: bad}
		p := make1(t, in)
		i := slices.IndexFunc(p.Risk.Reasons, func(f plan.Finding) bool { return f.Code == plan.FindRuleErrors })
		if p.Risk.Blocked != c.blocked || (i >= 0) != c.blocked {
			t.Errorf("%d of %d with %v %%: %+v", c.failed, c.people, c.percent, p.Risk)
			continue
		}
		want := plan.Finding{Code: plan.FindRuleErrors, Tier: 4, Have: float64(c.failed), Limit: c.limit, What: "users.js"}
		if i >= 0 && p.Risk.Reasons[i] != want {
			t.Errorf("%d of %d with %v %%: %+v, want %+v", c.failed, c.people, c.percent, p.Risk.Reasons[i], want)
		}
		if len(p.Notes) != c.failed {
			t.Errorf("%d of %d: %d notes", c.failed, c.people, len(p.Notes))
		}
	}
}

// TestTheRuleThatFailsMostIsNamed has two files that fail.
func TestTheRuleThatFailsMostIsNamed(t *testing.T) {
	t.Parallel()
	w := firm(t, 8, 0)
	w.source.read(w, "department d1 甲\ndepartment d2 乙\ndepartment d3 丙", false)
	in := w.input()
	in.Rules = twoFiles{}
	p := make1(t, in)
	if len(p.Risk.Reasons) != 1 || p.Risk.Reasons[0].What != "users.js" || p.Risk.Reasons[0].Have != 11 {
		t.Errorf("%+v", p.Risk)
	}
}

type twoFiles struct{}

func (twoFiles) Mentions(directory.Kind) (plan.Calls, bool) { return plan.Calls{}, true }

func (twoFiles) Judge(_ context.Context, subjects []plan.Subject, _ plan.Lookup) ([]plan.Verdict, error) {
	out := make([]plan.Verdict, len(subjects))
	for i, s := range subjects {
		out[i].Failed = &plan.RuleError{File: string(s.Object.Kind) + "s.js", Say: "no / 不行"}
	}
	return out, nil
}

// TestRulesThatOutrunTheirLimits are asked no more after some dozens of objects, and
// nothing of the plan is left.
func TestRulesThatOutrunTheirLimits(t *testing.T) {
	t.Parallel()
	slow := plan.RuleError{File: "users.js", Line: 3, Say: "took longer than 1s / 超过 1s", Limit: true}
	for _, c := range []struct {
		people int
		fails  func(directory.Key) bool
		limit  bool
		calls  int
		broken bool
	}{
		{people: 900, fails: first(40), limit: true, calls: 1},
		{people: 900, fails: first(41), limit: true, calls: 1, broken: true},
		{people: 900, fails: first(41), calls: 1},
		{people: 5000, fails: every(33), limit: true, calls: 2, broken: true}, // 30 of each chunk of 1000
	} {
		w := firm(t, c.people, 10)
		w.source.read(w, "user 9999 新人", false)
		in := w.input()
		with := slow
		with.Limit = c.limit
		h := &hung{fails: c.fails, with: with, only: directory.User}
		in.Rules = h
		p := make1(t, in)
		isBroken(t, p, c.broken, "users.js:3: outran its limits on ")
		if h.calls < c.calls || c.broken && h.calls != c.calls {
			t.Errorf("%d people: asked %d times, want %d", c.people, h.calls, c.calls)
		}
		if again := make1(t, in); again.Digest() != p.Digest() {
			t.Errorf("%d people: the same input gives another plan", c.people)
		}
	}
}

// isBroken tells whether a plan says that a rule is of no use, and sees that it then
// says nothing else.
func isBroken(t *testing.T, p *plan.Plan, want bool, what string) {
	t.Helper()
	i := slices.IndexFunc(p.Risk.Reasons, func(f plan.Finding) bool { return f.Code == plan.FindRuleBroken })
	if (i >= 0) != want {
		t.Errorf("broken: %t, want %t: %+v", i >= 0, want, p.Risk)
	}
	if i < 0 {
		return
	}
	checkLanguages(t, p)
	if f := p.Risk.Reasons[i]; f.Tier != 4 || !strings.HasPrefix(fault.In(f.What, "en"), what) {
		t.Errorf("%+v, want %q", f, what)
	}
	if len(p.Changes) > 0 || len(p.Notes) != 1 || p.Notes[0].Kind != plan.RuleFailed || !p.Risk.Blocked || slices.Contains(codes(p), plan.FindRuleErrors) {
		t.Errorf("a plan of a broken rule:\n%s", planText(p))
	}
}

// wrapped is how a broken rule comes out of a host.
func wrapped(e plan.RuleError) error {
	return fmt.Errorf("start: %w", fault.Wrap(fault.Invalid, &e, "rules are broken / 规则有误"))
}

func TestBrokenRules(t *testing.T) {
	t.Parallel()
	for name, rules := range map[string]plan.Rules{
		"all":         broken{err: wrapped(bad)},
		"departments": one{directory.Department, broken{err: wrapped(bad)}},
		"users":       one{directory.User, broken{err: wrapped(bad)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := firm(t, 30, 2)
			w.source.read(w, "department d1 甲\nuser 9999 新人 in=d1\nuser 9998 新人 no=1", false)
			in := w.input()
			in.Rules = rules
			isBroken(t, make1(t, in), true, "users.js:12: x is undefined")

			in.Only = plan.Narrow{Kind: directory.User}
			isBroken(t, make1(t, in), true, "users.js:12: x is undefined")

			in.Only = plan.Narrow{Objects: map[directory.Key]bool{{Kind: directory.User, ID: "9999"}: true, {Kind: directory.Department, ID: "d1"}: true}}
			isBroken(t, make1(t, in), true, "users.js:12: x is undefined")

			in.Only = plan.Narrow{}
			who := oneOf(in, directory.Key{Kind: directory.User, ID: "9999"})
			seen, err := plan.Foresee(t.Context(), in, who)
			if err != nil || seen.Change != nil || len(seen.Notes) > 0 || !strings.Contains(seen.Unsure, "users.js:12: x is undefined / ") || !strings.HasSuffix(seen.Unsure, "users.js:12：x 未定义") {
				t.Errorf("foreseen: %+v, %v", seen, err)
			}
			for _, op := range []plan.Op{"", plan.Create} {
				got, err := plan.Judge(t.Context(), in, who, op)
				if err != nil || got.Verdict.Failed == nil || *got.Verdict.Failed != bad || got.Final != plan.None || got.Note != plan.RuleFailed {
					t.Errorf("tried with %q: %+v, %v", op, got, err)
				}
			}
		})
	}
}

// one has rules for one kind.
type one struct {
	kind directory.Kind
	plan.Rules
}

func (o one) Mentions(kind directory.Kind) (plan.Calls, bool) { return plan.Calls{}, kind == o.kind }

// TestAnEndedContextIsNoBrokenRule sees that a run which was stopped says nothing of
// its rules, whatever the host makes of that.
func TestAnEndedContextIsNoBrokenRule(t *testing.T) {
	t.Parallel()
	in := firm(t, 3, 0).input()
	in.Rules = broken{err: errors.Join(context.Canceled, &bad)}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if p, err := plan.Make(ctx, in); p != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", p, err)
	}
	if _, err := plan.Judge(ctx, in, oneOf(in, directory.Key{Kind: directory.User, ID: "0001"}), ""); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
