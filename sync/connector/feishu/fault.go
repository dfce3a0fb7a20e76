package feishu

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// lockWait is how long to leave alone what another change of the tenant locks.
const lockWait = 3 * time.Second

// verdict is what a code means: what should happen next, and a sentence.
type verdict struct {
	kind   fault.Kind
	zh, en string
}

// fault turns a refusal into a fault. The vendor's own text stays out of it: it
// may hold a person's number or address.
func (r *request) fault(a *answer) *fault.Error {
	if a.Code == nil || *a.Code == 0 {
		return r.codeless(a)
	}
	v, known := verdictOf(*a.Code)
	if !known {
		v = r.unknown(a)
	}
	if r.writes() && unfinished(*a.Code) {
		v = verdict{fault.InDoubt, "飞书处理时出错，不知道是否生效", "Feishu failed while working: it may or may not have happened"}
	}
	f := fault.New(v.kind, "%s / %s", v.zh+a.detail("：", "、"), v.en+a.detail(": ", ", "))
	f.Code = strconv.Itoa(*a.Code)
	if a.logID != "" {
		f.Err = errors.New("feishu log id " + clean(a.logID))
	}
	switch {
	case f.Kind == fault.Limited:
		f.After = resetAfter(a.header)
	case f.Kind == fault.Unavailable && locked(*a.Code):
		f.After = lockWait
	}
	return f
}

// codeless judges an answer that is not the vendor's JSON: a proxy, a crash.
func (r *request) codeless(a *answer) *fault.Error {
	switch {
	case a.status == http.StatusTooManyRequests:
		f := fault.New(fault.Limited, "飞书要求放慢（HTTP 429） / Feishu asks to slow down (HTTP 429)")
		f.After = resetAfter(a.header)
		return f
	case a.status >= 300 && a.status < 500 && a.status != http.StatusRequestTimeout:
		return fault.New(fault.Invalid, "回答的不是飞书开放平台（HTTP %d），请核对 base_url / that is not Feishu's open platform (HTTP %d): check base_url", a.status, a.status)
	case r.writes():
		return fault.New(fault.InDoubt, "飞书的回答无法识别（HTTP %d），不知道是否生效 / Feishu's answer makes no sense (HTTP %d): it may or may not have happened", a.status, a.status)
	default:
		return fault.New(fault.Unavailable, "飞书暂时不可用（HTTP %d） / Feishu is not available (HTTP %d)", a.status, a.status)
	}
}

// unknown judges a code that is in no table.
func (r *request) unknown(a *answer) verdict {
	switch {
	case a.status >= 500 && r.writes():
		return verdict{fault.InDoubt, "飞书出错，不知道是否生效", "Feishu failed: it may or may not have happened"}
	case a.status >= 500:
		return verdict{fault.Unavailable, "飞书暂时不可用", "Feishu is not available"}
	default:
		return verdict{fault.Invalid, "飞书拒绝了请求", "Feishu refuses the request"}
	}
}

// detail names the missing permissions or the offending fields; never values.
func (a *answer) detail(colon, comma string) string {
	var names []string
	for _, s := range a.Err.Scopes {
		names = append(names, clean(s.Subject))
	}
	for _, f := range a.Err.Fields {
		names = append(names, clean(f.Field))
	}
	if len(names) == 0 {
		return ""
	}
	if len(names) > 8 {
		names = append(names[:8], "…")
	}
	return colon + strings.Join(names, comma)
}

// clean keeps what names of fields and permissions are made of.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("._:-[]", r):
			return r
		default:
			return -1
		}
	}, s)
	if len(s) > 80 {
		s = s[:80]
	}
	return s
}

// unfinished tells whether the vendor failed while it was at work.
func unfinished(code int) bool { return code == 40003 || code == 41027 }

// locked tells whether another change of the tenant is in the way.
func locked(code int) bool { return code == 44025 || code == 43024 || code == 43030 }

// badPageToken tells whether a listing must begin again.
func badPageToken(err error) bool { return hasCode(err, "40012", "40040") }

// outOfRange tells whether the app's contact range is the reason.
func outOfRange(err error) bool { return hasCode(err, "40004", "40014", "41050") }

func hasCode(err error, codes ...string) bool {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return false
	}
	return slices.Contains(codes, f.Code)
}
