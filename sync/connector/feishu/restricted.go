package feishu

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	larkcore "github.com/larksuite/oapi-sdk-go/v3/core"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// contactRange is what the app may see when that is not all staff.
type contactRange struct {
	departments, users []string
}

// contactRange lists the range: GET /contact/v3/scopes.
func (c *Connector) contactRange(ctx context.Context, n *tally) (contactRange, error) {
	var out contactRange
	err := c.list(ctx, n, listing{path: contacts + "/scopes", query: c.query()}, listed{
		begin: func() { out = contactRange{} },
		page: func(_ context.Context, data json.RawMessage) (int, error) {
			var page struct {
				Departments []string `json:"department_ids"`
				Users       []string `json:"user_ids"`
			}
			if json.Unmarshal(data, &page) != nil {
				return 0, &lostError{"通讯录权限范围无法识别", "the contact range is malformed"}
			}
			out.departments = append(out.departments, page.Departments...)
			out.users = append(out.users, page.Users...)
			return len(page.Departments) + len(page.Users), nil
		},
	})
	return out, err
}

// restricted reads what a contact range of less than all staff shows. Nothing
// that it lacks is gone.
func (r *reading) restricted(ctx context.Context) error {
	within, err := r.c.contactRange(ctx, &r.tally)
	if err != nil {
		if stops(err) {
			return err
		}
		r.incomplete("通讯录权限范围没有读完", "the contact range was not read to the end", err)
	}
	r.scope = fingerprint(r.c.o.UserIDType, within.departments, within.users)
	r.mu.Lock()
	r.b.Incomplete("应用的通讯录权限范围不是全部成员，看不到的人不等于离职；请在“权限管理”的数据权限里改为全部成员并发布新版本" +
		" / the app's contact range is not all staff, so that nobody who is missing has left: widen it under data permissions and publish a version")
	r.mu.Unlock()
	for batch := range slices.Chunk(within.departments, pageSize) {
		if err := r.rangeDepartments(ctx, batch); err != nil {
			return err
		}
	}
	for _, id := range within.departments {
		if err := r.departments(ctx, id); err != nil {
			if stops(err) {
				return err
			}
			r.incomplete("部门 "+id+" 没有读完", "department "+id+" was not read to the end", err)
		}
	}
	return r.rangeUsers(ctx, within.users)
}

// rangeDepartments adds the departments that the range names.
func (r *reading) rangeDepartments(ctx context.Context, ids []string) error {
	rows, err := r.c.batch(ctx, &r.tally, "departments", "department_ids", ids)
	if err != nil {
		return err
	}
	return r.addDepartments(ctx, rows, map[string]bool{})
}

// rangeUsers adds the people whom the range names.
func (r *reading) rangeUsers(ctx context.Context, ids []string) error {
	for batch := range slices.Chunk(ids, pageSize) {
		rows, err := r.c.batch(ctx, &r.tally, "users", "user_ids", batch)
		if err != nil {
			return err
		}
		if err := r.addUsers(ctx, "range", rows, map[directory.ID]bool{}); err != nil {
			return err
		}
	}
	return nil
}

// batch asks for up to 50 objects; what does not exist or is out of range is
// left out.
func (c *Connector) batch(ctx context.Context, n *tally, kind, parameter string, ids []string) ([]json.RawMessage, error) {
	query := c.query()
	query[parameter] = ids
	data, err := c.get(ctx, n, &request{path: fmt.Sprintf("%s/%s/batch", contacts, kind), params: larkcore.PathParams{}, query: query})
	if err != nil {
		return nil, err
	}
	n.pages.Add(1)
	return items(data)
}
