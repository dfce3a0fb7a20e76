// Package feishubot is the Feishu (or Lark) side of the conversation: it takes
// what people say and press from the platform, and draws what is answered.
//
// It verifies, decodes and renders; it understands no command, knows no policy
// and keeps nothing but the bot's own identity. Group webhooks are not here,
// and neither is the vendor's long-connection client, which costs a minute to
// compile: see the package longconn.
package feishubot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/feishutoken"
	"github.com/rollcallhq/rollcall/sync/run"
)

var _ bot.Platform = (*Bot)(nil)

const (
	defaultWindow = 5 * time.Minute
	// claimTime bounds the claim of one message: Feishu takes no answer after
	// three seconds for a failure.
	claimTime = 2500 * time.Millisecond
)

// Handle takes one event of schema 2.0 as it came, unencrypted. The bytes, if
// any, are the answer to a pressed button; an error means that the event was
// not taken and must come again.
type Handle func(ctx context.Context, payload []byte) ([]byte, error)

// Connect receives events by the long connection until ctx ends;
// longconn.Listen does.
type Connect func(ctx context.Context, handle Handle) error

// Options set up a Bot.
type Options struct {
	AppID   string // required: "cli_…"
	BaseURL string // default feishutoken.DefaultBaseURL; without a path
	// TenantKey pins the tenant. "" pins that of the first genuine event, until
	// the process ends.
	TenantKey string
	// EncryptKey and VerificationToken are both required without Connect: an
	// event by HTTP callback proves its origin by nothing else.
	EncryptKey        string `json:"-"`
	VerificationToken string `json:"-"`
	// Connect is the long connection; nil: events come by Handler.
	Connect Connect
	// Window is how far the signed time of a callback may be from ours, either
	// way; default 5 minutes.
	Window time.Duration
	// BotMoved is told when the bot was put into a group (added) or taken out of
	// it, by whichever way events come; the app must subscribe both events. It may
	// be told the same twice, and must be quick: Feishu waits for it. Optional.
	BotMoved func(ctx context.Context, chat string, added bool)
	// Contacts is told that contacts of the tenant changed, by whichever way events
	// come; the app must subscribe the events of contacts. It must be quick. Optional.
	Contacts func(ctx context.Context, hints []directory.Hint)
	// UserIDType is what ids of people Contacts is told: user_id (default) or open_id.
	UserIDType string
	// BotOpenID is the bot's own open_id ("ou_…"); default: asked from Feishu.
	BotOpenID string

	Tokens     *feishutoken.Source // required
	HTTPClient *http.Client        // default: a client of its own; redirects are never followed
	Now        func() time.Time    // required
	Logger     *slog.Logger        // default: none
}

// Format prints the options without a secret, whatever the verb.
func (o Options) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "{%s %s ***}", o.BaseURL, o.AppID)
}

func (o *Options) setDefaults() {
	if o.BaseURL == "" {
		o.BaseURL = feishutoken.DefaultBaseURL
	}
	o.BaseURL = strings.TrimRight(o.BaseURL, "/")
	if o.Window <= 0 {
		o.Window = defaultWindow
	}
	if o.UserIDType == "" {
		o.UserIDType = "user_id"
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	client := http.Client{}
	if o.HTTPClient != nil {
		client = *o.HTTPClient
	}
	// The token goes nowhere but to the base URL.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	o.HTTPClient = &client
}

func (o *Options) validate() error {
	var errs []error
	missing := func(name string, is bool) {
		if is {
			errs = append(errs, errors.New(name+" is missing"))
		}
	}
	missing("app_id", o.AppID == "")
	missing("clock", o.Now == nil)
	missing("token source", o.Tokens == nil)
	missing("encrypt_key (required for callbacks)", o.Connect == nil && o.EncryptKey == "")
	missing("verification_token (required for callbacks)", o.Connect == nil && o.VerificationToken == "")
	return errors.Join(errs...)
}

// Bot is the app bot of one tenant. It is safe for concurrent use.
type Bot struct {
	o    Options
	seal *sealer // nil without an Encrypt Key
	self identity
	dms  private

	tenant atomic.Pointer[string] // pinned; nil before the first genuine event

	mu      sync.Mutex
	refused map[string]int64
}

// New gives a Bot; it makes no call. A wrong option is an Invalid fault that
// names all of them.
func New(o Options) (*Bot, error) {
	if err := o.validate(); err != nil {
		names := strings.ReplaceAll(err.Error(), "\n", ", ")
		return nil, fault.Wrap(fault.Invalid, err,
			"the configuration of the Feishu bot is wrong: %s / 飞书机器人的配置不对：%s", names, names)
	}
	o.setDefaults()
	b := &Bot{o: o, refused: map[string]int64{}}
	if o.EncryptKey != "" {
		b.seal = newSealer(o.EncryptKey)
	}
	if o.TenantKey != "" {
		b.tenant.Store(&o.TenantKey)
	}
	b.self.init(o.BotOpenID)
	return b, nil
}

// Name gives run.Feishu.
func (b *Bot) Name() run.Platform { return run.Feishu }

// Can tells that Feishu draws everything.
func (b *Bot) Can() bot.Abilities {
	return bot.Abilities{
		Edit: true, Threads: true, Buttons: true, Forms: true, Direct: true, Files: true,
	}
}

// Listen receives messages until ctx ends: by the long connection, or, without
// one, only by the Handler. It learns the bot's own identity, without which a
// mention in a group cannot be told to be ours, and connects when that is known,
// at the latest after 30 s. It returns nil when ctx ends, else what Connect
// returned.
func (b *Bot) Listen(ctx context.Context, receive bot.Receive) error {
	ctx, stop := context.WithCancel(ctx)
	var known sync.WaitGroup
	known.Go(func() { b.learn(ctx) })
	defer known.Wait()
	defer stop()
	if b.o.Connect == nil {
		<-ctx.Done()
		return nil
	}
	if b.self.wait(ctx, dialWait); ctx.Err() != nil {
		return nil
	}
	err := b.o.Connect(ctx, func(ctx context.Context, payload []byte) ([]byte, error) {
		return b.take(ctx, payload, receive)
	})
	if ctx.Err() != nil {
		return nil // the end was asked for
	}
	return err
}

// Refused counts the requests that were refused, by reason.
func (b *Bot) Refused() map[string]int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make(map[string]int64, len(b.refused))
	maps.Copy(out, b.refused)
	return out
}

// refuse counts and logs one refusal: the reason is ours, nothing of the
// request is repeated.
func (b *Bot) refuse(ctx context.Context, reason string, more ...any) {
	b.count(reason)
	b.o.Logger.WarnContext(ctx, "event refused", append([]any{"system", "feishu", "reason", reason}, more...)...)
}

func (b *Bot) count(reason string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refused[reason]++
}
