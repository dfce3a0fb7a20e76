package sqltable_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/rollcallhq/rollcall/sync/connector/sqltable"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

func options(url string) sqltable.Options {
	o := statements(url)
	o.Now, o.Zone = time.Now, time.UTC
	return o
}

// TestNew checks that every mistake of the options is told, with its place, and
// that nothing tells the password.
func TestNew(t *testing.T) {
	t.Parallel()
	for name, one := range map[string]struct {
		change func(*sqltable.Options)
		words  []string // none: it is right
	}{
		"right":       {func(*sqltable.Options) {}, nil},
		"nothing":     {func(o *sqltable.Options) { *o = sqltable.Options{} }, []string{"system", "contents", "clock", "zone"}},
		"scheme":      {func(o *sqltable.Options) { o.URL = "oracle://u:s3cret@h/d" }, []string{"postgres://"}},
		"postgres":    {func(o *sqltable.Options) { o.URL = "postgres://u:s3cret%zz@h:x/d" }, []string{"%XX"}},
		"mysql":       {func(o *sqltable.Options) { o.URL = "mysql://u:s3cret@h" }, []string{"MySQL"}},
		"mysql multi": {func(o *sqltable.Options) { o.URL = "mysql://u:s3cret@h/d?multiStatements=true" }, []string{"MySQL"}},
		"mysql tls":   {func(o *sqltable.Options) { o.URL = "mysql://u:s3cret@h/d?tls=true" }, nil},
		"mysql unix":  {func(o *sqltable.Options) { o.URL = "mysql://u@localhost/d?socket=/run/mysqld.sock" }, nil},
		"sqlite":      {func(o *sqltable.Options) { o.URL = "sqlite:" }, []string{"SQLite"}},
		"sqlite url":  {func(o *sqltable.Options) { o.URL = "sqlite:a.db?mode=memory" }, []string{"SQLite"}},
		"no read":     {func(o *sqltable.Options) { o.Users.Read = " " }, []string{"users.read"}},
		"no id":       {func(o *sqltable.Options) { o.Departments.ID = "" }, []string{"departments.id"}},
		"read verb":   {func(o *sqltable.Options) { o.Users.Read = "DELETE FROM people" }, []string{"users.read", "DELETE"}},
		"read param":  {func(o *sqltable.Options) { o.Users.Read = "SELECT * FROM people\n WHERE id = :id" }, []string{"users.read, line 2, column 13", ":id"}},
		"two":         {func(o *sqltable.Options) { o.Users.Delete += "; DROP TABLE people" }, []string{"users.delete, line 1, column 36", "second statement"}},
		"truncate":    {func(o *sqltable.Options) { o.Users.Delete = "TRUNCATE people" }, []string{"users.delete", "TRUNCATE"}},
		"replace":     {func(o *sqltable.Options) { o.Users.Create = "REPLACE INTO people (id) VALUES (:id)" }, []string{"REPLACE"}},
		"or replace":  {func(o *sqltable.Options) { o.Users.Create = "INSERT OR /* */ REPLACE INTO people (id) VALUES (:id)" }, []string{"users.create", "OR REPLACE"}},
		"call":        {func(o *sqltable.Options) { o.Users.Disable = "CALL off(:id)" }, []string{"CALL"}},
		"unknown name": {
			func(o *sqltable.Options) { o.Users.Update = "UPDATE people SET name = :namme\n WHERE id = :id" },
			[]string{"users.update, line 1, column 26", "namme", "attributes"},
		},
		"unknown in one": {func(o *sqltable.Options) { o.Users.One = "SELECT * FROM people WHERE id = :name" }, []string{"users.one", ":name", ":id"}},
		"no object":      {func(o *sqltable.Options) { o.Users.Delete = "DELETE FROM people" }, []string{"users.delete", ":id"}},
		"all of it":      {func(o *sqltable.Options) { o.Users.Update = "UPDATE people SET name = :name" }, []string{"users.update", ":id"}},
		"disabled units": {func(o *sqltable.Options) { o.Departments.Disable = "UPDATE d SET x = 1 WHERE id = :id" }, []string{"departments.disable"}},
		"type":           {func(o *sqltable.Options) { o.Users.Attributes = []sqltable.Column{{Name: "a", Type: "blob"}} }, []string{"users.attributes.a", "blob"}},
		"twice":          {func(o *sqltable.Options) { o.Users.Attributes = []sqltable.Column{{Name: "a"}, {Name: "a"}} }, []string{"users.attributes.a"}},
		"active text":    {func(o *sqltable.Options) { o.Users.Attributes = []sqltable.Column{{Name: "active", Type: "text"}} }, []string{"active"}},
		"parent text": {func(o *sqltable.Options) {
			o.Departments.Attributes = []sqltable.Column{{Name: "parent", Type: "text"}}
		}, []string{"parent"}},
		"another id": {func(o *sqltable.Options) { o.Users.ID, o.Users.Attributes = "no", []sqltable.Column{{Name: "id"}} }, []string{":id"}},
		"id as date": {func(o *sqltable.Options) { o.Users.Attributes = []sqltable.Column{{Name: "id", Type: "date"}} }, []string{"users.attributes.id"}},
		"no departments": {func(o *sqltable.Options) {
			o.Departments, o.Users.Attributes = nil, []sqltable.Column{{Name: "unit", Type: "departments"}}
		}, []string{"departments"}},
		"declared": {func(o *sqltable.Options) {
			o.Users.Attributes = []sqltable.Column{{Name: "工号", Column: "no", Type: "int"}}
			o.Users.Update = "UPDATE p SET no = :工号 WHERE id = :id"
		}, nil},
		"id by its own name": {func(o *sqltable.Options) {
			o.Users.ID = "no"
			o.Users.Create = "INSERT INTO p (no) VALUES (:no)"
			o.Users.Attributes = []sqltable.Column{{Name: "no"}}
		}, nil},
	} {
		o := options("postgres://u:s3cret@h/d")
		one.change(&o)
		c, err := sqltable.New(o)
		if err == nil {
			_ = c.Close()
		}
		if len(one.words) == 0 {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("%s is taken", name)
			continue
		}
		if fault.KindOf(err) != fault.Invalid || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", name, err)
		}
		for _, w := range one.words {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %q is not said: %v", name, w, err)
			}
		}
	}
}

// TestDescribe checks what is known before anything is read.
func TestDescribe(t *testing.T) {
	t.Parallel()
	o := options("mysql://u:s3cret@db.example.com/hr")
	o.Users.Delete, o.Departments.Create, o.Departments.Update = "", "", ""
	o.Users.Attributes = []sqltable.Column{{Name: "login", Column: "id"}, {Name: "hired", Type: "date"}}
	o.Users.Create = "INSERT INTO people (id, name, active) VALUES (:id, :name, :active)"
	c, err := sqltable.New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	info := c.Describe()
	if info.Tenant != "db.example.com:3306/hr" || info.IDAttribute != "login" || info.DepartmentIDAttribute != "id" || info.Reads(10, 1) <= 8 {
		t.Errorf("%+v", info)
	}
	if info.Can(directory.User, plan.Delete) || !info.Can(directory.User, plan.Disable) || info.Can(directory.Department, plan.Create) || !info.Can(directory.Department, plan.Delete) {
		t.Errorf("operations %v", info.Ops)
	}
	if a, _ := info.Attribute(directory.User, "login"); !a.Writable || !a.LoginID {
		t.Errorf("login is %+v", a)
	}
	if a, _ := info.Attribute(directory.User, "hired"); a.Writable || a.Type != directory.Date {
		t.Errorf("hired is %+v", a)
	}
}

// TestExample checks that the statements in docs are those that the suite runs.
func TestExample(t *testing.T) {
	t.Parallel()
	words := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	for _, file := range []string{"sql.md", "sql.zh-CN.md"} {
		page, err := os.ReadFile("../../../docs/systems/" + file)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(page), "```yaml\n")
		block, _, _ := strings.Cut(rest, "```")
		var example struct {
			Systems map[string]struct {
				Users, Departments map[string]string
			}
		}
		if err := yaml.Unmarshal([]byte(block), &example); err != nil {
			t.Fatal(err)
		}
		o := statements("")
		for kind, pair := range map[string]struct {
			have map[string]string
			want sqltable.Table
		}{"users": {example.Systems["hr"].Users, o.Users}, "departments": {example.Systems["hr"].Departments, *o.Departments}} {
			for name, want := range map[string]string{
				"id": pair.want.ID, "read": pair.want.Read, "create": pair.want.Create, "update": pair.want.Update,
				"disable": pair.want.Disable, "enable": pair.want.Enable, "delete": pair.want.Delete,
			} {
				if got := words(pair.have[name]); got != words(want) {
					t.Errorf("%s: %s.%s is %q, tested is %q", file, kind, name, got, words(want))
				}
			}
		}
	}
}
