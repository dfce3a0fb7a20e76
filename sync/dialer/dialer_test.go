package dialer

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// counted is a server on loopback that counts who connects.
func counted(t *testing.T) (port string, connections *atomic.Int32) {
	t.Helper()
	connections = &atomic.Int32{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close() })
	_, port, err = net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port, connections
}

func made(t *testing.T, o Options) *Dialer {
	t.Helper()
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// spellings of this machine, and of places that are not the internet.
func spellings() []string {
	return []string{
		"127.0.0.1", "localhost", "LOCALHOST", "localhost.", "127.1", "2130706433", "0x7f000001", "017700000001", "0", "0.0.0.0",
		"[::1]", "[::]", "[::ffff:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1%25lo]", "127.255.255.254",
	}
}

// TestT65_SpellingsOfThisMachine: none of them connects, as itself or by HTTP,
// directly or by a proxy.
func TestT65_SpellingsOfThisMachine(t *testing.T) {
	t.Parallel()
	port, connections := counted(t)
	d := made(t, Options{})
	client := d.Client()
	for _, host := range append(spellings(), "[::ffff:169.254.169.254]", "169.254.169.254", "10.0.0.1", "100.100.100.200", "192.168.1.1") {
		bare := strings.ReplaceAll(strings.Trim(host, "[]"), "%25", "%")
		c, err := d.DialContext(t.Context(), "tcp", net.JoinHostPort(bare, port))
		if err == nil {
			_ = c.Close()
			t.Errorf("%s: connected", host)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+host+":"+port+"/robot/send?access_token=planted", strings.NewReader("x"))
		if err != nil {
			continue // no URL either
		}
		if res, err := client.Do(req); err == nil {
			_ = res.Body.Close()
			t.Errorf("%s: answered", host)
		}
	}
	if n := connections.Load(); n != 0 {
		t.Errorf("%d connections", n)
	}
	if c, err := made(t, Options{Trusted: []string{"127.0.0.1:" + port}}).DialContext(t.Context(), "tcp", "127.0.0.1:"+port); err != nil {
		t.Fatalf("the test cannot fail: %v", err)
	} else {
		_ = c.Close()
	}
}

// TestT65_Rebinding: a name that leads here is refused when it is dialled, and
// the refusal repeats no address.
func TestT65_Rebinding(t *testing.T) {
	t.Parallel()
	port, connections := counted(t)
	d := made(t, Options{})
	d.guarded.Resolver = lying(t, netip.MustParseAddr("127.0.0.1"))
	_, err := d.DialContext(t.Context(), "tcp", "hooks.example.com:"+port)
	if fault.KindOf(err) != fault.Denied || strings.Contains(err.Error(), "127.0.0.1") || connections.Load() != 0 {
		t.Errorf("%v, %d connections", err, connections.Load())
	}
	// The same name, once it is one that the admin wrote, may lead here.
	d = made(t, Options{Trusted: []string{"https://hooks.example.com:" + port + "/path"}})
	d.plain.Resolver = lying(t, netip.MustParseAddr("127.0.0.1"))
	c, err := d.DialContext(t.Context(), "tcp", "HOOKS.example.com:"+port)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
}

// lying gives a resolver that answers every question with one address.
func lying(t *testing.T, answer netip.Addr) *net.Resolver {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pc.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = pc.WriteTo(dnsAnswer(buf[:n], answer), from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
}

// dnsAnswer answers a question for an address (RFC 1035 §4); other types have none.
func dnsAnswer(q []byte, a netip.Addr) []byte {
	end := 12
	for end < len(q) && q[end] != 0 {
		end += int(q[end]) + 1
	}
	end += 5 // the root, the type, the class
	if end > len(q) {
		return nil
	}
	r := append([]byte(nil), q[:end]...)
	r[2], r[3] = 0x84, 0 // an answer with authority
	r[6], r[7], r[8], r[9], r[10], r[11] = 0, 0, 0, 0, 0, 0
	if kind := int(q[end-4])<<8 | int(q[end-3]); kind == 1 {
		r[7] = 1
		four := a.As4()
		r = append(r, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
		r = append(r, four[:]...)
	}
	return r
}

// TestT65_PublicAddresses is the table of what counts as the internet.
func TestT65_PublicAddresses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"8.8.8.8", "203.119.0.1", "100.63.255.255", "100.128.0.1", "198.17.255.255", "198.20.0.1", "2400:3200::1", "::ffff:8.8.8.8", "172.15.0.1", "172.32.0.1"} {
		if !Public(netip.MustParseAddr(text)) {
			t.Errorf("%s is the internet", text)
		}
	}
	for _, text := range []string{
		"0.0.0.0", "0.1.2.3", "10.1.2.3", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.1.2.3", "169.254.169.254", "172.16.0.1", "172.31.255.255",
		"192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:100.64.0.1", "::ffff:0.0.0.0", "::ffff:198.18.0.1", "::ffff:0:7f00:1", "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1",
		"fc00::1", "fd00::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "5f00::1",
	} {
		if Public(netip.MustParseAddr(text)) {
			t.Errorf("%s is not the internet", text)
		}
	}
	if Public(netip.Addr{}) {
		t.Error("nothing is not the internet")
	}
}

// TestT65_AllowPrivate opens ranges, and no more.
func TestT65_AllowPrivate(t *testing.T) {
	t.Parallel()
	port, connections := counted(t)
	d := made(t, Options{AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/30")}})
	c, err := d.DialContext(t.Context(), "tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	if _, err := d.DialContext(t.Context(), "tcp", "127.0.0.9:"+port); fault.KindOf(err) != fault.Denied {
		t.Errorf("%v", err)
	}
	if n := connections.Load(); n > 1 {
		t.Errorf("%d connections", n)
	}
}

// TestT65_TrustIsOfOneAddress: the same host at another port is another place.
func TestT65_TrustIsOfOneAddress(t *testing.T) {
	t.Parallel()
	port, _ := counted(t)
	other, connections := counted(t)
	d := made(t, Options{Trusted: []string{"", "http://127.0.0.1:" + port + "/base"}})
	c, err := d.DialContext(t.Context(), "tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	if _, err := d.DialContext(t.Context(), "tcp", "127.0.0.1:"+other); fault.KindOf(err) != fault.Denied || connections.Load() != 0 {
		t.Errorf("%v, %d connections", err, connections.Load())
	}
	for _, text := range []string{"nonsense", "https://", "gopher://host", "planted\x7f"} {
		if _, err := New(Options{Trusted: []string{text}}); fault.KindOf(err) != fault.Invalid || strings.Contains(err.Error(), "planted") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestT65_Proxy: without one set there is none, whatever the environment holds;
// with one, what a URL says of itself is judged before the proxy gets it.
func TestT65_Proxy(t *testing.T) {
	t.Parallel()
	var got atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { got.Add(1) }))
	t.Cleanup(proxy.Close)
	at, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	d := made(t, Options{Proxy: http.ProxyURL(at), Trusted: []string{"http://10.1.2.3:8080"}})
	client := d.Client()
	ask := func(target string) error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, http.NoBody)
		if err != nil {
			return err
		}
		res, err := client.Do(req)
		if err != nil {
			return err
		}
		return res.Body.Close()
	}
	for _, host := range append(spellings(), "169.254.169.254", "intranet", "app.localhost") {
		if err := ask("http://" + host + "/"); err == nil {
			t.Errorf("%s goes through the proxy", host)
		}
	}
	if got.Load() != 0 {
		t.Errorf("the proxy had %d requests", got.Load())
	}
	for _, target := range []string{"http://hooks.example.com/", "http://10.1.2.3:8080/scim"} {
		if err := ask(target); err != nil {
			t.Errorf("%s: %v", target, err)
		}
	}
	if got.Load() != 2 {
		t.Errorf("the proxy had %d requests, want 2", got.Load())
	}
	bad := made(t, Options{Proxy: func(*http.Request) (*url.URL, error) { return nil, errors.New("planted") }})
	if _, err := bad.Proxied(httptest.NewRequest(http.MethodGet, "http://a.example.com", http.NoBody)); err == nil || strings.Contains(err.Error(), "planted") {
		t.Errorf("%v", err)
	}
	if p, err := made(t, Options{}).Proxied(httptest.NewRequest(http.MethodGet, "http://a.example.com", http.NoBody)); p != nil || err != nil {
		t.Errorf("%v %v", p, err)
	}
}
