package engine_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// partly is a vote for n DISABLE changes of a part.
func partly(r run.Run, who run.Actor, n int, only, hold []string) run.Vote {
	v := ballot(r, who, n)
	v.Only, v.Hold = only, hold
	return v
}

func list(items ...string) []string { return items }

func (w *world) says(r run.Run) map[int]string {
	w.t.Helper()
	entries, err := w.store.Entries(w.t.Context(), r.Code)
	if err != nil {
		w.t.Fatal(err)
	}
	said := map[int]string{}
	for _, e := range entries {
		if e.Step == run.StepSkipped {
			said[e.Seq] = e.Say
		}
	}
	return said
}

func TestAPartIsApprovedAndTheRestHeldBack(t *testing.T) {
	t.Parallel()
	story(t, 30, nil, func(w *world) {
		r := w.leave(3)
		counts, seqs, err := w.engine.Part(w.t.Context(), r.Code, nil, list("0002"))
		if err != nil || counts != (plan.Counts{Disable: 2}) || !slices.Equal(seqs, []int{1, 3}) {
			w.t.Errorf("part %+v %v, %v", counts, seqs, err)
		}
		w.cast(partly(r, by("周凯", ""), 3, nil, list("0002")), fault.Invalid) // of the whole, not of the part
		w.cast(partly(r, by("周凯", ""), 2, nil, list("钱七")), fault.Invalid)
		w.cast(partly(r, by("周凯", ""), 0, nil, list("停用")), fault.Invalid) // nothing is left
		w.cast(partly(r, by("周凯", ""), 2, nil, list("人0002")), "")
		r = w.want(w.until(r.Code), run.Partial)
		if w.target.active("0001") || !w.target.active("0002") || w.target.active("0003") || r.HeldBack != 1 || r.Outcome.Done != 2 || r.Outcome.Skipped != 1 {
			w.t.Errorf("held back %d, outcome %+v", r.HeldBack, r.Outcome)
		}
		if said := w.says(r); said[2] != "held back by 周凯 / 由周凯保留" {
			w.t.Errorf("said %v", said)
		}
		votes, _ := w.store.Votes(w.t.Context(), r.Code)
		if len(votes) != 1 || !slices.Equal(votes[0].Part, []int{1, 3}) || !slices.Equal(votes[0].Hold, list("人0002")) {
			w.t.Errorf("votes %+v", votes)
		}
		w.want(w.until(w.start(true).Code), run.Awaiting) // what was held back comes again
	})
}

func TestPartsOfTwoVotersMeet(t *testing.T) {
	t.Parallel()
	story(t, 60, admin, func(w *world) {
		r := w.leave(6)
		w.cast(partly(r, by("周凯", ""), 3, list("#1-3"), nil), "")
		if got := w.until(r.Code); got.HeldBack != 3 {
			w.t.Errorf("held back %d", got.HeldBack)
		}
		w.cast(partly(r, by("陈悦", ""), 3, list("#4-6"), nil), fault.Invalid) // nothing in common
		w.cast(partly(r, by("陈悦", ""), 4, list("#2-5"), nil), "")
		r = w.want(w.until(r.Code), run.Partial)
		if r.HeldBack != 4 || r.Outcome.Done != 2 || w.target.active("0002") || w.target.active("0003") || !w.target.active("0001") || !w.target.active("0004") {
			w.t.Errorf("held back %d, outcome %+v, effects %v", r.HeldBack, r.Outcome, w.target.done())
		}
		said := w.says(r)
		if said[1] != "held back by 陈悦 / 由陈悦保留" || said[4] != "held back by 周凯 / 由周凯保留" || said[6] != "held back by 周凯, 陈悦 / 由周凯、陈悦保留" {
			w.t.Errorf("said %v", said)
		}
	})
}

func TestAPartDoesNotNeedFewerVotes(t *testing.T) {
	t.Parallel()
	story(t, 60, nil, func(w *world) {
		r := w.leave(6)
		w.want(w.cast(partly(r, by("周凯", ""), 1, list("0001"), nil), ""), run.Awaiting)
		<-time.After(time.Minute)
		if !w.target.active("0001") {
			w.t.Error("one vote was enough for a part")
		}
	})
}

// TestWhatNeedsAHeldBackChangeIsSkipped holds a new department back, in which
// somebody is.
func TestWhatNeedsAHeldBackChangeIsSkipped(t *testing.T) {
	t.Parallel()
	story(t, 30, nil, func(w *world) {
		w.until(w.start(true).Code)
		w.source.put(directory.Department, "d3", "新部门", directory.Attributes{"parent": directory.RefsToKind(directory.Department, "d1")})
		w.person(31)
		o := w.source.objects[directory.Key{Kind: directory.User, ID: "0031"}]
		o.Attributes["departments"] = directory.RefsToKind(directory.Department, "d3")
		w.source.drop(directory.User, "0001")
		r := w.want(w.until(w.start(true).Code), run.Awaiting)
		_, seqs, err := w.engine.Part(w.t.Context(), r.Code, nil, list("#1"))
		if err != nil || len(seqs) != 2 {
			w.t.Fatalf("part %v, %v", seqs, err)
		}
		w.cast(partly(r, by("周凯", ""), 1, nil, list("#1")), "")
		r = w.want(w.until(r.Code), run.Partial)
		if said := w.says(r); w.target.has("0031") || w.target.active("0001") || !strings.HasPrefix(said[1], "held back") || !strings.HasPrefix(said[2], "needs #1") {
			w.t.Errorf("said %v", said)
		}
	})
}

// TestWhatIsDoneAlreadyIsInNoPart sees that harmless changes that went ahead can
// be neither held back nor counted.
func TestWhatIsDoneAlreadyIsInNoPart(t *testing.T) {
	t.Parallel()
	story(t, 30, func(w *world) { w.flow.Plan.Approve.SafeFirst, w.flow.Plan.AdoptAtOnce = true, false }, func(w *world) {
		w.target.put(directory.User, "0002", "旧名字", directory.Attributes{"userid": directory.TextOf("0002")})
		r := w.want(w.until(w.start(true).Code), run.Awaiting)
		counts, seqs, err := w.engine.Part(w.t.Context(), r.Code, nil, nil)
		if err != nil || counts.Adopt != 1 || counts.Create != 0 || len(seqs) != counts.Total() {
			w.t.Fatalf("part %+v %v, %v", counts, seqs, err)
		}
		total := func(n int, only, hold []string) run.Vote {
			return run.Vote{Run: r.Code, Decision: run.Approve, By: by("周凯", ""), Typed: run.Restated{Delete: -1, Disable: -1, Total: n}, Only: only, Hold: hold}
		}
		w.cast(total(1, nil, list("新增")), fault.Invalid)                // they are done
		w.cast(total(r.Counts.Total(), list("认领"), nil), fault.Invalid) // not the part's count
		w.cast(total(1, list("认领"), nil), "")
		r = w.want(w.until(r.Code), run.Partial)
		if r.HeldBack != counts.Total()-1 {
			w.t.Errorf("held back %d of %+v", r.HeldBack, counts)
		}
	})
}

func TestPartOfWhatIsNotOpen(t *testing.T) {
	t.Parallel()
	story(t, 3, nil, func(w *world) {
		r := w.want(w.until(w.start(false).Code), run.Planned)
		if _, _, err := w.engine.Part(w.t.Context(), r.Code, nil, nil); fault.KindOf(err) != fault.Conflict {
			w.t.Errorf("part of a plan: %v", err)
		}
		if _, _, err := w.engine.Part(w.t.Context(), "000008", nil, nil); fault.KindOf(err) != fault.NotFound {
			w.t.Errorf("part of nothing: %v", err)
		}
	})
}

// TestWhatIsAppliedIsWhatEveryVoterApproved draws parts for two voters and lets
// the run go: exactly what both approved is applied.
func TestWhatIsAppliedIsWhatEveryVoterApproved(t *testing.T) {
	t.Parallel()
	for seed := range seeds(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			story(t, 60, nil, func(w *world) {
				const n = 8
				random := rand.New(rand.NewPCG(seed, 1))
				r := w.leave(n)
				common := map[int]bool{}
				for i := range n {
					common[i+1] = true
				}
				for i, name := range list("周凯", "陈悦") {
					var hold []string
					for seq := 1; seq <= n; seq++ {
						if random.IntN(3) == 0 && (i == 0 && seq > 1 || i == 1 && seq < n) {
							hold = append(hold, fmt.Sprintf("#%d", seq))
							delete(common, seq)
						}
					}
					_, err := w.engine.Decide(w.t.Context(), partly(r, by(name, ""), n-len(hold), nil, hold))
					if len(common) == 0 && fault.KindOf(err) == fault.Invalid {
						return
					}
					if err != nil {
						w.t.Fatal(err)
					}
				}
				r = w.until(r.Code)
				for seq := 1; seq <= n; seq++ {
					if gone := !w.target.active(fmt.Sprintf("%04d", seq)); gone != common[seq] {
						w.t.Errorf("#%d applied %t, approved by both %t", seq, gone, common[seq])
					}
				}
				if r.HeldBack != n-len(common) || r.Outcome.Done != len(common) {
					w.t.Errorf("held back %d, outcome %+v, common %v", r.HeldBack, r.Outcome, common)
				}
			})
		})
	}
}
