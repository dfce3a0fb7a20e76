// Package run holds the life of a run: its code, its states and the legal moves
// between them, the request that began it, votes, the journal's entries, and
// the persons and threads that take part.
//
// It holds words and rules, no storage and no loop. The engine moves runs, the
// store keeps them, the bot draws them.
package run

import (
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// Trigger says what began a run.
type Trigger string

// The triggers.
const (
	ByCommand  Trigger = "command"
	BySchedule Trigger = "schedule"
	ByCLI      Trigger = "cli"
	ByEvent    Trigger = "event" // a system said that something changed
)

// Unasked tells whether no person asked: what such a run may do by itself is less.
func (t Trigger) Unasked() bool { return t == BySchedule || t == ByEvent }

// Run is one execution of a flow. It has exactly one plan and one code.
type Run struct {
	Code    Code    `json:"code"`
	Flow    string  `json:"flow"`
	State   State   `json:"state"`
	Version int64   `json:"version"` // grows with every committed change
	Trigger Trigger `json:"trigger"`
	Apply   bool    `json:"apply"` // false: only a plan was asked
	By      Actor   `json:"by"`    // zero for a schedule
	Thread  Thread  `json:"thread"`
	// RequestID makes a request count once: the platform and message id, or the
	// schedule and its time.
	RequestID string `json:"request_id"`
	// Weak: the request came by a transport that proves little (DingTalk's HTTP
	// callback), so everything in the plan needs a vote from elsewhere.
	Weak bool `json:"weak,omitempty"`

	Plan    directory.Digest `json:"plan,omitzero"` // digest of its plan, once there is one
	Counts  plan.Counts      `json:"counts"`
	Tier    int              `json:"tier"`
	Votes   int              `json:"votes"`            // persons who must agree
	Expires time.Time        `json:"expires,omitzero"` // of the approval; compared when a vote comes
	// Wake is when an awaiting run needs somebody next: for a reminder, at the end
	// of its cooling off, or to expire.
	Wake time.Time `json:"wake,omitzero"`
	// StepUp is who confirmed a tier 3 run outside the chat; NotBefore is when it
	// may begin, once all else is there.
	StepUp    Actor          `json:"step_up,omitzero"`
	NotBefore time.Time      `json:"not_before,omitzero"`
	Glass     Actor          `json:"glass,omitzero"`      // who broke the glass
	Behind    string         `json:"behind,omitempty"`    // person who counts as having asked beside By: who set the schedule
	Undoes    Code           `json:"undoes,omitempty"`    // the run whose changes this one takes back
	UndoItem  int            `json:"undo_item,omitempty"` // only this change of it; 0 = all
	Dept      string         `json:"dept,omitempty"`      // of a plan that is only looked at: only this department
	Kind      directory.Kind `json:"kind,omitempty"`      // the same: only these objects
	// Objects are the source objects that an event named: only they are planned, and
	// nothing is disabled or deleted. Empty: the run is about everything.
	Objects  directory.Keys `json:"objects,omitempty"`
	HeldBack int            `json:"held_back,omitempty"` // changes that voters held back
	Config   string         `json:"config,omitempty"`    // hash of the flow's configuration and rules
	// Read is how far the reading of both systems is, while it goes on.
	Read    Counted    `json:"read,omitzero"`
	Notes   int        `json:"notes"`
	Outcome Outcome    `json:"outcome"`          // of the applied changes, from the journal
	Reason  string     `json:"reason,omitempty"` // why it ended as it did, for people
	Fault   fault.Kind `json:"fault,omitempty"`  // of what made it fail
	Stop    bool       `json:"stop,omitempty"`   // a person asked an applying run to stop

	Created time.Time `json:"created"`
	Updated time.Time `json:"updated"`
	Ended   time.Time `json:"ended,omitzero"`
}

// Cooling tells whether all votes are there and the run waits until NotBefore: it
// can still be stopped, and does not expire.
func (r Run) Cooling() bool { return r.State == Awaiting && !r.NotBefore.IsZero() }

// Counted says how much has been read of source and target so far.
type Counted struct {
	SourceUsers       int `json:"source_users"`
	SourceDepartments int `json:"source_departments"`
	TargetUsers       int `json:"target_users"`
	TargetDepartments int `json:"target_departments"`
}

// Outcome counts the changes by what became of them.
type Outcome struct {
	Done    int `json:"done"`
	Already int `json:"already"` // were in their final state before
	Skipped int `json:"skipped"`
	Failed  int `json:"failed"`
	InDoubt int `json:"in_doubt"` // a person must look
}

// Total gives the number of settled changes.
func (o Outcome) Total() int { return o.Done + o.Already + o.Skipped + o.Failed + o.InDoubt }

// Request asks for a run.
type Request struct {
	ID      string // see Run.RequestID
	Flow    string
	Apply   bool
	Trigger Trigger
	By      Actor
	Thread  Thread
	Weak    bool
	Behind  string // see Run
	Undoes  Code
	Item    int            // of Undoes: one change; 0 = all
	Dept    string         // without Apply: only this department, by path or last name
	Kind    directory.Kind // without Apply: only these objects
	Objects directory.Keys // see Run
}

// Filter selects runs, newest first.
type Filter struct {
	Flow   string    // "" = every flow
	States []State   // nil = every state
	Since  time.Time // created at or after
	Whole  bool      // without those that are about some objects alone
	Limit  int       // 0 = 50
}

// Event is one committed step of a run's life. The bot reads them in order and
// speaks; the run itself is read afresh.
type Event struct {
	Seq  int64     `json:"seq"`
	Run  Code      `json:"run"`
	Kind EventKind `json:"kind"`
	Say  string    `json:"say,omitempty"`
	At   time.Time `json:"at"`
}

// EventKind is the kind of an Event.
type EventKind string

// The kinds of events.
const (
	EventMoved    EventKind = "moved"    // the state changed
	EventProgress EventKind = "progress" // some changes were settled
	EventVoted    EventKind = "voted"    // a vote was counted and more are needed
	EventAlarm    EventKind = "alarm"    // people must know
	EventReminder EventKind = "reminder" // an approval still waits
	EventCooling  EventKind = "cooling"  // all votes are there; it begins at Run.NotBefore
)

// Letter is one message on its way in or out, as the store keeps it. Payload is
// the bot's business.
type Letter struct {
	ID       string    // unique: the inbox's platform and message id, the outbox's idempotency key
	Lane     string    // outbox: letters of one lane go out in order
	Payload  []byte    //
	At       time.Time // when it came, or was written
	Due      time.Time // outbox: not before
	Attempts int       // outbox: deliveries tried
	// Subject names what a letter shows the state of, such as one card: of those
	// of a lane that wait and were never tried only the newest is sent. "" = it
	// is sent in any case. Version orders the states: an older one never takes the
	// place of a newer one.
	Subject string
	Version int64
	Way     string    // outbox: who can send it, see Pick
	Held    time.Time // outbox: until when whoever took it may send it, by his clock
	// Taken tells one taking out of the outbox from every other, for who settles the
	// letter: what somebody else has taken since is not his any more. 0 = not taken.
	Taken int64
}

// Pick says which letters are taken out of the outbox.
type Pick struct {
	Way    string        // only letters of this way; "" = of every way
	Except []string      // but not of these
	Limit  int           // at most so many
	Hold   time.Duration // for how long nobody else gets them; 0 = 1 minute
}

// Audit is one line of who did what.
type Audit struct {
	At     time.Time `json:"at"`
	Who    Actor     `json:"who"`
	Action string    `json:"action"` // a fixed word: "run.moved", "vote.refused"
	Run    Code      `json:"run,omitempty"`
	Detail string    `json:"detail,omitempty"`
}
