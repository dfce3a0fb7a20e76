package feishubot

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
)

const (
	maxHold      = time.Minute // how long the vendor can make us wait
	maxScopes    = 5           // permissions that one sentence names
	missingScope = 99991672
)

// fault turns a refusal into a fault. The vendor's own text stays out of it: it
// may quote the message. Sources of the codes: the error tables of the pages
// "send message", "reply", "update card", and the page of generic error codes.
func (a *answer) fault() *fault.Error {
	if a.Code == nil {
		return a.codeless()
	}
	code := *a.Code
	f := meaning(code)
	switch {
	case f != nil && code == missingScope && len(a.scopes()) > 0:
		names := strings.Join(a.scopes(), ", ")
		f = fault.New(fault.Credential,
			"the Feishu app lacks a permission: grant one of %s in the developer console and publish a version"+
				" / 飞书应用缺少权限：请在开发者后台开通其中一个：%s，并发布新版本", names, names)
	case f != nil:
	case a.status == http.StatusTooManyRequests:
		f = slower()
	case a.status >= http.StatusInternalServerError:
		f = fault.New(fault.Unavailable, "Feishu is not available / 飞书暂时不可用")
	default:
		f = fault.New(fault.Invalid, "Feishu refuses the message / 飞书拒绝了这条消息")
	}
	f.Code = strconv.Itoa(code)
	if f.Kind == fault.Limited {
		f.After = resetAfter(a.header)
	}
	return f
}

// scopeShape is how the platform writes a permission.
var scopeShape = regexp.MustCompile(`^[a-z0-9_.:-]{1,80}$`)

// scopes gives the permissions that the platform says are missing: any one of
// them would do.
func (a *answer) scopes() []string {
	var out []string
	for _, v := range a.Detail.Violations {
		if scopeShape.MatchString(v.Subject) && len(out) < maxScopes {
			out = append(out, v.Subject)
		}
	}
	return out
}

// codeless judges an answer that is not the vendor's JSON: a proxy, a crash.
func (a *answer) codeless() *fault.Error {
	switch {
	case a.status == http.StatusTooManyRequests:
		f := slower()
		f.After = resetAfter(a.header)
		return f
	case a.status >= 300 && a.status < 500 && a.status != http.StatusRequestTimeout:
		return fault.New(fault.Credential,
			"that is not Feishu's open platform (HTTP %d): check base_url / 回答的不是飞书开放平台（HTTP %d），请核对 base_url", a.status, a.status)
	default:
		return fault.New(fault.Unavailable, "Feishu is not available (HTTP %d) / 飞书暂时不可用（HTTP %d）", a.status, a.status)
	}
}

func slower() *fault.Error {
	return fault.New(fault.Limited, "Feishu asks to slow down / 飞书要求放慢")
}

// meaning knows the codes; nil for one that it does not know.
func meaning(code int) *fault.Error {
	for _, table := range []func(int) *fault.Error{waiting, credential, denied, missing, oversize} {
		if f := table(code); f != nil {
			return f
		}
	}
	return nil
}

// waiting knows what passes by itself.
func waiting(code int) *fault.Error {
	switch code {
	case 99991400, 230020, 11232:
		return slower()
	case 230049: // the message with this key is being sent at this moment
		return fault.New(fault.Unavailable, "Feishu is still sending it / 飞书正在发送这条消息")
	}
	return nil
}

// credential knows what an admin of the tenant must change.
func credential(code int) *fault.Error {
	switch code {
	case 99991661, 99991663, 99991664, 99991671:
		return fault.New(fault.Credential,
			"Feishu rejects even a new token: check app_id, app_secret and base_url / 飞书不接受刚换的令牌，请核对 app_id、app_secret 和 base_url")
	case missingScope, 99991676, 230027:
		return fault.New(fault.Credential,
			"the Feishu app lacks a permission: grant im:message:send_as_bot and publish a version"+
				" / 飞书应用缺少权限：请开通 im:message:send_as_bot 并发布新版本")
	case 230006, 234007:
		return fault.New(fault.Credential,
			"the Feishu app has no bot: add the bot capability and publish a version / 飞书应用没有机器人：请添加机器人能力并发布新版本")
	case 99991401:
		return fault.New(fault.Credential,
			"our address is not on the Feishu app's IP allowlist / 本机出口 IP 不在飞书应用的 IP 白名单")
	case 10014, 99991662, 99991673:
		return fault.New(fault.Credential, "the Feishu app is not enabled in the tenant / 飞书应用没有在企业内启用")
	}
	return nil
}

// denied knows where the bot may not speak.
func denied(code int) *fault.Error {
	switch code {
	case 230002:
		return fault.New(fault.Denied, "the bot is not in the group: add it / 机器人不在群里：请把它加进群")
	case 230013:
		return fault.New(fault.Denied, "the person is outside the app's availability range: widen it in the developer console"+
			" / 这个人不在应用的可用范围内：请在开发者后台扩大可用范围")
	case 230053:
		return fault.New(fault.Denied, "the person has stopped messages of the bot / 这个人停用了机器人的消息")
	case 230018, 230035, 230050:
		return fault.New(fault.Denied, "the group does not let the bot speak / 群设置不让机器人发言")
	case 230022, 230028:
		return fault.New(fault.Denied, "Feishu's content check stops the message / 飞书的内容审核拦下了这条消息")
	}
	return nil
}

// missing knows what is no longer there.
func missing(code int) *fault.Error {
	switch code {
	case 230011, 230110, 230019, 99992354:
		return fault.New(fault.NotFound, "the message is no longer there / 那条消息已经不在了")
	case 232009:
		return fault.New(fault.NotFound, "the group was dissolved / 群已经解散")
	case 99992351, 99992352, 99992353, 99992360, 99992361, 99992363, 99992364, 230034:
		return fault.New(fault.NotFound, "Feishu does not know the person by this id: an open_id is of one app"+
			" / 飞书里没有这个标识对应的人：open_id 只在一个应用内有效")
	}
	return nil
}

// oversize knows what must be said in another form, or in parts: the ladder then
// takes its next step.
func oversize(code int) *fault.Error {
	switch code {
	case 230025:
		return fault.New(fault.Invalid, "the message is too long for Feishu / 消息超过了飞书的长度限制")
	case 230099, 11310, 300305, 200621, 200861:
		return fault.New(fault.Invalid, "Feishu refuses the card / 飞书拒绝了这张卡片")
	case 234006:
		return fault.New(fault.Invalid, "the file is larger than the 30 MB that Feishu takes / 文件超过了飞书的 30 MB 上限")
	case 234010:
		return fault.New(fault.Invalid, "the file is empty / 文件是空的")
	}
	return nil
}

// coded tells whether a fault has one of the vendor's codes.
func coded(err error, codes ...string) bool {
	f, ok := errors.AsType[*fault.Error](err)
	return ok && slices.Contains(codes, f.Code)
}

// censored tells whether the words themselves are the reason.
func censored(err error) bool { return coded(err, "230022", "230028") }

// resetAfter reads the seconds that the gateway asks to wait: at least one, at
// most maxHold.
func resetAfter(h http.Header) time.Duration {
	n, err := strconv.Atoi(strings.TrimSpace(h.Get("X-Ogw-Ratelimit-Reset")))
	if err != nil || n < 1 {
		n = 1
	}
	return time.Duration(min(n, int(maxHold/time.Second))) * time.Second
}
