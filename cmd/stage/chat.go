package stage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rollcallhq/rollcall/sync/simulator/dingtalksim"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

// Room is one of the groups.
type Room string

// The rooms.
const (
	FeishuRoom Room = "feishu"
	DingRoom   Room = "dingtalk"
	WeComRoom  Room = "wecom" // hears notices only
)

// Direct is a person's conversation with the bot alone, on the platform of a room:
// "feishu/李敏".
func Direct(room Room, who string) Room { return room + "/" + Room(who) }

// split gives the platform's group and, of a direct conversation, the person.
func (r Room) split() (group Room, who string) {
	platform, who, _ := strings.Cut(string(r), "/")
	return Room(platform), who
}

// Post is something that was said in a room, as a terminal shows it.
type Post struct {
	Room Room
	Who  string
	Text string
	Edit bool // replaces an earlier one
	id   string
	ding dingtalksim.Message

	inputs map[string]string // of a card: label → field name
}

// fields names what a person filled in by the card's field names: people go by
// the labels.
func fields(inputs, form map[string]string) map[string]string {
	out := map[string]string{}
	for word, value := range form {
		for label, name := range inputs {
			if strings.Contains(label, word) {
				out[name] = value
			}
		}
	}
	return out
}

// Chat is the window on the rooms: it hears what is said in them and speaks for
// the admins. It is safe for concurrent use.
type Chat struct {
	s    *Stage
	stop func()

	mu    sync.Mutex
	said  string // id of the last message that a person sent to a Feishu chat
	posts []Post
	heard chan struct{} // closed and replaced when there is more
	last  map[Room]func(context.Context) error
}

// OpenChat begins to listen. Close ends it.
func (s *Stage) OpenChat() *Chat {
	c := &Chat{s: s, heard: make(chan struct{}), last: map[Room]func(context.Context) error{}}
	c.stop = s.Feishu.OnMessage(func(m feishusim.Message) {
		if room := c.feishuRoom(m); m.FromBot && room != "" {
			drawn, inputs := drawFeishu(m)
			c.add(Post{Room: room, Who: "点名", Text: drawn, Edit: m.Edits > 0, id: m.ID, inputs: inputs})
		}
	})
	s.DingTalk.OnMessage(func(m dingtalksim.Message) {
		if room := c.dingRoom(m); room != "" {
			c.add(Post{Room: room, Who: "点名", Text: drawDing(m), Edit: m.Edits > 0, id: m.ID, ding: m})
		}
	})
	s.WeCom.OnRobotMessage(func(m wecomsim.RobotMessage) {
		c.add(Post{Room: WeComRoom, Who: "点名", Text: m.Content})
	})
	return c
}

// feishuRoom gives where a Feishu message stands, "" for elsewhere.
func (c *Chat) feishuRoom(m feishusim.Message) Room {
	if m.ChatID == feishuChat {
		return FeishuRoom
	}
	for _, a := range c.s.cast {
		if strings.HasPrefix(m.ChatID, "oc_p2p_") && strings.HasSuffix(m.ChatID, strings.TrimPrefix(a.openID, "ou_")) {
			return Direct(FeishuRoom, a.name)
		}
	}
	return ""
}

func (c *Chat) dingRoom(m dingtalksim.Message) Room {
	if m.Conversation == dingChat {
		return DingRoom
	}
	for _, a := range c.s.cast {
		if m.Conversation == dingtalksim.Direct(a.staffID) {
			return Direct(DingRoom, a.name)
		}
	}
	return ""
}

// WatchTarget shows every write of the target too.
func (c *Chat) WatchTarget() {
	c.s.WeCom.OnEffect(func(e wecomsim.Effect) {
		name := ""
		if u, ok := c.s.WeCom.User(e.ID); ok {
			name = " " + u.Name
		}
		c.add(Post{Room: WeComRoom, Who: "WeCom", Text: e.Op + " " + e.ID + name})
	})
}

// Close ends the listening.
func (c *Chat) Close() { c.stop() }

func (c *Chat) add(p Post) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.posts = append(c.posts, p)
	close(c.heard)
	c.heard = make(chan struct{})
}

// From gives the posts from an index on, and a channel that is closed when
// there is more.
func (c *Chat) From(i int) ([]Post, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.posts[min(i, len(c.posts)):], c.heard
}

func (c *Chat) actor(name string) (actor, error) {
	for _, a := range c.s.cast {
		if a.name == name || a.english == name {
			return a, nil
		}
	}
	return actor{}, fmt.Errorf("nobody here is called %s", name)
}

// Say lets a person say a line. The bot is mentioned by "@点名 ".
func (c *Chat) Say(ctx context.Context, room Room, who, line string) error {
	a, err := c.actor(who)
	if err != nil {
		return err
	}
	c.add(Post{Room: room, Who: a.name, Text: line})
	switch group, alone := room.split(); {
	case group == FeishuRoom && alone != "":
		return c.sayFeishu(ctx, feishusim.Words{From: a.openID, Text: line})
	case group == FeishuRoom:
		return c.sayFeishu(ctx, feishusim.Words{Chat: feishuChat, From: a.openID, Text: line})
	case group == DingRoom && alone != "":
		return c.sayDing(ctx, a, dingtalksim.Direct(a.staffID), line)
	case group == DingRoom:
		return c.sayDing(ctx, a, dingChat, strings.TrimSpace(strings.TrimPrefix(line, "@点名")))
	default:
		return errors.New("nobody can be heard in that room")
	}
}

func (c *Chat) sayFeishu(ctx context.Context, w feishusim.Words) error {
	e, err := c.s.Feishu.MessageEvent(w)
	if err != nil {
		return err
	}
	deliver := func(ctx context.Context) error { return c.deliverFeishu(ctx, e) }
	c.remember(FeishuRoom, deliver)
	c.mu.Lock()
	c.said = e.MessageID
	c.mu.Unlock()
	if w.Chat != "" && !strings.Contains(w.Text, "@点名") {
		return nil // the platform does not deliver what is not said to the bot
	}
	return deliver(ctx)
}

// deliverFeishu delivers an event, and again while it is refused: the real
// platform comes again after 15 s, 5 min, 1 h and 6 h; here it is less patient.
func (c *Chat) deliverFeishu(ctx context.Context, e feishusim.Event) error {
	for try := 0; ; try++ {
		err := c.deliverOnce(ctx, e)
		if err == nil || try == redeliveries {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(redeliverAfter):
		}
	}
}

const (
	redeliveries   = 40
	redeliverAfter = 250 * time.Millisecond
)

func (c *Chat) deliverOnce(ctx context.Context, e feishusim.Event) error {
	if !c.s.o.FeishuCallback {
		_, err := c.s.Feishu.Deliver(ctx, e)
		return err
	}
	answer, err := c.s.Feishu.Post(ctx, c.s.Door(FeishuRoom), e, feishusim.Forgery{})
	if err == nil && answer.Status != 200 {
		err = fmt.Errorf("callback answered %d", answer.Status)
	}
	return err
}

func (c *Chat) sayDing(ctx context.Context, a actor, where, line string) error {
	if !c.s.o.DingCallback {
		d, err := c.s.DingTalk.Say(ctx, where, a.staffID, line, dingtalksim.SayOptions{})
		if err != nil {
			return err
		}
		c.remember(DingRoom, func(ctx context.Context) error {
			_, err := c.s.DingTalk.Redeliver(ctx, d.MessageID)
			return err
		})
		return nil
	}
	url := c.s.Door(DingRoom)
	posted, err := c.s.DingTalk.Post(ctx, url, dingtalksim.Utterance{Conversation: where, Staff: a.staffID, Text: line}, dingtalksim.PostOptions{})
	if err == nil && posted.Status != 200 {
		err = fmt.Errorf("callback answered %d", posted.Status)
	}
	c.remember(DingRoom, func(ctx context.Context) error {
		_, err := c.s.DingTalk.Post(ctx, url, dingtalksim.Utterance{}, dingtalksim.PostOptions{Replay: &posted})
		return err
	})
	return err
}

func (c *Chat) remember(room Room, again func(context.Context) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last[room] = again
}

// Again delivers the last message of a room once more.
func (c *Chat) Again(ctx context.Context, room Room) error {
	c.mu.Lock()
	again := c.last[room]
	c.mu.Unlock()
	if again == nil {
		return errors.New("nothing was said yet")
	}
	return again(ctx)
}

// Recall takes back the last message that a person sent to a Feishu chat, as its
// sender can.
func (c *Chat) Recall(ctx context.Context) error {
	c.mu.Lock()
	said := c.said
	c.mu.Unlock()
	e, err := c.s.Feishu.RecallEvent(said)
	if err != nil {
		return err
	}
	return c.deliverFeishu(ctx, e)
}

// Press lets a person press a button of the newest message that has one of
// that label.
func (c *Chat) Press(ctx context.Context, room Room, who, label string, form map[string]string) error {
	a, err := c.actor(who)
	if err != nil {
		return err
	}
	posts, _ := c.From(0)
	for _, p := range slices.Backward(posts) {
		if p.Room != room || p.Who != "点名" || !strings.Contains(p.Text, "[ "+label) {
			continue
		}
		c.add(Post{Room: room, Who: a.name, Text: "[ " + label + " ]"})
		if group, _ := room.split(); group == DingRoom {
			return c.pressDing(ctx, a, p.ding, label)
		}
		return c.pressFeishu(ctx, feishusim.Click{Message: p.id, By: a.openID, Button: label, Form: fields(p.inputs, form)})
	}
	return fmt.Errorf("no button %q in sight", label)
}

func (c *Chat) pressFeishu(ctx context.Context, click feishusim.Click) error {
	e, err := c.s.Feishu.PressEvent(click)
	if err != nil {
		return err
	}
	c.remember(FeishuRoom, func(ctx context.Context) error { return c.deliverFeishu(ctx, e) })
	return c.deliverFeishu(ctx, e)
}

func (c *Chat) pressDing(ctx context.Context, a actor, m dingtalksim.Message, label string) error {
	for i, b := range m.Buttons {
		if !strings.HasPrefix(b.Title, label) {
			continue
		}
		if c.s.o.DingCallback {
			text, ok := dingtalksim.DTMD(b.URL)
			if !ok {
				return fmt.Errorf("button %q sends nothing", label)
			}
			return c.sayDing(ctx, a, dingChat, strings.TrimSpace(strings.TrimPrefix(text, "@点名")))
		}
		_, err := c.s.DingTalk.Press(ctx, m, i, a.staffID)
		return err
	}
	return fmt.Errorf("no button %q in sight", label)
}

// Inputs gives the fields of a card's form: the name of each by its label.
func (p Post) Inputs() map[string]string { return maps.Clone(p.inputs) }
