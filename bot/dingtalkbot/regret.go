package dingtalkbot

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/bot/markdown"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

var _ bot.Aside = (*Bot)(nil)

const (
	// crowdWait is how long somebody waits for room in the chat at most. Who has
	// waited for so long is told all the same: of the 20 messages that the platform
	// allows in a minute the turns give 18 away.
	crowdWait = time.Minute
	// What is remembered of those who wait: names of one chat, names of all, chats.
	// Who comes beyond is told with the others, but not named; a chat beyond is told
	// at once.
	crowdNames = 1000
	allNames   = 10_000
	allCrowds  = 10_000
	// regretTries is how often is tried to tell somebody while the platform cannot
	// be reached, or wants silence, with waits of regretPause doubling to crowdWait:
	// about ten minutes.
	regretTries = 12
	regretPause = 5 * time.Second
)

// Turns sets what is asked before a sender is told; see bot.Aside.
func (b *Bot) Turns(turn func(context.Context, bot.Outgoing) time.Duration) { b.turn = turn }

// regret tells a sender, from memory, that a message was not taken: the platform never
// sends it again. It says so at once while the chat has room, and otherwise together
// with others as soon as it has.
func (b *Bot) regret(ctx context.Context, m bot.Message, sorry string) {
	if b.gathered(ctx, m, sorry) {
		return
	}
	c := newCrowd(m, sorry)
	c.add(m, true)
	err := b.tell(ctx, c.outgoing(c.names), m.ID)
	if fault.Retryable(err) && b.crowds.join(m, sorry, b.attended(ctx, max(fault.After(err), regretPause))) {
		return
	}
	if err != nil {
		b.refuse(ctx, unanswered)
	}
}

// gathered tells whether a sender is told later, together with others: some wait
// already, or the chat has no room.
func (b *Bot) gathered(ctx context.Context, m bot.Message, sorry string) bool {
	if b.crowds.join(m, sorry, nil) {
		return true
	}
	wait := b.asks(ctx, m.Chat)
	if wait <= 0 {
		return false
	}
	if m.Weak {
		wait = max(wait, crowdWait) // who has forged a request makes us speak no more than once in it
	}
	return b.crowds.join(m, sorry, b.attended(ctx, wait))
}

// attended gives what begins to tell a crowd after a while, whatever becomes of ctx.
func (b *Bot) attended(ctx context.Context, wait time.Duration) func(*crowd) {
	return func(c *crowd) { go b.attend(context.WithoutCancel(ctx), c, wait) }
}

// attend tells a crowd, in as many messages as it takes to name everybody, and ends
// when nobody waits any more.
func (b *Bot) attend(ctx context.Context, c *crowd, wait time.Duration) {
	defer close(c.done)
	for tries, lost := 0, false; ; {
		hurried := b.awaitRoom(ctx, c, wait)
		o, id := b.crowds.take(c)
		err := errLate
		if !lost { // one failure is enough when everything closes
			err = b.tell(ctx, o, id)
		}
		if tries++; fault.Retryable(err) && tries < regretTries && !hurried {
			b.crowds.back(c, o.Mention)
			wait = max(fault.After(err), min(regretPause<<(tries-1), crowdWait))
			continue
		}
		if err != nil {
			lost = hurried
			b.refuse(ctx, unanswered, "senders", max(len(o.Mention), 1))
		}
		if b.crowds.left(c) {
			return
		}
		tries, wait = 0, 0
	}
}

// awaitRoom waits, and then until the chat has room for a message to a crowd, or the crowd
// has waited for long enough; it tells whether everything closes, which waits for nothing.
func (b *Bot) awaitRoom(ctx context.Context, c *crowd, wait time.Duration) (hurried bool) {
	for left := crowdWait; ; {
		hurried = c.pause(wait)
		left -= wait
		wait = b.asks(ctx, c.chat)
		switch {
		case hurried || wait <= 0:
			return hurried
		case wait > crowdWait: // not for room: the platform wants silence
		case left > 0:
			wait = min(wait, left)
		default:
			return false
		}
	}
}

// asks takes the turn of a message in a chat, or tells how long to wait for it.
func (b *Bot) asks(ctx context.Context, chat string) time.Duration {
	if b.turn == nil {
		return 0
	}
	return b.turn(ctx, bot.Outgoing{Platform: run.DingTalk, Chat: chat})
}

func (b *Bot) tell(ctx context.Context, o bot.Outgoing, key string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, regretTime, errors.New("no answer in time"))
	defer cancel()
	_, err := b.Send(ctx, o, key, "")
	return err
}

// crowds are all who wait to be told that their messages were not taken.
type crowds struct {
	mu     sync.Mutex
	all    map[crowdKey]*crowd
	names  int
	closed bool
}

type crowdKey struct{ chat, sorry string }

// crowd are the senders of one chat who wait to be told the same.
type crowd struct {
	crowdKey
	session bot.Session // the newest
	id      string      // of the newest message
	heads   int         // how many wait
	names   []string    // those of them who can be mentioned
	now     chan struct{}
	done    chan struct{} // closed when everybody is told
}

func newCrowd(m bot.Message, sorry string) *crowd {
	return &crowd{crowdKey: crowdKey{m.Chat, sorry}, now: make(chan struct{}), done: make(chan struct{})}
}

// add adds the sender of a message, by name where there is room for it; it tells
// whether a name was added.
func (c *crowd) add(m bot.Message, room bool) bool {
	c.id = m.ID
	if !m.Weak && !m.Session.Expires.Before(c.session.Expires) { // an unproven address is not used
		c.session = m.Session
	}
	named := len(m.Sender) > 0 && markdown.ID(m.Sender[0]) && !m.Weak // the robot's own call mentions nobody
	if named && slices.Contains(c.names, m.Sender[0]) {
		return false
	}
	c.heads++
	if !named || !room || len(c.names) >= crowdNames {
		return false
	}
	c.names = append(c.names, m.Sender[0])
	return true
}

// outgoing is what is said to some of a crowd.
func (c *crowd) outgoing(names []string) bot.Outgoing {
	text := c.sorry
	if text == sorryLost && c.heads > 1 {
		text = sorryAll
	}
	return bot.Outgoing{
		Platform: run.DingTalk, Chat: c.chat, Session: c.session, Mention: names,
		Card: bot.Card{Title: text, Tone: bot.Warn, Plain: true},
	}
}

// pause waits, and tells whether everything closes.
func (c *crowd) pause(d time.Duration) (hurried bool) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-c.now:
		return true
	case <-timer.C:
		return false
	}
}

// join lets a sender wait with the others of the chat. When there are none, begin is
// called with a crowd of this sender alone; without begin, or when everything closes,
// nobody waits then.
func (r *crowds) join(m bot.Message, sorry string, begin func(*crowd)) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, waits := r.all[crowdKey{m.Chat, sorry}]
	if !waits {
		if begin == nil || r.closed || len(r.all) >= allCrowds {
			return false
		}
		c = newCrowd(m, sorry)
		if r.all == nil {
			r.all = map[crowdKey]*crowd{}
		}
		r.all[c.crowdKey] = c
	}
	if c.add(m, r.names < allNames) {
		r.names++
	}
	if !waits {
		begin(c)
	}
	return true
}

// take gives what is said to the next of a crowd, as many as can be mentioned at once,
// and the key of that message.
func (r *crowds) take(c *crowd) (o bot.Outgoing, key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := min(len(c.names), maxMentions)
	o = c.outgoing(slices.Clone(c.names[:n]))
	c.names = slices.Delete(c.names, 0, n)
	r.names -= n
	key = c.id
	if n > 0 {
		key += "/" + o.Mention[0]
	}
	if len(c.names) == 0 {
		c.heads = 0
	}
	return o, key
}

// back puts back who could not be told yet.
func (r *crowds) back(c *crowd, names []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range names {
		if !slices.Contains(c.names, name) {
			c.names = append(c.names, name)
			r.names++
		}
	}
	c.heads = max(c.heads, len(c.names), 1)
}

// left tells whether nobody of a crowd waits any more; it is over then.
func (r *crowds) left(c *crowd) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.heads > 0 {
		return false
	}
	delete(r.all, c.crowdKey)
	return true
}

// open lets people wait, as it is at first.
func (r *crowds) open() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = false
}

// close has all who wait told at once, room or not, and returns when they are. Who comes
// later is told at once.
func (r *crowds) close() {
	r.mu.Lock()
	r.closed = true
	var all []*crowd
	for _, c := range r.all {
		close(c.now)
		all = append(all, c)
	}
	r.mu.Unlock()
	for _, c := range all {
		<-c.done
	}
}
