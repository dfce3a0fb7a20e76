package bot

import (
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// The longest texts that a card shows of data that others wrote.
const (
	nameRunes = 40
	sayRunes  = 200
	spanRunes = 400
)

func text(s string) Line { return Line{{Text: s}} }

func plain(s string) Span { return Span{Text: s} }

func strong(s string) Span { return Span{Text: s, Bold: true} }

func code(s string) Span { return Span{Text: s, Code: true} }

// printable drops what would forge a line or hide something, and cuts.
func printable(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t' || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, s)
	if runes := []rune(s); len(runes) > limit {
		return string(runes[:limit-1]) + "…"
	}
	return s
}

// label is a name from a directory, fit to be shown.
func label(s string) string { return strings.TrimSpace(printable(s, nameRunes)) }

// tidy makes every text of a card one clean line.
func tidy(c Card) Card {
	c.Title, c.Foot = printable(c.Title, spanRunes), printable(c.Foot, spanRunes)
	sections := make([]Section, 0, len(c.Sections))
	for _, s := range c.Sections {
		s.Title = printable(s.Title, spanRunes)
		lines := make([]Line, 0, len(s.Lines))
		for _, l := range s.Lines {
			lines = append(lines, l.tidy())
		}
		s.Lines, s.Short = lines, s.Short.tidy()
		if s.Title != "" || len(lines) > 0 {
			sections = append(sections, s)
		}
	}
	c.Sections = sections
	return c
}

// tidy makes every text of a line clean; no line stays none.
func (l Line) tidy() Line {
	if l == nil {
		return nil
	}
	spans := make(Line, 0, len(l))
	for _, p := range l {
		p.Text = printable(p.Text, spanRunes)
		spans = append(spans, p)
	}
	return spans
}

// platform names a platform.
func (l Lang) platform(p run.Platform) string {
	switch p {
	case run.Feishu:
		return l.say("Feishu", "飞书")
	case run.DingTalk:
		return l.say("DingTalk", "钉钉")
	case run.WeCom:
		return l.say("WeCom", "企业微信")
	case run.CLI:
		return l.say("command line", "命令行")
	case run.Clock, "":
		return l.say("schedule", "定时")
	default:
		return string(p)
	}
}

// role names a role.
func (l Lang) role(r run.Role) string {
	switch r {
	case run.Viewer:
		return l.say("viewer", "查看者")
	case run.Operator:
		return l.say("operator", "操作人")
	case run.Approver:
		return l.say("approver", "审批人")
	case run.Admin:
		return l.say("admin", "管理员")
	default:
		return string(r)
	}
}

// state names a state.
func (l Lang) state(s run.State) string {
	words, known := map[run.State]Text{
		run.Queued:      {EN: "Queued", ZH: "排队中"},
		run.Reading:     {EN: "Reading", ZH: "读取中"},
		run.Planning:    {EN: "Planning", ZH: "计算中"},
		run.NothingToDo: {EN: "Nothing to do", ZH: "无需变更"},
		run.Planned:     {EN: "Planned", ZH: "预演完成"},
		run.Blocked:     {EN: "Blocked", ZH: "已拦下"},
		run.Awaiting:    {EN: "Approve", ZH: "待批准"},
		run.Applying:    {EN: "Applying", ZH: "执行中"},
		run.Succeeded:   {EN: "Done", ZH: "完成"},
		run.Partial:     {EN: "Partly done", ZH: "部分完成"},
		run.Failed:      {EN: "Failed", ZH: "失败"},
		run.Rejected:    {EN: "Rejected", ZH: "已驳回"},
		run.Expired:     {EN: "Expired", ZH: "已过期"},
		run.Cancelled:   {EN: "Cancelled", ZH: "已取消"},
		run.Superseded:  {EN: "Superseded", ZH: "已被取代"},
	}[s]
	if !known {
		return string(s)
	}
	return words.in(l)
}

// op names an operation.
func (l Lang) op(o plan.Op) string {
	switch o {
	case plan.Create:
		return l.say("create", "新增")
	case plan.Update:
		return l.say("update", "变更")
	case plan.Disable:
		return l.say("disable", "停用")
	case plan.Delete:
		return l.say("delete", "删除")
	case plan.Adopt:
		return l.say("adopt", "认领")
	case plan.None:
		return l.say("nothing", "无")
	default:
		return string(o)
	}
}

// Note names a kind of note.
func (l Lang) Note(k plan.NoteKind) string {
	switch k {
	case plan.LeftActive:
		return l.say("left, still active", "已离职但账号仍可用")
	case plan.RuleFailed:
		return l.say("rule failed", "规则脚本出错")
	case plan.Conflict:
		return l.say("conflict", "匹配冲突")
	case plan.Held:
		return l.say("held by the rule", "规则保留")
	case plan.Aborted:
		return l.say("dropped by the rule", "规则放弃")
	case plan.OutOfScope:
		return l.say("out of scope", "超出范围")
	case plan.Kept:
		return l.say("kept", "保持不动")
	case plan.Unclear:
		return l.say("unclear", "无法判断")
	case plan.Lost:
		return l.say("reference not found in the target", "引用的对象在目标中找不到")
	default:
		return string(k)
	}
}

// count joins a number and an English word in the right form.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// pair joins a word and a number: "delete 3", "删除 3".
func pair(word string, n int) string { return word + " " + strconv.Itoa(n) }

// counts lists what there is of a plan's counts, the dangerous first.
func (l Lang) counts(c plan.Counts) string {
	var parts []string
	add := func(o plan.Op, n int) {
		if n > 0 {
			parts = append(parts, pair(l.op(o), n))
		}
	}
	add(plan.Delete, c.Delete)
	add(plan.Disable, c.Disable)
	add(plan.Adopt, c.Adopt)
	add(plan.Create, c.Create)
	add(plan.Update, c.Update)
	return strings.Join(parts, " · ")
}

// outcome lists what became of the changes.
func (l Lang) outcome(o run.Outcome) string {
	parts := []string{pair(l.say("done", "成功"), o.Done)}
	add := func(en, zh string, n int) {
		if n > 0 {
			parts = append(parts, pair(l.say(en, zh), n))
		}
	}
	add("already so", "原本如此", o.Already)
	add("skipped", "跳过", o.Skipped)
	add("failed", "失败", o.Failed)
	add("in doubt", "结果不明", o.InDoubt)
	return strings.Join(parts, " · ")
}

// list joins names.
func (l Lang) list(names []string) string { return strings.Join(names, l.say(", ", "、")) }

// clock writes a time in the bot's zone.
func (b *Bot) clock(t time.Time) string { return t.In(b.o.Zone).Format("2006-01-02 15:04") }

func (b *Bot) hour(t time.Time) string { return t.In(b.o.Zone).Format("15:04") }

// span writes a duration in one or two units.
func (l Lang) span(d time.Duration) string {
	d = d.Round(time.Minute)
	days, hours, minutes := int(d/day), int(d/time.Hour)%24, int(d/time.Minute)%60
	var parts []string
	add := func(n int, en, zh string) {
		if n > 0 && len(parts) < 2 {
			parts = append(parts, l.say("%d "+en, "%d "+zh, n))
		}
	}
	add(days, "d", "天")
	add(hours, "h", "小时")
	add(minutes, "min", "分钟")
	if len(parts) == 0 {
		return l.say("less than a minute", "不到 1 分钟")
	}
	return strings.Join(parts, " ")
}

// who names who began a run.
func (l Lang) who(a run.Actor) string {
	switch {
	case a.Person != "":
		return label(a.Person)
	case a.Platform == run.Clock || a.Platform == "":
		return l.say("schedule", "定时")
	case a.Platform == run.Change:
		return l.say("a change in the source", "来源变更")
	default:
		return l.platform(a.Platform)
	}
}
