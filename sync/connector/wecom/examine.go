package wecom

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

var _ connector.Examiner = (*Connector)(nil)

// examination is one Examine. The calls are those of the vendor's rules of 2022
// (reference §1.3): simplelist and list_id with the contacts secret, then one
// listing of departments and one member by whichever secret reads details.
type examination struct {
	c     *Connector
	t     tally
	use   connector.Use
	found []connector.Finding

	departments int    // that the contacts secret lists
	someone     string // a userid to look at; "" = the corp has nobody
}

// Examine tells what both secrets may do, by six calls at most.
func (c *Connector) Examine(ctx context.Context, use connector.Use) []connector.Finding {
	e := &examination{c: c, use: use}
	if _, err := c.use(ctx, c.contacts, ""); err != nil {
		e.refused(connector.Text{ZH: "通讯录同步 Secret", EN: "contacts secret"}, err)
		return e.found
	}
	e.works(connector.Text{ZH: "通讯录同步 Secret", EN: "contacts secret"})
	e.listDepartments(ctx)
	e.listIDs(ctx)
	if key, ok := e.reader(ctx); ok {
		e.whole(ctx, key)
		e.person(ctx, key)
	}
	e.write()
	return e.found
}

func (e *examination) works(what connector.Text) {
	e.found = append(e.found, connector.Finding{Capability: what, Level: connector.Works})
}

// refused notes a refusal.
func (e *examination) refused(what connector.Text, err error) {
	e.found = append(e.found, connector.Failed(what, err, remedy(err)))
}

func (e *examination) read(ctx context.Context, r call, out answer) error {
	r.method = http.MethodGet
	return e.c.read(ctx, r, &e.t, out)
}

func (e *examination) listDepartments(ctx context.Context) {
	what := connector.Text{ZH: "列出部门编号", EN: "list department ids"}
	var got departmentIDs
	if err := e.read(ctx, call{path: "department/simplelist", key: e.c.contacts}, &got); err != nil {
		e.refused(what, err)
		return
	}
	e.departments = len(got.Rows)
	e.works(what)
}

func (e *examination) listIDs(ctx context.Context) {
	what := connector.Text{ZH: "列出成员编号", EN: "list member ids"}
	var got userIDs
	err := e.c.read(ctx, call{
		method: http.MethodPost, path: "user/list_id", key: e.c.contacts, body: map[string]any{"cursor": "", "limit": 1},
	}, &e.t, &got)
	if err != nil {
		e.refused(what, err)
		return
	}
	if len(*got.Rows) > 0 {
		e.someone = (*got.Rows)[0].UserID
	}
	e.works(what)
}

// reader gives the secret by which details are read, and tries it.
func (e *examination) reader(ctx context.Context) (*credential, bool) {
	if e.c.app == nil {
		return e.c.contacts, true
	}
	what := connector.Text{ZH: "自建应用 Secret", EN: "app secret"}
	if _, err := e.c.use(ctx, e.c.app, ""); err != nil {
		e.refused(what, err)
		return nil, false
	}
	e.works(what)
	return e.c.app, true
}

// whole compares the departments that the reading secret names with those that
// there are.
func (e *examination) whole(ctx context.Context, key *credential) {
	what := connector.Text{ZH: "读取部门名称", EN: "read department names"}
	of := e.named(directory.Department, attrName, attrNameEN)
	var got departmentList
	if err := e.read(ctx, call{path: "department/list", key: key}, &got); err != nil {
		e.c.hides(key, err)
		e.unread(what, of, err)
		return
	}
	e.works(what)
	whole := connector.Text{ZH: "可见全公司", EN: "whole company visible"}
	if n := len(*got.Rows); n < e.departments {
		e.found = append(e.found, connector.Finding{
			Capability: whole, Level: connector.Hidden,
			Say: connector.Text{
				ZH: fmt.Sprintf("自建应用只看到 %d 个部门，共 %d 个；看不到的人，姓名等资料按未知处理", n, e.departments),
				EN: fmt.Sprintf("the app sees %d of %d departments; of whom it does not see, names and the like stay unknown", n, e.departments),
			},
			Do: connector.Text{ZH: "应用管理 → 自建应用 → 可见范围，选全公司", EN: "App Management → your app → Visible Range → the whole company"},
		})
		return
	}
	e.works(whole)
}

// unread notes that details are refused: usual for the contacts secret, so that
// accounts go on by their ids alone.
func (e *examination) unread(what connector.Text, of []connector.Named, err error) {
	e.refused(what, err)
	f := &e.found[len(e.found)-1]
	f.Of = of
	if detailsRefused(err) && e.c.app == nil {
		f.Level = connector.Hidden
	}
}

// sensitive are the attributes that a self-built app has not been shown since
// 2022, whatever its visible range.
func sensitive() []string {
	return []string{attrMobile, attrEmail, attrBizMail, attrGender, attrAddress}
}

// person looks at one member for what the flows read.
func (e *examination) person(ctx context.Context, key *credential) {
	names := connector.Text{ZH: "读取姓名等资料", EN: "read names and the like"}
	of := e.named(directory.User, e.plain()...)
	if e.someone == "" {
		e.found = append(e.found, connector.Finding{
			Capability: names, Of: of,
			Say: connector.Text{ZH: "企业里还没有成员，无从验证", EN: "the corp has no member yet to try it on"},
		})
		return
	}
	var got userGet
	err := e.read(ctx, call{path: "user/get", key: key, query: url.Values{"userid": {e.someone}}}, &got)
	switch {
	case outOfScope(err):
		e.found = append(e.found, connector.Finding{
			Capability: names, Of: of,
			Say: connector.Text{ZH: "抽查的成员不在应用可见范围内，无从验证", EN: "the member that was tried is outside the app's visible range"},
		})
	case err != nil:
		e.c.hides(key, err)
		e.unread(names, append(of, e.named(directory.User, sensitive()...)...), err)
	default:
		e.works(names)
	}
	if of := e.named(directory.User, sensitive()...); len(of) > 0 && (err == nil || e.c.app != nil) {
		e.consent(of, err == nil && got.shows(of))
	}
}

// consent tells of what only each member's own consent shows to an app.
func (e *examination) consent(of []connector.Named, shown bool) {
	words := map[string]string{attrMobile: "手机号", attrEmail: "邮箱", attrBizMail: "企业邮箱", attrGender: "性别", attrAddress: "地址"}
	names, zh := make([]string, len(of)), make([]string, len(of))
	for i, n := range of {
		names[i], zh[i] = n.Name, words[n.Name]
	}
	f := connector.Finding{Capability: connector.Text{ZH: "读取" + strings.Join(zh, "、"), EN: "read " + strings.Join(names, ", ")}, Of: of, Level: connector.Works}
	if !shown {
		f.Level = connector.Hidden
		f.Say = connector.Text{
			ZH: "2022 年 6 月起企业微信不再向自建应用提供；按未知处理，不会被清空；写入不受影响",
			EN: "WeCom has not shown it to apps since June 2022: unknown, and never cleared; writing still works",
		}
		f.Do = connector.Text{
			ZH: "无需处理：不要用它匹配，也不要从这里取值；改用 userid 或自定义字段里的工号",
			EN: "nothing to grant: neither match by it nor take it from here; use userid, or the employee number in a custom field",
		}
	}
	e.found = append(e.found, f)
}

// shows tells whether the answer holds one of the attributes at all.
func (u *userGet) shows(of []connector.Named) bool {
	there := map[string]bool{
		attrMobile: u.Mobile != nil, attrEmail: u.Email != nil, attrBizMail: u.BizMail != nil, attrGender: u.Gender != nil, attrAddress: u.Address != nil,
	}
	for _, n := range of {
		if there[n.Name] {
			return true
		}
	}
	return false
}

// write cannot be tried without an effect.
func (e *examination) write() {
	if !e.use.Target {
		return
	}
	e.found = append(e.found, connector.Finding{
		Capability: connector.Text{ZH: "写入", EN: "write"},
		Say: connector.Text{
			ZH: "第一次执行前无法验证；请确认“管理工具 → 通讯录同步”里 API 编辑通讯录已开启",
			EN: "unverified until the first apply; see that Management Tools → Contacts Sync lets the API edit contacts",
		},
	})
}

// plain are the attributes that an app sees within its range.
func (e *examination) plain() []string {
	var list []string
	for _, a := range e.c.info.Attributes {
		if a.Kind == directory.User && a.Permission == permissionScope {
			list = append(list, a.Name)
		}
	}
	return list
}

// named gives those of the attributes that the flows read.
func (e *examination) named(kind directory.Kind, names ...string) []connector.Named {
	var out []connector.Named
	for _, n := range names {
		if e.use.Reads(kind, n) {
			out = append(out, connector.Named{Kind: kind, Name: n})
		}
	}
	return out
}

// remedy says where to click for a refusal; empty when the sentence says it all.
func remedy(err error) connector.Text {
	switch code(err) {
	case codeUntrustedIP:
		ip := ""
		if m := fault.Say(err); strings.Contains(m, "(") {
			ip, _, _ = strings.Cut(m[strings.Index(m, "(")+1:], ")")
		}
		return connector.Text{
			ZH: strings.TrimSpace("把出口 IP "+ip) + " 加入企业可信 IP：通讯录同步的在“管理工具 → 通讯录同步”，自建应用的在“应用管理 → 应用 → 企业可信IP”；约一分钟后生效",
			EN: strings.TrimSpace("add the address "+ip) + " to the trusted IPs: of the contacts secret under Management Tools → Contacts Sync, of the app under App Management → your app; it takes about a minute",
		}
	case codeNewIP, codeNoRead:
		return connector.Text{
			ZH: "应用管理 → 创建自建应用（可见范围选全公司，设企业可信 IP），把 Secret 写进 app_secret；不设也能写入，只是看不到姓名等资料",
			EN: "App Management → create an app (visible range: the whole company; trusted IPs), and put its Secret into app_secret; without it writing works, and names and the like stay unknown",
		}
	case codeBadSecret, codeBadCorpID, codeBadSecretID, codeNoCorpID, codeNoSecret:
		return connector.Text{
			ZH: "企业 ID 在“我的企业 → 企业信息”；contacts_secret 在“管理工具 → 通讯录同步”，app_secret 在“应用管理 → 应用”；改好后重启点名",
			EN: "the corp id stands under My Company; contacts_secret under Management Tools → Contacts Sync, app_secret under App Management → your app; then restart Rollcall",
		}
	}
	return connector.Text{ZH: "企业微信管理后台 → 管理工具 → 通讯录同步，和应用管理 → 自建应用，逐项核对权限", EN: "work.weixin.qq.com/wework_admin → Management Tools → Contacts Sync, and App Management → your app: compare the permissions"}
}
