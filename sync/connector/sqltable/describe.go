package sqltable

import (
	"context"
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// readCalls is how many queries one table takes: its columns, its repeated ids, its
// count and its rows. The beginning and the end of the transaction come on top.
const readCalls = 4

// Describe tells what the statements can do. Columns that are neither declared nor
// named by a statement are known once they have been read.
func (c *Connector) Describe() connector.Info {
	info := c.info
	info.Attributes = slices.Clone(info.Attributes)
	for _, kind := range []directory.Kind{directory.User, directory.Department} {
		sh, ok := c.known(kind)
		if !ok {
			continue
		}
		for _, col := range sh.columns {
			for _, f := range col.fields {
				info.Attributes = described(info.Attributes, sh.t, f)
			}
		}
	}
	return info
}

// Known tells whether the columns of a kind were read yet, so that Describe names all
// of them. It asks nobody.
func (c *Connector) Known(kind directory.Kind) bool {
	_, ok := c.known(kind)
	return ok
}

// described adds an attribute, or gives one the type that its column has.
func described(list []connector.Attribute, t *table, f field) []connector.Attribute {
	if t.kind == directory.Department && f.name == directory.AttrActive {
		return list
	}
	a := attribute(t, f)
	if i := slices.IndexFunc(list, func(b connector.Attribute) bool { return b.Kind == a.Kind && b.Name == a.Name }); i >= 0 {
		list[i] = a
		return list
	}
	return append(list, a)
}

func attribute(t *table, f field) connector.Attribute {
	login := f.name == t.idAttr || f.name == directory.AttrMobile || f.name == directory.AttrEmail
	return connector.Attribute{
		Kind: t.kind, Name: f.name, Type: f.typ, LoginID: login && t.kind == directory.User,
		Writable: t.create.has(f.name) || t.update.has(f.name) || f.name == directory.AttrActive && t.enable != nil || f.name == t.idAttr && t.create != nil,
	}
}

// describe builds what is known before anything is read.
func (c *Connector) describe() connector.Info {
	users := c.tables[directory.User]
	info := connector.Info{
		Type: "sql", Tenant: c.engine.tenant, IDAttribute: users.idAttr,
		Ops: map[directory.Kind][]plan.Op{}, UniqueID: true, CallTimeout: c.o.CallTimeout, Settle: c.engine.settle,
		Reads:        func(int, int) int { return len(c.engine.beginRead) + readCalls*len(c.tables) + 1 },
		DisableMeans: means(users.disable), DeleteMeans: means(users.delete),
	}
	for _, kind := range []directory.Kind{directory.User, directory.Department} {
		t := c.tables[kind]
		if t == nil {
			continue
		}
		if kind == directory.Department {
			info.DepartmentIDAttribute = t.idAttr
		}
		info.Ops[kind] = t.ops()
		for _, f := range t.fields {
			info.Attributes = described(info.Attributes, t, f)
		}
	}
	return info
}

// ops are the operations that have a statement.
func (t *table) ops() []plan.Op {
	var ops []plan.Op
	for _, o := range []struct {
		op plan.Op
		ok bool
	}{
		{plan.Create, t.create != nil},
		{plan.Update, t.update != nil || t.enable != nil},
		{plan.Disable, t.disable != nil},
		{plan.Delete, t.delete != nil},
	} {
		if o.ok {
			ops = append(ops, o.op)
		}
	}
	return ops
}

// means says what becomes of an account: what the statement does to it.
func means(s *statement) connector.Text {
	if s == nil {
		return connector.Text{}
	}
	const most = 200
	text := strings.Join(strings.Fields(s.source), " ")
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return connector.Text{
		ZH: "数据库执行：" + text + "。能否恢复取决于数据库。",
		EN: "The database runs: " + text + ". Whether that can be undone is up to the database.",
	}
}

// Probe logs in, and sees that the queries give their ids and, where people can be
// disabled, the column active. It reads no row. Faults: those of Read.
func (c *Connector) Probe(ctx context.Context) error {
	return c.patiently(ctx, func(int) error {
		x, err := c.begin(ctx, false)
		if err != nil {
			return err
		}
		defer x.close(ctx)
		for _, kind := range []directory.Kind{directory.Department, directory.User} {
			if t := c.tables[kind]; t != nil {
				if err := c.probe(ctx, x, t); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (c *Connector) probe(ctx context.Context, x *tx, t *table) error {
	sh, err := c.shape(ctx, x, t)
	if err != nil {
		return err
	}
	if t.disable != nil && sh.active < 0 {
		return fault.New(fault.Invalid, "%s has no column active, so that nobody would see who is disabled: add one / %s 没有 active 列，看不出谁被停用：请加上这一列", t.read.name, t.read.name)
	}
	if t.update != nil {
		for _, p := range t.update.params {
			f, _ := t.field(p.name)
			if p.name != paramID && !slices.ContainsFunc(sh.columns, func(col column) bool { return same(col.name, f.column) }) {
				return misplaced(t.update.name, p, "`read` has no column "+f.column+", so that :"+p.name+" cannot keep its value: add it there", "`read` 没有列 "+f.column+"，:"+p.name+" 无法保持原值：请在查询里加上")
			}
		}
	}
	if t.one == nil {
		return nil
	}
	// No row has the id NULL.
	q := query{t.one.name, sh, c.wrapped(c.list(sh), t.one, ""), make([]any, len(t.one.params))}
	return c.rows(ctx, x, q, func(row) error { return nil })
}
