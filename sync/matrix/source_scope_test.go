package matrix

import (
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// TestScopeAfresh_ADepartmentMovesOutOfTheScopeAndBack: each system shows by id where a
// department is, so that its people are disabled when it stays out, and are not when it
// is moved back while votes are awaited. In a roster a department is its path: a move
// changes the rows of its people themselves.
func TestScopeAfresh_ADepartmentMovesOutOfTheScopeAndBack(t *testing.T) {
	t.Parallel()
	eachSource(t, []string{"csv"}, func(t *testing.T, src *tampered) {
		const moved, people = "d05", 5
		w := newFaultWorld(t, src, faultOptions{flow: func(f *plan.Flow) {
			f.Approve.DisableOver = 0
			f.Leavers.OutOfScope = true
			c := smallCompany(0)
			f.Scope.Departments = []string{c.path("d01"), c.path("d02")}
		}})
		move := func(to string) {
			u := w.c.units[moved]
			u.parent = to
			w.c.units[moved] = u
			w.from.setUnit(w.c, u)
			w.from.flush(w.c)
		}
		awaited := func() run.Run {
			r := w.run()
			if r.State != run.Awaiting || r.Counts.Disable != people {
				t.Fatalf("the run is %s, %+v: %s\n%s", r.State, r.Counts, r.Reason, w.trouble(r))
			}
			return r
		}
		home := w.c.units[moved].parent

		move("")
		r := awaited()
		move(home)
		r = w.agree(r)
		entries, err := w.store.Entries(t.Context(), r.Code)
		check(t, err)
		skipped := 0
		for _, e := range entries {
			if e.Step == run.StepSkipped && strings.Contains(e.Say, "in the source since it was judged") != strings.Contains(e.Say, "in scope again") {
				skipped++ // where a person's own row shows the way up, it has changed as well
			}
		}
		if n := w.target.taken.Load(); n != 0 || skipped != people {
			t.Fatalf("moved back: %d were taken away, %d skipped\n%s", n, skipped, w.trouble(r))
		}

		move("")
		if r := w.agree(awaited()); r.State != run.Succeeded || w.target.taken.Load() != people {
			t.Fatalf("still out: the run is %s, %d were taken away: %s\n%s", r.State, w.target.taken.Load(), r.Reason, w.trouble(r))
		}
	})
}
