package store

import (
	"io/fs"
	"log/slog"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// A record of the third version knows no rule texts: its last run stays as it is,
// and that its rules are not known is told from "it had none".
func TestTheThirdVersionGoesOn(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 10, 8, 10, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	dir := t.TempDir()
	third := fstest.MapFS{}
	for _, name := range []string{"migrations/00001_record.sql", "migrations/00002_settings.sql", "migrations/00003_scim.sql"} {
		data, err := fs.ReadFile(migrations, name)
		if err != nil {
			t.Fatal(err)
		}
		third[name] = &fstest.MapFile{Data: data}
	}
	old := &Store{dir: dir, now: clock, logger: slog.New(slog.DiscardHandler)}
	if err := old.connect(&Options{Dir: dir, Logger: old.logger}); err != nil {
		t.Fatal(err)
	}
	if err := old.migrate(t.Context(), third); err != nil {
		t.Fatal(err)
	}
	if _, _, err := old.RuleTexts(t.Context(), "c1"); err == nil {
		t.Fatal("the third version has rule texts: the test begins at the wrong one")
	}
	applied := run.Run{Code: "7K3MQ2", Flow: "hr", State: run.Queued, RequestID: "r", Config: "c1", Created: now, Updated: now}
	if _, _, err := old.CreateRun(t.Context(), applied); err != nil {
		t.Fatal(err)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), Options{Dir: dir, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	have, newest, err := s.Version(t.Context())
	if have != 3 || newest < 4 || err != nil {
		t.Errorf("before: version %d of %d, %v", have, newest, err)
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if have, _, err := s.Version(t.Context()); have != newest || err != nil {
		t.Errorf("after: version %d of %d, %v", have, newest, err)
	}
	if r, err := s.Run(t.Context(), "7K3MQ2"); err != nil || r.Config != "c1" {
		t.Errorf("its run: %+v, %v", r, err)
	}
	if texts, kept, err := s.RuleTexts(t.Context(), "c1"); err != nil || kept || texts != nil {
		t.Errorf("rules that nobody kept: %v, %v, %v", texts, kept, err)
	}
	texts := []plan.RuleText{{Kind: directory.User, Name: "u.js", Text: "return context"}}
	if err := s.KeepRules(t.Context(), "c2", texts); err != nil {
		t.Fatal(err)
	}
	if got, kept, err := s.RuleTexts(t.Context(), "c2"); err != nil || !kept || !slices.Equal(got, texts) {
		t.Errorf("rules of the fourth: %v, %v, %v", got, kept, err)
	}
}
