package sqltable_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/connectortest"
	"github.com/rollcallhq/rollcall/sync/connector/sqltable"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

func user(id directory.ID) directory.Key { return directory.Key{Kind: directory.User, ID: id} }
func department(id directory.ID) directory.Key {
	return directory.Key{Kind: directory.Department, ID: id}
}

func (b *bench) listing() *directory.Snapshot {
	b.t.Helper()
	s, err := b.conn.Read(b.t.Context())
	if err != nil {
		b.t.Fatalf("read: %v", err)
	}
	return s
}

func (b *bench) get(key directory.Key) directory.Object {
	b.t.Helper()
	seen, err := b.conn.Lookup(b.t.Context(), key.Kind, []directory.ID{key.ID})
	if err != nil || seen[0].Presence != connector.Present {
		b.t.Fatalf("lookup %s: %+v %v", key, seen, err)
	}
	return seen[0].Object
}

func (b *bench) apply(op plan.Op, key directory.Key, after directory.Attributes) error {
	b.t.Helper()
	_, err := b.conn.Apply(b.t.Context(), connector.Write{Op: op, Key: key, After: after, Token: "t"})
	return err
}

// refused makes a change that must fail and change nothing.
func (b *bench) refused(w connector.Write, kind fault.Kind, words string) {
	b.t.Helper()
	before := b.number(&b.effects)
	_, err := b.conn.Apply(b.t.Context(), w)
	if fault.KindOf(err) != kind || !strings.Contains(fault.Say(err), words) {
		b.t.Errorf("%s %s: %v, want %s with %q", w.Op, w.Key, err, kind, words)
	}
	if n := b.number(&b.effects); n != before {
		b.t.Errorf("%s %s: had an effect", w.Op, w.Key)
	}
}

func person(id, name string) connectortest.User { return connectortest.User{ID: id, Name: name} }

// types are what the engines call the same things.
var types = map[string]map[string]string{
	"postgres": {"num": "numeric(10,3)", "float": "double precision", "small": "real", "bool": "boolean", "date": "date", "time": "timestamp", "stamp": "timestamptz", "bytes": "bytea", "big": "bigint", "char": "char(5)", "json": "jsonb"},
	"mariadb":  {"num": "decimal(10,3)", "float": "double", "small": "float", "bool": "boolean", "date": "date", "time": "datetime(3)", "stamp": "timestamp NULL", "bytes": "varbinary(20)", "big": "bigint", "char": "char(5)", "json": "text"},
	"sqlite":   {"num": "numeric", "float": "real", "small": "real", "bool": "boolean", "date": "date", "time": "datetime", "stamp": "timestamp", "bytes": "blob", "big": "integer", "char": "text", "json": "text"},
}

// typed adds columns of every type to the table of people, and their values.
func typed(b *bench) {
	ty := types[b.lab.engine]
	for _, name := range []string{"num", "float", "small", "bool", "date", "time", "stamp", "bytes", "big", "char", "json"} {
		b.exec("ALTER TABLE people ADD COLUMN c_" + name + " " + ty[name])
	}
	b.seedUser(person("u1", "张三"))
	b.seedUser(person("u2", "李四"))
	stamp := map[string]string{"postgres": "2026-03-01T01:30:00Z", "mariadb": "2026-03-01 01:30:00", "sqlite": "2026-03-01T01:30:00Z"}[b.lab.engine]
	if b.lab.engine == "mariadb" {
		must(b.t, b.db, "SET GLOBAL time_zone = '+00:00'", "SET time_zone = '+00:00'")
	}
	bytes := []byte{0, 0xff, 'a'}
	b.exec("UPDATE people SET c_num = 12.500, c_float = 0.1, c_small = 2.5, c_bool = true, c_date = '2026-02-28', c_time = '2026-02-28 23:59:58.5', c_stamp = '"+stamp+"', c_big = 9007199254740993, c_char = 'ab', c_json = '{}', c_bytes = ? WHERE id = 'u1'", bytes)
}

// values checks that every engine gives the same of the same.
func values(t *testing.T, l *lab) {
	b := newBench(t, l, func(o *sqltable.Options) {
		o.Users.Read = "SELECT * FROM people"
		o.Users.Attributes = []sqltable.Column{{Name: "flag", Column: "c_bool", Type: "bool"}}
	})
	typed(b)
	s := b.listing()
	if !s.Complete() {
		t.Fatal(s.Health.PartialFor, s.Health.Problems)
	}
	o, _ := s.Get(user("u1"))
	want := map[string]struct {
		typ  directory.Type
		text string
	}{
		"id": {directory.Text, "u1"}, "name": {directory.Text, "张三"}, "mobile": {directory.Text, ""}, "departments": {directory.Refs, ""},
		"c_num": {directory.Text, "12.5"}, "c_float": {directory.Text, "0.1"}, "c_small": {directory.Text, "2.5"}, "flag": {directory.Bool, "true"},
		"c_date": {directory.Date, "2026-02-28"}, "c_time": {directory.Date, "2026-02-28T23:59:58"}, "c_stamp": {directory.Date, "2026-03-01T09:30:00"},
		"c_bytes": {directory.Text, "00ff61"}, "c_big": {directory.Text, "9007199254740993"}, "c_char": {directory.Text, "ab"}, "c_json": {directory.Text, "{}"},
	}
	for name, w := range want {
		if v := o.Attributes[name]; v.Type() != w.typ || v.String() != w.text {
			t.Errorf("%s is %s %q, want %s %q", name, v.Type(), v, w.typ, w.text)
		}
	}
	if _, there := o.Attributes["c_bool"]; there || o.Attributes["active"].Type() != directory.Absent {
		t.Error("an attribute with another name, or the activity, comes twice")
	}
	empty, _ := s.Get(user("u2"))
	for name, w := range want {
		if v := empty.Attributes[name]; strings.HasPrefix(name, "c_") && (!v.IsEmpty() || v.Type() != w.typ) {
			t.Errorf("NULL in %s is %s %q", name, v.Type(), v)
		}
	}
	if got := b.get(user("u1")); got.Digest() != o.Digest() {
		t.Errorf("looked up %v, read %v", got, o)
	}
}

// keptAsItIs checks that an update of one attribute writes the others back byte for
// byte, whatever their type.
func keptAsItIs(t *testing.T, l *lab) {
	columns := []string{"num", "float", "small", "bool", "date", "time", "stamp", "bytes", "big", "char", "json"}
	b := newBench(t, l, func(o *sqltable.Options) {
		o.Users.Read = "SELECT * FROM people"
		set := []string{"name = :name"}
		for _, name := range columns {
			set = append(set, "c_"+name+" = :c_"+name)
			o.Users.Attributes = append(o.Users.Attributes, sqltable.Column{Name: "c_" + name, Type: map[string]string{"bool": "bool"}[name]})
		}
		o.Users.Update = "UPDATE people SET " + strings.Join(set, ", ") + " WHERE id = :id"
	})
	typed(b)
	dump := func() string {
		var all []string
		for _, name := range columns {
			var v string
			query := "SELECT COALESCE(CAST(c_" + name + " AS char(60)), '') FROM people WHERE id = 'u1'"
			if l.engine == "sqlite" {
				query = "SELECT typeof(c_" + name + ") || quote(c_" + name + ") FROM people WHERE id = 'u1'"
			}
			if err := b.db.QueryRowContext(t.Context(), query).Scan(&v); err != nil {
				t.Fatal(name, err)
			}
			all = append(all, name+"="+strings.TrimSpace(v))
		}
		return strings.Join(all, "\n")
	}
	before := dump()
	if err := b.apply(plan.Update, user("u1"), directory.Attributes{"name": directory.TextOf("王五")}); err != nil {
		t.Fatal(err)
	}
	if after := dump(); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
	if err := b.apply(plan.Update, user("u2"), directory.Attributes{
		"c_bool": directory.BoolOf(true), "c_date": mustDate("2026-05-01"), "c_big": directory.TextOf("7"),
	}); err != nil {
		t.Fatal(err)
	}
	o := b.get(user("u2"))
	if err := b.apply(plan.Update, user("u1"), directory.Attributes{"c_date": directory.Empty(directory.Date), "c_time": directory.Empty(directory.Text)}); err != nil {
		t.Errorf("a date is emptied: %v", err)
	}
	if got := o.Attributes["c_date"].String() + " " + o.Attributes["c_big"].String(); got != "2026-05-01 7" || o.Name() != "李四" {
		t.Errorf("written: %s of %s", got, o.Name())
	}
}

// oneState checks that both queries see one state: what comes in between is not
// seen.
func oneState(t *testing.T, l *lab) {
	b := newBench(t, l)
	b.seedDepartment(connectortest.Department{ID: "1", Name: "研发"})
	b.seedUser(connectortest.User{ID: "u1", Name: "张三", Departments: []directory.ID{"1"}})
	b.set(func() {
		b.onList = func() {
			b.exec("INSERT INTO departments (id, name) VALUES ('2', '新')")
			b.exec("INSERT INTO people (id, name, departments, active) VALUES ('u2', '李四', '2', true)")
			b.exec("DELETE FROM people WHERE id = 'u1'")
		}
	})
	s := b.listing()
	b.set(func() { b.onList = nil })
	if !s.Complete() || s.Len(directory.User) != 1 || s.Len(directory.Department) != 1 || !s.Has(user("u1")) {
		t.Errorf("read %d users, %d departments: %s", s.Len(directory.User), s.Len(directory.Department), s.Health.PartialFor)
	}
	if s = b.listing(); !s.Complete() || !s.Has(user("u2")) || s.Has(user("u1")) {
		t.Error("the later state is not seen later")
	}
}

// cutInSilence checks the count against what comes.
func cutInSilence(t *testing.T, l *lab) {
	b := newBench(t, l)
	for i := range 5 {
		b.seedUser(person(fmt.Sprintf("u%d", i), "甲"))
	}
	b.set(func() { b.silent = 3 })
	s := b.listing()
	if s.Complete() || s.Len(directory.User) != 3 {
		t.Errorf("%d users, complete %v", s.Len(directory.User), s.Complete())
	}
}

func badRows(t *testing.T, l *lab) {
	b := newBench(t, l, func(o *sqltable.Options) {
		o.Departments = nil
		o.Users.Read = "SELECT id, name, mobile, email, title, departments, active FROM staff"
	})
	b.exec("CREATE TABLE staff (id varchar(40), name varchar(40), mobile varchar(40), email varchar(40), title varchar(40), departments varchar(40), active varchar(10))")
	b.exec("INSERT INTO staff (id, name, active) VALUES ('u1', '甲', '1'), (NULL, '乙', '1'), ('u2', '丙', '1'), ('u2', '丁', '1'), ('u3', '戊', 'maybe'), ('', '己', '1'), ('u4', '庚', NULL)")
	s := b.listing()
	var got []directory.ID
	for o := range s.All(directory.User) {
		got = append(got, o.ID)
	}
	if s.Complete() || !slices.Equal(got, []directory.ID{"u1", "u4"}) {
		t.Errorf("complete %v, %v", s.Complete(), got)
	}
	if len(s.Health.Problems) != 5 {
		t.Errorf("%d problems: %+v", len(s.Health.Problems), s.Health.Problems)
	}
	seen, err := b.conn.Lookup(t.Context(), directory.User, []directory.ID{"u1", "u2", "u3", "u9"})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []connector.Presence{connector.Present, connector.Unsure, connector.Unsure, connector.Gone} {
		if seen[i].Presence != want {
			t.Errorf("lookup %d: %+v, want %d", i, seen[i], want)
		}
	}
	w := connector.Write{Op: plan.Delete, Key: user("u2")}
	b.refused(w, fault.Invalid, "several rows")
}

func brokenTree(t *testing.T, l *lab) {
	b := newBench(t, l, func(o *sqltable.Options) { o.Departments.Read = "SELECT id, name, parent FROM units" })
	b.exec("CREATE TABLE units (id varchar(40), name varchar(40), parent varchar(40))")
	b.exec("INSERT INTO units VALUES ('1', '甲', NULL), ('2', '乙', '1'), ('3', '丙', '9'), ('4', '丁', '5'), ('5', '戊', '4'), ('6', '己', '4'), ('7', '庚', '7'), ('8', '辛', '')")
	b.seedUser(connectortest.User{ID: "u1", Name: "张三", Departments: []directory.ID{"2", "77"}})
	s := b.listing()
	if s.Complete() || s.Len(directory.Department) != 8 {
		t.Errorf("complete %v, %d departments", s.Complete(), s.Len(directory.Department))
	}
	for _, id := range []directory.ID{"3", "4", "5", "6", "7"} {
		if o, _ := s.Get(department(id)); o.Attributes["parent"].Type() != directory.Unknown {
			t.Errorf("the parent of %s is %s", id, o.Attributes["parent"])
		}
	}
	for _, id := range []directory.ID{"1", "2", "8"} {
		if o, _ := s.Get(department(id)); o.Attributes["parent"].Type() != directory.Refs {
			t.Errorf("the parent of %s is %s", id, o.Attributes["parent"])
		}
	}
	said := fmt.Sprint(s.Health.Problems)
	for _, words := range []string{"id=3", "id=4", "id=7", "部门 77", "循环"} {
		if !strings.Contains(said, words) {
			t.Errorf("%q is not said: %s", words, said)
		}
	}
}

func partial(t *testing.T, l *lab) {
	b := newBench(t, l, func(o *sqltable.Options) { o.Contents = sqltable.Partial })
	b.seedUser(person("u1", "甲"))
	if s := b.listing(); s.Complete() || s.Len(directory.User) != 1 {
		t.Error("a partial table passes for a whole one")
	}
	many := []directory.ID{"u9"}
	for i := range 60 {
		many = append(many, directory.ID(fmt.Sprintf("x%d", i)))
	}
	for _, ids := range [][]directory.ID{{"u9"}, many} {
		seen, err := b.conn.Lookup(t.Context(), directory.User, ids)
		if err != nil || seen[0].Presence != connector.Unsure || !strings.Contains(seen[0].Why, "partial") {
			t.Errorf("%+v %v", seen[0], err)
		}
	}
}

func noDepartments(t *testing.T, l *lab) {
	b := newBench(t, l, func(o *sqltable.Options) { o.Departments = nil })
	b.exec("INSERT INTO people (id, name, departments, active) VALUES ('u1', '甲', '/总部/研发部', true)")
	s := b.listing()
	o, _ := s.Get(user("u1"))
	if v := o.Attributes["departments"]; v.Type() != directory.Text || v.Text() != "/总部/研发部" || !s.Complete() {
		t.Errorf("departments are %s %q", v.Type(), v)
	}
	if len(b.conn.Describe().Ops[directory.Department]) > 0 {
		t.Error("departments can be written without a table")
	}
	seen, err := b.conn.Lookup(t.Context(), directory.Department, []directory.ID{"1"})
	if err != nil || seen[0].Presence != connector.Unsure {
		t.Errorf("%+v %v", seen, err)
	}
	b.refused(connector.Write{Op: plan.Create, Key: department("1")}, fault.Unsupported, "")
}

// many reads ten thousand rows and counts them for people who wait.
func many(t *testing.T, l *lab) {
	const rows = 10_000
	b := newBench(t, l)
	for from := 0; from < rows; from += 1000 {
		var list []string
		for i := from; i < from+1000; i++ {
			list = append(list, fmt.Sprintf("('u%05d', '员工%d 𠮷', '', true)", i, i))
		}
		b.exec("INSERT INTO people (id, name, departments, active) VALUES " + strings.Join(list, ", "))
	}
	counter := &connector.Counter{}
	s, err := b.conn.Read(connector.WithCounter(t.Context(), counter))
	if err != nil || !s.Complete() || s.Len(directory.User) != rows {
		t.Fatalf("%v", err)
	}
	if n, _ := counter.Count(); n != rows {
		t.Errorf("counted %d", n)
	}
	o, _ := s.Get(user("u09999"))
	if o.Name() != "员工9999 𠮷" {
		t.Errorf("the last is called %s", o.Name())
	}
	b.set(func() { b.page, b.times, b.broken = 100, 1, errBroken })
	if s, err = b.conn.Read(connector.WithCounter(t.Context(), counter)); err != nil || s.Health.Retries != 1 {
		t.Fatal(err)
	}
	if n, _ := counter.Count(); n != 2*rows {
		t.Errorf("counted %d after a second reading that began twice", n)
	}
}

func lookupMany(t *testing.T, l *lab) {
	b := newBench(t, l)
	var ids []directory.ID
	for i := range 60 {
		id := fmt.Sprintf("u%02d", i)
		ids = append(ids, directory.ID(id), directory.ID("gone"+id))
		b.seedUser(person(id, "甲"))
	}
	check := func(missing connector.Presence) {
		t.Helper()
		seen, err := b.conn.Lookup(t.Context(), directory.User, ids)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range seen {
			want := connector.Present
			if i%2 == 1 {
				want = missing
			}
			if s.Presence != want || want == connector.Present && s.Object.ID != ids[i] {
				t.Fatalf("%s: %+v", ids[i], s)
			}
		}
	}
	check(connector.Gone)
	b.set(func() { b.silent = 60 }) // of 61 rows
	b.seedUser(person("u99", "甲"))
	check(connector.Unsure)
}
