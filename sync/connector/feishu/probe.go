package feishu

import (
	"context"
	"strconv"
	"strings"

	larkcore "github.com/larksuite/oapi-sdk-go/v3/core"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// Probe tests credentials, permissions and contact range with a few reading
// calls. Faults: Credential, with what to change; Invalid, when custom_attributes
// names what there is not; Limited; Unavailable.
func (c *Connector) Probe(ctx context.Context) error {
	if ctx.Err() != nil {
		return interrupted(ctx)
	}
	n := &tally{}
	if err := c.seesAll(ctx, n); err != nil {
		if outOfRange(err) {
			return fault.Wrap(fault.Credential, err, "应用的通讯录权限范围不是全部成员：请在“权限管理”的数据权限里改为全部成员并发布新版本"+
				" / the app's contact range is not all staff: widen it under data permissions and publish a version")
		}
		return err
	}
	d := decoder{c: c, grant: &grants{c: c}}
	if err := c.probePermissions(ctx, d.grant); err != nil {
		return err
	}
	if err := c.probeUser(ctx, n, d); err != nil {
		return err
	}
	return c.probeCustom(ctx, n)
}

// probePermissions names every needed permission that is known to be missing.
func (c *Connector) probePermissions(ctx context.Context, g *grants) error {
	if _, known := g.all(ctx); !known {
		return nil
	}
	needed := []string{permBase, permEmployee, permDepartment, permDeptBase, permDeptTree}
	var missing []string
	for _, permission := range needed {
		if !g.has(ctx, permission) {
			missing = append(missing, permission)
		}
	}
	if c.o.UserIDType == UserID && !g.names[permUserID] {
		missing = append(missing, permUserID)
	}
	if len(missing) == 0 {
		return nil
	}
	names := strings.Join(missing, ", ")
	return fault.New(fault.Credential, "飞书应用缺少权限：%s；请在“权限管理”开通并发布新版本"+
		" / the Feishu app lacks permissions: %s; grant them under Permissions & Scopes and publish a version", names, names)
}

// probeDepartments is how many departments are searched for a person when nobody is
// in the root.
const probeDepartments = 5

// probeUser decodes one person of the root department, or of the first ones below
// it, if there is one: the id and the state of accounts must be shown.
func (c *Connector) probeUser(ctx context.Context, n *tally, d decoder) error {
	found, err := c.probeMember(ctx, n, d, rootID)
	if err != nil || found {
		return err
	}
	data, err := c.get(ctx, n, &request{
		path: contacts + "/departments/:department_id/children", params: larkcore.PathParams{"department_id": rootID},
		query: c.query("fetch_child", "true", "page_size", strconv.Itoa(probeDepartments)),
	})
	if err != nil {
		return err
	}
	rows, err := items(data)
	if err != nil {
		return fault.New(fault.Unavailable, "飞书的部门列表无法识别 / Feishu's list of departments is malformed")
	}
	for _, raw := range rows {
		r, err := parseRecord(raw)
		if err != nil || r.text("open_department_id") == "" {
			continue // a full reading will say so
		}
		if found, err = c.probeMember(ctx, n, d, r.text("open_department_id")); err != nil || found {
			return err
		}
	}
	return nil
}

// probeMember decodes one person of a department, and tells whether there is one.
func (c *Connector) probeMember(ctx context.Context, n *tally, d decoder, department string) (found bool, err error) {
	data, err := c.get(ctx, n, &request{
		path: contacts + "/users/find_by_department", query: c.query("department_id", department, "page_size", "1"),
	})
	if err != nil {
		return false, err
	}
	rows, err := items(data)
	if err != nil {
		return false, fault.New(fault.Unavailable, "飞书的成员列表无法识别 / Feishu's list of users is malformed")
	}
	for _, raw := range rows {
		if _, _, err := d.user(ctx, raw); fault.KindOf(err) == fault.Credential {
			return true, err
		}
	}
	return len(rows) > 0, nil
}
