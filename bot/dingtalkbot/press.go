package dingtalkbot

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/open-dingtalk/dingtalk-stream-sdk-go/payload"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/sync/run"
)

// The kinds of place where a card stands.
const (
	spaceGroup  = "IM_GROUP"
	spaceSingle = "IM_ROBOT"
)

// The parameters that a button of the template sends back.
const (
	paramCommand = "command"
	paramDigest  = "digest"
)

// pressJSON is the callback of a card's button. Source: the vendor's page "card
// callbacks"; content is JSON as text.
type pressJSON struct {
	Type      string `json:"type"`
	Card      string `json:"outTrackId"`
	Corp      string `json:"corpId"`
	User      string `json:"userId"`
	UserKind  number `json:"userIdType"` // 1 = userid
	Space     string `json:"spaceId"`
	SpaceType string `json:"spaceType"`
	Content   string `json:"content"`
}

type pressContent struct {
	Private struct {
		Params map[string]json.RawMessage `json:"params"`
	} `json:"cardPrivateData"`
}

// The answers to a press. The card changes when the command has been obeyed;
// notice is shown to the person who pressed alone.
const (
	pressTaken = `{"response":{}}`
	pressMoved = `{"response":{"cardUpdateOptions":{"updateCardDataByKey":true,"updatePrivateDataByKey":true},` +
		`"userPrivateData":{"cardParamMap":{"notice":"这张卡片不在原来的会话里，按钮无效 / this card is not where it was sent, its buttons do nothing"}}}}`
	pressLost = `{"response":{"cardUpdateOptions":{"updateCardDataByKey":true,"updatePrivateDataByKey":true},` +
		`"userPrivateData":{"cardParamMap":{"notice":"没有收下，请再按一次 / not accepted, press again"}}}}`
)

// errMoved: the card is not one that we sent to this place.
var errMoved = errors.New("the card is not where it was sent")

// errCorp: a user id is somebody else's in another corp, and ours is not known.
var errCorp = errors.New("the corp is not known yet")

// press takes one frame of a pressed button. The platform never sends it again.
func (s *stream) press(ctx context.Context, f *payload.DataFrame) (*payload.DataFrameResponse, error) {
	s.alive()
	if !s.enter() {
		return nil, errLate
	}
	defer s.busy.Done()
	m, err := s.b.pressed(f)
	if errors.Is(err, errCorp) {
		s.b.refuse(ctx, wrongCorp)
		s.sorry(context.WithoutCancel(ctx), m, sorryLost) // what is typed instead tells the corp
		return acknowledged(pressLost), nil
	}
	if errors.Is(err, errMoved) {
		s.b.refuse(ctx, movedCard)
		return acknowledged(pressMoved), nil
	}
	if err != nil {
		s.b.refuse(ctx, badPress)
		return acknowledged(pressTaken), nil // it can never be taken
	}
	ctx = context.WithoutCancel(ctx)
	claim, cancel := context.WithTimeoutCause(ctx, pressTime, errors.New("not claimed in time"))
	defer cancel()
	if err := s.receive(claim, m); err != nil {
		s.b.refuse(ctx, notClaimed)
		s.sorry(ctx, m, sorryLost)          // not every template shows the notice
		return acknowledged(pressLost), nil // told to the person, who is the only one to try again
	}
	return acknowledged(pressTaken), nil
}

// pressed decodes a press. Its id is the frame's: a press has none of its own,
// and the platform's reports of repeats are of the very same frame.
func (b *Bot) pressed(f *payload.DataFrame) (bot.Message, error) {
	var in pressJSON
	if strict([]byte(f.Data)) != nil || json.Unmarshal([]byte(f.Data), &in) != nil {
		return bot.Message{}, errShape
	}
	if in.Card == "" || in.Space == "" || f.GetMessageId() == "" {
		return bot.Message{}, errors.New("is not a press")
	}
	m := bot.Message{
		Platform: run.DingTalk, ID: "press:" + f.GetMessageId(), Chat: in.Space, Addressed: true, Once: true,
		Foreign: b.ours() != "" && in.Corp != b.ours(),
		At:      time.UnixMilli(f.GetTimestamp()).UTC(),
		Press:   &bot.Press{Card: in.Card},
	}
	if f.GetTimestamp() <= 0 {
		m.At = b.o.Now()
	}
	if in.User != "" && in.UserKind == 1 {
		m.Sender = []string{in.User}
	}
	if in.SpaceType == spaceSingle { // nobody else is there to press
		m.Direct, m.Chat = true, DirectChat(in.User)
	}
	if !b.tracked(in.Card, spaceOf(m.Chat)) {
		return bot.Message{}, errMoved
	}
	if b.ours() == "" {
		return m, errCorp
	}
	params := paramsOf(in.Content)
	m.Press.Command, m.Press.Digest = params[paramCommand], params[paramDigest]
	return m, nil
}

// paramsOf gives the texts among the parameters of a button.
func paramsOf(content string) map[string]string {
	var in pressContent
	if strict([]byte(content)) != nil || json.Unmarshal([]byte(content), &in) != nil {
		return nil
	}
	out := map[string]string{}
	for name, raw := range in.Private.Params {
		var text string
		if json.Unmarshal(raw, &text) == nil {
			out[name] = text
		}
	}
	return out
}
