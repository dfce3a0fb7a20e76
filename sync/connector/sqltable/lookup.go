package sqltable

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// Up to so many objects are asked for one by one; for more the listing is cheaper.
const fewObjects = 50

// Lookup asks for just these objects, in one read-only transaction. Somebody is
// gone only when `read` gives everybody and has no such id, but others; `one` is a
// faster way to those who are there, and no proof. Where PostgreSQL refuses the
// question, because an id cannot stand in the column, each is asked for by itself:
// of that one nothing can be said. Faults: those of Read.
func (c *Connector) Lookup(ctx context.Context, kind directory.Kind, ids []directory.ID) ([]connector.Sighting, error) {
	if len(ids) == 0 {
		return []connector.Sighting{}, nil
	}
	out := make([]connector.Sighting, len(ids))
	t, err := c.table(kind)
	if err != nil {
		for i := range out {
			out[i].Why = fault.Say(err)
		}
		return out, nil
	}
	err = c.ask(ctx, t, sightings{ids, out})
	switch {
	case err == nil:
		return out, nil
	case !c.misfits(err) || len(ids) > fewObjects: // so many are not asked for by value
		return nil, err
	}
	for i := range ids {
		err := c.ask(ctx, t, sightings{ids[i : i+1], out[i : i+1]})
		switch {
		case c.misfits(err):
			out[i] = connector.Sighting{Why: fault.Say(err)}
		case err != nil:
			return nil, err
		}
	}
	return out, nil
}

// misfits tells whether PostgreSQL refused a value that does not fit its column.
// Nothing more can be asked in a transaction after that.
func (c *Connector) misfits(err error) bool {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || c.engine.kind != postgres {
		return false
	}
	m, known := meaningOfState(f.Code)
	return known && m == misfit
}

// ask asks for objects in one transaction.
func (c *Connector) ask(ctx context.Context, t *table, s sightings) error {
	return c.patiently(ctx, func(int) error {
		x, err := c.begin(ctx, false)
		if err != nil {
			return err
		}
		defer x.close(ctx)
		sh, err := c.shape(ctx, x, t)
		if err != nil {
			return err
		}
		if err := c.seek(ctx, x, sh, s); err != nil {
			return err
		}
		return c.deserted(ctx, x, t, s.out)
	})
}

// sightings are what was asked for, and the answers.
type sightings struct {
	ids []directory.ID
	out []connector.Sighting
}

func (c *Connector) seek(ctx context.Context, x *tx, sh *shape, s sightings) error {
	if len(s.ids) > fewObjects {
		return c.lookupMany(ctx, x, sh, s)
	}
	for i, id := range s.ids {
		found, err := c.find(ctx, x, sh, id)
		if err != nil {
			return err
		}
		s.out[i] = c.sighting(found, id)
	}
	return nil
}

// deserted sees that somebody is left beside those who are gone. A table without any
// row may just be being filled anew.
func (c *Connector) deserted(ctx context.Context, x *tx, t *table, out []connector.Sighting) error {
	gone := func(s connector.Sighting) bool { return s.Presence == connector.Gone }
	if !slices.ContainsFunc(out, gone) {
		return nil
	}
	n, err := x.number(ctx, t.read.name, "SELECT COUNT(*) FROM ("+c.wrapped("1", t.read, " LIMIT 1")+") AS one")
	if err != nil || n > 0 {
		return err
	}
	for i := range out {
		if gone(out[i]) {
			out[i] = unsure("`read` gives no row at all: is the table just being filled?", "`read` 一行也没有：表是否正在重新导入？")
		}
	}
	return nil
}

// found is what the rows of one id are.
type found struct {
	rows []row // those with exactly this id
	near int   // those that the database takes for the same
	lone bool  // `one` does not find what `read` has
}

// find asks for the rows of an id: by `one` where there is one, and by `read`
// before anybody is called missing.
func (c *Connector) find(ctx context.Context, x *tx, sh *shape, id directory.ID) (found, error) {
	if !c.engine.fits(sh.columns[sh.id].db, id) {
		return found{}, nil
	}
	if sh.t.one != nil {
		q := query{sh.t.one.name, sh, c.wrapped(c.list(sh), sh.t.one, ""), nil}
		for range sh.t.one.params {
			q.args = append(q.args, string(id))
		}
		f, err := c.gather(ctx, x, q, id)
		if err != nil || len(f.rows) > 0 {
			return f, err
		}
	}
	text := c.wrapped(c.list(sh), sh.t.read, " WHERE "+c.engine.sameID(sh.columns[sh.id].name))
	f, err := c.gather(ctx, x, query{sh.t.read.name, sh, text, []any{string(id)}}, id)
	f.lone = sh.t.one != nil && len(f.rows) > 0
	return f, err
}

// gather sorts the rows that a query gives for an id.
func (c *Connector) gather(ctx context.Context, x *tx, q query, id directory.ID) (found, error) {
	const enough = 20
	var f found
	err := c.rows(ctx, x, q, func(r row) error {
		if got, why := r.id(c.reader()); why == nil && got == id {
			f.rows = append(f.rows, r)
		} else {
			f.near++
		}
		if len(f.rows)+f.near >= enough {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return f, err
}

func unsure(en, zh string) connector.Sighting { return connector.Sighting{Why: en + " / " + zh} }

// sighting judges what was found of an id.
func (c *Connector) sighting(f found, id directory.ID) connector.Sighting {
	switch {
	case len(f.rows) > 1:
		return unsure(fmt.Sprintf("%d rows have this id", len(f.rows)), fmt.Sprintf("有 %d 行使用这个编号", len(f.rows)))
	case f.lone:
		return unsure("`one` does not find what `read` has: correct the statement", "`one` 找不到 `read` 里有的对象：请改正语句")
	case len(f.rows) == 1:
		o, flaws, broken := f.rows[0].object(c.reader(), id)
		if broken {
			return unsure(flaws[0].column+" is "+flaws[0].why.en, flaws[0].column+" "+flaws[0].why.zh)
		}
		return connector.Sighting{Presence: connector.Present, Object: o}
	case f.near > 0:
		return unsure("the database has this id written in another way", "数据库里这个编号的写法不同")
	case c.partial:
		return connector.Sighting{Why: c.partialWhy()}
	default:
		return connector.Sighting{Presence: connector.Gone}
	}
}

// lookupMany reads the listing of the kind and picks out who was asked for.
func (c *Connector) lookupMany(ctx context.Context, x *tx, sh *shape, s sightings) error {
	want := make(map[directory.ID]*found, len(s.ids))
	folded := make(map[directory.ID]*found, len(s.ids))
	for _, id := range s.ids {
		want[id] = &found{}
		folded[c.engine.fold(id)] = want[id]
	}
	count, err := x.number(ctx, sh.t.read.name, c.wrapped("COUNT(*)", sh.t.read, ""))
	if err != nil {
		return err
	}
	broken := 0 // rows that may be anybody's
	err = c.rows(ctx, x, query{sh.t.read.name, sh, c.wrapped(c.list(sh), sh.t.read, ""), nil}, func(r row) error {
		count--
		id, why := r.id(c.reader())
		if f := want[id]; why == nil && f != nil {
			f.rows = append(f.rows, r)
		} else if why != nil {
			broken++
		} else if f = folded[c.engine.fold(id)]; f != nil {
			f.near++
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, id := range s.ids {
		s.out[i] = c.sighting(*want[id], id)
		if s.out[i].Presence == connector.Gone && (count != 0 || broken > 0) {
			s.out[i] = unsure("the listing is not whole: rows are missing, or have no id that can be read", "名单不完整：有行缺失，或编号读不懂")
		}
	}
	return nil
}

// errEnough ends a query whose further rows tell nothing more.
var errEnough = errors.New("enough rows")
