package main

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/store/queue"
	"github.com/rollcallhq/rollcall/sync/connector"
)

// aloneSpan is how long a process counts alone after Redis failed.
const aloneSpan = 5 * time.Second

// pacer gives the pace of calls to a system: counted by Redis for all replicas, or
// by this process.
func (a *app) pacer(system string) connector.Pacer {
	local := connector.NewLocalPacer(a.p.now, nil)
	r, ok := a.bell.(*queue.Redis)
	if !ok {
		return &observedPacer{local, system, a.observer}
	}
	shared := &sharedPacer{system: system, shared: r, local: local, now: a.p.now, sleep: connector.RealSleep, log: a.log}
	return &observedPacer{shared, system, a.observer}
}

// sharedPacer counts by a limiter that replicas share, and alone while that fails:
// reading goes on without Redis.
type sharedPacer struct {
	system string
	shared bot.Limiter
	local  *connector.LocalPacer
	now    func() time.Time
	sleep  connector.Sleep
	log    *slog.Logger

	alone atomic.Int64 // Unix nanoseconds until which it counts alone
}

var _ connector.Pacer = (*sharedPacer)(nil)

// Wait waits for a call of a bucket.
func (p *sharedPacer) Wait(ctx context.Context, bucket string, n int, per time.Duration) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if p.now().UnixNano() < p.alone.Load() {
			return p.local.Wait(ctx, bucket, n, per)
		}
		wait, err := p.shared.Take(ctx, "system:"+p.system+":"+bucket, n, per)
		switch {
		case err != nil && ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			p.alone.Store(p.now().Add(aloneSpan).UnixNano())
			p.log.WarnContext(ctx, "shared limits are away, this process counts alone", "system", p.system, "err", err)
			continue
		case wait <= 0:
			return nil
		}
		if err := p.sleep(ctx, wait); err != nil {
			return err
		}
	}
}
