package dingtalksim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// PostOptions are the ways in which an HTTP callback can be forged or late.
// The zero value is a genuine one. A wrong robot or corp is a matter of
// SayOptions.
type PostOptions struct {
	BadSign   bool      // signed with another secret
	NoSign    bool      // without timestamp and sign headers
	Timestamp time.Time // what is signed; zero = now
	// Replay sends the captured headers and body of an earlier Post once more
	// and ignores the utterance.
	Replay *Posted
	// Alter changes the body after signing. The signature does not cover the
	// body, so the receiver cannot tell by it.
	Alter func(body []byte) []byte
}

// Posted is one HTTP callback and its answer.
type Posted struct {
	MessageID  string
	SentHeader http.Header // as captured by somebody who listens
	SentBody   []byte
	Status     int
	Body       []byte
}

// Post sends a message to the robot's HTTP callback at target, as for a robot
// whose receiving mode is HTTP. A message in the answer's body is said in the
// conversation, unless its msgtype is "empty". The error says that no answer
// came within Options.CallbackWithin, or wraps ErrUnknown; any HTTP status is
// an answer.
func (s *Sim) Post(ctx context.Context, target string, u Utterance, o PostOptions) (Posted, error) {
	p, conversationID, err := s.letter(u, o)
	if err != nil {
		return Posted{}, err
	}
	if o.Alter != nil {
		p.SentBody = o.Alter(bytes.Clone(p.SentBody))
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.opts.CallbackWithin, errors.New("the callback took too long"))
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(p.SentBody))
	if err != nil {
		return p, fmt.Errorf("post callback: %w", bare(err))
	}
	r.Header = p.SentHeader.Clone()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	answer, err := client.Do(r)
	if err != nil {
		return p, fmt.Errorf("post callback: %w", bare(err))
	}
	defer func() { _ = answer.Body.Close() }() // read to its end or given up
	p.Status = answer.StatusCode
	if p.Body, err = io.ReadAll(io.LimitReader(answer.Body, bodyLimit)); err != nil {
		return p, fmt.Errorf("read the callback's answer: %w", err)
	}
	s.hear(p, conversationID)
	return p, nil
}

// letter makes or repeats a signed callback, and names its conversation.
func (s *Sim) letter(u Utterance, o PostOptions) (Posted, string, error) {
	if o.Replay != nil {
		m, _ := s.said(o.Replay.MessageID)
		return Posted{
			MessageID:  o.Replay.MessageID,
			SentHeader: o.Replay.SentHeader.Clone(), SentBody: bytes.Clone(o.Replay.SentBody),
		}, m.conversation, nil
	}
	m, err := s.speak(u)
	if err != nil {
		return Posted{}, "", err
	}
	header := http.Header{"Content-Type": {"application/json; charset=utf-8"}}
	if !o.NoSign {
		timestamp, secret := millis(either(o.Timestamp, s.opts.Now())), s.secret()
		if o.BadSign {
			secret += "-of-somebody-else"
		}
		header.Set("timestamp", timestamp)
		header.Set("sign", signature(timestamp, secret))
	}
	return Posted{MessageID: m.id, SentHeader: header, SentBody: []byte(m.data)}, m.conversation, nil
}

// hear says what the answer's body holds.
func (s *Sim) hear(p Posted, conversationID string) {
	if p.Status != http.StatusOK || len(p.Body) == 0 {
		return
	}
	o, err := decodeObject(p.Body)
	if err != nil || o.text("msgtype") == "" || o.text("msgtype") == "empty" {
		return
	}
	s.mu.Lock()
	m, refusal := readMessage(o)
	if refusal.code != 0 {
		s.complain("the answer to a callback is no message: %s", refusal.message)
	} else {
		m.ID, m.Via, m.Conversation, m.AnswerTo = newID("msg"), ViaCallback, conversationID, p.MessageID
		s.record(m)
	}
	s.mu.Unlock()
	s.announce()
}

// bare strips the URL, which may be unguessable on purpose, from an error of
// net/http.
func bare(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
