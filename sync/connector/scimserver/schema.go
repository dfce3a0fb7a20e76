package scimserver

import (
	"strings"

	"github.com/rollcallhq/rollcall/sync/shelf"
)

// The schemas that we know. The first three are RFC 7643's.
const (
	userSchema       = "urn:ietf:params:scim:schemas:core:2.0:User"
	groupSchema      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	enterpriseSchema = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	// departmentSchema is ours: what a group lacks to be a department.
	departmentSchema = "urn:rollcall:params:scim:schemas:extension:2.0:Department"
)

// kindOfValue is the type of an attribute, as RFC 7643 §2.3 names it.
type kindOfValue string

const (
	tText     kindOfValue = "string"
	tBool     kindOfValue = "boolean"
	tInt      kindOfValue = "integer"
	tDate     kindOfValue = "dateTime"
	tRef      kindOfValue = "reference"
	tBinary   kindOfValue = "binary"
	tComplex  kindOfValue = "complex"
	nameValue             = "value"
)

// attribute is one attribute of a schema.
type attribute struct {
	name      string
	typ       kindOfValue
	multi     bool
	exact     bool // upper and lower case differ
	required  bool
	readOnly  bool
	writeOnly bool // is taken and never kept or shown: password
	unique    bool
	subs      []attribute
}

// find gives an attribute by its name, in any case. What Microsoft's own client
// calls displayName within a member is display.
func find(list []attribute, name string) (*attribute, bool) {
	for i := range list {
		if strings.EqualFold(list[i].name, name) {
			return &list[i], true
		}
	}
	return nil, false
}

// sub gives a part of a complex attribute.
func (a *attribute) sub(name string) (*attribute, bool) {
	if a.name == "members" && strings.EqualFold(name, "displayName") {
		name = "display"
	}
	return find(a.subs, name)
}

// schema is a set of attributes with a name.
type schema struct {
	id, name, what string
	attributes     []attribute
}

// resource is a kind of resource: its own schema and the extensions.
type resource struct {
	kind       shelf.Kind
	endpoint   string
	core       schema
	extensions []schema
	// keeps are the attributes that a PUT without them leaves as they are.
	keeps []string
}

// extension gives an extension by its URN.
func (r *resource) extension(urn string) (*schema, bool) {
	for i := range r.extensions {
		if strings.EqualFold(r.extensions[i].id, urn) {
			return &r.extensions[i], true
		}
	}
	return nil, false
}

// schema gives the core schema or an extension; "" is the core.
func (r *resource) schema(urn string) (*schema, bool) {
	if urn == "" || strings.EqualFold(urn, r.core.id) {
		return &r.core, true
	}
	return r.extension(urn)
}

// splitURN takes the schema off a path: the longest that we know, else what
// stands before the last colon in front of any bracket. rest is "" when the path
// is a schema.
func (r *resource) splitURN(path string) (urn, rest string) {
	if len(path) < 4 || !strings.EqualFold(path[:4], "urn:") {
		return "", path
	}
	ids := []string{r.core.id}
	for i := range r.extensions {
		ids = append(ids, r.extensions[i].id)
	}
	for _, id := range ids {
		if strings.EqualFold(path, id) {
			return id, ""
		}
		if n := len(id); len(path) > n && strings.EqualFold(path[:n], id) && (path[n] == ':' || path[n] == '.') {
			urn, rest = id, path[n+1:]
		}
	}
	if urn != "" {
		return urn, rest
	}
	head, _, _ := strings.Cut(path, "[")
	i := strings.LastIndexByte(head, ':')
	return path[:i], path[i+1:]
}

// text, flag and the like make attributes.
func text(names ...string) []attribute {
	list := make([]attribute, len(names))
	for i, name := range names {
		list[i] = attribute{name: name, typ: tText}
	}
	return list
}

func complexOf(name string, subs ...attribute) attribute {
	return attribute{name: name, typ: tComplex, subs: subs}
}

// plural is a multi-valued attribute with the usual parts of RFC 7643 §2.4.
func plural(name string, value kindOfValue) attribute {
	subs := append([]attribute{{name: nameValue, typ: value, exact: value == tRef || value == tBinary}}, text("display", "type")...)
	return attribute{name: name, typ: tComplex, multi: true, subs: append(subs, attribute{name: "primary", typ: tBool})}
}

// common are the attributes that every resource has beside its schema's.
func common() []attribute {
	return []attribute{
		{name: "id", typ: tText, exact: true, readOnly: true, unique: true},
		{name: "externalId", typ: tText, exact: true},
		{name: "schemas", typ: tRef, multi: true, exact: true, readOnly: true},
		{name: "meta", typ: tComplex, readOnly: true, subs: []attribute{
			{name: "resourceType", typ: tText, exact: true, readOnly: true},
			{name: "created", typ: tDate, readOnly: true},
			{name: "lastModified", typ: tDate, readOnly: true},
			{name: "location", typ: tRef, exact: true, readOnly: true},
			{name: "version", typ: tText, exact: true, readOnly: true},
		}},
	}
}

// userResource describes users: RFC 7643 §4.1 and §4.3.
func userResource() resource {
	address := attribute{name: "addresses", typ: tComplex, multi: true, subs: append(
		text("formatted", "streetAddress", "locality", "region", "postalCode", "country", "type"), attribute{name: "primary", typ: tBool})}
	attributes := []attribute{{name: "userName", typ: tText, required: true, unique: true}}
	attributes = append(attributes, complexOf("name", text("formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix")...))
	attributes = append(attributes, text("displayName", "nickName")...)
	attributes = append(attributes, attribute{name: "profileUrl", typ: tRef, exact: true})
	attributes = append(attributes, text("title", "userType", "preferredLanguage", "locale", "timezone")...)
	attributes = append(attributes,
		attribute{name: "active", typ: tBool},
		attribute{name: "password", typ: tText, writeOnly: true, exact: true},
		plural("emails", tText), plural("phoneNumbers", tText), plural("ims", tText), plural("photos", tRef), address,
		attribute{name: "groups", typ: tComplex, multi: true, readOnly: true, subs: append(
			text("display", "type"), attribute{name: nameValue, typ: tText, exact: true}, attribute{name: "$ref", typ: tRef, exact: true})},
		plural("entitlements", tText), plural("roles", tText), plural("x509Certificates", tBinary))
	manager := complexOf("manager", attribute{name: nameValue, typ: tText, exact: true},
		attribute{name: "$ref", typ: tRef, exact: true}, attribute{name: "displayName", typ: tText})
	return resource{
		kind: shelf.User, endpoint: "/Users", keeps: []string{"active"},
		core: schema{userSchema, "User", "User Account", attributes},
		extensions: []schema{{enterpriseSchema, "EnterpriseUser", "Enterprise User", append(
			text("employeeNumber", "costCenter", "organization", "division", "department"), manager)}},
	}
}

// groupResource describes groups: RFC 7643 §4.2, and our extension.
func groupResource() resource {
	members := attribute{name: "members", typ: tComplex, multi: true, subs: append(
		[]attribute{{name: nameValue, typ: tText, exact: true}, {name: "$ref", typ: tRef, exact: true}}, text("display", "type")...)}
	return resource{
		kind: shelf.Group, endpoint: "/Groups", keeps: []string{"members"},
		core: schema{groupSchema, "Group", "Group", []attribute{{name: "displayName", typ: tText, required: true}, members}},
		extensions: []schema{{departmentSchema, "Department", "Department of Rollcall", []attribute{
			complexOf("parent", attribute{name: nameValue, typ: tText, exact: true}, attribute{name: "display", typ: tText}),
			{name: "order", typ: tInt},
			complexOf("leader", attribute{name: nameValue, typ: tText, exact: true}, attribute{name: "display", typ: tText}),
		}}},
	}
}
