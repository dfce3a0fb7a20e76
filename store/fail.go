package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

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
	if why := distrust(err); why != "" {
		return fault.Wrap(fault.Credential, err, "%s", why)
	}
	switch kindOf(err) {
	case fault.Unavailable:
		return fault.Wrap(fault.Unavailable, recordError{err}, "the record cannot be read or written now / 数据库暂时无法读写")
	case fault.Credential:
		return fault.Wrap(fault.Credential, err, "the database refuses us: put user, password, database and rights in order / 数据库拒绝访问：请检查用户、密码、库名和权限")
	case fault.Conflict:
		return fault.Wrap(fault.Conflict, err, "this is in the record already / 记录已经存在")
	default:
		return fault.Wrap(fault.Internal, err, "the record is in trouble, see the log / 数据库出错，请看日志")
	}
}

// recordError is a trouble of the record that may pass, told from that of a system by
// its method: whoever works on what is written here may begin again.
type recordError struct{ error }

func (e recordError) Unwrap() error { return e.error }

// OfRecord tells that the record was away, not a system.
func (recordError) OfRecord() bool { return true }

// failed is fail for an error that may be nil.
func (s *Store) failed(what string, err error) error {
	if err == nil {
		return nil
	}
	return s.fail(what, err)
}

// kindOf sorts what the database says.
func kindOf(err error) fault.Kind {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, errLost) {
		return fault.Unavailable
	}
	if kind := sqliteKind(err); kind != "" {
		return kind
	}
	if kind := postgresKind(err); kind != "" {
		return kind
	}
	return fault.Internal
}

// isBusy tells whether another writer was in the way before anything was done.
func isBusy(err error) bool { return sqliteBusy(err) || postgresBusy(err) }

func noRun(code any) error {
	return fault.New(fault.NotFound, "there is no run %v / 没有运行 %v", code, code)
}
