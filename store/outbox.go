package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// headOfLane is the condition that no letter of the lane waits before this one.
// Letters without a lane have no order.
const headOfLane = `state = 'waiting' AND (lane = '' OR NOT EXISTS (SELECT 1 FROM outbox AS earlier
	WHERE earlier.lane = outbox.lane AND earlier.state = 'waiting' AND earlier.seq < outbox.seq))`

// Post adds letters to the outbox, all or nothing, in their order. A letter
// whose ID is there already is left alone, whatever became of it.
func (s *Store) Post(ctx context.Context, out []run.Letter) error {
	return s.write(ctx, "post letters", func(tx *sql.Tx) error { return s.post(ctx, tx, out) })
}

func (s *Store) post(ctx context.Context, tx *sql.Tx, out []run.Letter) error {
	if len(out) == 0 {
		return nil
	}
	seq, err := draw(ctx, tx, "outbox", len(out))
	if err != nil {
		return err
	}
	for i, l := range out {
		if l.ID == "" {
			return fault.New(fault.Invalid, "a letter needs an id / 待发消息缺少编号")
		}
		if l.At.IsZero() {
			l.At = s.now()
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO outbox (id, seq, lane, payload, at, due, attempts, state, why, place, done)
			VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting', '', '', 0) ON CONFLICT (id) DO NOTHING`,
			l.ID, seq+int64(i), l.Lane, bytesOf(l.Payload), millis(l.At), millis(l.Due), l.Attempts)
		if err != nil {
			return err
		}
	}
	return nil
}

// Outbox gives the letters that are due, oldest first, at most limit, and of
// each lane at most its head: the next comes when that one is sent or given up.
// Two replicas may get the same letter; its ID is the platform's idempotency
// key.
func (s *Store) Outbox(ctx context.Context, limit int) ([]run.Letter, error) {
	rows, err := s.reader.QueryContext(ctx, `SELECT id, lane, payload, at, due, attempts FROM outbox
		WHERE due <= $1 AND `+headOfLane+` ORDER BY seq LIMIT $2`, millis(s.now()), limit)
	all, err := collect(rows, err, func(scan func(...any) error) (run.Letter, error) {
		var l run.Letter
		var at, due int64
		err := scan(&l.ID, &l.Lane, &l.Payload, &at, &due, &l.Attempts)
		l.At, l.Due = instant(at), instant(due)
		return l, err
	})
	if err != nil {
		return nil, s.fail("read outbox", err)
	}
	return all, nil
}

// NextDue gives when the next letter is due, which may be past, or false when
// none waits. A letter behind another of its lane does not count.
func (s *Store) NextDue(ctx context.Context) (time.Time, bool, error) {
	var due sql.NullInt64
	err := s.reader.QueryRowContext(ctx, `SELECT MIN(due) FROM outbox WHERE `+headOfLane).Scan(&due)
	if err != nil {
		return time.Time{}, false, s.fail("read outbox", err)
	}
	return instant(due.Int64), due.Valid, nil
}

// Sent marks a letter as delivered. place is the platform's name for the message
// that was made; with a key it is remembered as the key's place, too. Faults:
// NotFound.
func (s *Store) Sent(ctx context.Context, id, key, place string) error {
	return s.write(ctx, "mark letter sent", func(tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `UPDATE outbox SET state = 'sent', place = $1, done = $2, attempts = attempts + 1 WHERE id = $3`,
			place, millis(s.now()), id))
		if err != nil {
			return err
		}
		if n == 0 {
			return noLetter()
		}
		if key == "" || place == "" {
			return nil
		}
		return setPlace(ctx, tx, key, place)
	})
}

// Retry puts a letter off until due and keeps why for the operator. Faults:
// NotFound, Conflict when it was sent or given up already.
func (s *Store) Retry(ctx context.Context, id string, due time.Time, why string) error {
	return s.settle1(ctx, "put letter off", id, `UPDATE outbox SET due = $2, why = $3, attempts = attempts + 1
		WHERE id = $1 AND state = 'waiting'`, millis(due), why)
}

// Fail gives a letter up: its lane goes on, the letter stays and is counted.
// Faults: NotFound, Conflict when it was sent or given up already.
func (s *Store) Fail(ctx context.Context, id, why string) error {
	return s.settle1(ctx, "give letter up", id, `UPDATE outbox SET state = 'failed', done = $2, why = $3, attempts = attempts + 1
		WHERE id = $1 AND state = 'waiting'`, millis(s.now()), why)
}

// settle1 runs a statement on one waiting letter, whose id is $1.
func (s *Store) settle1(ctx context.Context, what, id, query string, args ...any) error {
	return s.write(ctx, what, func(tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, query, append([]any{id}, args...)...))
		if err != nil || n == 1 {
			return err
		}
		var state string
		err = tx.QueryRowContext(ctx, `SELECT state FROM outbox WHERE id = $1`, id).Scan(&state)
		if errors.Is(err, sql.ErrNoRows) {
			return noLetter()
		}
		if err != nil {
			return err
		}
		return fault.New(fault.Conflict, "that letter is %s already / 这条消息的状态已是 %s", state, state)
	})
}

func noLetter() error {
	return fault.New(fault.NotFound, "there is no such letter / 没有这条待发消息")
}

// FailedLetters counts the letters that were given up and not yet pruned.
func (s *Store) FailedLetters(ctx context.Context) (int, error) {
	var n int
	if err := s.reader.QueryRowContext(ctx, `SELECT COUNT(*) FROM outbox WHERE state = 'failed'`).Scan(&n); err != nil {
		return 0, s.fail("count letters", err)
	}
	return n, nil
}
