package main

import (
	"context"
	"fmt"
	"hash/maphash"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/simulator/dingtalksim"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

// The ways by which a message reaches the service.
const (
	byCallback = "feishu callback"
	byLongConn = "feishu connection"
	byStream   = "dingtalk stream"
)

// remark is one thing that somebody said.
type remark struct {
	id   string // of the message
	way  string
	verb string // "" = it was not said to the bot
	ack  time.Duration
	late time.Duration // how long after its time it was sent: the load's own lag
	sent int           // how often it was delivered
	err  error         // it was never acknowledged
	// refused: DingTalk, which never comes again, was told that it is not accepted,
	// and who said it must be told to send it again.
	refused bool
}

// heardOf is what the bot said to one message.
type heardOf struct {
	n       int // messages
	doubled int // of them, those that said what was said already
	texts   map[uint64]bool
	first   time.Time
}

// loadDrive says things at a steady rate and hears what is answered.
type loadDrive struct {
	w    *loadWorld
	code string // of a run that can be shown
	seed maphash.Seed

	mu       sync.Mutex
	said     []*remark
	answers  map[string]*heardOf
	posts    map[string]int         // messages of the bot by platform, edits too
	inChat   map[string][]time.Time // of a DingTalk conversation
	atOnce   []time.Time            // of DingTalk
	stopEars func()
}

func openDrive(w *loadWorld) *loadDrive {
	d := &loadDrive{w: w, seed: maphash.MakeSeed(), answers: map[string]*heardOf{}, posts: map[string]int{}, inChat: map[string][]time.Time{}}
	d.stopEars = w.feishu.OnMessage(func(m feishusim.Message) {
		if m.FromBot && !m.Recalled {
			d.hear("feishu", m.ParentID, m.Content, m.Edits > 0)
		}
	})
	w.ding.OnMessage(func(m dingtalksim.Message) {
		d.hear("dingtalk", m.AnswerTo, m.Title+m.Text, m.Edits > 0)
		d.mu.Lock()
		defer d.mu.Unlock()
		now := time.Now()
		d.inChat[m.Conversation] = append(d.inChat[m.Conversation], now)
		d.atOnce = append(d.atOnce, now)
	})
	return d
}

func (d *loadDrive) hear(platform, to, text string, edit bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.posts[platform]++
	if edit {
		return
	}
	a := d.answers[to]
	if a == nil {
		a = &heardOf{texts: map[uint64]bool{}, first: time.Now()}
		d.answers[to] = a
	}
	a.n++
	sum := maphash.String(d.seed, text)
	if a.texts[sum] {
		a.doubled++
	}
	a.texts[sum] = true
}

// lines are what people say; %s is the room's flow, %c the code of a run.
func loadLines() []struct{ verb, line string } {
	return []struct{ verb, line string }{
		{"status", "状态"},
		{"status", "status"},
		{"runs", "历史"},
		{"help", "帮助"},
		{"runs", "history %s"},
		{"status", "状态 %s"},
		{"show", "详情 %c"},
		{"help", "help plan"},
		{"whoami", "我是谁"},
		{"status", "status %s"},
		{"runs", "flows"},
		{"unknown", "帮我看看报销到哪一步了"},
		{"show", "show %c #1"},
		{"help", "help"},
		{"whoami", "whoami"},
		{"todo", "待办"},
		{"unknown", "stauts please"},
		{"runs", "流程"},
		{"status", "状态 %c"},
		{"todo", "todo"},
		{"", "中午吃什么"},
		{"status", "status"},
	}
}

// planEvery is how many commands come before one asks for a plan.
const planEvery = 211

// steady says n things at the rate, each at its own time: one that is slow keeps no
// other waiting. It returns when all are acknowledged, or given up.
func (d *loadDrive) steady(ctx context.Context, n int) {
	var group sync.WaitGroup
	began := time.Now()
	for k := range n {
		at := began.Add(time.Duration(k) * time.Second / time.Duration(d.w.rate))
		if !pause(ctx, time.Until(at)) {
			break
		}
		group.Go(func() { d.say(ctx, k, at) })
	}
	group.Wait()
}

// say says the kth thing, which was to be said at a time.
func (d *loadDrive) say(ctx context.Context, k int, at time.Time) {
	person := k % d.w.persons()
	room, feishu := d.w.room(person), person%2 == 0
	lines := loadLines()
	line := lines[(k+k/len(lines))%len(lines)]
	if k%planEvery < 5 && d.w.operator(person) {
		line.verb, line.line = "plan", "预演 %s"
	}
	if !feishu && line.verb == "" { // a robot of DingTalk hears only what is said to it
		line.verb, line.line = "help", "帮助 同步"
	}
	c := &remark{verb: line.verb, sent: 1}
	if k%100 == 7 && line.verb != "" {
		c.sent = 2 // a platform delivers again
	}
	text := d.text(line.line, room)
	if feishu {
		d.sayFeishu(ctx, c, k, feishusim.Words{Chat: loadChat(room), From: loadOpenID(person), Text: text})
	} else {
		d.sayDing(ctx, c, loadConv(room), loadStaff(person), text)
	}
	if c.late = time.Since(at) - c.ack; c.late < 0 {
		c.late = 0
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.said = append(d.said, c)
}

func (d *loadDrive) text(line string, room int) string {
	out := make([]byte, 0, len(line)+8)
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] == '%' && line[i+1] == 's':
			out, i = append(out, loadFlow(room%d.w.flows)...), i+1
		case line[i] == '%' && line[i+1] == 'c':
			out, i = append(out, d.code...), i+1
		default:
			out = append(out, line[i])
		}
	}
	return string(out)
}

// sayFeishu delivers by callback to one replica or by the other's connection, and
// what comes twice by both. What is refused comes again, as the platform promises.
func (d *loadDrive) sayFeishu(ctx context.Context, c *remark, k int, words feishusim.Words) {
	words.Everyone = c.verb == ""
	if c.verb != "" {
		words.Text = "@点名 " + words.Text
	}
	e, err := d.w.feishu.MessageEvent(words)
	if c.id = e.MessageID; err != nil {
		c.err = err
		return
	}
	ways := []string{byCallback, byLongConn}
	if k/2%2 == 1 {
		ways[0], ways[1] = ways[1], ways[0]
	}
	c.way = ways[0]
	for i, way := range ways[:c.sent] {
		began := time.Now()
		err := d.deliver(ctx, way, e)
		if i == 0 {
			c.ack = time.Since(began)
		}
		for try := 0; err != nil && try < 20 && pause(ctx, time.Second); try++ { // sooner than the platform's 15 s
			c.sent++
			err = d.deliver(ctx, way, e)
		}
		if err != nil {
			c.err = err
		}
	}
}

func (d *loadDrive) deliver(ctx context.Context, way string, e feishusim.Event) error {
	if way == byLongConn {
		_, err := d.w.feishu.Deliver(ctx, e)
		return err
	}
	a, err := d.w.feishu.Post(ctx, "http://"+d.w.replicas[0].listen+feishuPath, e, feishusim.Forgery{})
	if err == nil && a.Status != http.StatusOK {
		err = fmt.Errorf("the callback answers %d", a.Status)
	}
	return err
}

// sayDing delivers over one of the Stream connections; the platform never comes again.
func (d *loadDrive) sayDing(ctx context.Context, c *remark, conversation, staff, text string) {
	c.way = byStream
	began := time.Now()
	got, err := d.w.ding.Say(ctx, conversation, staff, text, dingtalksim.SayOptions{})
	c.ack, c.id = time.Since(began), got.MessageID
	c.refused = err == nil && got.Ack.Code != http.StatusOK
	if err == nil && c.sent > 1 { // the field has seen it all the same
		_, err = d.w.ding.Redeliver(ctx, c.id)
	}
	c.err = err
}

// tally is what became of everything that was said.
type tally struct {
	commands, talk, deliveries    int
	unacknowledged                int
	answered, unanswered, doubled int
	disturbed                     int // talk that was answered
	refused                       int // told to send it again
	acks                          map[string][]time.Duration
	lag                           []time.Duration
}

func (d *loadDrive) tally() tally {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := tally{acks: map[string][]time.Duration{}}
	for _, c := range d.said {
		s.deliveries += c.sent
		a := d.answers[c.id]
		if c.err != nil {
			s.unacknowledged++
		}
		if c.refused {
			s.refused++
		}
		if c.verb == "" {
			s.talk++
			if a != nil {
				s.disturbed++
			}
			continue
		}
		s.commands++
		s.acks[c.way] = append(s.acks[c.way], c.ack)
		s.lag = append(s.lag, c.late)
		switch {
		case a == nil:
			s.unanswered++
			continue
		case c.refused: // told so, and perhaps answered as well, where the record was slow and not away
		case a.doubled > 0 || a.n > 1 && c.verb != "plan" && c.way != byStream: // a plan's end is told, too; long texts of DingTalk have parts
			s.doubled++
		}
		s.answered++
	}
	return s
}

// each lists what is wrong, at most a few, to be looked at.
func (d *loadDrive) wrong() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []string
	for _, c := range d.said {
		a := d.answers[c.id]
		if len(all) == 10 {
			break
		}
		switch {
		case c.err != nil:
			all = append(all, fmt.Sprintf("%s %q (%s): %v", c.id, c.verb, c.way, c.err))
		case c.verb != "" && a == nil:
			all = append(all, fmt.Sprintf("%s %q (%s) is not answered", c.id, c.verb, c.way))
		case a != nil && a.doubled > 0:
			all = append(all, fmt.Sprintf("%s %q (%s) is answered %d times, %d of them doubled", c.id, c.verb, c.way, a.n, a.doubled))
		}
	}
	return all
}

// lost sees that nothing was lost and nothing doubled: in the rooms and in the record.
func (d *loadDrive) lost(t *testing.T, before int) {
	t.Helper()
	s := d.tally()
	if s.unacknowledged+s.unanswered+s.doubled+s.disturbed > 0 {
		t.Errorf("of %d commands %d were not acknowledged, %d not answered, %d answered twice; %d of %d that were not said to the bot were answered:\n%v",
			s.commands, s.unacknowledged, s.unanswered, s.doubled, s.disturbed, s.talk, d.wrong())
	}
	if n := d.w.count(t, `SELECT COUNT(*) FROM inbox`) - before; n > s.commands || n < s.commands-s.refused {
		t.Errorf("%d messages in the inbox, want %d, of which %d were refused", n, s.commands, s.refused)
	}
	if n := d.w.count(t, `SELECT COUNT(*) FROM inbox WHERE handled = 0`); n != 0 {
		t.Errorf("%d messages are not handled", n)
	}
	if n := d.w.count(t, `SELECT COUNT(*) FROM outbox WHERE state NOT IN ('sent', 'merged')`); n != 0 {
		t.Errorf("%d letters are not sent", n)
	}
}
