package sqltable

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// maxColumns bounds what a query may give.
const maxColumns = 500

// shape is what the query of a table gives: its columns as the database tells
// them, and the attributes that they are.
type shape struct {
	t       *table
	columns []column
	id      int // the index of the id's column
	active  int // that of the activity's, or -1
}

// column is one column of a query and the attributes that it feeds.
type column struct {
	name   string
	db     string // the database's type, in capitals
	fields []field
}

// wrapped makes a query of the columns of another one, which stays as it is
// written, with a condition behind it.
func (c *Connector) wrapped(columns string, inner *statement, rest string) string {
	return "SELECT " + columns + " FROM (\n" + inner.text(c.engine.grammar) + "\n) AS t" + rest
}

// list gives the columns of a shape for a query. SQLite's driver would turn a text
// in a column that is called a date into a time, and its zone would be lost.
func (c *Connector) list(sh *shape) string {
	parts := make([]string, len(sh.columns))
	for i, col := range sh.columns {
		name := c.engine.quote(col.name)
		parts[i] = "t." + name
		if c.engine.kind == lite && isDate(col.db) {
			parts[i] = "CAST(t." + name + " AS TEXT) AS " + name
		}
	}
	return strings.Join(parts, ", ")
}

// shape asks which columns the query of a table has. It reads no row. Faults:
// Invalid when they cannot be used.
func (c *Connector) shape(ctx context.Context, x *tx, t *table) (*shape, error) {
	rows, err := x.query(ctx, t.read.name, c.wrapped("*", t.read, " WHERE 1 = 0"))
	if err != nil {
		return nil, err
	}
	defer closeRows(rows)
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, c.fail(t.read.name, err)
	}
	sh, err := c.understand(t, types)
	if err != nil {
		return nil, err
	}
	if err := rows.Err(); err != nil {
		return nil, c.fail(t.read.name, err)
	}
	c.mu.Lock()
	c.shapes[t.kind] = sh
	c.mu.Unlock()
	return sh, nil
}

// closeRows ends a query. What went wrong with it, its Err has told.
func closeRows(rows *sql.Rows) { _ = rows.Close() }

func (c *Connector) understand(t *table, types []*sql.ColumnType) (*shape, error) {
	sh := &shape{t: t, id: -1, active: -1}
	if len(types) > maxColumns {
		return nil, fault.New(fault.Invalid, "%s gives %d columns, at most %d are taken / %s 有 %d 列，最多 %d 列", t.read.name, len(types), maxColumns, t.read.name, len(types), maxColumns)
	}
	for i, typ := range types {
		name := typ.Name()
		if slices.ContainsFunc(sh.columns, func(col column) bool { return col.name == name }) {
			return nil, fault.New(fault.Invalid, "%s gives two columns %s: give one another name by AS / %s 有两列都叫 %s：请用 AS 改名", t.read.name, name, t.read.name, name)
		}
		col := column{name: name, db: strings.ToUpper(typ.DatabaseTypeName())}
		col.fields = c.fieldsOf(t, col)
		sh.columns = append(sh.columns, col)
		if slices.ContainsFunc(col.fields, func(f field) bool { return f.name == t.idAttr }) {
			sh.id = i
		}
		if t.kind == directory.User && slices.ContainsFunc(col.fields, func(f field) bool { return f.name == directory.AttrActive }) {
			sh.active = i
		}
	}
	if sh.id < 0 {
		names := clip(strings.Join(columnNames(sh.columns), ", "))
		return nil, fault.New(fault.Invalid, "%s gives no column %s, but %s: correct id, or name the column by AS / %s 没有列 %s，只有 %s：请改正 id，或用 AS 给列命名",
			t.read.name, t.idColumn, names, t.read.name, t.idColumn, names)
	}
	for _, f := range t.fields {
		if declared(c, t, f.name) && !slices.ContainsFunc(sh.columns, func(col column) bool { return same(col.name, f.column) }) && !onlyWritten(t, f.name) {
			return nil, fault.New(fault.Invalid, "%s gives no column %s, which the attribute %s is / %s 没有属性 %s 的列 %s", t.read.name, f.column, f.name, t.read.name, f.name, f.column)
		}
	}
	return sh, nil
}

// declared tells whether an attribute stands in the configuration.
func declared(c *Connector, t *table, name string) bool {
	in := &c.o.Users
	if t.kind == directory.Department {
		in = c.o.Departments
	}
	return slices.ContainsFunc(in.Attributes, func(d Column) bool { return d.Name == name })
}

// onlyWritten tells whether an attribute is a parameter of create alone: it need
// not be read.
func onlyWritten(t *table, name string) bool { return t.create.has(name) && !t.update.has(name) }

func columnNames(columns []column) []string {
	names := make([]string, len(columns))
	for i, col := range columns {
		names[i] = col.name
	}
	return names
}

// same compares names of columns: engines fold their case in different ways.
func same(a, b string) bool { return strings.EqualFold(a, b) }

// fieldsOf gives the attributes of a column: those that are declared or named by a
// statement, else one of its own name.
func (c *Connector) fieldsOf(t *table, col column) []field {
	var out []field
	for _, f := range t.fields {
		if same(f.column, col.name) {
			out = append(out, settled(t, f, col.db))
		}
	}
	if len(out) == 0 {
		out = append(out, settled(t, standardField(t.kind, col.name, col.name, c.tables[directory.Department] != nil), col.db))
	}
	return out
}

// settled gives a field the type that its column tells.
func settled(t *table, f field, db string) field {
	switch {
	case !f.auto || f.name == t.idAttr:
	case isDate(db):
		f.typ = directory.Date
	case db == "BOOL" || db == "BOOLEAN":
		f.typ = directory.Bool
	}
	return f
}

func isDate(db string) bool {
	return slices.Contains([]string{"DATE", "DATETIME", "TIMESTAMP", "TIMESTAMPTZ"}, db)
}

// isBinary tells whether a column's bytes are no text.
func isBinary(db string) bool {
	return slices.Contains([]string{"BYTEA", "BLOB", "TINYBLOB", "MEDIUMBLOB", "LONGBLOB", "BINARY", "VARBINARY", "GEOMETRY"}, db)
}

func isDecimal(db string) bool { return db == "NUMERIC" || db == "DECIMAL" }

// known gives the shape as it was last seen.
func (c *Connector) known(kind directory.Kind) (*shape, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	sh, ok := c.shapes[kind]
	return sh, ok
}
