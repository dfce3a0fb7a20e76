package scim

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// roll is all groups and who is in them.
type roll struct {
	departments []directory.Object
	parents     map[string]string
	of          map[string][]string // groups of a user
	nested      bool                // some group is a member of a group
	hidden      bool                // the service does not show members
	why         flaw
}

// roll lists all groups with their members.
func (c *Connector) roll(ctx context.Context, g gift, t *tally) (*roll, error) {
	r := &roll{parents: map[string]string{}, of: map[string][]string{}, hidden: !g.schemas.shown(urnGroup, path{attr: attrMembers})}
	groups := map[string]bool{}
	shown := false // some group has a member
	var err error
	r.why, err = c.all(ctx, g.groups, listing{}, t, func(group resource) {
		id := group.id()
		groups[id] = true
		d := c.department(group, g)
		r.departments = append(r.departments, d)
		for _, parent := range d.Attributes[attrParent].Refs() {
			r.parents[id] = string(parent.ID)
		}
		for _, m := range group.elements(attrMembers) {
			shown = true
			switch who := m.text("value"); {
			case who == "":
			case isGroup(m):
				r.nested = true
			case !slices.Contains(r.of[who], id):
				r.of[who] = append(r.of[who], id)
			}
		}
	})
	if err != nil {
		return nil, noGroups(err)
	}
	if !shown && !r.hidden {
		if r.hidden, err = c.withheld(ctx, g, r.departments, t); err != nil {
			return nil, err
		}
	}
	for id := range groups {
		if _, member := r.of[id]; member {
			r.nested = true
			delete(r.of, id)
		}
	}
	for who := range r.of {
		slices.Sort(r.of[who])
	}
	return r, nil
}

// sample is how many groups are asked one by one when a listing shows no member of
// any.
const sample = 5

// withheld tells whether a service leaves members out of its listing, by asking for
// some groups one by one: a listing in which nobody is in any group looks the same.
// Groups that cannot be asked for may have members.
func (c *Connector) withheld(ctx context.Context, g gift, groups []directory.Object, t *tally) (bool, error) {
	for i := range min(len(groups), sample) {
		id := string(groups[i*len(groups)/min(len(groups), sample)].ID)
		group, _, err := c.get(ctx, g.groups, id, false)
		switch {
		case missing(err):
		case statusOf(err) == http.StatusUnauthorized, fault.Retryable(err):
			return false, err
		case err != nil, len(group.elements(attrMembers)) > 0:
			return true, nil //nolint:nilerr // a group that cannot be asked for may have members
		default:
			t.pages++
		}
	}
	return false, nil
}

// isGroup tells whether a member says of itself that it is a group.
func isGroup(m resource) bool {
	return strings.EqualFold(m.text("type"), "Group") || strings.Contains(m.text("$ref"), "/Groups/")
}

// groupsOf gives what a user says of the groups that have them as a direct
// member, in order.
func groupsOf(user resource) []string {
	var ids []string
	for _, e := range user.elements(attrUserGroups) {
		if id := e.text("value"); id != "" && !strings.EqualFold(e.text("type"), "indirect") {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func groupRefs(ids []string) directory.Value {
	out := make([]directory.ID, len(ids))
	for i, id := range ids {
		out[i] = directory.ID(id)
	}
	return directory.RefsToKind(directory.Department, out...)
}

// tree tells why the departments are no tree, "" when they are.
func (r *roll) tree() flaw {
	known := map[string]bool{}
	for _, d := range r.departments {
		known[string(d.ID)] = true
	}
	for id, parent := range r.parents {
		if !known[parent] {
			return flaw("group " + clip(id) + " is below a group that is not listed / 群组 " + clip(id) + " 的上级不在列表中")
		}
		steps := 0
		for at := id; at != ""; at = r.parents[at] {
			if steps++; steps > len(r.departments) {
				return flaw("group " + clip(id) + " is below itself / 群组 " + clip(id) + " 位于自己的下级")
			}
		}
	}
	return ""
}

// belonging answers which groups a user is in, by what users say of themselves
// where that has proved right, else by one listing of all groups.
type belonging struct {
	c    *Connector
	g    gift
	roll *roll
}

// of gives the groups of a user. Faults: those of a listing; Unsupported when the
// service shows no members.
func (b *belonging) of(ctx context.Context, user resource) ([]string, error) {
	if b.c.proven.Load() {
		return groupsOf(user), nil
	}
	if b.roll == nil {
		r, err := b.c.roll(ctx, b.g, &tally{})
		if err != nil {
			return nil, err
		}
		b.roll = r
	}
	switch {
	case b.roll.hidden:
		return nil, fault.New(fault.Unsupported, "the service does not show the members of groups: set departments: none / 服务不显示群组成员：请设置 departments: none")
	case b.roll.why != "":
		return nil, fault.New(fault.Unavailable, "%s", string(b.roll.why))
	}
	return b.roll.of[user.id()], nil
}

// value gives the groups of a user as a value, hidden where they cannot be told.
func (b *belonging) value(ctx context.Context, user resource) (directory.Value, error) {
	if b.c.options.Departments == NoGroups {
		return directory.Value{}, nil
	}
	ids, err := b.of(ctx, user)
	if fault.KindOf(err) == fault.Unsupported || b.roll.contradicts(user) {
		return directory.Hidden(permissionMembers), nil
	}
	if err != nil {
		return directory.Value{}, err
	}
	return groupRefs(ids), nil
}

// contradicts tells whether a user says to be in a group that does not list them.
// With groups in groups the user may be in it indirectly.
func (r *roll) contradicts(user resource) bool {
	if r == nil || r.nested {
		return false
	}
	mine := r.of[user.id()]
	return slices.ContainsFunc(groupsOf(user), func(id string) bool { return !slices.Contains(mine, id) })
}
