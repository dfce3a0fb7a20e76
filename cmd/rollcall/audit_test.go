package main

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rollcallhq/rollcall/cmd/stage"
	"github.com/rollcallhq/rollcall/sync/run"
)

// tamper carries out a statement on a script's record, as somebody does who can
// write the data folder.
func tamper(ts *testscript.TestScript, args []string) error {
	db, err := sql.Open("sqlite", "file:"+ts.MkAbs("data/rollcall.db")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	_, err = db.ExecContext(context.Background(), args[0])
	return errors.Join(err, db.Close())
}

// TestT111_NoDeletionWithoutItsAuditRow lets the audit refuse what it must know
// before an account is taken away, in the middle of a run: harmless changes are
// done, no account goes, the run fails and says so. When the audit takes rows again,
// the next run does it.
func TestT111_NoDeletionWithoutItsAuditRow(t *testing.T) {
	t.Parallel()
	s := openService(t, stage.Options{})
	db, err := sql.Open("sqlite", "file:"+s.record()+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	exec := func(statement string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	exec(`CREATE TRIGGER full BEFORE INSERT ON audit WHEN NEW.action LIKE 'change.%' BEGIN SELECT RAISE(ABORT, 'audit is full'); END`)
	code := s.approvedRun(t)
	s.awaitRun(t, "the run ends", func(r run.Run) bool { return r.Code == code && r.State == run.Failed })
	gone := func() (n int) {
		for _, e := range s.effects() {
			if strings.Contains(e, "delete") {
				n++
			}
		}
		return n
	}
	if all := s.effects(); gone() > 0 || len(all) != 9 {
		t.Errorf("without an audit row for it %d accounts were taken away: %v", gone(), all)
	}
	until(t, "the log says why", func() bool { return len(s.log.with("audit is full")) > 0 })
	if all, err := s.app.store.AuditTrail(t.Context(), code); err != nil || len(all) == 0 {
		t.Errorf("reading while the audit is full: %d rows, %v", len(all), err)
	}
	exec(`DROP TRIGGER full`)
	s.approvedRun(t)
	until(t, "the next run takes them away", func() bool { return gone() == 3 })
}
