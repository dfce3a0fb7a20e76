package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// printRun prints a run with its plan and what became of each change.
func (a *app) printRun(ctx context.Context, r run.Run) error {
	_, pl, err := a.engine.Get(ctx, r.Code)
	if err != nil {
		return err
	}
	p := a.p
	p.printf("%s  %s  %s\n", r.Code, r.Flow, r.State)
	if r.Reason != "" {
		p.printf("  %s\n", fault.In(r.Reason, p.lang()))
	}
	if pl == nil {
		return nil
	}
	entries, err := a.engine.Entries(ctx, r.Code)
	if err != nil {
		return err
	}
	steps := map[int]run.Entry{}
	for _, e := range entries {
		steps[e.Seq] = e
	}
	p.printPlan(pl, steps)
	if r.State == run.Awaiting {
		p.printf("%s\n", p.say("Waits for %d vote(s) until %s: rollcall approve %s --person NAME --delete %d --disable %d",
			"等待 %d 票，%s 前有效：rollcall approve %s --person 姓名 --delete %d --disable %d",
			r.Votes, r.Expires.In(a.cfg.Location()).Format("2006-01-02 15:04"), r.Code, r.Counts.Delete, r.Counts.Disable))
	}
	return nil
}

// printPlan prints every item of a plan, one a line.
func (p *process) printPlan(pl *plan.Plan, steps map[int]run.Entry) {
	c := pl.Counts()
	p.printf("%s\n", p.say("create %d, update %d, disable %d, delete %d, adopt %d; fingerprint %s",
		"新增 %d，变更 %d，停用 %d，删除 %d，认领 %d；指纹 %s", c.Create, c.Update, c.Disable, c.Delete, c.Adopt, pl.Digest().Short()))
	p.printSide(p.say("source", "来源"), pl.Source)
	p.printSide(p.say("target", "目标"), pl.Target)
	for i := range pl.Changes {
		c := &pl.Changes[i]
		p.printf("%4d  %-7s %-10s %s %s%s  %s%s\n", c.Seq, c.Op, c.Key.Kind, c.Name, c.Where, brackets(c.Tail),
			fault.In(c.Reason, p.lang()), p.step(steps[c.Seq]))
		for _, line := range differences(pl, c) {
			p.printf("                           %s\n", line)
		}
	}
	for _, n := range pl.Notes {
		p.printf("   -  %-12s %s  %s%s\n", n.Kind, n.Name, fault.In(n.Say, p.lang()), brackets(n.Place))
	}
	for _, f := range pl.Risk.Reasons {
		p.printf("   !  tier %d  %s  %g / %g  %s\n", f.Tier, f.Code, f.Have, f.Limit, f.What)
	}
}

func (p *process) printSide(word string, s plan.Side) {
	p.printf("%s\n", p.say("%s %s: %d users, %d departments, %d pages, %d problems",
		"%s %s：%d 人，%d 个部门，%d 页，%d 个问题", word, s.System, s.Users, s.Departments, s.Health.Pages, len(s.Health.Problems)))
	for _, pr := range s.Health.Problems {
		p.printf("   -  %s: %s\n", pr.Place, fault.In(pr.Say, p.lang()))
	}
	if s.Health.PartialFor != "" {
		p.printf("   !  %s: %s\n", p.say("incomplete", "不完整"), fault.In(s.Health.PartialFor, p.lang()))
	}
}

func (p *process) step(e run.Entry) string {
	if e.Step == "" || e.Step == run.StepPending {
		return ""
	}
	if e.Say == "" {
		return fmt.Sprintf(" [%s]", e.Step)
	}
	return fmt.Sprintf(" [%s: %s]", e.Step, fault.In(e.Say, p.lang()))
}

func brackets(s string) string {
	if s == "" {
		return ""
	}
	return " (" + s + ")"
}

// differences gives a line for each attribute that an UPDATE changes. Mobile
// numbers and mail addresses are masked: a terminal's scrollback is kept too.
func differences(pl *plan.Plan, c *plan.Change) []string {
	if c.Op != plan.Update {
		return nil
	}
	var lines []string
	for _, name := range c.After.Names() {
		lines = append(lines, fmt.Sprintf("%s: %s → %s", name, shown(pl, name, c.Before[name]), shown(pl, name, c.After[name])))
	}
	return lines
}

func shown(pl *plan.Plan, name string, v directory.Value) string {
	text := pl.Show(v)
	switch {
	case text == "":
		return "∅"
	case name == directory.AttrMobile && len(text) > 7:
		return text[:3] + "****" + text[len(text)-4:]
	case name == directory.AttrEmail:
		user, host, _ := strings.Cut(text, "@")
		return string([]rune(user)[:min(2, len([]rune(user)))]) + "***@" + host
	default:
		return text
	}
}
