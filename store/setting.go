package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/rollcallhq/rollcall/sync/run"
)

// Set stores a setting over the one of the same kind and name, or removes it
// when it has no value, with an audit row "setting.set" or "setting.removed" in
// the same transaction. A zero time is now.
func (s *Store) Set(ctx context.Context, set run.Setting) error {
	return s.write(ctx, "store setting", func(tx *sql.Tx) error {
		if set.At.IsZero() {
			set.At = s.now()
		}
		a := run.Audit{At: set.At, Who: set.By, Action: "setting.set", Detail: string(set.Kind) + " " + set.Name + " " + string(set.Value)}
		if set.Value == nil {
			a.Action, a.Detail = "setting.removed", string(set.Kind)+" "+set.Name
			if _, err := tx.ExecContext(ctx, `DELETE FROM settings WHERE kind = $1 AND name = $2`, set.Kind, set.Name); err != nil {
				return err
			}
			return s.addAudit(ctx, tx, a)
		}
		who, err := encode(set.By)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO settings (kind, name, value, who, at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (kind, name) DO UPDATE SET value = excluded.value, who = excluded.who, at = excluded.at`,
			set.Kind, set.Name, string(set.Value), who, millis(set.At))
		if err != nil {
			return err
		}
		return s.addAudit(ctx, tx, a)
	})
}

// Settings gives every setting of a kind, by name.
func (s *Store) Settings(ctx context.Context, kind run.SettingKind) ([]run.Setting, error) {
	rows, err := s.reader.QueryContext(ctx, `SELECT name, value, who, at FROM settings WHERE kind = $1 ORDER BY name`, kind)
	all, err := collect(rows, err, func(scan func(...any) error) (run.Setting, error) {
		set := run.Setting{Kind: kind}
		var value, who string
		var at int64
		if err := scan(&set.Name, &value, &who, &at); err != nil {
			return set, err
		}
		var err error
		set.Value, set.At = json.RawMessage(value), instant(at)
		set.By, err = decode[run.Actor](who)
		return set, err
	})
	if err != nil {
		return nil, s.fail("read settings", err)
	}
	return all, nil
}

// See notes that a person has seen changes of a run's plan in full, by Seq.
// Faults: NotFound when there is no such run.
func (s *Store) See(ctx context.Context, code run.Code, person string, seqs []int) error {
	return s.write(ctx, "note sight", func(tx *sql.Tx) error {
		if _, err := loadRunByCode(ctx, tx, code); err != nil {
			return err
		}
		for _, seq := range seqs {
			_, err := tx.ExecContext(ctx, `INSERT INTO sights (run, person, seq) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, code, person, seq)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Seen gives the changes of a run's plan that a person has seen, by Seq.
func (s *Store) Seen(ctx context.Context, code run.Code, person string) (map[int]bool, error) {
	rows, err := s.reader.QueryContext(ctx, `SELECT seq FROM sights WHERE run = $1 AND person = $2`, code, person)
	all, err := collect(rows, err, func(scan func(...any) error) (seq int, err error) {
		err = scan(&seq)
		return seq, err
	})
	if err != nil {
		return nil, s.fail("read sights", err)
	}
	seen := make(map[int]bool, len(all))
	for _, seq := range all {
		seen[seq] = true
	}
	return seen, nil
}

// Tally adds n to a count and gives what it is now; n may be 0.
func (s *Store) Tally(ctx context.Context, name string, n int) (int, error) {
	total := 0
	err := s.together(ctx, "count", func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `INSERT INTO tallies (name, value) VALUES ($1, $2)
			ON CONFLICT (name) DO UPDATE SET value = tallies.value + excluded.value RETURNING value`, name, n).Scan(&total)
	})
	return total, err
}

// Audits gives the audit rows of an action since a time, oldest first.
func (s *Store) Audits(ctx context.Context, action string, since time.Time) ([]run.Audit, error) {
	rows, err := s.reader.QueryContext(ctx, `SELECT run, at, who, detail FROM audit WHERE action = $1 AND at >= $2 ORDER BY seq`, action, millis(since))
	all, err := collect(rows, err, func(scan func(...any) error) (run.Audit, error) {
		a := run.Audit{Action: action}
		var at int64
		var who string
		if err := scan(&a.Run, &at, &who, &a.Detail); err != nil {
			return a, err
		}
		var err error
		a.At = instant(at)
		a.Who, err = decode[run.Actor](who)
		return a, err
	})
	if err != nil {
		return nil, s.fail("read audit", err)
	}
	return all, nil
}

const (
	// setHeld is the kind of the settings that keep what was not said in a room: a
	// list of lines for its next digest.
	setHeld = run.SettingKind("held")
	// mostHeld is how many lines are kept of a room; the oldest go first.
	mostHeld = 50
)

// Withhold settles a letter that is not sent because its room wants quiet, and
// keeps a line of it in the setting "held" of the room: a JSON list of at most 50,
// oldest first. Both happen or neither. Faults: those of Retry.
func (s *Store) Withhold(ctx context.Context, l run.Letter, room, line string) error {
	return s.write(ctx, "withhold letter", func(tx *sql.Tx) error {
		err := settleLetter(ctx, tx, l, `UPDATE outbox SET state = 'held', done = $3 WHERE `+ours, millis(s.now()))
		if err != nil {
			return err
		}
		var kept string
		err = tx.QueryRowContext(ctx, `SELECT value FROM settings WHERE kind = $1 AND name = $2`, setHeld, room).Scan(&kept)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		var lines []string
		if kept != "" {
			lines, _ = decode[[]string](kept) // a damaged list must not keep the room's lane waiting
		}
		lines = append(lines, line)
		value, err := encode(lines[max(0, len(lines)-mostHeld):])
		if err != nil {
			return err
		}
		who, err := encode(run.Actor{})
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO settings (kind, name, value, who, at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (kind, name) DO UPDATE SET value = excluded.value, at = excluded.at`, setHeld, room, value, who, millis(s.now()))
		return err
	})
}
