package scim

import (
	"context"
	"net/http"
	"slices"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// Apply makes one change: the object is read afresh, then written in one call,
// and a user's groups with one call for each that they join or leave. No call is
// repeated. The delete of what is not there succeeds. A CREATE whose account was
// made but could not be put into its groups is InDoubt; the same CREATE again finds
// the account and goes on. Faults: those of connector.Target.
func (c *Connector) Apply(ctx context.Context, w connector.Write) (directory.Key, error) {
	if !c.info.Can(w.Key.Kind, w.Op) {
		return directory.Key{}, fault.New(fault.Unsupported, "the service cannot %s a %s / 该服务不支持对 %s 执行 %s", w.Op, w.Key.Kind, w.Key.Kind, w.Op)
	}
	if err := ctx.Err(); err != nil {
		return directory.Key{}, ended(err)
	}
	if w.Op != plan.Create {
		if _, err := one("", string(w.Key.ID)); err != nil {
			return directory.Key{}, err
		}
	}
	ctx, cancel := c.within(ctx)
	defer cancel()
	g, err := c.discover(ctx, &tally{})
	if err != nil {
		return directory.Key{}, err
	}
	if w.Key.Kind == directory.Department {
		return c.applyDepartment(ctx, g, w)
	}
	switch w.Op {
	case plan.Create:
		return c.createUser(ctx, g, w)
	case plan.Delete:
		return w.Key, c.delete(ctx, g.users, string(w.Key.ID), "")
	case plan.Disable:
		d := draft{assigns: []assign{{path: path{attr: "active"}, value: false, text: "false"}}}
		return w.Key, c.updateUser(ctx, g, string(w.Key.ID), d)
	default:
		d, err := c.userDraft(w, g)
		if err != nil {
			return directory.Key{}, err
		}
		return w.Key, c.updateUser(ctx, g, string(w.Key.ID), d)
	}
}

// updateUser brings a user to what a draft says.
func (c *Connector) updateUser(ctx context.Context, g gift, id string, d draft) error {
	if len(d.assigns) == 0 && !d.move {
		return nil
	}
	have, version, err := c.get(ctx, g.users, id, false)
	if err != nil {
		return err
	}
	if err := foreign(have, d.assigns); err != nil {
		return err
	}
	var now []string
	if d.move {
		b := belonging{c: c, g: g}
		if now, err = b.of(ctx, have); err != nil {
			return err
		}
		if err := c.movable(ctx, g, missingIn(d.groups, now)); err != nil {
			return err
		}
	}
	got, err := c.modify(ctx, g, aim{g.users, urnUser, id, have, version}, d.assigns)
	if err != nil {
		return err
	}
	if err := obeyed(have, got, d.assigns); err != nil {
		return err
	}
	if !d.move {
		return nil
	}
	return c.move(ctx, g, id, missingIn(d.groups, now), missingIn(now, d.groups))
}

// foreign refuses to clear what stands in another place than the one that is
// written: it would still show, and may be something else.
func foreign(have resource, list []assign) error {
	for _, a := range list {
		if a.value != nil || a.also.attr == "" || a.shown(have) != "" {
			continue
		}
		if v, _ := a.also.get(have); plain(v) != "" {
			return fault.New(fault.Invalid,
				"%s stands in %s there, which is not ours to clear: clear it in the service, or take it out of the mapping / 该服务中 %s 的值在 %s，不由点名清空：请在该服务中清空，或从映射中去掉",
				a.name, a.also, a.name, a.also)
		}
	}
	return nil
}

// obeyed checks that a service which answers with the object has taken what it was
// sent. A value that still stands as before was left out without a word: services do
// that with attributes that they do not let be changed, and with forms of a change
// that they do not know.
func obeyed(before, got resource, list []assign) error {
	if got == nil {
		return nil
	}
	for _, a := range changes(list, before) {
		if now := a.shown(got); now != "" && now == a.shown(before) {
			name := a.path.String()
			return fault.New(fault.Invalid,
				"the service took the change and still shows %s as before: try another dialect, or take it out of the mapping / 服务接受了变更，但 %s 没有改变：请尝试其他 dialect，或从映射中去掉", name, name)
		}
	}
	return nil
}

// missingIn gives what of a is not in b.
func missingIn(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(id string) bool { return slices.Contains(b, id) })
}

// movable checks, before anything is written, that the groups that a user is to
// join exist and can be changed one member at a time.
func (c *Connector) movable(ctx context.Context, g gift, join []string) error {
	if len(join) > 0 && (!g.patch || c.patchless(urnGroup)) {
		return noPatchGroups()
	}
	for _, id := range join {
		_, _, err := c.get(ctx, g.groups, id, true)
		if missing(err) {
			return fault.Wrap(fault.Invalid, err, "group %s is not in the service / 群组 %s 不在该服务中", clip(id), clip(id))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// move lets a user join some groups and leave others. They join first, so that a
// call which fails leaves them in too many groups rather than in none.
func (c *Connector) move(ctx context.Context, g gift, user string, join, leave []string) error {
	if len(join)+len(leave) > 0 && (!g.patch || c.patchless(urnGroup)) {
		return noPatchGroups()
	}
	for _, id := range join {
		op := operation{Op: c.options.Dialect.verb("add"), Path: attrMembers, Value: []any{map[string]any{"value": user}}}
		if err := c.members(ctx, g, id, op); err != nil {
			return err
		}
	}
	for _, id := range leave {
		chosen, err := memberPath(user)
		if err != nil {
			return err
		}
		err = c.members(ctx, g, id, operation{Op: c.options.Dialect.verb("remove"), Path: chosen})
		if err != nil && !missing(err) && typeOf(err) != "noTarget" {
			return err
		}
	}
	return nil
}

// memberPath names one member of a group. It is the only form in which members are
// removed: a list of members, or none, beside the bare path is taken by some
// services for 'all of them'.
func memberPath(user string) (string, error) {
	quoted, err := quote(user)
	return attrMembers + "[value eq " + quoted + "]", err
}

// members changes one member of a group.
func (c *Connector) members(ctx context.Context, g gift, group string, op operation) error {
	at, err := one(g.groups, group)
	if err != nil {
		return err
	}
	_, err = c.send(ctx, call{method: http.MethodPatch, path: at, about: true, body: patch{Schemas: []string{urnPatch}, Operations: []any{op}}})
	switch {
	case missing(err) && op.Value != nil:
		return fault.Wrap(fault.Invalid, err, "group %s is not in the service / 群组 %s 不在该服务中", clip(group), clip(group))
	case patchless(err):
		c.learnPatchless(urnGroup)
		return noPatchGroups()
	}
	return err
}

// delete deletes a resource; that it is gone already is what was wanted, if it is
// gone: some services answer 404 because they know no DELETE, and so does a gateway.
func (c *Connector) delete(ctx context.Context, endpoint, id, version string) error {
	at, err := one(endpoint, id)
	if err != nil {
		return err
	}
	_, err = c.send(ctx, call{method: http.MethodDelete, path: at, version: version, about: true})
	if !missing(err) {
		return err
	}
	switch _, _, seen := c.get(ctx, endpoint, id, true); {
	case seen == nil:
		return fault.Wrap(fault.Unsupported, err, "the service answers a deletion with 'not found' and still has the object: it may not support DELETE; disable the account instead, or delete it there / 服务对删除回答“不存在”，但对象仍在：它可能不支持 DELETE；请改为停用，或在该服务中手工删除")
	case !missing(seen):
		return seen
	}
	return c.alive(ctx, endpoint)
}
