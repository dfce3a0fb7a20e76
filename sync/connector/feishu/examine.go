package feishu

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	larkcore "github.com/larksuite/oapi-sdk-go/v3/core"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

var _ connector.Examiner = (*Connector)(nil)

// permWrite is the one permission for creating, changing and deleting.
const permWrite = "contact:contact"

// examination is one Examine.
type examination struct {
	c     *Connector
	n     tally
	use   connector.Use
	grant grants
	found []connector.Finding

	// What a few objects show, to be looked at where the list of granted
	// permissions is not told: a hidden field is absent.
	users, departments []record
	asked              bool // objects were asked for
}

// Examine tries token, contact range, and each permission that the flows' own
// attributes need, and the definitions of custom fields that they use; six calls
// at most.
func (c *Connector) Examine(ctx context.Context, use connector.Use) []connector.Finding {
	e := &examination{c: c, use: use, grant: grants{c: c}}
	credentials := connector.Text{ZH: "凭据", EN: "credentials"}
	if _, err := c.tokens.Token(ctx); err != nil {
		e.refused(credentials, err, connector.Text{
			ZH: "飞书开放平台 → 开发者后台 → 你的应用 → 凭证与基础信息：核对 App ID 和 App Secret",
			EN: "open.feishu.cn → Developer Console → your app → Credentials & Basic Info: compare App ID and App Secret",
		})
		return e.found
	}
	e.add(connector.Finding{Capability: credentials, Level: connector.Works})
	e.wholeRange(ctx)
	e.grant.all(ctx)
	for _, need := range e.needs() {
		e.permission(ctx, need)
	}
	e.customs(ctx)
	e.write()
	return e.found
}

func (e *examination) add(f connector.Finding) { e.found = append(e.found, f) }

func (e *examination) refused(what connector.Text, err error, do connector.Text) {
	e.add(connector.Failed(what, err, do))
}

// wholeRange tells whether the app sees all staff, and takes a few objects to
// look at.
func (e *examination) wholeRange(ctx context.Context) {
	what := connector.Text{ZH: "可见全员", EN: "whole company visible"}
	wide := connector.Text{
		ZH: "开发者后台 → 你的应用 → 权限管理 → 数据权限 → 通讯录权限范围：选全部成员，然后发布版本",
		EN: "Developer Console → your app → Permissions & Scopes → Data Permissions → contact range: all members; then publish a version",
	}
	data, err := e.c.get(ctx, &e.n, &request{
		path: contacts + "/departments/:department_id/children", params: larkcore.PathParams{"department_id": rootID},
		query: e.c.query("page_size", "10"),
	})
	switch {
	case err == nil:
		e.departments = e.records(data)
		e.add(connector.Finding{Capability: what, Level: connector.Works})
		e.sample(ctx, rootID)
	case outOfRange(err):
		e.narrow(ctx, what, wide)
	default:
		e.refused(what, err, e.opens(permList))
	}
}

// narrow says how little the app sees: nobody outside is ever taken for gone.
func (e *examination) narrow(ctx context.Context, what, wide connector.Text) {
	f := connector.Finding{
		Capability: what, Level: connector.Refused, Do: wide,
		Say: connector.Text{ZH: "通讯录权限范围不是全部成员：看不到的人不会被判定离职", EN: "the contact range is not all staff: nobody is ever taken for gone"},
	}
	within, err := e.c.contactRange(ctx, &e.n)
	if err == nil {
		f.Say.ZH += fmt.Sprintf("（现在是 %d 个部门、%d 人）", len(within.departments), len(within.users))
		f.Say.EN += fmt.Sprintf(" (now: departments %d, people %d)", len(within.departments), len(within.users))
	}
	e.add(f)
	if len(within.departments) > 0 {
		e.sample(ctx, within.departments[0])
	}
}

// sample takes a few people of a department, and when the root has none, of the
// first one below it.
func (e *examination) sample(ctx context.Context, department string) {
	e.asked = true
	for range 2 {
		data, err := e.c.get(ctx, &e.n, &request{
			path: contacts + "/users/find_by_department", query: e.c.query("department_id", department, "page_size", "10"),
		})
		if err != nil {
			return
		}
		if e.users = e.records(data); len(e.users) > 0 || len(e.departments) == 0 {
			return
		}
		department = e.departments[0].text("open_department_id")
	}
}

func (e *examination) records(data json.RawMessage) []record {
	rows, err := items(data)
	if err != nil {
		return nil
	}
	var out []record
	for _, raw := range rows {
		if r, err := parseRecord(raw); err == nil {
			out = append(out, r)
		}
	}
	return out
}

// need is a permission and what it is needed for.
type need struct {
	permission string
	what       connector.Text
	of         []connector.Named
	must       bool // without it nothing can be read
}

// needs lists the permissions that the flows need, those that everything needs
// first, and what each of them shows.
func (e *examination) needs() []need {
	list := []need{
		{permission: permEmployee, what: connector.Text{ZH: "读取账号状态", EN: "read the state of accounts"}, must: true},
		{permission: permDeptBase, what: connector.Text{ZH: "读取部门名称", EN: "read department names"}, must: true},
		{permission: permDeptTree, what: connector.Text{ZH: "读取部门层级", EN: "read the tree of departments"}, must: true},
		{permission: permDepartment, what: connector.Text{ZH: "读取所属部门", EN: "read who belongs where"}, must: true},
		{permission: permBase, what: connector.Text{ZH: "读取姓名", EN: "read names"}, must: true},
	}
	if e.c.o.UserIDType == UserID {
		list = append(list, need{permission: permUserID, what: connector.Text{ZH: "读取 user_id", EN: "read user_id"}, must: true})
	}
	for _, kind := range []directory.Kind{directory.User, directory.Department} {
		for _, f := range e.c.fields.of(kind) {
			if f.permission == "" || !e.use.Reads(kind, f.name) {
				continue
			}
			i := slices.IndexFunc(list, func(n need) bool { return n.permission == f.permission })
			if i < 0 {
				list = append(list, need{permission: f.permission})
				i = len(list) - 1
			}
			list[i].of = append(list[i].of, connector.Named{Kind: kind, Name: f.name})
		}
	}
	for i := range list {
		if n := &list[i]; !n.must {
			n.what = shownBy(n.of)
		}
	}
	return list
}

// shownBy names what a permission shows, by its attributes.
func shownBy(of []connector.Named) connector.Text {
	var names []string
	for _, n := range of {
		if !slices.Contains(names, n.Name) {
			names = append(names, n.Name)
		}
	}
	t := connector.Text{ZH: "读取 " + strings.Join(names, "、"), EN: "read " + strings.Join(names, ", ")}
	if word, ok := known(names); ok {
		t = connector.Text{ZH: "读取" + word.ZH, EN: "read " + word.EN}
	}
	return t
}

// known gives the words for what people know by name.
func known(names []string) (connector.Text, bool) {
	switch {
	case slices.Equal(names, []string{directory.AttrMobile}):
		return connector.Text{ZH: "手机号", EN: "mobile"}, true
	case slices.Equal(names, []string{directory.AttrEmail}):
		return connector.Text{ZH: "邮箱", EN: "email"}, true
	case slices.Equal(names, []string{directory.AttrEmployeeNo}):
		return connector.Text{ZH: "工号", EN: "employee number"}, true
	default:
		return connector.Text{}, false
	}
}

// permission judges one permission: by Feishu's own list of what is granted, else
// by what the objects show.
func (e *examination) permission(ctx context.Context, n need) {
	f := connector.Finding{Capability: n.what, Of: n.of, Level: e.judge(ctx, n)}
	switch f.Level {
	case connector.Works:
	case connector.Unverified:
		f.Say = connector.Text{ZH: "没有可抽查的对象，无从验证", EN: "nothing is there to try it on"}
	default:
		f.Say = connector.Text{ZH: "缺少权限 " + n.permission, EN: "lacks permission " + n.permission}
		if f.Level == connector.Hidden {
			f.Say.ZH += "；按未知处理，不会被清空"
			f.Say.EN += "; unknown, and never cleared"
		}
		f.Do = e.opens(n.permission)
	}
	e.add(f)
}

func (e *examination) judge(ctx context.Context, n need) connector.Level {
	lacks := connector.Hidden
	if n.must {
		lacks = connector.Refused
	}
	names, told := e.grant.all(ctx)
	shown, looked := e.shows(n.permission)
	switch {
	case shown, told && names[n.permission], told && e.grant.has(ctx, n.permission) && !looked:
		return connector.Works
	case told || looked:
		return lacks
	default:
		return connector.Unverified
	}
}

// shows tells whether an object shows a field of the permission, and whether one
// was there to look at. Fields that are left out when they are empty tell nothing
// by their absence.
func (e *examination) shows(permission string) (shown, looked bool) {
	look := func(fields []field, from []record) {
		for i := range fields {
			f := &fields[i]
			if f.permission != permission || f.wire == "" {
				continue
			}
			for _, r := range from {
				_, there := r.raw(f)
				shown = shown || there
				looked = looked || !f.omitted && f.name != "enterprise_email" && !strings.HasPrefix(f.name, customPrefix)
			}
		}
	}
	look(e.c.fields.users, e.users)
	look(e.c.fields.departments, e.departments)
	return shown, looked
}

// customs tells what the custom fields that the flows use lack.
func (e *examination) customs(ctx context.Context) {
	what := connector.Text{ZH: "自定义字段", EN: "custom fields"}
	var of []connector.Named
	for i := range e.c.fields.users {
		if n := (connector.Named{Kind: directory.User, Name: e.c.fields.users[i].name}); strings.HasPrefix(n.Name, customPrefix) && e.use.Reads(n.Kind, n.Name) {
			of = append(of, n)
		}
	}
	if len(of) == 0 {
		return
	}
	err := e.c.probeCustom(ctx, &e.n)
	f := connector.Finding{Capability: what, Level: connector.Works, Of: of}
	if kind := fault.KindOf(err); err != nil {
		f = connector.Failed(what, err, connector.Text{})
		f.Of = of
		if kind == fault.Invalid || kind == fault.Credential {
			f.Level = connector.Hidden
		}
	}
	e.add(f)
}

// write is proved by the list of granted permissions alone.
func (e *examination) write() {
	if !e.use.Target {
		return
	}
	f := connector.Finding{Capability: connector.Text{ZH: "写入", EN: "write"}}
	names, told := e.grant.names, e.grant.known
	switch {
	case told && names[permWrite]:
		f.Level = connector.Works
	case told:
		f.Level = connector.Refused
		f.Say = connector.Text{ZH: "缺少权限 " + permWrite, EN: "lacks permission " + permWrite}
		f.Do = e.opens(permWrite)
	default:
		f.Say = connector.Text{ZH: "飞书没有列出已开通的权限，第一次执行前无法验证（" + permWrite + "）", EN: "Feishu does not list what is granted: unverified until the first apply (" + permWrite + ")"}
	}
	e.add(f)
}

// opens says where to grant a permission.
func (e *examination) opens(permission string) connector.Text {
	return connector.Text{
		ZH: "开发者后台 → 你的应用 → 权限管理：开通 " + permission + "，然后在“版本管理与发布”发布版本，请管理员审核",
		EN: "Developer Console → your app → Permissions & Scopes: grant " + permission + "; then Version Management & Release: publish a version and have it approved",
	}
}
