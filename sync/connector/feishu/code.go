package feishu

import "github.com/rollcallhq/rollcall/sync/fault"

// verdictOf knows the vendor's codes for contacts and for every API. Sources:
// the error tables of the contact pages and the page of generic error codes.
func verdictOf(code int) (verdict, bool) {
	for _, table := range []func(int) verdict{gatewayCode, takenCode, rangeCode, stateCode, userCode, departmentCode, quotaCode} {
		if v := table(code); v.kind != "" {
			return v, true
		}
	}
	return verdict{}, false
}

// gatewayCode knows what the gateway says before the call is served.
func gatewayCode(code int) verdict {
	switch code {
	case 99991400:
		return verdict{fault.Limited, "飞书要求放慢", "Feishu asks to slow down"}
	case 99991672:
		return verdict{
			fault.Credential,
			"飞书应用缺少权限，请在开放平台“权限管理”开通其中一项并发布新版本（缺 contact:user.employee_id:readonly 时也可把 user_id_type 配成 open_id）",
			"the Feishu app lacks a permission: grant one of these under Permissions & Scopes and publish a version " +
				"(without contact:user.employee_id:readonly, user_id_type: open_id works too)",
		}
	case 99991676:
		return verdict{fault.Credential, "飞书令牌没有该权限，请在“权限管理”开通并发布新版本", "the Feishu token lacks the permission: grant it and publish a version"}
	case 99991661, 99991663, 99991664, 99991671:
		return verdict{fault.Credential, "飞书不接受刚换的令牌，请核对 app_id、app_secret 和 base_url", "Feishu rejects even a new token: check app_id, app_secret and base_url"}
	case 99991401:
		return verdict{fault.Credential, "本机出口 IP 不在飞书应用的 IP 白名单，请在“安全设置”里加上", "our address is not on the Feishu app's IP allowlist: add it under Security Settings"}
	case 10014, 99991662:
		return verdict{fault.Credential, "飞书应用已停用，请在管理后台启用", "the Feishu app is disabled: enable it in the admin console"}
	case 99991673:
		return verdict{fault.Credential, "飞书应用还没有在企业内发布安装", "the Feishu app is not installed in the tenant"}
	case 99992351, 99992352, 99992353, 99992359, 99992360:
		return verdict{fault.NotFound, "飞书里没有这个人", "Feishu has no such user"}
	case 99992357, 99992358, 99992379, 99992380:
		return verdict{fault.NotFound, "飞书里没有这个部门", "Feishu has no such department"}
	case 99992361, 99992362, 99992363, 99992364, 99992381:
		return verdict{fault.Invalid, "这个编号属于别的应用或别的企业，请核对 app_id 和 user_id_type", "the id belongs to another app or tenant: check app_id and user_id_type"}
	case 99992402, 40001, 9499:
		return verdict{fault.Invalid, "飞书不接受请求里的字段", "Feishu does not accept a field of the request"}
	case 40009, 40011, 40012, 40040:
		return verdict{fault.Invalid, "飞书不接受分页标记", "Feishu does not accept the page token"}
	case 40003, 41027, 44042, 44034:
		return verdict{fault.Unavailable, "飞书内部出错，请稍后再试", "Feishu failed inside: try again later"}
	case 44025, 43024, 43030:
		return verdict{fault.Unavailable, "飞书正在处理同一处的别的修改，请稍后再试", "Feishu is busy with another change of the same place: try again later"}
	}
	return verdict{}
}

// takenCode knows what exists already.
func takenCode(code int) verdict {
	switch code {
	case 41001, 44031:
		return verdict{fault.Conflict, "手机号已被别的账号使用", "the mobile number belongs to another account"}
	case 41002, 44032:
		return verdict{fault.Conflict, "邮箱已被别的账号使用", "the mail address belongs to another account"}
	case 41003:
		return verdict{fault.Conflict, "手机号和邮箱分属两个账号", "mobile number and mail address belong to two accounts"}
	case 41011, 44030:
		return verdict{fault.Conflict, "user_id 已存在", "the user_id exists already"}
	case 41053:
		return verdict{fault.Conflict, "账号已存在", "the account exists already"}
	case 44024:
		return verdict{fault.Conflict, "企业邮箱已被占用", "the enterprise mail address is taken"}
	case 44051:
		return verdict{fault.Conflict, "工号已存在", "the employee number exists already"}
	case 40021:
		return verdict{fault.Conflict, "同一幂等标记曾用于别的内容", "the idempotency token was used for something else"}
	case 43000, 43007:
		return verdict{fault.Conflict, "部门编号已存在", "the department id exists already"}
	case 40018, 43018, 43022:
		return verdict{fault.Conflict, "同一上级下已有同名部门", "a sibling department has that name"}
	case 43005:
		return verdict{fault.Conflict, "部门排序重复", "the department order is taken"}
	case 43011:
		return verdict{fault.Conflict, "部门里还有成员，不能删除", "the department still has members and cannot be deleted"}
	case 43012:
		return verdict{fault.Conflict, "部门下还有子部门，不能删除", "the department still has sub-departments and cannot be deleted"}
	}
	return verdict{}
}

// rangeCode knows what is out of the app's reach.
func rangeCode(code int) verdict {
	switch code {
	case 40004, 40014:
		return verdict{
			fault.Denied, "部门不在应用的通讯录权限范围，请在“权限管理”的数据权限里扩大范围并发布新版本",
			"the department is outside the app's contact range: widen it under data permissions and publish a version",
		}
	case 41050:
		return verdict{
			fault.Denied, "成员不在应用的通讯录权限范围，请在“权限管理”的数据权限里扩大范围并发布新版本",
			"the user is outside the app's contact range: widen it under data permissions and publish a version",
		}
	case 41056, 44050:
		return verdict{fault.Denied, "应用没有该字段的权限", "the app has no permission for the field"}
	case 40002:
		return verdict{fault.Denied, "不能修改根部门", "the root department cannot be changed"}
	}
	return verdict{}
}

// stateCode knows what the state of an account forbids.
func stateCode(code int) verdict {
	switch code {
	case 42006:
		return verdict{fault.NotFound, "成员已离职", "the user has resigned"}
	case 44011:
		return verdict{fault.NotFound, "成员已退出企业", "the user has left the tenant"}
	case 44010:
		return verdict{fault.Denied, "成员还没有接受邀请加入企业，加入之前不能修改", "the user has not accepted the invitation: no change is possible before"}
	case 44036:
		return verdict{fault.Denied, "企业创建者不能暂停", "the tenant's founder cannot be frozen"}
	case 44037:
		return verdict{fault.Denied, "企业管理员不能删除，请先撤销其管理员身份", "a tenant administrator cannot be deleted: take the role away first"}
	case 41052:
		return verdict{fault.Invalid, "交接人无效，请核对 acceptor", "the acceptor is not valid: check acceptor"}
	case 44028, 44029, 44033:
		return verdict{fault.Denied, "成员不能恢复", "the user cannot be brought back"}
	}
	return verdict{}
}

// userCode knows what is wrong with a value of a user.
func userCode(code int) verdict {
	switch code {
	case 41004:
		return verdict{fault.Invalid, "手机号缺失或格式不对（mobile）", "the mobile number is missing or malformed (mobile)"}
	case 41005:
		return verdict{fault.Invalid, "邮箱格式不对（email）", "the mail address is malformed (email)"}
	case 41006, 41040:
		return verdict{fault.Invalid, "姓名缺失、过长或含有不允许的字符（name）", "the name is missing, too long or holds a forbidden character (name)"}
	case 41009, 41010, 41012:
		return verdict{fault.Invalid, "user_id 不合规：1–64 个字符，不含空格", "the user_id is not valid: 1 to 64 characters without spaces"}
	case 41017, 41041:
		return verdict{fault.Invalid, "部门不存在（departments）", "the department does not exist (departments)"}
	case 41033:
		return verdict{fault.Invalid, "部门超过 50 个（departments）", "more than 50 departments (departments)"}
	case 41028, 41029, 41032:
		return verdict{fault.Invalid, "企业没有开启多部门（departments）", "the tenant does not allow several departments (departments)"}
	case 41025, 41410, 44002:
		return verdict{fault.Invalid, "部门排序不合规（departments）", "the order of departments is not valid (departments)"}
	case 41030, 44021, 44022:
		return verdict{fault.Invalid, "上级是本人、不存在或不在权限范围（manager）", "the leader is the user, does not exist or is out of range (manager)"}
	case 41044, 41045, 41046, 41047, 41048:
		return verdict{fault.Invalid, "自定义字段不合规：文本不超过 100 个字符", "a custom field is not valid: text of at most 100 characters"}
	case 41057, 41059:
		return verdict{fault.Invalid, "人员类型缺失或不存在（employee_type）", "the employee type is missing or unknown (employee_type)"}
	case 44019:
		return verdict{fault.Invalid, "未认证企业只接受 +86 手机号（mobile）", "a tenant that is not verified takes +86 numbers only (mobile)"}
	case 44020:
		return verdict{fault.Invalid, "境外手机号还需要邮箱（email）", "a mobile number from abroad needs a mail address too (email)"}
	case 41031, 41036, 41038, 41042, 41043, 41060, 41063, 41070, 41071, 41072, 44006, 44007, 44008, 44035:
		return verdict{fault.Invalid, "飞书不接受成员的某个值", "Feishu does not accept a value of the user"}
	}
	return verdict{}
}

// departmentCode knows what is wrong with a value of a department.
func departmentCode(code int) verdict {
	switch code {
	case 43008:
		return verdict{fault.Invalid, "部门名称缺失或过长（name）", "the department's name is missing or too long (name)"}
	case 43029:
		return verdict{fault.Invalid, "部门名称不能含有 /（name）", "the department's name must not hold / (name)"}
	case 43013:
		return verdict{fault.Invalid, "上级部门的子部门超过 1000 个（parent）", "the parent has 1000 sub-departments already (parent)"}
	case 43016:
		return verdict{fault.Invalid, "上级不能是自己或自己的下级（parent）", "the parent is the department itself or lies below it (parent)"}
	case 43019:
		return verdict{fault.Invalid, "部门层级超过 25（parent）", "the tree would be deeper than 25 (parent)"}
	case 43025, 43026:
		return verdict{fault.Invalid, "飞书不接受部门的某个值", "Feishu does not accept a value of the department"}
	}
	return verdict{}
}

// quotaCode knows what the tenant has no room for.
func quotaCode(code int) verdict {
	switch code {
	case 41007, 41008, 44023, 44046, 44047, 44048:
		return verdict{fault.Denied, "企业的席位已用完，请在管理后台增加席位", "the tenant has no seat left: add seats in the admin console"}
	case 41016:
		return verdict{fault.Invalid, "部门人数已满（departments）", "the department is full (departments)"}
	case 44004:
		return verdict{fault.Invalid, "该手机号加入的企业过多（mobile）", "that mobile number has joined too many tenants (mobile)"}
	case 44009:
		return verdict{fault.Limited, "近期新建成员过多，飞书要求暂缓", "too many users were created recently: Feishu asks to wait"}
	}
	return verdict{}
}
