package feishu

import (
	"context"
	"encoding/json"
	"net/http"

	larkcore "github.com/larksuite/oapi-sdk-go/v3/core"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// writeDepartment changes the tree, one change at a time: parallel ones end in
// conflicts that depend on chance.
func (c *Connector) writeDepartment(ctx context.Context, w *connector.Write) (directory.Key, error) {
	e, err := c.encode(w)
	if err != nil {
		return directory.Key{}, err
	}
	b := e.body
	done, err := c.tree.take(ctx)
	if err != nil {
		return directory.Key{}, err
	}
	defer done()
	r := &request{
		method: http.MethodPatch, path: contacts + "/departments/:id", params: larkcore.PathParams{"id": string(w.Key.ID)},
		query: c.query(), body: b, bucket: bucketWrite,
	}
	switch w.Op {
	case plan.Create:
		return c.createDepartment(ctx, w, b)
	case plan.Delete:
		r.method, r.body = http.MethodDelete, body{}
		if _, err = c.call(ctx, r); fault.KindOf(err) == fault.NotFound {
			err = c.confirmGone(ctx, w.Key, err)
		}
	default:
		if len(b) > 0 {
			_, err = c.call(ctx, r)
		}
	}
	return w.Key, err
}

func (c *Connector) createDepartment(ctx context.Context, w *connector.Write, b body) (directory.Key, error) {
	if _, given := b["parent_department_id"]; !given {
		b["parent_department_id"] = rootID
	}
	data, err := c.call(ctx, &request{
		method: http.MethodPost, path: contacts + "/departments", query: c.query("client_token", w.Token), body: b, bucket: bucketWrite,
	})
	if err != nil {
		return directory.Key{}, err
	}
	var reply struct {
		Department record `json:"department"`
	}
	id := ""
	if json.Unmarshal(data, &reply) == nil {
		id = reply.Department.text("open_department_id")
	}
	if id == "" {
		return directory.Key{}, fault.New(fault.InDoubt, "飞书已受理新建部门但没有给出编号 / Feishu accepted the new department and did not give its id")
	}
	return directory.Key{Kind: directory.Department, ID: directory.ID(id)}, nil
}
