package storetest_test

import (
	"context"
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
