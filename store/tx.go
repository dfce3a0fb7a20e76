package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// errLost means that somebody changed the row between our read and our write:
// the transaction is done again.
var errLost = errors.New("row changed meanwhile")

// How often a write is begun again: after a lost compare-and-set, and when
// another process holds the database (each time busyWait, about ten seconds).
const (
	lostTries = 50
	busyTries = 20
)

// write runs fn in a transaction of the one writer, again while rows were lost
// or the database was busy before fn began.
func (s *Store) write(ctx context.Context, what string, fn func(tx *sql.Tx) error) error {
	for lost, busy := 0, 0; ; {
		err := s.writeOnce(ctx, fn)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, errLost) && lost < lostTries:
			lost++
		case isBusy(err) && busy < busyTries && ctx.Err() == nil:
			busy++
		default:
			return s.fail(what, err)
		}
	}
}

// writeOnce runs fn in one transaction; a panic in fn rolls it back.
func (s *Store) writeOnce(ctx context.Context, fn func(tx *sql.Tx) error) (err error) {
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // says only that it is committed already
	if err := s.lockWriter(ctx, tx); err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		return err
	}
	err = tx.Commit()
	overwrite(ctx, s.writer, err)
	return err
}

// overwriteTime bounds the write over one that the disk did not confirm.
const overwriteTime = 500 * time.Millisecond

// overwrite takes the place of a write that the disk did not confirm with one that
// matters to nobody. It failed, and its caller does without it; but its bytes are in the
// log that SQLite writes ahead, behind the last write that counts, and whoever opens the
// record after this process has died would find them whole there and take them for
// committed. The next write begins at that place, confirmed or not. (On PostgreSQL a
// commit without an answer stays what it is.)
func overwrite(ctx context.Context, on execer, failed error) {
	if !sqliteUnconfirmed(failed) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), overwriteTime)
	defer cancel()
	_, _ = on.ExecContext(ctx, countPing) // it fails as the other did
}

// execer is what *sql.DB and *sql.Conn have in common for writing.
type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// querier is what *sql.DB and *sql.Tx have in common for reading.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// collect scans every row.
func collect[T any](rows *sql.Rows, err error, scan func(func(...any) error) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // rows.Err has told already
	var all []T
	for rows.Next() {
		one, err := scan(rows.Scan)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// draw reserves n numbers of a counter and gives the first.
func draw(ctx context.Context, tx *sql.Tx, counter string, n int) (int64, error) {
	var last int64
	err := tx.QueryRowContext(ctx, `UPDATE counters SET value = value + $1 WHERE name = $2 RETURNING value`, n, counter).Scan(&last)
	if err != nil {
		return 0, fmt.Errorf("draw number: %w", err)
	}
	return last - int64(n) + 1, nil
}

// affected tells how many rows a statement touched.
func affected(res sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// millis gives a time as the record keeps it.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// instant reads what millis gave.
func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// encode gives the JSON of a record's body.
func encode(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}

func decode[T any](body string) (T, error) {
	var v T
	err := json.Unmarshal([]byte(body), &v)
	return v, err
}
