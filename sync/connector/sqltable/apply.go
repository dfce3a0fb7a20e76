package sqltable

import (
	"context"
	"errors"
	"slices"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

var errSlow = errors.New("the call's time is over")

// Apply makes one change in one transaction. The row is read before and after its
// statement: what does not touch exactly the row of the object, or does not show
// the change that it stands for, is rolled back. Faults: those of
// connector.Target.
func (c *Connector) Apply(ctx context.Context, w connector.Write) (directory.Key, error) {
	t := c.tables[w.Key.Kind]
	if t == nil || !c.info.Can(w.Key.Kind, w.Op) {
		return directory.Key{}, fault.New(fault.Unsupported, "%s has no statement to %s a %s / %s 没有对%s执行 %s 的语句", c.o.System, w.Op, w.Key.Kind, c.o.System, kindZH(w.Key.Kind), w.Op)
	}
	a := &applying{c: c, t: t, w: w}
	if err := a.judge(); err != nil {
		return directory.Key{}, err
	}
	if w.Op == plan.Update && len(w.After) == 0 {
		return w.Key, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.o.CallTimeout, errSlow)
	defer cancel()
	var err error
	if a.x, err = c.begin(ctx, true); err != nil {
		return directory.Key{}, err
	}
	defer a.x.close(ctx)
	if err := a.run(ctx); err != nil {
		return directory.Key{}, a.x.undo(ctx, err)
	}
	if a.done {
		return a.w.Key, nil
	}
	return a.w.Key, a.x.commit(ctx)
}

// applying is one change on its way.
type applying struct {
	c    *Connector
	t    *table
	w    connector.Write
	x    *tx
	sh   *shape
	row  row  // the object as it is
	done bool // there is nothing to commit
}

// judge sees that a change can be made by the statements that there are, before
// anything is sent.
func (a *applying) judge() error {
	if a.w.Op == plan.Create {
		text := a.w.After[a.t.idAttr].String()
		if a.w.Key.ID == "" {
			a.w.Key.ID = directory.ID(text)
		}
		if _, given := a.w.After[a.t.idAttr]; given && text != string(a.w.Key.ID) {
			return a.invalid("the id differs from the attribute "+a.t.idAttr, "编号与属性 "+a.t.idAttr+" 不一致")
		}
	}
	if a.w.Key.ID == "" || len(a.w.Key.ID) > maxID {
		return a.invalid("the change names no object, or its id is longer than 255 bytes", "变更没有指明对象，或编号超过 255 字节")
	}
	if a.w.Op == plan.Disable || a.w.Op == plan.Delete {
		return nil
	}
	for _, name := range a.w.After.Names() {
		v := a.w.After[name]
		if v.Type() == directory.Unknown {
			return a.invalid(name+" is not known, so it is not written", name+" 的值未知，因此不写入")
		}
		if !a.writes(name) {
			return a.invalid("the statement has no :"+name+": add it, or take the attribute out of the mapping", "语句里没有 :"+name+"：请加上，或从映射里去掉这个属性")
		}
	}
	return nil
}

// writes tells whether the operation's statements write an attribute.
func (a *applying) writes(name string) bool {
	if a.w.Op == plan.Create {
		on, _ := a.w.After[name].Bool()
		return a.t.create.has(name) || name == a.t.idAttr || name == directory.AttrActive && on
	}
	if name == directory.AttrActive && a.t.enable != nil {
		return true
	}
	return a.t.update.has(name) || name == a.t.idAttr && string(a.w.Key.ID) == a.w.After[name].String()
}

func (a *applying) invalid(en, zh string) error {
	op := string(a.t.kind) + "s " + string(a.w.Op)
	return fault.New(fault.Invalid, "%s: %s / %s：%s", op, en, op, zh)
}

func (a *applying) run(ctx context.Context) error {
	var err error
	if a.sh, err = a.c.shape(ctx, a.x, a.t); err != nil {
		return err
	}
	if a.w.Op == plan.Create {
		return a.create(ctx)
	}
	there, err := a.here(ctx)
	switch {
	case err != nil:
		return err
	case !there && a.w.Op == plan.Delete:
		a.done = true
		return nil
	case !there:
		return fault.New(fault.NotFound, "%s is not in %s / %s 不在 %s 里", a.w.Key, a.c.o.System, a.w.Key, a.c.o.System)
	}
	switch a.w.Op {
	case plan.Delete:
		return a.delete(ctx)
	case plan.Disable:
		return a.switchTo(ctx, a.t.disable, false)
	default:
		return a.update(ctx)
	}
}

// here reads the object's row. It gives an error when it cannot be told from
// others.
func (a *applying) here(ctx context.Context) (bool, error) {
	f, err := a.c.find(ctx, a.x, a.sh, a.w.Key.ID)
	switch {
	case err != nil:
		return false, err
	case len(f.rows) > 1 || f.near > 0:
		return false, a.invalid("several rows have this id, or one that the database takes for the same: give each its own", "多行使用这个编号，或数据库认为相同的编号：请改成各自的编号")
	case len(f.rows) == 0:
		return false, nil
	}
	a.row = f.rows[0]
	return true, nil
}

func (a *applying) create(ctx context.Context) error {
	f, err := a.c.find(ctx, a.x, a.sh, a.w.Key.ID)
	switch {
	case err != nil:
		return err
	case len(f.rows)+f.near > 0:
		return fault.New(fault.Conflict, "%s is in %s already / %s 里已有 %s", a.w.Key, a.c.o.System, a.c.o.System, a.w.Key)
	}
	if err := a.references(ctx); err != nil {
		return err
	}
	before, err := a.weigh(ctx, a.t.create)
	if err != nil {
		return err
	}
	if err := a.one(ctx, a.t.create); err != nil {
		return err
	}
	there, err := a.here(ctx)
	if err == nil && !there {
		err = a.invalid("the new row does not show under its id in `read`: does the statement write :id, and does the query leave the row out?", "新建的行在 `read` 里查不到：语句是否写入了 :id？查询是否排除了它？")
	}
	if err != nil {
		return err
	}
	return a.ousts(ctx, a.t.create, before, 1)
}

func (a *applying) update(ctx context.Context) error {
	if err := a.references(ctx); err != nil {
		return err
	}
	active, given := a.w.After[directory.AttrActive]
	byEnable := given && a.t.enable != nil && !a.t.update.has(directory.AttrActive)
	on, _ := active.Bool()
	if given && a.t.kind == directory.User && !on {
		return a.invalid("an account is disabled by DISABLE alone", "停用账号只能用停用操作")
	}
	if n := len(a.w.After); n > 1 || !byEnable {
		before, err := a.weigh(ctx, a.t.update)
		if err != nil {
			return err
		}
		if err := a.one(ctx, a.t.update); err != nil {
			return err
		}
		if err := a.ousts(ctx, a.t.update, before, 0); err != nil {
			return err
		}
	}
	if byEnable {
		return a.switchTo(ctx, a.t.enable, true)
	}
	if given && a.t.kind == directory.User {
		return a.shows(ctx, a.t.update, true)
	}
	return nil
}

// switchTo disables or enables. A statement that touches nothing is fine when the
// account is as it should be.
func (a *applying) switchTo(ctx context.Context, s *statement, active bool) error {
	if a.sh.active < 0 {
		return a.invalid("`read` has no column active, so that nobody would see it: add one", "`read` 没有 active 列，看不出停用与否：请加上这一列")
	}
	n, err := a.exec(ctx, s)
	if err != nil {
		return err
	}
	if n > 1 {
		return a.tooMany(s, n)
	}
	a.done = n == 0
	return a.shows(ctx, s, active)
}

// shows sees that the account is active or not, as the statement was to make it.
func (a *applying) shows(ctx context.Context, s *statement, active bool) error {
	there, err := a.here(ctx)
	switch {
	case err != nil:
		return err
	case !there:
		return a.invalid("after "+s.name+" the row is not in `read` any more: let the query show disabled people, with active = 0", "执行 "+s.name+" 后，`read` 里没有这一行了：查询应当包含停用的人，active = 0")
	}
	o, _, broken := a.row.object(a.c.reader(), a.w.Key.ID)
	if broken || o.Active != active {
		return a.invalid("after "+s.name+" the column active does not show it: correct the statement", "执行 "+s.name+" 后，active 列没有变化：请改正语句")
	}
	return nil
}

func (a *applying) delete(ctx context.Context) error {
	if a.t.kind == directory.Department {
		if err := a.vacant(ctx); err != nil {
			return err
		}
	}
	before, err := a.counts(ctx)
	if err != nil {
		return err
	}
	if err := a.one(ctx, a.t.delete); err != nil {
		return err
	}
	there, err := a.here(ctx)
	if err != nil {
		return err
	}
	if there {
		return a.invalid("after "+a.t.delete.name+" the row is still in `read`: let the query leave out what is deleted", "执行 "+a.t.delete.name+" 后，这一行仍在 `read` 里：查询应当排除已删除的行")
	}
	others, err := a.spared(ctx, before, -1)
	if err == nil && !others {
		err = a.invalid("the delete takes other rows along: a foreign key says ON DELETE CASCADE, or a trigger does it", "删除会连带删除其他行：外键写了 ON DELETE CASCADE，或触发器所为")
	}
	return err
}

// one runs a statement that has to touch exactly one row.
func (a *applying) one(ctx context.Context, s *statement) error {
	if s == nil {
		return fault.New(fault.Unsupported, "%s has no statement for it / %s 没有对应的语句", a.c.o.System, a.c.o.System)
	}
	n, err := a.exec(ctx, s)
	switch {
	case err != nil:
		return err
	case n > 1:
		return a.tooMany(s, n)
	case n == 0:
		return a.invalid(s.name+" touches no row, exactly one is needed: look at its condition", s.name+" 没有影响任何行，必须正好一行：请检查它的条件")
	}
	return nil
}

func (a *applying) tooMany(s *statement, n int64) error {
	return fault.New(fault.Invalid, "%s touches %d rows, exactly one is allowed: nothing was changed / %s 影响 %d 行，只允许一行：没有做任何修改", s.name, n, s.name, n)
}

func (a *applying) exec(ctx context.Context, s *statement) (int64, error) {
	args := make([]any, len(s.params))
	for i, p := range s.params {
		var err error
		if args[i], err = a.argument(p.name); err != nil {
			return 0, err
		}
	}
	return a.x.exec(ctx, s, args)
}

// argument gives the value of a parameter: the id, what the change writes, or what
// the row has.
func (a *applying) argument(name string) (any, error) {
	if name == paramID || name == a.t.idAttr {
		return a.c.bind(field{name: name, typ: directory.Text}, directory.TextOf(string(a.w.Key.ID)))
	}
	f, _ := a.t.field(name) // New has seen to it
	at := slices.IndexFunc(a.sh.columns, func(col column) bool { return same(col.name, f.column) })
	if at >= 0 {
		f = settled(a.t, f, a.sh.columns[at].db)
	}
	if v, given := a.w.After[name]; given {
		return a.c.bind(f, v)
	}
	switch {
	case a.w.Op == plan.Create && name == directory.AttrActive && a.t.kind == directory.User:
		return a.c.bind(f, directory.BoolOf(true))
	case a.w.Op == plan.Create:
		return a.c.bind(f, directory.Empty(f.typ))
	case at >= 0:
		return a.c.again(a.sh.columns[at].db, a.row.raw[at]), nil
	}
	return nil, a.invalid("`read` has no column "+f.column+", so that :"+name+" cannot keep its value: add the column", "`read` 没有列 "+f.column+"，:"+name+" 无法保持原值：请加上这一列")
}
