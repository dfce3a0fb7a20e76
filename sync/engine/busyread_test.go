package engine_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// busyFor lets a place's listings say that it is busy, until a time from now is over.
func busyFor(w *world, p *place, d time.Duration, f *fault.Error) {
	p.mu.Lock()
	p.fail = f
	p.mu.Unlock()
	back := time.AfterFunc(d, func() {
		p.mu.Lock()
		p.fail = nil
		p.mu.Unlock()
	})
	w.t.Cleanup(func() { back.Stop() })
}

// TestABusySystemIsReadLater: what is busy now is read when it is not, by full runs, by
// those of an event, and by an undo.
func TestABusySystemIsReadLater(t *testing.T) {
	t.Parallel()
	told := &fault.Error{Kind: fault.Limited, Say: "slow down / 请放慢", After: 5 * time.Minute}
	down := &fault.Error{Kind: fault.Unavailable, Say: "maintenance / 维护中", After: time.Minute}
	untold := &fault.Error{Kind: fault.Limited, Say: "slow down / 请放慢"}
	for name, c := range map[string]struct {
		source bool
		fault  *fault.Error
		most   int // readings of the system
	}{
		"the source, and says how long": {true, told, 2},
		"the target, and says how long": {false, told, 2},
		"the target is being mended":    {false, down, 6},
		"the source":                    {true, untold, 12},
		"the target":                    {false, untold, 12},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, 3, listening, func(w *world) {
				p := w.target
				if c.source {
					p = w.source
				}
				busyFor(w, p, 5*time.Minute-time.Second, c.fault)
				r := w.want(w.until(w.start(true).Code), run.Succeeded)
				if source, target := w.reads(); max(source, target) > c.most {
					w.t.Errorf("read %d and %d times", source, target)
				}
				if c.source {
					return
				}
				busyFor(w, p, 4*time.Minute, c.fault)
				w.person(4)
				w.hint(changed("0004"))
				<-time.After(10 * time.Minute)
				if all := w.byEvent(); len(all) != 1 || all[0].State != run.Succeeded || !w.target.has("0004") {
					w.t.Errorf("by event: %+v", all)
				}
				busyFor(w, p, 4*time.Minute, c.fault)
				undo, err := w.engine.Start(w.t.Context(), run.Request{ID: "undo", Undoes: r.Code, By: run.Actor{Person: "李敏"}, Trigger: run.ByCommand})
				if err != nil {
					w.t.Fatal(err)
				}
				w.want(w.until(undo.Code), run.Awaiting)
			})
		})
	}
}

// TestABusySystemKeepsNoRunForEver: not one that people have ended, not one whose time is
// over, and not where the system asks for more time than a reading may take.
func TestABusySystemKeepsNoRunForEver(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]time.Duration{"cancelled": time.Minute, "too long": 3 * time.Hour, "its time is over": 50 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, 3, rarely, func(w *world) {
				busyFor(w, w.target, 24*time.Hour, &fault.Error{Kind: fault.Limited, Say: "slow down / 请放慢", After: after})
				r := w.start(true)
				<-time.After(time.Second)
				switch name {
				case "cancelled":
					if _, err := w.engine.Stop(w.t.Context(), r.Code, run.Actor{Person: "李敏"}, ""); err != nil {
						w.t.Fatal(err)
					}
					<-time.After(2 * time.Minute)
					w.want(w.state(r.Code), run.Cancelled)
					if _, ok, err := w.store.Acquire(w.t.Context(), "hr-to-corp", "somebody", time.Second); err != nil || !ok {
						w.t.Errorf("the flow is still owned: %v", err)
					}
					return
				case "its time is over":
					<-time.After(2 * time.Hour)
				}
				if r = w.want(w.until(r.Code), run.Failed); !strings.Contains(r.Reason, "slow down") || r.Fault != fault.Limited {
					w.t.Errorf("fails as %s: %s", r.Fault, r.Reason)
				}
			})
		})
	}
}

// TestAReadingThatNeverEndsEndsTheRun: of the target, for a run by event and an undo.
func TestAReadingThatNeverEndsEndsTheRun(t *testing.T) {
	t.Parallel()
	story(t, 3, listening, func(w *world) {
		r := w.want(w.until(w.start(true).Code), run.Succeeded)
		hang := func(ctx context.Context) { <-ctx.Done() }
		w.target.reading = hang
		undo, err := w.engine.Start(w.t.Context(), run.Request{ID: "undo", Undoes: r.Code, By: run.Actor{Person: "李敏"}, Trigger: run.ByCommand})
		if err != nil {
			w.t.Fatal(err)
		}
		<-time.After(2*time.Hour + time.Minute)
		if got := w.want(w.state(undo.Code), run.Failed); !strings.Contains(got.Reason, "timing.read") {
			w.t.Errorf("undo: %s", got.Reason)
		}
		w.source.put(directory.User, "0009", "新人", directory.Attributes{"employee_no": directory.TextOf("0009"), "departments": directory.RefsToKind(directory.Department, "d2")})
		w.hint(changed("0009"))
		<-time.After(2*time.Hour + 8*time.Minute)
		runs, err := w.store.Runs(w.t.Context(), run.Filter{Limit: 10})
		if err != nil {
			w.t.Fatal(err)
		}
		if runs[0].Trigger != run.ByEvent || runs[0].State != run.Failed || !strings.Contains(runs[0].Reason, "timing.read") {
			w.t.Errorf("by event: %s %s %s", runs[0].Trigger, runs[0].State, runs[0].Reason) // and the flow rests after it
		}
	})
}
