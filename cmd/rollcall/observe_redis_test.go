package main

import (
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/store/queue"
	"github.com/rollcallhq/rollcall/store/queue/queuetest"
	"github.com/rollcallhq/rollcall/sync/meter"
)

// TestRedisIsShownOnlyWhereThereIsOne sees that the state of Redis is on the page, and
// nothing of it where one process wakes itself.
func TestRedisIsShownOnlyWhereThereIsOne(t *testing.T) {
	t.Parallel()
	p := &process{getenv: func(string) (string, bool) { return "", false }, stderr: discard{}, now: time.Now}
	shown := func(url string) []float64 {
		a := p.bare(&configs.Config{})
		a.bell = queue.NewDoorbell()
		if url != "" {
			r, err := queue.OpenRedis(t.Context(), queue.Options{URL: url, Consumer: "c", Logger: a.log})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = r.Close() }()
			queuetest.Until(t, "Redis is as it is to be", func() bool { return r.Ready(t.Context()) == nil || url == "redis://127.0.0.1:1" })
			a.bell = r
		}
		samples, err := a.samples(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var all []float64
		for _, s := range samples {
			if s.Name == meter.RedisUp {
				all = append(all, s.Value)
			}
		}
		return all
	}
	if got := shown(""); len(got) != 0 {
		t.Errorf("without Redis: %v", got)
	}
	if got := shown("redis://127.0.0.1:1"); len(got) != 1 || got[0] != 0 {
		t.Errorf("with one that is away: %v", got)
	}
	if got := shown(queuetest.StartServer(t).URL()); len(got) != 1 || got[0] != 1 {
		t.Errorf("with one that is there: %v", got)
	}
}
