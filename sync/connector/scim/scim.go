// Package scim is the connector for one service that speaks SCIM 2.0 (RFC 7643
// and RFC 7644): an app, an identity provider or a directory that is read, and
// that accounts are written into.
//
// It asks the service once what it can do, and works when the service does not
// say. It believes no filter: every object that comes back is held against what
// was asked for. A group's members are added and removed one at a time, never
// replaced as a whole, and a resource is only ever written whole from a copy that
// was read just before.
//
// It is not for receiving what an identity provider pushes (that is a server),
// nor for Bulk, /Me or passwords.
package scim

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
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

// Dialect says which client a service was built for, and so how updates are
// written.
type Dialect string

// The dialects.
const (
	Standard Dialect = "standard" // RFC 7644: lower-case operations, a path for each attribute
	Okta     Dialect = "okta"     // one replace without a path, whose value holds the attributes
	Entra    Dialect = "entra"    // capital operations, "True" and "False" as texts, a manager as a bare id
)

// Departments says what a department is in the service.
type Departments string

// The kinds of departments.
const (
	Groups    Departments = "groups"    // every group; flat
	Extension Departments = "extension" // every group, with its parent in our extension
	NoGroups  Departments = "none"      // a text of the user
)

// Defaults of Options.
const (
	defaultRate        = 10
	defaultCallTimeout = 20 * time.Second
	defaultPageSize    = 100
	maxPageSize        = 1000
)

// Attribute is one further attribute of users.
type Attribute struct {
	Name string         // as mappings call it
	Path string         // "urn:…:User:costCenter", "addresses[type eq \"work\"].locality"
	Type directory.Type // Text, Int, Bool or Date
}

// Options describe one service and how to reach it.
type Options struct {
	// URL is the service's base, such as https://app.example.com/scim/v2. Required;
	// https, unless the service is on this machine.
	URL string
	// Token is the bearer token; or User and Password for HTTP Basic. One of the two
	// is required.
	Token          string
	User, Password string
	// Dialect: "" means Standard.
	Dialect Dialect
	// Departments: "" means Groups.
	Departments Departments
	// Attributes are further attributes of users.
	Attributes []Attribute
	// PageSize is how many resources one page holds, 1 to 1000. Default 100; a
	// service that allows less is obeyed.
	PageSize int
	// Rate is how many calls are made in a second. Default 10.
	Rate int
	// CallTimeout bounds one call, and all calls of one change. Default 20 s.
	CallTimeout time.Duration
	// HTTPClient makes the calls. Required. Redirects are never followed: they would
	// take the token elsewhere.
	HTTPClient *http.Client
	// Now is the clock. Required.
	Now func() time.Time
	// Sleep waits, or gives ctx's error when it ends first. Nil sleeps in real time.
	Sleep connector.Sleep
	// Pace keeps the calls below Rate, for all replicas. Nil: for this process.
	Pace connector.Pacer
	// Logger takes what people need not read. Nil discards it.
	Logger *slog.Logger
}

// validate reports everything that is wrong. Faults: Invalid.
func (o *Options) validate() error {
	var errs []error
	need := func(ok bool, name string) {
		if !ok {
			errs = append(errs, fault.New(fault.Invalid, "scim: %s is missing or wrong / SCIM：%s 缺失或有误", name, name))
		}
	}
	base, err := url.Parse(o.URL)
	whole := err == nil && base.Host != "" && base.User == nil && base.RawQuery == "" && base.Fragment == ""
	need(whole && (base.Scheme == "https" || base.Scheme == "http"), "url")
	if whole && base.Scheme == "http" && !loopback(base.Hostname()) {
		errs = append(errs, fault.New(fault.Invalid, "scim: url has to be https, or the token travels in the clear / SCIM：url 必须用 https，否则令牌会明文传输"))
	}
	need((o.Token != "") != (o.User != "" && o.Password != ""), "token, or user and password")
	need(slices.Contains([]Dialect{"", Standard, Okta, Entra}, o.Dialect), "dialect")
	need(slices.Contains([]Departments{"", Groups, Extension, NoGroups}, o.Departments), "departments")
	need(o.PageSize >= 0 && o.PageSize <= maxPageSize, "page_size")
	need(o.Rate >= 0, "rate")
	need(o.CallTimeout >= 0, "call time-out")
	need(o.HTTPClient != nil, "http client")
	need(o.Now != nil, "clock")
	o.validateAttributes(need)
	return errors.Join(errs...)
}

func (o *Options) validateAttributes(need func(ok bool, name string)) {
	for i, a := range o.Attributes {
		_, ok := parsePath(a.Path)
		need(ok, "attributes."+a.Name+".path")
		need(slices.Contains([]directory.Type{directory.Text, directory.Int, directory.Bool, directory.Date}, a.Type), "attributes."+a.Name+".type")
		taken := slices.ContainsFunc(o.Attributes[:i], func(b Attribute) bool { return a.Name == b.Name })
		need(a.Name != "" && !taken && !ownName(a.Name), "attributes."+a.Name)
	}
}

// loopback tells whether a host is this machine.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Connector reads and writes one service. It is safe for concurrent use.
type Connector struct {
	options Options
	base    string
	bucket  string
	client  *http.Client
	specs   []spec // of users
	info    connector.Info
	hold    connector.Hold
	gifts   gifts
	// proven: in the last listing, what users say of their groups was what the
	// groups say of their members.
	proven atomic.Bool
	// noPatch: the service has answered that it knows no PATCH. noGroupPatch: it has
	// answered so for a group, which says nothing of users.
	noPatch, noGroupPatch atomic.Bool
	// population is how many users the last listing had.
	population atomic.Int64
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
	o.Dialect = cmp.Or(o.Dialect, Standard)
	o.Departments = cmp.Or(o.Departments, Groups)
	o.PageSize = cmp.Or(o.PageSize, defaultPageSize)
	o.Rate = cmp.Or(o.Rate, defaultRate)
	o.CallTimeout = cmp.Or(o.CallTimeout, defaultCallTimeout)
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
	base, err := url.Parse(o.URL)
	if err != nil {
		return nil, fault.New(fault.Invalid, "scim: url is wrong / SCIM：url 有误")
	}
	c := &Connector{
		options: o,
		base:    strings.TrimRight(o.URL, "/") + "/",
		bucket:  "scim " + base.Host,
		client:  &client,
		specs:   userSpecs(o),
		gifts:   newGifts(),
	}
	c.info = c.describe(base.Host + strings.TrimRight(base.Path, "/"))
	return c, nil
}

// Describe tells what the service can do, as far as it is known without asking.
func (c *Connector) Describe() connector.Info {
	info := c.info
	info.Attributes = slices.Clone(info.Attributes)
	return info
}

// Probe tests the credentials by a listing of one user, and of one group where
// groups are departments. Faults: those of Read.
func (c *Connector) Probe(ctx context.Context) error {
	g, err := c.discover(ctx, &tally{})
	if err != nil {
		return err
	}
	if _, err := c.page(ctx, g.users, listing{count: 1}, &tally{}); err != nil {
		return err
	}
	if c.options.Departments == NoGroups {
		return nil
	}
	_, err = c.page(ctx, g.groups, listing{count: 1, bare: true}, &tally{})
	return noGroups(err)
}

// noGroups says what to do about a service that has none.
func noGroups(err error) error {
	if status := statusOf(err); status == http.StatusNotFound || status == http.StatusNotImplemented {
		return fault.Wrap(fault.Invalid, err, "the service has no groups: set departments: none / 该服务没有群组（Groups）：请设置 departments: none")
	}
	return err
}
