package ldapdir

import (
	"cmp"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// form is how a value stands in the directory.
type form uint8

const (
	formText form = iota
	formInt
	formBool
	formTime     // generalized time
	formFileTime // 100 ns since 1601, Active Directory's
	formList
	formUsers
	formDepartments
)

// kinds are the types that the configuration knows.
var kinds = map[string]form{
	"": formText, "text": formText, "int": formInt, "bool": formBool, "date": formTime,
	"list": formList, "users": formUsers, "departments": formDepartments,
}

// field is one attribute of people.
type field struct {
	name      string // as mappings call it
	attribute string // as the directory does
	form      form
	writable  bool
	login     bool
	// always: the server shows it on every entry, so that its absence needs no
	// proof.
	always bool
}

func (f *field) valueType() directory.Type {
	switch f.form {
	case formInt:
		return directory.Int
	case formBool:
		return directory.Bool
	case formTime, formFileTime:
		return directory.Date
	case formList:
		return directory.List
	case formUsers, formDepartments:
		return directory.Refs
	default:
		return directory.Text
	}
}

// The names of attributes in the connector's own words.
const (
	attrDN        = "dn"
	attrTelephone = "telephone"
	attrCreated   = "created"
)

// reserved tells whether the configuration may not give a name another meaning.
func reserved(name string) bool {
	switch name {
	case attrDN, directory.AttrDepartments, directory.AttrActive, directory.AttrParent, directory.AttrPath,
		directory.AttrDepartmentPath, directory.AttrDepartmentPaths, directory.AttrLeads:
		return true
	default:
		return false
	}
}

// dialect is what differs between servers.
type dialect struct {
	kind       string
	idAttr     string
	users      string // filter
	ous        string // filter
	ownOUs     bool   // the department filter is the default
	rdn        string
	classes    []string
	login      string // the attribute that must be given for a new person
	fields     []field
	offName    string // OpenLDAP: attribute and value that mark the disabled
	offValue   string
	presence   string // a filter that matches whoever shows whether they have each attribute
	attributes []string
}

const (
	attrUAC       = "userAccountControl"
	attrEffective = "allowedAttributesEffective"
	attrPwdSet    = "pwdLastSet"
	attrHasBelow  = "hasSubordinates"
)

// newDialect builds the dialect of a kind with the options' changes.
func newDialect(kind string, o *Options) *dialect {
	d := &dialect{kind: kind}
	if kind == AD {
		d.idAttr, d.rdn, d.login = "objectGUID", "CN", "sAMAccountName"
		d.users = "(&(objectCategory=person)(objectClass=user))"
		d.classes = []string{"top", "person", "organizationalPerson", "user"}
		d.fields = adFields()
	} else {
		d.idAttr, d.rdn, d.login = "entryUUID", "uid", "uid"
		d.users = "(objectClass=inetOrgPerson)"
		d.classes = []string{"inetOrgPerson"}
		d.fields = openLDAPFields()
		d.offName, d.offValue, _ = cutDisabled(o.Disabled)
	}
	d.ous, d.ownOUs = "(objectClass=organizationalUnit)", o.DepartmentFilter == ""
	d.users, d.ous, d.rdn = cmp.Or(o.UserFilter, d.users), cmp.Or(o.DepartmentFilter, d.ous), cmp.Or(o.RDN, d.rdn)
	if len(o.ObjectClasses) > 0 {
		d.classes = slices.Clone(o.ObjectClasses)
	}
	for _, a := range o.Attributes {
		f := field{name: a.Name, attribute: cmp.Or(a.Attribute, a.Name), form: kinds[a.Type], writable: true}
		if f.form == formTime && kind == AD && fileTimes[strings.ToLower(f.attribute)] {
			f.form = formFileTime
		}
		at := slices.IndexFunc(d.fields, func(g field) bool { return g.name == a.Name })
		if at >= 0 {
			f.login = d.fields[at].login
			d.fields[at] = f
			continue
		}
		d.fields = append(d.fields, f)
	}
	for i := range d.fields {
		// Whoever wrote the mark's attribute would enable an account without a word.
		if f := &d.fields[i]; d.offName != "" && strings.EqualFold(f.attribute, d.offName) {
			f.writable = false
		}
	}
	d.finish()
	return d
}

// finish derives what is asked for and how visibility is proven.
func (d *dialect) finish() {
	d.attributes = []string{d.idAttr}
	var tests strings.Builder
	add := func(attribute string, always bool) {
		if slices.ContainsFunc(d.attributes, func(have string) bool { return strings.EqualFold(have, attribute) }) {
			return
		}
		d.attributes = append(d.attributes, attribute)
		if !always {
			tests.WriteString(visible(attribute))
		}
	}
	for _, f := range d.fields {
		add(f.attribute, f.always)
	}
	if d.kind == AD {
		add(attrUAC, false)
	} else if d.offName != "" {
		add(d.offName, false)
	}
	d.presence = "(&" + tests.String() + ")"
}

// visible is a filter that matches an entry of which the server tells us whether
// it has an attribute. For one that access rules hide both halves are undefined,
// and so is the whole (RFC 4511 section 4.5.1.7).
func visible(attribute string) string {
	return "(|(" + attribute + "=*)(!(" + attribute + "=*)))"
}

// fileTimes are Active Directory's attributes that hold a time as a number.
var fileTimes = map[string]bool{
	"accountexpires": true, "pwdlastset": true, "lastlogon": true, "lastlogontimestamp": true,
	"lastlogoff": true, "badpasswordtime": true, "lockouttime": true,
}

func openLDAPFields() []field {
	return []field{
		{name: "uid", attribute: "uid", writable: true, login: true},
		{name: directory.AttrName, attribute: "cn", writable: true},
		{name: "displayName", attribute: "displayName", writable: true},
		{name: "sn", attribute: "sn", writable: true},
		{name: "givenName", attribute: "givenName", writable: true},
		{name: directory.AttrEmail, attribute: "mail", writable: true, login: true},
		{name: directory.AttrMobile, attribute: "mobile", writable: true},
		{name: attrTelephone, attribute: "telephoneNumber", writable: true},
		{name: directory.AttrEmployeeNo, attribute: "employeeNumber", writable: true},
		{name: directory.AttrTitle, attribute: "title", writable: true},
		{name: directory.AttrManager, attribute: "manager", form: formUsers, writable: true},
		{name: attrCreated, attribute: "createTimestamp", form: formTime, always: true},
	}
}

func adFields() []field {
	return []field{
		{name: "sAMAccountName", attribute: "sAMAccountName", writable: true, login: true},
		{name: "userPrincipalName", attribute: "userPrincipalName", writable: true, login: true},
		{name: directory.AttrName, attribute: "displayName", writable: true},
		{name: "cn", attribute: "cn", writable: true},
		{name: "sn", attribute: "sn", writable: true},
		{name: "givenName", attribute: "givenName", writable: true},
		{name: directory.AttrEmail, attribute: "mail", writable: true, login: true},
		{name: directory.AttrMobile, attribute: "mobile", writable: true},
		{name: attrTelephone, attribute: "telephoneNumber", writable: true},
		{name: directory.AttrEmployeeNo, attribute: "employeeID", writable: true},
		{name: directory.AttrTitle, attribute: "title", writable: true},
		{name: directory.AttrManager, attribute: "manager", form: formUsers, writable: true},
		{name: attrCreated, attribute: "whenCreated", form: formTime, always: true},
	}
}

// field finds an attribute by its name in mappings.
func (d *dialect) field(name string) (*field, bool) {
	for i := range d.fields {
		if d.fields[i].name == name {
			return &d.fields[i], true
		}
	}
	return nil, false
}

// leadsTo gives the kind of object that a field of references names.
func (d *dialect) leadsTo(field string) directory.Kind {
	if f, ok := d.field(field); ok && f.form == formDepartments {
		return directory.Department
	}
	return directory.User
}

// canDisable tells whether accounts can be disabled.
func (d *dialect) canDisable() bool { return d.kind == AD || d.offName != "" }

// filter gives the filter of a kind.
func (d *dialect) filter(kind directory.Kind) string {
	if kind == directory.Department {
		return d.ous
	}
	return d.users
}

// byID is a filter for objects by their ids; ids that are none are left out.
func (d *dialect) byID(ids ...guid) string {
	var b strings.Builder
	b.WriteString("(|")
	for _, g := range ids {
		value := ldap.EscapeFilter(g.String())
		if d.kind == AD {
			value = escaped(g.wire())
		}
		b.WriteString("(" + d.idAttr + "=" + value + ")")
	}
	b.WriteString(")")
	return b.String()
}

// idOf gives an entry's id.
func (d *dialect) idOf(e *ldap.Entry) (guid, bool) {
	if d.kind == AD {
		return objectGUID(e.GetEqualFoldRawAttributeValue(d.idAttr))
	}
	return parseGUID(strings.ToLower(e.GetEqualFoldAttributeValue(d.idAttr)))
}
