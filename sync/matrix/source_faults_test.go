package matrix

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
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
		src.mend()
	})
}

// TestS01_EmptyListing lets a source show nobody, with 200 and without an error: people
// of less than the cap of ten, so that it is the emptiness alone that stops the run. In
// one case each is still there when asked for alone; in the other all have really left,
// and the run is stopped even so.
func TestS01_EmptyListing(t *testing.T) {
	t.Parallel()
	const few = 8
	t.Run("shown", func(t *testing.T) {
		t.Parallel()
		eachSource(t, []string{"csv"}, func(t *testing.T, src *tampered) {
			w := newFaultWorld(t, src, faultOptions{people: few})
			for _, fitting := range []bool{false, true} {
				src.hide(fitting, w.c.numbers()...)
				w.blockedAsEmpty("nobody is listed")
				src.mend()
			}
		})
	})
	t.Run("left", func(t *testing.T) {
		t.Parallel()
		eachSource(t, nil, func(t *testing.T, src *tampered) {
			w := newFaultWorld(t, src, faultOptions{people: few})
			for _, no := range w.c.numbers() {
				w.from.leave(no)
			}
			w.from.flush(w.c)
			w.blockedAsEmpty("everybody has left")
		})
	})
	t.Run("control", func(t *testing.T) { // all but one, and it goes through
		t.Parallel()
		eachSource(t, nil, func(t *testing.T, src *tampered) {
			w := newFaultWorld(t, src, faultOptions{people: few})
			w.leaves = w.c.numbers()[:few-1]
			for _, no := range w.leaves {
				w.from.leave(no)
			}
			w.from.flush(w.c)
			w.control()
		})
	})
}

// blockedAsEmpty sees that a run is blocked, and names the empty source.
func (w *faultWorld) blockedAsEmpty(name string) {
	w.t.Helper()
	before := w.target.writes.Load()
	r := w.run()
	if r.State != run.Blocked && r.State != run.Failed || w.target.writes.Load() != before {
		w.t.Fatalf("%s: the run is %s after %d writes: %s\n%s", name, r.State, w.target.writes.Load()-before, r.Reason, w.trouble(r))
	}
	if r.State == run.Failed {
		w.explained(name, r)
		return
	}
	made, err := w.store.Plan(w.t.Context(), r.Code)
	check(w.t, err)
	if !slices.ContainsFunc(made.Risk.Reasons, func(f plan.Finding) bool { return f.Code == plan.FindEmptySource && f.Tier == 4 }) {
		w.t.Errorf("%s: blocked for %+v", name, made.Risk.Reasons)
	}
}

// TestS02_TooFewWith200 lets 60, 95 and 99.9 % of the people come, without an error:
// others are left out at random, of one department, or of one page. Each is there when
// asked for alone, which is the second look that an absence needs.
func TestS02_TooFewWith200(t *testing.T) {
	t.Parallel()
	eachSource(t, []string{"csv"}, func(t *testing.T, src *tampered) {
		people := smallStaff
		if long() {
			people = 1000
		}
		w := newFaultWorld(t, src, faultOptions{people: people})
		all := w.c.numbers()
		at := rand.New(rand.NewPCG(2, 2)).Perm(people)
		some := func(percent float64) (out []string) {
			for _, i := range at[:max(1, int(float64(people)*(100-percent)/100))] {
				out = append(out, all[i])
			}
			return out
		}
		for name, hidden := range map[string][]string{
			"60 %": some(60), "95 %": some(95), "99.9 %": some(99.9), "without one department": w.c.members("d03"), "without one page": all[smallPage : 2*smallPage],
		} {
			for _, fitting := range []bool{false, true} {
				src.hide(fitting, hidden...)
				w.harmless(fmt.Sprintf("%s, counts fit: %v", name, fitting), run.NothingToDo)
				src.mend()
			}
		}
		w.someGo()
		w.control()
	})
}

// TestS02_ManyMissingAreAskedForAlone leaves more people out of each listing than a
// connector asks for one by one as a rule: that they are missing in two listings is no
// second look.
func TestS02_ManyMissingAreAskedForAlone(t *testing.T) {
	t.Parallel()
	eachSource(t, []string{"csv", "sqlite", "ldap", "scim"}, func(t *testing.T, src *tampered) { // which have the same call for one and for many
		w := newFaultWorld(t, src, faultOptions{people: 60})
		src.hide(true, w.c.numbers()[:30]...)
		w.harmless("half of them", run.NothingToDo)
	})
}

// TestS02_LiesTwice lets a source leave people out of its listing, and say of each that
// they do not exist when asked. Nothing can see that but the guards, as they are when
// nobody changes them, and people: without their votes nothing is written, and when
// they vote, each is looked for once more.
func TestS02_LiesTwice(t *testing.T) {
	t.Parallel()
	eachSource(t, []string{"csv"}, func(t *testing.T, src *tampered) {
		w := newFaultWorld(t, src, faultOptions{flow: func(f *plan.Flow) {
			f.Guard = plan.Guard{MaxDelete: 20, MaxDeletePercent: 5, MaxDeletePercentPerDepartment: 50, MaxShrinkPercent: 10, MaxChangePercent: 30}
			f.Approve.DisableOver = 0
		}})
		hidden := map[string]bool{}
		lie := func(nos ...string) {
			clear(hidden)
			for _, no := range nos {
				hidden[no] = true
			}
			src.hide(true, nos...)
		}
		w.hooks.lookup = func(s connector.Sighting, _ directory.ID) connector.Sighting {
			if no := s.Object.Attributes[w.from.(worded).words().no].String(); hidden[no] {
				return connector.Sighting{Presence: connector.Gone}
			}
			return s
		}
		before := w.target.writes.Load()
		lie(w.c.numbers()[:10]...)
		if r := w.run(); r.State != run.Blocked && r.State != run.NothingToDo { // 10 and more than a quarter
			t.Errorf("60 %%: the run is %s, %+v", r.State, r.Counts)
		}
		lie(number(3), number(4))
		r := w.run()
		complete := src.shim == nil && src.name != "scim" // which count rows, and see who is in a group
		if complete != (r.State == run.Awaiting && r.Counts.Disable == 2) {
			t.Fatalf("two are gone: the run is %s, %+v: %s\n%s", r.State, r.Counts, r.Reason, w.trouble(r))
		}
		if !complete {
			return
		}
		clear(hidden) // it comes to its senses while people vote
		if r = w.agree(r); r.Outcome.Skipped != 2 || w.target.writes.Load() != before {
			t.Errorf("the run is %s, %+v, after %d writes\n%s", r.State, r.Outcome, w.target.writes.Load()-before, w.trouble(r))
		}
	})
}
