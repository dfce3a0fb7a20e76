package dialer

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// discreet keeps what the other side says out of errors. net/http quotes an
// answer that is no HTTP, a Location that is no URL, and HTTP/2's farewells; a
// server that repeats what it was sent would so write our tokens into the log.
type discreet struct{ next http.RoundTripper }

// RoundTrip makes one exchange, unless its time is over: a process that stood still
// wakes with timers that have not run yet, and its call would go out although others
// have taken its work since. Nothing here follows redirects, so a redirect comes
// without its Location, which net/http would read all the same.
func (d discreet) RoundTrip(r *http.Request) (*http.Response, error) {
	if overdue(r.Context(), time.Now()) { //nolint:forbidigo // deadlines of contexts are those of the real clock
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, context.DeadlineExceeded
	}
	res, err := d.next.RoundTrip(r)
	if err != nil {
		return nil, plain(err)
	}
	if res.StatusCode/100 == 3 {
		res.Header.Del("Location")
	}
	return res, nil
}

// overdue tells whether a context's time is over, also by the wall clock, which goes on
// while a machine sleeps.
func overdue(ctx context.Context, now time.Time) bool {
	end, bounded := ctx.Deadline()
	return bounded && (now.After(end) || now.Round(0).After(end.Round(0)))
}

// CloseIdleConnections lets http.Client.CloseIdleConnections work.
func (d discreet) CloseIdleConnections() {
	if c, ok := d.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

var (
	errNoHTTP = errors.New("the answer is not what HTTP allows")
	errLate   = slow{errors.New("no answer in time")}
)

// slow is a time-out of net/http.
type slow struct{ error }

// Timeout tells that it is one.
func (slow) Timeout() bool { return true }

// plain gives an error that shows nothing of the answer: those of network, name,
// certificate and context as they are, and two sentences for the rest.
func plain(err error) error {
	for _, known := range []error{context.Canceled, context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, os.ErrDeadlineExceeded} {
		if errors.Is(err, known) {
			return known
		}
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	if c, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return c
	}
	if a, ok := errors.AsType[tls.AlertError](err); ok {
		return a
	}
	if h, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return errors.New(h.Msg) // its Error is the same; the bytes that came are beside it
	}
	if o, ok := errors.AsType[*net.OpError](err); ok {
		return o
	}
	if d, ok := errors.AsType[*net.DNSError](err); ok {
		return d
	}
	if n, ok := errors.AsType[syscall.Errno](err); ok {
		return n
	}
	if n, ok := errors.AsType[net.Error](err); ok && n.Timeout() {
		return errLate
	}
	return errNoHTTP
}
