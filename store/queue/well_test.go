package queue_test

import (
	"testing"

	"github.com/rollcallhq/rollcall/store/queue"
	"github.com/rollcallhq/rollcall/store/queue/queuetest"
)

// TestWellFollowsRedis sees that a bell that is listened to knows by itself when Redis
// goes away and when it is back.
func TestWellFollowsRedis(t *testing.T) {
	t.Parallel()
	s := queuetest.StartServer(t)
	b := open(t, queue.Options{URL: s.URL(), Consumer: "c"})
	listening(t, b)
	queuetest.Until(t, "it is well", b.Well)
	s.Kill()
	queuetest.Until(t, "it is ill", func() bool { return !b.Well() })
	s.Start(t)
	queuetest.Until(t, "it is well again", b.Well)
}
