package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

const tryRule = `log("sees", context.data.name, context.operationType);
if (context.data.title == "工程师") {
  context.data.title = "资深工程师";
}
if (context.data.email.contain("tencent")) {
  context.reason = "no updates for them";
  repo.abort("UPDATE");
}
return context
`

// tell wants lines in what a command prints.
func tell(t *testing.T, out string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(out, line) {
			t.Errorf("%q is missing in:\n%s", line, out)
		}
	}
}

func TestRulesTry(t *testing.T) {
	t.Parallel()
	c := newSeedling(t, tryRule)
	c.set("0004", func(r *row) { r.email, r.title = "four@tencent.example", "律师" })
	c.save(t)
	if out, exit := c.rollcall(t, "rules", "try", "seed", "0003", "--person", "李敏"); exit != 7 {
		t.Errorf("before the first listing: exit %d\n%s", exit, out)
	}
	c.apply(t)
	try := func(want int, args ...string) string {
		t.Helper()
		out, exit := c.rollcall(t, append([]string{"rules", "try", "seed"}, args...)...)
		if exit != want {
			t.Fatalf("%v: exit %d, want %d\n%s", args, exit, want, out)
		}
		return out
	}
	tell(t, try(0, "0003", "--person", "李敏"),
		"Test of seed · 员工03 (0003): nothing\n", "  proposed:      update\n", "  why nothing:   source and target agree\n", "  decided at:    rule.js:3\n",
		"  target:        has the account\n", "  it called nothing of repo\n", "  ended with return context\n",
		"  title: 工程师 → 资深工程师\n", "log\n  sees 员工03 UPDATE\n", "Only a test: no account was changed.\n")
	tell(t, try(0, "0004", "--person", "李敏", "--op", "update"),
		"would happen:  nothing\n", "the rule dropped the operation with repo.abort\n", `  repo.abort("UPDATE")`, "decided at:    rule.js:7\n", "reason:        no updates for them\n")
	done := len(c.wecom.Effects())

	c.write(t, "edited.js", "repo.executeDisable();\nreturn context\n")
	edited := filepath.Join(c.dir, "edited.js")
	tell(t, try(0, "0003", "--person", "李敏", "--rule", edited), "Test of seed · 员工03 (0003): disable\n", "edited.js:1\n", "  repo.executeDisable()\n")
	c.write(t, "edited.js", "context.data.title = nobody.title;\nreturn context\n")
	tell(t, try(0, "0003", "--person", "李敏", "--rule", edited), "the rule failed; the person is left untouched\n", "edited.js:1  ", "nothing of what it did before counts")
	c.write(t, "edited.js", "return context\nvar 3;\n")
	tell(t, try(2, "0003", "--person", "李敏", "--rule", edited), "edited.js:2:", "not valid JavaScript")
	try(2, "0003", "--person", "李敏", "--rule", filepath.Join(c.dir, "none.js"))
	try(2, "0003", "--person", "李敏", "--op", "purge")
	try(2, "0003")
	try(3, "0003", "--person", "陈悦")
	try(5, "9999", "--person", "李敏")
	if len(c.wecom.Effects()) != done {
		t.Errorf("a trial writes: %v", c.wecom.Effects()[done:])
	}

	var got trial
	if err := json.Unmarshal([]byte(try(0, "0003", "--person", "李敏", "--json")), &got); err != nil {
		t.Fatal(err)
	}
	if got.ID != "0003" || got.Proposed != "UPDATE" || got.Final != "NONE" || !got.Ruled || !got.Returned || got.Rule != "rule.js:3" || got.Error != nil ||
		len(got.Changed) != 1 || got.Changed["title"].After.Text() != "资深工程师" || len(got.Logs) != 1 || len(got.Calls) != 0 {
		t.Errorf("%+v", got)
	}
	c.write(t, "edited.js", "\nnobody.title;")
	got = trial{}
	if err := json.Unmarshal([]byte(try(0, "0003", "--person", "李敏", "--json", "--rule", edited)), &got); err != nil {
		t.Fatal(err)
	}
	if got.Error == nil || got.Error.Line != 2 || got.Error.File != edited || got.Note != "rule_failed" || got.Changed != nil {
		t.Errorf("%+v", got)
	}
}

func TestRulesTryInChinese(t *testing.T) {
	t.Parallel()
	c := newSeedling(t, tryRule)
	c.lang = "zh-CN"
	c.save(t)
	c.apply(t)
	out, exit := c.rollcall(t, "rules", "try", "seed", "0003", "--person", "李敏", "--op=update")
	if exit != 0 {
		t.Fatalf("exit %d", exit)
	}
	tell(t, out, "试跑 seed · 员工03 (0003)：更新\n", "  拟进行：  更新\n", "  决定于：  rule.js:3\n", "规则改了什么（之前 → 之后）\n", "日志\n", "只是试跑，没有改动任何账号。\n")
}

func TestRulesDiff(t *testing.T) {
	t.Parallel()
	c := newSeedling(t, tryRule)
	c.set("0004", func(r *row) { r.email = "four@tencent.example" })
	c.save(t)
	diff := func(want int, args ...string) string {
		t.Helper()
		out, exit := c.rollcall(t, append([]string{"rules", "diff", "seed"}, args...)...)
		if exit != want {
			t.Fatalf("%v: exit %d, want %d\n%s", args, exit, want, out)
		}
		return out
	}
	diff(7, "--person", "李敏") // nothing was applied yet
	code := codeOf(t, c.apply(t))
	tell(t, diff(0, "--person", "李敏"), "0 of 20 objects of the listing of ", "compared with the rules of "+code+", which was applied last\n", "Accounts are taken as last written; neither system was asked")
	done := len(c.wecom.Effects())

	c.write(t, "old.js", tryRule)
	c.write(t, "rule.js", strings.ReplaceAll(tryRule, "资深工程师", "专家"))
	out := diff(0, "--person", "李敏", "--limit", "2")
	tell(t, out, "20 of 20 objects of the listing of ", "compared with the rules of "+code, "    position: (as it is) → 专家\n", "[rule.js:3]", "… and 18 more; --limit 0 shows all\n")
	if n := strings.Count(out, "\n    position"); n != 2 {
		t.Errorf("%d objects are shown, want 2", n)
	}
	if n := strings.Count(diff(0, "--person", "李敏", "--limit", "0", "--old", filepath.Join(c.dir, "old.js")), "position"); n != 19 {
		t.Errorf("%d objects are shown, want 19", n)
	}
	c.write(t, "rule.js", strings.ReplaceAll(tryRule, `repo.abort("UPDATE")`, `repo.executeDelete()`))
	tell(t, diff(0, "--person", "李敏"), "1 of 20 objects", "员工04 (0004)  nothing: no updates for them → delete: no updates for them [rule.js:7]\n")
	var got difference
	if err := json.Unmarshal([]byte(diff(0, "--person", "李敏", "--json")), &got); err != nil {
		t.Fatal(err)
	}
	if string(got.Since) != code || got.Judged != 20 || got.Differ != 1 || len(got.All) != 1 || got.All[0].New.Op != "DELETE" || got.All[0].Key.ID != "0004" {
		t.Errorf("%+v", got)
	}
	c.write(t, "rule.js", "return context\n}")
	tell(t, diff(2, "--person", "李敏"), "the flow's rule is of no use", "rule.js:")
	c.write(t, "old.js", "repo.create()")
	c.write(t, "rule.js", tryRule)
	tell(t, diff(2, "--person", "李敏", "--old", filepath.Join(c.dir, "old.js")), "old.js:1:6: ")
	diff(2, "--person", "李敏", "--old", filepath.Join(c.dir, "none.js"))
	diff(3, "--person", "陈悦")
	if len(c.wecom.Effects()) != done {
		t.Errorf("a comparison writes: %v", c.wecom.Effects()[done:])
	}
}
