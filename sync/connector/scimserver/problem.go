package scimserver

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// The scimTypes of RFC 7644 §3.12 that we answer with.
const (
	invalidFilter = "invalidFilter"
	invalidPath   = "invalidPath"
	invalidSyntax = "invalidSyntax"
	invalidValue  = "invalidValue"
	mutability    = "mutability"
	noTarget      = "noTarget"
	tooMany       = "tooMany"
	uniqueness    = "uniqueness"
)

const errorSchema = "urn:ietf:params:scim:api:messages:2.0:Error"

// problem is an answer that says no. The detail is for the provider's log, where
// an admin reads it.
type problem struct {
	status   int
	scimType string
	detail   string
}

func (p *problem) Error() string { return p.detail }

// bad is a 400 with a scimType.
func bad(scimType, format string, args ...any) *problem {
	return &problem{status: http.StatusBadRequest, scimType: scimType, detail: fmt.Sprintf(format, args...)}
}

func notThere(id string) *problem {
	return &problem{status: http.StatusNotFound, detail: fmt.Sprintf("there is no resource %[1]s / 没有资源 %[1]s", clip(id))}
}

// problemOf makes an answer of any error. What is ours to mend says nothing more.
func problemOf(err error) *problem {
	if p, ok := errors.AsType[*problem](err); ok {
		return p
	}
	switch fault.KindOf(err) {
	case fault.NotFound:
		return &problem{status: http.StatusNotFound, detail: fault.Say(err)}
	case fault.Conflict:
		return &problem{
			status: http.StatusConflict, scimType: uniqueness,
			detail: "another user has this userName; upper and lower case are the same / 已有用户使用这个 userName（不分大小写）",
		}
	case fault.Unavailable, fault.Limited:
		return &problem{status: http.StatusServiceUnavailable, detail: "the record cannot be used now, send again later / 数据库暂时无法使用，请稍后重发"}
	default:
		return &problem{status: http.StatusInternalServerError, detail: "internal error, see the log / 内部错误，请看日志"}
	}
}

// body gives the error message of RFC 7644 §3.12; its status is a text.
func (p *problem) body() map[string]any {
	m := map[string]any{"schemas": []any{errorSchema}, "status": strconv.Itoa(p.status), "detail": p.detail}
	if p.scimType != "" {
		m["scimType"] = p.scimType
	}
	return m
}

// clip shortens what somebody else wrote, to be quoted.
func clip(s string) string {
	const most = 80
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
