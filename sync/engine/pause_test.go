package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

const flowName = "hr-to-corp"

func person(name string) run.Actor { return run.Actor{Person: name, Platform: run.Feishu} }

func (w *world) pause(p run.Pause) {
	w.t.Helper()
	if p.Flow == "" {
		p.Flow = flowName
	}
	if p.By.Person == "" {
		p.By = person("李敏")
	}
	if err := w.engine.Pause(w.t.Context(), p); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) resume() {
	w.t.Helper()
	if err := w.engine.Resume(w.t.Context(), flowName, person("李敏")); err != nil {
		w.t.Fatal(err)
	}
}

// state gives a run as it is now.
func (w *world) state(code run.Code) run.Run {
	w.t.Helper()
	r, err := w.store.Run(w.t.Context(), code)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// told counts the events of a kind.
func (w *world) told(kind run.EventKind) []run.Event {
	w.t.Helper()
	events, err := w.store.Events(w.t.Context(), "test", 10_000)
	if err != nil {
		w.t.Fatal(err)
	}
	return slices.DeleteFunc(events, func(e run.Event) bool { return e.Kind != kind })
}

// slowly lets each call of the target take a second.
func slowly(w *world) {
	w.flow.Target = &odd{place: w.target, apply: func(ctx context.Context, wr connector.Write) (directory.Key, error) {
		<-time.After(time.Second)
		return w.target.Apply(ctx, wr)
	}}
}

// noTwice sees that no effect came twice.
func (w *world) noTwice() {
	w.t.Helper()
	effects := w.target.done()
	slices.Sort(effects)
	if len(slices.Compact(slices.Clone(effects))) != len(effects) {
		w.t.Errorf("something was done twice: %v", effects)
	}
}

func TestAPauseRefusesAndSaysWhoWhyAndUntilWhen(t *testing.T) {
	t.Parallel()
	story(t, 3, nil, func(w *world) {
		ctx := w.t.Context()
		for name, c := range map[string]struct {
			p    run.Pause
			kind fault.Kind
		}{
			"unknown flow": {run.Pause{Flow: "other", By: person("李敏")}, fault.NotFound},
			"a viewer":     {run.Pause{Flow: flowName, By: person("路人")}, fault.Denied},
			"all":          {run.Pause{Flow: "*", By: person("路人")}, fault.Denied},
			"nobody":       {run.Pause{Flow: flowName}, fault.Denied},
			"past":         {run.Pause{Flow: flowName, By: person("李敏"), Until: w.now()}, fault.Invalid},
		} {
			if err := w.engine.Pause(ctx, c.p); fault.KindOf(err) != c.kind {
				w.t.Errorf("%s: %v, want %s", name, err, c.kind)
			}
		}
		until := w.now().Add(time.Hour)
		w.pause(run.Pause{Why: "搬机房", Until: until})
		_, err := w.engine.Start(ctx, run.Request{ID: "x", Flow: flowName, Apply: true, Trigger: run.ByCommand, By: person("周凯")})
		for _, part := range []string{"李敏", "搬机房", until.UTC().Format("15:04")} {
			for _, lang := range []string{"en", "zh"} {
				if say := fault.In(fault.Say(err), lang); !strings.Contains(say, part) || fault.KindOf(err) != fault.Denied {
					w.t.Errorf("%v does not name %s in %s: %s", err, part, lang, say)
				}
			}
		}
		w.want(w.until(w.start(false).Code), run.Planned)
		if all, err := w.engine.Pauses(ctx); err != nil || len(all) != 1 || all[0].By.Person != "李敏" || !all[0].Until.Equal(until) {
			w.t.Errorf("pauses %+v, %v", all, err)
		}
		<-time.After(time.Hour)
		if all, err := w.engine.Pauses(ctx); err != nil || len(all) != 0 {
			w.t.Errorf("pauses %+v, %v", all, err)
		}
		if err := w.engine.Resume(ctx, flowName, person("李敏")); fault.KindOf(err) != fault.NotFound {
			w.t.Errorf("resume: %v", err)
		}
		w.want(w.until(w.start(true).Code), run.Succeeded)
	})
}

func TestAPausedRunStopsWithinOneChangeAndGoesOn(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*world){
		"resumed": func(w *world) {
			<-time.After(2 * time.Minute)
			w.resume()
		},
		"time over": func(*world) { <-time.After(11 * time.Minute) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, 8, slowly, func(w *world) {
				r := w.start(true)
				<-time.After(3500 * time.Millisecond)
				w.pause(run.Pause{Until: w.now().Add(20 * time.Minute)})
				before := len(w.target.done())
				<-time.After(10 * time.Minute)
				done := len(w.target.done())
				now := w.want(w.state(r.Code), run.Applying)
				if done > before+1 || now.Outcome.Done != done || done < 3 {
					w.t.Errorf("%d effects, then %d; outcome %+v", before, done, now.Outcome)
				}
				if told := w.told(run.EventProgress); len(told) < 1 || len(told) > 2 { // one of the work, one of the pause
					w.t.Errorf("%d progress events", len(told))
				}
				w.put() // nobody holds the lease
				end(w)
				w.want(w.until(r.Code), run.Succeeded)
				w.noTwice()
				if n := len(w.target.done()); n != 10 {
					w.t.Errorf("%d effects", n)
				}
			})
		})
	}
}

func TestAPauseCostsNothing(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	story(t, 8, func(w *world) {
		slowly(w)
		w.record = &faulty{Store: w.store, acquire: func() error {
			asked.Add(1)
			return nil
		}}
	}, func(w *world) {
		r := w.start(true)
		<-time.After(3500 * time.Millisecond)
		w.pause(run.Pause{})
		second := w.start(false)
		w.want(w.until(second.Code), run.Planned)
		asked.Store(0)
		told := len(w.told(run.EventProgress))
		<-time.After(10 * time.Minute)
		if n := asked.Load(); n > 34 { // a look every 20 s at most
			w.t.Errorf("the lease was asked for %d times in ten minutes", n)
		}
		if again := len(w.told(run.EventProgress)); again != told {
			w.t.Errorf("%d progress events, then %d", told, again)
		}
		w.want(w.state(r.Code), run.Applying)
	})
}

func TestWhatIsPlannedPassesAPausedRunAndWhatIsAppliedWaits(t *testing.T) {
	t.Parallel()
	story(t, 5, slowly, func(w *world) {
		first := w.start(true)
		<-time.After(2500 * time.Millisecond)
		second := w.start(true) // asked for before the pause
		w.pause(run.Pause{Flow: "*"})
		<-time.After(time.Minute)
		plan := w.start(false)
		w.want(w.until(plan.Code), run.Planned)
		w.want(w.state(first.Code), run.Applying)
		w.want(w.state(second.Code), run.Queued)
		if err := w.engine.Resume(w.t.Context(), flowName, person("李敏")); fault.KindOf(err) != fault.NotFound || !strings.Contains(fault.Say(err), "all") {
			w.t.Errorf("resume one of all: %v", err)
		}
		if err := w.engine.Resume(w.t.Context(), "*", person("李敏")); err != nil {
			w.t.Fatal(err)
		}
		w.want(w.until(first.Code), run.Succeeded)
		w.want(w.until(second.Code), run.NothingToDo)
		w.noTwice()
	})
}

func TestAnApprovalGivenInAPauseWaits(t *testing.T) {
	t.Parallel()
	story(t, 30, nil, func(w *world) {
		w.until(w.start(true).Code)
		w.source.drop(directory.User, "0007")
		r := w.want(w.until(w.start(true).Code), run.Awaiting)
		w.pause(run.Pause{})
		w.agree(r)
		<-time.After(10 * time.Minute)
		w.want(w.state(r.Code), run.Applying)
		if !w.target.active("0007") {
			w.t.Error("0007 was disabled in a pause")
		}
		w.resume()
		w.want(w.until(r.Code), run.Succeeded)
		if w.target.active("0007") {
			w.t.Error("0007 is still active")
		}
	})
}

func TestACancelledRunEndsThoughItsFlowIsPaused(t *testing.T) {
	t.Parallel()
	story(t, 8, slowly, func(w *world) {
		r := w.start(true)
		<-time.After(3500 * time.Millisecond)
		w.pause(run.Pause{})
		<-time.After(time.Minute)
		before := len(w.target.done())
		if _, err := w.engine.Stop(w.t.Context(), r.Code, person("李敏"), ""); err != nil {
			w.t.Fatal(err)
		}
		synctest.Wait()
		r = w.want(w.state(r.Code), run.Cancelled)
		if n := len(w.target.done()); n != before || r.Outcome.Done != n || len(w.unsettled(r.Code)) != 0 {
			w.t.Errorf("%d effects, %d before, outcome %+v", n, before, r.Outcome)
		}
	})
}

func TestACrashInTheMiddleOfAPauseIsSettledAndSendsNothing(t *testing.T) {
	t.Parallel()
	for name, effect := range map[string]bool{"after the effect": true, "before the effect": false} {
		for how, cancel := range map[string]bool{"resumed": false, "cancelled": true} {
			t.Run(name+", "+how, func(t *testing.T) {
				t.Parallel()
				story(t, 5, nil, func(w *world) {
					r := w.dieAt(4)
					if !effect {
						w.target.drop(directory.User, "0002")
					}
					value, _ := json.Marshal(run.Pause{Flow: flowName, By: person("李敏"), At: w.now()})
					if err := w.store.Set(w.t.Context(), run.Setting{Kind: run.SetPause, Name: flowName, Value: value}); err != nil {
						w.t.Fatal(err)
					}
					w.open()
					<-time.After(time.Minute)
					w.want(w.state(r.Code), run.Applying)
					if open := w.unsettled(r.Code); len(open) != 0 || len(w.target.done()) != 4 || w.link("0002") != effect {
						w.t.Fatalf("open %v, effects %v", open, w.target.done())
					}
					w.stop() // and once more, in peace
					w.open()
					<-time.After(time.Minute)
					if cancel {
						if _, err := w.engine.Stop(w.t.Context(), r.Code, person("李敏"), ""); err != nil {
							w.t.Fatal(err)
						}
						w.want(w.until(r.Code), run.Cancelled)
						return
					}
					w.resume()
					r = w.want(w.until(r.Code), run.Succeeded)
					if r.Outcome.Done != 7 || !w.link("0002") {
						w.t.Errorf("outcome %+v, effects %v", r.Outcome, w.target.done())
					}
				})
			})
		}
	}
}

func TestAPauseHoldsATryThatWaitsForABusyTarget(t *testing.T) {
	t.Parallel()
	var busy atomic.Bool
	story(t, 5, func(w *world) {
		w.target.before = func(connector.Write) error {
			if busy.Load() {
				return fault.New(fault.Limited, "slow down / 请稍候")
			}
			return nil
		}
		busy.Store(true)
	}, func(w *world) {
		r := w.start(true)
		<-time.After(100 * time.Millisecond)
		w.pause(run.Pause{})
		busy.Store(false)
		<-time.After(10 * time.Minute)
		w.want(w.state(r.Code), run.Applying)
		if len(w.target.done()) != 0 || len(w.unsettled(r.Code)) != 0 {
			w.t.Errorf("effects %v, open %v", w.target.done(), w.unsettled(r.Code))
		}
		w.resume()
		if r = w.want(w.until(r.Code), run.Succeeded); r.Outcome.Done != 7 {
			w.t.Errorf("outcome %+v", r.Outcome)
		}
	})
}

func TestASafetyStopIsLiftedByAnApproverAlone(t *testing.T) {
	t.Parallel()
	story(t, 3, nil, func(w *world) {
		ctx := w.t.Context()
		r := w.until(w.start(true).Code)
		if err := w.engine.SafetyStop(ctx, "other", "x / x"); fault.KindOf(err) != fault.NotFound {
			w.t.Errorf("safety stop of an unknown flow: %v", err)
		}
		if err := w.engine.SafetyStop(ctx, flowName, "the bot left its last room / 机器人离开了最后一个群"); err != nil {
			w.t.Fatal(err)
		}
		alarms := w.told(run.EventAlarm)
		if len(alarms) != 1 || alarms[0].Run != r.Code || !strings.Contains(fault.In(alarms[0].Say, "zh"), "机器人离开了最后一个群") {
			w.t.Errorf("alarms %+v", alarms)
		}
		w.pause(run.Pause{Until: w.now().Add(time.Minute)}) // no way round it
		<-time.After(2 * time.Minute)
		if err := w.engine.Resume(ctx, flowName, person("李敏")); fault.KindOf(err) != fault.Denied {
			w.t.Errorf("an operator lifts a safety stop: %v", err)
		}
		_, err := w.engine.Start(ctx, run.Request{ID: "x", Flow: flowName, Apply: true, Trigger: run.ByCommand, By: person("李敏")})
		if fault.KindOf(err) != fault.Denied || strings.Contains(fault.In(fault.Say(err), "zh"), "room") {
			w.t.Errorf("start: %v", err)
		}
		if err := w.engine.Resume(ctx, flowName, person("陈悦")); err != nil {
			w.t.Fatal(err)
		}
		w.want(w.until(w.start(true).Code), run.NothingToDo)
	})
}

func TestPausesThatCannotBeReadHold(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	story(t, 5, func(w *world) {
		slowly(w)
		w.record = &faulty{Store: w.store, setting: func(kind run.SettingKind) error {
			if kind == run.SetPause && broken.Load() {
				return fault.New(fault.Internal, "damaged / 已损坏")
			}
			return nil
		}}
	}, func(w *world) {
		ctx := w.t.Context()
		r := w.start(true)
		<-time.After(2500 * time.Millisecond)
		broken.Store(true)
		<-time.After(10 * time.Minute)
		w.want(w.state(r.Code), run.Applying)
		if n := len(w.target.done()); n != 3 {
			w.t.Errorf("%d effects", n)
		}
		_, err := w.engine.Start(ctx, run.Request{ID: "x", Flow: flowName, Apply: true, Trigger: run.ByCommand, By: person("李敏")})
		if err == nil {
			w.t.Error("a run begins though nobody knows whether the flow is paused")
		}
		broken.Store(false)
		w.want(w.until(r.Code), run.Succeeded)

		if err := w.store.Set(ctx, run.Setting{Kind: run.SetPause, Name: flowName, Value: json.RawMessage(`"?"`)}); err != nil {
			w.t.Fatal(err)
		}
		_, err = w.engine.Start(ctx, run.Request{ID: "y", Flow: flowName, Apply: true, Trigger: run.ByCommand, By: person("李敏")})
		if fault.KindOf(err) != fault.Denied {
			w.t.Errorf("start: %v", err)
		}
		if err := w.engine.Resume(ctx, flowName, person("李敏")); fault.KindOf(err) != fault.Denied {
			w.t.Errorf("resume: %v", err)
		}
		if err := w.engine.Resume(ctx, flowName, person("周凯")); err != nil {
			w.t.Error(err)
		}
		w.want(w.until(w.start(true).Code), run.NothingToDo)
	})
}

func TestTooManyAccountsThatChangedSinceThePlanStopTheRun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		changed int
		done    int
		state   run.State
	}{
		"as many as may be": {3, 5, run.Partial},
		"one too many":      {4, 0, run.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, 60, nil, func(w *world) {
				w.until(w.start(true).Code)
				for i := 1; i <= 8; i++ {
					w.source.drop(directory.User, fmt.Sprintf("%04d", i))
				}
				r := w.want(w.until(w.start(true).Code), run.Awaiting)
				for i := 1; i <= c.changed; i++ {
					w.target.put(directory.User, fmt.Sprintf("%04d", i), "改过的名字", nil)
				}
				for _, who := range []string{"周凯", "陈悦"}[:r.Votes] {
					if _, err := w.vote(r.Code, who, -1, 8); err != nil {
						w.t.Fatal(err)
					}
				}
				r = w.want(w.until(r.Code), c.state)
				if r.Outcome.Done != c.done || r.Outcome.Skipped != c.changed {
					w.t.Errorf("outcome %+v: %s", r.Outcome, r.Reason)
				}
				if stopped := strings.Contains(r.Reason, "plan again"); stopped != (c.state == run.Failed) {
					w.t.Errorf("reason %q", r.Reason)
				}
			})
		})
	}
}

// TestAPauseDoesNotShortenAnother has somebody who pauses what is paused already,
// for an hour, or by a transport that may not resume.
func TestAPauseDoesNotShortenAnother(t *testing.T) {
	t.Parallel()
	story(t, 3, rarely, func(w *world) {
		w.pause(run.Pause{Why: "the HR system is being moved"})
		short := run.Pause{Flow: flowName, Until: w.now().Add(time.Hour), By: person("周凯")}
		if err := w.engine.Pause(w.t.Context(), short); fault.KindOf(err) != fault.Conflict {
			w.t.Errorf("an hour in place of a pause without an end: %v", err)
		}
		<-time.After(2 * time.Hour)
		if p, _ := w.engine.Pauses(w.t.Context()); len(p) != 1 || !p[0].Until.IsZero() || p[0].By.Person != "李敏" {
			w.t.Errorf("pauses %+v", p)
		}
		w.resume()
		w.pause(run.Pause{Until: w.now().Add(2 * time.Hour)})
		short.Until = w.now().Add(time.Hour)
		if err := w.engine.Pause(w.t.Context(), short); fault.KindOf(err) != fault.Conflict {
			w.t.Errorf("an hour in place of two: %v", err)
		}
		w.pause(run.Pause{Until: w.now().Add(3 * time.Hour)})
		w.pause(run.Pause{})
		<-time.After(4 * time.Hour)
		if p, _ := w.engine.Pauses(w.t.Context()); len(p) != 1 {
			w.t.Errorf("pauses %+v", p)
		}
	})
}
