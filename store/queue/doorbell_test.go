package queue_test

import (
	"context"
	"slices"
	"testing"

	"github.com/rollcallhq/rollcall/store/queue"
	"github.com/rollcallhq/rollcall/store/queue/queuetest"
	"github.com/rollcallhq/rollcall/sync/engine"
)

// The bells know no engine, so the proof that they fit stands here.
var (
	_ engine.Bell = (*queue.Doorbell)(nil)
	_ engine.Bell = (*queue.Redis)(nil)
)

func TestDoorbell(t *testing.T) {
	t.Parallel()
	queuetest.Run(t, func(*testing.T) func() queuetest.Bell {
		one := queue.NewDoorbell()
		return func() queuetest.Bell { return one }
	})
}

func TestDoorbellMergesWaitingRings(t *testing.T) {
	t.Parallel()
	d := queue.NewDoorbell()
	for _, key := range []string{"a", "b", "a", "c", "b", "a", "last"} {
		if err := d.Ring(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	var heard []string
	ctx, cancel := context.WithCancel(t.Context())
	err := d.Listen(ctx, 1, func(_ context.Context, key string) {
		heard = append(heard, key)
		if key == "last" {
			cancel()
		}
	})
	if want := []string{"a", "b", "c", "last"}; err != nil || !slices.Equal(heard, want) {
		t.Errorf("heard %q, %v; want %q", heard, err, want)
	}
}
