package dingtalkbot

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/bot/markdown"
)

const (
	bodyLimit = 1 << 20
	silently  = `{"msgtype":"empty"}` // an answer that says nothing in the room
)

// Sign gives the signature of an HTTP callback: Base64 of the HMAC-SHA256 of
// timestamp (milliseconds), newline and secret under the secret. It does not
// cover the body. Source: the vendor's page "robot receives messages".
func Sign(timestamp, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(timestamp + "\n" + secret))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Handler takes messages by HTTP callback. A forged, stale or foreign request,
// or any while messages come by Stream, gets 401 and an empty body, a malformed
// one 400, a large one 413; each leaves one line in the log and a count in
// Refused. Messages are Weak: whoever has seen one request can send any other
// body with its signature for as long as the window. What receive does not take
// is answered in the response, since DingTalk does not send again.
func (b *Bot) Handler(receive bot.Receive) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, answer := b.serve(w, r, receive)
		if answer == "" {
			w.WriteHeader(status)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer) //nolint:gosec // JSON of our own, with nosniff; the caller may be gone: nobody is left to tell
	})
}

func (b *Bot) serve(w http.ResponseWriter, r *http.Request, receive bot.Receive) (status int, answer string) {
	ctx := r.Context()
	if b.o.Receive != Callback {
		b.refuse(ctx, switchedOff)
		return http.StatusUnauthorized, ""
	}
	if r.Method != http.MethodPost {
		b.refuse(ctx, notPost)
		return http.StatusMethodNotAllowed, ""
	}
	if reason, skew := b.signed(r.Header); reason != "" {
		if skew == 0 {
			b.refuse(ctx, reason)
		} else { // a replay, or a clock is wrong, and then every message is refused
			b.refuse(ctx, reason, "clock_skew", skew.String())
		}
		return http.StatusUnauthorized, ""
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyLimit))
	if err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			b.refuse(ctx, tooLarge)
			return http.StatusRequestEntityTooLarge, ""
		}
		b.refuse(ctx, cutOff)
		return http.StatusBadRequest, ""
	}
	m, v := b.hear(ctx, body, door{receive: receive, weak: true})
	switch v.reason {
	case "":
		return http.StatusOK, silently
	case badShape, badMessage:
		return http.StatusBadRequest, ""
	case notClaimed, noQuota:
		if m.Foreign {
			return http.StatusOK, silently
		}
		return http.StatusOK, b.reply(ctx, m, v.sorry)
	default:
		return http.StatusUnauthorized, ""
	}
}

// signed checks time and signature, and gives the reason of a refusal, and how far
// the time of a genuine signature is from ours.
func (b *Bot) signed(h http.Header) (reason string, skew time.Duration) {
	stamps, signs := h.Values("timestamp"), h.Values("sign")
	if len(stamps) != 1 || len(signs) != 1 {
		return badSignature, 0
	}
	if !hmac.Equal([]byte(signs[0]), []byte(Sign(stamps[0], b.o.ClientSecret))) {
		return badSignature, 0
	}
	n, err := strconv.ParseInt(stamps[0], 10, 64)
	if err != nil || n <= 0 || len(stamps[0]) > 14 {
		return staleTime, 0
	}
	if skew = b.o.Now().Truncate(time.Millisecond).Sub(time.UnixMilli(n)); skew.Abs() > b.o.Window {
		return staleTime, skew
	}
	return "", 0
}

// turnTime bounds how long is asked whether a chat has room: with the claim it stays
// within the 2.5 s of a callback.
const turnTime = 300 * time.Millisecond

// reply is an answer in the response's body, which takes a message as the
// webhooks do. Where the chat has no room the sender is told later.
func (b *Bot) reply(ctx context.Context, m bot.Message, text string) string {
	ctx, cancel := context.WithTimeoutCause(ctx, turnTime, errors.New("no turn in time"))
	defer cancel()
	if b.gathered(ctx, m, text) {
		return silently
	}
	called := []string{}
	if len(m.Sender) > 0 && markdown.ID(m.Sender[0]) {
		called, text = m.Sender[:1], text+" @"+m.Sender[0]
	}
	raw, err := json.Marshal(map[string]any{
		"msgtype": "text", "text": map[string]any{"content": text},
		"at": map[string]any{"atUserIds": called, "isAtAll": false},
	})
	if err != nil { // strings only: it cannot fail
		return silently
	}
	return string(raw)
}
