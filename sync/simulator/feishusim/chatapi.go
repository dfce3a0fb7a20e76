package feishusim

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// serveChats lists the chats that the bot is in, in one page.
func serveChats(c *call) (any, *refusal) {
	items := []any{}
	var ids []string
	for id, chat := range c.sim.im.chats {
		if chat.Type == "group" && !chat.BotOut && !chat.Dissolved {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, strings.Compare)
	for _, id := range ids {
		items = append(items, c.sim.chatJSON(c.sim.im.chats[id]))
	}
	return map[string]any{"items": items, "has_more": false}, nil
}

func serveChat(c *call) (any, *refusal) {
	chat := c.sim.im.chats[c.http.PathValue("id")]
	switch {
	case chat == nil:
		return nil, refuse(232006, "Your request specifies a chat_id which is invalid.")
	case chat.Dissolved:
		return nil, refuse(232009, "The chat was dissolved.")
	case chat.BotOut:
		return nil, refuse(232011, "Operator can NOT be out of the chat.")
	}
	return c.sim.chatJSON(chat), nil
}

func (s *Sim) chatJSON(chat *Chat) map[string]any {
	return map[string]any{
		"chat_id": chat.ID, "name": chat.Name, "chat_mode": chat.Type, "external": chat.External,
		"tenant_key": s.o.TenantKey, "chat_status": "normal",
	}
}

// cardToken is the right to change a card late, which a press brings along.
type cardToken struct {
	message  string
	at       time.Time
	uses     int
	answered bool
	early    string // the card before a change that came before the answer; "" = none did
}

// serveCardUpdate is the late change of a card: within 30 minutes, and twice. One
// that comes before the press was answered succeeds, and is undone by the answer:
// the client then puts back what it showed when the button was pressed.
func serveCardUpdate(c *call) (any, *refusal) {
	var in struct {
		Token string          `json:"token"`
		Card  json.RawMessage `json:"card"`
	}
	if no := c.decode(&in); no != nil {
		return nil, no
	}
	s := c.sim
	token := s.im.tokens[in.Token]
	switch {
	case token == nil || c.now.Sub(token.at) > 30*time.Minute:
		return nil, refuse(300000, "the token is unknown or older than 30 minutes")
	case token.uses >= 2:
		return nil, refuse(300000, "the token was used twice")
	}
	m := s.im.messages[token.message]
	next, problem := checkCard(withoutOpenIDs(in.Card))
	if problem == nil && !next.schema2 && !next.shared && !hasOpenIDs(in.Card) {
		return nil, refuse(300090, "a card of one viewer needs open_ids")
	}
	if problem != nil {
		return nil, problem.refusal()
	}
	if before, _ := checkCard([]byte(m.Content)); before.schema2 && !next.schema2 {
		return nil, refuse(200830, "a card of schema 2.0 cannot become one of 1.0")
	}
	token.uses++
	if !token.answered && token.early == "" {
		token.early = m.Content
	}
	s.edit(m, string(withoutOpenIDs(in.Card)))
	s.effect("card.update", m.ID, m.Type+" "+m.ChatID)
	c.after = append(c.after, s.tell(m))
	return nil, nil // no data and no refusal: plain success
}

// withoutOpenIDs takes the list of viewers out, which is no part of a card.
func withoutOpenIDs(card json.RawMessage) json.RawMessage {
	var in map[string]json.RawMessage
	if json.Unmarshal(card, &in) != nil || in["open_ids"] == nil {
		return card
	}
	delete(in, "open_ids")
	out, _ := json.Marshal(in) // cannot fail: it was JSON
	return out
}

func hasOpenIDs(card json.RawMessage) bool {
	var in struct {
		OpenIDs []string `json:"open_ids"`
	}
	return json.Unmarshal(card, &in) == nil && len(in.OpenIDs) > 0
}
