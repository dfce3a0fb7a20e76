package engine

import (
	"context"

	"github.com/rollcallhq/rollcall/sync/run"
)

// SetTiming sets when a flow runs by itself, instead of what the configuration
// says; an empty Spec: never. Faults: NotFound, Denied to all but admins, Invalid
// for a spec that cannot be read or fires more often than every five minutes.
func (e *Engine) SetTiming(context.Context, run.Timing) error { return notYet() }

// Timing gives when a flow runs by itself, with the next three times. Faults:
// NotFound.
func (e *Engine) Timing(context.Context, string) (run.Timing, error) {
	return run.Timing{}, notYet()
}

// NextTimes gives the three next times of a spec, without setting it. Faults:
// as those of SetTiming.
func (e *Engine) NextTimes(string) (run.Timing, error) { return run.Timing{}, notYet() }
