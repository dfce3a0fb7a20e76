package storetest_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/store"
	"github.com/rollcallhq/rollcall/store/storetest"
	"github.com/rollcallhq/rollcall/store/storetest/pgtest"
)

func TestPostgreSQL(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	storetest.Run(t, func(ctx context.Context, dir string, now func() time.Time) (*store.Store, error) {
		return store.Open(ctx, store.Options{Dir: dir, URL: server.URL(t, dir), Now: now})
	})
}

func TestPostgreSQLChain(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	storetest.RunChain(t, storetest.Tampering{
		Open: func(ctx context.Context, o store.Options) (*store.Store, error) {
			o.URL = server.URL(t, o.Dir)
			return store.Open(ctx, o)
		},
		Raw: func(t *testing.T, dir string) *sql.DB {
			t.Helper()
			db, err := sql.Open("pgx", server.URL(t, dir))
			if err != nil {
				t.Fatal(err)
			}
			return db
		},
	})
}
