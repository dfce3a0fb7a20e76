package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// ruled loads a configuration with the given flows and rule files.
func ruled(t *testing.T, flows, lang string, files map[string]string) (*process, *configs.Config, *bytes.Buffer) {
	t.Helper()
	dir := t.TempDir()
	files["roster.csv"] = "工号,姓名,手机,部门\n1,张三,13800000001,/总部\n"
	files["rollcall.yaml"] = `
timezone: Asia/Shanghai
systems:
  hr: {type: file, path: roster.csv, id: 工号, contents: full}
  wecom: {type: wecom, corp_id: ww-test, contacts_secret: "not-a-real-one"}
people:
  - {name: 李敏, roles: {operator: ["*"]}}
  - {name: 周凯, roles: {approver: ["*"]}}
flows:
` + flows
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	settled(t, filepath.Join(dir, "roster.csv"))
	cfg, err := configs.Load(configs.Options{Path: filepath.Join(dir, "rollcall.yaml"), Getenv: os.LookupEnv, ReadFile: os.ReadFile})
	if err != nil {
		t.Fatal(err)
	}
	out := &bytes.Buffer{}
	getenv := func(name string) (string, bool) { return lang, name == "ROLLCALL_LANG" }
	return &process{getenv: getenv, stdout: out, stderr: out, now: time.Now, executable: os.Executable}, cfg, out
}

// TestRuleFindings checks two flows of which one has a doubtful rule and the other a
// wrong one, and looks at what a service would log.
func TestRuleFindings(t *testing.T) {
	t.Parallel()
	const flows = "  f:\n    {from: hr, to: wecom, users: {match: [employee_no], map: {userid: account, name: name}, rule: doubtful.js}}\n" +
		"  g:\n    {from: hr, to: wecom, users: {match: [employee_no], map: {userid: employee_no, name: name}, rule: wrong.js}, departments: {match: [name], map: {name: name}, rule: doubtful.js}}\n"
	for lang, want := range map[string][]string{
		"en": {
			"! flows.f.users.rule: doubtful.js:2:1: the rule changes context.data and never returns context",
			"! flows.f.users.rule: doubtful.js:2:84: accuont is written, but the source does not declare it",
			"✗ flows.g.users.rule: wrong.js:1:9: context has no dta; did you mean context.data?\n",
			"✗ flows.g.users.rule: wrong.js:2:12: repo.abort knows no operation \"create\"; did you mean \"CREATE\"?\n",
		},
		"zh": {
			"! flows.f.users.rule: doubtful.js:2:1: 规则修改了 context.data",
			"✗ flows.g.users.rule: wrong.js:1:9: context 没有 dta，是否想写 context.data？\n",
		},
	} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{
				"doubtful.js": "// 没有 return\ncontext.data.name = pinyin(context.data.name); context.data.account = context.data.accuont = 'x'\n",
				"wrong.js":    "context.dta\nrepo.abort(\"create\")\nreturn context\n",
			}
			p, cfg, out := ruled(t, flows, lang, files)
			err := p.checkRules(t.Context(), cfg)
			if fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Say(err), "2 mistake(s) in rules / 规则脚本里有 2 处错误") {
				t.Errorf("got %v", err)
			}
			for _, line := range want {
				if strings.Count(out.String(), line) != 1 {
					t.Errorf("%q is not told once:\n%s", line, out)
				}
			}
			if strings.Contains(out.String(), " account ") {
				t.Errorf("what the mapping reads is doubted:\n%s", out)
			}
			if strings.Contains(out.String(), "doubtful place") {
				t.Errorf("config check logs:\n%s", out)
			}

			var log bytes.Buffer
			a := p.bare(cfg)
			a.log = slog.New(slog.NewJSONHandler(&log, nil))
			if _, err := a.engineFlow(t.Context(), &cfg.Flows[0]); err != nil {
				t.Fatal(err)
			}
			a.logDoubts(t.Context())
			if err := a.close(); err != nil {
				t.Error(err)
			}
			text := strings.TrimPrefix(want[0], "! flows.f.users.rule: ")
			if !strings.Contains(log.String(), `"flow":"f","warning":"`+text) {
				t.Errorf("the log has no %q:\n%s", text, &log)
			}
		})
	}
}

// TestWhatARuleWritesIsThere sees that an attribute which the rule of a flow writes
// counts as one of the flow's source: for people if it is theirs, and for no other
// flow.
func TestWhatARuleWritesIsThere(t *testing.T) {
	t.Parallel()
	rule, err := os.ReadFile(filepath.Join("..", "..", "configs", "rules", "account-names.js"))
	if err != nil {
		t.Fatal(err)
	}
	const flows = "  f:\n    {from: hr, to: wecom, users: {match: [mobile], map: {userid: account, email: email, name: name, mobile: mobile}, rule: account-names.js}}\n"
	const other = "  g:\n    {from: hr, to: wecom, users: {match: [mobile], map: {userid: account, name: name, mobile: mobile}},\n" +
		"     departments: {match: [name], map: {name: account}, rule: account-names.js}}\n"
	files := func() map[string]string { return map[string]string{"account-names.js": string(rule)} }

	p, cfg, out := ruled(t, flows, "en", files())
	if err := p.checkRules(t.Context(), cfg); err != nil || strings.Contains(out.String(), "flows.") {
		t.Errorf("with the rule: %v\n%s", err, out)
	}

	p, cfg, out = ruled(t, strings.Replace(flows, ", rule: account-names.js", "", 1), "en", files())
	if err := p.checkRules(t.Context(), cfg); fault.KindOf(err) != fault.Invalid {
		t.Errorf("without the rule: %v", err)
	}
	for _, name := range []string{"account", "email"} {
		if want := "✗ flows.f.users.map: users.map reads " + name + ", which hr has not"; strings.Count(out.String(), want) != 1 {
			t.Errorf("without the rule, %q is not told once:\n%s", want, out)
		}
	}

	p, cfg, out = ruled(t, flows+other, "en", files())
	if err := p.checkRules(t.Context(), cfg); fault.KindOf(err) != fault.Invalid {
		t.Errorf("beside another flow: %v", err)
	}
	if text := out.String(); strings.Contains(text, "flows.f") || strings.Count(text, "✗ flows.g.users.map: users.map reads account, which hr has not") != 1 {
		t.Errorf("beside another flow:\n%s", text)
	}
}
