package wecom

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// Apply makes one change with the contacts secret, in one call that is never
// repeated. The delete of what is not there succeeds. Unknown values are left
// out; an update of nothing makes no call. Faults: those of connector.Target.
func (c *Connector) Apply(ctx context.Context, w connector.Write) (directory.Key, error) {
	if !c.info.Can(w.Key.Kind, w.Op) {
		return directory.Key{}, fault.New(fault.Unsupported, "WeCom cannot %s a %s / 企业微信不支持对 %s 执行 %s", w.Op, w.Key.Kind, w.Key.Kind, w.Op)
	}
	if w.Op != plan.Create && w.Key.ID == "" {
		return directory.Key{}, fault.New(fault.Invalid, "the change names no object / 变更没有指明对象")
	}
	if w.Key.Kind == directory.Department {
		return c.applyDepartment(ctx, w)
	}
	return c.applyUser(ctx, w)
}

func (c *Connector) applyUser(ctx context.Context, w connector.Write) (directory.Key, error) {
	if w.Op == plan.Delete {
		return w.Key, c.delete(ctx, "user/delete", url.Values{"userid": {string(w.Key.ID)}})
	}
	body, err := c.userBody(w)
	if err != nil {
		return directory.Key{}, err
	}
	key := directory.Key{Kind: directory.User, ID: directory.ID(textIn(body, attrUserID))}
	if err := c.place(ctx, w, body); err != nil {
		return directory.Key{}, err
	}
	if err := c.keepTitles(ctx, w, body); err != nil {
		return directory.Key{}, err
	}
	switch w.Op {
	case plan.Create:
		body["to_invite"] = c.options.Invite
		var answer reply
		return key, onCreate(elsewhere(c.post(ctx, "user/create", body, &answer)))
	case plan.Disable:
		body["enable"] = 0
	default: // the body says it all
	}
	if len(body) == 1 {
		return key, nil
	}
	kept, err := c.keepsMobile(ctx, w, body)
	if err != nil {
		return key, err
	}
	if len(body) > 1 {
		var answer reply
		if err := c.post(ctx, "user/update", body, &answer); err != nil {
			return key, elsewhere(err)
		}
	}
	return key, kept
}

// elsewhere turns 'not there' that is said of a department which a member or a
// department refers to into Invalid: NotFound is only for the object itself.
func elsewhere(err error) error {
	switch code(err) {
	case codeNoDepartment, codeBadParty, codeBadPartyList, codeNoParent, codeBadParent:
		return as(err, fault.Invalid, fault.Say(err))
	default:
		return err
	}
}

// onCreate turns 'not there', which at a CREATE can only mean something that the
// new member refers to, and a userid of the wrong form, into Invalid.
func onCreate(err error) error {
	switch code(err) {
	case codeUserMissing, codeNoSuchUser:
		return as(err, fault.Invalid, "a direct leader of the new member does not exist / 新成员的直属上级不存在")
	case codeBadUserID:
		return as(err, fault.Invalid, "the userid is not valid: 1 to 64 of letters, digits and _-@. / userid 无效：1 到 64 位字母、数字或 _-@.")
	default:
		return err
	}
}

// as gives a fault another kind and sentence.
func as(err error, kind fault.Kind, say string) error {
	f := fault.Wrap(kind, err, "%s", say)
	f.Code = strconv.Itoa(code(err))
	return f
}

func (c *Connector) applyDepartment(ctx context.Context, w connector.Write) (directory.Key, error) {
	if w.Key.ID == directory.ID(strconv.Itoa(rootID)) {
		return directory.Key{}, fault.New(fault.Denied, "the root department is never changed / 根部门不会被改动")
	}
	if w.Op == plan.Delete {
		return w.Key, c.delete(ctx, "department/delete", url.Values{"id": {string(w.Key.ID)}})
	}
	body, err := departmentBody(w)
	if err != nil {
		return directory.Key{}, err
	}
	if w.Op == plan.Create {
		if _, given := body["parentid"]; !given {
			body["parentid"] = int64(rootID)
		}
		var answer created
		if err := c.post(ctx, "department/create", body, &answer); err != nil {
			return directory.Key{}, elsewhere(err)
		}
		return directory.Key{Kind: directory.Department, ID: directory.ID(strconv.FormatInt(answer.ID, 10))}, nil
	}
	if len(body) == 1 {
		return w.Key, nil
	}
	var answer reply
	err = c.post(ctx, "department/update", body, &answer)
	if !missing(err) {
		err = elsewhere(err)
	}
	return w.Key, err
}

func (c *Connector) post(ctx context.Context, path string, body map[string]any, out answer) error {
	return c.do(ctx, call{method: http.MethodPost, path: path, key: c.contacts, body: body, write: true}, out)
}

// delete deletes an object; that it is gone already is what was wanted.
func (c *Connector) delete(ctx context.Context, path string, query url.Values) error {
	var answer reply
	err := c.do(ctx, call{method: http.MethodGet, path: path, key: c.contacts, query: query, write: true}, &answer)
	if missing(err) {
		return nil
	}
	return err
}

func textIn(body map[string]any, name string) string {
	s, _ := body[name].(string)
	return s
}
