package configs

import (
	"regexp"
	"strings"
)

// tenant checks a Feishu system's section.
func (c *checker) tenant(path string, f *FeishuSystem) {
	c.base(child(path, "base_url"), &f.BaseURL)
	if f.Resurrect && f.UserIDType == "open_id" {
		c.err(child(path, "resurrect"), say("需要 user_id_type: user_id：open_id 说不出回来的是谁", "needs user_id_type: user_id: an open id does not say who returns"))
	}
	c.acceptor(child(path, "acceptor"), f)
	field := regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}(:(text|href|enum|user))?$`)
	for _, id := range f.CustomAttributes {
		switch {
		case !field.MatchString(id):
			c.err(child(path, "custom_attributes"), say("%s 不是自定义字段的 id：写 C-…，可带 :text、:href、:enum 或 :user", "%s is no id of a custom field: write C-…, alone or with :text, :href, :enum or :user", short(id)))
		case strings.HasSuffix(id, ":user") && f.UserIDType == "open_id":
			c.err(child(path, "custom_attributes"), say("%s 需要 user_id_type: user_id：飞书在自定义字段里用 user_id 指人", "%s needs user_id_type: user_id, by which Feishu names people in custom fields", short(id)))
		}
	}
}

// acceptor checks who takes over from the deleted: an id, leader, or leader and an
// id.
func (c *checker) acceptor(path string, f *FeishuSystem) {
	first, rest, more := strings.Cut(f.Acceptor, ",")
	id := strings.TrimSpace(first)
	if id == "leader" {
		if !more {
			return
		}
		id = strings.TrimSpace(rest)
	} else if more {
		id = ""
	}
	switch {
	case f.Acceptor == "":
	case id == "" || id == "leader" || strings.ContainsAny(id, ", \t"):
		c.err(path, say("只能是一个人的 id、leader，或 leader, 一个 id", "must be one id, leader, or leader and one id (leader, u_it)"))
	case strings.HasPrefix(id, "ou_") != (f.UserIDType == "open_id"):
		c.err(path, say("%s 不是 %s，请按 user_id_type 填写", "%s is no %s: write the kind of id that user_id_type says", short(id), f.UserIDType))
	}
}
