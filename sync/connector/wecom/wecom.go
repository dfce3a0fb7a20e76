// Package wecom is the connector for the contacts of one WeCom (企业微信) corp.
//
// It works with two credentials: the contacts secret (通讯录同步), which writes
// and lists ids, and, if there is one, the secret of a self-built app, which
// reads names and other details within the app's visible scope. Since 2022 the
// contacts secret is refused every detail (48009) from an address that is new;
// what it cannot see is unknown, never empty.
//
// It is not for messages, group robots, callbacks or the vendor's batch jobs: one
// of those deletes whoever is not in a file.
package wecom

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// Defaults of Options. The rates are well below the vendor's (10 000 a minute
// for each API), whose older texts give a tenth of that.
const (
	defaultBaseURL     = "https://qyapi.weixin.qq.com"
	defaultRate        = 20
	defaultCallTimeout = 10 * time.Second
	defaultPageSize    = 10000
	maxPageSize        = 10000
)

// Options describe one corp and how to reach it.
type Options struct {
	// CorpID is the corp's id (企业ID). Required.
	CorpID string
	// ContactsSecret is the secret of 管理工具 → 通讯录同步. Required.
	ContactsSecret string
	// AppSecret is the secret of a self-built app, by which details are read. ""
	// tries the contacts secret, which works only from an address in use before
	// 2022-08-15.
	AppSecret string
	// BaseURL is the vendor's address without a path. Default
	// https://qyapi.weixin.qq.com.
	BaseURL string
	// HTTPClient makes the calls. Required. Redirects are never followed: the
	// token stands in the address.
	HTTPClient *http.Client
	// Now is the clock. Required.
	Now func() time.Time
	// Sleep waits, or gives ctx's error when it ends first. Nil sleeps in real
	// time.
	Sleep func(ctx context.Context, d time.Duration) error
	// Logger takes what people need not read. Nil discards it.
	Logger *slog.Logger
	// Rate is how many calls are made in a second. Default 20; the burst is as
	// large.
	Rate int
	// Pace keeps the rate; replicas share one. Nil: this connector's own.
	Pace connector.Pacer
	// CallTimeout bounds one call. Default 10 s.
	CallTimeout time.Duration
	// PageSize is the number of rows in one page of user/list_id, 1 to 10000.
	// Default 10000.
	PageSize int
	// Invite sends WeCom's own invitations by WeChat, SMS and mail to everybody
	// who is created, on up to three days. Default false: nobody is invited.
	Invite bool
	// ExtAttrs names the custom attributes (自定义字段) to read and write, as
	// the console names them; "web:<name>" is one that holds a web address (链接).
	// Each becomes the attribute "extattr.<name>".
	ExtAttrs []string
}

// validate reports everything that is wrong. Faults: Invalid.
func (o *Options) validate() error {
	var errs []error
	need := func(ok bool, name string) {
		if !ok {
			errs = append(errs, fault.New(fault.Invalid, "wecom: %s is missing or wrong / 企业微信：%s 缺失或有误", name, name))
		}
	}
	need(o.CorpID != "", "corp_id")
	need(o.ContactsSecret != "", "contacts_secret")
	need(o.AppSecret == "" || o.AppSecret != o.ContactsSecret, "app_secret")
	need(o.HTTPClient != nil, "http client")
	need(o.Now != nil, "clock")
	need(o.Rate >= 0, "rate")
	need(o.PageSize >= 0 && o.PageSize <= maxPageSize, "page size")
	base, err := url.Parse(o.BaseURL)
	need(o.BaseURL == "" || err == nil && base.Host != "" && base.RawQuery == "", "base_url")
	for i, e := range o.ExtAttrs {
		_, name := extKind(e)
		need(name != "" && !slices.ContainsFunc(o.ExtAttrs[:i], func(other string) bool { _, n := extKind(other); return n == name }), "extattr "+name)
	}
	return errors.Join(errs...)
}

// Connector reads and writes one corp. It is safe for concurrent use.
type Connector struct {
	options  Options
	base     string
	client   *http.Client
	pace     connector.Pacer
	contacts *credential
	app      *credential // nil without an app secret
	info     connector.Info
	hold     connector.Hold
	sight    sight
	// blind remembers that the contacts secret was refused details (48009).
	blind atomic.Bool
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
	o.BaseURL = strings.TrimRight(cmp.Or(o.BaseURL, defaultBaseURL), "/")
	o.Rate = cmp.Or(o.Rate, defaultRate)
	o.CallTimeout = cmp.Or(o.CallTimeout, defaultCallTimeout)
	o.PageSize = cmp.Or(o.PageSize, defaultPageSize)
	if o.Sleep == nil {
		o.Sleep = connector.RealSleep
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	client := *o.HTTPClient
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c := &Connector{
		options:  o,
		base:     o.BaseURL + "/cgi-bin/",
		client:   &client,
		pace:     o.Pace,
		contacts: newCredential(contactsName, o.ContactsSecret),
		info:     describe(o),
	}
	if o.AppSecret != "" {
		c.app = newCredential(appName, o.AppSecret)
	}
	if c.pace == nil {
		c.pace = connector.NewLocalPacer(o.Now, connector.Sleep(o.Sleep))
	}
	return c, nil
}

// Describe tells what WeCom can do.
func (c *Connector) Describe() connector.Info {
	info := c.info
	info.Attributes = slices.Clone(info.Attributes)
	return info
}

// reader is the credential by which details are read, or false when there is
// none.
func (c *Connector) reader() (*credential, bool) {
	if c.app != nil {
		return c.app, true
	}
	return c.contacts, !c.blind.Load()
}

// hiddenBy names what an admin has to grant for details to be seen.
func (c *Connector) hiddenBy() directory.Value {
	if c.app == nil {
		return directory.Hidden(permissionApp)
	}
	return directory.Hidden(permissionScope)
}
