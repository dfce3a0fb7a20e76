package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// callerError is an error of a function that the caller gave: it goes back as it
// came.
type callerError struct{ err error }

func (e callerError) Error() string { return e.err.Error() }

// fail makes the fault that leaves the package. what is an operation in the
// present tense, "read run".
func (s *Store) fail(what string, err error) error {
	if own, ok := errors.AsType[callerError](err); ok {
		return own.err
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	err = fmt.Errorf("%s: %w", what, err)
	switch kindOf(err) {
	case fault.Unavailable:
		return fault.Wrap(fault.Unavailable, err, "the record cannot be read or written now / 数据库暂时无法读写")
	case fault.Conflict:
		return fault.Wrap(fault.Conflict, err, "this is in the record already / 记录已经存在")
	default:
		return fault.Wrap(fault.Internal, err, "the record is in trouble, see the log / 数据库出错，请看日志")
	}
}

// kindOf sorts what the database says.
func kindOf(err error) fault.Kind {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, errLost) {
		return fault.Unavailable
	}
	switch primary(err) {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN,
		sqlite3.SQLITE_READONLY, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_PERM:
		return fault.Unavailable
	case sqlite3.SQLITE_CONSTRAINT:
		if isDouble(err) {
			return fault.Conflict
		}
		return fault.Internal
	default:
		return fault.Internal
	}
}

// primary gives SQLite's result code without its extension, or 0.
func primary(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() & 0xff
	}
	return 0
}

// isDouble tells whether a unique key exists already.
func isDouble(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && (e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
}

func isBusy(err error) bool {
	code := primary(err)
	return code == sqlite3.SQLITE_BUSY || code == sqlite3.SQLITE_LOCKED
}

func noRun(code any) error {
	return fault.New(fault.NotFound, "there is no run %v / 没有运行 %v", code, code)
}
