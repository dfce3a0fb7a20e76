// Package sqltable is the connector for people and departments that stand in the
// tables of a database: PostgreSQL, MySQL or MariaDB, or a SQLite file.
//
// The operator writes the statements, Rollcall binds the values: a value is a
// parameter and never a part of a statement's text. Both listings of a Read come
// from one read-only snapshot; each change is one transaction that touches exactly
// one row or is rolled back.
//
// It is not for making or changing tables, for files (rosterfile), or for
// Rollcall's own record (store).
package sqltable

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"log/slog"
	"sync"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// The values of Options.Contents.
const (
	Full    = "full"    // the queries give everybody: who is missing has left
	Partial = "partial" // they give some: nobody is ever proven to have left
)

// Defaults of Options, and the size of the pool of connections.
const (
	defaultCallTimeout = 10 * time.Second
	maxConnections     = 4
	idleConnections    = 2
	idleTime           = 2 * time.Minute
	connectionLife     = 30 * time.Minute
	connectTimeout     = 5 * time.Second
)

// Options describe one database.
type Options struct {
	// System is the configured name, shown in problems. Required.
	System string
	// URL is postgres://…, mysql://… (or mariadb://…) or sqlite:FILE. It holds the
	// password: it is never shown. Required.
	URL string
	// Contents is Full or Partial. Required.
	Contents string
	// Users are the statements of people. Required.
	Users Table
	// Departments are those of departments. Nil: there are none, and a user's
	// departments are a text.
	Departments *Table
	// Now is the clock. Required.
	Now func() time.Time
	// Zone is where the civil time of timestamps with a zone is told. Required.
	Zone *time.Location
	// Sleep waits, or gives ctx's error when it ends first. Nil sleeps in real
	// time.
	Sleep connector.Sleep
	// Logger takes what people need not read. Nil discards it.
	Logger *slog.Logger
	// CallTimeout bounds one Apply. Default 10 s.
	CallTimeout time.Duration
	// Wrap stands between database/sql and the driver, for tests. Nil: nothing
	// does.
	Wrap func(driver.Connector) driver.Connector
}

// Table holds the statements of one kind. Values stand in them as :name, where
// name is id (the object's id), active, a standard attribute or one of
// Attributes.
type Table struct {
	// Read is the query of all objects; each column is an attribute. Required.
	Read string
	// One is the query of the one object :id, with the columns of Read. "": Read
	// with a condition around it.
	One string
	// ID is the column of Read that identifies an object. Required.
	ID string
	// Create, Update, Disable, Enable and Delete write; "" = the system cannot.
	// Disable and Enable are for users only.
	Create, Update, Disable, Enable, Delete string
	// Attributes declare columns that need a type or another name, and every
	// parameter that is no standard attribute.
	Attributes []Column
}

// Column declares one attribute.
type Column struct {
	// Name is the attribute. Required.
	Name string
	// Column is the column of Read. "": as Name.
	Column string
	// Type is text, int, bool, date, list, users or departments; the last three are
	// texts with commas in between. "": standard attributes have their own type,
	// others go by the database: dates are dates, truth values are bools, all else
	// is text.
	Type string
}

// Connector reads and writes one database. It is safe for concurrent use.
type Connector struct {
	o       Options
	engine  engine
	tables  map[directory.Kind]*table
	db      *sql.DB
	info    connector.Info
	partial bool

	mu     sync.Mutex
	shapes map[directory.Kind]*shape // as last seen
	safe   map[*statement]bool       // those whose change can be rolled back, as was found
}

var (
	_ connector.Target = (*Connector)(nil)
	_ connector.Prober = (*Connector)(nil)
)

// New checks the options and every statement, and makes a connector. It opens no
// connection. Faults: Invalid, naming all that is wrong with its place.
func New(o Options) (*Connector, error) {
	if o.CallTimeout == 0 {
		o.CallTimeout = defaultCallTimeout
	}
	if o.Sleep == nil {
		o.Sleep = connector.RealSleep
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Connector{o: o, partial: o.Contents == Partial, shapes: map[directory.Kind]*shape{}, safe: map[*statement]bool{}}
	if err := c.compile(); err != nil {
		return nil, err
	}
	dial := c.engine.connector
	if o.Wrap != nil {
		dial = o.Wrap(dial)
	}
	c.db = sql.OpenDB(dial)
	c.db.SetMaxOpenConns(maxConnections)
	c.db.SetMaxIdleConns(idleConnections)
	c.db.SetConnMaxIdleTime(idleTime)
	c.db.SetConnMaxLifetime(connectionLife)
	c.info = c.describe()
	return c, nil
}

// Close closes the connections. Faults: Unavailable.
func (c *Connector) Close() error {
	if err := c.db.Close(); err != nil {
		return c.fail("close", err)
	}
	return nil
}

// table gives the statements of a kind. Faults: Unsupported.
func (c *Connector) table(kind directory.Kind) (*table, error) {
	if t := c.tables[kind]; t != nil {
		return t, nil
	}
	return nil, fault.New(fault.Unsupported, "%s has no table of %ss / %s 没有%s的表", c.o.System, kind, c.o.System, kindZH(kind))
}

func kindZH(kind directory.Kind) string {
	if kind == directory.Department {
		return "部门"
	}
	return "人员"
}

// retries are how often a reading is begun in all, and how long is waited before
// each of the later ones. Reading again does no harm; writing again is never done.
const maxReadings = 3

func pauseBefore(attempt int) time.Duration { return time.Duration(attempt*attempt) * time.Second }

// patiently reads, and reads again after faults that pass.
func (c *Connector) patiently(ctx context.Context, read func(attempt int) error) error {
	for attempt := 0; ; attempt++ {
		err := read(attempt)
		if err == nil || attempt+1 == maxReadings || !fault.Retryable(err) || ctx.Err() != nil {
			return err
		}
		c.o.Logger.WarnContext(ctx, "the database is asked again", "attempt", attempt+1, "err", err)
		if c.o.Sleep(ctx, pauseBefore(attempt+1)) != nil {
			return err
		}
	}
}
