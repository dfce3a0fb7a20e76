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
		Reads:        c.reads,
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
	if c.o.Resurrect {
		t.ZH += "此人 30 天内再次入职时，点名会恢复这个账号。"
		t.EN += " When the person is created again within 30 days, Rollcall brings this account back."
	}
	more := parseAcceptor(c.o.Acceptor).means()
	t.ZH += more.ZH
	t.EN += more.EN
	return t
}

func disableMeans() connector.Text {
	return connector.Text{
		ZH: "停用即暂停账号：不能登录，仍留在通讯录，群和文档不变，随时可以恢复。每秒最多 1 个。",
		EN: "A freeze: the account cannot sign in, stays in the directory with its chats and documents, and can be unfrozen at any time. At most 1 a second.",
	}
}

// reads counts the calls of a Read: the departments, a page or more of each
// department's people and of the root's, a last look at the range, and one at the
// permissions as soon as a field is left out; with custom fields their
// definitions, which are one page.
func (c *Connector) reads(users, departments int) int {
	pages := func(n int) int { return max(1, (n+pageSize-1)/pageSize) }
	each := pages(users / max(departments, 1))
	n := pages(departments) + departments*each + 3
	if len(c.o.CustomAttributes) > 0 {
		n++
	}
	return n
}
