package store

import (
	"testing"
	"testing/fstest"
	"time"

	"github.com/rollcallhq/rollcall/store/storetest/pgtest"
)

// TestP12_NobodyBeginsToWorkDuringAMigration: between the look whether somebody works
// and the end of the migration no other process takes a flow.
func TestP12_NobodyBeginsToWorkDuringAMigration(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	address := server.URL(t, t.Name())
	open := func() *Store {
		s, err := Open(t.Context(), Options{Dir: t.TempDir(), URL: address, Now: time.Now, ServerTime: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	old, upgraded := open(), open()
	_, want, err := old.Version(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	files := without(t, "migrations/9")
	files["migrations/99999_slow.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nSELECT pg_sleep(2);\n")}
	over := make(chan error, 1)
	go func() { over <- upgraded.migrate(t.Context(), files) }()
	for sleeps := 0; sleeps == 0; {
		err := old.reader.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database()
			AND state = 'active' AND query LIKE '%pg_sleep(2)%' AND pid <> pg_backend_pid()`).Scan(&sleeps)
		if err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-over:
			t.Fatalf("the migration is over: %v", err)
		default:
		}
	}
	if _, err := old.Claim(t.Context(), "m", nil); err != nil {
		t.Errorf("a message that comes meanwhile: %v", err)
	}
	if _, ok, err := old.Acquire(t.Context(), "f", "w", time.Minute); err != nil || !ok {
		t.Errorf("acquire: %v, %v", ok, err)
	}
	if have, _, err := old.Version(t.Context()); err != nil || have <= want {
		t.Errorf("a flow was taken under a migration: version %d, %v", have, err)
	}
	if err := <-over; err != nil {
		t.Errorf("migrate: %v", err)
	}
}
