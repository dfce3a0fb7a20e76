package engine_test

import (
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// TestP05_AHintToldToSeveralReplicasIsOneRun: each notices the change by itself, one
// later than the other, and each is told again.
func TestP05_AHintToldToSeveralReplicasIsOneRun(t *testing.T) {
	t.Parallel()
	story(t, 5, listening, func(w *world) {
		other, stop := w.serve("other")
		defer stop()
		w.want(w.until(w.start(true).Code), run.Succeeded)
		w.mail("0002", "new@x.cn")
		for range 4 {
			w.hint(changed("0002"))
			<-time.After(3 * time.Second)
			other.Hint(w.t.Context(), "hr", []directory.Hint{changed("0002")})
			<-time.After(3 * time.Second)
		}
		<-time.After(5 * time.Minute)
		runs := w.byEvent()
		if len(runs) != 1 || runs[0].State != run.Succeeded || runs[0].Counts.Update != 1 {
			w.t.Fatalf("runs %+v, want one", runs)
		}
		w.hint(directory.Hint{}) // something that has no name
		other.Hint(w.t.Context(), "hr", []directory.Hint{{}})
		<-time.After(5 * time.Minute)
		if runs := w.byEvent(); len(runs) != 2 || runs[0].Objects != "" {
			w.t.Fatalf("runs %+v, want a full one beside", runs)
		}
	})
}

// TestP03_AHintOutlivesTheProcessThatWasTold: one stops before the flow's time after
// a change is over, and another starts the run. So does the one that comes up again.
func TestP03_AHintOutlivesTheProcessThatWasTold(t *testing.T) {
	t.Parallel()
	for name, again := range map[string]bool{"another replica": false, "the same after a restart": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, 5, listening, func(w *world) {
				w.want(w.until(w.start(true).Code), run.Succeeded)
				if !again {
					_, stop := w.serve("other")
					defer stop()
				}
				w.mail("0002", "new@x.cn")
				w.hint(changed("0002"))
				<-time.After(time.Second)
				w.stop()
				w.stop = func() {}
				<-time.After(5 * time.Second)
				if again {
					w.open()
				}
				<-time.After(3 * time.Minute)
				runs := w.byEvent()
				if len(runs) != 1 || runs[0].State != run.Succeeded || runs[0].Counts.Update != 1 {
					w.t.Fatalf("runs %+v, want one", runs)
				}
			})
		})
	}
}

// TestP09_HintsWaitForARecordThatIsAway: nothing of what was told is lost, and what
// is kept of it is bounded.
func TestP09_HintsWaitForARecordThatIsAway(t *testing.T) {
	t.Parallel()
	for name, many := range map[string]int{"a few": 3, "more than a small run takes": 1000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var away atomic.Bool
			story(t, 5, func(w *world) {
				listening(w)
				w.record = &faulty{Store: w.store, hints: func() error {
					if away.Load() {
						return fault.New(fault.Unavailable, "away / 不可用")
					}
					return nil
				}}
			}, func(w *world) {
				w.want(w.until(w.start(true).Code), run.Succeeded)
				w.mail("0003", "new@x.cn")
				away.Store(true)
				for i := range many {
					w.hint(changed("000" + strconv.Itoa(i+1)))
				}
				<-time.After(2 * time.Minute)
				if runs := w.byEvent(); len(runs) != 0 {
					w.t.Fatalf("runs %+v", runs)
				}
				away.Store(false)
				<-time.After(3 * time.Minute)
				runs := w.byEvent()
				if len(runs) == 0 || runs[len(runs)-1].Counts.Update != 1 || (runs[len(runs)-1].Objects == "") != (many > 200) {
					w.t.Fatalf("runs %+v", runs)
				}
			})
		})
	}
}

// TestTheLastHintIsWrittenWhenTheProcessStops: what could not be written before is.
func TestTheLastHintIsWrittenWhenTheProcessStops(t *testing.T) {
	t.Parallel()
	var away atomic.Bool
	story(t, 2, func(w *world) {
		listening(w)
		w.record = &faulty{Store: w.store, hints: func() error {
			if away.CompareAndSwap(true, false) {
				return fault.New(fault.Unavailable, "away / 不可用")
			}
			return nil
		}}
	}, func(w *world) {
		away.Store(true)
		w.hint(changed("0001"))
		w.stop()
		w.stop = func() {}
		w.hint(changed("0002")) // a callback that ends after the engine
		if hints, err := w.store.Hints(w.t.Context(), flowName); err != nil || len(hints) != 2 {
			w.t.Errorf("kept %+v, %v", hints, err)
		}
	})
}

// TestAnIDThatNothingCanBeAskedForIsAFullRun: an id comes from outside.
func TestAnIDThatNothingCanBeAskedForIsAFullRun(t *testing.T) {
	t.Parallel()
	for name, id := range map[string]string{
		"two lines": "0001\nuser:0002", "a zero byte": "0001\x00", "not UTF-8": "\xe5\x9d", "endless": strings.Repeat("x", 100_000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, 2, listening, func(w *world) {
				w.hint(changed(id))
				if hints, err := w.store.Hints(w.t.Context(), flowName); err != nil || len(hints) != 1 || hints[0].What != run.HintWhole {
					w.t.Errorf("kept %+v, %v", hints, err)
				}
			})
		})
	}
}
