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
	Direct  bool // can write to a person alone
	Files   bool // can send a file
}

// Pace is how often something may be sent: N times in each Per.
type Pace struct {
	Scope string // whose count it is: one of the scopes
	N     int
	Per   time.Duration
}

// The scopes of a Pace.
const (
	PaceApp     = "app"     // everything that the app, or the robot, sends
	PaceChat    = "chat"    // what goes to one chat, or to one person alone
	PaceMessage = "message" // what is done to one message: edits of a live card
)

// Paced is a Platform or a Robot that tells how often it may send. All paces
// hold at once.
type Paced interface {
	Pace(o Outgoing) []Pace
}

// Sized is a Paced that says some letters in several messages.
type Sized interface {
	// Messages tells in how many; each of them counts.
	Messages(o Outgoing) int
}

// Aside is a Paced that says something beside the outbox: from memory, to the sender
// of a message that was not accepted.
type Aside interface {
	// Turns is called once, before anything is heard. turn tells how long such a message
	// has to wait until its chat has room for it, counted together with what the outbox
	// says there; 0 takes the turn. It is safe for concurrent use, and may ask Redis.
	Turns(turn func(ctx context.Context, o Outgoing) time.Duration)
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

	Pause(ctx context.Context, p run.Pause) error
	Resume(ctx context.Context, flow string, by run.Actor) error
	Pauses(ctx context.Context) ([]run.Pause, error)
	SetTiming(ctx context.Context, t run.Timing) error
	Timing(ctx context.Context, flow string) (run.Timing, error)
	NextTimes(spec string) (run.Timing, error)
	Delegate(ctx context.Context, d run.Delegation) error
	Delegations(ctx context.Context) ([]run.Delegation, error)
	Eligible(ctx context.Context, code run.Code) ([]string, error)
	See(ctx context.Context, code run.Code, person string, seqs []int) error
	Whois(ctx context.Context, q run.Query, flows []string) ([]run.Profile, error)
	Try(ctx context.Context, t run.Trial) (run.Tried, error)
}

// Limiter shares the rates of robots, and of people, between replicas.
type Limiter interface {
	// Take asks for one use of a key at n uses in a time; it gives how long to
	// wait before asking again, 0 when it may go now.
	Take(ctx context.Context, key string, n int, per time.Duration) (time.Duration, error)
}

// Check is one finding of the doctor.
type Check struct {
	About string // a system, a platform, a flow, "redis"
	Part  Text   // what of it, such as "read mobile"; empty: all of it
	Level Level
	Say   Text // what was found; may be empty where Part is well
	Fix   Text // what to click in which console; empty when all is well
}

// Level is how bad a finding is.
type Level string

// The levels.
const (
	Fine   Level = "ok"
	Advice Level = "warn"
	Broken Level = "fail"
)

// Doctor examines what Rollcall stands on: of a flow or system by name, or of
// everything with "". A deep look makes calls that cost quota.
type Doctor interface {
	Examine(ctx context.Context, of string, deep bool) ([]Check, error)
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
	// Post stores letters; one whose id is there already is left alone. Older ones
	// of the same subject that were never tried are merged into the new one.
	Post(ctx context.Context, letters []run.Letter) error
	// Outbox takes letters that are due, at most the first of each lane. Nobody
	// else gets them until Held.
	Outbox(ctx context.Context, pick run.Pick) ([]run.Letter, error)
	// Sent, Retry, Delay, Withhold and Fail say what became of one. key and place
	// note where a live card stands; Delay gives one back untried; Withhold keeps
	// one line of it for the room's next digest instead of sending it. Each takes the
	// letter as Outbox gave it; Conflict: it is settled, or somebody else has it.
	Sent(ctx context.Context, l run.Letter, key, place string) error
	Retry(ctx context.Context, l run.Letter, due time.Time, why string) error
	Delay(ctx context.Context, l run.Letter, due time.Time) error
	Withhold(ctx context.Context, l run.Letter, room, line string) error
	Fail(ctx context.Context, l run.Letter, why string) error
	Place(ctx context.Context, key string) (string, bool, error)
}

// Journal is what the bot reads of the runs' lives.
type Journal interface {
	// Events gives what a reader has not seen yet, in order.
	Events(ctx context.Context, reader string, limit int) ([]run.Event, error)
	// Advance notes that a reader has seen everything up to seq, and stores what
	// it says about that, in one step.
	Advance(ctx context.Context, reader string, seq int64, letters []run.Letter) error
	// Append adds an event and an audit row. An event without a kind is left out.
	Append(ctx context.Context, e run.Event, a run.Audit) error
}

// Settings keeps what people set in the chat.
type Settings interface {
	Set(ctx context.Context, s run.Setting) error
	Settings(ctx context.Context, kind run.SettingKind) ([]run.Setting, error)
	// Tally adds to a count and gives what it is now.
	Tally(ctx context.Context, name string, n int) (int, error)
	// Audits gives the audit rows of an action since a time, oldest first.
	Audits(ctx context.Context, action string, since time.Time) ([]run.Audit, error)
}

// Mailbox is all that the bot keeps; *store.Store implements it.
type Mailbox interface {
	Inbox
	Outbox
	Journal
	Settings
}
