package dingtalkbot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// Send delivers a card. A live card is an interactive one when a template is
// configured, and is then edited at its place; else every drawing is a message
// of its own, and the place is "". An answer goes to the session webhook of the
// message that it answers; when that is over, or there is none, the robot
// speaks to the group by its own call, which cannot mention anybody.
//
// DingTalk has no key against doubles outside of cards: after a call without an
// answer the same thing may be said twice. Faults: Limited and Unavailable may
// be tried again; Denied (switched off, content check, monthly quota), Invalid
// and NotFound never succeed; Credential asks for an admin.
func (b *Bot) Send(ctx context.Context, o bot.Outgoing, idem, place string) (string, error) {
	if b.asCard(o) {
		at, err := b.sendCard(ctx, o, idem, place)
		switch {
		case err == nil:
			return at, nil
		case fault.Retryable(err) || fault.KindOf(err) == fault.Denied:
			return "", err
		}
		b.o.Logger.WarnContext(ctx, "interactive card refused, sent as a message", "system", "dingtalk", "err", err)
	}
	if address, ok := b.usable(o.Session); ok {
		err := b.answer(ctx, o, address, idem)
		if err == nil || !elsewhere(err) {
			return "", err
		}
		b.o.Logger.InfoContext(ctx, "session refused, sent by the robot", "system", "dingtalk", "err", err)
	}
	return "", b.speak(ctx, o)
}

// elsewhere tells whether the robot's own call may succeed where the session
// did not: the session is the reason, not the message.
func elsewhere(err error) bool {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return false
	}
	tooLong := f.Code == "460101" || f.Code == "101002"
	return f.Kind == fault.NotFound || f.Kind == fault.Credential || f.Kind == fault.Invalid && !tooLong
}

// answer posts to a session webhook.
func (b *Bot) answer(ctx context.Context, o bot.Outgoing, address, idem string) error {
	key := digest(idem)
	body := func(l letter) any {
		out := l.webhookBody()
		// The key of custom robots; that sessions obey it is not documented.
		out["msgUuid"] = key
		return out
	}
	l := b.draw(o, form{limit: sessionLimit, mention: true, encode: body})
	if l.text == "" {
		return nothing()
	}
	a, err := b.exchange(ctx, request{method: http.MethodPost, url: address, body: body(l)})
	if err != nil {
		return err
	}
	if f := a.webhookFault(); f != nil {
		return f
	}
	return nil
}

// speak sends by the robot's own call: to the group, or to a person alone.
func (b *Bot) speak(ctx context.Context, o bot.Outgoing) error {
	l := b.draw(o, form{limit: paramLimit, encode: func(l letter) any {
		_, param := l.template()
		return param
	}})
	if l.text == "" {
		return nothing()
	}
	key, param := l.template()
	raw, err := encode(param)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "cannot build the message / 无法生成消息")
	}
	body := map[string]any{"robotCode": b.o.RobotCode, "msgKey": key, "msgParam": string(raw)}
	if staff, ok := strings.CutPrefix(o.Chat, directPrefix); ok {
		return b.speakTo(ctx, staff, body)
	}
	body["openConversationId"] = o.Chat
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
		return say(fault.NotFound, "DingTalk does not know the person, or the robot cannot be seen by them / 钉钉找不到这个人，或机器人对其不可见")
	}
	return nil
}

func nothing() error { return say(fault.Invalid, "there is nothing to say / 没有要说的内容") }

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
