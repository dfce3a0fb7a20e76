package store

import (
	"context"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// SaveSnapshot x
func (s *Store) SaveSnapshot(ctx context.Context, flow string, snap *directory.Snapshot) error {
	panic("x")
}

// LastSnapshot x
func (s *Store) LastSnapshot(ctx context.Context, flow string) (*directory.Snapshot, bool, error) {
	panic("x")
}
