package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/cmd/stage"
	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/scripting"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// TestABrokenRuleBlocksItsFlow is what a run says of a rule that cannot be read or
// does not compile: nothing is done, and place and sentence are told.
func TestABrokenRuleBlocksItsFlow(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		rule string
		says []string
	}{
		"syntax":      {"var a = 1;\nvar 3;\n", []string{"rule.js:2: not valid JavaScript"}},
		"alias":       {"var r = repo;\nreturn context\n", []string{"rule.js:1: repo may be used only as repo.name"}},
		"two":         {"repo.nothing();\nvar r = repo;\n", []string{"rule.js:1: repo has no function nothing", "(and 1 more)"}},
		"missing":     {"", []string{"rule.js: rule rule.js cannot be read"}},
		"empty":       {" \n", []string{"rule.js: rule rule.js is empty"}},
		"parentheses": {strings.Repeat("(", scripting.MaxSource/2) + strings.Repeat(")", scripting.MaxSource/2), []string{"rule.js:1: "}},
		"too long":    {strings.Repeat("/", scripting.MaxSource+1), []string{"rule.js:1: ", "16385"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newSeedling(t, tt.rule)
			if tt.rule == "" {
				if err := os.Remove(filepath.Join(c.dir, "rule.js")); err != nil {
					t.Fatal(err)
				}
			}
			c.save(t)
			for _, command := range []string{"plan", "apply"} {
				out, exit := c.rollcall(t, command, "seed", "--person", "李敏")
				if exit != fault.ExitCode(fault.New(fault.Denied, "")) {
					t.Errorf("%s exits with %d", command, exit)
				}
				tell(t, out, append(tt.says, "  seed  blocked\n", "rule_broken")...)
			}
			if have := c.wecom.Effects(); len(have) > 0 {
				t.Errorf("it writes %v", have)
			}
			c.write(t, "rule.js", returns) // and on it goes
			if out := c.apply(t); !strings.Contains(out, "succeeded") {
				t.Errorf("once the rule is mended:\n%s", out)
			}
		})
	}
}

// TestBrokenRulesDoNotTakeTheServiceDown serves a flow beside others whose rules do
// not compile, one of them only after a long time.
func TestBrokenRulesDoNotTakeTheServiceDown(t *testing.T) {
	t.Parallel()
	s := openService(t, stage.Options{})
	s.end()
	broken := map[string]string{
		"bad-syntax":      "var 3;\n",
		"bad-slow":        strings.Repeat("(a=", 800) + "1" + strings.Repeat(")=>1", 800), // takes for ever to parse
		"bad-parentheses": strings.Repeat("(", scripting.MaxSource/2) + strings.Repeat(")", scripting.MaxSource/2),
		"bad-file":        "",
	}
	all := maps.Clone(broken)
	all["slow"] = "var x = 1" + strings.Repeat("+1", scripting.MaxSource/2-20) + ";\nreturn context" // legal: it compiles, if the machine is quick
	s.addFlows(t, all)
	s.loose = true
	s.start(t)
	for name := range broken {
		if n := len(s.log.with(`"flow":"` + name + `"`)); n == 0 {
			t.Errorf("the log does not tell of %s", name)
		}
	}
	s.ask(t, stage.FeishuRoom, "李敏", "@点名 状态", "没有正在运行")
	s.answersBeside(t, "slow")
	for name := range broken {
		s.ask(t, stage.FeishuRoom, "李敏", "@点名 同步 "+name, "rules/"+name+".js")
		r := s.awaitRun(t, name+" is blocked", func(r run.Run) bool { return r.Flow == name && r.State.Ended() })
		if r.State != run.Blocked {
			t.Errorf("%s is %s: %s", name, r.State, r.Reason)
		}
	}
	s.ask(t, stage.FeishuRoom, "李敏", "@点名 预演 "+flowName, "删除")
	s.awaitRun(t, "the other flow is planned", func(r run.Run) bool { return r.Flow == flowName && r.State == run.Planned })
	s.once(t, 0)
	s.examined(t, broken)
}

// answersBeside plans a flow and sees that its run ends, one way or the other, and
// that the service answers meanwhile.
func (s *service) answersBeside(t *testing.T, flow string) {
	t.Helper()
	if err := s.chat.Say(t.Context(), stage.FeishuRoom, "李敏", "@点名 预演 "+flow); err != nil {
		t.Fatal(err)
	}
	s.settled(t)
	r := s.awaitRun(t, flow+" is planned or blocked", func(r run.Run) bool {
		s.settled(t)
		return r.Flow == flow && r.State.Ended()
	})
	if r.State != run.Planned && r.State != run.Blocked {
		t.Errorf("%s is %s: %s", flow, r.State, r.Reason)
	}
}

// addFlows adds a flow for each rule to the configuration; one without a text has a
// rule file that is not there.
func (s *service) addFlows(t *testing.T, rules map[string]string) {
	t.Helper()
	text, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	var more strings.Builder
	for name, rule := range rules {
		if rule != "" {
			if err := os.WriteFile(filepath.Join(filepath.Dir(s.config), "rules", name+".js"), []byte(rule), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		fmt.Fprintf(&more, `  %s:
    from: hr
    to: wecom
    users: {match: [employee_no], map: {userid: employee_no, name: name, mobile: mobile, department: departments}, rule: rules/%s.js}
    leavers: {first: disable}
    rooms: [运维群]
`, name, name)
	}
	whole := strings.Replace(string(text), "digests:\n", more.String()+"digests:\n", 1)
	if err := os.WriteFile(s.config, []byte(whole), 0o600); err != nil {
		t.Fatal(err)
	}
}

// examined sees that the doctor tells of each flow that its rule is of no use.
func (s *service) examined(t *testing.T, broken map[string]string) {
	t.Helper()
	for name := range broken {
		checks, err := (&doctor{app: s.app}).Examine(t.Context(), name, false)
		if err != nil {
			t.Fatal(err)
		}
		told := 0
		for _, c := range checks {
			if c.About == name && strings.Contains(c.Say.ZH, "rules/"+name+".js") && strings.Contains(c.Say.EN, "its rule is of no use") && c.Fix.EN != "" {
				told++
			}
		}
		if told != 1 {
			t.Errorf("%s: the doctor says %+v", name, checks)
		}
	}
	var told bytes.Buffer
	getenv := func(name string) (string, bool) { return "en", name == "ROLLCALL_LANG" }
	p := &process{getenv: getenv, stdout: discard{}, stderr: &told, now: s.clock.Now, executable: swift(t)}
	cfg, err := configs.Load(configs.Options{Path: s.config, Getenv: os.LookupEnv, ReadFile: os.ReadFile, LooseRules: true})
	if err != nil {
		t.Fatal(err)
	}
	err = p.checkRules(t.Context(), cfg)
	if fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Say(err), "mistake(s) in rules") {
		t.Errorf("config check ends with %v", err)
	}
	for name, rule := range broken {
		place := regexp.MustCompile(`(?m)^✗ flows\.` + name + `\.users\.rule: rules/` + name + `\.js:1:\d+: \S`)
		if rule == "" {
			place = regexp.MustCompile(`(?m)^✗ flows\.` + name + `: rule rules/` + name + `\.js cannot be read$`)
		}
		if n := len(place.FindAllString(told.String(), -1)); n != 1 {
			t.Errorf("config check tells %d times of %s:\n%s", n, name, &told)
		}
	}
}
