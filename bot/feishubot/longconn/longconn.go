// Package longconn receives a Feishu app's events by the vendor's long
// connection.
//
// It is apart from feishubot because the vendor's client takes a minute to
// compile. It decodes nothing: each event goes to Handle as it came.
package longconn

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	larkcore "github.com/larksuite/oapi-sdk-go/v3/core"
	larkws "github.com/larksuite/oapi-sdk-go/v3/ws"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/feishutoken"
)

const (
	firstPause = time.Second
	lastPause  = time.Minute
	// refusedPause follows a refusal that no retry mends: a wrong secret, too many
	// connections. An admin may mend it while we wait.
	refusedPause = 30 * time.Second
	// steady is how long a connection must have held for the pauses to begin anew.
	steady = time.Minute
)

// Handle takes one event of schema 2.0. The bytes, if any, are the answer to a
// pressed button; an error makes Feishu send a message again.
type Handle = func(ctx context.Context, payload []byte) ([]byte, error)

// Options set up Listen.
type Options struct {
	AppID     string // required
	AppSecret string `json:"-"` // required
	BaseURL   string // default feishutoken.DefaultBaseURL
	Handle    Handle // required
	// Types are more event types that reach Handle, beside those of a bot. One
	// that is subscribed in the console and unknown here is refused by the
	// vendor's client, and comes again four times.
	Types []string

	HTTPClient *http.Client // asks where to connect; default: a client of its own
	// Dial makes the connection itself, to an address that comes in an answer;
	// default: to anywhere. Proxy gives its proxy; nil: none.
	Dial  func(ctx context.Context, network, address string) (net.Conn, error)
	Proxy func(*http.Request) (*url.URL, error)

	Now    func() time.Time // required
	Logger *slog.Logger     // default: none
	// Changed is told when the connection is made and when it is lost; may be nil.
	Changed func(connected bool)
	// Pause gives the wait before the next try after n failures in a row, from 1;
	// default: from 1 second to 1 minute, doubling, with jitter, and at least half
	// a minute when Feishu refuses us.
	Pause func(n int, refused bool) time.Duration
}

// Format prints the options without the secret, whatever the verb.
func (o Options) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "{%s %s ***}", o.BaseURL, o.AppID)
}

func (o *Options) setDefaults() {
	if o.BaseURL == "" {
		o.BaseURL = feishutoken.DefaultBaseURL
	}
	o.BaseURL = strings.TrimRight(o.BaseURL, "/")
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Changed == nil {
		o.Changed = func(bool) {}
	}
	if o.Pause == nil {
		o.Pause = pause
	}
	if o.Dial == nil {
		o.Dial = new(net.Dialer).DialContext
	}
}

func (o *Options) validate() error {
	var errs []error
	missing := func(name string, is bool) {
		if is {
			errs = append(errs, errors.New(name+" is missing"))
		}
	}
	missing("app_id", o.AppID == "")
	missing("app_secret", o.AppSecret == "")
	missing("handler", o.Handle == nil)
	missing("clock", o.Now == nil)
	return errors.Join(errs...)
}

// Listen connects, and connects again whenever the connection is lost, until
// ctx ends; then it returns nil, after the running handlers. It gives up for no
// other reason: a secret may be mended in the console. Only wrong options are a
// fault, of kind Invalid. Each event has a goroutine of its own.
func Listen(ctx context.Context, o Options) error {
	if err := o.validate(); err != nil {
		names := strings.ReplaceAll(err.Error(), "\n", ", ")
		return fault.Wrap(fault.Invalid, err,
			"the configuration of the long connection is wrong: %s / 长连接的配置不对：%s", names, names)
	}
	o.setDefaults()
	l := &listener{o: o, events: newEvents(&o)}
	for failures := 0; ctx.Err() == nil; {
		err := l.once(ctx)
		if ctx.Err() != nil {
			break
		}
		if failures++; l.held(o.Now()) {
			failures = 1
		}
		refused := refusal(err)
		wait := o.Pause(failures, refused)
		o.Logger.WarnContext(ctx, "long connection lost",
			"system", "feishu", "err", plain(err), "refused", refused, "failures", failures, "wait", wait)
		sleep(ctx, wait)
	}
	return nil //nolint:nilerr // the end was asked for
}

// pause is the default of Options.Pause.
func pause(n int, refused bool) time.Duration {
	d := min(firstPause<<min(n-1, 10), lastPause)
	if refused {
		d = max(d, refusedPause)
	}
	return d/2 + rand.N(d/2+1) //nolint:gosec // spreads load, protects nothing
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// listener makes one connection after the other.
type listener struct {
	o         Options
	events    *events
	connected time.Time // of the present or last connection
}

// held tells whether the last connection was there for a while.
func (l *listener) held(now time.Time) bool {
	return !l.connected.IsZero() && now.Sub(l.connected) >= steady
}

// once makes one connection and returns when it is lost. The vendor's own
// reconnecting is off: it waits two minutes between tries, and a client that
// was once connected and stopped is of no further use.
func (l *listener) once(ctx context.Context) error {
	l.connected = time.Time{}
	client := larkws.NewClient(l.o.AppID, l.o.AppSecret,
		larkws.WithDomain(l.o.BaseURL),
		larkws.WithAutoReconnect(false),
		larkws.WithEventHandler(l.events.dispatcher),
		larkws.WithLogger(sdkLogger{l.o.Logger}),
		larkws.WithLogLevel(larkcore.LogLevelWarn),
		larkws.WithHttpClient(newBootstrap(l.o.HTTPClient)),
		larkws.WithWebSocketDialer(newDialer(l.o)),
		// Start calls both on its own goroutine.
		larkws.WithOnReady(func() {
			l.connected = l.o.Now()
			l.o.Logger.InfoContext(ctx, "long connection made", "system", "feishu")
			l.o.Changed(true)
		}),
		larkws.WithOnDisconnected(func() { l.o.Changed(false) }),
	)
	return client.Start(ctx)
}

// refusal tells whether Feishu said no, and would say so again.
func refusal(err error) bool {
	_, ok := errors.AsType[*larkws.ClientError](err)
	return ok
}
