package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/rollcallhq/rollcall/sync/fault"
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

// pgWriter is the advisory lock that a write holds until its transaction ends: there
// is one writer at a time, as with SQLite, among all processes on one schema.
const pgWriterSpace = 0x726f6c6c // "roll"

// connectPostgres makes both pools; no connection is opened yet.
func (s *Store) connectPostgres(address string) error {
	cfg, err := pgx.ParseConfig(address)
	if err != nil {
		// The driver's words may show the address with its password.
		return fault.New(fault.Invalid, "the address of PostgreSQL is broken: write postgres://user:password@host:5432/database / PostgreSQL 的地址有误：请写 postgres://用户:密码@主机:5432/数据库")
	}
	cfg.ConnectTimeout = pgConnect
	params := map[string]string{
		"application_name": "rollcall", "lock_timeout": pgLockWait, "statement_timeout": pgStatement,
		"idle_in_transaction_session_timeout": pgIdle, "timezone": "UTC", "synchronous_commit": "on",
	}
	read := cfg.Copy()
	for name, value := range params {
		cfg.RuntimeParams[name], read.RuntimeParams[name] = value, value
	}
	read.RuntimeParams["default_transaction_read_only"] = "on"
	s.writer, s.reader = stdlib.OpenDB(*cfg), stdlib.OpenDB(*read)
	sum := sha256.Sum256([]byte(cfg.RuntimeParams["search_path"]))
	s.lock = int32(binary.BigEndian.Uint32(sum[:4])) //nolint:gosec // any bits will do
	for _, db := range []*sql.DB{s.writer, s.reader} {
		db.SetConnMaxLifetime(pgLife)
	}
	s.postgres = true
	return nil
}

// lockWriter waits until no other process writes.
func (s *Store) lockWriter(ctx context.Context, tx *sql.Tx) error {
	if !s.postgres {
		return nil
	}
	_, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1, $2)`, int32(pgWriterSpace), s.lock)
	return err
}

// plainOrder makes every text of the record sort by its bytes, as SQLite does,
// whatever the database's language is.
func (s *Store) plainOrder(ctx context.Context) error {
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
