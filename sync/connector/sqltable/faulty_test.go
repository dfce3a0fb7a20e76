package sqltable_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// faults stand between database/sql and a real driver and make it misbehave.
type faults struct {
	refuse func(what string) error // the engine's error for: wrong, down, slow

	mu      sync.Mutex
	calls   int
	effects int
	wrong   bool
	down    bool
	// page faults of the listing of people
	size     int
	page     int
	times    int
	broken   error
	truncate int
	silent   int // the listing ends after so many rows, without an error
	// what happens to the next write or read
	hangRead, hangWrite chan struct{}
	cutAfter, cutBefore bool
	write               error  // of the next writing statement
	read                error  // of every listing
	stale               int    // so many transactions find their connection closed by the server
	onList              func() // before the listing of people
}

func (f *faults) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *faults) number(n *int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return *n
}

func (f *faults) wrap(c driver.Connector) driver.Connector { return &faultyConnector{c, f} }

type faultyConnector struct {
	driver.Connector
	f *faults
}

func (c *faultyConnector) Connect(ctx context.Context) (driver.Conn, error) {
	c.f.mu.Lock()
	c.f.calls++
	wrong, down := c.f.wrong, c.f.down
	c.f.mu.Unlock()
	switch {
	case wrong:
		return nil, c.f.refuse("wrong")
	case down:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &faultyConn{Conn: conn, f: c.f}, nil
}

type faultyConn struct {
	driver.Conn
	f     *faults
	dirty bool
	dead  bool
}

func (c *faultyConn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.Conn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

func (c *faultyConn) ResetSession(ctx context.Context) error {
	if !c.IsValid() {
		return driver.ErrBadConn
	}
	if r, ok := c.Conn.(driver.SessionResetter); ok {
		return r.ResetSession(ctx)
	}
	return nil
}

func (c *faultyConn) IsValid() bool {
	c.f.mu.Lock()
	defer c.f.mu.Unlock()
	if c.dead || c.f.wrong || c.f.down {
		return false
	}
	v, ok := c.Conn.(driver.Validator)
	return !ok || v.IsValid()
}

func (c *faultyConn) cut() error {
	c.dead = true
	_ = c.Close()
	return io.ErrUnexpectedEOF
}

// ready counts a call and tells whether the connection still works.
func (c *faultyConn) ready() error {
	c.f.mu.Lock()
	defer c.f.mu.Unlock()
	c.f.calls++
	if c.dead || c.f.wrong || c.f.down {
		return io.EOF
	}
	if c.f.stale > 0 {
		c.f.stale--
		c.dead = true
		return io.EOF
	}
	return nil
}

func verbOf(query string) string {
	verb, _, _ := strings.Cut(strings.TrimSpace(query), " ")
	return strings.ToUpper(verb)
}

func (c *faultyConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.ready(); err != nil {
		return nil, err
	}
	switch verbOf(query) {
	case "COMMIT":
		return c.commit(ctx, query)
	case "INSERT", "UPDATE", "DELETE":
		if err := c.beforeWrite(); err != nil {
			return nil, err
		}
	case "BEGIN", "START":
		c.dirty = false
	}
	r, err := c.exec(ctx, query, args)
	if err == nil && slices.Contains([]string{"INSERT", "UPDATE", "DELETE"}, verbOf(query)) {
		if n, _ := r.RowsAffected(); n > 0 {
			c.dirty = true
		}
	}
	return r, err
}

func (c *faultyConn) beforeWrite() error {
	c.f.mu.Lock()
	err, cut := c.f.write, c.f.cutBefore
	c.f.write, c.f.cutBefore = nil, false
	c.f.mu.Unlock()
	if cut {
		return c.cut()
	}
	return err
}

func (c *faultyConn) commit(ctx context.Context, query string) (driver.Result, error) {
	r, err := c.exec(ctx, query, nil)
	if err != nil {
		return nil, err
	}
	c.f.mu.Lock()
	if c.dirty {
		c.f.effects++
	}
	hang, cut := c.f.hangWrite, c.f.cutAfter
	c.f.hangWrite, c.f.cutAfter = nil, false
	c.f.mu.Unlock()
	if cut {
		return nil, c.cut()
	}
	if hang != nil {
		close(hang)
		<-ctx.Done()
		_ = c.cut()
		return nil, ctx.Err()
	}
	return r, nil
}

func (c *faultyConn) exec(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	r, err := c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
	if !errors.Is(err, driver.ErrSkip) {
		return r, err
	}
	stmt, err := c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = stmt.Close() }()
	return stmt.(driver.StmtExecContext).ExecContext(ctx, args)
}

func (c *faultyConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.ready(); err != nil {
		return nil, err
	}
	c.f.mu.Lock()
	hang, refused := c.f.hangRead, c.f.read
	c.f.hangRead = nil
	c.f.mu.Unlock()
	if hang != nil {
		close(hang)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if refused != nil {
		return nil, refused
	}
	rows, err := c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
	if errors.Is(err, driver.ErrSkip) {
		var stmt driver.Stmt
		if stmt, err = c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, query); err != nil {
			return nil, err
		}
		if rows, err = stmt.(driver.StmtQueryContext).QueryContext(ctx, args); err != nil {
			return nil, errors.Join(err, stmt.Close())
		}
		rows = &stmtRows{rows, stmt}
	}
	if err != nil {
		return nil, err
	}
	list := len(args) == 0 && strings.Contains(query, "FROM people") && !strings.Contains(query, "COUNT(*)") && !strings.Contains(query, "1 = 0")
	c.f.mu.Lock()
	seen := c.f.onList
	c.f.mu.Unlock()
	if list && seen != nil {
		seen()
	}
	return &faultyRows{Rows: rows, c: c, list: list}, nil
}

type stmtRows struct {
	driver.Rows
	stmt driver.Stmt
}

func (r *stmtRows) Close() error { return errors.Join(r.Rows.Close(), r.stmt.Close()) }

func (r *stmtRows) ColumnTypeDatabaseTypeName(i int) string {
	return r.Rows.(driver.RowsColumnTypeDatabaseTypeName).ColumnTypeDatabaseTypeName(i)
}

type faultyRows struct {
	driver.Rows
	c    *faultyConn
	list bool
	n    int
}

func (r *faultyRows) ColumnTypeDatabaseTypeName(i int) string {
	return r.Rows.(driver.RowsColumnTypeDatabaseTypeName).ColumnTypeDatabaseTypeName(i)
}

func (r *faultyRows) ColumnTypeScanType(int) reflect.Type { return reflect.TypeFor[any]() }

func (r *faultyRows) Next(dest []driver.Value) error {
	if err := r.trouble(); err != nil {
		return err
	}
	r.n++
	return r.Rows.Next(dest)
}

func (r *faultyRows) trouble() error {
	f := r.c.f
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case !r.list:
	case f.page > 0 && r.n >= (f.page-1)*f.size && f.times != 0:
		f.times--
		return f.broken
	case f.truncate > 0 && r.n > (f.truncate-1)*f.size:
		return io.ErrUnexpectedEOF
	case f.silent > 0 && r.n >= f.silent:
		return io.EOF
	}
	return nil
}
