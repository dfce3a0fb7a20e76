// Package dialer makes the outgoing connections of the process, and decides where
// they may lead.
//
// An address that an admin wrote into the configuration is trusted, wherever it
// leads: systems inside the company are what Rollcall is for. Any other address
// came over the network, in an answer or a message, and is dialled only when it
// leads to the internet. That is judged by the resolved address at the moment of
// connecting, so neither a spelling nor a name that resolves anew gets by.
//
// It is not for speaking: what HTTP may do is decided by those who call.
package dialer

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// The limits of a connection.
const (
	dialTimeout   = 5 * time.Second
	tlsTimeout    = 5 * time.Second
	headerTimeout = 30 * time.Second
	idleTimeout   = 90 * time.Second
	totalTimeout  = time.Minute
	headerBytes   = 64 << 10
)

// Options set up a Dialer. The zero value dials the internet alone.
type Options struct {
	// Trusted are addresses from the configuration, as URLs (whose port is
	// known by the scheme) or as host:port. They are dialled
	// wherever they lead.
	Trusted []string
	// AllowPrivate are ranges to which untrusted addresses may lead, too.
	AllowPrivate []netip.Prefix
	// Proxy gives the proxy of a request, as http.ProxyFromEnvironment does; nil:
	// none. A proxy is dialled wherever it leads. Behind it only names and literal
	// addresses can be judged, not what they resolve to.
	Proxy func(*http.Request) (*url.URL, error)
}

// Dialer makes connections. It is safe for concurrent use.
type Dialer struct {
	o       Options
	trusted map[string]bool
	proxies sync.Map // host:port of proxies that were given, as if in trusted
	plain   net.Dialer
	guarded net.Dialer
}

// New gives a Dialer. An address in Trusted that is none is an Invalid fault,
// which does not repeat it: a URL may hold a key.
func New(o Options) (*Dialer, error) {
	d := &Dialer{o: o, trusted: map[string]bool{}, plain: net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}}
	for _, text := range o.Trusted {
		if text == "" {
			continue
		}
		address, ok := authority(text)
		if !ok {
			return nil, fault.New(fault.Invalid, "a configured address is neither a URL nor host:port / 配置中有地址既不是网址，也不是 主机:端口")
		}
		d.trusted[address] = true
	}
	d.guarded = d.plain
	d.guarded.Control = d.control
	return d, nil
}

// DialContext connects to host:port. A refused address is a Denied fault, and
// nothing is sent to it.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if known, ok := authority(address); ok {
		if _, proxy := d.proxies.Load(known); proxy || d.trusted[known] {
			return d.plain.DialContext(ctx, network, address)
		}
	}
	c, err := d.guarded.DialContext(ctx, network, address)
	if refused, ok := errors.AsType[*fault.Error](err); ok {
		return nil, refused // not the *net.OpError around it, which names the address
	}
	return c, err
}

// control sees the address that a name resolved to, directly before the connection.
func (d *Dialer) control(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !d.allowed(at.Addr()) {
		return refused()
	}
	return nil
}

func (d *Dialer) allowed(a netip.Addr) bool {
	if Public(a) {
		return true
	}
	a = a.Unmap().WithZone("")
	for _, p := range d.o.AllowPrivate {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// refused does not name the address: whoever sent it would learn what there is.
func refused() error {
	return fault.New(fault.Denied, "an address that came over the network leads into a private network and is not called; outbound.allow_private allows ranges / 网络上传来的地址指向内网，不予连接；可用 outbound.allow_private 放行网段")
}

// Proxied gives the proxy for a request, nil for none. What the guard would
// refuse, as far as the URL tells, gets no proxy to slip through.
func (d *Dialer) Proxied(r *http.Request) (*url.URL, error) {
	var through *url.URL
	if d.o.Proxy != nil {
		var err error
		if through, err = d.o.Proxy(r); err != nil {
			return nil, errors.New("the proxy's address is wrong") // the text holds its password
		}
	}
	if through == nil {
		return through, nil
	}
	known, ok := authority(r.URL.String())
	if !ok || !d.trusted[known] && !d.outside(r.URL.Hostname()) {
		return nil, refused()
	}
	if at, ok := authority(through.String()); ok {
		d.proxies.Store(at, true)
	}
	return through, nil
}

// outside tells whether a host, unresolved, can be one of the internet.
func (d *Dialer) outside(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if a, err := netip.ParseAddr(host); err == nil {
		return d.allowed(a)
	}
	return strings.Contains(host, ".") && !strings.HasSuffix(host, ".localhost") && !numeric(host)
}

// numeric tells whether a name is an IPv4 address in an old spelling, such as
// 127.1 or 0177.0.0.1, which some resolvers read and ParseAddr does not.
func numeric(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	return last != "" && last[0] >= '0' && last[0] <= '9'
}

// Transport gives a transport of connections by this Dialer, with bounds on
// everything but the body. Certificates are checked, for TLS 1.2 and newer.
func (d *Dialer) Transport() *http.Transport {
	return &http.Transport{
		Proxy:                  d.Proxied,
		DialContext:            d.DialContext,
		TLSHandshakeTimeout:    tlsTimeout,
		ResponseHeaderTimeout:  headerTimeout,
		IdleConnTimeout:        idleTimeout,
		MaxIdleConnsPerHost:    8,
		MaxResponseHeaderBytes: headerBytes,
		ForceAttemptHTTP2:      true,
	}
}

// Client gives a client that follows no redirect, whose whole exchange, body and
// all, takes a minute at most, and whose errors show nothing of an answer. They
// still name the URL: see *url.Error. Bodies have to be capped by who reads them.
func (d *Dialer) Client() *http.Client {
	return &http.Client{
		Timeout:       totalTimeout,
		Transport:     discreet{d.Transport()},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// authority gives host:port in one spelling, of a URL or of host:port.
func authority(text string) (string, bool) {
	host, port, err := net.SplitHostPort(text)
	if err != nil || strings.Contains(text, "/") {
		u, err := url.Parse(text)
		if err != nil || u.Hostname() == "" {
			return "", false
		}
		host, port = u.Hostname(), u.Port()
		if port == "" {
			port = map[string]string{"http": "80", "ws": "80", "https": "443", "wss": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
		}
	}
	if host == "" || port == "" {
		return "", false
	}
	return net.JoinHostPort(strings.ToLower(host), port), true
}
