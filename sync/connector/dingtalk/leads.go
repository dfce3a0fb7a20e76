package dingtalk

import (
	"context"
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// lead makes a person lead just these departments. A department keeps one list of
// its managers, which is read and written as a whole; so it goes department by
// department, and nobody else of this process writes such a list meanwhile. What
// a person leads at the root stays as it is: the root is no object.
func (c *Connector) lead(ctx context.Context, id string, want []int64, created bool) error {
	c.managers.Lock()
	defer c.managers.Unlock()
	var t tally
	var have []int64
	if !created {
		m, err := c.get(ctx, id, &t)
		if err != nil {
			return err
		}
		have = personOf(m).leads
	}
	written := false
	for _, dept := range want {
		if slices.Contains(have, dept) {
			continue
		}
		if err := c.manage(ctx, id, dept, true); err != nil {
			return partly(written, elsewhere(err))
		}
		written = true
	}
	for _, dept := range have {
		if dept == rootID || slices.Contains(want, dept) {
			continue
		}
		if err := c.manage(ctx, id, dept, false); err != nil {
			return partly(written, elsewhere(err))
		}
		written = true
	}
	return nil
}

// manage puts a person on a department's list of managers, or takes them off it.
func (c *Connector) manage(ctx context.Context, id string, dept int64, leads bool) error {
	list, err := c.managersOf(ctx, dept)
	if err != nil || slices.Contains(list, id) == leads {
		return err
	}
	if leads {
		list = append(list, id)
	} else {
		list = slices.DeleteFunc(list, func(other string) bool { return other == id })
	}
	body := map[string]any{attrDeptID: dept, managerList: strings.Join(list, ",")}
	if len(list) == 0 {
		// The vendor takes no empty list.
		body = map[string]any{attrDeptID: dept, forceUpdate: managerList}
	}
	return c.do(ctx, change(pathDeptUpdate, body), &nothing{})
}

const managerList = "dept_manager_userid_list"

// managersOf reads a department's managers. Where the field is left out, that may
// mean none, or that it is not shown: then the members' own flags tell, so that
// nobody is taken off the list by what we did not see.
func (c *Connector) managersOf(ctx context.Context, dept int64) ([]string, error) {
	var t tally
	var answer departmentGet
	if err := c.read(ctx, old(pathDeptGet, map[string]any{attrDeptID: dept}), &t, &answer); err != nil {
		return nil, err
	}
	var out []string
	if answer.Managers != nil {
		for _, id := range *answer.Managers {
			if id != "" {
				out = append(out, string(id))
			}
		}
		return out, nil
	}
	cursor := int64(0)
	for range maxPages {
		page, err := c.page(ctx, dept, cursor, &t)
		if err != nil {
			return nil, err
		}
		rows := page.members()
		if len(rows) < len(page.Rows) {
			return nil, fault.New(fault.Unavailable, "members of the department cannot be read, so that its managers are not known / 部门成员资料无法读取，不能确定现有主管")
		}
		for _, m := range rows {
			if m.Leader != nil && bool(*m.Leader) {
				out = append(out, string(m.UserID))
			}
		}
		if !page.More || page.Next == nil || int64(*page.Next) <= cursor {
			break
		}
		cursor = int64(*page.Next)
	}
	return out, nil
}
