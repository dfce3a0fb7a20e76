package dingtalk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
)

const (
	maxAnswer = 64 << 20
	tries     = 4               // of one reading call
	firstWait = time.Second     // before the second try, doubled before each further one
	maxWait   = 2 * time.Minute // a vendor who asks for more gets no second try
)

// call is one request. A write is never made twice.
type call struct {
	method  string
	path    string // below the address of its interface
	fresh   bool   // of the new interface
	flat    bool   // an answer of the old interface without "result"
	noToken bool
	query   url.Values
	body    map[string]any // for POST
	write   bool
}

// old is a reading call of the old interface.
func old(path string, body map[string]any) call {
	return call{method: http.MethodPost, path: path, body: body}
}

// change is a writing call of the old interface.
func change(path string, body map[string]any) call {
	return call{method: http.MethodPost, path: path, body: body, write: true}
}

// tally counts what a read costs. It is safe for concurrent use.
type tally struct{ pages, retries atomic.Int64 }

// content is what an answer brings. whole tells whether it is all there.
type content interface{ whole() bool }

// read makes a reading call, up to four times while that may help.
func (c *Connector) read(ctx context.Context, r call, t *tally, out content) error {
	for try := 1; ; try++ {
		err := c.do(ctx, r, out)
		if err == nil {
			t.pages.Add(1)
			return nil
		}
		wait := fault.After(err)
		if !fault.Retryable(err) || try == tries || wait > maxWait || ctx.Err() != nil {
			return err
		}
		t.retries.Add(1)
		if wait == 0 {
			wait = firstWait << (try - 1)
		}
		wait += rand.N(wait/4 + 1) //nolint:gosec // jitter
		c.options.Logger.Warn("call repeated", "path", r.path, "err", err, "wait", wait)
		if c.options.Sleep(ctx, wait) != nil {
			return err
		}
	}
}

// do makes one call. Only a token that the vendor refuses, which it does before
// anything happens, leads to a second one, with a new token.
func (c *Connector) do(ctx context.Context, r call, out content) error {
	key, err := c.use(ctx, "")
	if err != nil {
		return err
	}
	err = c.send(ctx, r, key, out)
	if tokenRefused(err) {
		if key, err = c.use(ctx, key); err != nil {
			return err
		}
		err = c.send(ctx, r, key, out)
	}
	return err
}

// send makes one HTTP exchange and judges the answer.
func (c *Connector) send(ctx context.Context, r call, key string, out content) error {
	if left := c.hold.Left(c.options.Now()); left > 0 {
		return banned(left)
	}
	if err := c.options.Pace.Wait(ctx, r.path, paceCalls, pacePer); err != nil {
		return ended(err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.options.CallTimeout, errTimeout)
	defer cancel()
	var sent atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }}
	request, err := c.request(httptrace.WithClientTrace(ctx, trace), r, key)
	if err != nil {
		return err
	}
	response, err := c.client.Do(request)
	if err != nil {
		return lost(r, sent.Load(), bare(ctx, err))
	}
	defer func() { _ = response.Body.Close() }() // it was read to the end, or is given up
	data, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil || len(data) > maxAnswer {
		return lost(r, true, bare(ctx, err))
	}
	return c.judge(&exchange{call: r, status: response.StatusCode, header: response.Header, data: data, token: key}, out)
}

// request builds the HTTP request. The old interface takes the token in the
// address, the new one in a header.
func (c *Connector) request(ctx context.Context, r call, key string) (*http.Request, error) {
	query := url.Values{}
	maps.Copy(query, r.query)
	base := c.options.OAPIURL
	if r.fresh {
		base = c.options.APIURL
	} else if !r.noToken {
		query.Set("access_token", key)
	}
	var body io.Reader
	if r.method == http.MethodPost {
		data, err := json.Marshal(r.body)
		if err != nil {
			return nil, fault.Wrap(fault.Internal, err, "a body cannot be encoded / 请求无法编码")
		}
		body = bytes.NewReader(data)
	}
	address := base + "/" + r.path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, r.method, address, body)
	if err != nil {
		return nil, fault.New(fault.Invalid, "api_url or oapi_url is wrong / api_url 或 oapi_url 有误")
	}
	request.Header.Set("Accept", "application/json")
	if r.method == http.MethodPost {
		request.Header.Set("Content-Type", "application/json")
	}
	if r.fresh && !r.noToken {
		request.Header.Set("X-Acs-Dingtalk-Access-Token", key)
	}
	return request, nil
}

var (
	errTimeout = errors.New("the call took too long")
	errMissing = errors.New("the answer lacks its content")
	errLarge   = errors.New("the answer is too large")
	errPage    = errors.New("the answer is a web page")
)

// bare gives a transport error without the URL, which holds the token.
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
