package feishubot

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// The events that are understood. All others are accepted and left alone:
// what was said is what counts, whatever happens to the message afterwards.
const (
	messageEvent  = "im.message.receive_v1"
	pressEvent    = "card.action.trigger"
	joinedEvent   = "im.chat.member.bot.added_v1"
	leftEvent     = "im.chat.member.bot.deleted_v1"
	recalledEvent = "im.message.recalled_v1"
	updatedEvent  = "im.message.updated_v1"
)

// The reasons of a refusal, as logged and counted.
const (
	tooLarge      = "too_large"
	notPost       = "method"
	unsigned      = "unsigned"
	badSignature  = "signature"
	staleTime     = "stale"
	badShape      = "shape"
	notSealed     = "not_sealed"
	unreadable    = "unreadable"
	wrongToken    = "token"
	wrongApp      = "app"
	wrongTenant   = "tenant"
	badChallenge  = "challenge"
	badEvent      = "event"
	cutOff        = "cut_off"
	notYetKnown   = "identity_unknown"
	notYetClaimed = "not_claimed"
	movedCard     = "card_moved"
)

// envelope is what every event is wrapped in: schema 2.0, with what a
// url_verification and an event of the older schema have beside it.
type envelope struct {
	Schema string `json:"schema"`
	Header *struct {
		ID        string `json:"event_id"`
		Type      string `json:"event_type"`
		CreatedAt string `json:"create_time"`
		Token     string `json:"token"`
		AppID     string `json:"app_id"`
		TenantKey string `json:"tenant_key"`
	} `json:"header"`
	Event json.RawMessage `json:"event"`

	Type      string `json:"type"`
	Token     string `json:"token"`
	Challenge string `json:"challenge"`
}

// challenge tells whether it is the platform's test of the address.
func (e *envelope) challenge() bool { return e.Header == nil && e.Type == "url_verification" }

func readEnvelope(raw []byte) (*envelope, bool) {
	if strict(raw) != nil {
		return nil, false
	}
	e := &envelope{}
	if json.Unmarshal(raw, e) != nil {
		return nil, false
	}
	return e, true
}

// ours tells whether the event is of our app and tenant; if not, why. The first
// tenant is pinned when none was configured.
func (b *Bot) ours(e *envelope) (reason string, ok bool) {
	switch {
	case e.Header.AppID != b.o.AppID:
		return wrongApp, false
	case e.Header.TenantKey == "":
		return wrongTenant, false
	}
	key := e.Header.TenantKey
	b.tenant.CompareAndSwap(nil, &key)
	if *b.tenant.Load() != key {
		return wrongTenant, false
	}
	return "", true
}

var (
	errRefused = errors.New("event refused")
	errUnknown = errors.New("the bot's own identity is not known yet")
)

// take handles an event of the long connection, where the connection itself
// proves the origin. Faults: Invalid for what is refused, else Unavailable or
// what receive returned; the event then comes again.
func (b *Bot) take(ctx context.Context, payload []byte, receive bot.Receive) ([]byte, error) {
	e, ok := readEnvelope(payload)
	if !ok {
		b.refuse(ctx, badShape)
		return nil, refusedFault(badShape)
	}
	if e.Header == nil {
		return nil, nil // of the older schema: accepted, and there is nothing to answer
	}
	if reason, ok := b.ours(e); !ok {
		b.refuse(ctx, reason)
		return nil, refusedFault(reason)
	}
	return b.deliver(ctx, e, receive)
}

func refusedFault(reason string) error {
	return fault.Wrap(fault.Invalid, errRefused, "the event was refused: %s / 事件被拒绝：%s", reason, reason)
}

// deliver decodes a genuine event and hands it on. It makes no outgoing call.
func (b *Bot) deliver(ctx context.Context, e *envelope, receive bot.Receive) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, claimTime, errors.New("not claimed in time"))
	defer cancel()
	switch e.Header.Type {
	case messageEvent:
		return nil, b.hear(ctx, e, receive)
	case pressEvent:
		return b.press(ctx, e, receive)
	case joinedEvent, leftEvent:
		b.moved(ctx, e)
		return nil, nil
	case recalledEvent, updatedEvent:
		b.o.Logger.InfoContext(ctx, "message changed afterwards, nothing is done", "system", "feishu", "kind", e.Header.Type)
		return nil, nil
	default:
		if strings.HasPrefix(e.Header.Type, "contact.") {
			b.contactChanged(ctx, e)
		}
		return nil, nil // accepted, and there is nothing to answer
	}
}

// moved tells that the bot was put into a group or taken out of it. Source: the
// vendor's pages of im.chat.member.bot.added_v1 and deleted_v1.
func (b *Bot) moved(ctx context.Context, e *envelope) {
	var in struct {
		Chat string `json:"chat_id"`
	}
	if json.Unmarshal(e.Event, &in) != nil || in.Chat == "" {
		b.refuse(ctx, badEvent) // it would be no better when it came again
		return
	}
	added := e.Header.Type == joinedEvent
	b.o.Logger.InfoContext(ctx, "bot moved", "system", "feishu", "added", added)
	if b.o.BotMoved != nil {
		b.o.BotMoved(ctx, in.Chat, added)
	}
}

// hear takes a message. One that is not addressed to the bot is other people's
// talk: it goes no further.
func (b *Bot) hear(ctx context.Context, e *envelope, receive bot.Receive) error {
	m, err := b.message(e)
	if errors.Is(err, errUnknown) {
		b.self.hurry()
		b.self.wait(ctx, selfWait)
		m, err = b.message(e)
	}
	switch {
	case errors.Is(err, errUnknown):
		b.refuse(ctx, notYetKnown)
		return fault.Wrap(fault.Unavailable, err, "the bot does not know itself yet / 机器人还没有取得自己的身份")
	case err != nil:
		b.refuse(ctx, badEvent)
		return refusedFault(badEvent)
	case !m.Addressed:
		return nil
	}
	if m.Direct {
		b.dms.add(m.Chat)
	}
	return b.claim(ctx, m, receive)
}

// claim hands a message on, and tells the log when it is not taken.
func (b *Bot) claim(ctx context.Context, m bot.Message, receive bot.Receive) error {
	err := receive(ctx, m)
	if err != nil {
		b.count(notYetClaimed)
		b.o.Logger.ErrorContext(ctx, "message not claimed", "system", "feishu", "err", err)
	}
	return err
}

// parseTime reads a time by its number of digits: the vendor counts seconds,
// milliseconds (messages) or microseconds (card callbacks). The zero time is
// what cannot be read; it is older than any limit.
func parseTime(s string) time.Time {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 {
		return time.Time{}
	}
	switch {
	case len(s) <= 11:
		return time.Unix(n, 0).UTC()
	case len(s) <= 14:
		return time.UnixMilli(n).UTC()
	case len(s) <= 17:
		return time.UnixMicro(n).UTC()
	default:
		return time.Unix(0, n).UTC()
	}
}
