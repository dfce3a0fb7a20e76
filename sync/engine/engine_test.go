package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// story runs fn in a bubble of virtual time with an open world.
func story(t *testing.T, people int, change, fn func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, time.Now)
		w.staff(people)
		if change != nil {
			change(w)
		}
		w.open()
		defer func() { w.stop() }()
		fn(w)
	})
}

// rarely sweeps rarely: a month of virtual time has many sweeps.
func rarely(w *world) { w.sweep = 4 * time.Hour }

func TestFirstRunCreatesEverythingOnceAndTheSecondHasNothingToDo(t *testing.T) {
	t.Parallel()
	story(t, 30, nil, func(w *world) {
		r := w.want(w.until(w.start(true).Code), run.Succeeded)
		if r.Outcome.Done != 32 || r.Counts.Create != 32 {
			w.t.Errorf("outcome %+v, counts %+v", r.Outcome, r.Counts)
		}
		effects := w.target.done()
		if len(effects) != 32 || !strings.HasPrefix(effects[0], "CREATE auto-") {
			w.t.Errorf("%d effects, first %q", len(effects), effects[0])
		}
		w.want(w.until(w.start(true).Code), run.NothingToDo)
	})
}

func TestAPlanAloneChangesNothingAndCannotBeVotedOn(t *testing.T) {
	t.Parallel()
	story(t, 3, nil, func(w *world) {
		r := w.want(w.until(w.start(false).Code), run.Planned)
		if _, err := w.vote(r.Code, "周凯", 0, 0); fault.KindOf(err) != fault.Conflict {
			w.t.Errorf("vote on a plan: %v", err)
		}
		if len(w.target.done()) != 0 {
			w.t.Errorf("effects %v", w.target.done())
		}
	})
}

func TestALeaverNeedsAnotherPersonsVoteWithTheRightCount(t *testing.T) {
	t.Parallel()
	story(t, 30, rarely, func(w *world) {
		w.until(w.start(true).Code)
		w.source.drop(directory.User, "0007")
		r := w.want(w.until(w.start(true).Code), run.Awaiting)
		if r.Counts.Disable != 1 || r.Tier != 1 || r.Votes != 1 {
			w.t.Fatalf("counts %+v tier %d votes %d", r.Counts, r.Tier, r.Votes)
		}
		for _, c := range []struct {
			who  string
			n    int
			kind fault.Kind
		}{
			{"李敏", 1, fault.Denied}, {"路人", 1, fault.Denied}, {"", 1, fault.Denied}, {"周凯", 2, fault.Invalid}, {"周凯", -1, fault.Invalid},
		} {
			if _, err := w.vote(r.Code, c.who, -1, c.n); fault.KindOf(err) != c.kind {
				w.t.Errorf("%s votes %d: %v, want %s", c.who, c.n, err, c.kind)
			}
		}
		if _, err := w.vote(r.Code, "周凯", -1, 1); err != nil {
			w.t.Fatal(err)
		}
		w.want(w.until(r.Code), run.Succeeded)
		if _, err := w.vote(r.Code, "陈悦", -1, 1); fault.KindOf(err) != fault.Conflict {
			w.t.Errorf("vote on an ended run: %v", err)
		}
		o := w.target.objects[directory.Key{Kind: directory.User, ID: "0007"}]
		if o.Active {
			w.t.Error("0007 is still active")
		}
		w.want(w.until(w.start(true).Code), run.NothingToDo)

		<-time.After(31 * 24 * time.Hour)
		r = w.want(w.until(w.start(true).Code), run.Awaiting)
		if r.Counts.Delete != 1 {
			w.t.Fatalf("after the grace period: %+v", r.Counts)
		}
		if _, err := w.vote(r.Code, "周凯", 1, -1); err != nil {
			w.t.Fatal(err)
		}
		w.want(w.until(r.Code), run.Succeeded)
		if w.target.has("0007") {
			w.t.Error("0007 is still there")
		}
		w.want(w.until(w.start(true).Code), run.NothingToDo)
	})
}

func TestAPersonWhoCameBackBeforeTheApplyIsNotTouched(t *testing.T) {
	t.Parallel()
	story(t, 30, nil, func(w *world) {
		w.until(w.start(true).Code)
		w.source.drop(directory.User, "0007")
		w.source.drop(directory.User, "0008")
		r := w.want(w.until(w.start(true).Code), run.Awaiting)
		w.person(7)
		if _, err := w.vote(r.Code, "周凯", -1, 2); err != nil {
			w.t.Fatal(err)
		}
		r = w.want(w.until(r.Code), run.Partial)
		if r.Outcome.Done != 1 || r.Outcome.Skipped != 1 {
			w.t.Errorf("outcome %+v", r.Outcome)
		}
		if !w.target.objects[directory.Key{Kind: directory.User, ID: "0007"}].Active {
			w.t.Error("0007 was disabled")
		}
	})
}

func TestADisabledPersonWhoReturnsIsEnabledAgain(t *testing.T) {
	t.Parallel()
	story(t, 30, rarely, func(w *world) {
		w.until(w.start(true).Code)
		w.source.drop(directory.User, "0007")
		r := w.until(w.start(true).Code)
		if _, err := w.vote(r.Code, "周凯", -1, 1); err != nil {
			w.t.Fatal(err)
		}
		w.until(r.Code)
		w.person(7)
		w.want(w.until(w.start(true).Code), run.Succeeded)
		if !w.target.objects[directory.Key{Kind: directory.User, ID: "0007"}].Active {
			w.t.Error("0007 is not active")
		}
		<-time.After(40 * 24 * time.Hour)
		w.want(w.until(w.start(true).Code), run.NothingToDo)
	})
}

func TestASourceThatProvesNothingTakesNobodyAway(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*world){
		"incomplete": func(w *world) { w.source.partial = "page 3 failed"; w.source.drop(directory.User, "0007") },
		"unsure": func(w *world) {
			w.source.unsure = true
			w.source.drop(directory.User, "0007")
		},
		"empty": func(w *world) {
			for i := 1; i <= 30; i++ {
				w.source.drop(directory.User, fmt.Sprintf("%04d", i))
			}
		},
		"shrunk": func(w *world) {
			for i := 1; i <= 8; i++ {
				w.source.drop(directory.User, fmt.Sprintf("%04d", i))
			}
		},
		"broken": func(w *world) { w.source.fail = fault.New(fault.Credential, "wrong secret / 密钥错误") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, 30, func(w *world) { w.flow.Plan.Guard.MaxShrinkPercent = 10 }, func(w *world) {
				w.until(w.start(true).Code)
				before := len(w.target.done())
				spoil(w)
				r := w.until(w.start(true).Code)
				if name == "shrunk" { // people may say that it is right
					if w.want(r, run.Awaiting); r.Tier != plan.SteppedUp || r.Votes != 2 || len(w.target.done()) != before {
						w.t.Errorf("tier %d, votes %d, effects %v", r.Tier, r.Votes, w.target.done()[before:])
					}
					return
				}
				if r.State == run.Awaiting || r.State == run.Succeeded || r.Counts.Destructive() > 0 && r.State != run.Blocked {
					w.t.Errorf("run is %s with %+v", r.State, r.Counts)
				}
				if len(w.target.done()) != before {
					w.t.Errorf("effects %v", w.target.done()[before:])
				}
				// A doubted snapshot must not become the measure of the next one.
				if again := w.until(w.start(true).Code); again.State != r.State {
					w.t.Errorf("first %s, then %s", r.State, again.State)
				}
			})
		})
	}
}

func TestManyLeaversAreBlocked(t *testing.T) {
	t.Parallel()
	story(t, 39, nil, func(w *world) {
		w.until(w.start(true).Code)
		for i := 1; i <= 10; i++ {
			w.source.drop(directory.User, fmt.Sprintf("%04d", i))
		}
		r := w.want(w.until(w.start(true).Code), run.Blocked)
		if _, err := w.vote(r.Code, "周凯", -1, 10); fault.KindOf(err) != fault.Conflict {
			w.t.Errorf("vote on a blocked run: %v", err)
		}
	})
}

func TestALostAnswerIsSettledByReading(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lose   func(*place, connector.Write) error
		before bool
	}{
		"after the effect":  {lose: func(*place, connector.Write) error { return fault.New(fault.InDoubt, "no answer / 没有应答") }},
		"before the effect": {lose: func(*place, connector.Write) error { return fault.New(fault.InDoubt, "no answer / 没有应答") }, before: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, 5, func(w *world) {
				lost := map[string]bool{}
				hook := func(wr connector.Write) error {
					if key := wr.Token; !lost[key] {
						lost[key] = true
						return c.lose(w.target, wr)
					}
					return nil
				}
				if c.before {
					w.target.before = hook
				} else {
					w.target.after = hook
				}
			}, func(w *world) {
				r := w.want(w.until(w.start(true).Code), run.Succeeded)
				if effects := w.target.done(); len(effects) != 7 || r.Outcome.Done != 7 {
					w.t.Errorf("%d effects, outcome %+v: %v", len(effects), r.Outcome, effects)
				}
			})
		})
	}
}

func TestABlindUpdateIsSentOnceMore(t *testing.T) {
	t.Parallel()
	story(t, 3, func(w *world) { w.target.hidden["email"] = "mail" }, func(w *world) {
		w.until(w.start(true).Code)
		w.source.put(directory.User, "0001", "人0001", directory.Attributes{
			"employee_no": directory.TextOf("0001"), "email": directory.TextOf("new@x.cn"), "departments": directory.RefsToKind(directory.Department, "d2"),
		})
		tries := 0
		w.target.after = func(connector.Write) error {
			if tries++; tries == 1 {
				return fault.New(fault.InDoubt, "no answer / 没有应答")
			}
			return nil
		}
		w.want(w.until(w.start(true).Code), run.Succeeded)
		if tries != 2 {
			w.t.Errorf("sent %d times", tries)
		}
		w.want(w.until(w.start(true).Code), run.NothingToDo)
	})
}

func TestWrongCredentialsEndTheRunAtOnce(t *testing.T) {
	t.Parallel()
	story(t, 5, func(w *world) {
		w.target.before = func(wr connector.Write) error {
			if wr.Key.Kind == directory.User {
				return fault.New(fault.Credential, "change contacts_secret / 请修改 contacts_secret")
			}
			return nil
		}
	}, func(w *world) {
		r := w.want(w.until(w.start(true).Code), run.Failed)
		if r.Reason != "change contacts_secret / 请修改 contacts_secret" || r.Outcome.Done != 2 || r.Outcome.Failed != 1 {
			w.t.Errorf("reason %q outcome %+v", r.Reason, r.Outcome)
		}
	})
}

func TestAnApprovalExpires(t *testing.T) {
	t.Parallel()
	story(t, 30, rarely, func(w *world) {
		w.until(w.start(true).Code)
		w.source.drop(directory.User, "0007")
		r := w.want(w.until(w.start(true).Code), run.Awaiting)
		<-time.After(8*time.Hour + time.Minute)
		if _, err := w.vote(r.Code, "周凯", -1, 1); err == nil {
			w.t.Error("a late vote counts")
		}
		synctest.Wait()
		w.want(w.until(r.Code), run.Expired)
		if !w.target.objects[directory.Key{Kind: directory.User, ID: "0007"}].Active {
			w.t.Error("0007 was disabled")
		}
	})
}

func TestANewRunSupersedesOrLeavesTheOpenOne(t *testing.T) {
	t.Parallel()
	story(t, 30, nil, func(w *world) {
		w.until(w.start(true).Code)
		w.source.drop(directory.User, "0007")
		first := w.want(w.until(w.start(true).Code), run.Awaiting)
		w.person(31)
		second := w.want(w.until(w.start(true).Code), run.Partial)
		w.want(w.until(first.Code), run.Awaiting)
		if !w.target.has("0031") || second.Outcome.Done != 1 || second.Outcome.Skipped != 1 {
			w.t.Errorf("outcome %+v", second.Outcome)
		}
		w.source.drop(directory.User, "0008")
		third := w.want(w.until(w.start(true).Code), run.Awaiting)
		w.want(w.until(first.Code), run.Superseded)
		if third.Counts.Disable != 2 {
			w.t.Errorf("counts %+v", third.Counts)
		}
	})
}

func TestSafeChangesGoFirst(t *testing.T) {
	t.Parallel()
	story(t, 30, func(w *world) { w.flow.Plan.Approve.SafeFirst = true }, func(w *world) {
		w.until(w.start(true).Code)
		w.source.drop(directory.User, "0007")
		w.person(31)
		r := w.want(w.until(w.start(true).Code), run.Awaiting)
		if !w.target.has("0031") || r.Outcome.Done != 1 {
			w.t.Errorf("outcome %+v", r.Outcome)
		}
		if _, err := w.vote(r.Code, "周凯", -1, 1); err != nil {
			w.t.Fatal(err)
		}
		if r = w.want(w.until(r.Code), run.Succeeded); r.Outcome.Done != 2 {
			w.t.Errorf("outcome %+v", r.Outcome)
		}
	})
}

func TestCancelStopsBetweenTwoChanges(t *testing.T) {
	t.Parallel()
	story(t, 10, func(w *world) {
		n := 0
		w.target.after = func(connector.Write) error {
			if n++; n == 4 {
				runs, _ := w.store.Runs(w.t.Context(), run.Filter{})
				if _, err := w.engine.Stop(w.t.Context(), runs[0].Code, run.Actor{Person: "李敏"}, ""); err != nil {
					w.t.Error(err)
				}
			}
			return nil
		}
	}, func(w *world) {
		r := w.want(w.until(w.start(true).Code), run.Cancelled)
		if r.Outcome.Done != 4 || len(w.target.done()) != 4 {
			w.t.Errorf("outcome %+v, effects %v", r.Outcome, w.target.done())
		}
	})
}

func TestA30_AWorkerThatDiesIsReplacedAndEachChangeIsDoneOnce(t *testing.T) {
	t.Parallel()
	story(t, 20, nil, func(w *world) {
		w.stop()
		for kill := 1; kill <= 12; kill++ {
			n, dead := 0, make(chan struct{})
			w.target.mu.Lock()
			w.target.after = func(connector.Write) error {
				if n++; n == 2 {
					close(dead)
				}
				return nil
			}
			w.target.mu.Unlock()
			w.open()
			if kill == 1 {
				w.start(true)
			}
			select {
			case <-dead:
			case <-time.After(time.Minute):
			}
			w.stop()
		}
		w.open()
		runs, _ := w.store.Runs(w.t.Context(), run.Filter{})
		r := w.want(w.until(runs[0].Code), run.Succeeded)
		effects := w.target.done()
		slices.Sort(effects)
		if twice := len(effects) - len(slices.Compact(slices.Clone(effects))); twice != 0 || len(effects) != 22 || r.Outcome.Done != 22 {
			w.t.Errorf("%d effects, %d twice, outcome %+v: %v", len(effects), twice, r.Outcome, effects)
		}
	})
}

func TestScheduledRunWithANewConfigurationNeedsAVote(t *testing.T) {
	t.Parallel()
	story(t, 3, func(w *world) { w.flow.Schedule = every(time.Hour) }, func(w *world) {
		<-time.After(90 * time.Minute)
		runs, err := w.store.Runs(w.t.Context(), run.Filter{})
		if err != nil || len(runs) != 1 || runs[0].State != run.Awaiting || runs[0].Votes != 1 {
			w.t.Fatalf("runs %+v, %v", runs, err)
		}
		_, err = w.engine.Decide(w.t.Context(), run.Vote{
			Run: runs[0].Code, Decision: run.Approve, By: run.Actor{Person: "周凯"}, Typed: run.Restated{Delete: -1, Disable: -1, Total: 5},
		})
		if err != nil {
			w.t.Fatal(err)
		}
		w.want(w.until(runs[0].Code), run.Succeeded)
		w.person(4)
		<-time.After(time.Hour)
		runs, _ = w.store.Runs(w.t.Context(), run.Filter{})
		w.want(w.until(runs[0].Code), run.Succeeded)
	})
}

type every time.Duration

func (e every) Next(after time.Time) time.Time {
	return after.Truncate(time.Duration(e)).Add(time.Duration(e))
}

func TestManagersAreSetInASecondPass(t *testing.T) {
	t.Parallel()
	story(t, 3, func(w *world) {
		for i := 1; i <= 2; i++ {
			o := w.source.objects[directory.Key{Kind: directory.User, ID: directory.ID(fmt.Sprintf("%04d", i))}]
			o.Attributes["manager"] = directory.RefsToKind(directory.User, "0003")
		}
	}, func(w *world) {
		r := w.want(w.until(w.start(true).Code), run.Succeeded)
		if r.Counts.Create != 5 || r.Counts.Update != 2 {
			w.t.Errorf("counts %+v", r.Counts)
		}
		got := w.target.objects[directory.Key{Kind: directory.User, ID: "0001"}].Attributes["boss"]
		if !got.Equal(directory.RefsToKind(directory.User, "0003")) {
			w.t.Errorf("boss %v", got)
		}
		w.want(w.until(w.start(true).Code), run.NothingToDo)
	})
}

func TestAChangeInTheTargetSincePlanningIsSkipped(t *testing.T) {
	t.Parallel()
	story(t, 30, nil, func(w *world) {
		w.until(w.start(true).Code)
		w.source.drop(directory.User, "0007")
		r := w.want(w.until(w.start(true).Code), run.Awaiting)
		w.target.put(directory.User, "0007", "改过的名字", directory.Attributes{"userid": directory.TextOf("0007")})
		if _, err := w.vote(r.Code, "周凯", -1, 1); err != nil {
			w.t.Fatal(err)
		}
		if r = w.want(w.until(r.Code), run.Partial); r.Outcome.Skipped != 1 {
			w.t.Errorf("outcome %+v", r.Outcome)
		}
		if !w.target.objects[directory.Key{Kind: directory.User, ID: "0007"}].Active {
			w.t.Error("0007 was disabled")
		}
	})
}

func TestAdoptionWaitsForAVote(t *testing.T) {
	t.Parallel()
	story(t, 3, func(w *world) {
		w.flow.Plan.AdoptAtOnce = false
		w.target.put(directory.User, "0002", "旧名字", directory.Attributes{"userid": directory.TextOf("0002")})
	}, func(w *world) {
		r := w.want(w.until(w.start(true).Code), run.Awaiting)
		if r.Counts.Adopt != 1 || r.Counts.Update != 1 || r.Counts.Create != 4 || r.Votes != 1 {
			w.t.Fatalf("counts %+v votes %d", r.Counts, r.Votes)
		}
		_, err := w.engine.Decide(w.t.Context(), run.Vote{
			Run: r.Code, Decision: run.Approve, By: run.Actor{Person: "周凯"}, Typed: run.Restated{Delete: -1, Disable: -1, Total: 6},
		})
		if err != nil {
			w.t.Fatal(err)
		}
		w.want(w.until(r.Code), run.Succeeded)
		w.want(w.until(w.start(true).Code), run.NothingToDo)
		links, _ := w.store.Links(w.t.Context(), "hr-to-corp")
		adopted := 0
		for _, l := range links {
			if l.Origin == "adopted" {
				adopted++
			}
		}
		if adopted != 1 || len(links) != 5 {
			w.t.Errorf("%d adopted of %d links", adopted, len(links))
		}
	})
}

func TestPlanIsTheSameTwice(t *testing.T) {
	t.Parallel()
	story(t, 30, nil, func(w *world) {
		a, b := w.until(w.start(false).Code), w.until(w.start(false).Code)
		if a.Plan != b.Plan || a.Plan.IsZero() {
			w.t.Errorf("digests %s and %s", a.Plan, b.Plan)
		}
		p, err := w.store.Plan(w.t.Context(), a.Code)
		if err != nil || p.Digest() != a.Plan || len(p.Changes) != 32 || p.Changes[0].Op != plan.Create {
			w.t.Errorf("stored plan: %v", err)
		}
	})
}
