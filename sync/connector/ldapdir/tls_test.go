package ldapdir_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector/ldapdir"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// certificate makes a certificate of a name, and gives the files of it and its
// key.
func certificate(t *testing.T, name string) (certFile, keyFile string, pair tls.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, data := range map[string][]byte{certFile: certPEM, keyFile: keyPEM} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pair, err = tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	return certFile, keyFile, pair
}

// ldaps stands before a server and speaks TLS.
func ldaps(t *testing.T, to string, pair tls.Certificate) string {
	t.Helper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				_ = client.Close()
				continue
			}
			go func() { _, _ = io.Copy(server, client); _ = server.Close() }()
			go func() { _, _ = io.Copy(client, server); _ = client.Close() }()
		}
	}()
	return listener.Addr().String()
}

// TestTLS connects by ldaps and by StartTLS, with certificates that fit and that
// do not.
func TestTLS(t *testing.T) {
	t.Parallel()
	certFile, keyFile, pair := certificate(t, "127.0.0.1")
	wrongFile, _, wrong := certificate(t, "dc1.corp.example")
	server := startSlapd(t, slapdOptions{tls: "TLSCertificateFile " + certFile + "\nTLSCertificateKeyFile " + keyFile + "\n"})
	plain := startSlapd(t, slapdOptions{})
	secure, elsewhere := ldaps(t, plain.addr, pair), ldaps(t, plain.addr, wrong)
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		url, ca string
		start   bool
		kind    fault.Kind // "" = it works
		say     string
	}{
		"ldaps":                     {"ldaps://" + secure, certFile, false, "", ""},
		"StartTLS":                  {"ldap://" + server.addr, certFile, true, "", ""},
		"ldaps untrusted":           {"ldaps://" + secure, "", false, fault.Invalid, "ca_file"},
		"ldaps other name":          {"ldaps://" + elsewhere, wrongFile, false, fault.Invalid, "another name"},
		"StartTLS untrusted":        {"ldap://" + server.addr, wrongFile, true, fault.Invalid, "ca_file"},
		"StartTLS where there none": {"ldap://" + plain.addr, certFile, true, fault.Invalid, "ldaps://"},
		"no such file":              {"ldaps://" + secure, "/no/such.pem", false, fault.Invalid, "ca_file"},
		"no certificate":            {"ldaps://" + secure, empty, false, fault.Invalid, "ca_file"},
		"nobody there":              {"ldap://127.0.0.1:1", "", false, fault.Unavailable, "url"},
		"plain where TLS is spoken": {"ldap://" + secure, "", false, fault.Unavailable, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := ldapdir.New(ldapdir.Options{
				URL: c.url, CAFile: c.ca, StartTLS: c.start, BindDN: syncDN, BindPassword: syncPW, BaseDN: suffix, Now: time.Now,
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(conn.Close)
			err = conn.Probe(t.Context())
			if fault.KindOf(err) != c.kind || err != nil && !strings.Contains(fault.Say(err), c.say) {
				t.Errorf("%v, want %q with %q", err, c.kind, c.say)
			}
		})
	}
}
