package mapping

import (
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// Origin says how a link came to be.
type Origin string

// The origins. Only created and adopted accounts are ever disabled or deleted.
const (
	Created Origin = "created" // the flow made the target object
	Adopted Origin = "adopted" // a vote, or adopt: automatic, made it ours
)

// Link remembers that a source object and a target object are one, in one
// flow.
type Link struct {
	Flow   string        `json:"flow"`
	Source directory.Key `json:"source"`
	Target directory.Key `json:"target"`
	Origin Origin        `json:"origin"`
	Since  time.Time     `json:"since"`

	// Written holds what the flow last wrote, by target attribute: it stands in
	// for values that the target hides.
	Written directory.Attributes `json:"written,omitempty"`
	// Seen holds the source attributes as last read; a leaver is judged on them.
	Seen directory.Attributes `json:"seen,omitempty"`
	// DisabledAt is when the flow's DISABLE was applied; the grace period counts
	// from it. Zero: not disabled by us.
	DisabledAt time.Time `json:"disabled_at,omitzero"`
	// DeletedAt marks a tombstone: the target object is deleted and the link
	// stays only for its memory.
	DeletedAt time.Time `json:"deleted_at,omitzero"`
	// LeftRuns counts the runs in a row in which the person had left and was
	// still active because a rule held, aborted or failed.
	LeftRuns int `json:"left_runs,omitempty"`
}

// Live tells whether the link still has a target object.
func (l Link) Live() bool { return l.DeletedAt.IsZero() }
