package plan

import (
	"slices"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
)

// Flow is what a plan needs to know of a configured flow.
type Flow struct {
	Name        string
	Users       *mapping.Mapping
	Departments *mapping.Mapping // nil: departments are not synced, a user's are found by path
	Scope       mapping.Scope
	// AdoptAtOnce: a first match by key becomes ours without a vote.
	AdoptAtOnce bool
	// DeleteGoneDepartments: a vanished department of ours is deleted once it is
	// empty; otherwise it is kept.
	DeleteGoneDepartments bool
	Leavers               Leavers
	Guard                 Guard
	Protect               Protect
	Approve               Approve
}

// Leavers says who has left and what becomes of them.
type Leavers struct {
	When       map[string][]string // source attribute → values that mean "has left"; active: an account's activity
	OutOfScope bool                // who leaves the scope has left; false: reported, untouched
	First      Op                  // Disable or Delete
	Then       Op                  // Delete, or None: nothing after the first step
	After      time.Duration       // grace between the applied DISABLE and the DELETE
}

// Guard holds the caps. A value of 0 is a cap of nothing: every change of that
// kind exceeds it. Percentages are of the flow's linked accounts unless said
// otherwise.
type Guard struct {
	MaxDelete                     int     // DISABLE and DELETE, absolute
	MaxDeletePercent              float64 // the same, in percent, when at least 3
	MaxDeletePercentPerDepartment float64 // of the linked accounts of one department with at least 5
	MaxShrinkPercent              float64 // the source against its last good snapshot, when at least 3 are missing
	MaxChangePercent              float64 // UPDATE, when at least 10
	// MaxRuleErrorPercent is of the judged objects: those on which a rule failed, when
	// more than 5, or at least 3 that are more than half of the judged.
	MaxRuleErrorPercent float64
}

// Protect names accounts that are never disabled or deleted.
type Protect struct {
	Attributes  map[string][]string // source or target attribute → values
	Departments []string            // paths, with everything below
}

// Approve says what needs a vote.
type Approve struct {
	DisableOver int           // up to this many DISABLE, and no DELETE, need no vote
	Expires     time.Duration // of an approval
	SafeFirst   bool          // harmless changes need not wait for the vote
}

// Abilities are what the target can do.
type Abilities struct {
	Ops         map[directory.Kind][]Op
	IDAttribute map[directory.Kind]string // becomes the id of a created object; "" when the target gives ids
	LoginIDs    map[string]bool           // attributes that identify a person at sign-in
	// Means gives the standard attribute of those that are the target's own names for
	// one: they show the same, and writing one changes the other.
	Means map[directory.Kind]map[string]string
}

func (a Abilities) can(kind directory.Kind, op Op) bool {
	return slices.Contains(a.Ops[kind], op)
}

// Staff is a person who matters to a plan: one with a role in Rollcall.
type Staff struct {
	Name       string
	EmployeeNo string
	Email      string
	Accounts   []string // ids on the platforms
	Decides    bool     // an approver or admin
}

// Input is everything that a plan is made of.
type Input struct {
	Flow                       Flow
	Config                     string // hash of the flow's configuration and rule files
	Source                     *directory.Snapshot
	Target                     *directory.Snapshot
	SourceTenant, TargetTenant string
	LastGood                   *LastGood // nil: there was none yet
	Links                      []mapping.Link
	Abilities                  Abilities
	Rules                      Rules   // nil: no rule
	Former                     *Former // nil: the rules are those of the last applied run, or there was none
	// Gone tells of every candidate of GoneCandidates what the source answered
	// when it was asked for just these by id.
	Gone   map[directory.Key]GoneAnswer
	Recent int // DISABLE and DELETE that the flow applied in the last 24 hours
	Staff  []Staff
	// Only, with Department or Kind, is of a plan that is only looked at. With
	// Objects it is of a run by event, and such a plan may be applied. Then Source is
	// the last complete listing in which these objects, and what they refer to, were
	// replaced by what the source says of them now; it is marked incomplete ("by
	// event"). Target is read whole, as ever; Gone and LastGood are not looked at.
	// The plan holds CREATE, UPDATE (enabling somebody again included) and ADOPT whose
	// Source is one of Objects, no DISABLE and no DELETE, and notes about them alone;
	// it is assessed for itself, without the guards that compare sizes. Who has left,
	// and what needs something that is created and is not one of Objects, waits for
	// the next full run, which is noted. All other objects of Source and Target count
	// as evidence: who shares a key with somebody is in conflict as ever.
	Only Narrow
	Now  time.Time
	// partial tells that Target is not all that the target has: see One.
	partial bool
}

// LastGood is the size of the last complete source snapshot.
type LastGood struct{ Users, Departments int }

// GoneAnswer is what the source said of somebody missing from its listing.
type GoneAnswer uint8

// The answers. The zero answer is that nobody asked, or that it cannot be told.
const (
	GoneUnsure GoneAnswer = iota
	GoneConfirmed
	GoneDenied // it is there after all
)

// GoneCandidates lists the source keys of live links that a complete source
// does not list any more; of an incomplete one there are none.
func GoneCandidates(source *directory.Snapshot, links []mapping.Link) []directory.Key {
	if !source.Complete() {
		return nil
	}
	var keys []directory.Key
	for _, l := range links {
		if l.Live() && !source.Has(l.Source) {
			keys = append(keys, l.Source)
		}
	}
	return keys
}
