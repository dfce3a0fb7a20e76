package engine_test

import (
	"context"
	"slices"
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
	told := false
	for try := 0; try < 10_000 && !told; try++ {
		<-time.After(2 * time.Millisecond)
		now, err := w.store.Run(t.Context(), r.Code)
		if err != nil {
			t.Fatal(err)
		}
		events, err := w.store.Events(t.Context(), "test", 100)
		if err != nil {
			t.Fatal(err)
		}
		progress := slices.ContainsFunc(events, func(e run.Event) bool { return e.Kind == run.EventProgress })
		told = now.Read == want && progress // the one is written after the other
	}
	close(seen)
	if !told {
		t.Error("the record, or an event of progress, does not tell")
	}
	if done := w.until(r.Code); done.Read != want {
		t.Errorf("the record keeps %+v, want %+v", done.Read, want)
	}
}
