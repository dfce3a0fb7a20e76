package configs

import (
	"regexp"
	"strings"
)

// Bots are the chat sides of the platforms; nil: no bot on that platform.
type Bots struct {
	Feishu   *FeishuBot   `yaml:"feishu"`
	DingTalk *DingTalkBot `yaml:"dingtalk"`
}

// FeishuBot is the app bot of a Feishu tenant.
type FeishuBot struct {
	// System gives credentials and base URL. Default feishu.
	System string `yaml:"system" jsonschema:"default=feishu"`
	// Receive is connection (default: the long connection) or callback (HTTP).
	Receive string `yaml:"receive" jsonschema:"enum=connection,enum=callback,default=connection"`
	// EncryptKey and VerificationToken are both required for callback.
	EncryptKey        Secret `yaml:"encrypt_key"`
	VerificationToken Secret `yaml:"verification_token"`
}

// DingTalkBot is the app robot of a DingTalk corp.
type DingTalkBot struct {
	// System gives credentials and base URLs. Default dingtalk.
	System string `yaml:"system" jsonschema:"default=dingtalk"`
	// Receive is stream (default) or callback (HTTP), which cannot approve:
	// its signature does not cover the body.
	Receive string `yaml:"receive" jsonschema:"enum=stream,enum=callback,default=stream"`
	// RobotCode names the robot. Default: the client id of the system.
	RobotCode string `yaml:"robot_code" ref:"env"`
	// Name is what people call the robot by in a group; buttons then mention it
	// in the command that they send. Empty: they rely on the client to do so.
	Name string `yaml:"name"`
	// CardTemplateID is an interactive card; empty: plain action cards.
	CardTemplateID string `yaml:"card_template_id" ref:"env"`
	// MonthlyCalls is the edition's quota of interface calls in a calendar month;
	// the free edition has 5000. Rollcall warns at 80 % and 95 % of it. Default 0:
	// not watched.
	MonthlyCalls int `yaml:"monthly_calls" jsonschema:"default=0,minimum=0,maximum=1000000000"`
	// CorpID pins the corp; required for callback.
	CorpID string `yaml:"corp_id" ref:"env"`
	// CallbackPath is the unguessable path of the callback, from its leading
	// slash; its last part has at least 16 random characters. Required for
	// callback. A secret: whoever knows it can post to it.
	CallbackPath Secret `yaml:"callback_path"`
}

// callback tells whether a receive mode is HTTP.
const callback = "callback"

// minPath is the least length of the random part of a callback path.
const minPath = 16

var pathShape = regexp.MustCompile(`^(/[A-Za-z0-9_-]+)+$`)

// bots checks the bots against their systems.
func (c *checker) bots() {
	if b := c.cfg.Bots.Feishu; b != nil {
		c.botSystem("bots.feishu", b.System, "feishu")
		if b.Receive == callback {
			c.need("bots.feishu.encrypt_key", b.EncryptKey.IsSet())
			c.need("bots.feishu.verification_token", b.VerificationToken.IsSet())
			c.needPublicURL("bots.feishu.receive")
		}
	}
	b := c.cfg.Bots.DingTalk
	if b == nil {
		return
	}
	if s, ok := c.botSystem("bots.dingtalk", b.System, "dingtalk"); ok && b.RobotCode == "" {
		b.RobotCode = s.DingTalk.ClientID
	}
	if b.Receive == callback {
		c.need("bots.dingtalk.corp_id", b.CorpID != "")
		c.need("bots.dingtalk.callback_path", b.CallbackPath.IsSet())
		c.needPublicURL("bots.dingtalk.receive")
	}
	if b.CallbackPath.IsSet() && !unguessable(b.CallbackPath.Reveal()) {
		c.err("bots.dingtalk.callback_path", say("要以 / 开头，最后一段至少 %d 个随机的字母或数字；可以用 openssl rand -hex 16 生成", "must begin with / and end in at least %d random letters or digits; make them by openssl rand -hex 16", minPath))
	}
}

// unguessable tells whether a path ends in something that looks random.
func unguessable(path string) bool {
	if !pathShape.MatchString(path) {
		return false
	}
	last := path[strings.LastIndex(path, "/")+1:]
	different := map[rune]bool{}
	for _, r := range last {
		different[r] = true
	}
	return len(last) >= minPath && len(different) >= minPath/2
}

// botSystem finds the system of a bot and checks its type.
func (c *checker) botSystem(path, name, typ string) (*System, bool) {
	s, ok := c.cfg.System(name)
	if !ok {
		c.err(child(path, "system"), say("systems 里没有 %s%s", "there is no system %s%s", short(name), didYouMean(name, c.systemNames())))
		return nil, false
	}
	if s.Type == typ {
		return s, s.body() != nil
	}
	if s.Type != "" {
		c.err(child(path, "system"), say("系统 %s 的类型是 %s，这里要 %s", "the system %s is of type %s; this bot needs %s", short(name), short(s.Type), typ))
	}
	return nil, false
}

// need reports a key that HTTP callbacks cannot do without.
func (c *checker) need(path string, given bool) {
	if !given && !c.reported(path) {
		c.err(path, say("receive: callback 时必须填写，否则任何人都能伪造消息", "is required with receive: callback, or anybody could forge messages"))
	}
}

// needPublicURL reminds of the address that the platform will call.
func (c *checker) needPublicURL(path string) {
	if c.cfg.Server.PublicURL == "" && !c.has("server.public_url") {
		c.warn(path, say("用 HTTP 回调时请填写 server.public_url", "with HTTP callbacks, fill in server.public_url"))
	}
}
