package main

import (
	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// checkOps sees that the target can do what the flow asks for, and says what
// happens otherwise: planning lists such people as kept, to be done by hand.
func (x *fitting) checkOps() {
	to, can := x.f.To, x.target.Can
	lacks := func(broken bool, path string, zh, en string, fix bot.Text) {
		x.add(broken, path, bot.Text{ZH: to + " " + zh, EN: to + " " + en}, fix)
	}
	if len(x.target.Ops) == 0 {
		lacks(true, "to", "不能写入，流程什么也做不了", "cannot be written to: the flow can do nothing",
			bot.Text{ZH: "把 to 换成可以写入的系统", EN: "let to be a system that can be written to"})
		return
	}
	if !can(directory.User, plan.Create) {
		lacks(true, "users", "不能新建账号：新人每次都会失败，需要手工建好再按匹配键认领", "cannot create accounts: each newcomer fails, until it is made by hand and adopted by its key", enabling(x.to))
	}
	if !can(directory.User, plan.Update) {
		lacks(true, "users", "不能修改账号：每条变更都会失败", "cannot update accounts: each update fails", enabling(x.to))
	}
	l := x.f.Leavers
	switch disable, remove := can(directory.User, plan.Disable), can(directory.User, plan.Delete); {
	case l.First == "disable" && !disable:
		lacks(true, "leavers.first", "不支持停用：离职的人保持启用，只在计划里列为“请手工处理”", "cannot disable: who has left stays active, and is only listed as to be done by hand", disabling(x.to, remove))
	case l.First == "delete" && !remove:
		lacks(true, "leavers.first", "不支持删除：离职的人保持启用，只在计划里列为“请手工处理”", "cannot delete: who has left stays active, and is only listed as to be done by hand", enabling(x.to))
	case l.First != "delete" && l.Then == "delete" && !remove:
		lacks(false, "leavers.then", "不支持删除：账号停用后就一直留着", "cannot delete: accounts stay disabled for good", bot.Text{ZH: "去掉 leavers.then，或手工删除", EN: "take leavers.then out, or delete by hand"})
	}
	x.checkDepartmentOps(lacks)
}

func (x *fitting) checkDepartmentOps(lacks func(broken bool, path, zh, en string, fix bot.Text)) {
	if x.f.Departments == nil {
		return
	}
	without := bot.Text{ZH: "从流程里去掉 departments，人员的部门按名称或路径写入", EN: "take departments out of the flow, and let people's departments be written by name or path"}
	switch {
	case !x.target.Can(directory.Department, plan.Create) && !x.target.Can(directory.Department, plan.Update):
		lacks(true, "departments", "没有可写的部门：部门的变更每次都会失败", "has no departments to write: each change of one fails", without)
	case x.f.Departments.Gone == "delete" && !x.target.Can(directory.Department, plan.Delete):
		lacks(false, "departments.gone", "不支持删除部门：消失的部门一直保留", "cannot delete departments: those that vanish are kept", bot.Text{ZH: "改成 gone: keep，或手工删除", EN: "write gone: keep, or delete them by hand"})
	}
}

// enabling says how a system comes to do more.
func enabling(s *configs.System) bot.Text {
	switch {
	case s.SQL != nil:
		return bot.Text{ZH: "在 systems." + s.Name + " 里写上对应的语句", EN: "write the statement for it under systems." + s.Name}
	case s.File != nil:
		return bot.Text{ZH: "在 systems." + s.Name + ".id 写明唯一标识人的列", EN: "say which column identifies a person, under systems." + s.Name + ".id"}
	default:
		return bot.Text{ZH: "换一个能做到的目标，或手工处理", EN: "use a target that can, or do it by hand"}
	}
}

// disabling is the way on where a target cannot disable.
func disabling(s *configs.System, remove bool) bot.Text {
	fix := bot.Text{}
	switch {
	case s.DingTalk != nil:
		fix = bot.Text{
			ZH: "钉钉没有停用：在 systems." + s.Name + " 里写 disable: move 和 quarantine（移到隔离部门）",
			EN: "DingTalk has no such thing: write disable: move and quarantine under systems." + s.Name + " (moved to a department set apart)",
		}
	case s.File != nil:
		fix = bot.Text{ZH: "在 systems." + s.Name + ".disabled 写明怎样标记，例如 状态=停用", EN: "say how the disabled are marked, as systems." + s.Name + ".disabled: 状态=停用"}
	case s.SQL != nil, s.LDAP != nil:
		fix = bot.Text{ZH: "在 systems." + s.Name + " 里配置怎样停用", EN: "configure how to disable under systems." + s.Name}
	}
	if !remove {
		return orText(fix, bot.Text{ZH: "手工处理", EN: "do it by hand"})
	}
	if fix == (bot.Text{}) {
		return bot.Text{ZH: "改成 leavers.first: delete（删除一律要投票），或手工处理", EN: "write leavers.first: delete, where each needs a vote, or do it by hand"}
	}
	fix.ZH += "；或改成 leavers.first: delete（删除一律要投票）"
	fix.EN += "; or write leavers.first: delete, where each needs a vote"
	return fix
}

// checkAcceptor sees that somebody takes over what the deleted leave behind.
func (x *fitting) checkAcceptor() {
	fs := x.to.Feishu
	if fs == nil || fs.Acceptor != "" || x.f.Leavers.First != "delete" && x.f.Leavers.Then != "delete" {
		return
	}
	x.add(false, "leavers", bot.Text{
		ZH: "会从 " + x.f.To + " 删除账号，但没有交接人：资源交给直属上级，没有上级时日历和问卷被删除，文档可能被删除",
		EN: "deletes accounts of " + x.f.To + " without an acceptor: things go to the direct leader; without one, calendars and surveys are deleted, documents may be",
	}, bot.Text{
		ZH: "在 systems." + x.f.To + ".acceptor 写一个人的 " + fs.UserIDType, EN: "name a person's " + fs.UserIDType + " as systems." + x.f.To + ".acceptor",
	})
}

// subscribing says how a source comes to tell of changes.
func subscribing(s *configs.System) bot.Text {
	switch {
	case s.Feishu != nil:
		return bot.Text{
			ZH: "飞书开发者后台 → 你的应用 → 事件与回调：添加通讯录事件（contact.user.created_v3、updated_v3、deleted_v3 和 contact.department 的三项），发布版本；然后改一个人试试",
			EN: "Developer Console → your app → Events & Callbacks: add the contact events (contact.user.created_v3, updated_v3, deleted_v3, and the three of contact.department), publish a version; then change somebody and see",
		}
	case s.WeCom != nil:
		return bot.Text{
			ZH: "企业微信管理后台 → 管理工具 → 通讯录同步 → 接收事件服务器：填 server.public_url 加 " + configs.WeComEventsPath(s.Name) + "；只有部门或 userid 变化才会通知",
			EN: "work.weixin.qq.com/wework_admin → Management Tools → Contacts Sync → event server: server.public_url with " + configs.WeComEventsPath(s.Name) + "; WeCom tells of changed departments and userids only",
		}
	case s.DingTalk != nil:
		return bot.Text{
			ZH: "钉钉开放平台 → 你的应用 → 事件订阅：选 Stream 模式，勾选通讯录事件，发布版本；然后改一个人试试",
			EN: "open-dev.dingtalk.com → your app → Event Subscription: Stream, tick the contact events, release a version; then change somebody and see",
		}
	case s.SCIMServer != nil:
		return bot.Text{ZH: "看看身份提供方的预配是否在运行", EN: "see whether provisioning runs at the identity provider"}
	default:
		return bot.Text{ZH: "改一个人试试；定时同步不受影响", EN: "change somebody and see; the schedule works all the same"}
	}
}
