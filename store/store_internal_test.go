package store

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// openTest opens a record in a folder of its own, at a fixed time.
func openTest(t testing.TB, o Options) *Store {
	t.Helper()
	if o.Dir == "" {
		o.Dir = filepath.Join(t.TempDir(), "数据 #1?%41")
	}
	o.Now = at
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func TestOpenChecksOptions(t *testing.T) {
	t.Parallel()
	good := Options{Dir: t.TempDir(), Now: at}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*Options)
		want   fault.Kind
	}{
		"good":        {func(*Options) {}, ""},
		"sqlite":      {func(o *Options) { o.URL = "sqlite" }, ""},
		"no folder":   {func(o *Options) { o.Dir = "" }, fault.Invalid},
		"no clock":    {func(o *Options) { o.Now = nil }, fault.Invalid},
		"short key":   {func(o *Options) { o.Key = []byte("short") }, fault.Invalid},
		"short keep":  {func(o *Options) { o.Keep = time.Hour }, fault.Invalid},
		"postgres":    {func(o *Options) { o.URL = "postgres://rollcall:secret@127.0.0.1:1/rollcall" }, fault.Unavailable},
		"postgresql":  {func(o *Options) { o.URL = "postgresql://127.0.0.1:1/rollcall" }, fault.Unavailable},
		"postgres ?":  {func(o *Options) { o.URL = "postgres://rollcall:secret@db:port/rollcall" }, fault.Invalid},
		"sqlite path": {func(o *Options) { o.URL = "sqlite:/etc/passwd" }, fault.Invalid},
		"mysql":       {func(o *Options) { o.URL = "mysql://u:secret@db" }, fault.Invalid},
		"a file":      {func(o *Options) { o.Dir = file }, fault.Unavailable},
	} {
		o := good
		c.change(&o)
		s, err := Open(t.Context(), o)
		if fault.KindOf(err) != c.want {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error holds the password: %v", name, err)
		}
		if s != nil {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestFilesAreTheOwnersOnly(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{})
	if _, err := s.Claim(t.Context(), "m", nil); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(s.dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder: %v, %v", info.Mode(), err)
	}
	files, err := os.ReadDir(s.dir)
	if err != nil || len(files) < 2 { // the database and its log
		t.Fatalf("files %v, %v", files, err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f.Name(), info.Mode(), err)
		}
	}
}

func TestPragmas(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{})
	for name, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": busyWait} {
		for pool, db := range map[string]*sql.DB{"writer": s.writer, "reader": s.reader} {
			var got string
			if err := db.QueryRowContext(t.Context(), `PRAGMA `+name).Scan(&got); err != nil || got != want {
				t.Errorf("%s has %s = %s, %v; want %s", pool, name, got, err, want)
			}
		}
	}
	if _, err := s.reader.ExecContext(t.Context(), `DELETE FROM runs`); err == nil {
		t.Error("the read pool can write")
	}
}

// later is a migration that this binary does not have.
func later(version int) fstest.MapFS {
	own, err := migrations.ReadFile("migrations/00001_record.sql")
	if err != nil {
		panic(err)
	}
	return fstest.MapFS{
		"migrations/00001_record.sql":                    {Data: own},
		fmt.Sprintf("migrations/%05d_more.sql", version): {Data: []byte("-- +goose Up\nCREATE TABLE more (id TEXT NOT NULL PRIMARY KEY);\n")},
	}
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{})
	if have, want, err := s.Version(t.Context()); err != nil || have != want || have < 1 {
		t.Fatalf("a new database has version %d of %d, %v", have, want, err)
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Errorf("migrate with nothing to do: %v", err)
	}
	lease, _, err := s.Acquire(t.Context(), "f", "w1", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.migrate(t.Context(), later(9)); fault.KindOf(err) != fault.Conflict || !strings.Contains(fault.Say(err), "flow f ") {
		t.Errorf("migrate under a worker: %v", err)
	}
	if err := s.Release(t.Context(), lease); err != nil {
		t.Fatal(err)
	}
	if err := s.migrate(t.Context(), later(9)); err != nil {
		t.Fatalf("migrate: %v", err)
	}
	if have, _, err := s.Version(t.Context()); err != nil || have != 9 {
		t.Errorf("version %d, %v", have, err)
	}
	if err := s.Migrate(t.Context()); fault.KindOf(err) != fault.Unsupported {
		t.Errorf("migrate a newer database: %v", err)
	}
	_, err = Open(t.Context(), Options{Dir: s.dir, Now: at})
	if fault.KindOf(err) != fault.Unsupported || !strings.Contains(fault.Say(err), "9") {
		t.Errorf("open a newer database: %v", err)
	}
}

// holdWriter keeps the database locked from another process's place until the
// test ends.
func holdWriter(t *testing.T, s *Store) {
	t.Helper()
	other := openTest(t, Options{Dir: s.dir})
	tx, err := other.writer.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback() })
}

// A chat platform waits for the acknowledgement, so a claim that cannot be
// written must say so within a second.
func TestClaimGivesUpInTime(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{})
	holdWriter(t, s)
	first, err := s.Claim(t.Context(), "m", nil) // not bounded, it would wait as long as the other writes
	if first || fault.KindOf(err) != fault.Unavailable {
		t.Errorf("claim on a locked database: %v, %v", first, err)
	}
	if got, err := s.Unhandled(t.Context(), 9); err != nil || len(got) != 0 {
		t.Errorf("unhandled %v, %v", got, err)
	}
}

func TestClaimGivesUpBehindALongWrite(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{})
	tx, err := s.writer.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Claim(t.Context(), "m", nil); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("claim behind a long write: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if first, err := s.Claim(t.Context(), "m", nil); !first || err != nil {
		t.Errorf("claim afterwards: %v, %v", first, err)
	}
}

func TestFullDiskIsUnavailable(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{})
	var pages int
	if err := s.writer.QueryRowContext(t.Context(), `PRAGMA page_count`).Scan(&pages); err != nil {
		t.Fatal(err)
	}
	if _, err := s.writer.ExecContext(t.Context(), fmt.Sprintf(`PRAGMA max_page_count = %d`, pages)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Claim(t.Context(), "big", make([]byte, 1<<20)); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("claim on a full disk: %v", err)
	}
	if _, err := s.writer.ExecContext(t.Context(), `PRAGMA max_page_count = 100000`); err != nil {
		t.Fatal(err)
	}
	if first, err := s.Claim(t.Context(), "big", make([]byte, 1<<20)); !first || err != nil {
		t.Errorf("claim after room was made: %v, %v", first, err)
	}
}

func TestCancelledIsUnavailable(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Ping(ctx); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("ping: %v", err)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("ping: %v", err)
	}
}

// SQLite has one writer, so a lost compare-and-set is brought about by hand.
func TestLostVersion(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{})
	code := benchRun(t, s, 1)
	old, err := s.Run(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	late := old
	late.Version--
	next := late
	next.Stop = true
	tries := 0
	err = s.write(t.Context(), "update run", func(tx *sql.Tx) error {
		tries++
		from := late
		if tries > 3 {
			from = old
		}
		next.Version = from.Version
		_, err := s.storeRun(t.Context(), tx, run.Actor{}, from, next)
		return err
	})
	if err != nil || tries != 4 {
		t.Errorf("%d tries, %v; want three lost and one more", tries, err)
	}
	err = s.write(t.Context(), "update run", func(tx *sql.Tx) error {
		_, err := s.storeRun(t.Context(), tx, run.Actor{}, late, late)
		return err
	})
	if fault.KindOf(err) != fault.Unavailable {
		t.Errorf("always lost: %v", err)
	}
	if got, err := s.Run(t.Context(), code); err != nil || got.Version != old.Version+1 || !got.Stop {
		t.Errorf("the run is %+v, %v", got, err)
	}
}

func TestDamagedPlanIsInternal(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{Logger: slog.New(slog.DiscardHandler)})
	code := benchRun(t, s, 2)
	other := s.pack.EncodeAll((&plan.Plan{Flow: "f"}).Encode(), nil)
	if _, err := s.writer.ExecContext(t.Context(), `UPDATE plans SET body = $1`, other); err != nil {
		t.Fatal(err)
	}
	if p, err := s.Plan(t.Context(), code); p != nil || fault.KindOf(err) != fault.Internal {
		t.Errorf("an exchanged plan is read: %v, %v", p, err)
	}
}

// benchRun gives an applying run of flow "f" with n changes and its lease held
// by "w".
func benchRun(t testing.TB, s *Store, n int) run.Code {
	t.Helper()
	const code = "7K3MQ2"
	if _, _, err := s.CreateRun(t.Context(), run.Run{Code: code, Flow: "f", State: run.Queued, RequestID: "r"}); err != nil {
		t.Fatal(err)
	}
	lease, _, err := s.Acquire(t.Context(), "f", "w", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []run.State{run.Reading, run.Planning} {
		if _, err := s.UpdateRun(t.Context(), code, run.Actor{}, func(r *run.Run) error { return r.Advance(to, at(), "") }); err != nil {
			t.Fatal(err)
		}
	}
	p := &plan.Plan{Flow: "f"}
	for i := range n {
		p.Changes = append(p.Changes, plan.Change{
			Seq: i + 1, Op: plan.Create, Name: "王伟", Reason: "入职",
			Key:    directory.Key{Kind: directory.User},
			Source: directory.Key{Kind: directory.User, ID: directory.ID(fmt.Sprint("h", i))},
			After:  directory.Attributes{"name": directory.TextOf("王伟"), "title": directory.TextOf("工程师")},
		})
	}
	if _, err := s.SavePlan(t.Context(), lease, code, p, func(r *run.Run) error { return r.Advance(run.Applying, at(), "") }); err != nil {
		t.Fatal(err)
	}
	return code
}

func BenchmarkClaim(b *testing.B) {
	s := openTest(b, Options{})
	payload := []byte(`{"text":"同步 hr-to-wecom"}`)
	n := 0
	for b.Loop() {
		n++
		if first, err := s.Claim(b.Context(), fmt.Sprint("feishu:om_", n), payload); !first || err != nil {
			b.Fatal(first, err)
		}
	}
}

func BenchmarkMark(b *testing.B) {
	s := openTest(b, Options{})
	code := benchRun(b, s, 1000)
	lease := run.Lease{Flow: "f", Owner: "w", Fence: 1}
	n := 0
	for b.Loop() {
		e := run.Entry{Run: code, Seq: n%1000 + 1, Step: run.StepSending}
		n++
		if err := s.Mark(b.Context(), lease, []run.Entry{e}, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSavePlan(b *testing.B) {
	for b.Loop() {
		benchRun(b, openTest(b, Options{}), 100_000)
	}
}
