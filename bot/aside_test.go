package bot

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/run"
)

// asidePlatform is a platform that says something beside the outbox.
type asidePlatform struct {
	*slow
	turn func(ctx context.Context, o Outgoing) time.Duration
}

// Turns keeps what it is given.
func (p *asidePlatform) Turns(turn func(ctx context.Context, o Outgoing) time.Duration) {
	p.turn = turn
}

// TestWhatIsSaidAsideCountsWithTheOutbox: a chat has room for so much, whoever says it; and
// what is said aside does not wait for the other chats of the app.
func TestWhatIsSaidAsideCountsWithTheOutbox(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := &asidePlatform{slow: &slow{w.feishu, []Pace{{PaceChat, 3, time.Minute}, {PaceApp, 4, time.Minute}}}}
	o := w.options(func() time.Time { return w.clock })
	o.Platforms, o.Limiter = []Platform{p}, &buckets{now: func() time.Time { return w.clock }}
	var err error
	if w.b, err = New(o); err != nil {
		t.Fatal(err)
	}
	if p.turn == nil {
		t.Fatal("the platform is not told how to ask")
	}
	aside := func(chat string) time.Duration {
		return p.turn(t.Context(), Outgoing{Platform: run.Feishu, Chat: chat})
	}
	w.post("a", toOps("a"))
	if got := w.sendOnce(); len(got) != 1 {
		t.Fatalf("at first %+v", got)
	}
	if first, second, third := aside("oc_ops"), aside("oc_ops"), aside("oc_ops"); first != 0 || second != 0 || third <= 0 || third > time.Minute {
		t.Errorf("beside one letter of three a minute: %v, %v, %v", first, second, third)
	}
	w.post("b", toOps("b"))
	if got := w.sendOnce(); len(got) != 0 {
		t.Errorf("a letter goes into the full chat: %+v", got)
	}
	for i := range 9 {
		if wait := aside(fmt.Sprint("oc_other", i)); wait != 0 {
			t.Errorf("another chat has to wait for the app: %v", wait)
		}
	}
	w.clock = w.clock.Add(time.Minute)
	if got := w.sendOnce(); len(got) != 1 {
		t.Errorf("when there is room: %+v", got)
	}
}
