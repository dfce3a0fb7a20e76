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
	// URL is redis://, rediss://, redis-sentinel:// or redis-cluster://; see dial.
	URL string
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
	at     place
	local  *Doorbell // every ring that reaches this process goes through it
	held   *held
	away   atomic.Bool
	taken  atomic.Bool // somebody listens
	take   *redis.Script
}

// OpenRedis prepares the bell. A Redis that is away is no error: rings reach this
// process, and the others once it is back. Faults: Invalid.
func OpenRedis(ctx context.Context, o Options) (*Redis, error) {
	if err := o.setDefaults(); err != nil {
		return nil, err
	}
	client, at, err := dial(o.URL)
	if err != nil {
		return nil, err
	}
	r := &Redis{o: o, client: client, at: at, local: NewDoorbell(), held: newHeld(), take: takeScript()}
	r.hear(r.Ping(ctx))
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

// keyField is the one field of an entry.
const keyField = "key"

// Ring tells the workers of all replicas that there is something to do for a
// key, within 800 ms. Faults: Invalid for an empty key; Unavailable when Redis
// did not take it, which is harmless: this process was woken all the same, and
// the sweeper rings again.
func (r *Redis) Ring(ctx context.Context, key string) error {
	if key == "" {
		return noKey()
	}
	ctx, cancel := context.WithTimeoutCause(ctx, callWait, errors.New("redis does not answer"))
	defer cancel()
	err := r.client.XAdd(ctx, &redis.XAddArgs{Stream: r.o.Stream, MaxLen: maxRings, Approx: true, Values: []string{keyField, key}}).Err()
	r.hear(err)
	if err == nil {
		return nil
	}
	return errors.Join(unavailable("ring", err), r.local.Ring(ctx, key))
}

func unavailable(what string, err error) error {
	return fault.Wrap(fault.Unavailable, fmt.Errorf("%s: %w", what, err), "Redis is not reachable / Redis 暂时无法访问")
}

// Ping tells whether Redis answers. Faults: Unavailable, Credential.
func (r *Redis) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, callWait, errors.New("redis does not answer"))
	defer cancel()
	err := r.client.Ping(ctx).Err()
	switch {
	case err == nil:
		return nil
	case isRefused(err):
		return fault.Wrap(fault.Credential, fmt.Errorf("ping redis: %w", err), "Redis refuses our user or password / Redis 拒绝了用户名或密码")
	default:
		return unavailable("ping redis", err)
	}
}

// hear notes whether Redis answers, and logs it once when that changes.
func (r *Redis) hear(err error) {
	switch {
	case err == nil:
		if r.away.CompareAndSwap(true, false) {
			r.o.Logger.Info("redis is back")
		}
	case errors.Is(err, context.Canceled): // we left, not Redis
	case r.away.CompareAndSwap(false, true):
		r.o.Logger.Warn("redis is away", "err", err)
	}
}

// Warnings gives what an operator should change about the Redis, in both
// languages. Faults: Unavailable.
func (r *Redis) Warnings(ctx context.Context) ([]string, error) {
	if err := r.Ping(ctx); err != nil {
		return nil, err
	}
	var all []string
	if !r.at.loopback && (!r.at.secret || !r.at.tls) {
		all = append(all, "Redis is on another host without a password or without TLS / Redis 在另一台主机上，但没有设置密码或没有使用 TLS")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, callWait, errors.New("redis does not answer"))
	defer cancel()
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
