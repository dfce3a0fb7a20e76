package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/engine"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// TestP10_CoolingOffByTheRecordsTime: who confirms at a machine whose clock is late
// lets nothing begin sooner.
func TestP10_CoolingOffByTheRecordsTime(t *testing.T) {
	t.Parallel()
	larger(t, func(w *world) { admin(w); shared(w) }, func(w *world, r run.Run) {
		c := &watch{}
		other, stop := w.replica("other", c)
		defer stop()
		c.set(-30 * time.Minute)
		w.cast(ballot(r, by("周凯", ""), 21), "")
		w.cast(ballot(r, by("陈悦", ""), 21), "")
		got, err := other.StepUp(w.t.Context(), r.Code, by("周凯", run.FromCLI))
		if err != nil {
			w.t.Fatal(err)
		}
		w.cooling(got)
		<-time.After(9 * time.Minute)
		w.want(w.state(r.Code), run.Awaiting)
	})
}

// byMail matches people by their mail address alone, which some have not.
func byMail(w *world) {
	users, err := mapping.Compile(mapping.Spec{Match: []string{"email"}, Rules: []mapping.Rule{
		{To: "userid", From: "employee_no"}, {To: "name", From: "name"}, {To: "email", From: "email"},
	}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.flow.Plan.Users = users
	rarely(w)
}

// newcomer puts somebody into the source who has the number of somebody else.
func (w *world) newcomer(id, no string) {
	w.source.put(directory.User, id, "新人", directory.Attributes{
		"employee_no": directory.TextOf(no), "departments": directory.RefsToKind(directory.Department, "d2"),
	})
}

// TestAnIDThatIsFreeAgainIsGivenToSomebodyNew: somebody has left, and the account was
// deleted by hand. Whoever gets the id next is not taken for the one who left.
func TestAnIDThatIsFreeAgainIsGivenToSomebodyNew(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*world){
		"gone": func(w *world) { w.source.drop(directory.User, "0007") },
		"left by status": func(w *world) {
			w.source.put(directory.User, "0007", "人0007", directory.Attributes{"employee_no": directory.TextOf("0007"), "status": directory.TextOf("离职")})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, 30, func(w *world) {
				byMail(w)
				w.flow.Plan.Leavers.When = map[string][]string{"status": {"离职"}}
			}, func(w *world) {
				w.want(w.until(w.start(true).Code), run.Succeeded)
				leave(w)
				w.target.drop(directory.User, "0007")
				w.newcomer("x7", "0007")
				r := w.until(w.start(true).Code)
				if w.want(r, run.Succeeded); !w.link("x7") || w.link("0007") {
					w.t.Errorf("linked: new %v, old %v", w.link("x7"), w.link("0007"))
				}
				w.want(w.until(w.start(true).Code), run.NothingToDo)
				if !w.target.active("0007") {
					w.t.Error("the new one's account is taken away")
				}
			})
		})
	}
}

// TestAnIDOfWhoMayComeBackIsNotGivenToSomebodyElse: the account is gone, and its owner
// is not, or nobody knows.
func TestAnIDOfWhoMayComeBackIsNotGivenToSomebodyElse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]func(*world){
		"still there":  func(*world) {},
		"cannot tell":  func(w *world) { w.source.drop(directory.User, "0007"); w.source.unsure = true },
		"listing torn": func(w *world) { w.source.drop(directory.User, "0007"); w.source.partial = "page 3 failed" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, 30, byMail, func(w *world) {
				w.want(w.until(w.start(true).Code), run.Succeeded)
				w.target.drop(directory.User, "0007")
				c(w)
				w.newcomer("0000-x7", "0007") // comes first
				r := w.until(w.start(true).Code)
				if r.Outcome.Failed != 0 || w.link("0000-x7") {
					w.t.Errorf("run is %s, outcome %+v", r.State, r.Outcome)
				}
				p, err := w.store.Plan(w.t.Context(), r.Code)
				if err != nil {
					w.t.Fatal(err)
				}
				told := false
				for _, n := range p.Notes {
					told = told || n.Kind == plan.Conflict && n.Key == user("0000-x7") && strings.Contains(n.Say, "0007") && strings.Contains(n.Say, " / ")
				}
				if !told {
					w.t.Errorf("notes %+v", p.Notes)
				}
			})
		})
	}
}

// TestG01_AnAccountOfSomebodyElseIsNotOurLostCreate: it was made by hand, or by another
// flow, in the moment in which our answer was lost.
func TestG01_AnAccountOfSomebodyElseIsNotOurLostCreate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		mail string
		step run.Step
	}{{"人0001", "U0001@x.cn", run.StepDone}, {"人0001", "", run.StepDone}, {"别人", "other@x.cn", run.StepInDoubt}} {
		story(t, 1, nil, func(w *world) {
			w.target.before = func(x connector.Write) error {
				if x.Op != plan.Create || x.Key.Kind != directory.User {
					return nil
				}
				a := x.After.Clone()
				if a["name"] = directory.TextOf(c.name); c.mail == "" {
					delete(a, "email")
				} else {
					a["email"] = directory.TextOf(c.mail)
				}
				w.target.objects[x.Key] = directory.Object{Key: x.Key, Active: true, Attributes: a}
				return fault.New(fault.InDoubt, "no answer / 没有应答")
			}
			r := w.until(w.start(true).Code)
			if e := entryOf(w, r, directory.User); e.Step != c.step || w.link("0001") != (c.step == run.StepDone) {
				w.t.Errorf("%s: is %s: %s; linked %v", c.name, e.Step, e.Say, w.link("0001"))
			}
		})
	}
}

// tight is a source that answers Lookups with too few or too many sightings.
type tight struct {
	*place
	more int
}

func (s *tight) Lookup(ctx context.Context, kind directory.Kind, ids []directory.ID) ([]connector.Sighting, error) {
	seen, err := s.place.Lookup(ctx, kind, ids)
	if len(ids) < 2 || err != nil {
		return seen, err
	}
	for range s.more {
		seen = append(seen, connector.Sighting{Presence: connector.Gone})
	}
	return seen[:max(0, min(len(seen), len(seen)+s.more))], nil
}

// TestAnAnswerThatDoesNotFitTheQuestionProvesNobodyGone: sightings go by their place.
func TestAnAnswerThatDoesNotFitTheQuestionProvesNobodyGone(t *testing.T) {
	t.Parallel()
	for _, more := range []int{-1, 1} {
		story(t, 30, func(w *world) { w.flow.Source = &tight{w.source, more} }, func(w *world) {
			w.want(w.until(w.start(true).Code), run.Succeeded)
			w.source.drop(directory.User, "0007")
			w.source.drop(directory.User, "0008")
			if r := w.until(w.start(true).Code); r.Counts.Disable != 0 || r.State == run.Failed {
				w.t.Errorf("%+d: run is %s (%s), %+v", more, r.State, r.Reason, r.Counts)
			}
		})
	}
}

// TestAnEventReadsATargetWholeWhoseAnswerDoesNotFit: the run goes on.
func TestAnEventReadsATargetWholeWhoseAnswerDoesNotFit(t *testing.T) {
	t.Parallel()
	for _, more := range []int{-1, 1} {
		story(t, 5, func(w *world) { listening(w); w.flow.Target = &tight{w.target, more} }, func(w *world) {
			w.want(w.until(w.start(true).Code), run.Succeeded)
			w.mail("0002", "new2@x.cn")
			w.mail("0003", "new3@x.cn")
			w.hint(changed("0002"), changed("0003"))
			<-time.After(time.Minute)
			runs := w.byEvent()
			if len(runs) != 1 || runs[0].State != run.Succeeded || runs[0].Outcome.Done != 2 {
				w.t.Errorf("%+d: %+v", more, runs)
			}
		})
	}
}

// limp is a source that gives up in the middle of a Lookup of several, and hands out what
// it has by then.
type limp struct{ *place }

func (s limp) Lookup(ctx context.Context, kind directory.Kind, ids []directory.ID) ([]connector.Sighting, error) {
	seen, err := s.place.Lookup(ctx, kind, ids)
	if len(ids) > 1 && err == nil {
		err = fault.New(fault.Limited, "slow down / 请求过快")
	}
	return seen, err
}

// TestAnErrorProvesNobodyGoneWhateverComesWithIt: the sightings beside it are not all made.
func TestAnErrorProvesNobodyGoneWhateverComesWithIt(t *testing.T) {
	t.Parallel()
	story(t, 30, func(w *world) { w.flow.Source = limp{w.source} }, func(w *world) {
		w.want(w.until(w.start(true).Code), run.Succeeded)
		w.source.drop(directory.User, "0007")
		w.source.drop(directory.User, "0008")
		if r := w.until(w.start(true).Code); r.Counts.Disable != 0 || r.State == run.Failed {
			w.t.Errorf("run is %s (%s), %+v", r.State, r.Reason, r.Counts)
		}
	})
}

// hintless is a record that takes no hints: each writer waits out its time.
type hintless struct{ engine.Store }

func (hintless) AddHints(ctx context.Context, _ []run.Hint, _ int) error {
	<-ctx.Done()
	return fault.Wrap(fault.Unavailable, ctx.Err(), "away / 无法连接")
}

// TestP09_ManyFlowsOfOneSystemAreToldInASecond: whoever tells of a change has three
// seconds to answer the platform, however many flows listen.
func TestP09_ManyFlowsOfOneSystemAreToldInASecond(t *testing.T) {
	t.Parallel()
	story(t, 1, func(w *world) {
		listening(w)
		for i := range 9 {
			f := w.flow
			f.Plan.Name = fmt.Sprintf("more-%d", i)
			w.more = append(w.more, f)
		}
		w.record = hintless{w.store}
	}, func(w *world) {
		begun := time.Now()
		w.hint(changed("0001"))
		if took := time.Since(begun); took > time.Second { // in a bubble: not what the machine takes
			w.t.Errorf("took %s", took)
		}
	})
}

// TestP10_ADelegationEndsByTheRecordsTime: not by the clock of the machine at which
// somebody votes.
func TestP10_ADelegationEndsByTheRecordsTime(t *testing.T) {
	t.Parallel()
	story(t, 30, func(w *world) { rarely(w); shared(w) }, func(w *world) {
		c := &watch{}
		other, stop := w.replica("other", c)
		defer stop()
		r := w.leave(1)
		if err := w.engine.Delegate(w.t.Context(), run.Delegation{From: "周凯", To: "路人", Flow: "*", By: by("周凯", ""), Until: w.now().Add(time.Hour)}); err != nil {
			w.t.Fatal(err)
		}
		<-time.After(2 * time.Hour)
		c.set(-90 * time.Minute)
		if _, err := other.Decide(w.t.Context(), ballot(r, by("路人", ""), 1)); fault.KindOf(err) != fault.Denied {
			w.t.Errorf("a vote that was lent for an hour counts after two: %v", err)
		}
	})
}
