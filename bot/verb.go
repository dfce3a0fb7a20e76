package bot

import (
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/run"
)

// Verb names a command.
type Verb string

// The commands.
const (
	Help    Verb = "help"
	WhoAmI  Verb = "whoami"
	Flows   Verb = "flows"
	Plan    Verb = "plan"
	Sync    Verb = "sync"
	Status  Verb = "status"
	Show    Verb = "show"
	Approve Verb = "approve"
	Reject  Verb = "reject"
	Cancel  Verb = "cancel"
	History Verb = "history"
	Digest  Verb = "digest"

	Todo     Verb = "todo"
	Pause    Verb = "pause"
	Resume   Verb = "resume"
	Undo     Verb = "undo"
	Schedule Verb = "schedule"
	Test     Verb = "test"
	Whois    Verb = "whois"
	Examine  Verb = "doctor"
	Delegate Verb = "delegate"
	Speak    Verb = "lang"
	Mute     Verb = "mute"
)

// argument is what a command takes after its verb.
type argument uint8

const (
	argNone       argument = iota
	argVerb                // help: a command
	argFlow                // one flow, required
	argMaybe               // a flow, if any
	argCode                // a run code, required
	argCodeAny             // a flow or a run code, if any
	argNow                 // digest: now and a flow if any, or when
	argWhen                // schedule: a flow if any, and when
	argPerson              // a person, required
	argFlowPerson          // test: a flow and a person
	argSpan                // mute: for how long, if at all
	argTongue              // lang: a language
	argAll                 // a flow, or "all", required
)

// spec describes a command: one table drives parser, help, docs and tests.
type spec struct {
	verb    Verb
	zh, en  []string // the canonical word first
	role    run.Role // "" = anybody
	arg     argument
	options []string // canonical names, see optionNames
	rest    bool     // words after the arguments are a reason
	changes bool     // changes state: matched exactly, never suggested as a button
	usageZH string
	usageEN string
	aboutZH string
	aboutEN string
}

// specs gives the table of commands in the order of the help.
func specs() []spec {
	return []spec{
		{verb: Help, zh: []string{"帮助"}, en: []string{"help"}, arg: argVerb, usageZH: "帮助 [命令]", usageEN: "help [command]", aboutZH: "列出你在这里能用的命令", aboutEN: "list the commands that you may use here"},
		{verb: WhoAmI, zh: []string{"我是谁"}, en: []string{"whoami"}, usageZH: "我是谁", usageEN: "whoami", aboutZH: "你的标识、人员和角色", aboutEN: "your ids, person and roles"},
		{verb: Flows, zh: []string{"流程"}, en: []string{"flows"}, role: run.Viewer, usageZH: "流程", usageEN: "flows", aboutZH: "列出流程：来源、目标、定时、上次运行", aboutEN: "list the flows: source, target, schedule, last run"},
		{verb: Plan, zh: []string{"预演", "试算"}, en: []string{"plan"}, role: run.Operator, arg: argFlow, options: []string{"dept", "kind", "fresh"}, changes: true, usageZH: "预演 <流程> [--部门=<部门>] [--类型=人|部门] [--刷新]", usageEN: "plan <flow> [--dept=<department>] [--kind=user|dept] [--fresh]", aboutZH: "重新读取两边，只算出计划，不改任何账号", aboutEN: "read both sides afresh, make a plan and change nothing"},
		{verb: Sync, zh: []string{"同步"}, en: []string{"sync"}, role: run.Operator, arg: argFlow, changes: true, usageZH: "同步 <流程>", usageEN: "sync <flow>", aboutZH: "先出计划，不需要审批的直接执行，其余等待审批", aboutEN: "plan, apply what needs no vote, and ask for the rest"},
		{verb: Status, zh: []string{"状态"}, en: []string{"status"}, role: run.Viewer, arg: argCodeAny, usageZH: "状态 [流程|运行代码]", usageEN: "status [flow|run code]", aboutZH: "正在运行和等待审批的内容", aboutEN: "what runs and what waits for a vote"},
		{verb: Todo, zh: []string{"待办"}, en: []string{"todo"}, role: run.Viewer, usageZH: "待办", usageEN: "todo", aboutZH: "等你处理的事，最早的在前", aboutEN: "what waits for you, the oldest first"},
		{verb: Show, zh: []string{"详情"}, en: []string{"show"}, role: run.Viewer, arg: argCode, options: []string{"page", "file"}, usageZH: "详情 <运行代码> [#3|新增|变更|停用|删除|认领|保留] [--页=2] [--文件]", usageEN: "show <run code> [#3|create|update|disable|delete|adopt|notes] [--page=2] [--file]", aboutZH: "查看计划的每一项；--文件 把完整的表格私信给你", aboutEN: "see every item of a plan; --file sends you the whole table alone"},
		{verb: Approve, zh: []string{"批准"}, en: []string{"approve"}, role: run.Approver, arg: argCode, options: []string{"delete", "disable", "total", "only", "hold"}, changes: true, usageZH: "批准 <运行代码> [删除=<人数>] [停用=<人数>] [总数=<项数>] [仅=<部门|操作|人|#3>] [保留=<部门|操作|人|#3>]", usageEN: "approve <run code> [delete=<count>] [disable=<count>] [total=<count>] [only=<department|operation|person|#3>] [hold=<department|operation|person|#3>]", aboutZH: "批准别人发起的计划，必须写出人数；可以只批准一部分", aboutEN: "approve somebody else's plan, or a part of it; the counts must be restated"},
		{verb: Reject, zh: []string{"驳回", "拒绝"}, en: []string{"reject"}, arg: argCode, rest: true, changes: true, usageZH: "驳回 <运行代码> [原因]", usageEN: "reject <run code> [reason]", aboutZH: "否决一个计划；发起人可以撤回自己的计划", aboutEN: "end a plan; who asked for it may withdraw it"},
		{verb: Cancel, zh: []string{"取消"}, en: []string{"cancel"}, arg: argCode, rest: true, changes: true, usageZH: "取消 <运行代码> [原因]", usageEN: "cancel <run code> [reason]", aboutZH: "停止运行：执行中的在两项变更之间停下", aboutEN: "stop a run, between two changes when it is being applied"},
		{verb: Pause, zh: []string{"暂停"}, en: []string{"pause"}, role: run.Operator, arg: argAll, options: []string{"until"}, rest: true, changes: true, usageZH: "暂停 <流程|全部> [--到=18:00] [原因]", usageEN: "pause <flow|all> [--until=18:00] [reason]", aboutZH: "立即停止改动账号；仍可以预演", aboutEN: "stop changing accounts at once; plans can still be made"},
		{verb: Resume, zh: []string{"恢复", "取消暂停"}, en: []string{"resume"}, role: run.Operator, arg: argAll, changes: true, usageZH: "恢复 <流程|全部>", usageEN: "resume <flow|all>", aboutZH: "结束暂停，并说明接下来会运行什么", aboutEN: "end a pause, and say what runs next"},
		{verb: History, zh: []string{"历史"}, en: []string{"history"}, role: run.Viewer, arg: argMaybe, options: []string{"days", "by"}, usageZH: "历史 [流程] [--天=7] [--谁=@某人]", usageEN: "history [flow] [--days=7] [--by=@somebody]", aboutZH: "以往的运行：谁发起、谁批准、结果", aboutEN: "past runs: who asked, who approved, what became of them"},
		{verb: Undo, zh: []string{"撤销"}, en: []string{"undo"}, role: run.Operator, arg: argCode, changes: true, usageZH: "撤销 <运行代码> [#3]", usageEN: "undo <run code> [#3]", aboutZH: "生成反向的计划，同样需要审批；逐项说明哪些不能撤销", aboutEN: "plan the inverse, under the same approvals; says item by item what cannot be undone"},
		{verb: Schedule, zh: []string{"定时"}, en: []string{"schedule"}, role: run.Viewer, arg: argWhen, options: []string{"yes"}, changes: true, usageZH: "定时 [流程] [每天 02:30|工作日 09:00|每周一 08:00|cron \"30 2 * * *\"|关闭] [--确认]", usageEN: "schedule [flow] [daily 02:30|weekdays 09:00|weekly mon 08:00|cron \"30 2 * * *\"|off] [--yes]", aboutZH: "查看定时；管理员可以修改，先看接下来三次，再确认", aboutEN: "see the schedules; an admin changes one, after a look at its next three times"},
		{verb: Digest, zh: []string{"日报"}, en: []string{"digest"}, role: run.Viewer, arg: argNow, usageZH: "日报 现在 [流程] | 日报 每天 09:10 | 日报 工作日 09:10 | 日报 每周一 09:10 | 日报 关闭", usageEN: "digest now [flow] | digest daily 09:10 | digest weekdays 09:10 | digest weekly mon 09:10 | digest off", aboutZH: "立即给出日报；管理员可以设定本群每天的日报", aboutEN: "give the digest now; an admin sets when this room gets it"},
		{verb: Test, zh: []string{"试跑"}, en: []string{"test"}, role: run.Operator, arg: argFlowPerson, options: []string{"op"}, usageZH: "试跑 <流程> <人> [--操作=新建|更新|停用|删除]", usageEN: "test <flow> <person> [--op=create|update|disable|delete]", aboutZH: "用流程的规则脚本试算一个人，不改任何账号；结果私信给你", aboutEN: "let the flow's rule judge one person, and change nothing; the answer comes to you alone"},
		{verb: Whois, zh: []string{"查人"}, en: []string{"whois"}, role: run.Viewer, arg: argPerson, options: []string{"flow"}, usageZH: "查人 <人> [--流程=<流程>]", usageEN: "whois <person> [--flow=<flow>]", aboutZH: "一个人在各系统里的账号、最近的变更和原因；结果私信给你", aboutEN: "somebody's accounts, their last changes, and why; the answer comes to you alone"},
		{verb: Examine, zh: []string{"体检"}, en: []string{"doctor"}, role: run.Operator, arg: argMaybe, options: []string{"deep"}, usageZH: "体检 [流程|系统] [--深]", usageEN: "doctor [flow|system] [--deep]", aboutZH: "检查凭证、权限、回调、审批人等，并说明在哪里修", aboutEN: "check credentials, permissions, callbacks, approvers, and say where to mend them"},
		{verb: Delegate, zh: []string{"委托"}, en: []string{"delegate"}, role: run.Approver, arg: argPerson, options: []string{"until", "flow"}, changes: true, usageZH: "委托 <@某人> [--到=周五] [--流程=<流程>]", usageEN: "delegate <@somebody> [--until=fri] [--flow=<flow>]", aboutZH: "请别人在一段时间内代你审批；不能再转委托", aboutEN: "let somebody approve in your place for a time; it cannot be passed on"},
		{verb: Speak, zh: []string{"语言"}, en: []string{"lang"}, arg: argTongue, options: []string{"room"}, usageZH: "语言 [中文|English] [--本群]", usageEN: "lang [zh|en] [--room]", aboutZH: "私聊时用哪种语言；管理员可以加 --本群", aboutEN: "which language you are answered in when alone; an admin may add --room"},
		{verb: Mute, zh: []string{"静音"}, en: []string{"mute"}, role: run.Operator, arg: argSpan, changes: true, usageZH: "静音 [2小时|关闭]", usageEN: "mute [2h|off]", aboutZH: "本群暂不发普通通知；审批、失败和安全停止照常", aboutEN: "no ordinary notices here for a while; approvals, failures and safety stops still come"},
	}
}

// kindNames gives the part of a plan that a word names.
func kindNames() map[string]string {
	return map[string]string{
		"新增": "create", "create": "create", "变更": "update", "update": "update", "停用": "disable", "disable": "disable",
		"删除": "delete", "delete": "delete", "认领": "adopt", "adopt": "adopt", "保留": "notes", "notes": "notes",
	}
}

// reserved are words that look like consent or force; they are refused with the
// right form, never understood.
func reserved() []string {
	return []string{
		"强制", "force", "apply", "执行", "delete", "删除", "全部批准", "approve all", "同意", "可以", "好的", "好", "ok", "okay", "yes", "y", "1", "👍", "lgtm", "继续", "continue",
	}
}

// ownNames are what the bot itself is called, which is no command though it
// begins with one: 同步中心 is not 同步.
func ownNames() []string { return []string{"同步中心"} }

// name gives the canonical word of a command in a language; "" of none.
func (s spec) name(l Lang) string {
	words := s.zh
	if l == EN {
		words = s.en
	}
	if len(words) == 0 {
		return ""
	}
	return words[0]
}

func (s spec) words() []string { return slices.Concat(s.zh, s.en) }

// specOf gives the command's description.
func specOf(v Verb) spec {
	for _, s := range specs() {
		if s.verb == v {
			return s
		}
	}
	return spec{}
}

// wordSpec gives the command that a word names exactly, and the language of
// the word.
func wordSpec(word string) (spec, Lang, bool) {
	for _, s := range specs() {
		if slices.Contains(s.zh, word) {
			return s, ZH, true
		}
		if slices.Contains(s.en, word) {
			return s, EN, true
		}
	}
	return spec{}, ZH, false
}

// prefixSpec gives the command whose Chinese word is the longest beginning of
// a token: people write 预演HR到飞书 without a blank.
func prefixSpec(token string) (s spec, rest string, ok bool) {
	longest := ""
	for _, c := range specs() {
		for _, w := range c.zh {
			if after, is := strings.CutPrefix(token, w); is && after != "" && len(w) > len(longest) {
				s, rest, ok, longest = c, after, true, w
			}
		}
	}
	return s, rest, ok
}
