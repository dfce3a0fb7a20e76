package matrix

import (
	"context"
	"database/sql"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/rosterfile"
	"github.com/rollcallhq/rollcall/sync/connector/sqltable"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
)

// rosterPost is a roster file. It has no wire, and no log of its own: what each
// change does to the rows is written down where the file is read again.
type rosterPost struct {
	*roster
	now  func() time.Time
	done []deed
}

func newCSVPost(t *testing.T, now func() time.Time) post {
	t.Helper()
	return newRosterPost(t, now, "roster.csv")
}

func newXLSXPost(t *testing.T, now func() time.Time) post {
	t.Helper()
	return newRosterPost(t, now, "roster.xlsx")
}

func newRosterPost(t *testing.T, now func() time.Time, name string) post {
	t.Helper()
	r := &roster{t: t, path: filepath.Join(t.TempDir(), name), rows: map[string]person{}, off: map[string]bool{}}
	r.rows["X0001"] = person{no: "X0001", name: "外部顾问", mobile: "13900000001", email: "x@partner.example"}
	r.flush(&company{})
	return &rosterPost{roster: r, now: now}
}

func (s *rosterPost) connect(w *toll) connector.Target {
	c, err := rosterfile.New(rosterfile.Options{
		System: "roster", Path: s.path, ID: columns[0], Contents: rosterfile.Full, Disabled: "状态=" + suspendedMark + "/" + activeMark, Settle: -1, Now: s.now,
		Attributes: []rosterfile.Attribute{{Name: "部门", Type: "list", Format: ";"}},
	})
	check(s.t, err)
	return tolled{Target: logged{c, s}, toll: w}
}

// logged notes what a change did to the file.
type logged struct {
	connector.Target
	s *rosterPost
}

// Apply reads the rows before and after.
func (l logged) Apply(ctx context.Context, w connector.Write) (directory.Key, error) {
	before := l.s.table()
	key, err := l.Target.Apply(ctx, w)
	after := l.s.table()
	for _, id := range slices.Sorted(maps.Keys(after)) {
		was, there := before[id]
		switch {
		case !there:
			l.s.done = append(l.s.done, deed{"create", userKey(id)})
		case was != after[id]:
			l.s.done = append(l.s.done, deed{"write", userKey(id)})
		}
	}
	for id := range before {
		if _, there := after[id]; !there {
			l.s.done = append(l.s.done, deed{"delete", userKey(id)})
		}
	}
	return key, err
}

func (s *rosterPost) table() map[string]string {
	out := map[string]string{}
	for _, row := range s.read()[1:] {
		if len(row) > 0 && row[0] != "" {
			out[row[0]] = strings.TrimRight(strings.Join(row, "\x00"), "\x00")
		}
	}
	return out
}

func (s *rosterPost) specs() (users, departments *mapping.Spec) { return s.spec(payrollWords()) }
func (s *rosterPost) headers() string                           { return "" }
func (s *rosterPost) deeds() []deed                             { return slices.Clone(s.done) }

// load takes the rows as they stand, so that the hand changes just its own.
func (s *rosterPost) load() {
	s.rows, s.off = map[string]person{}, map[string]bool{}
	for no, h := range s.look().people {
		p := person{no: no, name: h.name, title: h.title, mobile: h.mobile, email: h.email, boss: h.boss}
		if !h.active {
			s.off[no] = true
		}
		p.in = append(p.in, h.in...)
		s.rows[no] = p
	}
}

// store writes them; the departments stand in the rows as paths.
func (s *rosterPost) store() {
	c := &company{units: map[string]unit{}}
	for _, p := range s.rows {
		for _, path := range p.in {
			c.units[path] = unit{key: path, name: strings.TrimPrefix(path, "/")}
		}
	}
	s.flush(c)
}

func (s *rosterPost) rename(key directory.Key, name string) {
	s.load()
	p := s.rows[string(key.ID)]
	p.name, p.title = name, name
	s.rows[p.no] = p
	s.store()
}

func (s *rosterPost) remove(key directory.Key) {
	s.load()
	delete(s.rows, string(key.ID))
	s.store()
}

func (s *rosterPost) occupy(o directory.Object, _ directory.ID) {
	s.load()
	no := attr(o, "employee_no")
	s.rows[no] = person{no: no, name: attr(o, "name"), title: attr(o, "title"), mobile: attr(o, "mobile"), email: attr(o, "email"), in: []string{"/总部"}}
	s.store()
}

// sqlPost is a database in a file. Triggers keep its log.
type sqlPost struct {
	*database
	now func() time.Time
}

func newSQLPost(t *testing.T, now func() time.Time) post {
	t.Helper()
	path := filepath.Join(t.TempDir(), "people.db")
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)")
	check(t, err)
	t.Cleanup(func() { _ = db.Close() })
	s := &database{t: t, db: db, url: "sqlite:" + path}
	newDatabase(t, s, "")
	s.exec("CREATE TABLE deeds (n integer PRIMARY KEY, verb text NOT NULL, kind text NOT NULL, id text NOT NULL)")
	s.exec("CREATE TABLE hand (at_work integer NOT NULL)")
	s.exec("INSERT INTO hand VALUES (0)")
	for table, kind := range map[string]string{"people": "user", "departments": "department"} {
		for event, verb := range map[string]string{"INSERT": "create", "UPDATE": "write", "DELETE": "delete"} {
			row := "NEW"
			if event == "DELETE" {
				row = "OLD"
			}
			s.exec("CREATE TRIGGER " + table + "_" + verb + " AFTER " + event + " ON " + table + " WHEN (SELECT at_work FROM hand) = 0 BEGIN " +
				"INSERT INTO deeds (verb, kind, id) VALUES ('" + verb + "', '" + kind + "', " + row + ".id); END")
		}
	}
	return &sqlPost{s, now}
}

func (s *sqlPost) connect(w *toll) connector.Target {
	s.clock = nil
	return tolled{Target: s.table(s.now), toll: w}
}

func (s *sqlPost) table(now func() time.Time) *sqltable.Connector {
	c, err := sqltable.New(sqltable.Options{
		System: "db", URL: s.url, Contents: sqltable.Full, Now: now, Zone: time.UTC,
		Users: sqltable.Table{
			ID: "id", Read: "SELECT id, name, mobile, email, title, departments, active FROM people",
			Create:  "INSERT INTO people (id, name, mobile, email, title, departments, active) VALUES (:id, :name, NULLIF(:mobile, ''), NULLIF(:email, ''), :title, :departments, :active)",
			Update:  "UPDATE people SET name = :name, mobile = NULLIF(:mobile, ''), email = NULLIF(:email, ''), title = :title, departments = :departments WHERE id = :id",
			Disable: "UPDATE people SET active = '0' WHERE id = :id", Enable: "UPDATE people SET active = '1' WHERE id = :id",
			Delete: "DELETE FROM people WHERE id = :id",
		},
		Departments: &sqltable.Table{
			ID: "id", Read: "SELECT id, name, parent FROM departments",
			Create: "INSERT INTO departments (id, name, parent) VALUES (:id, :name, :parent)",
			Update: "UPDATE departments SET name = :name, parent = :parent WHERE id = :id",
			Delete: "DELETE FROM departments WHERE id = :id",
		},
	})
	check(s.t, err)
	s.t.Cleanup(func() { _ = c.Close() })
	return c
}

func (s *sqlPost) specs() (users, departments *mapping.Spec) { return s.spec(payrollWords()) }
func (s *sqlPost) headers() string                           { return "" }

func (s *sqlPost) deeds() []deed {
	var all []deed
	for _, r := range s.query("SELECT verb, kind, id FROM deeds ORDER BY n") {
		all = append(all, deed{r[0], directory.Key{Kind: directory.Kind(r[1]), ID: directory.ID(r[2])}})
	}
	return all
}

func (s *sqlPost) byHand(query string, args ...any) {
	s.exec("UPDATE hand SET at_work = 1")
	s.exec(query, args...)
	s.exec("UPDATE hand SET at_work = 0")
}

func (s *sqlPost) rename(key directory.Key, name string) {
	if key.Kind == directory.User {
		s.byHand("UPDATE people SET name = ?, title = ? WHERE id = ?", name, name, string(key.ID))
		return
	}
	s.byHand("UPDATE departments SET name = ? WHERE id = ?", name, string(key.ID))
}

func (s *sqlPost) remove(key directory.Key) {
	table := "people"
	if key.Kind == directory.Department {
		table = "departments"
	}
	s.byHand("DELETE FROM "+table+" WHERE id = ?", string(key.ID))
}

func (s *sqlPost) occupy(o directory.Object, in directory.ID) {
	if o.Kind == directory.Department {
		s.byHand("INSERT INTO departments (id, name) VALUES (?, ?)", attr(o, "id"), attr(o, "name"))
		return
	}
	s.byHand("INSERT INTO people (id, name, mobile, email, title, departments, active) VALUES (?, ?, ?, ?, ?, ?, '1')",
		attr(o, "employee_no"), attr(o, "name"), attr(o, "mobile"), attr(o, "email"), attr(o, "title"), string(in))
}

func (s *rosterPost) expire() bool { return false }
func (s *rosterPost) deny() func() { return nil }
func (s *sqlPost) expire() bool    { return false }
func (s *sqlPost) deny() func()    { return nil }
