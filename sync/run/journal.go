package run

import (
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// Step is where one change of a plan is.
type Step string

// The steps: pending → sending → done | failed | skipped | in_doubt. Sending is
// committed before the call; in_doubt is left only by reading the target.
const (
	StepPending Step = "pending"
	StepSending Step = "sending"
	StepDone    Step = "done"
	StepAlready Step = "already" // done: found in its final state before anything was sent
	StepFailed  Step = "failed"
	StepSkipped Step = "skipped"
	StepInDoubt Step = "in_doubt"
)

// Settled tells whether the step is final for this run.
func (s Step) Settled() bool { return s != StepPending && s != StepSending }

// Entry is the journal's line for one change.
type Entry struct {
	Run    Code          `json:"run"`
	Seq    int           `json:"seq"` // plan.Change.Seq
	Step   Step          `json:"step"`
	Key    directory.Key `json:"key"`           // of the target object, once known
	Say    string        `json:"say,omitempty"` // why it was skipped or failed, for people
	Sent   time.Time     `json:"sent,omitzero"` // of the last sending
	Sends  int           `json:"sends"`         // how often a call was made
	At     time.Time     `json:"at"`
	Source directory.Key `json:"source"`
}

// Count adds an entry to an outcome.
func (o *Outcome) Count(s Step) {
	switch s {
	case StepDone:
		o.Done++
	case StepAlready:
		o.Already++
	case StepFailed:
		o.Failed++
	case StepSkipped:
		o.Skipped++
	case StepInDoubt:
		o.InDoubt++
	case StepPending, StepSending:
	}
}

// Lease is the right to work on a flow. The fence grows with every new owner;
// a journal write with an older fence is refused.
type Lease struct {
	Flow  string
	Owner string
	Fence int64
	// Until is its end for who holds it, by his own clock, counted from before he asked:
	// never later than the record's.
	Until time.Time
}

// Left gives how long the lease holds yet, at a time of its holder's clock: the less of
// what the time of day says, which may be set, and the monotonic clock, which stands
// still while the machine sleeps.
func (l Lease) Left(now time.Time) time.Duration {
	return min(l.Until.Sub(now), l.Until.Round(0).Sub(now.Round(0)))
}
