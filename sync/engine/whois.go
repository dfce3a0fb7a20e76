package engine

import (
	"context"

	"github.com/rollcallhq/rollcall/sync/run"
)

// Whois gives what is known of a person in the given flows. Faults: NotFound when
// no flow knows one, Conflict when several fit (the sentence lists them).
func (e *Engine) Whois(context.Context, run.Query, []string) ([]run.Profile, error) {
	return nil, notYet()
}

// Try lets a flow's rule judge one person, and writes nothing. Faults: NotFound,
// Conflict when several persons fit, Denied.
func (e *Engine) Try(context.Context, run.Trial) (run.Tried, error) { return run.Tried{}, notYet() }
