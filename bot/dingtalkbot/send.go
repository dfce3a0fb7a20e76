package dingtalkbot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/bot/markdown"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// Send delivers a card. A live card is an interactive one when a template is
// configured, and is then edited at its place; else every drawing is a message
// of its own, and the place is "". An answer goes to the session webhook of the
// message that it answers; when that is over, or there is none, the robot
// speaks to the group by its own call, which cannot mention anybody. With To it
// speaks to that person alone. A file follows the words; when it cannot go, the
// words say why.
//
// DingTalk has no key against doubles outside of cards: after a call without an
// answer the same thing may be said twice. Faults: Limited and Unavailable may
// be tried again; Denied (switched off, monthly quota), Invalid and NotFound
// never succeed; Credential asks for an admin.
func (b *Bot) Send(ctx context.Context, o bot.Outgoing, idem, place string) (string, error) {
	if o.To != "" { // what is for one person alone must never reach a group
		if !markdown.ID(o.To) {
			return "", say(fault.Invalid, "the message has no receiver / 消息没有指明收件人")
		}
		o.Chat, o.ReplyTo, o.Session, o.Mention = DirectChat(o.To), "", bot.Session{}, nil
	}
	var file *media
	if o.File != nil {
		var err error
		if file, err = b.upload(ctx, *o.File); fault.Retryable(err) {
			return "", err
		} else if err != nil {
			o = b.without(ctx, o, err)
		}
	}
	if file == nil {
		return b.words(ctx, o, idem, place)
	}
	at, said := b.begun.get(idem)
	if !said {
		var err error
		if at, err = b.words(ctx, o, idem, place); err != nil {
			return at, err
		}
		b.begun.set(idem, at)
	}
	if err := b.attach(ctx, o, *file, idem); err != nil {
		return "", err
	}
	b.begun.forget(idem)
	return at, nil
}

// words says a card by the best way there is.
func (b *Bot) words(ctx context.Context, o bot.Outgoing, idem, place string) (string, error) {
	if b.asCard(o) && !b.cardless() {
		at, err := b.sendCard(ctx, o, idem, place)
		switch {
		case err == nil:
			b.o.Logger.InfoContext(ctx, "message sent", "system", "dingtalk", "step", stepCard)
			return at, nil
		case fault.Retryable(err) || fault.KindOf(err) == fault.Denied && !censoredFault(err):
			return "", err
		}
		b.o.Logger.WarnContext(ctx, "interactive card refused, sent as a message", "system", "dingtalk", "err", err)
	}
	if address, ok := b.usable(o.Session); ok {
		err := b.descend(ctx, o, b.bySession(address), idem)
		if err == nil || !elsewhere(err) {
			return "", err
		}
		b.o.Logger.InfoContext(ctx, "session refused, sent by the robot", "system", "dingtalk", "err", err)
	}
	return "", b.descend(ctx, o, b.byRobot(o.Chat), idem)
}

// elsewhere tells whether the robot's own call may succeed where the session
// did not: the session is the reason, not the message.
func elsewhere(err error) bool {
	kind := fault.KindOf(err)
	return kind == fault.NotFound || kind == fault.Credential || kind == fault.Invalid && !tooLong(err)
}

// bySession posts to a session webhook.
func (b *Bot) bySession(address string) way {
	body := func(l letter) map[string]any { return l.webhookBody() }
	return way{
		name: "session", form: form{limit: sessionLimit, mention: true, encode: func(l letter) any { return body(l) }},
		post: func(ctx context.Context, l letter, key string) error {
			out := body(l)
			// The key of custom robots; that sessions obey it is not documented.
			out["msgUuid"] = digest(key)
			a, err := b.exchange(ctx, request{method: http.MethodPost, url: address, body: out})
			if err != nil {
				return err
			}
			if f := a.webhookFault(); f != nil {
				return f
			}
			return nil
		},
	}
}

// byRobot sends by the robot's own call: to the group, or to a person alone.
func (b *Bot) byRobot(chat string) way {
	return way{
		name: "robot", form: form{limit: paramLimit, encode: func(l letter) any {
			_, param := l.template()
			return param
		}},
		post: func(ctx context.Context, l letter, _ string) error {
			key, param := l.template()
			return b.speak(ctx, chat, key, param)
		},
	}
}

// speak makes the robot's own call with a message template.
func (b *Bot) speak(ctx context.Context, chat, key string, param map[string]string) error {
	raw, err := encode(param)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "cannot build the message / 无法生成消息")
	}
	body := map[string]any{"robotCode": b.o.RobotCode, "msgKey": key, "msgParam": string(raw)}
	if staff, ok := strings.CutPrefix(chat, directPrefix); ok {
		return b.speakTo(ctx, staff, body)
	}
	body["openConversationId"] = chat
	var out struct{}
	return b.call(ctx, request{method: http.MethodPost, url: "/v1.0/robot/groupMessages/send", body: body}, &out)
}

// speakTo sends to one person.
func (b *Bot) speakTo(ctx context.Context, staff string, body map[string]any) error {
	body["userIds"] = []string{staff}
	var out struct {
		Invalid []string `json:"invalidStaffIdList"`
		Slowed  []string `json:"flowControlledStaffIdList"`
	}
	if err := b.call(ctx, request{method: http.MethodPost, url: "/v1.0/robot/oToMessages/batchSend", body: body}, &out); err != nil {
		return err
	}
	switch {
	case len(out.Slowed) > 0:
		return limited(robotPenalty)
	case len(out.Invalid) > 0:
		return noSuchPerson()
	}
	return nil
}

// digest gives a key of a length and alphabet that everything takes.
func digest(idem string) string {
	sum := sha256.Sum256([]byte("rollcall/" + idem))
	return hex.EncodeToString(sum[:16])
}

// typed lists the buttons that a drawing without links shows as commands.
func typed(buttons []bot.Button, pressable func(bot.Button) bool) []bot.Button {
	var out []bot.Button
	for _, b := range buttons {
		if !pressable(b) {
			out = append(out, b)
		}
	}
	return out
}
