package queue

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// limitPrefix begins the keys of the shared buckets.
const limitPrefix = "rollcall:limit:"

// takeOne keeps the times of the newest n uses of one key in a list, newest
// first, by the server's own clock: replicas need not agree on the time. It gives
// the microseconds to wait, 0 when the use was counted. A list from the future is
// left from before somebody set the clock back, and counts for nothing.
const takeOne = `
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local n, per = tonumber(ARGV[1]), tonumber(ARGV[2])
local newest = redis.call('LINDEX', KEYS[1], 0)
if newest and tonumber(newest) > now + 1000000 then
  redis.call('DEL', KEYS[1])
end
local oldest = redis.call('LINDEX', KEYS[1], n - 1)
if oldest then
  local wait = tonumber(oldest) + per - now
  if wait > 0 then
    return math.min(wait, per)
  end
end
redis.call('LPUSH', KEYS[1], string.format('%.0f', now))
redis.call('LTRIM', KEYS[1], 0, n - 1)
redis.call('PEXPIRE', KEYS[1], math.ceil(per / 1000))
return 0
`

// Take is Buckets.Take for all replicas together. Every key is of its own, so
// that a Cluster may keep each anywhere, and is gone when its time is over.
// Faults: Invalid as there; Unavailable within 800 ms when Redis does not answer.
func (r *Redis) Take(ctx context.Context, key string, n int, per time.Duration) (time.Duration, error) {
	if err := checkTake(key, n, per); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, callWait, errors.New("redis does not answer"))
	defer cancel()
	wait, err := r.take.Run(ctx, r.client, []string{limitPrefix + key}, n, per.Microseconds()).Int64()
	r.hear(asTake, err)
	if err != nil {
		return 0, unavailable("take from bucket", r.at.hush(err))
	}
	return time.Duration(wait) * time.Microsecond, nil
}

func takeScript() *redis.Script { return redis.NewScript(takeOne) }
