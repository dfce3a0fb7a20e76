// Package dingtalkbot is the DingTalk side of the conversation: it takes what
// people say to the app's robot, by Stream or by HTTP callback, and sends what
// is answered.
//
// It verifies, decodes and draws; it understands no command, knows no policy
// and keeps nothing. Group robots with a webhook of their own are not here (see
// the package webhook), and neither are contacts.
//
// DingTalk has no threads and never sends a message again, so an answer goes to
// the session webhook of the message that it answers, and a message that could
// not be taken is answered at once from memory.
package dingtalkbot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

var _ bot.Platform = (*Bot)(nil)

// The ways in which messages come.
const (
	Stream   = "stream"
	Callback = "callback" // HTTP; its signature does not cover the body
)

// The addresses of the platform.
const (
	DefaultAPIURL  = "https://api.dingtalk.com"
	DefaultOAPIURL = "https://oapi.dingtalk.com"
)

const (
	defaultWindow  = 5 * time.Minute
	defaultStreams = 2
)

// Options set up a Bot.
type Options struct {
	ClientID     string // required; AppKey of old
	ClientSecret string `json:"-"` // required
	// RobotCode names the robot; default ClientID, as for internal apps.
	RobotCode string
	// CorpID is the corp whose people count as ours. Required for Callback;
	// with Stream it defaults to the corp that each message was delivered in, and
	// a pressed card is not taken before the first message.
	CorpID string
	// APIURL and OAPIURL default to the platform's; without a path.
	APIURL, OAPIURL string
	// Receive is Stream (default) or Callback.
	Receive string
	// Conversations are the ids of the bound groups. By Callback nothing is
	// accepted from elsewhere; at least one is required then.
	Conversations []string
	// BotName is what "@" calls the robot by in a group. It stands in the
	// commands that buttons send; "" = not.
	BotName string
	// CardTemplate is the id of an interactive card's template; "" = action
	// cards, which cannot be edited. See docs/bots/dingtalk.md for its variables.
	CardTemplate string
	// Contacts is told that contacts of the corp changed, by Stream alone: events
	// are ticked in the console. It must be quick. Optional.
	Contacts func(ctx context.Context, hints []directory.Hint)
	// Streams is the number of Stream connections; default 2, since a message
	// that comes while none is healthy is lost for good.
	Streams int
	// Changed is told how many Stream connections stand, whenever that changes. It
	// must be quick. Optional.
	Changed func(up int)
	// Window is how far the signed time of a callback may be from ours, either
	// way; default 5 minutes.
	Window time.Duration

	HTTPClient *http.Client     // default: a client of its own; redirects are never followed
	Now        func() time.Time // required
	Logger     *slog.Logger     // default: none
}

// Format prints the options without a secret, whatever the verb.
func (o Options) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "{%s %s %s ***}", o.APIURL, o.ClientID, o.Receive)
}

func (o *Options) setDefaults() {
	o.RobotCode = either(o.RobotCode, o.ClientID)
	o.APIURL = strings.TrimRight(either(o.APIURL, DefaultAPIURL), "/")
	o.OAPIURL = strings.TrimRight(either(o.OAPIURL, DefaultOAPIURL), "/")
	o.Receive = either(o.Receive, Stream)
	o.Conversations = slices.Clone(o.Conversations)
	if o.Window <= 0 {
		o.Window = defaultWindow
	}
	if o.Streams <= 0 {
		o.Streams = defaultStreams
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	client := http.Client{}
	if o.HTTPClient != nil {
		client = *o.HTTPClient
	}
	// Tokens and sessions go nowhere but where they were sent to.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	o.HTTPClient = &client
}

func (o *Options) validate() error {
	var errs []error
	wrong := func(is bool, what string) {
		if is {
			errs = append(errs, errors.New(what))
		}
	}
	callback := o.Receive == Callback
	wrong(o.ClientID == "", "client_id is missing")
	wrong(o.ClientSecret == "", "client_secret is missing")
	wrong(o.Now == nil, "clock is missing")
	wrong(o.Receive != Stream && !callback, "receive is neither stream nor callback")
	wrong(callback && o.CorpID == "", "corp_id is missing (required for callbacks)")
	wrong(callback && len(o.Conversations) == 0, "no room is bound (required for callbacks)")
	wrong(!isBase(o.APIURL), "api_url is not the address of a host")
	wrong(!isBase(o.OAPIURL), "oapi_url is not the address of a host")
	return errors.Join(errs...)
}

// isBase tells whether s is a scheme and a host, and nothing else.
func isBase(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && s == u.Scheme+"://"+u.Host
}

// Bot is the robot of one app. It is safe for concurrent use.
type Bot struct {
	o      Options
	tokens *tokenSource
	oapi   *url.URL               // of OAPIURL
	corp   atomic.Pointer[string] // ours, as the first message by Stream said; nil before
	heard  atomic.Int64           // when the last frame came by Stream; Unix milliseconds, 0 = never
	pause  pauses
	begun  begun
	crowds crowds
	turn   func(context.Context, bot.Outgoing) time.Duration // see Turns; nil: everybody is told at once
	broken atomic.Int64                                      // until when the card template is not tried; Unix milliseconds

	mu      sync.Mutex
	refused map[string]int64
}

// New gives a Bot; it makes no call. A wrong option is an Invalid fault that
// names all of them.
func New(o Options) (*Bot, error) {
	o.setDefaults()
	if err := o.validate(); err != nil {
		names := strings.ReplaceAll(err.Error(), "\n", ", ")
		return nil, fault.Wrap(fault.Invalid, err,
			"the configuration of the DingTalk bot is wrong: %s / 钉钉机器人的配置不对：%s", names, names)
	}
	oapi, err := url.Parse(o.OAPIURL)
	if err != nil { // isBase has parsed it
		return nil, fault.New(fault.Invalid, "oapi_url is not a URL / oapi_url 不是网址")
	}
	b := &Bot{o: o, oapi: oapi, pause: defaultPauses(), refused: map[string]int64{}}
	b.tokens = newTokenSource(b)
	return b, nil
}

// Name gives run.DingTalk.
func (b *Bot) Name() run.Platform { return run.DingTalk }

// Can tells what DingTalk draws: buttons, no threads, no forms and no charts;
// cards are edited only with a template.
func (b *Bot) Can() bot.Abilities {
	return bot.Abilities{Edit: b.o.CardTemplate != "", Buttons: true, Direct: true, Files: true}
}

// Probe tests, for make live, that the app gets an access token. Faults:
// Credential, Limited, Unavailable.
func (b *Bot) Probe(ctx context.Context) error {
	_, err := b.tokens.token(ctx)
	return err
}

// LastFrame tells when the last frame came by Stream, and whether one ever did.
// The platform sends pings, so a long silence means a dead connection.
func (b *Bot) LastFrame() (time.Time, bool) {
	ms := b.heard.Load()
	return time.UnixMilli(ms).UTC(), ms != 0
}

// Refused counts what was not accepted, by reason.
func (b *Bot) Refused() map[string]int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.refused)
}

// The reasons of a refusal, as logged and counted.
const (
	notPost      = "method"
	switchedOff  = "off" // a callback, while messages come by Stream
	badSignature = "signature"
	staleTime    = "stale"
	tooLarge     = "too_large"
	cutOff       = "cut_off"
	badShape     = "shape"
	badEvent     = "event"
	badMessage   = "message"
	wrongCorp    = "corp"
	wrongRobot   = "robot"
	wrongRoom    = "conversation"
	noQuota      = "quota"
	notClaimed   = "not_claimed"
	badWebhook   = "session_webhook" // the message was taken, without it
	badPress     = "press"
	movedCard    = "card_moved"
	unanswered   = "not_claimed_unanswered" // and the sender could not be told
)

const (
	claimTime    = 2 * time.Second         // of the 2.5 s that a callback has
	pressTime    = 1500 * time.Millisecond // of the 2 s that a press has
	regretTime   = 10 * time.Second
	directPrefix = "direct:"
	singleChat   = "1" // conversationType
)

// refuse counts and logs one refusal: the reason is ours, nothing of the
// request is repeated.
func (b *Bot) refuse(ctx context.Context, reason string, more ...any) {
	b.mu.Lock()
	b.refused[reason]++
	b.mu.Unlock()
	b.o.Logger.WarnContext(ctx, "message refused", append([]any{"system", "dingtalk", "reason", reason}, more...)...)
}

// ours gives the corp whose people count, "" while it is not known.
func (b *Bot) ours() string {
	if p := b.corp.Load(); b.o.CorpID == "" && p != nil {
		return *p
	}
	return b.o.CorpID
}

// DirectChat gives the Chat of a person's conversation with the robot alone:
// the platform's own id of it cannot be written to once its session is over.
func DirectChat(staffID string) string { return directPrefix + staffID }

func either(v, otherwise string) string {
	if v == "" {
		return otherwise
	}
	return v
}
