package wecom

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// The vendor's codes that the connector acts on by itself. All others go by the
// table of the same file.
const (
	codeBusy         = -1
	codeBadSecret    = 40001
	codeBadUserID    = 40003
	codeBadCorpID    = 40013
	codeBadToken     = 40014
	codeBadSecretID  = 40091
	codeNoCorpID     = 41002
	codeNoSecret     = 41004
	codeTokenExpired = 42001
	codeQuota        = 45009
	codeReplySize    = 45029
	codeNoSuchUser   = 46004
	codeNoRead       = 48008
	codeNewIP        = 48009
	codeBadCursor    = 50100
	codeOutOfScope   = 60011
	codeUntrustedIP  = 60020
	codeNoDepartment = 60003
	codeNoParent     = 60004
	codeBadPartyList = 40066
	codeUserMissing  = 60111
	codeBadParent    = 60124
	codeBadParty     = 60123
)

// quotaWindow is how long the vendor's shortest quota window lasts, lockWindow
// how long it locks an address out that used wrong secrets.
const (
	quotaWindow = time.Minute
	lockWindow  = time.Hour
)

// refusal is the fault of an errcode other than 0. text is the vendor's own,
// without secrets; it goes to the log.
func refusal(r call, number int, text string) error {
	m, known := meanings[number]
	if !known {
		m = meaning{kind: fault.Invalid, en: "WeCom refuses the call with code " + strconv.Itoa(number), zh: "企业微信拒绝了该调用，错误码 " + strconv.Itoa(number)}
	}
	switch {
	case number == codeBusy && r.write:
		// The vendor's own text says to try again; whether something happened it
		// does not say.
		m.kind = fault.InDoubt
		m.en += ": the change may or may not have happened"
		m.zh += "，变更是否生效尚不确定"
	case number == codeQuota && r.path == "gettoken":
		m.after = lockWindow
	case number == codeUntrustedIP:
		if ip := callerIP(text); ip != "" {
			m.en, m.zh = m.en+" ("+ip+")", m.zh+"（"+ip+"）"
		}
	case m.kind == fault.Credential && r.key != nil:
		m.en, m.zh = r.key.name+": "+m.en, m.zh+"（"+r.key.name+"）"
	}
	return &fault.Error{
		Kind: m.kind, Code: strconv.Itoa(number), After: m.after,
		Say: m.en + " / " + m.zh, Err: fmt.Errorf("%s: %s", r.path, text),
	}
}

// callerIP finds our own address in the vendor's text "…, from ip: 1.2.3.4, …".
func callerIP(text string) string {
	if m := fromIP.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

var fromIP = regexp.MustCompile(`from ip: ?([0-9a-fA-F.:]{2,45})`)

// code gives the vendor's number in a fault, or 0.
func code(err error) int {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		// A code that is no number, such as an HTTP status, is not the vendor's.
		if n, parseErr := strconv.Atoi(f.Code); parseErr == nil {
			return n
		}
	}
	return 0
}

// tokenRefused tells whether a new token may help. Never for a wrong secret:
// asking again and again locks the address out.
func tokenRefused(err error) bool {
	switch code(err) {
	case codeBadToken, codeTokenExpired:
		return true
	default:
		return false
	}
}

// secretRefused tells whether the secret or the corp id itself is wrong.
func secretRefused(err error) bool {
	switch code(err) {
	case codeBadSecret, codeBadCorpID, codeBadSecretID, codeNoCorpID, codeNoSecret:
		return true
	default:
		return false
	}
}

// detailsRefused tells whether a credential may not read details at all.
func detailsRefused(err error) bool {
	switch code(err) {
	case codeNewIP, codeNoRead:
		return true
	default:
		return false
	}
}

// outOfScope tells whether one object is outside what a credential sees.
func outOfScope(err error) bool {
	switch code(err) {
	case codeOutOfScope, 50002, 60021, 60030:
		return true
	default:
		return false
	}
}

// missing tells whether the vendor says that the object is not there.
func missing(err error) bool {
	switch code(err) {
	case codeUserMissing, codeNoSuchUser, codeBadUserID, codeNoDepartment, codeBadParty:
		return true
	default:
		return false
	}
}
