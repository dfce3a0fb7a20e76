package dingtalk

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// Apply makes one change. Reading calls may come before its write; a write is
// never repeated. What DingTalk takes in several writes (whom somebody leads, a
// department's code, an enterprise account that is enabled again) is written in
// that order; when a later one does not come through, the fault says that the
// change was made in part, or InDoubt.
//
// A CREATE that DingTalk answers with an invitation (40103) gives NotFound, which
// the engine journals as skipped with the sentence: the account is not there yet,
// nothing failed, and sending again would invite again. The same person is not
// invited twice within 24 hours.
//
// Faults: those of connector.Target.
func (c *Connector) Apply(ctx context.Context, w connector.Write) (directory.Key, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.options.CallTimeout, errTimeout)
	defer cancel()
	switch {
	case !slices.Contains([]plan.Op{plan.Create, plan.Update, plan.Disable, plan.Delete}, w.Op),
		w.Key.Kind == directory.Department && w.Op == plan.Disable:
		return directory.Key{}, fault.New(fault.Unsupported, "DingTalk cannot %s a %s / 钉钉不支持对 %s 执行 %s", w.Op, w.Key.Kind, w.Key.Kind, w.Op)
	case w.Op != plan.Create && w.Key.ID == "":
		return directory.Key{}, fault.New(fault.Invalid, "the change names no object / 变更没有指明对象")
	case w.Key.Kind == directory.Department:
		return c.applyDepartment(ctx, w)
	}
	switch w.Op {
	case plan.Create:
		return c.createUser(ctx, w)
	case plan.Disable:
		return w.Key, c.disable(ctx, string(w.Key.ID))
	case plan.Delete:
		return w.Key, c.deleteUser(ctx, string(w.Key.ID))
	default:
		return w.Key, c.updateUser(ctx, w)
	}
}

func (c *Connector) createUser(ctx context.Context, w connector.Write) (directory.Key, error) {
	b, err := c.userBody(w)
	if err != nil {
		return directory.Key{}, err
	}
	who := textIn(b.fields, attrUserID) + " " + textIn(b.fields, directory.AttrMobile)
	if c.invited.open(who, c.options.Now()) {
		m := meanings[codeInvited]
		return directory.Key{}, &fault.Error{Kind: m.kind, Code: codeInvited, Say: m.en + " / " + m.zh}
	}
	var answer created
	if err := c.do(ctx, change(pathUserCreate, b.fields), &answer); err != nil {
		if code(err) == codeInvited {
			c.invited.add(who, c.options.Now())
			return directory.Key{}, err
		}
		if userMissing(err) {
			err = as(err, fault.Invalid, "the manager of the new member does not exist / 新成员的直属主管不存在")
		}
		return directory.Key{}, elsewhere(err)
	}
	id := cmp.Or(string(answer.UserID), textIn(b.fields, attrUserID))
	if id == "" {
		return directory.Key{}, fault.New(fault.InDoubt, "DingTalk accepted the new member and did not give the userid / 钉钉已受理新建，但没有给出 userid")
	}
	key := directory.Key{Kind: directory.User, ID: directory.ID(id)}
	if b.leads == nil {
		return key, nil
	}
	if err := c.lead(ctx, id, *b.leads, true); err != nil {
		// The account is there: InDoubt has the engine find it, and the next plan
		// shows what is missing.
		return directory.Key{}, as(err, fault.InDoubt, fault.Say(err))
	}
	return key, nil
}

// elsewhere turns 'not there' that is said of a department which a person or a
// department refers to into Invalid: NotFound is only for the object itself.
func elsewhere(err error) error {
	switch code(err) {
	case codeNoDept, codeNoParent:
		return as(err, fault.Invalid, fault.Say(err))
	default:
		return err
	}
}

func (c *Connector) updateUser(ctx context.Context, w connector.Write) error {
	b, err := c.userBody(w)
	if err != nil {
		return err
	}
	id, written := string(w.Key.ID), false
	if b.active {
		if written, err = c.enable(ctx, id, b); err != nil {
			return err
		}
	}
	if b.anything() {
		if err := elsewhere(c.do(ctx, change(pathUserUpdate, b.fields), &nothing{})); err != nil {
			return partly(written, err)
		}
		written = true
	}
	if b.leads == nil {
		return nil
	}
	return partly(written, c.lead(ctx, id, *b.leads, false))
}

// partly makes the fault of a change of which something was written before. What
// may be tried again is in doubt then: the engine has to read first.
func partly(written bool, err error) error {
	switch {
	case err == nil || !written:
		return err
	case fault.Retryable(err), fault.KindOf(err) == fault.InDoubt:
		return as(err, fault.InDoubt, "the change was made in part: "+fault.In(fault.Say(err), "en")+" / 变更只完成了一部分："+fault.In(fault.Say(err), "zh"))
	default:
		return as(err, fault.KindOf(err), "the change was made in part, the rest was refused: "+fault.In(fault.Say(err), "en")+" / 变更只完成了一部分，其余被拒绝："+fault.In(fault.Say(err), "zh"))
	}
}

// deleteUser deletes a person. That they are gone already is what was wanted, if
// they are gone and not only out of sight.
func (c *Connector) deleteUser(ctx context.Context, id string) error {
	err := c.do(ctx, change(pathUserDelete, map[string]any{attrUserID: id}), &nothing{})
	if userMissing(err) {
		return c.confirmGone(ctx, id)
	}
	return err
}

func textIn(body map[string]any, name string) string {
	s, _ := body[name].(string)
	return s
}

func numberText(n int64) string { return strconv.FormatInt(n, 10) }
