package sqltable

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// tx is one transaction on a connection of its own. Its statements are sent by
// hand: a Tx of database/sql cannot be given up while it commits.
type tx struct {
	c    *Connector
	conn *sql.Conn
	open bool
	calm bool // the connection may be used again
}

// rollbackTime bounds the clearing up after a transaction.
const rollbackTime = 2 * time.Second

// begin opens a transaction. Connections that the server has closed meanwhile are
// replaced: nothing has happened yet.
func (c *Connector) begin(ctx context.Context, write bool) (*tx, error) {
	if ctx.Err() != nil {
		return nil, c.fail("begin", ctx.Err())
	}
	statements := c.engine.beginRead
	if write {
		statements = c.engine.beginWrite
	}
	for attempt := 0; ; attempt++ {
		t, err := c.tryBegin(ctx, statements)
		switch {
		case err == nil:
			return t, nil
		case attempt == idleConnections || !lost(err) || ctx.Err() != nil:
			return nil, c.fail("begin", err)
		}
	}
}

func (c *Connector) tryBegin(ctx context.Context, statements []string) (*tx, error) {
	conn, err := c.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	t := &tx{c: c, conn: conn, open: true}
	for _, s := range statements {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			t.close(ctx)
			return nil, err
		}
	}
	return t, nil
}

// close ends the transaction without effect, unless it was committed. A
// connection that does not end it is thrown away, and with it the transaction.
func (t *tx) close(ctx context.Context) {
	if t.open {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTime)
		defer cancel()
		_, err := t.conn.ExecContext(ctx, "ROLLBACK")
		t.open, t.calm = false, err == nil
	}
	if !t.calm {
		// The function's error is what marks the connection as bad.
		_ = t.conn.Raw(func(any) error { return driver.ErrBadConn })
	}
	if err := t.conn.Close(); err != nil && !errors.Is(err, sql.ErrConnDone) && !errors.Is(err, driver.ErrBadConn) {
		t.c.o.Logger.WarnContext(ctx, "a connection is not given back", "err", t.c.fail("close", err))
	}
}

// commit makes the transaction's change. Faults: Unavailable when it was not
// asked for, InDoubt when its answer was lost, else what the database says to a
// transaction that it did not commit.
func (t *tx) commit(ctx context.Context) error {
	if ctx.Err() != nil {
		return t.c.fail("commit", ctx.Err())
	}
	_, err := t.conn.ExecContext(ctx, "COMMIT")
	if err == nil {
		t.open, t.calm = false, true
		return nil
	}
	if refusedCommit(err) {
		return t.c.fail("commit", err)
	}
	t.open, t.calm = false, false
	f := fault.Wrap(fault.InDoubt, safe("commit", err),
		"the answer to COMMIT was lost: the change may or may not have happened / 提交的应答丢失：变更是否生效尚不确定")
	f.Code = codeOf(err)
	return f
}

// query runs a reading statement.
func (t *tx) query(ctx context.Context, where, text string, args ...any) (*sql.Rows, error) {
	rows, err := t.conn.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, t.c.fail(where, err)
	}
	return rows, nil
}

// number gives the one number that a query gives.
func (t *tx) number(ctx context.Context, where, text string) (int64, error) {
	var n int64
	if err := t.conn.QueryRowContext(ctx, text).Scan(&n); err != nil {
		return 0, t.c.fail(where, err)
	}
	return n, nil
}

// exec runs a writing statement and gives how many rows it touched.
func (t *tx) exec(ctx context.Context, s *statement, args []any) (int64, error) {
	if err := t.takesBack(ctx, s); err != nil {
		return 0, err
	}
	result, err := t.conn.ExecContext(ctx, s.text(t.c.engine.grammar), args...)
	if err != nil {
		return 0, t.c.fail(s.name, err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return 0, t.c.fail(s.name, err)
	}
	return n, nil
}
