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
		p := personOf(m)
		if p.leadsUnread && len(m.Depts) > 0 {
			return fault.New(fault.Unavailable, "DingTalk does not tell which departments the member leads / 钉钉没有返回该成员主管的部门")
		}
		have = p.leads
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
	if answer.Managers == nil {
		return c.flagged(ctx, dept, &t)
	}
	var out []string
	for _, id := range *answer.Managers {
		if id != "" {
			out = append(out, string(id))
		}
	}
	return out, nil
}

// flagged gives the members of a department who are said to lead it. Faults:
// Unavailable when not all of them came, or none of them says it either way.
func (c *Connector) flagged(ctx context.Context, dept int64, t *tally) ([]string, error) {
	var out []string
	cursor, members, told := int64(0), 0, false
	for range maxPages {
		page, err := c.page(ctx, dept, cursor, t)
		if err != nil {
			return nil, err
		}
		rows := page.members()
		if len(rows) < len(page.Rows) {
			return nil, managersUnknown()
		}
		members += len(rows)
		for _, m := range rows {
			told = told || m.Leader != nil
			if m.Leader != nil && bool(*m.Leader) {
				out = append(out, string(m.UserID))
			}
		}
		switch last := !bool(page.More); {
		case last && members > 0 && !told:
			return nil, managersUnknown()
		case last:
			return out, nil
		case page.Next == nil || int64(*page.Next) <= cursor:
			return nil, managersUnknown()
		}
		cursor = int64(*page.Next)
	}
	return nil, managersUnknown()
}

func managersUnknown() error {
	return fault.New(fault.Unavailable, "members of the department cannot be read, so that its managers are not known / 部门成员资料无法读取，不能确定现有主管")
}
