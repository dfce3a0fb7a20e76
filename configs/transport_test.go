package configs

import (
	"strings"
	"testing"
)

// TestT90_PostgreSQLElsewhere: one on another host speaks TLS and proves who it is, and
// so do we, or the file says that nobody need.
func TestT90_PostgreSQLElsewhere(t *testing.T) {
	t.Parallel()
	for url, kept := range map[string]string{
		"postgres://u@127.0.0.1/rollcall":                                         "postgres://u@127.0.0.1/rollcall",
		"postgres://u@localhost:5432/rollcall?sslmode=disable":                    "postgres://u@localhost:5432/rollcall?sslmode=disable",
		"'postgresql://u@[::1]/rollcall'":                                         "postgresql://u@[::1]/rollcall",
		"postgres://u@localhost/rollcall?host=/run/postgresql":                    "postgres://u@localhost/rollcall?host=/run/postgresql",
		"postgres://u:secret@db/rollcall?sslmode=verify-full":                     "postgres://u:secret@db/rollcall?sslmode=verify-full",
		"postgres://u:secret@db/rollcall?sslmode=verify-ca&sslrootcert=/ca.pem":   "postgres://u:secret@db/rollcall?sslmode=verify-ca&sslrootcert=/ca.pem",
		"postgres://u:secret@db/rollcall?sslmode=require&sslrootcert=/ca.pem":     "postgres://u:secret@db/rollcall?sslmode=require&sslrootcert=/ca.pem",
		"postgres://u:secret@db/rollcall?sslrootcert=system":                      "postgres://u:secret@db/rollcall?sslrootcert=system",
		"postgres://u@db/rollcall?sslmode=verify-full&sslcert=/c.pem&sslkey=/c.k": "postgres://u@db/rollcall?sslmode=verify-full&sslcert=/c.pem&sslkey=/c.k",
		"postgres://u@db/rollcall?sslmode=verify-full&passfile=/run/pass":         "postgres://u@db/rollcall?sslmode=verify-full&passfile=/run/pass",
		"postgres://u:secret@db/rollcall?allow_insecure=true":                     "postgres://u:secret@db/rollcall",
		"postgres://u@db/rollcall?sslmode=disable&allow_insecure=true":            "postgres://u@db/rollcall?sslmode=disable",
		"postgres://u:secret@db/rollcall":                                         "",
		"postgres://u:secret@db/rollcall?allow_insecure":                          "",
		"postgres://u:secret@db/rollcall?allow_insecure=false":                    "",
		"postgres://u:secret@db/rollcall?sslmode=disable":                         "",
		"postgres://u:secret@db/rollcall?sslmode=prefer":                          "",
		"postgres://u:secret@db/rollcall?sslmode=require":                         "",
		"postgres://u:secret@db/rollcall?sslmode=verify-ca":                       "", // anybody has a certificate of some public authority
		"postgres://u:secret@127.0.0.1,db/rollcall":                               "",
		"postgres://u:secret@10.0.0.7/rollcall":                                   "",
		"postgres://u@db/rollcall?sslmode=verify-full":                            "",
		"postgres://u:secret@127.0.0.1/rollcall?host=db":                          "",
		"postgres://u:secret@127.0.0.1/rollcall?host=127.0.0.1,db":                "",
	} {
		c, err := Parse([]byte("record: "+url+"\n"), Options{Path: "c.yaml"})
		switch {
		case kept == "" && err == nil:
			t.Errorf("%s is accepted", url)
		case kept == "":
			if m := err.Error(); strings.Contains(m, "secret") {
				t.Errorf("%s: %s", url, m)
			}
		case err != nil:
			t.Errorf("%s: %v", url, err)
		case c.Record.URL.Reveal() != kept:
			t.Errorf("%s is kept as %s", url, c.Record.URL.Reveal())
		}
	}
}
