package feishu

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"

	larkcore "github.com/larksuite/oapi-sdk-go/v3/core"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

func customEntry(id, text string) map[string]any {
	return map[string]any{"type": "TEXT", "id": id, "value": map[string]any{"text": text}}
}

// mergeCustom gives the person's list of custom fields with some texts changed.
// The vendor does not say whether a list that is sent replaces the old one, so
// that the others are sent along as they are.
func (c *Connector) mergeCustom(ctx context.Context, id directory.ID, texts map[string]string) ([]any, error) {
	data, err := c.call(ctx, &request{
		method: http.MethodGet, path: contacts + "/users/:id", params: larkcore.PathParams{"id": string(id)},
		query: c.query(), bucket: bucketRead,
	})
	if err != nil {
		return nil, err
	}
	var reply struct {
		User struct {
			Custom *[]json.RawMessage `json:"custom_attrs"`
		} `json:"user"`
	}
	if json.Unmarshal(data, &reply) != nil || reply.User.Custom == nil {
		return nil, fault.New(fault.Denied, "看不到成员的自定义字段，不能安全地修改：请开通 %s，并在管理后台允许开放平台访问自定义字段"+
			" / the user's custom fields are not shown, so that they cannot be changed safely: grant %s and allow the open platform to access custom fields",
			permEmployee, permEmployee)
	}
	var out []any
	for _, raw := range *reply.User.Custom {
		var entry struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal(raw, &entry); err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "飞书的自定义字段无法识别 / Feishu's custom fields are malformed")
		}
		if _, changes := texts[entry.ID]; !changes {
			out = append(out, raw)
		}
	}
	for _, field := range slices.Sorted(maps.Keys(texts)) {
		out = append(out, customEntry(field, texts[field]))
	}
	return out, nil
}
