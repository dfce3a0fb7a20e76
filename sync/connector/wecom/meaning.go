package wecom

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

// meanings is the vendor's table of global error codes, as far as these calls
// meet it.
var meanings = map[int]meaning{
	codeBusy: {fault.Unavailable, "WeCom is busy", "企业微信系统繁忙", 0},
	6000:     {fault.Unavailable, "someone else is changing the contacts at the same time", "有人同时在修改通讯录", 0},
	45033:    {fault.Limited, "too many calls at once", "并发调用超限", time.Second},
	codeQuota: {
		fault.Limited, "WeCom's quota is used up, wait a minute",
		"企业微信调用频率超限，请稍候", quotaWindow,
	},

	codeBadSecret: {
		fault.Credential, "WeCom refuses the secret: check corp_id and the secret in the admin console, then restart Rollcall",
		"企业微信拒绝该 Secret：请在管理后台核对 corp_id 与 Secret，然后重启点名", 0,
	},
	codeBadCorpID:    {fault.Credential, "corp_id is wrong: see 我的企业 → 企业信息 in the admin console, then restart Rollcall", "corp_id 有误：见管理后台“我的企业 → 企业信息”，修改后重启点名", 0},
	codeBadToken:     {fault.Credential, "WeCom refuses a fresh token: check that base_url is the vendor's", "企业微信拒绝刚取得的 access_token：请检查 base_url", 0},
	codeTokenExpired: {fault.Credential, "WeCom refuses a fresh token as expired: check that base_url is the vendor's", "刚取得的 access_token 即被判过期：请检查 base_url", 0},
	codeBadSecretID:  {fault.Credential, "the secret is not valid: copy it again from the admin console, then restart Rollcall", "Secret 无效：请从管理后台重新复制，然后重启点名", 0},
	41001:            {fault.Credential, "the token was lost on the way: check proxies before base_url", "请求缺少 access_token：请检查代理", 0},
	codeNoCorpID:     {fault.Credential, "corp_id is empty: set it and restart Rollcall", "corp_id 为空：请填写后重启点名", 0},
	codeNoSecret:     {fault.Credential, "the secret is empty: set it and restart Rollcall", "Secret 为空：请填写后重启点名", 0},
	48001:            {fault.Credential, "the API is not open to this secret: use the secret of 通讯录同步 as contacts_secret", "该 Secret 无权调用此接口：contacts_secret 请使用“通讯录同步”的 Secret", 0},
	48002: {
		fault.Credential, "wrong kind of secret, or editing by API is off: use the secret of 通讯录同步 and switch on API 编辑通讯录",
		"Secret 类型不对，或未开启 API 编辑：请使用“通讯录同步”的 Secret，并开启“API 编辑通讯录”", 0,
	},
	48004:      {fault.Credential, "the API was withdrawn from this corp: see the admin console's notices", "接口权限被收回：请查看管理后台通知", 0},
	48006:      {fault.Credential, "this secret may not call the API: check the app's permissions", "该 Secret 无权调用此接口：请检查应用权限", 0},
	codeNoRead: {fault.Credential, "this secret may edit but not read: set app_secret of a self-built app", "该 Secret 只能编辑不能读取：请配置自建应用的 app_secret", 0},
	codeNewIP: {
		fault.Credential, "the contacts secret may not read details from this address: set app_secret of a self-built app",
		"通讯录同步 Secret 在此 IP 上不能读取成员详情：请配置自建应用的 app_secret", 0,
	},
	50003:           {fault.Credential, "the app is switched off: switch it on in the admin console", "应用已停用：请在管理后台启用", 0},
	codeUntrustedIP: {fault.Credential, "this server's address is not trusted: add it to 企业可信IP", "服务器出口 IP 不在可信名单：请加入“企业可信IP”", 0},
	60031:           {fault.Credential, "the domain is not verified: finish it in the admin console", "域名未验证：请在管理后台完成验证", 0},
	301002:          {fault.Credential, "the app may not do that: check the app's permissions", "应用无权进行该操作：请检查应用权限", 0},

	60102: {fault.Conflict, "the userid exists already", "userid 已存在", 0},
	60008: {fault.Conflict, "a department of that name or id exists already", "同名或同 ID 的部门已存在", 0},
	60104: {fault.Conflict, "the mobile number belongs to another member", "手机号已属于另一成员", 0},
	60106: {fault.Conflict, "the mail address belongs to another member", "邮箱已属于另一成员", 0},
	60143: {fault.Conflict, "the business mail address is not valid or taken", "企业邮箱无效或已被占用", 0},
	60145: {fault.Conflict, "the business mail address belongs to another member", "企业邮箱已属于另一成员", 0},
	60005: {fault.Conflict, "the department still has members", "部门下仍有成员", 0},
	60006: {fault.Conflict, "the department still has departments below it", "部门下仍有子部门", 0},

	codeUserMissing:  {fault.NotFound, "the member does not exist", "成员不存在", 0},
	codeNoSuchUser:   {fault.NotFound, "the member does not exist", "成员不存在", 0},
	codeBadUserID:    {fault.NotFound, "there is no member with that userid", "userid 无效或不存在", 0},
	codeNoDepartment: {fault.NotFound, "the department does not exist", "部门不存在", 0},
	codeBadParty:     {fault.NotFound, "the department does not exist", "部门不存在", 0},
	codeNoParent:     {fault.NotFound, "the parent department does not exist", "上级部门不存在", 0},
	codeBadParent:    {fault.NotFound, "the parent department does not exist", "上级部门不存在", 0},
	codeBadPartyList: {fault.NotFound, "one of the departments does not exist", "部门列表中有不存在的部门", 0},

	60001:  {fault.Invalid, "the department's name is empty or too long", "部门名称为空或过长", 0},
	60002:  {fault.Invalid, "the tree of departments is too deep (15 levels)", "部门层级过深（最多 15 层）", 0},
	60009:  {fault.Invalid, `the department's name has a forbidden character: \ : * ? " < > |`, `部门名称含禁用字符：\ : * ? " < > |`, 0},
	60125:  {fault.Invalid, `the department's name is too long or has a forbidden character: \ : * ? " < > |`, `部门名称过长或含禁用字符：\ : * ? " < > |`, 0},
	60010:  {fault.Invalid, "a department cannot be below itself", "部门不能移动到自己的下级", 0},
	60110:  {fault.Invalid, "the member is in too many departments", "成员所属部门过多", 0},
	60127:  {fault.Invalid, "the member has no department", "成员没有所属部门", 0},
	60132:  {fault.Invalid, "the leader flags do not fit the departments", "is_leader_in_dept 与部门数量不符", 0},
	40031:  {fault.Invalid, "one of the userids is not valid", "userid 列表中有无效项", 0},
	40032:  {fault.Invalid, "the list of userids is too long", "userid 列表过长", 0},
	40033:  {fault.Invalid, "the text has characters that WeCom refuses", "文本含企业微信拒绝的字符", 0},
	40035:  {fault.Invalid, "a parameter is not valid", "参数无效", 0},
	40058:  {fault.Invalid, "a parameter is not valid", "参数无效", 0},
	40063:  {fault.Invalid, "a parameter is empty", "参数为空", 0},
	60103:  {fault.Invalid, "the mobile number is not valid", "手机号无效", 0},
	60105:  {fault.Invalid, "the mail address is not valid", "邮箱无效", 0},
	60112:  {fault.Invalid, "the name is empty, too long or not valid", "姓名为空、过长或无效", 0},
	60129:  {fault.Invalid, "mobile and email are both empty: one is needed", "手机号和邮箱不能同时为空", 0},
	60141:  {fault.Invalid, "an address of the member is not valid", "成员资料中的地址无效", 0},
	60144:  {fault.Invalid, "the business mail address cannot be changed by API", "企业邮箱不能通过接口修改", 0},
	301012: {fault.Invalid, "the position is too long (128 characters)", "职务过长（最多 128 字）", 0},
	301036: {fault.Invalid, "the userid cannot be changed", "userid 不能修改", 0},

	codeOutOfScope: {fault.Denied, "the object is outside our scope: widen 可见范围 or the management right", "对象不在权限范围内：请扩大可见范围或管理权限", 0},
	50002:          {fault.Denied, "the member is outside our scope: widen 可见范围", "成员不在权限范围内：请扩大可见范围", 0},
	60021:          {fault.Denied, "the member is outside the app's scope: widen 可见范围", "成员不在应用可见范围内：请扩大可见范围", 0},
	60030:          {fault.Denied, "the department is outside our scope: widen 可见范围", "部门不在权限范围内：请扩大可见范围", 0},
	60007:          {fault.Denied, "the root department cannot be deleted", "根部门不能删除", 0},
	301005:         {fault.Denied, "the creator of the corp cannot be deleted", "企业创建者不能删除", 0},
	45024:          {fault.Denied, "the corp has as many members as it may: raise the headcount with WeCom", "企业人数已达上限：请向企业微信申请扩容", 0},
	45026:          {fault.Denied, "WeCom's own guard refuses so many deletions", "企业微信自身的删除保护拒绝了该操作", 0},

	codeReplySize: {fault.Unavailable, "the listing is too large for one answer", "列表过大，无法一次返回", 0},
	codeBadCursor: {fault.Unavailable, "WeCom lost our place in the listing", "企业微信的翻页游标失效", 0},
}
