package bot

import (
	"context"
	"encoding/json"
	"maps"
	"sync"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// Receive takes a message into the inbox; see the type Receive. What is not
// addressed to the bot, or comes from outside, is not for us and is let go.
// Faults: Invalid without an id; Unavailable when the record cannot be written,
// then the message must come again; one that is Once is not obeyed then, nor when it
// comes again.
func (b *Bot) Receive(ctx context.Context, m Message) error {
	if m.ID == "" || m.Platform == "" {
		return fault.New(fault.Invalid, "the message has no id / 消息没有编号")
	}
	if !m.Addressed {
		return nil
	}
	if m.Foreign {
		b.o.Logger.WarnContext(ctx, "message from outside is ignored", "platform", m.Platform)
		return nil
	}
	if m.Weak { // the address for answers is as little proven as the words
		m.Session = Session{}
	}
	payload, err := json.Marshal(m)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "the message cannot be kept / 消息无法保存")
	}
	b.sessions.keep(place{m.Platform, m.Chat}, m.Session, b.o.Now())
	if err := b.claim(ctx, m, payload); err != nil {
		return err
	}
	ring(b.heard)
	return nil
}

// claim stores a message, and keeps one from being obeyed whose sender is told that it
// was not accepted.
func (b *Bot) claim(ctx context.Context, m Message, payload []byte) (err error) {
	id := inboxID(m)
	if !m.Once {
		_, err = b.o.Mailbox.Claim(ctx, id, payload)
		return err
	}
	if !b.claims.enter(id, b.o.Now()) {
		return notAccepted()
	}
	failed := true // in a panic, too
	defer func() {
		switch refused := b.claims.leave(id, failed, b.o.Now()); {
		case !refused: // what was begun here is in the record
			err = nil
		case err == nil: // another delivery of it failed meanwhile
			err = notAccepted()
		}
	}()
	_, err = b.o.Mailbox.Claim(ctx, id, payload)
	failed = err != nil
	return err
}

func notAccepted() error {
	return fault.New(fault.Unavailable, "this message was not accepted, send it again / 这条消息没有收下，请重发")
}

// inboxID names a message for ever; it is the id of the request that the
// message makes, too.
func inboxID(m Message) string { return string(m.Platform) + ":" + m.ID }

// ring wakes a loop; it never waits.
func ring(bell chan struct{}) {
	select {
	case bell <- struct{}{}:
	default:
	}
}

// sessions remembers the newest session webhook of each chat: what is said later
// in the chat may go there while it lasts. They are secrets, and are only kept in
// memory.
type sessions struct {
	mu    sync.Mutex
	all   map[place]Session
	swept time.Time
}

// mostSessions bounds what is remembered; without a session the robot speaks by its
// own call.
const mostSessions = 10_000

func (s *sessions) keep(at place, one Session, now time.Time) {
	if one.URL == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.swept) >= time.Minute || len(s.all) >= mostSessions {
		s.swept = now
		maps.DeleteFunc(s.all, func(_ place, old Session) bool { return !now.Add(sessionRoom).Before(old.Expires) })
	}
	if s.all == nil || len(s.all) >= mostSessions {
		s.all = map[place]Session{}
	}
	if !one.Expires.Before(s.all[at].Expires) {
		s.all[at] = one
	}
}

// live gives a session that lasts for a while yet, the given one or a newer one.
func (s *sessions) live(platform run.Platform, chat string, given Session, now time.Time) Session {
	s.mu.Lock()
	kept := s.all[place{platform, chat}]
	s.mu.Unlock()
	for _, one := range []Session{given, kept} {
		if one.URL != "" && now.Add(sessionRoom).Before(one.Expires) {
			return one
		}
	}
	return Session{}
}

// sessionRoom is how long a session must last to be worth a try.
const sessionRoom = 30 * time.Second
