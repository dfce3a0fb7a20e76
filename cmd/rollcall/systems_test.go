package main

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/sync/run"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

// pair is a company that goes from a roster into Feishu, and from there into
// WeCom.
type pair struct {
	t      *testing.T
	dir    string
	feishu *feishusim.Sim
	wecom  *wecomsim.Sim
	app    *app
	rows   map[string]string // employee number → department
	asked  int
}

func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{t: t, dir: t.TempDir(), rows: map[string]string{}}
	p.feishu = feishusim.New(feishusim.Options{Now: time.Now, NoLimits: true})
	p.wecom = wecomsim.New(wecomsim.Options{CorpID: "ww-test", Now: time.Now, OldIP: true})
	fs, ws := httptest.NewServer(p.feishu.Handler()), httptest.NewServer(p.wecom.Handler())
	t.Cleanup(fs.Close)
	t.Cleanup(ws.Close)
	for i := 1; i <= 30; i++ {
		p.rows[fmt.Sprintf("%04d", i)] = fmt.Sprintf("/总部/部门%d", i%5)
	}
	p.save()
	text := fmt.Sprintf(`
timing: {lease: 5s, sweep: 200ms, call: 4s, settle: 200ms}
systems:
  hr: {type: file, path: roster.csv, id: 工号, contents: full}
  feishu: {type: feishu, app_id: %s, app_secret: %s, base_url: "%s"}
  wecom: {type: wecom, corp_id: ww-test, contacts_secret: contacts-secret, base_url: "%s"}
people:
  - {name: 李敏, roles: {operator: ["*"]}}
  - {name: 周凯, roles: {approver: ["*"]}}
flows:
  hr-to-feishu:
    from: hr
    to: feishu
    departments: {map: {name: name, parent: parent}}
    users: {match: [employee_no], map: {user_id: employee_no, name: name, mobile: mobile, email: email, employee_no: employee_no, department_ids: departments, leader_user_id: manager, job_title: title}}
    leavers: {first: disable, then: delete, after: 30d}
    approve: {disable_over: 0, apply_safe_changes_first: false}
  feishu-to-wecom:
    from: feishu
    to: wecom
    departments: {map: {name: name, parent: parent}}
    users: {match: [employee_no], map: {userid: user_id, name: name, mobile: mobile, email: email, department: departments, direct_leader: manager, position: title}}
    leavers: {when: {active: ["false"]}, first: delete}
    approve: {disable_over: 0, apply_safe_changes_first: false}
`, p.feishu.AppID(), p.feishu.AppSecret(), fs.URL, ws.URL)
	path := filepath.Join(p.dir, "rollcall.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := configs.Load(configs.Options{Path: path, Getenv: os.LookupEnv, ReadFile: os.ReadFile})
	if err != nil {
		t.Fatal(err)
	}
	proc := &process{getenv: os.LookupEnv, stdout: discard{}, stderr: discard{}, now: time.Now, executable: os.Executable}
	if p.app, err = proc.open(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.app.close() })
	return p
}

// save writes the roster; 0001 leads everybody else.
func (p *pair) save() {
	p.t.Helper()
	var b strings.Builder
	b.WriteString("工号,姓名,手机,邮箱,部门,职位,上级\n")
	for i := 1; i <= 40; i++ {
		no := fmt.Sprintf("%04d", i)
		where, ok := p.rows[no]
		if !ok {
			continue
		}
		leader := "0001"
		if i == 1 {
			leader = ""
		}
		fmt.Fprintf(&b, "%s,员工%s,1380000%s,u%s@x.example,%s,工程师,%s\n", no, no, no, no, where, leader)
	}
	if err := os.WriteFile(filepath.Join(p.dir, "roster.csv"), []byte(b.String()), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// sync runs a flow, with a vote when one is needed, and gives how it ended.
func (p *pair) sync(flow string) run.Run {
	p.t.Helper()
	p.asked++
	r, err := p.app.engine.Start(p.t.Context(), run.Request{
		ID: fmt.Sprintf("test-%d", p.asked), Flow: flow, Apply: true, Trigger: run.ByCLI, By: run.Actor{Person: "李敏", Platform: run.CLI},
	})
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.app.follow(p.t.Context(), r.Code); err != nil {
		p.t.Log(err)
	}
	if r, _, err = p.app.engine.Get(p.t.Context(), r.Code); err != nil {
		p.t.Fatal(err)
	}
	if r.State != run.Awaiting {
		return r
	}
	typed := run.Restated{Delete: r.Counts.Delete, Disable: r.Counts.Disable, Total: -1}
	if r.Counts.Destructive() == 0 {
		typed = run.Restated{Delete: -1, Disable: -1, Total: r.Counts.Total()}
	}
	_, err = p.app.engine.Decide(p.t.Context(), run.Vote{Run: r.Code, Decision: run.Approve, By: run.Actor{Person: "周凯", Platform: run.CLI}, Typed: typed})
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.app.follow(p.t.Context(), r.Code); err != nil {
		p.t.Log(err)
	}
	r, _, err = p.app.engine.Get(p.t.Context(), r.Code)
	if err != nil {
		p.t.Fatal(err)
	}
	return r
}

func (p *pair) want(flow string, state run.State) run.Run {
	p.t.Helper()
	r := p.sync(flow)
	if r.State != state {
		_, pl, _ := p.app.engine.Get(p.t.Context(), r.Code)
		entries, _ := p.app.engine.Entries(p.t.Context(), r.Code)
		for _, e := range entries {
			if e.Step != run.StepDone {
				p.t.Logf("%+v", e)
			}
		}
		if pl != nil {
			p.t.Logf("risk %+v, notes %+v", pl.Risk, pl.Notes)
			for _, c := range pl.Changes {
				p.t.Logf("%d %s %s before %v after %v", c.Seq, c.Op, c.Key, c.Before, c.After)
			}
		}
		p.t.Fatalf("%s: %s (%s) %+v, want %s", flow, r.State, r.Reason, r.Outcome, state)
	}
	return r
}

// TestRosterIntoFeishuIntoWeCom lets people join, move, leave and return
// through two flows; after each step a second run has nothing to do.
func TestRosterIntoFeishuIntoWeCom(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	step := func(name string, first, second run.State) {
		t.Helper()
		t.Log(name)
		p.save()
		p.want("hr-to-feishu", first)
		p.want("hr-to-feishu", run.NothingToDo)
		p.want("feishu-to-wecom", second)
		p.want("feishu-to-wecom", run.NothingToDo)
	}
	step("everybody joins", run.Succeeded, run.Succeeded)
	if n := len(p.wecom.Users()); n != 30 {
		t.Fatalf("%d users in WeCom", n)
	}
	if u, _ := p.wecom.User("0002"); len(u.DirectLeaders) != 1 || u.DirectLeaders[0] != "0001" {
		t.Errorf("leaders %v", u.DirectLeaders)
	}
	p.rows["0031"], p.rows["0005"] = "/总部/部门1", "/总部/部门9"
	step("one joins, one moves into a new department", run.Succeeded, run.Succeeded)
	delete(p.rows, "0007")
	step("one leaves: frozen in Feishu, which is a status there, and so deleted in WeCom", run.Succeeded, run.Succeeded)
	if u, _ := p.feishu.User("0007"); !u.Frozen {
		t.Errorf("0007 in Feishu: %+v", u)
	}
	if _, there := p.wecom.User("0007"); there {
		t.Error("0007 is still in WeCom")
	}
	p.rows["0007"] = "/总部/部门2"
	step("and returns", run.Succeeded, run.Succeeded)
	if _, there := p.wecom.User("0007"); !there {
		t.Error("0007 is not back in WeCom")
	}
	if u, _ := p.feishu.User("0007"); u.Frozen {
		t.Errorf("0007 in Feishu: %+v", u)
	}
	p.feishu.RemoveUser("0009")
	delete(p.rows, "0009")
	step("one is gone from both: deleted in WeCom", run.NothingToDo, run.Succeeded)
	if _, there := p.wecom.User("0009"); there {
		t.Error("0009 is still in WeCom")
	}
}
