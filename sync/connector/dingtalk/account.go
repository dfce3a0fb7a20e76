package dingtalk

import (
	"context"
	"net/http"
	"slices"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// account is a call about an enterprise account, by the new interface.
func account(path, id string) call {
	return call{method: http.MethodPost, path: path, fresh: true, write: true, body: map[string]any{"userId": id}}
}

// disable takes an account out of use: an enterprise account by DingTalk itself,
// an ordinary one, which DingTalk cannot stop, by moving it to the quarantine
// department or not at all.
func (c *Connector) disable(ctx context.Context, id string) error {
	var t tally
	m, err := c.get(ctx, id, &t)
	switch {
	case err != nil:
		return err
	case m.exclusive():
		return c.do(ctx, account(pathDisable, id), &nothing{})
	case c.quarantine == 0:
		return fault.New(fault.Unsupported, "DingTalk cannot disable an ordinary account: delete it by hand, or set disable: move with a quarantine department / 钉钉不能停用普通账号：请手工处理，或设置 disable: move 与隔离部门 quarantine")
	case len(m.Depts) == 1 && int64(m.Depts[0]) == c.quarantine:
		return nil
	}
	body := map[string]any{attrUserID: id, deptIDList: numberText(c.quarantine)}
	return elsewhere(c.do(ctx, change(pathUserUpdate, body), &nothing{}))
}

// enable puts an account back into use, before the rest of an update: DingTalk
// refuses changes of a disabled one. written tells whether it made a write. A
// person comes out of quarantine by being given departments, which only the
// update itself can know.
func (c *Connector) enable(ctx context.Context, id string, b *userBody) (written bool, err error) {
	var t tally
	m, err := c.get(ctx, id, &t)
	switch {
	case err != nil:
		return false, err
	case m.exclusive():
		return true, c.do(ctx, account(pathEnable, id), &nothing{})
	case c.quarantine != 0 && slices.Contains(m.Depts, number(c.quarantine)) && !b.moved():
		return false, fault.New(fault.Invalid, "the account is in the quarantine department and the flow does not map departments, so nobody knows where it belongs: move it by hand, or map departments / 账号在隔离部门，而流程没有映射 departments，无法得知应回到哪个部门：请手工移动，或映射 departments")
	default:
		return false, nil
	}
}
