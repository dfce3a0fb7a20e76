package engine_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// talking is a rule that tells what it logs.
type talking struct{ *bylaw }

// Tell judges one subject.
func (t talking) Tell(ctx context.Context, s plan.Subject, look plan.Lookup) (plan.Verdict, []string, error) {
	all, err := t.Judge(ctx, []plan.Subject{s}, look)
	if err != nil {
		return plan.Verdict{}, nil, err
	}
	return all[0], []string{"sees " + string(s.Object.ID) + " " + string(s.Proposed), "ends"}, nil
}

func TestAnEditedRuleIsTriedBeforeItIsInUse(t *testing.T) {
	t.Parallel()
	edited := talking{dropping(plan.Update)}
	edited.takes = 30 * time.Millisecond
	shelf := &library{rules: map[string]plan.Rules{"edited": edited}}
	story(t, 5, func(w *world) {
		w.host = shelf.host
		w.ruled("c1", "one", letting())
		w.flow.Texts = append(w.flow.Texts, plan.RuleText{Kind: directory.Department, Name: "rules/d.js", Text: "departments"})
	}, func(w *world) {
		w.until(w.start(true).Code)
		w.mail("0002", "new@x.cn")
		trial := run.Trial{Flow: flowName, Who: run.Query{Text: "0002"}, By: run.Actor{Person: "李敏"}}
		own, err := w.engine.Try(w.t.Context(), trial)
		if err != nil || own.Final != plan.Update || own.Logs != nil || len(shelf.asked) != 0 {
			w.t.Errorf("the rule in use: %+v, %v", own, err)
		}
		trial.Texts = []plan.RuleText{{Kind: directory.User, Name: "edited.js", Text: "edited"}}
		w.untouched(func() {
			got, err := w.engine.Try(w.t.Context(), trial)
			if err != nil || got.Final != plan.None || got.Note != plan.Aborted || got.Proposed != plan.Update || !got.Ruled || got.Took != 30*time.Millisecond {
				w.t.Errorf("the edited one: %+v, %v", got, err)
			}
			if strings.Join(got.Logs, ", ") != "sees 0002 UPDATE, ends" {
				w.t.Errorf("it logs %q", got.Logs)
			}
		})
		if len(shelf.asked) != 1 || shelf.asked[0] != "department departments, user edited" || shelf.open != 0 {
			w.t.Errorf("the host was asked for %q, %d are open", shelf.asked, shelf.open)
		}
		trial.Texts[0].Text = "unknown"
		if _, err := w.engine.Try(w.t.Context(), trial); fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Say(err), "no such text") {
			w.t.Errorf("one that does not compile: %v", err)
		}
		edited.fail = useless().fail
		trial.Texts[0].Text = "edited"
		if got, err := w.engine.Try(w.t.Context(), trial); err != nil || got.Verdict.Failed == nil || got.Verdict.Failed.Line != 3 || got.Final != plan.None {
			w.t.Errorf("one that is of no use: %+v, %v", got, err)
		}
		trial.By.Person = "路人"
		if _, err := w.engine.Try(w.t.Context(), trial); fault.KindOf(err) != fault.Denied || len(shelf.asked) != 3 {
			w.t.Errorf("a viewer: %v, %q", err, shelf.asked)
		}
	})
}

func (w *world) diff(old ...plan.RuleText) run.RulesDiffered {
	w.t.Helper()
	got, err := w.engine.DiffRules(w.t.Context(), run.RuleDiff{Flow: flowName, Old: old, By: run.Actor{Person: "李敏"}})
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

func userText(text string) plan.RuleText {
	return plan.RuleText{Kind: directory.User, Name: text + ".js", Text: text}
}

// outcomes gives what differs, in a line each.
func outcomes(d run.RulesDiffered) []string {
	var all []string
	for _, x := range d.All {
		line := fmt.Sprintf("%s %s%s → %s%s", x.Key.ID, x.Old.Op, x.Old.Note, x.New.Op, x.New.Note)
		if x.New.Rule != "" {
			line += " " + x.New.Rule
		}
		all = append(all, line)
	}
	slices.Sort(all)
	return all
}

func TestRulesAreComparedOverTheLastListing(t *testing.T) {
	t.Parallel()
	titled := &bylaw{verdict: plan.Verdict{Returned: true, Data: directory.Attributes{"email": directory.TextOf("ruled@x.cn")}, At: plan.Place{File: "rules/users.js", Line: 7}}}
	shelf := &library{rules: map[string]plan.Rules{"one": letting(), "disabling": dropping(plan.Disable), "titled": titled, "hung": useless()}}
	story(t, 30, func(w *world) { rarely(w); w.host = shelf.host; w.ruled("c1", "one", letting()) }, func(w *world) {
		first := w.want(w.until(w.start(true).Code), run.Succeeded)
		w.ruled("c2", "two", letting())
		w.reopen()
		w.untouched(func() {
			got := w.diff()
			if got.Since != first.Code || len(got.All) != 0 || got.Judged != 30 || got.Listed.IsZero() {
				w.t.Errorf("nothing differs: %+v", got)
			}
			if got = w.diff(userText("titled")); len(got.All) != 30 || got.Since != "" || got.All[0].Old.Op != plan.Update || got.All[0].New.Op != plan.None {
				w.t.Errorf("with a given file: %d of %d, %v", len(got.All), got.Judged, outcomes(got))
			}
		})

		// Somebody leaves, and somebody's mail address is new: the listing of a plan
		// that was only looked at counts, and nobody is asked.
		w.source.drop(directory.User, "0007")
		w.mail("0002", "new@x.cn")
		w.person(31)
		w.want(w.until(w.start(false).Code), run.Planned)
		source, target := w.reads()
		got := w.diff(userText("disabling"))
		if want := []string{"0007 NONEaborted → DISABLE"}; !slices.Equal(outcomes(got), want) {
			w.t.Errorf("who has left: %q, want %q", outcomes(got), want)
		}
		if s, t := w.reads(); s != source || t != target || shelf.open != 0 {
			w.t.Errorf("%d and %d readings, %d rules are open", s-source, t-target, shelf.open)
		}
		if got.Judged != 31 {
			w.t.Errorf("%d were judged", got.Judged)
		}
	})
}

// What stands for the accounts is just what was written: who is in step is proposed
// nothing, with linked departments and with such as are found by their path.
func TestAccountsAreTakenAsLastWritten(t *testing.T) {
	t.Parallel()
	for name, byPath := range map[string]bool{"linked departments": false, "by path": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proposed := map[plan.Op]int{}
			targets := map[string]directory.Attributes{}
			law := letting()
			shelf := &library{rules: map[string]plan.Rules{"old": letting()}}
			story(t, 10, func(w *world) {
				rarely(w)
				w.host = shelf.host
				w.ruled("c1", "one", law)
				if byPath {
					w.flow.Plan.Departments = nil
					w.target.put(directory.Department, "t1", "研发部", nil)
					w.target.put(directory.Department, "t2", "平台组", directory.Attributes{"parent": directory.RefsToKind(directory.Department, "t1")})
				}
				w.boss("0002", "0001")
			}, func(w *world) {
				w.until(w.start(true).Code)
				w.source.drop(directory.User, "0009")
				r := w.want(w.until(w.start(true).Code), run.Awaiting)
				if _, err := w.vote(r.Code, "周凯", -1, 1); err != nil {
					w.t.Fatal(err)
				}
				w.want(w.until(r.Code), run.Succeeded)
				w.person(11)
				w.want(w.until(w.start(false).Code), run.Planned)
				law.sees = func(s plan.Subject, _ plan.Lookup) {
					proposed[s.Proposed]++
					targets[string(s.Object.ID)] = s.Target
				}
				w.diff(userText("old"))
				if proposed[plan.None] != 10 || proposed[plan.Create] != 1 || len(proposed) != 2 {
					w.t.Errorf("proposed %v", proposed)
				}
				if boss := targets["0002"]["boss"].Refs(); len(boss) != 1 || boss[0].Pending || boss[0].ID != "0001" || targets["0011"] != nil {
					w.t.Errorf("0002 is shown as %v, 0011 as %v", targets["0002"], targets["0011"])
				}
			})
		})
	}
}

// boss gives a person of the source a manager.
func (w *world) boss(id, manager string) {
	w.source.mu.Lock()
	defer w.source.mu.Unlock()
	o := w.source.objects[user(id)]
	o.Attributes = o.Attributes.Clone()
	o.Attributes["manager"] = directory.RefsToKind(directory.User, directory.ID(manager))
	w.source.objects[user(id)] = o
}

func TestRulesThatCannotBeCompared(t *testing.T) {
	t.Parallel()
	shelf := &library{rules: map[string]plan.Rules{"one": letting(), "useless": useless()}}
	story(t, 5, func(w *world) { w.host = shelf.host; w.ruled("c1", "one", letting()) }, func(w *world) {
		refused := func(what string, d run.RuleDiff, kind fault.Kind, says string) {
			w.t.Helper()
			if d.By.Person == "" {
				d.By.Person = "李敏"
			}
			if d.Flow == "" {
				d.Flow = flowName
			}
			_, err := w.engine.DiffRules(w.t.Context(), d)
			if fault.KindOf(err) != kind || !strings.Contains(fault.Say(err), says) {
				w.t.Errorf("%s: %v, want %s %q", what, err, kind, says)
			}
		}
		given := []plan.RuleText{userText("one")}
		refused("another flow", run.RuleDiff{Flow: "none"}, fault.NotFound, "none")
		refused("a viewer", run.RuleDiff{Old: given, By: run.Actor{Person: "路人"}}, fault.Denied, "operator")
		refused("no listing yet", run.RuleDiff{Old: given}, fault.Unavailable, "start a plan first")
		refused("nothing applied yet", run.RuleDiff{}, fault.Unavailable, "applied nothing yet")
		w.want(w.until(w.start(true).Code), run.Succeeded)
		refused("one that does not compile", run.RuleDiff{Old: []plan.RuleText{userText("what")}}, fault.Invalid, "no such text")
		refused("one of no use", run.RuleDiff{Old: []plan.RuleText{userText("useless")}}, fault.Invalid, "rules/users.js:3")
		if shelf.open != 0 {
			w.t.Errorf("%d rules are open", shelf.open)
		}
		w.record = oldRecord{w.record}
		w.reopen()
		refused("an older record", run.RuleDiff{}, fault.Unavailable, "were not kept")
		w.host = nil
		w.reopen()
		refused("no host", run.RuleDiff{Old: given}, fault.Unavailable, "cannot be run")
	})
}
