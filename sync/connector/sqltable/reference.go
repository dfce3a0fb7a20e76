package sqltable

import (
	"context"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// maxLevels bounds the way up a tree.
const maxLevels = 1000

// references sees that whatever the change refers to is there, and that no
// department comes below itself: not every table has foreign keys.
func (a *applying) references(ctx context.Context) error {
	for _, name := range a.w.After.Names() {
		for _, ref := range a.w.After[name].Refs() {
			if _, ok, err := a.parent(ctx, ref.Key); err != nil {
				return err
			} else if !ok {
				return a.invalid(name+" refers to "+ref.String()+", which is not there", name+" 引用的 "+ref.String()+" 不存在")
			}
		}
	}
	if a.t.kind != directory.Department {
		return nil
	}
	refs := a.w.After[directory.AttrParent].Refs()
	for level := 0; len(refs) > 0; level++ {
		if refs[0].Key == a.w.Key || level == maxLevels {
			return a.invalid("the department would come below itself", "部门会成为自己的下级")
		}
		up, _, err := a.parent(ctx, refs[0].Key)
		if err != nil {
			return err
		}
		refs = up.Refs()
	}
	return nil
}

// parent gives the parent of a department, and whether an object is there at all.
func (a *applying) parent(ctx context.Context, key directory.Key) (directory.Value, bool, error) {
	t, err := a.c.table(key.Kind)
	if err != nil {
		return directory.Value{}, false, err
	}
	sh := a.sh
	if t != a.t {
		if sh, err = a.c.shape(ctx, a.x, t); err != nil {
			return directory.Value{}, false, err
		}
	}
	f, err := a.c.find(ctx, a.x, sh, key.ID)
	if err != nil || len(f.rows) != 1 {
		return directory.Value{}, false, err
	}
	o, _, _ := f.rows[0].object(a.c.reader(), key.ID)
	return o.Attributes[directory.AttrParent], true, nil
}

// vacant sees that nobody and nothing refers to a department that is deleted.
func (a *applying) vacant(ctx context.Context) error {
	for _, kind := range []directory.Kind{directory.Department, directory.User} {
		t := a.c.tables[kind]
		sh, err := a.c.shape(ctx, a.x, t)
		if err != nil {
			return err
		}
		q := query{t.read.name, sh, a.c.wrapped(a.c.list(sh), t.read, ""), nil}
		err = a.c.rows(ctx, a.x, q, func(r row) error {
			o, _, _ := r.object(a.c.reader(), "")
			for _, v := range o.Attributes {
				for _, ref := range v.Refs() {
					if ref.Key == a.w.Key {
						return fault.New(fault.Conflict, "%s still has people or departments in it: move them first / %s 里还有人员或下级部门：请先移走", a.w.Key, a.w.Key)
					}
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
