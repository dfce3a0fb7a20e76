package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/run"
)

// putLinks stores links by their source keys. Tombstones go first, so that a
// target object can change hands in one mark.
func putLinks(ctx context.Context, tx *sql.Tx, lease run.Lease, links []mapping.Link) error {
	if len(links) == 0 {
		return nil
	}
	put, err := tx.PrepareContext(ctx, `INSERT INTO links (flow, source_kind, source_id, target_kind, target_id, live, body)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (flow, source_kind, source_id) DO UPDATE SET
			target_kind = excluded.target_kind, target_id = excluded.target_id, live = excluded.live, body = excluded.body`)
	if err != nil {
		return err
	}
	defer func() { _ = put.Close() }() // the transaction closes it too
	for _, live := range []bool{false, true} {
		for i := range links {
			if links[i].Live() != live {
				continue
			}
			if err := putLink(ctx, put, lease, &links[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func putLink(ctx context.Context, put *sql.Stmt, lease run.Lease, l *mapping.Link) error {
	if l.Flow != lease.Flow {
		return staleLease(lease)
	}
	body, err := encode(l)
	if err != nil {
		return err
	}
	live := 0
	if l.Live() {
		live = 1
	}
	_, err = put.ExecContext(ctx, l.Flow, l.Source.Kind, l.Source.ID, l.Target.Kind, l.Target.ID, live, body)
	if kindOf(err) == fault.Conflict {
		return fault.Wrap(fault.Conflict, err, "%s is linked to another source object already / %s 已关联到另一个来源对象", l.Target, l.Target)
	}
	return err
}

// Links gives every link of a flow, tombstones too, by source key in the order
// of bytes.
func (s *Store) Links(ctx context.Context, flow string) ([]mapping.Link, error) {
	rows, err := s.reader.QueryContext(ctx, `SELECT body FROM links WHERE flow = $1`, flow)
	all, err := collect(rows, err, func(scan func(...any) error) (mapping.Link, error) {
		var body string
		if err := scan(&body); err != nil {
			return mapping.Link{}, err
		}
		return decode[mapping.Link](body)
	})
	if err != nil {
		return nil, s.fail("read links", err)
	}
	slices.SortFunc(all, func(a, b mapping.Link) int { // databases differ in how they sort text
		return cmp.Or(cmp.Compare(a.Source.Kind, b.Source.Kind), cmp.Compare(a.Source.ID, b.Source.ID))
	})
	return all, nil
}
