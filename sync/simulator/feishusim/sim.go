// Package feishusim pretends to be one Feishu tenant on loopback: tokens,
// contacts, messages, cards, group webhooks, events over HTTP and the long
// connection. Tests and the demo point the product at it.
//
// It is written from the vendor's public facts and never imports the
// connector or the bot that it serves, so that one misreading does not prove
// itself right. It is strict on purpose: where the vendor is known to refuse,
// it refuses with the vendor's code, and where a mistake would be ignored in
// silence (an unknown property in a body) it refuses as well.
//
// It is not for load figures of the real service, keeps nothing on disk and
// opens no connection except to an event receiver that a test names.
package feishusim

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"sync"
	"time"
)

// Options shape the tenant. The zero value of each field means its default;
// Now has none.
type Options struct {
	AppID             string // default "cli_sim"
	AppSecret         string // default "sim-secret"
	TenantKey         string // default "tenant_sim"
	EncryptKey        string // for events over HTTP; "" sends them plain and unsigned
	VerificationToken string // default "sim-verification"
	BotName           string // default "点名"

	// Now is the tenant's clock: token life, rate limits, de-duplication,
	// message age and timestamps follow it. Required; New panics without it.
	Now func() time.Time

	Latency   time.Duration // real time that each API call takes before it is served; default none
	TokenLife time.Duration // life of a new tenant token; default 2 h
	LongToken bool          // issue tokens of about 3 KB, as the announced JWT form will be

	PageSize    int  // the most items in one page, whatever the caller asked for (1–50); default 50
	NoLimits    bool // switch all rate limits off
	LimitFactor int  // multiply every rate limit, for tests that need more room; default 1

	MobileOptional bool // the Lark edition: a user may be created without a mobile
	Unjoined       bool // users created by API stay unjoined (44010 on patch) until Join is called

	// DeletionTakes is how long a deletion goes on after its answer: until then
	// nobody can be resurrected (44034); default not at all.
	DeletionTakes time.Duration
	// Licences are the seat ids of a tenant with several licences: who is created
	// or resurrected there needs some of them (44046, 44048); none is a tenant with one licence.
	Licences []string

	AckWait  time.Duration      // how long a long-connection delivery waits for its ack, in real time; default 3 s
	SplitAt  int                // split event payloads above this many bytes into several frames; default never
	MaxConns int                // long connections allowed at once; default 50
	Pick     func(n int) int    // which of n connected clients gets an event; default random
	Client   ClientConfig       // the connection settings handed to clients; default 120 s ping, 120 s interval, 30 s nonce, no end
	Scopes   []string           // permissions granted to the app; nil grants all
	Contacts *ContactScope      // the app's contact range; nil is all staff
	OnError  func(detail error) // told about protocol mistakes of a long-connection client; default ignored
}

// Sim is one tenant. All methods are safe for concurrent use.
type Sim struct {
	o Options

	mu      sync.Mutex
	serial  uint64 // source of every generated id, so that a run is repeatable
	effects []Effect
	calls   map[string]int
	faults  []*fault
	limits  map[string]*bucket

	tokens   tokenState
	granted  map[string]bool // nil: every permission
	contacts *ContactScope
	pageGen  int

	directory directory
	custom    customState
	im        imState
	hooks     map[string]*hook
	link      linkState
}

// Effect is one successful write, in the order of the writes.
type Effect struct {
	At     time.Time
	Op     string // such as "user.create", "user.patch", "department.delete", "message.reply"
	ID     string // open id, open department id or message id
	Detail string // the request body of a contact write; kind and chat of a message
}

// New makes an empty tenant with only the root department. It starts nothing.
func New(o Options) *Sim {
	if o.Now == nil {
		panic("feishusim: Options.Now is required")
	}
	o.setDefaults()
	s := &Sim{
		o:        o,
		calls:    map[string]int{},
		limits:   map[string]*bucket{},
		contacts: o.Contacts.clone(),
		hooks:    map[string]*hook{},
	}
	s.tokens.live = map[string]time.Time{}
	s.directory.init()
	s.im.init()
	s.link.init()
	s.SetScopes(o.Scopes...)
	s.im.botID = s.newID("ou_", "bot")
	return s
}

func (o *Options) setDefaults() {
	text := func(p *string, v string) {
		if *p == "" {
			*p = v
		}
	}
	text(&o.AppID, "cli_sim")
	text(&o.AppSecret, "sim-secret")
	text(&o.TenantKey, "tenant_sim")
	text(&o.VerificationToken, "sim-verification")
	text(&o.BotName, "点名")
	if o.TokenLife <= 0 {
		o.TokenLife = 2 * time.Hour
	}
	if o.PageSize <= 0 || o.PageSize > maxPage {
		o.PageSize = maxPage
	}
	if o.LimitFactor <= 0 {
		o.LimitFactor = 1
	}
	if o.AckWait <= 0 {
		o.AckWait = 3 * time.Second
	}
	if o.MaxConns <= 0 {
		o.MaxConns = 50
	}
	if o.Pick == nil {
		o.Pick = rand.IntN
	}
	if o.Client == (ClientConfig{}) {
		o.Client = ClientConfig{ReconnectCount: -1, ReconnectInterval: 120, ReconnectNonce: 30, PingInterval: 120}
	}
	if o.OnError == nil {
		o.OnError = func(error) {}
	}
}

// AppID gives the app's id.
func (s *Sim) AppID() string { return s.o.AppID }

// AppSecret gives the app's secret.
func (s *Sim) AppSecret() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.o.AppSecret
}

// TenantKey gives the tenant's key.
func (s *Sim) TenantKey() string { return s.o.TenantKey }

// BotID gives the bot's own open_id.
func (s *Sim) BotID() string { return s.im.botID }

// Effects gives every successful write so far, oldest first.
func (s *Sim) Effects() []Effect {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Effect(nil), s.effects...)
}

// EffectsOf gives the writes of one kind, oldest first.
func (s *Sim) EffectsOf(op string) []Effect {
	var out []Effect
	for _, e := range s.Effects() {
		if e.Op == op {
			out = append(out, e)
		}
	}
	return out
}

// Calls counts the requests received by API name, such as "user.patch" or
// "token.tenant"; refused and faulted requests count too.
func (s *Sim) Calls() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[string]int, len(s.calls))
	maps.Copy(out, s.calls)
	return out
}

// effect appends to the log. The caller holds the lock.
func (s *Sim) effect(op, id, detail string) {
	s.effects = append(s.effects, Effect{At: s.o.Now(), Op: op, ID: id, Detail: detail})
}

// next gives the next serial number. The caller holds the lock, or is New.
func (s *Sim) next() uint64 {
	s.serial++
	return s.serial
}

// newID gives an id that looks like the vendor's: a prefix and 32 hex digits.
func (s *Sim) newID(prefix, kind string) string {
	return prefix + s.digest(kind)[:32]
}

func (s *Sim) digest(kind string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%s/%d", s.o.AppID, kind, s.next()))
	return hex.EncodeToString(sum[:])
}

// matcher lets a Fault name a path by prefix or by expression.
func matcher(prefix string, re *regexp.Regexp, path string) bool {
	if re != nil {
		return re.MatchString(path)
	}
	return len(path) >= len(prefix) && path[:len(prefix)] == prefix
}
