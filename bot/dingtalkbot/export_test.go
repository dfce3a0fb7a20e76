package dingtalkbot

import (
	"context"
	"time"

	"github.com/open-dingtalk/dingtalk-stream-sdk-go/payload"

	"github.com/rollcallhq/rollcall/bot"
)

// Mute sets the SDK's logger, as the first Listen does.
func Mute() { silence() }

// Hurry shortens the times of keeping a connection.
func (b *Bot) Hurry(first, last, watch time.Duration) {
	b.pause.first, b.pause.last, b.pause.watch = first, last, watch
}

// KeepAlive shortens the idleness before a ping; the SDK takes 3 s at least.
func (b *Bot) KeepAlive(d time.Duration) { b.pause.keepAlive = d }

// SessionURL is the check of a session webhook.
func (b *Bot) SessionURL(raw string) (string, bool) { return b.sessionURL(raw) }

// Strict is the check of a message's shape.
func Strict(raw []byte) error { return strict(raw) }

// Pressed decodes the frame of a press.
func (b *Bot) Pressed(f *payload.DataFrame) (bot.Message, error) { return b.pressed(f) }

// Track is the id of the card that a message with this key makes in a chat.
func (b *Bot) Track(idem, chat string) string { return b.track(digest(idem), spaceOf(chat)) }

// Upload puts a file where a message can name it.
func (b *Bot) Upload(ctx context.Context, f bot.File) (id, name, kind string, err error) {
	m, err := b.upload(ctx, f)
	if err != nil {
		return "", "", "", err
	}
	return m.id, m.name, m.kind, nil
}
