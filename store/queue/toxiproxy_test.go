package queue_test

import (
	"os"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/store/queue"
	"github.com/rollcallhq/rollcall/store/queue/queuetest"
)

// TestP08_Toxics puts toxiproxy on the way of two processes to Redis, and each of
// its toxics in turn. No ring is obeyed twice by Redis, none is lost for good, and
// both share the rings again well within 30 s after.
func TestP08_Toxics(t *testing.T) {
	t.Parallel()
	for name, toxic := range queuetest.Toxics() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := queuetest.StartServer(t)
			x := queuetest.StartToxiproxy(t, os.Getenv("ROLLCALL_TOXIPROXY"), s.Address())
			c := s.Client(t)
			one := open(t, queue.Options{URL: "redis://" + x.Address, Consumer: "c1"})
			two := open(t, queue.Options{URL: "redis://" + x.Address, Consumer: "c2"})
			var f flow
			stop := f.start(t, one, two)
			f.caughtUp(t)
			x.Add(t, toxic)
			wait(3 * time.Second)
			f.caughtUp(t)
			x.Clear(t)
			cleared := time.Now()
			queuetest.Until(t, "rings and counts are taken again", func() bool {
				return one.Ring(t.Context(), "k1") == nil && two.Ring(t.Context(), "k1") == nil && takes(t, one, "chat") && takes(t, two, "chat")
			})
			backSince(t, cleared)
			f.caughtUp(t)
			stop()

			before := calls(t, c, "xadd")
			x.Add(t, toxic)
			_ = two.Ring(t.Context(), "once")
			x.Clear(t)
			n, m := number(t, before), number(t, calls(t, c, "xadd"))
			if n == 0 || m < n || m > n+1 {
				t.Errorf("one ring came to Redis %d times, %d before it", m-n, n)
			}
		})
	}
}
