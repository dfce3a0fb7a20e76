package main

import (
	"context"
	"time"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/store/queue"
	"github.com/rollcallhq/rollcall/sync/connector"
)

// pacer gives the pace of calls to a system: counted by Redis for all replicas, or
// by this process.
func (a *app) pacer(system string) connector.Pacer {
	r, ok := a.bell.(*queue.Redis)
	if !ok {
		return &observedPacer{connector.NewLocalPacer(a.p.now, nil), system, a.observer}
	}
	shared := &sharedPacer{system: system, count: bot.NewCounter(r, a.p.now, a.log.With("system", system)), sleep: connector.RealSleep}
	return &observedPacer{shared, system, a.observer}
}

// sharedPacer counts the calls to a system for all replicas, and alone while that
// fails: reading goes on without Redis. The calls of that time count when it is back.
type sharedPacer struct {
	system string
	count  *bot.Counter
	sleep  connector.Sleep
}

var _ connector.Pacer = (*sharedPacer)(nil)

// Wait waits for a call of a bucket.
func (p *sharedPacer) Wait(ctx context.Context, bucket string, n int, per time.Duration) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		wait := p.count.Take(ctx, "system:"+p.system+":"+bucket, max(n, 1), per)
		if wait <= 0 {
			return ctx.Err()
		}
		if err := p.sleep(ctx, wait); err != nil {
			return err
		}
	}
}
