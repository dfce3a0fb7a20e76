package dingtalksim

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Via tells by which way a message reached the conversation.
type Via string

// The ways.
const (
	ViaSession  Via = "session"  // the session webhook of a message
	ViaCallback Via = "callback" // the answer to an HTTP callback
	ViaGroup    Via = "group"    // the robot's group-message call
	ViaSingle   Via = "single"   // the robot's one-to-one call
	ViaRobot    Via = "robot"    // a custom group robot
	ViaCard     Via = "card"     // an interactive card
)

// Button is a button of an action card, a link or a feed-card line.
type Button struct {
	Title string
	URL   string
}

// Message is something that the bot made visible in a conversation.
type Message struct {
	ID           string // the processQueryKey of a robot's own send, the outTrackId of a card
	Conversation string // the conversation id, a Direct id, or the token of a robot without a conversation
	Via          Via
	Kind         string // text, markdown, actionCard, feedCard, link, card, or another msgKey
	Title        string
	Text         string
	Buttons      []Button
	At           []string          // staff ids that the sender asked to mention
	AtAll        bool              // everybody was mentioned
	Mentioned    []string          // those of At whose @id stands in the text: only they see a mention
	AnswerTo     string            // msgId of the message whose session webhook or callback was used
	Params       map[string]string // card only: its public data
	Recipients   []string          // card only: who can see it; none = all
	Edits        int               // card only: how often it was updated
	Recalled     bool
	Time         time.Time
}

// Messages lists what the bot said in a conversation (by id, open id, Direct
// id or the token of a robot without a conversation), oldest first. A card is
// shown as it stands now, at the place where it was delivered.
func (s *Sim) Messages(conversationID string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, found := s.group(conversationID); found {
		conversationID = c.id
	}
	list := slices.Clone(s.messages[conversationID])
	for i := range list {
		list[i] = list[i].clone()
	}
	return list
}

// OnMessage calls f for every message, and again for a card that was updated.
// f runs before the sender has its answer, in the goroutine that serves the
// call: it must be quick and must not wait for the bot. Calls of two senders
// at once may come in either order.
func (s *Sim) OnMessage(f func(Message)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners = append(s.listeners, f)
}

// record files a message and queues its announcement. The caller holds s.mu.
func (s *Sim) record(m Message) {
	m.Time = s.opts.Now()
	m.Mentioned = mentioned(m)
	if unseen := len(m.At) - len(m.Mentioned); unseen > 0 {
		s.complain("%s message asks for %d mentions that its text does not show as @id", m.Via, unseen)
	}
	if len(m.At) > maxMentions {
		s.complain("%s message mentions %d people, more than %d", m.Via, len(m.At), maxMentions)
	}
	s.messages[m.Conversation] = keepLast(append(s.messages[m.Conversation], m), keep)
	s.unannounced = append(s.unannounced, m.clone())
}

// amend changes a filed message in place. The caller holds s.mu.
func (s *Sim) amend(conversationID, id string, change func(*Message)) {
	list := s.messages[conversationID]
	for i := range list {
		if list[i].ID == id {
			change(&list[i])
			s.unannounced = append(s.unannounced, list[i].clone())
		}
	}
}

// announce hands the queued messages to the listeners. The caller does not
// hold s.mu.
func (s *Sim) announce() {
	s.mu.Lock()
	queue, listeners := s.unannounced, slices.Clone(s.listeners)
	s.unannounced = nil
	s.mu.Unlock()
	for _, m := range queue {
		for _, f := range listeners {
			f(m)
		}
	}
}

// maxMentions is how many people one message may mention.
const maxMentions = 50

// mentioned picks the people of m.At whom the client shows as mentioned: the
// text holds @id, and the kind can mention at all.
func mentioned(m Message) []string {
	switch m.Kind {
	case "text", "markdown", "actionCard":
	default:
		return nil
	}
	var seen []string
	for _, id := range m.At {
		if strings.Contains(m.Text, "@"+id) {
			seen = append(seen, id)
		}
	}
	return seen
}

func (m Message) clone() Message {
	m.Buttons = slices.Clone(m.Buttons)
	m.At = slices.Clone(m.At)
	m.Mentioned = slices.Clone(m.Mentioned)
	m.Recipients = slices.Clone(m.Recipients)
	m.Params = maps.Clone(m.Params)
	return m
}
