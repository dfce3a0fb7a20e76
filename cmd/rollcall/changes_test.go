package main

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// clumsy is a watcher that panics the first time.
type clumsy struct{ watched int }

func (c *clumsy) Watch(ctx context.Context, _ func([]directory.Hint)) error {
	if c.watched++; c.watched == 1 {
		panic("what the server said")
	}
	<-ctx.Done()
	return nil
}

// TestP14_AWatcherThatPanicsIsWatchedAgain sees that the process goes on.
func TestP14_AWatcherThatPanicsIsWatchedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c, ended := &clumsy{}, make(chan error, 1)
		a := &app{log: slog.New(slog.DiscardHandler)}
		go func() { ended <- a.watchOne(ctx, "ad", c, func([]directory.Hint) {}) }()
		<-time.After(watchAgain + time.Second)
		cancel()
		if err := <-ended; err != nil || c.watched != 2 {
			t.Errorf("watched %d times, %v", c.watched, err)
		}
	})
}
