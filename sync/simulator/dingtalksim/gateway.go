package dingtalksim

import (
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"
)

// ticketLife is how long a ticket opens its one connection.
const ticketLife = 90 * time.Second

// ticket is the right to open one connection.
type ticket struct {
	expires time.Time
	topics  map[string]bool // "TYPE topic"
}

// serveOpen hands out an endpoint and a ticket.
func (s *Sim) serveOpen(r *request) answer {
	if !strings.Contains(r.Header.Get("Accept"), "json") && !strings.Contains(r.Header.Get("Accept"), "*/*") {
		// Without Accept the gateway speaks XML, which no client understands.
		return answer{
			status: http.StatusOK, kind: "application/xml",
			body: "<ResponseBody><Message>Accept is missing</Message></ResponseBody>",
		}
	}
	o, err := decodeObject(r.body)
	if err != nil || !r.isJSON() {
		return apiError(http.StatusBadRequest, "InvalidParameter", "the body is not a JSON object")
	}
	if !s.knows(o.text("clientId"), o.text("clientSecret")) {
		return apiError(http.StatusUnauthorized, "authFailed", "鉴权失败")
	}
	topics, err := subscriptions(o)
	if err != nil {
		return apiError(http.StatusBadRequest, "InvalidParameter", err.Error())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opts.Now()
	maps.DeleteFunc(s.stream.tickets, func(_ string, t ticket) bool { return !now.Before(t.expires) })
	key := uuid()
	s.stream.tickets[key] = ticket{expires: now.Add(ticketLife), topics: topics}
	// Whatever host the client has reached is the host that it can reach.
	endpoint := "ws://" + r.Host + "/connect"
	if r.TLS != nil {
		endpoint = "wss://" + r.Host + "/connect"
	}
	return ok(map[string]any{"endpoint": endpoint, "ticket": key})
}

func subscriptions(o object) (map[string]bool, error) {
	topics := map[string]bool{}
	for _, sub := range o.list("subscriptions") {
		kind, topic := sub.text("type"), sub.text("topic")
		switch kind {
		case typeSystem, typeCallback, typeEvent:
		default:
			return nil, fmt.Errorf("subscription type %q is unknown", kind)
		}
		if topic == "" {
			return nil, fmt.Errorf("a %s subscription has no topic", kind)
		}
		topics[kind+" "+topic] = true
	}
	if len(topics) == 0 {
		return nil, errors.New("subscriptions is empty")
	}
	return topics, nil
}

// useTicket spends a ticket. A ticket is gone after its first use, good or not.
func (s *Sim) useTicket(key string) (ticket, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, known := s.stream.tickets[key]
	delete(s.stream.tickets, key)
	return t, known && s.opts.Now().Before(t.expires) && !s.stream.closed
}

// uuid makes a ticket in the platform's form, which needs no URL escaping.
func uuid() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // crypto/rand never fails: it stops the process instead
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}
