package engine_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/run"
)

// active tells whether a user of the target may sign in.
func (p *place) active(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.objects[directory.Key{Kind: directory.User, ID: directory.ID(id)}].Active
}

// agree votes for everything in a run.
func (w *world) agree(r run.Run) {
	w.t.Helper()
	typed := run.Restated{Delete: r.Counts.Delete, Disable: r.Counts.Disable, Total: -1}
	if r.Counts.Destructive() == 0 {
		typed.Total = r.Counts.Total()
	}
	_, err := w.engine.Decide(w.t.Context(), run.Vote{Run: r.Code, Decision: run.Approve, By: run.Actor{Person: "周凯"}, Typed: typed})
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestAWeakRequestAppliesNothingBesideAnOpenRun(t *testing.T) {
	t.Parallel()
	story(t, 30, nil, func(w *world) {
		w.until(w.start(true).Code)
		w.source.drop(directory.User, "0007")
		first := w.want(w.until(w.start(true).Code), run.Awaiting)
		w.person(31)
		second := w.until(w.ask(true, true).Code)
		if w.target.has("0031") {
			w.t.Errorf("a weak request created an account; run is %s", second.State)
		}
		w.want(second, run.Awaiting) // it asks for more than the first
		w.want(w.until(first.Code), run.Superseded)
		third := w.want(w.until(w.ask(true, true).Code), run.Partial)
		if third.Outcome.Skipped != 2 || w.target.has("0031") {
			w.t.Errorf("outcome %+v", third.Outcome)
		}
		w.agree(w.want(w.until(second.Code), run.Awaiting))
		w.want(w.until(second.Code), run.Succeeded)
	})
}

func TestANewConfigurationOnScheduleAppliesNothingBeforeTheVote(t *testing.T) {
	t.Parallel()
	story(t, 3, func(w *world) {
		w.flow.Schedule, w.sweep = every(time.Hour), time.Minute
		w.flow.Plan.Approve.SafeFirst = true
	}, func(w *world) {
		<-time.After(61 * time.Minute)
		runs, err := w.store.Runs(w.t.Context(), run.Filter{})
		if err != nil || len(runs) != 1 {
			w.t.Fatalf("%d runs, %v", len(runs), err)
		}
		r := w.want(w.until(runs[0].Code), run.Awaiting)
		if len(w.target.done()) != 0 {
			w.t.Errorf("effects %v", w.target.done())
		}
		<-time.After(time.Hour) // the next one finds the same, and leaves it to the first
		runs, _ = w.store.Runs(w.t.Context(), run.Filter{})
		w.want(w.until(runs[0].Code), run.Partial)
		w.agree(w.want(w.until(r.Code), run.Awaiting))
		w.want(w.until(r.Code), run.Succeeded)
	})
}

func TestAnUpdateStormWaitsForItsVotes(t *testing.T) {
	t.Parallel()
	story(t, 30, func(w *world) {
		w.flow.Plan.Approve.SafeFirst = true
		w.flow.Plan.Guard.MaxChangePercent = 30
	}, func(w *world) {
		w.until(w.start(true).Code)
		before := len(w.target.done())
		for i := 1; i <= 20; i++ {
			o := w.source.objects[directory.Key{Kind: directory.User, ID: directory.ID(fmt.Sprintf("%04d", i))}]
			o.Attributes["name"] = directory.TextOf("乱码")
		}
		r := w.want(w.until(w.start(true).Code), run.Awaiting)
		if r.Tier != 3 || r.Votes != 2 || len(w.target.done()) != before {
			w.t.Errorf("tier %d votes %d effects %v", r.Tier, r.Votes, w.target.done()[before:])
		}
	})
}

func TestP12_APlanOfAnOldConfigurationIsSuperseded(t *testing.T) {
	t.Parallel()
	story(t, 30, nil, func(w *world) {
		w.until(w.start(true).Code)
		w.source.drop(directory.User, "0007")
		first := w.want(w.until(w.start(true).Code), run.Awaiting)
		w.stop()
		w.flow.Config = "config-2"
		w.open()
		second := w.want(w.until(w.start(true).Code), run.Awaiting)
		w.want(w.until(first.Code), run.Superseded)
		w.agree(second)
		w.want(w.until(second.Code), run.Succeeded)
	})
}

func TestTwoRunsNeverCreateOneObjectTwice(t *testing.T) {
	t.Parallel()
	story(t, 30, nil, func(w *world) {
		w.until(w.start(true).Code)
		w.source.drop(directory.User, "0007")
		w.source.put(directory.Department, "d3", "新部门", directory.Attributes{"parent": directory.RefsToKind(directory.Department, "d1")})
		first := w.want(w.until(w.start(true).Code), run.Awaiting)
		w.want(w.until(w.start(true).Code), run.Partial) // creates d3 and leaves 0007 to the first
		w.agree(first)
		r := w.want(w.until(first.Code), run.Succeeded)
		creates := slices.DeleteFunc(w.target.done(), func(s string) bool { return !strings.HasPrefix(s, "CREATE auto-") })
		if len(creates) != 3 || r.Outcome.Already != 1 || r.Outcome.Done != 1 {
			w.t.Errorf("outcome %+v, creates %v", r.Outcome, creates)
		}
		w.want(w.until(w.start(true).Code), run.NothingToDo)
	})
}

func TestWhatOthersTookAwaySinceThePlanCountsToo(t *testing.T) {
	t.Parallel()
	var source *odd
	story(t, 30, func(w *world) {
		source = &odd{place: w.source}
		w.flow.Source = source
	}, func(w *world) {
		w.until(w.start(true).Code)
		w.source.drop(directory.User, "0007")
		first := w.want(w.until(w.start(true).Code), run.Awaiting)
		w.source.drop(directory.User, "0008")
		voted := false
		source.lookup = func(directory.Kind, []directory.ID) []connector.Sighting {
			if !voted { // while the second is being planned
				voted = true
				w.agree(first)
			}
			return nil
		}
		second := w.want(w.until(w.start(true).Code), run.Awaiting)
		w.want(w.until(first.Code), run.Succeeded)
		w.agree(second)
		r := w.want(w.until(second.Code), run.Failed)
		if !w.target.active("0008") || !strings.Contains(r.Reason, "plan again") {
			w.t.Errorf("0008 was disabled: %s", r.Reason)
		}
		third := w.want(w.until(w.start(true).Code), run.Awaiting)
		w.agree(third)
		w.want(w.until(third.Code), run.Succeeded)
	})
}

func TestARunThatIsVotedWhileAnotherPlansTheSameStaysItsTwin(t *testing.T) {
	t.Parallel()
	var source *odd
	story(t, 30, func(w *world) {
		source = &odd{place: w.source}
		w.flow.Source = source
	}, func(w *world) {
		w.until(w.start(true).Code)
		w.source.drop(directory.User, "0007")
		first := w.want(w.until(w.start(true).Code), run.Awaiting)
		voted := false
		source.lookup = func(directory.Kind, []directory.ID) []connector.Sighting {
			if !voted {
				voted = true
				w.agree(first)
			}
			return nil
		}
		w.want(w.until(w.start(true).Code), run.Partial)
		w.want(w.until(first.Code), run.Succeeded)
	})
}

func TestEachTryOfADisableLooksAtTheSourceAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		meanwhile func(*world, run.Code)
		end       run.State
	}{
		"the person is back": {func(w *world, _ run.Code) { w.person(7) }, run.Partial},
		"the run is stopped": {func(w *world, code run.Code) {
			if _, err := w.engine.Stop(w.t.Context(), code, run.Actor{Person: "李敏"}, ""); err != nil {
				w.t.Error(err)
			}
		}, run.Partial},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, 30, nil, func(w *world) {
				w.until(w.start(true).Code)
				w.source.drop(directory.User, "0007")
				r := w.want(w.until(w.start(true).Code), run.Awaiting)
				tries := 0
				w.target.before = func(connector.Write) error {
					if tries++; tries == 1 {
						return &fault.Error{Kind: fault.Limited, Say: "slow down / 请放慢", After: time.Minute}
					}
					return nil
				}
				w.agree(r)
				<-time.After(10 * time.Second)
				c.meanwhile(w, r.Code)
				r = w.want(w.until(r.Code), c.end)
				if !w.target.active("0007") || r.Outcome.Skipped != 1 {
					w.t.Errorf("outcome %+v, active %v", r.Outcome, w.target.active("0007"))
				}
			})
		})
	}
}

func TestATargetThatIsAlwaysBusyEndsTheRun(t *testing.T) {
	t.Parallel()
	story(t, 30, func(w *world) {
		w.target.before = func(wr connector.Write) error {
			if wr.Key.Kind == directory.Department {
				return nil
			}
			return &fault.Error{Kind: fault.Limited, Say: "quota used up / 配额已用完", After: 90 * time.Second}
		}
	}, func(w *world) {
		r := w.start(true)
		<-time.After(time.Hour)
		r = w.want(w.until(r.Code), run.Failed)
		if r.Reason != "quota used up / 配额已用完" || r.Outcome.Failed != 3 || len(w.unsettled(r.Code)) != 0 {
			w.t.Errorf("reason %q outcome %+v", r.Reason, r.Outcome)
		}
	})
}

func TestAnErrorThatNobodyUnderstandsIsSettled(t *testing.T) {
	t.Parallel()
	for name, effect := range map[string]bool{"after the effect": true, "before the effect": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, 5, func(w *world) {
				n := 0
				w.flow.Target = &odd{place: w.target, apply: func(ctx context.Context, wr connector.Write) (directory.Key, error) {
					if n++; n != 4 {
						return w.target.Apply(ctx, wr)
					}
					if effect {
						_, _ = w.target.Apply(ctx, wr)
					}
					return directory.Key{}, fmt.Errorf("connection reset")
				}}
			}, func(w *world) {
				r := w.until(w.start(true).Code)
				failed := 1
				if effect {
					failed = 0
				}
				if r.Outcome.Failed != failed || r.Outcome.Done != 7-failed || w.link("0002") != effect || w.target.has("0002") != effect {
					w.t.Errorf("%s, outcome %+v, linked %v", r.State, r.Outcome, w.link("0002"))
				}
			})
		})
	}
}

func TestAnAccountThatHidesWhatWasWrittenIsNotTakenForOurs(t *testing.T) {
	t.Parallel()
	story(t, 0, func(w *world) {
		w.target.hidden["parent"] = "departments"
		n := 0
		w.target.before = func(connector.Write) error {
			if n++; n == 2 {
				return fault.New(fault.InDoubt, "no answer / 没有应答")
			}
			return nil
		}
		// Somebody else's department of the same name, elsewhere.
		w.target.put(directory.Department, "x0", "集团", nil)
		w.target.put(directory.Department, "x1", "平台组", directory.Attributes{"parent": directory.RefsToKind(directory.Department, "x0")})
	}, func(w *world) {
		r := w.until(w.start(true).Code)
		if w.link("d2") {
			w.t.Errorf("somebody else's department is linked; %s %+v", r.State, r.Outcome)
		}
	})
}

func TestWhoIsBackIsForgotten(t *testing.T) {
	t.Parallel()
	story(t, 30, nil, func(w *world) {
		seen := func() directory.Attributes {
			links, _ := w.store.Links(w.t.Context(), "hr-to-corp")
			for _, l := range links {
				if l.Source.ID == "0007" {
					return l.Seen
				}
			}
			return nil
		}
		w.until(w.start(true).Code)
		w.source.drop(directory.User, "0007")
		w.until(w.start(true).Code)
		if len(seen()) == 0 {
			w.t.Error("a leaver's attributes are not kept")
		}
		w.person(7)
		w.until(w.start(true).Code)
		if len(seen()) != 0 {
			w.t.Errorf("attributes of somebody who is there are kept: %v", seen())
		}
	})
}

func TestAnAnswerAboutSomebodyElseProvesNothing(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string][]connector.Sighting{
		"nothing":  {},
		"two":      {{Presence: connector.Gone}, {Presence: connector.Gone}},
		"stranger": {{Presence: connector.Present, Object: directory.Object{Key: directory.Key{Kind: directory.User, ID: "0001"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var source, target *odd
			story(t, 30, func(w *world) {
				source, target = &odd{place: w.source}, &odd{place: w.target}
				w.flow.Source, w.flow.Target = source, target
			}, func(w *world) {
				w.until(w.start(true).Code)
				w.source.drop(directory.User, "0007")
				w.source.drop(directory.User, "0008")
				r := w.want(w.until(w.start(true).Code), run.Awaiting)
				wrong := func(of directory.ID) func(directory.Kind, []directory.ID) []connector.Sighting {
					return func(_ directory.Kind, ids []directory.ID) []connector.Sighting {
						if ids[0] == of {
							return answer
						}
						return nil
					}
				}
				source.lookup, target.lookup = wrong("0007"), wrong("0008")
				w.agree(r)
				r = w.want(w.until(r.Code), run.Partial)
				if r.Outcome.Skipped != 2 || !w.target.active("0007") || !w.target.active("0008") {
					w.t.Errorf("outcome %+v", r.Outcome)
				}
			})
		})
	}
}

func TestAMappedAttributeDisablesNobody(t *testing.T) {
	t.Parallel()
	story(t, 30, func(w *world) {
		users, err := mapping.Compile(mapping.Spec{Match: []string{"employee_no"}, Rules: []mapping.Rule{
			{To: "userid", From: "employee_no"}, {To: "name", From: "name"}, {To: directory.AttrActive, From: "on"},
		}})
		if err != nil {
			w.t.Fatal(err)
		}
		w.flow.Plan.Users = users
	}, func(w *world) {
		w.until(w.start(true).Code)
		key := directory.Key{Kind: directory.User, ID: "0007"}
		w.source.objects[key].Attributes["on"] = directory.BoolOf(false)
		w.target.objects[key].Attributes[directory.AttrActive] = directory.BoolOf(true) // as the connectors show it
		r := w.until(w.start(true).Code)
		if !w.target.active("0007") {
			w.t.Errorf("0007 was disabled without a vote; run is %s with %+v", r.State, r.Counts)
		}
	})
}
