package bot

import (
	"context"
	"time"

	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// Receive takes a message into the inbox. It returns nil only when the message
// is in the record, now or before; a platform must not acknowledge otherwise.
// It makes no outgoing call and is quick.
type Receive func(ctx context.Context, m Message) error

// Platform is one chat platform's side of the conversation.
type Platform interface {
	Name() run.Platform
	// Can tells what the platform can draw.
	Can() Abilities
	// Listen receives messages until ctx ends. A platform whose messages come by
	// HTTP callback returns only then, and has its handler elsewhere.
	Listen(ctx context.Context, receive Receive) error
	// Send delivers a card once: idem is an idempotency key of at most 50
	// characters that stays the same for every try. place is where the live card
	// stands, or "": the platform then edits it, or sends anew when that cannot
	// be. It gives the place of what was sent. Faults: Limited and Unavailable
	// may be tried again; Denied, Invalid and NotFound never succeed; Credential
	// asks for an admin.
	Send(ctx context.Context, o Outgoing, idem, place string) (string, error)
}

// Abilities is what a platform can draw.
type Abilities struct {
	Edit    bool // a card can be edited in place
	Threads bool
	Buttons bool
	Forms   bool // inputs beside a button
}

// Service is what the bot asks of the engine.
type Service interface {
	Start(ctx context.Context, req run.Request) (run.Run, error)
	Decide(ctx context.Context, v run.Vote) (run.Run, error)
	Stop(ctx context.Context, code run.Code, by run.Actor, why string) (run.Run, error)
	Get(ctx context.Context, code run.Code) (run.Run, *plan.Plan, error)
	List(ctx context.Context, f run.Filter) ([]run.Run, error)
	Entries(ctx context.Context, code run.Code) ([]run.Entry, error)
	Votes(ctx context.Context, code run.Code) ([]run.Vote, error)
}

// Inbox keeps what was heard.
type Inbox interface {
	// Claim stores a message under its id; false when it is there already.
	Claim(ctx context.Context, id string, payload []byte) (bool, error)
	// Unhandled gives claimed messages that were not handled, oldest first.
	Unhandled(ctx context.Context, limit int) ([]run.Letter, error)
	// Handled marks a message as handled and stores its answers, in one step.
	Handled(ctx context.Context, id string, answers []run.Letter) error
}

// Outbox keeps what is to be said.
type Outbox interface {
	// Post stores letters; one whose id is there already is left alone.
	Post(ctx context.Context, letters []run.Letter) error
	// Outbox gives letters that are due, at most the first of each lane.
	Outbox(ctx context.Context, limit int) ([]run.Letter, error)
	// Sent, Retry and Fail say what became of one. key and place note where a
	// live card stands.
	Sent(ctx context.Context, id, key, place string) error
	Retry(ctx context.Context, id string, due time.Time, why string) error
	Fail(ctx context.Context, id, why string) error
	Place(ctx context.Context, key string) (string, bool, error)
}

// Journal is what the bot reads of the runs' lives.
type Journal interface {
	// Events gives what a reader has not seen yet, in order.
	Events(ctx context.Context, reader string, limit int) ([]run.Event, error)
	// Advance notes that a reader has seen everything up to seq, and stores what
	// it says about that, in one step.
	Advance(ctx context.Context, reader string, seq int64, letters []run.Letter) error
}

// Mailbox is all that the bot keeps; *store.Store implements it.
type Mailbox interface {
	Inbox
	Outbox
	Journal
}
