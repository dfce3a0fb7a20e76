package store

import (
	"bytes"
	"io/fs"
	"log/slog"
	"testing"
	"testing/fstest"
	"time"
)

// A record from before the chain gets its hashes when it is migrated, or, when the
// migration was cut off right before, when it is opened.
func TestAuditOfAnOlderRecordIsSealed(t *testing.T) {
	t.Parallel()
	for _, cutOff := range []bool{false, true} {
		dir := t.TempDir()
		old := &Store{dir: dir, now: at, logger: slog.New(slog.DiscardHandler)}
		if err := old.connect(&Options{Dir: dir, Logger: old.logger}); err != nil {
			t.Fatal(err)
		}
		if err := old.migrate(t.Context(), without(t, "migrations/00006_audit_chain.sql")); err != nil {
			t.Fatal(err)
		}
		for seq := range 3 {
			_, err := old.writer.ExecContext(t.Context(), `INSERT INTO audit (seq, run, at, who, action, detail) VALUES ($1, '', 1, '{}', 'x', '')`, seq+1)
			if err != nil {
				t.Fatal(err)
			}
		}
		if _, err := old.writer.ExecContext(t.Context(), `UPDATE counters SET value = 3 WHERE name = 'audit'`); err != nil {
			t.Fatal(err)
		}
		if cutOff {
			p, err := old.provider(migrations)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Up(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := old.Close(); err != nil {
			t.Fatal(err)
		}
		s := openTest(t, Options{Dir: dir, AuditKeys: [][]byte{bytes.Repeat([]byte{1}, keyLen)}})
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		proof, err := s.VerifyAudit(t.Context(), Check{})
		if err != nil || proof.Break != nil || proof.Rows != 4 || proof.Plain != 0 || len(proof.Sealed) != 1 || !proof.Sealed[0].Equal(at().Truncate(time.Millisecond)) {
			t.Errorf("cut off %t: %+v, %v", cutOff, proof, err)
		}
	}
}

// without gives the migrations but one and those behind it.
func without(t *testing.T, first string) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(migrations, name)
		if err != nil {
			t.Fatal(err)
		}
		if name < first {
			files[name] = &fstest.MapFile{Data: data}
		}
	}
	return files
}

func FuzzParseHead(f *testing.F) {
	f.Add("1:" + Head{}.String())
	f.Add("12:00000000000000000000000000000000000000000000000000000000000000ff")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := ParseHead(text)
		if err != nil {
			return
		}
		if back, err := ParseHead(h.String()); back != h || err != nil {
			t.Errorf("%q is read as %v, and that as %v, %v", text, h, back, err)
		}
	})
}
