package sqltable

import (
	"context"
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
)

var _ connector.Examiner = (*Connector)(nil)

// Examine logs in, and sees that each query gives its columns. It reads no row and
// writes none.
func (c *Connector) Examine(ctx context.Context, use connector.Use) []connector.Finding {
	logIn := connector.Text{ZH: "登录数据库", EN: "log in to the database"}
	rights := connector.Text{
		ZH: "和数据库管理员核对地址、账号和权限（SELECT；作为目标还要 INSERT、UPDATE、DELETE）",
		EN: "compare the address, the account and its rights with the database's administrator (SELECT; as a target INSERT, UPDATE and DELETE too)",
	}
	var found []connector.Finding
	err := c.patiently(ctx, func(int) error {
		x, err := c.begin(ctx, false)
		if err != nil {
			return err
		}
		defer x.close(ctx)
		found = []connector.Finding{{Capability: logIn, Level: connector.Works}}
		for _, kind := range []directory.Kind{directory.Department, directory.User} {
			t := c.tables[kind]
			if t == nil {
				continue
			}
			what := connector.Text{ZH: "查询人员", EN: "query people"}
			if kind == directory.Department {
				what = connector.Text{ZH: "查询部门", EN: "query departments"}
			}
			if err := c.probe(ctx, x, t); err != nil {
				found = append(found, connector.Failed(what, err, connector.Text{
					ZH: "改好 systems 里这个系统的语句；" + rights.ZH, EN: "mend the system's statements; " + rights.EN,
				}))
				break // the transaction may be at its end
			}
			found = append(found, connector.Finding{Capability: what, Level: connector.Works})
		}
		return nil
	})
	if err != nil {
		return []connector.Finding{connector.Failed(logIn, err, rights)}
	}
	return append(found, c.statements(use)...)
}

// statements tells which changes have a statement; whether the account may run
// them shows at the first change.
func (c *Connector) statements(use connector.Use) []connector.Finding {
	t := c.tables[directory.User]
	if !use.Target || t == nil {
		return nil
	}
	var names []string
	for _, s := range t.writes() {
		names = append(names, s.name)
	}
	slices.Sort(names)
	list := strings.Join(names, ", ")
	return []connector.Finding{{
		Capability: connector.Text{ZH: "写入", EN: "write"},
		Say:        connector.Text{ZH: "第一次执行前无法验证；已配置 " + list, EN: "unverified until the first apply; there is " + list},
	}}
}
