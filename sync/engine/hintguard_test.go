package engine_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// TestWhatAGuardHoldsIsNotDoneByEvents sees that a storm that people must look at,
// or have refused, does not get through person by person.
func TestWhatAGuardHoldsIsNotDoneByEvents(t *testing.T) {
	t.Parallel()
	story(t, 40, func(w *world) {
		listening(w)
		w.flow.Plan.Guard.MaxChangePercent = 20
	}, func(w *world) {
		w.want(w.until(w.start(true).Code), run.Succeeded)
		for i := range 40 {
			w.mail(fmt.Sprintf("%04d", i+1), "wrong@x.cn")
		}
		before := len(w.target.done())
		held := w.want(w.until(w.start(true).Code), run.Awaiting)
		quiet := func(what string) {
			w.t.Helper()
			w.hint(changed("0002"))
			<-time.After(time.Minute)
			if r := w.byEvent()[0]; r.State != run.Planned || r.Reason == "" {
				w.t.Errorf("%s: the run by event is %s (%s)", what, r.State, r.Reason)
			}
			if n := len(w.target.done()); n != before {
				w.t.Errorf("%s: effects %v", what, w.target.done()[before:])
			}
		}
		quiet("while it waits")
		_, err := w.engine.Decide(w.t.Context(), run.Vote{
			Run: held.Code, Decision: run.Reject, By: run.Actor{Person: "陈悦"}, Typed: run.Restated{Delete: -1, Disable: -1, Total: -1},
		})
		if err != nil {
			w.t.Fatal(err)
		}
		w.want(w.state(held.Code), run.Rejected)
		quiet("when it was refused")
		for i := range 40 { // mended
			id := fmt.Sprintf("%04d", i+1)
			w.mail(id, "u"+id+"@x.cn")
		}
		w.want(w.until(w.start(true).Code), run.NothingToDo)
		w.mail("0002", "new@x.cn")
		w.hint(changed("0002"))
		<-time.After(time.Minute)
		w.want(w.byEvent()[0], run.Succeeded)
	})
}

// TestWhatBrokenRulesHeldIsNotDoneByEvents sees that what a rule has kept a full run
// from doing does not get through person by person, whatever the rule says by then.
func TestWhatBrokenRulesHeldIsNotDoneByEvents(t *testing.T) {
	t.Parallel()
	place := plan.Place{File: "rules/users.js", Line: 3}
	for name, spoil := range map[string]func(*bylaw){
		plan.FindRuleBroken: func(law *bylaw) { law.fail = useless().fail },
		plan.FindRuleErrors: func(law *bylaw) {
			law.verdict = plan.Verdict{Failed: &plan.RuleError{File: place.File, Line: place.Line, Say: "is broken / 有误"}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			law := letting()
			story(t, 40, func(w *world) { listening(w); w.ruled("c1", "one", law) }, func(w *world) {
				w.want(w.until(w.start(true).Code), run.Succeeded)
				before := len(w.target.done())
				w.mail("0002", "new@x.cn")
				whole := *law
				spoil(law)
				r := w.want(w.until(w.start(true).Code), run.Blocked)
				p := w.plan(r.Code)
				if !slices.ContainsFunc(p.Risk.Reasons, func(f plan.Finding) bool { return f.Code == name }) {
					w.t.Fatalf("it is blocked for %+v", p.Risk.Reasons)
				}
				*law = whole
				w.hint(changed("0002"))
				<-time.After(time.Minute)
				if r := w.byEvent()[0]; r.State != run.Planned || len(w.target.done()) != before {
					w.t.Errorf("the run by event is %s (%s), %d effects", r.State, r.Reason, len(w.target.done())-before)
				}
				w.want(w.until(w.start(true).Code), run.Succeeded)
				w.mail("0002", "newer@x.cn")
				w.hint(changed("0002"))
				<-time.After(time.Minute)
				w.want(w.byEvent()[0], run.Succeeded)
			})
		})
	}
}

// TestManySmallRunsTurnIntoAFullOne sees that changes which trickle in are held
// against the guards of a full run as well.
func TestManySmallRunsTurnIntoAFullOne(t *testing.T) {
	t.Parallel()
	story(t, 240, listening, func(w *world) {
		w.want(w.until(w.start(true).Code), run.Succeeded)
		for batch := range 3 {
			for i := range 80 {
				id := fmt.Sprintf("%04d", batch*80+i+1)
				w.mail(id, "other"+id+"@x.cn")
				w.hint(changed(id))
			}
			<-time.After(time.Minute)
		}
		runs := w.byEvent()
		if len(runs) != 3 || runs[0].Objects != "" || runs[0].Counts.Update != 80 || runs[1].Objects == "" {
			w.t.Errorf("%d runs, the last of %q with %+v", len(runs), runs[0].Objects, runs[0].Counts)
		}
	})
}

// TestAnAccountIsNotMadeAgainByAnEvent: a target whose listing lags behind does not
// show yet what an earlier run created. Only a full run makes an account again.
func TestAnAccountIsNotMadeAgainByAnEvent(t *testing.T) {
	t.Parallel()
	story(t, 3, listening, func(w *world) {
		w.want(w.until(w.start(true).Code), run.Succeeded)
		w.target.drop(directory.User, "0002")
		before := len(w.target.done())
		w.hint(changed("0002"))
		<-time.After(time.Minute)
		w.want(w.byEvent()[0], run.NothingToDo)
		if n := len(w.target.done()); n != before {
			w.t.Errorf("effects %v", w.target.done()[before:])
		}
		if r := w.want(w.until(w.start(true).Code), run.Succeeded); r.Counts.Create != 1 {
			w.t.Errorf("the full run plans %+v", r.Counts)
		}
	})
}

// TestHintsAreGatheredBesideAFullRunThatWaits sees that who is named while a full
// run must wait is not acted on one by one.
func TestHintsAreGatheredBesideAFullRunThatWaits(t *testing.T) {
	t.Parallel()
	story(t, 30, listening, func(w *world) {
		w.want(w.until(w.start(true).Code), run.Succeeded)
		w.hint(directory.Hint{})
		<-time.After(time.Minute)
		w.hint(directory.Hint{}) // ten minutes too early
		<-time.After(time.Minute)
		for i := range 24 {
			id := fmt.Sprintf("%04d", i+1)
			w.mail(id, "other"+id+"@x.cn")
			w.hint(changed(id))
			<-time.After(5 * time.Second)
		}
		<-time.After(time.Minute)
		small := 0
		for _, r := range w.byEvent() {
			if r.Objects != "" {
				small++
			}
		}
		if small == 0 || small > 5 {
			w.t.Errorf("%d small runs in two minutes", small)
		}
	})
}

// TestASourceThatFailsIsNotAskedAtEveryEvent sees that a source in trouble is left
// alone for a while, and that who was named is not forgotten.
func TestASourceThatFailsIsNotAskedAtEveryEvent(t *testing.T) {
	t.Parallel()
	story(t, 5, listening, func(w *world) {
		w.want(w.until(w.start(true).Code), run.Succeeded)
		w.mail("0002", "new@x.cn")
		w.source.mu.Lock()
		w.source.broken = fault.New(fault.Unavailable, "away / 不可用")
		w.source.mu.Unlock()
		for range 9 {
			w.hint(changed("0002"))
			<-time.After(time.Minute)
		}
		if runs := w.byEvent(); len(runs) != 1 || runs[0].State != run.Failed {
			w.t.Errorf("%d runs, the first is %s", len(runs), runs[0].State)
		}
		w.source.mu.Lock()
		w.source.broken = nil
		w.source.mu.Unlock()
		<-time.After(5 * time.Minute)
		if runs := w.byEvent(); len(runs) != 2 || runs[0].State != run.Succeeded || runs[0].Counts.Update != 1 {
			w.t.Errorf("%d runs, the last %s %+v", len(runs), runs[0].State, runs[0].Counts)
		}
	})
}

// TestARunByEventDoesNotHideWhatPeopleLetGo: it takes no snapshot, so that it says
// nothing about how big the source was.
func TestARunByEventDoesNotHideWhatPeopleLetGo(t *testing.T) {
	t.Parallel()
	story(t, 60, func(w *world) {
		admin(w)
		listening(w)
		w.flow.Plan.Guard.MaxShrinkPercent, w.flow.Plan.Approve.DisableOver = 10, 5
	}, func(w *world) {
		r := w.leave(8)
		w.cast(ballot(r, by("周凯", ""), 8), "")
		w.cast(ballot(r, by("陈悦", run.FromCLI), 8), "")
		<-time.After(12 * time.Minute)
		w.want(w.until(r.Code), run.Succeeded)
		for i := range 12 {
			w.mail("0060", fmt.Sprintf("m%d@x.cn", i))
			w.hint(changed("0060"))
			<-time.After(2 * time.Hour)
			w.want(w.byEvent()[0], run.Succeeded)
		}
		<-time.After(25 * time.Hour) // what was done today counts too
		w.source.drop(directory.User, "0030")
		if r = w.want(w.until(w.start(true).Code), run.Succeeded); r.Tier >= plan.SteppedUp {
			w.t.Errorf("the shrinking is asked about again: tier %d", r.Tier)
		}
	})
}

// TestWhoCameByAnEventAndLeftAtOnceIsJudgedOnWhatWasKnown: no full listing ever had
// the person, and what protects an account is an attribute of the source.
func TestWhoCameByAnEventAndLeftAtOnceIsJudgedOnWhatWasKnown(t *testing.T) {
	t.Parallel()
	story(t, 5, func(w *world) {
		listening(w)
		w.flow.Plan.Protect.Attributes = map[string][]string{"kind": {"service"}}
	}, func(w *world) {
		w.want(w.until(w.start(true).Code), run.Succeeded)
		w.source.put(directory.User, "0009", "打印机", directory.Attributes{
			"employee_no": directory.TextOf("0009"), "departments": directory.RefsToKind(directory.Department, "d2"), "kind": directory.TextOf("service"),
		})
		w.hint(changed("0009"))
		<-time.After(time.Minute)
		w.want(w.byEvent()[0], run.Succeeded)
		w.source.drop(directory.User, "0009")
		if r := w.until(w.start(true).Code); r.State != run.Blocked || r.Counts.Disable != 1 {
			w.t.Errorf("the account is not protected: %s %+v", r.State, r.Counts)
		}
	})
}
