package dingtalkbot

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// How long the platform wants silence. A robot that was too fast is blocked for
// ten minutes; an address that called too often for five.
const (
	robotPenalty   = 10 * time.Minute
	addressPenalty = 5 * time.Minute
)

func say(kind fault.Kind, sentence string) *fault.Error {
	return &fault.Error{Kind: kind, Say: sentence}
}

func limited(after time.Duration) *fault.Error {
	f := say(fault.Limited, "DingTalk asks to slow down / 钉钉要求放慢")
	f.After = after
	return f
}

func quotaFault() *fault.Error {
	return say(fault.Denied, "this organisation's monthly DingTalk quota is used up: nothing can be sent until next month, or until the quota is raised"+
		" / 本企业的钉钉月度额度已用完：要到下个月或扩容后才能发送")
}

func censored() *fault.Error {
	return say(fault.Denied, "DingTalk's content check stops the message / 钉钉的内容审核拦下了这条消息")
}

// punished tells whether it is the gateway's notice that our address has called
// too often; it comes with any status.
func (a *answer) punished() bool {
	var in struct {
		Status int    `json:"status"`
		Punish string `json:"punish"`
	}
	return json.Unmarshal(a.raw, &in) == nil && in.Status == 1111 && in.Punish != ""
}

// apiFault turns an answer of the /v1.0 family, {"code","message"} with an HTTP
// status, into a fault. The vendor's own text stays out of it: it may quote the
// message. Sources: the error tables of the pages of each call, and "global
// error codes".
func (a *answer) apiFault(cause error) *fault.Error {
	var in struct {
		Code   string `json:"code"`
		Denied struct {
			Scopes []string `json:"requiredScopes"`
		} `json:"accessdenieddetail"`
	}
	if json.Unmarshal(a.raw, &in) != nil || !codeShape.MatchString(in.Code) {
		in.Code = ""
	}
	f := apiMeaning(in.Code)
	switch {
	case a.punished():
		f = limited(addressPenalty)
	case strings.HasSuffix(in.Code, "AccessTokenPermissionDenied"):
		f = missingScope(in.Denied.Scopes)
	case f != nil:
	default:
		f = a.byStatus(in.Code)
	}
	f.Code, f.Err = in.Code, cause
	return f
}

// byStatus judges an answer whose code is unknown or missing.
func (a *answer) byStatus(code string) *fault.Error {
	switch {
	case a.status == http.StatusTooManyRequests:
		return limited(retryAfter(a.header))
	case a.status >= http.StatusInternalServerError || a.status == http.StatusRequestTimeout || a.status == http.StatusOK:
		return say(fault.Unavailable, "DingTalk is not available / 钉钉暂时不可用")
	case code == "":
		return say(fault.Credential, "that is not DingTalk's open platform: check api_url and oapi_url / 回答的不是钉钉开放平台，请核对 api_url 和 oapi_url")
	default:
		return say(fault.Invalid, "DingTalk refuses the message / 钉钉拒绝了这条消息")
	}
}

// missingScope names the permissions that the app lacks, as the platform calls
// them.
func missingScope(scopes []string) *fault.Error {
	scopes = slices.DeleteFunc(slices.Clone(scopes), func(s string) bool { return !codeShape.MatchString(s) })
	names := strings.Join(scopes, ", ")
	return fault.New(fault.Credential, "the DingTalk app lacks a permission: grant %s / 钉钉应用缺少权限：请开通 %s", names, names)
}

// apiMeaning knows the codes; nil for one that it does not know.
func apiMeaning(code string) *fault.Error {
	has := func(part string) bool { return strings.Contains(code, part) }
	switch {
	case has("ApiCountLimitForOrg"), has("90020"):
		return quotaFault()
	case has("QpmLimit"), code == "send.too.fast", code == "send.byToken.tooFast", code == "too.many.group":
		return limited(time.Minute)
	case has("QpsLimit"):
		return limited(time.Second)
	case code == "InvalidAuthentication":
		return say(fault.Credential, "DingTalk refuses even a new token: check client_id, client_secret and api_url"+
			" / 钉钉不接受刚换的令牌，请核对 client_id、client_secret 和 api_url")
	case has("IpNotInWhiteList"):
		return say(fault.Credential, "our address is not on the DingTalk app's IP allowlist / 本机出口 IP 不在钉钉应用的 IP 白名单")
	case code == "invalidParameter.robotCode.auth":
		return say(fault.Credential, "the robot is not of this DingTalk app: check robot_code / 机器人不属于这个钉钉应用，请核对 robot_code")
	case code == "invalidParameter.robotCode.notExsit", code == "invalidParameter.robotCode.invalid", code == "template.not.existed":
		return say(fault.Credential, "DingTalk does not know the robot: check robot_code, and whether the app is published"+
			" / 钉钉找不到这个机器人，请核对 robot_code，以及应用是否已发布")
	case code == "bot.stopped", code == "template.stopped":
		return say(fault.Denied, "the DingTalk robot is switched off / 钉钉机器人已停用")
	case has("contain.notAllowed"), code == "param.contentUnsafe":
		return censored()
	case has("tooLong"):
		return say(fault.Invalid, "the message is too long for DingTalk / 消息超过了钉钉的长度限制")
	case code == "resource.unavailable", code == "ServiceUnavailable", code == "system.busy":
		return say(fault.Unavailable, "DingTalk is not available / 钉钉暂时不可用")
	}
	return missing(code)
}

// missing knows what is not there.
func missing(code string) *fault.Error {
	switch code {
	case "invalid.openConversationId", "conversation.org.notMatch":
		return say(fault.NotFound, "DingTalk does not know the group, or the robot is not in it: check chat_id / 钉钉找不到这个群，或机器人不在群里：请核对 chat_id")
	case "param.userIdNotExist":
		return noSuchPerson()
	case "group.disbanded":
		return say(fault.NotFound, "the DingTalk group was dissolved / 钉钉群已经解散")
	case "param.cardNotExist":
		return say(fault.NotFound, "the card is no longer there / 那张卡片已经不在了")
	case "param.templateNotExist", "param.templateUnpublished":
		return say(fault.Invalid, "the card template does not exist or is not published: check card_template_id"+
			" / 卡片模板不存在或没有发布，请核对 card_template_id")
	case "param.cardAlreadyExist":
		return say(fault.Conflict, "the card was sent before / 卡片已经发过")
	}
	return nil
}

func noSuchPerson() *fault.Error {
	return say(fault.NotFound, "DingTalk does not know the person, or the robot cannot be seen by them: widen the app's visible range"+
		" / 钉钉找不到这个人，或机器人对其不可见：请扩大应用的可见范围")
}

// webhookFault turns an answer to a session webhook, errcode inside HTTP 200,
// into a fault, or nil. Sources: the vendor's pages "custom robot sends" and
// "global error codes"; 300001 is what an ended session gives.
func (a *answer) webhookFault() *fault.Error {
	if a.punished() {
		return limited(addressPenalty)
	}
	var in struct {
		Code    *number `json:"errcode"`
		SubCode string  `json:"sub_code"`
	}
	if json.Unmarshal(a.raw, &in) != nil || in.Code == nil {
		return a.byStatus("")
	}
	if *in.Code == 0 && in.SubCode == "" {
		return nil
	}
	code := strconv.FormatInt(int64(*in.Code), 10)
	if code == "88" && codeShape.MatchString(in.SubCode) {
		code = in.SubCode
	}
	f := webhookMeaning(code)
	f.Code = code
	return f
}

func webhookMeaning(code string) *fault.Error {
	switch code {
	case "130101", "410100":
		return limited(robotPenalty)
	case "90018", "90002", "90006":
		return limited(2 * time.Second)
	case "90020", "20001":
		return quotaFault()
	case "300001", "300005", "400101":
		return say(fault.NotFound, "the session of the message is over / 会话回复已过期")
	case "400013":
		return say(fault.NotFound, "the DingTalk group was dissolved / 钉钉群已经解散")
	case "400102", "400106":
		return say(fault.Denied, "the DingTalk robot is switched off or not in the group / 钉钉机器人已停用或不在群里")
	case "40001", "40014", "41001", "42001":
		return say(fault.Credential, "DingTalk refuses even a new token: check client_id, client_secret and oapi_url"+
			" / 钉钉不接受刚换的令牌，请核对 client_id、client_secret 和 oapi_url")
	case "43007", "60011":
		return say(fault.Credential, "the DingTalk app lacks a permission: grant qyapi_base / 钉钉应用缺少权限：请开通 qyapi_base")
	case "430101", "430102", "430103", "430104":
		return censored()
	case "460101", "101002":
		return say(fault.Invalid, "the message is too long for DingTalk / 消息超过了钉钉的长度限制")
	case "-1":
		return say(fault.Unavailable, "DingTalk is busy / 钉钉繁忙")
	default:
		return say(fault.Invalid, "DingTalk refuses the message / 钉钉拒绝了这条消息")
	}
}

// retryAfter reads the seconds that a gateway asks to wait: at least one.
func retryAfter(h http.Header) time.Duration {
	n, err := strconv.Atoi(strings.TrimSpace(h.Get("Retry-After")))
	if err != nil || n < 1 {
		n = 1
	}
	return min(time.Duration(min(n, 3600))*time.Second, robotPenalty)
}
