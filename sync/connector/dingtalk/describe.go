package dingtalk

import (
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// The attributes. Those without a standard name in package directory go by
// DingTalk's own.
const (
	attrUserID     = "userid"
	attrUnionID    = "unionid"
	attrOrgEmail   = "org_email"
	attrTelephone  = "telephone"
	attrWorkPlace  = "work_place"
	attrRemark     = "remark"
	attrHiredDate  = "hired_date"
	attrDeptOrder  = "dept_order"
	attrExclusive  = "exclusive_account"
	extPrefix      = "extension."
	attrDeptID     = "dept_id"
	attrOrder      = "order"
	attrIdentifier = "source_identifier"
	attrCode       = "code"
)

// What hides attributes, as admins read it.
const (
	permissionMobile   = "企业员工手机号信息 (dingtalk: employees' mobile numbers)"
	permissionPersonal = "邮箱等个人信息 (dingtalk: mail address and other personal data)"
	hiddenListing      = "dingtalk: not in its listings / 钉钉的列表接口不返回"
	hiddenStatus       = "dingtalk: status of enterprise accounts is told one by one only / 企业账号的状态只能逐个查询"
	hiddenUnread       = "dingtalk: could not be read this time / 这一次未能读到"
)

// settle is how long after a lost call the vendor may still be at work. The
// vendor gives no figure; its gateway gives up well below it.
const settle = 30 * time.Second

// Describe tells what DingTalk can do. An ordinary account cannot be stopped:
// DISABLE is among the operations when accounts are moved instead, or once a
// listing has shown an enterprise account. Without it a plan says that somebody
// has to disable the account by hand.
func (c *Connector) Describe() connector.Info {
	users := []plan.Op{plan.Create, plan.Update, plan.Delete}
	if c.quarantine != 0 || c.exclusive.Load() {
		users = []plan.Op{plan.Create, plan.Update, plan.Disable, plan.Delete}
	}
	return connector.Info{
		Type:        "dingtalk",
		Tenant:      c.options.ClientID,
		IDAttribute: attrUserID,
		Ops: map[directory.Kind][]plan.Op{
			directory.User:       users,
			directory.Department: {plan.Create, plan.Update, plan.Delete},
		},
		Attributes:  attributes(c.options.CustomAttributes),
		Reads:       c.reads,
		UniqueID:    true,
		CallTimeout: c.options.CallTimeout,
		Settle:      settle,
		DeleteMeans: connector.Text{
			ZH: "成员从钉钉企业通讯录移除，并从考勤组和智能人事花名册中移出；24 小时内重新加入须本人同意，考勤组等设置须重新配置，不是随手可以撤回的操作。",
			EN: "The member is removed from the corp, its attendance group and the HR roster; to come back within 24 hours takes the person's own consent, and attendance settings have to be made anew: it is not easily undone.",
		},
		DisableMeans: c.disableMeans(),
	}
}

func (c *Connector) disableMeans() connector.Text {
	if c.quarantine != 0 {
		return connector.Text{
			ZH: "企业账号被停用，不能登录，可以重新启用。普通账号无法停用：移到部门 " + c.options.Quarantine + "，不再属于原部门，但仍能登录钉钉、仍在企业内；原部门不会保留，恢复时按映射重新给出。",
			EN: "An enterprise account is disabled, cannot sign in and can be enabled again. An ordinary account cannot be stopped: it is moved to department " + c.options.Quarantine + " and leaves its own, but still signs in and stays in the corp; its departments are not kept, the mapping gives them anew.",
		}
	}
	return connector.Text{
		ZH: "企业账号被停用，不能登录，可以重新启用。普通账号无法停用，操作会被拒绝。",
		EN: "An enterprise account is disabled, cannot sign in and can be enabled again. An ordinary account cannot be stopped: the operation is refused.",
	}
}

// reads counts the calls of a Read: the scope and the number of employees; for
// the root and each department its children and the pages of its members; and
// what the options add.
func (c *Connector) reads(users, departments int) int {
	const around = 2
	size := c.options.PageSize
	more := 0
	if c.options.Managers {
		more += users
	}
	if c.options.DepartmentDetails {
		more += departments
	}
	pages := func(n int) int { return max(1, (n+size-1)/size) }
	if departments == 0 {
		return around + 1 + pages(users) + more
	}
	each := (users + departments - 1) / departments
	return around + (departments + 1) + 1 + departments*pages(each) + more
}

// attributes lists what is read and written.
func attributes(custom []string) []connector.Attribute {
	user := func(name string, t directory.Type, permission string) connector.Attribute {
		return connector.Attribute{Kind: directory.User, Name: name, Type: t, Writable: true, Permission: permission}
	}
	login := func(a connector.Attribute) connector.Attribute { a.LoginID = true; return a }
	readOnly := func(a connector.Attribute) connector.Attribute { a.Writable = false; return a }
	department := func(name string, t directory.Type, permission string) connector.Attribute {
		return connector.Attribute{Kind: directory.Department, Name: name, Type: t, Writable: true, Permission: permission}
	}
	list := []connector.Attribute{
		user(attrUserID, directory.Text, ""),
		readOnly(user(attrUnionID, directory.Text, "")),
		user(directory.AttrName, directory.Text, ""),
		login(user(directory.AttrMobile, directory.Text, permissionMobile)),
		user(directory.AttrEmail, directory.Text, permissionPersonal),
		user(attrOrgEmail, directory.Text, permissionPersonal),
		user(attrTelephone, directory.Text, ""),
		user(directory.AttrTitle, directory.Text, ""),
		user(directory.AttrEmployeeNo, directory.Text, ""),
		user(attrWorkPlace, directory.Text, permissionPersonal),
		user(attrRemark, directory.Text, permissionPersonal),
		user(attrHiredDate, directory.Date, ""),
		user(directory.AttrDepartments, directory.Refs, ""),
		user(attrDeptOrder, directory.List, ""),
		user(directory.AttrLeads, directory.Refs, ""),
		user(directory.AttrManager, directory.Refs, hiddenListing),
		user(directory.AttrActive, directory.Bool, ""),
		readOnly(user(attrExclusive, directory.Bool, "")),
	}
	for _, name := range custom {
		list = append(list, user(extPrefix+name, directory.Text, permissionPersonal))
	}
	return append(list,
		readOnly(department(attrDeptID, directory.Text, "")),
		department(directory.AttrName, directory.Text, ""),
		department(directory.AttrParent, directory.Refs, ""),
		department(attrOrder, directory.Int, hiddenListing),
		department(attrIdentifier, directory.Text, hiddenListing),
		department(attrCode, directory.Text, hiddenListing),
	)
}
