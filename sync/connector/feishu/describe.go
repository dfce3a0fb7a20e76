package feishu

import (
	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// Describe tells what Feishu can do. It makes no call. The tenant is the app
// id: open ids are another set of ids for every app.
func (c *Connector) Describe() connector.Info {
	info := connector.Info{
		Type:   "feishu",
		Tenant: c.o.AppID,
		Ops: map[directory.Kind][]plan.Op{
			directory.User:       {plan.Create, plan.Update, plan.Disable, plan.Delete},
			directory.Department: {plan.Create, plan.Update, plan.Delete},
		},
		CallTimeout:  c.o.CallTimeout,
		Settle:       settle,
		Reads:        reads,
		DeleteMeans:  c.deleteMeans(),
		DisableMeans: disableMeans(),
	}
	if c.o.UserIDType == UserID {
		info.IDAttribute, info.UniqueID = UserID, true
	}
	for _, kind := range []directory.Kind{directory.User, directory.Department} {
		standard := map[string]string{} // by wire: of two names the common one comes first
		for _, f := range c.fields.of(kind) {
			info.Attributes = append(info.Attributes, connector.Attribute{
				Kind: kind, Name: f.name, Type: f.valueType(), Writable: f.writable, LoginID: f.login, Permission: f.permission,
				Means: standard[f.wire],
			})
			if standard[f.wire] == "" {
				standard[f.wire] = f.name
			}
		}
	}
	return info
}

func (c *Connector) deleteMeans() connector.Text {
	t := connector.Text{
		ZH: "删除即办理离职：账号立刻退出企业，30 天内可在管理后台或接口恢复（恢复接口每分钟 10 次；编号、手机号、邮箱须未被占用，部门不会自动恢复），之后不能恢复。",
		EN: "A deletion is a resignation: the account leaves the tenant at once. It can be restored within 30 days " +
			"(10 a minute through the API; id, mobile and mail must still be free; departments do not come back by themselves), and never after.",
	}
	if c.o.Acceptor != "" {
		t.ZH += "群、文档、日历、应用、妙记、问卷和邮件由交接人 " + c.o.Acceptor + " 接收。"
		t.EN += " Chats, documents, calendars, apps, minutes, surveys and mail go to " + c.o.Acceptor + "."
		return t
	}
	t.ZH += "没有配置交接人：资源交给直属上级；没有上级时日历和问卷被删除，文档可能被删除，群主转给最早入群的成员，外部群可能解散。"
	t.EN += " No acceptor is configured: things go to the direct leader; without one, calendars and surveys are deleted, " +
		"documents may be, chats pass to their earliest member and external chats may be dissolved."
	return t
}

func disableMeans() connector.Text {
	return connector.Text{
		ZH: "停用即暂停账号：不能登录，仍留在通讯录，群和文档不变，随时可以恢复。每秒最多 1 个。",
		EN: "A freeze: the account cannot sign in, stays in the directory with its chats and documents, and can be unfrozen at any time. At most 1 a second.",
	}
}

// reads counts the calls of a Read: the departments, a page or more of each
// department's people and of the root's, and a last look at the range.
func reads(users, departments int) int {
	pages := func(n int) int { return max(1, (n+pageSize-1)/pageSize) }
	each := pages(users / max(departments, 1))
	return pages(departments) + departments*each + 2
}
