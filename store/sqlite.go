package store

import (
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"

	"modernc.org/sqlite" // the driver "sqlite", pure Go
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// prepareFiles makes the folder for its owner only.
func prepareFiles(o *Options) error {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return err
	}
	o.Dir = dir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if info, err := os.Stat(dir); err == nil && info.Mode().Perm()&0o077 != 0 {
		o.Logger.Warn("data folder is open to other users", "mode", info.Mode().Perm().String())
	}
	return nil
}

// prepareSQLite makes the file for its owner only, before SQLite would make it
// readable by others; its side files copy the mode.
func prepareSQLite(dir string) (string, error) {
	path := filepath.Join(dir, recordFile)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // in the data folder
	if err != nil {
		return "", err
	}
	return path, errors.Join(f.Chmod(0o600), f.Close())
}

// busyWait is how long a statement waits for another process's write. Together
// with intakeWait it stays under a second, since a chat platform waits for an
// acknowledgement; patient writes try again.
const busyWait = "500"

const readers = 4

// connectSQLite makes both pools; no connection is opened yet.
func (s *Store) connectSQLite(path string) error {
	name := (&url.URL{Path: path}).EscapedPath()
	common := url.Values{"_pragma": {"busy_timeout(" + busyWait + ")", "foreign_keys(1)", "synchronous(FULL)"}}
	write := url.Values{"_pragma": append([]string{"journal_mode(WAL)"}, common["_pragma"]...), "_txlock": {"immediate"}}
	read := url.Values{"_pragma": append([]string{"query_only(1)"}, common["_pragma"]...)}
	var err error
	if s.writer, err = sql.Open("sqlite", "file:"+name+"?"+write.Encode()); err != nil {
		return s.fail("open database", err)
	}
	if s.reader, err = sql.Open("sqlite", "file:"+name+"?"+read.Encode()); err != nil {
		return s.fail("open database", err)
	}
	return nil
}

// sqliteKind sorts what SQLite says; "" when it was not SQLite that spoke.
func sqliteKind(err error) fault.Kind {
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return ""
	}
	switch e.Code() & 0xff { // without its extension
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN,
		sqlite3.SQLITE_READONLY, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_PERM:
		return fault.Unavailable
	case sqlite3.SQLITE_CONSTRAINT:
		if e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY {
			return fault.Conflict
		}
	}
	return fault.Internal
}

// sqliteHeld tells whether a connection that is not of our pools held the database:
// ours never stand in each other's way.
func sqliteHeld(err error) bool {
	return sqliteCode(err) == sqlite3.SQLITE_BUSY
}

// sqliteBusy tells whether another process held the database.
func sqliteBusy(err error) bool {
	code := sqliteCode(err)
	return code == sqlite3.SQLITE_BUSY || code == sqlite3.SQLITE_LOCKED
}

// sqliteUnconfirmed tells whether the disk refused what was written: it may be there.
func sqliteUnconfirmed(err error) bool { return sqliteCode(err) == sqlite3.SQLITE_IOERR }

// sqliteFull tells whether the disk has no room.
func sqliteFull(err error) bool { return sqliteCode(err) == sqlite3.SQLITE_FULL }

// sqliteCode gives SQLite's code without its extension; 0 when it was not SQLite that
// spoke.
func sqliteCode(err error) int {
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return 0
	}
	return e.Code() & 0xff
}
