package main

import (
	"strings"

	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/sqltable"
)

// sqlSource connects a database. Its connections are opened when they are needed.
func (a *app) sqlSource(sys *configs.System) (connector.Source, error) {
	s := sys.SQL
	o := sqltable.Options{
		System: sys.Name, URL: a.databaseURL(s.URL.Reveal()), Contents: s.Contents, Users: sqlTable(&s.Users),
		Now: a.p.now, Zone: a.cfg.Location(), Logger: a.log.With("system", sys.Name), CallTimeout: a.cfg.Timing.Call.Std(),
	}
	if s.Departments != nil {
		departments := sqlTable(s.Departments)
		o.Departments = &departments
	}
	c, err := sqltable.New(o)
	if err != nil {
		return nil, err
	}
	a.closers = append(a.closers, c.Close)
	return c, nil
}

// databaseURL finds the file of SQLite beside the configuration.
func (a *app) databaseURL(text string) string {
	path, file := strings.CutPrefix(text, "sqlite:")
	if !file || strings.HasPrefix(path, "//") {
		return text
	}
	return "sqlite:" + a.cfg.Resolve(path)
}

func sqlTable(t *configs.SQLTable) sqltable.Table {
	out := sqltable.Table{
		Read: t.Read, One: t.One, ID: t.ID,
		Create: t.Create, Update: t.Update, Disable: t.Disable, Enable: t.Enable, Delete: t.Delete,
	}
	for _, col := range t.Attributes {
		out.Attributes = append(out.Attributes, sqltable.Column{Name: col.Name, Column: col.Column, Type: col.Type})
	}
	return out
}
