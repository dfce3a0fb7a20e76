package feishu

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	larkcore "github.com/larksuite/oapi-sdk-go/v3/core"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/feishutoken"
)

// answerLimit is the most that is read of one answer: a page of 50 people is
// far below.
const answerLimit = 16 << 20

// maxHold bounds how long the vendor can make us wait.
const maxHold = time.Minute

// request is one API call. Path holds ":name" parts as the SDK reads them.
type request struct {
	method string
	path   string
	params larkcore.PathParams
	query  larkcore.QueryParams
	body   map[string]any // nil for none
	bucket string
}

// writes tells whether the call may change something.
func (r *request) writes() bool { return r.method != http.MethodGet }

// answer is what the vendor said. Whether it is good is told by code alone:
// some refusals come with HTTP 200, 401, 405 or 504.
type answer struct {
	Code *int            `json:"code"`
	Msg  string          `json:"msg"`
	Data json.RawMessage `json:"data"`
	Err  struct {
		Scopes []struct {
			Subject string `json:"subject"`
		} `json:"permission_violations"`
		Fields []struct {
			Field string `json:"field"`
		} `json:"field_violations"`
	} `json:"error"`

	status int
	header http.Header
	logID  string
}

// call makes one request at its pace and gives the data of a good answer. Every
// error is a fault. A rejected token is replaced once: the refused call had no
// effect. Nothing else is ever repeated here.
func (c *Connector) call(ctx context.Context, r *request) (json.RawMessage, error) {
	if err := c.pace.wait(ctx, r.bucket); err != nil {
		return nil, err
	}
	for first := true; ; first = false {
		token, err := c.tokens.Token(ctx)
		if err != nil {
			return nil, err
		}
		a, err := c.send(ctx, r, token)
		if err != nil {
			return nil, err
		}
		if a.Code != nil && feishutoken.Rejected(*a.Code) {
			c.tokens.Invalidate(token)
			if first {
				c.o.Logger.InfoContext(ctx, "token renewed", "code", *a.Code)
				continue
			}
		}
		if a.good() {
			return a.Data, nil
		}
		f := r.fault(a)
		if f.Kind == fault.Limited {
			c.pace.hold(r.bucket, f.After)
		}
		return nil, f
	}
}

func (a *answer) good() bool { return a.Code != nil && *a.Code == 0 && a.status < 300 }

// send makes the HTTP request through the SDK's request builder.
func (c *Connector) send(ctx context.Context, r *request, token string) (*answer, error) {
	reqCtx, cancel := context.WithTimeoutCause(ctx, requestTimeout, errors.New("no answer in time"))
	defer cancel()
	x := &exchange{client: c.o.HTTPClient}
	cfg := c.sdk
	cfg.HttpClient = x
	api := &larkcore.ApiReq{
		HttpMethod: r.method, ApiPath: r.path, PathParams: r.params, QueryParams: r.query,
		SupportedAccessTokenTypes: []larkcore.AccessTokenType{larkcore.AccessTokenTypeTenant},
	}
	if r.body != nil {
		api.Body = r.body
	}
	_, err := larkcore.Request(reqCtx, api, &cfg, larkcore.WithTenantAccessToken(token))
	switch {
	case x.err != nil:
		return nil, r.lost(ctx, x)
	case !x.answered:
		return nil, fault.Wrap(fault.Invalid, plain(err), "无法生成飞书请求，请核对 base_url 和编号 / cannot build the Feishu request: check base_url and ids")
	}
	a := &answer{}
	if err := json.Unmarshal(x.body, a); err != nil {
		a = &answer{}
	}
	a.status, a.header, a.logID = x.status, x.header, x.header.Get("X-Tt-Logid")
	return a, nil
}

// lost gives the fault of a request without an answer: a write that left us may
// have happened.
func (r *request) lost(ctx context.Context, x *exchange) error {
	if r.writes() && x.sent {
		return fault.Wrap(fault.InDoubt, plain(x.err), "请求已发给飞书但没有收到回答，不知道是否生效 / the request was sent to Feishu and no answer came: it may or may not have happened")
	}
	if ctx.Err() != nil {
		return interrupted(ctx)
	}
	return fault.Wrap(fault.Unavailable, plain(x.err), "连不上飞书 / Feishu cannot be reached")
}

func interrupted(ctx context.Context) error { return interruptedBy(ctx, context.Cause(ctx)) }

func interruptedBy(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return fault.Wrap(fault.Unavailable, err, "对飞书的调用被中断 / the call of Feishu was interrupted")
}

// plain drops the URL that net/http puts into its errors.
func plain(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// exchange is the HTTP client of one SDK request. It keeps the whole answer for
// us, whatever the SDK would make of it (it drops the body of every 504), and
// knows whether anything was sent.
type exchange struct {
	client *http.Client

	answered bool
	sent     bool
	status   int
	header   http.Header
	body     []byte
	err      error
}

// Do makes the request. The SDK gets an empty good answer, and no error of a
// kind that makes it try again.
func (x *exchange) Do(req *http.Request) (*http.Response, error) {
	var traced, wrote atomic.Bool
	req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		GetConn:      func(string) { traced.Store(true) },
		WroteHeaders: func() { wrote.Store(true) },
	}))
	res, err := x.client.Do(req) //nolint:gosec // to the address in the configuration
	if err == nil {
		x.status, x.header = res.StatusCode, res.Header
		x.body, err = readAll(res.Body)
	}
	x.err = err
	x.sent = res != nil || wrote.Load() || err != nil && !traced.Load() && !dialing(err)
	if err != nil {
		return nil, errors.New("no answer")
	}
	x.answered = true
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewReader([]byte("{}"))), Request: req,
	}, nil
}

func readAll(body io.ReadCloser) ([]byte, error) {
	defer func() { _ = body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(body, answerLimit+1))
	if err == nil && len(raw) > answerLimit {
		return nil, errors.New("answer is too large")
	}
	return raw, err
}

// dialing tells whether the connection was never made.
func dialing(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

// resetAfter reads how long the gateway asks to wait: at least a second, at
// most maxHold.
func resetAfter(h http.Header) time.Duration {
	n, err := strconv.Atoi(h.Get("X-Ogw-Ratelimit-Reset"))
	if err != nil || n < 1 {
		n = 1
	}
	return time.Duration(min(n, int(maxHold/time.Second))) * time.Second
}

// quiet keeps the SDK from printing to the standard output.
type quiet struct{}

func (quiet) Debug(context.Context, ...any) {}
func (quiet) Info(context.Context, ...any)  {}
func (quiet) Warn(context.Context, ...any)  {}
func (quiet) Error(context.Context, ...any) {}
