package feishusim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Chat is one conversation.
type Chat struct {
	ID        string // "oc_…"
	Name      string
	Type      string   // "group" or "p2p"
	Members   []string // open ids of people
	BotOut    bool     // the bot is not in the group (230002)
	NoThreads bool     // the group's kind has no threads (230071)
	Muted     bool     // the bot may not speak (230035)
	External  bool     // a cross-tenant group
	Dissolved bool     // 232009
}

// Message is one message of a chat, as it looks now.
type Message struct {
	ID, ChatID                 string
	RootID, ParentID, ThreadID string
	UUID                       string
	Type                       string   // text, post, interactive or file
	Content                    string   // the content JSON; of a card, the card itself
	History                    []string // earlier contents, oldest first
	Edits                      int      // how often the content was replaced
	SenderID                   string   // a person's open_id, the app's id, or "hook:<key>"
	FromBot                    bool
	Mentions                   []Mention
	CreatedAt, UpdatedAt       time.Time
	Recalled                   bool
}

// Mention is one @ in a message.
type Mention struct {
	Key    string // the placeholder in the text, "@_user_1"
	OpenID string // of the person or the bot; "all" for everybody
	Name   string
}

// Text gives a text message's words with names in place of placeholders, and
// the content as it is for other kinds.
func (m Message) Text() string {
	if m.Type != "text" {
		return m.Content
	}
	var in struct {
		Text string `json:"text"`
	}
	if json.Unmarshal([]byte(m.Content), &in) != nil {
		return m.Content
	}
	for _, mention := range slices.Backward(m.Mentions) { // the highest key first: @_user_1 begins @_user_10
		in.Text = strings.ReplaceAll(in.Text, mention.Key, "@"+mention.Name)
	}
	return in.Text
}

// imState holds the chats and their messages.
type imState struct {
	botID    string
	chats    map[string]*Chat
	messages map[string]*Message
	log      map[string][]*Message // by chat, in order
	uuids    map[string]sentOnce   // by uuid
	tokens   map[string]*cardToken // card callbacks that may still be answered late
	files    map[string]File
	reach    map[string]bool // open ids in the app's availability range; nil = everybody
	ears     []*ear
}

type sentOnce struct {
	message string
	at      time.Time
}

type ear struct{ hear func(Message) }

func (i *imState) init() {
	i.chats = map[string]*Chat{}
	i.messages = map[string]*Message{}
	i.log = map[string][]*Message{}
	i.uuids = map[string]sentOnce{}
	i.tokens = map[string]*cardToken{}
	i.files = map[string]File{}
}

// AddChat makes a group with the bot and the given people (open ids) in it.
// An existing chat of that id is replaced; its messages stay.
func (s *Sim) AddChat(id, name string, members ...string) Chat {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id == "" {
		id = s.newID("oc_", "chat")
	}
	c := &Chat{ID: id, Name: name, Type: "group", Members: slices.Clone(members)}
	s.im.chats[id] = c
	return *c
}

// UpdateChat changes a chat: membership, whether the bot is in, and so on.
func (s *Sim) UpdateChat(id string, change func(*Chat)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.im.chats[id]
	if c == nil {
		return fmt.Errorf("update chat: no chat %q", id)
	}
	change(c)
	c.ID = id
	return nil
}

// Chats gives every conversation, by id.
func (s *Sim) Chats() []Chat {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Chat
	for _, c := range s.im.chats {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b Chat) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// Messages gives the messages of a chat, oldest first.
func (s *Sim) Messages(chatID string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Message
	for _, m := range s.im.log[chatID] {
		out = append(out, m.copy())
	}
	return out
}

// Message gives one message.
func (s *Sim) Message(id string) (Message, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.im.messages[id]
	if m == nil {
		return Message{}, false
	}
	return m.copy(), true
}

func (m *Message) copy() Message {
	out := *m
	out.History = slices.Clone(m.History)
	out.Mentions = slices.Clone(m.Mentions)
	return out
}

// OnMessage calls hear for every message that is sent, edited (Edits > 0) or
// recalled from now on, whoever wrote it, until the returned function is
// called. It is called without any lock, on the goroutine that caused it, and
// must not block for long.
func (s *Sim) OnMessage(hear func(Message)) (stop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := &ear{hear: hear}
	s.im.ears = append(s.im.ears, e)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.im.ears = slices.DeleteFunc(slices.Clone(s.im.ears), func(other *ear) bool { return other == e })
	}
}

// tell prepares the calls that tell listeners about m. The caller holds the
// lock and runs the result without it.
func (s *Sim) tell(m *Message) func() {
	ears, now := slices.Clone(s.im.ears), m.copy()
	return func() {
		for _, e := range ears {
			e.hear(now)
		}
	}
}

// post adds a message to its chat. The caller holds the lock.
func (s *Sim) post(m Message) *Message {
	m.ID = s.newID("om_", "message")
	m.CreatedAt = s.o.Now()
	m.UpdatedAt = m.CreatedAt
	kept := &m
	s.im.messages[m.ID] = kept
	s.im.log[m.ChatID] = append(s.im.log[m.ChatID], kept)
	return kept
}

// edit replaces a message's content. The caller holds the lock.
func (s *Sim) edit(m *Message, content string) {
	m.History = append(m.History, m.Content)
	m.Content = content
	m.Edits++
	m.UpdatedAt = s.o.Now()
}

// answerTo sets the root, parent and thread of a reply. A thread begins with
// the root message, which then shows its id too.
func (s *Sim) answerTo(m, parent *Message, inThread bool) {
	m.ChatID, m.ParentID = parent.ChatID, parent.ID
	m.RootID = parent.RootID
	if m.RootID == "" {
		m.RootID = parent.ID
	}
	m.ThreadID = parent.ThreadID
	if m.ThreadID == "" && inThread {
		m.ThreadID = s.newID("omt_", "thread")
		parent.ThreadID = m.ThreadID
		if head := s.im.messages[m.RootID]; head != nil && head.ThreadID == "" {
			head.ThreadID = m.ThreadID
		}
	}
}

// SetAvailability sets who is in the app's availability range, by open_id: to
// everybody else the bot cannot write (230013). Without an argument everybody is.
func (s *Sim) SetAvailability(openIDs ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.im.reach = nil
	for _, id := range openIDs {
		if s.im.reach == nil {
			s.im.reach = map[string]bool{}
		}
		s.im.reach[id] = true
	}
}

// Private gives the messages of one person's conversation with the bot, oldest
// first.
func (s *Sim) Private(openID string) []Message {
	s.mu.Lock()
	id := s.private(openID).ID
	s.mu.Unlock()
	return s.Messages(id)
}

// private gives the conversation of the bot and one person.
func (s *Sim) private(openID string) *Chat {
	id := "oc_p2p_" + strings.TrimPrefix(openID, "ou_")
	c := s.im.chats[id]
	if c == nil {
		c = &Chat{ID: id, Type: "p2p", Members: []string{openID}}
		s.im.chats[id] = c
	}
	return c
}

// personName gives how a mention of an id reads.
func (s *Sim) personName(openID string) string {
	switch openID {
	case s.im.botID:
		return s.o.BotName
	case "all":
		return "所有人"
	}
	if m := s.directory.users[openID]; m != nil {
		return m.Name
	}
	return openID
}
