package dingtalksim

import (
	"maps"
	"slices"
	"time"
)

// Effect is one write of the API that took effect. Of the four states those of
// its object are set: before for updates and deletions, after for creations
// and updates.
type Effect struct {
	At   time.Time
	Path string // of the call
	// User or Department names the object.
	User       string
	Department int64
	// Pending tells that the user was invited (40103) and has yet to accept.
	Pending bool

	UserBefore, UserAfter             *User
	DepartmentBefore, DepartmentAfter *Department
}

// Effects gives every write of the API that took effect, oldest first. Seeding
// and changes by hand make none.
func (s *Sim) Effects() []Effect {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.contacts.effects)
}

// CallCounts gives how often each path was called since the start, refused and
// faulty calls included.
func (s *Sim) CallCounts() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.contacts.counts)
}

// UnknownFields gives the fields of contacts writes that the platform does not
// know and ignores, each as "path field", sorted. A client that has any has a
// typo.
func (s *Sim) UnknownFields() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.contacts.unknown))
}

// Gate sets a function that is called before each contacts write takes effect,
// after the gateway's checks, under no lock. It may block, and so stop a
// client between two steps. The id is the user's or department's, or the name
// of one to be created. Nil removes it.
func (s *Sim) Gate(gate func(path, id string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.contacts.gate = gate
}

// OnEffect sets a function that is called after each contacts write that took
// effect, under no lock, before the client gets its answer. Nil removes it.
func (s *Sim) OnEffect(f func(Effect)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.contacts.onEffect = f
}

// effect notes that a call did something. The caller holds s.mu.
func (s *Sim) effect(c *contactCall, e Effect) {
	e.At, e.Path = s.opts.Now(), c.path
	s.contacts.effects = append(s.contacts.effects, e)
	c.effects = append(c.effects, e)
}

// noteUnknown keeps the fields of a request that the platform does not know.
// The caller holds s.mu.
func (s *Sim) noteUnknown(c *contactCall, known []string) {
	for key := range c.body {
		if !slices.Contains(known, key) {
			s.contacts.unknown[c.path+" "+key] = true
		}
	}
}
