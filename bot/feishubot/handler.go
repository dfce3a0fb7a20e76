package feishubot

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/rollcallhq/rollcall/bot"
)

const (
	bodyLimit      = 1 << 20
	challengeLimit = 256 // characters that are echoed
)

// verdict is how a request ends that is not accepted.
type verdict struct {
	status int
	reason string
	skew   time.Duration // of the signed time, when that is the reason
}

// Handler takes events and pressed buttons by HTTP callback. A forged, stale or
// foreign request gets 401 and an empty body, a malformed one 400, a large one
// 413; each leaves one line in the log and a count in Refused. What receive
// does not take gets 503, so that Feishu sends it again. A message that is old
// but genuine is handed on: whether it comes too late is not decided here.
func (b *Bot) Handler(receive bot.Receive) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, no := b.serve(w, r, receive)
		if no.status != 0 {
			if no.reason != "" {
				b.refuse(r.Context(), no.reason, no.attrs()...)
			}
			w.WriteHeader(no.status)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(answer) //nolint:gosec // JSON of our own, with nosniff; the caller may be gone: it will send again
	})
}

func (b *Bot) serve(w http.ResponseWriter, r *http.Request, receive bot.Receive) ([]byte, verdict) {
	if r.Method != http.MethodPost {
		return nil, verdict{status: http.StatusMethodNotAllowed, reason: notPost}
	}
	if b.seal == nil || b.o.VerificationToken == "" {
		// Only with the long connection, which needs neither: no callback is ever
		// genuine then.
		return nil, verdict{status: http.StatusUnauthorized, reason: unsigned}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyLimit))
	if err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return nil, verdict{status: http.StatusRequestEntityTooLarge, reason: tooLarge}
		}
		return nil, verdict{status: http.StatusBadRequest, reason: cutOff}
	}
	signed, no := b.signature(r.Header, body)
	if no.status != 0 {
		return nil, no
	}
	e, no := b.unseal(body, signed)
	if no.status != 0 {
		return nil, no
	}
	if e.challenge() {
		return b.echo(e)
	}
	return b.accept(r.Context(), e, signed, receive)
}

// signature checks time and signature of a request. Without any of the three
// headers it may still be the test of the address, which is not always signed.
func (b *Bot) signature(h http.Header, body []byte) (signed bool, no verdict) {
	stamps, nonces := h.Values("X-Lark-Request-Timestamp"), h.Values("X-Lark-Request-Nonce")
	signatures := h.Values("X-Lark-Signature")
	if len(stamps)+len(nonces)+len(signatures) == 0 {
		return false, verdict{}
	}
	if len(stamps) != 1 || len(nonces) != 1 || len(signatures) != 1 {
		return false, verdict{status: http.StatusUnauthorized, reason: badSignature}
	}
	if !equal(signatures[0], b.seal.sign(stamps[0], nonces[0], body)) {
		return false, verdict{status: http.StatusUnauthorized, reason: badSignature}
	}
	if skew, fresh := b.fresh(stamps[0]); !fresh {
		return false, verdict{status: http.StatusUnauthorized, reason: staleTime, skew: skew}
	}
	return true, verdict{}
}

// attrs says in the log how far the time of a genuine signature is from ours: it is a
// replay, or a clock is wrong, and then every event is refused.
func (v verdict) attrs() []any {
	if v.skew == 0 {
		return nil
	}
	return []any{"clock_skew", v.skew.String()}
}

// fresh tells whether the signed time, in seconds, is within the window around
// ours, either way, and how far it is from it.
func (b *Bot) fresh(stamp string) (skew time.Duration, is bool) {
	n, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || n <= 0 || len(stamp) > 11 {
		return 0, false
	}
	// Whole seconds on both sides: the platform's stamp has no more.
	skew = b.o.Now().Truncate(time.Second).Sub(time.Unix(n, 0))
	return skew, skew.Abs() <= b.o.Window
}

// unseal opens the body. To a caller who could not sign, everything that is
// wrong inside looks the same, so that nothing can be learned of the key.
func (b *Bot) unseal(body []byte, signed bool) (*envelope, verdict) {
	malformed := http.StatusBadRequest
	if !signed {
		malformed = http.StatusUnauthorized
	}
	if strict(body) != nil {
		return nil, verdict{status: http.StatusBadRequest, reason: badShape}
	}
	var outer struct {
		Sealed string `json:"encrypt"`
	}
	if json.Unmarshal(body, &outer) != nil || outer.Sealed == "" {
		return nil, verdict{status: http.StatusUnauthorized, reason: notSealed}
	}
	raw, err := b.seal.open(outer.Sealed)
	if err != nil {
		return nil, verdict{status: http.StatusUnauthorized, reason: unreadable}
	}
	e, ok := readEnvelope(raw)
	if !ok {
		return nil, verdict{status: malformed, reason: badShape}
	}
	return e, verdict{}
}

// echo answers the test of the address.
func (b *Bot) echo(e *envelope) ([]byte, verdict) {
	if !equal(e.Token, b.o.VerificationToken) {
		return nil, verdict{status: http.StatusUnauthorized, reason: wrongToken}
	}
	if e.Challenge == "" || utf8.RuneCountInString(e.Challenge) > challengeLimit {
		return nil, verdict{status: http.StatusBadRequest, reason: badChallenge}
	}
	answer, err := json.Marshal(map[string]string{"challenge": e.Challenge})
	if err != nil {
		return nil, verdict{status: http.StatusBadRequest, reason: badChallenge}
	}
	return answer, verdict{}
}

// accept checks where an event comes from and delivers it.
func (b *Bot) accept(ctx context.Context, e *envelope, signed bool, receive bot.Receive) ([]byte, verdict) {
	token := e.Token
	if e.Header != nil {
		token = e.Header.Token
	}
	switch {
	case !signed:
		return nil, verdict{status: http.StatusUnauthorized, reason: unsigned}
	case !equal(token, b.o.VerificationToken):
		return nil, verdict{status: http.StatusUnauthorized, reason: wrongToken}
	case e.Header == nil:
		return []byte("{}"), verdict{} // an event of the older schema: nothing that we asked for
	}
	if reason, ok := b.ours(e); !ok {
		return nil, verdict{status: http.StatusUnauthorized, reason: reason}
	}
	answer, err := b.deliver(ctx, e, receive)
	switch {
	case errors.Is(err, errRefused):
		return nil, verdict{status: http.StatusBadRequest, reason: ""} // deliver has told the reason
	case err != nil:
		return nil, verdict{status: http.StatusServiceUnavailable, reason: ""}
	case answer == nil:
		return []byte("{}"), verdict{}
	}
	return answer, verdict{}
}
