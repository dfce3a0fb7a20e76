package engine_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// bylaw is a rule for users that does the same for everybody, in its time.
type bylaw struct {
	mentions plan.Calls
	verdict  plan.Verdict
	takes    time.Duration
	sees     func(plan.Subject, plan.Lookup)
	fail     error
}

var _ plan.Rules = (*bylaw)(nil)

func (b *bylaw) Mentions(kind directory.Kind) (plan.Calls, bool) {
	return b.mentions, kind == directory.User
}

func (b *bylaw) Judge(_ context.Context, subjects []plan.Subject, look plan.Lookup) ([]plan.Verdict, error) {
	if b.fail != nil {
		return nil, b.fail
	}
	out := make([]plan.Verdict, len(subjects))
	for i, s := range subjects {
		if out[i] = b.verdict; b.verdict.Data != nil {
			out[i].Data = s.Object.Attributes.Clone()
			maps.Copy(out[i].Data, b.verdict.Data)
		}
		if b.sees != nil {
			b.sees(s, look)
		}
	}
	<-time.After(b.takes)
	return out, nil
}

func (w *world) try(text string, op plan.Op) run.Tried {
	w.t.Helper()
	got, err := w.engine.Try(w.t.Context(), run.Trial{Flow: "hr-to-corp", Who: run.Query{Text: text}, Op: op, By: run.Actor{Person: "李敏"}})
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

func TestTryShowsWhatTheRuleDoesAndWritesNothing(t *testing.T) {
	t.Parallel()
	law := &bylaw{}
	story(t, 30, func(w *world) { w.flow.Rules = law }, func(w *world) {
		w.until(w.start(true).Code)
		*law = bylaw{
			takes: 40 * time.Millisecond, mentions: plan.Calls{Update: true},
			verdict: plan.Verdict{Returned: true, Data: directory.Attributes{"email": directory.TextOf("ruled@x.cn")}},
		}
		w.untouched(func() {
			got := w.try("0007", "")
			if !got.Ruled || got.Took != 40*time.Millisecond || got.Proposed != plan.None || got.Object.ID != "0007" || got.Target["userid"].Text() != "0007" {
				w.t.Errorf("tried %+v", got)
			}
			if got.Final != plan.None || got.Note != plan.Held || got.Verdict.Data["email"].Text() != "ruled@x.cn" {
				w.t.Errorf("a rule that forgets to execute: %+v", got)
			}
			law.verdict.Calls.Update = true
			if got := w.try("0007", ""); got.Final != plan.Update || got.Note != "" {
				w.t.Errorf("a rule that executes: %+v", got)
			}
		})
		law.verdict = plan.Verdict{Returned: true, Abort: []plan.Op{plan.Delete}, Calls: plan.Calls{Delete: true}}
		if got := w.try("0007", plan.Disable); got.Proposed != plan.Disable || got.Final != plan.None || got.Note != plan.Aborted {
			w.t.Errorf("a given operation: %+v", got)
		}
		law.verdict = plan.Verdict{Failed: &plan.RuleError{File: "users.js", Line: 12, Say: "oops"}}
		if got := w.try("0007", plan.Create); got.Final != plan.None || got.Note != plan.RuleFailed || got.Verdict.Failed.Line != 12 {
			w.t.Errorf("a rule that throws: %+v", got)
		}
	})
}

func TestTryOfNewcomersLeaversAndOutsiders(t *testing.T) {
	t.Parallel()
	law := &bylaw{verdict: plan.Verdict{Returned: true}}
	story(t, 30, func(w *world) {
		w.flow.Rules = law
		w.flow.Plan.Scope.Not = map[string][]string{"email": {"u0030@x.cn"}}
	}, func(w *world) {
		w.until(w.start(true).Code)
		w.person(31)
		w.source.drop(directory.User, "0007")
		var boss string
		law.sees = func(s plan.Subject, look plan.Lookup) {
			o, _ := look(user("0012"))
			d, _ := look(directory.Key{Kind: directory.Department, ID: "d2"})
			boss = o.Name() + " " + d.Name()
		}
		for id, want := range map[string]run.Tried{
			"0031": {Proposed: plan.Create, Final: plan.Create},
			"0007": {Proposed: plan.Disable, Final: plan.Disable},
			"0030": {Proposed: plan.None, Final: plan.None, Note: plan.OutOfScope},
			"0012": {Proposed: plan.None, Final: plan.None},
		} {
			got := w.try(id, "")
			if got.Proposed != want.Proposed || got.Final != want.Final || got.Note != want.Note || !got.Ruled || string(got.Object.ID) != id {
				w.t.Errorf("%s: %+v", id, got)
			}
			if boss != "人0012 平台组" {
				w.t.Errorf("%s: the rule sees %q of the others", id, boss)
			}
		}
		law.fail = fault.New(fault.Unavailable, "no child / 没有子进程")
		_, err := w.engine.Try(w.t.Context(), run.Trial{Flow: "hr-to-corp", Who: run.Query{Text: "0012"}, By: run.Actor{Person: "李敏"}})
		if fault.KindOf(err) != fault.Unavailable || !strings.Contains(fault.Say(err), "no child") {
			w.t.Errorf("a broken host: %v", err)
		}
		if n := w.the("0012").Next; n.Change != nil || !strings.Contains(n.Unsure, "no child") {
			w.t.Errorf("a forecast with a broken host: %+v", n)
		}
	})
}

func TestTryIsForOperatorsAndRealOperations(t *testing.T) {
	t.Parallel()
	story(t, 3, nil, func(w *world) {
		w.until(w.start(true).Code)
		for name, c := range map[string]struct {
			t    run.Trial
			kind fault.Kind
		}{
			"a viewer":        {run.Trial{Flow: "hr-to-corp", Who: run.Query{Text: "0001"}, By: run.Actor{Person: "路人"}}, fault.Denied},
			"nobody":          {run.Trial{Flow: "hr-to-corp", Who: run.Query{Text: "0001"}}, fault.Denied},
			"another flow":    {run.Trial{Flow: "other", Who: run.Query{Text: "0001"}, By: run.Actor{Person: "李敏"}}, fault.NotFound},
			"somebody else":   {run.Trial{Flow: "hr-to-corp", Who: run.Query{Text: "0099"}, By: run.Actor{Person: "李敏"}}, fault.NotFound},
			"an adoption":     {run.Trial{Flow: "hr-to-corp", Who: run.Query{Text: "0001"}, Op: plan.Adopt, By: run.Actor{Person: "李敏"}}, fault.Invalid},
			"an odd word":     {run.Trial{Flow: "hr-to-corp", Who: run.Query{Text: "0001"}, Op: "PURGE", By: run.Actor{Person: "李敏"}}, fault.Invalid},
			"an empty person": {run.Trial{Flow: "hr-to-corp", By: run.Actor{Person: "李敏"}}, fault.Invalid},
		} {
			if got, err := w.engine.Try(w.t.Context(), c.t); fault.KindOf(err) != c.kind {
				w.t.Errorf("%s: %+v, %v", name, got, err)
			}
		}
		if got := w.try("0001", ""); got.Ruled || got.Took != 0 || got.Final != plan.None {
			w.t.Errorf("without a rule: %+v", got)
		}
	})
}

func TestARuleThatHoldsIsForeseen(t *testing.T) {
	t.Parallel()
	law := &bylaw{mentions: plan.Calls{Create: true}, verdict: plan.Verdict{Returned: true, Calls: plan.Calls{Create: true}}}
	story(t, 5, func(w *world) { w.flow.Rules = law }, func(w *world) {
		w.until(w.start(true).Code)
		w.person(6)
		if c := w.the("0006").Next.Change; c == nil || c.Op != plan.Create {
			w.t.Fatalf("let in: %+v", c)
		}
		law.verdict = plan.Verdict{Returned: true, Reason: "入职日期未到"}
		n := w.the("0006").Next
		if n.Change != nil || len(n.Notes) != 1 || n.Notes[0].Kind != plan.Held || n.Notes[0].Op != plan.Create || !strings.Contains(n.Notes[0].Say, "入职日期未到") {
			w.t.Errorf("held: %+v", n)
		}
		law.verdict = plan.Verdict{Failed: &plan.RuleError{File: "users.js", Line: 12, Say: "oops / 出错"}}
		if n := w.the("0006").Next.Notes; len(n) != 1 || n[0].Kind != plan.RuleFailed || n[0].Place != "users.js:12" {
			w.t.Errorf("failed: %+v", n)
		}
		law.verdict = plan.Verdict{Returned: true, AbortAny: true}
		w.source.drop(directory.User, "0003")
		if n := w.the("0003").Next.Notes; len(n) != 1 || n[0].Kind != plan.LeftActive {
			w.t.Errorf("left and active: %+v", n)
		}
	})
}

func TestAPlanThatIsLookedAtMayBeNarrowed(t *testing.T) {
	t.Parallel()
	story(t, 30, func(w *world) {
		w.source.put(directory.Department, "d3", "销售部", nil)
		w.source.put(directory.User, "0031", "人0031", directory.Attributes{"employee_no": directory.TextOf("0031"), "departments": directory.RefsToKind(directory.Department, "d3")})
	}, func(w *world) {
		law := func(req run.Request) (run.Run, error) {
			w.asked++
			req.ID, req.Flow, req.Trigger, req.By = "narrow-"+string(rune('a'+w.asked)), "hr-to-corp", run.ByCommand, run.Actor{Person: "李敏"}
			r, err := w.engine.Start(w.t.Context(), req)
			if err != nil {
				return r, err
			}
			return w.until(r.Code), nil
		}
		for name, c := range map[string]struct {
			req   run.Request
			state run.State
			n     int
			says  string
		}{
			"a department": {run.Request{Dept: "销售部"}, run.Planned, 2, ""},
			"its people":   {run.Request{Dept: "/销售部", Kind: directory.User}, run.Planned, 1, ""},
			"departments":  {run.Request{Kind: directory.Department}, run.Planned, 3, ""},
			"unknown":      {run.Request{Dept: "消售部"}, run.Failed, 0, "/销售部"},
		} {
			r, err := law(c.req)
			if err != nil || r.State != c.state || r.Counts.Total() != c.n || r.Dept != c.req.Dept || r.Kind != c.req.Kind || !strings.Contains(r.Reason, c.says) {
				w.t.Errorf("%s: %+v, %v", name, r, err)
			}
			if c.state == run.Failed && r.Fault != fault.Invalid {
				w.t.Errorf("%s: fault %s", name, r.Fault)
			}
		}
		for name, req := range map[string]run.Request{
			"apply a department": {Dept: "销售部", Apply: true}, "apply people": {Kind: directory.User, Apply: true}, "an odd kind": {Kind: "robot"},
		} {
			if _, err := law(req); fault.KindOf(err) != fault.Invalid {
				w.t.Errorf("%s: %v", name, err)
			}
		}
		w.want(w.until(w.start(true).Code), run.Succeeded)
		if r, err := law(run.Request{Dept: "销售部"}); err != nil || r.State != run.NothingToDo {
			w.t.Errorf("nothing to do: %+v, %v", r, err)
		}
	})
}

func TestANarrowedPlanForgetsNobodyWhoIsLeftActive(t *testing.T) {
	t.Parallel()
	law := &bylaw{verdict: plan.Verdict{Returned: true}}
	story(t, 30, func(w *world) { w.flow.Rules = law }, func(w *world) {
		w.until(w.start(true).Code)
		w.source.drop(directory.User, "0007")
		law.verdict.AbortAny = true
		left := func() int {
			links, err := w.store.Links(w.t.Context(), "hr-to-corp")
			if err != nil {
				w.t.Fatal(err)
			}
			i := slices.IndexFunc(links, func(l mapping.Link) bool { return l.Source == user("0007") })
			return links[i].LeftRuns
		}
		w.until(w.start(false).Code)
		before := left()
		r, err := w.engine.Start(w.t.Context(), run.Request{ID: "n", Flow: "hr-to-corp", Kind: directory.Department, Trigger: run.ByCommand, By: run.Actor{Person: "李敏"}})
		if err != nil {
			w.t.Fatal(err)
		}
		w.want(w.until(r.Code), run.NothingToDo)
		if before != 1 || left() != before {
			w.t.Errorf("left and active for %d runs, then %d", before, left())
		}
	})
}

// TestABrokenRuleForgetsNobodyWhoIsLeftActive: a plan that a broken rule empties tells
// of nobody, so it ends nobody's row of runs.
func TestABrokenRuleForgetsNobodyWhoIsLeftActive(t *testing.T) {
	t.Parallel()
	law := letting()
	story(t, 5, func(w *world) { w.ruled("c1", "one", law) }, func(w *world) {
		w.want(w.until(w.start(true).Code), run.Succeeded)
		w.source.drop(directory.User, "0003")
		law.verdict.AbortAny = true
		left := func(when string, want int) {
			w.t.Helper()
			links, err := w.store.Links(w.t.Context(), "hr-to-corp")
			if err != nil {
				w.t.Fatal(err)
			}
			i := slices.IndexFunc(links, func(l mapping.Link) bool { return l.Source == user("0003") })
			if i < 0 || links[i].LeftRuns != want {
				w.t.Errorf("%s: not left and active for %d runs: %+v", when, want, links)
			}
		}
		for range 2 {
			w.until(w.start(true).Code)
		}
		left("before", 2)
		law.fail = useless().fail
		w.want(w.until(w.start(true).Code), run.Blocked)
		left("while the rule is broken", 2)
		law.fail = nil
		r := w.until(w.start(true).Code)
		left("once it is mended", 3)
		if alarms := w.events(run.EventAlarm, r.Code); len(alarms) != 1 {
			w.t.Errorf("the third run raises %q", alarms)
		}
	})
}
