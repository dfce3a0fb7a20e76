package matrix

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/sqltable"
	"github.com/rollcallhq/rollcall/sync/mapping"
)

// database is two tables, of people and of departments.
type database struct {
	t       *testing.T
	clock   *clock
	db      *sql.DB
	url     string
	numbers bool // parameters are $1, $2, …
}

// newSQLite is a database in a file.
func newSQLite(t *testing.T, _ *lab) system {
	t.Helper()
	path := filepath.Join(t.TempDir(), "people.db")
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)")
	check(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return newDatabase(t, &database{db: db, url: "sqlite:" + path}, "")
}

func newDatabase(t *testing.T, s *database, table string) system {
	t.Helper()
	s.t, s.clock = t, newClock()
	s.exec("CREATE TABLE departments (id varchar(200) PRIMARY KEY, name varchar(200) NOT NULL, parent varchar(200) REFERENCES departments (id))" + table)
	s.exec("CREATE TABLE people (id varchar(64) PRIMARY KEY, name varchar(200) NOT NULL, mobile varchar(32) UNIQUE, email varchar(100) UNIQUE, title varchar(100), " +
		"departments varchar(1000), manager varchar(64), active boolean NOT NULL)" + table)
	return s
}

func (s *database) exec(query string, args ...any) int64 {
	s.t.Helper()
	for n := 1; s.numbers && strings.Contains(query, "?"); n++ {
		query = strings.Replace(query, "?", fmt.Sprintf("$%d", n), 1)
	}
	done, err := s.db.ExecContext(s.t.Context(), query, args...)
	check(s.t, err)
	n, err := done.RowsAffected()
	check(s.t, err)
	return n
}

func (s *database) traits() traits {
	return traits{many: true, ordered: true, suspends: true, boss: true, units: true, moves: true, disables: true, mobiles: true, leaders: true}
}

func (s *database) words() words {
	w := standardWords()
	w.no = "id"
	return w
}

func (s *database) connect() connector.Source { return s.through(nil) }

// through connects by a driver with something in between.
func (s *database) through(wrap func(driver.Connector) driver.Connector) connector.Source {
	c, err := sqltable.New(sqltable.Options{
		Wrap: wrap, System: "db", URL: s.url, Contents: sqltable.Full, Now: s.clock.time, Sleep: s.clock.sleep, Zone: time.UTC,
		Users: sqltable.Table{
			ID: "id", Read: "SELECT id, name, mobile, email, title, departments, manager, active FROM people",
			Create: "INSERT INTO people (id, name, mobile, email, title, departments, manager, active) VALUES " +
				"(:id, :name, NULLIF(:mobile, ''), NULLIF(:email, ''), :title, :departments, :manager, :active)",
			Update: "UPDATE people SET name = :name, mobile = NULLIF(:mobile, ''), email = NULLIF(:email, ''), title = :title, " +
				"departments = :departments, manager = :manager WHERE id = :id",
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

func (s *database) spec(from words) (users, departments *mapping.Spec) {
	return rules(from.no, "id", from.no, "name", "name", "mobile", from.mobile, "email", from.email, "title", from.title,
		"departments", "departments", "manager", from.manager), rules("path", "id", from.unitID, "name", "name", "parent", "parent")
}

func (s *database) setUnit(_ *company, u unit) {
	parent := sql.NullString{String: u.parent, Valid: u.parent != ""}
	if s.count("SELECT count(*) FROM departments WHERE id = ?", u.key) > 0 {
		s.exec("UPDATE departments SET name = ?, parent = ? WHERE id = ?", u.name, parent, u.key)
		return
	}
	s.exec("INSERT INTO departments (name, parent, id) VALUES (?, ?, ?)", u.name, parent, u.key)
}

// count gives the one number that a query is for.
func (s *database) count(query string, args ...any) int {
	s.t.Helper()
	if s.numbers {
		query = strings.Replace(query, "?", "$1", 1)
	}
	var n int
	check(s.t, s.db.QueryRowContext(s.t.Context(), query, args...).Scan(&n))
	return n
}

func (s *database) dropUnit(key string) { s.exec("DELETE FROM departments WHERE id = ?", key) }

func (s *database) set(_ *company, p person) {
	values := []any{p.name, p.mobile, p.email, p.title, strings.Join(p.in, ","), sql.NullString{String: p.boss, Valid: p.boss != ""}, p.no}
	if s.count("SELECT count(*) FROM people WHERE id = ?", p.no) > 0 {
		s.exec("UPDATE people SET name = ?, mobile = ?, email = ?, title = ?, departments = ?, manager = ?, active = '1' WHERE id = ?", values...)
		return
	}
	s.exec("INSERT INTO people (name, mobile, email, title, departments, manager, id, active) VALUES (?, ?, ?, ?, ?, ?, ?, '1')", values...)
}

func (s *database) suspend(no string) { s.exec("UPDATE people SET active = '0' WHERE id = ?", no) }
func (s *database) leave(no string)   { s.exec("DELETE FROM people WHERE id = ?", no) }
func (s *database) flush(*company)    {}

func (s *database) look() view {
	nodes := map[string]node[string]{}
	rows := s.query("SELECT id, name, COALESCE(parent, '') FROM departments")
	for _, r := range rows {
		nodes[r[0]] = node[string]{r[1], r[2]}
	}
	paths := pathsOf(nodes, "")
	v := newView(paths, "")
	for _, r := range s.query("SELECT id, name, COALESCE(mobile, ''), COALESCE(email, ''), COALESCE(title, ''), COALESCE(departments, ''), COALESCE(manager, ''), CASE WHEN active THEN '1' ELSE '0' END FROM people") {
		h := held{id: r[0], name: r[1], mobile: r[2], email: r[3], title: r[4], boss: r[6], active: r[7] == "1"}
		for _, id := range strings.FieldsFunc(r[5], func(c rune) bool { return c == ',' }) {
			h.in = append(h.in, paths[id])
		}
		v.people[r[0]] = h
	}
	return v
}

// query gives rows of texts.
func (s *database) query(query string) [][]string {
	s.t.Helper()
	rows, err := s.db.QueryContext(s.t.Context(), query)
	check(s.t, err)
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	check(s.t, err)
	var out [][]string
	for rows.Next() {
		row := make([]string, len(columns))
		into := make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		check(s.t, rows.Scan(into...))
		out = append(out, row)
	}
	check(s.t, rows.Err())
	return out
}
