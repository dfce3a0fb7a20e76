package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// intakeWait bounds how long a claim waits for its turn at the writer, and claimWait
// how long a server then has to write it.
const (
	intakeWait = 450 * time.Millisecond
	claimWait  = 500 * time.Millisecond
)

// Claim stores an incoming message under its id and tells whether it is the
// first with it. It is on the disk before it returns true. Within a second it
// succeeds or gives up. Faults: Invalid without an id, Unavailable: the caller
// must not acknowledge. The message is not in the record then, unless a server has
// not answered in time, or no more: that may have written it all the same.
func (s *Store) Claim(ctx context.Context, id string, payload []byte) (bool, error) {
	if id == "" {
		return false, fault.New(fault.Invalid, "a message needs an id / 消息缺少编号")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, intakeWait, errors.New("the record is busy"))
	defer cancel()
	for tries := 1; ; tries++ {
		n, err := s.claim(ctx, id, bytesOf(payload))
		if err == nil {
			return n == 1, nil
		}
		if !errors.Is(err, driver.ErrBadConn) || tries == claimTries { // nothing was done on a connection that was dead
			return false, s.fail("claim message", err)
		}
	}
}

// claimTries is how many connections a claim tries, of which a server that was
// restarted has left dead ones.
const claimTries = intakes + 1

// claim writes one message. ctx bounds the wait for its turn alone: a statement that
// has begun may be carried out whoever has given up, and the caller must know.
func (s *Store) claim(ctx context.Context, id string, payload []byte) (int64, error) {
	conn, err := s.intake.Conn(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }() // gives it back
	ctx = context.WithoutCancel(ctx)
	if s.postgres { // SQLite ends by itself: it waits for others no longer than busyWait
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, claimWait, errors.New("the server does not answer"))
		defer cancel()
	}
	n, err := affected(conn.ExecContext(ctx, `INSERT INTO inbox (id, seq, payload, at, handled)
		VALUES ($1, (SELECT COALESCE(MAX(seq), 0) + 1 FROM inbox), $2, $3, 0)
		ON CONFLICT (id) DO NOTHING`, id, payload, millis(s.now())))
	overwrite(ctx, conn, err)
	return n, err
}

// bytesOf gives bytes that are never NULL.
func bytesOf(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// Unhandled gives the messages that were claimed and not handled, oldest first,
// at most limit.
func (s *Store) Unhandled(ctx context.Context, limit int) ([]run.Letter, error) {
	rows, err := s.reader.QueryContext(ctx, `SELECT id, payload, at FROM inbox WHERE handled = 0 ORDER BY seq, id LIMIT $1`, limit)
	all, err := collect(rows, err, func(scan func(...any) error) (run.Letter, error) {
		var l run.Letter
		var at int64
		err := scan(&l.ID, &l.Payload, &at)
		l.At = instant(at)
		return l, err
	})
	if err != nil {
		return nil, s.fail("read inbox", err)
	}
	return all, nil
}

// Handled marks a message as handled and adds its answers to the outbox, all or
// nothing. Doing it again adds nothing that is there already. Faults: NotFound.
func (s *Store) Handled(ctx context.Context, id string, out []run.Letter) error {
	return s.together(ctx, "settle message", func(tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `UPDATE inbox SET handled = CASE WHEN handled = 0 THEN $1 ELSE handled END WHERE id = $2`,
			max(millis(s.now()), 1), id))
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.NotFound, "that message was never claimed / 没有收到过这条消息")
		}
		return s.post(ctx, tx, out)
	})
}

// LastClaim gives when the newest message was claimed whose id is from the one
// on and before the other, or false when none is remembered: see Prune.
func (s *Store) LastClaim(ctx context.Context, from, before string) (time.Time, bool, error) {
	var at sql.NullInt64
	err := s.reader.QueryRowContext(ctx, `SELECT MAX(at) FROM inbox WHERE id >= $1 AND id < $2`, from, before).Scan(&at)
	if err != nil {
		return time.Time{}, false, s.fail("read inbox", err)
	}
	return instant(at.Int64), at.Valid, nil
}

// Prune forgets the messages handled, the letters finished and the events read by
// every reader longer than Keep ago, and the hints of that time, and gives how many.
// What waits is never forgotten.
func (s *Store) Prune(ctx context.Context) (int, error) {
	var gone int64
	err := s.write(ctx, "prune record", func(tx *sql.Tx) error {
		gone = 0
		before := millis(s.now().Add(-s.keep))
		for _, query := range []string{
			`DELETE FROM inbox WHERE handled > 0 AND at < $1 AND handled < $1`,
			`DELETE FROM outbox WHERE state <> 'waiting' AND done < $1`,
			`DELETE FROM events WHERE at < $1 AND seq <= (SELECT MIN(seq) FROM cursors)`,
			`DELETE FROM hints WHERE at < $1`, // of flows that do not listen any more
		} {
			n, err := affected(tx.ExecContext(ctx, query, before))
			if err != nil {
				return err
			}
			gone += n
		}
		return nil
	})
	return int(gone), err
}
