package feishu

import (
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// The permissions that show fields. Where several do, the narrowest is named.
const (
	permBase       = "contact:user.base:readonly"
	permEmail      = "contact:user.email:readonly"
	permPhone      = "contact:user.phone:readonly"
	permGender     = "contact:user.gender:readonly"
	permNumber     = "contact:user.employee_number:read"
	permEmployee   = "contact:user.employee:readonly"
	permDepartment = "contact:user.department:readonly"
	permUserID     = "contact:user.employee_id:readonly"
	permDeptBase   = "contact:department.base:readonly"
	permDeptTree   = "contact:department.organize:readonly"
	permDotted     = "contact:user.dotted_line_leader_info.read"
	permLevel      = "contact:user.job_level:readonly"
	permFamily     = "contact:user.job_family:readonly"
	permGeo        = "contact:user.user_geo"
	permList       = "contact:contact.base:readonly"
	permCustom     = "contact:contact:readonly_as_app"
	// permDefinitions shows the definitions of custom fields: either of the two. The
	// vendor's pages do not agree on which.
	permDefinitions = permList + " | " + permCustom
)

// customPrefix begins the names of the tenant's own fields.
const customPrefix = "custom."

// form is how a field looks on the wire.
type form uint8

const (
	plainText      form = iota // a string
	number                     // a whole number
	flag                       // true or false
	statusFlag                 // true or false inside "status"
	unixDay                    // Unix seconds of a day; 0 is none
	userRef                    // one user's id; "" is none
	userRefs                   // a list of users' ids
	departments                // department ids; the root alone is none
	parentRef                  // one department's id; the root is none
	memberOrder                // the numbers in "orders", one for each department
	leaderList                 // heads of a department, the main one first
	ledDepartments             // derived from the heads of all departments
	custom                     // an entry of "custom_attrs", as a text
	customUser                 // the same, as a reference to a user
)

// field is one attribute: how it is called here and on the wire.
type field struct {
	name       string
	wire       string
	form       form
	permission string
	writable   bool
	atCreation bool // writable when the object is created, and never again
	login      bool
	// omitted fields are left out of a reply when they are empty, so that absence
	// means 'empty' once the permission is known to be granted. Every other field
	// that is absent is unknown, whatever was granted.
	omitted bool
	// declared is the vendor's type of a custom field, as the configuration says
	// it; "" when it is to be learned.
	declared string
}

func (f *field) valueType() directory.Type {
	switch f.form {
	case number:
		return directory.Int
	case flag, statusFlag:
		return directory.Bool
	case unixDay:
		return directory.Date
	case userRef, userRefs, departments, parentRef, leaderList, ledDepartments, customUser:
		return directory.Refs
	case memberOrder:
		return directory.List
	default:
		return directory.Text
	}
}

// fieldTable holds the attributes of both kinds.
type fieldTable struct {
	users, departments []field
}

func newFieldTable(o *Options) fieldTable {
	t := fieldTable{users: userFields(), departments: departmentFields()}
	if o.Leads {
		t.users = append(t.users, field{name: directory.AttrLeads, form: ledDepartments, permission: permDeptTree})
	}
	for _, declared := range o.CustomAttributes {
		id, kind, _ := strings.Cut(declared, ":")
		f := field{name: customPrefix + id, wire: id, form: custom, permission: permEmployee, writable: true, declared: customKind(kind)}
		if f.declared == kindUser {
			f.form = customUser
		}
		t.users = append(t.users, f)
	}
	return t
}

func (t *fieldTable) of(kind directory.Kind) []field {
	if kind == directory.Department {
		return t.departments
	}
	return t.users
}

func (t *fieldTable) find(kind directory.Kind, name string) (*field, bool) {
	fields := t.of(kind)
	for i := range fields {
		if fields[i].name == name {
			return &fields[i], true
		}
	}
	return nil, false
}

// userFields lists Feishu's own names, and beside them the names that every
// system uses for the same thing.
func userFields() []field {
	return []field{
		{name: "user_id", wire: "user_id", permission: permUserID, writable: true, atCreation: true},
		{name: "open_id", wire: "open_id"},
		{name: "union_id", wire: "union_id"},
		{name: directory.AttrName, wire: "name", permission: permBase, writable: true},
		{name: "en_name", wire: "en_name", permission: permBase, writable: true},
		{name: "nickname", wire: "nickname", permission: permBase, writable: true},
		{name: directory.AttrMobile, wire: "mobile", permission: permPhone, writable: true, login: true},
		{name: directory.AttrEmail, wire: "email", permission: permEmail, writable: true, login: true},
		{name: "enterprise_email", wire: "enterprise_email", permission: permEmail, writable: true, login: true},
		{name: "gender", wire: "gender", form: number, permission: permGender, writable: true},
		{name: directory.AttrEmployeeNo, wire: "employee_no", permission: permNumber, writable: true},
		{name: "employee_type", wire: "employee_type", form: number, permission: permEmployee, writable: true},
		{name: directory.AttrTitle, wire: "job_title", permission: permEmployee, writable: true},
		{name: "job_title", wire: "job_title", permission: permEmployee, writable: true},
		{name: "join_time", wire: "join_time", form: unixDay, permission: permEmployee, writable: true},
		{name: directory.AttrDepartments, wire: "department_ids", form: departments, permission: permDepartment, writable: true},
		{name: "department_ids", wire: "department_ids", form: departments, permission: permDepartment, writable: true},
		{name: directory.AttrManager, wire: "leader_user_id", form: userRef, permission: permDepartment, writable: true, omitted: true},
		{name: "leader_user_id", wire: "leader_user_id", form: userRef, permission: permDepartment, writable: true, omitted: true},
		{name: "dotted_line_leaders", wire: "dotted_line_leader_user_ids", form: userRefs, permission: permDotted, writable: true, omitted: true},
		{name: "department_order", wire: "orders", form: memberOrder, permission: permDepartment, writable: true},
		{name: "mobile_visible", wire: "mobile_visible", form: flag, permission: permBase, writable: true},
		{name: "country", wire: "country", permission: permEmployee, writable: true},
		{name: "city", wire: "city", permission: permEmployee, writable: true},
		{name: "work_station", wire: "work_station", permission: permEmployee, writable: true},
		{name: "job_level_id", wire: "job_level_id", permission: permLevel, writable: true},
		{name: "job_family_id", wire: "job_family_id", permission: permFamily, writable: true},
		{name: "geo", wire: "geo", permission: permGeo, writable: true, atCreation: true},
		{name: "time_zone", wire: "time_zone", permission: permEmployee},
		{name: "is_activated", wire: "is_activated", form: statusFlag, permission: permEmployee},
		{name: "is_unjoin", wire: "is_unjoin", form: statusFlag, permission: permEmployee},
		{name: "is_tenant_manager", wire: "is_tenant_manager", form: flag, permission: permEmployee},
	}
}

func departmentFields() []field {
	return []field{
		{name: directory.AttrName, wire: "name", permission: permDeptBase, writable: true},
		{name: directory.AttrParent, wire: "parent_department_id", form: parentRef, permission: permDeptTree, writable: true},
		{name: "order", wire: "order", permission: permDeptBase, writable: true},
		{name: "leader", wire: "leader_user_id", form: userRef, permission: permDeptTree, writable: true, omitted: true},
		{name: "leaders", wire: "leaders", form: leaderList, permission: permDeptTree, writable: true, omitted: true},
		{name: "department_id", wire: "department_id", permission: permDeptBase},
	}
}
