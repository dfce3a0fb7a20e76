package wecom

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
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/fault"
)

const (
	maxAnswer = 64 << 20        // the vendor itself refuses larger listings (45029)
	tries     = 3               // of one reading call
	firstWait = time.Second / 2 // before the second try; four times that before the third
	maxWait   = 2 * time.Minute // a vendor who asks for more gets no second try
)

// call is one request. A write is never made twice.
type call struct {
	method string
	path   string // below /cgi-bin/
	key    *credential
	query  url.Values
	body   map[string]any // for POST
	write  bool
}

// tally counts what a read costs. It is safe for concurrent use.
type tally struct{ pages, retries, restarts atomic.Int64 }

// reply is the head of every answer.
type reply struct {
	Code    *int   `json:"errcode"`
	Message string `json:"errmsg"`
}

func (r *reply) head() *reply { return r }

// whole tells whether a successful answer carries what it should. An answer
// without errcode passes if the rest of it does.
func (r *reply) whole() bool { return r.Code != nil }

type answer interface {
	head() *reply
	whole() bool
}

// read makes a reading call, up to three times while that may help.
func (c *Connector) read(ctx context.Context, r call, t *tally, out answer) error {
	for try := 1; ; try++ {
		err := c.do(ctx, r, out)
		if err == nil {
			t.pages.Add(1)
			return nil
		}
		wait := fault.After(err)
		switch again := fault.Retryable(err) && code(err) != codeBadCursor && code(err) != codeReplySize; {
		case !again, try == tries, wait > maxWait, ctx.Err() != nil:
			return err
		}
		t.retries.Add(1)
		if wait == 0 {
			wait = firstWait << (2 * (try - 1))
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
func (c *Connector) do(ctx context.Context, r call, out answer) error {
	token, err := c.use(ctx, r.key, "")
	if err != nil {
		return err
	}
	err = c.send(ctx, r, token, out)
	if tokenRefused(err) {
		if token, err = c.use(ctx, r.key, token); err != nil {
			return err
		}
		err = c.send(ctx, r, token, out)
	}
	if secretRefused(err) {
		r.key.refuse(err)
	}
	return err
}

// send makes one HTTP exchange and judges the answer.
func (c *Connector) send(ctx context.Context, r call, token string, out answer) error {
	if left := c.hold.Left(c.options.Now()); left > 0 {
		return limited(left)
	}
	if err := c.pace.Wait(ctx, "calls", c.options.Rate, time.Second); err != nil {
		return ended(err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.options.CallTimeout, errTimeout)
	defer cancel()
	var sent atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }}
	request, err := c.request(httptrace.WithClientTrace(ctx, trace), r, token)
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
	if response.StatusCode != http.StatusOK {
		return status(r, response, c.options.Now())
	}
	return c.judge(r, data, token, out)
}

// request builds the HTTP request. Go's client repeats a GET on its own when a
// connection that stood open breaks; a deletion is a GET here, so it gets a body
// that cannot be had again, which is empty and is not sent.
func (c *Connector) request(ctx context.Context, r call, token string) (*http.Request, error) {
	query := url.Values{}
	maps.Copy(query, r.query)
	if token != "" {
		query.Set("access_token", token)
	}
	var body io.Reader
	switch {
	case r.method == http.MethodPost:
		data, err := encode(r.body)
		if err != nil {
			return nil, fault.Wrap(fault.Internal, err, "a body cannot be encoded / 请求无法编码")
		}
		body = bytes.NewReader(data)
	case r.write:
		body = io.NopCloser(strings.NewReader(""))
	}
	request, err := http.NewRequestWithContext(ctx, r.method, c.base+r.path+"?"+query.Encode(), body)
	if err != nil {
		return nil, fault.New(fault.Invalid, "base_url is wrong / base_url 有误")
	}
	if r.method == http.MethodPost {
		request.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	return request, nil
}

// judge decodes an answer with HTTP status 200.
func (c *Connector) judge(r call, data []byte, token string, out answer) error {
	if err := json.Unmarshal(data, out); err != nil {
		return garbled(r, err)
	}
	head := out.head()
	if head.Code != nil && *head.Code != 0 {
		err := refusal(r, *head.Code, c.scrub(head.Message, token))
		if *head.Code == codeQuota {
			c.hold.Extend(c.options.Now().Add(fault.After(err)))
		}
		return err
	}
	if !out.whole() {
		return garbled(r, errMissing)
	}
	return nil
}

// scrub takes secrets out of a vendor's text.
func (c *Connector) scrub(text, token string) string {
	for _, secret := range []string{token, c.options.ContactsSecret, c.options.AppSecret} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	return text
}

var (
	errTimeout = errors.New("the call took too long")
	errMissing = errors.New("the answer lacks its content")
	errLarge   = errors.New("the answer is too large")
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

// lost is the fault of a call without an answer. A write that may have reached
// the vendor is in doubt.
func lost(r call, sent bool, err error) error {
	if r.write && sent {
		return fault.Wrap(fault.InDoubt, err, "WeCom did not answer: the change may or may not have happened / 企业微信没有应答，变更是否生效尚不确定")
	}
	return fault.Wrap(fault.Unavailable, err, "WeCom cannot be reached / 无法连接企业微信")
}

// garbled is the fault of an answer that cannot be understood.
func garbled(r call, err error) error {
	if r.write {
		return fault.Wrap(fault.InDoubt, err, "WeCom's answer is broken: the change may or may not have happened / 企业微信应答残缺，变更是否生效尚不确定")
	}
	return fault.Wrap(fault.Unavailable, err, "WeCom's answer is broken / 企业微信应答残缺")
}

// ended is the fault of a call that was not made because its time was over.
func ended(err error) error {
	return fault.Wrap(fault.Unavailable, err, "stopped before the call was made / 操作在发出请求之前已中止")
}

// limited is the fault of a used-up quota.
func limited(after time.Duration) error {
	return &fault.Error{
		Kind: fault.Limited, Code: strconv.Itoa(codeQuota), After: after,
		Say: "WeCom's quota is used up, wait a minute / 企业微信调用频率超限，请稍候",
	}
}

// status is the fault of an HTTP status other than 200.
func status(r call, response *http.Response, now time.Time) error {
	code := strconv.Itoa(response.StatusCode)
	f := &fault.Error{Kind: fault.Unavailable, Code: "HTTP " + code, Say: "WeCom is out of order (HTTP " + code + ") / 企业微信服务异常（HTTP " + code + "）"}
	switch {
	case response.StatusCode == http.StatusTooManyRequests:
		f.Kind = fault.Limited
		f.Say = "WeCom asks us to slow down / 企业微信要求放慢速度"
		f.After = connector.RetryAfter(response.Header.Get("Retry-After"), now)
	case response.StatusCode >= http.StatusInternalServerError, response.StatusCode == http.StatusRequestTimeout:
		if r.write {
			f.Kind = fault.InDoubt
			f.Say = "WeCom is out of order (HTTP " + code + "): the change may or may not have happened / 企业微信服务异常（HTTP " + code + "），变更是否生效尚不确定"
		}
	default:
		f.Kind = fault.Invalid
		f.Say = "this is not WeCom's address: check base_url and the proxy (HTTP " + code + ") / 地址不是企业微信：请检查 base_url 与代理（HTTP " + code + "）"
	}
	return f
}
