package feishubot

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
	"github.com/rollcallhq/rollcall/sync/feishutoken"
)

const (
	callTimeout = 10 * time.Second
	answerLimit = 1 << 20
)

// request is one call of the open platform. The SDK is not used for these few
// calls: it has none for the bot's identity, throws away the body of a 504 and
// reads answers without a limit, and what it would give us is one struct each.
type request struct {
	method string
	path   string // with ids escaped
	query  url.Values
	body   any
	flat   bool // the answer's fields stand beside code, not in data

	raw     []byte // a body that is not JSON, of this kind
	kind    string
	timeout time.Duration // default callTimeout
}

// answer is the frame of every reply. The code decides; the HTTP status only
// when there is none.
type answer struct {
	Code *int            `json:"code"`
	Msg  string          `json:"msg"`
	Data json.RawMessage `json:"data"`
	// Detail names the permissions that are missing, for 99991672.
	Detail struct {
		Violations []struct {
			Subject string `json:"subject"`
		} `json:"permission_violations"`
	} `json:"error"`

	status int
	header http.Header
}

// call makes a request and decodes what is asked for into out, which may be nil.
// A rejected token is replaced once. Every error is a fault; see fault.go. It
// sends nothing twice: the keys of our sending calls make that safe for others.
func (b *Bot) call(ctx context.Context, r request, out any) error {
	for first := true; ; first = false {
		token, err := b.o.Tokens.Token(ctx)
		if err != nil {
			return err
		}
		raw, a, err := b.exchange(ctx, r, token)
		if err != nil {
			return err
		}
		if a.Code != nil && feishutoken.Rejected(*a.Code) {
			b.o.Tokens.Invalidate(token)
			if first {
				continue
			}
		}
		if a.Code == nil || *a.Code != 0 {
			return a.fault()
		}
		if !r.flat {
			raw = a.Data
		}
		if out == nil {
			return nil
		}
		if json.Unmarshal(raw, out) != nil {
			return fault.New(fault.Unavailable, "Feishu's answer makes no sense / 飞书的回答无法识别")
		}
		return nil
	}
}

// exchange makes one HTTP request.
func (b *Bot) exchange(ctx context.Context, r request, token string) ([]byte, *answer, error) {
	limit := callTimeout
	if r.timeout > 0 {
		limit = r.timeout
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errors.New("no answer in time"))
	defer cancel()
	target := b.o.BaseURL + r.path
	if r.query != nil {
		target += "?" + r.query.Encode()
	}
	content, kind, err := r.content()
	if err != nil {
		return nil, nil, fault.Wrap(fault.Internal, err, "cannot build the request / 无法生成请求")
	}
	var body io.Reader
	if content != nil {
		body = bytes.NewReader(content)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, body)
	if err != nil {
		return nil, nil, fault.Wrap(fault.Invalid, plain(err), "the Feishu base_url is not a URL / 飞书的 base_url 不是网址")
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if body != nil {
		req.Header.Set("Content-Type", kind)
	}
	res, err := b.o.HTTPClient.Do(req)
	if err != nil {
		return nil, nil, lost(ctx, err)
	}
	defer func() { _ = res.Body.Close() }() // read to the end, or given up
	raw, err := io.ReadAll(io.LimitReader(res.Body, answerLimit))
	if err != nil {
		return nil, nil, lost(ctx, err)
	}
	a := &answer{}
	if json.Unmarshal(raw, a) != nil {
		a = &answer{}
	}
	a.status, a.header = res.StatusCode, res.Header
	return raw, a, nil
}

// content gives the body of a request and what it is; nil for none.
func (r request) content() ([]byte, string, error) {
	if r.raw != nil || r.body == nil {
		return r.raw, r.kind, nil
	}
	raw, err := encode(r.body)
	return raw, "application/json; charset=utf-8", err
}

// lost is the fault of a call without an answer. The message may have been
// sent; sending again with the same key is safe.
func lost(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return fault.Wrap(fault.Unavailable, plain(err), "Feishu cannot be reached / 连不上飞书")
}

// plain drops the URL that net/http puts into its errors.
func plain(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// encode writes JSON as short as it can be: without \u003c for every "<",
// since the size of a card is limited.
func encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(buf.Bytes(), "\n"), nil
}
