package engine_test

import (
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/rollcallhq/rollcall/sync/engine"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// timed gives a flow that may be timed from the chat, and two admins.
func timed(w *world) {
	w.sweep = time.Minute
	w.parse = func(spec string) (engine.Schedule, error) {
		s, err := cron.ParseStandard(spec)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "no schedule / 不是定时表达式")
		}
		return s, nil
	}
	for _, name := range []string{"管理甲", "管理乙"} {
		w.people = append(w.people, run.Person{Name: name, Roles: map[run.Role][]string{run.Admin: {"*"}}})
	}
}

func (w *world) setTiming(e *engine.Engine, spec string) {
	w.t.Helper()
	if err := e.SetTiming(w.t.Context(), run.Timing{Flow: flowName, Spec: spec, By: person("管理甲")}); err != nil {
		w.t.Fatal(err)
	}
}

// scheduled gives the runs that no person began, newest first.
func (w *world) scheduled() []run.Run {
	w.t.Helper()
	runs, err := w.store.Runs(w.t.Context(), run.Filter{Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	var all []run.Run
	for _, r := range runs {
		if r.Trigger == run.BySchedule {
			all = append(all, r)
		}
	}
	return all
}

func TestOnlyAdminsSetATimingAndOnlyASeldomOne(t *testing.T) {
	t.Parallel()
	story(t, 1, func(w *world) {
		timed(w)
		w.flow.Zone = time.FixedZone("CST", 8*3600)
	}, func(w *world) {
		ctx := w.t.Context()
		for name, c := range map[string]struct {
			t    run.Timing
			kind fault.Kind
		}{
			"unknown flow": {run.Timing{Flow: "other", Spec: "30 2 * * *", By: person("管理甲")}, fault.NotFound},
			"an operator":  {run.Timing{Flow: flowName, Spec: "30 2 * * *", By: person("李敏")}, fault.Denied},
			"an approver":  {run.Timing{Flow: flowName, Spec: "30 2 * * *", By: person("陈悦")}, fault.Denied},
			"nobody":       {run.Timing{Flow: flowName, Spec: "30 2 * * *"}, fault.Denied},
			"no spec":      {run.Timing{Flow: flowName, Spec: "soon", By: person("管理甲")}, fault.Invalid},
			"an interval":  {run.Timing{Flow: flowName, Spec: "@every 1h", By: person("管理甲")}, fault.Invalid},
			"a zone":       {run.Timing{Flow: flowName, Spec: "CRON_TZ=Asia/Tokyo 30 2 * * *", By: person("管理甲")}, fault.Invalid},
			"five letters": {run.Timing{Flow: flowName, Spec: "a b c d e", By: person("管理甲")}, fault.Invalid},
			"often":        {run.Timing{Flow: flowName, Spec: "*/4 * * * *", By: person("管理甲")}, fault.Invalid},
			"often, later": {run.Timing{Flow: flowName, Spec: "0,59 * * * *", By: person("管理甲")}, fault.Invalid},
			"never":        {run.Timing{Flow: flowName, Spec: "0 0 31 2 *", By: person("管理甲")}, fault.Invalid},
			"seldom":       {run.Timing{Flow: flowName, Spec: "*/5 * * * *", By: person("管理甲")}, ""},
			"good":         {run.Timing{Flow: flowName, Spec: " 30  2 * * * ", By: person("管理甲")}, ""},
		} {
			if err := w.engine.SetTiming(ctx, c.t); fault.KindOf(err) != c.kind {
				w.t.Errorf("%s: %v, want %q", name, err, c.kind)
			}
			if _, err := w.engine.NextTimes(c.t.Spec); c.kind == fault.Invalid && fault.KindOf(err) != fault.Invalid {
				w.t.Errorf("%s: next times: %v", name, err)
			}
		}
		w.setTiming(w.engine, " 30  2 * * * ")
		got, err := w.engine.Timing(ctx, flowName)
		if err != nil || got.Spec != "30 2 * * *" || got.By.Person != "管理甲" || len(got.Next) != 3 {
			w.t.Fatalf("timing %+v, %v", got, err)
		}
		for i, next := range got.Next {
			if next.Format("15:04 -0700") != "02:30 +0800" || i > 0 && next.Sub(got.Next[i-1]) != 24*time.Hour {
				w.t.Errorf("next %v", got.Next)
			}
		}
		shown, err := w.engine.NextTimes("30 2 * * *")
		if err != nil || len(shown.Next) != 3 || !shown.Next[0].Equal(got.Next[0]) {
			w.t.Errorf("next times %+v, %v", shown, err)
		}
		w.setTiming(w.engine, "")
		if got, err = w.engine.Timing(ctx, flowName); err != nil || got.Spec != "" || len(got.Next) != 0 {
			w.t.Errorf("timing %+v, %v", got, err)
		}
		if _, err := w.engine.Timing(ctx, "other"); fault.KindOf(err) != fault.NotFound {
			w.t.Errorf("timing of another flow: %v", err)
		}
	})
}

func TestTheConfigurationTimesAFlowUntilSomebodyElseDoes(t *testing.T) {
	t.Parallel()
	story(t, 1, func(w *world) {
		timed(w)
		w.flow.Schedule, w.flow.Spec = every(time.Hour), "0 * * * *"
	}, func(w *world) {
		got, err := w.engine.Timing(w.t.Context(), flowName)
		if err != nil || got.Spec != "0 * * * *" || got.By.Person != "" || len(got.Next) != 3 {
			w.t.Errorf("timing %+v, %v", got, err)
		}
		<-time.After(61 * time.Minute)
		if all := w.scheduled(); len(all) != 1 || all[0].Behind != "" {
			w.t.Errorf("runs %+v", all)
		}
		w.setTiming(w.engine, "")
		<-time.After(5 * time.Hour)
		if n := len(w.scheduled()); n != 1 {
			w.t.Errorf("%d runs", n)
		}
	})
}

func TestA7_WhoSetTheScheduleStandsBehindItsRuns(t *testing.T) {
	t.Parallel()
	story(t, 1, timed, func(w *world) {
		w.setTiming(w.engine, "0 * * * *")
		<-time.After(61 * time.Minute)
		all := w.scheduled()
		if len(all) != 1 || all[0].Behind != "管理甲" || all[0].By.Person != "" || all[0].By.Platform != run.Clock {
			w.t.Errorf("runs %+v", all)
		}
	})
}

func TestP05_TwoReplicasMakeOneRunOfATimeAndFollowEachOther(t *testing.T) {
	t.Parallel()
	story(t, 1, timed, func(w *world) {
		other, stop := w.serve("other")
		defer stop()
		// Bubbles begin at midnight.
		w.setTiming(other, "*/10 * * * *")
		<-time.After(61 * time.Minute)
		if n := len(w.scheduled()); n != 6 {
			w.t.Fatalf("%d runs in an hour", n)
		}
		<-time.After(8*time.Minute + 58*time.Second) // two seconds before the next time
		w.setTiming(w.engine, "")
		<-time.After(3 * time.Hour)
		if n := len(w.scheduled()); n != 6 {
			w.t.Errorf("%d runs, the last ones after it was turned off", n)
		}
		w.setTiming(other, "30 * * * *") // what is past by now is not made good
		<-time.After(20 * time.Minute)
		if n := len(w.scheduled()); n != 6 {
			w.t.Errorf("%d runs", n)
		}
		<-time.After(2 * time.Minute)
		if n := len(w.scheduled()); n != 7 {
			w.t.Errorf("%d runs", n)
		}
	})
}

func TestAScheduleOutlivesTheProcessAndReachesAnIdleReplica(t *testing.T) {
	t.Parallel()
	story(t, 1, timed, func(w *world) {
		value, _ := json.Marshal(run.Timing{Flow: flowName, Spec: "0 * * * *", By: person("管理乙"), At: w.now()})
		if err := w.store.Set(w.t.Context(), run.Setting{Kind: run.SetSchedule, Name: flowName, Value: value}); err != nil {
			w.t.Fatal(err)
		}
		<-time.After(61 * time.Minute)
		if all := w.scheduled(); len(all) != 1 || all[0].Behind != "管理乙" {
			w.t.Errorf("runs %+v", all)
		}
		w.stop()
		w.open()
		<-time.After(time.Hour)
		if n := len(w.scheduled()); n != 2 {
			w.t.Errorf("%d runs", n)
		}
	})
}

func TestAScheduleThatCannotBeReadStartsNothing(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	story(t, 1, func(w *world) {
		timed(w)
		w.flow.Schedule = every(time.Hour)
		w.record = &faulty{Store: w.store, setting: func(kind run.SettingKind) error {
			if kind == run.SetSchedule && broken.Load() {
				return fault.New(fault.Unavailable, "locked / 被占用")
			}
			return nil
		}}
		broken.Store(true)
	}, func(w *world) {
		<-time.After(90 * time.Minute)
		if n := len(w.scheduled()); n != 0 {
			w.t.Errorf("%d runs", n)
		}
		broken.Store(false)
		<-time.After(2 * time.Minute)
		if n := len(w.scheduled()); n != 1 { // late, not lost
			w.t.Errorf("%d runs", n)
		}
		err := w.store.Set(w.t.Context(), run.Setting{Kind: run.SetSchedule, Name: flowName, Value: json.RawMessage(`{"spec":"* * *"}`)})
		if err != nil {
			w.t.Fatal(err)
		}
		<-time.After(5 * time.Hour)
		if n := len(w.scheduled()); n != 1 {
			w.t.Errorf("%d runs", n)
		}
		if _, err := w.engine.Timing(w.t.Context(), flowName); fault.KindOf(err) != fault.Invalid {
			w.t.Errorf("timing: %v", err)
		}
	})
}

func TestAScheduledTimePassesInAPause(t *testing.T) {
	t.Parallel()
	story(t, 1, timed, func(w *world) {
		w.setTiming(w.engine, "0 * * * *")
		w.pause(run.Pause{Until: w.now().Add(150 * time.Minute)})
		<-time.After(170 * time.Minute)
		if n := len(w.scheduled()); n != 0 {
			w.t.Errorf("%d runs in a pause", n)
		}
		<-time.After(20 * time.Minute)
		if n := len(w.scheduled()); n != 1 {
			w.t.Errorf("%d runs after the pause", n)
		}
	})
}

func TestSchedulesCannotBeSetWithoutAParser(t *testing.T) {
	t.Parallel()
	story(t, 1, func(w *world) {
		timed(w)
		w.parse = nil
	}, func(w *world) {
		err := w.engine.SetTiming(w.t.Context(), run.Timing{Flow: flowName, Spec: "0 2 * * *", By: person("管理甲")})
		if fault.KindOf(err) != fault.Unsupported || !strings.Contains(fault.Say(err), " / ") {
			w.t.Errorf("set: %v", err)
		}
	})
}
