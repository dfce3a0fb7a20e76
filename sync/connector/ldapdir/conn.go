package ldapdir

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcallhq/rollcall/sync/fault"
)

const (
	// idle is how long a connection may stand unused: servers and firewalls drop
	// such ones, and a write on a dropped one would be in doubt.
	idle = 4 * time.Minute
	// wrongFor is how long a refused password is not sent again: directories lock
	// accounts that show wrong ones. For other refusals, which an administrator
	// lifts on the server, it is otherFor.
	wrongFor = time.Hour
	otherFor = time.Minute
)

// The controls and capabilities that a server's root entry may list.
const (
	oidAD       = "1.2.840.113556.1.4.800"
	oidDirSync  = "1.2.840.113556.1.4.841"
	oidSyncrepl = "1.3.6.1.4.1.4203.1.9.1.1"
)

// lane is one connection that is used by one caller at a time.
type lane struct {
	free chan struct{}
	line *line // nil when there is none
}

func newLane() lane { return lane{free: make(chan struct{}, 1)} }

func (l *lane) take(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	select {
	case l.free <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *lane) give() { <-l.free }

func (l *lane) drop() {
	if l.line != nil {
		l.line.cut()
		l.line = nil
	}
}

// line is one bound connection.
type line struct {
	*ldap.Conn
	wire    net.Conn
	used    time.Time
	context string // the naming context that holds the base
	d       *dialect
	can     map[string]bool // the controls that the server lists
}

// cut ends the connection at once: whoever waits on it gets an error.
func (l *line) cut() {
	_ = l.wire.Close() // it is given up
}

// guard cuts the connection when ctx ends before the returned function is
// called.
func (l *line) guard(ctx context.Context) (done func()) {
	stop := context.AfterFunc(ctx, l.cut)
	return func() { stop() }
}

// on runs a function on a lane's connection, which is opened when there is none.
// A connection that broke is dropped.
func (c *Connector) on(ctx context.Context, l *lane, work func(*line) error) error {
	if err := l.take(ctx); err != nil {
		return ended(ctx)
	}
	defer l.give()
	if l.line != nil && (l.line.IsClosing() || c.o.Now().Sub(l.line.used) > idle) {
		l.drop()
	}
	if l.line == nil {
		fresh, err := c.connect(ctx)
		if err != nil {
			return err
		}
		l.line = fresh
	}
	err := work(l.line)
	l.line.used = c.o.Now()
	if l.line.IsClosing() || ctx.Err() != nil || broken(err) {
		l.drop()
	}
	return err
}

// refused remembers that the server refused our password.
type refused struct {
	mu    sync.Mutex
	until time.Time
	err   error
}

func (r *refused) get(now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil && now.Before(r.until) {
		return r.err
	}
	return nil
}

func (r *refused) set(err error, until time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err, r.until = err, until
}

// connect opens a connection, binds and asks the server what it is.
func (c *Connector) connect(ctx context.Context) (*line, error) {
	if err := c.refused.get(c.o.Now()); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.o.CallTimeout, errTimeout)
	defer cancel()
	l, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	done := l.guard(ctx)
	defer done()
	if err := c.greet(ctx, l); err != nil {
		l.cut()
		// A server that refuses to encrypt leaves the connection without the reader
		// that would end the rest of it when the wire is cut.
		_ = l.Close() // it is given up
		return nil, err
	}
	l.used = c.o.Now()
	return l, nil
}

// dial opens the connection, encrypted as the options say.
func (c *Connector) dial(ctx context.Context) (*line, error) {
	open := c.o.Dial
	if open == nil {
		open = (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext
	}
	wire, err := open(ctx, "tcp", c.address())
	if err != nil {
		return nil, unreachable(ctx, err)
	}
	if c.url.Scheme != "ldaps" {
		l := &line{Conn: ldap.NewConn(wire, false), wire: wire}
		l.Start()
		return l, nil
	}
	config, err := c.tlsConfig()
	if err != nil {
		_ = wire.Close() // nothing was sent
		return nil, err
	}
	secure := tls.Client(wire, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = wire.Close() // given up
		return nil, distrusted(ctx, err)
	}
	l := &line{Conn: ldap.NewConn(secure, true), wire: wire}
	l.Start()
	return l, nil
}

// greet encrypts when asked to, binds and reads the root entry.
func (c *Connector) greet(ctx context.Context, l *line) error {
	if c.o.StartTLS {
		config, err := c.tlsConfig()
		if err != nil {
			return err
		}
		if err := l.StartTLS(config); err != nil {
			return startTLSFault(ctx, err)
		}
	}
	if err := l.Bind(c.o.BindDN, c.o.BindPassword); err != nil {
		err = c.refusal(ctx, err, false)
		if fault.KindOf(err) == fault.Credential {
			span := otherFor
			if code(err) == codeBadPassword && !lifted(adCode(err.Error())) {
				span = wrongFor
			}
			c.refused.set(err, c.o.Now().Add(span))
		}
		return err
	}
	return c.ask(ctx, l)
}

// ask reads the server's root entry: what it is and what it can do.
func (c *Connector) ask(ctx context.Context, l *line) error {
	answer, err := l.Search(ldap.NewSearchRequest("", ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)",
		[]string{"supportedCapabilities", "supportedControl", "namingContexts", "vendorName"}, nil))
	if err != nil {
		return c.refusal(ctx, err, false)
	}
	l.can, l.context = map[string]bool{}, c.o.BaseDN
	var root ldap.Entry
	if len(answer.Entries) > 0 {
		root = *answer.Entries[0]
	}
	for _, oid := range root.GetEqualFoldAttributeValues("supportedControl") {
		l.can[oid] = true
	}
	longest := 0
	for _, text := range root.GetEqualFoldAttributeValues("namingContexts") {
		n, err := parseName(text)
		if err == nil && len(n.parts) > longest && (c.base.below(n) || c.base.equal(n)) {
			l.context, longest = text, len(n.parts)
		}
	}
	known := c.dialect.Load()
	if known == nil {
		kind := OpenLDAP
		if slices.Contains(root.GetEqualFoldAttributeValues("supportedCapabilities"), oidAD) {
			kind = AD
		}
		known = newDialect(kind, &c.o)
		c.o.Logger.InfoContext(ctx, "directory dialect", "dialect", kind)
		c.dialect.CompareAndSwap(nil, known)
		known = c.dialect.Load()
	}
	l.d = known
	return nil
}

// lifted tells whether a refusal of Active Directory is about the account's state
// and not about the password.
func lifted(sub string) bool { return sub != "" && sub != "52e" && sub != "525" }

var errTimeout = errors.New("the call took too long")

// clear tells whether the password crosses the network unencrypted.
func (c *Connector) clear() bool {
	return c.url.Scheme == "ldap" && !c.o.StartTLS && !strings.HasPrefix(c.url.Hostname(), "127.") && c.url.Hostname() != "localhost"
}
