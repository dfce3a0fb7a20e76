package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

const (
	// headOfLane is the condition that no letter of the lane waits before this one.
	// Letters without a lane have no order.
	headOfLane = `state = 'waiting' AND (lane = '' OR NOT EXISTS (SELECT 1 FROM outbox AS earlier
	WHERE earlier.lane = outbox.lane AND earlier.state = 'waiting' AND earlier.seq < outbox.seq))`
	// defaultHold is how long a letter is held by who took it.
	defaultHold = time.Minute
)

// Post adds letters to the outbox, all or nothing, in their order. A letter
// whose ID is there already is left alone, whatever became of it. Letters of the
// same Subject and lane that wait, were never tried and are not newer by Version
// are merged into the new one: they are not sent any more.
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
		n, err := affected(tx.ExecContext(ctx, `INSERT INTO outbox (id, seq, lane, payload, at, due, attempts, state, why, place, done, subject, version, way, held)
			VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting', '', '', 0, $8, $9, $10, 0) ON CONFLICT (id) DO NOTHING`,
			l.ID, seq+int64(i), l.Lane, bytesOf(l.Payload), millis(l.At), millis(l.Due), l.Attempts, l.Subject, l.Version, l.Way))
		if err != nil {
			return err
		}
		if n == 1 && l.Subject != "" {
			if err := s.merge(ctx, tx, l, seq+int64(i)); err != nil {
				return err
			}
		}
	}
	return nil
}

// merge marks the letters that a new one makes needless. One that somebody holds,
// or held when he died, may have been delivered under its own idempotency key: it
// stays.
func (s *Store) merge(ctx context.Context, tx *sql.Tx, l run.Letter, seq int64) error {
	_, err := tx.ExecContext(ctx, `UPDATE outbox SET state = 'merged', done = $1 WHERE subject = $2 AND lane = $3
		AND state = 'waiting' AND attempts = 0 AND held = 0 AND seq < $4 AND version <= $5`,
		millis(s.now()), l.Subject, l.Lane, seq, l.Version)
	return err
}

// Outbox takes letters that are due, oldest first, and of each lane at most its
// head: the next comes when that one is sent or given up. Nobody else gets them
// until Held, unless they are put off before. Whoever cannot settle a letter by
// then has lost it; it counts as tried, and comes again under the same ID, which
// is the platform's idempotency key. Holds are judged by the clock that judges leases:
// Held is what is left of one for who asked, counted from before he did.
func (s *Store) Outbox(ctx context.Context, pick run.Pick) ([]run.Letter, error) {
	now := s.now()
	where, args := picked(pick, millis(now))
	var found int
	where += ` AND held <= ` + s.clock(now)
	due := `SELECT 1 FROM outbox WHERE ` + where + ` LIMIT 1`
	err := s.reader.QueryRowContext(ctx, due, args...).Scan(&found)
	switch {
	case errors.Is(err, sql.ErrNoRows): // the one writer is not asked for nothing
		return nil, nil
	case err != nil:
		return nil, s.fail("read outbox", err)
	}
	hold := cmp.Or(pick.Hold, defaultHold)
	n := len(args)
	//nolint:gosec // of constants, numbers and marks
	query := `UPDATE outbox SET attempts = attempts + CASE WHEN held > 0 THEN 1 ELSE 0 END, held = ` + s.leaseEnd(now, hold) + `
		WHERE id IN (SELECT id FROM outbox WHERE ` + where + ` ORDER BY seq LIMIT ` + mark(n+1) + `) AND state = 'waiting' AND held <= ` + s.clock(now) + `
		RETURNING seq, id, lane, payload, at, due, attempts, subject, version, way, held`
	args = append(args, pick.Limit)
	var all []heldLetter
	err = s.together(ctx, "take letters", func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, query, args...)
		all, err = collect(rows, err, scanLetter)
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(x, y heldLetter) int { return cmp.Compare(x.seq, y.seq) })
	letters := make([]run.Letter, len(all))
	for i, l := range all {
		l.Held = heldUntil(now, hold)
		letters[i] = l.Letter
	}
	return letters, nil
}

// heldLetter is a letter with its place in the outbox.
type heldLetter struct {
	run.Letter
	seq int64
}

func scanLetter(scan func(...any) error) (heldLetter, error) {
	var l heldLetter
	var at, due int64
	err := scan(&l.seq, &l.ID, &l.Lane, &l.Payload, &at, &due, &l.Attempts, &l.Subject, &l.Version, &l.Way, &l.Taken)
	l.At, l.Due = instant(at), instant(due)
	return l, err
}

// picked gives the condition of the letters that may be taken, but for who holds
// them, with its values; the first is now.
func picked(pick run.Pick, now int64) (string, []any) {
	where, args := `due <= $1 AND `+headOfLane, []any{now}
	if pick.Way != "" {
		args = append(args, pick.Way)
		where += ` AND way = ` + mark(len(args))
	}
	if len(pick.Except) > 0 {
		between, more := otherWays(pick.Except, len(args))
		where += ` AND (` + between + `)`
		args = append(args, more...)
	}
	return where, args
}

// otherWays gives the condition that the way is none of some, with its values, whose
// marks begin after n. It names what lies between them, which an index can find.
func otherWays(except []string, n int) (string, []any) {
	sorted := slices.Sorted(slices.Values(except))
	args := make([]any, len(sorted))
	parts := make([]string, 0, len(sorted)+1)
	lower := ""
	for i, way := range sorted {
		args[i] = way
		parts = append(parts, lower+`way < `+mark(n+i+1))
		lower = `way > ` + mark(n+i+1) + ` AND `
	}
	parts = append(parts, strings.TrimSuffix(lower, ` AND `))
	return strings.Join(parts, ` OR `), args
}

func mark(n int) string { return fmt.Sprintf("$%d", n) }

// ours is the condition that a letter waits and that nobody has taken it since. The end
// of a hold tells one taking from every other: nobody takes a letter before it is over,
// and the next hold ends later.
const ours = `id = $1 AND held = $2 AND state = 'waiting'`

// Sent marks a letter as delivered, which it is, whoever holds it by now: nobody is to
// say it once more. place is the platform's name for the message that was made; with a
// key it is remembered as the key's place, too. Faults: NotFound, Conflict when somebody
// else has taken and sent it since, whose place counts.
func (s *Store) Sent(ctx context.Context, l run.Letter, key, place string) error {
	return s.together(ctx, "mark letter sent", func(tx *sql.Tx) error {
		err := settleLetter(ctx, tx, l, `UPDATE outbox SET state = 'sent', place = $3, done = $4, attempts = attempts + 1
			WHERE id = $1 AND (held = $2 OR state <> 'sent')`, place, millis(s.now()))
		if err != nil || key == "" || place == "" {
			return err
		}
		return setPlace(ctx, tx, key, place)
	})
}

// Retry gives a letter back after a try that failed, to be tried again when due,
// and keeps why for the operator. Faults: NotFound, Conflict when it was sent or
// given up already, or somebody else has taken it since.
func (s *Store) Retry(ctx context.Context, l run.Letter, due time.Time, why string) error {
	return s.settle1(ctx, "put letter off", l, `UPDATE outbox SET due = $3, why = $4, attempts = attempts + 1, held = 0 WHERE `+ours, millis(due), why)
}

// Delay gives a letter back that was not tried, to be taken again when due: it
// counts no attempt, and a newer one of its Subject may take its place. Faults:
// those of Retry.
func (s *Store) Delay(ctx context.Context, l run.Letter, due time.Time) error {
	return s.settle1(ctx, "delay letter", l, `UPDATE outbox SET due = $3, held = 0 WHERE `+ours, millis(due))
}

// Fail gives a letter up: its lane goes on, the letter stays and is counted.
// Faults: those of Retry.
func (s *Store) Fail(ctx context.Context, l run.Letter, why string) error {
	return s.settle1(ctx, "give letter up", l, `UPDATE outbox SET state = 'failed', done = $3, why = $4, attempts = attempts + 1 WHERE `+ours, millis(s.now()), why)
}

// settle1 runs a statement on one letter, see settleLetter.
func (s *Store) settle1(ctx context.Context, what string, l run.Letter, query string, args ...any) error {
	return s.together(ctx, what, func(tx *sql.Tx) error {
		return settleLetter(ctx, tx, l, query, args...)
	})
}

// settleLetter runs a statement on one letter, whose id is $1, for who took it with $2.
func settleLetter(ctx context.Context, tx *sql.Tx, l run.Letter, query string, args ...any) error {
	n, err := affected(tx.ExecContext(ctx, query, append([]any{l.ID, l.Taken}, args...)...))
	if err != nil || n == 1 {
		return err
	}
	var state string
	err = tx.QueryRowContext(ctx, `SELECT state FROM outbox WHERE id = $1`, l.ID).Scan(&state)
	if errors.Is(err, sql.ErrNoRows) {
		return noLetter()
	}
	if err != nil {
		return err
	}
	if state == "waiting" {
		return fault.New(fault.Conflict, "that letter is not yours any more / 这条消息已不归这个进程发送")
	}
	return fault.New(fault.Conflict, "that letter is %s already / 这条消息的状态已是 %s", state, state)
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
