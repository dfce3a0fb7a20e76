package feishu

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strings"

	larkcore "github.com/larksuite/oapi-sdk-go/v3/core"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// Apply makes one change with one writing call; only who is brought back takes two.
// A call that was refused for its token alone is made again with a new one; no
// other is.
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

// createUser makes an account, or brings the deleted one with our id back. When
// Feishu says that it exists, an account with our own id and the very values that
// we would write is our own earlier work.
func (c *Connector) createUser(ctx context.Context, w *connector.Write) (directory.Key, error) {
	b, e, err := c.newUser(ctx, w)
	if err != nil {
		return directory.Key{}, err
	}
	own, _ := b["user_id"].(string)
	named := c.o.UserIDType == UserID && own != ""
	if named && c.o.Resurrect {
		switch back, err := c.resurrect(ctx, w, directory.ID(own), e); {
		case err != nil:
			return directory.Key{}, err
		case back:
			return directory.Key{Kind: directory.User, ID: directory.ID(own)}, nil
		}
	}
	data, err := c.call(ctx, &request{
		method: http.MethodPost, path: contacts + "/users", query: c.query("client_token", w.Token), body: b, bucket: bucketWrite,
	})
	if fault.KindOf(err) == fault.Conflict && named {
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
func (c *Connector) newUser(ctx context.Context, w *connector.Write) (body, encoded, error) {
	e, err := c.encode(w)
	if err != nil {
		return nil, e, err
	}
	b := maps.Clone(e.body)
	if active, ok := w.After[directory.AttrActive].Bool(); ok && !active {
		return nil, e, invalid(directory.AttrActive, "飞书不能新建已暂停的账号", "Feishu cannot create a frozen account")
	}
	if c.o.UserIDType == UserID && w.Key.ID != "" {
		if id, given := b["user_id"]; given && id != string(w.Key.ID) {
			return nil, e, invalid(UserID, "与对象的编号不一致", "differs from the object's id")
		}
		b["user_id"] = string(w.Key.ID)
	}
	c.require(b)
	if err := b.setOrders(e.numbers, nil); err != nil || len(e.custom) == 0 {
		return b, e, err
	}
	list, err := c.customList(ctx, e.custom, nil)
	if len(list.list) > 0 {
		b["custom_attrs"] = list.list
	}
	return b, e, err
}

// require adds to a new account what Feishu requires, and drops what may only be
// sent with a value.
func (c *Connector) require(b body) {
	for _, optional := range []string{"user_id", "geo"} {
		if b[optional] == "" {
			delete(b, optional)
		}
	}
	for name, value := range map[string]any{"department_ids": []string{rootID}, "employee_type": c.o.EmployeeType} {
		if _, given := b[name]; !given {
			b[name] = value
		}
	}
	if len(c.o.SubscriptionIDs) > 0 {
		b["subscription_ids"] = c.o.SubscriptionIDs
	}
}

// ownUser tells whether the account that is in the way is what this very CREATE
// would make; otherwise the conflict stands.
func (c *Connector) ownUser(ctx context.Context, w *connector.Write, id directory.ID, conflict error) (directory.Key, error) {
	seen, err := c.Lookup(ctx, directory.User, []directory.ID{id})
	if err == nil && seen[0].Presence == connector.Gone && seen[0].Object.ID == id && !c.o.Resurrect {
		return directory.Key{}, fault.Wrap(fault.Conflict, conflict, "这个 user_id 属于已离职的账号；如果是本人回来，请配置 resurrect: true，30 天内会恢复原账号，否则请换一个 user_id"+
			" / that user_id belongs to a deleted account: when its owner is back, set resurrect: true, which brings it back within 30 days; otherwise use another user_id")
	}
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

// sameMobile compares numbers with and without separators and the country code that
// Feishu adds to mainland ones.
func sameMobile(name string, a, b directory.Value) bool {
	return name == directory.AttrMobile && bareMobile(a.String()) == bareMobile(b.String())
}

func bareMobile(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '+' {
			return r
		}
		return -1
	}, s)
	for _, mainland := range []string{"+86", "0086"} {
		s = strings.TrimPrefix(s, mainland)
	}
	return s
}

// patchUser changes what is given and nothing else. Freezing, unfreezing and
// moving go one at a time.
func (c *Connector) patchUser(ctx context.Context, w *connector.Write) error {
	e, err := c.encode(w)
	if err != nil {
		return err
	}
	b := e.body
	active, given := w.After[directory.AttrActive].Bool()
	switch {
	case w.Op == plan.Disable && given && active, w.Op == plan.Update && given && !active:
		return invalid(directory.AttrActive, "与操作矛盾", "contradicts the operation")
	case w.Op == plan.Disable:
		b["is_frozen"] = true
	case given:
		b["is_frozen"] = false
	}
	list, err := c.complete(ctx, w.Key.ID, e)
	if err != nil || len(b) == 0 {
		return err
	}
	return c.patch(ctx, w.Key.ID, b, list.cleared)
}

// complete adds to a patch what has to be sent together with what it changes. The
// person is read first only when that depends on what they have.
func (c *Connector) complete(ctx context.Context, id directory.ID, e encoded) (customWrite, error) {
	var old record
	ids, _ := e.body["department_ids"].([]string)
	if len(ids) > 1 || e.numbers != nil || len(e.custom) > 0 {
		var err error
		if old, err = c.current(ctx, id); err != nil {
			return customWrite{}, err
		}
	}
	if err := e.setOrders(e.numbers, old); err != nil || len(e.custom) == 0 {
		return customWrite{}, err
	}
	list, err := c.customList(ctx, e.custom, old)
	if list.list != nil {
		e.body["custom_attrs"] = list.list
	}
	return list, err
}

// current reads a person as they are.
func (c *Connector) current(ctx context.Context, id directory.ID) (record, error) {
	data, err := c.call(ctx, &request{
		method: http.MethodGet, path: contacts + "/users/:id", params: larkcore.PathParams{"id": string(id)}, query: c.query(), bucket: bucketRead,
	})
	if err != nil {
		return nil, err
	}
	var reply struct {
		User json.RawMessage `json:"user"`
	}
	if err := json.Unmarshal(data, &reply); err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "飞书的回答残缺 / Feishu's answer is malformed")
	}
	r, err := parseRecord(reply.User)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "飞书的回答残缺 / Feishu's answer is malformed")
	}
	return r, nil
}

// patch sends a patch. Feishu may keep custom fields that it was to clear.
func (c *Connector) patch(ctx context.Context, id directory.ID, b body, cleared []string) error {
	r := &request{
		method: http.MethodPatch, path: contacts + "/users/:id", params: larkcore.PathParams{"id": string(id)},
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
	data, err := c.call(ctx, r)
	if err != nil {
		return err
	}
	return keptCustom(data, cleared)
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
