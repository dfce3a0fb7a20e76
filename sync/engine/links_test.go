package engine_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// put writes links into the record, past the engine.
func (w *world) put(links ...mapping.Link) {
	w.t.Helper()
	lease, ok, err := w.store.Acquire(w.t.Context(), "hr-to-corp", "somebody", time.Minute)
	if err != nil || !ok {
		w.t.Fatalf("lease: %v %v", ok, err)
	}
	if err := w.store.Mark(w.t.Context(), lease, nil, links); err != nil {
		w.t.Fatal(err)
	}
	if err := w.store.Release(w.t.Context(), lease); err != nil {
		w.t.Fatal(err)
	}
}

func user(id string) directory.Key {
	return directory.Key{Kind: directory.User, ID: directory.ID(id)}
}

func TestManyLeaversAreRememberedInSmallTransactions(t *testing.T) {
	t.Parallel()
	const people = 1200
	for name, partial := range map[string]string{"complete": "", "incomplete": "page 3 failed"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			longest, all := 0, 0
			story(t, 5, func(w *world) {
				b := directory.NewBuilder("hr", w.now())
				var links []mapping.Link
				for i := range people {
					key := user(fmt.Sprintf("x%04d", i))
					b.Add(directory.Object{Key: key, Active: true, Attributes: directory.Attributes{"name": directory.TextOf("人")}})
					links = append(links, mapping.Link{Flow: "hr-to-corp", Source: key, Target: key, Origin: mapping.Created})
				}
				snap, err := b.Finish()
				if err != nil {
					w.t.Fatal(err)
				}
				if err := w.store.SaveSnapshot(w.t.Context(), "hr-to-corp", snap); err != nil {
					w.t.Fatal(err)
				}
				w.put(links...)
				w.source.partial = partial
				w.record = &faulty{Store: w.store, links: func(links []mapping.Link) {
					longest = max(longest, len(links))
					for i := range links {
						if links[i].Live() { // their accounts are gone as well, so that some links end besides
							all++
						}
					}
				}}
			}, func(w *world) {
				w.until(w.start(false).Code)
				if want := people; partial == "" && (all != want || longest > 500) || partial != "" && all != 0 {
					w.t.Errorf("%d remembered, at most %d links written at once", all, longest)
				}
			})
		})
	}
}

func TestAnAccountThatSomebodyElseHasByNowFailsAlone(t *testing.T) {
	t.Parallel()
	story(t, 3, func(w *world) {
		w.flow.Plan.AdoptAtOnce = false
		w.target.put(directory.User, "0002", "人0002", directory.Attributes{"userid": directory.TextOf("0002")})
	}, func(w *world) {
		r := w.want(w.until(w.start(true).Code), run.Awaiting)
		w.put(mapping.Link{Flow: "hr-to-corp", Source: user("ghost"), Target: user("0002"), Origin: mapping.Adopted})
		w.agree(r)
		r = w.want(w.until(r.Code), run.Partial)
		if r.Outcome.Failed != 1 || r.Outcome.Done != 4 || w.link("0002") {
			w.t.Errorf("outcome %+v", r.Outcome)
		}
	})
}

func TestAnAccountThatIsNotOursAnyMoreIsNotTouched(t *testing.T) {
	t.Parallel()
	for name, link := range map[string]mapping.Link{
		"a tombstone":     {Target: user("0007"), DeletedAt: time.Unix(1, 0)},
		"another account": {Target: user("0099")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, 30, nil, func(w *world) {
				w.until(w.start(true).Code)
				w.source.drop(directory.User, "0007")
				r := w.want(w.until(w.start(true).Code), run.Awaiting)
				link.Flow, link.Source, link.Origin = "hr-to-corp", user("0007"), mapping.Created
				w.put(link)
				w.agree(r)
				r = w.want(w.until(r.Code), run.Partial)
				if r.Outcome.Skipped != 1 || !w.target.active("0007") {
					w.t.Errorf("outcome %+v", r.Outcome)
				}
			})
		})
	}
}

func TestADepartmentThatIsUsedAgainIsKept(t *testing.T) {
	t.Parallel()
	for name, use := range map[string]func(*world, directory.ID){
		"not used": func(*world, directory.ID) {},
		"a member": func(w *world, id directory.ID) {
			w.target.put(directory.User, "guest", "外包", directory.Attributes{"team": directory.RefsToKind(directory.Department, id)})
		},
		"a child": func(w *world, id directory.ID) {
			w.target.put(directory.Department, "sub", "小组", directory.Attributes{"parent": directory.RefsToKind(directory.Department, id)})
		},
		"not known": func(w *world, _ directory.ID) { w.target.partial = "page 2 failed" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, 5, func(w *world) {
				w.flow.Plan.DeleteGoneDepartments = true
				w.source.put(directory.Department, "d3", "新部门", nil)
			}, func(w *world) {
				w.until(w.start(true).Code)
				w.source.drop(directory.Department, "d3")
				r := w.want(w.until(w.start(true).Code), run.Awaiting)
				p, err := w.store.Plan(w.t.Context(), r.Code)
				if err != nil || r.Counts.Delete != 1 {
					w.t.Fatalf("counts %+v, %v", r.Counts, err)
				}
				use(w, p.Changes[0].Key.ID)
				w.agree(r)
				r = w.until(r.Code)
				if deleted := r.State == run.Succeeded; deleted != (name == "not used") {
					w.t.Errorf("run is %s: %+v, effects %v", r.State, r.Outcome, w.target.done())
				}
			})
		})
	}
}

// doom is a rule that deletes departments.
type doom []directory.ID

var _ plan.Rules = doom{}

func (doom) Mentions(kind directory.Kind) (plan.Calls, bool) {
	return plan.Calls{Delete: true}, kind == directory.Department
}

func (d doom) Judge(_ context.Context, subjects []plan.Subject, _ plan.Lookup) ([]plan.Verdict, error) {
	out := make([]plan.Verdict, len(subjects))
	for i, s := range subjects {
		out[i] = plan.Verdict{Returned: true, Calls: plan.Calls{Delete: slices.Contains(d, s.Object.ID)}}
	}
	return out, nil
}

func TestARuleDeletesDepartmentsFromBelowAndOnlyEmptyOnes(t *testing.T) {
	t.Parallel()
	story(t, 5, func(w *world) {
		w.source.put(directory.Department, "d3", "旧部门", nil)
		w.source.put(directory.Department, "d4", "旧小组", directory.Attributes{"parent": directory.RefsToKind(directory.Department, "d3")})
	}, func(w *world) {
		w.until(w.start(true).Code)
		w.stop()
		w.flow.Rules = doom{"d2", "d3", "d4"} // there are people in d2
		w.open()
		r := w.want(w.until(w.start(true).Code), run.Awaiting)
		if r.Counts.Delete != 3 {
			w.t.Fatalf("counts %+v", r.Counts)
		}
		w.agree(r)
		r = w.want(w.until(r.Code), run.Partial)
		if r.Outcome.Done != 2 || r.Outcome.Skipped != 1 || !w.link("d2") || w.link("d3") || w.link("d4") {
			w.t.Errorf("outcome %+v, effects %v", r.Outcome, w.target.done())
		}
	})
}

func TestAPausedFlowAppliesNothing(t *testing.T) {
	t.Parallel()
	story(t, 30, nil, func(w *world) {
		w.until(w.start(true).Code)
		w.source.drop(directory.User, "0007")
		r := w.want(w.until(w.start(true).Code), run.Awaiting)
		w.stop()
		w.flow.Paused = true
		w.open()
		w.agree(r)
		w.want(w.until(r.Code), run.Failed)
		if !w.target.active("0007") {
			w.t.Error("0007 was disabled")
		}
	})
}

func TestP10_ANewOwnerTrustsNoOtherClock(t *testing.T) {
	t.Parallel()
	var looked time.Time
	story(t, 2, nil, func(w *world) {
		r := w.dieAt(4)
		right := w.now
		w.now = func() time.Time { return right().Add(time.Hour) } // this replica's clock is ahead
		w.flow.Target = &odd{place: w.target, lookup: func(directory.Kind, []directory.ID) []connector.Sighting {
			if looked.IsZero() {
				looked = time.Now()
			}
			return nil
		}}
		begun := time.Now()
		w.open()
		w.want(w.until(r.Code), run.Succeeded)
		if d := looked.Sub(begun); d < 7*time.Second {
			w.t.Errorf("looked after %v, while the call may still be at work", d)
		}
	})
}

func TestWhoWasEnabledByHandIsDisabledWhenLeavingAgain(t *testing.T) {
	t.Parallel()
	story(t, 30, rarely, func(w *world) {
		w.until(w.start(true).Code)
		leave := func() {
			w.source.drop(directory.User, "0007")
			r := w.want(w.until(w.start(true).Code), run.Awaiting)
			if r.Counts.Disable != 1 || r.Counts.Delete != 0 {
				w.t.Fatalf("counts %+v", r.Counts)
			}
			w.agree(r)
			w.want(w.until(r.Code), run.Succeeded)
		}
		leave()
		w.person(7)
		w.target.mu.Lock()
		o := w.target.objects[user("0007")]
		o.Active = true
		w.target.objects[user("0007")] = o
		w.target.mu.Unlock()
		w.want(w.until(w.start(true).Code), run.Succeeded)
		w.want(w.until(w.start(true).Code), run.NothingToDo)
		<-time.After(40 * 24 * time.Hour)
		leave()
	})
}
