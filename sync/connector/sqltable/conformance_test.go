package sqltable_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rollcallhq/rollcall/sync/connector/connectortest"
	"github.com/rollcallhq/rollcall/sync/connector/sqltable"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// page is how many rows of people count as one page in the suite.
const page = 3

// lab is one kind of database, from which every case gets a fresh one.
type lab struct {
	engine string
	// fresh makes an empty place for tables and gives its administrator and our URL.
	fresh func(*testing.T) (*sql.DB, string)
	// refuse makes the error of the engine's own driver.
	refuse func(code string) error
	codes  map[string]string // wrong, slow
}

type sqliteError struct{ code int }

func (e *sqliteError) Error() string { return fmt.Sprintf("constraint failed (%d)", e.code) }
func (e *sqliteError) Code() int     { return e.code }

func sqliteLab() *lab {
	return &lab{
		engine: "sqlite",
		fresh: func(t *testing.T) (*sql.DB, string) {
			path := filepath.Join(t.TempDir(), "people.db")
			db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			return db, "sqlite:" + path
		},
		refuse: func(code string) error {
			n := 0
			_, _ = fmt.Sscan(code, &n)
			return &sqliteError{n}
		},
		codes: map[string]string{"wrong": "23", "slow": "5"},
	}
}

var places atomic.Int64

func postgresLab(t *testing.T) *lab {
	t.Helper()
	admin, base := postgresServer(t)
	return &lab{
		engine: "postgres",
		fresh: func(t *testing.T) (*sql.DB, string) {
			name := fmt.Sprintf("s%d", places.Add(1))
			must(t, admin, "CREATE SCHEMA "+name, "GRANT USAGE ON SCHEMA "+name+" TO rollcall",
				"ALTER DEFAULT PRIVILEGES IN SCHEMA "+name+" GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO rollcall")
			own, err := sql.Open("pgx", strings.Replace(strings.Replace(base, "rollcall:", "postgres:", 1), strings.ReplaceAll(pgSecret, "/", "%2F"), "admin-secret", 1)+name)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = own.Close() })
			return own, base + name
		},
		refuse: func(code string) error { return &pgconn.PgError{Severity: "ERROR", Code: code, Message: "refused"} },
		codes:  map[string]string{"wrong": "28P01", "slow": "53300"},
	}
}

func mariadbLab(t *testing.T) *lab {
	t.Helper()
	socket, base := mariadbServer(t)
	admin := mariadbAdmin(t, socket, "")
	return &lab{
		engine: "mariadb",
		fresh: func(t *testing.T) (*sql.DB, string) {
			name := fmt.Sprintf("s%d", places.Add(1))
			must(t, admin, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4", "GRANT SELECT, INSERT, UPDATE, DELETE ON "+name+".* TO 'rollcall'@'%'")
			return mariadbAdmin(t, socket, name), base + name
		},
		refuse: func(code string) error {
			n := uint16(0)
			_, _ = fmt.Sscan(code, &n)
			return &mysql.MySQLError{Number: n, Message: "refused"}
		},
		codes: map[string]string{"wrong": "1045", "slow": "1040"},
	}
}

// tables are those of the suite.
func tables(engine string) []string {
	text, flag, end := "varchar(200)", "boolean", ""
	if engine == "mariadb" {
		end = " ENGINE=InnoDB COLLATE utf8mb4_bin"
	}
	return []string{
		"CREATE TABLE departments (id varchar(32) PRIMARY KEY, name " + text + " NOT NULL, parent varchar(32) REFERENCES departments (id))" + end,
		"CREATE TABLE people (id varchar(32) PRIMARY KEY, name " + text + " NOT NULL, mobile varchar(32) UNIQUE, email varchar(100) UNIQUE, title " + text +
			", departments " + text + ", active " + flag + " NOT NULL)" + end,
	}
}

func statements(url string) sqltable.Options {
	return sqltable.Options{
		System: "hr", URL: url, Contents: sqltable.Full,
		Users: sqltable.Table{
			Read: "SELECT id, name, mobile, email, title, departments, active FROM people", ID: "id",
			Create:  "INSERT INTO people (id, name, mobile, email, title, departments, active) VALUES (:id, :name, NULLIF(:mobile, ''), NULLIF(:email, ''), :title, :departments, :active)",
			Update:  "UPDATE people SET name = :name, mobile = NULLIF(:mobile, ''), email = NULLIF(:email, ''), title = :title, departments = :departments WHERE id = :id",
			Disable: "UPDATE people SET active = '0' WHERE id = :id",
			Enable:  "UPDATE people SET active = '1' WHERE id = :id",
			Delete:  "DELETE FROM people WHERE id = :id",
		},
		Departments: &sqltable.Table{
			Read: "SELECT id, name, parent FROM departments", ID: "id",
			Create: "INSERT INTO departments (id, name, parent) VALUES (:id, :name, :parent)",
			Update: "UPDATE departments SET name = :name, parent = :parent WHERE id = :id",
			Delete: "DELETE FROM departments WHERE id = :id",
		},
	}
}

// bench is one database with tables, faults in front of it and a connector on it.
type bench struct {
	*faults
	t    *testing.T
	lab  *lab
	db   *sql.DB
	conn *sqltable.Connector
	url  string

	clock sync.Mutex
	now   time.Time
}

func newBench(t *testing.T, l *lab, adjust ...func(*sqltable.Options)) *bench {
	t.Helper()
	b := &bench{t: t, lab: l, now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}
	b.faults = &faults{size: page, refuse: func(what string) error { return l.refuse(l.codes[what]) }}
	db, url := l.fresh(t)
	b.db, b.url = db, url
	must(t, db, tables(l.engine)...)
	o := statements(url)
	o.Zone = time.FixedZone("Local", 8*3600)
	if zone, err := time.LoadLocation("Asia/Shanghai"); err == nil {
		o.Zone = zone
	}
	o.Now, o.Sleep, o.Wrap = b.time, b.sleep, b.wrap
	for _, f := range adjust {
		f(&o)
	}
	var err error
	if b.conn, err = sqltable.New(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.conn.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return b
}

func (b *bench) time() time.Time {
	b.clock.Lock()
	defer b.clock.Unlock()
	return b.now
}

func (b *bench) advance(d time.Duration) {
	b.clock.Lock()
	defer b.clock.Unlock()
	b.now = b.now.Add(d)
}

func (b *bench) sleep(ctx context.Context, d time.Duration) error {
	b.advance(d)
	return ctx.Err()
}

func (b *bench) exec(query string, args ...any) {
	b.t.Helper()
	if b.lab.engine == "postgres" {
		for n := 1; strings.Contains(query, "?"); n++ {
			query = strings.Replace(query, "?", fmt.Sprintf("$%d", n), 1)
		}
	}
	if _, err := b.db.ExecContext(context.WithoutCancel(b.t.Context()), query, args...); err != nil {
		b.t.Fatalf("%s: %v", query, err)
	}
}

func join(ids []directory.ID) any {
	var s []string
	for _, id := range ids {
		s = append(s, string(id))
	}
	if len(s) == 0 {
		return nil
	}
	return strings.Join(s, ",")
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (b *bench) seedUser(u connectortest.User) directory.ID {
	b.t.Helper()
	b.exec("INSERT INTO people (id, name, mobile, email, title, departments, active) VALUES (?, ?, ?, ?, ?, ?, ?)",
		u.ID, u.Name, orNull(u.Mobile), orNull(u.Email), u.Title, join(u.Departments), !u.Disabled)
	return directory.ID(u.ID)
}

func (b *bench) seedDepartment(d connectortest.Department) directory.ID {
	b.t.Helper()
	b.exec("INSERT INTO departments (id, name, parent) VALUES (?, ?, ?)", d.ID, d.Name, orNull(string(d.Parent)))
	return directory.ID(d.ID)
}

func (b *bench) stored(key directory.Key) (connectortest.Stored, bool) {
	query := "SELECT name, active, departments FROM people WHERE id = ?"
	if key.Kind == directory.Department {
		query = "SELECT name, 1 = 1, parent FROM departments WHERE id = ?"
	}
	if b.lab.engine == "postgres" {
		query = strings.Replace(query, "?", "$1", 1)
	}
	var s connectortest.Stored
	var refs sql.NullString
	if err := b.db.QueryRowContext(context.WithoutCancel(b.t.Context()), query, string(key.ID)).Scan(&s.Name, &s.Active, &refs); err != nil {
		return s, false
	}
	if key.Kind == directory.Department {
		s.Parent = directory.ID(refs.String)
		return s, true
	}
	for id := range strings.SplitSeq(refs.String, ",") {
		if id != "" {
			s.Departments = append(s.Departments, directory.ID(id))
		}
	}
	return s, true
}

func newUser(u connectortest.User) directory.Attributes {
	return directory.Attributes{
		"id": directory.TextOf(u.ID), "name": directory.TextOf(u.Name), "mobile": directory.TextOf(u.Mobile),
		"email": directory.TextOf(u.Email), "title": directory.TextOf(u.Title),
		"departments": directory.RefsToKind(directory.Department, u.Departments...),
	}
}

func newDepartment(d connectortest.Department) directory.Attributes {
	var parent []directory.ID
	if d.Parent != "" {
		parent = []directory.ID{d.Parent}
	}
	return directory.Attributes{
		"id": directory.TextOf(d.ID), "name": directory.TextOf(d.Name), "parent": directory.RefsToKind(directory.Department, parent...),
	}
}

func (b *bench) harness() connectortest.Harness {
	arrive := func(place *chan struct{}) func() <-chan struct{} {
		return func() <-chan struct{} {
			arrived := make(chan struct{})
			b.set(func() { *place = arrived })
			return arrived
		}
	}
	onPage := func(broken error) func(page, times int) {
		return func(page, times int) { b.set(func() { b.page, b.times, b.broken = page, times, broken }) }
	}
	h := connectortest.Harness{
		Connector: b.conn, Page: page, Secrets: []string{pgSecret, mySecret, "s3cret"},
		SeedUser: b.seedUser, SeedDepartment: b.seedDepartment, Stored: b.stored, NewUser: newUser, NewDepartment: newDepartment,
		Effects: func() int { return b.number(&b.effects) }, Calls: func() int { return b.number(&b.calls) }, Advance: b.advance,
		RateLimit: onPage(b.refuse("slow")), FailPage: onPage(errBroken),
		TruncatePage:     func(page int) { b.set(func() { b.truncate = page }) },
		WrongCredentials: func() { b.set(func() { b.wrong = true }) },
		Down:             func() { b.set(func() { b.down = true }) },
		HangRead:         arrive(&b.hangRead), HangWrite: arrive(&b.hangWrite),
		CutAfterEffect:  func() { b.set(func() { b.cutAfter = true }) },
		CutBeforeEffect: func() { b.set(func() { b.cutBefore = true }) },
		LimitWrite:      func() { b.set(func() { b.write = b.refuse("slow") }) },
		Refusals:        b.refusals(),
		Without: map[string]string{
			"TokenCalls":     "a login is that of a connection, and the pool has several",
			"ExpireToken":    "a database has no tokens",
			"HidePermission": "without the right to one column the whole query is refused",
		},
	}
	if b.lab.engine == "postgres" {
		h.HideObject = func(key directory.Key) {
			must(b.t, b.db, "ALTER TABLE people ENABLE ROW LEVEL SECURITY", "CREATE POLICY part ON people USING (id <> '"+string(key.ID)+"')")
		}
	} else {
		h.Without["HideObject"] = "the engine has no row policies"
	}
	return h
}

var errBroken = fmt.Errorf("broken: %w", context.DeadlineExceeded)

// refusals are answers of the engine and what each has to become.
func (b *bench) refusals() []connectortest.Refusal {
	writes := map[string]map[string]fault.Kind{
		"postgres": {"23505": fault.Conflict, "23503": fault.Conflict, "23502": fault.Invalid, "22001": fault.Invalid, "42501": fault.Credential, "25006": fault.Credential, "40001": fault.Limited, "57014": fault.Unavailable},
		"mariadb":  {"1062": fault.Conflict, "1451": fault.Conflict, "1452": fault.Invalid, "1048": fault.Invalid, "1406": fault.Invalid, "1142": fault.Credential, "1290": fault.Credential, "1213": fault.Limited, "1205": fault.Limited},
		"sqlite":   {"2067": fault.Conflict, "1555": fault.Conflict, "787": fault.Conflict, "1299": fault.Invalid, "275": fault.Invalid, "8": fault.Credential, "5": fault.Limited, "13": fault.Unavailable},
	}
	reads := map[string]map[string]fault.Kind{
		"postgres": {"42P01": fault.Invalid, "42501": fault.Credential, "57P01": fault.Unavailable},
		"mariadb":  {"1146": fault.Invalid, "1142": fault.Credential, "1317": fault.Unavailable},
		"sqlite":   {"1": fault.Invalid, "23": fault.Credential, "10": fault.Unavailable},
	}
	var list []connectortest.Refusal
	for code, kind := range writes[b.lab.engine] {
		list = append(list, connectortest.Refusal{Name: code, Write: true, Kinds: []fault.Kind{kind}, Arm: func() { b.set(func() { b.write = b.lab.refuse(code) }) }})
	}
	for code, kind := range reads[b.lab.engine] {
		list = append(list, connectortest.Refusal{Name: code, Kinds: []fault.Kind{kind}, Arm: func() { b.set(func() { b.read = b.lab.refuse(code) }) }})
	}
	return list
}

func TestSQLite(t *testing.T) {
	t.Parallel()
	everything(t, sqliteLab())
}

func TestPostgreSQL(t *testing.T) {
	t.Parallel()
	everything(t, postgresLab(t))
}

func TestMariaDB(t *testing.T) {
	t.Parallel()
	everything(t, mariadbLab(t))
}

// everything runs the suite and the cases of this package on one kind of database.
func everything(t *testing.T, l *lab) {
	t.Helper()
	t.Run("suite", func(t *testing.T) {
		t.Parallel()
		connectortest.Run(t, func(t *testing.T) connectortest.Harness { return newBench(t, l).harness() })
	})
	for name, run := range map[string]func(*testing.T, *lab){
		"values": values, "kept as it is": keptAsItIs, "one state": oneState, "cut short in silence": cutInSilence, "bad rows": badRows,
		"broken tree": brokenTree, "partial": partial, "no departments": noDepartments, "many": many, "lookup many": lookupMany,
		"own lookup": ownLookup, "more than one row": moreThanOneRow, "statements that lie": statementsThatLie, "taken": taken,
		"real refusals": realRefusals, "enable": enable, "wrong url": wrongURL, "shapes": shapes, "probe": probe, "idle": idle,
		"refused commit": refusedCommit, "cascade": cascade, "numbers": numbers, "other letters": otherLetters,
		"emptied": emptied, "taken over": takenOver, "no rollback": noRollback, "long list": longList, "triggered": triggered, "misfits": misfits,
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); run(t, l) })
	}
}
