package scim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
)

const (
	maxAnswer = 64 << 20
	tries     = 3               // of one reading call
	firstWait = time.Second / 2 // before the second try; four times that before the third
	maxWait   = 2 * time.Minute // a service that asks for more gets no second try
	mediaType = "application/scim+json"
)

// call is one request. A write is never made twice.
type call struct {
	method  string
	path    string // below the base, escaped
	query   url.Values
	body    any
	version string // for If-Match; "" = none
	about   bool   // it is about one resource, not about a collection
}

func (r call) write() bool { return r.method != http.MethodGet }

// answer is what a service said: its body and the entity tag.
type answer struct {
	status   int
	data     []byte
	version  string
	location string
}

// tally counts what a read costs.
type tally struct{ pages, retries int }

// read makes a reading call, up to three times while that may help.
func (c *Connector) read(ctx context.Context, r call, t *tally, use func(answer) error) error {
	r.method = http.MethodGet
	for try := 1; ; try++ {
		got, err := c.send(ctx, r)
		if err == nil {
			if err = use(got); err == nil {
				t.pages++
				return nil
			}
			err = garbled(err)
		}
		wait := fault.After(err)
		if !fault.Retryable(err) || try == tries || wait > maxWait || ctx.Err() != nil {
			return err
		}
		t.retries++
		if wait == 0 {
			wait = firstWait << (2 * (try - 1))
		}
		wait += rand.N(wait/4 + 1) //nolint:gosec // jitter
		c.options.Logger.WarnContext(ctx, "call repeated", "op", r.method, "err", err, "wait", wait)
		if c.options.Sleep(ctx, wait) != nil {
			return err
		}
	}
}

// send makes one HTTP exchange and judges its status.
func (c *Connector) send(ctx context.Context, r call) (answer, error) {
	if left := c.hold.Left(c.options.Now()); left > 0 {
		return answer{}, limited(left)
	}
	if err := ctx.Err(); err != nil {
		return answer{}, ended(err)
	}
	if err := c.options.Pace.Wait(ctx, c.bucket, c.options.Rate, time.Second); err != nil {
		return answer{}, ended(err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.options.CallTimeout, errTimeout)
	defer cancel()
	var sent atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }}
	request, err := c.request(httptrace.WithClientTrace(ctx, trace), r)
	if err != nil {
		return answer{}, err
	}
	response, err := c.client.Do(request)
	if err != nil {
		return answer{}, lost(r, sent.Load(), bare(ctx, err))
	}
	defer func() { _ = response.Body.Close() }() // it was read to the end, or is given up
	data, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err == nil && len(data) > maxAnswer && !r.write():
		return answer{}, fault.Wrap(fault.Invalid, errLarge, "the service's answer is larger than 64 MiB: lower page_size / 服务的应答超过 64 MiB：请减小 page_size")
	case err != nil || len(data) > maxAnswer:
		return answer{}, lost(r, true, bare(ctx, err))
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return answer{}, c.refusal(r, response, data)
	}
	return answer{response.StatusCode, data, response.Header.Get("ETag"), response.Header.Get("Location")}, nil
}

// request builds the HTTP request.
func (c *Connector) request(ctx context.Context, r call) (*http.Request, error) {
	address := c.base + r.path
	if len(r.query) > 0 {
		// Some services take a plus for itself and not for a blank.
		address += "?" + strings.ReplaceAll(r.query.Encode(), "+", "%20")
	}
	var body io.Reader
	if r.body != nil {
		data, err := encode(r.body)
		if err != nil {
			return nil, fault.Wrap(fault.Internal, err, "a body cannot be encoded / 请求无法编码")
		}
		body = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, r.method, address, body)
	if err != nil {
		return nil, fault.New(fault.Invalid, "url is wrong / url 有误")
	}
	request.Header.Set("Accept", mediaType+", application/json")
	if body != nil {
		request.Header.Set("Content-Type", mediaType)
	}
	if r.version != "" {
		request.Header.Set("If-Match", r.version)
	}
	if c.options.Token != "" {
		request.Header.Set("Authorization", "Bearer "+c.options.Token)
	} else {
		request.SetBasicAuth(c.options.User, c.options.Password)
	}
	return request, nil
}

// encode gives a body with texts as they are, not escaped for HTML.
func encode(body any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(body)
	return bytes.TrimRight(buf.Bytes(), "\n"), err
}

// clip cuts a text for people.
func clip(s string) string {
	const most = 60 // characters
	runes := []rune(strings.ToValidUTF8(s, "?"))
	if len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return string(runes)
}

var (
	errTimeout = errors.New("the call took too long")
	errLarge   = errors.New("the answer is too large")
)

// bare gives a transport error without the URL.
func bare(ctx context.Context, err error) error {
	if err == nil {
		return errLarge
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
