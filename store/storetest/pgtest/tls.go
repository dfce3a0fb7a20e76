package pgtest

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/store/storetest/certs"
)

// Secure makes the server speak TLS, with a certificate of ca for 127.0.0.1, and demand
// of the role rollcall a certificate of ca for its name beside the password.
func (s *Server) Secure(t testing.TB, ca *certs.Authority) {
	t.Helper()
	cert, key := ca.Issue(t, "server", "127.0.0.1")
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
