package run

import (
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// Query asks for a person in the systems, as people name one.
type Query struct {
	Text string   // employee number, mail address, id, or exact name
	IDs  []string // ids on the platforms, when the person was mentioned
}

// Holding is what one system holds of a person.
type Holding struct {
	System string
	Tenant string
	Object directory.Object // zero Key: nothing was found
	Gone   bool             // the system says that it is not there
	Unsure string           // why nothing can be said
	// Names tells people what the references of the object point to, as in
	// plan.Plan.
	Names map[string]string
}

// Profile is what is known of one person in one flow.
type Profile struct {
	Flow   string
	Name   string // as the source showed it last, also of somebody who is gone
	Where  string // path of the first department in the last complete listing
	Tail   string // the end of the employee number
	Source Holding
	Target Holding
	// Origin says how the two belong together: "created", "adopted", or "" when
	// they are not linked; Keys names the match keys by which they fit now.
	Origin   string
	Since    time.Time
	Keys     []string
	Disabled time.Time // when this flow disabled the account; zero: it did not
	Last     []Deed    // what this flow did to the account, newest first, at most 3
	Pending  []Pending // open plans that touch the person
	Next     Forecast
}

// Deed is one change that was made, with who is answerable for it.
type Deed struct {
	Run    Run
	Change plan.Change
	Entry  Entry
	Votes  []Vote
	Names  map[string]string // see plan.Plan
}

// Pending is one change of an open plan.
type Pending struct {
	Run    Run
	Change plan.Change
	Names  map[string]string // see plan.Plan
}

// Forecast is what the next run would do with one person, as far as it can be
// told from the last complete listing, and both systems asked for this person
// just now.
type Forecast struct {
	Change *plan.Change // nil: nothing
	Notes  []plan.Note
	Names  map[string]string // see plan.Plan
	Unsure string            // why nothing can be told: no listing yet, a system that does not answer
	Source time.Time         // when the listing was made
}

// Trial asks what a flow's rule does with one person. It writes nothing.
type Trial struct {
	Flow string
	Who  Query
	Op   plan.Op // that is proposed to the rule; "" = what map and compare propose
	By   Actor
	// Texts are rules to try instead of the flow's own, of the kinds that they name.
	Texts []plan.RuleText
}

// Tried is what a rule did. Somebody who takes no part in the flow (out of scope,
// in conflict) is shown to the rule all the same: Final is then NONE, and Note
// says why.
type Tried struct {
	Object   directory.Object // as the rule got it
	Target   directory.Attributes
	Proposed plan.Op
	Verdict  plan.Verdict
	Final    plan.Op       // what would happen
	Note     plan.NoteKind // why nothing would happen, if so
	Took     time.Duration
	Logs     []string // what the rule logged, if the rules tell
	Ruled    bool     // there is a rule for users in this flow
}

// RuleDiff asks which objects of the last complete listing other rules would decide
// differently. It writes nothing and asks neither system.
type RuleDiff struct {
	Flow string
	// Old are the rules to compare the flow's own with, of the kinds that they name;
	// none: those of the run that was applied last.
	Old []plan.RuleText
	By  Actor
}

// RulesDiffered is what came of it.
type RulesDiffered struct {
	Since  Code      // the run whose rules were the old ones; "" when they were given
	Listed time.Time // when the listing was made
	Judged int       // objects that both were asked about
	All    []plan.Differing
}
