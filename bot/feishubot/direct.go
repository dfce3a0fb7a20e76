package feishubot

import (
	"slices"
	"strings"
	"sync"

	"github.com/rollcallhq/rollcall/bot"
)

// privateLimit bounds what is remembered; it is far above the people who talk
// to the bot alone.
const privateLimit = 10_000

// private remembers which chats are conversations of one person with the bot. A
// pressed button does not say so, a message does. What is drawn into such a chat
// carries the chat's id in its buttons, so that they are understood after a
// restart too.
type private struct {
	mu    sync.Mutex
	chats map[string]bool
}

func (p *private) add(chat string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.chats == nil || len(p.chats) >= privateLimit {
		p.chats = map[string]bool{}
	}
	p.chats[chat] = true
}

func (p *private) has(chat string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.chats[chat]
}

// bound is where a card was drawn for. Its buttons carry it, so that a press is
// understood after a restart too, and one on a copy of the card that stands
// elsewhere is told from one on the card. At most one field is set.
type bound struct {
	Chat    string `json:"chat,omitempty"` // a group
	Private string `json:"p2p,omitempty"`  // the chat of one person with the bot
	To      string `json:"to,omitempty"`   // a person, whose chat with the bot was not known
}

// bind tells where an answer goes.
func (b *Bot) bind(o bot.Outgoing) bound {
	switch {
	case o.Chat == "":
		return bound{To: o.To}
	case b.dms.has(o.Chat):
		return bound{Private: o.Chat}
	case strings.HasPrefix(o.Chat, "oc_"):
		return bound{Chat: o.Chat}
	default: // a person's account
		return bound{To: o.Chat}
	}
}

// holds tells whether a press in a chat by somebody with these ids is one on the
// card itself.
func (d bound) holds(chat string, ids []string) bool {
	switch {
	case d.Chat != "" && d.Chat != chat, d.Private != "" && d.Private != chat:
		return false
	case d.To != "":
		return slices.Contains(ids, d.To)
	}
	return true
}

// private tells whether the card was drawn for one person alone.
func (d bound) private() bool { return d.Private != "" || d.To != "" }
