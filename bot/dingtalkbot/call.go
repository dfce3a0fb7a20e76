package dingtalkbot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
)

const (
	callTimeout = 10 * time.Second
	answerLimit = 1 << 20
)

// request is one HTTP request; token is "" where none is needed.
type request struct {
	method, url, token string
	body               any

	raw     []byte // a body that is not JSON, of this kind
	kind    string
	timeout time.Duration // default callTimeout
}

// answer is what came back, read to its end.
type answer struct {
	status int
	raw    []byte
	header http.Header
}

// call makes a call of the open platform (/v1.0/…) and decodes the answer into
// out. A refused token is replaced once. Every error is a fault.
func (b *Bot) call(ctx context.Context, r request, out any) error {
	r.url = b.o.APIURL + r.url
	for first := true; ; first = false {
		token, err := b.tokens.token(ctx)
		if err != nil {
			return err
		}
		r.token = token
		a, err := b.exchange(ctx, r)
		if err != nil {
			return err
		}
		if a.status == http.StatusOK && json.Unmarshal(a.raw, out) == nil && !a.punished() {
			return nil
		}
		f := a.apiFault(nil)
		if f.Code == "InvalidAuthentication" {
			b.tokens.invalidate(token)
			if first {
				continue
			}
		}
		return f
	}
}

// exchange makes one HTTP request.
func (b *Bot) exchange(ctx context.Context, r request) (*answer, error) {
	limit := callTimeout
	if r.timeout > 0 {
		limit = r.timeout
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errors.New("no answer in time"))
	defer cancel()
	raw, kind := r.raw, r.kind
	if raw == nil {
		var err error
		if raw, err = encode(r.body); err != nil {
			return nil, fault.Wrap(fault.Internal, err, "cannot build the request / 无法生成请求")
		}
		kind = "application/json; charset=utf-8"
	}
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, bytes.NewReader(raw))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, bare(err), "the address of DingTalk is wrong / 钉钉的网址不对")
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Accept", "application/json")
	if r.token != "" {
		req.Header.Set("x-acs-dingtalk-access-token", r.token)
	}
	res, err := b.o.HTTPClient.Do(req)
	if err != nil {
		return nil, lost(ctx, err)
	}
	defer func() { _ = res.Body.Close() }() // read to the end, or given up
	body, err := io.ReadAll(io.LimitReader(res.Body, answerLimit))
	if err != nil {
		return nil, lost(ctx, err)
	}
	return &answer{status: res.StatusCode, raw: body, header: res.Header}, nil
}

// lost is the fault of a call without an answer. The message may have been
// sent: at worst it is said twice.
func lost(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return fault.Wrap(fault.Unavailable, bare(err), "DingTalk cannot be reached / 连不上钉钉")
}

// bare drops the URL that net/http puts into its errors: a session's is a
// secret.
func bare(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// encode writes JSON as short as it can be: without \u003c for every "<",
// since the size of a message is limited.
func encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(buf.Bytes(), "\n"), nil
}

// sizeOf measures a value as JSON.
func sizeOf(v any) int {
	raw, err := encode(v)
	if err != nil { // strings only: it cannot fail
		return answerLimit
	}
	return len(raw)
}
