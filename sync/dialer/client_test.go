package dialer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// authorityOf makes an authority that signs certificates of servers.
type authorityOf struct {
	t    *testing.T
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t *testing.T) *authorityOf {
	t.Helper()
	a := &authorityOf{t: t}
	_, a.cert = a.sign(&x509.Certificate{Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// sign makes a certificate; the first one signs itself and is the authority's.
func (a *authorityOf) sign(c *x509.Certificate) (tls.Certificate, *x509.Certificate) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	c.SerialNumber = big.NewInt(time.Now().UnixNano())
	if c.NotAfter.IsZero() {
		c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	parent, by := a.cert, a.key
	if parent == nil {
		parent, by, a.key = c, key, key
	}
	raw, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, by)
	if err != nil {
		a.t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(raw)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}, parsed
}

// TestT67_Certificates: a certificate of nobody, of another name, of yesterday,
// and TLS that is too old are refused; there is no way to look away.
func TestT67_Certificates(t *testing.T) {
	t.Parallel()
	ours, strangers := newAuthority(t), newAuthority(t)
	here := []net.IP{net.IPv4(127, 0, 0, 1)}
	for _, tt := range []struct {
		name string
		by   *authorityOf
		cert x509.Certificate
		max  uint16
		want string
	}{
		{"good", ours, x509.Certificate{IPAddresses: here}, 0, ""},
		{"TLS 1.2", ours, x509.Certificate{IPAddresses: here}, tls.VersionTLS12, ""},
		{"of nobody", strangers, x509.Certificate{IPAddresses: here}, 0, "unknown authority"},
		{"wrong name", ours, x509.Certificate{DNSNames: []string{"open.feishu.cn"}}, 0, "127.0.0.1"},
		{"expired", ours, x509.Certificate{IPAddresses: here, NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour)}, 0, "expired"},
		{"of tomorrow", ours, x509.Certificate{IPAddresses: here, NotBefore: time.Now().Add(time.Hour), NotAfter: time.Now().Add(2 * time.Hour)}, 0, "not yet valid"},
		{"TLS 1.1", ours, x509.Certificate{IPAddresses: here}, tls.VersionTLS11, "protocol version"},
		{"TLS 1.0", ours, x509.Certificate{IPAddresses: here}, tls.VersionTLS10, "protocol version"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var heard atomic.Int32
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { heard.Add(1) }))
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			cert, _ := tt.by.sign(&tt.cert)
			s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS10, MaxVersion: tt.max}
			s.StartTLS()
			t.Cleanup(s.Close)
			client := made(t, Options{Trusted: []string{s.URL}}).Client()
			transport := client.Transport.(discreet).next.(*http.Transport)
			if transport.TLSClientConfig != nil {
				t.Error("the transport has settings of its own for TLS")
			}
			transport.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool()}
			transport.TLSClientConfig.RootCAs.AddCert(ours.cert)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/?access_token=planted", strings.NewReader("planted"))
			if err != nil {
				t.Fatal(err)
			}
			res, err := client.Do(req)
			if err == nil {
				_ = res.Body.Close()
			}
			switch {
			case tt.want == "" && (err != nil || heard.Load() != 1):
				t.Errorf("%v, heard %d", err, heard.Load())
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || heard.Load() != 0):
				t.Errorf("%v, heard %d; want %q", err, heard.Load(), tt.want)
			}
		})
	}
}

// TestT66_T69_Answers: a redirect is not followed, and what a broken answer says
// is in no error.
func TestT66_T69_Answers(t *testing.T) {
	t.Parallel()
	var second atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { second.Add(1) }))
	t.Cleanup(other.Close)
	for name, answer := range map[string]string{
		"redirect":            "HTTP/1.1 307 Temporary Redirect\r\nLocation: " + other.URL + "/planted\r\nContent-Length: 0\r\n\r\n",
		"redirect to nowhere": "HTTP/1.1 302 Found\r\nLocation: http://[planted/%zz\r\nContent-Length: 0\r\n\r\n",
		"no HTTP":             "planted planted\r\n\r\n",
		"no status":           "HTTP/1.1 planted\r\n\r\n",
		"no header":           "HTTP/1.1 200 OK\r\nplanted\r\n\r\n",
		"no length":           "HTTP/1.1 200 OK\r\nContent-Length: planted\r\n\r\n",
		"no encoding":         "HTTP/1.1 200 OK\r\nTransfer-Encoding: planted\r\n\r\n",
		"huge header":         "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("planted", 20_000) + "\r\n\r\n",
		"nothing":             "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = l.Close() })
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					_, _ = c.Read(make([]byte, 4096))
					_, _ = io.WriteString(c, answer)
					_ = c.Close()
				}
			}()
			base := "http://" + l.Addr().String()
			client := made(t, Options{Trusted: []string{base, other.URL}}).Client()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base, strings.NewReader("x"))
			if err != nil {
				t.Fatal(err)
			}
			res, err := client.Do(req)
			if err == nil {
				_ = res.Body.Close()
				if res.StatusCode/100 != 3 || res.Header.Get("Location") != "" {
					t.Errorf("%d %v", res.StatusCode, res.Header)
				}
				return
			}
			if u, ok := err.(*url.Error); !ok || strings.Contains(u.Err.Error(), "plant") { //nolint:errorlint // what Do promises
				t.Errorf("%v", err)
			}
		})
	}
	t.Cleanup(func() {
		if second.Load() != 0 {
			t.Errorf("the second server had %d requests", second.Load())
		}
	})
}
