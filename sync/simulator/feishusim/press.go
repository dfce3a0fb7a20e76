package feishusim

import (
	"encoding/json"
	"fmt"
	"time"
)

// The codes that a person's client shows when a press goes wrong.
const (
	pressNoData     = 108002 // acked over the long connection without data
	pressNoReceiver = 200340 // no callback address, or the card came from a webhook
	pressTimeout    = 200341 // not answered within 3 s
	pressBadStatus  = 200671 // answered with anything but 200
	pressBadBody    = 200672 // answered with a body of the wrong shape
	pressBadCard    = 200673 // answered with a card that is refused
	pressDowngrade  = 200830 // a 2.0 card cannot become a 1.0 card
)

// Button is one button of a card.
type Button struct {
	Name  string
	Text  string
	Value any  // what its callback carries
	URL   bool // opens an address instead of calling back
	Form  bool // sends the form that it stands in
}

// Buttons gives the buttons of a card message, in reading order.
func (s *Sim) Buttons(messageID string) []Button {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.im.messages[messageID]
	if m == nil || m.Type != "interactive" {
		return nil
	}
	return buttons([]byte(m.Content))
}

func buttons(card []byte) []Button {
	var v any
	if json.Unmarshal(card, &v) != nil {
		return nil
	}
	var out []Button
	walkCard(v, func(m map[string]any) {
		if m["tag"] == "button" {
			out = append(out, readButton(m))
		}
	})
	return out
}

// walkCard visits the objects of a card's lists in reading order.
func walkCard(v any, see func(map[string]any)) {
	switch t := v.(type) {
	case []any:
		for _, child := range t {
			walkCard(child, see)
		}
	case map[string]any:
		see(t)
		for _, key := range []string{"body", "elements", "columns", "actions"} {
			walkCard(t[key], see)
		}
	}
}

func readButton(m map[string]any) Button {
	b := Button{Value: m["value"]}
	b.Name, _ = m["name"].(string)
	if t, ok := m["text"].(map[string]any); ok {
		b.Text, _ = t["content"].(string)
	}
	b.Form = m["form_action_type"] == "submit" || m["action_type"] == "form_submit"
	b.URL = m["url"] != nil
	rows, _ := m["behaviors"].([]any)
	for _, row := range rows {
		behavior, _ := row.(map[string]any)
		switch behavior["type"] {
		case "callback":
			b.Value, b.URL = behavior["value"], false
		case "open_url":
			b.URL = b.Value == nil
		}
	}
	return b
}

// PressEvent makes the event of a press, without delivering it.
func (s *Sim) PressEvent(c Click) (Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, person := s.im.messages[c.Message], s.directory.findUser(c.By)
	if m == nil || m.Type != "interactive" || person == nil {
		return Event{}, fmt.Errorf("press: card %q by %q: %w", c.Message, c.By, errUnknown)
	}
	if facts, _ := checkCard([]byte(m.Content)); s.o.Now().Sub(m.CreatedAt) > pressAge(facts) {
		return Event{}, fmt.Errorf("press: card %q: %w", c.Message, ErrTooOld)
	}
	action := map[string]any{"tag": first(c.Tag, "button")}
	value := c.Value
	if c.Button != "" {
		b, ok := findButton(m.Content, c.Button)
		if !ok {
			return Event{}, fmt.Errorf("press: button %q: %w", c.Button, errUnknown)
		}
		if b.Name != "" {
			action["name"] = b.Name
		}
		if value == nil {
			value = b.Value
		}
	}
	if value != nil {
		action["value"] = value
	}
	if c.Form != nil {
		action["form_value"] = c.Form
	}
	token := "c-" + s.digest("card")[:40]
	s.im.tokens[token] = &cardToken{message: m.ID, at: s.o.Now()}
	operator := s.userIDs(person.OpenID)
	operator["tenant_key"] = first(c.TenantKey, s.o.TenantKey)
	e := s.newEvent(EventPress, map[string]any{
		"operator": operator, "token": token, "action": action, "host": "im_message",
		"context": map[string]any{"open_message_id": m.ID, "open_chat_id": m.ChatID},
	})
	e.MessageID, e.token = m.ID, token
	e.Silent = m.SenderID != s.o.AppID
	return e, nil
}

func findButton(card, wanted string) (Button, bool) {
	for _, b := range buttons([]byte(card)) {
		if !b.URL && (b.Name == wanted || b.Text == wanted) {
			return b, true
		}
	}
	return Button{}, false
}

// settle takes the answer to a press: the card changes if the answer brings
// one. It returns the code that the person's client shows; 0 is success.
func (s *Sim) settle(e Event, data []byte) int {
	var in struct {
		Toast *struct {
			Type string `json:"type"`
		} `json:"toast"`
		Card *struct {
			Type string          `json:"type"`
			Data json.RawMessage `json:"data"`
		} `json:"card"`
	}
	var shape map[string]json.RawMessage
	if json.Unmarshal(data, &shape) != nil || shape == nil || json.Unmarshal(data, &in) != nil {
		return pressBadBody
	}
	for key := range shape {
		if key != "toast" && key != "card" {
			return pressBadBody
		}
	}
	if in.Toast != nil && !contains([]string{"", "info", "success", "error", "warning"}, in.Toast.Type) {
		return pressBadBody
	}
	s.mu.Lock()
	after := func() {}
	code := 0
	if in.Card != nil {
		code, after = s.answerCard(e, in.Card.Type, in.Card.Data)
	}
	if token := s.im.tokens[e.token]; token != nil && code == 0 {
		token.answered = true
		if m := s.im.messages[token.message]; m != nil && token.early != "" && in.Card == nil {
			s.edit(m, token.early) // what was changed too early flips back
			after = s.tell(m)
		}
	}
	s.mu.Unlock()
	after()
	return code
}

// answerCard puts the card of an answer in place.
func (s *Sim) answerCard(e Event, kind string, data json.RawMessage) (int, func()) {
	nothing := func() {}
	m := s.im.messages[e.MessageID]
	switch {
	case kind == "template":
		return 0, nothing
	case kind != "raw" || m == nil:
		return pressBadBody, nothing
	}
	before, _ := checkCard([]byte(m.Content))
	next, problem := checkCard(data)
	switch {
	case problem != nil || len(data) > maxCard:
		return pressBadCard, nothing
	case before.schema2 && !next.schema2:
		return pressDowngrade, nothing
	}
	s.edit(m, string(data))
	s.effect("card.answer", m.ID, m.Type+" "+m.ChatID)
	return 0, s.tell(m)
}

// pressAge is how long buttons live: 14 days for a 2.0 card, 30 for a 1.0 one.
func pressAge(facts cardFacts) time.Duration {
	if facts.schema2 {
		return cardLife
	}
	return 30 * 24 * time.Hour
}
