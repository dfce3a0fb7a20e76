package feishubot

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/sync/feishutoken"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

const (
	encryptKey = "planted-encrypt-key"
	verifyWord = "planted-verification"
	appSecret  = "planted-app-secret"
)

// clock is a clock that only a test moves.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// inbox is a Receive that remembers.
type inbox struct {
	mu   sync.Mutex
	got  []bot.Message
	fail error
}

func (i *inbox) receive(_ context.Context, m bot.Message) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.fail != nil {
		return i.fail
	}
	i.got = append(i.got, m)
	return nil
}

func (i *inbox) all() []bot.Message {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]bot.Message(nil), i.got...)
}

func (i *inbox) setFail(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fail = err
}

var errStore = errors.New("the store is down")

// lines is a log whose lines can be read while it is written.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *lines) count() int { return strings.Count(l.text(), "\n") }

// world is a simulated tenant, a bot in it, and its callback address.
type world struct {
	*Bot
	sim    *feishusim.Sim
	clock  *clock
	inbox  *inbox
	log    *lines
	target string // of callbacks
	chat   string
	limin  string // open ids
	zhou   string
}

func setup(t *testing.T, change func(*feishusim.Options, *Options)) *world {
	t.Helper()
	w := &world{clock: newClock(), inbox: &inbox{}, log: &lines{}, chat: "oc_ops"}
	so := feishusim.Options{
		AppSecret: appSecret, EncryptKey: encryptKey, VerificationToken: verifyWord, Now: w.clock.now, NoLimits: true,
	}
	o := Options{
		AppID: "cli_sim", EncryptKey: encryptKey, VerificationToken: verifyWord, Now: w.clock.now,
		Logger: slog.New(slog.NewJSONHandler(w.log, nil)),
	}
	if change != nil {
		change(&so, &o)
	}
	w.sim = feishusim.New(so)
	tenant := httptest.NewServer(w.sim.Handler())
	t.Cleanup(tenant.Close)
	t.Cleanup(w.sim.DropConnections)
	w.limin, w.zhou = w.person(t, "李敏", "limin"), w.person(t, "Zhou Kai", "zhou")
	w.sim.AddChat(w.chat, "运维群", w.limin, w.zhou)
	o.BaseURL = tenant.URL
	o.Tokens = feishutoken.New(feishutoken.Options{
		BaseURL: tenant.URL, AppID: "cli_sim", AppSecret: appSecret, Now: w.clock.now,
	})
	if o.BotOpenID == "" {
		o.BotOpenID = w.sim.BotID()
	}
	if o.BotOpenID == "unknown" {
		o.BotOpenID = ""
	}
	b, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	w.Bot = b
	callback := httptest.NewServer(b.Handler(w.inbox.receive))
	t.Cleanup(callback.Close)
	w.target = callback.URL
	return w
}

func (w *world) person(t *testing.T, name, id string) string {
	t.Helper()
	u, err := w.sim.AddUser(feishusim.User{Name: name, UserID: id})
	if err != nil {
		t.Fatal(err)
	}
	return u.OpenID
}

func (w *world) say(t *testing.T, words feishusim.Words) feishusim.Event {
	t.Helper()
	if words.Chat == "" {
		words.Chat = w.chat
	}
	if words.From == "" {
		words.From = w.limin
	}
	e, err := w.sim.MessageEvent(words)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func (w *world) post(t *testing.T, e feishusim.Event, f feishusim.Forgery) feishusim.Answer {
	t.Helper()
	a, err := w.sim.Post(t.Context(), w.target, e, f)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// noSecrets looks for planted secrets in a text.
func noSecrets(t *testing.T, text string) {
	t.Helper()
	for _, secret := range []string{encryptKey, verifyWord, appSecret, "Bearer", "tenant_access_token"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is in: %s", secret, text)
		}
	}
}
