package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/rollcallhq/rollcall/sync/outage"
	"github.com/rollcallhq/rollcall/sync/run"
)

const (
	// answerers is how many messages are answered side by side: a slow command, such
	// as a look at every system, must not keep the others waiting.
	answerers = 8
	// inboxBatch is how many messages are looked at, and mostInbox how many at most
	// when all those wait behind others of the same person.
	inboxBatch = 50
	mostInbox  = 5000
	// answerTries is how often a message is tried at least whose answer needs
	// something that is not there now, and answerTime for how long.
	answerTries = 5
	answerTime  = 10 * time.Second
	// oneAnswerer is for how long a message is left to the replica that began it.
	oneAnswerer = 30 * time.Second
)

// inbox answers what was heard. Messages of one person in one chat are answered
// in their order, those of others side by side.
type inbox struct {
	b    *Bot
	done chan struct{} // one more was answered

	mu    sync.Mutex
	known map[string]*heardOf // by id: what is waiting
	busy  map[string]bool     // whose message is being answered
	width int                 // how many messages are looked at
}

// heardOf is what is remembered of a message until it is handled.
type heardOf struct {
	whose   string    // who said it, and where
	ours    bool      // this replica began it
	counted bool      // among the commands of a minute
	done    bool      // it is handled; a list that was read before may still name it
	tries   int       // in vain
	since   time.Time // the first of them
	next    time.Time // not tried again before
}

func newInbox(b *Bot) *inbox {
	return &inbox{b: b, done: make(chan struct{}, 1), known: map[string]*heardOf{}, busy: map[string]bool{}, width: inboxBatch}
}

// message gives what is remembered of a message, with the lock held.
func (in *inbox) message(id string) *heardOf {
	m := in.known[id]
	if m == nil {
		m = &heardOf{}
		in.known[id] = m
	}
	return m
}

// spent counts one more try in vain, and tells whether it was the last.
func (in *inbox) spent(id string) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	m := in.message(id)
	if m.tries++; m.tries == 1 {
		m.since = in.b.o.Now()
	}
	m.next = in.b.o.Now().Add(in.b.o.Poll / 2) // new messages ring meanwhile
	return m.tries >= answerTries && in.b.o.Now().Sub(m.since) >= answerTime
}

// serve answers until ctx ends: at once when a message was claimed here, and
// looks now and then for those that another replica left behind.
func (in *inbox) serve(ctx context.Context) {
	var group sync.WaitGroup
	defer group.Wait()
	var away outage.Spell
	for wait := in.b.o.Poll; ctx.Err() == nil; {
		_, err := in.b.survived(ctx, "inbox", func(ctx context.Context) (bool, error) { return in.begin(ctx, &group, nil) })
		if err != nil && ctx.Err() == nil {
			in.b.stumbles(ctx, &away, "inbox", err)
			pause(ctx, nil, wait)
			wait = min(2*wait, recordWait)
			continue
		}
		if err == nil {
			in.b.steady(ctx, &away, "inbox")
		}
		wait = in.b.o.Poll
		in.rest(ctx)
	}
}

// rest waits for a new message, the end of an answer, or a while.
func (in *inbox) rest(ctx context.Context) {
	timer := time.NewTimer(in.b.o.Poll)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-in.b.heard:
	case <-in.done:
	case <-timer.C:
	}
}

// begin looks at the inbox and begins what may be begun. Errors that come later
// are told; nil: to the log.
func (in *inbox) begin(ctx context.Context, group *sync.WaitGroup, tell func(error)) (more bool, err error) {
	if in.full() { // the bell rings when there is a place
		return false, nil
	}
	letters, err := in.b.o.Mailbox.Unhandled(ctx, in.width)
	if err != nil {
		return false, fmt.Errorf("read inbox: %w", err)
	}
	begun := 0
	for _, l := range in.first(letters) {
		if ctx.Err() != nil {
			return begun > 0, ctx.Err()
		}
		key, ok := in.enter(ctx, l.ID)
		if !ok {
			continue
		}
		begun++
		group.Go(func() {
			settled, err := in.answer(ctx, l)
			in.leave(key)
			if settled {
				ring(in.done)
			}
			switch {
			case err == nil:
			case tell != nil:
				tell(err)
			case ctx.Err() == nil:
				in.b.o.Logger.ErrorContext(ctx, "message is not settled", "inbox", l.ID, "err", err)
			}
		})
	}
	in.widen(len(letters), begun)
	return begun > 0, nil
}

// first gives the oldest message of each person in each chat: the others wait
// for it, whichever replica answers it.
func (in *inbox) first(letters []run.Letter) []run.Letter {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.drop(letters)
	seen := map[string]bool{}
	var all []run.Letter
	for _, l := range letters {
		m := in.message(l.ID)
		if m.whose == "" {
			m.whose = whose(l)
		}
		if !seen[m.whose] {
			seen[m.whose] = true
			all = append(all, l)
		}
	}
	return all
}

// drop forgets what is handled, here or elsewhere, when it is more than what waits.
func (in *inbox) drop(letters []run.Letter) {
	if len(in.known) <= 2*len(letters)+inboxBatch {
		return
	}
	waits := make(map[string]bool, len(letters))
	for _, l := range letters {
		waits[l.ID] = true
	}
	for id, m := range in.known {
		if !waits[id] && !in.busy[m.whose] {
			delete(in.known, id)
		}
	}
}

// whose tells who said a message, and where. One that cannot be read is nobody's
// and waits for nobody.
func whose(l run.Letter) string {
	var m struct {
		Platform run.Platform `json:"platform"`
		Chat     string       `json:"chat"`
		Sender   []string     `json:"sender"`
	}
	if json.Unmarshal(l.Payload, &m) != nil || len(m.Sender) == 0 {
		return l.ID
	}
	return string(m.Platform) + "\x00" + m.Chat + "\x00" + m.Sender[0]
}

// widen looks further when everything that was seen waits for something.
func (in *inbox) widen(seen, begun int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case seen < in.width:
		in.width = max(inboxBatch, in.width/2)
	case begun == 0 && len(in.busy) < answerers:
		in.width = min(4*in.width, mostInbox)
	}
}

// enter takes a place for a message, if there is one, and gives whose it is. It
// gives false as well while somebody answers one of the same person and chat, or
// another replica this one.
func (in *inbox) enter(ctx context.Context, id string) (key string, ok bool) {
	in.mu.Lock()
	m := in.message(id)
	key = m.whose
	if m.done || in.b.o.Now().Before(m.next) || in.busy[key] || len(in.busy) >= answerers {
		in.mu.Unlock()
		return key, false
	}
	in.busy[key] = true
	ours := m.ours
	in.mu.Unlock()
	if !ours {
		if wait := in.b.pace.Take(ctx, "in:once:"+id, 1, oneAnswerer); wait > 0 {
			in.mu.Lock()
			m.next = in.b.o.Now().Add(wait) // it is another replica's until then, and not asked for again
			in.mu.Unlock()
			in.leave(key)
			return key, false
		}
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	m.ours = true
	return key, true
}

// full tells whether every answerer is at work.
func (in *inbox) full() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.busy) >= answerers
}

func (in *inbox) leave(key string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	delete(in.busy, key)
}

// answer answers one message and notes that it is handled, if it is.
func (in *inbox) answer(ctx context.Context, l run.Letter) (settled bool, err error) {
	return in.b.survived(ctx, "inbox", func(ctx context.Context) (bool, error) {
		answers, again := in.answers(ctx, l)
		if again {
			return false, nil // the next look at the inbox tries again
		}
		if err := in.b.o.Mailbox.Handled(ctx, l.ID, answers); err != nil {
			return false, fmt.Errorf("settle message: %w", err)
		}
		in.finish(l.ID)
		in.b.ringFor(answers)
		return true, nil
	})
}

// finish notes that a message is handled.
func (in *inbox) finish(id string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.message(id).done = true
}
