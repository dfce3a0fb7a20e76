package queue_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/store/queue"
	"github.com/rollcallhq/rollcall/store/queue/queuetest"
	"github.com/rollcallhq/rollcall/store/storetest/certs"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// rights are what docs/operations.md gives to our user, and nothing else.
const rights = "~rollcall:* -@all +ping +hello +auth +select +info +time" +
	" +xadd +xack +xdel +xgroup|create +xgroup|delconsumer +xreadgroup +xautoclaim +xclaim +xinfo|consumers" +
	" +eval +evalsha +lindex +lpush +ltrim +del +pexpire"

// secured is a Redis that speaks TLS alone, wants a certificate of its clients, and
// knows one user.
type secured struct {
	ca, foreign *certs.Authority
	server      *queuetest.Server
	port        string
	cert, key   string // ours
}

func startSecured(t *testing.T, clients string) *secured {
	t.Helper()
	s := &secured{ca: certs.NewAuthority(t), foreign: certs.NewAuthority(t), port: queuetest.FreePort(t)}
	cert, key := s.ca.Issue(t, "redis.internal", "127.0.0.1")
	acl := filepath.Join(t.TempDir(), "users.acl")
	if err := os.WriteFile(acl, []byte("user default off\nuser rollcall on >pw/ge@heim "+rights+"\nuser poor on >geheim ~* +ping +hello +auth\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.server = queuetest.StartServer(t, "--port", "0", "--tls-port", s.port, "--tls-cert-file", cert, "--tls-key-file", key,
		"--tls-ca-cert-file", s.ca.File, "--tls-auth-clients", clients, "--aclfile", acl)
	s.cert, s.key = s.ca.Issue(t, "rollcall")
	return s
}

// url makes a URL with some of the parameters.
func (s *secured) url(user, password, host string, parameters ...string) string {
	q := url.Values{}
	for i := 0; i < len(parameters); i += 2 {
		q.Set(parameters[i], parameters[i+1])
	}
	return "rediss://" + url.UserPassword(user, password).String() + "@" + host + ":" + s.port + "?" + q.Encode()
}

// TestTLS is a Redis with TLS, certificates of clients and a user with the least
// rights: everything works with them, and what is wrong is told at the start, in
// both languages, without a secret.
func TestTLS(t *testing.T) {
	t.Parallel()
	s := startSecured(t, "yes")
	const pw = "pw/ge@heim"
	right := s.url("rollcall", pw, "127.0.0.1", "ca", s.ca.File, "cert", s.cert, "key", s.key)
	b := open(t, queue.Options{URL: right, Consumer: "c"})
	queuetest.Until(t, "it is ready", func() bool { return b.Ready(t.Context()) == nil })
	queuetest.Until(t, "it advises what is right", func() bool {
		warnings, err := b.Warnings(t.Context())
		return err == nil && len(warnings) == 1 && strings.Contains(warnings[0], "appendonly")
	})
	ringUntil(t, b, listening(t, b), "k")
	queuetest.Until(t, "it counts", func() bool { return takes(t, b, "k") })

	foreignCert, foreignKey := s.foreign.Issue(t, "somebody")
	for name, c := range map[string]struct {
		url, en string
		kind    fault.Kind
	}{
		"another name in the certificate": {s.url("rollcall", pw, "localhost", "ca", s.ca.File, "cert", s.cert, "key", s.key), "not trusted", fault.Credential},
		"that name is wanted":             {s.url("rollcall", pw, "localhost", "ca", s.ca.File, "cert", s.cert, "key", s.key, "server_name", "redis.internal"), "", ""},
		"another ca":                      {s.url("rollcall", pw, "127.0.0.1", "ca", s.foreign.File, "cert", s.cert, "key", s.key), "not trusted", fault.Credential},
		"the ca of the machine":           {s.url("rollcall", pw, "127.0.0.1", "cert", s.cert, "key", s.key), "not trusted", fault.Credential},
		"no certificate":                  {s.url("rollcall", pw, "127.0.0.1", "ca", s.ca.File), "wants a certificate", fault.Credential},
		"a certificate of somebody else":  {s.url("rollcall", pw, "127.0.0.1", "ca", s.ca.File, "cert", foreignCert, "key", foreignKey), "wants a certificate", fault.Credential},
		"a wrong password":                {s.url("rollcall", "wrong-geheim", "127.0.0.1", "ca", s.ca.File, "cert", s.cert, "key", s.key), "user or password", fault.Credential},
		"an unknown user":                 {s.url("stranger", pw, "127.0.0.1", "ca", s.ca.File, "cert", s.cert, "key", s.key), "user or password", fault.Credential},
		"no user":                         {"rediss://127.0.0.1:" + s.port + "?ca=" + s.ca.File + "&cert=" + s.cert + "&key=" + s.key, "user or password", fault.Credential},
		"a user without rights":           {s.url("poor", "geheim", "127.0.0.1", "ca", s.ca.File, "cert", s.cert, "key", s.key), "docs/operations.md", fault.Credential},
		"no TLS":                          {"redis://rollcall:geheim@127.0.0.1:" + s.port, "wants TLS", fault.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := open(t, queue.Options{URL: c.url, Consumer: "c"})
			err := asked.Ready(t.Context())
			for tries := 0; fault.KindOf(err) != c.kind && tries < 20; tries++ { // a crowded machine is slower than 800 ms
				err = asked.Ready(t.Context())
			}
			if c.kind == "" && err == nil {
				return
			}
			en, zh := fault.In(fault.Say(err), "en"), fault.In(fault.Say(err), "zh-CN")
			if fault.KindOf(err) != c.kind || !strings.Contains(en, c.en) || zh == en || zh == "" {
				t.Errorf("%q / %q (%s), want %q (%s): %v", en, zh, fault.KindOf(err), c.en, c.kind, err)
			}
			for _, secret := range []string{"geheim", pw, "heim"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("a secret is shown: %v", err)
				}
			}
		})
	}
}

// TestTLSWhereThereIsNone asks a Redis without TLS for it.
func TestTLSWhereThereIsNone(t *testing.T) {
	t.Parallel()
	plain := queuetest.StartServer(t)
	err := open(t, queue.Options{URL: "rediss://" + plain.Address(), Consumer: "c"}).Ready(t.Context())
	if !strings.Contains(fault.In(fault.Say(err), "en"), "speak TLS") {
		t.Errorf("%s: %v", fault.KindOf(err), err)
	}
}

// TestRenewedCertificate uses a certificate that was renewed for the next
// connection, and the last good one while the files are being replaced.
func TestRenewedCertificate(t *testing.T) {
	t.Parallel()
	s := startSecured(t, "yes")
	b := open(t, queue.Options{URL: s.url("rollcall", "pw/ge@heim", "127.0.0.1", "ca", s.ca.File, "cert", s.cert, "key", s.key), Consumer: "c"})
	queuetest.Until(t, "it is ready", func() bool { return b.Ready(t.Context()) == nil })
	if err := os.WriteFile(s.cert, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.server.Kill()
	s.server.Start(t)
	queuetest.Until(t, "it is used as it was", func() bool { return b.Ready(t.Context()) == nil })
	s.ca.Issue(t, "rollcall")
	s.server.Kill()
	s.server.Start(t)
	queuetest.Until(t, "the new one is used", func() bool { return b.Ready(t.Context()) == nil })
}

// TestSentinelTLS finds a master by a Sentinel, both with TLS and passwords of
// their own.
func TestSentinelTLS(t *testing.T) {
	t.Parallel()
	s := startSecured(t, "yes")
	cert, key := s.ca.Issue(t, "sentinel", "127.0.0.1")
	port := queuetest.FreePort(t)
	conf := filepath.Join(t.TempDir(), "sentinel.conf")
	text := "sentinel monitor people 127.0.0.1 " + s.port + " 1\nrequirepass sentinel-geheim\nport 0\ntls-port " + port + "\ntls-replication yes\n" +
		"tls-cert-file " + cert + "\ntls-key-file " + key + "\ntls-ca-cert-file " + s.ca.File + "\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	queuetest.StartServer(t, conf, "--port", "0")
	q := url.Values{"ca": {s.ca.File}, "cert": {s.cert}, "key": {s.key}, "sentinel_password": {"sentinel-geheim"}}
	base := "rediss-sentinel://" + url.UserPassword("rollcall", "pw/ge@heim").String() + "@127.0.0.1:" + port + "/people?"
	b := open(t, queue.Options{URL: base + q.Encode(), Consumer: "c"})
	queuetest.Until(t, "the master is found", func() bool { return b.Ready(t.Context()) == nil })
	q.Set("sentinel_password", "wrong-geheim")
	if err := open(t, queue.Options{URL: base + q.Encode(), Consumer: "d"}).Ready(t.Context()); err == nil || strings.Contains(err.Error(), "geheim") {
		t.Errorf("a wrong password of the Sentinel: %v", err)
	}
}
