package dingtalk

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// The calls, by path.
const (
	pathScopes     = "auth/scopes"
	pathListSub    = "topapi/v2/department/listsub"
	pathDeptGet    = "topapi/v2/department/get"
	pathDeptCreate = "topapi/v2/department/create"
	pathDeptUpdate = "topapi/v2/department/update"
	pathDeptDelete = "topapi/v2/department/delete"
	pathUserList   = "topapi/v2/user/list"
	pathListID     = "topapi/user/listid"
	pathUserGet    = "topapi/v2/user/get"
	pathUserCount  = "topapi/user/count"
	pathUserCreate = "topapi/v2/user/create"
	pathUserUpdate = "topapi/v2/user/update"
	pathUserDelete = "topapi/v2/user/delete"
	pathDisable    = "v1.0/contact/orgAccounts/disable"
	pathEnable     = "v1.0/contact/orgAccounts/enable"
)

// scope is the answer of auth/scopes: what the app may see.
type scope struct {
	Org *struct {
		Users list[loose]  `json:"authed_user"`
		Depts list[number] `json:"authed_dept"`
	} `json:"auth_org_scopes"`
	Fields list[loose] `json:"auth_user_field"`
}

func (s *scope) whole() bool { return s.Org != nil }

// all tells whether the app may see the whole corp.
func (s *scope) all() bool { return slices.Contains(s.Org.Depts, rootID) }

// text gives what the scope is, as one text.
func (s *scope) text() string {
	if s.all() {
		return "all"
	}
	var parts []string
	for _, d := range s.Org.Depts {
		parts = append(parts, strconv.FormatInt(int64(d), 10))
	}
	for _, u := range s.Org.Users {
		parts = append(parts, string(u))
	}
	slices.Sort(parts)
	return strings.Join(parts, " ")
}

// narrow says that the app sees a part of the corp only, and where to widen it.
const narrow = "the app may see a part of the corp only, so who is missing has not left: in the developer console open the app → 权限管理 → 权限范围 and choose 全部员工 / " +
	"应用只能看到企业的一部分，看不到的人不等于离职：请在开发者后台打开该应用 → 权限管理 → 权限范围，改为“全部员工”"

func (c *Connector) scope(ctx context.Context, t *tally) (*scope, error) {
	var s scope
	err := c.read(ctx, call{method: http.MethodGet, path: pathScopes, flat: true}, t, &s)
	return &s, err
}
