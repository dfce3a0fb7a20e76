package scim

import (
	"context"
	"maps"
	"slices"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
)

// Read lists everything: the groups with their members first, then the users.
// Faults: Credential, Limited, Unavailable, and Invalid for a wrong address.
func (c *Connector) Read(ctx context.Context) (*directory.Snapshot, error) {
	start := c.options.Now()
	r := &reading{c: c, b: directory.NewBuilder(c.info.Type, start), hidden: map[string]bool{}}
	var err error
	if r.gift, err = c.discover(ctx, &r.tally); err != nil {
		return nil, err
	}
	if err := r.departments(ctx); err != nil {
		return nil, err
	}
	if err := r.users(ctx); err != nil {
		return nil, err
	}
	h := r.b.Health()
	h.Pages, h.Retries = r.tally.pages, r.tally.retries
	h.Took = c.options.Now().Sub(start)
	h.Hidden = slices.Sorted(maps.Keys(r.hidden))
	s, _ := r.b.Finish()
	return s, nil
}

// reading is one Read on its way.
type reading struct {
	c       *Connector
	b       *directory.Builder
	gift    gift
	tally   tally
	roll    *roll           // nil without groups
	hidden  map[string]bool // reasons that hide something
	told    bool            // some user tells their groups
	differs bool            // some user tells others than the groups do
}

func (r *reading) add(o directory.Object) {
	r.b.Add(o)
	for _, v := range o.Attributes {
		if v.Type() == directory.Unknown {
			r.hidden[v.Permission()] = true
		}
	}
}

func (r *reading) doubt(why flaw) {
	if why != "" {
		r.b.Incomplete("%s", string(why))
	}
}

func (r *reading) departments(ctx context.Context) error {
	if r.c.options.Departments == NoGroups {
		return nil
	}
	var err error
	if r.roll, err = r.c.roll(ctx, r.gift, &r.tally); err != nil {
		return err
	}
	r.doubt(r.roll.why)
	r.doubt(r.roll.tree())
	for _, d := range r.roll.departments {
		r.add(d)
	}
	r.b.Health().Departments = len(r.roll.departments)
	connector.CounterOf(ctx).Departments(len(r.roll.departments))
	return nil
}

func (r *reading) users(ctx context.Context) error {
	why, err := r.c.all(ctx, r.gift.users, listing{}, &r.tally, func(u resource) {
		connector.CounterOf(ctx).Users(1)
		r.add(r.c.user(u, r.gift, r.groups(u)))
	})
	if err != nil {
		return err
	}
	r.doubt(why)
	r.c.population.Store(int64(r.b.Len(directory.User)))
	if r.roll == nil {
		return nil
	}
	if len(r.roll.of) > 0 {
		r.doubt("a group has a member who is not listed: remove it from the group, or let the token see everybody / 有群组成员不在用户列表中：请将其移出群组，或让令牌能看到所有用户")
	}
	r.c.proven.Store(r.told && !r.differs && r.b.Health().PartialFor == "")
	return nil
}

// groups gives the groups of a user, and holds what the groups say against what
// the user says.
func (r *reading) groups(u resource) directory.Value {
	if r.roll == nil {
		return directory.Value{}
	}
	said, mine := groupsOf(u), r.roll.of[u.id()]
	r.told = r.told || len(said) > 0
	r.differs = r.differs || !slices.Equal(said, mine)
	contradicts := r.roll.contradicts(u)
	delete(r.roll.of, u.id()) // whoever is left at the end was not listed
	switch {
	case r.roll.hidden:
		return directory.Hidden(permissionMembers)
	case contradicts:
		r.doubt("users and groups disagree on who is in which group / 用户与群组对成员关系的说法不一致")
		return directory.Hidden(permissionMembers)
	}
	return groupRefs(mine)
}
