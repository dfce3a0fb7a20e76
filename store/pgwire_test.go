package store

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// TestSilenceIsAnError: a server that says nothing does not keep us waiting, whatever
// the driver allows it; what the driver allows less of, stays so.
func TestSilenceIsAnError(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		silence time.Duration
		set     func(*impatient) error
	}{
		"nothing is set":        {10 * time.Millisecond, func(*impatient) error { return nil }},
		"more is allowed":       {10 * time.Millisecond, func(c *impatient) error { return c.SetDeadline(time.Now().Add(time.Hour)) }},
		"less is allowed":       {time.Hour, func(c *impatient) error { return c.SetDeadline(time.Now().Add(10 * time.Millisecond)) }},
		"less is allowed reads": {time.Hour, func(c *impatient) error { return c.SetReadDeadline(time.Now().Add(10 * time.Millisecond)) }},
		"no more is allowed": {10 * time.Millisecond, func(c *impatient) error {
			return errors.Join(c.SetDeadline(time.Now().Add(-time.Hour)), c.SetDeadline(time.Time{}))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ours, theirs := net.Pipe()
			t.Cleanup(func() { _, _ = ours.Close(), theirs.Close() })
			conn := &impatient{Conn: ours, silence: c.silence}
			if err := c.set(conn); err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("read: %v", err)
			}
			if kind := postgresKind(os.ErrDeadlineExceeded); kind == "" {
				t.Error("silence is of no kind")
			}
		})
	}
}

// TestAPatientReadIsCut: the driver ends a read that is under way when its context ends.
func TestAPatientReadIsCut(t *testing.T) {
	t.Parallel()
	ours, theirs := net.Pipe()
	t.Cleanup(func() { _, _ = ours.Close(), theirs.Close() })
	conn := &impatient{Conn: ours, silence: time.Hour}
	read := make(chan error, 1)
	go func() { _, err := conn.Read(make([]byte, 1)); read <- err }()
	if err := conn.SetDeadline(time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-read:
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read: %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the read goes on")
	}
}

// gone is a connection that the other side has reset.
type gone struct{ net.Conn }

func (gone) Write([]byte) (int, error) { return 0, &net.OpError{Op: "write", Err: syscall.ECONNRESET} }

// TestLastWordsAreRead: until the server has taken us, what it said before it hung up
// is worth more than that it did.
func TestLastWordsAreRead(t *testing.T) {
	t.Parallel()
	conn := &impatient{Conn: gone{}, silence: time.Hour}
	if n, err := conn.Write([]byte("hello")); n != 5 || err != nil {
		t.Errorf("before: %d, %v", n, err)
	}
	conn.open.Store(true)
	if n, err := conn.Write([]byte("hello")); n != 0 || !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("afterwards: %d, %v", n, err)
	}
}
