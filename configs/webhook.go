package configs

import (
	"net/url"
	"slices"
	"strings"
)

// Webhook is a signed group robot. It carries digests and notices, and speaks
// when the app bot cannot.
type Webhook struct {
	// Name is the key under webhooks.
	Name string `yaml:"-"`
	// Place is where the name stands in the file.
	Place Place `yaml:"-"`
	// Type is feishu, dingtalk or wecom.
	Type string `yaml:"type" jsonschema:"required,enum=feishu,enum=dingtalk,enum=wecom"`
	// URL is the whole address with its token: a secret.
	URL Secret `yaml:"url" jsonschema:"required"`
	// Secret signs each message. Not set: no signature. WeCom has none.
	Secret Secret `yaml:"secret"`
	// Keyword is put into every message. Empty: none. WeCom has none.
	Keyword string `yaml:"keyword"`
}

// webhookHosts are the vendors' own hosts of group robots.
func webhookHosts(typ string) []string {
	switch typ {
	case "feishu":
		return []string{"open.feishu.cn", "open.larksuite.com"}
	case "dingtalk":
		return []string{"oapi.dingtalk.com"}
	case "wecom":
		return []string{"qyapi.weixin.qq.com"}
	default:
		return nil
	}
}

// webhooks checks the group robots.
func (c *checker) webhooks() {
	c.names("webhooks", namesOf(c.cfg.Webhooks, func(w Webhook) string { return w.Name }))
	used := namesOf(c.cfg.Rooms, func(r Room) string { return r.Webhook })
	for i := range c.cfg.Webhooks {
		w := &c.cfg.Webhooks[i]
		path := child("webhooks", w.Name)
		if w.URL.IsSet() {
			c.hook(child(path, "url"), w)
		}
		if w.Type == "wecom" && c.has(child(path, "secret")) {
			c.err(child(path, "secret"), say("企业微信的群机器人没有签名；请删掉", "group robots of WeCom have no signature; remove it"))
		}
		if w.Type == "wecom" && w.Keyword != "" {
			c.err(child(path, "keyword"), say("企业微信的群机器人没有关键词；请删掉", "group robots of WeCom have no keyword; remove it"))
		}
		if !slices.Contains(used, w.Name) {
			c.warn(path, say("没有群使用它；请写到某个 rooms[].webhook", "no room uses it; name it in a rooms[].webhook"))
		}
	}
}

// hook checks the address of a group robot. It is a secret and never shown.
func (c *checker) hook(path string, w *Webhook) {
	u, err := url.Parse(w.URL.Reveal())
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		c.err(path, say("不是完整的 https 网址；请从群机器人的设置里复制", "is not a full https URL; copy it from the settings of the group robot"))
		return
	}
	hosts := append(webhookHosts(w.Type), c.hostsOf(w.Type)...)
	if w.Type != "" && !loopback(u.Hostname()) && !slices.Contains(hosts, u.Host) {
		c.err(path, say("主机名不属于 %s；应该是 %s", "the host is not one of %s; it should be %s", w.Type, strings.Join(hosts, " / ")))
	}
}

// hostsOf gives the hosts of the configured systems of a type, for tenants
// with addresses of their own.
func (c *checker) hostsOf(typ string) []string {
	var hosts []string
	for i := range c.cfg.Systems {
		s := &c.cfg.Systems[i]
		if s.Type != typ {
			continue
		}
		base := ""
		switch {
		case s.Feishu != nil:
			base = s.Feishu.BaseURL
		case s.WeCom != nil:
			base = s.WeCom.BaseURL
		case s.DingTalk != nil:
			base = s.DingTalk.OAPIURL
		}
		if u, err := url.Parse(base); err == nil && u.Host != "" && !slices.Contains(webhookHosts(typ), u.Host) {
			hosts = append(hosts, u.Host)
		}
	}
	return hosts
}
