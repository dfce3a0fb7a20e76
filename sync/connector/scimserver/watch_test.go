package scimserver_test

import (
	"context"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/store"
	"github.com/rollcallhq/rollcall/sync/directory"
)

// interfaceStore names the record's type where a test takes it back.
type interfaceStore = *store.Store

func contextWithStop(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithCancel(t.Context())
}

// hints collects what a watcher tells.
type hints struct{ in chan []directory.Hint }

func collect(in chan []directory.Hint) *hints { return &hints{in} }

// wait fails the test unless each of the hints comes, in time.
func (h *hints) wait(t *testing.T, want []directory.Hint) {
	t.Helper()
	seen := map[directory.Hint]bool{}
	late := time.After(20 * time.Second)
	for {
		missing := 0
		for _, one := range want {
			if !seen[one] {
				missing++
			}
		}
		if missing == 0 {
			return
		}
		select {
		case batch := <-h.in:
			for _, one := range batch {
				seen[one] = true
			}
		case <-late:
			t.Fatalf("%d hints never came: %v of %v", missing, seen, want)
		}
	}
}
