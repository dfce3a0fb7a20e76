package store

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/rollcallhq/rollcall/sync/run"
)

// Pile is how much waits, and since when.
type Pile struct {
	N      int
	Oldest time.Time // zero when nothing waits
}

// Backlog is what waits in the record.
type Backlog struct {
	Inbox  Pile            // messages that were claimed and not handled
	Outbox map[string]Pile // letters that wait to be sent, by way
	Failed map[string]int  // letters that were given up and not yet pruned, by way
}

// Backlog tells what waits in the record.
func (s *Store) Backlog(ctx context.Context) (Backlog, error) {
	b := Backlog{Outbox: map[string]Pile{}, Failed: map[string]int{}}
	var oldest int64
	err := s.reader.QueryRowContext(ctx, `SELECT COUNT(*), COALESCE(MIN(at), 0) FROM inbox WHERE handled = 0`).Scan(&b.Inbox.N, &oldest)
	if err != nil {
		return b, s.fail("count inbox", err)
	}
	b.Inbox.Oldest = instant(oldest)
	rows, err := s.reader.QueryContext(ctx, `SELECT 'waiting', way, COUNT(*), MIN(at) FROM outbox WHERE state = 'waiting' GROUP BY way
		UNION ALL SELECT 'failed', way, COUNT(*), 0 FROM outbox WHERE state = 'failed' GROUP BY way`)
	_, err = collect(rows, err, func(scan func(...any) error) (struct{}, error) {
		var state, way string
		var n int
		var at int64
		err := scan(&state, &way, &n, &at)
		if state == "failed" {
			b.Failed[way] = n
		} else {
			b.Outbox[way] = Pile{n, instant(at)}
		}
		return struct{}{}, err
	})
	if err != nil {
		return b, s.fail("count outbox", err)
	}
	return b, nil
}

// Leases gives the leases that are held now, until when by the clock that judges them.
func (s *Store) Leases(ctx context.Context) ([]run.Lease, error) {
	rows, err := s.reader.QueryContext(ctx, `SELECT flow, owner, fence, until FROM leases WHERE until > `+s.clock(s.now())+` ORDER BY flow`) //nolint:gosec // of constants and numbers
	all, err := collect(rows, err, func(scan func(...any) error) (run.Lease, error) {
		var l run.Lease
		var until int64
		err := scan(&l.Flow, &l.Owner, &l.Fence, &until)
		l.Until = instant(until)
		return l, err
	})
	if err != nil {
		return nil, s.fail("read leases", err)
	}
	return all, nil
}

// Moves gives when a run came into each of its states, its birth first.
func (s *Store) Moves(ctx context.Context, code run.Code) ([]time.Time, error) {
	rows, err := s.reader.QueryContext(ctx, `SELECT at FROM audit WHERE run = $1 AND action IN ('run.created', 'run.moved') ORDER BY seq`, code)
	all, err := collect(rows, err, func(scan func(...any) error) (time.Time, error) {
		var at int64
		err := scan(&at)
		return instant(at), err
	})
	if err != nil {
		return nil, s.fail("read moves", err)
	}
	return all, nil
}

// Claimed gives when a message was claimed, or false when it never was or is
// forgotten.
func (s *Store) Claimed(ctx context.Context, id string) (time.Time, bool, error) {
	var at int64
	err := s.reader.QueryRowContext(ctx, `SELECT at FROM inbox WHERE id = $1`, id).Scan(&at)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return time.Time{}, false, nil
	case err != nil:
		return time.Time{}, false, s.fail("read inbox", err)
	}
	return instant(at), true, nil
}

// SnapshotTime gives when the flow's last snapshot was kept, without reading it, or
// false when there is none.
func (s *Store) SnapshotTime(ctx context.Context, flow string) (time.Time, bool, error) {
	if !s.postgres {
		info, err := os.Stat(filepath.Join(s.dir, "snapshots", snapshotName(flow)))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return time.Time{}, false, nil
		case err != nil:
			return time.Time{}, false, s.fail("look at snapshot", err)
		}
		return info.ModTime(), true, nil
	}
	var at int64
	err := s.reader.QueryRowContext(ctx, `SELECT at FROM snapshots WHERE flow = $1`, flow).Scan(&at)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return time.Time{}, false, nil
	case err != nil:
		return time.Time{}, false, s.fail("look at snapshot", err)
	}
	return instant(at), true, nil
}

// ClockOffset gives how far the clock of a database server is ahead of ours, to
// half the time that asking takes; false where the database has no clock of its
// own.
func (s *Store) ClockOffset(ctx context.Context) (time.Duration, bool, error) {
	if !s.postgres {
		return 0, false, nil
	}
	before := s.now()
	var there time.Time
	if err := s.reader.QueryRowContext(ctx, `SELECT clock_timestamp()`).Scan(&there); err != nil {
		return 0, false, s.fail("ask for the time", err)
	}
	took := s.now().Sub(before)
	return there.Sub(before.Add(took / 2)), true, nil
}
