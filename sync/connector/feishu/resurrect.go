package feishu

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"strings"

	larkcore "github.com/larksuite/oapi-sdk-go/v3/core"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// codeTooLate says that somebody resigned more than 30 days ago.
const codeTooLate = "44028"

// resurrect brings the deleted account with our id back and writes the attributes
// to it. It is false, and nothing has happened, when there is no such account or
// its 30 days are over. An account that shows somebody else is left alone: ids of
// people who left are used again.
func (c *Connector) resurrect(ctx context.Context, w *connector.Write, id directory.ID, e encoded) (bool, error) {
	old, err := c.current(ctx, id)
	if fault.KindOf(err) == fault.NotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var s status
	if old["status"] == nil || json.Unmarshal(old["status"], &s) != nil {
		return false, fault.New(fault.Denied, "看不到账号是否离职，不能判断要新建还是恢复：请开通 %s / whether the account has resigned is hidden, so that it is not known whether to create or to bring back: grant %s",
			permEmployee, permEmployee)
	}
	if !s.Resigned || old.text(UserID) != string(id) {
		return false, nil
	}
	if err := sameOwner(w.After, old); err != nil {
		return false, err
	}
	b, patch, list, err := c.returning(ctx, e, old)
	if err != nil {
		return false, err
	}
	done, err := c.slow.take(ctx)
	if err != nil {
		return false, err
	}
	_, err = c.call(ctx, &request{
		method: http.MethodPost, path: contacts + "/users/:id/resurrect", params: larkcore.PathParams{"id": string(id)},
		query: c.query(), body: b, bucket: bucketResurrect,
	})
	done()
	if hasCode(err, codeTooLate) {
		c.o.Logger.InfoContext(ctx, "too late to bring back, creating anew")
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if len(patch) == 0 {
		return true, nil
	}
	if err := c.patch(ctx, id, patch, list.cleared); err != nil {
		// The account is there: whoever settles this finds it, and the next run
		// compares its attributes.
		return true, fault.Wrap(fault.InDoubt, err, "账号已恢复，但属性没有写入，下次运行会补上（%s） / the account is back, its attributes were not written; the next run does that (%s)",
			half(err, "zh"), half(err, "en"))
	}
	return true, nil
}

func half(err error, lang string) string { return fault.In(fault.Say(err), lang) }

// returning splits a creation into the call that brings the account back, which
// takes its departments, and the patch that writes everything else.
func (c *Connector) returning(ctx context.Context, e encoded, old record) (back, patch body, list customWrite, err error) {
	placed := body{"department_ids": []string{rootID}}
	if ids, given := e.body["department_ids"]; given {
		placed["department_ids"] = ids
	}
	if err := placed.setOrders(e.numbers, nil); err != nil {
		return nil, nil, list, err
	}
	back = body{}
	orders, _ := placed["orders"].([]map[string]any)
	if ids, _ := placed["department_ids"].([]string); len(orders) == 0 && ids[0] != rootID {
		orders = []map[string]any{{"department_id": ids[0]}}
	}
	var departments []map[string]any
	for _, o := range orders {
		o = maps.Clone(o)
		delete(o, "is_primary_dept")
		departments = append(departments, o)
	}
	if departments != nil {
		back["departments"] = departments
	}
	if len(c.o.SubscriptionIDs) > 0 {
		back["subscription_ids"] = c.o.SubscriptionIDs
	}
	patch = maps.Clone(e.body)
	for _, fixed := range []string{"user_id", "geo", "department_ids"} {
		delete(patch, fixed)
	}
	if len(e.custom) == 0 {
		return back, patch, list, nil
	}
	if old["custom_attrs"] == nil {
		old = nil
	}
	if list, err = c.customList(ctx, e.custom, old); list.list != nil {
		patch["custom_attrs"] = list.list
	}
	return back, patch, list, err
}

// sameOwner refuses an account that does not show that it is the person's who is to
// have it: with it come mail and documents. A mobile or employee number decides when
// both sides have it, and one that fits is enough. Without them a name or address has
// to fit, which somebody else may have too.
func sameOwner(after directory.Attributes, old record) error {
	fits, differs := compared(after, old, directory.AttrMobile, directory.AttrEmployeeNo)
	if !fits && !differs {
		fits, differs = compared(after, old, directory.AttrName, directory.AttrEmail)
	}
	switch {
	case fits:
		return nil
	case differs:
		return fault.New(fault.Conflict, "这个 user_id 像是另一个已离职的人的（手机号和工号对不上；都看不到时看姓名和邮箱），没有恢复：确是本人时请管理员在管理后台恢复，否则请换一个 user_id"+
			" / that user_id seems to belong to somebody else who has left (mobile and employee number differ, or without them name and mail), who was not brought back: "+
			"let an administrator restore the account if it is the same person, otherwise use another user_id")
	default:
		return fault.New(fault.Denied, "看不到已离职账号的姓名，不能确认是不是本人，没有恢复：请开通 %s，或由管理员在管理后台恢复"+
			" / the name of the deleted account is hidden, so that its owner is not known, and it was not brought back: grant %s, or let an administrator restore it", permBase, permBase)
	}
}

// compared tells whether one of some attributes is the same on both sides, and
// whether one that both have differs.
func compared(after directory.Attributes, old record, names ...string) (fits, differs bool) {
	for _, name := range names {
		want, have := after[name], old.text(name)
		if want.Type() == directory.Unknown || want.IsEmpty() || have == "" {
			continue
		}
		same := strings.EqualFold(want.String(), have) || sameMobile(name, want, directory.TextOf(have))
		fits, differs = fits || same, differs || !same
	}
	return fits, differs
}
