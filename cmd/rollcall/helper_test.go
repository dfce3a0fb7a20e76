package main

import (
	"bytes"
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

func containsText(b []byte, want string) bool { return bytes.Contains(b, []byte(want)) }

func freePort(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return port
}

func dialTCP(ctx context.Context, address string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", address)
}

// gatedAt stops the target before its n-th write, until open is called, at the latest
// when the test is over.
func gatedAt(t *testing.T, target *wecomsim.Sim, n int32) (reached <-chan struct{}, open func()) {
	t.Helper()
	at, gate := make(chan struct{}), make(chan struct{})
	var writes atomic.Int32
	target.Gate(func(string, string) {
		if writes.Add(1) == n {
			close(at)
			<-gate
		}
	})
	open = sync.OnceFunc(func() { close(gate) })
	t.Cleanup(open)
	return at, open
}

// arrives waits until the target stands before the write at which it was stopped.
func arrives(t *testing.T, reached <-chan struct{}) {
	t.Helper()
	select {
	case <-reached:
	case <-time.After(patience):
		t.Fatal("the change at which the target stops is not reached")
	}
}
