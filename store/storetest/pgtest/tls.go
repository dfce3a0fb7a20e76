package pgtest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Authority is a CA for one test.
type Authority struct {
	File string // its certificate, in PEM
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewAuthority makes a CA.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{dir: t.TempDir()}
	a.cert = &x509.Certificate{
		Subject: pkix.Name{CommonName: "throw-away CA"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	a.key = newKey(t)
	a.File = a.write(t, "ca.crt", "CERTIFICATE", a.sign(t, a.cert, a.key, a.cert))
	return a
}

// Certificate signs one for a name and an address, "" when it has none, and gives its
// files.
func (a *Authority) Certificate(t testing.TB, name, address string) (cert, key string) {
	t.Helper()
	c := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if ip := net.ParseIP(address); ip != nil {
		c.IPAddresses = []net.IP{ip}
	}
	own := newKey(t)
	der, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		t.Fatal(err)
	}
	return a.write(t, name+".crt", "CERTIFICATE", a.sign(t, c, own, a.cert)), a.write(t, name+".key", "PRIVATE KEY", der)
}

func (a *Authority) sign(t testing.TB, c *x509.Certificate, own *ecdsa.PrivateKey, parent *x509.Certificate) []byte {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now() //nolint:forbidigo // the server judges by the machine's clock
	c.SerialNumber, c.NotBefore, c.NotAfter = serial, now.Add(-time.Hour), now.Add(time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &own.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func (a *Authority) write(t testing.TB, name, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Secure makes the server speak TLS, with a certificate of ca for 127.0.0.1, and demand
// of the role rollcall a certificate of ca for its name beside the password.
func (s *Server) Secure(t testing.TB, ca *Authority) {
	t.Helper()
	cert, key := ca.Certificate(t, "server", "127.0.0.1")
	for name, path := range map[string]string{"ca.crt": ca.File, "server.crt": cert, "server.key": key} {
		text, err := os.ReadFile(path) //nolint:gosec // a file that was just made
		if err != nil {
			t.Fatal(err)
		}
		s.place(t, name, text)
	}
	s.place(t, "pg_hba.conf", []byte("host all postgres 127.0.0.1/32 scram-sha-256\nhostssl all rollcall 127.0.0.1/32 scram-sha-256 clientcert=verify-full\n"))
	for _, set := range []string{`ssl_ca_file = 'ca.crt'`, `ssl_cert_file = 'server.crt'`, `ssl_key_file = 'server.key'`, `ssl = on`} {
		s.mustDo(t, `ALTER SYSTEM SET `+set)
	}
	s.mustDo(t, `SELECT pg_reload_conf()`)
	patient, enough := context.WithTimeout(context.Background(), comeUp)
	defer enough()
	for {
		var on string
		if err := s.Admin.QueryRowContext(patient, `SHOW ssl`).Scan(&on); err != nil {
			t.Fatalf("the server does not speak TLS: %v", err)
		}
		if on == "on" {
			return
		}
		wait(patient, 20*time.Millisecond)
	}
}

// place writes a file into the folder of the data, as the server's account.
func (s *Server) place(t testing.TB, name string, text []byte) {
	t.Helper()
	path := filepath.Join(s.data(), name)
	if err := os.WriteFile(path, text, 0o600); err != nil { //nolint:gosec // in the server's own folder
		t.Fatal(err)
	}
	if as := s.as.Credential; as != nil {
		if err := os.Chown(path, int(as.Uid), int(as.Gid)); err != nil {
			t.Fatal(err)
		}
	}
}

// With gives a URL with other parameters than it has.
func With(t testing.TB, address string, params url.Values) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.RawQuery = params.Encode()
	return u.String()
}
