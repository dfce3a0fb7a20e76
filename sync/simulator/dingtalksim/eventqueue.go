package dingtalksim

import (
	"slices"
	"time"
)

// Event is one contacts event of the corp.
type Event struct {
	ID   string
	Type string // such as "user_add_org"
	Data string // JSON
	Born time.Time
	// Attempts is how often it was pushed, successfully or not.
	Attempts int
	// Taken: a client has acknowledged it with SUCCESS.
	Taken bool
	due   time.Time
	told  bool // listed by get_call_back_failed_result
}

// eventQueue holds events in the order of their birth.
type eventQueue struct {
	events []*Event
	grown  chan struct{} // holds one token after an event was added
}

func newEventQueue() eventQueue { return eventQueue{grown: make(chan struct{}, 1)} }

// emit queues an event unless the console has not ticked its type. The caller
// holds s.mu.
func (s *Sim) emit(kind string, data map[string]any) {
	ticked := s.contacts.opts.Events
	if ticked != nil && !slices.Contains(ticked, kind) {
		return
	}
	now := s.opts.Now()
	q := &s.contacts.events
	q.events = keepLast(append(q.events, &Event{
		ID: newID("event-"), Type: kind, Data: encodeEvent(data), Born: now, due: now,
	}), keep)
	select {
	case q.grown <- struct{}{}:
	default: // somebody will look already
	}
}

// echo queues an event of a change that the API made. The caller holds s.mu.
func (s *Sim) echo(kind string, data map[string]any) {
	if !s.contacts.opts.NoEcho {
		s.emit(kind, data)
	}
}

// Events lists the latest events, oldest first; at most 4096 are kept.
func (s *Sim) Events() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Event, 0, len(s.contacts.events.events))
	for _, e := range s.contacts.events.events {
		list = append(list, *e)
	}
	return list
}
