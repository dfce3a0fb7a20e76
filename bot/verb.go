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
)

// argument is what a command takes after its verb.
type argument uint8

const (
	argNone    argument = iota
	argVerb             // help: a command
	argFlow             // one flow, required
	argMaybe            // a flow, if any
	argCode             // a run code, required
	argCodeAny          // a flow or a run code, if any
	argNow              // digest: now, then a flow if any
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
		{verb: Plan, zh: []string{"预演", "试算"}, en: []string{"plan"}, role: run.Operator, arg: argFlow, changes: true, usageZH: "预演 <流程>", usageEN: "plan <flow>", aboutZH: "只算出计划，不改任何账号", aboutEN: "make a plan and change nothing"},
		{verb: Sync, zh: []string{"同步"}, en: []string{"sync"}, role: run.Operator, arg: argFlow, changes: true, usageZH: "同步 <流程>", usageEN: "sync <flow>", aboutZH: "先出计划，不需要审批的直接执行，其余等待审批", aboutEN: "plan, apply what needs no vote, and ask for the rest"},
		{verb: Status, zh: []string{"状态"}, en: []string{"status"}, role: run.Viewer, arg: argCodeAny, usageZH: "状态 [流程|运行代码]", usageEN: "status [flow|run code]", aboutZH: "正在运行和等待审批的内容", aboutEN: "what runs and what waits for a vote"},
		{verb: Show, zh: []string{"详情"}, en: []string{"show"}, role: run.Viewer, arg: argCode, options: []string{"page"}, usageZH: "详情 <运行代码> [#3|新增|变更|停用|删除|认领|保留] [--页=2]", usageEN: "show <run code> [#3|create|update|disable|delete|adopt|notes] [--page=2]", aboutZH: "查看计划的每一项", aboutEN: "see every item of a plan"},
		{verb: Approve, zh: []string{"批准"}, en: []string{"approve"}, role: run.Approver, arg: argCode, options: []string{"delete", "disable", "total"}, changes: true, usageZH: "批准 <运行代码> [删除=<人数>] [停用=<人数>] [总数=<项数>]", usageEN: "approve <run code> [delete=<count>] [disable=<count>] [total=<count>]", aboutZH: "批准别人发起的计划，必须写出人数", aboutEN: "approve somebody else's plan; the counts must be restated"},
		{verb: Reject, zh: []string{"驳回"}, en: []string{"reject"}, arg: argCode, rest: true, changes: true, usageZH: "驳回 <运行代码> [原因]", usageEN: "reject <run code> [reason]", aboutZH: "否决一个计划；发起人可以撤回自己的计划", aboutEN: "end a plan; who asked for it may withdraw it"},
		{verb: Cancel, zh: []string{"取消"}, en: []string{"cancel"}, arg: argCode, rest: true, changes: true, usageZH: "取消 <运行代码> [原因]", usageEN: "cancel <run code> [reason]", aboutZH: "停止运行：执行中的在两项变更之间停下", aboutEN: "stop a run, between two changes when it is being applied"},
		{verb: History, zh: []string{"历史"}, en: []string{"history"}, role: run.Viewer, arg: argMaybe, options: []string{"days"}, usageZH: "历史 [流程] [--天=7]", usageEN: "history [flow] [--days=7]", aboutZH: "以往的运行：谁发起、谁批准、结果", aboutEN: "past runs: who asked, who approved, what became of them"},
		{verb: Digest, zh: []string{"日报"}, en: []string{"digest"}, role: run.Viewer, arg: argNow, usageZH: "日报 现在 [流程]", usageEN: "digest now [flow]", aboutZH: "立即给出日报", aboutEN: "give the digest now"},
	}
}

// optionNames gives the canonical name of every option word.
func optionNames() map[string]string {
	return map[string]string{
		"删除": "delete", "delete": "delete", "停用": "disable", "disable": "disable", "总数": "total", "total": "total",
		"页": "page", "page": "page", "天": "days", "days": "days",
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

// name gives the canonical word of a command in a language.
func (s spec) name(l Lang) string {
	if l == EN {
		return s.en[0]
	}
	return s.zh[0]
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
