package storetest_test

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/store"
	"github.com/rollcallhq/rollcall/store/storetest/pgtest"
	"github.com/rollcallhq/rollcall/sync/run"
)

// TestP05_WhoWaitedForTheWriterSeesWhatHeWrote: whatever the database's own level is.
// Under a stricter one the view of a transaction is that of before it waited for the
// lock: it would find no run where one was made, and be refused by the unique key.
func TestP05_WhoWaitedForTheWriterSeesWhatHeWrote(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	address := server.URL(t, t.Name())
	db := raw(t, address)
	var name string
	if err := db.QueryRowContext(t.Context(), `SELECT current_database()`).Scan(&name); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), fmt.Sprintf(`ALTER DATABASE %q SET default_transaction_isolation = 'repeatable read'`, name)); err != nil {
		t.Fatal(err)
	}
	var stores []*store.Store
	for range 2 {
		s, err := openAt(t, address)
		if err != nil {
			t.Fatal(err)
		}
		stores = append(stores, s)
	}
	for i := range 5 {
		release := holdWriter(t, db)
		var group sync.WaitGroup
		var created atomic.Int32
		for j, s := range stores {
			group.Go(func() {
				_, first, err := s.CreateRun(t.Context(), run.Run{Code: run.Code(fmt.Sprintf("7K3M%d%d", i, j)), Flow: "f", State: run.Queued, RequestID: fmt.Sprint(i), Trigger: run.ByCommand})
				if err != nil {
					t.Errorf("round %d: %v", i, err)
				}
				if first {
					created.Add(1)
				}
			})
		}
		waitersOf(t, db, len(stores))
		release()
		if group.Wait(); created.Load() != 1 {
			t.Errorf("round %d: %d runs of one request", i, created.Load())
		}
	}
}

// holdWriter takes the writer's lock as another process would.
func holdWriter(t *testing.T, db *sql.DB) (release func()) {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), `SELECT pg_advisory_xact_lock(1919904876, hashtext(COALESCE(current_schema(), '')))`); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
	}
}

// waitersOf waits until so many wait for an advisory lock.
func waitersOf(t *testing.T, db *sql.DB, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		var there int
		if err := db.QueryRowContext(ctx, `SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`).Scan(&there); err != nil {
			t.Fatalf("there are never %d who wait: %v", n, err)
		}
		if there >= n {
			return
		}
	}
}
