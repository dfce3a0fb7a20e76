package sqltable

import (
	"context"
	"database/sql"
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// row is one row as the driver gave it.
type row struct {
	sh  *shape
	raw []any
}

// id gives the row's id. A number with a fraction, a date or bytes cannot be
// compared with what the database holds, so that a row might seem to be missing.
func (r row) id(read reader) (directory.ID, *trouble) {
	col := r.sh.columns[r.sh.id]
	raw := r.raw[r.sh.id]
	switch raw.(type) {
	case nil:
		return "", &trouble{"the row has no id: fill it in, or leave the row out of the query", "这一行没有编号：请填写，或在查询里排除"}
	case string, int64, uint64:
	case []byte:
		if isBinary(col.db) || col.db == "BIT" || col.db == "" {
			return "", noID
		}
	default:
		return "", noID
	}
	if isDate(col.db) {
		return "", noID
	}
	text, why := read.text(col.db, raw)
	switch {
	case why != nil:
		return "", why
	case strings.TrimSpace(text) == "" || len(text) > maxID:
		return "", &trouble{"the id is empty or longer than 255 bytes", "编号为空，或超过 255 字节"}
	}
	return directory.ID(text), nil
}

const maxID = 255

// flaw is something wrong with one column of a row.
type flaw struct {
	column string
	why    *trouble
}

// object makes the object of a row. What cannot be read of it is unknown, and
// listed. broken means that the row says nothing that can be relied on.
func (r row) object(read reader, id directory.ID) (o directory.Object, flaws []flaw, broken bool) {
	o = directory.Object{Key: directory.Key{Kind: r.sh.t.kind, ID: id}, Active: true, Attributes: directory.Attributes{}}
	for i, col := range r.sh.columns {
		told := false
		for _, f := range col.fields {
			v, why := read.value(f, col.db, r.raw[i])
			if why != nil {
				if !told {
					flaws, told = append(flaws, flaw{col.name, why}), true
				}
				v = directory.Hidden(r.sh.t.read.name + " " + col.name + ": " + why.en + " / " + why.zh)
			}
			switch {
			case i == r.sh.active && f.name == directory.AttrActive:
				active, ok := v.Bool()
				o.Active, broken = active || !ok, broken || why != nil
			case r.sh.t.kind == directory.Department && f.name == directory.AttrActive: // departments always are
			default:
				o.Attributes[f.name] = v
			}
		}
	}
	return o, flaws, broken
}

// rows runs a query of a shape and gives its rows one after the other. take's
// error ends it. A listing that breaks off is an error.
func (c *Connector) rows(ctx context.Context, x *tx, q query, take func(row) error) error {
	rows, err := x.query(ctx, q.where, q.text, q.args...)
	if err != nil {
		return err
	}
	defer closeRows(rows)
	for rows.Next() {
		r := row{q.sh, make([]any, len(q.sh.columns))}
		if err := scan(rows, r.raw); err != nil {
			return c.fail(q.where, err)
		}
		if err := take(r); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return c.fail(q.where, err)
	}
	if ctx.Err() != nil {
		return c.fail(q.where, ctx.Err())
	}
	return nil
}

// query is a query of a shape.
type query struct {
	where string // the statement's name
	sh    *shape
	text  string
	args  []any
}

func scan(rows *sql.Rows, raw []any) error {
	into := make([]any, len(raw))
	for i := range raw {
		into[i] = &raw[i]
	}
	return rows.Scan(into...)
}

func (c *Connector) reader() reader { return reader{zone: c.o.Zone, server: c.engine.zone} }
