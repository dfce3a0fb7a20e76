package feishu

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"

	larkcore "github.com/larksuite/oapi-sdk-go/v3/core"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// Apply makes one change with one writing call. A call that was refused for its
// token alone is made again with a new one; no other is.
func (c *Connector) Apply(ctx context.Context, w connector.Write) (directory.Key, error) {
	if ctx.Err() != nil {
		return directory.Key{}, interrupted(ctx)
	}
	info := c.Describe()
	if !info.Can(w.Key.Kind, w.Op) {
		return directory.Key{}, fault.New(fault.Unsupported, "飞书不支持该操作（%s %s） / Feishu cannot do that (%s %s)", w.Op, w.Key.Kind, w.Op, w.Key.Kind)
	}
	if w.Op != plan.Create || w.Key.ID != "" {
		if err := c.plausible(w.Key.Kind, w.Key.ID); err != nil {
			return directory.Key{}, err
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.o.CallTimeout, errors.New("the change took too long"))
	defer cancel()
	if w.Key.Kind == directory.Department {
		return c.writeDepartment(ctx, &w)
	}
	return c.writeUser(ctx, &w)
}

func (c *Connector) writeUser(ctx context.Context, w *connector.Write) (directory.Key, error) {
	switch w.Op {
	case plan.Create:
		return c.createUser(ctx, w)
	case plan.Delete:
		return w.Key, c.deleteUser(ctx, w)
	default:
		return w.Key, c.patchUser(ctx, w)
	}
}

// createUser makes an account. When Feishu says that it exists, an account with
// our own id and the very values that we would write is our own earlier work.
func (c *Connector) createUser(ctx context.Context, w *connector.Write) (directory.Key, error) {
	b, err := c.newUser(w)
	if err != nil {
		return directory.Key{}, err
	}
	data, err := c.call(ctx, &request{
		method: http.MethodPost, path: contacts + "/users", query: c.query("client_token", w.Token), body: b, bucket: bucketWrite,
	})
	own, _ := b["user_id"].(string)
	if fault.KindOf(err) == fault.Conflict && c.o.UserIDType == UserID && own != "" {
		return c.ownUser(ctx, w, directory.ID(own), err)
	}
	if err != nil {
		return directory.Key{}, err
	}
	var reply struct {
		User record `json:"user"`
	}
	id := ""
	if json.Unmarshal(data, &reply) == nil {
		id = reply.User.text(c.o.UserIDType)
	}
	if id == "" && c.o.UserIDType == UserID {
		id = own // the permission that shows it is missing; it is ours
	}
	if id == "" {
		return directory.Key{}, fault.New(fault.InDoubt, "飞书已受理新建但没有给出编号 / Feishu accepted the new account and did not give its id")
	}
	return directory.Key{Kind: directory.User, ID: directory.ID(id)}, nil
}

// newUser builds the body of a new account, with what Feishu requires.
func (c *Connector) newUser(w *connector.Write) (body, error) {
	b, custom, err := c.encode(w)
	if err != nil {
		return nil, err
	}
	if active, ok := w.After[directory.AttrActive].Bool(); ok && !active {
		return nil, invalid(directory.AttrActive, "飞书不能新建已暂停的账号", "Feishu cannot create a frozen account")
	}
	if c.o.UserIDType == UserID && w.Key.ID != "" {
		if id, given := b["user_id"]; given && id != string(w.Key.ID) {
			return nil, invalid(UserID, "与对象的编号不一致", "differs from the object's id")
		}
		b["user_id"] = string(w.Key.ID)
	}
	if b["user_id"] == "" {
		delete(b, "user_id")
	}
	for name, value := range map[string]any{"department_ids": []string{rootID}, "employee_type": c.o.EmployeeType} {
		if _, given := b[name]; !given {
			b[name] = value
		}
	}
	b.setOrders()
	var list []any // in order: a repeated client_token must come with the same body
	for _, id := range slices.Sorted(maps.Keys(custom)) {
		list = append(list, customEntry(id, custom[id]))
	}
	if len(list) > 0 {
		b["custom_attrs"] = list
	}
	return b, nil
}

// ownUser tells whether the account that is in the way is what this very CREATE
// would make; otherwise the conflict stands.
func (c *Connector) ownUser(ctx context.Context, w *connector.Write, id directory.ID, conflict error) (directory.Key, error) {
	seen, err := c.Lookup(ctx, directory.User, []directory.ID{id})
	if err != nil || seen[0].Presence != connector.Present {
		return directory.Key{}, conflict
	}
	there, same := seen[0].Object.Attributes, 0
	for name, want := range w.After {
		got, known := there[name]
		if !known || got.Type() == directory.Unknown {
			continue
		}
		if !got.Equal(want) && !sameMobile(name, got, want) {
			return directory.Key{}, conflict
		}
		same++
	}
	if same < 2 { // the id alone says nothing about whose it is
		return directory.Key{}, conflict
	}
	return directory.Key{Kind: directory.User, ID: id}, nil
}

// sameMobile compares numbers with and without the country code that Feishu
// adds to mainland ones.
func sameMobile(name string, a, b directory.Value) bool {
	const mainland = "+86"
	return name == directory.AttrMobile && (a.String() == mainland+b.String() || b.String() == mainland+a.String())
}

// patchUser changes what is given and nothing else. Freezing, unfreezing and
// moving go one at a time.
func (c *Connector) patchUser(ctx context.Context, w *connector.Write) error {
	b, custom, err := c.encode(w)
	if err != nil {
		return err
	}
	active, given := w.After[directory.AttrActive].Bool()
	switch {
	case w.Op == plan.Disable && given && active, w.Op == plan.Update && given && !active:
		return invalid(directory.AttrActive, "与操作矛盾", "contradicts the operation")
	case w.Op == plan.Disable:
		b["is_frozen"] = true
	case given:
		b["is_frozen"] = false
	}
	b.setOrders()
	if len(custom) > 0 {
		if b["custom_attrs"], err = c.mergeCustom(ctx, w.Key.ID, custom); err != nil {
			return err
		}
	}
	if len(b) == 0 {
		return nil
	}
	r := &request{
		method: http.MethodPatch, path: contacts + "/users/:id", params: larkcore.PathParams{"id": string(w.Key.ID)},
		query: c.query(), body: b, bucket: bucketWrite,
	}
	if b["is_frozen"] != nil || b["department_ids"] != nil {
		r.bucket = bucketSlow
		done, err := c.slow.take(ctx)
		if err != nil {
			return err
		}
		defer done()
	}
	_, err = c.call(ctx, r)
	return err
}

// deleteUser makes a person resign. Somebody who is not there, or has resigned
// already, is a success.
func (c *Connector) deleteUser(ctx context.Context, w *connector.Write) error {
	b := body{}
	if to := c.o.Acceptor; to != "" {
		if directory.ID(to) == w.Key.ID {
			return fault.New(fault.Denied, "不能删除配置的交接人 / the configured acceptor cannot be deleted")
		}
		for _, what := range []string{"department_chat", "external_chat", "docs", "calendar", "application", "minutes", "survey"} {
			b[what+"_acceptor_user_id"] = to
		}
		b["email_acceptor"] = map[string]any{"processing_type": "1", "acceptor_user_id": to}
	}
	_, err := c.call(ctx, &request{
		method: http.MethodDelete, path: contacts + "/users/:id", params: larkcore.PathParams{"id": string(w.Key.ID)},
		query: c.query(), body: b, bucket: bucketWrite,
	})
	if fault.KindOf(err) != fault.NotFound {
		return err
	}
	return c.confirmGone(ctx, w.Key, err)
}

// confirmGone looks whether it is really the object that is not there, and not
// somebody whom the call named.
func (c *Connector) confirmGone(ctx context.Context, key directory.Key, refusal error) error {
	seen, err := c.Lookup(ctx, key.Kind, []directory.ID{key.ID})
	switch {
	case err != nil:
		return err
	case seen[0].Presence == connector.Gone:
		return nil
	case seen[0].Presence == connector.Unsure:
		return fault.Wrap(fault.Denied, refusal, "飞书说对象不存在，但无法确认 / Feishu says that it is not there, which cannot be confirmed")
	default:
		return fault.Wrap(fault.Invalid, refusal, "请求里提到的别的对象不存在，请核对 acceptor / another object that the request names does not exist: check acceptor")
	}
}

// writeDepartment changes the tree, one change at a time: parallel ones end in
// conflicts that depend on chance.
func (c *Connector) writeDepartment(ctx context.Context, w *connector.Write) (directory.Key, error) {
	b, _, err := c.encode(w)
	if err != nil {
		return directory.Key{}, err
	}
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
