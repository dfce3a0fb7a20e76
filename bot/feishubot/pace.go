package feishubot

import (
	"time"

	"github.com/rollcallhq/rollcall/bot"
)

var _ bot.Paced = (*Bot)(nil)

// Pace tells how often messages may be sent and edited. Source: the rate limits
// on the vendor's pages "send message" and "update card": each call 1000 a minute
// and 50 a second, 5 a second to one group or person, 5 edits a second of one
// message.
func (b *Bot) Pace(o bot.Outgoing) []bot.Pace {
	out := []bot.Pace{
		{Scope: bot.PaceApp, N: 1000, Per: time.Minute},
		{Scope: bot.PaceApp, N: 50, Per: time.Second},
		{Scope: bot.PaceChat, N: 5, Per: time.Second},
	}
	if o.Live != "" {
		out = append(out, bot.Pace{Scope: bot.PaceMessage, N: 5, Per: time.Second})
	}
	return out
}
