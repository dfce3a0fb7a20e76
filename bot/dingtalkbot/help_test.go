package dingtalkbot_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/bot/dingtalkbot"
	"github.com/rollcallhq/rollcall/sync/run"
	"github.com/rollcallhq/rollcall/sync/simulator/dingtalksim"
)

const (
	room   = "cidOPS=="
	corp   = "dingsimcorp"
	secret = "simsecret-canary"
)

func TestMain(m *testing.M) {
	dingtalkbot.Mute() // before any connection reads it
	goleak.VerifyTestMain(m)
}

type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 11, 25, 9, 7, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// inbox is what a test receives with.
type inbox struct {
	mu   sync.Mutex
	all  []bot.Message
	fail error
	come chan bot.Message
}

func newInbox() *inbox { return &inbox{come: make(chan bot.Message, 4096)} }

func (i *inbox) receive(_ context.Context, m bot.Message) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.fail != nil {
		return i.fail
	}
	i.all = append(i.all, m)
	i.come <- m
	return nil
}

func (i *inbox) breakDown(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fail = err
}

func (i *inbox) messages() []bot.Message {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]bot.Message(nil), i.all...)
}

var errBroken = errors.New("the record cannot be written")

type world struct {
	*testing.T
	*dingtalksim.Sim
	bot   *dingtalkbot.Bot
	clock *clock
	box   *inbox
	log   *safeLog
	base  string
}

// safeLog keeps log lines.
type safeLog struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *safeLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *safeLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

type change func(*dingtalkbot.Options, *dingtalksim.Options)

func setup(t *testing.T, changes ...change) *world {
	t.Helper()
	w := &world{T: t, clock: newClock(), box: newInbox(), log: &safeLog{}}
	so := dingtalksim.Options{ClientSecret: secret, CorpID: corp, Now: w.clock.now, QPS: -1}
	o := dingtalkbot.Options{
		ClientID: "dingsimclient", ClientSecret: secret, CorpID: corp, BotName: "点名", Conversations: []string{room},
		Now: w.clock.now, Logger: slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, c := range changes {
		c(&o, &so)
	}
	w.Sim = dingtalksim.New(so)
	server := httptest.NewServer(w.Handler())
	t.Cleanup(server.Close)
	t.Cleanup(w.Close)
	w.base = server.URL
	w.SetBaseURL(server.URL)
	if o.APIURL == "" {
		o.APIURL, o.OAPIURL = server.URL, server.URL
	}
	if o.HTTPClient == nil {
		o.HTTPClient = server.Client()
	}
	w.AddConversation(room, "运维群", "", "u1", "u2")
	var err error
	if w.bot, err = dingtalkbot.New(o); err != nil {
		t.Fatal(err)
	}
	w.bot.Hurry(10*time.Millisecond, 100*time.Millisecond, 10*time.Millisecond)
	return w
}

// listen starts to receive and waits for n connections.
func (w *world) listen(n int) (stop func()) {
	w.Helper()
	ctx, cancel := context.WithCancel(w.Context())
	done := make(chan error, 1)
	go func() { done <- w.bot.Listen(ctx, w.box.receive) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				w.Errorf("Listen: %v", err)
			}
		case <-time.After(20 * time.Second):
			w.Error("Listen does not end")
		}
	})
	w.Cleanup(stop)
	wait, end := context.WithTimeout(w.Context(), 20*time.Second)
	defer end()
	if err := w.AwaitConnections(wait, n); err != nil {
		w.Fatal(err)
	}
	return stop
}

func (w *world) next() bot.Message {
	w.Helper()
	select {
	case m := <-w.box.come:
		return m
	case <-time.After(20 * time.Second):
		w.Fatal("no message came")
		return bot.Message{}
	}
}

func (w *world) say(text string, o dingtalksim.SayOptions) dingtalksim.Delivery {
	w.Helper()
	d, err := w.Say(w.Context(), room, "u1", text, o)
	if err != nil {
		w.Fatal(err)
	}
	return d
}

// innocent fails the test when the platform had something to swallow, or when a
// secret is in the log.
func (w *world) innocent() {
	w.Helper()
	for _, c := range w.Complaints() {
		w.Errorf("complaint: %s", c)
	}
	for _, s := range []string{secret, "session=", "ticket"} {
		if strings.Contains(w.log.String(), s) {
			w.Errorf("the log holds %q", s)
		}
	}
}

// heard waits for n messages of the bot in a conversation.
func (w *world) heard(conversation string, n int) []dingtalksim.Message {
	w.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		if list := w.Messages(conversation); len(list) >= n {
			return list
		}
		if time.Now().After(deadline) {
			w.Fatalf("the bot said %d things in %s, want %d; log: %s", len(w.Messages(conversation)), conversation, n, w.log)
		}
		<-time.After(5 * time.Millisecond)
	}
}

func out(card bot.Card) bot.Outgoing {
	return bot.Outgoing{Platform: run.DingTalk, Chat: room, Lang: bot.ZH, Card: card}
}
