// Package feishu reads and writes the contacts of one Feishu (or Lark) tenant
// through a self-built app: a source and a target of accounts.
//
// It uses the vendor's SDK only to build requests; tokens, paging, limits and
// the judgment of answers are ours, since a listing that silently ends early
// would make people look as if they had left. It sends no message, hears no
// event and keeps nothing between calls but the token and the pace.
package feishu

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"time"

	larkcore "github.com/larksuite/oapi-sdk-go/v3/core"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/feishutoken"
)

var (
	_ connector.Target = (*Connector)(nil)
	_ connector.Prober = (*Connector)(nil)
)

// The spellings of a person's id.
const (
	UserID = "user_id" // one for the whole tenant, may be ours; needs contact:user.employee_id:readonly
	OpenID = "open_id" // given by Feishu, another one for every app; always shown
)

const (
	// requestTimeout bounds one HTTP request; that of a write is bounded by
	// Options.CallTimeout too.
	requestTimeout     = 15 * time.Second
	defaultCallTimeout = 10 * time.Second
	// settle is how long Feishu may still be at work on a call whose answer was
	// lost, and its listings may lag behind. The vendor names no figure; this one
	// is generous.
	settle = 30 * time.Second

	defaultParallel     = 4
	defaultEmployeeType = 1 // a regular employee; Feishu requires one at creation
)

// Options set up a Connector.
type Options struct {
	AppID     string `json:"app_id"` // required
	AppSecret string `json:"-"`      // required
	BaseURL   string // default https://open.feishu.cn; Lark: https://open.larksuite.com

	// UserIDType says which id of a person is the object's id: UserID (default)
	// or OpenID. Changing it makes every link point to nobody.
	UserIDType string
	// CustomAttributes names the tenant's custom fields (their ids, "C-…") to be
	// shown as custom.<id>, with their type behind a colon where it matters: "user"
	// makes the attribute a reference to a person, and needs UserID; "text", "href"
	// and "enum" spare the permission for their definitions, or bind the type.
	CustomAttributes []string
	// Leads shows which departments a person leads, as the attribute leads. Then
	// every look-up of people lists all departments once.
	Leads bool
	// Acceptor is the user (an id of UserIDType) who takes over chats, documents,
	// calendars and mail of those who are deleted; "leader" is everybody's own
	// direct leader, and "leader, ID" names somebody for those who have none. ""
	// leaves it to Feishu's defaults: the direct leader, else things are kept or
	// deleted.
	Acceptor string
	// Resurrect brings a deleted account with our id back, when its owner is to be
	// created within 30 days; it needs UserID.
	Resurrect bool
	// SubscriptionIDs are the seats for who is created or brought back; a tenant
	// with several licences requires them.
	SubscriptionIDs []string
	// EmployeeType is given to users who are created without employee_type;
	// default 1, a regular employee.
	EmployeeType int
	// CallTimeout bounds one Apply, its waits for the pace included; default 10 s.
	CallTimeout time.Duration
	// Zone is where join_time is a day; default UTC.
	Zone *time.Location

	HTTPClient *http.Client     // default: a client of its own; redirects are never followed
	Now        func() time.Time // required
	// Sleep waits, or ends early with an error when ctx ends; default: a timer.
	Sleep  func(ctx context.Context, d time.Duration) error
	Logger *slog.Logger // default: none
	Rates  Rates        // default DefaultRates()
	// Pace, when set, keeps Rates for all replicas together.
	Pace connector.Pacer
	// Parallel is how many departments are listed at the same time; default 4.
	Parallel int
	// Tokens, when set, is shared with others who call the same app; default: a
	// source of its own.
	Tokens *feishutoken.Source
}

// Rates are calls in a second.
type Rates struct {
	Read  float64
	Write float64
	Slow  float64 // freezing and moving users: Feishu allows 1, and not at once
}

// DefaultRates stays below the vendor's 1000 calls a minute for each API, and
// below its one freeze or move a second.
func DefaultRates() Rates { return Rates{Read: 15, Write: 10, Slow: 0.8} }

// Format prints the options without the secret, whatever the verb.
func (o Options) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "{%s %s ***}", o.BaseURL, o.AppID)
}

func (o *Options) setDefaults() {
	if o.BaseURL == "" {
		o.BaseURL = feishutoken.DefaultBaseURL
	}
	o.BaseURL = strings.TrimRight(o.BaseURL, "/")
	if o.UserIDType == "" {
		o.UserIDType = UserID
	}
	if o.EmployeeType == 0 {
		o.EmployeeType = defaultEmployeeType
	}
	if o.CallTimeout <= 0 {
		o.CallTimeout = defaultCallTimeout
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.HTTPClient == nil {
		o.HTTPClient = &http.Client{}
	}
	if o.Sleep == nil {
		o.Sleep = connector.RealSleep
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Rates == (Rates{}) {
		o.Rates = DefaultRates()
	}
	if o.Parallel <= 0 {
		o.Parallel = defaultParallel
	}
}

func (o *Options) validate() error {
	var errs []error
	missing := func(name, value string) {
		if value == "" {
			errs = append(errs, fmt.Errorf("%s is missing", name))
		}
	}
	missing("app_id", o.AppID)
	missing("app_secret", o.AppSecret)
	if o.Now == nil {
		errs = append(errs, errors.New("clock is missing"))
	}
	if o.UserIDType != UserID && o.UserIDType != OpenID {
		errs = append(errs, fmt.Errorf("user_id_type is %q, neither user_id nor open_id", o.UserIDType))
	}
	if o.Rates.Read <= 0 || o.Rates.Write <= 0 || o.Rates.Slow <= 0 {
		errs = append(errs, errors.New("rates must be above 0"))
	}
	if o.Resurrect && o.UserIDType == OpenID {
		errs = append(errs, errors.New("resurrect needs user_id_type: user_id, since an open id does not say who returns"))
	}
	if err := o.validateAcceptor(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(append(errs, o.validateCustom()...)...)
}

func (o *Options) validateCustom() (errs []error) {
	valid := regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}(:(text|href|enum|user))?$`)
	seen := map[string]bool{}
	for _, declared := range o.CustomAttributes {
		id, kind, _ := strings.Cut(declared, ":")
		switch {
		case !valid.MatchString(declared):
			errs = append(errs, fmt.Errorf("custom_attributes holds %q, which is no field id (C-…), alone or with :text, :href, :enum or :user", declared))
		case seen[id]:
			errs = append(errs, fmt.Errorf("custom_attributes holds %q twice", id))
		case kind == "user" && o.UserIDType == OpenID:
			errs = append(errs, fmt.Errorf("custom_attributes: %q needs user_id_type: user_id, by which Feishu names people there", declared))
		}
		seen[id] = true
	}
	return errs
}

// Connector is one tenant. It is safe for concurrent use.
type Connector struct {
	o      Options
	sdk    larkcore.Config
	tokens *feishutoken.Source
	pace   *pacer
	fields fieldTable

	// Feishu refuses parallel freezes and moves, and parallel changes of the
	// department tree, with conflicts that depend on chance: one at a time.
	slow turn
	tree turn

	defining turn // guards what follows: what the tenant says of its custom fields, and since when
	custom   definitions
	defined  time.Time
}

// New gives a Connector; it makes no call. A wrong option is an Invalid fault
// that names all of them.
func New(o Options) (*Connector, error) {
	o.setDefaults()
	if err := o.validate(); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "飞书系统的配置不对：%s / the configuration of the Feishu system is wrong: %s", err, err)
	}
	client := *o.HTTPClient
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	o.HTTPClient = &client
	if o.Tokens == nil {
		o.Tokens = feishutoken.New(feishutoken.Options{
			BaseURL: o.BaseURL, AppID: o.AppID, AppSecret: o.AppSecret, HTTPClient: o.HTTPClient, Now: o.Now,
		})
	}
	c := &Connector{o: o, tokens: o.Tokens, pace: newPacer(&o), fields: newFieldTable(&o), slow: newTurn(), tree: newTurn(), defining: newTurn()}
	// The secret stays out of the SDK: it never asks for a token of its own.
	c.sdk = larkcore.Config{BaseUrl: o.BaseURL, AppId: o.AppID, AppType: larkcore.AppTypeSelfBuilt, Logger: quiet{}}
	larkcore.NewSerialization(&c.sdk)
	return c, nil
}

// turn lets one caller go at a time.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

// take waits for the turn; give it back by calling done.
func (t turn) take(ctx context.Context) (done func(), err error) {
	select {
	case t <- struct{}{}:
		return func() { <-t }, nil
	case <-ctx.Done():
		return nil, interrupted(ctx)
	}
}
