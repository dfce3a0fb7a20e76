package sqltable_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/connectortest"
	"github.com/rollcallhq/rollcall/sync/connector/sqltable"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

func mustDate(s string) directory.Value {
	day, err := time.Parse("2006-01-02", s)
	if err != nil {
		panic(err)
	}
	return directory.DateOf(day)
}

// ownLookup checks `one`: it finds, but what it does not find is not gone.
func ownLookup(t *testing.T, l *lab) {
	b := newBench(t, l, func(o *sqltable.Options) { o.Users.One = o.Users.Read + " WHERE id = :id AND title = 'x'" })
	b.exec("INSERT INTO people (id, name, title, active) VALUES ('u1', '甲', 'x', true), ('u2', '乙', 'y', true)")
	seen, err := b.conn.Lookup(t.Context(), directory.User, []directory.ID{"u1", "u2", "u3"})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []connector.Presence{connector.Present, connector.Unsure, connector.Gone} {
		if seen[i].Presence != want {
			t.Errorf("lookup %d: %+v, want %d", i, seen[i], want)
		}
	}
	lacking := newBench(t, l, func(o *sqltable.Options) { o.Users.One = "SELECT id, name FROM people WHERE id = :id" })
	if err := lacking.conn.Probe(t.Context()); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "users.one") {
		t.Errorf("`one` without the columns of `read`: %v", err)
	}
}

func moreThanOneRow(t *testing.T, l *lab) {
	b := newBench(t, l, func(o *sqltable.Options) {
		o.Users.Update = "UPDATE people SET title = :title WHERE id >= :id"
		o.Users.Disable = "UPDATE people SET active = '0' WHERE id >= :id"
		o.Users.Delete = "DELETE FROM people WHERE id >= :id"
		o.Users.Create = "INSERT INTO people (id, name, active) SELECT :id, :name, active FROM people"
	})
	b.seedUser(person("u1", "甲"))
	b.seedUser(person("u2", "乙"))
	b.refused(connector.Write{Op: plan.Update, Key: user("u1"), After: directory.Attributes{"title": directory.TextOf("x")}}, fault.Invalid, "touches 2 rows, exactly one is allowed")
	b.refused(connector.Write{Op: plan.Disable, Key: user("u1")}, fault.Invalid, "touches 2 rows")
	b.refused(connector.Write{Op: plan.Delete, Key: user("u1")}, fault.Invalid, "touches 2 rows")
	if s := b.listing(); s.Len(directory.User) != 2 {
		t.Errorf("%d users are left", s.Len(directory.User))
	}
	_, err := b.conn.Apply(t.Context(), connector.Write{Op: plan.Create, Key: user("u3"), After: directory.Attributes{"id": directory.TextOf("u3"), "name": directory.TextOf("丙")}})
	if k := fault.KindOf(err); k != fault.Conflict && k != fault.Invalid {
		t.Errorf("two rows inserted: %v", err)
	}
}

// cascade checks that a delete which takes others along is refused: no engine counts
// these.
func cascade(t *testing.T, l *lab) {
	b := newBench(t, l, func(o *sqltable.Options) {
		o.Departments = nil
		o.Users = sqltable.Table{ID: "id", Read: "SELECT id, name, boss AS manager FROM staff", Delete: "DELETE FROM staff WHERE id = :id"}
	})
	b.exec("CREATE TABLE staff (id varchar(32) PRIMARY KEY, name varchar(40), boss varchar(32) REFERENCES staff (id) ON DELETE CASCADE)")
	b.exec("INSERT INTO staff VALUES ('u1', '甲', NULL), ('u2', '乙', 'u1'), ('u3', '丙', NULL)")
	b.refused(connector.Write{Op: plan.Delete, Key: user("u1")}, fault.Invalid, "CASCADE")
	if err := b.apply(plan.Delete, user("u3"), nil); err != nil {
		t.Error(err)
	}
	if s := b.listing(); s.Len(directory.User) != 2 {
		t.Errorf("%d are left", s.Len(directory.User))
	}
}

// numbers checks ids that are numbers, and questions for ids that are none.
func numbers(t *testing.T, l *lab) {
	b := newBench(t, l, func(o *sqltable.Options) {
		o.Departments = nil
		o.Users = sqltable.Table{
			ID: "no", Read: "SELECT no, name FROM staff", One: "SELECT no, name FROM staff WHERE no = :id",
			Create: "INSERT INTO staff (no, name) VALUES (:no, :name)", Update: "UPDATE staff SET name = :name WHERE no = :id",
		}
	})
	b.exec("CREATE TABLE staff (no bigint PRIMARY KEY, name varchar(40))")
	b.exec("INSERT INTO staff VALUES (12, '甲')")
	seen, err := b.conn.Lookup(t.Context(), directory.User, []directory.ID{"12", "13", "abc"})
	if err != nil || seen[0].Presence != connector.Present || seen[1].Presence != connector.Gone || seen[2].Presence == connector.Present {
		t.Errorf("%+v %v", seen, err)
	}
	if seen, err = b.conn.Lookup(t.Context(), directory.User, []directory.ID{"12abc", "012"}); err != nil || seen[0].Presence == connector.Present || seen[1].Presence == connector.Present {
		t.Errorf("an id that only looks alike: %+v %v", seen, err)
	}
	if err := b.apply(plan.Create, user("14"), directory.Attributes{"no": directory.TextOf("14"), "name": directory.TextOf("乙")}); err != nil {
		t.Error(err)
	}
	if err := b.apply(plan.Update, user("14"), directory.Attributes{"name": directory.TextOf("丙")}); err != nil {
		t.Error(err)
	}
	if o := b.get(user("14")); o.Name() != "丙" || o.Attributes["no"].Text() != "14" {
		t.Errorf("%+v", o)
	}
}

// otherLetters checks ids that the engine may take for the same.
func otherLetters(t *testing.T, l *lab) {
	b := newBench(t, l, func(o *sqltable.Options) {
		o.Departments = nil
		o.Users = sqltable.Table{
			ID: "id", Read: "SELECT id, name FROM staff", Create: "INSERT INTO staff (id, name) VALUES (:id, :name)",
			Update: "UPDATE staff SET name = :name WHERE id = :id", Delete: "DELETE FROM staff WHERE id = :id",
		}
	})
	b.exec("CREATE TABLE staff (id varchar(32) PRIMARY KEY, name varchar(40))")
	b.exec("INSERT INTO staff VALUES ('U1', '甲')")
	ids := []directory.ID{"u1"}
	for len(ids) < 60 {
		ids = append(ids, directory.ID("x"+strings.Repeat("y", len(ids))))
	}
	want := connector.Gone
	if l.engine == "mariadb" {
		want = connector.Unsure
		b.refused(connector.Write{Op: plan.Update, Key: user("u1"), After: directory.Attributes{"name": directory.TextOf("乙")}}, fault.Invalid, "takes for the same")
		b.refused(connector.Write{Op: plan.Delete, Key: user("u1")}, fault.Invalid, "takes for the same")
		b.refused(connector.Write{Op: plan.Create, Key: user("u1"), After: directory.Attributes{"id": directory.TextOf("u1")}}, fault.Conflict, "")
	}
	for _, asked := range [][]directory.ID{ids[:1], ids} {
		seen, err := b.conn.Lookup(t.Context(), directory.User, asked)
		if err != nil || seen[0].Presence != want {
			t.Errorf("%d asked for: %+v %v", len(asked), seen[0], err)
		}
	}
}

// statementsThatLie are such as do not do what they stand for.
func statementsThatLie(t *testing.T, l *lab) {
	b := newBench(t, l, func(o *sqltable.Options) {
		o.Users.Read += " WHERE title <> 'hidden'"
		o.Users.Create = "INSERT INTO people (id, name, title, active) VALUES (:id, :name, :title, :active)"
		o.Users.Update = "UPDATE people SET title = :title WHERE id = :id AND name = 'nobody'"
		o.Users.Disable = "UPDATE people SET title = 'off' WHERE id = :id"
		o.Users.Delete = "UPDATE people SET title = 'deleted' WHERE id = :id"
	})
	b.exec("INSERT INTO people (id, name, title, active) VALUES ('u1', '甲', 'x', true)")
	title := func(s string) directory.Attributes {
		return directory.Attributes{"id": directory.TextOf("u9"), "name": directory.TextOf("乙"), "title": directory.TextOf(s)}
	}
	b.refused(connector.Write{Op: plan.Create, Key: user("u9"), After: title("hidden")}, fault.Invalid, "does not show under its id")
	b.refused(connector.Write{Op: plan.Update, Key: user("u1"), After: directory.Attributes{"title": directory.TextOf("y")}}, fault.Invalid, "touches no row")
	b.refused(connector.Write{Op: plan.Disable, Key: user("u1")}, fault.Invalid, "does not show it")
	b.refused(connector.Write{Op: plan.Delete, Key: user("u1")}, fault.Invalid, "still in `read`")
	if o := b.get(user("u1")); o.Attributes["title"].Text() != "x" {
		t.Errorf("the row was changed to %s", o.Attributes["title"])
	}
	b.refused(connector.Write{Op: plan.Create, Key: user("u8"), After: directory.Attributes{"id": directory.TextOf("u9")}}, fault.Invalid, "differs")
	b.refused(connector.Write{Op: plan.Create, Key: user(""), After: directory.Attributes{"name": directory.TextOf("x")}}, fault.Invalid, "names no object")
	b.refused(connector.Write{Op: plan.Update, Key: user("u1"), After: directory.Attributes{"mobile": directory.TextOf("1")}}, fault.Invalid, ":mobile")
}

// taken checks a unique value, and the cleaning of values out of errors.
func taken(t *testing.T, l *lab) {
	b := newBench(t, l)
	b.seedUser(connectortest.User{ID: "u1", Name: "甲", Mobile: "13800001111"})
	b.seedUser(connectortest.User{ID: "u2", Name: "乙"})
	w := connector.Write{Op: plan.Update, Key: user("u2"), After: directory.Attributes{"mobile": directory.TextOf("13800001111")}}
	b.refused(w, fault.Conflict, "mobile")
	if _, err := b.conn.Apply(t.Context(), w); strings.Contains(err.Error(), "13800001111") {
		t.Errorf("the error shows a value: %v", err)
	}
	if err := b.apply(plan.Update, user("u2"), directory.Attributes{"mobile": directory.TextOf("")}); err != nil {
		t.Errorf("an empty mobile beside another empty one: %v", err)
	}
	b.refused(connector.Write{Op: plan.Update, Key: user("u2"), After: directory.Attributes{"departments": directory.RefsToKind(directory.Department, "77")}}, fault.Invalid, "77")
	b.refused(connector.Write{Op: plan.Update, Key: user("u2"), After: directory.Attributes{"departments": directory.RefsToKind(directory.User, "u1")}}, fault.Invalid, "departments")
}

// realRefusals come from the engine itself.
func realRefusals(t *testing.T, l *lab) {
	b := newBench(t, l, func(o *sqltable.Options) {
		o.Users.Create = "INSERT INTO people (id, name, title, active) VALUES (:id, NULLIF(:name, ''), :title, :active)"
	})
	key := user("u1")
	b.refused(connector.Write{Op: plan.Create, Key: key, After: directory.Attributes{"id": directory.TextOf("u1")}}, fault.Invalid, "name")
	if l.engine != "sqlite" {
		long := strings.Repeat("长", 300)
		b.refused(connector.Write{Op: plan.Create, Key: key, After: directory.Attributes{"name": directory.TextOf("甲"), "title": directory.TextOf(long)}}, fault.Invalid, "too long")
	}
	b.refused(connector.Write{Op: plan.Create, Key: key, After: directory.Attributes{"name": directory.TextOf("a\x00b")}}, fault.Invalid, "name")
	b.refused(connector.Write{Op: plan.Create, Key: key, After: directory.Attributes{"name": directory.TextOf("\xff")}}, fault.Invalid, "name")
	b.refused(connector.Write{Op: plan.Create, Key: key, After: directory.Attributes{"name": directory.Hidden("x")}}, fault.Invalid, "name")
	broken := newBench(t, l, func(o *sqltable.Options) { o.Users.Read = "SELECT id, nothing FROM people" })
	if _, err := broken.conn.Read(t.Context()); fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Say(err), "nothing") {
		t.Errorf("a query with an unknown column: %v", err)
	}
	if l.engine != "postgres" {
		return // rights are given for the whole database there, or not at all
	}
	b.exec("REVOKE UPDATE ON people FROM rollcall")
	b.exec("INSERT INTO people (id, name, active) VALUES ('u5', '甲', true)")
	b.refused(connector.Write{Op: plan.Disable, Key: user("u5")}, fault.Credential, "GRANT")
}

func enable(t *testing.T, l *lab) {
	b := newBench(t, l, func(o *sqltable.Options) { o.Users.Disable += " AND active = '1'" })
	off := person("u1", "甲")
	off.Disabled = true
	b.seedUser(off)
	before := b.number(&b.effects)
	if err := b.apply(plan.Disable, user("u1"), nil); err != nil || b.number(&b.effects) != before {
		t.Errorf("disabling who is disabled: %v", err)
	}
	if err := b.apply(plan.Update, user("u1"), directory.Attributes{"active": directory.BoolOf(true), "name": directory.TextOf("乙")}); err != nil {
		t.Fatal(err)
	}
	if o := b.get(user("u1")); !o.Active || o.Name() != "乙" {
		t.Errorf("enabled: %+v", o)
	}
	b.refused(connector.Write{Op: plan.Update, Key: user("u1"), After: directory.Attributes{"active": directory.BoolOf(false)}}, fault.Invalid, "DISABLE alone")
	info := b.conn.Describe()
	if a, ok := info.Attribute(directory.User, "active"); !ok || !a.Writable || !info.UniqueID || info.IDAttribute != "id" {
		t.Errorf("described as %+v", a)
	}
	if !strings.Contains(info.DisableMeans.EN, "SET active = '0' WHERE id = :id") || !strings.Contains(info.DeleteMeans.ZH, "DELETE FROM people") {
		t.Errorf("means %+v", info.DisableMeans)
	}
}

// wrongURL logs in with wrong passwords, and at nobody's port.
func wrongURL(t *testing.T, l *lab) {
	if l.engine == "sqlite" {
		b := newBench(t, l, func(o *sqltable.Options) { o.URL += ".missing" })
		if err := b.conn.Probe(t.Context()); fault.KindOf(err) != fault.Unavailable || !strings.Contains(fault.Say(err), "打不开") {
			t.Errorf("a file that is missing: %v", err)
		}
		return
	}
	wrong := strings.ReplaceAll(pgSecret, "/", "%2F")
	if l.engine == "mariadb" {
		wrong = strings.ReplaceAll(mySecret, "/", "%2F")
	}
	b := newBench(t, l, func(o *sqltable.Options) { o.URL = strings.Replace(o.URL, wrong, "wr0ng-s3cret", 1) })
	calls := b.number(&b.calls)
	_, err := b.conn.Read(t.Context())
	if fault.KindOf(err) != fault.Credential || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("a wrong password: %v", err)
	}
	if n := b.number(&b.calls) - calls; n != 1 {
		t.Errorf("a wrong password was tried %d times", n)
	}
	port := freePort(t)
	b = newBench(t, l, func(o *sqltable.Options) {
		at := strings.Index(o.URL, "127.0.0.1:")
		o.URL = o.URL[:at] + "127.0.0.1:" + port + o.URL[strings.Index(o.URL[at:], "/")+at:]
	})
	err = b.conn.Probe(t.Context())
	if fault.KindOf(err) != fault.Unavailable || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("nobody listens: %v", err)
	}
}

func shapes(t *testing.T, l *lab) {
	for read, words := range map[string]string{
		"SELECT name FROM people":                                    "no column id",
		"SELECT id, name, departments AS x FROM people; -- the end":  "",
		"SELECT id, name, 'a' AS active FROM people":                 "",
		"WITH p AS (SELECT * FROM people) SELECT * FROM p -- a note": "",
		"SELECT id, name FROM people ORDER BY name":                  "",
		"SELECT id, name, departments AS parent FROM people":         "",
	} {
		b := newBench(t, l, func(o *sqltable.Options) {
			o.Users = sqltable.Table{Read: read, ID: "id"}
			o.Departments = nil
		})
		b.seedUser(person("u1", "甲"))
		s, err := b.conn.Read(t.Context())
		if words != "" {
			if fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Say(err), words) {
				t.Errorf("%s: %v", read, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", read, err)
			continue
		}
		if maybe := strings.Contains(read, "'a' AS active"); s.Complete() == maybe {
			t.Errorf("%s: complete %v: %s", read, s.Complete(), s.Health.PartialFor)
		}
	}
	binary := newBench(t, l, func(o *sqltable.Options) {
		o.Departments = nil
		o.Users = sqltable.Table{Read: "SELECT " + map[string]string{"postgres": "convert_to(id, 'UTF8')", "mariadb": "CAST(id AS BINARY)", "sqlite": "CAST(id AS BLOB)"}[l.engine] + " AS id FROM people", ID: "id"}
	})
	binary.seedUser(person("u1", "甲"))
	if s := binary.listing(); s.Complete() || s.Len(directory.User) != 0 {
		t.Error("bytes pass for an id")
	}
}

func probe(t *testing.T, l *lab) {
	b := newBench(t, l)
	if err := b.conn.Probe(t.Context()); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*sqltable.Options){
		"column active": func(o *sqltable.Options) {
			o.Users.Read = "SELECT id, name, mobile, email, title, departments FROM people"
		},
		":title cannot keep": func(o *sqltable.Options) {
			o.Users.Read = "SELECT id, name, mobile, email, departments, active FROM people"
		},
		"no column ID2":       func(o *sqltable.Options) { o.Users.ID = "ID2" },
		"which the attribute": func(o *sqltable.Options) { o.Users.Attributes = []sqltable.Column{{Name: "login"}} },
	} {
		b := newBench(t, l, change)
		if err := b.conn.Probe(t.Context()); fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Say(err), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// idle checks that connections which the server closed meanwhile are replaced.
func idle(t *testing.T, l *lab) {
	b := newBench(t, l)
	b.seedUser(person("u1", "甲"))
	b.listing()
	b.set(func() { b.stale = 2 })
	if err := b.apply(plan.Update, user("u1"), directory.Attributes{"name": directory.TextOf("乙")}); err != nil {
		t.Error(err)
	}
}

// refusedCommit checks a constraint that is looked at when the transaction ends:
// the answer is certain.
func refusedCommit(t *testing.T, l *lab) {
	if l.engine == "mariadb" {
		t.Skip("NOT APPLICABLE: the engine checks nothing at the end of a transaction")
	}
	b := newBench(t, l)
	b.exec("CREATE TABLE badges (id varchar(32) PRIMARY KEY)")
	b.exec("ALTER TABLE people ADD COLUMN badge varchar(32) REFERENCES badges (id) DEFERRABLE INITIALLY DEFERRED")
	c := newStatement(b, func(o *sqltable.Options) {
		o.Users.Create = "INSERT INTO people (id, name, active, badge) VALUES (:id, :name, :active, 'none')"
	})
	before := b.number(&b.effects)
	_, err := c.Apply(t.Context(), connector.Write{Op: plan.Create, Key: user("u1"), After: directory.Attributes{"id": directory.TextOf("u1"), "name": directory.TextOf("甲")}})
	if fault.KindOf(err) != fault.Conflict || b.number(&b.effects) != before {
		t.Errorf("a commit that is refused: %v", err)
	}
	if s := b.listing(); s.Len(directory.User) != 0 {
		t.Error("the row is there")
	}
}

// newStatement makes a second connector on the same tables.
func newStatement(b *bench, change func(*sqltable.Options)) *sqltable.Connector {
	b.t.Helper()
	o := statements(b.url)
	o.Zone, o.Now, o.Sleep, o.Wrap = time.UTC, b.time, b.sleep, b.wrap
	change(&o)
	c, err := sqltable.New(o)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = c.Close() })
	return c
}

// TestTimeOver checks that a call's own time-out before the commit says that
// nothing happened.
func TestTimeOver(t *testing.T) {
	t.Parallel()
	b := newBench(t, sqliteLab(), func(o *sqltable.Options) { o.CallTimeout = time.Millisecond })
	b.seedUser(person("u1", "甲"))
	b.set(func() { b.hangRead = make(chan struct{}) })
	err := b.apply(plan.Delete, user("u1"), nil)
	if fault.KindOf(err) != fault.Unavailable || b.number(&b.effects) != 0 {
		t.Errorf("a call without time: %v", err)
	}
	if _, ok := b.stored(user("u1")); !ok {
		t.Error("the row is gone")
	}
}
