package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// printed gives what a terminal of a language shows of a plan, without the lines
// that say what was read.
func printed(t *testing.T, lang string, pl *plan.Plan) string {
	t.Helper()
	out := &bytes.Buffer{}
	p := &process{stdout: out, getenv: func(name string) (string, bool) { return lang, name == "ROLLCALL_LANG" }}
	p.printPlan(pl, map[int]run.Entry{2: {Step: run.StepDone}})
	var kept []string
	for line := range strings.Lines(out.String()) {
		if !strings.Contains(line, pl.Digest().Short()) && !strings.HasPrefix(line, "source ") && !strings.HasPrefix(line, "target ") && !strings.HasPrefix(line, "来源 ") && !strings.HasPrefix(line, "目标 ") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// ruledPlan is a plan in which rules decided, with names that somebody chose to
// forge a line.
func ruledPlan() *plan.Plan {
	user := func(id directory.ID) directory.Key { return directory.Key{Kind: directory.User, ID: id} }
	return &plan.Plan{
		Flow: "hr-to-wecom",
		Changes: []plan.Change{
			{Seq: 1, Op: plan.Create, Key: user("0201"), Name: "Sun Qi", Where: "/HQ", Reason: "new in hr / hr 中新增"},
			{Seq: 2, Op: plan.Disable, Key: user("0202"), Name: "Wang\x1b[2J\nLei", Where: "/HQ", Reason: "chosen by the rule / 由规则决定", Rule: "rules/users.js:12"},
		},
		Notes: []plan.Note{
			{Kind: plan.RuleFailed, Name: "Xu Bo", Say: "mail is undefined / mail 未定义", Place: "rules/users.js:4"},
			{Kind: plan.Held, Name: "He Li", Say: "not said / 没有给出操作"},
			{Kind: plan.Held, Name: "He Yi", Say: "not said / 没有给出操作"},
		},
		Risk: plan.Assessment{Tier: 4, Blocked: true, Reasons: []plan.Finding{
			{Code: plan.FindRuleErrors, Tier: 4, Have: 31, Limit: 6, What: "rules/users.js"},
			{Code: plan.FindRuleBroken, Tier: 4, What: "rules/users.js:3: unexpected token / rules/users.js:3：语法错误"},
		}},
		Rules: &plan.RuleChange{Since: "703020", Judged: 5120, Differ: 37, Examples: []plan.Differing{
			{Key: user("300"), Name: "Li\u202eSi", Old: plan.Decision{Op: plan.Update, Rule: "rules/users.js:9", Write: directory.Attributes{"title": directory.TextOf("x")}}, New: plan.Decision{Op: plan.Delete, Rule: "rules/users.js:12"}},
			{Key: user("301"), Name: "Chu Shi", Old: plan.Decision{}, New: plan.Decision{Op: plan.None, Note: plan.Held}},
		}},
	}
}

func TestPrintRules(t *testing.T) {
	t.Parallel()
	for lang, want := range map[string]string{
		"en": `rules: fail on 1, hold 2
the rules have changed since 703020: 37 of 5120 objects are decided differently
   ~  user       Li Si 300  UPDATE [title] (rules/users.js:9) → DELETE (rules/users.js:12)
   ~  user       Chu Shi 301  NONE → NONE held
   ~  … and 35 more: rollcall rules diff hr-to-wecom
   1  CREATE  user       Sun Qi /HQ  new in hr
   2  DISABLE user       Wang [2J Lei /HQ  chosen by the rule  <rule rules/users.js:12> [done]
   -  rule_failed  Xu Bo  mail is undefined (rules/users.js:4)
   -  held         He Li  not said
   -  held         He Yi  not said
   !  tier 4  rule_errors  31 / 6  rules/users.js
   !  tier 4  rule_broken  rules/users.js:3: unexpected token
`,
		"zh": `规则：出错 1，保留 2
规则脚本改过（与 703020 相比）：5120 个对象中有 37 个结果不同
   ~  user       Li Si 300  UPDATE [title] (rules/users.js:9) → DELETE (rules/users.js:12)
   ~  user       Chu Shi 301  NONE → NONE held
   ~  ……另有 35 个：rollcall rules diff hr-to-wecom
   1  CREATE  user       Sun Qi /HQ  hr 中新增
   2  DISABLE user       Wang [2J Lei /HQ  由规则决定  <规则 rules/users.js:12> [done]
   -  rule_failed  Xu Bo  mail 未定义 (rules/users.js:4)
   -  held         He Li  没有给出操作
   -  held         He Yi  没有给出操作
   !  tier 4  rule_errors  31 / 6  rules/users.js
   !  tier 4  rule_broken  rules/users.js:3：语法错误
`,
	} {
		if got := printed(t, lang, ruledPlan()); got != want {
			t.Errorf("%s:\n%s\nwant:\n%s", lang, got, want)
		}
	}
}

// What is not known is said, and unchanged rules are not told of.
func TestPrintRulesThatCannotBeCompared(t *testing.T) {
	t.Parallel()
	pl := ruledPlan()
	pl.Changes, pl.Notes, pl.Risk.Reasons = nil, nil, nil
	pl.Rules = &plan.RuleChange{Since: "703020", Say: "they are not kept / 没有保存"}
	if got, want := printed(t, "en", pl), "the rules have changed since 703020; how many objects they decide differently is not known: they are not kept\n"; got != want {
		t.Errorf("have %q, want %q", got, want)
	}
	if got, want := printed(t, "zh", pl), "规则脚本改过（与 703020 相比），有多少对象的结果不同无法得知：没有保存\n"; got != want {
		t.Errorf("have %q, want %q", got, want)
	}
	pl.Rules = nil
	if got := printed(t, "en", pl); got != "" {
		t.Errorf("of unchanged rules it says %q", got)
	}
}
