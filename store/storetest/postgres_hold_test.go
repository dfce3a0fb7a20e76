package storetest_test

import (
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/store/storetest/pgtest"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// TestP10_HoldsOfLettersAreJudgedByTheServersClock: a process whose clock is wrong takes no
// letter that another has on its way, and knows by its own clock how long it has one.
func TestP10_HoldsOfLettersAreJudgedByTheServersClock(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	for name, by := range map[string]time.Duration{"an hour ahead": time.Hour, "an hour behind": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := server.URL(t, t.Name())
			right, _ := skewedStore(t, address, 0)
			wrong, _ := skewedStore(t, address, by)
			ctx := t.Context()
			if err := right.Post(ctx, []run.Letter{{ID: "1", At: time.Now(), Due: time.Now().Add(-2 * time.Hour)}}); err != nil {
				t.Fatal(err)
			}
			pick := run.Pick{Limit: 9, Hold: 20 * time.Minute}
			held, err := right.Outbox(ctx, pick)
			if err != nil || len(held) != 1 {
				t.Fatal(held, err)
			}
			if got, err := wrong.Outbox(ctx, pick); err != nil || len(got) != 0 {
				t.Errorf("a letter that is on its way was taken: %v, %v", got, err)
			}
			if err := right.Delay(ctx, held[0], time.Now().Add(-2*time.Hour)); err != nil {
				t.Fatal(err)
			}
			got, err := wrong.Outbox(ctx, pick)
			if err != nil || len(got) != 1 {
				t.Fatalf("a letter that nobody has: %v, %v", got, err)
			}
			if left := got[0].Held.Sub(time.Now().Add(by)); left <= 0 || left > pick.Hold {
				t.Errorf("by its own clock it has the letter for %v", left)
			}
			if err := right.Retry(ctx, held[0], time.Now(), "x"); fault.KindOf(err) != fault.Conflict {
				t.Errorf("who gave it back settles it: %v", err)
			}
			if err := wrong.Sent(ctx, got[0], "", ""); err != nil {
				t.Errorf("its holder: %v", err)
			}
		})
	}
}
