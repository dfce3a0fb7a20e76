package feishubot

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"regexp"
	"unicode/utf8"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/sync/run"
)

// The answers to a press. The platform takes none of them for more than a hint
// to the person; the card changes when the command has been obeyed.
const (
	pressTaken = `{"toast":{"type":"info","content":"已收到 / received","i18n":{"zh_cn":"已收到","en_us":"Received"}}}`
	pressLost  = `{"toast":{"type":"error","content":"没有收下，请再按一次 / not accepted, press again",` +
		`"i18n":{"zh_cn":"没有收下，请再按一次","en_us":"Not accepted, press again"}}}`
	pressMoved = `{"toast":{"type":"error","content":"这张卡片不在原来的会话里，按钮无效 / this card is not where it was sent, its buttons do nothing",` +
		`"i18n":{"zh_cn":"这张卡片不在原来的会话里，按钮无效","en_us":"This card is not where it was sent: its buttons do nothing"}}}`
)

// errMoved: the card was drawn for another chat, or for another person alone.
var errMoved = errors.New("the card is not where it was sent")

// pressJSON is the event of card.action.trigger. Source: the vendor's page of
// that callback.
type pressJSON struct {
	Operator struct {
		TenantKey string `json:"tenant_key"`
		userIDs
	} `json:"operator"`
	Action struct {
		Value json.RawMessage            `json:"value"` // what the card put there: an object or a string
		Form  map[string]json.RawMessage `json:"form_value"`
	} `json:"action"`
	Context struct {
		Message string `json:"open_message_id"`
		Chat    string `json:"open_chat_id"`
	} `json:"context"`
}

// callback is what our buttons carry. It holds no secret: anybody in the room
// can press, and who may is asked of the person, not of the button.
type callback struct {
	Command string `json:"cmd"`
	Digest  string `json:"digest,omitempty"`
	bound
}

// press takes a pressed button and answers it. The platform never sends a press
// again, so the person is told at once when it was not taken.
func (b *Bot) press(ctx context.Context, e *envelope, receive bot.Receive) ([]byte, error) {
	m, err := b.pressed(e)
	if errors.Is(err, errMoved) {
		b.refuse(ctx, movedCard)
		return []byte(pressMoved), nil
	}
	if err != nil {
		b.refuse(ctx, badEvent)
		return nil, refusedFault(badEvent)
	}
	if err := b.claim(ctx, m, receive); err != nil {
		return []byte(pressLost), nil //nolint:nilerr // told to the person, who is the only one to try again
	}
	return []byte(pressTaken), nil
}

// pressed decodes a press. Its id is the event's, which repeats with it.
func (b *Bot) pressed(e *envelope) (bot.Message, error) {
	var in pressJSON
	if json.Unmarshal(e.Event, &in) != nil || e.Header.ID == "" || in.Context.Chat == "" {
		return bot.Message{}, errors.New("is not a press")
	}
	var value callback
	if raw := in.Action.Value; len(raw) > 0 {
		var text string
		if json.Unmarshal(raw, &text) == nil {
			raw = json.RawMessage(text)
		}
		if json.Unmarshal(raw, &value) != nil {
			value = callback{}
		}
	}
	ids := in.Operator.list()
	if !value.holds(in.Context.Chat, ids) {
		return bot.Message{}, errMoved
	}
	chat, card := in.Context.Chat, in.Context.Message
	if value.To != "" && !b.dms.has(chat) { // who knows where this copy stands: the person is answered alone
		chat, card = value.To, ""
	}
	return bot.Message{
		Platform: run.Feishu, ID: e.Header.ID, Chat: chat, Addressed: true, Once: true,
		Sender:  ids,
		Foreign: in.Operator.TenantKey != e.Header.TenantKey,
		Direct:  value.private() || b.dms.has(chat),
		At:      parseTime(e.Header.CreatedAt),
		Press: &bot.Press{
			Command: value.Command, Digest: value.Digest, Card: card, Form: formOf(in.Action.Form),
		},
	}, nil
}

// fieldName spells the name of an input. A name may stand only once on a card
// and which letters it may hold is not documented, so it is numbered, and the
// option's name, 删除, is written in hexadecimal.
func fieldName(number, option string) string {
	return "n" + number + "_" + hex.EncodeToString([]byte(option))
}

var fieldShape = regexp.MustCompile(`^n[0-9]+_((?:[0-9a-f]{2})+)$`)

// formOf gives what was filled in, by the names of the options. What is no text
// or not ours is left out.
func formOf(values map[string]json.RawMessage) map[string]string {
	var out map[string]string
	for name, raw := range values {
		var text string
		parts := fieldShape.FindStringSubmatch(name)
		if parts == nil || json.Unmarshal(raw, &text) != nil {
			continue
		}
		option, err := hex.DecodeString(parts[1])
		if err != nil || !utf8.Valid(option) {
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		out[string(option)] = text
	}
	return out
}
