// Package dingtalksim is a strict loopback simulator of one DingTalk corp. Of
// its chat it has access tokens, the Stream gateway, the robot's HTTP callback,
// session webhooks, the robot's own sends, interactive cards and signed group
// robots; of its contacts the departments, the people, enterprise accounts and
// the events of changes.
//
// It exists so that tests and the demo can talk to "DingTalk" without an
// account. It writes the vendor's JSON a second time on purpose and imports
// none of this project's packages, so that one misreading cannot prove itself
// right. It is case-sensitive about JSON keys and URLs as the platform is, and
// keeps a list of Complaints about things that the platform would swallow.
//
// Where the documentation of the contacts is silent it refuses rather than
// accepts. It keeps a log of every write that took effect (Effects), so that a
// test can count that each change was made exactly once, and it can be told to
// misbehave (Inject). The chat's staff and the contacts' users are two lists
// that know nothing of each other.
//
// It is not for roles, external contacts, attendance or the HR calls, it draws
// nothing, and it must never listen beyond loopback.
//
// Both families of the platform's URLs are served by one handler: /v1.0/… in
// the style of api.dingtalk.com (HTTP status plus {"code","message"}) and the
// rest in the style of oapi.dingtalk.com (HTTP 200 plus {"errcode","errmsg"}).
package dingtalksim

import (
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Options describe the simulated corp. Only Now is required.
type Options struct {
	// ClientID and ClientSecret are the app's credentials (AppKey and
	// AppSecret of old). Defaults: "dingsimclient" and "simsecret".
	ClientID, ClientSecret string
	// CorpID is the corp that has the robot. Default: "dingsimcorp".
	CorpID string
	// RobotCode names the robot. Default: ClientID, as for internal apps.
	RobotCode string
	// Now is the platform's clock. It decides every expiry, window and
	// timestamp; only waiting for acknowledgements uses the machine's timers.
	Now func() time.Time
	// AckWithin is how long a bot message waits for its acknowledgement.
	// Default: the platform's 3 s.
	AckWithin time.Duration
	// CardAckWithin is the same for a card callback. Default: 2 s.
	CardAckWithin time.Duration
	// CallbackWithin bounds one HTTP callback. Default: 2.5 s.
	CallbackWithin time.Duration
	// PingEvery is the interval of SYSTEM pings on each Stream connection.
	// Default: 20 s; a negative value sends none.
	PingEvery time.Duration
	// Linger is how long a connection stays open, silent, after a SYSTEM
	// disconnect. Default: the platform's 10 s.
	Linger time.Duration
	// QPS is the limit of calls per second of each counted /v1.0 call.
	// Default: 20, the standard edition; a negative value means no limit. The
	// calls of the contacts have the same limit.
	QPS int
	// Contacts are the rules of the corp's contacts.
	Contacts ContactsOptions
}

func (o Options) withDefaults() Options {
	o.ClientID = either(o.ClientID, "dingsimclient")
	o.ClientSecret = either(o.ClientSecret, "simsecret")
	o.CorpID = either(o.CorpID, "dingsimcorp")
	o.RobotCode = either(o.RobotCode, o.ClientID)
	o.AckWithin = either(o.AckWithin, 3*time.Second)
	o.CardAckWithin = either(o.CardAckWithin, 2*time.Second)
	o.CallbackWithin = either(o.CallbackWithin, 2500*time.Millisecond)
	o.PingEvery = either(o.PingEvery, 20*time.Second)
	o.Linger = either(o.Linger, 10*time.Second)
	o.QPS = either(o.QPS, 20)
	return o
}

// Sim is one simulated corp. All methods are safe for concurrent use.
type Sim struct {
	opts Options

	mu            sync.Mutex // guards everything below
	base          string     // set by SetBaseURL, else learnt from requests
	baseFixed     bool
	conversations map[string]*conversation // by id and by open id
	staff         map[string]*person
	permissions   map[string]bool
	tokens        map[string]token
	sessions      map[string]session
	robots        map[string]*robot
	cards         map[string]*card
	templates     map[string]bool // true = published
	media         map[string]Media
	slowed        []string             // staff ids under flow control
	messages      map[string][]Message // by conversation id, token or Direct id
	unannounced   []Message
	listeners     []func(Message)
	spoken        []spoken
	faults        []*Fault
	calls         []Call
	complaints    []string
	meter         meter
	stream        stream
	contacts      contacts
	connections   sync.WaitGroup // one per open socket; added under mu
}

// New makes a simulator of an empty corp. It panics when Now is missing: a
// simulator with a clock of its own would hide expiry from its tests.
func New(o Options) *Sim {
	if o.Now == nil {
		panic("dingtalksim: Options.Now is missing")
	}
	s := &Sim{
		opts:          o.withDefaults(),
		conversations: map[string]*conversation{},
		staff:         map[string]*person{},
		permissions:   map[string]bool{ScopeSend: true, ScopeCard: true},
		tokens:        map[string]token{},
		sessions:      map[string]session{},
		robots:        map[string]*robot{},
		cards:         map[string]*card{},
		templates:     map[string]bool{},
		media:         map[string]Media{},
		messages:      map[string][]Message{},
		meter:         newMeter(),
		stream:        newStream(),
		contacts:      newContacts(o.Contacts),
	}
	for _, permission := range contactPermissions() {
		s.permissions[permission] = true
	}
	return s
}

// Handler serves the platform's HTTP and WebSocket paths. Serve it on
// loopback and point both base URLs of the bot at it.
func (s *Sim) Handler() http.Handler {
	mux := http.NewServeMux()
	routes := map[string]endpoint{
		"POST /v1.0/oauth2/accessToken":              s.serveAccessToken,
		"GET /gettoken":                              s.serveGetToken,
		"POST /v1.0/gateway/connections/open":        s.serveOpen,
		"POST /v1.0/robot/groupMessages/send":        s.serveGroupSend,
		"POST /v1.0/robot/groupMessages/recall":      s.serveRecall,
		"POST /v1.0/robot/oToMessages/batchSend":     s.serveSingleSend,
		"POST /v1.0/card/instances":                  s.serveCardCreate,
		"POST /v1.0/card/instances/createAndDeliver": s.serveCardCreateAndDeliver,
		"POST /v1.0/card/instances/deliver":          s.serveCardDeliver,
		"PUT /v1.0/card/instances":                   s.serveCardUpdate,
		"POST /media/upload":                         s.serveUpload,
		"POST /robot/sendBySession":                  s.serveSession,
		"POST /robot/send":                           s.serveRobot,
		"/":                                          s.serveUnknown,
	}
	maps.Copy(routes, s.contactRoutes())
	maps.Copy(routes, s.accountRoutes())
	for pattern, e := range routes {
		mux.Handle(pattern, s.serve(e))
	}
	mux.HandleFunc("GET /connect", s.serveConnect)
	return mux
}

// SetBaseURL tells the simulator where it is served ("http://127.0.0.1:1234"),
// for the session webhooks in messages. Without it the host of the latest
// request is used; a Post before any request needs it.
func (s *Sim) SetBaseURL(base string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.base, s.baseFixed = strings.TrimRight(base, "/"), true
}

// SetPermission grants or takes away one of the app's scopes (ScopeSend,
// ScopeCard, the Permit and the Field ones). All are granted at first.
func (s *Sim) SetPermission(scope string, granted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.permissions[scope] = granted
}

// Close drops every Stream connection, refuses new ones and waits until their
// goroutines have ended. The HTTP paths keep working.
func (s *Sim) Close() {
	s.mu.Lock()
	s.stream.closed = true
	s.mu.Unlock()
	s.DropConnections()
	s.connections.Wait()
}

// Complaints lists what a bot did that the platform would have swallowed: a
// late or malformed acknowledgement, a mention nobody can see, and so on. A
// test of a well-behaved bot asserts that there are none.
func (s *Sim) Complaints() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.complaints...)
}

// complain notes a misdeed. The caller holds s.mu.
func (s *Sim) complain(format string, args ...any) {
	s.complaints = keepLast(append(s.complaints, fmt.Sprintf(format, args...)), keep)
}

// keep bounds each list that grows with use, so that a demo can run for weeks.
const keep = 4096

func keepLast[T any](list []T, n int) []T {
	if len(list) > n {
		return list[len(list)-n:]
	}
	return list
}

// either gives v, or fallback when v is the zero value.
func either[T comparable](v, fallback T) T {
	var zero T
	if v == zero {
		return fallback
	}
	return v
}

// newID makes an id that is unique over restarts, since bots keep the ids that
// they have seen in lasting storage. It is safe in a URL.
func newID(prefix string) string { return prefix + rand.Text() }
