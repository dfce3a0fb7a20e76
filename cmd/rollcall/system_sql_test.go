package main

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/sync/run"
)

// sqlPair is a company whose HR database goes into the database of an application.
func sqlPair(t *testing.T) (*pair, *sql.DB, *sql.DB) {
	t.Helper()
	p := &pair{t: t, dir: t.TempDir()}
	open := func(name string) *sql.DB {
		db, err := sql.Open("sqlite", "file:"+filepath.Join(p.dir, name)+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	hr, app := open("hr.db"), open("app.db")
	sqlExec(t, hr,
		"CREATE TABLE dept (code TEXT PRIMARY KEY, title TEXT, up TEXT)",
		"CREATE TABLE staff (no INTEGER PRIMARY KEY, name TEXT, phone TEXT, dept TEXT, boss INTEGER, hired DATE)",
		"INSERT INTO dept VALUES ('D1', '总部', NULL), ('D2', '研发部', 'D1')",
		"INSERT INTO staff VALUES (1, '李敏', '13800000001', 'D1', NULL, '2020-01-31'), (2, '周凯', '13800000002', 'D2', 1, '2021-05-01'), (3, '𠮷野', NULL, 'D2', 2, NULL)")
	sqlExec(t, app,
		"CREATE TABLE units (id TEXT PRIMARY KEY, name TEXT NOT NULL, parent TEXT REFERENCES units (id))",
		"CREATE TABLE people (login TEXT PRIMARY KEY, name TEXT NOT NULL, mobile TEXT UNIQUE, units TEXT, manager TEXT REFERENCES people (login), since DATE, active BOOLEAN NOT NULL DEFAULT 1, note TEXT)")
	path := filepath.Join(p.dir, "rollcall.yaml")
	if err := os.WriteFile(path, []byte(`
timing: {lease: 5s, sweep: 200ms, call: 4s, settle: 200ms}
systems:
  hr:
    type: sql
    url: sqlite:hr.db
    contents: full
    users:
      id: no
      read: SELECT no, name, phone AS mobile, dept AS departments, boss AS manager, hired FROM staff
    departments: {id: code, read: "SELECT code, title AS name, up AS parent FROM dept"}
  app:
    type: sql
    url: sqlite:app.db
    contents: full
    users:
      id: login
      read: SELECT login, name, mobile, units, manager, since, active FROM people
      create: INSERT INTO people (login, name, mobile, units, manager, since) VALUES (:login, :name, NULLIF(:mobile, ''), :units, :manager, :since)
      update: UPDATE people SET name = :name, mobile = NULLIF(:mobile, ''), units = :units, manager = :manager, since = :since WHERE login = :login
      disable: UPDATE people SET active = 0 WHERE login = :id
      enable: UPDATE people SET active = 1 WHERE login = :id
      delete: DELETE FROM people WHERE login = :id
      attributes: {units: {type: departments}, since: {type: date}}
    departments:
      id: id
      read: SELECT id, name, parent FROM units
      create: INSERT INTO units (id, name, parent) VALUES (:id, :name, :parent)
      update: UPDATE units SET name = :name, parent = :parent WHERE id = :id
      delete: DELETE FROM units WHERE id = :id
people:
  - {name: 李敏, roles: {operator: ["*"]}}
  - {name: 周凯, roles: {approver: ["*"]}}
flows:
  hr-to-app:
    from: hr
    to: app
    departments: {map: {id: code, name: name, parent: parent}}
    users: {match: [mobile], map: {login: no, name: name, mobile: mobile, units: departments, manager: manager, since: hired}}
    leavers: {first: disable, then: delete, after: 30d}
    guard: {max_delete_percent: 100, max_delete_percent_per_department: 100, max_shrink_percent: 100, max_change_percent: 100}
    approve: {disable_over: 0, apply_safe_changes_first: false}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := configs.Load(configs.Options{Path: path, Getenv: os.LookupEnv, ReadFile: os.ReadFile})
	if err != nil {
		t.Fatal(err)
	}
	proc := &process{getenv: os.LookupEnv, stdout: discard{}, stderr: discard{}, now: time.Now, executable: os.Executable}
	if p.app, err = proc.open(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.app.close() })
	return p, hr, app
}

func sqlExec(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// TestDatabaseIntoDatabase lets people join, move, leave and return from one
// database into another; after each step a second run has nothing to do.
func TestDatabaseIntoDatabase(t *testing.T) {
	t.Parallel()
	p, hr, app := sqlPair(t)
	person := func(no string) string {
		t.Helper()
		var s string
		err := app.QueryRowContext(t.Context(), "SELECT name || '|' || COALESCE(mobile, 'NULL') || '|' || units || '|' || COALESCE(manager, 'NULL') || '|' || COALESCE(CAST(since AS TEXT), 'NULL') || '|' || active || '|' || COALESCE(note, '') FROM people WHERE login = ?", no).Scan(&s)
		if err != nil {
			return err.Error()
		}
		return s
	}
	step := func(name string, want map[string]string) {
		t.Helper()
		t.Log(name)
		p.want("hr-to-app", run.Succeeded)
		p.want("hr-to-app", run.NothingToDo)
		for no, line := range want {
			if got := person(no); got != line {
				t.Errorf("%s: %s is %s, want %s", name, no, got, line)
			}
		}
	}
	step("everybody joins", map[string]string{
		"1": "李敏|13800000001|D1|NULL|2020-01-31|1|", "2": "周凯|13800000002|D2|1|2021-05-01|1|", "3": "𠮷野|NULL|D2|2|NULL|1|",
	})
	sqlExec(t, app, "UPDATE people SET note = 'mine'")
	sqlExec(t, hr, "UPDATE staff SET dept = 'D1', hired = NULL WHERE no = 2", "INSERT INTO staff VALUES (4, 'it''s; DROP TABLE people', '13800000004', 'D2', 1, '2024-02-29')")
	step("one moves, one joins", map[string]string{
		"2": "周凯|13800000002|D1|1|NULL|1|mine", "4": "it's; DROP TABLE people|13800000004|D2|1|2024-02-29|1|",
	})
	sqlExec(t, hr, "DELETE FROM staff WHERE no = 3")
	step("one leaves", map[string]string{"3": "𠮷野|NULL|D2|2|NULL|0|mine"})
	sqlExec(t, hr, "INSERT INTO staff VALUES (3, '𠮷野', NULL, 'D2', 2, NULL)")
	step("and returns", map[string]string{"3": "𠮷野|NULL|D2|2|NULL|1|mine"})
	if got := strings.Count(p.app.cfg.Systems[0].SQL.URL.String(), "*"); got != 3 {
		t.Error("the address shows")
	}
}
