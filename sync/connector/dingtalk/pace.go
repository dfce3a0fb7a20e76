package dingtalk

import (
	"sync"
	"time"
)

// The vendor allows 20 calls a second of each API to each app (standard
// edition). Three in a fifth of a second are 15 a second and never more than 18
// in one: the rest is left to other tools of the same app.
const (
	paceCalls = 3
	pacePer   = time.Second / 5
)

// banTime is how long the vendor bars an address that made 10 000 calls in 20 s.
const banTime = 5 * time.Minute

// invitations remembers who was invited and has not accepted yet, so that the
// runs of a day do not invite the same person again and again.
type invitations struct {
	mu   sync.Mutex
	sent map[string]time.Time
}

// inviteAgain is how long one invitation is left to the person. It is also how
// long a person who was deleted has to consent to come back.
const inviteAgain = 24 * time.Hour

func (i *invitations) add(who string, now time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.sent == nil {
		i.sent = map[string]time.Time{}
	}
	for other, at := range i.sent {
		if now.Sub(at) >= inviteAgain {
			delete(i.sent, other)
		}
	}
	i.sent[who] = now
}

func (i *invitations) open(who string, now time.Time) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	at, ok := i.sent[who]
	return ok && now.Sub(at) < inviteAgain
}
