package feishusim

import (
	"bytes"
	"context"
	"crypto/aes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Forgery bends a delivery over HTTP. The zero value is a genuine one.
type Forgery struct {
	Age          time.Duration // make the timestamp header that old (negative: in the future)
	BadSignature bool          // sign with another key
	Unsigned     bool          // leave the signature headers out
	Plain        bool          // send the body unencrypted although there is a key
	Key          string        // encrypt and sign with this key instead of the tenant's
	Token        string        // another verification token
	AppID        string        // another app
	TenantKey    string        // another tenant
	Nonce        string        // default a new one
}

// Sent is a request as it went out, for a replay to the byte.
type Sent struct {
	Header http.Header
	Body   []byte
}

// Answer is what the receiver said.
type Answer struct {
	Status     int
	Body       []byte
	ClientCode int // for a press: what the person's client shows; 0 is success
	Sent       Sent
}

// maxAnswer is the most that is read of a receiver's answer.
const maxAnswer = 1 << 20

// Retries gives the platform's waits before it delivers an event again that
// was not accepted within 3 s. The tenant runs no timer of its own: a test
// that wants the ladder moves its clock and calls Post or Deliver again.
// Presses are never delivered again.
func Retries() []time.Duration {
	return []time.Duration{15 * time.Second, 5 * time.Minute, time.Hour, 6 * time.Hour}
}

// Post delivers an event to a receiver over HTTP, encrypted and signed when
// the tenant has an Encrypt Key. It waits Options.AckWait for the answer; an
// error means that none came. The card of a press's answer is put in place.
func (s *Sim) Post(ctx context.Context, target string, e Event, f Forgery) (Answer, error) {
	sent := s.seal(e, f)
	out, err := s.Resend(ctx, target, sent)
	if e.Type != EventPress {
		return out, err
	}
	switch {
	case err != nil:
		out.ClientCode = pressTimeout
	case out.Status != http.StatusOK:
		out.ClientCode = pressBadStatus
	default:
		out.ClientCode = s.settle(e, out.Body)
	}
	return out, err
}

// Resend sends a request again as it was: a replay.
func (s *Sim) Resend(ctx context.Context, target string, sent Sent) (Answer, error) {
	out := Answer{Sent: sent}
	ctx, cancel := context.WithTimeout(ctx, s.o.AckWait)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(sent.Body))
	if err != nil {
		return out, fmt.Errorf("post event: %w", bare(err))
	}
	r.Header = sent.Header.Clone()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		return out, fmt.Errorf("post event: %w", bare(err))
	}
	defer func() { _ = resp.Body.Close() }() // read to the end or given up
	out.Status = resp.StatusCode
	if out.Body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer)); err != nil {
		return out, fmt.Errorf("post event: read answer: %w", err)
	}
	if s.dropped() {
		return Answer{Sent: sent}, fmt.Errorf("post event: %w", ErrNoAck)
	}
	return out, nil
}

// bare takes the address out of an error: callback paths are secret.
func bare(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// seal renders, encrypts and signs.
func (s *Sim) seal(e Event, f Forgery) Sent {
	body := s.envelope(e, f)
	key := first(f.Key, s.o.EncryptKey)
	s.mu.Lock()
	nonce, iv := first(f.Nonce, s.digest("nonce")[:16]), [aes.BlockSize]byte{}
	copy(iv[:], s.digest("iv"))
	now := s.o.Now()
	s.mu.Unlock()
	if key != "" && !f.Plain {
		// Marshalling one string cannot fail.
		body, _ = json.Marshal(map[string]string{"encrypt": Encrypt(key, iv, body)}) //nolint:gosec // the vector is drawn above
	}
	h := http.Header{"Content-Type": {"application/json; charset=utf-8"}}
	if key != "" && !f.Unsigned {
		stamp := strconv.FormatInt(now.Add(-f.Age).Unix(), 10)
		if f.BadSignature {
			key += "x"
		}
		h.Set("X-Lark-Request-Timestamp", stamp)
		h.Set("X-Lark-Request-Nonce", nonce)
		h.Set("X-Lark-Signature", Sign(stamp, nonce, key, body))
	}
	return Sent{Header: h, Body: body}
}
