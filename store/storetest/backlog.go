package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/run"
)

// testBacklog looks at what waits, as a watcher does.
func testBacklog(t *testing.T, open Opener) {
	t.Run("mail", func(t *testing.T) { t.Parallel(); testBacklogOfMail(t, setup(t, open)) })
	t.Run("leases", func(t *testing.T) { t.Parallel(); testLeasesHeld(t, setup(t, open)) })
	t.Run("moves", func(t *testing.T) { t.Parallel(); testMoveTimes(t, setup(t, open)) })
	t.Run("times", func(t *testing.T) { t.Parallel(); testTimes(t, setup(t, open)) })
}

func testBacklogOfMail(t *testing.T, b *bench) {
	t.Helper()
	got, err := b.Backlog(t.Context())
	if err != nil || got.Inbox.N != 0 || !got.Inbox.Oldest.IsZero() || len(got.Outbox)+len(got.Failed) != 0 {
		t.Fatalf("of an empty record: %+v, %v", got, err)
	}
	first := b.clock.Now()
	for _, id := range []string{"m1", "m2"} {
		if _, err := b.Claim(t.Context(), id, []byte("hello")); err != nil {
			t.Fatal(err)
		}
		b.clock.Add(time.Minute)
	}
	if at, ok, err := b.Claimed(t.Context(), "m1"); err != nil || !ok || !at.Equal(first) {
		t.Errorf("m1 was claimed at %v, %v, %v", at, ok, err)
	}
	if _, ok, err := b.Claimed(t.Context(), "m9"); err != nil || ok {
		t.Errorf("m9 was never claimed: %v, %v", ok, err)
	}
	if err := b.Handled(t.Context(), "m1", nil); err != nil {
		t.Fatal(err)
	}
	second := b.clock.Now()
	b.posts(t, run.Letter{ID: "f1", Lane: "a", Way: "feishu"}, run.Letter{ID: "d1", Lane: "b", Way: "dingtalk"})
	b.clock.Add(time.Minute)
	b.posts(t, run.Letter{ID: "f2", Lane: "a", Way: "feishu"}, run.Letter{ID: "d2", Lane: "b", Way: "dingtalk"})
	if err := b.Fail(t.Context(), run.Letter{ID: "d1"}, "no"); err != nil {
		t.Fatal(err)
	}
	if got, err = b.Backlog(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got.Inbox.N != 1 || !got.Inbox.Oldest.Equal(first.Add(time.Minute)) {
		t.Errorf("inbox %+v", got.Inbox)
	}
	feishu, ding := got.Outbox["feishu"], got.Outbox["dingtalk"]
	if feishu.N != 2 || !feishu.Oldest.Equal(second) || ding.N != 1 || !ding.Oldest.Equal(second.Add(time.Minute)) || len(got.Failed) != 1 || got.Failed["dingtalk"] != 1 {
		t.Errorf("outbox %+v, failed %v", got.Outbox, got.Failed)
	}
}

func testLeasesHeld(t *testing.T, b *bench) {
	t.Helper()
	l := b.lease(t, "one")
	held, err := b.Leases(t.Context())
	if err != nil || len(held) != 1 || held[0].Owner != "one" || held[0].Fence != l.Fence || !held[0].Until.Equal(l.Until) {
		t.Errorf("held: %+v, %v", held, err)
	}
	b.clock.Add(2 * time.Minute)
	if held, err = b.Leases(t.Context()); err != nil || len(held) != 0 {
		t.Errorf("when its time is over: %+v, %v", held, err)
	}
}

func testMoveTimes(t *testing.T, b *bench) {
	t.Helper()
	r := b.newRun(t, "m")
	want := []time.Time{b.clock.Now()}
	for _, to := range []run.State{run.Reading, run.Failed} {
		b.clock.Add(time.Minute)
		b.move(t, r.Code, to)
		want = append(want, b.clock.Now())
	}
	got, err := b.Moves(t.Context(), r.Code)
	if err != nil || !slices.EqualFunc(got, want, time.Time.Equal) {
		t.Errorf("moves at %v, want %v (%v)", got, want, err)
	}
	if got, err = b.Moves(t.Context(), "ZZZZZZ"); err != nil || len(got) != 0 {
		t.Errorf("of no run: %v, %v", got, err)
	}
}

func testTimes(t *testing.T, b *bench) {
	t.Helper()
	if _, has, err := b.SnapshotTime(t.Context(), flow); err != nil || has {
		t.Errorf("a snapshot before there is one: %v, %v", has, err)
	}
	if err := b.SaveSnapshot(t.Context(), flow, b.sample(3)); err != nil {
		t.Fatal(err)
	}
	if at, has, err := b.SnapshotTime(t.Context(), flow); err != nil || !has || at.IsZero() {
		t.Errorf("the snapshot's time: %v, %v, %v", at, has, err)
	}
	if _, _, err := b.ClockOffset(t.Context()); err != nil {
		t.Errorf("clock: %v", err)
	}
}
