package plan

import (
	"context"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// Rules judges objects while planning; package scripting implements it. It
// never writes: what a rule asks for comes back as a Verdict.
type Rules interface {
	// Mentions tells which execute functions the rule's text for a kind names,
	// and whether there is a rule for that kind at all.
	Mentions(kind directory.Kind) (calls Calls, ruled bool)
	// Judge gives one verdict for each subject, in order. All subjects are of
	// one kind. An error means that nothing was judged (the host broke, the
	// context ended); what a rule itself does wrong is in its Verdict.
	Judge(ctx context.Context, subjects []Subject, look Lookup) ([]Verdict, error)
}

// Lookup gives an object of the source system, in scope or not.
type Lookup func(directory.Key) (directory.Object, bool)

// Subject is one object to judge.
type Subject struct {
	Object   directory.Object // of the source; of a leaver as last seen
	Proposed Op               // None when nothing would change
	// Target is the target object's attributes under the target's names, nil
	// when there is none.
	Target directory.Attributes
}

// Calls are the repo.execute functions that a rule called, or names.
type Calls struct{ Create, Update, Disable, Delete bool }

// Verdict is what a rule did for one object.
type Verdict struct {
	Calls    Calls
	Abort    []Op // operations to drop
	AbortAny bool // repo.abort() without an argument
	Returned bool // ended with return context
	// Data is the object's attributes afterwards when the rule changed them, nil
	// when it did not.
	Data   directory.Attributes
	Reason string     // context.reason
	Failed *RuleError // the rule threw, overstayed or misused the API; the rest is then void
}

// RuleError is what a rule did wrong.
type RuleError struct {
	File string
	Line int // from 1; 0 when not known
	Say  string
}
