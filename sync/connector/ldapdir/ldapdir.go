// Package ldapdir is the connector for LDAP directories: OpenLDAP, Active
// Directory and what speaks like one of them.
//
// People are entries that a filter finds below one base entry; departments are
// the organizational units above them. Ids are the server's own, entryUUID or
// objectGUID, which renames and moves keep; a DN is never an id. Searches are
// paged, referrals are not followed, and what access rules may hide is unknown,
// never empty.
//
// It is not for groups, for passwords (it keeps and sends none but its own), and
// not for changing the schema.
package ldapdir

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// The dialects of Options.
const (
	Auto     = "auto"
	AD       = "ad"
	OpenLDAP = "openldap"
)

// Defaults of Options. A page of 500 is below the least limit in use: 500 of
// OpenLDAP, 1000 of Active Directory.
const (
	defaultPageSize    = 500
	defaultCallTimeout = 10 * time.Second
	defaultRate        = 200
	defaultPoll        = 30 * time.Second
)

// Attribute declares one attribute of people.
type Attribute struct {
	Name      string // as mappings call it
	Attribute string // as the directory does; "" = Name
	Type      string // text (also ""), int, bool, date, list, users or departments
}

// Options describe one directory and how to reach it.
type Options struct {
	// URL is ldaps://host or ldap://host, with a port if it is not the usual one.
	// Required.
	URL string
	// StartTLS turns an ldap:// connection into an encrypted one.
	StartTLS bool
	// CAFile holds the certificates that the server's is checked against, PEM. "":
	// the machine's. It is read at every connection.
	CAFile string
	// BindDN (in Active Directory also user@domain or DOMAIN\user) and
	// BindPassword are the account. Required.
	BindDN       string
	BindPassword string
	// BaseDN is the entry below which everything is; itself no department.
	// Required.
	BaseDN string
	// Dialect is AD, OpenLDAP or Auto (also ""): the server is asked. Until it was
	// asked, Describe tells what either can do.
	Dialect string
	// UserFilter and DepartmentFilter find people and departments. "": by the
	// dialect.
	UserFilter       string
	DepartmentFilter string
	// RDN is the attribute that names a new person's entry. "": by the dialect.
	RDN string
	// Attributes adds to the connector's own attributes, or replaces them by name.
	Attributes []Attribute
	// ObjectClasses are those of a new person. Nil: by the dialect.
	ObjectClasses []string
	// Disabled is attribute=value: how OpenLDAP marks a disabled account. "": it
	// cannot disable. Active Directory has a way of its own.
	Disabled string
	// LeftDN is where a disabled account is moved to, below BaseDN. "": it stays.
	LeftDN string
	// PageSize is how many entries one page holds, 1 to 10000. Default 500.
	PageSize int
	// CallTimeout bounds one Apply, and every call of a reading. Default 10 s.
	CallTimeout time.Duration
	// Poll is how often Active Directory is asked for changes. Default 30 s.
	Poll time.Duration
	// Zone is the time zone of dates. Nil: UTC.
	Zone *time.Location
	// Dial makes a TCP connection to host:port. Nil: net.Dialer's.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Now is the clock. Required.
	Now func() time.Time
	// Sleep waits, or gives ctx's error when it ends first. Nil: real time.
	Sleep connector.Sleep
	// Pace keeps the calls below a limit. Nil: one of this process.
	Pace connector.Pacer
	// Logger takes what people need not read. Nil discards it.
	Logger *slog.Logger
}

// needs collects the options that are missing or wrong.
type needs []error

func (n *needs) need(ok bool, name string) {
	if !ok {
		*n = append(*n, fault.New(fault.Invalid, "ldap: %s is missing or wrong / LDAP：%s 缺失或有误", name, name))
	}
}

// validate reports everything that is wrong. Faults: Invalid.
func (o *Options) validate() error {
	var n needs
	u, err := url.Parse(o.URL)
	n.need(err == nil && (u.Scheme == "ldap" || u.Scheme == "ldaps") && u.Host != "" && u.User == nil, "url")
	n.need(err != nil || !o.StartTLS || u.Scheme == "ldap", "start_tls")
	n.need(o.BindDN != "", "bind_dn")
	n.need(o.BindPassword != "", "bind_password")
	n.need(o.PageSize >= 0 && o.PageSize <= 10000, "page_size")
	n.need(o.CallTimeout >= 0, "call timeout")
	n.need(o.Now != nil, "clock")
	o.validateContents(&n)
	return errors.Join(n...)
}

// validateContents checks what is said of the entries.
func (o *Options) validateContents(n *needs) {
	base, err := parseName(o.BaseDN)
	n.need(err == nil, "base_dn")
	n.need(slices.Contains([]string{"", Auto, AD, OpenLDAP}, o.Dialect), "dialect")
	n.need(o.UserFilter == "" || compiles(o.UserFilter), "user_filter")
	n.need(o.DepartmentFilter == "" || compiles(o.DepartmentFilter), "department_filter")
	n.need(o.RDN == "" || attributeName(o.RDN), "rdn")
	_, _, ok := cutDisabled(o.Disabled)
	n.need(o.Disabled == "" || ok, "disabled")
	if o.LeftDN != "" {
		left, err := parseName(o.LeftDN)
		n.need(err == nil && left.below(base), "left_dn")
	}
	for _, a := range o.Attributes {
		_, known := kinds[a.Type]
		n.need(known && a.Name != "" && attributeName(cmp.Or(a.Attribute, a.Name)) && !reserved(a.Name), "attributes."+a.Name)
	}
}

// compiles tells whether a filter is one.
func compiles(filter string) bool {
	_, err := ldap.CompileFilter(filter)
	return err == nil
}

// cutDisabled splits attribute=value.
func cutDisabled(text string) (attribute, value string, ok bool) {
	attribute, value, ok = strings.Cut(text, "=")
	attribute, value = strings.TrimSpace(attribute), strings.TrimSpace(value)
	return attribute, value, ok && attributeName(attribute) && value != ""
}

// Connector reads and writes one directory. It is safe for concurrent use.
type Connector struct {
	o    Options
	url  *url.URL
	base name
	left *name // nil without one
	pace connector.Pacer

	// Two connections: a listing keeps its pages' state on one of them, which in
	// OpenLDAP the next paged search on it would end.
	listing, calls lane

	dialect atomic.Pointer[dialect] // once known
	refused refused
	// sight is what was last learned of visible attributes.
	sight atomic.Pointer[sight]
	// lost holds the tokens of creates whose answer never came, with their DNs.
	lost sync.Map
}

var (
	_ connector.Target  = (*Connector)(nil)
	_ connector.Prober  = (*Connector)(nil)
	_ connector.Watcher = (*Connector)(nil)
)

// New checks the options and makes a connector. It makes no call. Faults:
// Invalid, naming every option that is wrong.
func New(o Options) (*Connector, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, fault.New(fault.Invalid, "ldap: url is wrong / LDAP：url 有误")
	}
	base, err := parseName(o.BaseDN)
	if err != nil {
		return nil, fault.New(fault.Invalid, "ldap: base_dn is wrong / LDAP：base_dn 有误")
	}
	o.PageSize = cmp.Or(o.PageSize, defaultPageSize)
	o.CallTimeout = cmp.Or(o.CallTimeout, defaultCallTimeout)
	o.Poll = cmp.Or(o.Poll, defaultPoll)
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Sleep == nil {
		o.Sleep = connector.RealSleep
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Connector{o: o, url: u, base: base, pace: o.Pace, listing: newLane(), calls: newLane()}
	if c.pace == nil {
		c.pace = connector.NewLocalPacer(o.Now, o.Sleep)
	}
	if o.LeftDN != "" {
		left, err := parseName(o.LeftDN)
		if err != nil {
			return nil, fault.New(fault.Invalid, "ldap: left_dn is wrong / LDAP：left_dn 有误")
		}
		c.left = &left
	}
	if o.Dialect == AD || o.Dialect == OpenLDAP {
		c.dialect.Store(newDialect(o.Dialect, &c.o))
	}
	return c, nil
}

// tlsConfig gives how the server's certificate is checked. Faults: Invalid.
func (c *Connector) tlsConfig() (*tls.Config, error) {
	t := &tls.Config{ServerName: c.url.Hostname(), MinVersion: tls.VersionTLS12}
	if c.o.CAFile == "" {
		return t, nil
	}
	pem, err := os.ReadFile(c.o.CAFile)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "ca_file cannot be read / 无法读取 ca_file")
	}
	t.RootCAs = x509.NewCertPool()
	if !t.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fault.New(fault.Invalid, "ca_file holds no certificate (PEM) / ca_file 中没有 PEM 格式的证书")
	}
	return t, nil
}

// address is the server's host and port.
func (c *Connector) address() string {
	port := c.url.Port()
	if port == "" {
		port = map[string]string{"ldap": ldap.DefaultLdapPort, "ldaps": ldap.DefaultLdapsPort}[c.url.Scheme]
	}
	return net.JoinHostPort(c.url.Hostname(), port)
}

// Close ends the connections. The connector may be used afterwards; it connects
// again.
func (c *Connector) Close() {
	for _, l := range []*lane{&c.listing, &c.calls} {
		if l.take(context.Background()) == nil {
			l.drop()
			l.give()
		}
	}
}

// hint gives a hint of an object, or of a kind when id is "".
func hint(kind directory.Kind, id directory.ID, gone bool) directory.Hint {
	return directory.Hint{Key: directory.Key{Kind: kind, ID: id}, Gone: gone}
}
