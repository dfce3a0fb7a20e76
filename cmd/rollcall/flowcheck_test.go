package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// configured loads a configuration of three systems and the given flow.
func configured(t *testing.T, flow, lang string) (*process, *configs.Config, *bytes.Buffer) {
	t.Helper()
	dir := t.TempDir()
	text := `
timezone: Asia/Shanghai
systems:
  hr: {type: file, path: roster.csv, id: 工号, contents: full}
  out: {type: file, path: out.csv, id: 工号, contents: full}
  feishu: {type: feishu, app_id: cli_x, app_secret: "not-a-real-one"}
  wecom: {type: wecom, corp_id: ww-test, contacts_secret: "not-a-real-one"}
people:
  - {name: 李敏, roles: {operator: ["*"]}}
  - {name: 周凯, roles: {approver: ["*"]}}
flows:
  f:
` + flow
	for name, data := range map[string]string{
		"rollcall.yaml": text, "roster.csv": "工号,姓名,手机,部门,入职日期\n1,张三,13800000001,/总部,2026-01-01\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
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

// settled makes a file old: one that was just written is waited for.
func settled(t *testing.T, path string) {
	t.Helper()
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
}

// TestMisfits compares flows with what their systems can do, offline.
func TestMisfits(t *testing.T) {
	t.Parallel()
	const wecomMap = "map: {userid: employee_no, name: name, mobile: mobile}"
	for name, c := range map[string]struct {
		flow   string
		en, zh []string // "" = nothing is wrong
		broken bool
	}{
		"all is there": {flow: "    {from: hr, to: wecom, users: {match: [employee_no], " + wecomMap + "}, leavers: {first: disable}}"},
		"active and a template": {
			flow: "    {from: hr, to: wecom, users: {match: [employee_no], map: {userid: employee_no, name: {value: '{{ .name }}{{ index . \"入职日期\" }}'}}}, leavers: {when: {active: ['false']}}}",
		},
		"a column that the roster has not": {
			flow: "    {from: hr, to: wecom, users: {match: [employee_no], map: {userid: employee_no, name: namme, position: {value: '{{ .jobtitel }}'}}}}", broken: true,
			en: []string{"✗ flows.f.users.map: users.map reads namme, which hr has not; perhaps name", "users.map reads jobtitel, which hr has not\n  → correct the name, or declare it under systems.hr.attributes"},
			zh: []string{"users.map 用到 namme，hr 没有这个属性，可能是 name"},
		},
		"an attribute that WeCom has under another name": {
			flow: "    {from: hr, to: wecom, users: {match: [employee_no], map: {userid: employee_no, name: name, department_ids: departments, title: name, extattr.工号: employee_no}}}", broken: true,
			en: []string{
				"users.map writes department_ids, which wecom has not; perhaps department", "users.map writes title, which can only be read in wecom; perhaps position",
				"writes extattr.工号, which wecom has not", "declare it under systems.wecom.custom_attributes",
			},
			zh: []string{"users.map 要写入 title，wecom 只能读取它，可能是 position"},
		},
		"one key of two that the target has not": {
			flow: "    {from: hr, to: wecom, users: {match: [employee_no, 入职日期], " + wecomMap + "}}",
			en:   []string{"! flows.f.users.match: users.match looks for 入职日期 in wecom, which has it not"}, zh: []string{"那里没有这个属性"},
		},
		"the only key that the target has not": {
			flow: "    {from: hr, to: wecom, users: {match: [入职日期], " + wecomMap + "}}", broken: true, en: []string{"✗ flows.f.users.match: "},
		},
		"a roster that cannot disable": {
			flow: "    {from: wecom, to: out, users: {match: [userid], map: {工号: userid, name: name}}, leavers: {first: disable}}", broken: true,
			en: []string{"✗ flows.f.leavers.first: out cannot disable: who has left stays active, and is only listed as to be done by hand\n  → say how the disabled are marked, as systems.out.disabled: 状态=停用; or write leavers.first: delete, where each needs a vote"},
			zh: []string{"out 不支持停用：离职的人保持启用"},
		},
		"departments into a roster": {
			flow: "    {from: wecom, to: out, departments: {map: {name: name}}, users: {match: [userid], map: {工号: userid, name: name}}, leavers: {first: delete}}", broken: true,
			en: []string{"✗ flows.f.departments: out has no departments to write"},
		},
		"nobody takes over": {
			flow: "    {from: hr, to: feishu, users: {match: [employee_no], map: {user_id: employee_no, name: name, mobile: mobile, employee_no: employee_no}}, leavers: {first: disable, then: delete, after: 30d}}",
			en:   []string{"! flows.f.leavers: deletes accounts of feishu without an acceptor", "name a person's user_id as systems.feishu.acceptor"}, zh: []string{"没有交接人"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for lang, want := range map[string][]string{"en": c.en, "zh": c.zh} {
				p, cfg, out := configured(t, c.flow, lang)
				a := p.bare(cfg)
				err := a.checkFits(t.Context())
				if (fault.KindOf(err) == fault.Invalid) != c.broken {
					t.Errorf("%v; broken %v wanted", err, c.broken)
				}
				told := out.String()
				told = told[strings.LastIndex(told, "}\n")+1:]
				for _, w := range want {
					if !strings.Contains(told, w) {
						t.Errorf("%s\nlacks %q", told, w)
					}
				}
				if c.en == nil && strings.Contains(told, "flows.f") {
					t.Errorf("%s", told)
				}
			}
		})
	}
}

// TestMisfitOps goes through what a target may lack.
func TestMisfitOps(t *testing.T) {
	t.Parallel()
	user := func(ops ...plan.Op) connector.Info {
		return connector.Info{Ops: map[directory.Kind][]plan.Op{directory.User: ops}}
	}
	flow := func(first, then string) *configs.Flow {
		return &configs.Flow{Name: "f", From: "hr", To: "it", Leavers: configs.Leavers{First: first, Then: then}}
	}
	gone := flow("disable", "keep")
	gone.Departments = &configs.Departments{Gone: "delete"}
	all := []plan.Op{plan.Create, plan.Update, plan.Disable, plan.Delete}
	both := connector.Info{Ops: map[directory.Kind][]plan.Op{directory.User: all, directory.Department: {plan.Create, plan.Update}}}
	for name, c := range map[string]struct {
		f    *configs.Flow
		to   configs.System
		info connector.Info
		want []string
	}{
		"everything":        {flow("disable", "delete"), configs.System{}, user(all...), nil},
		"nothing":           {flow("disable", "keep"), configs.System{}, connector.Info{}, []string{"cannot be written to"}},
		"no creating":       {flow("disable", "keep"), configs.System{}, user(plan.Update, plan.Disable), []string{"cannot create accounts"}},
		"no updating":       {flow("disable", "keep"), configs.System{SQL: &configs.SQLSystem{}}, user(plan.Create, plan.Disable), []string{"cannot update accounts"}},
		"DingTalk":          {flow("disable", "keep"), configs.System{Name: "it", DingTalk: &configs.DingTalkSystem{}}, user(plan.Create, plan.Update, plan.Delete), []string{"disable: move and quarantine under systems.it (moved to a department set apart); or write leavers.first: delete"}},
		"no disabling":      {flow("disable", "keep"), configs.System{}, user(plan.Create, plan.Update, plan.Delete), []string{"write leavers.first: delete, where each needs a vote, or do it by hand"}},
		"neither":           {flow("disable", "keep"), configs.System{}, user(plan.Create, plan.Update), []string{"do it by hand"}},
		"no deleting first": {flow("delete", ""), configs.System{}, user(plan.Create, plan.Update, plan.Disable), []string{"cannot delete: who has left stays active"}},
		"no deleting then":  {flow("disable", "delete"), configs.System{}, user(plan.Create, plan.Update, plan.Disable), []string{"accounts stay disabled for good"}},
		"departments kept":  {gone, configs.System{}, both, []string{"those that vanish are kept"}},
	} {
		x := fitting{f: c.f, from: &configs.System{}, to: &c.to, target: c.info}
		x.checkOps()
		if len(x.found) != len(c.want) {
			t.Errorf("%s: %+v", name, x.found)
			continue
		}
		for i, want := range c.want {
			m := x.found[i]
			if !strings.Contains(m.say.EN+" → "+m.fix.EN, want) || m.say.ZH == "" || m.fix.ZH == "" {
				t.Errorf("%s: %+v\nlacks %q", name, m, want)
			}
		}
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	have := []string{"name", "mobile", "department", "position", "direct_leader", "userid", "employee_no"}
	for name, want := range map[string]string{
		"namme": "name", "Mobile": "mobile", "departments": "department", "title": "position", "manager": "direct_leader", "user_id": "userid",
		"employeeno": "employee_no", "工号": "employee_no", "salary": "", "x": "", "": "",
	} {
		if got, ok := nearest(name, have); got != want || ok != (want != "") {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestTemplateFields(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"{{ .name }}": "name", "{{ .姓名 }}-{{ index . \"入职 日期\" }}": "姓名,入职 日期", "plain .name": "", "{{ if .a }}{{ .b_1 }}{{ end }}": "a,b_1",
	} {
		if got := strings.Join(templateFields(text), ","); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestCheckWithoutRecord checks a configuration with an end for pushes, for which
// the record need not be open.
func TestCheckWithoutRecord(t *testing.T) {
	t.Parallel()
	p, cfg, _ := configured(t, "    {from: hr, to: wecom, users: {match: [employee_no], map: {userid: employee_no, name: name}}}", "en")
	cfg.Systems = append(cfg.Systems, configs.System{
		Name: "okta", Type: "scim_server", SCIMServer: &configs.SCIMServerSystem{Token: configs.NewSecret(pushToken), Contents: "full"},
	})
	cfg.Flows[0].From = "okta"
	if err := p.checkRules(t.Context(), cfg); err != nil {
		t.Errorf("%v", err)
	}
	source, err := p.bare(cfg).source("okta")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := source.Read(t.Context()); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a closed record is read: %v", err)
	}
}
