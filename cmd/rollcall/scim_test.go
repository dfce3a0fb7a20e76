package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/sync/run"
	"github.com/rollcallhq/rollcall/sync/simulator/scimsim"
)

// TestRosterIntoSCIM lets people join, move, leave and return in a SCIM service;
// after each step a second run has nothing to do. One account's answer is lost.
func TestRosterIntoSCIM(t *testing.T) {
	t.Parallel()
	service := scimsim.New(scimsim.Options{Now: time.Now})
	server := httptest.NewServer(http.StripPrefix("/scim/v2", service.Handler()))
	t.Cleanup(server.Close)
	p := &pair{t: t, dir: t.TempDir(), rows: map[string]string{}}
	for i := 1; i <= 12; i++ {
		p.rows[fmt.Sprintf("%04d", i)] = fmt.Sprintf("/总部/部门%d", i%3)
	}
	p.save()
	text := fmt.Sprintf(`
timing: {lease: 5s, sweep: 200ms, call: 4s, settle: 200ms}
systems:
  hr: {type: file, path: roster.csv, id: 工号, contents: full}
  app: {type: scim, url: "%s/scim/v2/", token: scim-token, departments: extension, attributes: {badge: {path: "addresses[type eq \"work\"].locality"}}}
people:
  - {name: 李敏, roles: {operator: ["*"]}}
  - {name: 周凯, roles: {approver: ["*"]}}
flows:
  hr-to-app:
    from: hr
    to: app
    departments: {map: {name: name, parent: parent}}
    users: {match: [employee_no], map: {userName: email, externalId: employee_no, employee_no: employee_no, name: name, mobile: mobile, email: email, groups: departments, manager: manager, title: title, badge: employee_no}}
    leavers: {first: disable, then: delete, after: 30d}
    approve: {disable_over: 0, apply_safe_changes_first: false}
`, server.URL)
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
	step := func(name string) {
		t.Helper()
		t.Log(name)
		p.save()
		p.want("hr-to-app", run.Succeeded)
		p.want("hr-to-app", run.NothingToDo)
	}
	service.Inject(scimsim.Fault{Op: "POST Users", Skip: 4, Drop: true})
	step("everybody joins, and the answer for one is lost")
	if n := service.Calls()["POST Users"]; n != 12 {
		t.Errorf("%d accounts were posted, want 12", n)
	}
	p.rows["0013"], p.rows["0005"] = "/总部/部门1", "/总部/部门9"
	step("one joins, one moves into a new department")
	delete(p.rows, "0007")
	step("one leaves")
	p.rows["0007"] = "/总部/部门2"
	step("and returns")
	users := 0
	for i := range 60 {
		u, ok := service.User(fmt.Sprintf("u-%05d", i))
		if !ok {
			continue
		}
		users++
		if u["active"] != true || len(service.GroupsOf(u["id"].(string))) != 1 {
			t.Errorf("%v is in %v", u, service.GroupsOf(u["id"].(string)))
		}
	}
	if users != 13 {
		t.Errorf("%d accounts, want 13", users)
	}
}
