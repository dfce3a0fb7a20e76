package scim

import (
	"context"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// maxDepth bounds the way up from a group to the root.
const maxDepth = 64

func (c *Connector) applyDepartment(ctx context.Context, g gift, w connector.Write) (directory.Key, error) {
	id := string(w.Key.ID)
	if w.Op == plan.Delete {
		return w.Key, c.deleteDepartment(ctx, g, id)
	}
	list, err := c.departmentDraft(w, g)
	if err != nil {
		return directory.Key{}, err
	}
	if w.Op == plan.Create {
		return c.createDepartment(ctx, g, w, list)
	}
	if len(list) == 0 {
		return w.Key, nil
	}
	have, version, err := c.get(ctx, g.groups, id, true)
	if err != nil {
		return directory.Key{}, err
	}
	if err := c.above(ctx, g, id, parentIn(list)); err != nil {
		return directory.Key{}, err
	}
	got, err := c.modify(ctx, g, aim{g.groups, urnGroup, id, have, version}, list)
	if err != nil {
		return directory.Key{}, err
	}
	return w.Key, obeyed(have, got, list)
}

func (c *Connector) createDepartment(ctx context.Context, g gift, w connector.Write, list []assign) (directory.Key, error) {
	if w.After[attrName].IsEmpty() || w.After[attrName].Type() == directory.Unknown {
		return directory.Key{}, fault.New(fault.Invalid, "a group needs a name / 群组需要名称")
	}
	if err := c.above(ctx, g, "", parentIn(list)); err != nil {
		return directory.Key{}, err
	}
	b := c.newBirth(g, g.groups, w, list)
	body := resource{"schemas": []any{urnGroup}}
	for _, a := range list {
		if a.value != nil {
			a.path.put(body, a.value)
		}
	}
	if c.options.Departments == Extension && g.schemas.extended(urnDepartment) {
		body.declare(urnDepartment)
		child(body, urnDepartment, true)
	}
	if b.external != "" {
		body[attrExternal] = b.external
	}
	id, err := b.post(ctx, body, "", "")
	if err != nil {
		return directory.Key{}, err
	}
	return directory.Key{Kind: directory.Department, ID: directory.ID(id)}, nil
}

// parentIn gives the parent that assignments name, "" for none.
func parentIn(list []assign) string {
	for _, a := range list {
		if a.path.urn == urnDepartment && a.path.attr == attrParent {
			return a.text
		}
	}
	return ""
}

// above checks that a parent is there and not below the group itself: a service
// knows nothing of trees.
func (c *Connector) above(ctx context.Context, g gift, id, parent string) error {
	for range maxDepth {
		if parent == "" {
			return nil
		}
		if parent == id {
			return fault.New(fault.Invalid, "a department cannot be below itself / 部门不能移动到自己的下级")
		}
		r, _, err := c.get(ctx, g.groups, parent, true)
		if missing(err) {
			return fault.Wrap(fault.Invalid, err, "the parent department does not exist / 上级部门不存在")
		}
		if err != nil {
			return err
		}
		if id == "" {
			return nil
		}
		parent = ""
		for _, next := range parentOf(r) {
			parent = string(next)
		}
	}
	return fault.New(fault.Invalid, "the departments above go round in a circle / 上级部门形成了循环")
}

// deleteDepartment deletes a group that nobody and nothing is in: a service deletes
// any.
func (c *Connector) deleteDepartment(ctx context.Context, g gift, id string) error {
	if !g.schemas.shown(urnGroup, path{attr: attrMembers}) {
		return fault.New(fault.Unsupported, "the service does not show whether somebody is in the group / 服务不显示群组里是否还有成员")
	}
	have, version, err := c.get(ctx, g.groups, id, false)
	if missing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(have.elements(attrMembers)) > 0 {
		return fault.New(fault.Conflict, "the department still has members / 部门下仍有成员")
	}
	if c.options.Departments == Extension {
		below := false
		why, err := c.all(ctx, g.groups, listing{bare: true}, &tally{}, func(r resource) {
			for _, parent := range parentOf(r) {
				below = below || string(parent) == id
			}
		})
		switch {
		case err != nil:
			return err
		case below:
			return fault.New(fault.Conflict, "the department still has departments below it / 部门下仍有子部门")
		case why != "":
			return fault.New(fault.Unavailable, "%s", string(why))
		}
	}
	if !g.etag {
		version = ""
	}
	return c.delete(ctx, g.groups, id, version)
}
