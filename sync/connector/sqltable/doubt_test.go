package sqltable_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/sqltable"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// emptied checks that a table without any row, such as one that is just being filled
// anew, proves of nobody that they are gone.
func emptied(t *testing.T, l *lab) {
	b := newBench(t, l)
	ids := []directory.ID{"u1"}
	for i := range 60 {
		ids = append(ids, directory.ID(fmt.Sprintf("x%d", i)))
	}
	for _, asked := range [][]directory.ID{ids[:1], ids} {
		seen, err := b.conn.Lookup(t.Context(), directory.User, asked)
		if err != nil || seen[0].Presence != connector.Unsure || seen[0].Why == "" {
			t.Errorf("%d asked for: %+v %v", len(asked), seen[0], err)
		}
	}
	b.seedUser(person("u2", "乙"))
	if seen, err := b.conn.Lookup(t.Context(), directory.User, ids[:1]); err != nil || seen[0].Presence != connector.Gone {
		t.Errorf("beside somebody: %+v %v", seen[0], err)
	}
	if err := b.apply(plan.Delete, user("u2"), nil); err != nil {
		t.Errorf("the last one is deleted: %v", err)
	}
	if err := b.apply(plan.Delete, user("u2"), nil); err != nil {
		t.Errorf("and again: %v", err)
	}
}

// takenOver checks statements and tables by which somebody else's row gives way to
// the new one.
func takenOver(t *testing.T, l *lab) {
	b := newBench(t, l, func(o *sqltable.Options) {
		o.Departments = nil
		upsert := " ON CONFLICT (mobile) DO UPDATE SET id = EXCLUDED.id, name = EXCLUDED.name"
		if l.engine == "mariadb" {
			upsert = " ON DUPLICATE KEY UPDATE id = VALUES(id), name = VALUES(name)"
		}
		o.Users = sqltable.Table{
			ID: "id", Read: "SELECT id, name, mobile FROM staff", Create: "INSERT INTO staff (id, name, mobile) VALUES (:id, :name, :mobile)" + upsert,
		}
	})
	b.exec("CREATE TABLE staff (id varchar(32) PRIMARY KEY, name varchar(40), mobile varchar(40) UNIQUE)")
	b.exec("INSERT INTO staff VALUES ('u1', '甲', '1'), ('u2', '乙', '2')")
	b.refused(connector.Write{Op: plan.Create, Key: user("u3"), After: directory.Attributes{
		"id": directory.TextOf("u3"), "name": directory.TextOf("丙"), "mobile": directory.TextOf("1"),
	}}, fault.Invalid, "")
	if err := b.apply(plan.Create, user("u4"), directory.Attributes{
		"id": directory.TextOf("u4"), "name": directory.TextOf("丁"), "mobile": directory.TextOf("4"),
	}); err != nil {
		t.Error(err)
	}
	if l.engine != "sqlite" {
		return
	}
	b = newBench(t, l, func(o *sqltable.Options) {
		o.Departments = nil
		o.Users = sqltable.Table{
			ID: "id", Read: "SELECT id, name, mobile FROM staff", Create: "INSERT INTO staff (id, name, mobile) VALUES (:id, :name, :mobile)",
			Update: "UPDATE staff SET mobile = :mobile WHERE id = :id",
		}
	})
	b.exec("CREATE TABLE staff (id varchar(32) PRIMARY KEY, name varchar(40), mobile varchar(40) UNIQUE ON CONFLICT REPLACE)")
	b.exec("INSERT INTO staff VALUES ('u1', '甲', '1'), ('u2', '乙', '2')")
	b.refused(connector.Write{Op: plan.Create, Key: user("u3"), After: directory.Attributes{
		"id": directory.TextOf("u3"), "name": directory.TextOf("丙"), "mobile": directory.TextOf("1"),
	}}, fault.Invalid, "")
	b.refused(connector.Write{Op: plan.Update, Key: user("u2"), After: directory.Attributes{"mobile": directory.TextOf("1")}}, fault.Invalid, "")
	if s := b.listing(); s.Len(directory.User) != 2 {
		t.Errorf("%d are left", s.Len(directory.User))
	}
}

// noRollback checks that a table which cannot take a change back is never written
// to: a statement that touches too much would have done it.
func noRollback(t *testing.T, l *lab) {
	if l.engine != "mariadb" {
		return // no other engine has such tables
	}
	for _, engine := range []string{"MyISAM", "Aria"} {
		b := newBench(t, l, func(o *sqltable.Options) {
			o.Departments = nil
			o.Users = sqltable.Table{
				ID: "id", Read: "SELECT id, name, title FROM staff", Update: "UPDATE `staff` SET title = :title WHERE id >= :id", Delete: "DELETE FROM staff WHERE id >= :id",
			}
			if engine == "Aria" { // through a view
				o.Users.Update, o.Users.Delete = "UPDATE everybody SET title = :title WHERE id >= :id", "DELETE FROM everybody WHERE id >= :id"
			}
		})
		b.exec("CREATE TABLE staff (id varchar(32) PRIMARY KEY, name varchar(40), title varchar(40)) ENGINE=" + engine)
		b.exec("CREATE VIEW everybody AS SELECT id, name, title FROM staff")
		b.exec("INSERT INTO staff VALUES ('u1', '甲', 'x'), ('u2', '乙', 'x')")
		err := b.apply(plan.Update, user("u1"), directory.Attributes{"title": directory.TextOf("y")})
		if fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Say(err), "InnoDB") {
			t.Errorf("%s: %v", engine, err)
		}
		if err := b.apply(plan.Delete, user("u1"), nil); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", engine, err)
		}
		s := b.listing()
		o, _ := s.Get(user("u2"))
		if s.Len(directory.User) != 2 || o.Attributes["title"].Text() != "x" {
			t.Errorf("%s: %d are left, the other's title is %q", engine, s.Len(directory.User), o.Attributes["title"])
		}
	}
}

// longList checks that a list which the database puts together is not cut.
func longList(t *testing.T, l *lab) {
	if l.engine != "mariadb" {
		return
	}
	b := newBench(t, l, func(o *sqltable.Options) {
		o.Departments = nil
		o.Users = sqltable.Table{
			ID: "id", Read: "SELECT person AS id, GROUP_CONCAT(skill ORDER BY skill) AS skills FROM skills GROUP BY person",
			Attributes: []sqltable.Column{{Name: "skills", Type: "list"}},
		}
	})
	must(t, b.db, "SET GLOBAL group_concat_max_len = 1024") // MySQL's default
	b.exec("CREATE TABLE skills (person varchar(32), skill varchar(60))")
	for i := range 100 {
		b.exec("INSERT INTO skills VALUES ('u1', ?)", fmt.Sprintf("%03d%s", i, strings.Repeat("x", 30)))
	}
	if n := len(b.get(user("u1")).Attributes["skills"].List()); n != 100 {
		t.Errorf("%d entries of 100", n)
	}
}

// triggered checks that a change which could not be taken back is said to be so.
func triggered(t *testing.T, l *lab) {
	if l.engine != "mariadb" {
		return
	}
	b := newBench(t, l, func(o *sqltable.Options) { o.Users.Update = "UPDATE people SET title = :title WHERE id >= :id" })
	b.seedUser(person("u1", "甲"))
	b.seedUser(person("u2", "乙"))
	b.exec("CREATE TABLE log (what varchar(20)) ENGINE=MyISAM")
	b.exec("CREATE TRIGGER noted AFTER UPDATE ON people FOR EACH ROW INSERT INTO log VALUES (NEW.id)")
	err := b.apply(plan.Update, user("u1"), directory.Attributes{"title": directory.TextOf("y")})
	if fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Say(err), "could not be taken back") {
		t.Errorf("%v", err)
	}
}
