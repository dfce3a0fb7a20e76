package dingtalk

import (
	"context"
	"strconv"
	"strings"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

func (c *Connector) applyDepartment(ctx context.Context, w connector.Write) (directory.Key, error) {
	if w.Op == plan.Create {
		return c.createDepartment(ctx, w)
	}
	id, err := strconv.ParseInt(string(w.Key.ID), 10, 64)
	switch {
	case err != nil:
		return directory.Key{}, fault.New(fault.Invalid, "a department id is a number, not %q / 部门 ID 须为数字，而不是 %q", clip(string(w.Key.ID)), clip(string(w.Key.ID)))
	case id == rootID:
		return directory.Key{}, fault.New(fault.Denied, "the root department is never changed / 根部门不会被改动")
	case w.Op == plan.Delete && id == c.quarantine:
		return directory.Key{}, fault.New(fault.Denied, "the quarantine department is never deleted / 隔离部门不会被删除")
	case w.Op == plan.Delete:
		err := c.do(ctx, change(pathDeptDelete, map[string]any{attrDeptID: id}), &nothing{})
		if code(err) == codeNoDept {
			err = nil // what we may not see is refused otherwise (50004)
		}
		return w.Key, err
	}
	body, err := departmentBody(w)
	if err != nil || len(body) == 0 {
		return w.Key, err
	}
	body[attrDeptID] = id
	return w.Key, c.do(ctx, change(pathDeptUpdate, body), &nothing{})
}

// createDepartment makes a department. It writes the identifier, which the
// console does not show: of the flow, else the change's token. By it a department
// that is there already is known to be our own earlier work: siblings cannot have
// one name, so that a second one is never made.
func (c *Connector) createDepartment(ctx context.Context, w connector.Write) (directory.Key, error) {
	body, err := departmentBody(w)
	if err != nil {
		return directory.Key{}, err
	}
	if textIn(body, directory.AttrName) == "" {
		return directory.Key{}, fault.New(fault.Invalid, "a new department needs a name: map it / 新部门需要名称：请在映射中给出")
	}
	if _, given := body["parent_id"]; !given {
		body["parent_id"] = int64(rootID)
	}
	if textIn(body, attrIdentifier) == "" && w.Token != "" {
		body[attrIdentifier] = w.Token
	}
	number, coded := body[attrCode]
	delete(body, attrCode) // department/create does not know it
	var answer created
	err = c.do(ctx, change(pathDeptCreate, body), &answer)
	id := int64(answer.DeptID)
	switch {
	case code(err) == codeSameName:
		if id, err = c.ownDepartment(ctx, body, err); err != nil {
			return directory.Key{}, err
		}
	case err != nil:
		return directory.Key{}, elsewhere(err)
	case id <= rootID:
		return directory.Key{}, fault.New(fault.InDoubt, "DingTalk accepted the new department and did not give its id / 钉钉已受理新建，但没有给出部门 ID")
	}
	key := directory.Key{Kind: directory.Department, ID: departmentID(id)}
	if s, _ := number.(string); !coded || s == "" {
		return key, nil
	}
	err = c.do(ctx, change(pathDeptUpdate, map[string]any{attrDeptID: id, attrCode: number}), &nothing{})
	if err != nil {
		return directory.Key{}, as(err, fault.InDoubt, fault.Say(partly(true, err)))
	}
	return key, nil
}

// ownDepartment looks for a department of the name below the parent, and takes it
// for ours when it bears the identifier that we would write.
func (c *Connector) ownDepartment(ctx context.Context, body map[string]any, cause error) (int64, error) {
	var t tally
	var rows departmentRows
	if c.read(ctx, old(pathListSub, map[string]any{attrDeptID: body["parent_id"]}), &t, &rows) != nil {
		return 0, cause
	}
	for _, row := range rows.Rows {
		if row.Name == nil || string(*row.Name) != textIn(body, directory.AttrName) {
			continue
		}
		var d departmentGet
		err := c.read(ctx, old(pathDeptGet, map[string]any{attrDeptID: row.ID}), &t, &d)
		if err == nil && d.Identifier != "" && string(d.Identifier) == textIn(body, attrIdentifier) {
			return int64(row.ID), nil
		}
	}
	return 0, cause
}

// departmentBody builds what Write.After gives of a department, nothing else.
func departmentBody(w connector.Write) (map[string]any, error) {
	body := map[string]any{}
	for _, name := range w.After.Names() {
		v := w.After[name]
		if v.Type() == directory.Unknown {
			continue
		}
		if err := putDepartment(body, name, v, w.Op == plan.Create); err != nil {
			return nil, err
		}
	}
	return body, nil
}

func putDepartment(body map[string]any, name string, v directory.Value, create bool) error {
	switch name {
	case directory.AttrActive:
	case directory.AttrName, attrIdentifier, attrCode:
		body[name] = clean(v.String())
	case directory.AttrParent:
		ids, err := departmentIDsOf(name, v)
		if err != nil {
			return err
		}
		body["parent_id"] = int64(rootID)
		if len(ids) > 0 {
			body["parent_id"] = ids[0]
		}
	case attrOrder:
		if v.IsEmpty() && create {
			return nil
		}
		if v.IsEmpty() {
			return noEmptyOrder(attrOrder)
		}
		n, err := strconv.ParseInt(strings.TrimSpace(v.String()), 10, 64)
		if err != nil {
			return fault.New(fault.Invalid, "order is a whole number / 排序须为整数")
		}
		body[attrOrder] = n
	default:
		return unwritable(name)
	}
	return nil
}
