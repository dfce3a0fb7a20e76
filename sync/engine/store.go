package engine

import (
	"context"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// Runs keeps runs, plans and votes. Every method is one transaction; every
// change of a run is a compare-and-set on its version, with an audit row, and
// an event when the state changed, in the same transaction.
type Runs interface {
	// CreateRun stores a new run. When a run with the same RequestID is there it
	// gives that one and false. The hints that the run is made of go with it. Faults:
	// Stale when one of them is not as it was read.
	CreateRun(ctx context.Context, r run.Run, of ...run.Hint) (run.Run, bool, error)
	// UpdateRun loads the run, lets fn change it and stores it. fn may run more
	// than once and must not do I/O; its error ends the transaction and comes
	// back. by is who is written into the audit. Faults: NotFound.
	UpdateRun(ctx context.Context, code run.Code, by run.Actor, fn func(*run.Run) error) (run.Run, error)
	// SavePlan stores the plan, a pending journal entry for each change, and the
	// run as fn changes it, all or nothing, while the lease holds. A run that had
	// a plan before (its worker died while planning) gets the new one instead.
	SavePlan(ctx context.Context, lease run.Lease, code run.Code, p *plan.Plan, fn func(*run.Run) error) (run.Run, error)
	// Vote stores a vote and the run as fn changes it. fn sees the votes so far,
	// without the new one. Faults: NotFound, Conflict when the person voted
	// already, and what fn gives.
	Vote(ctx context.Context, v run.Vote, fn func(r *run.Run, votes []run.Vote) error) (run.Run, error)
	Run(ctx context.Context, code run.Code) (run.Run, error)
	Plan(ctx context.Context, code run.Code) (*plan.Plan, error)
	Votes(ctx context.Context, code run.Code) ([]run.Vote, error)
	Runs(ctx context.Context, f run.Filter) ([]run.Run, error)
	// Recent counts the DISABLE and DELETE changes of a flow whose call was made
	// since a time: done, or in doubt.
	Recent(ctx context.Context, flow string, since time.Time) (int, error)
	// Due gives the runs that need somebody now: queued, reading, planning or
	// applying while nobody holds the flow's lease, and those awaiting approval
	// whose Wake has come.
	Due(ctx context.Context) ([]run.Run, error)
	// Append adds an event and an audit row outside a move: progress, alarms, refused
	// votes. An event or audit row without a kind or action is left out.
	Append(ctx context.Context, e run.Event, a run.Audit) error
}

// Journal keeps what becomes of each change, the links, and the leases that
// guard them. A write with a lease that does not hold any more (another owner,
// an older fence, or past its time) changes nothing and gives a Stale fault.
type Journal interface {
	Entries(ctx context.Context, code run.Code) ([]run.Entry, error)
	// Deeds gives the entries of a flow about one source object that were done, or
	// sent whatever became of it, newest first.
	Deeds(ctx context.Context, flow string, source directory.Key, limit int) ([]run.Entry, error)
	// Mark stores entries, and links with them, all or nothing.
	Mark(ctx context.Context, lease run.Lease, entries []run.Entry, links []mapping.Link) error
	// Links gives every link of a flow, tombstones too, by source key.
	Links(ctx context.Context, flow string) ([]mapping.Link, error)
	// Acquire takes the lease of a flow, or gives false when somebody else holds
	// it. Renew prolongs it; Stale when it is lost. Release gives it back early.
	Acquire(ctx context.Context, flow, owner string, ttl time.Duration) (run.Lease, bool, error)
	Renew(ctx context.Context, lease run.Lease, ttl time.Duration) (run.Lease, error)
	Release(ctx context.Context, lease run.Lease) error
}

// Snapshots keeps the last complete source snapshot of each flow.
type Snapshots interface {
	// SaveSnapshot replaces the flow's snapshot.
	SaveSnapshot(ctx context.Context, flow string, s *directory.Snapshot) error
	// LastSnapshot gives it, or false when there is none yet.
	LastSnapshot(ctx context.Context, flow string) (*directory.Snapshot, bool, error)
}

// Rules keeps the texts of the rules that plans were made with.
type Rules interface {
	// KeepRules keeps the texts under the hash of the flow's configuration and rule
	// files, once for each hash.
	KeepRules(ctx context.Context, config string, texts []plan.RuleText) error
	// RuleTexts gives them, or false when none were ever kept under the hash.
	RuleTexts(ctx context.Context, config string) ([]plan.RuleText, bool, error)
}

// Settings keeps what people set while the service runs, what they have seen,
// and the audit.
type Settings interface {
	// Set stores a setting, or removes it when it has no value, with its audit row.
	Set(ctx context.Context, s run.Setting) error
	// Settings gives every setting of a kind, by name.
	Settings(ctx context.Context, kind run.SettingKind) ([]run.Setting, error)
	// See notes that a person has seen changes of a plan in full, by Seq; Seen
	// gives them.
	See(ctx context.Context, code run.Code, person string, seqs []int) error
	Seen(ctx context.Context, code run.Code, person string) (map[int]bool, error)
	// Audits gives the audit rows of an action since a time, oldest first.
	Audits(ctx context.Context, action string, since time.Time) ([]run.Audit, error)
}

// Hints keeps what systems told and nobody has acted on.
type Hints interface {
	// AddHints keeps hints; more than most of a flow's objects become one hint of
	// HintWhole.
	AddHints(ctx context.Context, hints []run.Hint, most int) error
	// Hints gives those of a flow, oldest first.
	Hints(ctx context.Context, flow string) ([]run.Hint, error)
	// DropHints forgets some, but for those that were told again since they were read.
	DropHints(ctx context.Context, hints []run.Hint) error
}

// Store is all that the engine keeps; *store.Store implements it.
type Store interface {
	Runs
	Journal
	Snapshots
	Rules
	Settings
	Hints
}

// Bell wakes workers. It may lose a ring or ring twice: what is due is in the
// Store, and the sweeper rings again.
type Bell interface {
	// Ring tells workers that there is something to do for a key. Rings of a key
	// that is not yet being worked on may be merged.
	Ring(ctx context.Context, key string) error
	// Listen calls answer for each ring until ctx ends, workers of them at a
	// time. A ring whose answer did not return, because the process died, comes
	// to another listener.
	Listen(ctx context.Context, workers int, answer func(ctx context.Context, key string)) error
}
