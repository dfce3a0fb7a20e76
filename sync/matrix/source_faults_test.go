package matrix

import (
	"testing"

	"github.com/rollcallhq/rollcall/sync/run"
)

// TestS03_PageThatFails lets the first, a middle and the last page of a listing fail in
// every way, always: nothing may come of what was read, though three people have really
// left. A page that fails once is asked for again, and the run goes through.
//
// The row asks for FAILED_SOURCE. design.md §2.3 wants an incomplete listing to lead to
// no DISABLE and no DELETE, while the rest of it may still be used: such a run has
// nothing to do here, and says that its source is incomplete.
func TestS03_PageThatFails(t *testing.T) {
	t.Parallel()
	eachSource(t, []string{"csv"}, func(t *testing.T, src *tampered) {
		w := newFaultWorld(t, src, faultOptions{})
		w.someGo()
		b := src.breaker
		b.begin()
		s, err := src.source.Read(t.Context())
		check(t, err)
		last := b.pages()
		if !s.Complete() || last < 3 {
			t.Fatalf("%d pages, incomplete for %q", last, s.Health.PartialFor)
		}
		for i, way := range b.ways() {
			for j, page := range []int{1, last/2 + 1, last} {
				if !long() && j != i%3 {
					continue
				}
				w.failing(way, page, run.NothingToDo, run.Failed, run.Blocked)
			}
		}
		b.spoil(b.passing(), last/2+1, 1)
		w.control()
		if b.hits() != 1 {
			t.Errorf("the page failed %d times", b.hits())
		}
		b.mend()
	})
}
