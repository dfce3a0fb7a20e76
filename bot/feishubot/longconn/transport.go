package longconn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/gorilla/websocket"
)

const (
	dialTimeout    = 10 * time.Second
	bootstrapLimit = 1 << 20
)

// newDialer dials with keep-alive probes: the vendor's client notices a silent
// peer only after twice the ping interval, which the server sets to 120 s. The
// address comes in an answer, so it is dialled by whoever guards those.
func newDialer(o Options) *websocket.Dialer {
	return &websocket.Dialer{
		Proxy: o.Proxy, HandshakeTimeout: dialTimeout,
		NetDialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			ctx, cancel := context.WithTimeoutCause(ctx, dialTimeout, errors.New("no connection in time"))
			defer cancel()
			c, err := o.Dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			if wire, ok := c.(*net.TCPConn); ok {
				probes := net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 15 * time.Second, Count: 3}
				if err := wire.SetKeepAliveConfig(probes); err != nil {
					return nil, errors.Join(err, c.Close())
				}
			}
			return c, nil
		},
	}
}

// bootstrap asks where to connect. The request's body is the secret: it follows
// no redirect, and the answer is read up to a limit.
type bootstrap struct{ client *http.Client }

func newBootstrap(given *http.Client) *bootstrap {
	client := http.Client{}
	if given != nil {
		client = *given
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if client.Timeout == 0 {
		client.Timeout = dialTimeout
	}
	return &bootstrap{client: &client}
}

// Do makes the request.
func (b *bootstrap) Do(req *http.Request) (*http.Response, error) {
	res, err := b.client.Do(req) //nolint:gosec // to the address in the configuration
	if err != nil {
		return nil, plain(err)
	}
	res.Body = limited{io.LimitReader(res.Body, bootstrapLimit), res.Body}
	return res, nil
}

type limited struct {
	io.Reader
	io.Closer
}

// plain drops addresses from errors: that of the connection holds its key.
func plain(err error) error {
	if err == nil {
		return errors.New("closed")
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// sdkLogger takes the vendor's lines into our log, those that matter.
type sdkLogger struct{ log *slog.Logger }

// lineLimit bounds what is taken of one line.
const lineLimit = 300

func (l sdkLogger) line(ctx context.Context, level slog.Level, args []any) {
	text := fmt.Sprint(args...)
	if len(text) > lineLimit {
		text = text[:lineLimit]
	}
	l.log.Log(ctx, level, "feishu sdk", "system", "feishu", "line", text)
}

// Debug is not taken: it holds what people say.
func (l sdkLogger) Debug(context.Context, ...any) {}

// Info is not taken.
func (l sdkLogger) Info(context.Context, ...any) {}

// Warn is taken.
func (l sdkLogger) Warn(ctx context.Context, args ...any) { l.line(ctx, slog.LevelWarn, args) }

// Error is taken.
func (l sdkLogger) Error(ctx context.Context, args ...any) { l.line(ctx, slog.LevelError, args) }
