package feishubot

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/sync/run"
)

var errNoMessage = errors.New("is not a message")

// userIDs are a person's ids. Source: the vendor's page of
// im.message.receive_v1; user_id is there only with its permission.
type userIDs struct {
	OpenID  string `json:"open_id"`
	UnionID string `json:"union_id"`
	UserID  string `json:"user_id"`
}

// list gives the ids with the marks by which they are told apart. A user_id has
// no mark of its own and may look like anything, even like somebody's open_id,
// so it gets one.
func (u userIDs) list() []string {
	var out []string
	if strings.HasPrefix(u.OpenID, "ou_") {
		out = append(out, u.OpenID)
	}
	if strings.HasPrefix(u.UnionID, "on_") {
		out = append(out, u.UnionID)
	}
	if u.UserID != "" {
		out = append(out, "user_id:"+u.UserID)
	}
	return out
}

// first gives the id by which the person is mentioned again.
func (u userIDs) first() string {
	if ids := u.list(); len(ids) > 0 {
		return ids[0]
	}
	return ""
}

type mentionJSON struct {
	Key  string  `json:"key"` // placeholder in the text: "@_user_1"
	ID   userIDs `json:"id"`
	Name string  `json:"name"`
}

// messageJSON is the event of im.message.receive_v1.
type messageJSON struct {
	Sender struct {
		ID        userIDs `json:"sender_id"`
		Type      string  `json:"sender_type"`
		TenantKey string  `json:"tenant_key"`
	} `json:"sender"`
	Message struct {
		ID        string        `json:"message_id"`
		CreatedAt string        `json:"create_time"`
		Chat      string        `json:"chat_id"`
		ChatType  string        `json:"chat_type"`
		Type      string        `json:"message_type"`
		Content   string        `json:"content"`
		Mentions  []mentionJSON `json:"mentions"`
	} `json:"message"`
}

// message decodes what somebody said. An image, a file or forwarded messages
// come as an empty text: they are no command, whatever stands in them.
func (b *Bot) message(e *envelope) (bot.Message, error) {
	var in messageJSON
	if json.Unmarshal(e.Event, &in) != nil || in.Message.ID == "" || in.Message.Chat == "" {
		return bot.Message{}, errNoMessage
	}
	own, known := b.self.id()
	if !known && len(in.Message.Mentions) > 0 {
		return bot.Message{}, errUnknown
	}
	direct := in.Message.ChatType == "p2p"
	m := bot.Message{
		Platform: run.Feishu, ID: in.Message.ID, Chat: in.Message.Chat, Direct: direct, Addressed: direct,
		Sender:  in.Sender.ID.list(),
		Foreign: in.Sender.Type != "user" || in.Sender.TenantKey != e.Header.TenantKey,
		At:      parseTime(in.Message.CreatedAt),
	}
	if m.At.IsZero() {
		m.At = parseTime(e.Header.CreatedAt)
	}
	names := map[string]string{}
	for _, at := range in.Message.Mentions {
		if at.ID.OpenID == own && own != "" {
			m.Addressed = true
			names[at.Key] = ""
			continue
		}
		name := clean(at.Name)
		names[at.Key] = "@" + name
		if id := at.ID.first(); id != "" {
			m.Mentions = append(m.Mentions, bot.Mention{ID: id, Name: name})
		}
	}
	m.Text = strings.TrimSpace(named(textOf(in.Message.Type, in.Message.Content), names))
	return m, nil
}

// placeholder is a mention in a text; all digits belong to it, so that
// @_user_1 is not found in @_user_10.
var placeholder = regexp.MustCompile(`@_(?:user_[0-9]+|all)`)

// named puts names in place of the placeholders of mentions. One that nobody
// stands for remains as it was typed.
func named(text string, names map[string]string) string {
	return placeholder.ReplaceAllStringFunc(text, func(key string) string {
		name, ok := names[key]
		switch {
		case !ok && key == "@_all":
			return "@all"
		case !ok:
			return key
		}
		return name
	})
}

// textOf gives the words of a text or post, with placeholders for mentions, and
// "" for every other kind.
func textOf(kind, content string) string {
	switch kind {
	case "text":
		var in struct {
			Text string `json:"text"`
		}
		if json.Unmarshal([]byte(content), &in) != nil {
			return ""
		}
		return in.Text
	case "post":
		return postText(content)
	default:
		return ""
	}
}

// post is the content of a rich text message as it is received: one language,
// lines of pieces.
type post struct {
	Title   string    `json:"title"`
	Content [][]piece `json:"content"`
}

type piece struct {
	Tag    string `json:"tag"`
	Text   string `json:"text"`
	UserID string `json:"user_id"` // of an at: the placeholder
}

// postText gives the words of a post, one line for each of its lines.
func postText(content string) string {
	var in post
	if json.Unmarshal([]byte(content), &in) != nil {
		return ""
	}
	var lines []string
	if in.Title != "" {
		lines = append(lines, in.Title)
	}
	for _, row := range in.Content {
		var line strings.Builder
		for _, p := range row {
			switch p.Tag {
			case "at":
				line.WriteString(atKey(p.UserID))
			case "text", "a", "md", "code_block":
				line.WriteString(p.Text)
			}
		}
		lines = append(lines, line.String())
	}
	return strings.Join(lines, "\n")
}

// atKey gives the placeholder of an at in a post. "all" has none, and no other
// id is expected; a mention without a placeholder is nobody's.
func atKey(id string) string {
	switch {
	case id == "all" || id == "@_all":
		return "@_all"
	case placeholder.FindString(id) == id:
		return id
	default:
		return "@"
	}
}
