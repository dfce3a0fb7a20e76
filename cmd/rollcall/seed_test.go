package main

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

var update = flag.Bool("update", false, "write the golden files")

// The three fragments that the product began with.
const (
	hiredOnly  = "if (context.data.hiredate - today() <= 0) {\n  repo.executeCreate();\n}\n"
	noTencent  = "if (context.data.email.contain(\"tencent\")) {\n  repo.abort(\"UPDATE\");\n}\n"
	department = "var dept = repo.getObjectByID(context.data.DeptID).name;\ncontext.data.title = dept + context.data.title;\n"
	returns    = "return context\n"
)

// row is one person of the small company.
type row struct{ no, name, email, dept, title, hired string }

// seedling is a roster of twenty people, a WeCom corp, and one flow between
// them, worked with from the terminal.
type seedling struct {
	dir   string
	rows  []row
	wecom *wecomsim.Sim
	swift func() (string, error)
	lang  string // "" = en
}

const totpSecret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

// newSeedling writes everything that rollcall needs.
func newSeedling(t *testing.T, rule string) *seedling {
	t.Helper()
	c := &seedling{dir: t.TempDir(), swift: swift(t), wecom: wecomsim.New(wecomsim.Options{CorpID: "ww-seed", RootName: "星河科技", Now: time.Now, OldIP: true})}
	c.write(t, "rule.js", rule)
	c.write(t, "totp", totpSecret+"\n")
	c.serve(t, `  hr: {type: file, path: roster.csv, id: 工号, contents: full, attributes: {hiredate: {column: 入职日期, type: date}}}`, "hr",
		`{userid: employee_no, name: name, mobile: mobile, email: email, department: departments, position: title}`)
	for i := 1; i <= 20; i++ {
		dept := "/总部/研发部"
		if i%3 == 0 {
			dept = "/总部/市场部"
		}
		c.rows = append(c.rows, row{fmt.Sprintf("%04d", i), fmt.Sprintf("员工%02d", i), fmt.Sprintf("s%02d@xinghe.example", i), dept, "工程师", "2020-03-02"})
	}
	return c
}

// day gives a date of the company's zone, so many days from today.
func day(t *testing.T, days int) string {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	return time.Now().In(zone).AddDate(0, 0, days).Format(time.DateOnly)
}

// serve starts the corp and writes the configuration with a source.
func (c *seedling) serve(t *testing.T, system, from, mapped string) {
	t.Helper()
	srv := httptest.NewServer(c.wecom.Handler())
	t.Cleanup(srv.Close)
	c.write(t, "rollcall.yaml", fmt.Sprintf(`timezone: Asia/Shanghai
data: data
redis: none
timing: {lease: 3s, sweep: 300ms, call: 2s, settle: 500ms}
systems:
%s
  wecom: {type: wecom, corp_id: ww-seed, contacts_secret: contacts-secret, base_url: "%s"}
people:
  - {name: 李敏, roles: {operator: ["*"]}}
  - {name: 周凯, roles: {approver: ["*"]}, totp: "file:%s"}
  - {name: 陈悦, roles: {approver: ["*"]}}
flows:
  seed:
    from: %s
    to: wecom
    departments: {match: [path], map: {name: name, parent: parent}}
    users:
      match: [employee_no]
      map: %s
      rule: rule.js
    leavers: {first: delete}
    approve: {delete: always, disable_over: 0, expires: 8h, apply_safe_changes_first: false}
`, system, srv.URL, filepath.Join(c.dir, "totp"), from, mapped))
}

func (c *seedling) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// save writes the roster.
func (c *seedling) save(t *testing.T) {
	t.Helper()
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	lines := [][]string{{"工号", "姓名", "手机", "邮箱", "部门", "DeptID", "职位", "入职日期"}}
	for _, r := range c.rows {
		lines = append(lines, []string{r.no, r.name, "1380000" + r.no, r.email, r.dept, r.dept, r.title, r.hired})
	}
	if err := w.WriteAll(lines); err != nil {
		t.Fatal(err)
	}
	c.write(t, "roster.new", b.String())
	fresh, age := filepath.Join(c.dir, "roster.new"), time.Now().Add(-time.Minute) // nobody is writing it any more
	if err := errors.Join(os.Chtimes(fresh, age, age), os.Rename(fresh, filepath.Join(c.dir, "roster.csv"))); err != nil {
		t.Fatal(err)
	}
}

// set changes the row of a person.
func (c *seedling) set(no string, change func(*row)) {
	change(&c.rows[slices.IndexFunc(c.rows, func(r row) bool { return r.no == no })])
}

// leave takes persons out of the roster.
func (c *seedling) leave(nos ...string) {
	c.rows = slices.DeleteFunc(c.rows, func(r row) bool { return slices.Contains(nos, r.no) })
}

// rollcall runs a command and gives what it prints and the exit code.
func (c *seedling) rollcall(t *testing.T, args ...string) (string, int) {
	t.Helper()
	var out, log bytes.Buffer
	p := &process{
		args: append(args, "--config", filepath.Join(c.dir, "rollcall.yaml")), stdin: strings.NewReader(""), stdout: &out, stderr: &log,
		now: time.Now, executable: c.swift,
		getenv: func(name string) (string, bool) { return cmp.Or(c.lang, "en"), name == "ROLLCALL_LANG" },
	}
	began := time.Now()
	exit := p.run(t.Context())
	for line := range strings.Lines(log.String()) {
		if strings.HasPrefix(line, "rollcall: ") {
			out.WriteString(line)
		}
	}
	t.Logf("%v rollcall %s = %d\n%s", time.Since(began), strings.Join(args, " "), exit, out.String())
	return out.String(), exit
}

// apply starts a run of the flow and gives what is printed of it.
func (c *seedling) apply(t *testing.T) string {
	t.Helper()
	out, exit := c.rollcall(t, "apply", "seed", "--person", "李敏")
	if exit != 0 {
		t.Fatalf("apply exits with %d:\n%s", exit, out)
	}
	return out
}

// since gives the writes after the first n, departments left out.
func (c *seedling) since(n int) []string {
	var all []string
	for _, e := range c.wecom.Effects()[n:] {
		if op, ok := strings.CutPrefix(e.Op, "user/"); ok {
			all = append(all, op+" "+e.ID)
		}
	}
	slices.Sort(all)
	return all
}

func (c *seedling) names() []string {
	var all []string
	for _, r := range c.rows {
		all = append(all, r.no)
	}
	return all
}

func without(all []string, some ...string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(some, s) })
}

func prefixed(prefix string, all []string) []string {
	var out []string
	for _, s := range all {
		out = append(out, prefix+s)
	}
	return out
}

// seedCase is a rule and what it does.
type seedCase struct {
	name, rule string
	created    []string // by the first run
	updated    []string // by the third, of 0004 (at Tencent) and 0008, who have new names
	title      string   // of 0008
}

func seedCases(all []string) []seedCase {
	hired := without(all, "0003")
	both, title := []string{"0004", "0008"}, "工程师"
	cases := []seedCase{
		{"hired", hiredOnly, hired, both, title},
		{"hired_returned", hiredOnly + returns, hired, both, title},
		{"tencent", noTencent, all, both[1:], title},
		{"tencent_returned", noTencent + returns, all, both[1:], title},
		// It changes what it does not return: everybody is held.
		{"department", department, nil, nil, ""},
		{"department_returned", department + returns, all, both, "研发部工程师"},
		{"all", hiredOnly + noTencent + department, nil, nil, ""},
		{"all_returned", hiredOnly + noTencent + department + returns, hired, both[1:], "研发部工程师"},
		{"first_two", hiredOnly + noTencent, hired, both[1:], title},
	}
	return cases
}

// TestSeed runs the three fragments, alone and as one file, with and without
// the return, three times: the first run creates who may be created, the second
// has nothing to do, and in the third two people have left and two have new
// names; they are deleted after a vote, as the flow says, whatever the rule.
func TestSeed(t *testing.T) {
	t.Parallel()
	for _, sc := range seedCases(newSeedling(t, returns).names()) {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			c := newSeedling(t, sc.rule)
			c.set("0002", func(r *row) { r.hired = day(t, 0) })
			c.set("0003", func(r *row) { r.hired = day(t, 3) })
			for _, no := range []string{"0004", "0012"} {
				c.set(no, func(r *row) { r.email = "s" + no + "@tencent.example" })
			}
			c.save(t)
			c.apply(t)
			if have := c.since(0); !slices.Equal(have, prefixed("create ", sc.created)) {
				t.Fatalf("the first run does %q, want the creation of %q", have, sc.created)
			}
			done := len(c.wecom.Effects())
			out := c.apply(t)
			if len(c.wecom.Effects()) != done || !strings.Contains(out, "nothing_to_do") {
				t.Errorf("the second run has something to do: %q", c.wecom.Effects()[done:])
			}
			if strings.Contains(out, "rule_failed") || strings.Count(out, "held") != 20-len(sc.created) {
				t.Errorf("the second run has errors, or holds somebody else:\n%s", out)
			}
			if u, _ := c.wecom.User("0008"); sc.created != nil && u.Position != sc.title {
				t.Errorf("0008 is %q, want %q", u.Position, sc.title)
			}
			c.third(t, sc, done)
		})
	}
}

// third lets 0005 and, of Tencent, 0012 leave, and gives 0004 and 0008 new names.
func (c *seedling) third(t *testing.T, sc seedCase, done int) {
	t.Helper()
	c.leave("0005", "0012")
	for _, no := range []string{"0004", "0008"} {
		c.set(no, func(r *row) { r.name = "改名" + no })
	}
	c.save(t)
	out := c.apply(t)
	if sc.created == nil { // nothing is linked, nobody can leave
		if len(c.wecom.Effects()) != done {
			t.Errorf("who is held is written: %q", c.since(done))
		}
		return
	}
	if have := c.since(done); len(have) > 0 {
		t.Errorf("before the vote: %q", have)
	}
	code := codeOf(t, out)
	password, err := totp.GenerateCodeCustom(totpSecret, time.Now(), totp.ValidateOpts{Period: 30, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	if err != nil {
		t.Fatal(err)
	}
	if out, exit := c.rollcall(t, "approve", code, "--person", "周凯", "--totp", password, "--delete", "2"); exit != 0 {
		t.Fatalf("approve exits with %d:\n%s", exit, out)
	}
	want := append([]string{"delete 0005", "delete 0012"}, prefixed("update ", sc.updated)...)
	if have := c.since(done); !slices.Equal(have, want) {
		t.Errorf("the third run does %q, want %q", have, want)
	}
	if out := c.apply(t); !strings.Contains(out, "nothing_to_do") {
		t.Errorf("the fourth run has something to do:\n%s", out)
	}
}

var codeShape = regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{6}`)

// codeOf gives the run code of what is printed of a run.
func codeOf(t *testing.T, out string) string {
	t.Helper()
	code := codeShape.FindString(out)
	if code == "" {
		t.Fatalf("no code in:\n%s", out)
	}
	return code
}

// golden compares what is printed of a run with a file of testdata/seed.
func golden(t *testing.T, name, out string) {
	t.Helper()
	out = strings.ReplaceAll(out, codeOf(t, out), "CODE")
	out = regexp.MustCompile(`fingerprint \S+`).ReplaceAllString(out, "fingerprint DIGEST")
	out = regexp.MustCompile(`until \d{4}-\d\d-\d\d \d\d:\d\d`).ReplaceAllString(out, "until LATER")
	out = strings.ReplaceAll(out, day(t, 3), "IN-3-DAYS")
	path := filepath.Join("testdata", "seed", name+".golden")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(out), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if out != string(want) {
		t.Errorf("%s differs; write it with -update\nhave:\n%s\nwant:\n%s", path, out, want)
	}
}

// TestSeedIncomplete is what the three fragments make of people of whom
// something is not known: no mail address, no date, no department; and of a
// leaver who was the last one of a department. Whom the rule cannot judge is
// listed with file and line, and untouched.
func TestSeedIncomplete(t *testing.T) {
	t.Parallel()
	for _, sc := range seedCases(nil) {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			c := newSeedling(t, sc.rule)
			c.set("0003", func(r *row) { r.hired = day(t, 3) })
			c.set("0005", func(r *row) { r.email = "" })
			c.set("0006", func(r *row) { r.hired = "" })
			c.set("0007", func(r *row) { r.dept = "" })
			c.set("0009", func(r *row) { r.dept = "/总部/没有同事" })
			c.rows = c.rows[:9]
			c.save(t)
			golden(t, sc.name+"_first", c.apply(t))
			first := len(c.wecom.Effects())
			c.leave("0009")
			c.save(t)
			golden(t, sc.name+"_last_of_department_leaves", c.apply(t))
			if have := c.since(first); len(have) > 0 {
				t.Errorf("without a vote: %q", have)
			}
		})
	}
}

// TestSeedHidden reads the people from Feishu while the app lacks a permission:
// the rule that asks for what it hides ends with an error that names it, and
// nobody is touched, neither by a creation nor by an update. A rule that fails on
// everybody blocks the run.
func TestSeedHidden(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, rule, permission string
		exit, named            int
	}{
		// This permission shows who is suspended, too: without it nothing is read.
		{"hired", strings.ReplaceAll(hiredOnly, "hiredate", "join_time"), "contact:user.employee:readonly", 4, 1},
		{"tencent", noTencent, "contact:user.email:readonly", 3, 5},
		{"department", strings.ReplaceAll(department, "DeptID", "departments[0]"), "contact:user.department:readonly", 3, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			co, sim := feishuSeedling(t, c.rule+returns)
			co.apply(t)
			done := len(co.wecom.Effects())
			if have := co.since(0); len(have) != 4 {
				t.Fatalf("with every permission: %q, want four creations", have)
			}
			for _, u := range sim.Users() {
				if err := sim.UpdateUser(u.OpenID, func(u *feishusim.User) { u.Name += "改" }); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := sim.AddUser(feishusim.User{
				UserID: "u9", Name: "新人", EmployeeNo: "0009", Mobile: "13900000009", JoinTime: 1_500_000_000, Departments: sim.Users()[0].Departments,
			}); err != nil {
				t.Fatal(err)
			}
			sim.SetScopes(without(readScopes(), c.permission)...)
			out, exit := co.rollcall(t, "apply", "seed", "--person", "李敏")
			golden(t, "hidden_"+c.name, out)
			if len(co.wecom.Effects()) != done {
				t.Errorf("somebody is touched: %q", co.since(done))
			}
			if n := strings.Count(out, c.permission); exit != c.exit || n < c.named {
				t.Errorf("exit %d, want %d; the permission is named %d times, want %d", exit, c.exit, n, c.named)
			}
			sim.SetScopes(readScopes()...)
			co.apply(t)
			if have := co.since(done); len(have) != 5 {
				t.Errorf("once the permission is granted: %q, want four new names and one creation", have)
			}
		})
	}
}

// readScopes are the permissions that show everything that a flow reads.
func readScopes() []string {
	return []string{
		"contact:contact.base:readonly", "contact:department.organize:readonly", "contact:department.base:readonly",
		"contact:user.base:readonly", "contact:user.department:readonly", "contact:user.employee:readonly",
		"contact:user.employee_number:read", "contact:user.email:readonly", "contact:user.phone:readonly",
		"contact:user.employee_id:readonly", "contact:user.gender:readonly",
	}
}

// feishuSeedling is four people of a Feishu tenant.
func feishuSeedling(t *testing.T, rule string) (*seedling, *feishusim.Sim) {
	t.Helper()
	sim := feishusim.New(feishusim.Options{Now: time.Now, Scopes: readScopes()})
	srv := httptest.NewServer(sim.Handler())
	t.Cleanup(srv.Close)
	dept, err := sim.AddDepartment(feishusim.Department{Name: "研发部"})
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i <= 4; i++ {
		if _, err := sim.AddUser(feishusim.User{
			UserID: fmt.Sprintf("u%d", i), Name: fmt.Sprintf("员工%d", i), EmployeeNo: fmt.Sprintf("%04d", i), Mobile: fmt.Sprintf("1390000000%d", i),
			Email: fmt.Sprintf("s%d@xinghe.example", i), Departments: []string{dept.OpenID}, JobTitle: "工程师", JoinTime: 1_500_000_000,
		}); err != nil {
			t.Fatal(err)
		}
	}
	c := &seedling{dir: t.TempDir(), swift: swift(t), wecom: wecomsim.New(wecomsim.Options{CorpID: "ww-seed", RootName: "星河科技", Now: time.Now, OldIP: true})}
	c.write(t, "rule.js", rule)
	c.write(t, "totp", totpSecret+"\n")
	c.serve(t, fmt.Sprintf(`  hr: {type: feishu, app_id: %s, app_secret: %s, base_url: "%s"}`, sim.AppID(), sim.AppSecret(), srv.URL), "hr",
		`{userid: employee_no, name: name, mobile: mobile, email: email, department: departments, position: title}`)
	return c, sim
}
