// Package bot is the conversation: it understands what people say in a room,
// asks the engine, and says what became of it.
//
// It knows no platform's wire format and no policy about votes: platforms stand
// in the packages below it, votes are judged by its Service. Everything that it
// hears and says goes through the inbox and outbox of its Mailbox, so that
// nothing is lost and nothing runs twice.
package bot

import (
	"time"

	"github.com/rollcallhq/rollcall/sync/run"
)

// Message is one thing that a person said, or a button that a person pressed,
// verified and decoded by a platform's package.
type Message struct {
	Platform run.Platform `json:"platform"`
	ID       string       `json:"id"`               // of the message, or of the press: the same however often it is delivered
	Chat     string       `json:"chat"`             // chat_id, conversationId
	Direct   bool         `json:"direct,omitempty"` // a conversation of the person with the bot alone
	Sender   []string     `json:"sender"`           // every id of the sender that the platform gave; empty = unknown
	// Foreign: the sender, or the room, belongs to another tenant or is a bot.
	Foreign bool `json:"foreign,omitempty"`
	// Addressed: the bot itself was mentioned, spoken to alone, or a button of
	// its own was pressed. What is not addressed to it is not answered.
	Addressed bool      `json:"addressed"`
	Text      string    `json:"text"`               // without the mention of the bot; other mentions as @Name
	Mentions  []Mention `json:"mentions,omitempty"` // of others
	Press     *Press    `json:"press,omitempty"`    // a button, instead of Text
	At        time.Time `json:"at"`                 // when the person sent it
	Weak      bool      `json:"weak,omitempty"`     // came by DingTalk's HTTP callback
	Session   Session   `json:"session,omitzero"`   // DingTalk: where an answer may go for a while
	// Once: the platform does not deliver it again, so that the sender is told when
	// Receive does not take it. It is never obeyed then.
	Once bool `json:"-"`
}

// Mention is another person who was mentioned.
type Mention struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Press is a button that was pressed: a typed command in disguise.
type Press struct {
	Command string            `json:"command"` // Button.Command, as the card carried it
	Digest  string            `json:"digest"`  // Button.Digest
	Form    map[string]string `json:"form,omitempty"`
	Card    string            `json:"card"` // the message that bears the button
}

// Session is DingTalk's session webhook: a URL that is a secret, and its end.
type Session struct {
	URL     string    `json:"url"`
	Expires time.Time `json:"expires"`
}
