package bot

import (
	"context"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

const (
	mostDiffers = 20 // attributes that are told that a rule changed
	mostLogged  = 20 // lines that a rule logged
)

// try lets a flow's rule judge one person; the answer goes to the caller alone.
func (b *Bot) try(ctx context.Context, c caller, cmd Command) (reply, error) {
	s := specOf(Test)
	f, ok := b.seen(c, cmd.Flow)
	switch {
	case !ok:
		return b.noFlow(c, s, cmd.Flow), nil
	case !permits(s, c.person, f):
		return b.lacks(c, s, f), nil
	}
	q, err := b.query(c, cmd)
	if err != nil {
		return notice(Warn, c.lang.sentence(err), c.lang.search()), nil
	}
	asking, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	got, err := b.o.Service.Try(asking, run.Trial{Flow: f.Name, Who: q, Op: plan.Op(strings.ToUpper(cmd.Op)), By: c.actor})
	if err != nil {
		return b.untold(ctx, c, cmd, err)
	}
	return reply{card: c.lang.triedCard(f, &got), private: true}, nil
}

// triedCard shows what a rule did with one person. It is for one reader alone:
// nothing in it is masked.
func (l Lang) triedCard(f *Flow, t *run.Tried) Card {
	card := Card{
		Title: l.say("Test of %s · %s: %s", "试跑 %s · %s：%s", f.Name, label(t.Object.Name()), l.Doing(t.Final)), Tone: Info,
		Foot: l.say("Only a test: no account was changed. Only you see this.", "只是试跑，没有改动任何账号。仅你可见。"),
	}
	switch {
	case t.Verdict.Failed != nil:
		card.Tone = Danger
	case t.Note != "":
		card.Tone = Warn
	}
	chapters := []chapter{{Section: l.result(t)}, {Section: l.acts(t)}}
	if t.Ruled && t.Verdict.Failed == nil {
		chapters = append(chapters, chapter{Section: Section{Title: l.say("What the rule changed (before → after)", "规则改了什么（之前 → 之后）"), Lines: l.changedBy(t), Bullet: true}})
	}
	if len(t.Logs) > 0 {
		chapters = append(chapters, chapter{Section: l.logged(t.Logs)})
	}
	chapters = append(chapters, chapter{most: tableLines, Section: Section{
		Title: l.say("In: context.data", "输入：context.data"), Lines: l.table(t.Object.Attributes), Bullet: true, Folded: true,
	}})
	if t.Target != nil {
		chapters = append(chapters, chapter{most: tableLines, Section: Section{
			Title: l.say("In: context.target", "输入：context.target"), Lines: l.table(t.Target), Bullet: true, Folded: true,
		}})
	}
	return l.bind(card, chapters, personBytes)
}

// Doing names an operation in the words of the command.
func (l Lang) Doing(o plan.Op) string {
	switch o {
	case plan.Create:
		return l.say("create", "新建")
	case plan.Update:
		return l.say("update", "更新")
	case plan.None, "":
		return l.say("nothing", "不操作")
	default:
		return l.op(o)
	}
}

// result says what would happen, and why nothing would.
func (l Lang) result(t *run.Tried) Section {
	var s Section
	add := func(name string, rest ...Span) { s.Lines = append(s.Lines, append(Line{strong(name)}, rest...)) }
	add(l.say("Proposed: ", "拟进行："), plain(l.Doing(t.Proposed)))
	add(l.say("Would happen: ", "结果："), plain(l.Doing(t.Final)))
	if t.Final == plan.None || t.Final == "" {
		add(l.say("Why nothing: ", "为什么不操作："), plain(l.WhyNothing(t)))
	}
	if e := t.Verdict.Failed; e != nil {
		add(l.say("Error: ", "错误："), code(fileLine(e.Place().String(), placeRunes)), plain(" "+printable(l.of(e.Say), spanRunes/2)))
		if e.Limit {
			add(l.say("Limit: ", "限制："), plain(l.say("it outran a limit of time, memory or call depth, or ended its process. When many do, the whole run is blocked.",
				"超出了时间、内存或调用深度的限制，或使规则进程退出；这样的对象多了，整次运行都会被拦下。")))
		}
	}
	if t.Verdict.Reason != "" && t.Verdict.Failed == nil {
		add("context.reason", plain(l.say(": ", "：")+printable(l.of(t.Verdict.Reason), sayRunes)))
	}
	there := l.say("has no such account yet", "目标里还没有这个账号")
	if t.Target != nil {
		there = l.say("has the account", "目标里有这个账号")
	}
	add(l.say("Target: ", "目标："), plain(there))
	add(l.say("Took: ", "用时："), plain(l.took(t.Took)))
	return s
}

// took writes how long a rule took, which is mostly less than a second.
func (l Lang) took(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return l.say("less than 1 ms", "不到 1 毫秒")
	case d < time.Second:
		return l.say("%d ms", "%d 毫秒", d.Milliseconds())
	default:
		return l.say("%s s", "%s 秒", number(d.Seconds()))
	}
}

// acts lists what the rule called of repo, and how it ended.
func (l Lang) acts(t *run.Tried) Section {
	s := Section{Title: l.say("What the rule did", "规则做了什么"), Bullet: true}
	v := t.Verdict
	switch {
	case !t.Ruled:
		s.Lines = []Line{text(l.say("The flow has no rule for users (users.rule).", "这个流程没有针对人的规则脚本（users.rule）。"))}
		return s
	case v.Failed != nil:
		s.Lines = []Line{text(l.say("It ended with an error: nothing of what it did before counts.", "它以错误结束，在此之前做的都不算数。"))}
		return s
	}
	for _, call := range executed(v.Calls) {
		s.Lines = append(s.Lines, Line{plain(l.say("Called ", "调用了 ")), code(call)})
	}
	if v.AbortAny {
		s.Lines = append(s.Lines, Line{plain(l.say("Called ", "调用了 ")), code("repo.abort()"), plain(l.say(": drop whatever it is", "：不论是什么操作都放弃"))})
	}
	for _, op := range v.Abort {
		s.Lines = append(s.Lines, Line{plain(l.say("Called ", "调用了 ")), code(`repo.abort("` + label(string(op)) + `")`), plain(l.say(": drop ", "：放弃") + l.Doing(op))})
	}
	if len(s.Lines) == 0 {
		s.Lines = append(s.Lines, text(l.say("It called nothing of repo.", "没有调用 repo 的函数。")))
	}
	if at := v.At.String(); at != "" {
		s.Lines = append(s.Lines, Line{plain(l.say("Decided at ", "决定的位置：")), code(fileLine(at, placeRunes))})
	}
	ended := l.say("Ended without ", "结束时没有 ")
	if v.Returned {
		ended = l.say("Ended with ", "结束时有 ")
	}
	s.Lines = append(s.Lines, Line{plain(ended), code("return context")})
	return s
}

// logged shows what the rule wrote with log(…), in order.
func (l Lang) logged(all []string) Section {
	s := Section{Title: l.say("What the rule logged", "规则用 log 写下的"), Bullet: true}
	for _, line := range all[:min(len(all), mostLogged)] {
		s.Lines = append(s.Lines, Line{code(printable(line, sayRunes))})
	}
	if more := len(all) - mostLogged; more > 0 {
		s.Lines = append(s.Lines, text(l.say("… and %d more lines", "……另有 %d 行", more)))
	}
	return s
}

// executed gives the execute functions that were called.
func executed(c plan.Calls) []string {
	var all []string
	for _, one := range []struct {
		called bool
		name   string
	}{{c.Create, "repo.executeCreate()"}, {c.Update, "repo.executeUpdate()"}, {c.Disable, "repo.executeDisable()"}, {c.Delete, "repo.executeDelete()"}} {
		if one.called {
			all = append(all, one.name)
		}
	}
	return all
}

// changedBy tells the attributes that the rule changed.
func (l Lang) changedBy(t *run.Tried) []Line {
	if t.Verdict.Data == nil {
		return []Line{text(l.say("Nothing.", "没有改动。"))}
	}
	lines := l.differences(t.Object.Attributes, t.Verdict.Data, mostDiffers)
	if len(lines) == 0 {
		return []Line{text(l.say("Nothing.", "没有改动。"))}
	}
	return lines
}

// WhyNothing says in words why there is no operation.
func (l Lang) WhyNothing(t *run.Tried) string {
	switch t.Note {
	case plan.RuleFailed:
		if t.Verdict.Failed == nil {
			return l.say("the rule called two different execute functions; the person is left untouched", "规则调用了两个不同的 execute 函数，此人保持不动")
		}
		if t.Verdict.Failed.Limit {
			return l.say("the rule outran its limits; the person is left untouched", "规则脚本超出限制，此人保持不动")
		}
		return l.say("the rule failed; the person is left untouched", "规则脚本出错，此人保持不动")
	case plan.Held:
		return l.whyHeld(t)
	case plan.Aborted:
		return l.say("the rule dropped the operation with repo.abort", "规则用 repo.abort 放弃了这个操作")
	case plan.LeftActive:
		return l.say("the person has left, and the rule let nothing happen: the account stays active", "此人已离职，但规则没有放行：账号仍可用")
	case "":
		return l.whyNone(t)
	default:
		return l.Note(t.Note)
	}
}

// whyHeld says why the rule held the object.
func (l Lang) whyHeld(t *run.Tried) string {
	v := t.Verdict
	switch {
	case v.Data != nil && !v.Returned:
		return l.say("the rule changed context.data and ended without “return context”", "规则改了 context.data，但没有以 return context 结束")
	case v.Calls.Update && t.Target == nil:
		return l.say("the rule called executeUpdate, and the target has no such account", "规则调用了 executeUpdate，但目标里没有这个账号")
	default:
		return l.say("whether to %s is the rule's to decide, and it called no execute function for this person", "要不要%s由规则决定，而它没有为此人调用 execute 函数", l.Doing(t.Proposed))
	}
}

// whyNone says why there is nothing to do although nobody objects.
func (l Lang) whyNone(t *run.Tried) string {
	v := t.Verdict
	if (v.Calls.Disable || v.Calls.Delete) && t.Target == nil {
		return l.say("the rule chose to take the account away, and the target has none", "规则要停用或删除账号，但目标里没有这个账号")
	}
	return l.say("source and target agree", "来源与目标一致，没有要做的")
}
