package feishu_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/feishu"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

// TestSlowWritesAreApart: freezes, unfreezes and moves from many sides never
// overlap and come a second apart at least, with a pace of our own and with one
// that is shared and would let a burst go.
func TestSlowWritesAreApart(t *testing.T) {
	t.Parallel()
	for name, shared := range map[string]bool{"its own pace": false, "a shared pace": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newTenant(t, func(so *feishusim.Options, o *feishu.Options) {
				if shared {
					o.Pace = connector.NewLocalPacer(so.Now, o.Sleep)
				}
			})
			var mu sync.Mutex
			var at []time.Time
			x.front = func(_ http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodPatch {
					mu.Lock()
					at = append(at, x.clock.Now())
					mu.Unlock()
				}
				return false
			}
			d := x.department(t, "甲部", "")
			writes := []connector.Write{
				{Op: plan.Disable},
				{Op: plan.Disable},
				{Op: plan.Disable},
				{Op: plan.Update, After: directory.Attributes{"active": directory.BoolOf(true)}},
				{Op: plan.Update, After: directory.Attributes{"departments": directory.RefsToKind(directory.Department, directory.ID(d))}},
			}
			var wg sync.WaitGroup
			for i, w := range writes {
				w.Key = userKey(fmt.Sprintf("u%d", i))
				x.user(t, feishusim.User{UserID: string(w.Key.ID), Name: "x"})
				wg.Go(func() {
					if _, err := x.c.Apply(t.Context(), w); err != nil {
						t.Errorf("%s %s: %v", w.Op, w.Key, err)
					}
				})
			}
			wg.Wait()
			for i := 1; i < len(at); i++ {
				if gap := at[i].Sub(at[i-1]); gap < time.Second {
					t.Errorf("write %d comes %v after the one before", i, gap)
				}
			}
			if most := x.wire.most.Load(); len(at) != len(writes) || most != 1 {
				t.Errorf("%d writes, %d at once", len(at), most)
			}
		})
	}
}

// TestReplicasShareTheSlowLane: two processes together stay below one a second.
func TestReplicasShareTheSlowLane(t *testing.T) {
	t.Parallel()
	ck := newClock()
	var mu sync.Mutex
	var granted []time.Time
	local := connector.NewLocalPacer(ck.Now, ck.Sleep)
	pace := paceFunc(func(bucket string, n int, per time.Duration) error {
		if bucket != "slow" {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		err := local.Wait(context.Background(), bucket, n, per)
		granted = append(granted, ck.Now())
		return err
	})
	x := newTenant(t, func(so *feishusim.Options, o *feishu.Options) { so.NoLimits, o.Pace = true, pace })
	second, err := feishu.New(feishu.Options{
		AppID: "cli_sim", AppSecret: "sim-secret", BaseURL: x.url, HTTPClient: &http.Client{Transport: x.wire}, Now: x.clock.Now, Sleep: x.clock.Sleep, Pace: pace,
	})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 6 {
		id := fmt.Sprintf("u%d", i)
		x.user(t, feishusim.User{UserID: id, Name: "x"})
		c := []*feishu.Connector{x.c, second}[i%2]
		wg.Go(func() {
			if _, err := c.Apply(t.Context(), connector.Write{Op: plan.Disable, Key: userKey(id)}); err != nil {
				t.Errorf("%s: %v", id, err)
			}
		})
	}
	wg.Wait()
	for i := 1; i < len(granted); i++ {
		if gap := granted[i].Sub(granted[i-1]); gap < time.Second {
			t.Errorf("freeze %d is granted %v after the one before", i, gap)
		}
	}
	if len(granted) != 6 {
		t.Errorf("%d freezes", len(granted))
	}
}
