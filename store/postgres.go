package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// Time limits of a session with PostgreSQL. A process that stands still in the
// middle of a write would stop the writes of all others: the server ends its
// session.
const (
	pgConnect   = 5 * time.Second
	pgLockWait  = "500ms"   // for another process's write; patient writes try again
	pgIdle      = "10s"     // inside a transaction
	pgStatement = "60s"     // one statement
	pgLife      = time.Hour // of a connection, so that a failover's survivors are left
)

// intakes is how many messages are taken in at once: PostgreSQL waits for the disk
// once for all that commit together.
const intakes = 8

// The advisory locks, both of one schema of one database. A write holds the first until
// its transaction ends: there is one writer at a time, as with SQLite, among all
// processes. Who sets the database up holds the second meanwhile.
const (
	pgWriterSpace = 0x726f6c6c // "roll"
	pgSetupSpace  = 0x726f6c6d
)

// pgSchema is the second number of the locks: addresses may name one schema in many
// ways, so that the server says which it is.
const pgSchema = `hashtext(COALESCE(current_schema(), ''))`

// A plan that is kept from when a table was empty looks at every row for every other
// one once the table has grown, until the server counts its rows again: a statement is
// planned each time (PostgreSQL 12 and later). Compiling it would cost more than
// running it.
const (
	pgPlans   = "force_custom_plan"
	pgCompile = "off"
)

// pgLevel lets each statement of a write see all that was committed before it: under a
// stricter level, which a database may have as its own, a write would see the record as
// it was before it waited for its turn.
const pgLevel = "read committed"

// connectPostgres makes the pools; no connection is opened yet. file holds the address, if
// it is not "".
func (s *Store) connectPostgres(address, file string) error {
	cfg, err := pgx.ParseConfig(address)
	if err != nil {
		return brokenAddress(err)
	}
	cfg.DialFunc, cfg.AfterConnect = dialPostgres, taken
	cfg.ConnectTimeout = pgConnect
	params := map[string]string{
		"application_name": "rollcall", "lock_timeout": pgLockWait, "statement_timeout": pgStatement,
		"idle_in_transaction_session_timeout": pgIdle, "timezone": "UTC", "synchronous_commit": "on",
		"plan_cache_mode": pgPlans, "jit": pgCompile, "default_transaction_isolation": pgLevel,
	}
	read := cfg.Copy()
	for name, value := range params {
		cfg.RuntimeParams[name], read.RuntimeParams[name] = value, value
	}
	read.RuntimeParams["default_transaction_read_only"] = "on"
	renewed := stdlib.OptionBeforeConnect(renewedPassword(address, file))
	s.writer, s.reader, s.intake = openPlain(cfg, renewed), openPlain(read, renewed), openPlain(cfg, renewed)
	s.intake.SetMaxOpenConns(intakes)
	s.intake.SetMaxIdleConns(intakes)
	for _, db := range []*sql.DB{s.writer, s.reader, s.intake} {
		db.SetConnMaxLifetime(pgLife)
	}
	s.postgres = true
	return nil
}

// renewedPassword gives what sets the password of a connection before it is made, as the
// file says that holds the address, or the passfile that the address names. That of the
// start holds while they cannot be read, or name another server or user.
func renewedPassword(address, file string) func(context.Context, *pgx.ConnConfig) error {
	return func(_ context.Context, cfg *pgx.ConnConfig) error {
		text := address
		if file != "" {
			raw, err := os.ReadFile(file) //nolint:gosec // the operator names it
			if err != nil {
				return nil //nolint:nilerr // it is being replaced
			}
			text = strings.TrimSpace(string(raw))
		}
		now, err := pgx.ParseConfig(text)
		if err == nil && now.Password != "" && now.Host == cfg.Host && now.Port == cfg.Port && now.Database == cfg.Database && now.User == cfg.User {
			cfg.Password = now.Password
		}
		return nil
	}
}

// lockWriter waits until no other process writes.
func (s *Store) lockWriter(ctx context.Context, tx *sql.Tx) error {
	if !s.postgres {
		return nil
	}
	_, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1, `+pgSchema+`)`, int32(pgWriterSpace))
	return err
}

const (
	// setupTries is how often pgLockWait is waited for another process that sets the
	// database up, or writes.
	setupTries = 120
	// pgUpgrade is for how long a process that stands still in a migration may keep the
	// others from writing.
	pgUpgrade = "5min"
)

// alone runs fn while no other process sets the database up: replicas of a new
// installation start together, and each finds it empty.
func (s *Store) alone(ctx context.Context, fn func() error) error {
	return s.locked(ctx, pgSetupSpace, "0", fn)
}

// unwritten runs fn while nobody writes, but for messages that are taken in. fn must not
// write as others do.
func (s *Store) unwritten(ctx context.Context, fn func() error) error {
	return s.locked(ctx, pgWriterSpace, pgUpgrade, fn)
}

// locked runs fn under an advisory lock, which the server takes back when nothing was
// heard of fn for idle.
func (s *Store) locked(ctx context.Context, space int32, idle string, fn func() error) error {
	if !s.postgres {
		return fn()
	}
	for tries := 0; ; tries++ {
		tx, err := s.holdLock(ctx, space, idle)
		if err == nil {
			defer func() { _ = tx.Rollback() }() // the lock ends with it
			break
		}
		if !postgresBusy(err) || tries >= setupTries {
			return s.fail("lock database", err)
		}
	}
	return fn()
}

// holdLock gives a transaction that holds the lock, on a connection of the reader: the
// writer's is needed meanwhile.
func (s *Store) holdLock(ctx context.Context, space int32, idle string) (*sql.Tx, error) {
	tx, err := s.reader.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	_, err = tx.ExecContext(ctx, `SELECT set_config('idle_in_transaction_session_timeout', $1, true)`, idle) // it stands still for as long as fn takes
	if err == nil {
		_, err = tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1, `+pgSchema+`)`, space)
	}
	if err != nil {
		return nil, errors.Join(err, tx.Rollback())
	}
	return tx, nil
}

// listLen is how many journal entries go to the server at once. Each message waits for
// its answer, and meanwhile nobody else writes.
const listLen = 5000

// addChangesInLists adds a pending entry for each change, with a list for each column.
func (s *Store) addChangesInLists(ctx context.Context, tx *sql.Tx, code run.Code, p *plan.Plan) error {
	now := millis(s.now())
	for part := range slices.Chunk(p.Changes, listLen) {
		seqs, texts := make([]int64, len(part)), [5][]string{}
		for i := range part {
			c := &part[i]
			seqs[i] = int64(c.Seq)
			for j, text := range []string{string(c.Op), string(c.Key.Kind), string(c.Key.ID), string(c.Source.Kind), string(c.Source.ID)} {
				texts[j] = append(texts[j], plainText(text))
			}
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO changes (`+entryColumns+`)
			SELECT $1::text, u.seq, $2::text, u.op, $3::text, u.kind, u.id, u.source_kind, u.source_id, '', 0, 0, $4::bigint
			FROM unnest($5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[]) AS u (seq, op, kind, id, source_kind, source_id)`,
			code, p.Flow, run.StepPending, now, seqs, texts[0], texts[1], texts[2], texts[3], texts[4])
		if err != nil {
			return err
		}
	}
	return nil
}

// plainOrder makes every text of the record sort by its bytes, as SQLite does,
// whatever the database's language is.
func (s *Store) plainOrder(ctx context.Context) error {
	if !s.postgres {
		return nil
	}
	if err := s.orderTexts(ctx); err != nil {
		return s.fail("order texts", err)
	}
	return nil
}

func (s *Store) orderTexts(ctx context.Context) error {
	rows, err := s.writer.QueryContext(ctx, `SELECT table_name, column_name FROM information_schema.columns
		WHERE table_schema = current_schema() AND data_type = 'text' AND COALESCE(collation_name, '') <> 'C' ORDER BY table_name, ordinal_position`)
	all, err := collect(rows, err, func(scan func(...any) error) ([2]string, error) {
		var c [2]string
		err := scan(&c[0], &c[1])
		return c, err
	})
	if err != nil {
		return err
	}
	columns := map[string][]string{}
	var tables []string
	for _, c := range all {
		if len(columns[c[0]]) == 0 {
			tables = append(tables, c[0])
		}
		columns[c[0]] = append(columns[c[0]], fmt.Sprintf(`ALTER COLUMN %s TYPE TEXT COLLATE "C"`, pgx.Identifier{c[1]}.Sanitize()))
	}
	for _, table := range tables {
		statement := "ALTER TABLE " + pgx.Identifier{table}.Sanitize() + " " + strings.Join(columns[table], ", ") //nolint:gosec // names, quoted
		if _, err := s.writer.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// postgresKind sorts what PostgreSQL says, by the classes of its codes
// (postgresql.org/docs/current/errcodes-appendix.html), and what the connection to
// it says; "" when neither spoke.
func postgresKind(err error) fault.Kind {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		if postgresGone(err) {
			return fault.Unavailable
		}
		return ""
	}
	switch {
	case e.Code == "23505": // unique_violation
		return fault.Conflict
	case e.Code == "25006": // read_only_sql_transaction: a replica that was not promoted yet
		return fault.Unavailable
	case e.Code == "28P01" || e.Code == "28000" || e.Code == "3D000" || e.Code == "42501":
		return fault.Credential
	case postgresBusy(err):
		return fault.Unavailable
	}
	switch e.Code[:min(2, len(e.Code))] {
	case "08", "53", "55", "57", "58": // connection, resources, state, intervention, system
		return fault.Unavailable
	default:
		return fault.Internal
	}
}

// postgresBusy tells whether another transaction was in the way, or the server ended
// ours: nothing was done, and the same again may succeed.
func postgresBusy(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return false
	}
	switch e.Code {
	case "40001", "40P01", "55P03", "25P03": // serialization_failure, deadlock_detected, lock_not_available, idle_in_transaction_session_timeout
		return true
	default:
		return false
	}
}

// postgresGone tells whether the connection broke or was never made.
func postgresGone(err error) bool {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	var broken net.Error
	return errors.As(err, &broken) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		pgconn.SafeToRetry(err) || pgconn.Timeout(err)
}
