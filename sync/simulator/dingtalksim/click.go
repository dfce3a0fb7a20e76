package dingtalksim

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
)

// Click is a press on a card's button of the kind that calls back.
type Click struct {
	OutTrackID string
	Staff      string
	ActionID   string
	Params     map[string]string // the button's parameters, such as action=accept
}

// cardCallback is the data of a card callback frame. Content is JSON as text.
type cardCallback struct {
	Type       string `json:"type"`
	OutTrackID string `json:"outTrackId"`
	CorpID     string `json:"corpId"`
	UserID     string `json:"userId"`
	UserIDType int    `json:"userIdType"`
	SpaceID    string `json:"spaceId"`
	SpaceType  string `json:"spaceType"`
	Extension  string `json:"extension"`
	Content    string `json:"content"`
}

// Click sends the callback of a pressed card button to one random Stream
// connection, waits for its answer and updates the card by it. It fails with
// ErrUnknown when the person cannot see the card or the card does not call
// back by Stream, and with ErrNotConnected or ErrNoAck like Say.
func (s *Sim) Click(ctx context.Context, click Click) (Ack, error) {
	data, err := s.startClick(click)
	if err != nil {
		return Ack{}, err
	}
	ack, err := s.deliver(ctx, pushed{topic: topicCard, data: data, limit: s.opts.CardAckWithin})
	s.endClick(click, ack, err)
	s.announce()
	return ack, err
}

func (s *Sim) startClick(click Click) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, found := s.cards[click.OutTrackID]
	if !found || !c.Stream || c.conversation == "" {
		return "", fmt.Errorf("find a delivered card %s with Stream callbacks: %w", click.OutTrackID, ErrUnknown)
	}
	if _, err := s.room(c.conversation, click.Staff); err != nil {
		return "", err
	}
	if len(c.Recipients) > 0 && !slices.Contains(c.Recipients, click.Staff) {
		return "", fmt.Errorf("find %s among the recipients: %w", click.Staff, ErrUnknown)
	}
	content, err := json.Marshal(map[string]any{"cardPrivateData": map[string]any{
		"actionIds": []string{click.ActionID}, "params": merged(nil, click.Params, false),
	}})
	if err != nil {
		return "", fmt.Errorf("encode click: %w", err)
	}
	data, err := json.Marshal(cardCallback{
		Type: "actionCallback", OutTrackID: c.OutTrackID, CorpID: s.opts.CorpID,
		UserID: click.Staff, UserIDType: 1, SpaceID: c.space, SpaceType: c.kind,
		Extension: "{}", Content: string(content),
	})
	if err != nil {
		return "", fmt.Errorf("encode click: %w", err)
	}
	c.clicking++
	return string(data), nil
}

// endClick applies the answer of a callback.
func (s *Sim) endClick(click Click, ack Ack, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.cards[click.OutTrackID]
	c.clicking--
	if err != nil || ack.Code != http.StatusOK {
		return
	}
	o, err := decodeObject([]byte(ack.Data))
	if err != nil {
		s.complain("a card callback was acknowledged without JSON data")
		return
	}
	response := o.child("response")
	update, problem := readCardUpdate(response)
	var private map[string]string
	if problem == "" {
		private, problem = cardParams(response.child("userPrivateData"))
	}
	if problem != "" {
		s.complain("the answer to a card callback is wrong: %s", problem)
		return
	}
	if response["userPrivateData"] != nil {
		c.setPrivate(click.Staff, private, update.privateByKey)
	}
	s.updateCard(c, update)
}

// cardUpdate is a change of a card's public data.
type cardUpdate struct {
	public              map[string]string // nil = leave it alone
	byKey, privateByKey bool
}

// readCardUpdate reads cardData and cardUpdateOptions, or says what is wrong.
func readCardUpdate(o object) (cardUpdate, string) {
	options := o.child("cardUpdateOptions")
	u := cardUpdate{byKey: options.yes("updateCardDataByKey"), privateByKey: options.yes("updatePrivateDataByKey")}
	if o["cardData"] == nil {
		return u, ""
	}
	var problem string
	u.public, problem = cardParams(o.child("cardData"))
	return u, problem
}

// updateCard changes the public data and shows the change in the conversation.
// The caller holds s.mu.
func (s *Sim) updateCard(c *card, u cardUpdate) {
	if u.public == nil {
		return
	}
	c.Params = merged(c.Params, u.public, u.byKey)
	s.amend(c.conversation, c.OutTrackID, func(m *Message) {
		m.Params = maps.Clone(c.Params)
		m.Edits++
	})
}
