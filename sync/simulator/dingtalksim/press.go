package dingtalksim

import (
	"context"
	"fmt"
	"net/url"
)

// Press lets a person press a button of a message: the client sends the text
// of a dtmd link in that person's name, with the robot's mention in a group.
// It returns like Say. A button that is out of range, or is no dtmd link, is
// an error that wraps ErrUnknown.
func (s *Sim) Press(ctx context.Context, m Message, button int, staffID string) (Delivery, error) {
	if m.Recalled || button < 0 || button >= len(m.Buttons) {
		return Delivery{}, fmt.Errorf("press button %d of %d: %w", button, len(m.Buttons), ErrUnknown)
	}
	text, isCommand := DTMD(m.Buttons[button].URL)
	if !isCommand {
		return Delivery{}, fmt.Errorf("press button %d: it sends no text: %w", button, ErrUnknown)
	}
	return s.Say(ctx, m.Conversation, staffID, text, SayOptions{})
}

// DTMD gives the text that a dtmd link sends, and whether the link sends one.
// The host must be written in lower case: the client ignores any other
// spelling without a word.
func DTMD(link string) (string, bool) {
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "dtmd" || u.Host != "dingtalkclient" || u.Path != "/sendMessage" {
		return "", false
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return "", false
	}
	text := query.Get("content")
	return text, text != ""
}
