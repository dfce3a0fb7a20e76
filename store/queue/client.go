package queue

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// QuietDriver sends what the Redis driver says of itself, which would go to
// standard error at each failed dial, to a logger at debug level. It is of the
// whole process: call it once, before any bell is opened.
func QuietDriver(logger *slog.Logger) { redis.SetLogger(driverLog{logger}) }

type driverLog struct{ *slog.Logger }

// Printf is what the driver calls.
func (l driverLog) Printf(ctx context.Context, format string, args ...any) {
	if l.Enabled(ctx, slog.LevelDebug) {
		l.DebugContext(ctx, "redis driver", "err", fmt.Sprintf(format, args...))
	}
}

// callWait bounds each call that is not meant to block: a chat platform may be
// waiting behind it.
const callWait = 800 * time.Millisecond

// place says where a Redis is, for the warnings.
type place struct {
	loopback bool
	secret   bool // a password is set
	tls      bool
}

// dial makes the client that a URL asks for; nothing is sent yet. A URL is
// redis://, rediss:// (TLS), redis-sentinel:// or redis-cluster://; the latter
// two take tls=true and further nodes as addr=host:port, and Sentinel also
// master_name, sentinel_username and sentinel_password. User and password in the
// URL are those of the Redis servers. Faults: Invalid; a URL holds a password,
// so no error shows any of it.
func dial(text string) (redis.UniversalClient, place, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return nil, place{}, badURL()
	}
	query := u.Query()
	mode := u.Scheme
	if mode == "redis-sentinel" || mode == "redis-cluster" {
		u.Scheme = "redis"
		if query.Get("tls") == "true" {
			u.Scheme = "rediss"
		}
		query.Del("tls")
	}
	password, _ := u.User.Password()
	at := place{loopback: isLoopback(u.Hostname()), secret: password != "", tls: u.Scheme == "rediss"}
	var client redis.UniversalClient
	switch mode {
	case "redis", "rediss":
		client, err = dialOne(u)
	case "redis-sentinel":
		client, err = dialSentinel(u, query)
	case "redis-cluster":
		u.RawQuery = query.Encode()
		client, err = dialCluster(u)
	default:
		return nil, place{}, badURL()
	}
	if err != nil {
		return nil, place{}, badURL()
	}
	return client, at, nil
}

func badURL() error {
	return fault.New(fault.Invalid,
		"the Redis URL cannot be read; write redis://, rediss://, redis-sentinel:// or redis-cluster:// with host and port / Redis 网址无法识别，请写 redis://、rediss://、redis-sentinel:// 或 redis-cluster:// 加主机和端口")
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// never says that a write is not repeated when its answer is lost: go-redis
// would do it three more times by default.
const never = -1

// quiet turns off a handshake that only a managed service answers.
func quiet() *maintnotifications.Config {
	return &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
}

func dialOne(u *url.URL) (redis.UniversalClient, error) {
	o, err := redis.ParseURL(u.String())
	if err != nil {
		return nil, err
	}
	o.MaxRetries, o.DialerRetries, o.ContextTimeoutEnabled = never, 1, true
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = callWait, callWait, callWait
	o.DisableIdentity, o.MaintNotificationsConfig = true, quiet()
	harden(o.TLSConfig)
	return redis.NewClient(o), nil
}

func dialSentinel(u *url.URL, query url.Values) (redis.UniversalClient, error) {
	user, password := query.Get("sentinel_username"), query.Get("sentinel_password")
	query.Del("sentinel_username")
	query.Del("sentinel_password")
	bare := *u
	bare.User, bare.RawQuery = nil, query.Encode()
	o, err := redis.ParseFailoverURL(bare.String())
	if err != nil {
		return nil, err
	}
	if o.MasterName == "" {
		return nil, badURL()
	}
	o.Username = u.User.Username()
	o.Password, _ = u.User.Password()
	o.SentinelUsername, o.SentinelPassword = user, password
	o.MaxRetries, o.DialerRetries, o.ContextTimeoutEnabled = never, 1, true
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = callWait, callWait, callWait
	o.DisableIdentity = true
	harden(o.TLSConfig)
	return redis.NewFailoverClient(o), nil
}

func dialCluster(u *url.URL) (redis.UniversalClient, error) {
	o, err := redis.ParseClusterURL(u.String())
	if err != nil {
		return nil, err
	}
	o.MaxRetries, o.DialerRetries, o.ContextTimeoutEnabled = never, 1, true
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = callWait, callWait, callWait
	o.DisableIdentity, o.MaintNotificationsConfig = true, quiet()
	harden(o.TLSConfig)
	return redis.NewClusterClient(o), nil
}

func harden(c *tls.Config) {
	if c != nil {
		c.MinVersion = tls.VersionTLS12
	}
}

// isNoGroup tells whether Redis has lost the stream or its group.
func isNoGroup(err error) bool {
	return err != nil && (strings.HasPrefix(err.Error(), "NOGROUP") || strings.HasPrefix(err.Error(), "UNBLOCKED"))
}

// isRefused tells whether Redis refuses our credentials.
func isRefused(err error) bool {
	for _, word := range []string{"NOAUTH", "WRONGPASS", "NOPERM", "ERR invalid password"} {
		if strings.HasPrefix(err.Error(), word) {
			return true
		}
	}
	return false
}
