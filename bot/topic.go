package bot

import (
	"regexp"
	"strings"
)

// purpose says in a few words what a command is for: a line of a phone.
func (l Lang) purpose(v Verb) string {
	return map[Verb]Text{
		Todo:     {EN: "what waits for you", ZH: "等你处理的事"},
		Status:   {EN: "what runs, what waits", ZH: "正在运行和等待审批的"},
		Show:     {EN: "every item of a plan", ZH: "一个计划的每一项"},
		Flows:    {EN: "the flows and their schedules", ZH: "有哪些流程、何时运行"},
		History:  {EN: "past runs", ZH: "以往的运行"},
		Whois:    {EN: "one person's accounts, and why", ZH: "一个人的账号、变更和原因"},
		WhoAmI:   {EN: "your ids and roles", ZH: "你的标识和角色"},
		Plan:     {EN: "only plan, change nothing", ZH: "只算计划，不改账号"},
		Sync:     {EN: "plan, and carry it out", ZH: "算出计划并执行"},
		Cancel:   {EN: "stop a run", ZH: "停止一次运行"},
		Pause:    {EN: "no more changes, at once", ZH: "立即停止改动账号"},
		Resume:   {EN: "end a pause", ZH: "结束暂停"},
		Undo:     {EN: "take a run back", ZH: "把一次运行的变更改回去"},
		Approve:  {EN: "approve a plan, or a part", ZH: "批准一个计划，或其中一部分"},
		Reject:   {EN: "refuse a plan", ZH: "否决一个计划"},
		Delegate: {EN: "let somebody vote for you", ZH: "请别人代你审批"},
		Examine:  {EN: "check connections and settings", ZH: "检查连接、权限和配置"},
		Test:     {EN: "try the rule on one person", ZH: "用规则脚本试算一个人"},
		Schedule: {EN: "when flows run by themselves", ZH: "流程何时自动运行"},
		Digest:   {EN: "the summary, now or daily", ZH: "汇总，立即或每天"},
		Mute:     {EN: "fewer notices here for a while", ZH: "本群暂时少发通知"},
		Speak:    {EN: "Chinese or English", ZH: "用中文或英文"},
		Help:     {EN: "this list, or one command", ZH: "本列表，或某个命令的写法"},
	}[v].in(l)
}

func (s spec) usage(l Lang) string { return l.say(s.usageEN, s.usageZH) }

func (s spec) about(l Lang) string { return l.say(s.aboutEN, s.aboutZH) }

// optionShape fits the parts of a usage that may be left out.
var optionShape = regexp.MustCompile(` \[[^\]]*\]`)

// topic explains one command: what it does, how it is written, part by part, and
// examples to copy, with the name of a flow that the reader may see.
func (s spec) topic(l Lang, flow string) Card {
	card := Card{Title: capital(s.about(l)), Tone: Info, Plain: true}
	write := Section{}
	for way := range strings.SplitSeq(s.usage(l), " | ") {
		write.Lines = append(write.Lines, Line{plain(l.say("Write: ", "写法：")), code(optionShape.ReplaceAllString(way, ""))})
	}
	may := Section{Title: l.say("May be added", "可以加上"), Bullet: true}
	seen := map[string]bool{}
	for _, part := range optionShape.FindAllString(s.usage(l), -1) {
		if part = strings.Trim(part, " []"); !seen[part] {
			seen[part] = true
			line := Line{code(strings.ReplaceAll(part, "|", l.say(" or ", " 或 ")))}
			if why := l.option(s.verb, part); why != "" {
				line = append(line, plain(" "+why))
			}
			may.Lines = append(may.Lines, line)
		}
	}
	for _, e := range l.examples(s.verb, quoted(flow)) {
		write.Lines = append(write.Lines, Line{plain(l.say("Such as: ", "例如：")), code(e)})
	}
	about := Section{}
	for _, f := range s.footnotes(l) {
		about.Lines = append(about.Lines, text(f))
	}
	card.Sections = filled([]Section{write, may, about})
	return card
}

// option says what a part of a usage is for, "" when it says that itself.
func (l Lang) option(v Verb, part string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(part, "--"), "=")
	canonical := optionNames()[name]
	if v == Plan && canonical == "dept" || v == Plan && canonical == "kind" {
		return l.say("only these; such a plan cannot be applied", "只看这一部分；这样的计划不能执行")
	}
	return map[string]Text{
		"delete":  {EN: "how many are deleted; must be right", ZH: "要删除几人，必须写对"},
		"disable": {EN: "how many are disabled; must be right", ZH: "要停用几人，必须写对"},
		"total":   {EN: "how many changes; only when nobody loses an account", ZH: "共几项变更；没有删除和停用时才写"},
		"only":    {EN: "approve only these; the counts are then theirs", ZH: "只批准这些，人数按这些写"},
		"hold":    {EN: "approve the rest; the counts are then the rest's", ZH: "这些不执行，人数按其余的写"},
		"file":    {EN: "the whole table, to you alone", ZH: "完整的表格，私信给你"},
		"until":   {EN: "when it ends by itself", ZH: "到时自动结束"},
		"days":    {EN: "how far back", ZH: "看最近几天"},
		"by":      {EN: "only what this person asked for", ZH: "只看此人发起的"},
		"yes":     {EN: "to set it after the look", ZH: "看过之后，确认修改"},
		"op":      {EN: "as if this were proposed", ZH: "假定要做这个操作"},
		"fresh":   {EN: "may be written; every plan reads both sides afresh", ZH: "可写可不写，每次预演都会重新读取两边"},
		"deep":    {EN: "tries more; costs calls of the quota", ZH: "检查得更细，会消耗接口配额"},
		"room":    {EN: "for the whole room; admins only", ZH: "对整个群生效，要管理员"},
	}[canonical].in(l)
}

// examples gives commands as somebody would send them.
func (l Lang) examples(v Verb, flow string) []string {
	words := map[Verb][2][]string{
		Plan:     {{"plan " + flow, "plan " + flow + " --dept=Sales"}, {"预演 " + flow, "预演 " + flow + " --部门=销售部"}},
		Show:     {{"show 7K3MQ2 delete", "show 7K3MQ2 #3"}, {"详情 7K3MQ2 删除", "详情 7K3MQ2 #3"}},
		Approve:  {{"approve 7K3MQ2 delete=3", "approve 7K3MQ2 delete=2 hold=#3", "approve 7K3MQ2 delete=1 only=Sales"}, {"批准 7K3MQ2 删除=3", "批准 7K3MQ2 删除=2 保留=#3", "批准 7K3MQ2 删除=1 仅=销售部"}},
		Reject:   {{"reject 7K3MQ2 not this week"}, {"驳回 7K3MQ2 本周先不动"}},
		Pause:    {{"pause all --until=18:00 stocktaking"}, {"暂停 全部 --到=18:00 盘点"}},
		Undo:     {{"undo 7K3MQ2", "undo 7K3MQ2 #3"}, {"撤销 7K3MQ2", "撤销 7K3MQ2 #3"}},
		Schedule: {{"schedule " + flow + " weekdays 09:00"}, {"定时 " + flow + " 工作日 09:00"}},
		Digest:   {{"digest daily 09:10"}, {"日报 每天 09:10"}},
		Test:     {{"test " + flow + " 0412"}, {"试跑 " + flow + " 0412"}},
		Whois:    {{"whois 0412"}, {"查人 0412"}},
		Delegate: {{"delegate @ChenYue --until=fri"}, {"委托 @陈悦 --到=周五"}},
		Mute:     {{"mute 2h"}, {"静音 2小时"}},
		Speak:    {{"lang en"}, {"语言 中文"}},
	}[v]
	if l == EN {
		return words[0]
	}
	return words[1]
}
