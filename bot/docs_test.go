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
	return b.String()
}
