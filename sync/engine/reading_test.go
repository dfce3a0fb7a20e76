package engine_test

import (
	"context"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/run"
)

// TestReadingTellsHowFarItIs checks that a run says, while it reads, how much it
// has read, and that its record keeps that.
func TestReadingTellsHowFarItIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Now)
	w.tell = time.Millisecond
	w.staff(3)
	seen := make(chan struct{})
	w.source.reading = func(ctx context.Context) {
		count := connector.CounterOf(ctx)
		for range 2 {
			count.Add(directory.User)
		}
		count.Add(directory.Department)
		select {
		case <-seen: // reading goes on once people were told
		case <-ctx.Done():
		}
	}
	w.open()
	defer w.stop()
	r := w.start(true)
	want := run.Counted{SourceUsers: 2, SourceDepartments: 1}
	for range 10_000 {
		now, err := w.store.Run(t.Context(), r.Code)
		if err != nil {
			t.Fatal(err)
		}
		if now.Read == want {
			break
		}
		<-time.After(2 * time.Millisecond)
	}
	told := 0
	for range 10_000 { // the event follows what the record keeps
		if told = len(w.told(run.EventProgress)); told > 0 {
			break
		}
		<-time.After(2 * time.Millisecond)
	}
	close(seen)
	if told == 0 {
		t.Error("no event of progress")
	}
	if done := w.until(r.Code); done.Read != want {
		t.Errorf("the record keeps %+v, want %+v", done.Read, want)
	}
}
