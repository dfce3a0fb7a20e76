package feishusim

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The vendor's message limits.
const (
	maxText  = 150 << 10
	maxCard  = 30 << 10
	maxUUID  = 50
	uuidLife = time.Hour
	cardLife = 14 * 24 * time.Hour
	maxEdits = 20
)

// mentionTag is how a sender writes a mention into a text.
var mentionTag = regexp.MustCompile(`<at user_id="([^"]*)">([^<]*)</at>`)

func imRoutes() []route {
	const base = "/open-apis/im/v1"
	send := []string{"im:message", "im:message:send_as_bot", "im:message:send"}
	update := []string{"im:message", "im:message:send_as_bot", "im:message:send", "im:message:update"}
	read := []string{"im:message", "im:message:readonly"}
	chat := []string{"im:chat", "im:chat:readonly", "im:chat:read"}
	return []route{
		{pattern: "POST " + base + "/messages", name: "message.send", rates: level4, scopes: send, serve: serveSend},
		{pattern: "POST " + base + "/messages/{id}/reply", name: "message.reply", rates: level4, scopes: send, serve: serveReply},
		{pattern: "PATCH " + base + "/messages/{id}", name: "message.patch", rates: level4, scopes: update, serve: serveCardPatch},
		{pattern: "PUT " + base + "/messages/{id}", name: "message.put", rates: level4, scopes: update, serve: serveTextPut},
		{pattern: "GET " + base + "/messages/{id}", name: "message.get", rates: level4, scopes: read, serve: serveMessage},
		{pattern: "DELETE " + base + "/messages/{id}", name: "message.delete", rates: level4, scopes: update, serve: serveRecall},
		{pattern: "GET " + base + "/chats", name: "chat.list", rates: level4, scopes: chat, serve: serveChats},
		{pattern: "GET " + base + "/chats/{id}", name: "chat.get", rates: level4, scopes: chat, serve: serveChat},
		{pattern: "POST " + base + "/files", name: "file.create", rates: level4, scopes: []string{"im:resource", "im:resource:upload"}, serve: serveUpload},
		{pattern: "POST /open-apis/interactive/v1/card/update", name: "card.update", rates: level4, scopes: update, serve: serveCardUpdate},
	}
}

// letter is the body of the sending calls.
type letter struct {
	ReceiveID string `json:"receive_id"`
	Type      string `json:"msg_type"`
	Content   string `json:"content"`
	UUID      string `json:"uuid"`
	InThread  bool   `json:"reply_in_thread"`
}

func (c *call) letter() (letter, *refusal) {
	var in letter
	if no := c.decode(&in); no != nil {
		return in, refuse(230001, "invalid request parameter: body")
	}
	if len(in.UUID) > maxUUID {
		return in, refuse(230001, "invalid request parameter: uuid is longer than 50 characters")
	}
	return in, nil
}

func serveSend(c *call) (any, *refusal) {
	in, no := c.letter()
	if no != nil {
		return nil, no
	}
	chat, no := c.receiver(in.ReceiveID)
	if no != nil {
		return nil, no
	}
	return c.send(in, Message{ChatID: chat.ID}, nil)
}

// receiver finds the chat that receive_id names.
func (c *call) receiver(id string) (*Chat, *refusal) {
	s := c.sim
	kind := c.query.Get("receive_id_type")
	var m *member
	switch kind {
	case "chat_id":
		chat := s.im.chats[id]
		if chat == nil {
			return nil, refuse(230002, "Bot/User can NOT be out of the chat.")
		}
		return chat, nil
	case "open_id", "union_id", "user_id":
		m, _ = s.lookUser(idTypes{users: kind}, id)
	case "email":
		m = s.directory.unique["email"][foldEmail(id)]
	default:
		return nil, badField("receive_id_type", "is not one of open_id, user_id, union_id, email, chat_id")
	}
	if m == nil || m.Resigned || s.im.reach != nil && !s.im.reach[m.OpenID] {
		return nil, refuse(230013, "Bot has NO availability to this user.")
	}
	return s.private(m.OpenID), nil
}

func serveReply(c *call) (any, *refusal) {
	in, no := c.letter()
	if no != nil {
		return nil, no
	}
	parent, no := c.message()
	if no != nil {
		return nil, no
	}
	if parent.Recalled {
		return nil, refuse(230011, "The message was recalled.")
	}
	if chat := c.sim.im.chats[parent.ChatID]; chat != nil && chat.NoThreads && in.InThread {
		return nil, refuse(230071, "The group does not support threads.")
	}
	return c.send(in, Message{ChatID: parent.ChatID}, parent)
}

// message finds the message of the path.
func (c *call) message() (*Message, *refusal) {
	id := c.http.PathValue("id")
	m := c.sim.im.messages[id]
	if m == nil {
		return nil, refuse(99992354, "these ids not existed: ["+id+"]")
	}
	return m, nil
}

// send judges and posts; parent is nil for a message that is no reply.
func (c *call) send(in letter, m Message, parent *Message) (any, *refusal) {
	s := c.sim
	if no := s.maySpeak(s.im.chats[m.ChatID]); no != nil {
		return nil, no
	}
	if in.UUID != "" {
		if old, ok := s.im.uuids[in.UUID]; ok && c.now.Sub(old.at) < uuidLife {
			return s.messageJSON(s.im.messages[old.message]), nil
		}
	}
	if no := s.checkContent(in.Type, in.Content); no != nil {
		return nil, no
	}
	if _, ok := s.allow("chat/"+m.ChatID, perChat); !ok {
		return nil, refuse(230020, "The message frequency limit of the chat is reached.")
	}
	m.Type, m.Content, m.UUID = in.Type, in.Content, in.UUID
	m.SenderID, m.FromBot = s.o.AppID, true
	if in.Type == "text" {
		m.Content, m.Mentions = s.readMentions(in.Content)
	}
	op := "message.send"
	if parent != nil {
		s.answerTo(&m, parent, in.InThread)
		op = "message.reply"
	}
	kept := s.post(m)
	if in.UUID != "" {
		s.im.uuids[in.UUID] = sentOnce{message: kept.ID, at: c.now}
	}
	s.effect(op, kept.ID, kept.Type+" "+kept.ChatID)
	c.after = append(c.after, s.tell(kept))
	return s.messageJSON(kept), nil
}

// maySpeak judges whether the bot can post into the chat.
func (s *Sim) maySpeak(chat *Chat) *refusal {
	switch {
	case chat == nil || chat.BotOut:
		return refuse(230002, "Bot/User can NOT be out of the chat.")
	case chat.Dissolved:
		return refuse(232009, "The chat was dissolved.")
	case chat.Muted:
		return refuse(230035, "Send Message Permission deny.")
	}
	return nil
}

// checkContent judges size and form of a message's content.
func (s *Sim) checkContent(kind, content string) *refusal {
	limit := maxCard
	if kind == "text" {
		limit = maxText
	}
	if len(content) > limit {
		return refuse(230025, "The length of the message content reaches its limit.")
	}
	switch kind {
	case "text":
		var in struct {
			Text *string `json:"text"`
		}
		if json.Unmarshal([]byte(content), &in) != nil || in.Text == nil || strings.TrimSpace(*in.Text) == "" {
			return refuse(230001, "invalid request parameter: content is not {\"text\": …}")
		}
	case "post":
		var in map[string]struct {
			Title   string             `json:"title"`
			Content [][]map[string]any `json:"content"`
		}
		if json.Unmarshal([]byte(content), &in) != nil || len(in) == 0 {
			return refuse(230001, "invalid request parameter: content is not a post")
		}
	case "interactive":
		if _, problem := checkCard([]byte(content)); problem != nil {
			return problem.refusal()
		}
	case "file":
		return s.checkFile(content)
	case "":
		return refuse(230001, "invalid request parameter: msg_type")
	default:
		return refuse(230054, "This message type is not supported by the tenant.")
	}
	return nil
}

// checkFile judges the content of a file's message.
func (s *Sim) checkFile(content string) *refusal {
	var in struct {
		Key string `json:"file_key"`
	}
	if json.Unmarshal([]byte(content), &in) != nil || in.Key == "" {
		return refuse(230001, "invalid request parameter: content is not {\"file_key\": …}")
	}
	if _, there := s.im.files[in.Key]; !there {
		return refuse(230017, "Bot is NOT the owner of the resource.")
	}
	return nil
}

// readMentions turns <at> tags into placeholders, as a reader of the message
// sees them.
func (s *Sim) readMentions(content string) (string, []Mention) {
	var in struct {
		Text string `json:"text"`
	}
	if json.Unmarshal([]byte(content), &in) != nil {
		return content, nil
	}
	var out []Mention
	in.Text = mentionTag.ReplaceAllStringFunc(in.Text, func(tag string) string {
		id := mentionTag.FindStringSubmatch(tag)[1]
		m := Mention{Key: "@_user_" + strconv.Itoa(len(out)+1), OpenID: id, Name: s.personName(id)}
		if id == "all" {
			m.Key = "@_all"
		}
		out = append(out, m)
		return m.Key
	})
	return textContent(in.Text), out
}

func textContent(text string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(map[string]string{"text": text}) // cannot fail: a string
	return strings.TrimSpace(b.String())
}

func serveMessage(c *call) (any, *refusal) {
	m, no := c.message()
	if no != nil {
		return nil, no
	}
	if chat := c.sim.im.chats[m.ChatID]; chat == nil || chat.BotOut {
		return nil, refuse(230002, "Bot/User can NOT be out of the chat.")
	}
	return map[string]any{"items": []any{c.sim.messageJSON(m)}}, nil
}

// messageJSON renders a message as the API shows it.
func (s *Sim) messageJSON(m *Message) map[string]any {
	sender := map[string]any{"id": m.SenderID, "id_type": "app_id", "sender_type": "app", "tenant_key": s.o.TenantKey}
	if !m.FromBot {
		sender["id_type"], sender["sender_type"] = "open_id", "user"
	}
	out := map[string]any{
		"message_id": m.ID, "msg_type": m.Type, "chat_id": m.ChatID,
		"create_time": millis(m.CreatedAt), "update_time": millis(m.UpdatedAt),
		"deleted": m.Recalled, "updated": m.Edits > 0, "sender": sender,
		"body": map[string]string{"content": m.Content},
	}
	for key, v := range map[string]string{"root_id": m.RootID, "parent_id": m.ParentID, "thread_id": m.ThreadID} {
		if v != "" {
			out[key] = v
		}
	}
	if len(m.Mentions) > 0 {
		var rows []map[string]string
		for _, at := range m.Mentions {
			rows = append(rows, map[string]string{
				"key": at.Key, "id": at.OpenID, "id_type": "open_id", "name": at.Name, "tenant_key": s.o.TenantKey,
			})
		}
		out["mentions"] = rows
	}
	return out
}

func serveBotInfo(c *call) (any, *refusal) {
	return flat{"bot": map[string]any{
		"activate_status": 2, "app_name": c.sim.o.BotName, "avatar_url": "", "ip_white_list": []string{}, "open_id": c.sim.im.botID,
	}}, nil
}

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
