package dingtalkbot

import (
	"context"
	"errors"
	"slices"

	"github.com/rollcallhq/rollcall/bot"
)

// What a sender is told when a message was not taken, in both languages: it is
// said from memory, and the room's language is in the record. The last is for several
// at once, whether or not they can be mentioned.
const (
	sorryLost  = "没有收下，请重发 / not accepted, send again"
	sorryQuota = "本企业的钉钉月度额度已用完，消息没有送到 / this organisation's monthly DingTalk quota is used up, your message did not arrive"
	sorryAll   = "各位刚才发的消息没有收下，请重发 / your messages were not accepted, send them again"
)

// door is the way by which a message came.
type door struct {
	receive bot.Receive
	weak    bool // by callback: unsigned, so everything is pinned
}

// verdict is what became of a message: taken (or nothing to take) when reason
// is empty.
type verdict struct {
	reason string
	sorry  string // what to tell the sender; "" = nothing
}

// hear decodes a message, checks where it comes from and claims it. It makes no
// outgoing call. Every refusal is counted and logged here.
func (b *Bot) hear(ctx context.Context, raw []byte, d door) (bot.Message, verdict) {
	in, err := decode(raw)
	if err != nil {
		reason := badMessage
		if errors.Is(err, errShape) {
			reason = badShape
		}
		return bot.Message{}, b.no(ctx, reason, "")
	}
	if reason := b.foreign(in, d.weak); reason != "" {
		return bot.Message{}, b.no(ctx, reason, "")
	}
	if !d.weak && in.RobotCorp != "" {
		b.corp.CompareAndSwap(nil, &in.RobotCorp) // the platform has authenticated itself
	}
	m := b.message(in)
	m.Weak = d.weak
	if in.Webhook != "" && m.Session.URL == "" {
		b.refuse(ctx, badWebhook)
	}
	if in.exhausted() {
		return m, b.no(ctx, noQuota, sorryQuota)
	}
	if !m.Addressed {
		return m, verdict{}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, claimTime, errors.New("not claimed in time"))
	defer cancel()
	if d.receive(ctx, m) != nil {
		return m, b.no(ctx, notClaimed, sorryLost)
	}
	return m, verdict{}
}

func (b *Bot) no(ctx context.Context, reason, sorry string) verdict {
	b.refuse(ctx, reason)
	return verdict{reason, sorry}
}

// foreign tells why a message is not for this robot; "" when it is. By Stream
// the platform has authenticated itself, and may leave the robot's code out.
func (b *Bot) foreign(in *messageJSON, weak bool) string {
	switch {
	case in.RobotCode != b.o.RobotCode && (weak || in.RobotCode != ""):
		return wrongRobot
	case weak && in.RobotCorp != b.o.CorpID:
		return wrongCorp
	case weak && (in.ConversationType == singleChat || !slices.Contains(b.o.Conversations, in.Conversation)):
		return wrongRoom // what is said to one person alone is not masked
	}
	return ""
}
