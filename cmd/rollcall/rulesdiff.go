package main

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// diffLimit is how many objects are told of by default.
const diffLimit = 50

func (p *process) rulesDiffCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "diff FLOW", Args: exactly(1, "rollcall rules diff FLOW --person NAME [--old FILE]"),
		Short: p.say("which objects the rules decide differently than others did", "与另一份规则相比，哪些对象的结果不同"),
	}
	path, person := configFlag(c, p), personFlag(c, p)
	users := c.Flags().String("old", "", p.say("the old rule for users; by default the rules of the run that was applied last", "旧的人员规则；默认用上一次执行时的规则"))
	departments := c.Flags().String("old-departments", "", p.say("the old rule for departments", "旧的部门规则"))
	limit := c.Flags().Int("limit", diffLimit, p.say("at most so many objects; 0 = all", "最多列出几个对象；0 表示全部"))
	asJSON := c.Flags().Bool("json", false, p.say("for machines; all objects", "输出 JSON，包含全部对象"))
	c.RunE = func(c *cobra.Command, args []string) error {
		old, err := givenTexts(map[directory.Kind]string{directory.User: *users, directory.Department: *departments})
		if err != nil {
			return err
		}
		a, by, err := p.asked(c, *path, *person)
		if err != nil {
			return err
		}
		defer func() { _ = a.close() }()
		got, err := a.engine.DiffRules(c.Context(), run.RuleDiff{Flow: args[0], Old: old, By: by})
		if err != nil {
			return err
		}
		if *asJSON {
			return p.printJSON(differenceOf(args[0], &got))
		}
		a.printDiffered(&got, *limit)
		return nil
	}
	return c
}

// difference is a run.RulesDiffered for machines.
type difference struct {
	Flow   string           `json:"flow"`
	Since  run.Code         `json:"since,omitempty"` // the run whose rules were the old ones
	Listed time.Time        `json:"listed"`
	Judged int              `json:"judged"`
	Differ int              `json:"differ"`
	All    []plan.Differing `json:"all"`
}

func differenceOf(flow string, d *run.RulesDiffered) difference {
	all := d.All
	if all == nil {
		all = []plan.Differing{}
	}
	return difference{Flow: flow, Since: d.Since, Listed: d.Listed, Judged: d.Judged, Differ: len(all), All: all}
}

// printDiffered prints how many objects differ, and how each of the first few does.
func (a *app) printDiffered(d *run.RulesDiffered, limit int) {
	p, listed := a.p, d.Listed.In(a.cfg.Location()).Format("2006-01-02 15:04")
	p.printf("%s\n", p.say("%d of %d objects of the listing of %s are decided differently", "%[3]s 的来源共判定 %[2]d 个对象，%[1]d 个结果不同", len(d.All), d.Judged, listed))
	if d.Since != "" {
		p.printf("%s\n", p.say("compared with the rules of %s, which was applied last", "与上一次执行（%s）时的规则比较", d.Since))
	}
	p.printf("%s\n", p.say("Accounts are taken as last written; neither system was asked, and nothing was changed.", "账号按上次写入的内容计算，没有查询任何系统，也没有任何改动。"))
	shown := d.All
	if limit > 0 && len(shown) > limit {
		shown = shown[:limit]
	}
	for i := range shown {
		p.printDiffering(&shown[i])
	}
	if n := len(d.All) - len(shown); n > 0 {
		p.printf("%s\n", p.say("… and %d more; --limit 0 shows all", "…… 另有 %d 个；--limit 0 列出全部", n))
	}
}

func (p *process) printDiffering(d *plan.Differing) {
	kind := ""
	if d.Key.Kind == directory.Department {
		kind = p.say("department ", "部门 ")
	}
	p.line("%s%s%s  %s → %s", kind, d.Name, brackets(idTail(d.Key.ID)), p.decision(&d.Old), p.decision(&d.New))
	for _, name := range differingNames(d) {
		p.line("    %s: %s → %s", name, p.written(d.Old.Write, name), p.written(d.New.Write, name))
	}
}

// decision says what comes of an object, and where that was decided.
func (p *process) decision(d *plan.Decision) string {
	text := p.botLang().Doing(d.Op)
	if d.Op == plan.None && d.Note != "" {
		text = p.botLang().Note(d.Note)
	}
	if d.Say != "" {
		text += p.say(": ", "：") + fault.In(d.Say, p.lang())
	}
	if d.Rule != "" {
		text += " [" + d.Rule + "]"
	}
	return text
}

// differingNames gives the attributes that the two would write differently. Of a
// person whom only one of them creates, the operation says enough.
func differingNames(d *plan.Differing) []string {
	if d.Old.Op != d.New.Op && (d.Old.Op == plan.Create || d.New.Op == plan.Create) {
		return nil
	}
	names := slices.Concat(d.Old.Write.Names(), d.New.Write.Names())
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool {
		x, before := d.Old.Write[name]
		y, after := d.New.Write[name]
		return before == after && x.Equal(y)
	})
}

// written shows what would be written to an attribute, masked as in a plan.
func (p *process) written(all directory.Attributes, name string) string {
	v, ok := all[name]
	if !ok {
		return p.say("(as it is)", "（不变）")
	}
	return shown(&plan.Plan{}, name, v)
}

// idTail gives the end of an id: enough to tell two persons of one name apart.
func idTail(id directory.ID) string {
	const most = 8
	runes := []rune(strings.TrimSpace(string(id)))
	if len(runes) <= most {
		return string(runes)
	}
	return "…" + string(runes[len(runes)-most:])
}
