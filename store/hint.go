package store

import (
	"context"
	"database/sql"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// AddHints keeps what was told of a flow, all or nothing. What is there already
// keeps its time and gets a new version. When more than most objects are named by
// then, one hint of HintWhole with the oldest time stands for all of them. Faults:
// Invalid for a hint of no flow.
func (s *Store) AddHints(ctx context.Context, hints []run.Hint, most int) error {
	flows := map[string]bool{}
	for _, h := range hints {
		if h.Flow == "" {
			return fault.New(fault.Invalid, "a hint needs a flow / 变更提示需要流程")
		}
		flows[h.Flow] = true
	}
	if len(hints) == 0 {
		return nil
	}
	return s.write(ctx, "keep hints", func(tx *sql.Tx) error {
		for _, h := range hints {
			if err := addHint(ctx, tx, h); err != nil {
				return err
			}
		}
		for flow := range flows {
			if err := boundHints(ctx, tx, flow, most); err != nil {
				return err
			}
		}
		return nil
	})
}

func addHint(ctx context.Context, tx *sql.Tx, h run.Hint) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO hints (flow, what, kind, id, at, version) VALUES ($1, $2, $3, $4, $5, 1)
		ON CONFLICT (flow, what, kind, id) DO UPDATE SET version = hints.version + 1`,
		h.Flow, h.What, h.Key.Kind, h.Key.ID, millis(h.At))
	return err
}

// boundHints leaves the named of a flow to a full run when they are too many.
func boundHints(ctx context.Context, tx *sql.Tx, flow string, most int) error {
	var named, oldest int64
	err := tx.QueryRowContext(ctx, `SELECT COUNT(*), COALESCE(MIN(at), 0) FROM hints WHERE flow = $1 AND what = $2`,
		flow, run.HintNamed).Scan(&named, &oldest)
	if err != nil || named <= int64(most) {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM hints WHERE flow = $1 AND what = $2`, flow, run.HintNamed); err != nil {
		return err
	}
	return addHint(ctx, tx, run.Hint{Flow: flow, What: run.HintWhole, At: instant(oldest)})
}

// Hints gives what waits of a flow, oldest first.
func (s *Store) Hints(ctx context.Context, flow string) ([]run.Hint, error) {
	rows, err := s.reader.QueryContext(ctx, `SELECT what, kind, id, at, version FROM hints WHERE flow = $1 ORDER BY at, what, kind, id`, flow)
	all, err := collect(rows, err, func(scan func(...any) error) (run.Hint, error) {
		h := run.Hint{Flow: flow}
		var at int64
		err := scan(&h.What, &h.Key.Kind, &h.Key.ID, &at, &h.Version)
		h.At = instant(at)
		return h, err
	})
	if err != nil {
		return nil, s.fail("read hints", err)
	}
	return all, nil
}

// DropHints forgets hints that need no run. One that was told again meanwhile stays.
func (s *Store) DropHints(ctx context.Context, hints []run.Hint) error {
	if len(hints) == 0 {
		return nil
	}
	return s.write(ctx, "drop hints", func(tx *sql.Tx) error {
		_, err := dropHints(ctx, tx, hints)
		return err
	})
}

// takeHints deletes the hints that a run is made of. Each must be as it was read:
// another process may have made a run of it, or it was told again and says more now.
func takeHints(ctx context.Context, tx *sql.Tx, hints []run.Hint) error {
	if n, err := dropHints(ctx, tx, hints); err != nil || n == len(hints) {
		return err
	}
	return fault.New(fault.Stale, "the hints are not as they were read / 变更提示在读取之后已变化")
}

func dropHints(ctx context.Context, tx *sql.Tx, hints []run.Hint) (int, error) {
	dropped := 0
	for _, h := range hints {
		n, err := affected(tx.ExecContext(ctx, `DELETE FROM hints WHERE flow = $1 AND what = $2 AND kind = $3 AND id = $4 AND version = $5`,
			h.Flow, h.What, h.Key.Kind, h.Key.ID, h.Version))
		if err != nil {
			return dropped, err
		}
		dropped += int(n)
	}
	return dropped, nil
}
