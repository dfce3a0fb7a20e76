package queue

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// QuietDriver sends what the Redis driver says of itself, which would go to
// standard error at each failed dial, to a logger at debug level. It is of the
// whole process: call it once, before any bell is opened.
func QuietDriver(logger *slog.Logger) { redis.SetLogger(driverLog{logger}) }

type driverLog struct{ *slog.Logger }

// Printf is what the driver calls.
func (l driverLog) Printf(ctx context.Context, format string, args ...any) {
	if l.Enabled(ctx, slog.LevelDebug) {
		l.DebugContext(ctx, "redis driver", "err", unquoted(fmt.Sprintf(format, args...)))
	}
}

// callWait bounds each call that is not meant to block: a chat platform may be
// waiting behind it.
const callWait = 800 * time.Millisecond

// never says that a write is not repeated when its answer is lost: go-redis
// would do it three more times by default.
const never = -1

// lookEvery is how often a Cluster in use is asked who its masters are. Nobody tells
// us of a failover whose old master is dead; the driver would ask once a minute.
const lookEvery = 2 * time.Second

// quiet turns off a handshake that only a managed service answers.
func quiet() *maintnotifications.Config {
	return &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
}

// dial makes the client that a URL asks for; nothing is sent yet. file holds the URL, if
// it is not "". Faults: Invalid, also for files of TLS that cannot be used.
func dial(text, file string) (redis.UniversalClient, target, error) {
	t, err := parse(text)
	if err != nil {
		return nil, t, err
	}
	t.login = newLogin(t, file)
	var secured *tls.Config
	if t.tls {
		if secured, err = t.secured(); err != nil {
			return nil, t, err
		}
	}
	switch t.mode {
	case sentinel:
		return redis.NewFailoverClient(&redis.FailoverOptions{
			MasterName: t.master, SentinelAddrs: t.hosts, SentinelUsername: t.sentinelUser, SentinelPassword: t.sentinelPassword,
			CredentialsProviderContext: t.login.now, DB: t.db, TLSConfig: secured,
			MaxRetries: never, DialerRetries: 1, ContextTimeoutEnabled: true, DisableIdentity: true,
			Dialer: t.dialer(secured), DialTimeout: callWait, ReadTimeout: callWait, WriteTimeout: callWait,
		}), t, nil
	case cluster:
		c := redis.NewClusterClient(&redis.ClusterOptions{
			Addrs: t.hosts, CredentialsProviderContext: t.login.now, TLSConfig: secured,
			MaxRetries: never, DialerRetries: 1, ContextTimeoutEnabled: true, DisableIdentity: true, DisableRoutingPolicies: true,
			Dialer: t.dialer(secured), DialTimeout: callWait, ReadTimeout: callWait, WriteTimeout: callWait, MaintNotificationsConfig: quiet(),
			ClusterStateReloadInterval: lookEvery,
		})
		c.OnNewNode(func(node *redis.Client) { node.AddHook(sendOnce{}) })
		return c, t, nil
	default:
		return redis.NewClient(&redis.Options{
			Addr: t.hosts[0], CredentialsProviderContext: t.login.now, DB: t.db, TLSConfig: secured,
			MaxRetries: never, DialerRetries: 1, ContextTimeoutEnabled: true, DisableIdentity: true,
			Dialer: t.dialer(secured), DialTimeout: callWait, ReadTimeout: callWait, WriteTimeout: callWait, MaintNotificationsConfig: quiet(),
		}), t, nil
	}
}

// sendOnce keeps the client of a Cluster from sending a command again when the
// answer to it is lost: it may have been obeyed. What was never sent, because
// nobody could be dialled, and what a node refused may go to another node.
type sendOnce struct{}

// lostError hides from the driver what it would try again.
type lostError struct{ text string }

// Error gives the driver's words.
func (l lostError) Error() string { return l.text }

// DialHook is of no use here.
func (sendOnce) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook hides a lost answer.
func (sendOnce) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { return hideLost(next(ctx, cmd)) }
}

// ProcessPipelineHook leaves pipelines alone: what they do may be done twice.
func (sendOnce) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func hideLost(err error) error {
	var refused redis.Error
	if err == nil || errors.As(err, &refused) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if op, is := errors.AsType[*net.OpError](err); is && op.Op == "dial" {
		return err
	}
	return lostError{err.Error()}
}
