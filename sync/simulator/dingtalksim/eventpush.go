package dingtalksim

import (
	"context"
	"net/http"
	"time"
)

// topicEvents is the only topic of events.
const topicEvents = "*"

// redelivery are the waits after the first and the second push that nobody
// took. After the third push the platform gives up.
func redelivery() []time.Duration { return []time.Duration{10 * time.Second, 30 * time.Second} }

// pollEvents is how often ServeEvents looks for a redelivery that is due.
const pollEvents = 100 * time.Millisecond

// ServeEvents pushes events as they come, and again when their time comes by
// the platform's clock, until ctx ends; it returns the context's cause. Each
// simulator may have one.
func (s *Sim) ServeEvents(ctx context.Context) error {
	ticker := time.NewTicker(pollEvents)
	defer ticker.Stop()
	for {
		s.DeliverEvents(ctx)
		select {
		case <-s.contacts.events.grown: // the channel is never replaced
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// DeliverEvents pushes every event that is due, one after the other and each
// to one random connection that takes events, and waits for the answers. It
// returns how many were taken. An event that nobody takes comes again 10 s
// later by the platform's clock, and 30 s after that; then it is lost but for
// get_call_back_failed_result.
func (s *Sim) DeliverEvents(ctx context.Context) (taken int) {
	for _, e := range s.dueEvents() {
		if ctx.Err() != nil {
			return taken
		}
		ack, err := s.deliver(ctx, pushed{kind: typeEvent, topic: topicEvents, data: e.Data, headers: s.eventHeaders(e)})
		if s.settleEvent(e.ID, err == nil && s.isTaken(ack)) {
			taken++
		}
	}
	return taken
}

// RepeatEvent pushes an event once more although it may have been taken: the
// platform delivers at least once. It returns how it was acknowledged.
func (s *Sim) RepeatEvent(ctx context.Context, id string) (Ack, error) {
	for _, e := range s.Events() {
		if e.ID == id {
			return s.deliver(ctx, pushed{kind: typeEvent, topic: topicEvents, data: e.Data, headers: s.eventHeaders(e)})
		}
	}
	return Ack{}, ErrUnknown
}

func (s *Sim) eventHeaders(e Event) map[string]string {
	return map[string]string{
		"eventId": e.ID, "eventType": e.Type, "eventCorpId": s.opts.CorpID,
		"eventBornTime": millis(e.Born), "eventUnifiedAppId": "app-" + s.opts.ClientID,
	}
}

func (s *Sim) dueEvents() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opts.Now()
	var due []Event
	for _, e := range s.contacts.events.events {
		if !e.Taken && !e.lost() && !now.Before(e.due) {
			due = append(due, *e)
		}
	}
	return due
}

// lost tells that the platform has given the event up.
func (e *Event) lost() bool { return !e.Taken && e.Attempts > len(redelivery()) }

// isTaken reads the answer to an event.
func (s *Sim) isTaken(ack Ack) bool {
	o, err := decodeObject([]byte(ack.Data))
	status := o.text("status")
	if ack.Code == http.StatusOK && (err != nil || status != "SUCCESS" && status != "LATER") {
		s.complainUnlocked("an event was acknowledged without a status SUCCESS or LATER")
	}
	return ack.Code == http.StatusOK && status == "SUCCESS"
}

// settleEvent notes how a push went, and returns whether it was taken.
func (s *Sim) settleEvent(id string, taken bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.contacts.events.events {
		if e.ID != id {
			continue
		}
		e.Attempts++
		e.Taken = taken
		if waits := redelivery(); !taken && e.Attempts <= len(waits) {
			e.due = s.opts.Now().Add(waits[e.Attempts-1])
		}
	}
	return taken
}

// failedEvents serves get_call_back_failed_result: each lost event once.
func (s *Sim) failedEvents(*contactCall) (any, *Refusal) {
	list := []any{}
	for _, e := range s.contacts.events.events {
		if !e.lost() || e.told {
			continue
		}
		e.told = true
		data, _ := decodeObject([]byte(e.Data)) // of our own making
		list = append(list, map[string]any{"event_time": e.Born.UnixMilli(), "call_back_tag": e.Type, e.Type: data})
	}
	return flatResult{"has_more": false, "failed_list": list}, nil
}
