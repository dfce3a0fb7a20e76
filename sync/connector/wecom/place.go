package wecom

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// place completes what stands together on the wire: a member's departments, the
// order in each and whether the member leads it are three lists of one length. What
// the change does not give stays as it is, so that the member is read when that is
// not known.
func (c *Connector) place(ctx context.Context, w connector.Write, body map[string]any) error {
	leads, order := given(w.After, attrLeads), given(w.After, attrDeptOrder)
	ids, moves := body[attrDepartment].([]int64)
	if !leads && !order && !moves {
		return nil
	}
	old := &member{}
	if w.Op != plan.Create && (!leads || !order || !moves) {
		known, err := c.placed(ctx, string(w.Key.ID))
		switch {
		case err != nil:
			return err
		case known == nil && !leads && !order:
			return nil // only the departments: the vendor keeps what it can
		case known == nil:
			return fault.New(fault.Denied, "the member's departments cannot be read, so that order and leadership cannot be changed: set app_secret, or widen its scope / 读不到成员的部门，不能修改排序和负责人：请配置 app_secret，或扩大其可见范围")
		}
		old = known
	}
	if !moves {
		ids = old.mainFirst()
		body[attrDepartment], body["main_department"] = ids, ids[0]
	}
	return beside(w.After, ids, old, body)
}

// beside puts the two lists beside the departments into the body, each when the
// change gives it or it says something, now or until now.
func beside(after directory.Attributes, ids []int64, old *member, body map[string]any) error {
	flags, err := leadFlags(after, ids, old)
	if err != nil {
		return err
	}
	numbers, err := orders(after, ids, old)
	if err != nil {
		return err
	}
	if given(after, attrLeads) || slices.Max(flags) > 0 || slices.Contains(old.Leads, 1) {
		body["is_leader_in_dept"] = flags
	}
	if given(after, attrDeptOrder) || slices.Max(numbers) > 0 || slices.ContainsFunc(old.Order, func(n int64) bool { return n != 0 }) {
		body["order"] = numbers
	}
	return nil
}

func given(a directory.Attributes, name string) bool {
	v, ok := a[name]
	return ok && v.Type() != directory.Unknown
}

// current reads a member as they are; nil when we do not see them.
func (c *Connector) current(ctx context.Context, id string) (*member, error) {
	key, ok := c.reader()
	if !ok {
		return nil, nil //nolint:nilnil // nil is "not visible" here
	}
	var t tally
	m, err := c.get(ctx, key, id, &t)
	switch {
	case c.hides(key, err), missing(err) && key == c.app:
		return nil, nil //nolint:nilnil // the same
	case err != nil:
		return nil, err
	case len(m.Department) == 0:
		return nil, nil //nolint:nilnil // the app does not see the departments
	}
	return m, nil
}

// placed reads a member with all departments; nil when we do not see them all: a
// write of those that we see would take the others away.
func (c *Connector) placed(ctx context.Context, id string) (*member, error) {
	m, err := c.current(ctx, id)
	if err != nil || m == nil {
		return nil, err
	}
	if whole, err := c.shownWhole(ctx, m); err != nil || !whole {
		return nil, err
	}
	return m, nil
}

// stays gives what a member had in each department, of one of the lists beside them.
func stays[T any](ids []int64, old *member, list []T) []T {
	out := make([]T, len(ids))
	for i, id := range ids {
		if at := slices.Index(old.Department, id); at >= 0 && at < len(list) {
			out[i] = list[at]
		}
	}
	return out
}

// leadFlags gives, for each department, whether the member leads it. No attribute
// speaks of the root, so that its flag stays.
func leadFlags(after directory.Attributes, ids []int64, old *member) ([]int, error) {
	flags := stays(ids, old, old.Leads)
	if !given(after, attrLeads) {
		return flags, nil
	}
	for i, id := range ids {
		if id != rootID {
			flags[i] = 0
		}
	}
	if after[attrLeads].IsEmpty() {
		return flags, nil
	}
	led, err := departmentIDsOf(attrLeads, after[attrLeads])
	if err != nil {
		return nil, err
	}
	for _, id := range led {
		i := slices.Index(ids, id)
		if i < 0 {
			n := strconv.FormatInt(id, 10)
			return nil, fault.New(fault.Invalid, "somebody who leads department %s has to be in it / 要负责部门 %s，成员必须在该部门中", n, n)
		}
		flags[i] = 1
	}
	return flags, nil
}

// orders gives the member's order in each department; that in the root stays.
func orders(after directory.Attributes, ids []int64, old *member) ([]int64, error) {
	numbers := stays(ids, old, old.Order)
	if !given(after, attrDeptOrder) {
		return numbers, nil
	}
	list := after[attrDeptOrder].List()
	if s := after[attrDeptOrder].String(); len(list) == 0 && s != "" {
		list = strings.Split(s, ",")
	}
	for i, id := range ids {
		if id == rootID {
			continue
		}
		if numbers[i] = 0; len(list) == 0 {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSpace(list[0]), 10, 32)
		if err != nil {
			return nil, fault.New(fault.Invalid, "department_order holds a number from 0 to 4294967295 for each department / department_order 为每个部门给出 0 到 4294967295 的数字")
		}
		numbers[i], list = int64(n), list[1:]
	}
	return numbers, nil
}

// keepsMobile looks whether WeCom would pass over a new mobile number without a
// word, as it does for everybody who has signed in once. The number is then taken
// out of the body, and the fault says so once the rest is written.
func (c *Connector) keepsMobile(ctx context.Context, w connector.Write, body map[string]any) (kept, err error) {
	if _, changes := body[attrMobile]; !changes || w.Op != plan.Update {
		return nil, nil
	}
	m, err := c.current(ctx, string(w.Key.ID))
	if err != nil || m == nil || m.Status != statusActive {
		return nil, err
	}
	delete(body, attrMobile)
	return fault.New(fault.Denied, "WeCom keeps the mobile number of a member who has signed in: the member changes it in the app, or take mobile out of the mapping / 成员激活后企业微信不再接受修改手机号：请本人在企业微信里修改，或从映射中去掉 mobile"), nil
}
