package ldapdir

import (
	"cmp"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// settle is how long after a lost call the server may still be at work: one
// write of a directory takes well below a second.
const settle = 10 * time.Second

// Describe tells what the directory can do. It makes no call; with the dialect
// auto it tells what either dialect can until the server was asked.
func (c *Connector) Describe() connector.Info {
	d := c.dialect.Load()
	info := connector.Info{
		Type:        "ldap",
		Tenant:      strings.ToLower(c.url.Hostname() + " " + c.o.BaseDN),
		CallTimeout: c.o.CallTimeout,
		Settle:      settle,
		Reads:       c.reads,
		Ops: map[directory.Kind][]plan.Op{
			directory.User:       {plan.Create, plan.Update, plan.Delete},
			directory.Department: {plan.Create, plan.Update, plan.Delete},
		},
		DeleteMeans: connector.Text{
			ZH: "条目从目录中删除。AD 会一并去掉它的组成员关系，只有启用了回收站才能恢复；OpenLDAP 不能恢复，组里仍会留着它的名称，除非配置了 refint overlay。",
			EN: "The entry is deleted from the directory. Active Directory takes its group memberships with it, and can bring it back only with its recycle bin switched on; OpenLDAP cannot, and groups keep its name there unless the overlay refint takes it out.",
		},
		DisableMeans: c.disableMeans(),
	}
	dialects := []*dialect{d}
	if d == nil {
		dialects = []*dialect{newDialect(OpenLDAP, &c.o), newDialect(AD, &c.o)}
	}
	for _, d := range dialects {
		if d.canDisable() && !info.Can(directory.User, plan.Disable) {
			info.Ops[directory.User] = append(info.Ops[directory.User], plan.Disable)
		}
		for _, f := range d.fields {
			if _, known := info.Attribute(directory.User, f.name); known {
				continue
			}
			permission := ""
			if !f.always {
				permission = permissionOf(f.attribute)
			}
			info.Attributes = append(info.Attributes, connector.Attribute{
				Kind: directory.User, Name: f.name, Type: f.valueType(), Writable: f.writable, LoginID: f.login, Permission: permission,
			})
		}
	}
	disable := info.Can(directory.User, plan.Disable)
	info.Attributes = append(info.Attributes,
		connector.Attribute{Kind: directory.User, Name: directory.AttrDepartments, Type: directory.Refs, Writable: true},
		connector.Attribute{Kind: directory.User, Name: directory.AttrActive, Type: directory.Bool, Writable: disable, Permission: permissionActive},
		connector.Attribute{Kind: directory.User, Name: attrDN, Type: directory.Text},
		connector.Attribute{Kind: directory.Department, Name: directory.AttrName, Type: directory.Text, Writable: true},
		connector.Attribute{Kind: directory.Department, Name: directory.AttrParent, Type: directory.Refs, Writable: true},
		connector.Attribute{Kind: directory.Department, Name: attrDN, Type: directory.Text},
	)
	return info
}

// The permissions that hide something, as admins read them.
const (
	permissionActive  = "read access to the account's state / 读取账号状态的权限"
	permissionOU      = "read access to the organizational unit / 读取组织单位的权限"
	permissionManager = "manager outside base_dn or user_filter / 上级不在 base_dn 或 user_filter 范围内"
	permissionPartial = "departments not read completely / 部门未能完整读取"
	permissionBroken  = "value that cannot be understood / 无法理解的值"
)

// permissionOf names the right that shows an attribute.
func permissionOf(attribute string) string {
	return "read access to " + attribute + " / 读取 " + attribute + " 的权限"
}

func (c *Connector) disableMeans() connector.Text {
	t := connector.Text{
		ZH: "AD 账号被禁用（userAccountControl），不能登录；其他目录写入配置的 " + cmp.Or(c.o.Disabled, "disabled") + " 标记。资料、邮箱和组不变，可以随时重新启用。",
		EN: "In Active Directory the account is disabled (userAccountControl) and cannot sign in; another directory gets the configured mark " +
			cmp.Or(c.o.Disabled, "disabled") + ". Profile, mailbox and groups stay, and it can be enabled again at any time.",
	}
	if d := c.dialect.Load(); d != nil && d.kind == AD {
		t.ZH = "AD 账号被禁用（userAccountControl），不能登录；资料、邮箱和组不变，可以随时重新启用。"
		t.EN = "The Active Directory account is disabled (userAccountControl) and cannot sign in; profile, mailbox and groups stay, and it can be enabled again at any time."
	} else if d != nil {
		t.ZH = "条目被标记 " + c.o.Disabled + "；是否禁止登录取决于使用该标记的系统。资料和组不变，可以随时重新启用。"
		t.EN = "The entry is marked " + c.o.Disabled + "; whether that stops the sign-in is up to the systems that look at it. Profile and groups stay, and it can be enabled again at any time."
	}
	if c.left != nil {
		t.ZH += "账号还会移到 " + c.o.LeftDN + "；重新启用时不会移回。"
		t.EN += " It is moved to " + c.o.LeftDN + " as well, and not moved back when it is enabled again."
	}
	return t
}

// reads is how many searches a Read makes: the base, the departments, the people,
// who shows whether they have each attribute, and in Active Directory what may be
// written of a few of them.
func (c *Connector) reads(users, departments int) int {
	pages := func(n int) int { return n/c.o.PageSize + 1 }
	n := 1 + pages(departments) + 2*pages(users)
	if d := c.dialect.Load(); d != nil && d.kind == AD {
		n += samples
	}
	return n
}
