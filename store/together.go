package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"
)

const (
	// mostTogether is how many short writes share one transaction at most.
	mostTogether = 32
	// togetherTime bounds a transaction that several share: it cannot end with the
	// context of one of them.
	togetherTime = 5 * time.Second
)

// company gathers short writes that wait for the one writer: who comes first leads,
// and takes along in one transaction whoever came meanwhile. The disk is then waited
// for once and not for each of them.
type company struct {
	mu   sync.Mutex
	led  bool
	line []*member // in the order in which they came
}

// member is one short write.
type member struct {
	fn    func(tx *sql.Tx) error
	lead  chan struct{} // closed when it is to lead
	done  chan struct{} // closed when somebody has taken it along
	alone bool          // that failed, and nothing was written: it goes alone
}

// together runs fn as write does, if need be in one transaction with others that wait.
// When that fails each goes by itself, so that nobody has another's error. fn may run
// more than once and must be short.
func (s *Store) together(ctx context.Context, what string, fn func(tx *sql.Tx) error) error {
	m := &member{fn: fn, lead: make(chan struct{}), done: make(chan struct{})}
	if !s.company.join(m) {
		select {
		case <-m.lead:
		case <-m.done:
			return s.goAlone(ctx, what, m)
		case <-ctx.Done():
			if s.company.leave(m) {
				return s.fail(what, context.Cause(ctx))
			}
			select { // it is on its way, or the others wait for us
			case <-m.lead:
			case <-m.done:
				return s.goAlone(ctx, what, m)
			}
		}
	}
	others := s.company.gather()
	defer s.company.next()
	if len(others) == 0 {
		return s.write(ctx, what, fn)
	}
	s.takeAlong(ctx, append([]*member{m}, others...))
	return s.goAlone(ctx, what, m)
}

// goAlone writes what could not be taken along.
func (s *Store) goAlone(ctx context.Context, what string, m *member) error {
	if !m.alone {
		return nil
	}
	return s.write(ctx, what, m.fn)
}

// takeAlong writes all of them, or tells each to go by itself.
func (s *Store) takeAlong(ctx context.Context, all []*member) {
	whole := false
	defer func() {
		_ = recover() // whose it is panics again when it goes alone, where it was called
		for _, m := range all {
			m.alone = !whole
			close(m.done)
		}
	}()
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), togetherTime, errors.New("the record is busy"))
	defer cancel()
	whole = s.write(ctx, "write together", func(tx *sql.Tx) error {
		for _, m := range all {
			if err := m.fn(tx); err != nil {
				return err
			}
		}
		return nil
	}) == nil
}

// join takes a place in the line, and tells whether it is to lead at once.
func (c *company) join(m *member) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.led {
		c.led = true
		return true
	}
	c.line = append(c.line, m)
	return false
}

// leave gives the place up, and tells whether it was still there.
func (c *company) leave(m *member) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, other := range c.line {
		if other == m {
			c.line = append(c.line[:i:i], c.line[i+1:]...)
			return true
		}
	}
	return false
}

// gather gives who waits, for the leader to take along.
func (c *company) gather() []*member {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := min(len(c.line), mostTogether-1)
	some := c.line[:n:n]
	c.line = c.line[n:]
	return some
}

// next lets the first of the line lead.
func (c *company) next() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.line) == 0 {
		c.led, c.line = false, nil
		return
	}
	close(c.line[0].lead)
	c.line = c.line[1:]
}
