package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// Options says which Redis carries the rings, and who we are there.
type Options struct {
	// URL is redis://, redis-sentinel:// or redis-cluster://, with rediss for TLS; see
	// parse.
	URL string
	// URLFile is the path of a file that holds the URL, which may have allow_insecure= as
	// well; "" = none. User and password in it are read for each connection, so that new
	// ones need no restart; the password of the Sentinels, and everything else, does.
	URLFile string
	// Stream is the key of the stream; default "rollcall:runs".
	Stream string
	// Group is the consumer group, one for each kind of work; default "workers".
	Group string
	// Consumer names this process; required, and never the same for two.
	Consumer string
	// MinIdle is how long an entry must lie without a sign of life before another
	// process takes it over; default 10 s. The sign is given four times in it.
	MinIdle time.Duration
	// Logger hears when Redis goes away and comes back; nil = nobody.
	Logger *slog.Logger
}

func (o *Options) setDefaults() error {
	if o.Consumer == "" {
		return fault.New(fault.Invalid, "a consumer needs a name / 消费者缺少名称")
	}
	if o.Stream == "" {
		o.Stream = "rollcall:runs"
	}
	if o.Group == "" {
		o.Group = "workers"
	}
	if o.MinIdle <= 0 {
		o.MinIdle = 10 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}

// Redis is the bell of several replicas: a stream and one consumer group, and
// the buckets that they share. While Redis is away a ring still wakes the workers
// of this process. It is safe for
// concurrent use. Whoever opened it closes it.
type Redis struct {
	o      Options
	client redis.UniversalClient
	at     target
	local  *Doorbell // every ring that reaches this process goes through it
	held   *held
	health *health
	taken  atomic.Bool // somebody listens
	rests  atomic.Bool // a ring failed just now, so that the next ones are not tried
	take   *redis.Script
}

// OpenRedis prepares the bell. A Redis that is away is no error: rings reach this
// process, and the others once it is back. Faults: Invalid.
func OpenRedis(ctx context.Context, o Options) (*Redis, error) {
	if err := o.setDefaults(); err != nil {
		return nil, err
	}
	client, at, err := dial(o.URL, o.URLFile)
	if err != nil {
		return nil, err
	}
	r := &Redis{o: o, client: client, at: at, local: NewDoorbell(), held: newHeld(), health: newHealth(o.Logger), take: takeScript()}
	r.hear(asPing, r.Ping(ctx))
	return r, nil
}

// Close closes the connections. Entries that were not answered come to another
// process.
func (r *Redis) Close() error {
	if err := r.client.Close(); err != nil {
		return fault.Wrap(fault.Internal, fmt.Errorf("close redis: %w", err), "Redis cannot be closed / Redis 连接无法关闭")
	}
	return nil
}

// maxRings bounds the stream when nobody listens; the oldest rings go first.
const maxRings = 100_000

// restTime is how long rings wake this process alone after one that failed.
const restTime = time.Second

// keyField is the one field of an entry.
const keyField = "key"

// Ring tells the workers of all replicas that there is something to do for a
// key, within 800 ms. Faults: Invalid for an empty key; Unavailable when Redis
// did not take it, which is harmless: this process was woken all the same, and
// the sweeper rings again. It is not asked for the second that follows: a sweep with
// much to ring would wait for each.
func (r *Redis) Ring(ctx context.Context, key string) error {
	if key == "" {
		return noKey()
	}
	if r.rests.Load() {
		return errors.Join(unavailable("ring", errors.New("redis did not take the last ring")), r.local.Ring(ctx, key))
	}
	ctx, cancel := context.WithTimeoutCause(ctx, callWait, errors.New("redis does not answer"))
	defer cancel()
	err := r.client.XAdd(ctx, &redis.XAddArgs{Stream: r.o.Stream, MaxLen: maxRings, Approx: true, Values: []string{keyField, key}}).Err()
	r.hear(asRing, err)
	if err == nil {
		return nil
	}
	if r.rests.CompareAndSwap(false, true) {
		time.AfterFunc(restTime, func() { r.rests.Store(false) })
	}
	return errors.Join(unavailable("ring", r.at.hush(err)), r.local.Ring(ctx, key))
}

// Ping tells whether Redis answers. Faults: Unavailable, Credential, Invalid for a
// port without TLS.
func (r *Redis) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, callWait, errors.New("redis does not answer"))
	defer cancel()
	if err := r.client.Ping(ctx).Err(); err != nil {
		return judged("ping redis", err, &r.at)
	}
	return nil
}

// Well tells whether Redis gave and took everything that was last asked of it. Nothing
// is asked for that: a bell that is listened to asks every second, and tries what was
// refused every two.
func (r *Redis) Well() bool { return !r.health.isIll() }

// Ready tells whether Redis answers, and lets us write. One whose memory is full
// does not take rings now, and is ready all the same: see Warnings. Faults: as Ping.
func (r *Redis) Ready(ctx context.Context) error {
	if err := r.Ping(ctx); err != nil {
		return err
	}
	if err := r.try(ctx); err != nil && !isFull(err) {
		return judged("write to redis", err, &r.at)
	}
	return nil
}

// try does what listening and counting need: it makes the group, which may be there
// already, and counts a use that nobody counts.
func (r *Redis) try(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, callWait, errors.New("redis does not answer"))
	defer cancel()
	if err := r.makeGroup(ctx); err != nil {
		return err
	}
	return r.take.Run(ctx, r.client, []string{limitPrefix + "start"}, 1, time.Second.Microseconds()).Err()
}

// makeGroup makes the stream and the group, which reads from the first entry on.
func (r *Redis) makeGroup(ctx context.Context) error {
	err := r.client.XGroupCreateMkStream(ctx, r.o.Stream, r.o.Group, "0").Err()
	if err != nil && !strings.HasPrefix(err.Error(), "BUSYGROUP") {
		return err
	}
	return nil
}

// The kinds of calls that health tells apart.
const (
	asPing   = "ping"
	asRing   = "ring"
	asTake   = "take"
	asListen = "listen"
	asSettle = "settle"
	asBeat   = "beat"
)

func (r *Redis) hear(kind string, err error) { r.health.hear(kind, r.at.hush(err)) }

// Warnings gives what an operator should change about the Redis, in both
// languages. Faults: Unavailable.
func (r *Redis) Warnings(ctx context.Context) ([]string, error) {
	if err := r.Ping(ctx); err != nil {
		return nil, err
	}
	var all []string
	if r.at.elsewhere() && r.at.open() {
		all = append(all, "Redis is on another host without a password or without TLS / Redis 在另一台主机上，但没有设置密码或没有使用 TLS")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, callWait, errors.New("redis does not answer"))
	defer cancel()
	if isFull(r.try(ctx)) {
		all = append(all, "Redis' memory is full, so that it takes no rings: raise maxmemory / Redis 内存已满，收不了唤醒：请调大 maxmemory")
	}
	memory, err := r.client.Info(ctx, "memory").Result()
	persistence, err2 := r.client.Info(ctx, "persistence").Result()
	if err != nil || err2 != nil || !strings.Contains(persistence, "aof_enabled:") {
		return append(all, "the settings of Redis cannot be read: check maxmemory-policy noeviction and appendonly yes / 无法读取 Redis 设置，请确认 maxmemory-policy 为 noeviction 且 appendonly 为 yes"), nil
	}
	if !strings.Contains(memory, "maxmemory_policy:noeviction") {
		all = append(all, "Redis may throw keys away when memory is short: set maxmemory-policy noeviction / Redis 内存不足时会丢弃数据，请设置 maxmemory-policy noeviction")
	}
	if !strings.Contains(persistence, "aof_enabled:1") {
		all = append(all, "Redis forgets its keys when it is killed: set appendonly yes / Redis 被强制结束后会丢失数据，请设置 appendonly yes")
	}
	return all, nil
}
