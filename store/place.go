package store

import (
	"context"
	"database/sql"
	"errors"
)

// Place gives where something of the bot is shown, such as the message of a
// run's live card, or false when it is shown nowhere.
func (s *Store) Place(ctx context.Context, key string) (string, bool, error) {
	var place string
	err := s.reader.QueryRowContext(ctx, `SELECT place FROM places WHERE name = $1`, key).Scan(&place)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	if err != nil {
		return "", false, s.fail("read place", err)
	}
	return place, true, nil
}

// SetPlace remembers where something is shown.
func (s *Store) SetPlace(ctx context.Context, key, place string) error {
	return s.write(ctx, "store place", func(tx *sql.Tx) error { return setPlace(ctx, tx, key, place) })
}

func setPlace(ctx context.Context, tx *sql.Tx, key, place string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO places (name, place) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET place = excluded.place`, key, place)
	return err
}
