// Package wecomsim is a strict simulator of one WeCom (企业微信) corp for tests
// and for the demo: contacts, tokens, limits, error codes and group robots,
// served as HTTP on loopback under the vendor's own paths.
//
// It is written from the vendor's documentation, a second time on purpose, and
// knows nothing of the connector that it judges. Where the documentation is
// silent it refuses rather than accepts. It keeps an append-only log of every
// write that took effect, so that a test can count that each change was made
// exactly once, and it can be told to misbehave (Inject).
//
// It is not for production: it stores nothing, it has no latency, and it does
// not model asynchronous batch jobs, tags, or messages of applications.
package wecomsim

import (
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Defaults of Options and figures of the vendor's that are not options.
const (
	defaultTokenLife  = 7200 * time.Second
	defaultLockAfter  = 5
	defaultReplyBytes = 1 << 20
	defaultRootName   = "点名科技 Rollcall"
	lockTime          = time.Hour
	rootID            = 1
)

// Options describe the corp. The zero value is usable: a corp on a new IP with
// one department, whose clock stands still.
type Options struct {
	// CorpID is the corp's id. Default "ww-rollcall-sim".
	CorpID string
	// ContactsSecret is the secret of the contacts assistant (通讯录同步).
	// Default "contacts-secret".
	ContactsSecret string
	// AppSecret is the secret of a self-built application. Default
	// "app-secret".
	AppSecret string
	// RootName is the name of department 1.
	RootName string
	// Now is the clock. Nil means a clock that stands still, so that tokens
	// never expire and no rate window ever ends.
	Now func() time.Time

	// OldIP serves the contacts secret as from an IP in use before 2022-08-15:
	// it may read details. The default is a new IP, where every such read is
	// refused with 48009.
	OldIP bool
	// EditingOff switches the API's right to edit contacts off: every write is
	// refused with 48002.
	EditingOff bool
	// AppScope names the departments (each with all below it) that the
	// application sees. Empty means the whole corp.
	AppScope []int64
	// TrustedIPs are the only addresses that are served; others get 60020.
	// Empty means all.
	TrustedIPs []string
	// ClientIP gives the caller's address. Nil means the peer's address.
	ClientIP func(*http.Request) string

	// TokenLife is how long a token is valid. Default two hours.
	TokenLife time.Duration
	// LockAfter is how many wrong secrets lock an IP out of gettoken for an
	// hour (45009). Default 5.
	LockAfter int
	// PerMinute limits the calls of each path in a minute (45009). Zero means
	// no limit; the vendor's own figure is 10 000.
	PerMinute int
	// ReplyBytes is the size above which user/list answers 45029. Default 1 MiB.
	ReplyBytes int
	// Seats is the headcount above which user/create answers 45024. Zero means
	// no cap.
	Seats int
	// ExtAttrs are the custom attributes that the console knows. Others in a
	// request are ignored without a word, as the vendor does.
	ExtAttrs []string
	// Exmail binds the corp to Tencent's mail: email is then ignored on update.
	Exmail bool
	// MailDomain, if not empty, gives each new member without a biz_mail one
	// at this domain.
	MailDomain string
	// NewerCodes answers with the second code of the pairs that the vendor's
	// table has for one thing: 60123 for 60003, 60124 for 60004, 60125 for
	// 60001 and 60009. A client has to know both.
	NewerCodes bool
	// EmptyCursor ends list_id with an empty next_cursor, as the documentation
	// says, and not with an absent one, as live tenants do.
	EmptyCursor bool
}

// Sim is one simulated corp. It is safe for concurrent use.
type Sim struct {
	options Options
	routes  map[string]route

	mu      sync.Mutex // guards everything below
	modes   modes
	tokens  tokens
	book    book
	cursors cursors
	lookups lookups
	rates   map[string]*window
	faults  []*Fault
	log     record
	robots  map[string]*robot
	media   map[string]media
	serial  int64

	gate     func(op, id string)
	onEffect func(Effect)
	onRobot  func(RobotMessage)
}

// modes are the switches that a test may turn while the corp is running.
type modes struct {
	oldIP      bool
	editingOff bool
	scope      []int64
	trusted    map[string]bool
	creator    string
}

// New makes a corp that has only its root department. It does no I/O.
func New(options Options) *Sim {
	options = options.withDefaults()
	s := &Sim{
		options: options,
		routes:  routes(),
		modes: modes{
			oldIP:      options.OldIP,
			editingOff: options.EditingOff,
			scope:      append([]int64(nil), options.AppScope...),
			trusted:    setOf(options.TrustedIPs),
		},
		tokens:  newTokens(options.ContactsSecret, options.AppSecret),
		book:    newBook(options.RootName),
		cursors: newCursors(),
		rates:   map[string]*window{},
		log:     newRecord(),
		robots:  map[string]*robot{},
		media:   map[string]media{},
	}
	return s
}

func (o Options) withDefaults() Options {
	o.CorpID = or(o.CorpID, "ww-rollcall-sim")
	o.ContactsSecret = or(o.ContactsSecret, "contacts-secret")
	o.AppSecret = or(o.AppSecret, "app-secret")
	o.RootName = or(o.RootName, defaultRootName)
	o.TokenLife = or(o.TokenLife, defaultTokenLife)
	o.LockAfter = or(o.LockAfter, defaultLockAfter)
	o.ReplyBytes = or(o.ReplyBytes, defaultReplyBytes)
	if o.Now == nil {
		o.Now = func() time.Time { return time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC) }
	}
	if o.ClientIP == nil {
		o.ClientIP = peer
	}
	return o
}

// SetOldIP switches between the rules for an old IP (true) and a new one.
func (s *Sim) SetOldIP(old bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.modes.oldIP = old
}

// SetEditing switches the API's right to edit contacts on or off.
func (s *Sim) SetEditing(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.modes.editingOff = !on
}

// SetAppScope names the departments that the application sees, each with all
// below it. Without an argument it sees the whole corp.
func (s *Sim) SetAppScope(departments ...int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.modes.scope = append([]int64(nil), departments...)
}

// TrustIPs makes the corp serve only these addresses (others get 60020).
// Without an argument it serves all.
func (s *Sim) TrustIPs(addresses ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.modes.trusted = setOf(addresses)
}

// SetCreator names the member who created the corp and cannot be deleted
// (301005). An empty id means nobody.
func (s *Sim) SetCreator(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.modes.creator = fold(id)
}

// Gate sets a function that is called before each write takes effect, after
// credentials and faults, under no lock. It may block, and so stop a client
// between two steps. The write may still be refused afterwards. The id of a
// batch is its ids, joined by commas. Nil removes it.
func (s *Sim) Gate(gate func(op, id string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate = gate
}

// OnEffect sets a function that is called after each write that took effect,
// under no lock, before the client gets its answer. Nil removes it.
func (s *Sim) OnEffect(f func(Effect)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onEffect = f
}

// OnRobotMessage sets a function that is called after each message that a
// group robot accepted, under no lock. Nil removes it.
func (s *Sim) OnRobotMessage(f func(RobotMessage)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onRobot = f
}

// next gives the next number of the corp's one serial. The caller holds mu.
func (s *Sim) next() int64 {
	s.serial++
	return s.serial
}

func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// fold gives the form of a user id under which the vendor compares it.
func fold(id string) string { return strings.ToLower(id) }

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

func setOf(list []string) map[string]bool {
	set := make(map[string]bool, len(list))
	for _, item := range list {
		set[item] = true
	}
	return set
}
