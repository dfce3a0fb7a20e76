package store

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// lined is a record whose writer is held up until go on is called, and notes in
// which transaction each write was made.
type lined struct {
	*Store
	goOn func()

	mu   sync.Mutex
	seen map[*sql.Tx]int
}

func holdUp(t *testing.T) *lined {
	t.Helper()
	s, err := Open(t.Context(), Options{Dir: t.TempDir(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	l := &lined{Store: s, seen: map[*sql.Tx]int{}}
	began, open, over := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		over <- s.together(t.Context(), "hold up", func(*sql.Tx) error { close(began); <-open; return nil })
	}()
	<-began
	l.goOn = sync.OnceFunc(func() {
		close(open)
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(l.goOn)
	return l
}

// put writes a letter together with others.
func (l *lined) put(ctx context.Context, id string, wrong error) error {
	return l.together(ctx, "put", func(tx *sql.Tx) error {
		l.mu.Lock()
		l.seen[tx]++
		l.mu.Unlock()
		if wrong != nil {
			return wrong
		}
		return l.post(ctx, tx, []run.Letter{{ID: id, Lane: id}})
	})
}

// waiting waits until so many stand in the line.
func (l *lined) waiting(t *testing.T, n int) {
	t.Helper()
	for range 10_000 {
		l.company.mu.Lock()
		there := len(l.company.line)
		l.company.mu.Unlock()
		if there == n {
			return
		}
		rest, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		<-rest.Done()
		cancel()
	}
	t.Fatalf("there are never %d in the line", n)
}

func (l *lined) letters(t *testing.T) int {
	t.Helper()
	var n int
	if err := l.reader.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM outbox`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Who waits for the writer goes along with the first of them.
func TestShortWritesGoTogether(t *testing.T) {
	t.Parallel()
	l := holdUp(t)
	var group sync.WaitGroup
	const n = 2*mostTogether + 3
	for i := range n {
		group.Go(func() {
			if err := l.put(t.Context(), fmt.Sprint(i), nil); err != nil {
				t.Error(err)
			}
		})
	}
	l.waiting(t, n)
	l.goOn()
	group.Wait()
	if got := l.letters(t); got != n || len(l.seen) != 3 {
		t.Errorf("%d letters in %d transactions, want %d in 3", got, len(l.seen), n)
	}
	if l.company.led || len(l.company.line) != 0 {
		t.Errorf("the line is not empty: %+v", &l.company)
	}
}

// One that fails has its own error, and the others are written.
func TestOneThatFailsHurtsNoOther(t *testing.T) {
	t.Parallel()
	l := holdUp(t)
	wrong := fault.New(fault.Conflict, "no / 不")
	errs := make([]error, 9)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() {
			var own error
			if i == 4 {
				own = wrong
			}
			errs[i] = l.put(t.Context(), fmt.Sprint(i), own)
		})
	}
	l.waiting(t, len(errs))
	l.goOn()
	group.Wait()
	for i, err := range errs {
		if want := i == 4; (fault.KindOf(err) == fault.Conflict) != want || !want && err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	if got := l.letters(t); got != len(errs)-1 {
		t.Errorf("%d letters, want %d", got, len(errs)-1)
	}
}

// Who gives up in the line is not written, and keeps nobody.
func TestWhoLeavesTheLineIsNotWritten(t *testing.T) {
	t.Parallel()
	l := holdUp(t)
	ctx, cancel := context.WithCancel(t.Context())
	left, stays := make(chan error, 1), make(chan error, 1)
	go func() { left <- l.put(ctx, "left", nil) }()
	l.waiting(t, 1)
	go func() { stays <- l.put(t.Context(), "stays", nil) }()
	l.waiting(t, 2)
	cancel()
	if err := <-left; err == nil {
		t.Error("who left is told that it was written")
	}
	l.goOn()
	if err := <-stays; err != nil {
		t.Error(err)
	}
	if got := l.letters(t); got != 1 {
		t.Errorf("%d letters, want 1", got)
	}
}

// The line has one leader, who is not in it.
func TestTheLineHasOneLeader(t *testing.T) {
	t.Parallel()
	c := &company{}
	first, second, third := &member{}, &member{lead: make(chan struct{})}, &member{lead: make(chan struct{})}
	if !c.join(first) || c.join(second) || c.join(third) {
		t.Error("the first alone leads")
	}
	if !c.leave(second) || c.leave(second) {
		t.Error("one leaves once")
	}
	c.next()
	<-third.lead
	if c.leave(third) || !c.led {
		t.Error("who leads is not in the line")
	}
	if c.next(); c.led {
		t.Error("nobody is left, and somebody leads")
	}
}

// One that panics does so where it was called, and the others are written: also who
// led them.
func TestP14_APanicIsOfWhoseWriteItIs(t *testing.T) {
	t.Parallel()
	l := holdUp(t)
	const n, bad = 6, 3
	panics := make([]any, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			defer func() { panics[i] = recover() }()
			err := l.together(t.Context(), "put", func(tx *sql.Tx) error {
				if i == bad {
					panic("index out of range")
				}
				return l.post(t.Context(), tx, []run.Letter{{ID: fmt.Sprint(i), Lane: fmt.Sprint(i)}})
			})
			if err != nil {
				t.Errorf("%d: %v", i, err)
			}
		})
		l.waiting(t, i+1) // the first leads
	}
	l.goOn()
	group.Wait()
	for i, p := range panics {
		if (p != nil) != (i == bad) {
			t.Errorf("%d: panic %v", i, p)
		}
	}
	if got := l.letters(t); got != n-1 {
		t.Errorf("%d letters, want %d", got, n-1)
	}
}
