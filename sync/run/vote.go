package run

import (
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// Decision is what a vote says.
type Decision string

// The decisions.
const (
	Approve Decision = "approve"
	Reject  Decision = "reject"
	// BreakGlass lets a run go with one person's word: an admin, at the terminal,
	// with a one-time password and a reason. It never helps a blocked run.
	BreakGlass Decision = "break_glass"
)

// Vote is one person's vote on exactly one plan digest.
type Vote struct {
	Run      Code             `json:"run"`
	Decision Decision         `json:"decision"`
	By       Actor            `json:"by"`
	Thread   Thread           `json:"thread"`          // where it was cast
	Digest   directory.Digest `json:"digest,omitzero"` // that the card showed; zero when typed, then the run's plan counts
	Typed    Restated         `json:"typed"`
	For      string           `json:"for,omitempty"` // person in whose place the voter stands, by delegation
	// Only and Hold name a part of the plan, as typed: departments, operations,
	// people, "#3" or "#3-5". Part is what they leave of the changes that wait
	// for votes, by Seq, ascending; nil = all of them. The engine sets it.
	Only   []string  `json:"only,omitempty"`
	Hold   []string  `json:"hold,omitempty"`
	Part   []int     `json:"part,omitempty"`
	Reason string    `json:"reason,omitempty"`
	Weak   bool      `json:"weak,omitempty"` // came by a transport that proves little
	At     time.Time `json:"at"`
}

// Restated is what a voter typed of the plan's counts. -1 means not typed.
type Restated struct {
	Delete  int `json:"delete"`
	Disable int `json:"disable"`
	Total   int `json:"total"`
}

// NotRestated is a vote without any count.
func NotRestated() Restated { return Restated{-1, -1, -1} }

// Fits tells whether a voter restated what matters of the counts: every
// destructive kind that the plan has, and nothing else wrong; the total when
// the plan has no destructive change.
func (t Restated) Fits(c plan.Counts) bool {
	if c.Destructive() == 0 {
		return t.Total == c.Total() && t.Delete <= 0 && t.Disable <= 0
	}
	kind := func(typed, have int) bool { return typed == have || typed == -1 && have == 0 }
	return kind(t.Delete, c.Delete) && kind(t.Disable, c.Disable) && (t.Total == -1 || t.Total == c.Total())
}
