// Package shelf holds the words for what an identity provider has pushed into
// Rollcall: users and groups as they lie in the record.
//
// It knows neither SCIM's rules nor SQL and does no I/O: the server puts items
// onto the shelf, the store keeps it.
package shelf

import "time"

// Kind is the kind of an item.
type Kind string

// The two kinds, named as SCIM names its resource types.
const (
	User  Kind = "User"
	Group Kind = "Group"
)

// Ref names one item of one system.
type Ref struct {
	System string
	Kind   Kind
	ID     string // given by us, for ever the same, never used again
}

// Item is one pushed resource.
type Item struct {
	Ref
	// Name is the folded userName of a user, unique in its system among those that
	// are there, or the folded displayName of a group.
	Name       string
	ExternalID string // the provider's own id; "" = none
	Document   []byte // the resource as JSON; nil for a tombstone
	Version    int64  // from 1, one more with each change
	Created    time.Time
	Changed    time.Time
	Gone       time.Time // when the provider deleted it; zero = it is there
}

// Query chooses items that are there, unless it says otherwise, in the order of
// their ids.
type Query struct {
	System     string
	Kind       Kind
	Name       string // only with this folded name; "" = any
	ExternalID string // only with this one; "" = any
	Ever       bool   // tombstones too
	Mentions   string // only whose document holds this id as a value; "" = any
	After      string // only ids behind this one; "" = from the first
	Offset     int    // this many are left out
	Limit      int    // at most so many; needed, from 1
}

// State is what is known of a system's pushes as a whole.
type State struct {
	First   time.Time // the first write; zero = nothing was ever pushed
	Last    time.Time // the latest write
	Settled time.Time // when the first push was over; zero = not seen yet
}

// Quiet is how long no write must have come for the first push to count as over.
// Providers push what failed again within the hour (Entra's cycle is 40 minutes).
const Quiet = time.Hour

// SettledBy tells whether the first push is over at a time: it was before, or
// nothing has come for Quiet.
func (s State) SettledBy(now time.Time) bool {
	return !s.Settled.IsZero() || !s.First.IsZero() && now.Sub(s.Last) >= Quiet
}

// Wrote gives the state after a write.
func (s State) Wrote(now time.Time) State {
	if s.Settled.IsZero() && s.SettledBy(now) {
		s.Settled = now
	}
	if s.First.IsZero() {
		s.First = now
	}
	s.Last = now
	return s
}
