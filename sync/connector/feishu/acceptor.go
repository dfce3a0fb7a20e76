package feishu

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	larkcore "github.com/larksuite/oapi-sdk-go/v3/core"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// acceptorLeader stands for everybody's own direct leader.
const acceptorLeader = "leader"

// acceptor says who takes over what a deleted person leaves.
type acceptor struct {
	leader bool
	id     directory.ID // somebody for all, or for those without a leader; "" for nobody
}

func parseAcceptor(text string) acceptor {
	first, rest, _ := strings.Cut(text, ",")
	if strings.TrimSpace(first) == acceptorLeader {
		return acceptor{leader: true, id: directory.ID(strings.TrimSpace(rest))}
	}
	return acceptor{id: directory.ID(strings.TrimSpace(text))}
}

func (o *Options) validateAcceptor() error {
	a := parseAcceptor(o.Acceptor)
	switch {
	case a.id == "" && (!a.leader || !strings.Contains(o.Acceptor, ",")):
		return nil
	case a.id == "" || strings.ContainsAny(string(a.id), ", \t") || a.id == acceptorLeader:
		return fmt.Errorf("acceptor is %q: one user's id, leader, or leader and one id (leader, u_it) are possible", o.Acceptor)
	case o.UserIDType != "" && strings.HasPrefix(string(a.id), "ou_") != (o.UserIDType == OpenID):
		return fmt.Errorf("acceptor names %q, which is no %s", a.id, o.UserIDType)
	}
	return nil
}

// means says who takes over, for those who decide on a deletion.
func (a acceptor) means() connector.Text {
	switch {
	case a.leader && a.id == "":
		return connector.Text{
			ZH: "群、文档、日历、应用、妙记、问卷和邮件由本人的直属上级接收（删除前现查）；没有直属上级就不删除。",
			EN: " Chats, documents, calendars, apps, minutes, surveys and mail go to the person's direct leader, who is looked up right before; who has none is not deleted.",
		}
	case a.leader:
		return connector.Text{
			ZH: fmt.Sprintf("群、文档、日历、应用、妙记、问卷和邮件由本人的直属上级接收（删除前现查）；没有直属上级时由 %s 接收。", a.id),
			EN: fmt.Sprintf(" Chats, documents, calendars, apps, minutes, surveys and mail go to the person's direct leader, who is looked up right before, or to %s without one.", a.id),
		}
	case a.id != "":
		return connector.Text{
			ZH: fmt.Sprintf("群、文档、日历、应用、妙记、问卷和邮件由交接人 %s 接收。", a.id),
			EN: fmt.Sprintf(" Chats, documents, calendars, apps, minutes, surveys and mail go to %s.", a.id),
		}
	default:
		return connector.Text{
			ZH: "没有配置交接人：资源交给直属上级；没有上级时日历和问卷被删除，文档可能被删除，群主转给最早入群的成员，外部群可能解散。",
			EN: " No acceptor is configured: things go to the direct leader; without one, calendars and surveys are deleted, " +
				"documents may be, chats pass to their earliest member and external chats may be dissolved.",
		}
	}
}

// errGone says that the person whose acceptor is asked for is not there.
var errGone = errors.New("gone")

// accepting finds who takes over from a person; "" leaves it to Feishu.
func (c *Connector) accepting(ctx context.Context, leaver directory.ID) (directory.ID, error) {
	a := parseAcceptor(c.o.Acceptor)
	if a.leader {
		leader, err := c.leaderOf(ctx, leaver)
		if err != nil || leader != "" {
			return leader, err
		}
		if a.id == "" {
			return "", fault.New(fault.Denied, "成员没有在职的直属上级，无人接收其资源，没有删除：请在飞书设置直属上级，或配置 acceptor: leader, 某人的编号"+
				" / the person has no direct leader who could take over, and was not deleted: set one in Feishu, or configure acceptor: leader, somebody's id")
		}
	}
	if a.id == leaver {
		return "", fault.New(fault.Denied, "不能删除配置的交接人：请先在 acceptor 换一个人 / the configured acceptor cannot be deleted: name somebody else in acceptor first")
	}
	return a.id, nil
}

// leaderOf looks up a person's direct leader, afresh; "" when there is none, or
// none who is still there. What cannot be seen is refused, not guessed.
func (c *Connector) leaderOf(ctx context.Context, leaver directory.ID) (directory.ID, error) {
	seen, err := c.Lookup(ctx, directory.User, []directory.ID{leaver})
	switch {
	case err != nil:
		return "", err
	case seen[0].Presence == connector.Gone:
		return "", errGone
	case seen[0].Presence == connector.Unsure:
		return "", unseenLeader(seen[0].Why)
	}
	leader := seen[0].Object.Attributes[directory.AttrManager]
	if leader.Type() == directory.Unknown {
		return "", unseenLeader(leader.Permission())
	}
	refs := leader.Refs()
	if len(refs) == 0 || refs[0].ID == leaver {
		return "", nil
	}
	if seen, err = c.Lookup(ctx, directory.User, []directory.ID{refs[0].ID}); err != nil {
		return "", err
	}
	switch seen[0].Presence {
	case connector.Present:
		return refs[0].ID, nil
	case connector.Gone:
		return "", nil
	default:
		return "", unseenLeader(seen[0].Why)
	}
}

func unseenLeader(why string) error {
	return fault.Wrap(fault.Denied, errors.New(clean(why)), "看不到成员的直属上级，没有删除：请开通 %s 并把通讯录权限范围设为全部成员"+
		" / the person's direct leader cannot be seen, and nobody was deleted: grant %s and set the contact range to all staff", permDepartment, permDepartment)
}

// deleteUser makes a person resign. Somebody who is not there, or has resigned
// already, is a success.
func (c *Connector) deleteUser(ctx context.Context, w *connector.Write) error {
	to, err := c.accepting(ctx, w.Key.ID)
	if errors.Is(err, errGone) {
		return nil
	}
	if err != nil {
		return err
	}
	b := body{}
	if to != "" {
		for _, what := range []string{"department_chat", "external_chat", "docs", "calendar", "application", "minutes", "survey", "anycross"} {
			b[what+"_acceptor_user_id"] = string(to)
		}
		b["email_acceptor"] = map[string]any{"processing_type": "1", "acceptor_user_id": string(to)}
	}
	_, err = c.call(ctx, &request{
		method: http.MethodDelete, path: contacts + "/users/:id", params: larkcore.PathParams{"id": string(w.Key.ID)},
		query: c.query(), body: b, bucket: bucketWrite,
	})
	if fault.KindOf(err) != fault.NotFound {
		return err
	}
	return c.confirmGone(ctx, w.Key, err)
}
