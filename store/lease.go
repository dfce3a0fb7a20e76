package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// Acquire takes the lease of a flow for ttl, or gives false while it lives,
// whoever holds it: two workers of one owner are two as well. Every success has
// a higher fence than all before.
func (s *Store) Acquire(ctx context.Context, flow, owner string, ttl time.Duration) (run.Lease, bool, error) {
	if flow == "" || owner == "" || ttl <= 0 {
		return run.Lease{}, false, fault.New(fault.Invalid, "a lease needs a flow, an owner and a time / 租约需要流程、持有者和时长")
	}
	l := run.Lease{Flow: flow, Owner: owner}
	got := false
	err := s.write(ctx, "acquire lease", func(tx *sql.Tx) error {
		now := s.now()
		err := tx.QueryRowContext(ctx, `INSERT INTO leases (flow, owner, fence, until) VALUES ($1, $2, 1, `+s.leaseEnd(now, ttl)+`)
			ON CONFLICT (flow) DO UPDATE SET owner = excluded.owner, fence = leases.fence + 1, until = excluded.until
				WHERE leases.until <= `+s.clock(now)+`
			RETURNING fence`, flow, owner).Scan(&l.Fence)
		if errors.Is(err, sql.ErrNoRows) {
			got = false
			return nil
		}
		l.Until, got = heldUntil(now, ttl), err == nil
		return err
	})
	if err != nil || !got {
		return run.Lease{}, false, err
	}
	return l, true, nil
}

// Renew prolongs the lease to ttl from now. Faults: Stale when it is lost: past
// its time, or somebody else's.
func (s *Store) Renew(ctx context.Context, lease run.Lease, ttl time.Duration) (run.Lease, error) {
	err := s.write(ctx, "renew lease", func(tx *sql.Tx) error {
		if err := s.checkLease(ctx, tx, lease); err != nil {
			return err
		}
		now := s.now()
		lease.Until = heldUntil(now, ttl)
		_, err := tx.ExecContext(ctx, `UPDATE leases SET until = `+s.leaseEnd(now, ttl)+` WHERE flow = $1`, lease.Flow) //nolint:gosec // of constants and numbers
		return err
	})
	if err != nil {
		return run.Lease{}, err
	}
	return lease, nil
}

// Release gives the lease back early. Faults: Stale when it was lost already.
func (s *Store) Release(ctx context.Context, lease run.Lease) error {
	return s.write(ctx, "release lease", func(tx *sql.Tx) error {
		if err := s.checkLease(ctx, tx, lease); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE leases SET owner = '', until = 0 WHERE flow = $1`, lease.Flow)
		return err
	})
}

// checkLease makes sure that the lease holds now, and until the transaction
// ends: it writes the row, so that nobody can take the lease meanwhile.
func (s *Store) checkLease(ctx context.Context, tx *sql.Tx, l run.Lease) error {
	n, err := affected(tx.ExecContext(ctx, `UPDATE leases SET fence = fence
		WHERE flow = $1 AND owner = $2 AND fence = $3 AND until > `+s.clock(s.now()), l.Flow, l.Owner, l.Fence))
	if err != nil {
		return err
	}
	if n == 0 {
		return staleLease(l)
	}
	return nil
}

// serverMillis is the time of PostgreSQL when the statement runs, in milliseconds: not
// that of the transaction, which may have waited for its turn.
const serverMillis = `EXTRACT(EPOCH FROM clock_timestamp()) * 1000`

// clock gives the time by which leases are judged, in SQL: that of the server, or now.
func (s *Store) clock(now time.Time) string {
	if s.postgres && s.shared {
		return `FLOOR(` + serverMillis + `)::bigint`
	}
	return strconv.FormatInt(millis(now), 10)
}

// leaseEnd gives the end of a lease that begins, in SQL.
func (s *Store) leaseEnd(now time.Time, ttl time.Duration) string {
	if s.postgres && s.shared {
		return `CEIL(` + serverMillis + `)::bigint + ` + strconv.FormatInt(ttl.Milliseconds(), 10)
	}
	return strconv.FormatInt(millis(now.Add(ttl)), 10)
}

// heldUntil gives the end of a lease for who asked for it at a time: to the millisecond,
// with the monotonic reading, so that a clock that is set prolongs nothing.
func heldUntil(asked time.Time, ttl time.Duration) time.Time {
	end := asked.Add(ttl)
	return end.Add(-time.Duration(end.Nanosecond()) % time.Millisecond)
}

func staleLease(l run.Lease) error {
	return fault.New(fault.Stale, "the lease of flow %s is lost / 流程 %s 的租约已失效", l.Flow, l.Flow)
}

// keepLease gives back to a lease the time of a long write that began with checkLease:
// it could not be renewed meanwhile, and nobody else could take it.
func (s *Store) keepLease(ctx context.Context, tx *sql.Tx, l run.Lease, took time.Duration) error {
	_, err := tx.ExecContext(ctx, `UPDATE leases SET until = until + $1 WHERE flow = $2`, max(took.Milliseconds(), 0), l.Flow)
	return err
}
