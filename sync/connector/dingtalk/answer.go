package dingtalk

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// exchange is one answer with its question.
type exchange struct {
	call   call
	status int
	header http.Header
	data   []byte
	token  string
}

// head is what both interfaces put around their content, and what stands before
// them: {"errcode","errmsg"}, with 88 as {"sub_code","sub_msg"} too; {"code",
// "message"}; {"status":1111} of the gateway that bars an address.
type head struct {
	Errcode *loose          `json:"errcode"`
	Errmsg  loose           `json:"errmsg"`
	SubCode loose           `json:"sub_code"`
	SubMsg  loose           `json:"sub_msg"`
	Result  json.RawMessage `json:"result"`

	Code    loose `json:"code"`
	Message loose `json:"message"`
	Detail  struct {
		Scopes list[loose] `json:"requiredScopes"`
	} `json:"accessdenieddetail"`

	Status loose `json:"status"`
}

// The codes that wrap others.
const (
	codeWrapped = "88"
	codeBanned  = "1111"
)

// verdict gives the code of a refusal, "" for a success, and the vendor's text.
// Code 88 only says that the gateway refused: what counts is below it.
func (h *head) verdict() (code, text string) {
	switch {
	case h.Errcode != nil && *h.Errcode == codeWrapped && h.SubCode != "":
		return string(h.SubCode), cmp.Or(string(h.SubMsg), string(h.Errmsg))
	case h.Errcode != nil && *h.Errcode == codeWrapped:
		if m := subcode.FindStringSubmatch(string(h.Errmsg)); m != nil {
			return m[1], string(h.Errmsg)
		}
		return codeWrapped, string(h.Errmsg)
	case h.Errcode != nil && *h.Errcode != "0":
		return string(*h.Errcode), string(h.Errmsg)
	case h.Errcode == nil && h.Code != "" && h.Code != "0":
		return string(h.Code), string(h.Message)
	}
	return "", ""
}

var subcode = regexp.MustCompile(`subcode=(-?[0-9A-Za-z_.]+)`)

// judge makes a fault of an answer, or decodes its content.
func (c *Connector) judge(e *exchange, out content) error {
	if bytes.HasPrefix(bytes.TrimSpace(e.data), []byte("<")) {
		return c.webPage(e)
	}
	var h head
	if err := json.Unmarshal(e.data, &h); err != nil {
		if e.status != http.StatusOK {
			return c.status(e)
		}
		return garbled(e.call, err)
	}
	code, text := h.verdict()
	switch {
	case h.Status == codeBanned && code == "":
		return c.ban()
	case e.status == http.StatusTooManyRequests, e.status >= http.StatusInternalServerError, e.status == http.StatusRequestTimeout:
		return c.status(e)
	case code != "":
		return c.refusal(e, code, text, h.Detail.Scopes)
	case e.status != http.StatusOK:
		return c.status(e)
	case e.call.fresh, e.call.flat && h.Errcode != nil:
		return decode(e.call, e.data, out)
	case h.Errcode == nil:
		return garbled(e.call, errMissing)
	default:
		return decode(e.call, h.Result, out)
	}
}

// decode reads the content. A call that tells nothing may lack it.
func decode(r call, data []byte, out content) error {
	if len(data) == 0 || string(data) == "null" {
		if !out.whole() {
			return garbled(r, errMissing)
		}
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return garbled(r, err)
	}
	if !out.whole() {
		return garbled(r, errMissing)
	}
	return nil
}

// ban notes that our address is barred for a time.
func (c *Connector) ban() error {
	c.hold.Extend(c.options.Now().Add(banTime))
	return banned(banTime)
}

// webPage judges a web page in the place of an answer: the vendor sends one to an
// address that it bars, and any proxy may. What became of a write it does not
// say.
func (c *Connector) webPage(e *exchange) error {
	switch {
	case e.status >= http.StatusInternalServerError, e.status == http.StatusNotFound, e.status >= 300 && e.status < 400:
		return c.status(e)
	case e.call.write:
		c.hold.Extend(c.options.Now().Add(banTime))
		return garbled(e.call, errPage)
	default:
		f := fault.Wrap(fault.Limited, c.ban(), "DingTalk answers with a web page: our address is barred for five minutes, or api_url, oapi_url or the proxy is wrong / 钉钉返回了网页：出口 IP 被限制五分钟，或 api_url、oapi_url、代理设置有误")
		f.Code, f.After = codeBanned, banTime
		return f
	}
}

// status is the fault of an HTTP status that says it all.
func (c *Connector) status(e *exchange) error {
	code := strconv.Itoa(e.status)
	f := &fault.Error{
		Kind: fault.Unavailable, Code: "HTTP " + code, After: connector.RetryAfter(e.header.Get("Retry-After"), c.options.Now()),
		Say: "DingTalk is out of order (HTTP " + code + ") / 钉钉服务异常（HTTP " + code + "）",
	}
	switch {
	case e.status == http.StatusTooManyRequests:
		f.Kind = fault.Limited
		f.Say = "DingTalk asks us to slow down / 钉钉要求放慢速度"
	case e.status >= http.StatusInternalServerError, e.status == http.StatusRequestTimeout:
		if e.call.write {
			f.Kind = fault.InDoubt
			f.Say = "DingTalk is out of order (HTTP " + code + "): the change may or may not have happened / 钉钉服务异常（HTTP " + code + "），变更是否生效尚不确定"
		}
	default:
		f.Kind = fault.Invalid
		f.Say = "this is not DingTalk's address: check api_url, oapi_url and the proxy (HTTP " + code + ") / 地址不是钉钉：请检查 api_url、oapi_url 与代理（HTTP " + code + "）"
	}
	return f
}
