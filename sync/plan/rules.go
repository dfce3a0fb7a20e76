package plan

import (
	"context"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// Rules judges objects while planning; package scripting implements it. It
// never writes: what a rule asks for comes back as a Verdict. It may be Named as well.
type Rules interface {
	// Mentions tells which execute functions the rule's text for a kind names,
	// and whether there is a rule for that kind at all.
	Mentions(kind directory.Kind) (calls Calls, ruled bool)
	// Judge gives one verdict for each subject, in order. All subjects are of
	// one kind. An error means that nothing was judged (the host broke, the
	// context ended); what a rule does wrong with one object is in its Verdict. A
	// *RuleError among the causes means that the rule as a whole is of no use in this
	// run: it does not compile, or outran its limits too often. Make then gives a
	// plan that changes nothing and is blocked, with the rule's name.
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
	Reason string // context.reason
	// At is where the rule decided: its first execute call, else its first abort,
	// else its last write to context.data. It is zero when the rule did none of them.
	At     Place
	Failed *RuleError // the rule threw, overstayed or misused the API; the rest is then void
	// Looked are the other objects that the rule asked for before it took this one away:
	// its change rests on them as well. An id that was asked for without a kind stands
	// for the object that it gave, or, when it gave none, for one of each kind. At most
	// MaxLooked of them; nil when the rule takes nobody away.
	Looked []directory.Key
}

// MaxLooked is how many other objects a DISABLE or DELETE may rest on: each is asked for
// again before the account is touched.
const MaxLooked = 20

// Place is a line of a rule.
type Place struct {
	File string // as people know it
	Line int    // from 1; 0 when not known
}

// String gives "file:line", or "file" when the line is not known; "" for the zero
// Place.
func (p Place) String() string {
	if p.Line == 0 {
		return p.File
	}
	return sprintf("%s:%d", p.File, p.Line)
}

// RuleError is what a rule did wrong: with one object, in a Verdict, or as a whole,
// as the error of Rules.Judge.
type RuleError struct {
	File string
	Line int // from 1; 0 when not known
	Say  string
	// Limit tells that the rule outran a limit of time, memory or depth, or ended its
	// process. Many of them in one run make the rule useless as a whole.
	Limit bool
}

// Error gives place and sentence.
func (e *RuleError) Error() string {
	if at := e.Place().String(); at != "" {
		return at + ": " + e.Say
	}
	return e.Say
}

// Place gives where it happened.
func (e *RuleError) Place() Place { return Place{File: e.File, Line: e.Line} }

// RuleText is one rule file of a flow, as it was when a plan was made.
type RuleText struct {
	Kind directory.Kind `json:"kind"`
	Name string         `json:"name"` // as people know the file
	Text string         `json:"text"`
}

// Former are the rules of the run that was applied last, when they are not those of
// this run.
type Former struct {
	Run   string // its code
	Rules Rules  // nil: they cannot be asked any more
	Say   string // why Rules is nil, in both languages
}

// RuleChange tells what rules changed since the run that was applied last. A plan
// of unchanged rules has none.
type RuleChange struct {
	Since  string `json:"since"`         // code of that run
	Judged int    `json:"judged"`        // objects that both were asked about
	Differ int    `json:"differ"`        // of these, decided differently
	Say    string `json:"say,omitempty"` // why the former rules could not be asked; the numbers are then 0
	// Examples are the first few of those, the most dangerous first.
	Examples []Differing `json:"examples,omitempty"`
}

// Differing is one object that two sets of rules decide differently.
type Differing struct {
	Key  directory.Key `json:"key"` // of the source object
	Name string        `json:"name"`
	Old  Decision      `json:"old"`
	New  Decision      `json:"new"`
}

// Decision is what comes of one object.
type Decision struct {
	Op   Op       `json:"op"`             // None: nothing happens
	Note NoteKind `json:"note,omitempty"` // why nothing happens, if a rule is the cause
	Say  string   `json:"say,omitempty"`  // the rule's error or reason
	Rule string   `json:"rule,omitempty"` // file:line, see Change.Rule
	// Write holds the target attributes that would be written.
	Write directory.Attributes `json:"write,omitempty"`
}
