package dingtalk

import (
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// meaning is what one code means for us and for people.
type meaning struct {
	kind   fault.Kind
	en, zh string
	after  time.Duration
}

// Texts that several codes share.
const (
	grantEN  = "the app lacks a permission: in the developer console (open-dev.dingtalk.com) open the app → 权限管理 → 通讯录管理 and apply for"
	grantZH  = "应用缺少权限：请在开发者后台打开该应用 → 权限管理 → 通讯录管理，申请"
	ipEN     = "this server's address is not allowed: add it in the developer console under the app → 安全设置 → 服务器出口IP"
	ipZH     = "服务器出口 IP 不在白名单：请在开发者后台该应用的“安全设置 → 服务器出口IP”中加入"
	tokenEN  = "DingTalk refuses a fresh token: check api_url and oapi_url, or set token: old"
	tokenZH  = "钉钉拒绝刚取得的 access_token：请检查 api_url 与 oapi_url，或设置 token: old" //nolint:gosec // a sentence about a token
	stopEN   = "DingTalk bars the calls of this app or corp: see the console's notices, then start again"
	stopZH   = "钉钉限制了该应用或企业的调用：请查看后台通知，处理后再运行"
	mobileEN = "the mobile number is not valid: write numbers from elsewhere as +852-12345678, and mainland numbers as +86-… when the corp is registered abroad"
	mobileZH = "手机号无效：境外号码请写成 +852-12345678；企业注册在境外时，大陆号码请写成 +86-…"
	quotaEN  = "the corp's monthly quota of calls is used up: buy more, or wait for the next month"
	quotaZH  = "企业本月的接口调用量已用完：请购买加量包，或等到下月"
)

// badCredentials is what a refusal of a token call means; see aboutCredentials.
var badCredentials = meaning{
	kind: fault.Credential, en: "DingTalk refuses the credentials: check client_id and client_secret in the developer console under 凭证与基础信息",
	zh: "钉钉拒绝该凭证：请在开发者后台“凭证与基础信息”中核对 client_id 与 client_secret",
}

// aboutCredentials tells whether a code at the token call can mean wrong
// credentials: not what passes by itself, an address that is not allowed, a ban
// or a quota that is used up.
func (m meaning) aboutCredentials(code string) bool {
	switch {
	case m.kind == fault.Limited, m.kind == fault.Unavailable, code == codeBadIP, code == codeIPList:
		return false
	default:
		return m.en != stopEN && m.en != quotaEN
	}
}

// busyCreating is -1 at user/create, which says one thing for two.
var busyCreating = meaning{
	kind: fault.Unavailable, en: "DingTalk is busy, or the corp may add nobody else this week or at all: see the headcount limits in the admin console",
	zh: "钉钉系统繁忙，或企业每周添加人数、总人数已达上限：请在管理后台查看人数限制",
}

// permissions names, by path, what a call needs.
var permissions = map[string]string{
	pathListSub:    "通讯录部门信息读权限 (qyapi_get_department_list)",
	pathDeptGet:    "通讯录部门信息读权限 (qyapi_get_department_list)",
	pathUserList:   "通讯录部门成员读权限 (qyapi_get_department_member)",
	pathListID:     "成员信息读权限 (qyapi_get_member)",
	pathUserGet:    "成员信息读权限 (qyapi_get_member)",
	pathUserCount:  "成员信息读权限 (qyapi_get_member)",
	pathScopes:     "调用企业API基础权限 (qyapi_base)",
	pathUserCreate: "通讯录数据管理权限 (qyapi_manage_addresslist)",
	pathUserUpdate: "通讯录数据管理权限 (qyapi_manage_addresslist)",
	pathUserDelete: "通讯录数据管理权限 (qyapi_manage_addresslist)",
	pathDeptCreate: "通讯录数据管理权限 (qyapi_manage_addresslist)",
	pathDeptUpdate: "通讯录数据管理权限 (qyapi_manage_addresslist)",
	pathDeptDelete: "通讯录数据管理权限 (qyapi_manage_addresslist)",
	pathDisable:    "企业账号安全管理权限 (Contact.OrgAccountSecurity.ReadWrite)",
	pathEnable:     "企业账号安全管理权限 (Contact.OrgAccountSecurity.ReadWrite)",
}

// meanings is the vendor's table of codes, as far as these calls meet it. Codes
// of the new interface stand without "Forbidden.AccessDenied.".
var meanings = map[string]meaning{
	codeBusy: {fault.Unavailable, "DingTalk is busy", "钉钉系统繁忙", 0},

	codeQPS:                   {fault.Limited, "too many calls a second of this app", "该应用每秒调用次数超限", time.Second},
	"QpsLimitForAppkeyAndApi": {fault.Limited, "too many calls a second of this app", "该应用每秒调用次数超限", time.Second},
	"QpmLimitForAppkeyAndApi": {fault.Limited, "too many calls a minute of this app", "该应用每分钟调用次数超限", 20 * time.Second},
	codeAPIQPS:                {fault.Limited, "DingTalk limits this interface for everybody", "钉钉对该接口整体限流", 0},
	"QpsLimitForApi":          {fault.Limited, "DingTalk limits this interface for everybody", "钉钉对该接口整体限流", 0},
	"90020":                   {fault.Credential, quotaEN, quotaZH, 0},
	"ApiCountLimitForOrg":     {fault.Credential, quotaEN, quotaZH, 0},
	"90001":                   {fault.Credential, stopEN, stopZH, 0},
	"90003":                   {fault.Credential, stopEN, stopZH, 0},
	"90004":                   {fault.Credential, stopEN, stopZH, 0},
	"90005":                   {fault.Credential, stopEN, stopZH, 0},
	"90006":                   {fault.Credential, stopEN, stopZH, 0},
	"90007":                   {fault.Credential, stopEN, stopZH, 0},
	"90008":                   {fault.Credential, stopEN, stopZH, 0},
	"90009":                   {fault.Credential, stopEN, stopZH, 0},
	"90010":                   {fault.Credential, stopEN, stopZH, 0},
	"90011":                   {fault.Credential, stopEN, stopZH, 0},
	"90012":                   {fault.Credential, stopEN, stopZH, 0},
	"90013":                   {fault.Credential, stopEN, stopZH, 0},
	"90014":                   {fault.Credential, stopEN, stopZH, 0},
	"90015":                   {fault.Credential, stopEN, stopZH, 0},
	"90016":                   {fault.Credential, stopEN, stopZH, 0},
	"90017":                   {fault.Credential, stopEN, stopZH, 0},

	"40001":                   {fault.Credential, tokenEN, tokenZH, 0},
	codeBadToken:              {fault.Credential, tokenEN, tokenZH, 0},
	"42001":                   {fault.Credential, tokenEN, tokenZH, 0},
	"41001":                   {fault.Credential, "the token was lost on the way: check proxies before oapi_url", "请求缺少 access_token：请检查代理", 0},
	codeUnauthorized:          {fault.Credential, tokenEN, tokenZH, 0},
	"invalidClientIdOrSecret": badCredentials,
	codeNoGrant:               {fault.Credential, grantEN, grantZH, 0},
	codeMayNot:                {fault.Credential, grantEN, grantZH, 0},
	codeNoScope:               {fault.Credential, grantEN, grantZH, 0},
	codeBadIP:                 {fault.Credential, ipEN, ipZH, 0},
	codeIPList:                {fault.Credential, ipEN, ipZH, 0},

	"50002": {fault.Denied, "the member is outside the app's scope: widen it under 权限管理 → 权限范围 to 全部员工", "成员不在应用的授权范围内：请在“权限管理 → 权限范围”中改为全部员工", 0},
	"50004": {fault.Denied, "the department is outside the app's scope: widen it under 权限管理 → 权限范围 to 全部员工", "部门不在应用的授权范围内：请在“权限管理 → 权限范围”中改为全部员工", 0},

	"40100": {fault.Conflict, "the extension number belongs to another member", "分机号已属于另一成员", 0},
	"40101": {fault.Conflict, "the mail address belongs to another member", "邮箱已属于另一成员", 0},
	"60102": {fault.Conflict, "the userid exists already", "userid 已存在", 0},
	"60104": {fault.Conflict, "the mobile number belongs to another member", "手机号已属于另一成员", 0},
	"60106": {fault.Conflict, "the mail address belongs to another member", "邮箱已属于另一成员", 0},
	"60016": {fault.Conflict, "a department with that identifier exists already", "相同标识的部门已存在", 0},
	codeSameName: {
		fault.Conflict, "a department of that name exists already below the same parent",
		"上级部门下已有同名部门", 0,
	},
	"60005": {fault.Conflict, "the department still has members", "部门下仍有成员", 0},
	"60006": {fault.Conflict, "the department still has departments below it", "部门下仍有子部门", 0},
	"60007": {fault.Denied, "the root department cannot be deleted", "根部门不能删除", 0},
	"60018": {fault.Denied, "the root department cannot be changed", "根部门不能修改", 0},
	"60120": {fault.Denied, "the account is disabled: enable it first", "账号已停用：请先启用", 0},

	codeInvited: {
		fault.NotFound, "DingTalk has invited the person, who has to accept first (in DingTalk: 团队邀请): nothing failed; the account is there once it is accepted",
		"钉钉已发出邀请，等待本人在钉钉的“团队邀请”中同意：并非失败，同意之后账号才会出现", 0,
	},
	codeNoUser: {
		fault.NotFound, "there is no such member: never added, left, of another corp, or invited and not yet in",
		"找不到该成员：未加入、已离职、不属于本企业，或受邀后尚未同意", 0,
	},
	"60111":      {fault.NotFound, "the member does not exist", "成员不存在", 0},
	"33012":      {fault.NotFound, "there is no member with that userid", "userid 无效", 0},
	codeNoDept:   {fault.NotFound, "the department does not exist", "部门不存在", 0},
	codeNoParent: {fault.Invalid, "the parent department does not exist", "上级部门不存在", 0},

	"40022": {
		fault.Unsupported, "DingTalk does not let apps change a mobile number: the person changes it in DingTalk, or an admin deletes and adds the member again",
		"钉钉不允许应用修改手机号：请本人在钉钉中更换，或由管理员删除后重新添加", 0,
	},
	"12150": {
		fault.Unsupported, "smart HR manages positions in this corp: change title and department in 智能人事, or switch its position management off",
		"企业已开启智能人事职位管理：职位与部门请在“智能人事”中调整，或关闭职位管理", 0,
	},
	codeOrdinary: {
		fault.Unsupported, "DingTalk can disable enterprise accounts only, not this ordinary one",
		"钉钉只能停用企业账号，不能停用普通账号", 0,
	},

	codeBadDept: {fault.Invalid, "the department id is not valid (-7 is the school's book, which is not kept here)", "部门 ID 无效（-7 为家校通讯录，不在此管理）", 0},
	"40031":     {fault.Invalid, "one of the userids is not valid", "userid 列表中有无效项", 0},
	"40035":     {fault.Invalid, "a parameter is not valid", "参数不合法", 0},
	"400002":    {fault.Invalid, "a parameter is missing or not valid", "参数缺失或无效", 0},
	"40066":     {fault.Invalid, "one of the departments does not exist", "部门列表中有不存在的部门", 0},
	"40068":     {fault.Invalid, "the place in the listing is not valid", "分页偏移量无效", 0},
	"40069":     {fault.Invalid, "the page size is not valid (1 to 100)", "分页大小无效（1 到 100）", 0},
	"40104":     {fault.Invalid, mobileEN, mobileZH, 0},
	"60103":     {fault.Invalid, mobileEN, mobileZH, 0},
	"60001":     {fault.Invalid, "the department's name is empty or longer than 64 characters", "部门名称为空或超过 64 字", 0},
	"60009":     {fault.Invalid, "the department's name has a forbidden character: - , ，", "部门名称含禁用字符：- , ，", 0},
	"60022":     {fault.Invalid, "the department's name has a word that DingTalk does not allow", "部门名称含敏感词", 0},
	"60010":     {fault.Invalid, "a department cannot be below itself", "部门不能移动到自己的下级", 0},
	"60128":     {fault.Invalid, "the manager does not exist, or is not in the department", "主管不存在，或不在该部门", 0},
	"60019":     {fault.Unavailable, "DingTalk could not list the department's members", "钉钉未能列出部门成员", 0},
	"22":        {fault.Invalid, "DingTalk does not know the call: check oapi_url", "钉钉不认识该接口：请检查 oapi_url", 0},
}
