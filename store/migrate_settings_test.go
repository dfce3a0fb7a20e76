package store

import (
	"io/fs"
	"log/slog"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rollcallhq/rollcall/sync/run"
)

// A record of the first version, with a letter on its way, is brought up to date
// and goes on.
func TestTheSecondVersionGoesOn(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 10, 8, 10, 0, 0, 0, time.UTC)
	dir := t.TempDir()
	first := fstest.MapFS{}
	for _, name := range []string{"migrations/00001_record.sql"} {
		data, err := fs.ReadFile(migrations, name)
		if err != nil {
			t.Fatal(err)
		}
		first[name] = &fstest.MapFile{Data: data}
	}
	old := &Store{dir: dir, now: func() time.Time { return now }, logger: slog.New(slog.DiscardHandler)}
	if err := old.connect(&Options{Dir: dir, Logger: old.logger}); err != nil {
		t.Fatal(err)
	}
	if err := old.migrate(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	_, err := old.writer.ExecContext(t.Context(), `INSERT INTO outbox (id, seq, lane, payload, at, due, attempts, state, why, place, done)
		VALUES ('old', 1, 'a', x'7b7d', 1, 0, 2, 'waiting', '', '', 0)`)
	if err != nil {
		t.Fatal(err)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), Options{Dir: dir, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := s.Outbox(t.Context(), run.Pick{Limit: 9, Except: []string{"feishu", "dingtalk"}})
	if err != nil || len(got) != 1 || got[0].ID != "old" || got[0].Attempts != 2 || !strings.HasPrefix(string(got[0].Payload), "{") {
		t.Errorf("its letter: %+v, %v", got, err)
	}
}
