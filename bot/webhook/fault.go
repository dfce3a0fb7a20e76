package webhook

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// robotMark stands for the robot's name in the sentences below.
const robotMark = "{robot}"

// How long platforms want silence.
const (
	dingTalkPenalty = 10 * time.Minute
	minute          = time.Minute
	maxHold         = 10 * time.Minute
)

func say(kind fault.Kind, sentence string) *fault.Error {
	return &fault.Error{Kind: kind, Say: sentence}
}

func limited(after time.Duration) *fault.Error {
	f := say(fault.Limited, "the group robot {robot} is asked to slow down / 平台要求群机器人 {robot} 放慢")
	f.After = after
	return f
}

// unknown judges an answer by its HTTP status alone.
func unknown(a answer) *fault.Error {
	switch {
	case a.status == http.StatusTooManyRequests:
		return limited(resetAfter(a.header))
	case a.status >= http.StatusInternalServerError || a.status == http.StatusRequestTimeout:
		return say(fault.Unavailable, "the platform of the group robot {robot} is not available / 群机器人 {robot} 的平台暂时不可用")
	case a.code != "":
		return say(fault.Invalid, "the message of the group robot {robot} is refused / 群机器人 {robot} 的消息被拒绝")
	case a.status >= http.StatusMultipleChoices:
		return say(fault.Credential, "what answers at the url of the group robot {robot} is not its platform: check the url"+
			" / 群机器人 {robot} 的网址上回答的不是该平台，请核对 url")
	default:
		return say(fault.Unavailable, "the answer to the group robot {robot} makes no sense / 群机器人 {robot} 得到的回答无法识别")
	}
}

// The faults that several platforms have.
func badURL() *fault.Error {
	return say(fault.Credential, "the url of the group robot {robot} is not valid any more: copy it again from the group's settings"+
		" / 群机器人 {robot} 的网址已失效，请从群设置里重新复制")
}

func badSign() *fault.Error {
	return say(fault.Credential, "the signature of the group robot {robot} is not accepted: check its secret, and this machine's clock"+
		" / 群机器人 {robot} 的签名不对，请核对 secret 和本机时间")
}

func badKeyword() *fault.Error {
	return say(fault.Credential, "the group robot {robot} asks for a keyword: set keyword as in the group's settings"+
		" / 群机器人 {robot} 要求关键词，请按群设置填写 keyword")
}

func badIP() *fault.Error {
	return say(fault.Credential, "our address is not on the IP list of the group robot {robot} / 本机出口 IP 不在群机器人 {robot} 的白名单里")
}

func stopped() *fault.Error {
	return say(fault.Denied, "the group robot {robot} is switched off or not in the group / 群机器人 {robot} 已停用或不在群里")
}

func censored() *fault.Error {
	return say(fault.Denied, "the platform's content check stops the message of {robot} / 平台的内容审核拦下了 {robot} 的消息")
}

func tooLong() *fault.Error {
	return say(fault.Invalid, "the message of {robot} is too long / {robot} 的消息太长")
}

func busy() *fault.Error {
	return say(fault.Unavailable, "the platform of the group robot {robot} is busy / 群机器人 {robot} 的平台繁忙")
}

func quota() *fault.Error {
	return say(fault.Denied, "the organisation's monthly DingTalk quota is used up: {robot} stays silent until next month, or until the quota is raised"+
		" / 企业的钉钉月度额度已用完：{robot} 要到下个月或扩容后才能发言")
}

// feishuMeaning knows the codes of Feishu's custom bots. Source: the vendor's
// page "custom bot usage guide".
func feishuMeaning(a answer) *fault.Error {
	switch a.code {
	case "19021":
		return badSign()
	case "19022":
		return badIP()
	case "19024":
		return badKeyword()
	case "19001", "19003":
		return badURL()
	case "19036":
		return tooLong()
	case "11232", "99991400":
		return limited(max(resetAfter(a.header), 5*time.Second))
	case "9499":
		if strings.Contains(strings.ToLower(a.text), "too many") {
			return limited(minute)
		}
		return say(fault.Invalid, "Feishu calls the message of {robot} a bad request / 飞书认为 {robot} 的消息格式或大小不对")
	case "230028":
		return censored()
	}
	return nil
}

// dingTalkMeaning knows the codes of DingTalk's custom robots. Source: the
// vendor's pages "custom robot sends" and "global error codes".
func dingTalkMeaning(a answer) *fault.Error {
	switch a.code {
	case "310000":
		return dingTalkSecurity(a.text)
	case "410100", "130101":
		return limited(dingTalkPenalty)
	case "90018", "90002", "90006":
		return limited(2 * time.Second)
	case "90020":
		return quota()
	case "300001", "300005", "400101":
		return badURL()
	case "400013":
		return say(fault.NotFound, "the group of the robot {robot} was dissolved / 群机器人 {robot} 所在的群已经解散")
	case "400102", "400106":
		return stopped()
	case "430101", "430102", "430103", "430104":
		return censored()
	case "460101", "101002":
		return tooLong()
	case "-1":
		return busy()
	}
	if n, err := strconv.Atoi(a.code); err == nil && n >= 90001 && n <= 90017 {
		return say(fault.Denied, "DingTalk has banned the calls of {robot} / 钉钉禁止了 {robot} 的调用")
	}
	return nil
}

// dingTalkSecurity tells the four security settings apart, in the older English
// words and in the newer Chinese ones.
func dingTalkSecurity(text string) *fault.Error {
	lower := strings.ToLower(text)
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(lower, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("keyword", "关键词"):
		return badKeyword()
	case has("whitelist", "白名单"):
		return badIP()
	case has("timestamp", "过期"):
		return say(fault.Credential, "DingTalk finds the time of the signature of {robot} wrong: set this machine's clock"+
			" / 钉钉认为 {robot} 签名的时间不对，请校准本机时间")
	default:
		return badSign()
	}
}

// weComMeaning knows the codes of WeCom's group robots. Source: the vendor's
// pages "group robot" and "global error codes".
func weComMeaning(a answer) *fault.Error {
	switch a.code {
	case "93000":
		return badURL()
	case "93004", "93008":
		return stopped()
	case "45009":
		return limited(minute)
	case "45033":
		return limited(time.Second)
	case "-1", "6000":
		return busy()
	case "60020":
		return badIP()
	case "45002":
		return tooLong()
	}
	return nil
}

// resetAfter reads how many seconds a platform asks to wait, at least one.
func resetAfter(h http.Header) time.Duration {
	for _, name := range []string{"X-Ogw-Ratelimit-Reset", "Retry-After"} {
		if n, err := strconv.Atoi(strings.TrimSpace(h.Get(name))); err == nil && n > 0 {
			return min(time.Duration(min(n, 3600))*time.Second, maxHold)
		}
	}
	return time.Second
}
