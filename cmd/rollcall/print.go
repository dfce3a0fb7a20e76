package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"unicode"

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
	p.printRules(pl)
	p.printSide(p.say("source", "来源"), pl.Source)
	p.printSide(p.say("target", "目标"), pl.Target)
	for i := range pl.Changes {
		c := &pl.Changes[i]
		p.line("%4d  %-7s %-10s %s %s%s  %s%s%s", c.Seq, c.Op, c.Key.Kind, c.Name, c.Where, brackets(c.Tail),
			fault.In(c.Reason, p.lang()), p.byRule(c.Rule), p.step(steps[c.Seq]))
		for _, line := range differences(pl, c) {
			p.line("                           %s", line)
		}
	}
	for _, n := range pl.Notes {
		p.line("   -  %-12s %s  %s%s", n.Kind, n.Name, fault.In(n.Say, p.lang()), brackets(n.Place))
	}
	for _, f := range pl.Risk.Reasons {
		p.line("   !  %s", p.finding(f))
	}
}

// finding gives a reason with what was found and what is allowed. A rule that is of
// no use counts nothing: what is wrong with it is a sentence.
func (p *process) finding(f plan.Finding) string {
	if f.Code == plan.FindRuleBroken {
		return fmt.Sprintf("tier %d  %s  %s", f.Tier, f.Code, fault.In(f.What, p.lang()))
	}
	return fmt.Sprintf("tier %d  %s  %g / %g  %s", f.Tier, f.Code, f.Have, f.Limit, f.What)
}

// byRule names the place of the rule that decided a change.
func (p *process) byRule(at string) string {
	if at == "" {
		return ""
	}
	return p.say("  <rule %s>", "  <规则 %s>", at)
}

// printRules says what the rules leave alone, and what their own change does.
func (p *process) printRules(pl *plan.Plan) {
	if alone := p.leftAlone(pl); alone != "" {
		p.printf("%s\n", alone)
	}
	c := pl.Rules
	if c == nil {
		return
	}
	if c.Say != "" {
		p.line("%s", p.say("the rules have changed since %s; how many objects they decide differently is not known: %s",
			"规则脚本改过（与 %s 相比），有多少对象的结果不同无法得知：%s", c.Since, fault.In(c.Say, p.lang())))
		return
	}
	p.line("%s", p.say("the rules have changed since %s: %d of %d objects are decided differently",
		"规则脚本改过（与 %[1]s 相比）：%[3]d 个对象中有 %[2]d 个结果不同", c.Since, c.Differ, c.Judged))
	for i := range c.Examples {
		d := &c.Examples[i]
		p.line("   ~  %-10s %s %s  %s → %s", d.Key.Kind, d.Name, d.Key.ID, p.decided(d.Old), p.decided(d.New))
	}
	if more := c.Differ - len(c.Examples); more > 0 {
		p.line("   ~  %s", p.say("… and %d more: rollcall rules diff %s", "……另有 %d 个：rollcall rules diff %s", more, pl.Flow))
	}
}

// leftAlone counts what the rules kept from being done; "" when that is nothing.
func (p *process) leftAlone(pl *plan.Plan) string {
	n := map[plan.NoteKind]int{}
	for i := range pl.Notes {
		n[pl.Notes[i].Kind]++
	}
	var parts []string
	for _, one := range []struct {
		kind   plan.NoteKind
		en, zh string
	}{
		{plan.RuleFailed, "fail on %d", "出错 %d"},
		{plan.LeftActive, "left and still active %d", "已离职但账号仍可用 %d"},
		{plan.Held, "hold %d", "保留 %d"},
		{plan.Aborted, "drop %d", "放弃 %d"},
	} {
		if n[one.kind] > 0 {
			parts = append(parts, p.say(one.en, one.zh, n[one.kind]))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return p.say("rules: ", "规则：") + strings.Join(parts, p.say(", ", "，"))
}

// decided says what comes of an object, and by which line of the rules.
func (p *process) decided(d plan.Decision) string {
	what := string(d.Op)
	if what == "" {
		what = string(plan.None)
	}
	if d.Note != "" {
		what += " " + string(d.Note)
	}
	if names := d.Write.Names(); len(names) > 0 {
		what += " [" + strings.Join(names, ", ") + "]"
	}
	return what + brackets(d.Rule)
}

// line prints one line, of which nothing that others wrote makes two, moves the
// cursor or turns the direction.
func (p *process) line(format string, args ...any) {
	p.printf("%s\n", strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, fmt.Sprintf(format, args...)))
}

func (p *process) printSide(word string, s plan.Side) {
	if p.lang() == "en" {
		p.printf("%s %s: %s, %s, %s, %s\n", word, s.System, several(s.Users, "user"), several(s.Departments, "department"),
			several(s.Health.Pages, "page"), several(len(s.Health.Problems), "problem"))
	} else {
		p.printf("%s %s：%d 人，%d 个部门，%d 页，%d 个问题\n", word, s.System, s.Users, s.Departments, s.Health.Pages, len(s.Health.Problems))
	}
	for _, pr := range s.Health.Problems {
		p.line("   -  %s: %s", pr.Place, fault.In(pr.Say, p.lang()))
	}
	if s.Health.PartialFor != "" {
		p.line("   !  %s: %s", p.say("incomplete", "不完整"), fault.In(s.Health.PartialFor, p.lang()))
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

// several counts things whose plural ends in s.
func several(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + one + "s"
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
