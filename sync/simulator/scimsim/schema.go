package scimsim

import (
	"fmt"
	"slices"
	"strings"
)

// attribute is one attribute of a schema, with the type that JSON has for it.
type attribute struct {
	name string
	typ  string // string, boolean, integer, complex, list, reference
	subs []string
}

// attributes gives the attributes of a schema; externalId, schemas, id and meta are
// common to all (RFC 7643 §3.1).
func attributes(schema string) []attribute {
	texts := func(names ...string) []attribute {
		var list []attribute
		for _, n := range names {
			list = append(list, attribute{name: n, typ: "string"})
		}
		return list
	}
	switch schema {
	case SchemaUser:
		return append(texts("userName", "displayName", "nickName", "profileUrl", "title", "userType", "preferredLanguage", "locale", "timezone", "password"),
			attribute{"name", "complex", []string{"formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix"}},
			attribute{"active", "boolean", nil},
			attribute{"emails", "list", []string{"value", "display", "type", "primary"}},
			attribute{"phoneNumbers", "list", []string{"value", "display", "type", "primary"}},
			attribute{"addresses", "list", []string{"formatted", "streetAddress", "locality", "region", "postalCode", "country", "type", "primary"}},
			attribute{"groups", "list", []string{"value", "$ref", "display", "type"}},
		)
	case SchemaGroup:
		return append(texts("displayName"), attribute{"members", "list", []string{"value", "$ref", "display", "type"}})
	case SchemaEnterprise:
		return append(texts("employeeNumber", "costCenter", "organization", "division", "department"),
			attribute{"manager", "complex", []string{"value", "$ref", "displayName"}})
	case SchemaDepartment:
		return append(texts("parent"), attribute{"order", "integer", nil}, attribute{"leaders", "list", []string{"value"}})
	default:
		return nil
	}
}

// common are the attributes of every resource.
func common() []string { return []string{"schemas", "id", "externalId", "meta"} }

// checkName refuses an attribute that a schema does not have. prefix is "" for the
// resource's own schema, else an extension with a colon at its end.
func (s *Sim) checkName(kind, prefix, name string) *refusal {
	schema := strings.TrimSuffix(prefix, ":")
	if schema == "" {
		if schema = SchemaUser; kind == "Groups" {
			schema = SchemaGroup
		}
		if slices.Contains(common(), name) {
			return nil
		}
	}
	if !slices.Contains(s.extensions(kind), schema) && prefix != "" {
		return bad("invalidPath", "no such schema")
	}
	if !slices.ContainsFunc(attributes(schema), func(a attribute) bool { return a.name == name }) {
		return bad("invalidPath", "no attribute "+name)
	}
	return nil
}

// extensions gives the extensions of a type of resource.
func (s *Sim) extensions(kind string) []string {
	switch {
	case kind == "Users":
		return []string{SchemaEnterprise}
	case s.options.NoExtension:
		return nil
	default:
		return []string{SchemaDepartment}
	}
}

// checkAttribute validates one attribute of a whole resource.
func (s *Sim) checkAttribute(kind, name string, v any) *refusal {
	if strings.HasPrefix(name, "urn:") {
		inner, ok := v.(map[string]any)
		if !slices.Contains(s.extensions(kind), name) || !ok {
			return bad("invalidValue", "no extension "+name)
		}
		for sub, x := range inner {
			if no := s.checkName(kind, name+":", sub); no != nil {
				return no
			}
			if no := checkType(name, sub, x); no != nil {
				return no
			}
		}
		return nil
	}
	if no := s.checkName(kind, "", name); no != nil {
		return no
	}
	schema := SchemaUser
	if kind == "Groups" {
		schema = SchemaGroup
	}
	return checkType(schema, name, v)
}

func checkType(schema, name string, v any) *refusal {
	i := slices.IndexFunc(attributes(schema), func(a attribute) bool { return a.name == name })
	if i < 0 || v == nil {
		return nil
	}
	ok := true
	switch attributes(schema)[i].typ {
	case "string":
		_, ok = v.(string)
	case "boolean":
		_, ok = v.(bool)
	case "integer":
		_, ok = v.(float64)
	case "complex":
		_, ok = v.(map[string]any)
	case "list":
		_, ok = v.([]any)
	}
	if !ok {
		return bad("invalidValue", fmt.Sprintf("%s is no %s", name, attributes(schema)[i].typ))
	}
	return nil
}

// discovery gives the service's description of itself (RFC 7643 §5 to §7).
func (s *Sim) discovery(kind string) any {
	on := func(b bool) map[string]any { return map[string]any{"supported": b} }
	switch kind {
	case "ServiceProviderConfig":
		filter := on(!s.options.NoFilter)
		filter["maxResults"] = 200
		if s.options.MaxPage > 0 {
			filter["maxResults"] = s.options.MaxPage
		}
		return map[string]any{
			"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"},
			"patch":   on(!s.options.NoPatch), "bulk": on(false), "filter": filter, "changePassword": on(false),
			"sort": on(false), "etag": on(s.options.ETags), "authenticationSchemes": []any{},
		}
	case "ResourceTypes":
		types := []any{s.resourceType("Users", SchemaUser)}
		if !s.options.NoGroups {
			types = append(types, s.resourceType("Groups", SchemaGroup))
		}
		return listOf(types)
	default:
		var list []any
		for _, schema := range append([]string{SchemaUser, SchemaGroup}, append(s.extensions("Users"), s.extensions("Groups")...)...) {
			list = append(list, s.schema(schema))
		}
		return listOf(list)
	}
}

func (s *Sim) resourceType(endpoint, schema string) map[string]any {
	var extensions []any
	for _, e := range s.extensions(endpoint) {
		extensions = append(extensions, map[string]any{"schema": e, "required": false})
	}
	name := strings.TrimSuffix(endpoint, "s")
	return map[string]any{"id": name, "name": name, "endpoint": "/" + endpoint, "schema": schema, "schemaExtensions": extensions}
}

func (s *Sim) schema(id string) map[string]any {
	var list []any
	for _, a := range attributes(id) {
		kind := "User"
		if id == SchemaGroup || id == SchemaDepartment {
			kind = "Group"
		}
		if s.dropped[kind+"."+a.name] {
			continue
		}
		one := map[string]any{"name": a.name, "type": a.typ, "returned": "default", "mutability": "readWrite", "multiValued": a.typ == "list"}
		switch a.name {
		case "password":
			one["returned"], one["mutability"] = "never", "writeOnly"
		case "groups":
			one["mutability"] = "readOnly"
		}
		var subs []any
		for _, sub := range a.subs {
			subs = append(subs, map[string]any{"name": sub, "type": "string", "returned": "default", "mutability": "readWrite"})
		}
		if subs != nil {
			one["subAttributes"] = subs
		}
		list = append(list, one)
	}
	return map[string]any{"id": id, "name": id[strings.LastIndexByte(id, ':')+1:], "attributes": list}
}

func listOf(rows []any) map[string]any {
	return map[string]any{
		"schemas":      []string{"urn:ietf:params:scim:api:messages:2.0:ListResponse"},
		"totalResults": len(rows), "startIndex": 1, "itemsPerPage": len(rows), "Resources": rows,
	}
}
