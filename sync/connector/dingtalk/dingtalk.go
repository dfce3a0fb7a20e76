// Package dingtalk is the connector for the contacts of one DingTalk (钉钉) corp,
// by an internal app.
//
// DingTalk lists people only department by department, shows phone numbers and
// mail addresses only to apps that hold the permission, leaves empty fields out,
// and has no way to stop an ordinary account. What it does not show is unknown
// here, never empty; what it cannot do is refused, never imitated by a deletion.
//
// It is not for messages, robots, cards, Stream connections or the HR roster
// (智能人事).
package dingtalk

import (
	"cmp"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// Defaults of Options.
const (
	defaultAPIURL      = "https://api.dingtalk.com"
	defaultOAPIURL     = "https://oapi.dingtalk.com"
	defaultCallTimeout = 10 * time.Second
	maxPageSize        = 100
)

// The values of Options.Token and Options.Disable.
const (
	TokenNew      = "new"
	TokenOld      = "old"
	DisableRefuse = "refuse"
	DisableMove   = "move"
)

// Options describe one corp and how to reach it.
type Options struct {
	// ClientID and ClientSecret are the credentials of an internal app. Required.
	ClientID     string
	ClientSecret string `json:"-"`
	// APIURL and OAPIURL are the vendor's two addresses without a path. Default
	// https://api.dingtalk.com and https://oapi.dingtalk.com.
	APIURL, OAPIURL string
	// Token is TokenNew (default) or TokenOld: which interface gives the token.
	Token string
	// CustomAttributes names the custom fields (自定义字段) to read and write, as
	// the console names them. Each becomes the attribute "extension.<name>".
	CustomAttributes []string
	// Disable is DisableRefuse (default) or DisableMove: what DISABLE does to an
	// ordinary account. Enterprise accounts (企业账号) are disabled by DingTalk
	// itself either way.
	Disable string
	// Quarantine is the id of the department that DisableMove moves accounts to.
	Quarantine string
	// Managers reads whom each person reports to, at the price of one call more for
	// each: the listings do not tell. Default false: managers are hidden.
	Managers bool
	// DepartmentDetails reads order, source_identifier and code of each department,
	// at the price of one call more for each. Default false: they are hidden.
	DepartmentDetails bool
	// Zone is where a hired date is a day. Default UTC+8.
	Zone *time.Location
	// HTTPClient makes the calls. Required. Redirects are never followed: the
	// token stands in the address.
	HTTPClient *http.Client
	// Now is the clock. Required.
	Now func() time.Time
	// Sleep waits. Nil sleeps in real time.
	Sleep connector.Sleep
	// Logger takes what people need not read. Nil discards it.
	Logger *slog.Logger
	// Pace keeps the calls below the vendor's limits. Nil paces this connector
	// alone.
	Pace connector.Pacer
	// CallTimeout bounds one call, and all calls of one Apply. Default 10 s.
	CallTimeout time.Duration
	// PageSize is the number of people in one page, 1 to 100. Default 100.
	PageSize int
}

// validate reports everything that is wrong. Faults: Invalid.
func (o *Options) validate() error {
	var errs []error
	need := func(ok bool, name string) {
		if !ok {
			errs = append(errs, fault.New(fault.Invalid, "dingtalk: %s is missing or wrong / 钉钉：%s 缺失或有误", name, name))
		}
	}
	need(o.ClientID != "", "client_id")
	need(o.ClientSecret != "", "client_secret")
	need(o.HTTPClient != nil, "http client")
	need(o.Now != nil, "clock")
	need(slices.Contains([]string{"", TokenNew, TokenOld}, o.Token), "token")
	need(slices.Contains([]string{"", DisableRefuse, DisableMove}, o.Disable), "disable")
	need(o.PageSize >= 0 && o.PageSize <= maxPageSize, "page size")
	need(baseURL(o.APIURL), "api_url")
	need(baseURL(o.OAPIURL), "oapi_url")
	// The root holds people who are not disabled.
	n, err := strconv.ParseInt(o.Quarantine, 10, 64)
	valid := err == nil && n > rootID
	need(valid || o.Quarantine == "" && o.Disable != DisableMove, "quarantine")
	for i, name := range o.CustomAttributes {
		need(name != "" && !slices.Contains(o.CustomAttributes[:i], name), "custom attribute "+name)
	}
	return errors.Join(errs...)
}

func baseURL(text string) bool {
	u, err := url.Parse(text)
	return text == "" || err == nil && u.Host != "" && u.RawQuery == ""
}

// Connector reads and writes one corp. It is safe for concurrent use.
type Connector struct {
	options    Options
	quarantine int64 // 0 when accounts are not moved
	client     *http.Client
	token      *token
	hold       connector.Hold
	// exclusive remembers that a listing had an enterprise account, which can be
	// disabled whatever Options.Disable says.
	exclusive atomic.Bool
	memory    memory
	invited   invitations
	managers  sync.Mutex // held while a department's list of managers is read and written
}

var (
	_ connector.Target = (*Connector)(nil)
	_ connector.Prober = (*Connector)(nil)
)

// New checks the options and makes a connector. It makes no call. Faults:
// Invalid, naming every option that is wrong.
func New(o Options) (*Connector, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	o.APIURL = strings.TrimRight(cmp.Or(o.APIURL, defaultAPIURL), "/")
	o.OAPIURL = strings.TrimRight(cmp.Or(o.OAPIURL, defaultOAPIURL), "/")
	o.Token, o.Disable = cmp.Or(o.Token, TokenNew), cmp.Or(o.Disable, DisableRefuse)
	o.CallTimeout, o.PageSize = cmp.Or(o.CallTimeout, defaultCallTimeout), cmp.Or(o.PageSize, maxPageSize)
	if o.Zone == nil {
		const east = 8 * 60 * 60
		o.Zone = time.FixedZone("UTC+8", east)
	}
	if o.Sleep == nil {
		o.Sleep = connector.RealSleep
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Pace == nil {
		o.Pace = connector.NewLocalPacer(o.Now, o.Sleep)
	}
	client := *o.HTTPClient
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c := &Connector{options: o, client: &client, token: newToken()}
	if o.Disable == DisableMove {
		c.quarantine, _ = strconv.ParseInt(o.Quarantine, 10, 64) // validate has seen it
	}
	return c, nil
}

// departmentID gives a department's directory id.
func departmentID(n int64) directory.ID { return directory.ID(strconv.FormatInt(n, 10)) }
