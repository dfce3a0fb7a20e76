package queue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// Listen calls answer for each ring until ctx ends, workers of them at a time,
// and returns when the last answer has. An entry is acknowledged and deleted
// after its answer; when the process dies before, or ctx cuts the answer off,
// the entry comes to another listener after MinIdle. Within this process a key is
// never answered twice at a time. Faults: Conflict when somebody listens already.
func (r *Redis) Listen(ctx context.Context, workers int, answer func(ctx context.Context, key string)) error {
	if !r.taken.CompareAndSwap(false, true) {
		return fault.New(fault.Conflict, "somebody listens to this bell already / 已有工作者在监听")
	}
	defer r.taken.Store(false)
	defer func() { r.held.drop(r.held.all()) }() // they lie idle from here on
	workers = max(workers, 1)
	var group sync.WaitGroup
	group.Go(func() { r.fetch(ctx, workers) })
	group.Go(func() { r.beat(ctx) })
	err := r.local.Listen(ctx, workers, func(ctx context.Context, key string) {
		ids := r.held.of(key)
		answer(ctx, key)
		if ctx.Err() == nil {
			r.settle(ctx, ids)
		}
	})
	group.Wait()
	return err
}

// settle acknowledges entries and deletes them: without the deletion the stream
// would grow, without the acknowledgement a ghost would stay pending. When that
// fails they come once more.
func (r *Redis) settle(ctx context.Context, ids []string) {
	if len(ids) == 0 {
		return
	}
	defer r.held.drop(ids)
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), callWait, errors.New("redis does not answer"))
	defer cancel()
	_, err := r.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.XAck(ctx, r.o.Stream, r.o.Group, ids...)
		p.XDel(ctx, r.o.Stream, ids...)
		return nil
	})
	r.hear(asSettle, err)
}

// beat gives a sign of life for what is held, so that nobody takes it over.
func (r *Redis) beat(ctx context.Context) {
	ticker := time.NewTicker(r.o.MinIdle / 4)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		ids := r.held.all()
		if len(ids) == 0 {
			continue
		}
		call, cancel := context.WithTimeoutCause(ctx, callWait, errors.New("redis does not answer"))
		// Only the ids are asked for, which leaves the count of deliveries alone.
		err := r.client.XClaimJustID(call, &redis.XClaimArgs{Stream: r.o.Stream, Group: r.o.Group, Consumer: r.o.Consumer, Messages: ids}).Err()
		cancel()
		if !isNoGroup(err) { // fetch repairs that
			r.hear(asBeat, err)
		}
	}
}

// fetch brings entries to the doorbell, as many as workers are free, until ctx
// ends.
func (r *Redis) fetch(ctx context.Context, workers int) {
	f := fetcher{Redis: r, cursor: firstEntry}
	for tries := 0; ctx.Err() == nil; {
		free := workers - r.held.work()
		if free <= 0 {
			select {
			case <-ctx.Done():
			case <-r.held.freed:
			}
			continue
		}
		err := f.once(ctx, free)
		r.hear(asListen, err)
		if err == nil && f.ready {
			tries = 0
			f.recover(ctx)
			continue
		}
		pause(ctx, tries)
		tries++
	}
}

// tryEvery is how often a Redis that gives rings is tried, while it did not take
// something last.
const tryEvery = 2 * time.Second

// recover finds out whether Redis takes again what it refused: who rings next may
// come much later.
func (f *fetcher) recover(ctx context.Context) {
	if !f.health.isIll() {
		return
	}
	select {
	case <-f.again:
	default:
		if f.again != nil {
			return
		}
	}
	f.again = time.After(tryEvery)
	if f.try(ctx) == nil {
		f.health.well()
	}
}

// The bounds of the wait after a failed call.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 2 * time.Second
)

// pause waits longer after each try, with jitter so that replicas do not come
// back all at once.
func pause(ctx context.Context, tries int) {
	most := min(firstPause<<min(tries, 10), lastPause)
	timer := time.NewTimer(most/2 + rand.N(most/2)) //nolint:gosec // jitter, not a secret
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// firstEntry is the id before every other.
const firstEntry = "0-0"

// readsPerClaim is how many successful reads may pass between two looks for the
// entries of dead processes; an empty read looks at once.
const readsPerClaim = 16

// fetcher is the state of fetch.
type fetcher struct {
	*Redis
	ready  bool             // the group is there
	cursor string           // where the next look for the dead begins
	reads  int              // since the last look
	again  <-chan time.Time // when a Redis that refused something may be tried
}

// once takes at most n entries: of dead processes when it is time to look for
// them, otherwise new ones, for which it waits a while.
func (f *fetcher) once(ctx context.Context, n int) error {
	if !f.ready {
		if err := f.begin(ctx); err != nil {
			return err
		}
	}
	got := 0
	if f.reads == 0 {
		old, err := f.takeOver(ctx, n)
		if err != nil {
			return f.lost(err)
		}
		got = f.deliver(ctx, old)
	}
	if f.reads = (f.reads + 1) % readsPerClaim; got > 0 {
		return nil
	}
	fresh, err := f.read(ctx, n)
	if err != nil {
		return f.lost(err)
	}
	if f.deliver(ctx, fresh) == 0 {
		f.reads = 0
	}
	return nil
}

// lost sorts an error: a group that is gone is made again, which is no failure.
func (f *fetcher) lost(err error) error {
	f.ready = f.ready && !isNoGroup(err)
	if f.ready {
		return err
	}
	f.o.Logger.Warn("redis has lost the consumer group; it is made again")
	return nil
}

// begin makes the stream and the group, which reads from the first entry on.
func (f *fetcher) begin(ctx context.Context) error {
	call, cancel := context.WithTimeoutCause(ctx, callWait, errors.New("redis does not answer"))
	defer cancel()
	if err := f.makeGroup(call); err != nil {
		return fmt.Errorf("create consumer group: %w", err)
	}
	f.ready, f.cursor, f.reads = true, firstEntry, 0
	f.forgetDead(call)
	return nil
}

// deadAfter is how long a consumer without entries may be silent before its name
// is taken off the list: every process has a name of its own.
const deadAfter = time.Hour

// forgetDead removes the names of processes that are gone. What fails is tried
// again by the next process.
func (f *fetcher) forgetDead(ctx context.Context) {
	list, err := f.client.XInfoConsumers(ctx, f.o.Stream, f.o.Group).Result()
	if err != nil {
		return
	}
	for _, c := range list {
		if c.Pending == 0 && c.Idle > deadAfter && c.Name != f.o.Consumer {
			f.hear(asListen, f.client.XGroupDelConsumer(ctx, f.o.Stream, f.o.Group, c.Name).Err())
		}
	}
}

// takeOver claims entries that show no sign of life.
func (f *fetcher) takeOver(ctx context.Context, n int) ([]redis.XMessage, error) {
	call, cancel := context.WithTimeoutCause(ctx, callWait, errors.New("redis does not answer"))
	defer cancel()
	old, next, err := f.client.XAutoClaim(call, &redis.XAutoClaimArgs{
		Stream: f.o.Stream, Group: f.o.Group, Consumer: f.o.Consumer, MinIdle: f.o.MinIdle, Start: f.cursor, Count: int64(n),
	}).Result()
	if err != nil {
		return nil, err
	}
	f.cursor = next
	return old, nil
}

// maxBlock bounds how long a read waits for a new entry.
const maxBlock = time.Second

// read waits for new entries.
func (f *fetcher) read(ctx context.Context, n int) ([]redis.XMessage, error) {
	block := min(maxBlock, f.o.MinIdle/4)
	call, cancel := context.WithTimeoutCause(ctx, block+callWait, errors.New("redis does not answer"))
	defer cancel()
	streams, err := f.client.XReadGroup(call, &redis.XReadGroupArgs{
		Group: f.o.Group, Consumer: f.o.Consumer, Streams: []string{f.o.Stream, ">"}, Count: int64(n), Block: block,
	}).Result()
	if errors.Is(err, redis.Nil) {
		return nil, nil // no entry came, which is no failure
	}
	if err != nil || len(streams) == 0 {
		return nil, err
	}
	return streams[0].Messages, nil
}

// deliver rings for entries and gives how many there were.
func (f *fetcher) deliver(ctx context.Context, entries []redis.XMessage) int {
	for _, e := range entries {
		key, _ := e.Values[keyField].(string)
		if key == "" {
			f.o.Logger.Warn("a queue entry without a key is dropped", "id", e.ID)
			f.settle(ctx, []string{e.ID})
			continue
		}
		f.held.add(e.ID, key)
		_ = f.local.Ring(ctx, key) // fails only without a key
	}
	return len(entries)
}
