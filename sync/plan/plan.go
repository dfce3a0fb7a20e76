// Package plan decides what a run would change in a target, from two
// snapshots, the links, a mapping and the rules, and says how dangerous that
// is.
//
// It is pure: no I/O, no clock but the given one. The plan it makes is data:
// it can be stored, shown, compared, voted on and applied by a process that has
// never seen the mapping.
package plan

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// Op is an operation on one target object.
type Op string

// The operations. Adopt touches the link alone: it makes a target object that
// was found by a match key ours.
const (
	None    Op = "NONE"
	Create  Op = "CREATE"
	Update  Op = "UPDATE"
	Disable Op = "DISABLE"
	Delete  Op = "DELETE"
	Adopt   Op = "ADOPT"
)

// Destructive tells whether the operation takes an account away.
func (o Op) Destructive() bool { return o == Disable || o == Delete }

// Change is one operation on one target object. It is complete: applying it
// needs neither rule nor mapping.
type Change struct {
	Seq    int           `json:"seq"`             // place in the plan, from 1
	Op     Op            `json:"op"`              //
	Key    directory.Key `json:"key"`             // the target object; the id is empty when the target will give it
	Source directory.Key `json:"source"`          // the source object; the id is empty when there is none
	Name   string        `json:"name"`            // for people
	Where  string        `json:"where,omitempty"` // for people: the department's path
	Tail   string        `json:"tail,omitempty"`  // for people: the end of the employee number

	// Before holds what the change was planned on: for UPDATE the old values of
	// what changes, for DISABLE, DELETE and ADOPT every mapped attribute, for
	// CREATE nothing. Hidden values stay hidden.
	Before directory.Attributes `json:"before,omitempty"`
	// After holds the attributes to write: all of them for CREATE, only the
	// changed ones for UPDATE. References may be pending.
	After directory.Attributes `json:"after,omitempty"`
	// Reason tells people why.
	Reason string `json:"reason"`
	// Rule is the file and line that decided it, "rules/users.js:12"; "" when no rule
	// had a say.
	Rule string `json:"rule,omitempty"`
	// Cause is what must still hold when a DISABLE or DELETE is applied.
	Cause Cause `json:"cause"`
	// Needs lists the changes (by Seq) that must be done before this one.
	Needs []int `json:"needs,omitempty"`
}

// CauseKind says what a destructive change rests on.
type CauseKind string

// The causes.
const (
	CauseDiffers CauseKind = "differs" // CREATE, UPDATE, ADOPT: source and target differ
	CauseGone    CauseKind = "gone"    // the object is not in the source any more
	CauseStatus  CauseKind = "status"  // leavers.when says so
	CauseScope   CauseKind = "scope"   // out of scope, with out_of_scope: leave
	CauseRule    CauseKind = "rule"    // a rule chose it
	CauseUndo    CauseKind = "undo"    // an earlier run is taken back: the source is not asked
)

// Cause is what a change rests on. Attribute and Values are of a status;
// Fingerprint is of the source object that a rule or scope judged: of a status only
// where there is a rule, which might hold it back by now.
type Cause struct {
	Kind        CauseKind        `json:"kind"`
	Attribute   string           `json:"attribute,omitempty"`
	Values      []string         `json:"values,omitempty"`
	Fingerprint directory.Digest `json:"fingerprint,omitzero"`
	// Looked are the other objects that the rule judged this one by, each once and in
	// the order of their keys: they must still be what they were.
	Looked []Look `json:"looked,omitempty"`
}

// Look is a source object that a rule looked at while it judged another.
type Look struct {
	Key  directory.Key `json:"key"`
	Name string        `json:"name"` // for people, who tell it apart by this
	// Fingerprint is that of the object; zero: the source did not have it.
	Fingerprint directory.Digest `json:"fingerprint,omitzero"`
}

// NoteKind is the kind of a Note.
type NoteKind string

// The notes, worst first.
const (
	LeftActive NoteKind = "left_active"  // has left and stays active: a rule held, aborted or failed
	RuleFailed NoteKind = "rule_failed"  // the rule ended with an error: untouched
	Conflict   NoteKind = "conflict"     // two candidates: never guessed
	Held       NoteKind = "held"         // the operation was the rule's to give, and it gave none
	Aborted    NoteKind = "aborted"      // the rule dropped the operation
	OutOfScope NoteKind = "out_of_scope" // linked, out of scope, untouched by out_of_scope: keep
	Kept       NoteKind = "kept"         // would be taken away, but something keeps it: see Say
	Unclear    NoteKind = "unclear"      // nothing can be concluded: a hidden attribute, an incomplete source
	Lost       NoteKind = "lost"         // a reference without a partner
	// Irreversible is of an undo: what cannot be taken back, and why.
	Irreversible NoteKind = "irreversible"
)

// Note is something that a plan found and does not change.
type Note struct {
	Kind  NoteKind      `json:"kind"`
	Op    Op            `json:"op,omitempty"` // the operation that was proposed
	Key   directory.Key `json:"key,omitzero"` // of the source object, or of the target's when there is none
	Name  string        `json:"name,omitempty"`
	Place string        `json:"place,omitempty"` // file and line of a rule; file, row and column of a source
	Say   string        `json:"say"`
	Alarm bool          `json:"alarm,omitempty"` // three runs running: to be called out in the room
}

// Side names one snapshot that the plan rests on.
type Side struct {
	System      string           `json:"system"`
	Tenant      string           `json:"tenant"` // of the connection: app, corp or file
	Digest      directory.Digest `json:"digest"`
	Users       int              `json:"users"`
	Departments int              `json:"departments"`
	Health      directory.Health `json:"health"`
}

// Plan is what a run would do. It is immutable once made.
type Plan struct {
	Flow    string   `json:"flow"`
	Config  string   `json:"config"` // hash of the flow's configuration and rule files
	Source  Side     `json:"source"`
	Target  Side     `json:"target"`
	Changes []Change `json:"changes"`
	Notes   []Note   `json:"notes,omitempty"`
	// Names tells people what the references of the changes point to.
	Names   map[string]string `json:"names,omitempty"`
	Risk    Assessment        `json:"assessment"`
	Managed int               `json:"managed"` // M: linked live accounts of the flow
	Recent  int               `json:"recent"`  // DISABLE and DELETE that the flow applied in the last 24 hours
	// Rules tells that the rules are not those of the run that was applied last.
	Rules *RuleChange `json:"rules,omitempty"`
}

// Counts are numbers of changes by operation.
type Counts struct {
	Create  int `json:"create"`
	Update  int `json:"update"`
	Disable int `json:"disable"`
	Delete  int `json:"delete"`
	Adopt   int `json:"adopt"`
}

// Total gives the number of changes.
func (c Counts) Total() int { return c.Create + c.Update + c.Disable + c.Delete + c.Adopt }

// Destructive gives D: DISABLE and DELETE.
func (c Counts) Destructive() int { return c.Disable + c.Delete }

// Add counts one change of an operation.
func (c *Counts) Add(op Op) {
	switch op {
	case Create:
		c.Create++
	case Update:
		c.Update++
	case Disable:
		c.Disable++
	case Delete:
		c.Delete++
	case Adopt:
		c.Adopt++
	case None:
	}
}

// Counts counts the changes.
func (p *Plan) Counts() Counts {
	var c Counts
	for i := range p.Changes {
		c.Add(p.Changes[i].Op)
	}
	return c
}

// Encode gives the plan's canonical bytes: two plans of the same inputs are
// byte-identical.
func (p *Plan) Encode() []byte {
	b, err := json.Marshal(p)
	if err != nil {
		panic(fmt.Sprintf("plan: encode: %v", err)) // a Plan holds nothing that JSON cannot
	}
	return b
}

// Decode reads what Encode wrote.
func Decode(b []byte) (*Plan, error) {
	var p Plan
	if err := json.Unmarshal(b, &p); err != nil {
		return nil, fmt.Errorf("decode plan: %w", err)
	}
	return &p, nil
}

// Digest identifies the plan: flow, configuration, both snapshots, and every
// change with before, after and reason. A vote is for exactly one digest.
func (p *Plan) Digest() directory.Digest { return sha256.Sum256(p.Encode()) }
