package configs

import "strings"

// Room is a chat group, bound by its id to flows.
type Room struct {
	// Place is where the room stands in the file.
	Place Place `yaml:"-"`
	// Name is unique among rooms.
	Name string `yaml:"name" jsonschema:"required"`
	// Platform is feishu, dingtalk or wecom; a wecom room has a webhook and no
	// bot: it hears digests and notices.
	Platform string `yaml:"platform" jsonschema:"required,enum=feishu,enum=dingtalk,enum=wecom"`
	// ChatID is the chat_id (oc_…) in Feishu, the openConversationId (cid…) in
	// DingTalk, empty in WeCom.
	ChatID string `yaml:"chat_id" ref:"env"`
	// Locale is zh-CN or en. Default: that of the configuration.
	Locale string `yaml:"locale" jsonschema:"enum=zh-CN,enum=en"`
	// Flows may be commanded here; "*" stands for all. Empty: none.
	Flows Strings `yaml:"flows"`
	// Webhook speaks when the bot cannot. Empty: none.
	Webhook string `yaml:"webhook"`
}

// rooms checks the chat groups.
func (c *checker) rooms() {
	names, chats := map[string]Place{}, map[string]Place{}
	for i := range c.cfg.Rooms {
		r := &c.cfg.Rooms[i]
		path := item("rooms", i)
		if r.Locale == "" {
			r.Locale = c.cfg.Locale
		}
		c.unique(names, child(path, "name"), "name", r.Name)
		c.unique(chats, child(path, "chat_id"), r.Platform, r.ChatID)
		c.flowRefs(child(path, "flows"), r.Flows)
		c.roomHook(path, r)
		c.roomChat(path, r)
	}
}

// roomHook checks the webhook of a room.
func (c *checker) roomHook(path string, r *Room) {
	if r.Webhook == "" {
		return
	}
	w, ok := c.cfg.Webhook(r.Webhook)
	switch {
	case !ok:
		all := namesOf(c.cfg.Webhooks, func(w Webhook) string { return w.Name })
		c.err(child(path, "webhook"), say("webhooks 里没有 %s%s", "there is no webhook %s%s", short(r.Webhook), didYouMean(r.Webhook, all)))
	case w.Type != "" && r.Platform != "" && w.Type != r.Platform:
		c.err(child(path, "webhook"), say("它是 %s 的机器人，这个群在 %s", "it is a robot of %s, and this room is in %s", w.Type, r.Platform))
	}
}

// roomChat checks how Rollcall hears and speaks in a room.
func (c *checker) roomChat(path string, r *Room) {
	var bot bool
	var prefix string
	switch r.Platform {
	case "feishu":
		bot, prefix = c.cfg.Bots.Feishu != nil, "oc_"
	case "dingtalk":
		bot, prefix = c.cfg.Bots.DingTalk != nil, "cid"
	case "wecom":
		if r.Webhook == "" {
			c.err(child(path, "webhook"), say("企业微信的群只能用群机器人；请填写 webhook", "a room in WeCom speaks by a group robot only; name a webhook"))
		}
		if r.ChatID != "" {
			c.err(child(path, "chat_id"), say("企业微信的群没有 chat_id；请删掉", "a room in WeCom has no chat_id; remove it"))
		}
		return
	default:
		return // reported where the platform is read
	}
	switch {
	case r.ChatID == "" && !c.reported(child(path, "chat_id")):
		c.err(child(path, "chat_id"), say("缺少这个键；在群里 @点名 说 帮助 就能看到群的 id", "is missing; ask the bot for help in the group to see its id"))
	case r.ChatID != "" && !strings.HasPrefix(r.ChatID, prefix):
		c.err(child(path, "chat_id"), say("%s 的群 id 以 %s 开头；请检查是不是填错了平台", "the id of a group in %s begins with %s; is it of another platform?", r.Platform, prefix))
	}
	if !bot {
		c.err(child(path, "platform"), say("没有配置 bots.%[1]s，这个群收不到命令；请补上", "there is no bots.%[1]s, so nothing is heard in this room; add it", r.Platform))
	}
}
