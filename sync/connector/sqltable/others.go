package sqltable

import (
	"context"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// counts gives how many objects of each kind there are. What a row takes along when
// it is deleted, no engine counts.
func (a *applying) counts(ctx context.Context) (map[directory.Kind]int64, error) {
	out := map[directory.Kind]int64{}
	for kind, t := range a.c.tables {
		n, err := a.x.number(ctx, t.read.name, a.c.wrapped("COUNT(*)", t.read, ""))
		if err != nil {
			return nil, err
		}
		out[kind] = n
	}
	return out, nil
}

// weigh counts the objects before a statement by which another row may give way to
// the one that is written; nil where none can. SQLite's tables may have it so by
// themselves.
func (a *applying) weigh(ctx context.Context, s *statement) (map[directory.Kind]int64, error) {
	if s == nil || !s.upserts && a.c.engine.kind != lite {
		return map[directory.Kind]int64{}, nil
	}
	return a.counts(ctx)
}

// ousts sees that no other row gave way.
func (a *applying) ousts(ctx context.Context, s *statement, before map[directory.Kind]int64, more int64) error {
	if len(before) == 0 {
		return nil
	}
	others, err := a.spared(ctx, before, more)
	if err == nil && !others {
		err = a.invalid("the row would take the place of another one that has a unique value: leave ON CONFLICT and MERGE out of "+s.name+", and REPLACE out of the table", "这一行会顶替另一行（唯一值相同）：请去掉 "+s.name+" 里的 ON CONFLICT 或 MERGE，以及表定义里的 REPLACE")
	}
	return err
}

// spared tells whether there are so many more objects of the kind than before, and
// as many of the other.
func (a *applying) spared(ctx context.Context, before map[directory.Kind]int64, more int64) (bool, error) {
	after, err := a.counts(ctx)
	if err != nil {
		return false, err
	}
	for kind, n := range before {
		if kind == a.t.kind {
			n += more
		}
		if after[kind] != n {
			return false, nil
		}
	}
	return true, nil
}
