package store

import (
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// TestP12_MigrationIsRefusedWhileARunApplies: the record is not changed under a worker,
// and is once it is done or dead. Who only watches a system is no worker.
func TestP12_MigrationIsRefusedWhileARunApplies(t *testing.T) {
	t.Parallel()
	now := at()
	old := &Store{now: func() time.Time { return now }, dir: t.TempDir()}
	o := Options{Dir: old.dir, Now: old.now}
	if err := o.validate(); err != nil {
		t.Fatal(err)
	}
	old.logger = o.Logger
	if err := old.connect(&o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = old.Close() })
	if err := old.migrate(t.Context(), without(t, "migrations/00007_hints.sql")); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := old.Acquire(t.Context(), run.WatchLease("hr"), "w", time.Hour); err != nil || !ok {
		t.Fatal(ok, err)
	}
	lease, ok, err := old.Acquire(t.Context(), "f", "w", time.Hour)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	upgraded, err := Open(t.Context(), o) // the upgraded binary beside the old one
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = upgraded.Close() })
	version := func(want int64) {
		t.Helper()
		if have, _, err := upgraded.Version(t.Context()); err != nil || have != want {
			t.Errorf("version %d, %v, want %d", have, err, want)
		}
	}
	if err := upgraded.Migrate(t.Context()); fault.KindOf(err) != fault.Conflict {
		t.Errorf("while a run applies: %v", err)
	}
	version(6)
	if lease, err = old.Renew(t.Context(), lease, time.Minute); err != nil { // what works, goes on
		t.Errorf("renew: %v", err)
	}
	now = lease.Until
	if err := upgraded.Migrate(t.Context()); err != nil {
		t.Errorf("when the worker is dead: %v", err)
	}
	_, newest, err := upgraded.Version(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	version(newest)
	if err := upgraded.AddHints(t.Context(), []run.Hint{{Flow: "f", What: run.HintWhole, At: now}}, 1); err != nil {
		t.Error(err)
	}
}
