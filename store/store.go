// Package store is the record: runs, plans, votes, the journal, links, leases,
// inbox, outbox and audit in SQL, and the last source snapshots in files beside
// it. What is not in here did not happen.
//
// It decides nothing about a run except that no illegal move is written, and it
// wakes nobody: sub-package queue is the bell. It knows neither engine nor bot;
// both declare the interfaces that *Store satisfies.
package store

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
	_ "modernc.org/sqlite" // the driver "sqlite", pure Go

	"github.com/rollcallhq/rollcall/sync/fault"
)

// Options says where the record is and how long it remembers.
type Options struct {
	// Dir is the data folder; it is made, for its owner only, when missing.
	Dir string
	// URL is the database: "" or "sqlite" for the file rollcall.db in Dir.
	URL string
	// Now is the clock; required.
	Now func() time.Time
	// Logger hears of what an operator should look at; nil = nobody.
	Logger *slog.Logger
	// Key encrypts snapshots with AES-256: 32 bytes, or nil for no encryption.
	Key []byte
	// Keep is how long handled message ids and finished letters are kept; 0 = 30
	// days, less is refused: a platform may send a message again within them.
	Keep time.Duration
}

// MinKeep is the shortest memory for message ids, and the default.
const MinKeep = 30 * 24 * time.Hour

const keyLen = 32

func (o *Options) validate() error {
	var problems []error
	if o.Dir == "" {
		problems = append(problems, errors.New("a data folder is needed / 需要数据目录"))
	}
	if o.Now == nil {
		problems = append(problems, errors.New("a clock is needed / 需要时钟"))
	}
	if len(o.Key) != 0 && len(o.Key) != keyLen {
		problems = append(problems, errors.New("the snapshot key must have 32 bytes / 快照密钥必须是 32 字节"))
	}
	if o.Keep == 0 {
		o.Keep = MinKeep
	}
	if o.Keep < MinKeep {
		problems = append(problems, errors.New("message ids are kept for at least 30 days / 消息编号至少保留 30 天"))
	}
	if len(problems) > 0 {
		return fault.Wrap(fault.Invalid, errors.Join(problems...), "the store's options are wrong / 存储的设置有误")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}

// Store is the record. It is safe for concurrent use, also by several processes
// on one database. Whoever opened it closes it.
type Store struct {
	writer *sql.DB // one connection: SQLite has one writer anyway, and waiting in Go ends with ctx
	reader *sql.DB
	dir    string
	now    func() time.Time
	logger *slog.Logger
	key    []byte
	keep   time.Duration
	pack   *zstd.Encoder
	unpack *zstd.Decoder

	snapshots sync.Mutex // one snapshot is written at a time
}

// Open opens the record and sets a new, empty database up. A database of an
// older binary is opened as it is: call Migrate before using it. Faults:
// Invalid for wrong options, Unsupported for a database that is newer than this
// binary or not built in, Unavailable when it cannot be reached.
func Open(ctx context.Context, o Options) (*Store, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	if err := checkURL(o.URL); err != nil {
		return nil, err
	}
	path, err := prepareFiles(&o)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "the data folder cannot be used / 数据目录无法使用")
	}
	s := &Store{dir: o.Dir, now: o.Now, logger: o.Logger, key: o.Key, keep: o.Keep}
	if err := s.connect(path); err != nil {
		return nil, err
	}
	if err := s.settle(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// checkURL accepts what this binary has a driver for.
func checkURL(u string) error {
	scheme, _, _ := strings.Cut(u, ":")
	switch scheme {
	case "", "sqlite":
		if u != "" && u != "sqlite" {
			return fault.New(fault.Invalid, "write sqlite; its file is in the data folder / 请写 sqlite，数据库文件在数据目录里")
		}
		return nil
	case "postgres", "postgresql":
		return fault.New(fault.Unsupported, "PostgreSQL is not in this build yet; use sqlite with one replica / 此版本还不支持 PostgreSQL，请用 sqlite 并只运行一个副本")
	default:
		return fault.New(fault.Invalid, "unknown kind of database; write sqlite / 不认识的数据库类型，请写 sqlite")
	}
}

// prepareFiles makes the folder and the file for their owner only, before
// SQLite would make the file readable by others; its side files copy the mode.
func prepareFiles(o *Options) (string, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return "", err
	}
	o.Dir = dir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	if info, err := os.Stat(dir); err == nil && info.Mode().Perm()&0o077 != 0 {
		o.Logger.Warn("data folder is open to other users", "mode", info.Mode().Perm().String())
	}
	path := filepath.Join(dir, "rollcall.db")
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

// connect makes both pools; no connection is opened yet.
func (s *Store) connect(path string) error {
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
	s.writer.SetMaxOpenConns(1)
	s.reader.SetMaxOpenConns(readers)
	s.reader.SetMaxIdleConns(readers)
	if s.pack, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1)); err != nil {
		return s.fail("prepare compression", err)
	}
	if s.unpack, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxUnpacked)); err != nil {
		return s.fail("prepare compression", err)
	}
	return nil
}

// maxUnpacked bounds what a damaged file can make us allocate.
const maxUnpacked = 4 << 30

// Close closes the record. Nothing that was confirmed is lost without it.
func (s *Store) Close() error {
	s.unpack.Close()
	if err := errors.Join(s.pack.Close(), s.reader.Close(), s.writer.Close()); err != nil {
		return s.fail("close database", err)
	}
	return nil
}

// Ping tells whether the record can be read and written now. Faults:
// Unavailable.
func (s *Store) Ping(ctx context.Context) error {
	return s.write(ctx, "check database", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE counters SET value = value WHERE name = 'events'`)
		return err
	})
}
