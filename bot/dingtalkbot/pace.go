package dingtalkbot

import (
	"time"

	"github.com/rollcallhq/rollcall/bot"
)

var (
	_ bot.Paced = (*Bot)(nil)
	_ bot.Sized = (*Bot)(nil)
)

// Pace tells how often messages may be sent: 20 calls a second of each kind by
// the app (source: the vendor's page "limits of calls"), and in one chat 18 a
// minute, since more than 20 silence a robot for ten minutes. That the limit of
// group robots counts for session webhooks is not documented; it is kept all the
// same. The interactive card is changed by a call of its own and not counted
// there, unless it was refused and its drawings are messages for a while.
func (b *Bot) Pace(o bot.Outgoing) []bot.Pace {
	app := bot.Pace{Scope: bot.PaceApp, N: 20, Per: time.Second}
	if b.asCard(o) && !b.cardless() {
		return []bot.Pace{app, {Scope: bot.PaceMessage, N: 1, Per: time.Second}}
	}
	return []bot.Pace{app, {Scope: bot.PaceChat, N: 18, Per: time.Minute}}
}

// Messages tells in how many messages an answer is said: its parts, in the form that
// is tried first, and its file. What a refusal makes of it is not foreseen.
func (b *Bot) Messages(o bot.Outgoing) int {
	n := 0
	if o.File != nil {
		n = 1
	}
	if b.asCard(o) && !b.cardless() {
		return n + 1
	}
	way := b.byRobot(o.Chat)
	if address, ok := b.usable(o.Session); ok && o.To == "" {
		way = b.bySession(address)
	}
	return n + max(len(b.draw(o, steps(o)[0], way.form)), 1)
}

// asCard tells whether an answer is drawn as the interactive card.
func (b *Bot) asCard(o bot.Outgoing) bool {
	return b.o.CardTemplate != "" && o.Live != "" && !o.Card.Plain
}
