package engine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// large gives a world with a run of tier 3 that has 21 DISABLE, all of them seen
// by everybody.
func large(t *testing.T, fn func(*world, run.Run)) {
	t.Helper()
	larger(t, admin, fn)
}

func larger(t *testing.T, change func(*world), fn func(*world, run.Run)) {
	t.Helper()
	story(t, 100, change, func(w *world) {
		r := w.leave(21)
		if r.Tier != 3 || r.Votes != 2 {
			w.t.Fatalf("tier %d, votes %d", r.Tier, r.Votes)
		}
		w.look(r, "周凯", "陈悦", "王芳", "吴静")
		fn(w, r)
	})
}

func (w *world) stepUp(r run.Run, who run.Actor, want fault.Kind) run.Run {
	w.t.Helper()
	got, err := w.engine.StepUp(w.t.Context(), r.Code, who)
	if fault.KindOf(err) != want {
		w.t.Fatalf("%s steps up: %v, want %q", who.Person, err, want)
	}
	return got
}

// cooling wants the run to cool off for ten minutes.
func (w *world) cooling(r run.Run) run.Run {
	w.t.Helper()
	if w.want(r, run.Awaiting); !r.Cooling() || !r.NotBefore.Equal(w.now().Add(10*time.Minute)) || !r.Wake.Equal(r.NotBefore) {
		w.t.Fatalf("not before %v, wake %v, now %v", r.NotBefore, r.Wake, w.now())
	}
	if n := len(w.events(run.EventCooling, r.Code)); n != 1 {
		w.t.Errorf("%d events of cooling", n)
	}
	return r
}

func TestTierThree(t *testing.T) {
	t.Parallel()
	for name, votes := range map[string]func(*world, run.Run) run.Run{
		"one votes by CLI, last": func(w *world, r run.Run) run.Run {
			w.cast(ballot(r, by("周凯", ""), 21), "")
			return w.cast(ballot(r, by("陈悦", run.FromCLI), 21), "")
		},
		"one votes by CLI, first": func(w *world, r run.Run) run.Run {
			w.cast(ballot(r, by("周凯", run.FromCLI), 21), "")
			return w.cast(ballot(r, by("陈悦", ""), 21), "")
		},
		"one confirms after both votes": func(w *world, r run.Run) run.Run {
			w.cast(ballot(r, by("周凯", ""), 21), "")
			if r := w.cast(ballot(r, by("陈悦", ""), 21), ""); r.Cooling() {
				w.t.Error("it cools off without a step-up")
			}
			w.stepUp(r, by("吴静", run.FromCLI), fault.Denied) // has not voted
			w.stepUp(r, by("周凯", ""), fault.Denied)          // in the chat
			return w.stepUp(r, by("周凯", run.FromCLI), "")
		},
		"one confirms between the votes": func(w *world, r run.Run) run.Run {
			w.stepUp(r, by("周凯", run.FromCLI), fault.Denied)
			w.cast(ballot(r, by("周凯", ""), 21), "")
			if r := w.stepUp(r, by("周凯", run.FromCLI), ""); r.Cooling() {
				w.t.Error("it cools off with one vote")
			}
			w.stepUp(r, by("周凯", run.FromCLI), fault.Conflict)
			return w.cast(ballot(r, by("陈悦", ""), 21), "")
		},
		"a third votes by CLI": func(w *world, r run.Run) run.Run {
			w.cast(ballot(r, by("周凯", ""), 21), "")
			w.cast(ballot(r, by("陈悦", ""), 21), "")
			return w.cast(ballot(r, by("吴静", run.FromCLI), 21), "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			large(t, func(w *world, r run.Run) {
				w.cooling(votes(w, r))
				<-time.After(9*time.Minute + 50*time.Second)
				if !w.target.active("0001") {
					w.t.Error("it began before its time")
				}
				w.stepUp(r, by("陈悦", run.FromCLI), fault.Conflict)
				<-time.After(30 * time.Second)
				if r = w.want(w.until(r.Code), run.Succeeded); r.Outcome.Done != 21 {
					w.t.Errorf("outcome %+v", r.Outcome)
				}
			})
		})
	}
}

func TestAStepUpIsForTierThree(t *testing.T) {
	t.Parallel()
	story(t, 60, nil, func(w *world) {
		r := w.leave(6)
		w.cast(ballot(r, by("周凯", ""), 6), "")
		w.stepUp(r, by("周凯", run.FromCLI), fault.Conflict)
		r.Code = "000008"
		w.stepUp(r, by("周凯", run.FromCLI), fault.NotFound)
	})
}

// TestWhatStopsACoolingRun has what may happen in the ten minutes.
func TestWhatStopsACoolingRun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		meanwhile func(*world, run.Run)
		end       run.State
	}{
		"cancel": {func(w *world, r run.Run) {
			if _, err := w.engine.Stop(w.t.Context(), r.Code, by("李敏", ""), ""); err != nil {
				w.t.Error(err)
			}
		}, run.Cancelled},
		"reject": {func(w *world, r run.Run) {
			w.cast(run.Vote{Run: r.Code, Decision: run.Reject, By: by("吴静", "")}, "")
		}, run.Rejected},
		"a voter thinks again": {func(w *world, r run.Run) {
			w.cast(run.Vote{Run: r.Code, Decision: run.Reject, By: by("周凯", "")}, "")
		}, run.Rejected},
		"a newer run": {func(w *world, _ run.Run) {
			w.source.drop(directory.User, "0022")
			w.until(w.start(true).Code)
		}, run.Superseded},
		"A29 a voter loses the role": {func(w *world, _ run.Run) {
			w.stop()
			delete(w.people[1].Roles, run.Approver)
			w.open()
		}, run.Awaiting},
		"A29 who confirmed loses the role": {func(w *world, _ run.Run) {
			w.stop()
			delete(w.people[2].Roles, run.Approver)
			w.open()
		}, run.Awaiting},
		"the end of the approval": {func(*world, run.Run) { <-time.After(9 * time.Minute) }, run.Succeeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			soon := func(w *world) {
				admin(w)
				w.flow.Plan.Approve.Expires = 20 * time.Minute // each minute has many sweeps
			}
			larger(t, soon, func(w *world, r run.Run) {
				<-time.After(r.Expires.Sub(w.now()) - 5*time.Minute) // so it cools off past its end
				w.cast(ballot(r, by("周凯", ""), 21), "")
				w.cooling(w.cast(ballot(r, by("陈悦", run.FromCLI), 21), ""))
				w.cast(ballot(r, by("吴静", ""), 21), fault.Conflict)
				c.meanwhile(w, r)
				<-time.After(4 * time.Minute)
				if c.end == run.Awaiting { // its time was over
					if <-time.After(7 * time.Minute); len(w.events(run.EventAlarm, r.Code)) != 1 {
						w.t.Errorf("alarms %v", w.events(run.EventAlarm, r.Code))
					}
					w.want(w.until(r.Code), run.Expired)
				} else {
					<-time.After(7 * time.Minute)
					w.want(w.until(r.Code), c.end)
				}
				if w.target.active("0001") != (c.end != run.Succeeded) {
					w.t.Errorf("0001 active: %t", w.target.active("0001"))
				}
			})
		})
	}
}

func TestA29_ARunThatLostAVoteWhileCoolingWaitsForAnother(t *testing.T) {
	t.Parallel()
	large(t, func(w *world, r run.Run) {
		w.cast(ballot(r, by("周凯", ""), 21), "")
		w.cast(ballot(r, by("陈悦", run.FromCLI), 21), "")
		w.stop()
		delete(w.people[2].Roles, run.Approver)
		w.open()
		<-time.After(11 * time.Minute)
		r = w.want(w.until(r.Code), run.Awaiting)
		if r.Cooling() || !r.Wake.After(w.now()) || len(w.events(run.EventAlarm, r.Code)) != 1 {
			w.t.Fatalf("not before %v, wake %v", r.NotBefore, r.Wake)
		}
		if r = w.cast(ballot(r, by("吴静", ""), 21), ""); r.Cooling() {
			w.t.Error("the confirmation of somebody who may not vote counts")
		}
		if r = w.stepUp(r, by("吴静", run.FromCLI), ""); !r.Cooling() {
			w.t.Error("it does not cool off")
		}
		<-time.After(11 * time.Minute)
		w.want(w.until(r.Code), run.Succeeded)
	})
}

// TestNothingIsAppliedBeforeItsTime moves a run on behind the engine's back.
func TestNothingIsAppliedBeforeItsTime(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*run.Run){
		"it cools off":         func(*run.Run) {},
		"it never cooled off":  func(r *run.Run) { r.NotBefore = time.Time{} },
		"nobody confirmed":     func(r *run.Run) { r.NotBefore, r.StepUp = r.Created, run.Actor{} },
		"fewer votes are said": func(r *run.Run) { r.NotBefore, r.StepUp, r.Tier, r.Votes = r.Created, run.Actor{}, 1, 1 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			large(t, func(w *world, r run.Run) {
				w.cast(ballot(r, by("周凯", ""), 21), "")
				w.cast(ballot(r, by("陈悦", run.FromCLI), 21), "")
				_, err := w.store.UpdateRun(w.t.Context(), r.Code, run.Actor{}, func(r *run.Run) error {
					spoil(r)
					return r.Advance(run.Applying, w.now(), "")
				})
				if err != nil {
					w.t.Fatal(err)
				}
				if r = w.want(w.until(r.Code), run.Awaiting); r.Cooling() != (r.StepUp.Person != "") || !w.target.active("0001") {
					w.t.Errorf("run %+v", r)
				}
				if r.Cooling() { // all votes are there, so nobody could let it go: it cools off by itself
					<-time.After(11 * time.Minute)
					w.want(w.until(r.Code), run.Succeeded)
				}
			})
		})
	}
}

func TestARunThatCooledOffWhileNobodyServedGoesOn(t *testing.T) {
	t.Parallel()
	large(t, func(w *world, r run.Run) {
		w.cast(ballot(r, by("周凯", ""), 21), "")
		w.cast(ballot(r, by("陈悦", run.FromCLI), 21), "")
		w.stop()
		<-time.After(24 * time.Hour)
		w.open()
		<-time.After(time.Minute)
		w.want(w.until(r.Code), run.Succeeded)
	})
}

// glass is the vote of an admin who breaks it.
func glass(r run.Run, n int) run.Vote {
	v := ballot(r, by("王芳", run.FromCLI), n)
	v.Decision, v.Reason = run.BreakGlass, "fire / 失火"
	return v
}

func TestA40_BreakGlass(t *testing.T) {
	t.Parallel()
	large(t, func(w *world, r run.Run) {
		for name, c := range map[string]struct {
			spoil func(*run.Vote)
			kind  fault.Kind
		}{
			"in the chat":      {func(v *run.Vote) { v.By.Channel = run.ByText }, fault.Denied},
			"an approver":      {func(v *run.Vote) { v.By.Person = "吴静" }, fault.Denied},
			"an operator":      {func(v *run.Vote) { v.By.Person = "李敏" }, fault.Denied},
			"without a reason": {func(v *run.Vote) { v.Reason = " " }, fault.Invalid},
			"a wrong count":    {func(v *run.Vote) { v.Typed.Disable = 20 }, fault.Invalid},
			"another plan":     {func(v *run.Vote) { v.Digest = directory.Digest{1} }, fault.Stale},
			"weak":             {func(v *run.Vote) { v.Weak = true }, fault.Denied},
		} {
			v := glass(r, 21)
			c.spoil(&v)
			if _, err := w.engine.Decide(w.t.Context(), v); fault.KindOf(err) != c.kind {
				w.t.Errorf("%s: %v, want %s", name, err, c.kind)
			}
		}
		w.cooling(w.cast(glass(r, 21), ""))
		alarms := w.events(run.EventAlarm, r.Code)
		if len(alarms) != 1 || !strings.HasPrefix(alarms[0], "王芳: ") || !strings.Contains(alarms[0], "disable 21") || !strings.Contains(alarms[0], "fire/失火") {
			w.t.Errorf("alarms %v", alarms)
		}
		if trail := strings.Join(w.trail(r.Code), "\n"); !strings.Contains(trail, "王芳 vote.counted break_glass: fire") {
			w.t.Errorf("audit:\n%s", trail)
		}
		<-time.After(11 * time.Minute)
		if r = w.want(w.until(r.Code), run.Succeeded); r.Glass.Person != "王芳" {
			w.t.Errorf("glass %+v", r.Glass)
		}
		w.source.drop(directory.User, "0030") // and the next run asks again
		w.want(w.until(w.start(true).Code), run.Awaiting)
	})
}

// TestA40_BreakGlassAtLowerTiers has an admin who asked for the run, and one who
// has approved it before, as an approver.
func TestA40_BreakGlassAtLowerTiers(t *testing.T) {
	t.Parallel()
	story(t, 60, func(w *world) {
		w.people[0].Roles[run.Admin] = []string{"*"} // who asks
	}, func(w *world) {
		r := w.leave(6)
		v := glass(r, 6)
		v.By.Person = "李敏"
		w.cast(v, "")
		w.want(w.until(r.Code), run.Succeeded)
	})
	story(t, 60, func(w *world) {
		w.people[1].Roles[run.Admin] = []string{"*"}
	}, func(w *world) {
		r := w.leave(6)
		w.want(w.cast(ballot(r, by("周凯", ""), 6), ""), run.Awaiting)
		v := glass(r, 6)
		v.By.Person = "周凯"
		w.cast(v, "")
		w.want(w.until(r.Code), run.Succeeded)
	})
	story(t, 60, func(w *world) { // one whom the plan touches
		admin(w)
		w.people[4].EmployeeNo = "0001"
	}, func(w *world) {
		r := w.leave(6)
		w.cast(glass(r, 6), fault.Denied)
	})
	story(t, 39, admin, func(w *world) { // it helps no blocked run
		w.until(w.start(true).Code)
		for _, id := range []string{"01", "02", "03", "04", "05", "06", "07", "08", "09", "10"} {
			w.source.drop(directory.User, "00"+id)
		}
		r := w.want(w.until(w.start(true).Code), run.Blocked)
		w.cast(glass(r, 10), fault.Conflict)
	})
	story(t, 60, func(w *world) { // and no expired one
		admin(w)
		rarely(w)
	}, func(w *world) {
		r := w.leave(6)
		<-time.After(9 * time.Hour)
		if _, err := w.engine.Decide(w.t.Context(), glass(r, 6)); err == nil {
			w.t.Error("an expired run was let go")
		}
		w.want(w.until(r.Code), run.Expired)
	})
}

func TestA40_AnAdminWhoLostTheRoleLetsNothingGo(t *testing.T) {
	t.Parallel()
	large(t, func(w *world, r run.Run) {
		w.cast(glass(r, 21), "")
		w.stop()
		delete(w.people[4].Roles, run.Admin)
		w.open()
		<-time.After(11 * time.Minute)
		if r = w.want(w.until(r.Code), run.Awaiting); r.Cooling() || !w.target.active("0001") {
			w.t.Errorf("run %+v", r)
		}
	})
}

// TestAShrunkSourceThatPeopleLetGoIsTheMeasureOfTheNext sees that an approved
// shrinking is not asked about for ever, and that another one is.
func TestAShrunkSourceThatPeopleLetGoIsTheMeasureOfTheNext(t *testing.T) {
	t.Parallel()
	story(t, 60, func(w *world) {
		admin(w)
		w.sweep = time.Minute // two days have many sweeps
		w.flow.Plan.Guard.MaxShrinkPercent, w.flow.Plan.Approve.DisableOver = 10, 5
	}, func(w *world) {
		r := w.leave(8)
		if r.Tier != plan.SteppedUp {
			w.t.Fatalf("tier %d", r.Tier)
		}
		w.person(61)
		w.cast(ballot(r, by("周凯", ""), 8), "")
		w.cast(ballot(r, by("陈悦", run.FromCLI), 8), "")
		<-time.After(12 * time.Minute)
		w.want(w.until(r.Code), run.Succeeded)
		<-time.After(25 * time.Hour) // what was done today counts too
		w.source.drop(directory.User, "0030")
		if r = w.want(w.until(w.start(true).Code), run.Succeeded); r.Tier != 0 || r.Outcome.Done != 2 {
			w.t.Errorf("tier %d, outcome %+v", r.Tier, r.Outcome)
		}
		<-time.After(25 * time.Hour)
		for _, id := range []string{"31", "32", "33", "34", "35", "36"} {
			w.source.drop(directory.User, "00"+id)
		}
		if r = w.want(w.until(w.start(true).Code), run.Awaiting); r.Tier != plan.SteppedUp {
			w.t.Errorf("tier %d", r.Tier)
		}
	})
}

// TestAPartOfAShrunkSourceIsNoMeasure has voters who let one of eight go: what they
// held back is not believed by that.
func TestAPartOfAShrunkSourceIsNoMeasure(t *testing.T) {
	t.Parallel()
	story(t, 60, func(w *world) {
		admin(w)
		w.flow.Plan.Guard.MaxShrinkPercent = 10
	}, func(w *world) {
		r := w.leave(8)
		if r.Tier != plan.SteppedUp {
			w.t.Fatalf("tier %d", r.Tier)
		}
		w.cast(partly(r, by("周凯", ""), 1, list("#1"), nil), "")
		w.cast(ballot(r, by("陈悦", run.FromCLI), 8), "")
		<-time.After(11 * time.Minute)
		w.want(w.until(r.Code), run.Partial)
		if r = w.want(w.until(w.start(true).Code), run.Awaiting); r.Tier != plan.SteppedUp {
			w.t.Errorf("the rest is of tier %d", r.Tier)
		}
	})
}
