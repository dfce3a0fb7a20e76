package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"

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
		return fault.Wrap(fault.Unavailable, recordError{err}, "%s", away(err))
	case fault.Credential:
		return fault.Wrap(fault.Credential, err, "%s", refusal(err))
	case fault.Conflict:
		return fault.Wrap(fault.Conflict, err, "this is in the record already / 记录已经存在")
	default:
		return fault.Wrap(fault.Internal, err, "the record is in trouble, see the log / 数据库出错，请看日志")
	}
}

// away says that the record cannot be used now, and why, where that is known.
func away(err error) string {
	switch {
	case sqliteHeld(err):
		return "the record cannot be read or written now: another process holds it; if that stays so, end that process / 数据库暂时无法读写：被另一个进程占用；一直这样就请结束那个进程"
	case sqliteFull(err):
		return "the record cannot be written now: its disk is full; make room / 数据库暂时无法写入：磁盘已满；请腾出空间"
	case sqliteUnconfirmed(err):
		return "the record cannot be read or written now: its disk reports an error; look at it, and start Rollcall again after a repair / 数据库暂时无法读写：磁盘报错；请检查磁盘，修复后请重新启动点名"
	}
	return "the record cannot be read or written now / 数据库暂时无法读写"
}

// heldAt adds to the fault of a record that another process holds, for whoever opens it,
// which file that is and how to find the process. A conversation is not told of files.
func (s *Store) heldAt(err error) error {
	if !sqliteHeld(err) {
		return err
	}
	return fault.Wrap(fault.Unavailable, recordError{err}, "the record cannot be read or written now: another process holds %[1]s; end it (fuser shows which) and try again"+
		" / 数据库暂时无法读写：%[1]s 被另一个进程占用；请结束那个进程（用 fuser 查看是哪一个）再试", filepath.Join(s.dir, recordFile))
}

// unusable says which data folder cannot be used, why, and what to do.
func unusable(dir string, err error) error {
	en, zh := "see that it can be written", "请确认它可以写入"
	switch {
	case errors.Is(err, syscall.EROFS):
		en, zh = "the disk is read-only: make it writable, or name another folder by data", "磁盘是只读的：请改成可写，或用 data 指定别的目录"
	case errors.Is(err, fs.ErrPermission):
		en, zh = "Rollcall may not write there: give it to the user that Rollcall runs as, or name another folder by data", "没有写权限：请把它交给运行点名的用户，或用 data 指定别的目录"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		en, zh = "the disk is full: make room", "磁盘已满：请腾出空间"
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrExist):
		en, zh = "a file is in its place: move it away, or name another folder by data", "那里有一个同名文件：请移走，或用 data 指定别的目录"
	case errors.Is(err, fs.ErrNotExist):
		en, zh = "the folder above it is not there: make it, or name another by data", "上级目录不存在：请建立，或用 data 指定别的目录"
	}
	return fault.Wrap(fault.Unavailable, err, "the data folder cannot be used: %[1]s; %[2]s / 数据目录无法使用：%[1]s；%[3]s", dir, en, zh)
}

// refusal says what PostgreSQL does not let us do, by its own code.
func refusal(err error) string {
	e, _ := errors.AsType[*pgconn.PgError](err)
	switch {
	case e == nil:
	case e.Code == "28P01": // invalid_password
		return "PostgreSQL refuses user or password: correct them in record; a certificate of ours must bear the user's name / PostgreSQL 拒绝了用户名或密码：请改正配置里的 record；用证书登录时，证书上的名字要与用户名一致"
	case e.Code == "28000": // invalid_authorization_specification
		return "PostgreSQL does not let our user in from this address: see its role and pg_hba.conf / PostgreSQL 不让这个用户从本机地址登录：请检查角色和 pg_hba.conf"
	case e.Code == "3D000": // invalid_catalog_name
		return "PostgreSQL has no such database: create it (createdb -O USER DATABASE), or correct record / PostgreSQL 里没有这个库：请建库（createdb -O 用户 库名），或改正配置里的 record"
	case e.Code == "42501": // insufficient_privilege
		return "our PostgreSQL user lacks a right: make it the owner of the database and of all its tables / PostgreSQL 用户权限不够：请让它成为这个库和其中所有表的所有者"
	}
	return "the database refuses us: put user, password, database and rights in order / 数据库拒绝访问：请检查用户、密码、库名和权限"
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
