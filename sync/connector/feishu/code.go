package feishu

import (
	"slices"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// meaning is what some codes mean.
type meaning struct {
	codes []int
	verdict
}

// verdictOf knows the vendor's codes for contacts and for every API. Sources:
// the error tables of the contact pages and the page of generic error codes.
func verdictOf(code int) (verdict, bool) {
	for _, table := range []func() []meaning{
		gatewayCodes, takenCodes, rangeCodes, stateCodes, returnCodes, userCodes, placeCodes, customCodes, departmentCodes, quotaCodes,
	} {
		for _, m := range table() {
			if slices.Contains(m.codes, code) {
				return m.verdict, true
			}
		}
	}
	return verdict{}, false
}

// gatewayCodes know what the gateway says before the call is served.
func gatewayCodes() []meaning {
	return []meaning{
		{[]int{99991400}, verdict{fault.Limited, "飞书要求放慢，稍后会再试", "Feishu asks to slow down: it is tried again later"}},
		{[]int{99991672}, verdict{
			fault.Credential,
			"飞书应用缺少权限，请在开放平台“权限管理”开通其中一项并发布新版本（缺 contact:user.employee_id:readonly 时也可把 user_id_type 配成 open_id）",
			"the Feishu app lacks a permission: grant one of these under Permissions & Scopes and publish a version " +
				"(without contact:user.employee_id:readonly, user_id_type: open_id works too)",
		}},
		{[]int{99991676}, verdict{fault.Credential, "飞书令牌没有该权限，请在“权限管理”开通并发布新版本", "the Feishu token lacks the permission: grant it and publish a version"}},
		{[]int{99991661, 99991663, 99991664, 99991671}, verdict{fault.Credential, "飞书不接受刚换的令牌，请核对 app_id、app_secret 和 base_url", "Feishu rejects even a new token: check app_id, app_secret and base_url"}},
		{[]int{99991401}, verdict{fault.Credential, "本机出口 IP 不在飞书应用的 IP 白名单，请在“安全设置”里加上", "our address is not on the Feishu app's IP allowlist: add it under Security Settings"}},
		{[]int{10014, 99991662}, verdict{fault.Credential, "飞书应用已停用，请在管理后台启用", "the Feishu app is disabled: enable it in the admin console"}},
		{[]int{99991673}, verdict{fault.Credential, "飞书应用还没有在企业内安装，请发布版本并由管理员审核", "the Feishu app is not installed in the tenant: publish a version and let an administrator approve it"}},
		{[]int{99992351, 99992352, 99992353, 99992359, 99992360}, verdict{fault.NotFound, "飞书里没有这个人，请重新发起计划", "Feishu has no such user: plan again"}},
		{[]int{99992357, 99992358, 99992379, 99992380}, verdict{fault.NotFound, "飞书里没有这个部门，请重新发起计划", "Feishu has no such department: plan again"}},
		{[]int{99992361, 99992362, 99992363, 99992364, 99992381}, verdict{fault.Invalid, "这个编号属于别的应用或别的企业，请核对 app_id 和 user_id_type", "the id belongs to another app or tenant: check app_id and user_id_type"}},
		{[]int{99992402, 40001, 9499}, verdict{fault.Invalid, "飞书不接受请求里的字段，请核对映射", "Feishu does not accept a field of the request: check the mapping"}},
		{[]int{40009, 40011, 40012, 40040}, verdict{fault.Invalid, "飞书不接受分页标记，请稍后再读", "Feishu does not accept the page token: read again later"}},
		{[]int{40003, 41027, 44049}, verdict{fault.Unavailable, "飞书内部出错，请稍后再试", "Feishu failed inside: try again later"}},
		{[]int{44025, 43024, 43030}, verdict{fault.Unavailable, "飞书正在处理同一处的别的修改，请稍后再试", "Feishu is busy with another change of the same place: try again later"}},
		{[]int{44042}, verdict{fault.Unavailable, "账号正在恢复，请稍后再试", "the account is being restored: try again later"}},
	}
}

// takenCodes know what exists already.
func takenCodes() []meaning {
	return []meaning{
		{[]int{41001}, verdict{fault.Conflict, "手机号已被别的账号使用，请在飞书或来源里改正其中一个（mobile）", "the mobile number belongs to another account: correct one of them, in Feishu or in the source (mobile)"}},
		{[]int{41002}, verdict{fault.Conflict, "邮箱已被别的账号使用，请在飞书或来源里改正其中一个（email）", "the mail address belongs to another account: correct one of them, in Feishu or in the source (email)"}},
		{[]int{41003}, verdict{
			fault.Conflict, "手机号和邮箱分属两个飞书账号，请换一个手机号或邮箱，或先注销其中一个账号",
			"mobile number and mail address belong to two accounts: use another one of them, or close one of the accounts first",
		}},
		{[]int{41011}, verdict{fault.Conflict, "user_id 已存在，请认领该账号或换一个 user_id", "the user_id exists already: adopt that account, or use another user_id"}},
		{[]int{41053}, verdict{fault.Conflict, "账号已存在，请认领该账号，或核对手机号和邮箱", "the account exists already: adopt it, or check mobile number and mail address"}},
		{[]int{41034, 44024}, verdict{fault.Conflict, "企业邮箱已被占用，请换一个（enterprise_email）", "the enterprise mail address is taken: use another one (enterprise_email)"}},
		{[]int{41069}, verdict{fault.Conflict, "企业邮箱还在回收站，请管理员先清除或换一个（enterprise_email）", "the enterprise mail address is in the recycle bin: let an administrator remove it there, or use another one (enterprise_email)"}},
		{[]int{44051}, verdict{fault.Conflict, "工号已存在，请在飞书或来源里改正其中一个（employee_no）", "the employee number exists already: correct one of them, in Feishu or in the source (employee_no)"}},
		{[]int{40021}, verdict{fault.Conflict, "同一幂等标记曾用于别的内容，请重新发起一次计划", "the idempotency token was used for something else: plan again"}},
		{[]int{43000, 43007}, verdict{fault.Conflict, "部门编号已存在，请认领该部门或换一个编号", "the department id exists already: adopt that department, or use another id"}},
		{[]int{40018, 43018, 43022}, verdict{fault.Conflict, "同一上级下已有同名部门，请认领它或改名（name）", "a sibling department has that name: adopt it, or use another name (name)"}},
		{[]int{43005}, verdict{fault.Conflict, "部门排序重复，请换一个数字（order）", "the department order is taken: use another number (order)"}},
		{[]int{43011}, verdict{fault.Conflict, "部门里还有成员，不能删除，请先移走他们", "the department still has members and cannot be deleted: move them away first"}},
		{[]int{43012}, verdict{fault.Conflict, "部门下还有子部门，不能删除，请先删除或移走它们", "the department still has sub-departments and cannot be deleted: delete or move them first"}},
	}
}

// rangeCodes know what is out of the app's reach.
func rangeCodes() []meaning {
	return []meaning{
		{[]int{40004, 40014}, verdict{
			fault.Denied, "部门不在应用的通讯录权限范围，请在“权限管理”的数据权限里扩大范围并发布新版本",
			"the department is outside the app's contact range: widen it under data permissions and publish a version",
		}},
		{[]int{41050}, verdict{
			fault.Denied, "成员不在应用的通讯录权限范围，请在“权限管理”的数据权限里扩大范围并发布新版本",
			"the user is outside the app's contact range: widen it under data permissions and publish a version",
		}},
		{[]int{41056}, verdict{fault.Denied, "应用没有该字段的权限，请在“权限管理”开通并发布新版本，或从映射中去掉它", "the app has no permission for the field: grant it and publish a version, or take the field out of the mapping"}},
		{[]int{44050}, verdict{fault.Denied, "应用不能分配席位，请在“权限管理”开通“分配用户席位”并发布新版本", "the app may not assign seats: grant the permission to assign user seats and publish a version"}},
		{[]int{40002}, verdict{fault.Denied, "不能修改根部门，请从流程范围中去掉它", "the root department cannot be changed: take it out of the flow"}},
	}
}

// stateCodes know what the state of an account forbids.
func stateCodes() []meaning {
	return []meaning{
		{[]int{42006}, verdict{fault.NotFound, "成员已离职，请重新发起计划", "the user has resigned: plan again"}},
		{[]int{44011}, verdict{fault.NotFound, "成员已退出企业，请重新邀请", "the user has left the tenant: invite them again"}},
		{[]int{44010}, verdict{fault.Denied, "成员还没有接受邀请加入企业，加入之前不能修改，请提醒本人", "the user has not accepted the invitation, and cannot be changed before: remind them"}},
		{[]int{44036}, verdict{fault.Denied, "企业创建者不能暂停，请先转移创建者身份，或把此人列为受保护账号", "the tenant's founder cannot be frozen: transfer the ownership first, or protect this account in the flow"}},
		{[]int{44037}, verdict{fault.Denied, "企业管理员不能删除，请先撤销其管理员身份", "a tenant administrator cannot be deleted: take the role away first"}},
		{[]int{44041}, verdict{fault.Denied, "账号信息已匿名，不能再修改，请从流程中去掉", "the account was made anonymous and cannot be changed any more: take it out of the flow"}},
		{[]int{41052}, verdict{fault.Invalid, "交接人无效，请核对 acceptor", "the acceptor is not valid: check acceptor"}},
	}
}

// returnCodes know why a deleted account cannot be brought back. Source: the page
// of POST /contact/v3/users/:user_id/resurrect.
func returnCodes() []meaning {
	return []meaning{
		{[]int{44028}, verdict{fault.Denied, "离职已超过 30 天，不能恢复，请新建账号", "the account was deleted more than 30 days ago and cannot be brought back: create a new one"}},
		{[]int{44029}, verdict{
			fault.Denied, "企业没有开通恢复成员的接口（专业版以上，需联系飞书技术支持），请开通或去掉 resurrect",
			"the tenant may not bring accounts back (it takes a professional edition, and Feishu's support): ask for it, or take resurrect away",
		}},
		{[]int{44030}, verdict{fault.Conflict, "不能恢复：手机号现在属于别人，请先改掉那个账号的手机号（mobile）", "cannot be brought back, its mobile number belongs to somebody else now: change that account's first (mobile)"}},
		{[]int{44031}, verdict{fault.Conflict, "不能恢复：邮箱现在属于别人，请先改掉那个账号的邮箱（email）", "cannot be brought back, its mail address belongs to somebody else now: change that account's first (email)"}},
		{[]int{44032}, verdict{fault.Conflict, "不能恢复：user_id 现在属于别人，请换一个 user_id 新建", "cannot be brought back, its user_id belongs to somebody else now: create it with another user_id"}},
		{[]int{44033}, verdict{fault.Conflict, "账号没有离职，不用恢复，请重新发起计划", "the account has not resigned and need not be brought back: plan again"}},
		{[]int{44034}, verdict{fault.Denied, "离职还在处理，最多 48 小时，之后的运行会再试", "the deletion is still at work, for up to 48 hours: a later run tries again"}},
	}
}
