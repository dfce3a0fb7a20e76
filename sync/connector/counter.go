package connector

import (
	"context"
	"sync/atomic"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// Counter counts what a Read has got so far, for people who wait. It is safe for
// concurrent use; a nil Counter counts nothing.
type Counter struct{ users, departments atomic.Int64 }

// Users counts n more users; a listing that begins again takes back what it counted.
func (c *Counter) Users(n int) {
	if c != nil {
		c.users.Add(int64(n))
	}
}

// Departments counts n more departments.
func (c *Counter) Departments(n int) {
	if c != nil {
		c.departments.Add(int64(n))
	}
}

// Add counts one more object.
func (c *Counter) Add(kind directory.Kind) {
	if kind == directory.Department {
		c.Departments(1)
		return
	}
	c.Users(1)
}

// Count gives what was counted.
func (c *Counter) Count() (users, departments int) {
	if c == nil {
		return 0, 0
	}
	return int(c.users.Load()), int(c.departments.Load())
}

type counterKey struct{}

// WithCounter gives a context whose Read counts into c.
func WithCounter(ctx context.Context, c *Counter) context.Context {
	return context.WithValue(ctx, counterKey{}, c)
}

// CounterOf gives the context's counter, or nil.
func CounterOf(ctx context.Context) *Counter {
	c, _ := ctx.Value(counterKey{}).(*Counter)
	return c
}
