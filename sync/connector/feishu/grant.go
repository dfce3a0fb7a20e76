package feishu

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
)

// grants finds out, at most once for an operation and only when it matters,
// which permissions the tenant has granted to the app. When Feishu does not
// tell, nothing counts as granted.
type grants struct {
	c *Connector

	mu    sync.Mutex
	asked bool
	known bool
	names map[string]bool
}

// has tells whether the permission, or one that includes it, is known to be
// granted.
func (g *grants) has(ctx context.Context, permission string) bool {
	names, known := g.all(ctx)
	if !known || names[permission] {
		return known
	}
	switch permission { // what the old, broad permissions show; mail, mobile and some others they do not
	case permBase, permGender, permEmployee, permNumber, permDepartment, permDeptBase, permDeptTree, permCustom:
		return names[permCustom] || names["contact:contact:readonly"]
	default:
		return false
	}
}

// all gives the granted permissions, and whether Feishu told.
func (g *grants) all(ctx context.Context) (map[string]bool, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.asked {
		g.asked = true
		g.names, g.known = g.ask(ctx)
	}
	return g.names, g.known
}

// ask lists the app's permissions: GET /open-apis/application/v6/scopes, whose
// grant_status is 1 for a granted one and whose scope_type "tenant" is the app's
// own identity.
func (g *grants) ask(ctx context.Context) (map[string]bool, bool) {
	data, err := g.c.call(ctx, &request{method: http.MethodGet, path: "/open-apis/application/v6/scopes", bucket: bucketRead})
	var reply struct {
		Scopes []struct {
			Name   string `json:"scope_name"`
			Type   string `json:"scope_type"`
			Status int    `json:"grant_status"`
		} `json:"scopes"`
	}
	if err != nil || json.Unmarshal(data, &reply) != nil || len(reply.Scopes) == 0 {
		g.c.o.Logger.InfoContext(ctx, "granted permissions are not known", "err", err)
		return nil, false
	}
	names := map[string]bool{}
	for _, s := range reply.Scopes {
		if s.Status == 1 && (s.Type == "" || s.Type == "tenant") {
			names[s.Name] = true
		}
	}
	return names, true
}
