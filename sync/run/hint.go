package run

import (
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// HintKind is what a Hint says.
type HintKind string

// The kinds.
const (
	HintNamed  HintKind = ""       // an object may have changed
	HintWhole  HintKind = "whole"  // something changed that only a full run sees
	HintShrunk HintKind = "shrunk" // the source shows less than before
)

// Hint is what a system told of a flow and nobody has acted on yet. It is never
// proof of anything.
type Hint struct {
	Flow    string
	What    HintKind
	Key     directory.Key // of HintNamed; else zero
	At      time.Time     // when it was told first
	Version int64         // grows each time that it is told again; the record's
}

// WatchPrefix begins the names of leases that are of no flow: who holds one tells of
// the changes of a system that several processes watch.
const WatchPrefix = "watch:"

// WatchLease names the lease of a system.
func WatchLease(system string) string { return WatchPrefix + system }
