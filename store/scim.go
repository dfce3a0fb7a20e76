package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/shelf"
)

// shelfColumns are what scanShelf reads.
const shelfColumns = `id, name, external_id, document, version, created, changed, gone`

func scanShelf(system string, kind shelf.Kind) func(func(...any) error) (shelf.Item, error) {
	return func(scan func(...any) error) (shelf.Item, error) {
		it := shelf.Item{Ref: shelf.Ref{System: system, Kind: kind}}
		var document string
		var created, changed, gone int64
		err := scan(&it.ID, &it.Name, &it.ExternalID, &document, &it.Version, &created, &changed, &gone)
		it.Created, it.Changed, it.Gone = instant(created), instant(changed), instant(gone)
		if it.Gone.IsZero() {
			it.Document = []byte(document)
		}
		return it, err
	}
}

// loadShelf gives an item, a tombstone too.
func loadShelf(ctx context.Context, q querier, ref shelf.Ref) (shelf.Item, error) {
	row := q.QueryRowContext(ctx, `SELECT `+shelfColumns+` FROM scim_items WHERE system = $1 AND kind = $2 AND id = $3`,
		ref.System, ref.Kind, ref.ID)
	it, err := scanShelf(ref.System, ref.Kind)(row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return it, fault.New(fault.NotFound, "nothing with the id %[1]s was pushed / 没有推送过编号为 %[1]s 的对象", ref.ID)
	}
	return it, err
}

// ShelfItem gives a pushed resource by its id; one that was deleted comes with
// Gone. Faults: NotFound when there never was one.
func (s *Store) ShelfItem(ctx context.Context, ref shelf.Ref) (shelf.Item, error) {
	it, err := loadShelf(ctx, s.reader, ref)
	if err != nil {
		return shelf.Item{}, s.fail("read pushed resource", err)
	}
	return it, nil
}

// shelfWhere gives the condition of a query and its arguments.
func shelfWhere(q *shelf.Query) (condition string, args []any) {
	args = []any{q.System, string(q.Kind)}
	var b strings.Builder
	b.WriteString(`system = $1 AND kind = $2`)
	if !q.Ever {
		b.WriteString(` AND gone = 0`)
	}
	add := func(text string, value any) {
		args = append(args, value)
		fmt.Fprintf(&b, text, len(args))
	}
	if q.Name != "" {
		add(` AND name = $%d`, q.Name)
	}
	if q.ExternalID != "" {
		add(` AND external_id = $%d`, q.ExternalID)
	}
	if q.Mentions != "" {
		add(` AND document LIKE $%d ESCAPE '\'`, `%"`+likeText(q.Mentions)+`"%`)
	}
	if q.After != "" {
		add(` AND id > $%d`, q.After)
	}
	return b.String(), args
}

// likeText makes a text stand for itself in a pattern.
func likeText(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}

// ShelfItems gives the pushed resources that a query chooses and that are there,
// in the order of ids.
func (s *Store) ShelfItems(ctx context.Context, q shelf.Query) ([]shelf.Item, error) {
	where, args := shelfWhere(&q)
	args = append(args, max(q.Limit, 1), q.Offset)
	rows, err := s.reader.QueryContext(ctx, fmt.Sprintf(`SELECT %s FROM scim_items WHERE %s ORDER BY id LIMIT $%d OFFSET $%d`,
		shelfColumns, where, len(args)-1, len(args)), args...)
	all, err := collect(rows, err, scanShelf(q.System, q.Kind))
	if err != nil {
		return nil, s.fail("read pushed resources", err)
	}
	return all, nil
}

// ShelfCount counts the resources that a query chooses, whatever its limits.
func (s *Store) ShelfCount(ctx context.Context, q shelf.Query) (int, error) {
	where, args := shelfWhere(&q)
	n := 0
	if err := s.reader.QueryRowContext(ctx, `SELECT COUNT(*) FROM scim_items WHERE `+where, args...).Scan(&n); err != nil {
		return 0, s.fail("count pushed resources", err)
	}
	return n, nil
}

// ShelfState tells how far a system's pushing has come.
func (s *Store) ShelfState(ctx context.Context, system string) (shelf.State, error) {
	state, err := loadShelfState(ctx, s.reader, system)
	if err != nil {
		return state, s.fail("read state of pushes", err)
	}
	return state, nil
}

func loadShelfState(ctx context.Context, q querier, system string) (shelf.State, error) {
	var began, wrote, settled int64
	err := q.QueryRowContext(ctx, `SELECT began, wrote, settled FROM scim_states WHERE system = $1`, system).Scan(&began, &wrote, &settled)
	if errors.Is(err, sql.ErrNoRows) {
		return shelf.State{}, nil
	}
	return shelf.State{First: instant(began), Last: instant(wrote), Settled: instant(settled)}, err
}

// noteShelf notes that something was pushed.
func (s *Store) noteShelf(ctx context.Context, tx *sql.Tx, system string) error {
	state, err := loadShelfState(ctx, tx, system)
	if err != nil {
		return err
	}
	state = state.Wrote(s.now())
	_, err = tx.ExecContext(ctx, `INSERT INTO scim_states (system, began, wrote, settled) VALUES ($1, $2, $3, $4)
		ON CONFLICT (system) DO UPDATE SET wrote = excluded.wrote, settled = excluded.settled`,
		system, millis(state.First), millis(state.Last), millis(state.Settled))
	return err
}

// AddShelfItem stores a new resource with version 1 and gives it as it is kept.
// Faults: Conflict when its id, or the name of a user, is taken.
func (s *Store) AddShelfItem(ctx context.Context, it shelf.Item) (shelf.Item, error) {
	it.Version, it.Gone = 1, instant(0)
	it.Created = instant(millis(s.now()))
	it.Changed = it.Created
	err := s.write(ctx, "store pushed resource", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO scim_items (system, kind, id, name, external_id, document, version, created, changed, gone)
			VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $7, 0)`,
			it.System, string(it.Kind), it.ID, it.Name, it.ExternalID, string(it.Document), millis(it.Created))
		if err != nil {
			return err
		}
		return s.noteShelf(ctx, tx, it.System)
	})
	return it, err
}

// UpdateShelfItem changes a resource that is there: change gets it and gives it
// with another name, external id or document. It may be called more than once,
// and its error goes back as it came. Without a difference nothing is written and
// the version stays. Faults: NotFound for a tombstone too, Conflict when the name
// of a user is taken.
func (s *Store) UpdateShelfItem(ctx context.Context, ref shelf.Ref, change func(shelf.Item) (shelf.Item, error)) (shelf.Item, error) {
	var now shelf.Item
	err := s.write(ctx, "change pushed resource", func(tx *sql.Tx) error {
		old, err := loadThere(ctx, tx, ref)
		if err != nil {
			return err
		}
		if now, err = change(old); err != nil {
			return callerError{err}
		}
		if now.Name == old.Name && now.ExternalID == old.ExternalID && string(now.Document) == string(old.Document) {
			now = old
			return nil
		}
		now.Ref, now.Version, now.Created, now.Gone = ref, old.Version+1, old.Created, old.Gone
		now.Changed = instant(millis(s.now()))
		n, err := affected(tx.ExecContext(ctx, `UPDATE scim_items SET name = $1, external_id = $2, document = $3, version = $4, changed = $5
			WHERE system = $6 AND kind = $7 AND id = $8 AND version = $9 AND gone = 0`,
			now.Name, now.ExternalID, string(now.Document), now.Version, millis(now.Changed), ref.System, string(ref.Kind), ref.ID, old.Version))
		if err != nil {
			return err
		}
		if n == 0 {
			return errLost
		}
		return s.noteShelf(ctx, tx, ref.System)
	})
	return now, err
}

// RemoveShelfItem makes a tombstone of a resource that is there, unless agree
// gives an error, which goes back as it came. Faults: NotFound for a tombstone
// too.
func (s *Store) RemoveShelfItem(ctx context.Context, ref shelf.Ref, agree func(shelf.Item) error) error {
	return s.write(ctx, "remove pushed resource", func(tx *sql.Tx) error {
		old, err := loadThere(ctx, tx, ref)
		if err != nil {
			return err
		}
		if err := agree(old); err != nil {
			return callerError{err}
		}
		n, err := affected(tx.ExecContext(ctx, `UPDATE scim_items SET name = '', external_id = '', document = '', version = $1, changed = $2, gone = $2
			WHERE system = $3 AND kind = $4 AND id = $5 AND version = $6 AND gone = 0`,
			old.Version+1, millis(s.now()), ref.System, string(ref.Kind), ref.ID, old.Version))
		if err != nil {
			return err
		}
		if n == 0 {
			return errLost
		}
		return s.noteShelf(ctx, tx, ref.System)
	})
}

// loadThere gives an item that is no tombstone.
func loadThere(ctx context.Context, tx *sql.Tx, ref shelf.Ref) (shelf.Item, error) {
	it, err := loadShelf(ctx, tx, ref)
	if err == nil && !it.Gone.IsZero() {
		err = fault.New(fault.NotFound, "the pushed %[1]s %[2]s was deleted / 推送的 %[1]s %[2]s 已被删除", ref.Kind, ref.ID)
	}
	return it, err
}
