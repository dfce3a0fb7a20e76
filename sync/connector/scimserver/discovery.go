package scimserver

import (
	"net/http"
	"strings"
)

const (
	configSchema       = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
	resourceTypeSchema = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
	schemaSchema       = "urn:ietf:params:scim:schemas:core:2.0:Schema"
)

// discover answers what a service provider says of itself (RFC 7644 §4).
func (s *Server) discover(w http.ResponseWriter, req *http.Request, what, id string) error {
	if what == "serviceproviderconfig" {
		if id != "" {
			return notThere(id)
		}
		s.answer(w, req, http.StatusOK, s.config(req))
		return nil
	}
	if req.URL.Query().Get("filter") != "" {
		return &problem{status: http.StatusForbidden, detail: "this cannot be filtered / 此处不能使用 filter"} // RFC 7644 §4
	}
	all := s.resourceTypes(req)
	if what == "schemas" {
		all = s.schemas(req)
	}
	if id == "" {
		s.answer(w, req, http.StatusOK, map[string]any{
			"schemas": []any{listSchema}, "totalResults": len(all), "startIndex": 1, "itemsPerPage": len(all), "Resources": all,
		})
		return nil
	}
	for _, one := range all {
		if m, ok := one.(map[string]any); ok && strings.EqualFold(leaf(m["id"]), id) {
			s.answer(w, req, http.StatusOK, m)
			return nil
		}
	}
	return notThere(id)
}

// config is the honest list of what works here.
func (s *Server) config(req *http.Request) map[string]any {
	yes, no := map[string]any{"supported": true}, map[string]any{"supported": false}
	return map[string]any{
		"schemas": []any{configSchema}, "patch": yes, "etag": yes, "sort": no, "changePassword": no,
		"bulk":   map[string]any{"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
		"filter": map[string]any{"supported": true, "maxResults": maxPage},
		"authenticationSchemes": []any{map[string]any{
			"type": "oauthbearertoken", "name": "Bearer token", "description": "The token of this system in Rollcall's configuration.",
			"specUri": "https://www.rfc-editor.org/info/rfc6750", "primary": true,
		}},
		"meta": map[string]any{"resourceType": "ServiceProviderConfig", "location": s.base(req) + "/ServiceProviderConfig"},
	}
}

func (s *Server) resourceTypes(req *http.Request) []any {
	var all []any
	for _, r := range s.kinds {
		var extensions []any
		for i := range r.extensions {
			extensions = append(extensions, map[string]any{"schema": r.extensions[i].id, "required": false})
		}
		all = append(all, map[string]any{
			"schemas": []any{resourceTypeSchema}, "id": string(r.kind), "name": string(r.kind), "endpoint": r.endpoint,
			"description": r.core.what, "schema": r.core.id, "schemaExtensions": extensions,
			"meta": map[string]any{"resourceType": "ResourceType", "location": s.base(req) + "/ResourceTypes/" + string(r.kind)},
		})
	}
	return all
}

func (s *Server) schemas(req *http.Request) []any {
	var all []any
	for _, r := range s.kinds {
		for _, one := range append([]schema{r.core}, r.extensions...) {
			all = append(all, map[string]any{
				"schemas": []any{schemaSchema}, "id": one.id, "name": one.name, "description": one.what,
				"attributes": described(one.attributes),
				"meta":       map[string]any{"resourceType": "Schema", "location": s.base(req) + "/Schemas/" + one.id},
			})
		}
	}
	return all
}

// described gives attributes in the words of RFC 7643 §7.
func described(list []attribute) []any {
	out := make([]any, 0, len(list))
	for i := range list {
		a := &list[i]
		m := map[string]any{
			"name": a.name, "type": string(a.typ), "multiValued": a.multi, "description": a.name, "required": a.required,
			"caseExact": a.exact, "mutability": "readWrite", "returned": "default", "uniqueness": "none",
		}
		if a.readOnly {
			m["mutability"] = "readOnly"
		}
		if a.writeOnly {
			m["mutability"], m["returned"] = "writeOnly", "never"
		}
		if a.unique {
			m["uniqueness"] = "server"
		}
		if a.typ == tRef {
			m["referenceTypes"] = []any{"external"}
		}
		if len(a.subs) > 0 {
			m["subAttributes"] = described(a.subs)
		}
		out = append(out, m)
	}
	return out
}
