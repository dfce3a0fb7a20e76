package bot

import (
	"fmt"
	"strings"
	"testing"
)

// The pages of the commands are made from the table.
func TestDocs(t *testing.T) {
	t.Parallel()
	golden(t, "../docs/commands.md", commandsPage(EN))
	golden(t, "../docs/commands.zh-CN.md", commandsPage(ZH))
}

func commandsPage(l Lang) string {
	var b strings.Builder
	line := func(en, zh string, args ...any) { fmt.Fprintln(&b, l.say(en, zh, args...)) }
	line("# Chat commands", "# 聊天命令")
	line("", "")
	line("<!-- Made from the table of commands by go test ./bot -update. -->", "<!-- 由 go test ./bot -update 从命令表生成。 -->")
	line("", "")
	line("Mention the bot in a bound room, or write to it directly, and send one line. Chinese and English words work everywhere, in any case, in full width, and with a leading `/`, `!` or `#`.",
		"在已绑定的群里 @机器人，或者私聊它，发一行命令。中文和英文都可以用，不分大小写和全角半角，前面可以有 `/`、`!` 或 `#`。")
	line("What changes something works in rooms only, is matched exactly, and never runs from a guess: a misspelt command gets a suggestion to copy.",
		"会改动账号的命令只能在群里用，必须写得完全一致；写错时只给出建议，绝不会猜着执行。")
	line("Every button is a typed command in disguise: same rights, same record.", "每个按钮都等于输入一条命令：同样的权限，同样的记录。")
	line("", "")
	line("| command | Chinese | who | what it does |", "| 命令 | 英文 | 谁可以用 | 作用 |")
	line("|---|---|---|---|", "|---|---|---|---|")
	cell := func(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
	other := map[Lang]Lang{ZH: EN, EN: ZH}[l]
	for _, s := range specs() {
		words := s.zh
		if other == EN {
			words = s.en
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", cell(s.usage(l)), l.list(words), s.roles(l), s.about(l))
	}
	line("", "")
	line("## Approving", "## 审批")
	line("", "")
	line("An approval names the run and restates every destructive count: `approve 7K3MQ2 delete=3 disable=2`. A plan without deletions and disablings that still needs a vote restates the total: `approve 7K3MQ2 total=40`.",
		"批准时要写出运行代码，并重复每一种危险操作的人数：`批准 7K3MQ2 删除=3 停用=2`。没有删除和停用、但仍需审批的计划，写总项数：`批准 7K3MQ2 总数=40`。")
	line("A wrong count is refused. Who asked for a run, and whom it touches, cannot approve it. These words are never taken as consent: %s.",
		"人数不对就不算数。发起人和计划涉及的人不能批准。下面这些词绝不会被当作同意：%s。", "`"+strings.Join(reserved(), "`, `")+"`")
	section := func(en, zh string) { line("", ""); line("## "+en, "## "+zh); line("", "") }
	section("Approving a part", "只批准一部分")
	line("`only=` approves a part of a plan and `hold=` leaves a part out; the rest is not applied. Both take a list: departments, operations (`create`, `update`, `disable`, `delete`), people, items (`#3`, `#3-5`). The counts are those of what is approved: `approve 7K3MQ2 only=R&D,Sales delete=1`. A part can only shrink a plan.",
		"`仅=` 只批准计划的一部分，`保留=` 把一部分留下不做；其余不会执行。两者都可以写多个，用顿号或逗号隔开：部门、操作（`新增`、`变更`、`停用`、`删除`）、人、项目号（`#3`、`#3-5`）。人数写被批准的那部分：`批准 7K3MQ2 仅=研发部、销售部 删除=1`。批准一部分只会让计划变小。")
	section("Times", "时间")
	line("| what | write |", "| 哪里 | 写法 |")
	line("|---|---|", "|---|---|")
	line("| `schedule`, `digest` | `daily 02:30`, `weekdays 09:00` (Monday to Friday), `weekly mon 08:00`, `off`; `schedule` also `cron \"30 2 * * *\"` |",
		"| `定时`、`日报` | `每天 02:30`、`工作日 09:00`（周一到周五，不看节假日）、`每周一 08:00`、`关闭`；`定时` 还可以写 `cron \"30 2 * * *\"` |")
	line("| `--until` | `18:00` (tomorrow if past), `fri` or `tomorrow` (18:00 of that day), `fri 09:00`, `2026-12-01`, `12-01`, `2h` |",
		"| `--到` | `18:00`（过了就是明天）、`周五` 或 `明天`（当天 18:00）、`周五 09:00`、`2026-12-01`、`12-01`、`2小时` |")
	line("| `mute` | `30m`, `2h`, `1h30m`, `1d`, at most 30 days |", "| `静音` | `30分钟`、`2小时`、`1小时30分钟`、`1天`，最长 30 天 |")
	line("", "")
	line("All times are in the time zone of the configuration. `schedule` with a new time only shows what it would mean, with its next three times; the button, or the same line with `--yes`, does it. `delegate` without `--until` ends at 18:00, and after 30 days at the latest.",
		"时间都按配置里的时区。`定时` 后面写新的时间，只会先给你看接下来三次；按“确认”按钮，或在同一行末尾加 `--确认`，才会修改。`委托` 不写 `--到` 就到 18:00 为止，最长 30 天。")
	section("Roles and places", "角色和地方")
	line("Roles are held for flows: viewer < operator < admin; an approver is not an operator, nor the other way round. Each command needs the role in its row, and `help` lists exactly what you may use where you ask.",
		"角色是按流程授予的：查看者 < 操作人 < 管理员；审批人不是操作人，操作人也不是审批人。每条命令需要表中的角色；`帮助` 列出的正是你在当前位置能用的命令。")
	line("", "")
	for _, item := range [][2]string{
		{"Alone with the bot you can read everything that you may see; what changes something is sent in a room, except your own `lang`.", "私聊可以查看你有权看的一切；会改动的命令要在群里发，只有设置自己的 `语言` 例外。"},
		{"`plan` and `sync` need a room that may command the flow; votes, `pause` and `resume` need a room that sees it.", "`预演` 和 `同步` 要在可以操作该流程的群里发；审批、`暂停`、`恢复` 在能看到该流程的群里就行。"},
		{"After a safety stop only an approver can `resume`.", "安全停止之后，只有审批人可以 `恢复`。"},
		{"`pause all` and `resume all` need the role for every flow. `resume all` ends the pause of all; flows that were paused one by one stay paused, and the answer names them.", "`暂停 全部` 和 `恢复 全部` 需要全部流程的角色。`恢复 全部` 只结束对全部的暂停；单独暂停的流程仍然暂停，回答里会列出。"},
		{"`pause`, `resume`, `schedule` and `delegate` are announced in the other rooms of the flow, even in muted ones.", "`暂停`、`恢复`、`定时`、`委托` 会通知流程的其他群，静音的群也会收到。"},
		{"In a DingTalk room by HTTP callback, `resume`, `schedule`, `delegate`, `mute`, `lang` and setting a `digest` are refused; `pause`, `cancel` and `reject` count.", "在使用 HTTP 回调的钉钉群里，`恢复`、`委托`、`静音`、`语言` 以及修改 `定时`、`日报` 会被拒绝；`暂停`、`取消`、`驳回` 有效。"},
		{"People are named by a mention, the exact name, the employee number or the mail address. A display name alone proves nothing: a mention counts by its id.", "指定一个人可以 @、写准确的姓名、工号或邮箱。显示名不算数：@ 按账号识别。"},
	} {
		line("- "+item[0], "- "+item[1])
	}
	return b.String()
}
