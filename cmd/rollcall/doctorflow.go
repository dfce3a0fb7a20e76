package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// hearing tells when the bot last heard a message and a button: no platform says
// whether the app subscribed to them.
func (d *doctor) hearing(ctx context.Context, platform run.Platform) []bot.Check {
	name := string(platform)
	kinds := []struct {
		from, before string // of the inbox's ids
		en, zh       string
		fix          bot.Text
	}{
		{name + ":om_", name + ":om`", "message", "消息", subscribed(platform)},
		{name + ":0", name + ":g", "button", "按钮", pressed()},
	}
	if platform == run.DingTalk {
		kinds = kinds[:1]
		kinds[0].from, kinds[0].before = name+":", name+";"
	}
	var checks []bot.Check
	for _, k := range kinds {
		at, ever, err := d.store.LastClaim(ctx, k.from, k.before)
		switch {
		case err != nil:
			return d.judged("record", err, bot.Text{})
		case ever:
			when := at.In(d.cfg.Location()).Format("2006-01-02 15:04")
			checks = append(checks, fine("last heard a "+k.en+" at "+when, "最近一次收到"+k.zh+"："+when))
		default:
			checks = append(checks, bot.Check{Level: bot.Advice, Say: bot.Text{EN: "has heard no " + k.en + " lately", ZH: "最近没有收到过" + k.zh}, Fix: k.fix})
		}
	}
	return checks
}

// flow looks at one flow: who may decide, whether it is paused, and when it last
// did what it is for.
func (d *doctor) flow(ctx context.Context, f *configs.Flow) []bot.Check {
	checks := append(d.brokenRules(f), d.fits(ctx, f)...)
	checks = append(checks, d.holders(f)...)
	checks = append(checks, d.changes(ctx, f)...)
	if pauses, err := d.engine.Pauses(ctx); err == nil {
		for _, p := range pauses {
			if p.Covers(f.Name) {
				checks = append(checks, bot.Check{
					Level: bot.Advice,
					Say:   bot.Text{EN: "is paused" + reasonEN(p), ZH: "已暂停" + reasonZH(p)},
					Fix:   bot.Text{EN: "In its room: resume " + p.Flow, ZH: "在群里发：恢复 " + allOr(p.Flow)},
				})
			}
		}
	}
	good, err := d.engine.List(ctx, run.Filter{Flow: f.Name, Whole: true, States: []run.State{run.Succeeded, run.NothingToDo}, Limit: 1})
	switch {
	case err != nil:
		return append(checks, d.judged("record", err, bot.Text{})...)
	case len(good) == 0:
		return append(checks, bot.Check{
			Level: bot.Advice, Say: bot.Text{EN: "has never succeeded yet", ZH: "还没有成功过"},
			Fix: bot.Text{EN: "Send “plan " + f.Name + "” in its room and look at the plan.", ZH: "在群里发“预演 " + f.Name + "”，看看计划。"},
		})
	}
	age := d.p.now().Sub(good[0].Ended)
	when := good[0].Ended.In(d.cfg.Location()).Format("2006-01-02 15:04")
	if late := d.overdue(ctx, f); late > 0 && age > late {
		return append(checks, bot.Check{
			Level: bot.Broken, Say: bot.Text{EN: "should have succeeded since; the last success was " + when, ZH: "早该再成功一次；上次成功是 " + when},
			Fix: bot.Text{EN: "Send “history " + f.Name + "” and see why the later runs ended.", ZH: "发“历史 " + f.Name + "”，看看之后的运行为什么没有成功。"},
		})
	}
	return append(checks, fine("last success "+when, "上次成功 "+when))
}

// brokenRules tells of a rule because of which every run of the flow is blocked.
func (d *doctor) brokenRules(f *configs.Flow) []bot.Check {
	b, ok := d.brokenIn(f.Name)
	if !ok {
		return nil
	}
	at, say := b.place.Place().String(), b.place.Say
	return []bot.Check{{
		Level: bot.Broken,
		Say:   bot.Text{EN: "its rule is of no use, every run is blocked: " + at + ": " + fault.In(say, "en"), ZH: "规则脚本无法使用，每次运行都会被拦下：" + at + "：" + fault.In(say, "zh-CN")},
		Fix:   bot.Text{EN: "Mend the file, run rollcall config check, and start the service again.", ZH: "改好这个文件，运行 rollcall config check 确认，然后重启服务。"},
	}}
}

// fits tells what the flow wants that its systems do not have. Whether a roster
// has its columns is told of the roster.
func (d *doctor) fits(ctx context.Context, f *configs.Flow) []bot.Check {
	var checks []bot.Check
	s, ok := d.cfg.System(f.From)
	for _, m := range d.misfits(ctx, f) {
		if m.reads && ok && s.File != nil {
			continue
		}
		level := bot.Advice
		if m.broken {
			level = bot.Broken
		}
		checks = append(checks, bot.Check{Level: level, Say: m.say, Fix: m.fix})
	}
	return checks
}

// changeRuns is how many runs are looked at for one that a change started.
const changeRuns = 200

// changes tells whether a flow that waits for changes has heard of any.
func (d *doctor) changes(ctx context.Context, f *configs.Flow) []bot.Check {
	s, ok := d.cfg.System(f.From)
	if f.OnChange == 0 || !ok {
		return nil
	}
	runs, err := d.engine.List(ctx, run.Filter{Flow: f.Name, Limit: changeRuns})
	if err != nil {
		return d.judged("record", err, bot.Text{})
	}
	for i := range runs {
		if runs[i].Trigger == run.ByEvent {
			when := runs[i].Created.In(d.cfg.Location()).Format("2006-01-02 15:04")
			return []bot.Check{fine("last started by a change "+when, "最近一次由变更触发："+when)}
		}
	}
	return []bot.Check{{
		Level: bot.Advice, Fix: subscribing(s),
		Say: bot.Text{EN: "on_change is set, but no change of " + f.From + " has come lately", ZH: "设了 on_change，但最近没有收到 " + f.From + " 的变更通知"},
	}}
}

// overdue gives how old the last success of a scheduled flow may be: two of its
// intervals and an hour; 0 when the flow has no schedule.
func (d *doctor) overdue(ctx context.Context, f *configs.Flow) time.Duration {
	t, err := d.engine.Timing(ctx, f.Name)
	if err != nil || t.Spec == "" {
		return 0
	}
	s, err := parseSchedule(t.Spec)
	if err != nil {
		return 0
	}
	first := s.Next(d.p.now().In(d.cfg.Location()))
	longest := time.Duration(0)
	for range 8 { // over a weekend of a weekday schedule
		next := s.Next(first)
		longest = max(longest, next.Sub(first))
		first = next
	}
	return 2*longest + time.Hour
}

// holders sees that enough people can decide: two besides whoever asks, one of
// them at a terminal for the largest plans.
func (d *doctor) holders(f *configs.Flow) []bot.Check {
	var names, terminal []string
	operators := 0
	for i := range d.cfg.People {
		p := people(d.cfg)[i]
		if p.May(run.Operator, f.Name) {
			operators++
		}
		if p.May(run.Approver, f.Name) {
			names = append(names, p.Name)
			if p.TOTP {
				terminal = append(terminal, p.Name)
			}
		}
	}
	var checks []bot.Check
	add := func(level bot.Level, en, zh, fixEN, fixZH string) {
		checks = append(checks, bot.Check{Level: level, Say: bot.Text{EN: en, ZH: zh}, Fix: bot.Text{EN: fixEN, ZH: fixZH}})
	}
	fixEN, fixZH := "In the configuration, give people the role: people[].roles.approver: ["+f.Name+"]", "在配置里给人加上角色：people[].roles.approver: ["+f.Name+"]"
	switch n := len(names); {
	case n == 0:
		add(bot.Broken, "nobody may approve: what needs a vote waits until it expires", "没有审批人：需要投票的计划会一直等到过期", fixEN, fixZH)
	case n < 3:
		add(bot.Advice, fmt.Sprintf("%d approver(s): %s; large plans need two besides who asked, so three let one be away", n, strings.Join(names, ", ")),
			fmt.Sprintf("审批人 %d 位：%s；较大的计划需要发起人之外的两位，三位才允许有人不在", n, strings.Join(names, "、")), fixEN, fixZH)
	default:
		checks = append(checks, fine(fmt.Sprintf("%d approvers: %s", n, strings.Join(names, ", ")), fmt.Sprintf("审批人 %d 位：%s", n, strings.Join(names, "、"))))
	}
	if len(names) > 0 && len(terminal) == 0 {
		add(bot.Advice, "no approver has a one-time password: plans of tier 3 cannot be confirmed", "没有审批人配置动态口令：第 3 级的计划无法确认",
			"rollcall person totp NAME, then people[].totp", "运行 rollcall person totp 姓名，然后写入 people[].totp")
	}
	if operators == 0 {
		add(bot.Advice, "nobody may start it by command", "没有人可以用命令发起",
			"In the configuration: people[].roles.operator: ["+f.Name+"]", "在配置里写 people[].roles.operator: ["+f.Name+"]")
	}
	return checks
}

// people sees that every person can be known on some platform.
func (d *doctor) people() []bot.Check {
	var lost []string
	for _, p := range people(d.cfg) {
		if len(p.Accounts) == 0 && !p.TOTP {
			lost = append(lost, p.Name)
		}
	}
	if len(lost) > 0 {
		return []bot.Check{{
			Level: bot.Advice, Say: bot.Text{EN: "no account on any platform: " + strings.Join(lost, ", "), ZH: "在哪个平台都没有账号：" + strings.Join(lost, "、")},
			Fix: bot.Text{EN: "Let them send “whoami” to the bot, and put the id under people.", ZH: "请他们对机器人发“我是谁”，把标识写进 people。"},
		}}
	}
	return []bot.Check{fine("knows "+several(len(d.cfg.People), "person"), fmt.Sprintf("认识 %d 个人", len(d.cfg.People)))}
}

func reasonEN(p run.Pause) string {
	if p.Why == "" {
		return ""
	}
	return ": " + p.Why
}

func reasonZH(p run.Pause) string {
	if p.Why == "" {
		return ""
	}
	return "：" + p.Why
}

func allOr(flow string) string {
	if flow == "*" {
		return "全部"
	}
	return flow
}
