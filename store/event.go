package store

import (
	"context"
	"database/sql"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// deed is what a transaction tells the audit, and the bot when it has a kind.
type deed struct {
	run    run.Code
	by     run.Actor
	action string
	detail string
	kind   run.EventKind
	say    string
}

// record writes a deed's audit row and event.
func (s *Store) record(ctx context.Context, tx *sql.Tx, d deed) error {
	now := s.now()
	if err := s.addAudit(ctx, tx, run.Audit{At: now, Who: d.by, Action: d.action, Run: d.run, Detail: d.detail}); err != nil {
		return err
	}
	if d.kind == "" {
		return nil
	}
	return s.addEvent(ctx, tx, run.Event{Run: d.run, Kind: d.kind, Say: d.say, At: now})
}

func (s *Store) addEvent(ctx context.Context, tx *sql.Tx, e run.Event) error {
	seq, err := draw(ctx, tx, "events", 1)
	if err != nil {
		return err
	}
	if e.At.IsZero() {
		e.At = s.now()
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO events (seq, run, kind, say, at) VALUES ($1, $2, $3, $4, $5)`,
		seq, e.Run, e.Kind, e.Say, millis(e.At))
	return err
}

// Append adds an event and an audit row outside a move, all or nothing. An event
// without a kind or an audit row without an action is left out; a zero time is
// now.
func (s *Store) Append(ctx context.Context, e run.Event, a run.Audit) error {
	return s.write(ctx, "append event", func(tx *sql.Tx) error {
		if a.Action != "" {
			if err := s.addAudit(ctx, tx, a); err != nil {
				return err
			}
		}
		if e.Kind != "" {
			return s.addEvent(ctx, tx, e)
		}
		return nil
	})
}

// Events gives the events after the reader's cursor in the order of their
// commits, at most limit. A reader that was never seen starts at the first.
func (s *Store) Events(ctx context.Context, reader string, limit int) ([]run.Event, error) {
	rows, err := s.reader.QueryContext(ctx, `SELECT seq, run, kind, say, at FROM events
		WHERE seq > COALESCE((SELECT seq FROM cursors WHERE reader = $1), 0) ORDER BY seq LIMIT $2`, reader, limit)
	all, err := collect(rows, err, func(scan func(...any) error) (run.Event, error) {
		var e run.Event
		var at int64
		err := scan(&e.Seq, &e.Run, &e.Kind, &e.Say, &at)
		e.At = instant(at)
		return e, err
	})
	if err != nil {
		return nil, s.fail("read events", err)
	}
	return all, nil
}

// Advance moves the reader's cursor forward to seq and adds the letters to the
// outbox, all or nothing; letters that are there already are left alone.
// Faults: Conflict when the cursor is there or further already: another replica
// was faster, and its letters stand.
func (s *Store) Advance(ctx context.Context, reader string, seq int64, out []run.Letter) error {
	return s.write(ctx, "advance cursor", func(tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `INSERT INTO cursors (reader, seq) VALUES ($1, $2)
			ON CONFLICT (reader) DO UPDATE SET seq = excluded.seq WHERE cursors.seq < excluded.seq`, reader, seq))
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Conflict, "these events were read already / 这些事件已被处理")
		}
		return s.post(ctx, tx, out)
	})
}
