package queue_test

import (
	"os"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/store/queue"
	"github.com/rollcallhq/rollcall/store/queue/queuetest"
	"github.com/rollcallhq/rollcall/store/storetest/certs"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// TestRenewedAuthority trusts a new authority from the next connection on, the old one
// no longer, and what it trusted at the start while the file is being replaced.
func TestRenewedAuthority(t *testing.T) {
	t.Parallel()
	s := startSecured(t, "no")
	good, err := os.ReadFile(s.ca.File)
	if err != nil {
		t.Fatal(err)
	}
	file := certs.NewAuthority(t).File
	replace := func(text []byte) {
		t.Helper()
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		s.server.Kill() // so that the next call needs a new connection
		s.server.Start(t)
	}
	foreign, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b := open(t, queue.Options{URL: s.url("rollcall", "pw/ge@heim", "127.0.0.1", "ca", file), Consumer: "c"})
	if err := b.Ready(t.Context()); err == nil {
		t.Fatal("a certificate of another authority is trusted")
	}
	replace(good)
	queuetest.Until(t, "the new authority is trusted", func() bool { return b.Ready(t.Context()) == nil })
	replace(foreign)
	queuetest.Until(t, "it is trusted no longer", func() bool {
		return strings.Contains(fault.In(fault.Say(b.Ready(t.Context())), "en"), "not trusted")
	})

	if err := os.WriteFile(file, good, 0o600); err != nil {
		t.Fatal(err)
	}
	b = open(t, queue.Options{URL: s.url("rollcall", "pw/ge@heim", "127.0.0.1", "ca", file), Consumer: "d"})
	replace([]byte("half"))
	queuetest.Until(t, "that of the start holds", func() bool { return b.Ready(t.Context()) == nil })
}
