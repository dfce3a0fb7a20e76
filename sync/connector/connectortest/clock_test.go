package connectortest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
)

func TestClock(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	c := NewClock(start)
	c.Advance(time.Hour)
	for _, d := range []time.Duration{time.Second, time.Minute} {
		if err := c.Sleep(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	ended, end := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	end(why)
	if err := c.Sleep(ended, time.Hour); !errors.Is(err, why) {
		t.Errorf("a sleep with an ended context gives %v", err)
	}
	if got := c.Waits(); !slices.Equal(got, []time.Duration{time.Second, time.Minute}) {
		t.Errorf("waits %v", got)
	}
	if got := c.Now().Sub(start); got != time.Hour+time.Minute+time.Second {
		t.Errorf("moved by %v", got)
	}
}
