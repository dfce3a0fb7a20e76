package wecom

import (
	"context"
	"slices"
	"strconv"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// Up to so many objects are asked for one by one; for more the listings are
// cheaper, and only who is missing in them is.
const (
	fewUsers       = 20
	fewDepartments = 5
)

// Lookup asks for just these objects. That a member is gone needs a complete
// listing of ids without them: the word of an app that does not see everybody is
// no proof. Faults: Credential, Limited, Unavailable, Invalid.
func (c *Connector) Lookup(ctx context.Context, kind directory.Kind, ids []directory.ID) ([]connector.Sighting, error) {
	switch {
	case len(ids) == 0:
		return []connector.Sighting{}, nil
	case kind == directory.Department:
		return c.lookupDepartments(ctx, ids)
	case kind != directory.User:
		return nil, fault.New(fault.Invalid, "WeCom has no objects of kind %q / 企业微信没有“%s”这类对象", kind, kind)
	case len(ids) <= fewUsers:
		return c.lookupFew(ctx, ids)
	default:
		return c.lookupMany(ctx, ids)
	}
}

func gone() connector.Sighting { return connector.Sighting{Presence: connector.Gone} }

func unsure(why string) connector.Sighting { return connector.Sighting{Why: why} }

func present(o directory.Object) connector.Sighting {
	return connector.Sighting{Presence: connector.Present, Object: o}
}

// lookupFew asks for members one by one, and for the listing when somebody was
// not to be seen.
func (c *Connector) lookupFew(ctx context.Context, ids []directory.ID) ([]connector.Sighting, error) {
	var t tally
	out := make([]connector.Sighting, len(ids))
	var open []int
	byApp := map[int][]int64{}
	for i, id := range ids {
		key, ok := c.reader()
		if !ok {
			open = append(open, i)
			continue
		}
		m, err := c.get(ctx, key, string(id), &t)
		switch {
		case err == nil && m.Status == statusLeft:
			out[i] = gone()
		case err == nil:
			out[i] = present(c.userObject(m, key))
			if key == c.app {
				byApp[i] = m.Department
			}
		case c.hides(key, err) || missing(err):
			open = append(open, i)
		default:
			return nil, err
		}
	}
	if err := c.complete(ctx, &t, &few{ids: ids, out: out, open: open, byApp: byApp}); err != nil {
		return nil, err
	}
	return out, nil
}

// few are members who were asked for one by one.
type few struct {
	ids   []directory.ID
	out   []connector.Sighting
	open  []int           // those who were not to be seen
	byApp map[int][]int64 // the departments of others, as the app was shown them
}

// complete settles, by the listing of ids, who was not to be seen, and hides the
// departments of whom the app was shown only some.
func (c *Connector) complete(ctx context.Context, t *tally, f *few) error {
	if len(f.byApp) > 0 {
		all, err := c.seesAll(ctx, c.app, t)
		if err != nil {
			return err
		}
		if all {
			clear(f.byApp)
		}
	}
	if len(f.open)+len(f.byApp) == 0 {
		return nil
	}
	list, err := c.list(ctx, t)
	if err != nil {
		return err
	}
	for _, i := range f.open {
		f.out[i] = c.listed(list, f.ids[i])
	}
	for i, departments := range f.byApp {
		if !list.agrees(string(f.ids[i]), departments) {
			hidePlaces(f.out[i].Object.Attributes)
		}
	}
	return nil
}

// listed tells what the listing of ids alone knows of a member.
func (c *Connector) listed(list *listing, id directory.ID) connector.Sighting {
	i, known := list.index[fold(string(id))]
	switch {
	case known:
		return present(c.hiddenUser(list.members[i], c.hiddenBy()))
	case list.partial != "":
		return unsure(list.partial)
	case len(list.members) == 0:
		return unsure("the list of members shows nobody at all: check the rights of the contacts secret / 成员列表里一个人也没有：请检查通讯录 secret 的权限")
	default:
		return gone()
	}
}

// lookupMany reads the listings, and the details of those who are asked for.
func (c *Connector) lookupMany(ctx context.Context, ids []directory.ID) ([]connector.Sighting, error) {
	var t tally
	departments, err := c.departments(ctx, &t)
	if err != nil {
		return nil, err
	}
	list, err := c.list(ctx, &t)
	if err != nil {
		return nil, err
	}
	out := make([]connector.Sighting, len(ids))
	found := make(map[directory.ID]directory.Object, len(ids))
	key, ok := c.reader()
	if ok && departments.visible != nil {
		g := &gathering{
			c: c, key: key, tally: &t, list: list, want: make([]bool, len(list.members)),
			emit: func(o directory.Object) { found[o.ID] = o },
		}
		for _, id := range ids {
			if i, known := list.index[fold(string(id))]; known {
				g.want[i] = true
			}
		}
		if err := g.gather(ctx, departments); err != nil {
			return nil, err
		}
	}
	for i, id := range ids {
		out[i] = c.listed(list, id)
		if out[i].Presence != connector.Present || !ok || departments.visible == nil {
			continue
		}
		o, there := found[out[i].Object.ID]
		if !there {
			out[i] = gone() // the details say that they have left
			continue
		}
		out[i] = present(o)
	}
	if err := c.doubtListing(ctx, &few{ids: ids, out: out}, &t); err != nil {
		return nil, err
	}
	return out, nil
}

// doubtListing asks one by one for those who are missing in a listing: it may have come
// with too little twice. Whom the word of one call shows all the same is not gone.
func (c *Connector) doubtListing(ctx context.Context, f *few, t *tally) error {
	key, ok := c.reader()
	for i := range f.out {
		if !ok || f.out[i].Presence != connector.Gone {
			continue
		}
		switch m, err := c.get(ctx, key, string(f.ids[i]), t); {
		case err == nil && m.Status != statusLeft:
			f.out[i] = unsure("the list of members lacks them, and asked for alone they are there / 成员列表中没有，单独查询却存在")
		case err != nil && !missing(err) && !c.hides(key, err):
			return err
		}
	}
	return nil
}

func (c *Connector) lookupDepartments(ctx context.Context, ids []directory.ID) ([]connector.Sighting, error) {
	var t tally
	out := make([]connector.Sighting, len(ids))
	var open []int
	for i, id := range ids {
		n, err := strconv.ParseInt(string(id), 10, 64)
		switch {
		case err != nil || n <= 0:
			out[i] = gone()
		case n == rootID:
			out[i] = unsure("the root is no object / 根部门不作为对象管理")
		case len(ids) > fewDepartments:
			open = append(open, i)
		default:
			o, seen, err := c.lookDepartment(ctx, n, &t)
			if err != nil {
				return nil, err
			}
			if seen {
				out[i] = present(o)
			} else {
				open = append(open, i)
			}
		}
	}
	if len(open) == 0 {
		return out, nil
	}
	objects, err := c.manyDepartments(ctx, len(ids) > fewDepartments, &t)
	if err != nil {
		return nil, err
	}
	for _, i := range open {
		at := slices.IndexFunc(objects, func(o directory.Object) bool { return o.ID == ids[i] })
		out[i] = gone()
		if at >= 0 {
			out[i] = present(objects[at])
		}
	}
	return out, nil
}

// manyDepartments reads the whole tree, with names or without.
func (c *Connector) manyDepartments(ctx context.Context, names bool, t *tally) ([]directory.Object, error) {
	if names {
		all, err := c.departments(ctx, t)
		return c.departmentObjects(all), err
	}
	var ids departmentIDs
	if err := c.read(ctx, c.simpleList(), t, &ids); err != nil {
		return nil, err
	}
	return c.departmentObjects(tree{rows: ids.Rows}), nil
}
