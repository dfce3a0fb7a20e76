package storetest_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/store"
	"github.com/rollcallhq/rollcall/store/storetest"
	"github.com/rollcallhq/rollcall/sync/engine"
)

// The store knows no engine, so the proof that they fit stands here.
var _ engine.Store = (*store.Store)(nil)

func TestSQLite(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(ctx context.Context, dir string, now func() time.Time) (*store.Store, error) {
		return store.Open(ctx, store.Options{Dir: dir, Now: now})
	})
}

func TestSQLiteChain(t *testing.T) {
	t.Parallel()
	storetest.RunChain(t, storetest.Tampering{
		Open: store.Open,
		Raw: func(t *testing.T, dir string) *sql.DB {
			t.Helper()
			db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "rollcall.db")+"?_pragma=busy_timeout(5000)")
			if err != nil {
				t.Fatal(err)
			}
			return db
		},
	})
}
