package matrix

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"reflect"
	"strings"
	"sync"
	"syscall"
)

// The ways in which a row of a database fails besides those of a network.
const (
	shimError  = "error of the server"
	shimSilent = "ends without an error"
)

// errShim is what a server says of a row that it cannot compute.
var errShim = errors.New("SQL logic error: integer overflow (1)")

// shim stands between database/sql and a driver. A page is one row of people.
type shim struct {
	mu     sync.Mutex
	rows   int // of the last listing
	way    string
	at     int
	left   int
	met    int
	hides  func(id string) bool
	before func() // before people are listed
	wrong  bool   // the server refuses us
}

func (f *shim) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *shim) begin() { f.set(func() { f.rows = 0 }) }

func (f *shim) pages() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rows
}

func (f *shim) ways() []string { return []string{shimError, shimSilent, wayReset, wayTimeout, wayCut} }

func (f *shim) passing() string { return wayReset }

func (f *shim) spoil(way string, page, times int) {
	f.set(func() { f.way, f.at, f.left, f.met = way, page, times, 0 })
}

func (f *shim) hits() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.met
}

func (f *shim) mend() {
	f.set(func() { f.way, f.left, f.hides, f.before, f.wrong = "", 0, nil, nil, false })
}

func (f *shim) wrap(c driver.Connector) driver.Connector { return &shimConnector{c, f} }

type shimConnector struct {
	driver.Connector
	f *shim
}

func (c *shimConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &shimConn{Conn: conn, f: c.f}, nil
}

type shimConn struct {
	driver.Conn
	f    *shim
	dead bool
}

func (c *shimConn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.Conn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

func (c *shimConn) IsValid() bool { return !c.dead }

func (c *shimConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	exec, ok := c.Conn.(driver.ExecerContext)
	if c.dead || !ok {
		return nil, io.ErrUnexpectedEOF
	}
	return exec.ExecContext(ctx, query, args)
}

func (c *shimConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	q, ok := c.Conn.(driver.QueryerContext)
	if c.dead || !ok {
		return nil, io.ErrUnexpectedEOF
	}
	list := len(args) == 0 && strings.Contains(query, "FROM people") && !strings.Contains(query, "COUNT(*)") && !strings.Contains(query, "1 = 0")
	c.f.mu.Lock()
	before, slow := c.f.before, list && c.f.way == waySlow && c.f.left != 0
	if slow {
		c.f.met++
	}
	c.f.mu.Unlock()
	if slow {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if list && before != nil {
		before()
	}
	got, err := q.QueryContext(ctx, query, args)
	if err != nil {
		return nil, err
	}
	return &shimRows{Rows: got, c: c, list: list}, nil
}

type shimRows struct {
	driver.Rows
	c    *shimConn
	list bool
	n    int
}

func (r *shimRows) ColumnTypeDatabaseTypeName(i int) string {
	named, _ := r.Rows.(driver.RowsColumnTypeDatabaseTypeName)
	return named.ColumnTypeDatabaseTypeName(i)
}

func (r *shimRows) ColumnTypeScanType(int) reflect.Type { return reflect.TypeFor[any]() }

func (r *shimRows) Next(dest []driver.Value) error {
	for {
		if r.list {
			r.n++
			if err := r.trouble(); err != nil {
				return err
			}
		}
		if err := r.Rows.Next(dest); err != nil {
			return err
		}
		if !r.list {
			return nil
		}
		r.c.f.mu.Lock()
		r.c.f.rows = r.n
		hides := r.c.f.hides
		r.c.f.mu.Unlock()
		id, _ := dest[0].(string)
		if hides == nil || !hides(id) {
			return nil
		}
	}
}

// trouble is what the next row meets.
func (r *shimRows) trouble() error {
	f := r.c.f
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.way == "" || r.n != f.at || f.left == 0 {
		return nil
	}
	f.met++
	if f.left > 0 {
		f.left--
	}
	switch f.way {
	case shimError:
		return errShim
	case shimSilent:
		return io.EOF
	case wayTimeout:
		return context.DeadlineExceeded
	case wayReset:
		r.c.dead = true
		return syscall.ECONNRESET
	default:
		r.c.dead = true
		return io.ErrUnexpectedEOF
	}
}
