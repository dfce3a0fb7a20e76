package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/engine"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// leave starts a flow in step, takes the first n people out of the source and
// gives the run that waits for votes on them.
func (w *world) leave(n int) run.Run {
	w.t.Helper()
	w.until(w.start(true).Code)
	for i := 1; i <= n; i++ {
		w.source.drop(directory.User, fmt.Sprintf("%04d", i))
	}
	return w.want(w.until(w.start(true).Code), run.Awaiting)
}

// by is a person at a door; "" = typed in the chat.
func by(name string, door run.Channel) run.Actor {
	if door == run.FromCLI {
		return run.Actor{Person: name, Platform: run.CLI, Channel: door}
	}
	return run.Actor{Person: name, Platform: run.Feishu, Channel: run.ByText}
}

// ballot is a vote for n DISABLE changes.
func ballot(r run.Run, who run.Actor, n int) run.Vote {
	return run.Vote{Run: r.Code, Decision: run.Approve, By: who, Typed: run.Restated{Delete: -1, Disable: n, Total: -1}}
}

// cast votes and wants a fault of a kind; "" = the vote counts.
func (w *world) cast(v run.Vote, want fault.Kind) run.Run {
	w.t.Helper()
	r, err := w.engine.Decide(w.t.Context(), v)
	if fault.KindOf(err) != want {
		w.t.Fatalf("%s votes %+v: %v, want %q", v.By.Person, v.Typed, err, want)
	}
	if err != nil && !strings.Contains(fault.Say(err), " / ") {
		w.t.Errorf("not in two languages: %s", fault.Say(err))
	}
	return r
}

// look lets people see all of a plan.
func (w *world) look(r run.Run, people ...string) {
	w.t.Helper()
	var all []int
	for i := range r.Counts.Total() {
		all = append(all, i+1)
	}
	for _, name := range people {
		if err := w.engine.See(w.t.Context(), r.Code, name, all); err != nil {
			w.t.Fatal(err)
		}
	}
}

// events gives what was told of a kind, and to whom the audit ascribes what.
func (w *world) events(kind run.EventKind, code run.Code) []string {
	w.t.Helper()
	all, err := w.store.Events(w.t.Context(), "test", 10_000)
	if err != nil {
		w.t.Fatal(err)
	}
	var said []string
	for _, e := range all {
		if e.Kind == kind && e.Run == code {
			said = append(said, e.Say)
		}
	}
	return said
}

func (w *world) trail(code run.Code) []string {
	w.t.Helper()
	all, err := w.store.AuditTrail(w.t.Context(), code)
	if err != nil {
		w.t.Fatal(err)
	}
	var lines []string
	for _, a := range all {
		lines = append(lines, a.Who.Person+" "+a.Action+" "+a.Detail)
	}
	return lines
}

// admin adds an admin who is no approver, and more approvers.
func admin(w *world) {
	every := []string{"*"}
	w.people = append(w.people,
		run.Person{Name: "王芳", Roles: map[run.Role][]string{run.Admin: every}, TOTP: true},
		run.Person{Name: "吴静", Roles: map[run.Role][]string{run.Approver: every}, TOTP: true},
	)
}

func TestTierTwoNeedsTwoPersons(t *testing.T) {
	t.Parallel()
	story(t, 60, admin, func(w *world) {
		r := w.leave(6)
		if r.Tier != 2 || r.Votes != 2 {
			w.t.Fatalf("tier %d, votes %d", r.Tier, r.Votes)
		}
		w.want(w.cast(ballot(r, by("周凯", ""), 6), ""), run.Awaiting)
		w.cast(ballot(r, by("周凯", run.FromCLI), 6), fault.Conflict)
		w.cast(ballot(r, by("陈悦", ""), 6), "")
		w.want(w.until(r.Code), run.Succeeded)
	})
}

// TestRefusals has the attacks that end in one refused vote, after which nothing
// has changed.
func TestRefusals(t *testing.T) {
	t.Parallel()
	mine := func(name string) func(*world) {
		return func(w *world) {
			for i := range w.people {
				if w.people[i].Name == name {
					w.people[i].EmployeeNo = "0001"
				}
			}
		}
	}
	nobody := func(w *world) {
		for i := range w.people {
			delete(w.people[i].Roles, run.Approver)
		}
	}
	for name, c := range map[string]struct {
		change func(*world)
		vote   func(*world, run.Run) run.Vote
		kind   fault.Kind
	}{
		"A6 same count, other people": {nil, func(_ *world, r run.Run) run.Vote {
			v := ballot(r, by("周凯", ""), 1)
			v.Digest = directory.Digest{1}
			return v
		}, fault.Stale},
		"A7 approver is requester": {func(w *world) {
			w.people[0].Roles[run.Approver] = []string{"*"}
		}, func(_ *world, r run.Run) run.Vote { return ballot(r, by("李敏", ""), 1) }, fault.Denied},
		"A7 approver set the schedule": {nil, func(w *world, r run.Run) run.Vote {
			_, err := w.store.UpdateRun(w.t.Context(), r.Code, run.Actor{}, func(r *run.Run) error { r.Behind = "周凯"; return nil })
			if err != nil {
				w.t.Fatal(err)
			}
			return ballot(r, by("周凯", ""), 1)
		}, fault.Denied},
		"A8 an account of nobody": {nil, func(_ *world, r run.Run) run.Vote {
			return ballot(r, run.Actor{Platform: run.DingTalk, Account: "x9"}, 1)
		}, fault.Denied},
		"A9 approver is in the plan": {mine("周凯"), func(_ *world, r run.Run) run.Vote { return ballot(r, by("周凯", ""), 1) }, fault.Denied},
		"A23 an old card": {nil, func(_ *world, r run.Run) run.Vote {
			v := ballot(r, by("周凯", run.ByButton), 1)
			v.Digest[3] = 7
			return v
		}, fault.Stale},
		"A25 nobody is an approver": {nobody, func(_ *world, r run.Run) run.Vote {
			return ballot(r, by("周凯", ""), 1)
		}, fault.Denied},
		"A31 no record of the run": {nil, func(_ *world, r run.Run) run.Vote { r.Code = "000008"; return ballot(r, by("周凯", ""), 1) }, fault.NotFound},
		"an admin is no approver":  {admin, func(_ *world, r run.Run) run.Vote { return ballot(r, by("王芳", ""), 1) }, fault.Denied},
		"an unknown decision": {nil, func(_ *world, r run.Run) run.Vote {
			v := ballot(r, by("周凯", ""), 1)
			v.Decision = "maybe"
			return v
		}, fault.Invalid},
		"a delegation made up": {nil, func(_ *world, r run.Run) run.Vote { v := ballot(r, by("路人", ""), 1); v.For = "周凯"; return v }, fault.Denied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, 30, c.change, func(w *world) {
				r := w.leave(1)
				before := len(w.target.done())
				w.cast(c.vote(w, r), c.kind)
				<-time.After(time.Minute)
				if votes, _ := w.store.Votes(w.t.Context(), r.Code); len(votes) != 0 || len(w.target.done()) != before {
					w.t.Errorf("votes %v, effects %v", votes, w.target.done()[before:])
				}
				w.want(w.until(r.Code), run.Awaiting)
			})
		})
	}
}

func TestA4_AStalePlanIsNotApplied(t *testing.T) {
	t.Parallel()
	story(t, 30, nil, func(w *world) {
		r := w.leave(1)
		w.stop()
		w.flow.Config = "config-2"
		w.open()
		w.cast(ballot(r, by("周凯", ""), 1), "")
		r = w.want(w.until(r.Code), run.Failed)
		if !w.target.active("0001") || !strings.Contains(r.Reason, "plan again") {
			w.t.Errorf("0001 active %t: %s", w.target.active("0001"), r.Reason)
		}
	})
}

func TestA5_VotesAreNotCarriedOverToAPlanThatGrew(t *testing.T) {
	t.Parallel()
	story(t, 60, admin, func(w *world) {
		first := w.leave(6)
		w.cast(ballot(first, by("周凯", ""), 6), "")
		w.source.drop(directory.User, "0007")
		second := w.want(w.until(w.start(true).Code), run.Awaiting)
		w.want(w.until(first.Code), run.Superseded)
		w.cast(ballot(first, by("陈悦", ""), 6), fault.Conflict)
		w.want(w.cast(ballot(second, by("陈悦", ""), 7), ""), run.Awaiting)
		w.cast(ballot(second, by("周凯", ""), 7), "")
		w.want(w.until(second.Code), run.Succeeded)
	})
}

func TestA6_SameCountOtherPeopleIsAnotherPlan(t *testing.T) {
	t.Parallel()
	story(t, 30, nil, func(w *world) {
		first := w.leave(1)
		w.person(1)
		w.source.drop(directory.User, "0002")
		second := w.want(w.until(w.start(true).Code), run.Awaiting)
		if first.Plan == second.Plan || first.Counts != second.Counts {
			w.t.Fatalf("counts %+v and %+v", first.Counts, second.Counts)
		}
		v := ballot(second, by("周凯", run.ByButton), 1)
		v.Digest = first.Plan
		w.cast(v, fault.Stale)
		w.want(w.until(second.Code), run.Awaiting)
	})
}

func TestA8_OneHumanWithTwoAccountsIsOneVote(t *testing.T) {
	t.Parallel()
	story(t, 60, nil, func(w *world) {
		r := w.leave(6)
		w.cast(ballot(r, run.Actor{Person: "周凯", Platform: run.Feishu, Account: "ou_1"}, 6), "")
		w.cast(ballot(r, run.Actor{Person: "周凯", Platform: run.DingTalk, Account: "staff1"}, 6), fault.Conflict)
		w.want(w.until(r.Code), run.Awaiting)
	})
}

func TestA18_TheClockDecidesNotTheSweeper(t *testing.T) {
	t.Parallel()
	story(t, 30, func(w *world) { w.sweep = 1000 * time.Hour }, func(w *world) {
		r := w.leave(1)
		<-time.After(8*time.Hour - time.Second)
		w.cast(ballot(r, by("周凯", ""), 2), fault.Invalid) // in time, and wrong
		<-time.After(time.Second)
		if r = w.cast(ballot(r, by("周凯", ""), 1), fault.Stale); r.State != run.Expired {
			w.t.Errorf("run is %s", r.State)
		}
		if !w.target.active("0001") {
			w.t.Error("0001 was disabled")
		}
	})
}

// TestA19_DoubleApprovalByOnePerson lets one person press 200 times at once, at
// two replicas.
func TestA19_DoubleApprovalByOnePerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Now)
	w.staff(60)
	w.open()
	defer func() { w.stop() }()
	r := w.leave(6)
	counted := w.storm(r, 6, func(int) string { return "周凯" })
	votes, err := w.store.Votes(w.t.Context(), r.Code)
	if err != nil || len(votes) != 1 || counted != 1 {
		w.t.Errorf("%d votes, %d counted, %v", len(votes), counted, err)
	}
	w.want(w.until(r.Code), run.Awaiting)
}

// TestA19_ParallelVotersStartARunOnce lets 200 persons vote at once.
func TestA19_ParallelVotersStartARunOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Now)
	w.staff(60)
	for i := range 200 {
		w.people = append(w.people, run.Person{Name: fmt.Sprint("审批人", i), Roles: map[run.Role][]string{run.Approver: {"*"}}})
	}
	w.open()
	defer func() { w.stop() }()
	r := w.leave(6)
	counted := w.storm(r, 6, func(i int) string { return fmt.Sprint("审批人", i) })
	r = w.want(w.until(r.Code), run.Succeeded)
	begun := 0
	for _, line := range w.trail(r.Code) {
		if strings.HasSuffix(line, "awaiting_approval→applying") {
			begun++
		}
	}
	if counted != 2 || begun != 1 || r.Outcome.Done != 6 {
		w.t.Errorf("%d votes counted, begun %d times, outcome %+v", counted, begun, r.Outcome)
	}
}

// storm casts 200 votes at once by two engines and gives how many counted.
func (w *world) storm(r run.Run, n int, who func(int) string) int {
	w.t.Helper()
	engines := []*engine.Engine{w.idle("replica-1"), w.idle("replica-2")}
	var group sync.WaitGroup
	var mu sync.Mutex
	kinds := map[fault.Kind]int{}
	for i := range 200 {
		group.Go(func() {
			_, err := engines[i%2].Decide(w.t.Context(), ballot(r, by(who(i), run.ByButton), n))
			mu.Lock()
			defer mu.Unlock()
			kinds[fault.KindOf(err)]++
		})
	}
	group.Wait()
	if kinds[""]+kinds[fault.Conflict] != 200 {
		w.t.Errorf("outcomes %v", kinds)
	}
	return kinds[""]
}

func TestA20_ApproveAndRejectRace(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Now)
	w.staff(30)
	w.open()
	defer func() { w.stop() }()
	r := w.leave(1)
	var group sync.WaitGroup
	var yes, no error
	group.Go(func() { _, yes = w.engine.Decide(w.t.Context(), ballot(r, by("周凯", ""), 1)) })
	group.Go(func() {
		_, no = w.engine.Decide(w.t.Context(), run.Vote{Run: r.Code, Decision: run.Reject, By: by("陈悦", "")})
	})
	group.Wait()
	r = w.until(r.Code)
	if (yes == nil) == (no == nil) || (yes == nil) != (r.State == run.Succeeded) || (no == nil) != (r.State == run.Rejected) {
		w.t.Errorf("approve: %v, reject: %v, run is %s", yes, no, r.State)
	}
	if (r.State == run.Succeeded) == w.target.active("0001") {
		w.t.Errorf("run is %s, 0001 active %t", r.State, w.target.active("0001"))
	}
}

func TestAnApprovalCanBeTakenBackByRejecting(t *testing.T) {
	t.Parallel()
	story(t, 60, nil, func(w *world) {
		r := w.leave(6)
		w.cast(ballot(r, by("周凯", ""), 6), "")
		w.want(w.cast(run.Vote{Run: r.Code, Decision: run.Reject, By: by("周凯", "")}, ""), run.Rejected)
		w.cast(ballot(r, by("陈悦", ""), 6), fault.Conflict)
		votes, err := w.store.Votes(w.t.Context(), r.Code)
		if err != nil || len(votes) != 1 || votes[0].Decision != run.Reject {
			w.t.Errorf("votes %+v, %v", votes, err)
		}
	})
}

func TestA26_WhoHasNotSeenCannotVote(t *testing.T) {
	t.Parallel()
	story(t, 60, nil, func(w *world) {
		r := w.leave(11)
		if r.Tier != 2 {
			w.t.Fatalf("tier %d", r.Tier)
		}
		_, err := w.engine.Decide(w.t.Context(), ballot(r, by("周凯", ""), 11))
		if say := fault.Say(err); fault.KindOf(err) != fault.Denied || !strings.Contains(say, "11 of the 11") || !strings.Contains(say, "show "+string(r.Code)+" disable") {
			w.t.Fatalf("unseen: %v", err)
		}
		if err := w.engine.See(w.t.Context(), r.Code, "周凯", []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, -1, 0, 12}); err != nil {
			w.t.Fatal(err)
		}
		w.cast(ballot(r, by("周凯", ""), 11), fault.Denied)
		part := ballot(r, by("周凯", ""), 10)
		part.Hold = []string{"#11"} // the rest is seen
		w.cast(part, "")
		if err := w.engine.See(w.t.Context(), r.Code, "nobody", []int{1}); fault.KindOf(err) != fault.Denied {
			w.t.Errorf("nobody sees: %v", err)
		}
		w.look(r, "陈悦")
		w.cast(ballot(r, by("陈悦", ""), 11), "")
		w.want(w.until(r.Code), run.Partial)
	})
	story(t, 60, nil, func(w *world) { // the card shows ten
		r := w.leave(10)
		w.cast(ballot(r, by("周凯", ""), 10), "")
	})
}

func TestA29_AVoterWhoLostTheRoleDoesNotCount(t *testing.T) {
	t.Parallel()
	story(t, 30, nil, func(w *world) {
		r := w.leave(1)
		w.stop()
		if _, err := w.idle("replica-1").Decide(w.t.Context(), ballot(r, by("周凯", ""), 1)); err != nil {
			w.t.Fatal(err)
		}
		if got, _ := w.store.Run(w.t.Context(), r.Code); got.State != run.Applying {
			w.t.Fatalf("run is %s", got.State)
		}
		delete(w.people[1].Roles, run.Approver)
		w.open()
		r = w.want(w.until(r.Code), run.Awaiting)
		if !w.target.active("0001") {
			w.t.Error("0001 was disabled")
		}
		w.cast(ballot(r, by("陈悦", ""), 1), "")
		w.want(w.until(r.Code), run.Succeeded)
	})
}

func TestA31_ABellThatLosesEverythingLosesNothing(t *testing.T) {
	t.Parallel()
	story(t, 30, nil, func(w *world) {
		done := make(chan struct{})
		defer close(done)
		for range 50 { // against four workers: nearly every ring is taken away
			go func() {
				for {
					select {
					case <-w.bell.rings:
					case <-done:
						return
					}
				}
			}()
		}
		r := w.leave(1)
		w.cast(ballot(r, by("周凯", ""), 1), "")
		w.want(w.until(r.Code), run.Succeeded)
	})
}

func TestA32_AWeakerConfigurationIsForLaterPlans(t *testing.T) {
	t.Parallel()
	story(t, 60, nil, func(w *world) {
		r := w.leave(6)
		w.stop()
		w.flow.Config, w.flow.Plan.Approve.DisableOver = "config-2", 20
		w.open()
		w.cast(ballot(r, by("周凯", ""), 6), "")
		<-time.After(time.Minute)
		if r = w.want(w.until(r.Code), run.Awaiting); r.Votes != 2 || !w.target.active("0001") {
			w.t.Errorf("one vote is enough: votes %d", r.Votes)
		}
		w.cast(ballot(r, by("陈悦", ""), 6), "")
		w.want(w.until(r.Code), run.Failed)
		if !w.target.active("0001") {
			w.t.Error("a plan of another configuration was applied")
		}
	})
}

// TestA33_EveryDoorLeadsToOnePolicy decides the same plan by text, button and
// CLI: the audit differs in nothing but the door.
func TestA33_EveryDoorLeadsToOnePolicy(t *testing.T) {
	t.Parallel()
	trails := map[run.Channel][]string{}
	for _, door := range []run.Channel{run.ByText, run.ByButton, run.FromCLI} {
		story(t, 60, nil, func(w *world) {
			r := w.leave(6)
			act := func(name string) run.Actor { return run.Actor{Person: name, Platform: run.Feishu, Channel: door} }
			w.cast(ballot(r, act("李敏"), 6), fault.Denied)
			w.cast(ballot(r, act("路人"), 6), fault.Denied)
			w.cast(ballot(r, act("周凯"), 5), fault.Invalid)
			part := ballot(r, act("周凯"), 5)
			part.Hold = []string{"0001"}
			w.cast(part, "")
			w.cast(ballot(r, act("周凯"), 6), fault.Conflict)
			w.cast(ballot(r, act("陈悦"), 6), "")
			w.want(w.until(r.Code), run.Partial)
			for _, line := range w.trail(r.Code) {
				trails[door] = append(trails[door], strings.ReplaceAll(line, string(r.Code), "CODE"))
			}
		})
	}
	if len(trails[run.ByText]) < 10 || !slices.Equal(trails[run.ByText], trails[run.ByButton]) || !slices.Equal(trails[run.ByText], trails[run.FromCLI]) {
		t.Errorf("text:\n%s\nbutton:\n%s\ncli:\n%s", strings.Join(trails[run.ByText], "\n"), strings.Join(trails[run.ByButton], "\n"), strings.Join(trails[run.FromCLI], "\n"))
	}
}

func TestA36_FiveWrongCountsLockAPersonsApprovals(t *testing.T) {
	t.Parallel()
	story(t, 30, nil, func(w *world) {
		r := w.leave(1)
		for i := range 4 {
			w.cast(ballot(r, by("周凯", ""), 2+i), fault.Invalid)
			<-time.After(2 * time.Minute)
		}
		if said := w.events(run.EventAlarm, r.Code); len(said) != 0 {
			w.t.Fatalf("alarms %v", said)
		}
		w.cast(ballot(r, by("周凯", ""), 9), fault.Invalid)
		<-time.After(9*time.Minute + 59*time.Second)
		w.cast(ballot(r, by("周凯", ""), 1), fault.Denied) // the right count, locked all the same
		w.cast(ballot(r, by("周凯", ""), 8), fault.Denied) // and no longer lock for it
		if said := w.events(run.EventAlarm, r.Code); len(said) != 1 || !strings.HasPrefix(said[0], "周凯: ") {
			w.t.Errorf("alarms %v", said)
		}
		<-time.After(time.Second)
		w.cast(ballot(r, by("周凯", ""), 1), "")
		w.want(w.until(r.Code), run.Succeeded)
	})
	story(t, 30, nil, func(w *world) { // others are not locked, and may still say no
		r := w.leave(1)
		for range 7 {
			_, _ = w.engine.Decide(w.t.Context(), ballot(r, by("周凯", ""), 3))
		}
		w.cast(run.Vote{Run: r.Code, Decision: run.Reject, By: by("周凯", "")}, "")
	})
	story(t, 30, nil, func(w *world) { // slow mistakes are mistakes
		r := w.leave(1)
		for i := range 8 {
			w.cast(ballot(r, by("周凯", ""), 2+i), fault.Invalid)
			<-time.After(3 * time.Minute)
		}
		w.cast(ballot(r, by("周凯", ""), 1), "")
	})
}

func TestReminders(t *testing.T) {
	t.Parallel()
	night := func(at time.Time) bool { return at.Hour() >= 6 }
	for name, c := range map[string]struct {
		lasts  time.Duration
		office func(time.Time) bool
		at     []time.Duration // after the approval was asked for
	}{
		"half time and the last half hour": {8 * time.Hour, nil, []time.Duration{4 * time.Hour, 7*time.Hour + 30*time.Minute}},
		"an hour":                          {time.Hour, nil, []time.Duration{30 * time.Minute}},
		"ten minutes":                      {10 * time.Minute, nil, []time.Duration{5 * time.Minute}},
		"half time at night":               {8 * time.Hour, night, []time.Duration{6 * time.Hour, 7*time.Hour + 30*time.Minute}},
		"all of it at night":               {5 * time.Hour, night, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, 30, func(w *world) { // the bubble's clock begins at midnight
				w.flow.Plan.Approve.Expires, w.office, w.sweep = c.lasts, c.office, time.Minute
			}, func(w *world) {
				r := w.leave(1)
				asked := r.Expires.Add(-c.lasts)
				<-time.After(c.lasts + time.Hour)
				w.want(w.until(r.Code), run.Expired)
				all, err := w.store.Events(w.t.Context(), "test", 1000)
				if err != nil {
					w.t.Fatal(err)
				}
				var got []time.Duration
				for _, e := range all {
					if e.Kind == run.EventReminder {
						got = append(got, e.At.Sub(asked).Round(5*time.Minute))
					}
				}
				if !slices.Equal(got, c.at) {
					w.t.Errorf("reminded after %v, want %v", got, c.at)
				}
			})
		})
	}
}

func TestAPlanOfTierThreeDoesItsHarmlessPartFirst(t *testing.T) {
	t.Parallel()
	story(t, 100, func(w *world) { w.flow.Plan.Approve.SafeFirst, w.flow.Plan.Guard.MaxDelete = true, 1 }, func(w *world) {
		w.until(w.start(true).Code)
		w.source.drop(directory.User, "0001")
		w.source.drop(directory.User, "0002")
		w.person(101)
		r := w.want(w.until(w.start(true).Code), run.Awaiting)
		if r.Tier != plan.SteppedUp || !w.target.has("0101") || !w.target.active("0001") || r.Outcome.Done != 1 {
			w.t.Errorf("tier %d, outcome %+v", r.Tier, r.Outcome)
		}
		w.target.before = func(connector.Write) error { return nil }
	})
}

// TestAVoteAfterTheEndIsToldTheSameWhoeverWasFaster lets the sweeper end an approval
// before a vote comes: the voter hears that it has expired, and the way on.
func TestAVoteAfterTheEndIsToldTheSameWhoeverWasFaster(t *testing.T) {
	t.Parallel()
	story(t, 6, nil, func(w *world) {
		r := w.leave(1)
		<-time.After(r.Expires.Sub(w.now()) + time.Minute)
		w.want(w.state(r.Code), run.Expired)
		_, err := w.vote(r.Code, "周凯", r.Counts.Delete, r.Counts.Disable)
		if fault.KindOf(err) != fault.Stale || !strings.Contains(fault.Say(err), "has expired; start a sync again") {
			w.t.Errorf("the voter is told %v", err)
		}
	})
}
