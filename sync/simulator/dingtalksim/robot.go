package dingtalksim

import (
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The pace of a custom group robot.
const (
	robotPace    = 20
	robotPenalty = 10 * time.Minute
)

// RobotOptions are the settings of a custom group robot. Several security
// settings hold together; a robot without any takes everything.
type RobotOptions struct {
	Conversation string   // the group it speaks in; "" files its messages under its token
	Secret       string   // 加签; "" = none
	Keywords     []string // a message holds at least one; empty = none asked
	IPs          []string // IPv4 addresses or CIDRs; empty = any; what is neither never matches
	Stopped      bool     // switched off by an admin
	// NewWords makes refusals read like the newer documents
	// ("description:…;solution:…"), instead of the older English ones.
	NewWords bool
	// TextErrcode sends errcode as a string, as the documents' sample does.
	TextErrcode bool
	// RateCode is the code of too many messages: 130101 (default), or 410100
	// as the current documents say.
	RateCode int
}

// robot is a custom group robot and what it has sent.
type robot struct {
	opts    RobotOptions
	sent    []time.Time // in the last minute
	blocked time.Time   // refused until then
	uuids   []string    // the latest msgUuids
}

// AddRobot adds a custom group robot under its access token, or replaces one.
func (s *Sim) AddRobot(accessToken string, o RobotOptions) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.robots[accessToken] = &robot{opts: o}
}

// RemoveRobot takes a custom group robot away: its token exists no more.
func (s *Sim) RemoveRobot(accessToken string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.robots, accessToken)
}

// serveRobot takes a message of a custom group robot. The HTTP status is
// always 200.
func (s *Sim) serveRobot(r *request) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := r.URL.Query().Get("access_token")
	bot, known := s.robots[key]
	if !known {
		return oapiError(codeNoToken, "token is not exist")
	}
	verdict := s.robotSend(key, bot, r)
	if verdict.code == codeMonthlyQuota {
		return oapiGatewayError(strconv.Itoa(verdict.code), verdict.message)
	}
	if !bot.opts.TextErrcode {
		return oapiError(verdict.code, verdict.message)
	}
	return answer{status: http.StatusOK, body: map[string]any{
		"errcode": strconv.Itoa(verdict.code), "errmsg": verdict.message,
	}}
}

// robotSend checks in the order: switched off, pace, envelope, security,
// content. Only messages that are accepted count against the pace.
func (s *Sim) robotSend(key string, bot *robot, r *request) refusal {
	now := s.opts.Now()
	if bot.opts.Stopped {
		return refusal{codeStopped, "机器人已停用"}
	}
	if bot.tooFast(now) {
		return refusal{either(bot.opts.RateCode, codeRate), "send too fast, exceed 20 times per minute"}
	}
	o, refused := readBody(r)
	if refused.code != 0 {
		return refused
	}
	m, unreadable := readMessage(o)
	if refused := bot.insecure(r, m, now); refused.code != 0 {
		return refused
	}
	if unreadable.code != 0 {
		return unreadable
	}
	if id := o.text("msgUuid"); id != "" {
		if slices.Contains(bot.uuids, id) {
			return refusal{message: "ok"} // sent already: a repeat is a success
		}
		bot.uuids = keepLast(append(bot.uuids, id), keep)
	}
	if !s.spendMessage() {
		return refusal{codeMonthlyQuota, "企业本月webhook调用量已用完"}
	}
	bot.sent = append(bot.sent, now)
	m.ID, m.Via, m.Conversation = newID("msg"), ViaRobot, key
	if c, found := s.group(bot.opts.Conversation); found {
		m.Conversation = c.id
	}
	s.record(m)
	return refusal{message: "ok"}
}

// tooFast tells whether the robot is blocked, and blocks it when this message
// is one too many.
func (b *robot) tooFast(now time.Time) bool {
	if now.Before(b.blocked) {
		return true
	}
	b.sent = within(b.sent, now, time.Minute)
	if len(b.sent) < robotPace {
		return false
	}
	b.blocked, b.sent = now.Add(robotPenalty), nil
	return true
}

// insecure checks the robot's security settings.
func (b *robot) insecure(r *request, m Message, now time.Time) refusal {
	if b.opts.Secret != "" {
		q := r.URL.Query()
		timestamp := q.Get("timestamp")
		if !fresh(timestamp, now) {
			return b.refuse("invalid timestamp", "机器人发送签名过期", "请确认服务器时间与北京时间一致")
		}
		want := signature(timestamp, b.opts.Secret)
		if subtle.ConstantTimeCompare([]byte(q.Get("sign")), []byte(want)) != 1 {
			return b.refuse("sign not match", "机器人发送签名不匹配", "请确认签名和生成签名的时间戳都放在调用的网址中")
		}
	}
	if len(b.opts.Keywords) > 0 && !containsAny(m.words(), b.opts.Keywords) {
		return b.refuse("keywords not in content", "关键词不匹配", "请在消息中加入设置的关键词")
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	if len(b.opts.IPs) > 0 && !listed(host, b.opts.IPs) {
		return b.refuse("ip "+host+" not in whitelist", "来源IP不在白名单内:"+host, "请把该IP加入白名单")
	}
	return refusal{}
}

func (b *robot) refuse(old, description, solution string) refusal {
	if b.opts.NewWords {
		return refusal{codeSecurity, "description:" + description + ";solution:" + solution + ";link:请参考本接口对应文档;"}
	}
	return refusal{codeSecurity, old}
}

func containsAny(text string, words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
}

// listed tells whether an IPv4 address is in a list of addresses and CIDRs.
func listed(host string, list []string) bool {
	ip, err := netip.ParseAddr(host)
	if err != nil || !ip.Unmap().Is4() {
		return false
	}
	ip = ip.Unmap()
	return slices.ContainsFunc(list, func(entry string) bool {
		if one, err := netip.ParseAddr(entry); err == nil {
			return one == ip
		}
		many, err := netip.ParsePrefix(entry)
		return err == nil && many.Contains(ip)
	})
}
