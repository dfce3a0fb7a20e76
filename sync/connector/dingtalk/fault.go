package dingtalk

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// The vendor's codes that the connector acts on by itself. All others go by the
// table in meaning.go.
const (
	codeBusy         = "-1"
	codeBadToken     = "40014"
	codeInvited      = "40103"
	codeBadDept      = "40009"
	codeNoDept       = "60003"
	codeNoParent     = "60004"
	codeSameName     = "60021"
	codeBadIP        = "60020"
	codeNoUser       = "60121"
	codeQPS          = "90018"
	codeAPIQPS       = "90002"
	codeMayNot       = "60011"
	codeNoGrant      = "43007"
	codeNoScope      = "AccessTokenPermissionDenied"
	codeIPList       = "IpNotInWhiteList"
	codeUnauthorized = "InvalidAuthentication"
	codeOrdinary     = "exclusive.account.only"
)

// accessDenied begins the codes of the new interface's gateway.
const accessDenied = "Forbidden.AccessDenied."

// refusal is the fault of a code. text is the vendor's own; without secrets it
// goes to the log.
func (c *Connector) refusal(e *exchange, code, text string, scopes []loose) error {
	r := e.call
	code = strings.TrimPrefix(code, accessDenied)
	m, known := meanings[code]
	if !known {
		m = meaning{kind: fault.Invalid, en: "DingTalk refuses the call with code " + clip(code), zh: "钉钉拒绝了该调用，错误码 " + clip(code)}
	}
	switch {
	case r.noToken && m.aboutCredentials(code):
		m = badCredentials
	case code == codeBusy && r.path == pathUserCreate:
		m = busyCreating
	case code == codeBusy && r.write:
		m = meaning{
			kind: fault.InDoubt, en: m.en + ": the change may or may not have happened",
			zh: m.zh + "，变更是否生效尚不确定",
		}
	case code == codeBadIP, code == codeIPList:
		if ip := ipAddress.FindString(text); ip != "" {
			m.en, m.zh = m.en+" ("+ip+")", m.zh+"（"+ip+"）"
		}
	case code == codeMayNot, code == codeNoGrant, code == codeNoScope:
		name := permissionOf(r, scopes)
		m.en, m.zh = m.en+" "+name, m.zh+" "+name
	}
	after := m.after
	if asked := connector.RetryAfter(e.header.Get("Retry-After"), c.options.Now()); asked > 0 {
		after = asked
	}
	return &fault.Error{
		Kind: m.kind, Code: code, After: after,
		Say: m.en + " / " + m.zh, Err: fmt.Errorf("%s: %s", r.path, c.scrub(text, e.token)),
	}
}

// scrub takes secrets out of a vendor's text.
func (c *Connector) scrub(text, key string) string {
	for _, secret := range []string{key, c.options.ClientSecret} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	return text
}

var ipAddress = regexp.MustCompile(`\b\d{1,3}(\.\d{1,3}){3}\b`)

// permissionOf names what a call needs, as the console names it.
func permissionOf(r call, scopes []loose) string {
	if len(scopes) > 0 {
		return clip(clean(string(scopes[0])))
	}
	if name, ok := permissions[r.path]; ok {
		return name
	}
	return "qyapi_base"
}

// code gives the vendor's code in a fault, or "".
func code(err error) string {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f.Code
	}
	return ""
}

// as gives a fault another kind and sentence.
func as(err error, kind fault.Kind, say string) error {
	f := fault.Wrap(kind, err, "%s", say)
	f.Code = code(err)
	return f
}

// tokenRefused tells whether a new token may help.
func tokenRefused(err error) bool {
	switch code(err) {
	case codeBadToken, "40001", "42001", "41001", codeUnauthorized:
		return true
	default:
		return false
	}
}

// userMissing tells whether the vendor says that a person is not there.
func userMissing(err error) bool {
	switch code(err) {
	case codeNoUser, "60111", "33012":
		return true
	default:
		return false
	}
}

// outOfScope tells whether an object is outside what the app may see.
func outOfScope(err error) bool {
	switch code(err) {
	case "50002", "50004":
		return true
	default:
		return false
	}
}

// lost is the fault of a call without an answer. A write that may have reached
// the vendor is in doubt.
func lost(r call, sent bool, err error) error {
	if r.write && sent {
		return fault.Wrap(fault.InDoubt, err, "DingTalk did not answer: the change may or may not have happened / 钉钉没有应答，变更是否生效尚不确定")
	}
	return fault.Wrap(fault.Unavailable, err, "DingTalk cannot be reached / 无法连接钉钉")
}

// garbled is the fault of an answer that cannot be understood.
func garbled(r call, err error) error {
	if r.write {
		return fault.Wrap(fault.InDoubt, err, "DingTalk's answer is broken: the change may or may not have happened / 钉钉应答残缺，变更是否生效尚不确定")
	}
	return fault.Wrap(fault.Unavailable, err, "DingTalk's answer is broken / 钉钉应答残缺")
}

// ended is the fault of a call that was not made because its time was over.
func ended(err error) error {
	return fault.Wrap(fault.Unavailable, err, "stopped before the call was made / 操作在发出请求之前已中止")
}

// banned is the fault of an address that is barred.
func banned(after time.Duration) error {
	return &fault.Error{
		Kind: fault.Limited, Code: codeBanned, After: after,
		Say: "DingTalk bars our address for five minutes after too many calls / 调用过多，钉钉暂时限制了出口 IP，五分钟后恢复",
	}
}
