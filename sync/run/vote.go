package run

import (
	"fmt"
	"slices"
	"strings"
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

// Whose gives the person whose vote it is: who lent it, or else the voter.
func (v Vote) Whose() string {
	if v.For != "" {
		return v.For
	}
	return v.By.Person
}

// Covers tells whether the vote is for a change, by Seq. A vote for a part whose
// changes are not known is for none.
func (v Vote) Covers(seq int) bool {
	if v.Part == nil {
		return len(v.Only)+len(v.Hold) == 0
	}
	_, in := slices.BinarySearch(v.Part, seq)
	return in
}

// mostReason is how much of a reason an alarm quotes, in characters.
const mostReason = 80

// Alarm says that somebody broke the glass: "name: English / 中文", with what was
// let go and why.
func (v Vote) Alarm() string {
	why := strings.ReplaceAll(strings.Join(strings.Fields(v.Reason), " "), " / ", "/")
	if runes := []rune(why); len(runes) > mostReason {
		why = string(runes[:mostReason-1]) + "…"
	}
	deleted, disabled := max(v.Typed.Delete, 0), max(v.Typed.Disable, 0)
	en, zh := fmt.Sprintf("delete %d, disable %d", deleted, disabled), fmt.Sprintf("删除 %d、停用 %d", deleted, disabled)
	if deleted+disabled == 0 {
		en, zh = fmt.Sprintf("%d changes", max(v.Typed.Total, 0)), fmt.Sprintf("%d 项变更", max(v.Typed.Total, 0))
	}
	return fmt.Sprintf("%s: broke the glass for %s, alone and from the terminal (%s). The reason given is “%s” / 一人在命令行紧急放行了 %s（%s）。给出的原因是“%s”",
		v.By.Person, v.Run, en, why, v.Run, zh, why)
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
