package store

import (
	"context"
	"crypto/hmac"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// maxManifest is the longest manifest that is read, in bytes.
const maxManifest = 8 << 20

// Restored is what a restored record holds that people must know of.
type Restored struct {
	Manifest Manifest
	// Applying are the runs that were applying when the backup was made: they go on
	// from the journal of then.
	Applying []run.Run
}

// Restore puts a backup into the data folder of the options, which must hold no
// record. The backup is proven first, and the record gets its name at the very end:
// until then nothing is there. Its leases are ended, since nobody works on it; an
// older one is migrated; a row of the audit tells of it. Faults: Unsupported for
// PostgreSQL and for a record that is newer than this binary, Conflict when there
// is a record, NotFound without a backup, Invalid for a damaged one, Credential for
// one under another audit key, Unavailable when the disk refuses.
func Restore(ctx context.Context, from string, o Options) (Restored, error) {
	if err := o.validate(); err != nil {
		return Restored{}, err
	}
	if postgres, err := isPostgres(o.URL); err != nil || postgres {
		return Restored{}, errors.Join(err, NoBackup())
	}
	if err := refuseRecord(o.Dir); err != nil {
		return Restored{}, err
	}
	m, err := Examine(ctx, from, o.AuditKeys)
	if err != nil {
		return Restored{}, err
	}
	made, err := makeFolder(&o)
	if err != nil {
		return Restored{}, restoreFailed(err)
	}
	r, err := restoreInto(ctx, from, o, m)
	if err != nil && made {
		_ = os.Remove(o.Dir) // only when it is empty
	}
	if err != nil {
		return Restored{}, restoreFailed(err)
	}
	return r, nil
}

func restoreFailed(err error) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	return fault.Wrap(fault.Unavailable, fmt.Errorf("restore backup: %w", err), "the backup was not restored; is the disk full? / 没有恢复成功；磁盘满了吗？")
}

// makeFolder makes the data folder and tells whether it was not there.
func makeFolder(o *Options) (bool, error) {
	_, err := os.Stat(o.Dir)
	return errors.Is(err, fs.ErrNotExist), prepareFiles(o)
}

// refuseRecord refuses a folder that holds a record, or parts of one.
func refuseRecord(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unusable(dir, err)
	}
	snapshots, err := snapshotNames(dir)
	if err != nil || len(snapshots) > 0 || slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return strings.HasPrefix(e.Name(), recordFile) }) {
		return fault.Wrap(fault.Conflict, err, "%[1]s holds a record already, and it is not overwritten: stop the service and move rollcall.db* and snapshots away / %[1]s 里已经有数据库，不会覆盖：请停止服务，把 rollcall.db* 和 snapshots 移走", dir)
	}
	return nil
}

// Examine proves a backup: each file of its manifest is as it was written, and the
// record in it is whole. With keys the manifest must be under one of them. Faults:
// NotFound, Invalid, Credential, Unsupported.
func Examine(ctx context.Context, dir string, keys [][]byte) (Manifest, error) {
	m, err := readManifest(filepath.Join(dir, manifestFile))
	if err != nil {
		return Manifest{}, err
	}
	if err := checkMAC(m, chainKeys(keys)); err != nil {
		return Manifest{}, err
	}
	for _, f := range m.Files {
		size, sum, err := hashFile(filepath.Join(dir, filepath.FromSlash(f.Name)))
		if err != nil || size != f.Size || sum != f.SHA256 {
			return Manifest{}, damaged(errors.Join(fmt.Errorf("%s is not as it was written", f.Name), err))
		}
	}
	have, err := inspect(ctx, filepath.Join(dir, recordFile))
	if err != nil {
		return Manifest{}, err
	}
	if have.Record != m.Record || have.Audit != m.Audit || len(have.Counts) != len(m.Counts) {
		return Manifest{}, damaged(errors.New("the record is not that of the manifest"))
	}
	for table, n := range m.Counts {
		if have.Counts[table] != n {
			return Manifest{}, damaged(fmt.Errorf("%s has %d rows, not %d", table, have.Counts[table], n))
		}
	}
	return m, nil
}

// inspect looks at a database file that nobody writes: that it is whole, and what
// it holds. Faults: Invalid for a damaged one.
func inspect(ctx context.Context, path string) (Manifest, error) {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?mode=ro&immutable=1")
	if err != nil {
		return Manifest{}, err
	}
	m, err := inspected(ctx, db)
	if err = errors.Join(err, db.Close()); err != nil {
		if ctx.Err() != nil {
			return Manifest{}, err
		}
		return Manifest{}, damaged(err)
	}
	return m, nil
}

func damaged(err error) error {
	return fault.Wrap(fault.Invalid, err, "the backup is damaged: take another one / 备份已损坏，请换一份")
}

func inspected(ctx context.Context, db *sql.DB) (Manifest, error) {
	m := Manifest{Counts: map[string]int64{}}
	var verdict string
	if err := db.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&verdict); err != nil || verdict != "ok" {
		return m, errors.Join(fmt.Errorf("integrity check: %s", verdict), err)
	}
	if err := db.QueryRowContext(ctx, `SELECT MAX(version_id) FROM goose_db_version WHERE is_applied`).Scan(&m.Record); err != nil {
		return m, err
	}
	rows, err := db.QueryContext(ctx, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`)
	tables, err := collect(rows, err, func(scan func(...any) error) (name string, err error) {
		err = scan(&name)
		return name, err
	})
	if err != nil {
		return m, err
	}
	for _, table := range tables {
		var n int64
		quoted := `"` + strings.ReplaceAll(table, `"`, `""`) + `"`
		if err := db.QueryRowContext(ctx, `SELECT COUNT(*) FROM `+quoted).Scan(&n); err != nil {
			return m, err
		}
		m.Counts[table] = n
	}
	if m.Record >= chainVersion {
		last, err := lastChained(ctx, db)
		if err != nil {
			return m, err
		}
		m.Audit = last.head()
	}
	return m, nil
}

func readManifest(path string) (Manifest, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Manifest{}, fault.Wrap(fault.NotFound, err, "this is no backup: it has no %[1]s / 这不是备份：里面没有 %[1]s", manifestFile)
	}
	if info.Size() > maxManifest {
		return Manifest{}, damaged(errors.New("the manifest is too long"))
	}
	text, err := os.ReadFile(path) //nolint:gosec // the operator names it
	if err != nil {
		return Manifest{}, damaged(err)
	}
	return parseManifest(text)
}

// parseManifest reads a manifest and makes sure that its names lead nowhere else.
func parseManifest(text []byte) (Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return Manifest{}, damaged(err)
	}
	if m.Form != backupForm {
		return Manifest{}, fault.New(fault.Unsupported, "the backup is of form %[1]d, this program knows %[2]d / 备份的格式是 %[1]d，本程序只认识 %[2]d", m.Form, backupForm)
	}
	seen := map[string]bool{}
	for _, f := range m.Files {
		name, inside := strings.CutPrefix(f.Name, snapshotsDir+"/")
		fits := f.Name == recordFile ||
			inside && strings.HasSuffix(name, ".snap") && !strings.HasPrefix(name, ".") && !strings.ContainsAny(name, `/\:`+"\x00")
		if !fits || seen[f.Name] || f.Size < 0 {
			return Manifest{}, damaged(fmt.Errorf("the manifest names %q", f.Name))
		}
		seen[f.Name] = true
	}
	if !seen[recordFile] {
		return Manifest{}, damaged(errors.New("the manifest names no record"))
	}
	return m, nil
}

// checkMAC proves who wrote the manifest. Who has no key believes it.
func checkMAC(m Manifest, keys []chainKey) error {
	if len(keys) == 0 {
		return nil
	}
	if m.MAC == "" {
		return fault.New(fault.Credential, "the backup was made without audit_key, so it proves nothing; if you trust it, restore it with a configuration without audit_key / 这份备份没有用 audit_key，无法证明没被改动；如果信得过，请用不带 audit_key 的配置恢复")
	}
	for _, key := range keys {
		if key.id == m.Key && hmac.Equal([]byte(m.mac(key)), []byte(m.MAC)) {
			return nil
		}
	}
	return fault.New(fault.Credential, "the backup was changed, or is under a key that audit_key does not hold / 备份被改动过，或所用的密钥不在 audit_key 里")
}

// restoreInto copies the backup beside the place of the record, puts it in order
// there, and gives it its name.
func restoreInto(ctx context.Context, from string, o Options, m Manifest) (r Restored, err error) {
	temp, err := os.MkdirTemp(o.Dir, ".restore-*")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	if err := os.Mkdir(filepath.Join(temp, snapshotsDir), 0o700); err != nil {
		return r, err
	}
	for _, f := range m.Files {
		name := filepath.FromSlash(f.Name)
		if err := copyFile(filepath.Join(from, name), filepath.Join(temp, name)); err != nil {
			return r, err
		}
		// What was proven may have been exchanged since.
		if size, sum, err := hashFile(filepath.Join(temp, name)); err != nil || size != f.Size || sum != f.SHA256 {
			return r, damaged(errors.Join(fmt.Errorf("%s was changed meanwhile", f.Name), err))
		}
	}
	if r, err = settleRestored(ctx, temp, o, m); err != nil {
		return r, err
	}
	return r, moveIn(temp, o.Dir)
}

// settleRestored puts a copied record in order.
func settleRestored(ctx context.Context, temp string, o Options, m Manifest) (r Restored, err error) {
	o.Dir, o.AsFound = temp, true
	s, err := Open(ctx, o)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	err = s.write(ctx, "end leases", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE leases SET owner = '', until = 0`)
		return err
	})
	if err != nil {
		return r, err
	}
	if err := s.Migrate(ctx); err != nil {
		return r, err
	}
	r.Manifest = m
	if r.Applying, err = s.Runs(ctx, run.Filter{States: []run.State{run.Applying}, Limit: 1000}); err != nil {
		return r, err
	}
	parts := []string{"backup of " + m.Made.Format(time.RFC3339)}
	for i := range r.Applying {
		parts = append(parts, "applying "+string(r.Applying[i].Code))
	}
	detail := strings.Join(parts, ", ")
	err = s.write(ctx, "note restoring", func(tx *sql.Tx) error {
		return s.addAudit(ctx, tx, run.Audit{Action: RestoredAction, Who: run.Actor{Platform: run.CLI, Channel: run.FromCLI}, Detail: detail})
	})
	return r, err
}

// moveIn gives snapshots and record their names; the record comes last.
func moveIn(temp, dir string) error {
	names, err := snapshotNames(temp)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(temp, recordFile+"-wal")); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(errors.New("the record was not closed"), err) // it would lack what is in there
	}
	to := filepath.Join(dir, snapshotsDir)
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	undo := func(err error) error {
		for _, name := range names {
			_ = os.Remove(filepath.Join(to, name))
		}
		_ = os.Remove(to) // only when it is empty
		return err
	}
	for _, name := range names {
		if err := os.Rename(filepath.Join(temp, snapshotsDir, name), filepath.Join(to, name)); err != nil {
			return undo(err)
		}
	}
	if err := errors.Join(syncDir(to), syncFile(filepath.Join(temp, recordFile))); err != nil {
		return undo(err)
	}
	// A link fails when somebody has begun a record there meanwhile; a renaming
	// would take it away from them.
	if err := os.Link(filepath.Join(temp, recordFile), filepath.Join(dir, recordFile)); err != nil {
		return undo(err)
	}
	return syncDir(dir)
}
