package scim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// refused is why a service refuses. Its own words, the "detail", are not kept:
// they may hold what it knows of a person, and errors go to the log.
type refused struct {
	status   int
	scimType string // one word
}

// Error gives it for the log.
func (r *refused) Error() string {
	return strings.TrimSpace(fmt.Sprintf("HTTP %d %s", r.status, r.scimType))
}

// keyword tells whether a scimType is a word and no text.
func keyword(s string) bool {
	const most = 40
	return len(s) <= most && strings.IndexFunc(s, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') }) < 0
}

// refusal is the fault of a status other than 2xx.
func (c *Connector) refusal(r call, response *http.Response, data []byte) error {
	why := &refused{status: response.StatusCode}
	var body resource
	if decode(data, &body) == nil && keyword(body.text("scimType")) {
		why.scimType = body.text("scimType")
	}
	m := meaningOf(r, why)
	f := &fault.Error{Kind: m.kind, Code: strings.TrimSpace("HTTP " + strconv.Itoa(why.status) + " " + why.scimType), Say: m.en + " / " + m.zh, Err: why}
	switch why.status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		f.After = connector.RetryAfter(response.Header.Get("Retry-After"), c.options.Now())
	}
	if why.status == http.StatusTooManyRequests && f.After > 0 {
		c.hold.Extend(c.options.Now().Add(f.After))
	}
	return f
}

// meaningOf finds what an answer means: by its scimType where that is one of the
// RFC's, else by its status.
func meaningOf(r call, why *refused) meaning {
	if m, ok := scimTypes[why.scimType]; ok && why.status < http.StatusInternalServerError && !stubborn(why.status) {
		return m
	}
	m, known := statuses[why.status]
	switch {
	case why.status == http.StatusForbidden && r.write() && r.about:
		return deniedHere
	case why.status == http.StatusNotFound && !r.about:
		return noService
	case !known:
		m = unlisted(why.status)
	}
	if m.kind == fault.Unavailable && r.write() {
		return inDoubt(m)
	}
	return m
}

// unlisted is what a status outside the table means, by its class.
func unlisted(status int) meaning {
	code := strconv.Itoa(status)
	switch {
	case status >= http.StatusInternalServerError:
		return meaning{fault.Unavailable, "the SCIM service is out of order (HTTP " + code + ")", "SCIM 服务异常（HTTP " + code + "）"}
	case status >= http.StatusMultipleChoices && status < http.StatusBadRequest:
		return meaning{fault.Invalid, "the address answers with a redirect (HTTP " + code + "), which is never followed: put the final address into url", "该地址返回重定向（HTTP " + code + "），点名不会跟随：请把最终地址填入 url"}
	default:
		return meaning{fault.Invalid, "the SCIM service refuses the call (HTTP " + code + ")", "SCIM 服务拒绝了该请求（HTTP " + code + "）"}
	}
}

// stubborn tells whether a status means the same whatever the scimType: who we are,
// and how often we ask.
func stubborn(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusTooManyRequests
}

// inDoubt is what an outage means for a write.
func inDoubt(m meaning) meaning {
	return meaning{fault.InDoubt, m.en + ": the change may or may not have happened", m.zh + "，变更是否生效尚不确定"}
}

// statusOf gives the HTTP status in a fault, or 0.
func statusOf(err error) int {
	if r, ok := errors.AsType[*refused](err); ok {
		return r.status
	}
	return 0
}

// typeOf gives the scimType in a fault, or "".
func typeOf(err error) string {
	if r, ok := errors.AsType[*refused](err); ok {
		return r.scimType
	}
	return ""
}

func missing(err error) bool { return statusOf(err) == http.StatusNotFound }

// lost is the fault of a call without an answer. A write that may have reached
// the service is in doubt.
func lost(r call, sent bool, err error) error {
	if r.write() && sent {
		return fault.Wrap(fault.InDoubt, err, "the SCIM service did not answer: the change may or may not have happened / SCIM 服务没有应答，变更是否生效尚不确定")
	}
	return fault.Wrap(fault.Unavailable, err, "the SCIM service cannot be reached / 无法连接 SCIM 服务")
}

// errGarbled marks an answer that came and could not be understood.
var errGarbled = errors.New("broken answer")

// garbled is the fault of an answer to a read that cannot be understood.
func garbled(err error) error {
	return fault.Wrap(fault.Unavailable, fmt.Errorf("%w: %w", errGarbled, err), "the SCIM service's answer is broken / SCIM 服务的应答残缺")
}

// ended is the fault of a call that was not made because its time was over.
func ended(err error) error {
	return fault.Wrap(fault.Unavailable, err, "stopped before the call was made / 操作在发出请求之前已中止")
}

// limited is the fault of a call that was not made because the service asked us
// to wait.
func limited(after time.Duration) error {
	m := statuses[http.StatusTooManyRequests]
	return &fault.Error{Kind: m.kind, Code: "HTTP 429", After: after, Say: m.en + " / " + m.zh}
}

// within bounds all calls of one change.
func (c *Connector) within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, c.options.CallTimeout, errTimeout)
}
