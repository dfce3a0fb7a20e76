package feishu

import "github.com/rollcallhq/rollcall/sync/fault"

func bad(zh, en string) verdict { return verdict{fault.Invalid, zh, en} }

// userCodes know what is wrong with a value of a user.
func userCodes() []meaning {
	return []meaning{
		{[]int{41004}, bad("手机号格式不对，请改正来源：国外号码要带 + 和国家码（mobile）", "the mobile number is malformed: correct the source, numbers from abroad begin with + and the country (mobile)")},
		{[]int{41010}, bad("手机号缺失，请在来源补上（mobile）", "the mobile number is missing: add it in the source (mobile)")},
		{[]int{41009}, bad("手机号和邮箱不能都为空，请映射其中一个（mobile、email）", "mobile number and mail address cannot both be empty: map one of them (mobile, email)")},
		{[]int{41005, 41035}, bad("邮箱格式不对，请改正来源（email）", "the mail address is malformed: correct the source (email)")},
		{[]int{44001}, bad("企业没有这个邮箱域名，请在管理后台添加或换一个（enterprise_email）", "the tenant has no such mail domain: add it in the admin console, or use another one (enterprise_email)")},
		{[]int{41006, 41040}, bad("姓名缺失，请在来源补上（name）", "the name is missing: add it in the source (name)")},
		{[]int{41014}, bad("姓名含有飞书不允许的内容，请改正来源（name）", "the name holds what Feishu does not allow: correct the source (name)")},
		{[]int{41070, 44006}, bad("姓名不能超过 64 个字符，请缩短（name）", "the name has more than 64 characters: shorten it (name)")},
		{[]int{41071, 44007}, bad("英文名不能超过 64 个字符，请缩短（en_name）", "the English name has more than 64 characters: shorten it (en_name)")},
		{[]int{41072, 44008}, bad("别名不能超过 64 个字符，请缩短（nickname）", "the nickname has more than 64 characters: shorten it (nickname)")},
		{[]int{41012, 41043, 41051}, bad("user_id 不合规，请改为 1–64 个字符、不含空格（user_id）", "the user_id is not valid: use 1 to 64 characters without spaces (user_id)")},
		{[]int{41030}, bad("直属上级不能是本人，请改正来源（manager）", "nobody can be their own leader: correct the source (manager)")},
		{[]int{44021, 44022}, bad("上级不存在或不在通讯录权限范围，请核对映射和范围（manager）", "the leader does not exist or is out of the contact range: check mapping and range (manager)")},
		{[]int{41036, 41037}, bad("头像无效，请从映射中去掉", "the avatar is not valid: take it out of the mapping")},
		{[]int{41038}, bad("性别只能是 0 到 3，请核对映射（gender）", "the gender is none of 0 to 3: check the mapping (gender)")},
		{[]int{41042}, bad("入职日期无效，请改正来源（join_time）", "the day of joining is not valid: correct the source (join_time)")},
		{[]int{41057, 41059}, bad("人员类型缺失或不存在，请核对映射：1 到 5，或企业自定义的编号（employee_type）", "the employee type is missing or unknown: check the mapping, 1 to 5 or a number of the tenant's own (employee_type)")},
		{[]int{41060}, bad("人员类型已停用，请在管理后台启用或换一个（employee_type）", "the employee type is not in use: activate it in the admin console, or use another one (employee_type)")},
		{[]int{41063}, bad("职务不能超过 100 个字符，请缩短（title）", "the title has more than 100 characters: shorten it (title)")},
	}
}

// placeCodes know what is wrong with a user's place.
func placeCodes() []meaning {
	return []meaning{
		{[]int{41017}, bad("部门缺失，请核对映射（departments）", "a department is missing: check the mapping (departments)")},
		{[]int{41041, 44035}, bad("部门不存在，请重新发起计划（departments）", "the department does not exist: plan again (departments)")},
		{[]int{41033}, bad("部门超过 50 个，请减少（departments）", "there are more than 50 departments: use fewer (departments)")},
		{[]int{41028}, bad("多部门需要一条规则，请先在管理后台更新“组织架构可见范围”的补充规则（departments）", "several departments need a rule: add it under visibility of the organisation in the admin console (departments)")},
		{[]int{41029, 41032}, bad("企业没有开启多部门，请联系飞书开通或只映射一个部门（departments）", "the tenant does not allow several departments: ask Feishu for it, or map only one (departments)")},
		{[]int{41025, 44002}, bad("部门排序与部门不一致，请重新发起计划（department_order）", "the order does not fit the departments: plan again (department_order)")},
		{[]int{41410}, bad("主部门必须排在第一，请重新发起计划（departments）", "the main department has to be the first: plan again (departments)")},
		{[]int{41031}, bad("企业没有开启岗位，请从映射中去掉", "the tenant does not use positions: take them out of the mapping")},
		{[]int{41023, 41024}, bad("成员的岗位属于别的部门，请先在管理后台改岗位（departments）", "the user's position belongs to another department: change the position in the admin console first (departments)")},
		{[]int{44019}, bad("未认证企业只接受 +86 手机号，请先认证（mobile）", "a tenant that is not verified takes +86 numbers only: verify it first (mobile)")},
		{[]int{44018}, bad("Lark 不接受 +86 手机号，请换一个（mobile）", "Lark takes no +86 number: use another one (mobile)")},
		{[]int{44020}, bad("境外手机号还需要邮箱，请映射 email（email）", "a mobile number from abroad needs a mail address too: map email (email)")},
		{[]int{44038}, bad("没有这个数据驻留地，请核对映射（geo）", "there is no such place for data: check the mapping (geo)")},
		{[]int{44044}, bad("没有这个职级，请核对映射（job_level_id）", "there is no such job level: check the mapping (job_level_id)")},
		{[]int{44045}, bad("没有这个序列，请核对映射（job_family_id）", "there is no such job family: check the mapping (job_family_id)")},
	}
}

// customCodes know what is wrong with a custom field.
func customCodes() []meaning {
	return []meaning{
		{[]int{41044, 41045}, bad("没有这个自定义字段，请核对 custom_attributes，并在管理后台允许开放平台访问", "there is no such custom field: check custom_attributes, and that the open platform may use custom fields")},
		{[]int{41046}, bad("自定义字段没有值，请核对映射", "a custom field has no value: check the mapping")},
		{[]int{41047}, bad("自定义链接没有标题，请核对映射", "a custom link has no title: check the mapping")},
		{[]int{41048}, bad("自定义链接没有网址，请核对映射", "a custom link has no address: check the mapping")},
	}
}

// departmentCodes know what is wrong with a value of a department.
func departmentCodes() []meaning {
	return []meaning{
		{[]int{43008}, bad("部门名称缺失或超过 100 个字符，请改正来源（name）", "the department's name is missing or has more than 100 characters: correct the source (name)")},
		{[]int{43029}, bad("部门名称不能含有 /，请改名或在映射里替换（name）", "the department's name must not hold /: rename it, or replace it in the mapping (name)")},
		{[]int{43013}, bad("上级部门的子部门超过 1000 个，请换一个上级（parent）", "the parent has 1000 sub-departments already: use another one (parent)")},
		{[]int{43016}, bad("上级不能是自己或自己的下级，请改正来源（parent）", "the parent is the department itself or lies below it: correct the source (parent)")},
		{[]int{43019}, bad("部门层级超过 25，请减少层级（parent）", "the tree would be deeper than 25: use fewer levels (parent)")},
		{[]int{43025, 43026}, bad("飞书不接受部门的某个值，请核对映射", "Feishu does not accept a value of the department: check the mapping")},
	}
}

// quotaCodes know what the tenant has no room for.
func quotaCodes() []meaning {
	return []meaning{
		{[]int{41007}, verdict{fault.Denied, "未认证企业的人数已满，请完成认证或清理成员", "a tenant that is not verified is full: verify it, or remove accounts that nobody uses"}},
		{[]int{41008, 44023}, verdict{fault.Denied, "企业的席位已用完，请在管理后台增加席位", "the tenant has no seat left: add seats in the admin console"}},
		{[]int{44046}, verdict{fault.Denied, "企业有多种席位，请在配置里写 subscription_ids", "the tenant has several licences: set subscription_ids in the configuration"}},
		{[]int{44047}, verdict{fault.Denied, "席位已用完，请增加席位或在 subscription_ids 换一个", "that licence has no seat left: add seats, or name another one in subscription_ids"}},
		{[]int{44048}, verdict{fault.Denied, "席位编号无效，请核对 subscription_ids", "the seat id is not valid: check subscription_ids"}},
		{[]int{41068}, verdict{fault.Denied, "企业邮箱数量已满，请在管理后台增加", "there are no enterprise mailboxes left: add some in the admin console"}},
		{[]int{41016}, bad("部门人数已满，请分到下级部门（departments）", "the department is full: use departments below it (departments)")},
		{[]int{44004}, bad("该手机号加入的企业过多，请换一个（mobile）", "that mobile number has joined too many tenants: use another one (mobile)")},
		{[]int{44009}, verdict{fault.Limited, "近期新建成员过多，飞书要求暂缓，稍后会再试", "too many users were created recently: Feishu asks to wait, it is tried again later"}},
	}
}
