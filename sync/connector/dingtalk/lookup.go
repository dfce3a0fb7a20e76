package dingtalk

import (
	"context"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// Lookup asks for just these objects, one by one: the vendor has no other way.
// Somebody is gone when DingTalk says that there is no such member (60121, 60111,
// 33012), the app, asked after that, may still see the whole corp, and the
// department that listed them to this process last does not know them any more
// (user/listid, which ignores the scope). Anything less is Unsure. Faults: Credential, Limited,
// Unavailable, Invalid.
func (c *Connector) Lookup(ctx context.Context, kind directory.Kind, ids []directory.ID) ([]connector.Sighting, error) {
	switch {
	case len(ids) == 0:
		return []connector.Sighting{}, nil
	case kind == directory.Department:
		return c.lookupDepartments(ctx, ids)
	case kind == directory.User:
		return c.lookupUsers(ctx, ids)
	default:
		return nil, fault.New(fault.Invalid, "DingTalk has no objects of kind %q / 钉钉没有“%s”这类对象", kind, kind)
	}
}

func gone() connector.Sighting { return connector.Sighting{Presence: connector.Gone} }

func unsure(why string) connector.Sighting { return connector.Sighting{Why: why} }

func present(o directory.Object) connector.Sighting {
	return connector.Sighting{Presence: connector.Present, Object: o}
}

func (c *Connector) lookupUsers(ctx context.Context, ids []directory.ID) ([]connector.Sighting, error) {
	var t tally
	found := make([]*member, len(ids))
	missing := make([]bool, len(ids))
	out := make([]connector.Sighting, len(ids))
	work, within := errgroup.WithContext(ctx)
	work.SetLimit(parallel)
	for i, id := range ids {
		work.Go(func() error {
			m, err := c.get(within, string(id), &t)
			switch {
			case err == nil:
				found[i] = m
			case userMissing(err):
				missing[i] = true
			case fault.KindOf(err) == fault.Denied:
				out[i] = unsure(fault.Say(err))
			default:
				return err
			}
			return nil
		})
	}
	if err := work.Wait(); err != nil {
		return nil, err
	}
	if err := c.present(ctx, found, out, &t); err != nil {
		return nil, err
	}
	if !slices.Contains(missing, true) {
		return out, nil
	}
	s, err := c.scope(ctx, &t)
	if err != nil {
		return nil, err
	}
	homes := map[int64]*memberIDs{}
	for i, id := range ids {
		if !missing[i] {
			continue
		}
		if !s.all() {
			out[i] = unsure(narrow)
			continue
		}
		if out[i], err = c.absent(ctx, string(id), homes, &t); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// present fills in those who were found.
func (c *Connector) present(ctx context.Context, found []*member, out []connector.Sighting, t *tally) error {
	people := slices.DeleteFunc(slices.Clone(found), func(m *member) bool { return m == nil })
	s, err := c.sightOf(ctx, people, t)
	if err != nil {
		return err
	}
	for i, m := range found {
		if m != nil {
			out[i] = present(c.userObject(personOf(m), s))
		}
	}
	return nil
}

// absent holds 'no such member' against the department that a reading last saw the
// person in; somebody whom no reading of this process saw has none. homes keeps the answers of one lookup.
func (c *Connector) absent(ctx context.Context, id string, homes map[int64]*memberIDs, t *tally) (connector.Sighting, error) {
	home, known := c.memory.home(id)
	if !known {
		return gone(), nil
	}
	list := homes[home]
	if list == nil {
		list = &memberIDs{}
		err := c.read(ctx, old(pathListID, map[string]any{"dept_id": home}), t, list)
		if err != nil && code(err) != codeNoDept {
			return connector.Sighting{}, err
		}
		homes[home] = list
	}
	if slices.Contains(list.IDs, loose(id)) {
		return unsure("DingTalk says that there is no such member, and still lists them in a department / 钉钉回答找不到该成员，但其部门的列表里仍有此人"), nil
	}
	return gone(), nil
}

// confirmGone tells whether a person who is said not to be there is gone for
// sure.
func (c *Connector) confirmGone(ctx context.Context, id string) error {
	var t tally
	s, err := c.scope(ctx, &t)
	if err != nil {
		return err
	}
	seen := unsure(narrow)
	if s.all() {
		if seen, err = c.absent(ctx, id, map[int64]*memberIDs{}, &t); err != nil {
			return err
		}
	}
	if seen.Presence == connector.Gone {
		return nil
	}
	return fault.New(fault.Denied, "%s", seen.Why)
}

func (c *Connector) lookupDepartments(ctx context.Context, ids []directory.ID) ([]connector.Sighting, error) {
	var t tally
	out := make([]connector.Sighting, len(ids))
	missing := false
	for i, id := range ids {
		n, err := strconv.ParseInt(string(id), 10, 64)
		switch {
		case err != nil || n <= 0:
			out[i] = gone() // DingTalk gives numbers only
			continue
		case n == rootID:
			out[i] = unsure("the root is no object / 根部门不作为对象管理")
			continue
		}
		row, err := c.lookDepartment(ctx, n, &t)
		switch {
		case err == nil:
			out[i] = present(departmentObject(row))
		case code(err) == codeNoDept:
			out[i], missing = gone(), true
		case fault.KindOf(err) == fault.Denied:
			out[i] = unsure(fault.Say(err))
		default:
			return nil, err
		}
	}
	if !missing {
		return out, nil
	}
	s, err := c.scope(ctx, &t)
	if err != nil {
		return nil, err
	}
	for i := range out {
		if out[i].Presence == connector.Gone && !s.all() {
			out[i] = unsure(narrow)
		}
	}
	return out, nil
}
