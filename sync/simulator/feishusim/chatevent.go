package feishusim

import "fmt"

// The events about chats and messages that are not somebody's words.
const (
	EventBotAdded   = "im.chat.member.bot.added_v1"
	EventBotDeleted = "im.chat.member.bot.deleted_v1"
	EventRecalled   = "im.message.recalled_v1"
	EventRead       = "im.message.message_read_v1"
)

// BotMovedEvent puts the bot into a group (added) or takes it out, in the name
// of a person, and makes the event.
func (s *Sim) BotMovedEvent(chatID, by string, added bool) (Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	chat, person := s.im.chats[chatID], s.directory.findUser(by)
	if chat == nil || person == nil {
		return Event{}, fmt.Errorf("move the bot: chat %q by %q: %w", chatID, by, errUnknown)
	}
	chat.BotOut = !added
	kind := EventBotDeleted
	if added {
		kind = EventBotAdded
	}
	return s.newEvent(kind, map[string]any{
		"chat_id": chat.ID, "operator_id": s.userIDs(person.OpenID), "external": chat.External,
		"operator_tenant_key": s.o.TenantKey, "name": chat.Name,
	}), nil
}

// RecallEvent lets a person take their message back, and makes the event.
func (s *Sim) RecallEvent(messageID string) (Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.im.messages[messageID]
	if m == nil || m.FromBot {
		return Event{}, fmt.Errorf("recall %q: %w", messageID, errUnknown)
	}
	m.Recalled = true
	e := s.newEvent(EventRecalled, map[string]any{
		"message_id": m.ID, "chat_id": m.ChatID, "recall_time": millis(s.o.Now()), "recall_type": "message_owner",
	})
	e.MessageID = m.ID
	return e, nil
}

// ReadEvent makes the event of a person who has read messages of the bot.
func (s *Sim) ReadEvent(by string, messageIDs ...string) (Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	person := s.directory.findUser(by)
	if person == nil {
		return Event{}, fmt.Errorf("read by %q: %w", by, errUnknown)
	}
	return s.newEvent(EventRead, map[string]any{
		"reader": map[string]any{
			"reader_id": s.userIDs(person.OpenID), "read_time": millis(s.o.Now()), "tenant_key": s.o.TenantKey,
		},
		"message_id_list": messageIDs,
	}), nil
}
