package engine_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/engine"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// library makes rules of texts: each text is the name of a rule.
type library struct {
	rules map[string]plan.Rules
	fail  error
	asked []string // the texts, in the order of the questions
	open  int      // rules that were made and not ended
}

func (l *library) host(_ context.Context, _ string, texts []plan.RuleText) (plan.Rules, func(), error) {
	var names []string
	for _, t := range texts {
		names = append(names, string(t.Kind)+" "+t.Text)
	}
	l.asked = append(l.asked, strings.Join(names, ", "))
	if l.fail != nil {
		return nil, nil, l.fail
	}
	for _, t := range texts {
		if r, ok := l.rules[t.Text]; ok {
			l.open++
			return r, func() { l.open-- }, nil
		}
	}
	return nil, nil, fault.New(fault.Invalid, "no such text / 没有这段规则")
}

// ruled gives the flow a rule for users by its text.
func (w *world) ruled(config, text string, law plan.Rules) {
	w.flow.Config, w.flow.Rules = config, law
	w.flow.Texts = []plan.RuleText{{Kind: directory.User, Name: "rules/users.js", Text: text}}
}

// reopen is the service started again, with what the flow is by now.
func (w *world) reopen() {
	w.stop()
	w.open()
}

func letting() *bylaw { return &bylaw{verdict: plan.Verdict{Returned: true}} }

func dropping(op plan.Op) *bylaw {
	return &bylaw{verdict: plan.Verdict{Returned: true, Abort: []plan.Op{op}, At: plan.Place{File: "rules/users.js", Line: 3}}}
}

func TestTheRulesOfAPlanThatMayBeAppliedAreKept(t *testing.T) {
	t.Parallel()
	story(t, 3, func(w *world) { w.ruled("c1", "one", letting()) }, func(w *world) {
		kept := func(what, config string, want ...string) {
			w.t.Helper()
			texts, ok, err := w.store.RuleTexts(w.t.Context(), config)
			var got []string
			for _, t := range texts {
				got = append(got, t.Name+" "+t.Text)
			}
			if err != nil || ok != (want != nil) || strings.Join(got, ",") != strings.Join(want, ",") {
				w.t.Errorf("%s: %q, %v, %v; want %q", what, got, ok, err, want)
			}
		}
		w.want(w.until(w.start(false).Code), run.Planned)
		kept("only looked at", "c1")
		w.want(w.until(w.start(true).Code), run.Succeeded)
		kept("applied", "c1", "rules/users.js one")
		w.ruled("c2", "two", letting())
		w.reopen()
		w.want(w.until(w.start(true).Code), run.NothingToDo)
		kept("nothing to do", "c2")
		w.source.drop(directory.User, "0003")
		r := w.want(w.until(w.start(true).Code), run.Awaiting)
		kept("waits for a vote", "c2", "rules/users.js two")
		kept("the older ones stay", "c1", "rules/users.js one")
		w.flow.Rules, w.flow.Texts, w.flow.Config = nil, nil, "c3"
		w.reopen()
		if _, err := w.engine.Stop(w.t.Context(), r.Code, run.Actor{Person: "李敏"}, ""); err != nil {
			w.t.Fatal(err)
		}
		w.want(w.until(w.start(true).Code), run.Awaiting)
		if texts, ok, err := w.store.RuleTexts(w.t.Context(), "c3"); err != nil || !ok || len(texts) != 0 {
			w.t.Errorf("a flow without rules: %v, %v, %v", texts, ok, err)
		}
	})
}

func TestWithoutARecordOfItsRulesNoPlanIsApplied(t *testing.T) {
	t.Parallel()
	story(t, 3, func(w *world) {
		w.ruled("c1", "one", letting())
		w.record = &faulty{Store: w.store, rules: func() error { return fault.New(fault.Internal, "no room / 没有空间") }}
	}, func(w *world) {
		w.want(w.until(w.start(false).Code), run.Planned)
		r := w.want(w.until(w.start(true).Code), run.Failed)
		if len(w.target.done()) != 0 || !strings.Contains(r.Reason, "no room") {
			w.t.Errorf("%d effects, %q", len(w.target.done()), r.Reason)
		}
	})
}

func TestChangedRulesAreHeldAgainstThoseOfTheLastAppliedRun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text   string // of the rule now
		forget bool   // that the rules were ever kept
		fail   error
		alone  bool // there is no host
		asked  int  // questions to the host
		differ int  // -1: nothing is said of changed rules
		says   string
	}{
		"another rule":         {text: "two", asked: 1, differ: 2},
		"the same text":        {text: "one", differ: -1},
		"an older record":      {text: "two", forget: true, differ: -1},
		"it compiles no more":  {text: "two", fail: fault.New(fault.Invalid, "bad / 有误"), asked: 1, says: "bad"},
		"nobody to make rules": {text: "two", alone: true, says: "cannot be run"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shelf := &library{rules: map[string]plan.Rules{"one": letting()}}
			story(t, 5, func(w *world) { w.host = shelf.host; w.ruled("c1", "one", letting()) }, func(w *world) {
				first := w.want(w.until(w.start(true).Code), run.Succeeded)
				if p := w.plan(first.Code); p.Rules != nil || len(shelf.asked) != 0 {
					w.t.Errorf("the first run: %+v, %v", p.Rules, shelf.asked)
				}
				w.ruled("c2", c.text, dropping(plan.Create))
				if c.forget {
					w.record = oldRecord{w.record}
				}
				if c.alone {
					w.host = nil
				}
				shelf.fail = c.fail
				w.reopen()
				w.person(6)
				w.person(7)
				r := w.until(w.start(false).Code)
				p := w.plan(r.Code)
				if len(shelf.asked) != c.asked || shelf.open != 0 || c.asked > 0 && shelf.asked[0] != "user one" {
					w.t.Errorf("the host was asked for %q, %d are open", shelf.asked, shelf.open)
				}
				switch got := p.Rules; {
				case c.differ < 0 && got == nil:
				case c.differ < 0, got == nil, got.Since != string(first.Code), got.Differ != c.differ, !strings.Contains(got.Say, c.says), (got.Say == "") != (c.says == ""):
					w.t.Errorf("the plan says %+v", got)
				}
			})
		})
	}
}

// oldRecord is a record that kept no rules.
type oldRecord struct{ engine.Store }

// RuleTexts knows none.
func (oldRecord) RuleTexts(context.Context, string) ([]plan.RuleText, bool, error) {
	return nil, false, nil
}

// A flow that had no rule has one now: that is a change as well, and needs no host.
func TestAFirstRuleIsAChange(t *testing.T) {
	t.Parallel()
	story(t, 5, func(w *world) { w.flow.Config = "c1" }, func(w *world) {
		w.want(w.until(w.start(true).Code), run.Succeeded)
		w.ruled("c2", "two", dropping(plan.Create))
		w.reopen()
		w.person(6)
		if p := w.plan(w.until(w.start(false).Code).Code); p.Rules == nil || p.Rules.Differ != 1 || p.Rules.Say != "" {
			w.t.Errorf("the plan says %+v", p.Rules)
		}
	})
}

func TestAnUndoSaysNothingAboutRules(t *testing.T) {
	t.Parallel()
	shelf := &library{rules: map[string]plan.Rules{"one": letting()}}
	story(t, 5, func(w *world) { w.host = shelf.host; w.ruled("c1", "one", letting()) }, func(w *world) {
		first := w.want(w.until(w.start(true).Code), run.Succeeded)
		w.mail("0002", "new@x.cn")
		second := w.want(w.until(w.start(true).Code), run.Succeeded)
		w.ruled("c2", "two", letting())
		w.reopen()
		undo, err := w.engine.Start(w.t.Context(), run.Request{ID: "undo", Flow: flowName, Undoes: second.Code, Trigger: run.ByCommand, By: run.Actor{Person: "李敏"}})
		if err != nil {
			w.t.Fatal(err)
		}
		w.want(w.until(undo.Code), run.Succeeded)
		if _, kept, err := w.store.RuleTexts(w.t.Context(), "c2"); kept || err != nil || len(shelf.asked) != 0 {
			w.t.Errorf("an undo keeps rules (%v, %v), or asks for %q", kept, err, shelf.asked)
		}
		if p := w.plan(w.until(w.start(false).Code).Code); p.Rules == nil || p.Rules.Since != string(second.Code) || second.Code == first.Code {
			w.t.Errorf("the plan says %+v", p.Rules)
		}
	})
}

// patient is a rule that takes its time for each question, and stops when it is told.
type patient struct {
	bylaw
	asked int

	mu sync.Mutex // guards both where a test changes them while a run asks
}

// take makes the rule take another time from now on.
func (s *patient) take(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.takes = d
}

func (s *patient) Judge(ctx context.Context, subjects []plan.Subject, look plan.Lookup) ([]plan.Verdict, error) {
	s.mu.Lock()
	s.asked++
	quick := s.bylaw
	s.mu.Unlock()
	select {
	case <-ctx.Done():
		return nil, fault.Wrap(fault.Unavailable, context.Cause(ctx), "not run to the end / 没有执行完")
	case <-time.After(quick.takes):
	}
	quick.takes = 0
	return quick.Judge(ctx, subjects, look)
}

func TestRulesHaveATimeForOneRun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		takes time.Duration
		state run.State
		asked int
		lasts time.Duration // at most
	}{
		"in time":            {9 * time.Minute, run.Planned, 3, 28 * time.Minute},
		"one takes too long": {31 * time.Minute, run.Blocked, 1, 31 * time.Minute},
		"all together do":    {14 * time.Minute, run.Blocked, 3, 31 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			law := &patient{bylaw: *letting()}
			law.takes = c.takes
			story(t, 2100, func(w *world) { rarely(w); w.ruled("c1", "one", law) }, func(w *world) { // three questions
				r := w.start(false)
				<-time.After(c.lasts)
				r = w.want(w.until(r.Code), c.state)
				if took := r.Ended.Sub(r.Created); law.asked != c.asked || took > c.lasts {
					w.t.Errorf("asked %d times, in %v", law.asked, took)
				}
				if c.state != run.Blocked {
					return
				}
				p := w.plan(r.Code)
				i := slices.IndexFunc(p.Risk.Reasons, func(f plan.Finding) bool { return f.Code == plan.FindRuleBroken })
				if i < 0 || len(p.Changes) != 0 {
					w.t.Fatalf("%d changes, %+v", len(p.Changes), p.Risk)
				}
				for _, lang := range []string{"en", "zh"} {
					if say := fault.In(p.Risk.Reasons[i].What, lang); !strings.Contains(say, "rules/users.js") || !strings.Contains(say, "timing.rules") || !strings.Contains(say, "30m") {
						w.t.Errorf("%s: %q", lang, say)
					}
				}
				law.takes = time.Millisecond // the next run has a time of its own
				w.want(w.until(w.start(false).Code), run.Planned)
			})
		})
	}
}

func TestFormerRulesThatHangHoldNobodyUpForLong(t *testing.T) {
	t.Parallel()
	hung := &patient{bylaw: *letting()}
	hung.takes = 24 * time.Hour
	shelf := &library{rules: map[string]plan.Rules{"one": hung}}
	story(t, 5, func(w *world) { rarely(w); w.host = shelf.host; w.ruled("c1", "one", letting()) }, func(w *world) {
		w.want(w.until(w.start(true).Code), run.Succeeded)
		w.ruled("c2", "two", letting())
		w.reopen()
		w.person(6)
		began := w.now()
		r := w.want(w.until(w.start(true).Code), run.Succeeded)
		if took := w.now().Sub(began); took < 3*time.Minute || took > 4*time.Minute || shelf.open != 0 {
			w.t.Errorf("it took %v, %d rules are open", took, shelf.open)
		}
		if p := w.plan(r.Code); p.Rules == nil || p.Rules.Say == "" || p.Rules.Differ != 0 {
			w.t.Errorf("the plan says %+v", p.Rules)
		}
	})
}

// useless is a rule of which nothing can be made.
func useless() *bylaw {
	return &bylaw{fail: fmt.Errorf("judge: %w", &plan.RuleError{File: "rules/users.js", Line: 3, Say: "is broken / 有误"})}
}

func TestAUselessRuleBlocksItsFlowAndNoOther(t *testing.T) {
	t.Parallel()
	law := useless()
	story(t, 5, func(w *world) {
		w.ruled("c1", "one", law)
		other := w.flow
		other.Plan.Name, other.Rules, other.Texts, other.Config = "other", nil, nil, "o1"
		w.more = append(w.more, other)
	}, func(w *world) {
		for _, apply := range []bool{false, true} {
			r := w.want(w.until(w.start(apply).Code), run.Blocked)
			p := w.plan(r.Code)
			says := slices.ContainsFunc(p.Risk.Reasons, func(f plan.Finding) bool {
				return f.Code == plan.FindRuleBroken && strings.Contains(f.What, "rules/users.js:3") && strings.Contains(f.What, "有误")
			})
			if !says || len(w.target.done()) != 0 {
				w.t.Errorf("apply %v: %+v, %d effects", apply, p.Risk, len(w.target.done()))
			}
		}
		if _, kept, err := w.store.RuleTexts(w.t.Context(), "c1"); kept || err != nil {
			w.t.Errorf("the rules of a blocked run are kept: %v", err)
		}
		r, err := w.engine.Start(w.t.Context(), run.Request{ID: "other", Flow: "other", Apply: true, Trigger: run.ByCommand, By: run.Actor{Person: "李敏"}})
		if err != nil {
			w.t.Fatal(err)
		}
		w.want(w.until(r.Code), run.Succeeded)
		got := w.try("0001", "")
		if got.Final != plan.None || got.Verdict.Failed == nil || got.Verdict.Failed.Line != 3 {
			w.t.Errorf("tried: %+v", got)
		}
		law.fail, law.verdict = nil, plan.Verdict{Returned: true}
		w.want(w.until(w.start(true).Code), run.Succeeded)
	})
}

// While a rule is of no use, each event would be one more blocked run in the room.
func TestEventsOfAFlowWithAUselessRuleAreLeftAlone(t *testing.T) {
	t.Parallel()
	law := letting()
	story(t, 30, func(w *world) { listening(w); w.ruled("c1", "one", law) }, func(w *world) {
		w.want(w.until(w.start(true).Code), run.Succeeded)
		law.fail = useless().fail
		for i := range 6 {
			w.mail("0003", fmt.Sprintf("new%d@x.cn", i))
			w.hint(changed("0003"))
			<-time.After(90 * time.Second)
		}
		if all := w.byEvent(); len(all) != 1 || all[0].State != run.Blocked {
			w.t.Errorf("%d runs by event, %+v", len(all), all)
		}
	})
}

// A run that judged nobody says nothing about who has left and is still active: how
// many runs running that was must not begin anew.
func TestAUselessRuleDoesNotForgetWhoIsLeftAndActive(t *testing.T) {
	t.Parallel()
	law := dropping(plan.Disable)
	story(t, 5, func(w *world) { w.ruled("c1", "one", law) }, func(w *world) {
		w.want(w.until(w.start(true).Code), run.Succeeded)
		w.source.drop(directory.User, "0003")
		for range 2 {
			w.want(w.until(w.start(true).Code), run.NothingToDo)
		}
		law.fail = useless().fail
		w.want(w.until(w.start(true).Code), run.Blocked)
		if alarms := w.told(run.EventAlarm); len(alarms) != 0 {
			w.t.Errorf("alarms %v", alarms)
		}
		law.fail = nil
		w.want(w.until(w.start(true).Code), run.NothingToDo)
		if alarms := w.told(run.EventAlarm); len(alarms) != 1 {
			w.t.Errorf("alarms %v, want one", alarms)
		}
	})
}

// Whoever cancels a run whose rule takes its time waits neither for the rule nor, with
// the next run, for what it would have taken.
func TestACancelledRunEndsItsRule(t *testing.T) {
	t.Parallel()
	law := &patient{bylaw: *letting()}
	law.takes = 25 * time.Minute
	story(t, 5, func(w *world) { w.ruled("c1", "one", law) }, func(w *world) {
		r := w.start(false)
		<-time.After(time.Minute)
		if now, err := w.store.Run(w.t.Context(), r.Code); err != nil || now.State != run.Planning {
			w.t.Fatalf("%+v, %v", now, err)
		}
		began := w.now()
		if _, err := w.engine.Stop(w.t.Context(), r.Code, run.Actor{Person: "李敏"}, ""); err != nil {
			w.t.Fatal(err)
		}
		law.take(time.Millisecond)
		w.want(w.until(w.start(false).Code), run.Planned)
		if took := w.now().Sub(began); took > time.Minute {
			w.t.Errorf("the next run had to wait %v", took)
		}
		if now, err := w.store.Run(w.t.Context(), r.Code); err != nil || now.State != run.Cancelled {
			w.t.Errorf("%+v, %v", now, err)
		}
	})
}
