package wecom

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// Read lists everything. Who exists comes from the contacts secret alone, so that
// a narrow visible scope of the app hides attributes and never people. Faults:
// Credential, Limited, Unavailable, and Invalid for a wrong address.
func (c *Connector) Read(ctx context.Context) (*directory.Snapshot, error) {
	start := c.options.Now()
	r := &reading{c: c, count: connector.CounterOf(ctx), b: directory.NewBuilder(c.info.Type, start), hidden: map[string]bool{}}
	var err error
	if r.tree, err = c.departments(ctx, &r.tally); err != nil {
		return nil, err
	}
	if r.list, err = c.list(ctx, &r.tally); err != nil {
		return nil, err
	}
	for _, o := range c.departmentObjects(r.tree) {
		r.add(o)
	}
	r.doubts()
	if err := r.members(ctx); err != nil {
		return nil, err
	}
	h := r.b.Health()
	h.Departments = len(r.tree.rows)
	h.Pages, h.Retries = int(r.tally.pages.Load()), int(r.tally.retries.Load())
	h.Restarts = int(r.tally.restarts.Load())
	h.Took = c.options.Now().Sub(start)
	h.Scope = "all members of " + c.options.CorpID
	h.Hidden = slices.Sorted(maps.Keys(r.hidden))
	s, _ := r.b.Finish()
	return s, nil
}

// reading is one Read on its way.
type reading struct {
	c      *Connector
	count  *connector.Counter
	b      *directory.Builder
	tally  tally
	tree   tree
	list   *listing
	hidden map[string]bool // permissions that hide something
}

func (r *reading) add(o directory.Object) {
	r.b.Add(o)
	r.count.Add(o.Kind)
	for _, v := range o.Attributes {
		if v.Type() == directory.Unknown {
			r.hidden[v.Permission()] = true
		}
	}
}

// doubts marks the snapshot as incomplete when the two listings do not fit.
func (r *reading) doubts() {
	if why := r.tree.flaw(); why != "" {
		r.b.Incomplete("%s", why)
	}
	if r.list.partial != "" {
		r.b.Incomplete("%s", r.list.partial)
	}
	known := map[int64]bool{rootID: true}
	for _, row := range r.tree.rows {
		known[row.ID] = true
	}
	for _, m := range r.list.members {
		for _, id := range m.departments {
			if !known[id] {
				n, who := strconv.FormatInt(id, 10), clip(m.id)
				r.b.Incomplete("%s is in department %s, which is not listed / %s 所在部门 %s 不在部门列表中", who, n, who, n)
				return
			}
		}
	}
}

// members adds every member. An error is a refused credential.
func (r *reading) members(ctx context.Context) error {
	key, ok := r.c.reader()
	if !ok || r.tree.visible == nil {
		for _, m := range r.list.members {
			r.add(r.c.hiddenUser(m, r.c.hiddenBy()))
		}
		return nil
	}
	g := &gathering{
		c: r.c, key: key, tally: &r.tally, list: r.list, emit: r.add,
		want: slices.Repeat([]bool{true}, len(r.list.members)),
	}
	if err := g.gather(ctx, r.tree); err != nil {
		return err
	}
	h := r.b.Health()
	h.Problems = append(h.Problems, g.problems...)
	if g.failed != nil {
		r.b.Incomplete("%s", fault.Say(g.failed))
	}
	if n := len(g.strangers); n > 0 {
		r.b.Incomplete("the listing of ids lacks %d members that a department shows / 成员编号列表缺少 %d 名部门里可见的成员", n, n)
	}
	return nil
}
