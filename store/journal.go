package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

const entryColumns = `run, seq, flow, op, step, kind, id, source_kind, source_id, say, sent, sends, at`

// line is a journal entry as the record keeps it.
type line struct {
	run.Entry
	flow string
	op   plan.Op
}

func scanLine(scan func(...any) error) (line, error) {
	var l line
	var sent, at int64
	err := scan(&l.Run, &l.Seq, &l.flow, &l.op, &l.Step, &l.Key.Kind, &l.Key.ID, &l.Source.Kind, &l.Source.ID, &l.Say, &sent, &l.Sends, &at)
	l.Sent, l.At = instant(sent), instant(at)
	return l, err
}

// Entries gives the journal of a run in the order of its plan.
func (s *Store) Entries(ctx context.Context, code run.Code) ([]run.Entry, error) {
	rows, err := s.reader.QueryContext(ctx, `SELECT `+entryColumns+` FROM changes WHERE run = $1 ORDER BY seq`, code)
	all, err := collect(rows, err, func(scan func(...any) error) (run.Entry, error) {
		l, err := scanLine(scan)
		return l.Entry, err
	})
	if err != nil {
		return nil, s.fail("read journal", err)
	}
	return all, nil
}

// Mark stores entries, and links with them, all or nothing, and only while the
// lease holds at the moment of writing. What an entry leaves out stays: an empty
// key, a zero time of sending, a smaller count of sends; the source never
// changes, and each mark of sending counts at least one more send. Faults: Stale
// when the lease is lost, of another flow, or a call is to be sent for a run that
// is not applying; NotFound for a change that is in no plan; Conflict for a step
// that is not legal (see step.go) or a target object that has a live link.
func (s *Store) Mark(ctx context.Context, lease run.Lease, entries []run.Entry, links []mapping.Link) error {
	return s.write(ctx, "mark journal", func(tx *sql.Tx) error {
		if err := s.checkLease(ctx, tx, lease); err != nil {
			return err
		}
		applying := make(map[run.Code]bool)
		for i := range entries {
			if err := s.mark(ctx, tx, lease, entries[i], applying); err != nil {
				return err
			}
		}
		return putLinks(ctx, tx, lease, links)
	})
}

// mark stores one entry; applying remembers the runs that were found applying.
func (s *Store) mark(ctx context.Context, tx *sql.Tx, lease run.Lease, e run.Entry, applying map[run.Code]bool) error {
	old, err := scanLine(tx.QueryRowContext(ctx, `SELECT `+entryColumns+` FROM changes WHERE run = $1 AND seq = $2`, e.Run, e.Seq).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return fault.New(fault.NotFound, "run %s has no change %d / 运行 %s 没有第 %d 项变更", e.Run, e.Seq, e.Run, e.Seq)
	}
	if err != nil {
		return err
	}
	if old.flow != lease.Flow {
		return staleLease(lease)
	}
	if !stepLegal(old.op, old.Step, e.Step) {
		return fault.New(fault.Conflict, "change %d of %s is %s and cannot become %s / %[2]s 的第 %[1]d 项变更是 %[3]s，不能变成 %[4]s",
			e.Seq, e.Run, old.Step, e.Step)
	}
	if e.Step == run.StepSending && !applying[e.Run] {
		if err := checkApplying(ctx, tx, e.Run); err != nil {
			return err
		}
		applying[e.Run] = true
	}
	e = merged(old.Entry, e, s.now())
	if err := s.auditDestructive(ctx, tx, old, e); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE changes SET step = $1, kind = $2, id = $3, say = $4, sent = $5, sends = $6, at = $7
		WHERE run = $8 AND seq = $9`, e.Step, e.Key.Kind, e.Key.ID, e.Say, millis(e.Sent), e.Sends, millis(e.At), e.Run, e.Seq)
	return err
}

// merged gives the new entry with what it left out.
func merged(old, e run.Entry, now time.Time) run.Entry {
	if e.Key == (directory.Key{}) {
		e.Key = old.Key
	}
	e.Sends = max(e.Sends, old.Sends)
	if e.Step == run.StepSending {
		e.Sends = max(e.Sends, old.Sends+1)
		if e.Sent.IsZero() {
			e.Sent = now
		}
	}
	if e.Sent.IsZero() {
		e.Sent = old.Sent
	}
	if e.At.IsZero() {
		e.At = now
	}
	return e
}

// checkApplying refuses to begin a call for a run that was ended or has not been
// approved.
func checkApplying(ctx context.Context, tx *sql.Tx, code run.Code) error {
	var state run.State
	if err := tx.QueryRowContext(ctx, `SELECT state FROM runs WHERE code = $1`, code).Scan(&state); err != nil {
		return err
	}
	if state != run.Applying {
		return fault.New(fault.Stale, "%s is %s, so nothing is sent for it / %s 现在是 %s，不再执行变更", code, state, code, state)
	}
	return nil
}
