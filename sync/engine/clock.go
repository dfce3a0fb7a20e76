package engine

import (
	"context"
	"fmt"
	"time"
)

// time gives the time by which approvals are judged: that of the record, so that all
// replicas agree on it whatever their own clocks say.
func (e *Engine) time(ctx context.Context) (time.Time, error) {
	if e.o.Time == nil {
		return e.o.Now(), nil
	}
	now, err := e.o.Time(ctx)
	if err != nil {
		return now, fmt.Errorf("ask for the record's time: %w", err)
	}
	return now, nil
}
