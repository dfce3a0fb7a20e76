package scim

import (
	"context"
	"fmt"

	"github.com/rollcallhq/rollcall/sync/connector"
)

var _ connector.Examiner = (*Connector)(nil)

// Examine asks the service what it can do, and lists one user and one group; five
// calls at most.
func (c *Connector) Examine(ctx context.Context, use connector.Use) []connector.Finding {
	token := connector.Text{
		ZH: "在该服务的用户预配（SCIM）设置里核对地址和令牌；令牌可能已过期，重新生成一个",
		EN: "at the service, under user provisioning (SCIM): compare the address and the token; it may have expired, make a new one",
	}
	var t tally
	g, err := c.discover(ctx, &t)
	if err != nil {
		return []connector.Finding{connector.Failed(connector.Text{ZH: "连接服务", EN: "reach the service"}, err, token)}
	}
	found := []connector.Finding{{Capability: connector.Text{ZH: "连接服务", EN: "reach the service"}, Level: connector.Works, Say: g.says()}}
	list := func(what connector.Text, endpoint string, l listing, mend func(error) error) {
		p, err := c.page(ctx, endpoint, l, &t)
		if err = mend(err); err != nil {
			found = append(found, connector.Failed(what, err, token))
			return
		}
		found = append(found, connector.Finding{Capability: what, Level: connector.Works, Say: connector.Text{ZH: fmt.Sprintf("共 %d", p.total), EN: fmt.Sprintf("%d in all", p.total)}})
	}
	list(connector.Text{ZH: "列出用户", EN: "list users"}, g.users, listing{count: 1}, func(err error) error { return err })
	if c.options.Departments != NoGroups {
		list(connector.Text{ZH: "列出群组", EN: "list groups"}, g.groups, listing{count: 1, bare: true}, noGroups)
	}
	if use.Target {
		found = append(found, connector.Finding{
			Capability: connector.Text{ZH: "写入", EN: "write"},
			Say:        connector.Text{ZH: "第一次执行前无法验证；令牌要有创建和修改用户的权限", EN: "unverified until the first apply; the token has to be allowed to create and change users"},
		})
	}
	return found
}

// says tells what the service lacks of what makes changes small and safe.
func (g *gift) says() connector.Text {
	switch {
	case !g.patch && !g.filter:
		return connector.Text{ZH: "服务没有 PATCH（改用 PUT 整条覆盖），也不支持过滤", EN: "it has no PATCH (PUT replaces whole users), and no filters"}
	case !g.patch:
		return connector.Text{ZH: "服务没有 PATCH，改用 PUT 整条覆盖", EN: "it has no PATCH: PUT replaces whole users"}
	case !g.filter:
		return connector.Text{ZH: "服务不支持过滤", EN: "it has no filters"}
	default:
		return connector.Text{}
	}
}
