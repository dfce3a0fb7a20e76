package storetest_test

import (
	"context"
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
