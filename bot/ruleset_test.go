package bot

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// changedRules tells of 37 objects, and names six.
func changedRules() *plan.RuleChange {
	example := func(n int, name string, was, is plan.Decision) plan.Differing {
		return plan.Differing{Key: key(fmt.Sprintf("A%04d", 300+n)), Name: name, Old: was, New: is}
	}
	title := func(s string) plan.Decision {
		return plan.Decision{Op: plan.Update, Rule: "rules/users.js:9", Write: directory.Attributes{"title": directory.TextOf(s), "mobile": directory.TextOf("13912345678")}}
	}
	return &plan.RuleChange{Since: "703020", Judged: 5120, Differ: 37, Examples: []plan.Differing{
		example(0, "Wang Lei", plan.Decision{Op: plan.Update}, plan.Decision{Op: plan.Delete, Rule: "rules/users.js:12"}),
		example(1, "Zhao Yi", plan.Decision{Op: plan.None, Note: plan.Held}, plan.Decision{Op: plan.Disable}),
		example(2, "Qian 13912345678", plan.Decision{Op: plan.Create}, plan.Decision{Op: plan.None, Note: plan.RuleFailed, Say: "x / y"}),
		example(3, "Sun Qi", plan.Decision{}, plan.Decision{Op: plan.None, Note: plan.Aborted}),
		example(4, "Li Si", title("clerk"), title("chief")),
		example(5, "Chu Shi", title("clerk"), title("clerk")),
	}}
}

// ruled makes a plan in which a rule chose, held, dropped and failed.
func ruled(sc scene) scene {
	p := sc.plan
	for i := range p.Changes {
		c := &p.Changes[i]
		c.Rule = "rules/users.js:9"
		if c.Op.Destructive() && c.Seq != 3 {
			c.Rule, c.Reason, c.Cause.Kind = "rules/users.js:12", "chosen by the rule / 由规则决定", plan.CauseRule
		}
	}
	for i := range 12 {
		p.Notes = append(p.Notes, plan.Note{Kind: plan.Held, Name: fmt.Sprintf("Held %d", i), Say: "the rule did not say what to do / 规则没有给出操作", Place: "rules/users.js:20"})
	}
	for i := range 3 {
		p.Notes = append(p.Notes, plan.Note{Kind: plan.Aborted, Name: fmt.Sprintf("Dropped %d", i), Say: "the rule dropped it / 规则放弃了该操作", Place: "rules/users.js:7"})
	}
	return sealed(sc)
}

// sealed gives the run what its plan says.
func sealed(sc scene) scene {
	sc.run.Plan, sc.run.Counts, sc.run.Notes = sc.plan.Digest(), sc.plan.Counts(), len(sc.plan.Notes)
	return sc
}

// ruleScenes are cards on which rules have a part.
func ruleScenes(all map[string]func(w *world) scene) {
	with := func(s run.State, fn func(p *plan.Plan)) func(w *world) scene {
		return func(w *world) scene {
			sc := ruled(sceneOf(w, s))
			sc.voters = voters{names: []string{"Zhou Kai", "Chen Yue"}, known: s == run.Awaiting}
			fn(sc.plan)
			return sealed(sc)
		}
	}
	calm := func(p *plan.Plan) {
		p.Notes = slices.DeleteFunc(p.Notes, func(n plan.Note) bool { return n.Kind != plan.Held && n.Kind != plan.Aborted })
	}
	all["awaiting_approval.rules"] = with(run.Awaiting, func(p *plan.Plan) { p.Rules = changedRules() })
	all["awaiting_approval.rules-same"] = with(run.Awaiting, func(p *plan.Plan) { calm(p); p.Rules = &plan.RuleChange{Since: "703020", Judged: 5120} })
	all["awaiting_approval.rules-unknown"] = with(run.Awaiting, func(p *plan.Plan) {
		p.Notes = p.Notes[2:3]
		p.Rules = &plan.RuleChange{Since: "703020", Say: "the former rules are not kept any more / 以前的规则没有保存下来"}
	})
	all["awaiting_approval.rules-cooling"] = func(w *world) scene {
		sc := ruled(all["awaiting_approval.cooling"](w))
		sc.plan.Rules = changedRules()
		sc.plan.Rules.Examples = nil
		return sealed(sc)
	}
	all["planned.rules"] = with(run.Planned, func(p *plan.Plan) {
		p.Rules = &plan.RuleChange{Since: "703020", Judged: 5120, Differ: 1, Examples: changedRules().Examples[:1]}
	})
	all["nothing_to_do.rules"] = with(run.NothingToDo, func(p *plan.Plan) { calm(p); p.Rules = changedRules() })
	all["nothing_to_do.rules-empty"] = with(run.NothingToDo, func(p *plan.Plan) { p.Notes, p.Rules = nil, &plan.RuleChange{Since: "703020"} })
	all["blocked.errors"] = with(run.Blocked, func(p *plan.Plan) {
		p.Rules = changedRules()
		p.Risk.Reasons = []plan.Finding{{Code: plan.FindRuleErrors, Tier: 4, Have: 31, Limit: 6, What: "rules/users.js"}}
	})
	all["blocked.broken"] = with(run.Blocked, func(p *plan.Plan) {
		p.Changes = nil
		p.Notes = []plan.Note{{Kind: plan.RuleFailed, Place: "rules/users.js:3", Say: "the rule is of no use, nothing is changed: unexpected token ) / 规则无法使用，不做任何变更：多了一个 )"}}
		p.Risk = plan.Assessment{Tier: 4, Blocked: true, Reasons: []plan.Finding{
			{Code: plan.FindShrink, Tier: 3, Have: 12.5, Limit: 10},
			{Code: plan.FindRuleBroken, Tier: 4, What: "rules/users.js:3: unexpected token ) / rules/users.js:3：多了一个 )"},
		}}
	})
}

// Who votes reads that the rules have changed before he reads who loses the account,
// and what asks him to vote says it too.
func TestChangedRulesAreAnnouncedFirst(t *testing.T) {
	t.Parallel()
	w := cardWorld(t)
	all := scenes()
	for _, name := range []string{"awaiting_approval.rules", "awaiting_approval.rules-unknown", "awaiting_approval.rules-cooling", "blocked.errors", "planned.rules"} {
		sc := all[name](w)
		sc.lang = EN
		got := cardText(tidy(w.b.runCard(sc)))
		at, lost := strings.Index(got, "The rules have changed since 703020"), strings.Index(got, "Disable or delete:")
		if at < 0 || lost < at {
			t.Errorf("%s: changed rules stand at %d, the lost at %d:\n%s", name, at, lost, got)
		}
		if strings.Contains(got, "13912345678") {
			t.Errorf("%s: a number is shown whole:\n%s", name, got)
		}
		if call := cardText(w.b.call(sc)); sc.run.State == run.Awaiting && sc.open() && !strings.Contains(call, "The rules have changed since 703020") {
			t.Errorf("%s: the call does not say it:\n%s", name, call)
		}
	}
	for _, name := range []string{"awaiting_approval", "succeeded.done"} {
		sc := all[name](w)
		sc.lang = EN
		if got := cardText(w.b.runCard(sc)); strings.Contains(got, "rules have changed") {
			t.Errorf("%s: rules that did not change:\n%s", name, got)
		}
	}
}

// Each change names the place that decided it: whole where one change is shown, short
// in lists, and there only where the rule chose to take the account away.
func TestAChangeNamesItsRule(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sc := ruled(sceneOf(w, run.Awaiting))
	for _, l := range []Lang{ZH, EN} {
		v := view{l: l, r: sc.run, p: sc.plan, entries: map[int]run.Entry{}}
		var out strings.Builder
		for _, seq := range []int{2, 3, 4} {
			v.cmd = Command{Item: seq, Page: 1}
			item, _ := v.item()
			out.WriteString(cardText(tidy(item.card)))
		}
		v.cmd = Command{Page: 1}
		list, _ := v.items()
		out.WriteString(cardText(tidy(list.card)))
		for i := range sc.plan.Changes[:4] {
			out.WriteString("    why" + l.why(&sc.plan.Changes[i]) + "\n")
		}
		golden(t, "testdata/cards/rule-of-a-change."+string(l)+".txt", out.String())
		if n := strings.Count(cardText(list.card), "`users.js:12`"); n != 4 || strings.Contains(cardText(list.card), "users.js:9") {
			t.Errorf("the list names the place %d times:\n%s", n, cardText(list.card))
		}
	}
}

// A place keeps its end, which has the line.
func TestFileLine(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("rules/", 30) + "users.js:12"
	odd := " a\nb\u202e.js:1 "
	for in, want := range map[string]string{"": "", "rules/users.js:12": "rules/users.js:12", long: "…" + long[len(long)-79:], odd: "a b.js:1"} {
		if got := fileLine(in, placeRunes); got != want {
			t.Errorf("fileLine(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"rules/users.js:12": "users.js:12", `c:\rules\users.js:12`: "users.js:12", "users.js": "users.js", "": "", "/": "", strings.Repeat("x", 60) + ".js:7": "…" + strings.Repeat("x", 34) + ".js:7"} {
		if got := fileLineShort(in); got != want {
			t.Errorf("fileLineShort(%q) = %q, want %q", in, got, want)
		}
	}
}

// The place of a broken rule is found before both halves of what is wrong, or
// before the first alone.
func TestBrokenRule(t *testing.T) {
	t.Parallel()
	for what, want := range map[string][4]string{
		"rules/users.js:3: no / rules/users.js:3：不行": {"rules/users.js:3", "no", "rules/users.js:3", "不行"},
		"rules/users.js:3: no. / 不行。":                {"rules/users.js:3", "no", "rules/users.js:3", "不行"},
		"rules/users.js:3:15: no / 不行":               {"rules/users.js:3:15", "no", "rules/users.js:3:15", "不行"},
		"rules/users.js: a / b: no / 不行":             {"rules/users.js", "a / b: no / 不行", "rules/users.js", "a / b: no / 不行"},
		"it is too long / 太长了":                       {"", "it is too long", "", "太长了"},
		"":                                           {"", "see the log", "", "原因见日志"},
	} {
		at, why := EN.brokenRule(what)
		zhAt, zhWhy := ZH.brokenRule(what)
		if got := [4]string{at, why, zhAt, zhWhy}; got != want {
			t.Errorf("%q gives %q, want %q", what, got, want)
		}
	}
}

// A digest tells of changed rules, and of a rule that is of no use.
func TestTheDigestTellsOfRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := aPlan()
	p.Rules = changedRules()
	p.Risk.Reasons = []plan.Finding{{Code: plan.FindRuleBroken, Tier: 4, What: "rules/users.js:3: no / rules/users.js:3：不行"}}
	for l, want := range map[Lang][]string{
		EN: {"The rules have changed since 703020: 37 of 5120 objects are decided differently (show 7K3MQ2)", "The rule rules/users.js:3 cannot be used: no."},
		ZH: {"规则脚本改过（与 703020 相比）：5120 个对象中有 37 个结果不同（详情 7K3MQ2）", "规则脚本 rules/users.js:3 无法使用：不行。"},
	} {
		d := &summary{b: w.b, l: l}
		d.dangersOf(w.b.flow("hr-to-wecom"), theCode, p)
		got := cardText(Card{Sections: []Section{{Lines: d.risks}}})
		for _, s := range want {
			if !strings.Contains(got, s) {
				t.Errorf("%s: %q is not told in\n%s", l, s, got)
			}
		}
	}
}
