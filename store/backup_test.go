package store

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

func auditKeys(name byte) [][]byte {
	key := make([]byte, keyLen)
	key[0] = name
	return [][]byte{key}
}

// backed gives a record with a snapshot and an applying run, and a backup of it.
func backed(t *testing.T, o Options) (s *Store, dir string, m Manifest) {
	t.Helper()
	s = openTest(t, o)
	benchRun(t, s, 3)
	if err := s.SaveSnapshot(t.Context(), "f", noisy(t, 20)); err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(t.TempDir(), "备份 #1?%41")
	m, err := s.Backup(t.Context(), dir, "v1")
	if err != nil {
		t.Fatal(err)
	}
	return s, dir, m
}

// A backup that is made while others write holds a moment: whatever was confirmed
// before it began is in it, and the copy is whole.
func TestBackupUnderWrites(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{AuditKeys: auditKeys(1)})
	other := openTest(t, Options{Dir: s.dir, AuditKeys: auditKeys(1)})
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	var confirmed atomic.Int64
	for i := range 6 {
		group.Go(func() {
			to := []*Store{s, other}[i%2]
			for n := 0; ctx.Err() == nil; n++ {
				id := fmt.Sprintf("%d-%d", i, n)
				_, _, err := to.CreateRun(ctx, run.Run{Code: run.Code(id), Flow: "f", State: run.Queued, RequestID: id})
				if err == nil {
					confirmed.Add(1)
				}
			}
		})
	}
	for round := range 3 {
		for begun := confirmed.Load(); confirmed.Load() < begun+20; {
			if _, err := s.Run(t.Context(), "0-0"); fault.KindOf(err) == fault.Internal {
				t.Fatal(err)
			}
		}
		before := confirmed.Load()
		dir := filepath.Join(t.TempDir(), "b")
		m, err := s.Backup(t.Context(), dir, "v1")
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Counts["runs"]; got < before || m.Counts["audit"] != m.Audit.Seq || m.Counts["events"] != got {
			t.Errorf("round %d: %d runs of %d, %d audit rows up to %d, %d events", round, got, before, m.Counts["audit"], m.Audit.Seq, m.Counts["events"])
		}
		back := Options{Dir: filepath.Join(t.TempDir(), "new"), Now: at, AuditKeys: auditKeys(1)}
		if _, err := Restore(t.Context(), dir, back); err != nil {
			t.Fatal(err)
		}
		proof, err := openTest(t, back).VerifyAudit(t.Context(), Check{Heads: []Head{m.Audit}})
		if err != nil || proof.Break != nil || proof.Rows != m.Audit.Seq+1 {
			t.Errorf("round %d: the restored audit: %+v, %v", round, proof, err)
		}
	}
	stop()
	group.Wait()
}

func TestBackupIsTheOwnersOnly(t *testing.T) {
	t.Parallel()
	_, dir, m := backed(t, Options{})
	if len(m.Files) != 2 || m.Files[0].Name != "rollcall.db" || !strings.HasPrefix(m.Files[1].Name, "snapshots/f-") || m.MAC != "" {
		t.Errorf("manifest %+v", m)
	}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		info, statErr := d.Info()
		want := os.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		}
		if err != nil || statErr != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, %v", path, info.Mode(), err, statErr)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(left) != 1 {
		t.Errorf("beside the backup: %v, %v", left, err)
	}
}

func TestBackupPlaces(t *testing.T) {
	t.Parallel()
	s, dir, _ := backed(t, Options{})
	empty := t.TempDir()
	for name, c := range map[string]struct {
		dir  string
		want fault.Kind
	}{
		"there already": {dir, fault.Conflict}, "in the data": {filepath.Join(s.dir, "backup"), fault.Invalid}, "the data": {s.dir, fault.Invalid},
		"no parent": {filepath.Join(empty, "a", "b"), fault.Invalid}, "a file": {filepath.Join(dir, manifestFile), fault.Invalid},
		"empty": {empty, ""},
	} {
		if _, err := s.Backup(t.Context(), c.dir, ""); fault.KindOf(err) != c.want {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	to := filepath.Join(t.TempDir(), "b")
	if _, err := s.Backup(ctx, to, ""); err == nil {
		t.Error("a cancelled backup was made")
	}
	if left, err := os.ReadDir(filepath.Dir(to)); err != nil || len(left) != 0 {
		t.Errorf("a cancelled backup left %v, %v", left, err)
	}
}

// What was applying goes on from the journal of then, nobody holds its flow, and
// the audit tells.
func TestRestore(t *testing.T) {
	t.Parallel()
	key := make([]byte, keyLen)
	s, dir, m := backed(t, Options{Key: key, AuditKeys: auditKeys(1)})
	if _, err := s.Claim(t.Context(), "later", nil); err != nil {
		t.Fatal(err)
	}
	o := Options{Dir: filepath.Join(t.TempDir(), "new"), Now: at, Key: key, AuditKeys: auditKeys(1)}
	got, err := Restore(t.Context(), dir, o)
	if err != nil || len(got.Applying) != 1 || got.Applying[0].Code != "7K3MQ2" || got.Manifest.MAC != m.MAC {
		t.Fatalf("restored %+v, %v", got, err)
	}
	if names, err := os.ReadDir(o.Dir); err != nil || len(names) != 2 {
		t.Errorf("the data folder holds %v, %v", names, err)
	}
	back := openTest(t, o)
	if due, err := back.Due(t.Context()); err != nil || len(due) != 1 {
		t.Errorf("due %v, %v", due, err)
	}
	if l, ok, err := back.Acquire(t.Context(), "f", "w2", time.Minute); !ok || err != nil || l.Fence != 2 {
		t.Errorf("lease %+v, %t, %v", l, ok, err)
	}
	if snap, ok, err := back.LastSnapshot(t.Context(), "f"); !ok || err != nil || snap.Digest() != noisyDigest(t, s) {
		t.Errorf("the snapshot: %t, %v", ok, err)
	}
	if letters, err := back.Unhandled(t.Context(), 9); err != nil || len(letters) != 0 {
		t.Errorf("a message from after the backup is in it: %v, %v", letters, err)
	}
	told, err := back.Audits(t.Context(), RestoredAction, time.Time{})
	if err != nil || len(told) != 1 || told[0].Detail != "backup of 2026-03-02T09:30:00Z, applying 7K3MQ2" {
		t.Errorf("told %+v, %v", told, err)
	}
	if _, err := Restore(t.Context(), dir, o); fault.KindOf(err) != fault.Conflict {
		t.Errorf("over a record: %v", err)
	}
}

func noisyDigest(t *testing.T, s *Store) any {
	t.Helper()
	snap, _, err := s.LastSnapshot(t.Context(), "f")
	if err != nil {
		t.Fatal(err)
	}
	return snap.Digest()
}

// TestRestoreRefuses damages a backup in each of its parts: nothing is restored,
// and nothing is left.
func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	rewrite := func(name string, change func([]byte) []byte) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			t.Helper()
			path := filepath.Join(dir, name)
			data, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(path, change(data), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	manifest := func(change func(*Manifest)) func(t *testing.T, dir string) {
		return rewrite(manifestFile, func(data []byte) []byte {
			var m Manifest
			if err := json.Unmarshal(data, &m); err != nil {
				return nil
			}
			change(&m)
			text, _ := json.Marshal(m)
			return text
		})
	}
	for name, c := range map[string]struct {
		damage func(t *testing.T, dir string)
		keyed  bool // the restoring side has the key
		want   fault.Kind
	}{
		"a byte of the record": {rewrite(recordFile, func(b []byte) []byte { b[len(b)/2] ^= 1; return b }), false, fault.Invalid},
		"a shorter record":     {rewrite(recordFile, func(b []byte) []byte { return b[:len(b)-4096] }), false, fault.Invalid},
		"no record":            {func(_ *testing.T, dir string) { _ = os.Remove(filepath.Join(dir, recordFile)) }, false, fault.Invalid},
		"no snapshot":          {func(_ *testing.T, dir string) { _ = os.RemoveAll(filepath.Join(dir, snapshotsDir)) }, false, fault.Invalid},
		"no manifest":          {func(_ *testing.T, dir string) { _ = os.Remove(filepath.Join(dir, manifestFile)) }, false, fault.NotFound},
		"no JSON":              {rewrite(manifestFile, func([]byte) []byte { return []byte("{") }), false, fault.Invalid},
		"another form":         {manifest(func(m *Manifest) { m.Form = 2 }), false, fault.Unsupported},
		"other counts":         {manifest(func(m *Manifest) { m.Counts["runs"]++ }), false, fault.Invalid},
		"a table more":         {manifest(func(m *Manifest) { m.Counts["x"] = 0 }), false, fault.Invalid},
		"another head":         {manifest(func(m *Manifest) { m.Audit.Seq-- }), false, fault.Invalid},
		"a name outside":       {manifest(func(m *Manifest) { m.Files[0].Name = "snapshots/../../x.snap" }), false, fault.Invalid},
		"a name twice":         {manifest(func(m *Manifest) { m.Files[1] = m.Files[0] }), false, fault.Invalid},
		"no files":             {manifest(func(m *Manifest) { m.Files = nil }), false, fault.Invalid},
		"a changed time":       {manifest(func(m *Manifest) { m.Made = m.Made.Add(time.Hour) }), true, fault.Credential},
		"no signature":         {manifest(func(m *Manifest) { m.MAC, m.Key = "", "" }), true, fault.Credential},
		"another key's":        {manifest(func(m *Manifest) { m.Key = "0badc0de" }), true, fault.Credential},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, dir, _ := backed(t, Options{AuditKeys: auditKeys(1)})
			c.damage(t, dir)
			o := Options{Dir: filepath.Join(t.TempDir(), "new"), Now: at}
			if c.keyed {
				o.AuditKeys = auditKeys(1)
			}
			if _, err := Restore(t.Context(), dir, o); fault.KindOf(err) != c.want {
				t.Errorf("%v, want %q", err, c.want)
			}
			if _, err := os.Stat(o.Dir); !os.IsNotExist(err) {
				t.Errorf("something is left: %v", err)
			}
		})
	}
}

// A backup of a record that a newer program made is refused by this one.
func TestRestoreOfANewerRecord(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{})
	if err := s.migrate(t.Context(), later(99)); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "b")
	if _, err := s.Backup(t.Context(), dir, ""); err != nil {
		t.Fatal(err)
	}
	o := Options{Dir: filepath.Join(t.TempDir(), "new"), Now: at}
	if _, err := Restore(t.Context(), dir, o); fault.KindOf(err) != fault.Unsupported {
		t.Errorf("a newer record: %v", err)
	}
	if _, err := os.Stat(o.Dir); !os.IsNotExist(err) {
		t.Errorf("something is left: %v", err)
	}
	for _, url := range []string{"postgres://u:secret@127.0.0.1:1/x", "mysql://x"} {
		o.URL = url
		if _, err := Restore(t.Context(), dir, o); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// A backup of a record from before the chain is migrated while it is restored.
func TestRestoreOfAnOlderRecord(t *testing.T) {
	t.Parallel()
	old := &Store{now: at, dir: t.TempDir()}
	o := Options{Dir: old.dir, Now: at}
	if err := o.validate(); err != nil {
		t.Fatal(err)
	}
	old.logger = o.Logger
	if err := old.connect(&o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = old.Close() })
	if err := old.migrate(t.Context(), without(t, "migrations/00006_audit_chain.sql")); err != nil {
		t.Fatal(err)
	}
	if _, err := old.writer.ExecContext(t.Context(), `INSERT INTO leases (flow, owner, fence, until) VALUES ('f', 'w', 1, $1)`, millis(at().Add(time.Hour))); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "b")
	m, err := old.Backup(t.Context(), dir, "")
	if err != nil || m.Audit != (Head{}) || m.Record >= chainVersion {
		t.Fatalf("%+v, %v", m, err)
	}
	o.Dir = filepath.Join(t.TempDir(), "new")
	if _, err := Restore(t.Context(), dir, o); err != nil {
		t.Fatal(err)
	}
	s := openTest(t, Options{Dir: o.Dir})
	if have, want, err := s.Version(t.Context()); err != nil || have != want {
		t.Errorf("version %d of %d, %v", have, want, err)
	}
	if p, err := s.VerifyAudit(t.Context(), Check{}); err != nil || p.Break != nil || p.Rows != 1 {
		t.Errorf("%+v, %v", p, err)
	}
}

func FuzzParseManifest(f *testing.F) {
	f.Add([]byte(`{"form":1,"files":[{"name":"rollcall.db"},{"name":"snapshots/f-1.snap"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parseManifest(text)
		if err != nil {
			return
		}
		for _, file := range m.Files {
			if !filepath.IsLocal(file.Name) || strings.Count(file.Name, "/") > 1 {
				t.Errorf("a name leads elsewhere: %q", file.Name)
			}
		}
	})
}
