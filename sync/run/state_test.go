package run_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// legal is the table of docs/run-states.md, written a second time on purpose.
var legal = map[run.State][]run.State{
	run.Queued:   {run.Reading, run.Failed, run.Cancelled},
	run.Reading:  {run.Planning, run.Failed, run.Cancelled},
	run.Planning: {run.Reading, run.NothingToDo, run.Planned, run.Blocked, run.Applying, run.Awaiting, run.Failed, run.Cancelled},
	run.Awaiting: {run.Applying, run.Rejected, run.Expired, run.Cancelled, run.Superseded, run.Failed},
	run.Applying: {run.Awaiting, run.Succeeded, run.Partial, run.Failed, run.Cancelled},
}

var start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// TestEveryMove tries every move there is, legal or not.
func TestEveryMove(t *testing.T) {
	t.Parallel()
	if n := len(run.States()); n != 15 {
		t.Fatalf("%d states", n)
	}
	for _, from := range run.States() {
		for _, to := range run.States() {
			t.Run(string(from)+" to "+string(to), func(t *testing.T) {
				t.Parallel()
				before := run.Run{Code: "7K3MQ2", State: from, Version: 3, Created: start, Updated: start, Reason: "before"}
				r := before
				at := start.Add(time.Minute)
				err := r.Advance(to, at, "why")
				if !slices.Contains(legal[from], to) {
					if fault.KindOf(err) != fault.Conflict || r.State != from || !r.Updated.Equal(start) || r.Reason != "before" || !r.Ended.IsZero() {
						t.Errorf("illegal: %v, %+v", err, r)
					}
					return
				}
				if err != nil || r.State != to || !r.Updated.Equal(at) || r.Reason != "why" {
					t.Errorf("legal: %v, %+v", err, r)
				}
				if ends := len(legal[to]) == 0; ends == r.Ended.IsZero() {
					t.Errorf("ended %v, in %s", r.Ended, to)
				}
				if r.Code != before.Code || r.Version != before.Version || !r.Created.Equal(before.Created) {
					t.Errorf("more than the state was changed: %+v", r)
				}
			})
		}
	}
}

func TestNoReasonKeepsTheOldOne(t *testing.T) {
	t.Parallel()
	r := run.Run{State: run.Awaiting, Reason: "stopped by 周凯 / 由周凯停止"}
	if err := r.Advance(run.Cancelled, start, ""); err != nil || r.Reason == "" {
		t.Errorf("%v, %q", err, r.Reason)
	}
}

func TestARefusedMoveSaysSoInBothLanguages(t *testing.T) {
	t.Parallel()
	r := run.Run{Code: "7K3MQ2", State: run.Blocked}
	say := fault.Say(r.Advance(run.Applying, start, ""))
	if en, zh := fault.In(say, "en"), fault.In(say, "zh"); en == zh || en == "" || zh == "" {
		t.Errorf("%q", say)
	}
}

func TestKindsOfStates(t *testing.T) {
	t.Parallel()
	ends := []run.State{
		run.NothingToDo, run.Planned, run.Blocked, run.Succeeded, run.Partial, run.Failed, run.Rejected, run.Expired, run.Cancelled, run.Superseded,
	}
	working := []run.State{run.Queued, run.Reading, run.Planning, run.Applying}
	for _, s := range run.States() {
		if s.Ended() != slices.Contains(ends, s) {
			t.Errorf("%s ended: %t", s, s.Ended())
		}
		if s.Working() != slices.Contains(working, s) {
			t.Errorf("%s working: %t", s, s.Working())
		}
		if s.Ended() && s.Working() {
			t.Errorf("%s is an end, and somebody works on it", s)
		}
	}
}

// TestStatesAreDifferent sees that no two states share a word, and that what the
// table names is a state.
func TestStatesAreDifferent(t *testing.T) {
	t.Parallel()
	all := run.States()
	sorted := slices.Sorted(slices.Values(all))
	if len(slices.Compact(sorted)) != len(all) {
		t.Errorf("%v", all)
	}
	for _, s := range all {
		for _, to := range s.Moves() {
			if !slices.Contains(all, to) {
				t.Errorf("%s moves to %s, which is no state", s, to)
			}
		}
	}
}

// TestEveryStateIsReached walks from the start and finds every state; from every
// state an end is in reach.
func TestEveryStateIsReached(t *testing.T) {
	t.Parallel()
	reach := func(from run.State) map[run.State]bool {
		seen := map[run.State]bool{from: true}
		for open := []run.State{from}; len(open) > 0; open = open[1:] {
			for _, to := range open[0].Moves() {
				if !seen[to] {
					seen[to] = true
					open = append(open, to)
				}
			}
		}
		return seen
	}
	if got := reach(run.Queued); len(got) != len(run.States()) {
		t.Errorf("reached only %v", got)
	}
	for _, s := range run.States() {
		if !slices.ContainsFunc(run.States(), func(to run.State) bool { return to.Ended() && reach(s)[to] }) {
			t.Errorf("%s never ends", s)
		}
	}
}

// TestWaysNotToTake names moves that must never become legal.
func TestWaysNotToTake(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		from, to run.State
		why      string
	}{
		{run.Queued, run.Applying, "nothing is applied without a plan"},
		{run.Reading, run.Applying, "nothing is applied without a plan"},
		{run.Reading, run.Awaiting, "there is nothing to vote on"},
		{run.Planned, run.Awaiting, "only a plan was asked: it cannot be voted on"},
		{run.Planned, run.Applying, "only a plan was asked"},
		{run.Blocked, run.Awaiting, "no vote helps"},
		{run.Blocked, run.Applying, "no vote helps"},
		{run.Rejected, run.Applying, "a rejected plan stays rejected"},
		{run.Expired, run.Applying, "a late vote does not count"},
		{run.Superseded, run.Applying, "another run took its place"},
		{run.Applying, run.Reading, "planning again makes a new run"},
		{run.Awaiting, run.Reading, "planning again makes a new run"},
		{run.Awaiting, run.Planning, "planning again makes a new run"},
		{run.Applying, run.Rejected, "what is being applied is stopped, not rejected"},
		{run.Awaiting, run.Succeeded, "nothing succeeds that was not applied"},
	} {
		r := run.Run{State: tt.from}
		if err := r.Advance(tt.to, start, ""); fault.KindOf(err) != fault.Conflict {
			t.Errorf("%s to %s: %s", tt.from, tt.to, tt.why)
		}
	}
}

// TestAnyLife pushes a run about at random: it never leaves an end, and its times
// only grow.
func TestAnyLife(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		r := run.Run{State: run.Queued, Updated: start}
		for i := range rapid.IntRange(0, 30).Draw(rt, "pushes") {
			before := r
			at := start.Add(time.Duration(i+1) * time.Second)
			to := rapid.SampledFrom(run.States()).Draw(rt, "to")
			err := r.Advance(to, at, "")
			switch {
			case before.State.Ended() && (err == nil || r != before):
				rt.Fatalf("%s left its end for %s", before.State, to)
			case err != nil && r != before:
				rt.Fatalf("a refused move to %s changed %+v", to, r)
			case err == nil && (!r.Updated.After(before.Updated) || !slices.Contains(legal[before.State], to)):
				rt.Fatalf("%s to %s at %v", before.State, to, r.Updated)
			}
		}
		if r.State.Ended() == r.Ended.IsZero() {
			rt.Fatalf("%s ended at %v", r.State, r.Ended)
		}
	})
}
