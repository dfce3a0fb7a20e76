package scim

import (
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// The schemas and messages of RFC 7643 and RFC 7644, and our own extension of
// Group: parent (the id of a group), order (a number) and leaders (a list of
// {value: user id}).
const (
	urnUser       = "urn:ietf:params:scim:schemas:core:2.0:User"
	urnGroup      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	urnEnterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	urnDepartment = "urn:rollcall:params:scim:schemas:extension:2.0:Department"
	urnPatch      = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
)

// The attributes that the connector acts on by name.
const (
	attrID         = "id"
	attrLogin      = "userName"
	attrExternal   = "externalId"
	attrName       = directory.AttrName
	attrActive     = directory.AttrActive
	attrEmail      = directory.AttrEmail
	attrManager    = directory.AttrManager
	attrGroups     = directory.AttrGroups
	attrParent     = directory.AttrParent
	attrOrder      = "order"
	attrLeaders    = "leaders"
	attrDisplay    = "displayName"
	attrMembers    = "members"
	attrUserGroups = "groups"
)

// What has to be so for a value to be seen, as admins read it.
const (
	permissionSchema  = "SCIM Schemas (declared by the service) / SCIM Schemas（服务已声明）"
	permissionOdd     = "SCIM value of the right type / SCIM 属性值类型正确"
	permissionMembers = "SCIM group members / SCIM 群组成员（members）"
)

// settle is how long after a lost call a service may still be at work: common
// gateways give up after 60 s or less.
const settle = 60 * time.Second

// spec is one attribute of users: where it stands in a resource.
type spec struct {
	name     string
	typ      directory.Type
	path     path
	also     path // read when nothing is at path; zero: none
	login    bool
	readOnly bool
	always   bool // the RFC guarantees it
}

// userSpecs lists what is read and written of users.
func userSpecs(o Options) []spec {
	text := func(name, at string) spec { return spec{name: name, typ: directory.Text, path: mustPath(at)} }
	enterprise := func(name, at string) spec { return text(name, urnEnterprise+":"+at) }
	list := []spec{
		{name: attrID, typ: directory.Text, path: mustPath("id"), readOnly: true, always: true},
		{name: attrLogin, typ: directory.Text, path: mustPath("userName"), login: true, always: true},
		{name: attrExternal, typ: directory.Text, path: mustPath("externalId"), login: true, always: true},
		{name: attrName, typ: directory.Text, path: mustPath(attrDisplay), also: mustPath("name.formatted")},
		text("givenName", "name.givenName"),
		text("familyName", "name.familyName"),
		{name: attrEmail, typ: directory.Text, path: mustPath(`emails[type eq "work"].value`), also: mustPath("emails.value"), login: true},
		text(directory.AttrMobile, `phoneNumbers[type eq "mobile"].value`),
		text("telephone", `phoneNumbers[type eq "work"].value`),
		text(directory.AttrTitle, "title"),
		enterprise(directory.AttrEmployeeNo, "employeeNumber"),
		{name: attrManager, typ: directory.Refs, path: mustPath(urnEnterprise + ":manager")},
		enterprise("department", "department"),
		enterprise("division", "division"),
		enterprise("organization", "organization"),
		enterprise("costCenter", "costCenter"),
		{name: attrActive, typ: directory.Bool, path: mustPath("active")},
		text("locale", "locale"),
		text("preferredLanguage", "preferredLanguage"),
		text("timezone", "timezone"),
		text("nickName", "nickName"),
		text("userType", "userType"),
	}
	for _, a := range o.Attributes {
		p, _ := parsePath(a.Path) // validate has seen it
		list = append(list, spec{name: a.Name, typ: a.Type, path: p})
	}
	return list
}

// ownName tells whether an attribute's name is one of ours.
func ownName(name string) bool {
	for _, s := range userSpecs(Options{}) {
		if s.name == name {
			return true
		}
	}
	return name == attrGroups || name == directory.AttrDepartments
}

// describe builds the connector's Info.
func (c *Connector) describe(tenant string) connector.Info {
	o := c.options
	info := connector.Info{
		Type:   "scim",
		Tenant: tenant,
		Ops: map[directory.Kind][]plan.Op{
			directory.User: {plan.Create, plan.Update, plan.Disable, plan.Delete},
		},
		Reads:       c.reads,
		CallTimeout: o.CallTimeout,
		Settle:      settle,
		DeleteMeans: connector.Text{
			ZH: "账号从该服务删除（SCIM DELETE）；数据如何处理由服务决定，一般不能恢复，只能重新创建。",
			EN: "The account is deleted from the service (SCIM DELETE); what becomes of its data is up to the service. Usually it cannot be brought back, only created again.",
		},
		DisableMeans: connector.Text{
			ZH: "账号设为停用（active = false），不能登录；账号和数据保留，可以随时重新启用。",
			EN: "The account is set inactive (active = false) and cannot sign in; account and data stay, and it can be enabled again at any time.",
		},
	}
	for _, s := range c.specs {
		a := connector.Attribute{Kind: directory.User, Name: s.name, Type: s.typ, Writable: !s.readOnly, LoginID: s.login, Permission: permissionSchema}
		if s.always {
			a.Permission = ""
		}
		info.Attributes = append(info.Attributes, a)
	}
	if o.Departments == NoGroups {
		return info
	}
	info.Ops[directory.Department] = []plan.Op{plan.Create, plan.Update, plan.Delete}
	info.Attributes = append(info.Attributes,
		connector.Attribute{Kind: directory.User, Name: attrGroups, Type: directory.Refs, Writable: true, Permission: permissionMembers},
		connector.Attribute{Kind: directory.User, Name: directory.AttrDepartments, Type: directory.Refs, Permission: permissionMembers},
	)
	department := func(name string, t directory.Type, permission string) {
		info.Attributes = append(info.Attributes, connector.Attribute{
			Kind: directory.Department, Name: name, Type: t, Writable: name != attrID, Permission: permission,
		})
	}
	department(attrID, directory.Text, "")
	department(attrName, directory.Text, "")
	department(attrExternal, directory.Text, "")
	if o.Departments == Extension {
		department(attrParent, directory.Refs, permissionSchema)
		department(attrOrder, directory.Int, permissionSchema)
		department(attrLeaders, directory.Refs, permissionSchema)
	}
	return info
}

// discoveries is how many calls tell what a service can do.
const discoveries = 3

// reads counts the calls of a first Read: those of discovery, and the pages.
func (c *Connector) reads(users, departments int) int {
	n := discoveries + c.listings(users)
	if c.options.Departments != NoGroups {
		n += c.listings(departments)
	}
	return n
}

// listings is how many calls list so many resources: their pages, and after one full
// page a look at what may come after it.
func (c *Connector) listings(rows int) int {
	n := pages(rows, c.options.PageSize)
	if rows == c.options.PageSize {
		n++
	}
	return n
}

func pages(rows, size int) int { return max(1, (rows+size-1)/size) }
