package storetest_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/store/storetest/certs"
	"github.com/rollcallhq/rollcall/store/storetest/pgtest"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// TestPostgreSQLCertificates: both sides prove who they are. What is refused is told in
// both languages, with what is to be done, and shows no secret.
func TestPostgreSQLCertificates(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	address := server.URL(t, t.Name())
	ca, other := certs.NewAuthority(t), certs.NewAuthority(t)
	if _, err := openAt(t, pgtest.With(t, address, url.Values{"sslmode": {"verify-full"}, "sslrootcert": {ca.File}})); err == nil || !strings.Contains(fault.Say(err), "turn ssl on") {
		t.Errorf("a server without TLS: %v", err)
	}
	server.Secure(t, ca)
	cert, key := ca.Issue(t, "rollcall")
	wrongCert, wrongKey := other.Issue(t, "rollcall")
	otherName, otherKey := ca.Issue(t, "somebody")
	junk := filepath.Join(t.TempDir(), "junk.pem")
	if err := os.WriteFile(junk, []byte("junk-s3cret"), 0o600); err != nil {
		t.Fatal(err)
	}
	full := func(root, cert, key string) url.Values {
		v := url.Values{"sslmode": {"verify-full"}, "sslrootcert": {root}}
		if cert != "" {
			v.Set("sslcert", cert)
		}
		if key != "" {
			v.Set("sslkey", key)
		}
		return v
	}
	for name, c := range map[string]struct {
		params url.Values
		from   func(string) string // changes the address
		kind   fault.Kind
		en, zh string
	}{
		"both prove themselves":     {params: full(ca.File, cert, key)},
		"another CA signed theirs":  {params: full(other.File, cert, key), kind: fault.Credential, en: "that the CA of sslrootcert did not sign", zh: "不是 sslrootcert 里的 CA 签发的"},
		"no CA is named":            {params: url.Values{"sslmode": {"verify-full"}, "sslcert": {cert}, "sslkey": {key}}, kind: fault.Credential, en: "set the right CA", zh: "请换成正确的 CA"},
		"we have none":              {params: full(ca.File, "", ""), kind: fault.Credential, en: "add sslcert and sslkey", zh: "加上 sslcert 和 sslkey"},
		"another CA signed ours":    {params: full(ca.File, wrongCert, wrongKey), kind: fault.Credential, en: "does not accept our certificate", zh: "不接受我们的证书"},
		"ours is for another role":  {params: full(ca.File, otherName, otherKey), kind: fault.Credential, en: "must bear the user's name", zh: "证书上的名字要与用户名一致"},
		"theirs is of another host": {params: full(ca.File, cert, key), from: func(a string) string { return strings.Replace(a, "127.0.0.1", "localhost", 1) }, kind: fault.Credential, en: "for another host", zh: "属于别的主机名"},
		"the password is wrong":     {params: full(ca.File, cert, key), from: func(a string) string { return strings.Replace(a, url.QueryEscape(pgtest.Secret), "wr0ng-s3cret", 1) }, kind: fault.Credential, en: "refuses user or password", zh: "拒绝了用户名或密码"},
		"without TLS":               {params: url.Values{"sslmode": {"disable"}}, kind: fault.Credential, en: "its role and pg_hba.conf", zh: "请检查角色和 pg_hba.conf"},
		"a file is not there":       {params: full("/nowhere/ca.pem", cert, key), kind: fault.Invalid, en: "the file /nowhere/ca.pem", zh: "/nowhere/ca.pem 读不了"},
		"the key is not there":      {params: full(ca.File, cert, "/nowhere/own.key"), kind: fault.Invalid, en: "the file /nowhere/own.key", zh: "/nowhere/own.key 读不了"},
		"the CA is junk":            {params: full(junk, cert, key), kind: fault.Invalid, en: "sslrootcert of PostgreSQL's address is no certificate", zh: "sslrootcert 不是 PEM"},
		"ours is junk":              {params: full(ca.File, junk, key), kind: fault.Invalid, en: "not a certificate and its key", zh: "不是一对"},
		"the key is another's":      {params: full(ca.File, cert, otherKey), kind: fault.Invalid, en: "not a certificate and its key", zh: "不是一对"},
		"a certificate, no key":     {params: full(ca.File, cert, ""), kind: fault.Invalid, en: "write both", zh: "要一起写"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := address
			if c.from != nil {
				at = c.from(at)
			}
			s, err := openAt(t, pgtest.With(t, at, c.params))
			if fault.KindOf(err) != c.kind {
				t.Fatalf("%v, want %q", err, c.kind)
			}
			if err == nil {
				if err := s.Ping(t.Context()); err != nil {
					t.Error(err)
				}
				return
			}
			say := fault.Say(err)
			if en, zh := fault.In(say, "en"), fault.In(say, "zh-CN"); !strings.Contains(en, c.en) || !strings.Contains(zh, c.zh) {
				t.Errorf("it is told as %q and %q", en, zh)
			}
			for _, secret := range []string{pgtest.Secret, url.QueryEscape(pgtest.Secret), "s3cret"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error shows a secret: %v", err)
				}
			}
		})
	}
}
