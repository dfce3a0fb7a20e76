package engine_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// ladder is a source whose answers about single departments a test may change, once the
// plan is made.
type ladder struct {
	*place
	climbs  atomic.Int64 // Lookups of departments
	rung    func(id directory.ID) (connector.Sighting, error)
	meeting func(id directory.ID) // before a person is shown
}

func (l *ladder) Lookup(ctx context.Context, kind directory.Kind, ids []directory.ID) ([]connector.Sighting, error) {
	if kind == directory.User {
		if l.meeting != nil {
			l.meeting(ids[0])
		}
		return l.place.Lookup(ctx, kind, ids)
	}
	l.climbs.Add(1)
	if l.rung == nil {
		return l.place.Lookup(ctx, kind, ids)
	}
	var out []connector.Sighting
	for _, id := range ids {
		s, err := l.rung(id)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func (l *ladder) unit(id, name, parent string) {
	var more directory.Attributes
	if parent != "" {
		more = directory.Attributes{"parent": directory.RefsToKind(directory.Department, directory.ID(parent))}
	}
	l.put(directory.Department, id, name, more)
}

// ladderStory begins with n people of the department d4, which is below the scope's
// /研发部 and then moved out of it, below d5: they are to be disabled. fn casts the votes.
func ladderStory(t *testing.T, n int, change func(*world), fn func(*world, *ladder, run.Run)) {
	t.Helper()
	var l *ladder
	story(t, 60, func(w *world) {
		rarely(w)
		l = &ladder{place: w.source}
		w.flow.Source = l
		w.flow.Plan.Scope.Departments = []string{"/研发部"}
		w.flow.Plan.Leavers.OutOfScope = true
		l.unit("d4", "测试组", "d1")
		l.unit("d5", "外包公司", "")
		for i := range n {
			no := fmt.Sprintf("9%03d", i)
			l.put(directory.User, no, "人"+no, directory.Attributes{
				"employee_no": directory.TextOf(no), "departments": directory.RefsToKind(directory.Department, "d4"),
			})
		}
		if change != nil {
			change(w)
		}
	}, func(w *world) {
		w.want(w.until(w.start(true).Code), run.Succeeded)
		l.unit("d4", "测试组", "d5")
		r := w.want(w.until(w.start(true).Code), run.Awaiting)
		if r.Counts.Disable+r.Counts.Delete != n {
			w.t.Fatalf("to be taken away: %+v, want %d", r.Counts, n)
		}
		l.climbs.Store(0)
		fn(w, l, r)
	})
}

// ladderEnd casts the votes and gives the entries of the people.
func ladderEnd(w *world, r run.Run, n int) []run.Entry {
	w.t.Helper()
	for _, who := range []string{"周凯", "陈悦"} {
		if w.state(r.Code).State == run.Awaiting {
			w.look(r, who)
			v := run.Vote{Run: r.Code, Decision: run.Approve, By: by(who, ""), Typed: run.Restated{Delete: r.Counts.Delete, Disable: r.Counts.Disable, Total: -1}}
			w.cast(v, "")
		}
	}
	w.until(r.Code)
	entries, err := w.store.Entries(w.t.Context(), r.Code)
	if err != nil {
		w.t.Fatal(err)
	}
	var people []run.Entry
	for _, e := range entries {
		if e.Source.Kind == directory.User {
			people = append(people, e)
		}
	}
	if len(people) != n {
		w.t.Fatalf("%d entries of people, want %d", len(people), n)
	}
	return people
}

// TestScopeAfreshDepartmentsThatMoveSinceThePlan: nobody's own object changes.
func TestScopeAfreshDepartmentsThatMoveSinceThePlan(t *testing.T) {
	t.Parallel()
	const again, unshown, unread = "in scope again", "does not show", "cannot be read"
	away := fault.New(fault.Unavailable, "the service is down / 服务不可用")
	answer := func(s connector.Sighting, err error) func(*ladder) {
		return func(l *ladder) { l.rung = func(directory.ID) (connector.Sighting, error) { return s, err } }
	}
	endless := func(l *ladder) {
		l.rung = func(id directory.ID) (connector.Sighting, error) {
			return connector.Sighting{Presence: connector.Present, Object: directory.Object{
				Key: directory.Key{Kind: directory.Department, ID: id},
				Attributes: directory.Attributes{
					"name": directory.TextOf("层"), "parent": directory.RefsToKind(directory.Department, id+"x"),
				},
			}}, nil
		}
	}
	for name, c := range map[string]struct {
		since func(*ladder)
		say   string // "" = disabled
	}{
		"nothing":              {func(*ladder) {}, ""},
		"moved elsewhere":      {func(l *ladder) { l.unit("d4", "测试组", "") }, ""},
		"moved back":           {func(l *ladder) { l.unit("d4", "测试组", "d1") }, again},
		"moved further down":   {func(l *ladder) { l.unit("d4", "测试组", "d2") }, again},
		"its parent moved":     {func(l *ladder) { l.unit("d5", "外包公司", "d2") }, again},
		"its parent renamed":   {func(l *ladder) { l.unit("d5", "研发部", "") }, again},
		"gone":                 {func(l *ladder) { l.drop(directory.Department, "d4") }, unshown},
		"its parent gone":      {func(l *ladder) { l.drop(directory.Department, "d5") }, unshown},
		"a circle":             {func(l *ladder) { l.unit("d5", "外包公司", "d4") }, unshown},
		"without a name":       {func(l *ladder) { l.unit("d5", "", "") }, unshown},
		"no answer":            {answer(connector.Sighting{}, away), "could not be checked"},
		"unsure":               {answer(connector.Sighting{Why: "no permission / 没有权限"}, nil), unread},
		"an answer of another": {answer(connector.Sighting{Presence: connector.Present, Object: directory.Object{Key: directory.Key{Kind: directory.Department, ID: "d2"}}}, nil), unread},
		"no end of parents":    {endless, unread},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ladderStory(t, 2, nil, func(w *world, l *ladder, r run.Run) {
				c.since(l)
				for _, e := range ladderEnd(w, r, 2) {
					if c.say == "" {
						if e.Step != run.StepDone || w.target.active(string(e.Source.ID)) {
							w.t.Errorf("%s is %s: %s", e.Source.ID, e.Step, e.Say)
						}
						continue
					}
					_, zh, both := strings.Cut(e.Say, " / ")
					if e.Step != run.StepSkipped || !strings.Contains(e.Say, c.say) || !both || !strings.Contains(zh, "未执行") {
						w.t.Errorf("%s is %s: %s", e.Source.ID, e.Step, e.Say)
					}
					if !w.target.active(string(e.Source.ID)) {
						w.t.Errorf("%s is disabled", e.Source.ID)
					}
				}
			})
		})
	}
}

// TestScopeAfreshManyOfADepartmentCostOneClimb: two departments, two questions.
func TestScopeAfreshManyOfADepartmentCostOneClimb(t *testing.T) {
	t.Parallel()
	ladderStory(t, 12, nil, func(w *world, l *ladder, r run.Run) {
		for _, e := range ladderEnd(w, r, 12) {
			if e.Step != run.StepDone {
				w.t.Errorf("%s is %s: %s", e.Source.ID, e.Step, e.Say)
			}
		}
		if n := l.climbs.Load(); n != 2 {
			w.t.Errorf("%d questions for departments, want 2", n)
		}
	})
}

// TestScopeAfreshWhatWasSeenOfADepartmentDoesNotCountForLong: it moves back in the
// middle of a run.
func TestScopeAfreshWhatWasSeenOfADepartmentDoesNotCountForLong(t *testing.T) {
	t.Parallel()
	ladderStory(t, 2, nil, func(w *world, l *ladder, r run.Run) {
		met := map[directory.ID]bool{}
		l.meeting = func(id directory.ID) {
			if met[id] = true; len(met) == 2 {
				l.unit("d4", "测试组", "d1")
				<-time.After(31 * time.Second)
			}
		}
		onlyOneOfTwo(w, r, "in scope again")
	})
}

// onlyOneOfTwo approves a run, and sees that one of its two people is disabled and why
// the other is not.
func onlyOneOfTwo(w *world, r run.Run, say string) {
	w.t.Helper()
	done := 0
	for _, e := range ladderEnd(w, r, 2) {
		if e.Step == run.StepDone {
			done++
		} else if !strings.Contains(e.Say, say) {
			w.t.Errorf("%s is %s: %s", e.Source.ID, e.Step, e.Say)
		}
	}
	if done != 1 {
		w.t.Errorf("%d are disabled, want the first alone", done)
	}
}

// TestScopeAfreshAnAttributeThatKeepsSomebodyOutAsksForNoDepartment: neither is a scope
// without departments a reason to climb, nor one that an attribute decides.
func TestScopeAfreshAnAttributeThatKeepsSomebodyOutAsksForNoDepartment(t *testing.T) {
	t.Parallel()
	for name, tops := range map[string][]string{"no departments": nil, "departments too": {"/研发部"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var l *ladder
			story(t, 30, func(w *world) {
				rarely(w)
				l = &ladder{place: w.source}
				w.flow.Source = l
				w.flow.Plan.Scope.Departments = tops
				w.flow.Plan.Scope.Not = map[string][]string{"kind": {"外包"}}
				w.flow.Plan.Leavers.OutOfScope = true
			}, func(w *world) {
				w.want(w.until(w.start(true).Code), run.Succeeded)
				l.put(directory.User, "0007", "人0007", directory.Attributes{
					"employee_no": directory.TextOf("0007"), "kind": directory.TextOf("外包"), "departments": directory.RefsToKind(directory.Department, "d2"),
				})
				r := w.want(w.until(w.start(true).Code), run.Awaiting)
				l.climbs.Store(0)
				l.rung = func(directory.ID) (connector.Sighting, error) { return connector.Sighting{}, nil }
				if e := ladderEnd(w, r, 1)[0]; e.Step != run.StepDone || w.target.active("0007") {
					w.t.Errorf("is %s: %s", e.Step, e.Say)
				}
				if n := l.climbs.Load(); n != 0 {
					w.t.Errorf("%d questions for departments", n)
				}
			})
		})
	}
}

// harsher is a rule that deletes whomever the flow would disable.
type harsher struct{ bylaw }

func (h *harsher) Judge(ctx context.Context, subjects []plan.Subject, look plan.Lookup) ([]plan.Verdict, error) {
	out, err := h.bylaw.Judge(ctx, subjects, look)
	for i := range out {
		if subjects[i].Proposed == plan.Disable {
			out[i].Calls.Delete = true
		}
	}
	return out, err
}

// TestScopeAfreshARuleThatDeletesWhoIsOutOfScopeRestsOnTheScope: of somebody in scope
// it would have thought otherwise.
func TestScopeAfreshARuleThatDeletesWhoIsOutOfScopeRestsOnTheScope(t *testing.T) {
	t.Parallel()
	for parent, step := range map[string]run.Step{"d5": run.StepDone, "d1": run.StepSkipped} {
		t.Run(string(step), func(t *testing.T) {
			t.Parallel()
			ladderStory(t, 2, func(w *world) {
				w.flow.Rules = &harsher{bylaw{verdict: plan.Verdict{Returned: true}}}
			}, func(w *world, l *ladder, r run.Run) {
				l.unit("d4", "测试组", parent)
				for _, e := range ladderEnd(w, r, 2) {
					if e.Step != step || w.target.has(string(e.Source.ID)) != (step == run.StepSkipped) {
						w.t.Errorf("%s is %s: %s", e.Source.ID, e.Step, e.Say)
					}
				}
			})
		})
	}
}
