package storetest_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/store"
	"github.com/rollcallhq/rollcall/store/storetest"
	"github.com/rollcallhq/rollcall/store/storetest/pgtest"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// TestPostgreSQLPasswordRenewed changes the password of our role while the record is in
// use, ends the sessions, and then changes the file that holds the address, or the
// passfile: the record is back without a restart.
func TestPostgreSQLPasswordRenewed(t *testing.T) {
	t.Parallel()
	const renewed = "renewed/s3cret"
	server := pgtest.Start(t)
	address := server.URL(t, t.Name())
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	open := *u
	open.User = url.User(u.User.Username())
	write := func(file, text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	passLine := func(password string) string {
		return strings.Join([]string{u.Hostname(), u.Port(), "*", u.User.Username(), password}, ":")
	}
	file, passFile := filepath.Join(t.TempDir(), "address"), filepath.Join(t.TempDir(), "passfile")
	byPassFile := pgtest.With(t, open.String(), url.Values{"passfile": {passFile}})
	write(file, address)
	write(passFile, passLine(pgtest.Secret))
	var all []*store.Store
	for _, o := range []store.Options{{URL: address, URLFile: file}, {URL: byPassFile}} {
		o.Dir, o.Now = t.TempDir(), storetest.NewClock().Now
		s, err := store.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		if err := s.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}

	if _, err := server.Admin.ExecContext(t.Context(), `ALTER ROLE rollcall PASSWORD '`+renewed+`'`); err != nil {
		t.Fatal(err)
	}
	server.Cut(t)
	open.User = url.UserPassword(u.User.Username(), renewed)
	refused := func(why string) {
		t.Helper()
		for _, s := range all {
			if err := s.Ping(t.Context()); err == nil || strings.Contains(err.Error(), "s3cret") {
				t.Fatalf("%s: %v (%s)", why, err, fault.KindOf(err))
			}
		}
	}
	refused("the old password")
	elsewhere := open
	elsewhere.Path = "/postgres"
	for _, useless := range []string{"", "half", elsewhere.String()} {
		write(file, useless)
		write(passFile, useless)
		refused(useless)
	}
	write(file, open.String())
	write(passFile, passLine(renewed))
	for i, s := range all {
		if err := s.Ping(t.Context()); err != nil {
			t.Errorf("record %d: %v", i, err)
		}
	}
}
