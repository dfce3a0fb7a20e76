package store

import (
	"io/fs"
	"log/slog"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rollcallhq/rollcall/sync/run"
)

// A run that waited for votes when the record was of the first version has no time
// to wake in its body: it ends in time all the same, whatever happens to it until
// then.
func TestARunThatWaitedInTheFirstVersionStillExpires(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 10, 8, 10, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	dir := t.TempDir()
	first, err := fs.ReadFile(migrations, "migrations/00001_record.sql")
	if err != nil {
		t.Fatal(err)
	}
	old := &Store{dir: dir, now: clock, logger: slog.New(slog.DiscardHandler)}
	if err := old.connect(&Options{Dir: dir, Logger: old.logger}); err != nil {
		t.Fatal(err)
	}
	if err := old.migrate(t.Context(), fstest.MapFS{"migrations/00001_record.sql": &fstest.MapFile{Data: first}}); err != nil {
		t.Fatal(err)
	}
	expires := now.Add(8 * time.Hour)
	body, err := encode(run.Run{
		Code: "7K3MQ2", Flow: "hr", State: run.Awaiting, Version: 4, RequestID: "r", Votes: 2, Expires: expires, Created: now, Updated: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = old.writer.ExecContext(t.Context(), `INSERT INTO runs (code, request_id, flow, state, version, created, expires, body)
		VALUES ('7K3MQ2', 'r', 'hr', 'awaiting_approval', 4, $1, $2, $3)`, millis(now), millis(expires), body)
	if err != nil {
		t.Fatal(err)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), Options{Dir: dir, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	// One vote of two: the run goes on waiting.
	vote := run.Vote{Run: "7K3MQ2", Decision: run.Approve, By: run.Actor{Person: "周凯"}}
	if _, err := s.Vote(t.Context(), vote, func(*run.Run, []run.Vote) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if due, err := s.Due(t.Context()); err != nil || len(due) != 0 {
		t.Errorf("due before its time: %v, %v", due, err)
	}
	now = expires
	if due, err := s.Due(t.Context()); err != nil || len(due) != 1 || due[0].Code != "7K3MQ2" {
		t.Errorf("due at its end: %v, %v", due, err)
	}
}
