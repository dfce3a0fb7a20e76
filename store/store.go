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
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// Options says where the record is and how long it remembers.
type Options struct {
	// Dir is the data folder; it is made, for its owner only, when missing.
	Dir string
	// URL is the database: "" or "sqlite" for the file rollcall.db in Dir, or
	// postgres://user:password@host:port/database.
	URL string
	// URLFile is the path of a file that holds the postgres:// address; "" = none. The
	// password in it is read for each connection, so that a new one needs no restart.
	URLFile string
	// Now is the clock; required.
	Now func() time.Time
	// ServerTime judges leases, holds of letters, and when a waiting run needs somebody, by the clock of the
	// database server, where there is one, so that all processes agree. Else Now does.
	ServerTime bool
	// Logger hears of what an operator should look at; nil = nobody.
	Logger *slog.Logger
	// Key encrypts snapshots with AES-256: 32 bytes, or nil for no encryption.
	Key []byte
	// AuditKeys make the hashes of the audit's chain, newest first, 32 bytes each:
	// rows are added under the first and verified under all. None = a plain chain,
	// which whoever can write the database can make anew.
	AuditKeys [][]byte
	// AsFound leaves the audit as it is, for who examines it: rows of an older
	// record are not sealed.
	AsFound bool
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
	if slices.ContainsFunc(o.AuditKeys, func(key []byte) bool { return len(key) != keyLen }) {
		problems = append(problems, errors.New("an audit key must have 32 bytes / 审计密钥必须是 32 字节"))
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
	writer   *sql.DB // one connection: there is one writer anyway, and waiting in Go ends with ctx
	reader   *sql.DB
	intake   *sql.DB // for messages, which must not wait for a long write; the writer, where there can be no other
	postgres bool    // the record is shared by processes on many hosts

	dir    string
	now    func() time.Time
	shared bool // leases are judged by the clock of the server
	logger *slog.Logger
	key    []byte
	chain  []chainKey
	asIs   bool
	keep   time.Duration
	pack   *zstd.Encoder
	unpack *zstd.Decoder

	company   company    // short writes that wait for the writer together
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
	s := &Store{now: o.Now, shared: o.ServerTime, logger: o.Logger, key: o.Key, chain: chainKeys(o.AuditKeys), asIs: o.AsFound, keep: o.Keep}
	if err := s.connect(&o); err != nil {
		return nil, err
	}
	if err := s.settle(ctx); err != nil {
		return nil, errors.Join(s.heldAt(err), s.Close())
	}
	return s, nil
}

// isPostgres tells which database an address means. Faults: Invalid for one that this
// binary has no driver for.
func isPostgres(address string) (bool, error) {
	scheme, _, _ := strings.Cut(address, ":")
	switch {
	case address == "" || address == "sqlite":
		return false, nil
	case scheme == "sqlite":
		return false, fault.New(fault.Invalid, "write sqlite; its file is in the data folder / 请写 sqlite，数据库文件在数据目录里")
	case scheme == "postgres" || scheme == "postgresql":
		return true, nil
	default:
		return false, fault.New(fault.Invalid, "unknown kind of database; write sqlite, or postgres://… / 不认识的数据库类型，请写 sqlite 或 postgres://…")
	}
}

// connect makes both pools.
func (s *Store) connect(o *Options) error {
	postgres, err := isPostgres(o.URL)
	if err != nil {
		return err
	}
	if err := prepareFiles(o); err != nil {
		return unusable(o.Dir, err)
	}
	s.dir = o.Dir
	if postgres {
		err = s.connectPostgres(o.URL, o.URLFile)
	} else {
		var path string
		if path, err = prepareSQLite(o.Dir); err != nil {
			return unusable(o.Dir, err)
		}
		err = s.connectSQLite(path)
	}
	if err != nil {
		return err
	}
	s.writer.SetMaxOpenConns(1)
	s.reader.SetMaxOpenConns(readers)
	s.reader.SetMaxIdleConns(readers)
	if s.intake == nil {
		s.intake = s.writer
	}
	return s.prepareCompression()
}

// prepareCompression makes what packs plans.
func (s *Store) prepareCompression() (err error) {
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
	if err := errors.Join(s.pack.Close(), s.reader.Close(), s.intake.Close(), s.writer.Close()); err != nil {
		return s.fail("close database", err)
	}
	return nil
}

// Ping tells whether the record can be read and written now. It writes something else
// each time: SQLite writes nothing at all where nothing changes, so that a full disk or
// one that can only be read would not show. Faults: Unavailable.
func (s *Store) Ping(ctx context.Context) error {
	return s.write(ctx, "check database", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, countPing)
		return err
	})
}

const countPing = `INSERT INTO counters (name, value) VALUES ('pings', 1) ON CONFLICT (name) DO UPDATE SET value = counters.value + 1`
