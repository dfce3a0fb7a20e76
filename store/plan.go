package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// SavePlan stores the plan, a pending journal entry for each change, and the run
// as fn changes it, all or nothing, while the lease holds. fn sees the run with
// the plan's digest set already. A plan of which nothing was settled or sent is
// replaced. Faults: Stale when the lease is lost or is of another flow, NotFound,
// Conflict for a move that is not legal or a plan that was begun already.
func (s *Store) SavePlan(ctx context.Context, lease run.Lease, code run.Code, p *plan.Plan, fn func(*run.Run) error) (run.Run, error) {
	body := p.Encode()
	digest := directory.Digest(sha256.Sum256(body))
	packed := s.pack.EncodeAll(body, nil)
	var next run.Run
	err := s.write(ctx, "save plan", func(tx *sql.Tx) error {
		began := s.now()
		if err := s.checkLease(ctx, tx, lease); err != nil {
			return err
		}
		old, err := loadRunByCode(ctx, tx, code)
		if err != nil {
			return err
		}
		if old.Flow != lease.Flow || p.Flow != lease.Flow {
			return staleLease(lease)
		}
		next = old
		next.Plan = digest
		if err := fn(&next); err != nil {
			return callerError{err}
		}
		if next.Plan != digest {
			return fault.New(fault.Internal, "the run names another plan than is saved / 运行记录的计划与保存的不一致")
		}
		if err := replacePlan(ctx, tx, code, digest, packed); err != nil {
			return err
		}
		if err := s.addChanges(ctx, tx, code, p); err != nil {
			return err
		}
		if err := s.keepLease(ctx, tx, lease, s.now().Sub(began)); err != nil {
			return err
		}
		next, err = s.storeRun(ctx, tx, run.Actor{}, old, next)
		return err
	})
	if err != nil {
		return run.Run{}, err
	}
	return next, nil
}

// replacePlan stores the plan over an earlier one, unless that one was begun.
func replacePlan(ctx context.Context, tx *sql.Tx, code run.Code, digest directory.Digest, packed []byte) error {
	var begun int
	err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM changes WHERE run = $1 AND step <> $2`, code, run.StepPending).Scan(&begun)
	if err != nil {
		return err
	}
	if begun > 0 {
		return fault.New(fault.Conflict, "the plan of %s was begun already / %s 的计划已经开始执行", code, code)
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM changes WHERE run = $1`, code); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO plans (run, digest, body) VALUES ($1, $2, $3)
		ON CONFLICT (run) DO UPDATE SET digest = excluded.digest, body = excluded.body`, code, digest.String(), packed)
	return err
}

// rowsAtOnce is how many journal entries one INSERT takes. The driver finds each
// parameter by walking over all of them, so more rows are slower.
const rowsAtOnce = 8

// addChanges adds a pending entry for each change.
func (s *Store) addChanges(ctx context.Context, tx *sql.Tx, code run.Code, p *plan.Plan) error {
	if s.postgres {
		return s.addChangesInLists(ctx, tx, code, p)
	}
	full, err := tx.PrepareContext(ctx, insertChanges(rowsAtOnce))
	if err != nil {
		return err
	}
	defer func() { _ = full.Close() }() // the transaction closes it too
	now := millis(s.now())
	for from := 0; from < len(p.Changes); from += rowsAtOnce {
		part := p.Changes[from:min(from+rowsAtOnce, len(p.Changes))]
		args := []any{code, p.Flow, run.StepPending, now}
		for i := range part {
			c := &part[i]
			args = append(args, c.Seq, c.Op, c.Key.Kind, c.Key.ID, c.Source.Kind, c.Source.ID)
		}
		if len(part) == rowsAtOnce {
			_, err = full.ExecContext(ctx, args...)
		} else {
			_, err = tx.ExecContext(ctx, insertChanges(len(part)), args...)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// insertChanges gives the INSERT of some rows: $1 to $4 are of all of them, and
// six more of each.
func insertChanges(rows int) string {
	const all, each = 4, 6
	list := make([]string, rows)
	for r := range list {
		n := all + r*each
		list[r] = fmt.Sprintf("($1, $%d, $2, $%d, $3, $%d, $%d, $%d, $%d, '', 0, 0, $4)", n+1, n+2, n+3, n+4, n+5, n+6)
	}
	return `INSERT INTO changes (` + entryColumns + `) VALUES ` + strings.Join(list, ", ")
}

// Plan gives the plan of a run, proven to be the one that was saved. Faults:
// NotFound.
func (s *Store) Plan(ctx context.Context, code run.Code) (*plan.Plan, error) {
	var hex string
	var packed []byte
	err := s.reader.QueryRowContext(ctx, `SELECT digest, body FROM plans WHERE run = $1`, code).Scan(&hex, &packed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fault.New(fault.NotFound, "run %s has no plan / 运行 %s 没有计划", code, code)
	}
	if err != nil {
		return nil, s.fail("read plan", err)
	}
	body, err := s.unpack.DecodeAll(packed, nil)
	if err != nil {
		return nil, s.fail("unpack plan", err)
	}
	if directory.Digest(sha256.Sum256(body)).String() != hex {
		return nil, fault.New(fault.Internal, "the stored plan of %s is damaged / %s 的计划记录已损坏", code, code)
	}
	p, err := plan.Decode(body)
	if err != nil {
		return nil, s.fail("read plan", err)
	}
	return p, nil
}
