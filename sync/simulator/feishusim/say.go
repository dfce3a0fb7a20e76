package feishusim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Why a delivery was not accepted.
var (
	// ErrNoClient says that no long connection is up.
	ErrNoClient = errors.New("feishusim: no client is connected")
	// ErrNoAck says that the client did not ack in time; the platform would
	// deliver a message again, and a press not.
	ErrNoAck = errors.New("feishusim: the client did not ack in time")
	// ErrRefused says that the client acked with a code that is not 200.
	ErrRefused = errors.New("feishusim: the client refused the event")
	// ErrTooOld says that the card's buttons are dead.
	ErrTooOld = errors.New("feishusim: the card is too old to be pressed")
)

// Ack is the outcome of a delivery.
type Ack struct {
	Event      Event           // deliver it again with Deliver, or change it with Renew
	Delivered  bool            // false when the platform would not deliver (the bot was not mentioned)
	Code       int             // what the client acked with
	Data       json.RawMessage // the ack's payload, decoded: a press's response JSON
	ClientCode int             // for a press: what the person's client shows; 0 is success
}

// MessageID gives the message that the delivery was about.
func (a Ack) MessageID() string { return a.Event.MessageID }

// Say puts a person's words into a chat and delivers them over the long
// connection to one of the connected clients. It returns when the client has
// acked. Words that do not mention the bot in a group are not delivered, and
// that is no error: Ack.Delivered says so.
func (s *Sim) Say(ctx context.Context, w Words) (Ack, error) {
	e, err := s.MessageEvent(w)
	if err != nil {
		return Ack{}, err
	}
	return s.Deliver(ctx, e)
}

// Press presses a button and delivers that over the long connection. The card
// in the response, if any, is put in place before Press returns.
func (s *Sim) Press(ctx context.Context, c Click) (Ack, error) {
	e, err := s.PressEvent(c)
	if err != nil {
		return Ack{}, err
	}
	return s.Deliver(ctx, e)
}

// Deliver sends an event over the long connection, as it is: delivering one
// event twice makes the duplicate that the platform's retries make.
func (s *Sim) Deliver(ctx context.Context, e Event) (Ack, error) {
	out := Ack{Event: e}
	if e.Silent {
		if e.Type == EventPress {
			out.ClientCode = pressNoReceiver
		}
		return out, nil
	}
	answer, err := s.exchange(ctx, e)
	if err == nil {
		out.Delivered = true
		err = out.read(answer)
	}
	if e.Type != EventPress {
		return out, err
	}
	switch {
	case errors.Is(err, ErrNoClient):
		out.ClientCode = pressNoReceiver
	case errors.Is(err, ErrRefused):
		out.ClientCode = pressBadStatus
	case err != nil:
		out.ClientCode = pressTimeout
	case len(out.Data) == 0:
		out.ClientCode = pressNoData
	default:
		out.ClientCode = s.settle(e, out.Data)
	}
	return out, err
}

// DropAcks loses the next n answers of the bot, by either way: the platform then
// thinks that the event did not arrive, while the bot has taken it.
func (s *Sim) DropAcks(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.link.dropAcks = n
}

// dropped tells whether an answer is lost on its way.
func (s *Sim) dropped() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link.dropAcks == 0 {
		return false
	}
	s.link.dropAcks--
	return true
}

// read takes the ack's payload apart.
func (a *Ack) read(f Frame) error {
	var in struct {
		Code int    `json:"code"`
		Data []byte `json:"data"`
	}
	if err := json.Unmarshal(f.Payload, &in); err != nil {
		return fmt.Errorf("%w: its payload is no JSON", ErrRefused)
	}
	a.Code, a.Data = in.Code, in.Data
	if in.Code != http.StatusOK {
		return fmt.Errorf("%w: code %d", ErrRefused, in.Code)
	}
	return nil
}

// exchange sends the event's frames to one client and waits for the ack.
func (s *Sim) exchange(ctx context.Context, e Event) (Frame, error) {
	payload := s.envelope(e, Forgery{})
	c, seq, wait, silent := s.chooseClient()
	if c == nil {
		return Frame{}, ErrNoClient
	}
	defer s.forget(seq)
	if !silent {
		for _, f := range s.frames(e, seq, payload) {
			if err := c.send(f); err != nil {
				return Frame{}, fmt.Errorf("%w: %w", ErrNoAck, err)
			}
		}
	}
	timer := time.NewTimer(s.o.AckWait)
	defer timer.Stop()
	select {
	case f := <-wait:
		if s.dropped() {
			return Frame{}, ErrNoAck
		}
		return f, nil
	case <-timer.C:
		return Frame{}, ErrNoAck
	case <-ctx.Done():
		return Frame{}, fmt.Errorf("%w: %w", ErrNoAck, context.Cause(ctx))
	}
}

// chooseClient picks one connected client, as the platform does: each event
// goes to one of them, never to all.
func (s *Sim) chooseClient() (c *conn, seq uint64, wait chan Frame, silent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.link.conns)
	if n == 0 {
		return nil, 0, nil, false
	}
	c = s.link.conns[s.o.Pick(n)]
	seq, wait = s.next(), make(chan Frame, 1)
	s.link.pending[seq] = wait
	return c, seq, wait, s.link.silent
}

func (s *Sim) forget(seq uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.link.pending, seq)
}

// frames cuts the payload into frames; the parts share everything but "seq".
func (s *Sim) frames(e Event, seq uint64, payload []byte) []*Frame {
	size := len(payload)
	if s.o.SplitAt > 0 {
		size = min(size, s.o.SplitAt)
	}
	sum := (len(payload) + size - 1) / size
	out := make([]*Frame, 0, sum)
	for i := range sum {
		part := payload[i*size : min((i+1)*size, len(payload))]
		out = append(out, &Frame{
			SeqID: seq, LogID: seq, Service: serviceID, Method: MethodData,
			Headers: []Header{
				{"type", "event"},
				{"message_id", e.ID},
				{"sum", strconv.Itoa(sum)},
				{"seq", strconv.Itoa(i)},
				{"trace_id", "trace-" + e.ID},
				{"timestamp", millis(s.o.Now())},
			},
			PayloadType: "json",
			Payload:     part,
		})
	}
	return out
}
