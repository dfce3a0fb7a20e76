package dingtalk

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
)

var _ connector.Examiner = (*Connector)(nil)

// examination is one Examine.
type examination struct {
	c     *Connector
	use   connector.Use
	t     tally
	found []connector.Finding
}

// Examine tries the credentials, the range, the fields and the calls that the
// flows need; five calls at most. auth/scopes tells range and fields.
func (c *Connector) Examine(ctx context.Context, use connector.Use) []connector.Finding {
	e := &examination{c: c, use: use}
	credentials := connector.Text{ZH: "凭据和权限范围", EN: "credentials and scope"}
	s, err := c.scope(ctx, &e.t)
	if err != nil {
		e.failed(credentials, err)
		return e.found
	}
	e.works(credentials)
	e.whole(s)
	if s.all() {
		e.calls(ctx)
	}
	e.fields(s)
	e.quarantine(ctx)
	e.write()
	return e.found
}

func (e *examination) works(what connector.Text) {
	e.found = append(e.found, connector.Finding{Capability: what, Level: connector.Works})
}

func (e *examination) failed(what connector.Text, err error) {
	do := connector.Text{
		ZH: "钉钉开放平台 → 应用开发 → 你的应用：“凭证与基础信息”核对 Client ID 和 Client Secret；“权限管理”申请缺少的权限；“安全设置”里的服务器出口 IP 要包含本机；然后发布版本",
		EN: "open-dev.dingtalk.com → App Development → your app: compare Client ID and Client Secret under Credentials & Basic Info; request what is missing under Permissions; let Security Settings list this server's address; then release a version",
	}
	if code(err) == codeBadIP || code(err) == codeIPList {
		do = connector.Text{
			ZH: "钉钉开放平台 → 你的应用 → 安全设置 → 服务器出口 IP：加入句中的地址",
			EN: "open-dev.dingtalk.com → your app → Security Settings → server addresses: add the one that the sentence names",
		}
	}
	e.found = append(e.found, connector.Failed(what, err, do))
}

// whole tells whether the app sees the whole corp.
func (e *examination) whole(s *scope) {
	what := connector.Text{ZH: "可见全员", EN: "whole company visible"}
	if s.all() {
		e.works(what)
		return
	}
	e.found = append(e.found, connector.Finding{
		Capability: what, Level: connector.Refused,
		Say: connector.Text{
			ZH: fmt.Sprintf("应用只能看到 %d 个部门和 %d 人：看不到的人不会被判定离职", len(s.Org.Depts), len(s.Org.Users)),
			EN: fmt.Sprintf("the app sees a part of the corp only (departments %d, people %d): nobody is taken for gone", len(s.Org.Depts), len(s.Org.Users)),
		},
		Do: connector.Text{
			ZH: "钉钉开放平台 → 你的应用 → 权限管理 → 权限范围：选全部员工，然后发布版本",
			EN: "open-dev.dingtalk.com → your app → Permissions → range: all employees; then release a version",
		},
	})
}

// calls tries what a reading does.
func (e *examination) calls(ctx context.Context) {
	departments := connector.Text{ZH: "列出部门", EN: "list departments"}
	if err := e.c.read(ctx, old(pathListSub, map[string]any{"dept_id": rootID}), &e.t, &departmentRows{}); err != nil {
		e.failed(departments, err)
	} else {
		e.works(departments)
	}
	people := connector.Text{ZH: "列出成员", EN: "list people"}
	if _, err := e.c.page(ctx, rootID, 0, &e.t); err != nil {
		e.failed(people, err)
	} else {
		e.works(people)
	}
	count := connector.Text{ZH: "核对总人数", EN: "compare the headcount"}
	if err := e.c.read(ctx, old(pathUserCount, map[string]any{"only_active": false}), &e.t, &memberCount{}); err != nil {
		e.failed(count, err)
	} else {
		e.works(count)
	}
}

// fields tells of the attributes that a permission of its own shows.
func (e *examination) fields(s *scope) {
	e.field(s, "mobile", permissionMobile, connector.Text{ZH: "企业员工手机号信息", EN: "企业员工手机号信息 (mobile numbers)"})
	e.field(s, "email", permissionPersonal, connector.Text{ZH: "邮箱等个人信息", EN: "邮箱等个人信息 (mail and other personal data)"})
}

func (e *examination) field(s *scope, field, permission string, console connector.Text) {
	var of []connector.Named
	var names []string
	for _, a := range e.c.Describe().Attributes {
		if a.Kind == directory.User && a.Permission == permission && e.use.Reads(a.Kind, a.Name) {
			of = append(of, connector.Named{Kind: a.Kind, Name: a.Name})
			names = append(names, a.Name)
		}
	}
	if len(of) == 0 {
		return
	}
	f := connector.Finding{
		Capability: connector.Text{ZH: "读取 " + strings.Join(names, "、"), EN: "read " + strings.Join(names, ", ")}, Level: connector.Works, Of: of,
	}
	switch {
	case len(s.Fields) == 0:
		f.Level = connector.Unverified
		f.Say = connector.Text{ZH: "钉钉没有说明应用能看到哪些字段", EN: "DingTalk does not say which fields the app sees"}
	case !slices.ContainsFunc(s.Fields, func(l loose) bool { return strings.EqualFold(string(l), field) }):
		f.Level = connector.Hidden
		f.Say = connector.Text{ZH: "缺少权限“" + console.ZH + "”；按未知处理，不会被清空", EN: "lacks the permission " + console.EN + "; unknown, and never cleared"}
		f.Do = connector.Text{
			ZH: "钉钉开放平台 → 你的应用 → 权限管理 → 通讯录管理：申请“" + console.ZH + "”，然后发布版本",
			EN: "open-dev.dingtalk.com → your app → Permissions → contacts: request " + console.EN + "; then release a version",
		}
	}
	e.found = append(e.found, f)
}

// quarantine sees that the department is there to which accounts are moved.
func (e *examination) quarantine(ctx context.Context) {
	if e.c.quarantine == 0 {
		return
	}
	what := connector.Text{ZH: "隔离部门", EN: "quarantine department"}
	_, err := e.c.lookDepartment(ctx, e.c.quarantine, &e.t)
	switch {
	case err == nil:
		e.works(what)
	case code(err) == codeNoDept:
		n := strconv.FormatInt(e.c.quarantine, 10)
		e.found = append(e.found, connector.Finding{
			Capability: what, Level: connector.Refused, Say: connector.Text{ZH: "部门 " + n + " 不存在", EN: "there is no department " + n},
			Do: connector.Text{ZH: "在钉钉管理后台建好隔离部门，把它的编号写进 quarantine", EN: "make the department in DingTalk's admin console, and write its id as quarantine"},
		})
	default:
		e.failed(what, err)
	}
}

// write cannot be tried: auth/scopes names fields and range, not the right to
// write.
func (e *examination) write() {
	if !e.use.Target {
		return
	}
	e.found = append(e.found, connector.Finding{
		Capability: connector.Text{ZH: "写入", EN: "write"},
		Say: connector.Text{
			ZH: "第一次执行前无法验证；请确认“权限管理”已申请通讯录的编辑权限",
			EN: "unverified until the first apply; see that Permissions has the right to edit contacts",
		},
	})
}
