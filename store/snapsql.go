package store

import (
	"bufio"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"io"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// partLen is the length of a snapshot's part in SQL, in bytes.
const partLen = 1 << 20

// saveParts replaces the flow's snapshot in SQL. Its parts are written one by one,
// since a long transaction would keep everybody else from writing, and count only
// when all are there.
func (s *Store) saveParts(ctx context.Context, flow string, snap *directory.Snapshot) error {
	err := s.write(ctx, "clear snapshot parts", func(tx *sql.Tx) error { // of whoever died before the end
		_, err := tx.ExecContext(ctx, `DELETE FROM snapshot_parts WHERE flow = $1
			AND version NOT IN (SELECT version FROM snapshots WHERE flow = $1)`, flow)
		return err
	})
	if err != nil {
		return err
	}
	w := &partWriter{ctx: ctx, store: s, flow: flow, version: rand.Text()}
	buffered := bufio.NewWriterSize(w, partLen)
	err = writeSnapshot(ctx, buffered, s.key, flow, snap)
	if err == nil {
		err = buffered.Flush()
	}
	if err != nil {
		return err
	}
	return s.write(ctx, "save snapshot", func(tx *sql.Tx) error {
		var parts int
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM snapshot_parts WHERE flow = $1 AND version = $2`, flow, w.version).Scan(&parts); err != nil {
			return err
		}
		if parts != w.parts {
			return fault.New(fault.Conflict, "another process saved a snapshot of %s meanwhile / 另一个进程同时保存了 %s 的快照", flow, flow)
		}
		if newer, err := s.partsAreNewer(ctx, tx, flow, snap.TakenAt); err != nil {
			return err
		} else if newer {
			_, err := tx.ExecContext(ctx, `DELETE FROM snapshot_parts WHERE flow = $1 AND version = $2`, flow, w.version)
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO snapshots (flow, version, at) VALUES ($1, $2, $3)
			ON CONFLICT (flow) DO UPDATE SET version = excluded.version, at = excluded.at`, flow, w.version, millis(s.now())); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM snapshot_parts WHERE flow = $1 AND version <> $2`, flow, w.version)
		return err
	})
}

// partsAreNewer tells whether the flow's snapshot in SQL was taken later, see takenLater.
func (s *Store) partsAreNewer(ctx context.Context, tx *sql.Tx, flow string, taken time.Time) (bool, error) {
	from := &partReader{ctx: ctx, tx: tx, flow: flow}
	err := tx.QueryRowContext(ctx, `SELECT version FROM snapshots WHERE flow = $1`, flow).Scan(&from.version)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	newer := s.takenLater(from, taken)
	return newer, from.err
}

// partWriter stores what is written in parts.
type partWriter struct {
	ctx     context.Context //nolint:containedctx // an io.Writer is given none
	store   *Store
	flow    string
	version string
	parts   int
}

// Write stores one part.
func (w *partWriter) Write(b []byte) (int, error) {
	for written := 0; written < len(b); {
		part := b[written:min(len(b), written+partLen)]
		err := w.store.write(w.ctx, "save snapshot part", func(tx *sql.Tx) error {
			_, err := tx.ExecContext(w.ctx, `INSERT INTO snapshot_parts (flow, version, part, body) VALUES ($1, $2, $3, $4)`, w.flow, w.version, w.parts, part)
			return err
		})
		if err != nil {
			return written, err
		}
		w.parts++
		written += len(part)
	}
	return len(b), nil
}

// lastParts gives the flow's snapshot from SQL, or false when there is none.
func (s *Store) lastParts(ctx context.Context, flow string) (*directory.Snapshot, bool, error) {
	// One view of the record: a newer snapshot may take the place of this one.
	tx, err := s.reader.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return nil, false, s.fail("read snapshot", err)
	}
	defer func() { _ = tx.Rollback() }() // it only read
	var version string
	err = tx.QueryRowContext(ctx, `SELECT version FROM snapshots WHERE flow = $1`, flow).Scan(&version)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, s.fail("read snapshot", err)
	}
	from := &partReader{ctx: ctx, tx: tx, flow: flow, version: version}
	snap, err := readSnapshot(ctx, from, s.key, flow)
	switch {
	case err == nil:
		return snap, true, nil
	case from.err != nil || ctx.Err() != nil:
		return nil, false, s.fail("read snapshot", errors.Join(from.err, ctx.Err()))
	default:
		return nil, false, fault.Wrap(fault.Invalid, err,
			"the snapshot of flow %s is damaged or needs another key; put the key right / 流程 %s 的快照已损坏或密钥不符，请更正密钥", flow, flow)
	}
}

// partReader reads the parts one after the other.
type partReader struct {
	ctx     context.Context //nolint:containedctx // an io.Reader is given none
	tx      *sql.Tx
	flow    string
	version string
	part    int
	rest    []byte
	err     error // of the database
}

// Read gives the next bytes.
func (r *partReader) Read(b []byte) (int, error) {
	if len(r.rest) == 0 {
		err := r.tx.QueryRowContext(r.ctx, `SELECT body FROM snapshot_parts WHERE flow = $1 AND version = $2 AND part = $3`, r.flow, r.version, r.part).Scan(&r.rest)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return 0, io.EOF
		case err != nil:
			r.err = err
			return 0, err
		}
		r.part++
	}
	n := copy(b, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}
