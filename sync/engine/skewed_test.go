package engine_test

import (
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// TestP10_AnOpenRunStaysOpenByTheRecordsTime: a replica whose clock is far ahead does not
// take the votes of a run that waits for the same changes for expired.
func TestP10_AnOpenRunStaysOpenByTheRecordsTime(t *testing.T) {
	t.Parallel()
	story(t, 30, func(w *world) { rarely(w); shared(w) }, func(w *world) {
		old := w.leave(1)
		w.stop() // only the other works
		w.stop = func() {}
		c := &watch{}
		c.set(9 * time.Hour)
		other, stop := w.replica("other", c)
		defer stop()
		r, err := other.Start(w.t.Context(), run.Request{ID: "again", Flow: old.Flow, Apply: true, Trigger: run.ByCommand, By: by("李敏", "")})
		if err != nil {
			w.t.Fatal(err)
		}
		r = w.until(r.Code)
		if is := w.state(old.Code); is.State != run.Awaiting {
			w.t.Errorf("it is %s (%s), the new one %s", is.State, is.Reason, r.State)
		}
	})
}

// TestP10_WrongCountsLockByTheRecordsTime: whoever guesses counts is locked out at a
// machine whose clock is wrong as well.
func TestP10_WrongCountsLockByTheRecordsTime(t *testing.T) {
	t.Parallel()
	for name, ahead := range map[string]time.Duration{"an hour early": time.Hour, "an hour late": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, 30, func(w *world) { rarely(w); shared(w) }, func(w *world) {
				c := &watch{}
				c.set(ahead)
				other, stop := w.replica("other", c)
				defer stop()
				r := w.leave(1)
				vote := func(n int, want fault.Kind) {
					w.t.Helper()
					if _, err := other.Decide(w.t.Context(), ballot(r, by("周凯", ""), n)); fault.KindOf(err) != want {
						w.t.Errorf("a vote for %d: %v, want %q", n, err, want)
					}
				}
				for n := range 5 {
					vote(n+2, fault.Invalid)
				}
				vote(1, fault.Denied)
				<-time.After(11 * time.Minute)
				vote(1, "")
			})
		})
	}
}

// TestP10_APauseEndsByTheRecordsTime: nothing is applied sooner at a machine whose clock
// is ahead, nor held up longer at one that is behind.
func TestP10_APauseEndsByTheRecordsTime(t *testing.T) {
	t.Parallel()
	for name, ahead := range map[string]time.Duration{"an hour early": time.Hour, "an hour late": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, 1, func(w *world) { rarely(w); shared(w) }, func(w *world) {
				c := &watch{}
				c.set(ahead)
				other, stop := w.replica("other", c)
				defer stop()
				if err := w.engine.Pause(w.t.Context(), run.Pause{Flow: flowName, Until: w.now().Add(30 * time.Minute), By: by("周凯", "")}); err != nil {
					w.t.Fatal(err)
				}
				for _, want := range []int{1, 0} {
					if all, err := other.Pauses(w.t.Context()); err != nil || len(all) != want {
						w.t.Errorf("pauses %+v, %v; want %d", all, err, want)
					}
					<-time.After(31 * time.Minute)
				}
			})
		})
	}
}
