package store

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// Names in a backup.
const (
	recordFile   = "rollcall.db"
	snapshotsDir = "snapshots"
	manifestFile = "rollcall-backup.json"
)

// backupForm is the form of the manifest that this binary writes and reads.
const backupForm = 1

// Manifest says what a backup holds.
type Manifest struct {
	Form    int              `json:"form"`
	Made    time.Time        `json:"made"`
	Program string           `json:"program"` // version of the binary that made it
	Record  int64            `json:"record"`  // version of the record
	Audit   Head             `json:"audit"`   // the zero Head for a record without a chain
	Counts  map[string]int64 `json:"counts"`  // rows of each table
	Files   []BackupFile     `json:"files"`
	// Key and MAC prove that nobody changed the backup: an HMAC over the manifest
	// without MAC, under the newest audit key. Empty without one.
	Key string `json:"key,omitempty"`
	MAC string `json:"mac,omitempty"`
}

// BackupFile is a file of a backup; its name has slashes.
type BackupFile struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// mac gives what MAC must be under a key.
func (m Manifest) mac(key chainKey) string {
	m.MAC = ""
	body, err := json.Marshal(m)
	if err != nil { // texts, numbers and a time that was read or made by us
		return ""
	}
	h := hmac.New(sha256.New, key.key)
	_, _ = h.Write(append([]byte("rollcall backup 1\x00"), body...)) // a hash never fails
	return hex.EncodeToString(h.Sum(nil))
}

// NoBackup is what Backup and Restore say where the record is in PostgreSQL.
func NoBackup() error {
	return fault.New(fault.Unsupported, "the record is in PostgreSQL: back it up with pg_dump -Fc --no-owner DATABASE > FILE and restore with pg_restore into an empty database, or by its point-in-time recovery; see docs/reliability.md"+
		" / 记录在 PostgreSQL 里：请用 pg_dump -Fc --no-owner 库名 > 文件 备份，用 pg_restore 恢复到空库，或使用它的时间点恢复（PITR）；见 docs/reliability.zh-CN.md")
}

// Backup makes a copy of the record as it is at one moment, and of the snapshots,
// while others write: in a folder that is not there yet, or empty. It is written
// beside and gets its name when it is whole and was looked at. program is the
// version of the binary. Faults: Unsupported for PostgreSQL, Invalid for a folder
// that will not do, Conflict for one that holds something, Unavailable when the
// disk refuses.
func (s *Store) Backup(ctx context.Context, dir, program string) (Manifest, error) {
	if s.postgres {
		return Manifest{}, NoBackup()
	}
	dir, err := s.backupPlace(dir)
	if err != nil {
		return Manifest{}, err
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), ".rollcall-backup-*") // for its owner only
	if err != nil {
		return Manifest{}, badPlace(err)
	}
	m, err := s.fill(ctx, temp, program)
	if err == nil {
		err = takeName(temp, dir)
	}
	if err != nil {
		return Manifest{}, errors.Join(backupFailed(err), os.RemoveAll(temp))
	}
	return m, nil
}

func badPlace(err error) error {
	return fault.Wrap(fault.Invalid, err, "the folder for the backup cannot be made there; its parent must exist / 无法在那里建立备份文件夹；上级文件夹必须已存在")
}

func backupFailed(err error) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	return fault.Wrap(fault.Unavailable, fmt.Errorf("make backup: %w", err), "the backup was not made; is the disk full? / 备份没有完成；磁盘满了吗？")
}

// backupPlace looks whether a backup can go there.
func (s *Store) backupPlace(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", badPlace(err)
	}
	if rel, err := filepath.Rel(s.dir, dir); err == nil && filepath.IsLocal(rel) {
		return "", fault.New(fault.Invalid, "a backup in the data folder is lost with it; name another folder / 备份放在数据文件夹里会一起丢失，请换一个文件夹")
	}
	held, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return dir, nil
	case err != nil:
		return "", badPlace(err)
	case len(held) > 0:
		return "", fault.New(fault.Conflict, "%[1]s holds something already; a backup needs a new or an empty folder / %[1]s 里已经有东西；备份需要新的或空的文件夹", dir)
	}
	return dir, nil
}

// fill writes everything into the folder and looks at it.
func (s *Store) fill(ctx context.Context, temp, program string) (Manifest, error) {
	least, err := s.counted(ctx)
	if err != nil {
		return Manifest{}, err
	}
	if err := s.copyRecord(ctx, filepath.Join(temp, recordFile)); err != nil {
		return Manifest{}, err
	}
	if err := copySnapshots(ctx, s.dir, temp); err != nil {
		return Manifest{}, err
	}
	m, err := inspect(ctx, filepath.Join(temp, recordFile))
	if err != nil {
		return Manifest{}, err
	}
	for table, n := range least {
		if m.Counts[table] < n {
			return Manifest{}, fault.New(fault.Internal, "the copy has %d rows of %s, the record had %d / 副本的 %[2]s 有 %[1]d 行，数据库里有 %[3]d 行", m.Counts[table], table, n)
		}
	}
	m.Form, m.Made, m.Program = backupForm, s.now().UTC().Truncate(time.Second), program
	if m.Files, err = listFiles(temp); err != nil {
		return Manifest{}, err
	}
	if key := newest(s.chain); key.id != "" {
		m.Key = key.id
		m.MAC = m.mac(key)
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return Manifest{}, err
	}
	if err := writeSynced(filepath.Join(temp, manifestFile), append(text, '\n')); err != nil {
		return Manifest{}, err
	}
	return m, syncDir(temp)
}

// counted gives how many rows the tables have now that only grow.
func (s *Store) counted(ctx context.Context) (map[string]int64, error) {
	counts := map[string]int64{}
	for _, table := range []string{"runs", "audit", "plans"} {
		var n int64
		if err := s.reader.QueryRowContext(ctx, `SELECT COUNT(*) FROM `+table).Scan(&n); err != nil {
			return nil, s.fail("count rows", err)
		}
		counts[table] = n
	}
	return counts, nil
}

// copyRecord copies the database in one reading transaction: writers go on.
func (s *Store) copyRecord(ctx context.Context, to string) error {
	if err := writeSynced(to, nil); err != nil { // SQLite would make it readable by others
		return err
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: filepath.Join(s.dir, recordFile)}).EscapedPath()+"?_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, `VACUUM INTO $1`, to)
	if err = errors.Join(err, db.Close()); err != nil {
		return s.fail("copy database", err)
	}
	return syncFile(to)
}

// copySnapshots copies the snapshot files of a data folder; each is whole, since a
// newer one replaces it by renaming.
func copySnapshots(ctx context.Context, from, to string) error {
	names, err := snapshotNames(from)
	if err != nil || len(names) == 0 {
		return err
	}
	if err := os.Mkdir(filepath.Join(to, snapshotsDir), 0o700); err != nil {
		return err
	}
	for _, name := range names {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := copyFile(filepath.Join(from, snapshotsDir, name), filepath.Join(to, snapshotsDir, name)); err != nil {
			return err
		}
	}
	return syncDir(filepath.Join(to, snapshotsDir))
}

// snapshotNames gives the names of the snapshot files of a folder, sorted.
func snapshotNames(dir string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(dir, snapshotsDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".snap") {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from) //nolint:gosec // in the data folder or in a backup
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()                                     // it was only read
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // as above
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

func writeSynced(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // in a folder that we made
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0) //nolint:gosec // in a folder that we made
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// listFiles gives every file of a backup.
func listFiles(dir string) ([]BackupFile, error) {
	snapshots, err := snapshotNames(dir)
	if err != nil {
		return nil, err
	}
	names := []string{recordFile}
	for _, name := range snapshots {
		names = append(names, snapshotsDir+"/"+name)
	}
	var files []BackupFile
	for _, name := range names {
		size, sum, err := hashFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			return nil, err
		}
		files = append(files, BackupFile{Name: name, Size: size, SHA256: sum})
	}
	return files, nil
}

func hashFile(path string) (size int64, sum string, err error) {
	f, err := os.Open(path) //nolint:gosec // in a backup
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = f.Close() }() // it was only read
	h := sha256.New()
	size, err = io.Copy(h, f)
	return size, hex.EncodeToString(h.Sum(nil)), err
}

// takeName gives a folder that is whole its name. An empty folder in its place is
// removed; one that holds something is not.
func takeName(temp, dir string) error {
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault.Wrap(fault.Conflict, err, "%[1]s holds something meanwhile / %[1]s 里这时已经有了东西", dir)
	}
	if err := os.Rename(temp, dir); err != nil {
		return err
	}
	return syncDir(filepath.Dir(dir))
}
