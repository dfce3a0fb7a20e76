// Package connector holds the contract between the engine and the systems that
// keep accounts. Each system is one folder below; connectortest holds the suite
// that every one of them passes.
//
// The package knows no vendor and makes no call.
package connector

import (
	"context"
	"slices"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// Source is a system that can be read. Implementations are safe for concurrent
// use. Every error has a fault kind: Credential when the system refuses us (the
// sentence names what to change), Limited or Unavailable when asking again later
// may help, Invalid when the configuration or the data is wrong.
type Source interface {
	// Describe tells what the system can do. It makes no call.
	Describe() Info
	// Read lists everything, page by page, and counts into the context's Counter. It gives a complete snapshot, or one
	// that says why it proves no absence (Health.PartialFor): a page failed, the
	// permission is partial, a token was lost, a count does not fit, a row is
	// broken. It gives an error only when nothing useful came. When ctx ends it
	// returns promptly.
	Read(ctx context.Context) (*directory.Snapshot, error)
	// Lookup asks for just these objects, afresh. It has one Sighting for each
	// id, in order. An error means that nothing can be said of any of them.
	Lookup(ctx context.Context, kind directory.Kind, ids []directory.ID) ([]Sighting, error)
}

// Target is a system that can be written to.
type Target interface {
	Source
	// Apply makes one change and gives the key of the object, new for CREATE.
	// It writes exactly the attributes of Write.After, once: it never repeats a
	// write whose answer was lost. A CREATE that finds its own earlier object
	// (same id of ours, or same Token) gives that key. Faults beside those of
	// Source: InDoubt when the write may or may not have happened, Conflict when
	// the object exists already or a unique value is taken, NotFound when it is
	// not there, Invalid when the system refuses a value of this object, Denied
	// when this one object is out of our reach, Unsupported.
	Apply(ctx context.Context, w Write) (directory.Key, error)
}

// Prober is a Source that can test its credentials and permissions. The fault
// says what to change.
type Prober interface {
	Probe(ctx context.Context) error
}

// Watcher is a Source that notices changes by itself, as a directory server does
// by a persistent search.
type Watcher interface {
	// Watch tells of changes until ctx ends, then gives nil. It comes back by
	// itself after faults that pass, and gives an error only when it cannot work:
	// Credential, Invalid or Unsupported. It begins with now: what changed before
	// is for the next full run.
	Watch(ctx context.Context, tell func([]directory.Hint)) error
}

// Presence is what a Lookup learned of one object.
type Presence uint8

// The presences. No permission to see is Unsure, never Gone.
const (
	Unsure  Presence = iota // cannot be told
	Present                 // it is there
	Gone                    // the system says that it does not exist, or has left
)

// Sighting is what Lookup tells of one object.
type Sighting struct {
	Presence Presence
	Object   directory.Object // when Present; hidden attributes are Unknown
	Why      string           // when Unsure, for people
}

// Write is one change as a connector gets it: every reference in After is a
// target id.
type Write struct {
	Op    plan.Op // Create, Update, Disable or Delete
	Key   directory.Key
	After directory.Attributes
	Token string // stable for this change, ≤ 50 characters of [a-z0-9-]: an idempotency key
}

// Info describes a system: data for checks, cards and the capability table in
// docs.
type Info struct {
	Type   string // as the configuration names it: "wecom"
	Tenant string // what a plan is bound to: corp id, app id, file name; never a secret
	// IDAttribute is the attribute of a user that becomes its id when we create
	// it ("userid"); "" when only the system gives ids. Objects that are read
	// carry it as an attribute too.
	IDAttribute           string
	DepartmentIDAttribute string // the same for departments
	Ops                   map[directory.Kind][]plan.Op
	Attributes            []Attribute
	// Reads gives how many calls a Read makes for so many users in so many
	// departments, each of which holds a few, when nothing goes wrong; token calls
	// are not counted. Nil: no calls are made.
	Reads func(users, departments int) int
	// UniqueID: the system refuses a second object with our id, so that a CREATE
	// in doubt is settled by its id.
	UniqueID bool
	// CallTimeout bounds one Apply; Settle is how long after that the system may
	// still be working on a call whose answer was lost.
	CallTimeout time.Duration
	Settle      time.Duration
	// DeleteMeans and DisableMeans say what becomes of an account, and whether it
	// can come back; shown to approvers.
	DeleteMeans  Text
	DisableMeans Text
}

// Attribute describes one attribute.
type Attribute struct {
	Kind       directory.Kind
	Name       string
	Type       directory.Type
	Writable   bool
	LoginID    bool   // identifies the person at sign-in: a change of it is never harmless
	Permission string // the vendor's permission that shows it; "" = always shown
	// Means is the standard attribute of which this is the system's own name: both
	// show the same, and writing one changes the other. "" = there is only this name.
	Means string
}

// Text is a sentence in both languages.
type Text struct{ ZH, EN string }

// Can tells whether the system supports an operation on a kind.
func (i Info) Can(kind directory.Kind, op plan.Op) bool {
	return slices.Contains(i.Ops[kind], op)
}

// Attribute gives the description of an attribute of a kind.
func (i Info) Attribute(kind directory.Kind, name string) (Attribute, bool) {
	for _, a := range i.Attributes {
		if a.Kind == kind && a.Name == name {
			return a, true
		}
	}
	return Attribute{}, false
}
