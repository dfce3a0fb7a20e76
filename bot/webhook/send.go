package webhook

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
)

const (
	callTimeout = 10 * time.Second
	answerLimit = 64 << 10
)

// message is one body to post.
type message struct{ fields map[string]any }

// step names the form of a message, as logged.
func (m message) step() string {
	for _, name := range []string{"msg_type", "msgtype"} {
		if kind, ok := m.fields[name].(string); ok {
			return kind
		}
	}
	return ""
}

// answer is a platform's answer in one shape.
type answer struct {
	code   string // the platform's number; "" = it is not the platform's JSON
	text   string // its words, never shown: they may quote the message
	status int
	header http.Header
}

// post signs a message, sends it and judges the answer.
func (r *Robot) post(ctx context.Context, m message, key string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, callTimeout, errors.New("no answer in time"))
	defer cancel()
	fields, target := maps.Clone(m.fields), *r.address
	if r.vendor.key != "" {
		fields[r.vendor.key] = key
	}
	if r.o.Secret != "" {
		r.vendor.sign(r, fields, &target)
	}
	body, err := encode(fields)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "cannot build the message / 无法生成消息")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), bytes.NewReader(body))
	if err != nil {
		return fault.Wrap(fault.Invalid, bare(err), "the address of the group robot %s is wrong / 群机器人 %s 的网址不对", r.o.Name, r.o.Name)
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	res, err := r.o.HTTPClient.Do(req)
	if err != nil {
		return r.lost(ctx, err)
	}
	defer func() { _ = res.Body.Close() }() // read to the end, or given up
	raw, err := io.ReadAll(io.LimitReader(res.Body, answerLimit))
	if err != nil {
		return r.lost(ctx, err)
	}
	a := read(raw)
	a.status, a.header = res.StatusCode, res.Header
	return r.judge(a)
}

// judge turns an answer into nil or a fault; what the platform asks to wait is
// kept for every later message too.
func (r *Robot) judge(a answer) error {
	if a.code == "0" {
		return nil
	}
	var f *fault.Error
	if a.code != "" {
		f = r.vendor.meaning(a)
	}
	if f == nil {
		f = unknown(a)
	}
	f.Code = a.code
	f.Say = strings.ReplaceAll(f.Say, robotMark, r.o.Name)
	if f.Kind == fault.Limited {
		r.pace.hold(r.o.Now(), f.After)
	}
	return f
}

// lost is the fault of a call without an answer. The message may have arrived.
func (r *Robot) lost(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return fault.Wrap(fault.Unavailable, bare(err), "the group robot %s cannot be reached / 连不上群机器人 %s", r.o.Name, r.o.Name)
}

// bare drops the URL, which is the secret, from an error of net/http.
func bare(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// read finds the code of an answer: Feishu's code (or StatusCode of old),
// DingTalk's and WeCom's errcode, as a number or in quotes. DingTalk's gateway
// says 88 and hides the real one in sub_code.
func read(raw []byte) answer {
	var in struct {
		Code       *number `json:"code"`
		StatusCode *number `json:"StatusCode"`
		Errcode    *number `json:"errcode"`
		SubCode    string  `json:"sub_code"`
		Msg        string  `json:"msg"`
		Errmsg     string  `json:"errmsg"`
	}
	if json.Unmarshal(raw, &in) != nil {
		return answer{}
	}
	a := answer{text: in.Msg + in.Errmsg}
	for _, n := range []*number{in.Code, in.Errcode, in.StatusCode} {
		if n != nil {
			a.code = string(*n)
			break
		}
	}
	if a.code == "88" && in.SubCode != "" {
		a.code = in.SubCode
	}
	return a
}

// number is a whole number, in quotes or not.
type number string

// UnmarshalJSON reads either form.
func (n *number) UnmarshalJSON(raw []byte) error {
	i, err := strconv.ParseInt(strings.Trim(string(raw), `"`), 10, 64)
	if err != nil {
		return errors.New("is no number")
	}
	*n = number(strconv.FormatInt(i, 10))
	return nil
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

// sizeOf measures how long a text is as JSON.
func sizeOf(text string) int {
	raw, err := encode(text)
	if err != nil {
		return len(text)
	}
	return len(raw)
}

func newKey() string { return rand.Text() }
