package dingtalkbot

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/sync/run"
)

var errNoMessage = errors.New("is not a message")

// messageJSON is a message to the robot, the same by Stream and by callback.
// Source: the vendor's page "robot receives messages". A quoted message
// (text.repliedMsg) is not read: it is what somebody else said before.
type messageJSON struct {
	Conversation     string                   `json:"conversationId"`
	ConversationType string                   `json:"conversationType"` // "1" single, "2" group
	ID               string                   `json:"msgId"`
	Kind             string                   `json:"msgtype"`
	Text             struct{ Content string } `json:"text"`
	Content          json.RawMessage          `json:"content"`
	SenderStaff      string                   `json:"senderStaffId"` // userid; empty for outsiders
	SenderCorp       string                   `json:"senderCorpId"`
	InAtList         *bool                    `json:"isInAtList"`
	AtUsers          []struct {
		DingTalk string `json:"dingtalkId"`
		Staff    string `json:"staffId"`
	} `json:"atUsers"` // with the robot itself, which has no staffId
	RobotCorp string `json:"chatbotCorpId"`
	RobotUser string `json:"chatbotUserId"`
	RobotCode string `json:"robotCode"`
	Webhook   string `json:"sessionWebhook"`
	Expires   number `json:"sessionWebhookExpiredTime"` // milliseconds
	CreatedAt number `json:"createAt"`                  // milliseconds
	// ErrorCode is 20001, and the text is missing, when the corp's monthly
	// messages are used up. Both spellings are documented.
	ErrorCode number `json:"errorCode"`
	ErrCode   number `json:"errCode"`
}

// decode reads a message.
func decode(raw []byte) (*messageJSON, error) {
	if err := strict(raw); err != nil {
		return nil, err
	}
	in := &messageJSON{}
	if json.Unmarshal(raw, in) != nil || in.ID == "" || in.Conversation == "" {
		return nil, errNoMessage
	}
	return in, nil
}

// exhausted tells whether the corp's quota left nothing of the message.
func (in *messageJSON) exhausted() bool { return in.ErrorCode != 0 || in.ErrCode != 0 }

// message gives what was said. A picture or a file comes as an empty text: it
// is no command.
func (b *Bot) message(in *messageJSON) bot.Message {
	corp := either(b.o.CorpID, in.RobotCorp)
	direct := in.ConversationType == singleChat
	m := bot.Message{
		Platform: run.DingTalk, ID: in.ID, Chat: in.Conversation, Direct: direct,
		Foreign: corp == "" || in.SenderCorp != corp || in.RobotCorp != corp,
		// In a group the platform delivers only what calls the robot.
		Addressed: direct || in.InAtList == nil || *in.InAtList,
		At:        in.CreatedAt.time(),
		Once:      true,
	}
	if in.SenderStaff != "" {
		m.Sender = []string{in.SenderStaff}
		if direct {
			m.Chat = DirectChat(in.SenderStaff)
		}
	}
	for _, at := range in.AtUsers {
		switch {
		case at.DingTalk != "" && at.DingTalk == in.RobotUser:
			m.Addressed = true
		case at.Staff != "":
			m.Mentions = append(m.Mentions, bot.Mention{ID: at.Staff})
		}
	}
	m.Text = b.unaddressed(in.words())
	if address, ok := b.sessionURL(in.Webhook); ok && in.Expires > 0 {
		m.Session = bot.Session{URL: address, Expires: in.Expires.time()}
	}
	return m
}

// words gives the text of a text or richText message, else "".
func (in *messageJSON) words() string {
	switch in.Kind {
	case "text":
		return in.Text.Content
	case "richText":
		var content struct {
			Pieces []struct {
				Text string `json:"text"`
			} `json:"richText"`
		}
		if json.Unmarshal(in.Content, &content) != nil {
			return ""
		}
		var b strings.Builder
		for _, p := range content.Pieces {
			b.WriteString(p.Text)
		}
		return b.String()
	default:
		return ""
	}
}

// unaddressed takes off the mention of the robot, which our buttons put before
// their command as words; the platform takes off only real mentions.
func (b *Bot) unaddressed(text string) string {
	text = strings.TrimFunc(text, blank)
	if b.o.BotName == "" {
		return text
	}
	own := "@" + b.o.BotName
	for {
		rest, found := strings.CutPrefix(text, own)
		if r, _ := utf8.DecodeRuneInString(rest); !found || rest != "" && !blank(r) {
			break
		}
		text = strings.TrimLeftFunc(rest, blank)
	}
	if rest, found := strings.CutSuffix(text, own); found {
		if r, _ := utf8.DecodeLastRuneInString(rest); blank(r) {
			text = rest
		}
	}
	return strings.TrimFunc(text, blank)
}

// blank tells whether a character is to be seen; DingTalk leaves some around
// mentions.
func blank(r rune) bool { return unicode.IsSpace(r) || r == '\u200b' || r == '\ufeff' }

// number is a whole number, in quotes or not; the vendor's samples have both.
type number int64

// UnmarshalJSON reads either form; what is no number is 0.
func (n *number) UnmarshalJSON(raw []byte) error {
	v, err := strconv.ParseInt(strings.Trim(string(raw), `" `), 10, 64)
	if err != nil {
		v = 0
	}
	*n = number(v)
	return nil
}

// time gives a time in milliseconds; the zero time, which is older than any
// limit, for nonsense.
func (n number) time() time.Time {
	const lastMilli = 253_402_300_799_000 // the year 9999
	if n <= 0 || n > lastMilli {
		return time.Time{}
	}
	return time.UnixMilli(int64(n)).UTC()
}
