package bot

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

const (
	// hasty is how soon after a run began a vote must come to be called quick: a
	// list of people cannot be read in that time.
	hasty = time.Minute
	// The caps above which no vote helps are 200, and a quarter of the accounts
	// from 10 on; a plan is near them at four fifths.
	nearCap, nearPercent, nearFrom = 160, 20, 8
	// The audit's words for what did not arrive.
	askLost    = "ask.undelivered"
	letterLost = "letter.lost"
)

// dangers looks at the newest plan of the window.
func (d *summary) dangers(ctx context.Context, f *Flow) error {
	runs, err := d.b.o.Service.List(ctx, run.Filter{Flow: f.Name, Whole: true, Since: d.since, Limit: formerSearch})
	if err != nil {
		return fmt.Errorf("list new runs: %w", err)
	}
	i := slices.IndexFunc(runs, func(r run.Run) bool { return !r.Plan.IsZero() && wholeFlow(r) })
	if i < 0 {
		return nil
	}
	_, p, err := d.b.o.Service.Get(ctx, runs[i].Code)
	if err != nil && !passing(err) {
		d.b.o.Logger.ErrorContext(ctx, "plan cannot be shown", "run", runs[i].Code, "err", err)
		d.risks = append(d.risks, d.says(f.Name, d.l.sentence(err)))
		return nil
	}
	if err != nil || p == nil {
		return err
	}
	d.dangersOf(f, runs[i].Code, p)
	return nil
}

// dangersOf tells what a plan shows that somebody should look at.
func (d *summary) dangersOf(f *Flow, code run.Code, p *plan.Plan) {
	kinds := map[plan.NoteKind]int{}
	alarms := 0
	for i := range p.Notes {
		kinds[p.Notes[i].Kind]++
		if p.Notes[i].Alarm {
			alarms++
		}
	}
	l := d.l
	add := func(line string) { d.risks = append(d.risks, d.says(f.Name, line)) }
	look := l.say(" (show %s notes)", "（详情 %s 保留）", code)
	if alarms > 0 {
		add(l.say("left and still active, three runs running: %d", "已离职但账号仍可用，连续三次运行：%d", alarms) + look)
	}
	for _, k := range []plan.NoteKind{plan.LeftActive, plan.RuleFailed, plan.Conflict, plan.Unclear, plan.Lost} {
		if kinds[k] > 0 {
			add(pair(l.Note(k), kinds[k]) + look)
		}
	}
	if loud(p.Rules) {
		add(l.rulesChanged(p.Rules) + l.say(" (show %s)", "（详情 %s）", code))
	}
	if h := p.Source.Health; h.PartialFor != "" {
		add(l.say("the source is incomplete: ", "来源不完整：") + printable(masked(l.of(h.PartialFor)), sayRunes))
	} else if len(h.Hidden) > 0 {
		add(l.say("missing permissions: ", "缺少权限：") + printable(l.list(h.Hidden), sayRunes))
	}
	guarded := false
	for _, find := range p.Risk.Reasons {
		if guards(find.Code) {
			guarded = true
			add(printable(l.finding(find), spanRunes))
		}
	}
	if !guarded {
		d.near(f, p)
	}
}

// guards tells whether a finding is a cap that was passed.
func guards(code string) bool {
	switch code {
	case plan.FindMaxDelete, plan.FindDeletePercent, plan.FindDepartment, plan.FindShrink, plan.FindChangePercent, plan.FindBlanked, plan.FindHardCap,
		plan.FindRuleErrors, plan.FindRuleBroken, plan.FindEmptySource:
		return true
	default:
		return false
	}
}

// near tells of a flow that is near the caps above which no vote helps.
func (d *summary) near(f *Flow, p *plan.Plan) {
	n := p.Counts().Destructive()
	if n == 0 {
		return
	}
	n += p.Recent
	percent := 0.0
	if p.Managed > 0 {
		percent = 100 * float64(n) / float64(p.Managed)
	}
	if n < nearCap && (n < nearFrom || percent <= nearPercent) {
		return
	}
	d.risks = append(d.risks, d.says(f.Name, d.l.say("near the caps: %d accounts to be disabled or deleted, the last 24 hours included, %s %% of all (nothing helps above 200, or above 25 %%)",
		"接近上限：连同最近 24 小时共停用和删除 %d 个账号，占 %s%%（超过 200 个或 25%% 一律不执行）", n, number(percent))))
}

// votes tells who approved what and how fast, and of runs that one person alone
// let go.
func (d *summary) votes(ctx context.Context, runs []run.Run) error {
	for _, r := range runs {
		if r.Votes == 0 && r.Glass.Person == "" || !r.Ended.IsZero() && r.Ended.Before(d.since) {
			continue
		}
		votes, err := d.b.o.Service.Votes(ctx, r.Code)
		if err != nil {
			return fmt.Errorf("read votes: %w", err)
		}
		d.votesOf(r, votes)
	}
	return nil
}

func (d *summary) votesOf(r run.Run, votes []run.Vote) {
	l := d.l
	var said []string
	why, broken := "", r.Glass.Person
	for _, v := range votes {
		if v.Decision == run.BreakGlass {
			why, broken = v.Reason, v.By.Person
		}
		if v.Decision != run.Approve || v.At.Before(d.since) {
			continue
		}
		after := max(0, v.At.Sub(r.Created))
		who := l.say("%s after %s", "%s（%s后批准）", l.who(v.By), l.span(after))
		if after < hasty && r.Counts.Destructive() > 0 {
			who += l.say(", very fast", "，非常快")
		}
		if v.For != "" {
			who += l.say(", for %s", "，代 %s", label(v.For))
		}
		said = append(said, who)
	}
	what := string(r.Code) + " " + r.Flow + " · " + l.counts(r.Counts)
	if len(said) > 0 {
		d.approved = append(d.approved, d.says(string(r.Code), r.Flow+" · "+l.counts(r.Counts)+" · "+strings.Join(said, l.say("; ", "；"))))
	}
	if broken != "" {
		line := what + " · " + label(broken) + l.say(" alone let it go", " 一个人放行")
		if why != "" {
			line += l.say(": ", "：") + printable(masked(why), sayRunes)
		}
		d.glass = append(d.glass, d.says(l.say("🔴 GLASS BROKEN", "🔴 紧急放行"), line))
	}
}

// unheard counts what people should have read and never got: messages that were
// given up, and requests for a vote among them.
func (d *summary) unheard(ctx context.Context) error {
	counts := map[string]int{}
	for _, action := range []string{askLost, letterLost} {
		all, err := d.b.o.Mailbox.Audits(ctx, action, d.since)
		if err != nil {
			return fmt.Errorf("read lost messages: %w", err)
		}
		for _, a := range all {
			if a.Run == "" || d.codes[a.Run] {
				counts[action]++
			}
		}
	}
	for _, one := range []struct{ action, say string }{
		{askLost, d.l.say("requests for a vote that reached no room", "没有送到群里的审批请求")}, {letterLost, d.l.say("messages that were given up", "没有送达的消息")},
	} {
		if n := counts[one.action]; n > 0 {
			d.risks = append(d.risks, d.says(d.l.say("Messages", "消息"), pair(one.say, n)+d.l.say(" (see: doctor)", "（请看：体检）")))
		}
	}
	return nil
}

// refusals counts the votes that were refused: many of them are mistakes, or
// somebody who tries.
func (d *summary) refusals(ctx context.Context) error {
	all, err := d.b.o.Mailbox.Audits(ctx, voteRefused, d.since)
	if err != nil {
		return fmt.Errorf("read refused votes: %w", err)
	}
	by := map[string]int{}
	var names []string
	for _, a := range all {
		if !d.codes[a.Run] {
			continue
		}
		name := a.Who.Person
		if name == "" {
			name = d.l.say("somebody unknown", "未知的人")
		}
		if by[name]++; by[name] == 1 {
			names = append(names, name)
		}
	}
	for _, name := range names {
		d.risks = append(d.risks, d.says(label(name), d.l.say(count(by[name], "vote was", "votes were")+" refused", "有 "+strconv.Itoa(by[name])+" 次表决被拒")))
	}
	return nil
}
