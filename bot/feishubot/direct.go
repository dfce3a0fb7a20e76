package feishubot

import "sync"

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
