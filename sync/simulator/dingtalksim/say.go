package dingtalksim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Webhook chooses what a message says about its session webhook.
type Webhook int

// The choices.
const (
	WebhookFresh   Webhook = iota // valid for 90 minutes from the message's creation
	WebhookNone                   // the message has none
	WebhookExpired                // the message has one whose time is over
	WebhookDead                   // the message claims a valid one, and it is refused
)

// SayOptions are the ways in which a message can be unusual. The zero value is
// an ordinary fresh text message that mentions the robot.
type SayOptions struct {
	MessageID     string    // the msgId; "" = a new one
	Duplicate     bool      // deliver the message twice: the same msgId in two frames
	EmptyStaffID  bool      // senderStaffId is empty, as for outsiders and unpublished robots
	SenderCorpID  string    // the speaker's corp; "" = this one
	ChatbotCorpID string    // the corp that has the robot; "" = this one
	RobotCode     string    // the addressed robot; "" = this one
	NoRobotCode   bool      // robotCode is empty, as seen in the field
	CreateAt      time.Time // when it was said; zero = now
	RichText      bool      // msgtype richText instead of text
	Webhook       Webhook
	At            []string // staff ids that are mentioned besides the robot
}

// Utterance is who says what where, and how.
type Utterance struct {
	Conversation string // the id of a group, or Direct(Staff)
	Staff        string // who speaks; a member of the group
	Text         string // without the mention and its blank
	SayOptions
}

// Delivery is what became of a message.
type Delivery struct {
	MessageID string
	Ack       Ack // of the last delivery
}

// Say lets a person say something to the robot in a group (or in Direct), and
// delivers it to one random Stream connection. It returns after the
// acknowledgement, whatever its code. Errors wrap ErrNotConnected or ErrNoAck,
// with the message lost, or ErrUnknown; or give the cause of an ended ctx.
func (s *Sim) Say(ctx context.Context, conversationID, staffID, text string, o SayOptions) (Delivery, error) {
	m, err := s.speak(Utterance{Conversation: conversationID, Staff: staffID, Text: text, SayOptions: o})
	if err != nil {
		return Delivery{}, err
	}
	d := Delivery{MessageID: m.id}
	times := 1
	if o.Duplicate {
		times = 2
	}
	for i := range times {
		frameID := m.frameID
		if i > 0 {
			frameID = newID("frame-")
		}
		if d.Ack, err = s.deliver(ctx, pushed{topic: topicBot, data: m.data, frameID: frameID}); err != nil {
			return d, err
		}
	}
	return d, nil
}

// Redeliver sends a message that was said before once more, the very same
// frame. DingTalk promises never to do so with bot messages, and is reported
// to do it all the same.
func (s *Sim) Redeliver(ctx context.Context, messageID string) (Delivery, error) {
	m, found := s.said(messageID)
	if !found {
		return Delivery{}, fmt.Errorf("find message %s: %w", messageID, ErrUnknown)
	}
	ack, err := s.deliver(ctx, pushed{topic: topicBot, data: m.data, frameID: m.frameID})
	return Delivery{MessageID: messageID, Ack: ack}, err
}

func (s *Sim) deliver(ctx context.Context, p pushed) (Ack, error) {
	c, err := s.pick(either(p.kind, typeCallback), p.topic)
	if err != nil {
		return Ack{}, err
	}
	return s.push(ctx, c, p)
}

// spoken is a message as it went out.
type spoken struct {
	id, frameID, conversation, data string
}

func (s *Sim) said(messageID string) (spoken, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, said := range slices.Backward(s.spoken) {
		if said.id == messageID {
			return said, true
		}
	}
	return spoken{}, false
}

// robotMessage is the JSON of a message to the robot, in Stream frames and in
// HTTP callbacks alike.
type robotMessage struct {
	ConversationID            string    `json:"conversationId"`
	OpenThreadID              string    `json:"openThreadId"`
	ConversationType          string    `json:"conversationType"` // "1" single, "2" group
	ConversationTitle         string    `json:"conversationTitle,omitempty"`
	MsgID                     string    `json:"msgId"`
	MsgType                   string    `json:"msgtype"`
	Text                      *textPart `json:"text,omitempty"`
	Content                   *richPart `json:"content,omitempty"`
	SenderStaffID             string    `json:"senderStaffId"`
	SenderUnionID             string    `json:"senderUnionId,omitempty"`
	SenderID                  string    `json:"senderId"`
	SenderNick                string    `json:"senderNick"`
	SenderCorpID              string    `json:"senderCorpId"`
	SenderPlatform            string    `json:"senderPlatform"`
	IsAdmin                   bool      `json:"isAdmin"`
	IsInAtList                bool      `json:"isInAtList"`
	AtUsers                   []atUser  `json:"atUsers,omitempty"`
	ChatbotCorpID             string    `json:"chatbotCorpId"`
	ChatbotUserID             string    `json:"chatbotUserId"`
	RobotCode                 string    `json:"robotCode"`
	SessionWebhook            string    `json:"sessionWebhook,omitempty"`
	SessionWebhookExpiredTime int64     `json:"sessionWebhookExpiredTime,omitempty"`
	CreateAt                  int64     `json:"createAt"`
	ErrorCode                 string    `json:"errorCode,omitempty"`
	ErrorMessage              string    `json:"errorMessage,omitempty"`
}

type textPart struct {
	Content string `json:"content"`
}

type richPart struct {
	RichText []richPiece `json:"richText"`
}

type richPiece struct {
	Text string `json:"text"`
}

type atUser struct {
	DingtalkID string `json:"dingtalkId"`
	StaffID    string `json:"staffId,omitempty"`
	UnionID    string `json:"unionId,omitempty"`
}

// speak composes a message, spends one of the month's messages on it and
// remembers it for Redeliver.
func (s *Sim) speak(u Utterance) (spoken, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.room(u.Conversation, u.Staff)
	if err != nil {
		return spoken{}, err
	}
	who := s.staff[u.Staff]
	if who == nil {
		return spoken{}, fmt.Errorf("find staff %s: %w", u.Staff, ErrUnknown)
	}
	m := s.compose(u, c, who)
	if m.AtUsers, err = s.mentions(u.At, c.single); err != nil {
		return spoken{}, err
	}
	if err := s.addWebhook(&m, u); err != nil {
		return spoken{}, err
	}
	s.addText(&m, u)
	data, err := json.Marshal(m)
	if err != nil {
		return spoken{}, fmt.Errorf("encode message: %w", err)
	}
	out := spoken{id: m.MsgID, frameID: newID("frame-"), conversation: c.id, data: string(data)}
	s.spoken = keepLast(append(s.spoken, out), keep)
	return out, nil
}

// compose fills in everything but mentions, webhook and text.
func (s *Sim) compose(u Utterance, c *conversation, who *person) robotMessage {
	created := either(u.CreateAt, s.opts.Now())
	m := robotMessage{
		ConversationID: c.id, OpenThreadID: c.id, ConversationTitle: c.title, ConversationType: "2",
		MsgID:         either(u.MessageID, newID("msg")),
		SenderStaffID: who.staffID, SenderUnionID: who.unionID, SenderID: who.dingtalkID, SenderNick: who.name,
		SenderCorpID: either(u.SenderCorpID, s.opts.CorpID), SenderPlatform: "Mac",
		IsInAtList:    true,
		ChatbotCorpID: either(u.ChatbotCorpID, s.opts.CorpID), ChatbotUserID: s.robotUserID(),
		RobotCode: either(u.RobotCode, s.opts.RobotCode),
		CreateAt:  created.UnixMilli(),
	}
	if c.single {
		m.ConversationType, m.IsInAtList = "1", false
	}
	if u.EmptyStaffID {
		m.SenderStaffID, m.SenderUnionID = "", ""
	}
	if u.NoRobotCode {
		m.RobotCode = ""
	}
	return m
}

func (s *Sim) robotUserID() string { return "$:LWCP_v1:$robot-" + s.opts.RobotCode }

// mentions lists the robot first, which has no staff id, and then the people.
func (s *Sim) mentions(staffIDs []string, single bool) ([]atUser, error) {
	var list []atUser
	if !single {
		list = append(list, atUser{DingtalkID: s.robotUserID()})
	}
	for _, id := range staffIDs {
		p := s.staff[id]
		if p == nil {
			return nil, fmt.Errorf("find mentioned staff %s: %w", id, ErrUnknown)
		}
		list = append(list, atUser{DingtalkID: p.dingtalkID, StaffID: p.staffID, UnionID: p.unionID})
	}
	return list, nil
}

// addWebhook opens a session for the message.
func (s *Sim) addWebhook(m *robotMessage, u Utterance) error {
	if u.Webhook == WebhookNone {
		return nil
	}
	if s.base == "" {
		return errors.New("open session: the simulator's address is unknown: call SetBaseURL")
	}
	expires := time.UnixMilli(m.CreateAt).Add(sessionLife)
	if u.Webhook == WebhookExpired {
		expires = s.opts.Now().Add(-time.Minute)
	}
	key := newID("")
	if u.Webhook != WebhookDead {
		s.openSession(key, session{conversation: m.ConversationID, messageID: m.MsgID, expires: expires})
	}
	m.SessionWebhook = s.base + "/robot/sendBySession?session=" + key
	m.SessionWebhookExpiredTime = expires.UnixMilli()
	return nil
}

// addText puts the text in, after the blank that the platform leaves where the
// robot's mention was; a corp without quota gets an error code instead.
func (s *Sim) addText(m *robotMessage, u Utterance) {
	text := u.Text
	if m.ConversationType == "2" {
		text = " " + text
	}
	m.MsgType = "text"
	if u.RichText {
		m.MsgType = "richText"
	}
	switch {
	case !s.spendMessage():
		m.ErrorCode, m.ErrorMessage = "20001", "企业本月webhook和stream调用量已用完"
	case u.RichText:
		m.Content = &richPart{RichText: []richPiece{{Text: text}}}
	default:
		m.Text = &textPart{Content: text}
	}
}
