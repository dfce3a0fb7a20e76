package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

func testVotes(t *testing.T, open Opener) {
	t.Run("a storm of votes", func(t *testing.T) {
		t.Parallel()
		testVoteStorm(t, setup(t, open))
	})
	t.Run("one vote", func(t *testing.T) {
		t.Parallel()
		testVote(t, setup(t, open))
	})
	t.Run("an approval that is taken back", func(t *testing.T) {
		t.Parallel()
		testTakenBack(t, setup(t, open))
	})
	t.Run("the last vote before a run cools off", func(t *testing.T) {
		t.Parallel()
		testCooling(t, setup(t, open))
	})
}

const needed = 2

// count is what a policy of two votes does with a run.
func (b *bench) count(r *run.Run, votes []run.Vote) error {
	if r.State != run.Awaiting {
		return fault.New(fault.Conflict, "decided / 已经决定")
	}
	if len(votes)+1 >= needed {
		return r.Advance(run.Applying, b.clock.Now(), "")
	}
	return nil
}

// testVoteStorm has eight persons vote 25 times each, at once, by two
// processes: exactly two votes count, of two persons, and the run moves once.
func testVoteStorm(t *testing.T, b *bench) {
	r := b.planned(t, b.lease(t, "w1"), 3, run.Awaiting)
	stores := []interface {
		vote(v run.Vote) error
	}{voter{b, t}, voter{&bench{Store: b.another(t), clock: b.clock}, t}}
	var group sync.WaitGroup
	var mu sync.Mutex
	kinds := make(map[fault.Kind]int)
	const all = 200
	for i := range all {
		group.Go(func() {
			err := stores[i%2].vote(run.Vote{Run: r.Code, Decision: run.Approve, By: person(fmt.Sprint("审批人", i%8)), Digest: r.Plan})
			mu.Lock()
			defer mu.Unlock()
			kinds[fault.KindOf(err)]++
		})
	}
	group.Wait()
	if kinds[""] != needed || kinds[fault.Conflict] != all-needed {
		t.Errorf("outcomes %v, want %d counted and the rest in conflict", kinds, needed)
	}
	votes, err := b.Votes(t.Context(), r.Code)
	if err != nil || len(votes) != needed || votes[0].By.Person == votes[1].By.Person {
		t.Errorf("votes %+v, %v", votes, err)
	}
	trail, err := b.AuditTrail(t.Context(), r.Code)
	if err != nil {
		t.Fatal(err)
	}
	moves := 0
	for _, a := range trail {
		if a.Detail == "awaiting_approval→applying" {
			moves++
		}
	}
	if got, err := b.Run(t.Context(), r.Code); err != nil || got.State != run.Applying || moves != 1 {
		t.Errorf("the run is %s after %d moves, %v", got.State, moves, err)
	}
}

type voter struct {
	*bench
	t *testing.T
}

func (v voter) vote(vote run.Vote) error {
	_, err := v.Vote(v.t.Context(), vote, v.count)
	return err
}

func testVote(t *testing.T, b *bench) {
	r := b.planned(t, b.lease(t, "w1"), 3, run.Awaiting)
	vote := func(name string) run.Vote {
		return run.Vote{Run: r.Code, Decision: run.Approve, By: person(name), Digest: r.Plan, Typed: run.Restated{Delete: -1, Disable: 2, Total: -1}}
	}
	_, err := b.Vote(t.Context(), vote(""), b.count)
	wantKind(t, "nobody's vote", err, fault.Denied)
	missing := vote("周凯")
	missing.Run = "000008"
	_, err = b.Vote(t.Context(), missing, b.count)
	wantKind(t, "no such run", err, fault.NotFound)
	_, err = b.Vote(t.Context(), vote("周凯"), func(*run.Run, []run.Vote) error { return fault.New(fault.Denied, "no / 不行") })
	wantKind(t, "refused by policy", err, fault.Denied)
	if votes, err := b.Votes(t.Context(), r.Code); err != nil || len(votes) != 0 {
		t.Fatalf("refused votes are stored: %v, %v", votes, err)
	}
	first, err := b.Vote(t.Context(), vote("周凯"), b.count)
	if err != nil || first.State != run.Awaiting || first.Version != r.Version+1 {
		t.Errorf("the first vote gives %s, version %d, %v", first.State, first.Version, err)
	}
	asked := false
	_, err = b.Vote(t.Context(), vote("周凯"), func(*run.Run, []run.Vote) error { asked = true; return nil })
	if wantKind(t, "a second vote of the person", err, fault.Conflict); asked {
		t.Error("policy was asked about a second vote")
	}
	done, err := b.Vote(t.Context(), vote("吴静"), func(r *run.Run, votes []run.Vote) error {
		if len(votes) != 1 || votes[0].By.Person != "周凯" || votes[0].Typed.Disable != 2 || votes[0].At.IsZero() {
			t.Errorf("policy sees %+v", votes)
		}
		return b.count(r, votes)
	})
	if err != nil || done.State != run.Applying {
		t.Errorf("the second vote gives %s, %v", done.State, err)
	}
	checkTrail(t, b, r.Code, []string{
		"林晨 run.created " + flow, " run.moved queued→reading", " run.moved reading→planning", " run.moved planning→awaiting_approval",
		"周凯 vote.counted approve", "吴静 vote.counted approve", "吴静 run.moved awaiting_approval→applying",
	}, []string{
		"moved →queued", "moved queued→reading", "moved reading→planning", "moved planning→awaiting_approval",
		"voted 周凯", "moved awaiting_approval→applying",
	})
}

// testTakenBack has a person reject what he approved: the new vote stands in the
// place of the old one, and nothing else does.
func testTakenBack(t *testing.T, b *bench) {
	r := b.planned(t, b.lease(t, "w1"), 3, run.Awaiting)
	vote := func(name string, d run.Decision) error {
		_, err := b.Vote(t.Context(), run.Vote{Run: r.Code, Decision: d, By: person(name), Digest: r.Plan}, func(r *run.Run, votes []run.Vote) error {
			for _, v := range votes {
				if v.By.Person == name {
					t.Errorf("policy sees the old vote: %+v", v)
				}
			}
			if d == run.Reject {
				return r.Advance(run.Rejected, b.clock.Now(), "no / 不行")
			}
			return nil
		})
		return err
	}
	wantKind(t, "the first", vote("周凯", run.Approve), "")
	wantKind(t, "another's", vote("吴静", run.Approve), "")
	wantKind(t, "the same again", vote("周凯", run.Approve), fault.Conflict)
	wantKind(t, "taken back", vote("周凯", run.Reject), "")
	wantKind(t, "approved after all", vote("周凯", run.Approve), fault.Conflict)
	votes, err := b.Votes(t.Context(), r.Code)
	if err != nil || len(votes) != 2 || votes[0].By.Person != "周凯" || votes[0].Decision != run.Reject || votes[1].Decision != run.Approve {
		t.Errorf("votes %+v, %v", votes, err)
	}
}

// testCooling has an admin break the glass, after which the run waits a while.
func testCooling(t *testing.T, b *bench) {
	r := b.planned(t, b.lease(t, "w1"), 3, run.Awaiting)
	v := run.Vote{
		Run: r.Code, Decision: run.BreakGlass, By: person("王芳"), Digest: r.Plan, Typed: run.Restated{Delete: -1, Disable: 2, Total: -1},
		For: "陈悦", Part: []int{1, 2}, Reason: "fire",
	}
	cool := func(r *run.Run, _ []run.Vote) error {
		r.NotBefore = b.clock.Now().Add(time.Minute)
		r.Wake = r.NotBefore
		return nil
	}
	if got, err := b.Vote(t.Context(), v, cool); err != nil || !got.Cooling() {
		t.Fatalf("%+v, %v", got, err)
	}
	checkTrail(t, b, r.Code, []string{
		"林晨 run.created " + flow, " run.moved queued→reading", " run.moved reading→planning", " run.moved planning→awaiting_approval",
		"王芳 vote.counted break_glass for 陈悦 of 2: fire", "王芳 run.changed not_before wake",
	}, []string{
		"moved →queued", "moved queued→reading", "moved reading→planning", "moved planning→awaiting_approval", "alarm " + v.Alarm(), "cooling 王芳",
	})
	b.clock.Add(30 * time.Second)
	if due, err := b.Due(t.Context()); err != nil || len(due) != 0 {
		t.Errorf("due while it cools: %v, %v", due, err)
	}
	b.clock.Add(30 * time.Second)
	if due, err := b.Due(t.Context()); err != nil || len(due) != 1 {
		t.Errorf("due when it has cooled off: %v, %v", due, err)
	}
}
