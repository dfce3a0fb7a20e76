package feishusim

import (
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"
)

// The types of the events that the chat side sends.
const (
	EventMessage = "im.message.receive_v1"
	EventPress   = "card.action.trigger"
)

// Event is one event of schema 2.0, ready to be delivered, once or often:
// delivering the same value again is what the platform's retries do.
type Event struct {
	ID        string // header.event_id
	Type      string // header.event_type
	CreatedAt time.Time
	Body      map[string]any // the "event" object
	MessageID string         // the message that it is about, if any
	Silent    bool           // the platform would not deliver it: the bot was not addressed

	challenge string // set for url_verification
	token     string // the card token of a press
}

// Words is what a person says in a chat.
type Words struct {
	Chat string // chat id; "" is the private chat with the bot
	From string // the person's open_id or user_id
	// Text may address people as "@Name" and the bot as "@" and its name; they
	// become placeholders with mentions, as in the real client.
	Text    string
	Post    string // a post's content JSON instead of Text
	ReplyTo string // message id; the answer stands in that message's thread if it has one
	Thread  bool   // open a thread with the reply

	At        time.Time // when it was said; default now
	TenantKey string    // of a person from another tenant
	Everyone  bool      // deliver although the bot is not mentioned (the app reads all group messages)
}

// Click is a person's press of a button on a card.
type Click struct {
	Message string // the card's message id
	By      string // the person's open_id or user_id
	// Button names the button by its name or its shown text; the card must
	// have it, and Value is then taken from the card. Without it Value is sent as it is.
	Button    string
	Value     any               // an object or a string
	Form      map[string]string // what was filled in, by field name
	Tag       string            // default "button"
	TenantKey string            // of a person from another tenant
}

// errUnknown is what seeding and speaking return for an id that is not there.
var errUnknown = errors.New("feishusim: unknown")

// NewEvent makes an event of any type around a body.
func (s *Sim) NewEvent(kind string, body map[string]any) Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.newEvent(kind, body)
}

func (s *Sim) newEvent(kind string, body map[string]any) Event {
	return Event{ID: s.digest("event")[:32], Type: kind, CreatedAt: s.o.Now(), Body: body}
}

// Renew gives the same event a new event_id, as a second subscription does;
// the message id stays.
func (s *Sim) Renew(e Event) Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.ID = s.digest("event")[:32]
	return e
}

// Challenge makes the url_verification request, which expects the returned
// word back.
func (s *Sim) Challenge() (e Event, word string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	word = s.digest("challenge")[:20]
	return Event{Type: "url_verification", challenge: word}, word
}

// MessageEvent puts a person's message into the chat and makes its event,
// without delivering it.
func (s *Sim) MessageEvent(w Words) (Event, error) {
	e, after, err := s.say(w)
	if err == nil {
		after()
	}
	return e, err
}

func (s *Sim) say(w Words) (Event, func(), error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	person := s.directory.findUser(w.From)
	if person == nil {
		return Event{}, nil, fmt.Errorf("say: person %q: %w", w.From, errUnknown)
	}
	chat := s.im.chats[w.Chat]
	if w.Chat == "" {
		chat = s.private(person.OpenID)
	}
	if chat == nil || !contains(chat.Members, person.OpenID) {
		return Event{}, nil, fmt.Errorf("say: %q is in no chat %q: %w", w.From, w.Chat, errUnknown)
	}
	m := Message{ChatID: chat.ID, Type: "text", SenderID: person.OpenID}
	m.Content, m.Mentions = s.address(chat, w.Text)
	if w.Post != "" {
		m.Type, m.Content = "post", w.Post
	}
	if w.ReplyTo != "" {
		parent := s.im.messages[w.ReplyTo]
		if parent == nil {
			return Event{}, nil, fmt.Errorf("say: reply to %q: %w", w.ReplyTo, errUnknown)
		}
		s.answerTo(&m, parent, w.Thread)
	}
	kept := s.post(m)
	if !w.At.IsZero() {
		kept.CreatedAt, kept.UpdatedAt = w.At, w.At
	}
	e := s.newEvent(EventMessage, s.messageEventBody(kept, person, chat, w.TenantKey))
	e.CreatedAt, e.MessageID = kept.CreatedAt, kept.ID
	e.Silent = chat.BotOut || !w.Everyone && chat.Type == "group" && !mentions(kept, s.im.botID)
	return e, s.tell(kept), nil
}

func mentions(m *Message, openID string) bool {
	for _, at := range m.Mentions {
		if at.OpenID == openID {
			return true
		}
	}
	return false
}

// address turns "@Name" into placeholders, for the bot and the chat's people.
func (s *Sim) address(chat *Chat, text string) (string, []Mention) {
	names := map[string]string{s.o.BotName: s.im.botID}
	for _, id := range chat.Members {
		if m := s.directory.users[id]; m != nil && m.Name != "" {
			names[m.Name] = id
		}
	}
	ordered := make([]string, 0, len(names))
	for name := range names {
		ordered = append(ordered, name)
	}
	// The longest name first, so that 王芳 does not swallow the head of 王芳芳.
	sort.Slice(ordered, func(i, j int) bool {
		return len(ordered[i]) > len(ordered[j]) || len(ordered[i]) == len(ordered[j]) && ordered[i] < ordered[j]
	})
	var out strings.Builder
	var found []Mention
next:
	for text != "" {
		if tail, ok := strings.CutPrefix(text, "@"); ok {
			for _, name := range ordered {
				if rest, ok := strings.CutPrefix(tail, name); ok {
					m := Mention{Key: "@_user_" + strconv.Itoa(len(found)+1), OpenID: names[name], Name: name}
					found = append(found, m)
					out.WriteString(m.Key)
					text = rest
					continue next
				}
			}
		}
		out.WriteByte(text[0])
		text = text[1:]
	}
	return textContent(out.String()), found
}

// userIDs shows a person's ids; user_id needs its permission.
func (s *Sim) userIDs(openID string) map[string]any {
	out := map[string]any{"open_id": openID, "union_id": "on_" + strings.TrimPrefix(openID, "ou_")}
	if m := s.directory.users[openID]; m != nil {
		out["union_id"] = m.UnionID
		if s.permits(scopeUserID) {
			out["user_id"] = m.UserID
		}
	}
	return out
}

func (s *Sim) messageEventBody(m *Message, from *member, chat *Chat, tenant string) map[string]any {
	if tenant == "" {
		tenant = s.o.TenantKey
	}
	message := map[string]any{
		"message_id": m.ID, "create_time": millis(m.CreatedAt), "update_time": millis(m.UpdatedAt),
		"chat_id": m.ChatID, "chat_type": chat.Type, "message_type": m.Type, "content": m.Content,
	}
	for key, v := range map[string]string{"root_id": m.RootID, "parent_id": m.ParentID, "thread_id": m.ThreadID} {
		if v != "" {
			message[key] = v
		}
	}
	if len(m.Mentions) > 0 {
		var rows []map[string]any
		for _, at := range m.Mentions {
			kind := "user"
			if at.OpenID == s.im.botID {
				kind = "bot"
			}
			rows = append(rows, map[string]any{
				"key": at.Key, "id": s.userIDs(at.OpenID), "name": at.Name, "tenant_key": s.o.TenantKey, "mentioned_type": kind,
			})
		}
		message["mentions"] = rows
	}
	return map[string]any{
		"sender":  map[string]any{"sender_id": s.userIDs(from.OpenID), "sender_type": "user", "tenant_key": tenant},
		"message": message,
	}
}

// envelope renders the event as it goes over the wire, before encryption.
func (s *Sim) envelope(e Event, f Forgery) []byte {
	token := first(f.Token, s.o.VerificationToken)
	var v any = map[string]any{"type": "url_verification", "token": token, "challenge": e.challenge}
	if e.challenge == "" {
		created := strconv.FormatInt(e.CreatedAt.UnixMilli(), 10)
		if e.Type == EventPress { // card callbacks count microseconds
			created = strconv.FormatInt(e.CreatedAt.UnixMicro(), 10)
		}
		v = map[string]any{
			"schema": "2.0",
			"header": map[string]any{
				"event_id": e.ID, "event_type": e.Type, "create_time": created, "token": token,
				"app_id": first(f.AppID, s.o.AppID), "tenant_key": first(f.TenantKey, s.o.TenantKey),
			},
			"event": e.Body,
		}
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return []byte("{}") // a body that a test made of something JSON cannot hold
	}
	return raw
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
