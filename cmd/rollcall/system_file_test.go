package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/run"
)

// TestRosterIntoFiles lets people join, change, leave and return through flows
// into a CSV and into a workbook, neither of which is there at first; after each
// step a second run has nothing to do.
func TestRosterIntoFiles(t *testing.T) {
	t.Parallel()
	p := &pair{t: t, dir: t.TempDir(), rows: map[string]string{"0001": "/总部", "0002": "/总部/研发部", "0003": "/总部/市场部"}}
	p.save()
	const users = `
    from: hr
    users: {match: [employee_no], map: {employee_no: employee_no, name: name, mobile: mobile, email: email, manager: manager, 部门: 部门}}
    leavers: {first: disable, then: delete, after: 30d}
    guard: {max_delete_percent: 100, max_change_percent: 100, max_shrink_percent: 100, max_delete_percent_per_department: 100}
    approve: {disable_over: 0, apply_safe_changes_first: false}
`
	text := `
timing: {lease: 5s, sweep: 200ms, call: 4s, settle: 200ms}
systems:
  hr: {type: file, path: roster.csv, id: 工号, contents: full}
  csv: {type: file, path: book.csv, id: 工号, contents: full, disabled: 状态=停用, attributes: {部门: {}}}
  xlsx: {type: file, path: book.xlsx, id: 工号, contents: full, disabled: 状态=停用/在职, attributes: {部门: {}}}
people:
  - {name: 李敏, roles: {operator: ["*"]}}
  - {name: 周凯, roles: {approver: ["*"]}}
  - {name: 吴洁, roles: {approver: ["*"]}}
flows:
  to-csv:
    to: csv` + users + `  to-xlsx:
    to: xlsx` + users
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
	step := func(name string, want string) {
		t.Helper()
		t.Log(name)
		p.save()
		for _, flow := range []string{"to-csv", "to-xlsx"} {
			p.want(flow, run.Succeeded)
			p.want(flow, run.NothingToDo)
		}
		data, err := os.ReadFile(filepath.Join(p.dir, "book.csv"))
		if err != nil || !strings.Contains(string(data), want) {
			t.Errorf("book.csv is %q, %v; want %q", data, err, want)
		}
	}
	step("everybody joins", "\r\n0002,/总部/研发部,,员工0002,13800000002,u0002@x.example,0001\r\n")
	p.rows["0002"], p.rows["0004"] = "/总部/平台部", "/总部"
	step("one moves, one joins", "\r\n0002,/总部/平台部,,")
	delete(p.rows, "0004")
	step("one leaves", "\r\n0004,/总部,停用,")
	p.rows["0004"] = "/总部"
	step("and returns", "\r\n0004,/总部,,")
	text, err = doctored(t, p)
	if err != nil || !strings.Contains(text, "列名在第 1 行，唯一标识是 工号") {
		t.Errorf("doctor says %q, %v", text, err)
	}
}

// doctored gives what an examination of the workbook tells in Chinese.
func doctored(t *testing.T, p *pair) (string, error) {
	t.Helper()
	source, err := p.app.source("xlsx")
	if err != nil {
		return "", err
	}
	use := systemUse(p.app.cfg, "xlsx")
	var told []string
	for _, c := range matrix(source.(connector.Examiner).Examine(t.Context(), use), use) {
		told = append(told, c.Told(bot.ZH))
	}
	return strings.Join(told, "\n"), nil
}
