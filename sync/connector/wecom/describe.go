package wecom

import (
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// The attributes in WeCom's own words. Those that have a standard name in
// package directory come under that too, for reading.
const (
	attrUserID       = "userid"
	attrName         = directory.AttrName
	attrAlias        = "alias"
	attrMobile       = directory.AttrMobile
	attrEmail        = directory.AttrEmail
	attrBizMail      = "biz_mail"
	attrPosition     = "position"
	attrGender       = "gender"
	attrTelephone    = "telephone"
	attrAddress      = "address"
	attrDepartment   = "department"
	attrDirectLeader = "direct_leader"
	attrActive       = directory.AttrActive
	attrID           = "id"
	attrNameEN       = "name_en"
	attrParent       = directory.AttrParent
	attrOrder        = "order"
	attrLeads        = directory.AttrLeads
	attrDeptOrder    = "department_order"
	extPrefix        = "extattr."
	webPrefix        = "web:" // of a configured custom attribute that holds a web address
)

// The permissions that hide attributes, as admins read them.
const (
	permissionApp    = "wecom app secret / 企业微信自建应用 Secret (app_secret)"
	permissionScope  = "wecom app secret (visible scope) / 企业微信自建应用可见范围"
	permissionMember = "wecom member consent / 成员授权（敏感信息）"
	permissionUnread = "wecom page not read / 该部门成员未能读到"
)

// settle is how long after a lost call the vendor may still be at work. The
// vendor gives no figure; its own gateway gives up well below it.
const settle = 30 * time.Second

// describe builds the connector's Info.
func describe(o Options) connector.Info {
	return connector.Info{
		Type:        "wecom",
		Tenant:      o.CorpID,
		IDAttribute: attrUserID, DepartmentIDAttribute: attrID,
		Ops: map[directory.Kind][]plan.Op{
			directory.User:       {plan.Create, plan.Update, plan.Disable, plan.Delete},
			directory.Department: {plan.Create, plan.Update, plan.Delete},
		},
		Attributes:  attributes(o.ExtAttrs),
		UniqueID:    true,
		CallTimeout: o.CallTimeout,
		Settle:      settle,
		Reads:       reads(o),
		DeleteMeans: connector.Text{
			ZH: "成员从企业微信删除，绑定的腾讯企业邮箱及其邮件一并删除；不能恢复，只能重新创建一个空账号。",
			EN: "The member is deleted from WeCom, and the bound Tencent Exmail mailbox with all its mail; it cannot be brought back, only an empty account can be created again.",
		},
		DisableMeans: connector.Text{
			ZH: "成员被禁用，不能登录企业微信；资料和邮箱保留，可以随时重新启用。",
			EN: "The member is disabled and cannot sign in to WeCom; profile and mailbox stay, and it can be enabled again at any time.",
		},
	}
}

// attributes lists what is read and written. What an app sees depends on its
// visible scope; phone, mail and the like also on each member's consent.
func attributes(extra []string) []connector.Attribute {
	user := func(name string, t directory.Type, permission string) connector.Attribute {
		return connector.Attribute{Kind: directory.User, Name: name, Type: t, Writable: true, Permission: permission}
	}
	means := func(standard string, a connector.Attribute) connector.Attribute { a.Means = standard; return a }
	login := func(a connector.Attribute) connector.Attribute { a.LoginID = true; return a }
	readOnly := func(a connector.Attribute) connector.Attribute { a.Writable = false; return a }
	department := func(name string, t directory.Type, permission string) connector.Attribute {
		return connector.Attribute{Kind: directory.Department, Name: name, Type: t, Writable: true, Permission: permission}
	}
	list := []connector.Attribute{
		login(user(attrUserID, directory.Text, "")),
		user(attrName, directory.Text, permissionScope),
		user(attrAlias, directory.Text, permissionScope),
		login(user(attrMobile, directory.Text, permissionMember)),
		login(user(attrEmail, directory.Text, permissionMember)),
		login(user(attrBizMail, directory.Text, permissionMember)),
		means(directory.AttrTitle, user(attrPosition, directory.Text, permissionScope)),
		user(attrGender, directory.Text, permissionMember),
		user(attrTelephone, directory.Text, permissionScope),
		user(attrAddress, directory.Text, permissionMember),
		means(directory.AttrDepartments, user(attrDepartment, directory.Refs, permissionScope)),
		user(attrLeads, directory.Refs, permissionScope),
		user(attrDeptOrder, directory.List, permissionScope),
		means(directory.AttrManager, user(attrDirectLeader, directory.Refs, permissionScope)),
		user(attrActive, directory.Bool, permissionScope),
		readOnly(user(directory.AttrDepartments, directory.Refs, permissionScope)),
		readOnly(user(directory.AttrTitle, directory.Text, permissionScope)),
		readOnly(user(directory.AttrManager, directory.Refs, permissionScope)),
	}
	for _, e := range extra {
		_, name := extKind(e)
		list = append(list, user(extPrefix+name, directory.Text, permissionScope))
	}
	return append(list,
		department(attrID, directory.Text, ""),
		department(attrName, directory.Text, permissionScope),
		department(attrNameEN, directory.Text, permissionScope),
		department(attrParent, directory.Refs, ""),
		department(attrOrder, directory.Int, ""),
	)
}

// reads counts the calls of a Read: the departments' ids and names, the pages of
// people's ids, and one listing of details for each department.
func reads(o Options) func(users, departments int) int {
	return func(users, departments int) int {
		return 2 + max(1, (users+o.PageSize-1)/o.PageSize) + departments
	}
}
