package feishusim

import "time"

func serveCardPatch(c *call) (any, *refusal) {
	m, no := c.message()
	if no != nil {
		return nil, no
	}
	var in struct {
		Content string `json:"content"`
	}
	if no := c.decode(&in); no != nil {
		return nil, refuse(230001, "invalid request parameter: body")
	}
	s := c.sim
	if no := s.editable(m, c.now); no != nil {
		return nil, no
	}
	if m.Type != "interactive" {
		return nil, refuse(230001, "invalid request parameter: the message is not a card")
	}
	if _, ok := s.allow("message/"+m.ID, perMessage); !ok {
		return nil, refuse(230020, "The frequency limit of the message is reached.")
	}
	if no := s.replaceCard(m, in.Content); no != nil {
		return nil, no
	}
	s.effect("message.patch", m.ID, m.Type+" "+m.ChatID)
	c.after = append(c.after, s.tell(m))
	return nil, nil // no data and no refusal: plain success
}

// editable judges sender, age and state.
func (s *Sim) editable(m *Message, now time.Time) *refusal {
	switch {
	case !m.FromBot || m.SenderID != s.o.AppID:
		return refuse(230001, "invalid request parameter: the message was not sent by this app")
	case m.Recalled:
		return refuse(230011, "The message was recalled.")
	case now.Sub(m.CreatedAt) > cardLife:
		return refuse(230031, "The message is older than 14 days.")
	}
	return s.maySpeak(s.im.chats[m.ChatID])
}

// replaceCard checks a new card against itself and the card it replaces.
func (s *Sim) replaceCard(m *Message, content string) *refusal {
	if len(content) > maxCard {
		return refuse(230025, "The length of the message content reaches its limit.")
	}
	before, _ := checkCard([]byte(m.Content))
	next, problem := checkCard([]byte(content))
	switch {
	case problem != nil:
		return problem.refusal()
	case !before.shared || !next.shared:
		return refuse(230001, "invalid request parameter: both cards need config.update_multi true")
	case before.schema2 && !next.schema2:
		return refuse(200830, "a card of schema 2.0 cannot become one of 1.0")
	}
	s.edit(m, content)
	return nil
}

func serveTextPut(c *call) (any, *refusal) {
	in, no := c.letter()
	if no != nil {
		return nil, no
	}
	m, no := c.message()
	if no != nil {
		return nil, no
	}
	s := c.sim
	if m.Type == "interactive" || in.Type == "interactive" {
		return nil, refuse(230001, "invalid request parameter: a card is changed by PATCH")
	}
	if no := s.editable(m, c.now); no != nil {
		return nil, no
	}
	if m.Edits >= maxEdits {
		return nil, refuse(230072, "The message has been edited too often.")
	}
	if no := s.checkContent(in.Type, in.Content); no != nil {
		return nil, no
	}
	content := in.Content
	if in.Type == "text" {
		content, m.Mentions = s.readMentions(in.Content)
	}
	m.Type = in.Type
	s.edit(m, content)
	s.effect("message.put", m.ID, m.Type+" "+m.ChatID)
	c.after = append(c.after, s.tell(m))
	return s.messageJSON(m), nil
}

func serveRecall(c *call) (any, *refusal) {
	m, no := c.message()
	if no != nil {
		return nil, no
	}
	if no := c.sim.editable(m, c.now); no != nil {
		return nil, no
	}
	m.Recalled = true
	c.sim.effect("message.delete", m.ID, m.Type+" "+m.ChatID)
	c.after = append(c.after, c.sim.tell(m))
	return nil, nil // no data and no refusal: plain success
}
